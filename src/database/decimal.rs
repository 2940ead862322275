//! DECIMAL as row images hold it: nine digits in four bytes, big-endian, what is left of each side in fewer.
//!
//! The first bit is set for a number that is not negative; all bytes of a negative one are inverted. Printed as the server
//! prints it: no zeros before the first digit, as many digits after the point as the column has.

use std::fmt::Write;

use crate::database::cursor::{Cursor, Malformed};

/// Digits in a full group, and the bytes that they take.
const GROUP: (usize, usize) = (9, 4);

/// The bytes that fewer digits take.
const BYTES: [usize; 9] = [0, 1, 1, 2, 2, 3, 3, 4, 4];

/// The longest number is a sign, 65 digits and a point.
const LONGEST: usize = 67;

/// How many bytes a number takes; `None` if there is no such type.
pub(crate) fn width(precision: usize, scale: usize) -> Option<usize> {
    let size = |digits: usize| digits / GROUP.0 * GROUP.1 + BYTES[digits % GROUP.0];
    Some(size(precision.checked_sub(scale)?) + size(scale))
}

/// Takes a number off the image.
pub(crate) fn read(body: &mut Cursor, precision: usize, scale: usize) -> Result<String, Malformed> {
    let width = width(precision, scale).ok_or(body.malformed())?;
    let mut digits = Digits::new(body.take(width)?);
    let mut text = String::with_capacity(LONGEST.min(precision + 3));
    if digits.negative {
        text.push('-');
    }
    let whole = precision - scale;
    let mut begun = false;
    for count in std::iter::once(whole % GROUP.0).chain(std::iter::repeat_n(GROUP.0, whole / GROUP.0)) {
        let group = digits.take(count);
        if begun {
            let _ = write!(text, "{group:0count$}");
        } else if group > 0 {
            let _ = write!(text, "{group}");
            begun = true;
        }
    }
    if !begun {
        text.push('0');
    }
    if scale > 0 {
        text.push('.');
    }
    for count in std::iter::repeat_n(GROUP.0, scale / GROUP.0).chain([scale % GROUP.0]) {
        let group = digits.take(count);
        if count > 0 {
            let _ = write!(text, "{group:0count$}");
        }
    }
    // There is no negative zero.
    if digits.negative && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        text.remove(0);
    }
    Ok(text)
}

/// The groups of a number, from the front.
struct Digits<'a> {
    bytes: &'a [u8],
    negative: bool,
    first: bool,
}

impl<'a> Digits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let negative = bytes.first().is_some_and(|first| first & 0x80 == 0);
        Self { bytes, negative, first: true }
    }

    /// The next `count` digits as a number; digits that cannot be (more than nine) are cut.
    fn take(&mut self, count: usize) -> u32 {
        let size = if count == GROUP.0 { GROUP.1 } else { BYTES[count] };
        let (group, rest) = self.bytes.split_at(size.min(self.bytes.len()));
        self.bytes = rest;
        let mut number = 0_u32;
        for &byte in group {
            let mut plain = if self.negative { !byte } else { byte };
            if std::mem::take(&mut self.first) {
                plain ^= 0x80;
            }
            number = number << 8 | u32::from(plain);
        }
        number % 10_u32.pow(count as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql_common::binlog::decimal::Decimal;
    use proptest::prelude::*;

    fn text(bytes: &[u8], precision: usize, scale: usize) -> String {
        read(&mut Cursor::new(bytes, "test"), precision, scale).expect("reads")
    }

    #[test]
    fn the_manuals_own_example_reads_both_ways() {
        // 1234567890.1234 as DECIMAL(14,4), from the comment on decimal2bin in the server's strings/decimal.cc.
        let plus = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        let minus = plus.map(|byte: u8| !byte);
        assert_eq!(text(&plus, 14, 4), "1234567890.1234");
        assert_eq!(text(&minus, 14, 4), "-1234567890.1234");
    }

    #[test]
    fn zero_has_no_sign_and_keeps_its_places() {
        assert_eq!(text(&[0x80, 0], 3, 2), "0.00");
        assert_eq!(text(&[0x7f, 0xff], 3, 2), "0.00");
        assert_eq!(text(&[0x7f, 0xfe], 3, 2), "-0.01");
        assert!(read(&mut Cursor::new(&[0x80], "test"), 3, 2).is_err());
        assert!(read(&mut Cursor::new(&[0x80], "test"), 2, 3).is_err());
    }

    proptest! {
        /// The driver's reader, which is slower, is right for this type.
        #[test]
        fn every_number_reads_as_the_driver_reads_it(whole in "[1-9][0-9]{0,34}", part in "[0-9]{1,30}", minus: bool) {
            let said = format!("{}{whole}.{part}", if minus { "-" } else { "" });
            let decimal: Decimal = said.parse().expect("a decimal");
            let mut bytes = Vec::new();
            decimal.write_bin(&mut bytes).expect("memory");
            let (precision, scale) = (whole.len() + part.len(), part.len());
            prop_assert_eq!(text(&bytes, precision, scale), said);
        }
    }
}
