//! What a sheet's cell holds, as `effectiveValue` tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::value::Real;

/// The content of one cell. Numbers are doubles of which Sheets keeps and shows 15 digits; dates are numbers (serials).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cell {
    /// Nothing in it.
    Blank,
    /// A number, also a date's serial: days since 1899-12-30 in wall time.
    Number(Real),
    /// Text, at most 50,000 characters.
    Text(String),
    /// A checkbox or TRUE/FALSE.
    Bool(bool),
    /// An error value such as `#REF!`: it never reaches the table.
    Error(String),
}

impl Cell {
    /// A number cell.
    pub fn number(x: f64) -> Self {
        Self::Number(Real::new(x))
    }

    /// True for a blank cell and for the empty text, which people cannot tell apart.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Blank => true,
            Self::Text(s) => s.is_empty(),
            Self::Number(_) | Self::Bool(_) | Self::Error(_) => false,
        }
    }

    /// The fingerprint that base keeps of the sheet's side. Blank and empty text are one; of a number the 15 digits count that
    /// Sheets keeps, so that a date's serial is the same number however many digits an answer spells.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Blank => tagged(0, &[]),
            Self::Number(x) => fifteen_digits(*x, |digits| tagged(1, digits)),
            Self::Text(s) => tagged(if s.is_empty() { 0 } else { 2 }, s.as_bytes()),
            Self::Bool(b) => tagged(3, &[u8::from(*b)]),
            Self::Error(s) => tagged(4, s.as_bytes()),
        }
    }
}

/// The digest of a tag and a body. A sweep asks for every cell of a tab: most are short, and ask for no memory.
fn tagged(tag: u8, body: &[u8]) -> Digest {
    let mut bytes = [tag; 64];
    if let Some(place) = bytes.get_mut(1..=body.len()) {
        place.copy_from_slice(body);
        return Digest::of(&bytes[..=body.len()]);
    }
    Digest::of(&[&[tag], body].concat())
}

/// Does something with the number as 15 significant digits.
fn fifteen_digits<T>(x: Real, what: impl FnOnce(&[u8]) -> T) -> T {
    let x = x.get();
    let size = x.abs();
    if !(1.0..1e15).contains(&size) || size.fract() != 0.0 {
        return what(format!("{x:.14e}").as_bytes());
    }
    // Most numbers are whole: the same text without the search for it.
    let (mut digits, mut rest, mut count) = ([b'0'; 15], size as u64, 0);
    while rest > 0 {
        count += 1;
        digits[15 - count] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits.rotate_left(15 - count);
    let mut text = *b"-0.00000000000000e00";
    text[1] = digits[0];
    text[3..17].copy_from_slice(&digits[1..]);
    text[18] += ((count - 1) / 10) as u8;
    text[19] += ((count - 1) % 10) as u8;
    if count <= 10 {
        text.swap(18, 19);
    }
    let end = if count > 10 { 20 } else { 19 };
    what(&text[usize::from(x >= 0.0)..end])
}

/// Debug names the kind and never the content: cells reach no log (house rule).
impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("blank"),
            Self::Number(_) => f.write_str("number"),
            Self::Text(s) => write!(f, "text of {} bytes", s.len()),
            Self::Bool(_) => f.write_str("boolean"),
            Self::Error(s) => write!(f, "error {s}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_first_fifteen_digits() {
        let serial = 46_244.580_555_555_56;
        assert_eq!(Cell::number(serial).digest(), Cell::number(46_244.580_555_555_555).digest());
        assert_ne!(Cell::number(serial).digest(), Cell::number(46_244.580_555_555_7).digest());
        assert_eq!(Cell::number(0.1 + 0.2).digest(), Cell::number(0.3).digest());
    }

    #[test]
    fn whole_numbers_are_spelled_as_all_others_are() {
        let powers = (0..17).map(|power| 10_f64.powi(power));
        let near = powers.flat_map(|power| [power - 1.0, power, power + 1.0, power * 1.5, power * 4.2]);
        for x in near.flat_map(|x| [x, -x]) {
            let x = Real::new(x);
            fifteen_digits(x, |digits| assert_eq!(digits, format!("{:.14e}", x.get()).as_bytes()));
        }
    }

    #[test]
    fn blank_and_empty_text_are_one_and_no_other_cells_are() {
        assert_eq!(Cell::Blank.digest(), Cell::Text(String::new()).digest());
        let others = [
            Cell::number(1.0),
            Cell::Text("1".into()),
            Cell::Bool(true),
            Cell::Error("1".into()),
            Cell::Blank,
        ];
        for (i, a) in others.iter().enumerate() {
            for b in &others[i + 1..] {
                assert_ne!(a.digest(), b.digest(), "{a:?} {b:?}");
            }
        }
    }
}
