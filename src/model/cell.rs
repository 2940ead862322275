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
        let (tag, body): (u8, &[u8]) = match self {
            _ if self.is_blank() => (0, &[]),
            Self::Number(x) => return Digest::of(&[&[1], fifteen_digits(*x).as_bytes()].concat()),
            Self::Text(s) => (2, s.as_bytes()),
            Self::Bool(b) => (3, if *b { &[1] } else { &[0] }),
            Self::Error(s) => (4, s.as_bytes()),
            Self::Blank => (0, &[]),
        };
        Digest::of(&[&[tag], body].concat())
    }
}

/// The number as 15 significant digits.
fn fifteen_digits(x: Real) -> String {
    format!("{:.14e}", x.get())
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
