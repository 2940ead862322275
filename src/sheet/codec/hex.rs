//! Bytes and bits as `0x` and hex digits.

use std::fmt::Write as _;

use crate::model::cell::Cell;
use crate::model::value::Value;
use crate::sheet::codec::locale::Locale;
use crate::sheet::codec::number::whole;
use crate::sheet::codec::text::shown_as_is;

pub(super) fn shown(bytes: &[u8]) -> Cell {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    shown_as_is(&text)
}

pub(super) fn shown_bits(n: u64, bits: u8) -> Cell {
    Cell::Text(format!("0x{n:0width$x}", width = usize::from(bits.div_ceil(8)) * 2))
}

pub(super) fn bytes(cell: &Cell, length: u64, fixed: bool) -> Result<Value, String> {
    let rule = || format!("must be 0x and at most {length} pairs of hex digits, like 0x00ff");
    let Cell::Text(text) = cell else {
        return Err(rule());
    };
    let mut bytes = parse(text.trim()).ok_or_else(rule)?;
    if bytes.len() as u64 > length {
        return Err(rule());
    }
    if fixed {
        // As the server pads BINARY(n).
        bytes.resize(length as usize, 0);
    }
    Ok(Value::Bytes(bytes))
}

pub(super) fn bits(cell: &Cell, bits: u8) -> Result<Value, String> {
    let most = u64::MAX >> (64 - u32::from(bits.clamp(1, 64)));
    let rule = || format!("must be 0x and hex digits, from 0x0 to 0x{most:x}");
    let n = match cell {
        Cell::Text(text) if text.trim().starts_with("0x") => u64::from_str_radix(&text.trim()[2..], 16).ok(),
        // A plain number has no commas here, so any locale reads it.
        other => whole(other, Locale::new("en"))?.and_then(|n| u64::try_from(n).ok()),
    };
    let n = n.filter(|n| *n <= most).ok_or_else(rule)?;
    Value::integer(i128::from(n)).ok_or_else(rule)
}

fn parse(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.len() % 2 != 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok()).collect()
}
