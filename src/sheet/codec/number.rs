//! Integers, decimals, floats, booleans and years.
//!
//! Functions that read a cell answer with the rule that it breaks, in words that follow the column's name.

use crate::model::cell::Cell;
use crate::model::schema::ColumnKind;
use crate::model::value::{Real, Value};
use crate::sheet::codec::locale::Locale;

/// Sheets keeps and shows 15 digits.
const DIGITS: u32 = 15;

/// Up to here a double tells every integer from its neighbours.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn shown_integer(n: i128) -> Cell {
    if n.unsigned_abs() < 10u128.pow(DIGITS) { Cell::number(n as f64) } else { Cell::Text(n.to_string()) }
}

pub(super) fn shown_decimal(digits: &str, kind: &ColumnKind, locale: Locale) -> Cell {
    let narrow = matches!(kind, ColumnKind::Decimal { precision, .. } if u32::from(*precision) <= DIGITS);
    match digits.parse::<f64>() {
        Ok(x) if narrow => Cell::number(x),
        _ => Cell::Text(digits.replace('.', locale.decimal().encode_utf8(&mut [0; 4]))),
    }
}

/// By the shortest text of the FLOAT, so that 0.1 is shown as 0.1 and not as 0.100000001490116.
pub(super) fn shown_float(x: Real) -> Cell {
    let shortest = (x.get() as f32).to_string();
    Cell::number(shortest.parse().unwrap_or(x.get()))
}

pub(super) fn integer(cell: &Cell, bits: u8, unsigned: bool, locale: Locale) -> Result<Value, String> {
    let (least, most) =
        if unsigned { (0, (1i128 << bits) - 1) } else { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) };
    let rule = || format!("must be a whole number from {least} to {most}");
    let n = whole(cell, locale)?.ok_or_else(rule)?;
    if n < least || n > most {
        return Err(rule());
    }
    Value::integer(n).ok_or_else(rule)
}

/// The whole number in a cell; an error only for one that Sheets has already rounded.
pub(super) fn whole(cell: &Cell, locale: Locale) -> Result<Option<i128>, String> {
    match cell {
        Cell::Number(x) if x.get().abs() > EXACT => {
            Err("has more digits than Sheets keeps: type it with an apostrophe in front".to_owned())
        }
        Cell::Number(x) => Ok((x.get().fract() == 0.0).then_some(x.get() as i128)),
        Cell::Text(s) => Ok(locale.plain_number(s).and_then(|plain| {
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
            fraction.bytes().all(|b| b == b'0').then(|| whole.parse().ok())?
        })),
        Cell::Blank | Cell::Bool(_) | Cell::Error(_) => Ok(None),
    }
}

pub(super) fn year(cell: &Cell, locale: Locale) -> Result<Value, String> {
    match whole(cell, locale)? {
        Some(n @ (0 | 1901..=2155)) => Ok(Value::Int(n as i64)),
        _ => Err("must be a year from 1901 to 2155".to_owned()),
    }
}

pub(super) fn boolean(cell: &Cell) -> Result<Value, String> {
    let rule = || "must be TRUE or FALSE (yes or no)".to_owned();
    match cell {
        Cell::Bool(b) => Ok(Value::Int(i64::from(*b))),
        // A TINYINT(1) may hold more than 0 and 1, and is shown as it is.
        Cell::Number(x) if x.get().fract() == 0.0 && (-128.0..=255.0).contains(&x.get()) => {
            Ok(Value::Int(x.get() as i64))
        }
        Cell::Text(s) => match s.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" | "x" => Ok(Value::Int(1)),
            "false" | "no" | "off" | "n" | "0" => Ok(Value::Int(0)),
            _ => Err(rule()),
        },
        Cell::Number(_) | Cell::Blank | Cell::Error(_) => Err(rule()),
    }
}

pub(super) fn decimal(
    cell: &Cell,
    precision: u8,
    scale: u8,
    unsigned: bool,
    locale: Locale,
) -> Result<Value, String> {
    let (scale, whole_digits) = (usize::from(scale), usize::from(precision.saturating_sub(scale)));
    let rule = || {
        let whole = if whole_digits == 0 { "0".to_owned() } else { "9".repeat(whole_digits) };
        let most =
            if scale == 0 { whole } else { format!("{whole}{}{}", locale.decimal(), "9".repeat(scale)) };
        let least = if unsigned { "0".to_owned() } else { format!("-{most}") };
        format!("must be a number from {least} to {most}")
    };
    let plain = match cell {
        Cell::Number(x) => Some(fifteen_digits(x.get())),
        Cell::Text(s) => locale.plain_number(s).filter(|plain| !plain.contains('e')),
        Cell::Blank | Cell::Bool(_) | Cell::Error(_) => None,
    };
    let digits = canonical(&plain.ok_or_else(rule)?, scale);
    let whole = digits.trim_start_matches('-').split('.').next().unwrap_or_default();
    let too_long = whole != "0" && whole.len() > whole_digits;
    if too_long || (unsigned && digits.starts_with('-')) {
        return Err(rule());
    }
    Ok(Value::Decimal(digits))
}

pub(super) fn float(cell: &Cell, locale: Locale) -> Result<Value, String> {
    let narrow = real(cell, locale).map(|x| x as f32).filter(|x| x.is_finite());
    narrow.map(|x| Value::Float(Real::new(f64::from(x)))).ok_or_else(|| real_rule(locale))
}

pub(super) fn double(cell: &Cell, locale: Locale) -> Result<Value, String> {
    real(cell, locale).map(|x| Value::Double(Real::new(x))).ok_or_else(|| real_rule(locale))
}

fn real(cell: &Cell, locale: Locale) -> Option<f64> {
    match cell {
        Cell::Number(x) => Some(x.get()),
        Cell::Text(s) => locale.plain_number(s)?.parse().ok().filter(|x: &f64| x.is_finite()),
        Cell::Blank | Cell::Bool(_) | Cell::Error(_) => None,
    }
}

fn real_rule(locale: Locale) -> String {
    format!("must be a number like 1{}5", locale.decimal())
}

/// A number as Sheets shows it: 15 digits, no exponent.
pub(super) fn fifteen_digits(x: f64) -> String {
    let scientific = format!("{x:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let point = exponent + 1;
    let plain = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if digits.len() as i32 <= point {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{whole}.{fraction}")
    };
    if digits.is_empty() { "0".to_owned() } else { format!("{sign}{plain}") }
}

/// Digits as the server prints them with a scale, more of them kept: the server rounds, and what it rounded goes back to
/// the sheet.
fn canonical(plain: &str, scale: usize) -> String {
    let (sign, unsigned) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let mut fraction = fraction.to_owned();
    while fraction.len() > scale && fraction.ends_with('0') {
        fraction.pop();
    }
    while fraction.len() < scale {
        fraction.push('0');
    }
    let zero = whole == "0" && fraction.bytes().all(|b| b == b'0');
    let sign = if zero { "" } else { sign };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_digits_that_people_see() {
        for (x, digits) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.001, "-0.001"),
            (0.1 + 0.2, "0.3"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e20, "100000000000000000000"),
            (100.0, "100"),
        ] {
            assert_eq!(fifteen_digits(x), digits);
        }
    }

    #[test]
    fn decimals_have_the_columns_scale_and_keep_what_the_server_will_round() {
        for (plain, scale, digits) in [
            ("1.5", 2, "1.50"),
            ("1.239", 2, "1.239"),
            ("-0.000", 2, "0.00"),
            ("007", 0, "7"),
            ("-.5", 1, "-0.5"),
            ("5.00", 0, "5"),
        ] {
            assert_eq!(canonical(plain, scale), digits);
        }
    }
}
