//! Every kind there and back, and what people type.

use proptest::prelude::*;

use super::*;
use crate::model::base::database_digest;
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::Real;

fn column(kind: ColumnKind, nullable: bool) -> Column {
    Column { nullable, ..Column::required("quantity", kind) }
}

fn context(locale: &str, zone: &str) -> Context {
    Context::new(locale, zone).expect("a zone that the database of zones has")
}

fn berlin() -> Context {
    context("de_DE", "Europe/Berlin")
}

const TEXT: ColumnKind = ColumnKind::Text { length: 1_000_000 };

fn comes_back(kind: ColumnKind, value: &Value) {
    let column = column(kind, true);
    for context in [berlin(), context("en_US", "America/New_York"), context("ja_JP", "GMT-07:30")] {
        let cell = shown(&column, value, &context);
        let back = meaning(&column, &cell, &context);
        assert!(
            back.as_ref() == Ok(value),
            "{:?}: {value} showed as {cell:?} and came back as {back:?}",
            column.kind,
            value = serde_json::to_string(value).expect("json")
        );
        if database_digest(value, &cell) == cell.digest() {
            // Base takes the cell for the value: so its first fifteen digits have to tell it.
            let digits = match &cell {
                Cell::Number(x) => Cell::number(format!("{:.14e}", x.get()).parse().expect("a number")),
                cell => cell.clone(),
            };
            let back = meaning(&column, &digits, &context);
            assert!(back.as_ref() == Ok(value), "{:?}: {cell:?} has one digest for two values", column.kind);
        }
    }
}

fn day() -> impl Strategy<Value = Date> {
    let real = (0u16..=9999, 1u8..=12, 1u8..=28).prop_map(|(year, month, day)| Date { year, month, day });
    let zero = (0u16..=9999, 0u8..=12).prop_map(|(year, month)| Date { year, month, day: 0 });
    prop_oneof![4 => real, 1 => zero, 1 => Just(Date { year: 0, month: 0, day: 0 })]
}

fn moment(fsp: u8) -> impl Strategy<Value = DateTime> {
    let unit = 10u32.pow(6 - u32::from(fsp));
    (day(), 0u8..24, 0u8..60, 0u8..60, 0..1_000_000 / unit).prop_map(
        move |(date, hour, minute, second, fraction)| DateTime {
            date,
            hour,
            minute,
            second,
            micros: fraction * unit,
        },
    )
}

/// Instants as TIMESTAMP keeps them, dense around the hours that Berlin and New York repeat.
fn instant() -> impl Strategy<Value = DateTime> {
    let anywhere = 1i64..2_147_483_647;
    let around =
        prop_oneof![Just(1_792_888_200i64), Just(1_793_511_000)].prop_flat_map(|t| t - 9000..t + 9000);
    (prop_oneof![anywhere, around], 0u32..1000).prop_map(|(second, millis)| {
        let utc = Offset::UTC.to_datetime(jiff::Timestamp::from_second(second).expect("in range"));
        DateTime {
            date: Date {
                year: utc.year().cast_unsigned(),
                month: utc.month().cast_unsigned(),
                day: utc.day().cast_unsigned(),
            },
            hour: utc.hour().cast_unsigned(),
            minute: utc.minute().cast_unsigned(),
            second: utc.second().cast_unsigned(),
            micros: millis * 1000,
        }
    })
}

/// Digits as the server prints DECIMAL(precision, scale).
fn decimal(precision: u8, scale: u8) -> impl Strategy<Value = String> {
    let (whole, scale) = (usize::from(precision - scale), usize::from(scale));
    (any::<bool>(), proptest::collection::vec(0u8..10, whole + scale)).prop_map(move |(negative, digits)| {
        let text: String = digits.iter().map(|d| char::from(b'0' + d)).collect();
        let (whole, fraction) = text.split_at(whole);
        let whole = whole.trim_start_matches('0');
        let sign = if negative && digits.iter().any(|d| *d > 0) { "-" } else { "" };
        let point = if scale > 0 { "." } else { "" };
        format!("{sign}{}{point}{fraction}", if whole.is_empty() { "0" } else { whole })
    })
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("MySQL stores no NaN and no infinity", |x| x.is_finite()), -1e6..1e6]
}

proptest! {
    #[test]
    fn integers_come_back(signed in any::<i64>(), unsigned in any::<u64>(), small in any::<i8>()) {
        comes_back(ColumnKind::Integer { bits: 64, unsigned: false }, &Value::Int(signed));
        let value = Value::integer(i128::from(unsigned)).expect("64 bits");
        comes_back(ColumnKind::Integer { bits: 64, unsigned: true }, &value);
        comes_back(ColumnKind::Bit { bits: 64 }, &value);
        comes_back(ColumnKind::Integer { bits: 8, unsigned: false }, &Value::Int(small.into()));
        comes_back(ColumnKind::Boolean, &Value::Int(small.into()));
    }

    #[test]
    fn decimals_come_back(narrow in decimal(15, 4), wide in decimal(65, 30), whole in decimal(20, 0), part in decimal(5, 5)) {
        for (precision, scale, digits) in [(15, 4, narrow), (65, 30, wide), (20, 0, whole), (5, 5, part)] {
            comes_back(ColumnKind::Decimal { precision, scale, unsigned: false }, &Value::Decimal(digits));
        }
    }

    #[test]
    fn reals_come_back(double in finite(), float in any::<f32>().prop_filter("finite", |x| x.is_finite())) {
        comes_back(ColumnKind::Double, &Value::Double(Real::new(double)));
        comes_back(ColumnKind::Float, &Value::Float(Real::new(f64::from(float))));
    }

    #[test]
    fn texts_come_back(text in any::<String>(), slashes in 0usize..4) {
        comes_back(TEXT, &Value::Text(text.clone()));
        comes_back(TEXT, &Value::Text(format!("{}''", "\\".repeat(slashes))));
        comes_back(ColumnKind::Json, &Value::Json(serde_json::Value::from(text).to_string()));
    }

    #[test]
    fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
        comes_back(ColumnKind::Bytes { length: 50, fixed: false }, &Value::Bytes(bytes));
    }

    #[test]
    fn dates_and_times_come_back(date in day(), millis in moment(3), micros in moment(6), span in -3_020_399_999i64..=3_020_399_999) {
        comes_back(ColumnKind::Date, &Value::Date(date));
        comes_back(ColumnKind::DateTime { fsp: 3 }, &Value::DateTime(millis));
        comes_back(ColumnKind::DateTime { fsp: 6 }, &Value::DateTime(micros));
        comes_back(ColumnKind::Time { fsp: 3 }, &Value::Time(Time { micros: span * 1000 }));
        comes_back(ColumnKind::Time { fsp: 6 }, &Value::Time(Time { micros: span * 1000 + 7 }));
    }

    #[test]
    fn instants_come_back(at in instant()) {
        comes_back(ColumnKind::Timestamp { fsp: 3 }, &Value::DateTime(at));
    }

    #[test]
    fn two_texts_never_share_a_cell(a in "[\\\\']{0,5}", b in "[\\\\']{0,5}") {
        let column = column(TEXT, true);
        let cells = [&a, &b].map(|s| shown(&column, &Value::Text(s.clone()), &berlin()));
        prop_assert_eq!(a == b, cells[0] == cells[1]);
    }
}

#[test]
fn members_come_back_and_so_does_the_error_member() {
    let colours: Vec<String> = ["red", "Grün", "b,c"].map(String::from).to_vec();
    for text in ["red", "Grün", "b,c", ""] {
        comes_back(ColumnKind::Enum(colours.clone()), &Value::Text(text.into()));
    }
    let days: Vec<String> = ["mon", "tue", "wed"].map(String::from).to_vec();
    for text in ["", "mon", "mon,wed"] {
        comes_back(ColumnKind::Set(days.clone()), &Value::Text(text.into()));
    }
    comes_back(ColumnKind::Year, &Value::Int(2026));
    comes_back(ColumnKind::Named("uuid".into()), &Value::Text("123e4567-e89b-12d3-a456-426655440000".into()));
    comes_back(TEXT, &Value::Null);
}

#[test]
fn cells_are_of_the_kind_that_the_table_of_the_design_names() {
    let en = context("en_US", "America/New_York");
    let zero = Date { year: 0, month: 0, day: 0 };
    let midnight = |date| DateTime { date, hour: 0, minute: 0, second: 0, micros: 0 };
    let new_year = Date { year: 2026, month: 1, day: 1 };
    let text = |s: &str| Cell::Text(s.into());
    let cases = [
        (
            ColumnKind::Integer { bits: 64, unsigned: false },
            Value::Int(999_999_999_999_999),
            Cell::number(999_999_999_999_999.0),
        ),
        (
            ColumnKind::Integer { bits: 64, unsigned: false },
            Value::Int(-1_000_000_000_000_000),
            text("-1000000000000000"),
        ),
        (
            ColumnKind::Decimal { precision: 15, scale: 2, unsigned: false },
            Value::Decimal("-0.10".into()),
            Cell::number(-0.1),
        ),
        (
            ColumnKind::Decimal { precision: 16, scale: 2, unsigned: false },
            Value::Decimal("0.10".into()),
            text("0.10"),
        ),
        (ColumnKind::Float, Value::Float(Real::new(f64::from(0.1f32))), Cell::number(0.1)),
        (ColumnKind::Boolean, Value::Int(1), Cell::Bool(true)),
        (ColumnKind::Boolean, Value::Int(5), Cell::number(5.0)),
        (ColumnKind::Bit { bits: 9 }, Value::Int(5), text("0x0005")),
        (ColumnKind::Bytes { length: 3, fixed: true }, Value::Bytes(vec![0, 255]), text("0x00ff")),
        (ColumnKind::Date, Value::Date(new_year), Cell::number(46_023.0)),
        (ColumnKind::Date, Value::Date(zero), text("0000-00-00")),
        (ColumnKind::Date, Value::Date(Date { year: 1900, month: 2, day: 28 }), text("1900-02-28")),
        (ColumnKind::DateTime { fsp: 4 }, Value::DateTime(midnight(new_year)), text("2026-01-01 00:00:00")),
        (
            ColumnKind::Timestamp { fsp: 0 },
            Value::DateTime(midnight(new_year)),
            Cell::number(46_022.0 + 19.0 / 24.0),
        ),
        (ColumnKind::Timestamp { fsp: 0 }, Value::DateTime(midnight(zero)), text("0000-00-00 00:00:00")),
        (ColumnKind::Time { fsp: 0 }, Value::Time(Time { micros: -36 * 3_600_000_000 }), Cell::number(-1.5)),
        (TEXT, Value::Text(String::new()), text("''")),
        (TEXT, Value::Text("''".into()), text("\\''")),
        (TEXT, Value::Text("=1+2".into()), text("=1+2")),
        (TEXT, Value::Null, Cell::Blank),
    ];
    for (kind, value, cell) in cases {
        let got = shown(&column(kind.clone(), true), &value, &en);
        assert!(
            got == cell,
            "{kind:?} {}: {}",
            serde_json::to_string(&value).expect("json"),
            serde_json::to_string(&got).expect("json")
        );
    }
    let required = column(TEXT, false);
    assert_eq!(shown(&required, &Value::Text(String::new()), &en), Cell::Blank);
    assert_eq!(meaning(&required, &Cell::Blank, &en), Ok(Value::Text(String::new())));
}

#[test]
fn the_hour_that_comes_twice_has_two_cells() {
    let at = |hour| DateTime {
        date: Date { year: 2026, month: 10, day: 25 },
        hour,
        minute: 30,
        second: 0,
        micros: 0,
    };
    let column = column(ColumnKind::Timestamp { fsp: 0 }, false);
    let first = shown(&column, &Value::DateTime(at(0)), &berlin());
    let second = shown(&column, &Value::DateTime(at(1)), &berlin());
    assert!(matches!(first, Cell::Number(_)));
    assert!(second == Cell::Text("2026-10-25 02:30:00+01:00".into()));
}

#[test]
fn what_people_type_is_understood() {
    let de = berlin();
    let day = |d| Value::Date(Date { year: 2026, month: 12, day: d });
    let cases = [
        (
            ColumnKind::Decimal { precision: 10, scale: 2, unsigned: false },
            "1,5",
            Value::Decimal("1.50".into()),
        ),
        (
            ColumnKind::Decimal { precision: 10, scale: 2, unsigned: false },
            "1.239,5",
            Value::Decimal("1239.50".into()),
        ),
        (ColumnKind::Integer { bits: 16, unsigned: true }, " 65.535 ", Value::Int(65_535)),
        (ColumnKind::Double, "-1,5e3", Value::Double(Real::new(-1500.0))),
        (ColumnKind::Boolean, " yes ", Value::Int(1)),
        (ColumnKind::Boolean, "FALSE", Value::Int(0)),
        (ColumnKind::Date, "31.12.2026", day(31)),
        (ColumnKind::Date, "31/12/2026", day(31)),
        (ColumnKind::Date, "2026-12-31", day(31)),
        (
            ColumnKind::Time { fsp: 0 },
            "1:30 pm",
            Value::Time(Time { micros: 13 * 3_600_000_000 + 1_800_000_000 }),
        ),
        (ColumnKind::Enum(vec!["Red".into(), "blue".into()]), " red ", Value::Text("Red".into())),
        (ColumnKind::Set(vec!["a".into(), "b".into()]), "B, a", Value::Text("a,b".into())),
        (ColumnKind::Json, " {\"a\": 1} ", Value::Json("{\"a\": 1}".into())),
        (ColumnKind::Bytes { length: 4, fixed: true }, "0xFF", Value::Bytes(vec![255, 0, 0, 0])),
        (TEXT, " 0042", Value::Text(" 0042".into())),
    ];
    for (kind, typed, value) in cases {
        let got = meaning(&column(kind.clone(), false), &Cell::Text(typed.into()), &de);
        assert!(got == Ok(value), "{kind:?} {typed}: {got:?}");
    }
    let number = |kind: ColumnKind, x| meaning(&column(kind, false), &Cell::number(x), &de);
    assert!(number(TEXT, 1.5) == Ok(Value::Text("1,5".into())), "as the person sees it");
    let price = ColumnKind::Decimal { precision: 10, scale: 2, unsigned: false };
    assert!(number(price, 1.239) == Ok(Value::Decimal("1.239".into())), "the server rounds, not we");
}

#[test]
fn what_does_not_fit_is_refused_in_words_for_people() {
    let de = berlin();
    let of = |kind: ColumnKind, cell: Cell| {
        meaning(&column(kind, false), &cell, &de).expect_err("a refusal").to_string()
    };
    let text = |s: &str| Cell::Text(s.into());
    let number = ColumnKind::Integer { bits: 16, unsigned: true };
    let range = "quantity: must be a whole number from 0 to 65535";
    assert_eq!(of(number.clone(), text("twelve")), range);
    assert_eq!(of(number.clone(), Cell::number(65_536.0)), range);
    assert_eq!(of(number.clone(), Cell::number(1.5)), range);
    assert_eq!(of(number.clone(), Cell::Blank), "quantity: must not be empty");
    assert_eq!(
        of(number.clone(), Cell::Error("#REF!".into())),
        "quantity: holds an error, which the table cannot take"
    );
    assert!(of(ColumnKind::Integer { bits: 64, unsigned: false }, Cell::number(1e17)).contains("apostrophe"));
    let price = ColumnKind::Decimal { precision: 4, scale: 2, unsigned: false };
    assert_eq!(of(price.clone(), Cell::number(100.0)), "quantity: must be a number from -99,99 to 99,99");
    assert_eq!(of(price, text("1.5")), "quantity: must be a number from -99,99 to 99,99");
    assert_eq!(
        of(ColumnKind::Text { length: 3 }, text("four")),
        "quantity: must have at most 3 characters, it has 4"
    );
    assert_eq!(
        of(ColumnKind::Enum(vec!["a".into(), "b".into()]), text("c")),
        "quantity: must be one of: a, b"
    );
    assert_eq!(of(ColumnKind::Date, text("soon")), "quantity: must be a date like 2026-12-31 or 31/12/2026");
    assert!(of(ColumnKind::Date, Cell::number(46_023.5)).starts_with("quantity: must be a date"));
    assert!(of(ColumnKind::Json, text("{PLANTED")).starts_with("quantity: must be JSON"));
    assert!(!of(ColumnKind::Json, text("{PLANTED")).contains("PLANTED"), "no refusal quotes the cell");
    assert!(of(ColumnKind::Bytes { length: 2, fixed: false }, text("0xabc")).contains("hex"));
    assert!(of(ColumnKind::Time { fsp: 0 }, text("25:61")).contains("838:59:59"));
    assert!(of(ColumnKind::Boolean, text("maybe")).contains("TRUE or FALSE"));
}

#[test]
fn what_is_longer_than_a_cell_is_cut_marked_and_not_read_back() {
    let column = column(TEXT, true);
    let fits = Value::Text("ä".repeat(50_000));
    assert!(!is_cut(&shown(&column, &fits, &berlin())));
    for long in ["x".repeat(50_001), "🙂".repeat(25_001), format!("x{}", "🙂".repeat(40_000))] {
        let cell = shown(&column, &Value::Text(long), &berlin());
        let Cell::Text(text) = &cell else { panic!("text") };
        assert!(text.encode_utf16().count() <= 50_000);
        assert!(is_cut(&cell));
        assert!(meaning(&column, &cell, &berlin()).is_err());
    }
}
