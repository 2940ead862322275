//! SQL text as words: enough to tell which tables a statement names. Strings and plain comments are passed over;
//! what stands in `/*!50000 … */` or `/*M!100100 … */` is executed by the server, so it is read.

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A keyword, a plain name, a number.
    Plain(String),
    /// A name in backticks, or in double quotes (which may as well be a string).
    Quoted(String),
    /// A string in single quotes or a hex literal, its content left out.
    Text,
    /// Anything else.
    Sign(char),
}

impl Word {
    /// True for this keyword, in any letter case.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Plain(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// The name, if it can be one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Plain(name) | Self::Quoted(name) => Some(name),
            Self::Text | Self::Sign(_) => None,
        }
    }
}

/// The words of a statement.
pub(crate) fn words(sql: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            _ if c.is_whitespace() => &rest[c.len_utf8()..],
            '#' => after(rest, "\n"),
            '-' if is_dashed_comment(rest) => after(rest, "\n"),
            '/' if rest.starts_with("/*") => comment(rest),
            '*' if rest.starts_with("*/") => &rest[2..],
            '`' | '"' | '\'' => {
                let (content, more) = quoted(rest, c);
                words.push(if c == '\'' { Word::Text } else { Word::Quoted(content) });
                more
            }
            _ if is_name(c) => {
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                words.push(Word::Plain(rest[..end].to_owned()));
                &rest[end..]
            }
            _ => {
                words.push(Word::Sign(c));
                &rest[c.len_utf8()..]
            }
        };
    }
    words
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$') || c as u32 >= 0x80
}

/// Two dashes begin a comment only before a blank.
fn is_dashed_comment(rest: &str) -> bool {
    rest.strip_prefix("--").is_some_and(|more| more.chars().next().is_none_or(char::is_whitespace))
}

fn after<'a>(rest: &'a str, end: &str) -> &'a str {
    rest.find(end).map_or("", |at| &rest[at + end.len()..])
}

/// Skips a comment, or only the opening of one that the server executes.
fn comment(rest: &str) -> &str {
    let executed = rest.strip_prefix("/*M!").or_else(|| rest.strip_prefix("/*!"));
    match executed {
        Some(inner) => inner.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => after(&rest[2..], "*/"),
    }
}

/// The content of a quoted piece, doubled quotes single, and what follows. Backslashes escape in strings only.
fn quoted(rest: &str, quote: char) -> (String, &str) {
    let mut content = String::new();
    let mut characters = rest[1..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            if characters.next_if(|&(_, next)| next == quote).is_none() {
                return (content, &rest[1 + at + 1..]);
            }
            content.push(c);
        } else if c == '\\' && quote != '`' {
            characters.next();
        } else {
            content.push(c);
        }
    }
    (content, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_strings_and_quotes_are_told_apart() {
        let plain = |s: &str| Word::Plain(s.into());
        let sql = "/* x */ ALTER /*!50100 TABLE */ `a``b`.\"t\" -- c\n ADD c1 INT DEFAULT 'it''s \\'x' # end";
        let expected = [
            plain("ALTER"),
            plain("TABLE"),
            Word::Quoted("a`b".into()),
            Word::Sign('.'),
            Word::Quoted("t".into()),
            plain("ADD"),
            plain("c1"),
            plain("INT"),
            plain("DEFAULT"),
            Word::Text,
        ];
        assert_eq!(words(sql), expected);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(sql in "\\PC*") {
            words(&sql);
        }
    }
}
