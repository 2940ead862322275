//! Is a row inside of a link's filter? The server answers the same question in the WHERE of a copy, and must say the same: what
//! can be asked is told in [`crate::model::filter`], and a test on real servers compares the two on random rows.

use std::cmp::Ordering;

use crate::model::filter::{Comparison, Filter, Test};
use crate::model::value::Value;

/// What the person hears who gives a row the key of a record that the tab does not show.
pub(super) const OUTSIDE: &str = "a record with this key exists, and the link's filter leaves it out of this tab: give the row another key";

/// What the person hears whose row the tab does not show any more.
pub(super) const LEAVES: &str =
    "it is in the table, and leaves this tab: the link's filter does not show such rows";

/// True when every condition holds. `row`: the values of all columns of the table, in its order; a column that the row lacks
/// counts as NULL.
pub fn admits(filter: &Filter, row: &[Value]) -> bool {
    filter.0.iter().all(|check| holds(&check.test, row.get(check.place).unwrap_or(&Value::Null)))
}

/// SQL's three values, of which unknown counts as false.
fn holds(test: &Test<Value>, value: &Value) -> bool {
    match test {
        Test::Null => value.is_null(),
        Test::NotNull => !value.is_null(),
        Test::IsNot(other) => order(value, other) != Some(Ordering::Equal),
        Test::In(others) => others.iter().any(|other| order(value, other) == Some(Ordering::Equal)),
        Test::Compare(comparison, other) => order(value, other).is_some_and(|order| match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::Unequal => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }),
    }
}

/// How two values of one kind stand to each other; `None` where one is NULL.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Decimal(a), Value::Decimal(b)) => Some(decimals(a, b)),
        (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.micros.cmp(&b.micros)),
        (a, b) => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(n) => Some((*n).into()),
        Value::UInt(n) => Some((*n).into()),
        _ => None,
    }
}

/// Decimal numbers of any length, by their digits.
fn decimals(a: &str, b: &str) -> Ordering {
    let (a, b) = (Digits::of(a), Digits::of(b));
    let sizes = || a.whole.len().cmp(&b.whole.len());
    let size = || sizes().then_with(|| a.whole.cmp(b.whole)).then_with(|| a.fraction.cmp(b.fraction));
    match (a.negative, b.negative) {
        (false, false) => size(),
        (true, true) => size().reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// A decimal number without the zeros that say nothing.
struct Digits<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Digits<'a> {
    fn of(text: &'a str) -> Self {
        let unsigned = text.strip_prefix('-');
        let (whole, fraction) =
            unsigned.unwrap_or(text).split_once('.').unwrap_or((unsigned.unwrap_or(text), ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Self { negative: unsigned.is_some() && !zero, whole, fraction }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filter::Check;

    fn asked(test: Test<Value>, value: Value) -> bool {
        admits(&Filter(vec![Check { place: 0, test }]), &[value])
    }

    #[test]
    fn unknown_is_outside() {
        let five = || Value::Int(5);
        for comparison in ["=", "!=", "<", "<=", ">", ">="] {
            let comparison = comparison.parse().expect("a comparison");
            assert!(!asked(Test::Compare(comparison, five()), Value::Null));
        }
        assert!(!asked(Test::In(vec![five()]), Value::Null));
        assert!(asked(Test::Null, Value::Null) && !asked(Test::NotNull, Value::Null));
        assert!(asked(Test::IsNot(five()), Value::Null) && !asked(Test::IsNot(five()), five()));
    }

    #[test]
    fn every_condition_must_hold_and_none_lets_everything_in() {
        let check = |place, n| Check { place, test: Test::Compare(Comparison::AtLeast, Value::Int(n)) };
        let filter = Filter(vec![check(0, 1), check(1, 2)]);
        assert!(admits(&filter, &[Value::Int(1), Value::UInt(u64::MAX)]));
        assert!(!admits(&filter, &[Value::Int(1), Value::Int(1)]));
        assert!(!admits(&filter, &[Value::Int(1)]), "a column that is not there is NULL");
        assert!(admits(&Filter::default(), &[]));
    }

    #[test]
    fn decimals_compare_by_their_digits_and_texts_by_their_bytes() {
        for (a, b, order) in [
            ("1.50", "1.5", Ordering::Equal),
            ("-0.00", "0", Ordering::Equal),
            ("0.9", "0.10", Ordering::Greater),
            ("-2", "-10.5", Ordering::Greater),
            ("99999999999999999999", "100000000000000000000", Ordering::Less),
        ] {
            assert_eq!(decimals(a, b), order, "{a} {b}");
            assert_eq!(decimals(b, a), order.reverse(), "{b} {a}");
        }
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(order(&text("a"), &text("A")), Some(Ordering::Greater));
        assert_eq!(order(&text("a"), &text("a ")), Some(Ordering::Less));
    }
}
