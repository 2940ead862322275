//! Dates, times of day and instants.
//!
//! A cell's serial number has no time zone. DATETIME is wall time and so is its cell; TIMESTAMP is an instant, shown in the
//! link's zone. Where clocks are set back an hour comes twice: the first pass is a serial, the second is text with its
//! offset, so that every instant has a cell of its own.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

use crate::model::cell::Cell;
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::Value;
use crate::sheet::codec::Context;
use crate::sheet::codec::locale::Locale;
use crate::sheet::codec::serial;

/// Sheets shows milliseconds at best.
const SERIAL_FSP: u8 = 3;
const MILLISECOND: i64 = 1000;

/// The longest TIME: 838:59:59.999999 (MySQL writes no fraction there, MariaDB does).
const LONGEST: i64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000 + 999_999;

/// The latest TIMESTAMP of any server: 2106-02-07 06:28:15 UTC (MariaDB 11.5 and up; others end in 2038 and say so).
const LATEST_TIMESTAMP: i64 = u32::MAX as i64;

pub(super) fn shown_date(date: Date) -> Cell {
    match serial::days(date) {
        Some(days) if date >= serial::FIRST => Cell::number(days as f64),
        _ => Cell::Text(date.to_string()),
    }
}

pub(super) fn shown_datetime(at: DateTime, fsp: u8) -> Cell {
    match serial::of_datetime(at) {
        Some(serial) if fsp <= SERIAL_FSP && at.date >= serial::FIRST => Cell::number(serial),
        _ => Cell::Text(at.to_string()),
    }
}

pub(super) fn shown_time(time: Time, fsp: u8) -> Cell {
    if fsp <= SERIAL_FSP {
        Cell::number(serial::of_micros(time.micros))
    } else {
        Cell::Text(time.to_string())
    }
}

pub(super) fn shown_timestamp(at: DateTime, fsp: u8, context: &Context) -> Cell {
    let Some(instant) = civil_of(at).and_then(|utc| Offset::UTC.to_timestamp(utc).ok()) else {
        return Cell::Text(at.to_string());
    };
    let wall = context.time_zone.to_datetime(instant);
    let shown = of_civil(wall);
    if instant_of(wall, context) == Some(instant) {
        return shown_datetime(shown, fsp);
    }
    let offset = context.time_zone.to_offset(instant).seconds();
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    Cell::Text(format!("{shown}{sign}{hours:02}:{minutes:02}{seconds}"))
}

pub(super) fn date(cell: &Cell, locale: Locale) -> Result<Value, String> {
    let rule = || format!("must be a date like {}", locale.example_date());
    let date = match cell {
        Cell::Number(x) if x.get().fract() == 0.0 && x.get().abs() < 1e9 => serial::date(x.get() as i64),
        Cell::Text(s) => locale.date(s.trim()),
        Cell::Number(_) | Cell::Blank | Cell::Bool(_) | Cell::Error(_) => None,
    };
    date.map(Value::Date).ok_or_else(rule)
}

pub(super) fn datetime(cell: &Cell, locale: Locale) -> Result<Value, String> {
    let at = wall(cell, locale).ok_or_else(|| datetime_rule(locale))?;
    Ok(Value::DateTime(at))
}

pub(super) fn timestamp(cell: &Cell, context: &Context) -> Result<Value, String> {
    let rule = || datetime_rule(context.locale);
    if let Some((at, offset)) = with_offset(cell, context.locale) {
        let instant = civil_of(at).and_then(|wall| offset.to_timestamp(wall).ok()).ok_or_else(rule)?;
        return in_utc(instant);
    }
    let at = wall(cell, context.locale).ok_or_else(rule)?;
    if at.date.is_zero() {
        return Ok(Value::DateTime(at));
    }
    let wall = civil_of(at).ok_or_else(rule)?;
    in_utc(instant_of(wall, context).ok_or_else(rule)?)
}

fn in_utc(instant: Timestamp) -> Result<Value, String> {
    if !(0..=LATEST_TIMESTAMP).contains(&instant.as_second()) {
        return Err("must be a time between 1970 and 2038".to_owned());
    }
    Ok(Value::DateTime(of_civil(Offset::UTC.to_datetime(instant))))
}

pub(super) fn time(cell: &Cell) -> Result<Value, String> {
    let micros = match cell {
        Cell::Number(x) => serial::micros(x.get(), MILLISECOND),
        Cell::Text(s) => span(s.trim()),
        Cell::Blank | Cell::Bool(_) | Cell::Error(_) => None,
    };
    let micros = micros.filter(|micros| micros.abs() <= LONGEST);
    micros
        .map(|micros| Value::Time(Time { micros }))
        .ok_or_else(|| "must be a time from -838:59:59 to 838:59:59, like 13:30:00".to_owned())
}

fn datetime_rule(locale: Locale) -> String {
    format!("must be a date like {}, with a time like 13:30:00", locale.example_date())
}

/// Wall time from a serial or from text.
fn wall(cell: &Cell, locale: Locale) -> Option<DateTime> {
    match cell {
        Cell::Number(x) => serial::datetime(x.get(), MILLISECOND),
        Cell::Text(s) => wall_text(s.trim(), locale),
        Cell::Blank | Cell::Bool(_) | Cell::Error(_) => None,
    }
}

/// A date, alone (midnight) or followed by a space or `T` and a time of day.
fn wall_text(s: &str, locale: Locale) -> Option<DateTime> {
    let (day, clock) = match s.find(':') {
        None => (s, None),
        Some(colon) => {
            let gap = s[..colon].rfind([' ', 'T'])?;
            (&s[..gap], Some(s[gap + 1..].trim()))
        }
    };
    let date = locale.date(day.trim())?;
    let micros = clock.map_or(Some(0), span).filter(|micros| (0..86_400_000_000).contains(micros))?;
    Some(serial::at(date, micros))
}

/// Text that ends with an offset from UTC: `2026-10-25 02:30:00+01:00`, or `Z`.
fn with_offset(cell: &Cell, locale: Locale) -> Option<(DateTime, Offset)> {
    let Cell::Text(s) = cell else {
        return None;
    };
    let s = s.trim();
    if let Some(wall) = s.strip_suffix('Z') {
        return Some((wall_text(wall, locale)?, Offset::UTC));
    }
    // A sign behind the time of day, not the hyphens of the date.
    let clock = s.find(':')?;
    let sign = clock + s[clock..].find(['+', '-'])?;
    let seconds = i32::try_from(span(&s[sign + 1..])? / 1_000_000).ok()?;
    let seconds = if s[sign..].starts_with('-') { -seconds } else { seconds };
    Some((wall_text(&s[..sign], locale)?, Offset::from_seconds(seconds).ok()?))
}

/// `[-]h:mm[:ss[.ffffff]]`, with `am` or `pm` behind it or not, in microseconds.
fn span(s: &str) -> Option<i64> {
    let lower = s.to_lowercase();
    let (clock, half) =
        match lower.strip_suffix("am").map(|c| (c, 0)).or(lower.strip_suffix("pm").map(|c| (c, 12))) {
            Some((clock, half)) => (clock.trim(), Some(half)),
            None => (lower.as_str(), None),
        };
    let (sign, clock) = clock.strip_prefix('-').map_or((1, clock), |rest| (-1, rest));
    let mut parts = clock.split(':');
    let mut hours = digits(parts.next()?, 3)?;
    let minutes = digits(parts.next()?, 2).filter(|m| *m < 60)?;
    let (seconds, fraction) =
        parts.next().map_or(("0", ""), |part| part.split_once(['.', ',']).unwrap_or((part, "")));
    let seconds = digits(seconds, 2).filter(|s| *s < 60)?;
    if parts.next().is_some() || fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    if let Some(half) = half {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12 + half;
    }
    Some(sign * ((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + micros))
}

fn digits(s: &str, most: usize) -> Option<i64> {
    let fits = !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| s.parse().ok())?
}

/// The instant of a wall time: the first one where clocks were set back, the one after the gap where they were set forward.
fn instant_of(wall: civil::DateTime, context: &Context) -> Option<Timestamp> {
    context.time_zone.to_ambiguous_timestamp(wall).compatible().ok()
}

fn civil_of(at: DateTime) -> Option<civil::DateTime> {
    let DateTime { date, hour, minute, second, micros } = at;
    let year = i16::try_from(date.year).ok()?;
    let day = civil::Date::new(year, date.month.cast_signed(), date.day.cast_signed()).ok()?;
    let nanos = i32::try_from(micros).ok()?.checked_mul(1000)?;
    let clock =
        civil::Time::new(hour.cast_signed(), minute.cast_signed(), second.cast_signed(), nanos).ok()?;
    Some(day.to_datetime(clock))
}

/// A wall time of the years that timestamps have.
fn of_civil(wall: civil::DateTime) -> DateTime {
    DateTime {
        date: Date {
            year: wall.year().cast_unsigned(),
            month: wall.month().cast_unsigned(),
            day: wall.day().cast_unsigned(),
        },
        hour: wall.hour().cast_unsigned(),
        minute: wall.minute().cast_unsigned(),
        second: wall.second().cast_unsigned(),
        micros: (wall.subsec_nanosecond() / 1000).cast_unsigned(),
    }
}
