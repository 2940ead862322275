//! A formula's text in pieces.

use crate::grid::{column_letters, column_number, quote_title};

/// A corner of a reference: column and row, each perhaps fixed with `$`, one of them perhaps missing (`A:A`, `2:2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corner {
    pub(super) column: Option<(u32, bool)>,
    pub(super) row: Option<(u32, bool)>,
}

/// A reference to cells, perhaps of another tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) title: Option<String>,
    pub(super) first: Corner,
    pub(super) last: Option<Corner>,
}

impl Reference {
    /// The text of it.
    pub(super) fn print(&self) -> String {
        let corner = |corner: &Corner| {
            let mark = |fixed: bool| if fixed { "$" } else { "" };
            let column = corner.column.map(|(at, fixed)| format!("{}{}", mark(fixed), column_letters(at)));
            let row = corner.row.map(|(at, fixed)| format!("{}{}", mark(fixed), at + 1));
            format!("{}{}", column.unwrap_or_default(), row.unwrap_or_default())
        };
        let title = self.title.as_deref().map(|title| format!("{}!", quote_title(title))).unwrap_or_default();
        match &self.last {
            Some(last) => format!("{title}{}:{}", corner(&self.first), corner(last)),
            None => format!("{title}{}", corner(&self.first)),
        }
    }
}

/// A piece of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Reference(Reference),
    Name(String),
    Sign(char),
    /// `#REF!` as it stands in a formula whose cells are gone.
    Lost,
}

/// Cuts a formula (without its `=`) into pieces with their places in the text; `None` if it cannot be read.
pub(super) fn cut(text: &str) -> Option<Vec<(std::ops::Range<usize>, Token)>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let start = at;
        let token = match letter {
            ' ' | '\t' | '\n' => {
                at += 1;
                continue;
            }
            '"' => {
                let (string, end) = string(text, at)?;
                at = end;
                Token::Text(string)
            }
            '+' | '-' | '*' | '/' | '(' | ')' | ',' | ';' | '&' => {
                at += 1;
                Token::Sign(letter)
            }
            '#' if text[at..].starts_with("#REF!") => {
                at += 5;
                Token::Lost
            }
            _ => {
                let (token, end) = word(text, at)?;
                at = end;
                token
            }
        };
        pieces.push((start..at, token));
    }
    Some(pieces)
}

fn string(text: &str, start: usize) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut letters = text[start + 1..].char_indices().peekable();
    while let Some((offset, letter)) = letters.next() {
        if letter != '"' {
            out.push(letter);
        } else if letters.next_if(|(_, next)| *next == '"').is_some() {
            out.push('"');
        } else {
            return Some((out, start + 1 + offset + 1));
        }
    }
    None
}

fn word(text: &str, start: usize) -> Option<(Token, usize)> {
    let (title, at) = match title(text, start) {
        Some((title, at)) => (Some(title), at),
        None => (None, start),
    };
    let plain = |letter: char| letter.is_alphanumeric() || letter == '$' || letter == '_' || letter == '.';
    let run = |from: usize| from + text[from..].find(|letter| !plain(letter)).unwrap_or(text.len() - from);
    let end = run(at);
    let first = &text[at..end];
    if title.is_none()
        && first.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
        && !text[end..].starts_with(':')
    {
        return number(text, at);
    }
    if text[end..].starts_with(':') {
        let last_end = run(end + 1);
        if let (Some(first), Some(last)) = (corner(first), corner(&text[end + 1..last_end])) {
            return Some((Token::Reference(Reference { title, first, last: Some(last) }), last_end));
        }
        return None;
    }
    match corner(first).filter(|corner| corner.row.is_some() && corner.column.is_some()) {
        Some(first) if !text[end..].starts_with('(') => {
            Some((Token::Reference(Reference { title, first, last: None }), end))
        }
        _ if title.is_none() && !first.is_empty() => Some((Token::Name(first.to_owned()), end)),
        _ => None,
    }
}

/// A tab's title with its `!`, quoted or not.
fn title(text: &str, start: usize) -> Option<(String, usize)> {
    if let Some(rest) = text[start..].strip_prefix('\'') {
        let close = rest.replace("''", "\u{1}\u{1}").find('\'')?;
        let end = start + 1 + close + 1;
        return text[end..].starts_with('!').then(|| (rest[..close].replace("''", "'"), end + 1));
    }
    let end = start + text[start..].find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    (end > start && text[end..].starts_with('!')).then(|| (text[start..end].to_owned(), end + 1))
}

fn number(text: &str, start: usize) -> Option<(Token, usize)> {
    let bytes = text.as_bytes();
    let mut end = start;
    while end < bytes.len() {
        let exponent_sign =
            matches!(bytes[end], b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E') && end > start;
        if bytes[end].is_ascii_digit() || matches!(bytes[end], b'.' | b'e' | b'E') || exponent_sign {
            end += 1;
        } else {
            break;
        }
    }
    Some((Token::Number(text[start..end].parse().ok()?), end))
}

fn corner(text: &str) -> Option<Corner> {
    let (fixed_column, rest) = text.strip_prefix('$').map_or((false, text), |rest| (true, rest));
    let split = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (letters, digits) = rest.split_at(split);
    // `$2` has its mark before the row.
    let (fixed_row, digits) = match digits.strip_prefix('$') {
        Some(digits) => (true, digits),
        None => (letters.is_empty() && fixed_column, digits),
    };
    let column = if letters.is_empty() { None } else { Some((column_number(letters)?, fixed_column)) };
    let row = match digits {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((digits.parse::<u32>().ok()?.checked_sub(1)?, fixed_row))
        }
        _ => return None,
    };
    (column.is_some() || row.is_some()).then_some(Corner { column, row })
}
