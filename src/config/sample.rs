//! Sample values of a column, on which a rule is tried before it is used: ordinary ones, edges, and NULL where it is allowed.

use crate::model::schema::{Column, ColumnKind};
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::{Real, Value};

/// At least one; NULL is the last.
pub(super) fn samples(column: &Column) -> Vec<Value> {
    let mut samples = of_kind(&column.kind);
    if column.nullable {
        samples.push(Value::Null);
    }
    samples
}

fn of_kind(kind: &ColumnKind) -> Vec<Value> {
    let date = |day| Date { year: 2026, month: 1, day };
    let at = |day| DateTime { date: date(day), hour: 8, minute: 30, second: 0, micros: 0 };
    let texts = |texts: [&str; 2]| texts.map(|text| Value::Text(text.into())).into();
    match kind {
        ColumnKind::Integer { .. } | ColumnKind::Bit { .. } => [0, 1, 7].map(Value::Int).into(),
        ColumnKind::Year => [2026, 1999].map(Value::Int).into(),
        ColumnKind::Boolean => [0, 1].map(Value::Int).into(),
        ColumnKind::Decimal { precision, scale, .. } => {
            let whole = if precision > scale { "7" } else { "0" };
            let fraction = "5".repeat((*scale).into());
            let point = if *scale > 0 { "." } else { "" };
            vec![
                Value::Decimal(format!("{whole}{point}{fraction}")),
                Value::Decimal(format!("0{point}{}", "0".repeat((*scale).into()))),
            ]
        }
        ColumnKind::Float => [0.5, 0.0].map(|x| Value::Float(Real::new(x))).into(),
        ColumnKind::Double => [0.5, 0.0].map(|x| Value::Double(Real::new(x))).into(),
        ColumnKind::Text { .. } | ColumnKind::Named(_) | ColumnKind::Unsupported(_) => texts(["a text", ""]),
        ColumnKind::Enum(members) | ColumnKind::Set(members) => {
            let first = members.first().cloned().unwrap_or_default();
            vec![Value::Text(first), Value::Text(members.last().cloned().unwrap_or_default())]
        }
        ColumnKind::Bytes { .. } => vec![Value::Bytes(vec![0, 255]), Value::Bytes(Vec::new())],
        ColumnKind::Date => [31, 1].map(|day| Value::Date(date(day))).into(),
        ColumnKind::DateTime { .. } | ColumnKind::Timestamp { .. } => {
            [31, 1].map(|day| Value::DateTime(at(day))).into()
        }
        ColumnKind::Time { .. } => [30_600_000_000, 0].map(|micros| Value::Time(Time { micros })).into(),
        ColumnKind::Json => vec![Value::Json("{}".into()), Value::Json("[1]".into())],
    }
}
