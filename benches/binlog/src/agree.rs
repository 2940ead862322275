//! Three readings of the same rows: ours from the binlog, ours by SELECT, and that of `mysql_cdc`, where it can read the type: unsigned
//! whole numbers, times that are not negative, text that is UTF-8 (the others end its stream or come out wrong).

use mysql_cdc::events::row_events::mysql_value::MySqlValue;
use sheetbridge::model::schema::ColumnKind;
use sheetbridge::model::temporal::{Date, DateTime};
use sheetbridge::model::value::Value;

/// True if the value of `mysql_cdc` is the same as ours.
pub(crate) fn same(kind: &ColumnKind, ours: &Value, theirs: Option<&MySqlValue>) -> bool {
    let Some(theirs) = theirs else { return ours.is_null() };
    match (ours, theirs) {
        (Value::Int(n), theirs) => whole(theirs).is_some_and(|theirs| u64::try_from(*n) == Ok(theirs)),
        (Value::UInt(n), theirs) => whole(theirs) == Some(*n),
        (Value::Decimal(ours), MySqlValue::Decimal(theirs)) => plain(ours) == plain(theirs),
        (Value::Float(x), MySqlValue::Float(theirs)) => (x.get() as f32).to_bits() == theirs.to_bits(),
        (Value::Double(x), MySqlValue::Double(theirs)) => x.get().to_bits() == theirs.to_bits(),
        (Value::Text(name), MySqlValue::Enum(index)) => match kind {
            ColumnKind::Enum(members) => members.get(*index as usize - 1) == Some(name),
            _ => false,
        },
        (Value::Text(names), MySqlValue::Set(mask)) => match kind {
            ColumnKind::Set(members) => {
                let set = members.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
                set.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(",") == *names
            }
            _ => false,
        },
        (Value::Text(ours), MySqlValue::String(theirs)) => ours == theirs,
        (Value::Text(ours), MySqlValue::Blob(theirs)) => ours.as_bytes() == theirs.as_slice(),
        (Value::Bytes(ours), MySqlValue::Blob(theirs)) => ours == theirs,
        (Value::Date(ours), MySqlValue::Date(theirs)) => {
            (ours.year, ours.month, ours.day) == (theirs.year, theirs.month, theirs.day)
        }
        (Value::DateTime(ours), MySqlValue::DateTime(theirs)) => {
            let day = Date { year: theirs.year, month: theirs.month, day: theirs.day };
            let clock = (theirs.hour, theirs.minute, theirs.second, theirs.millis * 1000);
            ours.date == day && (ours.hour, ours.minute, ours.second, ours.micros) == clock
        }
        (Value::DateTime(ours), MySqlValue::Timestamp(millis)) => since_1970(ours) == *millis,
        (Value::Time(ours), MySqlValue::Time(theirs)) => {
            let minutes = i64::from(theirs.hour) * 60 + i64::from(theirs.minute);
            let millis = (minutes * 60 + i64::from(theirs.second)) * 1000 + i64::from(theirs.millis);
            ours.micros == millis * 1000
        }
        _ => false,
    }
}

fn whole(theirs: &MySqlValue) -> Option<u64> {
    Some(match theirs {
        MySqlValue::TinyInt(n) => u64::from(*n),
        MySqlValue::SmallInt(n) | MySqlValue::Year(n) => u64::from(*n),
        MySqlValue::MediumInt(n) | MySqlValue::Int(n) => u64::from(*n),
        MySqlValue::BigInt(n) => *n,
        _ => return None,
    })
}

/// A decimal without zeros before its first digit.
fn plain(decimal: &str) -> (bool, &str) {
    let (negative, digits) = decimal.strip_prefix('-').map_or((false, decimal), |digits| (true, digits));
    (negative, digits.trim_start_matches('0').trim_start_matches('.'))
}

/// Milliseconds since 1970 in UTC, by the arithmetic of Hinnant's `days_from_civil`.
fn since_1970(at: &DateTime) -> u64 {
    let (year, month) = (i64::from(at.date.year) - i64::from(at.date.month <= 2), i64::from(at.date.month));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(at.date.day) - 1;
    let (era, year) = (year / 400, year % 400);
    let days = era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468;
    let clock = i64::from(at.hour) * 3600 + i64::from(at.minute) * 60 + i64::from(at.second);
    ((days * 86_400 + clock) * 1000) as u64 + u64::from(at.micros / 1000)
}
