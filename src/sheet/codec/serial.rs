//! Sheets' serial numbers: days since 1899-12-30 in wall time, the time of day as the fraction.

use jiff::civil;

use crate::model::temporal::{Date, DateTime};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The first date that is shown as a number: earlier ones differ between spreadsheet programs, so they are text.
pub(super) const FIRST: Date = Date { year: 1900, month: 3, day: 1 };

fn epoch() -> civil::Date {
    civil::date(1899, 12, 30)
}

/// Days since the epoch; `None` for a date that no calendar has.
pub(super) fn days(date: Date) -> Option<i64> {
    let year = i16::try_from(date.year).ok()?;
    let day = civil::Date::new(year, date.month.cast_signed(), date.day.cast_signed()).ok()?;
    Some(i64::from((day - epoch()).get_days()))
}

/// The date that many days after the epoch, within MySQL's years 0 to 9999.
pub(super) fn date(days: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    let day = epoch().checked_add(span).ok()?;
    Some(Date {
        year: u16::try_from(day.year()).ok()?,
        month: day.month().cast_unsigned(),
        day: day.day().cast_unsigned(),
    })
}

/// The serial of an instant of wall time. A double holds microseconds of our century; milliseconds are safe.
pub(super) fn of_datetime(at: DateTime) -> Option<f64> {
    let day = days(at.date)?;
    Some(day as f64 + micros_of_day(at) as f64 / MICROS_PER_DAY as f64)
}

/// The instant of a serial, rounded to `unit` microseconds.
pub(super) fn datetime(serial: f64, unit: i64) -> Option<DateTime> {
    let all = micros(serial, unit)?;
    let date = date(all.div_euclid(MICROS_PER_DAY))?;
    Some(at(date, all.rem_euclid(MICROS_PER_DAY)))
}

/// A span of days in microseconds, rounded to `unit` of them. `None` far outside of every calendar.
pub(super) fn micros(serial: f64, unit: i64) -> Option<i64> {
    let units = (serial * (MICROS_PER_DAY / unit) as f64).round();
    (units.abs() < 1e15).then(|| units as i64 * unit)
}

/// Microseconds as days.
pub(super) fn of_micros(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_DAY as f64
}

/// A day and the microseconds since its midnight.
pub(super) fn at(date: Date, micros: i64) -> DateTime {
    let seconds = micros / 1_000_000;
    DateTime {
        date,
        hour: (seconds / 3600) as u8,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        micros: (micros % 1_000_000) as u32,
    }
}

fn micros_of_day(at: DateTime) -> i64 {
    let seconds = i64::from(at.hour) * 3600 + i64::from(at.minute) * 60 + i64::from(at.second);
    seconds * 1_000_000 + i64::from(at.micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_recorded_serials_are_the_dates_they_were_typed_as() {
        let day = |year, month, day| Date { year, month, day };
        for (date, serial) in [
            (day(2020, 1, 1), 43_831),
            (day(2026, 9, 5), 46_270),
            (day(2026, 1, 2), 46_024),
            (day(1899, 12, 30), 0),
            (FIRST, 61),
        ] {
            assert_eq!(days(date), Some(serial));
            assert_eq!(super::date(serial), Some(date));
        }
        assert_eq!(super::date(3_000_000), None, "after the year 9999");
    }

    #[test]
    fn noon_is_half_a_day() {
        let noon = DateTime { date: FIRST, hour: 12, minute: 0, second: 0, micros: 0 };
        assert_eq!(of_datetime(noon), Some(61.5));
        assert_eq!(datetime(61.5, 1000), Some(noon));
    }
}
