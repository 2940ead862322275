//! `dec()`: decimal numbers that compare.
//!
//! The rules' language has doubles, which 0.10 and a DECIMAL of 65 digits are not. So `dec("12.50")` is a text whose order, letter
//! by letter, is the order of the numbers: `dec(db) > dec(sheet)` is exact, and `dec("1.5") == dec("1.50")`.

use cel::extractors::Arguments;
use cel::{ExecutionError, Value};
use std::sync::Arc;

pub(super) fn dec(Arguments(arguments): Arguments) -> Result<Value, ExecutionError> {
    let wrong = || ExecutionError::function_error("dec", "it takes one decimal number");
    let text = match arguments.as_slice() {
        [Value::String(text)] => text.to_string(),
        [Value::Int(n)] => n.to_string(),
        [Value::UInt(n)] => n.to_string(),
        _ => return Err(wrong()),
    };
    sortable(&text).map(|text| Value::String(Arc::new(text))).ok_or_else(wrong)
}

/// The sign, how many digits stand before the point, and the digits; of negative numbers all of it the other way round.
fn sortable(text: &str) -> Option<String> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || whole.len() > 999 {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let size = format!("{:03}{whole}.{fraction}", whole.len());
    if !negative || (whole.is_empty() && fraction.is_empty()) {
        return Some(format!("p{size}"));
    }
    let turned = size.chars().map(|c| c.to_digit(10).and_then(|d| char::from_digit(9 - d, 10)).unwrap_or(c));
    // After every digit, so that the longer number is the smaller one.
    Some(format!("n{}~", turned.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_texts_is_the_order_of_the_numbers() {
        let ascending = [
            "-100.5", "-100", "-99.99", "-1.55", "-1.5", "-0.01", "0", "0.09", "0.1", "1", "9.5", "10",
            "10.01",
        ];
        let texts: Vec<String> = ascending.iter().map(|text| sortable(text).expect("a number")).collect();
        for pair in texts.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        for (a, b) in [("1.5", "1.50"), ("-0.0", "0"), ("007", "7"), ("-2.0", "-2")] {
            assert_eq!(sortable(a), sortable(b));
        }
        for bad in ["", "-", ".5", "1e3", "1,5", "one"] {
            assert_eq!(sortable(bad), None, "{bad}");
        }
    }
}
