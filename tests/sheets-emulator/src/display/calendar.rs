//! Serial numbers: days since 1899-12-30, the fraction is the time of day. They know no time zone.

use jiff::civil::Date;

/// A date and a time of day in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year, month and day.
    pub date: Date,
    /// Milliseconds since midnight, below 86,400,000.
    pub milliseconds: u32,
}

const DAY: f64 = 86_400_000.0;

fn zero() -> Date {
    Date::constant(1899, 12, 30)
}

/// Date and time of a serial number; `None` outside the calendar.
pub fn civil_from_serial(serial: f64) -> Option<Civil> {
    let total = (serial * DAY).round();
    let days = (total / DAY).floor();
    if !days.is_finite() || days.abs() > 4_000_000.0 {
        return None;
    }
    let date = zero().checked_add(jiff::Span::new().try_days(days as i64).ok()?).ok()?;
    Some(Civil { date, milliseconds: (total - days * DAY) as u32 })
}

/// The serial number of a date and time.
pub fn serial_from_civil(civil: Civil) -> f64 {
    let days = (civil.date - zero()).get_days();
    f64::from(days) + f64::from(civil.milliseconds) / DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_days() {
        let day = |year, month, day| {
            serial_from_civil(Civil { date: Date::constant(year, month, day), milliseconds: 0 })
        };
        let days = [day(2020, 1, 1), day(1999, 1, 2), day(2026, 9, 5)].map(|serial| serial as i64);
        assert_eq!(days, [43831, 36162, 46270]);
        let noon = civil_from_serial(43831.5).expect("in the calendar");
        assert_eq!((noon.date, noon.milliseconds), (Date::constant(2020, 1, 1), 43_200_000));
    }
}
