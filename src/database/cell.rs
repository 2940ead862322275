//! Values to and from the driver. Rows are read by prepared statements only: their binary form has floats with all digits
//! and times apart, which the text form has not.

use mysql_async::Value as Wire;

use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::{Real, Value};

use crate::database::error::{Error, Result};

/// A selected row, all columns of the table in their order.
pub(crate) fn row_from(schema: &TableSchema, row: Vec<Wire>) -> Result<Vec<Value>> {
    if row.len() != schema.columns.len() {
        return Err(Error::Layout {
            table: schema.name.clone(),
            reason: format!("{} columns were selected", row.len()),
        });
    }
    let cells = schema.columns.iter().zip(row);
    cells
        .map(|(column, wire)| {
            from_wire(&column.kind, wire).ok_or_else(|| Error::Undecodable {
                table: schema.name.clone(),
                column: column.name.clone(),
                reason: "the server sent another type",
            })
        })
        .collect()
}

/// One value as the server sent it. `None` if it is not of the column's kind.
pub(crate) fn from_wire(kind: &ColumnKind, wire: Wire) -> Option<Value> {
    Some(match (kind, wire) {
        (_, Wire::NULL) => Value::Null,
        (ColumnKind::Integer { .. } | ColumnKind::Boolean | ColumnKind::Year, Wire::Int(n)) => Value::Int(n),
        (ColumnKind::Integer { .. } | ColumnKind::Boolean | ColumnKind::Year, Wire::UInt(n)) => {
            Value::integer(n.into())?
        }
        (ColumnKind::Bit { .. } | ColumnKind::Boolean, Wire::Bytes(bytes)) if bytes.len() <= 8 => {
            Value::integer(bytes.iter().fold(0, |all, &b| all << 8 | i128::from(b)))?
        }
        (ColumnKind::Decimal { .. }, Wire::Bytes(digits)) => Value::Decimal(String::from_utf8(digits).ok()?),
        (ColumnKind::Float, Wire::Float(x)) => Value::Float(Real::new(x.into())),
        (ColumnKind::Double, Wire::Double(x)) => Value::Double(Real::new(x)),
        (
            ColumnKind::Text { .. } | ColumnKind::Enum(_) | ColumnKind::Set(_) | ColumnKind::Named(_),
            Wire::Bytes(bytes),
        ) => Value::Text(String::from_utf8(bytes).ok()?),
        (ColumnKind::Json, Wire::Bytes(bytes)) => Value::Json(String::from_utf8(bytes).ok()?),
        (ColumnKind::Bytes { .. }, Wire::Bytes(bytes)) => Value::Bytes(bytes),
        (ColumnKind::Date, Wire::Date(year, month, day, ..)) => Value::Date(Date { year, month, day }),
        (
            ColumnKind::DateTime { .. } | ColumnKind::Timestamp { .. },
            Wire::Date(year, month, day, hour, minute, second, micros),
        ) => Value::DateTime(DateTime { date: Date { year, month, day }, hour, minute, second, micros }),
        (ColumnKind::Time { .. }, Wire::Time(negative, days, hours, minutes, seconds, micros)) => {
            let hours = i64::from(days) * 24 + i64::from(hours);
            let seconds = hours * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
            let all = seconds * 1_000_000 + i64::from(micros);
            Value::Time(Time { micros: if negative { -all } else { all } })
        }
        _ => return None,
    })
}

/// A parameter of a prepared statement.
pub(crate) fn to_wire(value: &Value) -> Wire {
    match value {
        Value::Null => Wire::NULL,
        Value::Int(n) => Wire::Int(*n),
        Value::UInt(n) => Wire::UInt(*n),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) => {
            Wire::Bytes(text.clone().into_bytes())
        }
        Value::Float(x) => Wire::Float(x.get() as f32),
        Value::Double(x) => Wire::Double(x.get()),
        Value::Bytes(bytes) => Wire::Bytes(bytes.clone()),
        Value::Date(d) => Wire::Date(d.year, d.month, d.day, 0, 0, 0, 0),
        Value::DateTime(d) => {
            Wire::Date(d.date.year, d.date.month, d.date.day, d.hour, d.minute, d.second, d.micros)
        }
        Value::Time(time) => {
            let all = time.micros.unsigned_abs();
            let (seconds, micros) = (all / 1_000_000, (all % 1_000_000) as u32);
            let (days, hours) = ((seconds / 86_400) as u32, (seconds / 3600 % 24) as u8);
            let (minutes, seconds) = ((seconds / 60 % 60) as u8, (seconds % 60) as u8);
            Wire::Time(time.micros < 0, days, hours, minutes, seconds, micros)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_out_and_come_back_also_negative_and_past_a_day() {
        for micros in [0, -1_500_000, 838 * 3_600_000_000 + 59_999_999, -90_000_000_001] {
            let value = Value::Time(Time { micros });
            assert_eq!(from_wire(&ColumnKind::Time { fsp: 6 }, to_wire(&value)), Some(value));
        }
    }

    #[test]
    fn bits_are_a_number_and_other_kinds_are_refused() {
        let bits = ColumnKind::Bit { bits: 10 };
        assert_eq!(from_wire(&bits, Wire::Bytes(vec![2, 1])), Some(Value::Int(513)));
        assert_eq!(from_wire(&ColumnKind::Date, Wire::Int(1)), None);
    }
}
