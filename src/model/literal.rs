//! A value as the configuration writes it: one exact form per kind of column, whatever locale the spreadsheet has.

use std::str::FromStr;

use crate::model::schema::ColumnKind;
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::Value;

/// DECIMAL of both servers holds as many digits, and MySQL as many of them after the point.
const DIGITS: (usize, usize) = (65, 30);

/// Why a text is no value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Integers, BIT and YEAR.
    #[error("is no whole number of 64 bits")]
    Integer,
    /// TINYINT(1) and BIT(1).
    #[error("is neither true nor false")]
    Boolean,
    /// DECIMAL.
    #[error("is no decimal number of up to 65 digits, 30 of them after the point, such as 12.50")]
    Decimal,
    /// ENUM.
    #[error("is no member of the ENUM")]
    Member,
    /// DATE.
    #[error("is no date such as 2026-01-31")]
    Date,
    /// DATETIME and TIMESTAMP.
    #[error("is no time such as 2026-01-31 08:30:00 (of a TIMESTAMP in UTC)")]
    DateTime,
    /// TIME.
    #[error("is no time such as 08:30:00")]
    Time,
    /// No literal of such a column is understood.
    #[error("cannot be given: values of this type have no plain form")]
    Kind,
}

/// The value that a text means in a column of this kind.
///
/// # Errors
/// It means none.
pub fn literal(kind: &ColumnKind, text: &str) -> Result<Value, Malformed> {
    match kind {
        ColumnKind::Integer { .. } | ColumnKind::Bit { .. } | ColumnKind::Year => integer(text),
        ColumnKind::Boolean => match text {
            "true" => Ok(Value::Int(1)),
            "false" => Ok(Value::Int(0)),
            // A TINYINT(1) may hold more than these two.
            _ => integer(text).map_err(|_| Malformed::Boolean),
        },
        ColumnKind::Decimal { .. } => decimal(text).map(Value::Decimal).ok_or(Malformed::Decimal),
        ColumnKind::Text { .. } => Ok(Value::Text(text.to_owned())),
        ColumnKind::Enum(members) if members.iter().any(|member| member == text) => {
            Ok(Value::Text(text.to_owned()))
        }
        ColumnKind::Enum(_) => Err(Malformed::Member),
        ColumnKind::Date => date(text).map(Value::Date).ok_or(Malformed::Date),
        ColumnKind::DateTime { .. } | ColumnKind::Timestamp { .. } => {
            date_time(text).map(Value::DateTime).ok_or(Malformed::DateTime)
        }
        ColumnKind::Time { .. } => time(text).map(Value::Time).ok_or(Malformed::Time),
        ColumnKind::Float
        | ColumnKind::Double
        | ColumnKind::Set(_)
        | ColumnKind::Bytes { .. }
        | ColumnKind::Json
        | ColumnKind::Named(_)
        | ColumnKind::Unsupported(_) => Err(Malformed::Kind),
    }
}

fn integer(text: &str) -> Result<Value, Malformed> {
    text.parse::<i128>().ok().and_then(Value::integer).ok_or(Malformed::Integer)
}

fn decimal(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() + fraction.len() <= DIGITS.0 && fraction.len() <= DIGITS.1;
    (digits(whole) && digits(fraction) && fits).then(|| text.to_owned())
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut next = |length: usize| {
        let digits = parts.next().filter(|part| part.len() == length)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?
    };
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u16::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let real = (1..=days).contains(&day) && parts.next().is_none();
    real.then_some(Date { year, month: month as u8, day: day as u8 })
}

fn date_time(text: &str) -> Option<DateTime> {
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let Clock { hours, minutes, seconds, micros } = clock.parse().ok()?;
    let hour = u8::try_from(hours).ok().filter(|hour| *hour < 24)?;
    Some(DateTime { date: date(day)?, hour, minute: minutes, second: seconds, micros })
}

fn time(text: &str) -> Option<Time> {
    /// The servers' own limit.
    const HOURS: u16 = 838;
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let clock: Clock = unsigned.parse().ok()?;
    let seconds = i64::from(clock.hours) * 3600 + i64::from(clock.minutes) * 60 + i64::from(clock.seconds);
    let micros = seconds * 1_000_000 + i64::from(clock.micros);
    (clock.hours <= HOURS).then_some(Time { micros: if text.starts_with('-') { -micros } else { micros } })
}

/// `HH:MM:SS[.ffffff]`.
struct Clock {
    hours: u16,
    minutes: u8,
    seconds: u8,
    micros: u32,
}

impl FromStr for Clock {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        let (whole, fraction) = s.split_once('.').unwrap_or((s, "0"));
        let mut parts = whole.split(':').map(|part| part.parse::<u16>().map_err(|_| ()));
        let mut next = || parts.next().ok_or(())?;
        let (hours, minutes, seconds) = (next()?, next()?, next()?);
        let sixty = |part: u16| u8::try_from(part).ok().filter(|part| *part < 60).ok_or(());
        if parts.next().is_some() || !(1..=6).contains(&fraction.len()) {
            return Err(());
        }
        let micros = format!("{fraction:0<6}").parse().map_err(|_| ())?;
        Ok(Self { hours, minutes: sixty(minutes)?, seconds: sixty(seconds)?, micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_form() {
        let decimal = ColumnKind::Decimal { precision: 5, scale: 2, unsigned: false };
        let moment = DateTime {
            date: Date { year: 2026, month: 1, day: 31 },
            hour: 8,
            minute: 30,
            second: 0,
            micros: 250_000,
        };
        for (kind, text, value) in [
            (ColumnKind::Year, "2026", Value::Int(2026)),
            (ColumnKind::Integer { bits: 64, unsigned: true }, "18446744073709551615", Value::UInt(u64::MAX)),
            (ColumnKind::Boolean, "true", Value::Int(1)),
            (decimal, "-0.5", Value::Decimal("-0.5".into())),
            (ColumnKind::Text { length: 9 }, " a ", Value::Text(" a ".into())),
            (ColumnKind::Date, "2026-01-31", Value::Date(moment.date)),
            (ColumnKind::DateTime { fsp: 6 }, "2026-01-31 08:30:00.25", Value::DateTime(moment)),
            (ColumnKind::Time { fsp: 0 }, "-100:00:01", Value::Time(Time { micros: -360_001_000_000 })),
        ] {
            assert_eq!(literal(&kind, text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_has_another_form_is_refused() {
        let decimal = ColumnKind::Decimal { precision: 5, scale: 2, unsigned: false };
        for (kind, text) in [
            (ColumnKind::Year, "2026.0"),
            (ColumnKind::Boolean, "yes"),
            (decimal.clone(), "1,5"),
            (decimal, "1e3"),
            (ColumnKind::Date, "31/01/2026"),
            (ColumnKind::Date, "2026-02-29"),
            (ColumnKind::Date, "2026-1-2"),
            (ColumnKind::Date, "0000-00-00"),
            (ColumnKind::DateTime { fsp: 0 }, "2026-01-31 24:00:00"),
            (ColumnKind::Time { fsp: 0 }, "839:00:00"),
            (ColumnKind::Time { fsp: 0 }, "08:30"),
            (ColumnKind::Json, "{}"),
        ] {
            assert!(literal(&kind, text).is_err(), "{text}");
        }
    }
}
