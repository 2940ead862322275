//! A1 notation: `Sheet1!A1:B2`, `'It''s'!A:C`, `R1C1`, and the names of tabs.

use super::{Area, OpenArea};

/// A range as written: perhaps a tab's title, perhaps a rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct A1 {
    /// The title before the `!`, or the whole text where it was quoted; without quotes.
    pub title: Option<String>,
    /// The rectangle; `None` for the whole tab.
    pub area: Option<OpenArea>,
}

/// The letters of a column: 0 is `A`.
pub fn column_letters(column: u32) -> String {
    let mut rest = column + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// The number of a column: `A` is 0. `None` if it is not one to three letters.
pub fn column_number(letters: &str) -> Option<u32> {
    if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let number =
        letters.bytes().fold(0, |sum, byte| sum * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1);
    Some(number - 1)
}

/// Reads A1 or R1C1 notation. A bare word that is no range comes back as a title; the caller looks for a named range
/// of that name first.
pub fn parse_a1(text: &str) -> Option<A1> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (title, rest) = quoted(rest)?;
        return match rest.strip_prefix('!') {
            Some(range) => Some(A1 { title: Some(title), area: Some(parse_area(range)?) }),
            None if rest.is_empty() => Some(A1 { title: Some(title), area: None }),
            None => None,
        };
    }
    if let Some((title, range)) = text.rsplit_once('!') {
        return Some(A1 { title: Some(title.to_owned()), area: Some(parse_area(range)?) });
    }
    Some(match parse_area(text) {
        Some(area) => A1 { title: None, area: Some(area) },
        None => A1 { title: Some(text.to_owned()), area: None },
    })
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut title = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, letter)) = chars.next() {
        if letter != '\'' {
            title.push(letter);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            title.push('\'');
        } else {
            return Some((title, &text[at + 1..]));
        }
    }
    None
}

fn parse_area(text: &str) -> Option<OpenArea> {
    let (first, second) = match text.split_once(':') {
        Some((first, second)) => (corner(first)?, Some(corner(second)?)),
        None => (corner(text)?, None),
    };
    let Some(second) = second else {
        // One corner alone is one cell; `A` or `3` alone is not a range.
        let (row, column) = (first.0?, first.1?);
        return Some(Area::cell(row, column).into());
    };
    let sides = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b) + 1)),
        (Some(a), None) | (None, Some(a)) => (Some(a), None),
        (None, None) => (None, None),
    };
    let ((top, bottom), (left, right)) = (sides(first.0, second.0), sides(first.1, second.1));
    Some(OpenArea { top, left, bottom, right })
}

/// Row and column of `B3`, `B`, `3`, `$B$3` or `R3C2`.
fn corner(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    if let Some(found) = r1c1(text) {
        return Some(found);
    }
    let text = text.strip_prefix('$').unwrap_or(text);
    let split = text.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (letters, digits) = text.split_at(split);
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    let column = if letters.is_empty() { None } else { Some(column_number(letters)?) };
    let row = if digits.is_empty() { None } else { Some(one_based(digits)?) };
    (row.is_some() || column.is_some()).then_some((row, column))
}

fn r1c1(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let rest = text.strip_prefix(['R', 'r'])?;
    let (row, column) = rest.split_once(['C', 'c'])?;
    Some((Some(one_based(row)?), Some(one_based(column)?)))
}

fn one_based(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u32>().ok()?.checked_sub(1)
}

/// A title as it stands before the `!`: quoted where it needs it.
pub fn quote_title(title: &str) -> String {
    let plain = title.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !title.starts_with(|letter: char| letter.is_ascii_digit())
        && !title.is_empty()
        && corner(title).is_none();
    if plain { title.to_owned() } else { format!("'{}'", title.replace('\'', "''")) }
}

/// A bounded rectangle with its tab's title, as Google normalises it.
pub fn print_a1(title: &str, area: Area) -> String {
    let cell = |row: u32, column: u32| format!("{}{}", column_letters(column), row + 1);
    let first = cell(area.top, area.left);
    if area.is_one_cell() {
        return format!("{}!{first}", quote_title(title));
    }
    let last = cell(area.bottom.max(1) - 1, area.right.max(1) - 1);
    format!("{}!{first}:{last}", quote_title(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_numbers_agree_up_to_the_last_column() {
        for column in 0..18_278 {
            assert_eq!(column_number(&column_letters(column)), Some(column));
        }
        assert_eq!(column_letters(18_277), "ZZZ");
    }

    #[test]
    fn ranges_are_read_as_google_reads_them() {
        let area = |text: &str| parse_a1(text).expect("is read").area.expect("has a rectangle");
        assert_eq!(area("D4:A1"), Area::new(0, 0, 4, 4).into());
        assert_eq!(
            area("Sheet1!A2:2"),
            OpenArea { top: Some(1), left: Some(0), bottom: Some(2), right: None }
        );
        assert_eq!(area("A1:C"), OpenArea { top: Some(0), left: Some(0), bottom: None, right: Some(3) });
        assert_eq!(area("R2C3"), Area::cell(1, 2).into());
        assert_eq!(parse_a1("'It''s'").expect("is read"), A1 { title: Some("It's".into()), area: None });
        assert_eq!(parse_a1("'It''s'!B2").expect("is read").title.as_deref(), Some("It's"));
        assert_eq!(parse_a1("Prices").expect("is read").area, None);
        assert_eq!(parse_a1("Sheet1![1, 2]"), None);
    }

    #[test]
    fn titles_are_quoted_where_they_need_it() {
        assert_eq!(print_a1("Sheet1", Area::new(0, 0, 1000, 26)), "Sheet1!A1:Z1000");
        assert_eq!(print_a1("It's", Area::cell(0, 0)), "'It''s'!A1");
        assert_eq!(print_a1("🌵 1", Area::cell(0, 0)), "'🌵 1'!A1");
    }
}
