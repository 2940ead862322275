//! What a value looks like in a cell, and what a cell means as a value, by column kind.
//!
//! | column | cell |
//! |--|--|
//! | integers of up to 15 digits | number; beyond: text, since Sheets keeps 15 digits |
//! | DECIMAL of up to 15 digits, wider | number, text |
//! | FLOAT, DOUBLE | number; a FLOAT by its shortest text |
//! | TINYINT(1), BIT(1) | boolean; a TINYINT(1) of 2 or more as number |
//! | CHAR, VARCHAR, TEXT, ENUM, SET, JSON, UUID, INET | text |
//! | DATE, DATETIME, TIME | serial number; as text: zero dates, dates before 1900-03-01, more than milliseconds |
//! | TIMESTAMP | the same in the link's time zone; the second pass of an hour that clocks repeat: text with its offset |
//! | BINARY, BLOB, BIT(n) | `0x` and hex digits, text |
//! | NULL | blank; in nullable text columns the empty text is a token, `''` |
//!
//! `meaning(shown(v)) == v` for every value that a cell can hold; what is longer than a cell is shown cut and marked, and
//! refused when it comes back. What people type is read by column kind and locale, or refused with a sentence for them.

use std::fmt;

use jiff::tz::{Offset, TimeZone};

use crate::model::cell::Cell;
use crate::model::schema::{Column, ColumnKind};
use crate::model::value::Value;
pub use crate::sheet::codec::format::{NumberFormat, number_format};
pub use crate::sheet::codec::locale::Locale;
pub use crate::sheet::codec::text::is_cut;

mod format;
mod hex;
mod locale;
mod moment;
mod number;
mod serial;
mod text;

/// The version of the map and of its digests. It is part of base's fingerprint: a release that shows a value otherwise raises it.
pub const CODEC_VERSION: u32 = 2;

/// What a cell's reading depends on besides its column.
#[derive(Clone, Debug)]
pub struct Context {
    /// Of the spreadsheet: decimal comma or point, day or month first.
    pub locale: Locale,
    /// In which TIMESTAMP columns are shown.
    pub time_zone: TimeZone,
    /// What stands for the empty text in nullable text columns.
    pub empty_text: String,
}

/// A time zone's name that neither we nor the system know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {0}")]
pub struct UnknownZone(pub String);

impl Context {
    /// From the spreadsheet's properties: `de_DE`, and `Europe/Berlin` or Google's own form `GMT-07:00`.
    pub fn new(locale: &str, time_zone: &str) -> Result<Self, UnknownZone> {
        let zone = match custom_offset(time_zone) {
            Some(offset) => TimeZone::fixed(offset),
            None => TimeZone::get(time_zone).map_err(|_| UnknownZone(time_zone.to_owned()))?,
        };
        Ok(Self { locale: Locale::new(locale), time_zone: zone, empty_text: "''".to_owned() })
    }
}

fn custom_offset(name: &str) -> Option<Offset> {
    let (sign, rest) = match name.strip_prefix("GMT")?.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

/// Why a cell has no meaning in its column, in words for the person who typed it. It never quotes the cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The column's name.
    pub column: String,
    /// What it takes: `must be a whole number from 0 to 65535`.
    pub rule: String,
}

impl Refusal {
    fn new(column: &Column, rule: impl Into<String>) -> Self {
        Self { column: column.name.clone(), rule: rule.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.rule)
    }
}

/// The cell that shows a value. Total: a value of another kind than its column's is shown by its own kind.
pub fn shown(column: &Column, value: &Value, context: &Context) -> Cell {
    match (value, &column.kind) {
        (Value::Null, _) => Cell::Blank,
        (Value::Int(0 | 1), ColumnKind::Boolean) => Cell::Bool(*value == Value::Int(1)),
        (Value::Int(n), ColumnKind::Bit { bits }) => hex::shown_bits(*n as u64, *bits),
        (Value::UInt(n), ColumnKind::Bit { bits }) => hex::shown_bits(*n, *bits),
        (Value::Int(n), _) => number::shown_integer(i128::from(*n)),
        (Value::UInt(n), _) => number::shown_integer(i128::from(*n)),
        (Value::Decimal(digits), kind) => number::shown_decimal(digits, kind, context.locale),
        (Value::Float(x), _) => number::shown_float(*x),
        (Value::Double(x), _) => Cell::Number(*x),
        (Value::Text(s), _) => text::shown(s, column, context),
        (Value::Json(s), _) => text::shown_as_is(s),
        (Value::Bytes(bytes), _) => hex::shown(bytes),
        (Value::Date(date), _) => moment::shown_date(*date),
        (Value::DateTime(at), ColumnKind::Timestamp { fsp }) => moment::shown_timestamp(*at, *fsp, context),
        (Value::DateTime(at), ColumnKind::DateTime { fsp }) => moment::shown_datetime(*at, *fsp),
        (Value::DateTime(at), _) => moment::shown_datetime(*at, 6),
        (Value::Time(time), ColumnKind::Time { fsp }) => moment::shown_time(*time, *fsp),
        (Value::Time(time), _) => moment::shown_time(*time, 6),
    }
}

/// The value that a cell means in a column.
pub fn meaning(column: &Column, cell: &Cell, context: &Context) -> Result<Value, Refusal> {
    match cell {
        Cell::Error(_) => {
            return Err(Refusal::new(column, "holds an error, which the table cannot take"));
        }
        _ if is_cut(cell) => {
            return Err(Refusal::new(column, "is longer than a cell can show, so it cannot be changed here"));
        }
        _ if cell.is_blank() => return blank(column),
        _ => {}
    }
    let rule = match &column.kind {
        ColumnKind::Integer { bits, unsigned } => number::integer(cell, *bits, *unsigned, context.locale),
        ColumnKind::Boolean => number::boolean(cell),
        ColumnKind::Decimal { precision, scale, unsigned } => {
            number::decimal(cell, *precision, *scale, *unsigned, context.locale)
        }
        ColumnKind::Float => number::float(cell, context.locale),
        ColumnKind::Double => number::double(cell, context.locale),
        ColumnKind::Year => number::year(cell, context.locale),
        ColumnKind::Text { length } => text::text(cell, *length, column, context),
        ColumnKind::Enum(members) => text::member(cell, members, column, context),
        ColumnKind::Set(members) => text::members(cell, members, column, context),
        ColumnKind::Json => text::json(cell),
        ColumnKind::Named(_) => Ok(text::named(cell, context.locale)),
        ColumnKind::Bytes { length, fixed } => hex::bytes(cell, *length, *fixed),
        ColumnKind::Bit { bits } => hex::bits(cell, *bits),
        ColumnKind::Date => moment::date(cell, context.locale),
        ColumnKind::DateTime { .. } => moment::datetime(cell, context.locale),
        ColumnKind::Timestamp { .. } => moment::timestamp(cell, context),
        ColumnKind::Time { .. } => moment::time(cell),
        ColumnKind::Unsupported(_) => Err("is of a type that cannot be changed here".to_owned()),
    };
    rule.map_err(|rule| Refusal::new(column, rule))
}

/// Blank is NULL where the column takes NULL, else the empty text where the column is text.
fn blank(column: &Column) -> Result<Value, Refusal> {
    if column.nullable {
        return Ok(Value::Null);
    }
    match column.kind {
        ColumnKind::Text { .. } | ColumnKind::Enum(_) | ColumnKind::Set(_) => Ok(Value::Text(String::new())),
        _ => Err(Refusal::new(column, "must not be empty")),
    }
}

#[cfg(test)]
mod tests;
