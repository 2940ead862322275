//! Soft deletes: a record whose line was deleted in the tab stays in the table, and a column tells that it is deleted.
//!
//! Such a record is outside of the link's filter ([`Deletes::condition`] is one of its conditions), so its line leaves the tab
//! whoever marked it, and comes back when the mark is taken away.
//!
//! [`Deletes::condition`]: crate::model::rule::Deletes::condition

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use crate::engine::input::Micros;
use crate::model::literal::{Malformed, literal};
use crate::model::rule::SoftMark;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::temporal::{Date, DateTime};
use crate::model::value::Value;

/// Why a column cannot mark records as deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMark {
    /// No such column.
    #[error("there is no such column")]
    NoColumn,
    /// The server computes it, or rows are told apart by it.
    #[error("it is computed, or part of the key: name a column that can be written")]
    NotWritable,
    /// The time needs a column that can hold it and can be NULL.
    #[error("without a `value` it must be a DATE, DATETIME or TIMESTAMP that can be NULL")]
    NoTime,
    /// The value is none of the column's.
    #[error("the `value` {0}")]
    Malformed(#[from] Malformed),
}

/// How the records of a link are marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soft {
    place: usize,
    mark: Mark,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    /// The time, in UTC, as a column of this kind holds it.
    Now(ColumnKind),
    Value(Value),
}

impl Soft {
    /// Fits the mark to its table.
    ///
    /// # Errors
    /// The column cannot be this.
    pub fn fit(column: &str, mark: &SoftMark, schema: &TableSchema) -> Result<Self, UnfitMark> {
        let place = schema.position(column).ok_or(UnfitMark::NoColumn)?;
        let column = &schema.columns[place];
        if column.generated || schema.key.contains(&place) {
            return Err(UnfitMark::NotWritable);
        }
        let mark = match (mark, &column.kind) {
            (SoftMark::Text(text), kind) => Mark::Value(literal(kind, text)?),
            (
                SoftMark::Now,
                kind @ (ColumnKind::Date | ColumnKind::DateTime { .. } | ColumnKind::Timestamp { .. }),
            ) if column.nullable => Mark::Now(kind.clone()),
            (SoftMark::Now, _) => return Err(UnfitMark::NoTime),
        };
        Ok(Self { place, mark })
    }

    /// The column's place in the table and what it is set to, now.
    pub fn set(&self, now: Micros) -> (usize, Value) {
        let value = match &self.mark {
            Mark::Value(value) => value.clone(),
            Mark::Now(kind) => moment(kind, now),
        };
        (self.place, value)
    }
}

/// The time in UTC, cut to what the column holds: a server would round it up into the future.
fn moment(kind: &ColumnKind, now: Micros) -> Value {
    let at = Timestamp::from_microsecond(i64::try_from(now).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
    let at: civil::DateTime = TimeZone::UTC.to_datetime(at);
    let date = Date { year: at.year().unsigned_abs(), month: at.month() as u8, day: at.day() as u8 };
    let fsp = match kind {
        ColumnKind::DateTime { fsp } | ColumnKind::Timestamp { fsp } => *fsp,
        _ => return Value::Date(date),
    };
    let unit = 10_u32.pow(6 - u32::from(fsp.min(6)));
    let micros = (at.subsec_nanosecond().unsigned_abs() / 1000) / unit * unit;
    let (hour, minute, second) = (at.hour() as u8, at.minute() as u8, at.second() as u8);
    Value::DateTime(DateTime { date, hour, minute, second, micros })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Column, TableName};

    fn table() -> TableSchema {
        TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
            columns: vec![
                Column::required("id", ColumnKind::Integer { bits: 32, unsigned: false }),
                Column::nullable("at", ColumnKind::DateTime { fsp: 3 }),
                Column::nullable("day", ColumnKind::Date),
                Column::required("since", ColumnKind::DateTime { fsp: 0 }),
                Column::required("gone", ColumnKind::Boolean),
            ],
            key: vec![0],
            transactional: true,
        }
    }

    #[test]
    fn a_mark_is_the_time_in_utc_or_a_value_of_the_column() {
        // 2026-11-24 00:00:01.987654 UTC
        const NOW: Micros = 1_795_478_401_987_654;
        let set = |column: &str, mark| Soft::fit(column, &mark, &table()).expect("fits").set(NOW);
        let date = Date { year: 2026, month: 11, day: 24 };
        let at = DateTime { date, hour: 0, minute: 0, second: 1, micros: 987_000 };
        assert_eq!(set("AT", SoftMark::Now), (1, Value::DateTime(at)));
        assert_eq!(set("day", SoftMark::Now), (2, Value::Date(date)));
        assert_eq!(set("gone", SoftMark::Text("true".into())), (4, Value::Int(1)));
    }

    #[test]
    fn a_column_that_cannot_hold_the_mark_is_refused() {
        let refused = |column: &str, mark| Soft::fit(column, &mark, &table()).expect_err(column);
        assert_eq!(refused("nowhere", SoftMark::Now), UnfitMark::NoColumn);
        assert_eq!(refused("id", SoftMark::Text("1".into())), UnfitMark::NotWritable);
        assert_eq!(refused("since", SoftMark::Now), UnfitMark::NoTime);
        assert_eq!(refused("gone", SoftMark::Now), UnfitMark::NoTime);
        let why = UnfitMark::Malformed(Malformed::Boolean);
        assert_eq!(refused("gone", SoftMark::Text("perhaps".into())), why);
    }
}
