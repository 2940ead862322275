//! MySQL's binary JSON, printed as the server prints it (`CAST(c AS CHAR)`): keys in stored order, `", "` and `": "` between.
//!
//! Format: MySQL's `sql-common/json_binary.h`. A value is a type byte and a body; objects and arrays hold tables of offsets
//! from their own start, and small literals stand in the table itself.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fmt::Write;

use crate::database::cursor::{Cursor, Malformed};
use crate::database::decimal;
use crate::model::temporal::{Date, DateTime, Time};

/// The server allows 100 levels.
const DEEPEST: usize = 128;
const WRONG: Malformed = Malformed("binary JSON");

/// The text of a JSON column's bytes. No bytes at all are the `null` literal, as `INSERT IGNORE` leaves it.
pub(crate) fn text(bytes: &[u8]) -> Result<String, Malformed> {
    let Some((&kind, body)) = bytes.split_first() else {
        return Ok("null".into());
    };
    let mut out = String::with_capacity(bytes.len() * 2);
    value(&mut out, kind, body, 0)?;
    Ok(out)
}

fn value(out: &mut String, kind: u8, body: &[u8], depth: usize) -> Result<(), Malformed> {
    if depth > DEEPEST {
        return Err(WRONG);
    }
    let mut cursor = Cursor::new(body, "binary JSON");
    match kind {
        0..=3 => container(out, kind, body, depth)?,
        4 => out.push_str(match cursor.byte()? {
            0 => "null",
            1 => "true",
            2 => "false",
            _ => return Err(WRONG),
        }),
        5 => number(out, i16::from_le_bytes(cursor.array()?)),
        6 => number(out, u16::from_le_bytes(cursor.array()?)),
        7 => number(out, i32::from_le_bytes(cursor.array()?)),
        8 => number(out, u32::from_le_bytes(cursor.array()?)),
        9 => number(out, i64::from_le_bytes(cursor.array()?)),
        10 => number(out, u64::from_le_bytes(cursor.array()?)),
        11 => double(out, f64::from_le_bytes(cursor.array()?)),
        12 => {
            let bytes = varied(&mut cursor)?;
            quoted(out, std::str::from_utf8(bytes).map_err(|_| WRONG)?);
        }
        15 => {
            let inner = cursor.byte()?;
            opaque(out, inner, varied(&mut cursor)?)?;
        }
        _ => return Err(WRONG),
    }
    Ok(())
}

fn number(out: &mut String, n: impl std::fmt::Display) {
    let _ = write!(out, "{n}");
}

/// A length in groups of seven bits, the low ones first, then that many bytes.
fn varied<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let mut length = 0_usize;
    for group in 0..5 {
        let byte = cursor.byte()?;
        length |= usize::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return cursor.take(length);
        }
    }
    Err(WRONG)
}

/// Objects (0 small, 1 large) and arrays (2, 3): counts and offsets have two bytes in small ones and four in large ones.
fn container(out: &mut String, kind: u8, body: &[u8], depth: usize) -> Result<(), Malformed> {
    let width = if kind & 1 == 0 { 2 } else { 4 };
    let object = kind < 2;
    let mut head = Cursor::new(body, "binary JSON");
    let count = head.length(width)?;
    let size = head.length(width)?;
    let body = body.get(..size).ok_or(WRONG)?;
    let keys = if object { head.take(count.checked_mul(width + 2).ok_or(WRONG)?)? } else { &[] };
    let mut keys = Cursor::new(keys, "binary JSON");
    out.push(if object { '{' } else { '[' });
    for i in 0..count {
        if i > 0 {
            out.push_str(", ");
        }
        if object {
            let (offset, length) = (keys.length(width)?, keys.length(2)?);
            let end = offset.checked_add(length).ok_or(WRONG)?;
            let key = body.get(offset..end).ok_or(WRONG)?;
            quoted(out, std::str::from_utf8(key).map_err(|_| WRONG)?);
            out.push_str(": ");
        }
        let inner = head.byte()?;
        let slot = head.take(width)?;
        let inlined = matches!(inner, 4..=6) || width == 4 && matches!(inner, 7 | 8);
        if inlined {
            value(out, inner, slot, depth + 1)?;
        } else {
            let offset = Cursor::new(slot, "binary JSON").length(width)?;
            value(out, inner, body.get(offset..).ok_or(WRONG)?, depth + 1)?;
        }
    }
    out.push(if object { '}' } else { ']' });
    Ok(())
}

/// The server's escapes: the named ones, `\u00xx` for other control characters, nothing else.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A double as the server's `my_gcvt` prints it (strings/dtoa.cc): shortest digits; `1.5e20` below 1e-15, and from 1e15 on
/// unless digits are left behind the point; a plain whole number gets its `.0`.
fn double(out: &mut String, x: f64) {
    let scientific = shortest(x);
    let parts = scientific.split_once('e').and_then(|(m, e)| Some((m, e.parse::<i32>().ok()?)));
    let Some((mantissa, exponent)) = parts else {
        return out.push_str(&scientific);
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let behind = digits.len() as i32 - 1 - exponent;
    if exponent < -15 || exponent > 14 && behind <= 0 {
        return out.push_str(&scientific);
    }
    out.push_str(if x.is_sign_negative() { "-" } else { "" });
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    let _ = match digits.split_at_checked(whole) {
        Some(("", fraction)) => write!(out, "0.{fraction:0>places$}", places = behind as usize),
        Some((ahead, fraction)) => write!(out, "{ahead}.{fraction:0<1}"),
        None => write!(out, "{digits:0<whole$}.0"),
    };
}

/// The fewest digits that read back as `x`, as `1.5e20`. Where two are as near, the server takes the even one and Rust's
/// shortest the upper one; Rust rounds to a given number of digits as the server does.
fn shortest(x: f64) -> String {
    let upper = format!("{x:e}");
    let mantissa = upper.split_once('e').map_or(upper.as_str(), |(mantissa, _)| mantissa);
    let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let nearest = format!("{x:.places$e}");
    if nearest.parse() == Ok(x) { nearest } else { upper }
}

/// SQL values inside JSON: decimals as digits, dates and times as text with six digits of fraction, all else in base64.
fn opaque(out: &mut String, kind: u8, data: &[u8]) -> Result<(), Malformed> {
    let packed = || data.try_into().map(i64::from_le_bytes).map_err(|_| WRONG);
    match kind {
        246 => {
            let mut packed = Cursor::new(data, "binary JSON");
            let (precision, scale) = (packed.length(1)?, packed.length(1)?);
            out.push_str(&decimal::read(&mut packed, precision, scale)?);
        }
        10 => {
            let _ = write!(out, "\"{}\"", unpack(packed()?).date);
        }
        7 | 12 => {
            let at = unpack(packed()?);
            let _ = write!(out, "\"{:.19}.{:06}\"", at.to_string(), at.micros);
        }
        11 => {
            let at = unpack_time(packed()?);
            let text = at.to_string();
            let whole = text.split('.').next().unwrap_or(&text);
            let _ = write!(out, "\"{whole}.{:06}\"", at.micros.unsigned_abs() % 1_000_000);
        }
        _ => {
            let _ = write!(out, "\"base64:type{kind}:{}\"", BASE64_STANDARD.encode(data));
        }
    }
    Ok(())
}

/// The server's packed dates: DATETIME's 40 bits above 24 bits of microseconds.
fn unpack(packed: i64) -> DateTime {
    let all = packed.unsigned_abs();
    let (whole, micros) = (all >> 24, (all & 0xff_ffff) as u32);
    let months = whole >> 22;
    DateTime {
        date: Date { year: (months / 13) as u16, month: (months % 13) as u8, day: (whole >> 17 & 31) as u8 },
        hour: (whole >> 12 & 31) as u8,
        minute: (whole >> 6 & 63) as u8,
        second: (whole & 63) as u8,
        micros,
    }
}

fn unpack_time(packed: i64) -> Time {
    let all = packed.unsigned_abs();
    let whole = all >> 24;
    let seconds = (whole >> 12 & 1023) * 3600 + (whole >> 6 & 63) * 60 + (whole & 63);
    let micros = (seconds * 1_000_000 + (all & 0xff_ffff)) as i64;
    Time { micros: packed.signum() * micros }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(x: f64) -> String {
        let mut out = String::new();
        double(&mut out, x);
        out
    }

    #[test]
    fn doubles_are_printed_as_the_server_prints_them() {
        let said = [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (0.0, "0.0"),
            (1e14, "100000000000000.0"),
            (1e15, "1e15"),
            (1.5e300, "1.5e300"),
            (1e-15, "0.000000000000001"),
            (1e-16, "1e-16"),
            (11_133_608_457_240_570.0_f64 / 8.0, "1391701057155071.2"),
            (1_234_567_890_123_456.0, "1.234567890123456e15"),
        ];
        for (x, text) in said {
            assert_eq!(printed(x), text);
        }
    }

    #[test]
    fn an_object_with_inlined_and_far_values_is_printed_in_stored_order() {
        // {"a": 1, "b": "x"}: 2 members, 26 bytes.
        let bytes = [0, 2, 0, 22, 0, 18, 0, 1, 0, 19, 0, 1, 0, 5, 1, 0, 12, 20, 0, b'a', b'b', 1, b'x'];
        assert_eq!(text(&bytes).expect("reads"), r#"{"a": 1, "b": "x"}"#);
        assert_eq!(text(&[]).expect("reads"), "null");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = text(&bytes);
        }
    }
}
