//! Dates and times as row images hold them: packed bits, big-endian, zero dates and negative times included.

use crate::database::cursor::{Cursor, Malformed};
use crate::model::temporal::{Date, DateTime, Time};

/// How many bytes the fractional seconds take.
fn fraction_width(fsp: u8) -> usize {
    usize::from(fsp.div_ceil(2))
}

/// Stored fractions count hundredths, ten-thousandths or millionths, by their width.
fn fraction_micros(stored: u64, fsp: u8) -> u32 {
    let unit = match fraction_width(fsp) {
        1 => 10_000,
        2 => 100,
        _ => 1,
    };
    stored as u32 * unit
}

/// DATE: three bytes, day in 5 bits, month in 4, year above.
pub(crate) fn date(body: &mut Cursor) -> Result<Date, Malformed> {
    let packed = body.little(3)?;
    Ok(Date { year: (packed >> 9) as u16, month: (packed >> 5 & 15) as u8, day: (packed & 31) as u8 })
}

/// DATETIME since 5.6: 40 bits with the sign bit set, `(year * 13 + month) << 22 | day << 17 | h << 12 | m << 6 | s`.
pub(crate) fn datetime(body: &mut Cursor, fsp: u8) -> Result<DateTime, Malformed> {
    let packed = body.big(5)? & 0x7f_ffff_ffff;
    let micros = fraction_micros(body.big(fraction_width(fsp))?, fsp);
    let months = packed >> 22;
    Ok(DateTime {
        date: Date { year: (months / 13) as u16, month: (months % 13) as u8, day: (packed >> 17 & 31) as u8 },
        hour: (packed >> 12 & 31) as u8,
        minute: (packed >> 6 & 63) as u8,
        second: (packed & 63) as u8,
        micros,
    })
}

/// TIMESTAMP since 5.6: unsigned seconds since 1970 (MariaDB 11.5 counts on to 2106); zero is the zero date.
pub(crate) fn timestamp(body: &mut Cursor, fsp: u8) -> Result<DateTime, Malformed> {
    let seconds = body.big(4)?;
    let micros = fraction_micros(body.big(fraction_width(fsp))?, fsp);
    Ok(instant(seconds, micros))
}

/// TIME since 5.6: integer part and fraction are one signed number, offset by half its range; the integer part has ten bits
/// of hours and six each of minutes and seconds.
pub(crate) fn time(body: &mut Cursor, fsp: u8) -> Result<Time, Malformed> {
    let width = fraction_width(fsp);
    let bits = 8 * width;
    let packed = body.big(3 + width)? as i64 - (0x80_0000 << bits);
    let all = packed.unsigned_abs();
    let (whole, stored) = (all >> bits, all & ((1 << bits) - 1));
    let seconds = (whole >> 12 & 1023) * 3600 + (whole >> 6 & 63) * 60 + (whole & 63);
    let micros = (seconds * 1_000_000 + u64::from(fraction_micros(stored, fsp))) as i64;
    Ok(Time { micros: if packed < 0 { -micros } else { micros } })
}

/// DATETIME before 5.6: the decimal number `YYYYMMDDhhmmss`.
pub(crate) fn old_datetime(body: &mut Cursor) -> Result<DateTime, Malformed> {
    let packed = body.little(8)?;
    let (day, clock) = (packed / 1_000_000, packed % 1_000_000);
    Ok(DateTime {
        date: Date { year: (day / 10_000) as u16, month: (day / 100 % 100) as u8, day: (day % 100) as u8 },
        hour: (clock / 10_000) as u8,
        minute: (clock / 100 % 100) as u8,
        second: (clock % 100) as u8,
        micros: 0,
    })
}

/// TIMESTAMP before 5.6.
pub(crate) fn old_timestamp(body: &mut Cursor) -> Result<DateTime, Malformed> {
    Ok(instant(body.little(4)?, 0))
}

/// TIME before 5.6: the signed decimal number `hhmmss`, three bytes.
pub(crate) fn old_time(body: &mut Cursor) -> Result<Time, Malformed> {
    let raw = body.little(3)? as i64;
    let packed = if raw >= 1 << 23 { raw - (1 << 24) } else { raw };
    let all = packed.abs();
    let seconds = all / 10_000 * 3600 + all / 100 % 100 * 60 + all % 100;
    Ok(Time { micros: packed.signum() * seconds * 1_000_000 })
}

/// The wall time in UTC of an instant. Days to dates by the well-known era arithmetic (Howard Hinnant, `civil_from_days`).
fn instant(seconds: u64, micros: u32) -> DateTime {
    if seconds == 0 && micros == 0 {
        let zero = Date { year: 0, month: 0, day: 0 };
        return DateTime { date: zero, hour: 0, minute: 0, second: 0, micros: 0 };
    }
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    DateTime {
        date: Date {
            year: (year_of_era + era * 400 + u64::from(month <= 2)) as u16,
            month: month as u8,
            day: (day_of_year - (153 * shifted + 2) / 5 + 1) as u8,
        },
        hour: (seconds % 86_400 / 3600) as u8,
        minute: (seconds % 3600 / 60) as u8,
        second: (seconds % 60) as u8,
        micros,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(bytes: &[u8], f: impl Fn(&mut Cursor) -> Result<T, Malformed>) -> T {
        f(&mut Cursor::new(bytes, "test")).expect("reads")
    }

    #[test]
    fn negative_times_with_a_fraction_are_read() {
        // Live bytes of osheroff/mysql-binlog-connector-java#181.
        let live = read(&[0x7e, 0xfd, 0xfb, 0xf6, 0x3c], |b| time(b, 3));
        assert_eq!(live.to_string(), "-16:08:04.250000");
        assert_eq!(read(&[0x7f, 0xff, 0xfe, 0xce], |b| time(b, 2)).micros, -1_500_000);
        assert_eq!(read(&[0x80, 0, 1], |b| time(b, 0)).micros, 1_000_000);
    }

    #[test]
    fn timestamps_go_on_past_2038_and_zero_is_the_zero_date() {
        let at = |seconds: u32| read(&seconds.to_be_bytes(), |b| timestamp(b, 0)).to_string();
        assert_eq!(at(0), "0000-00-00 00:00:00");
        assert_eq!(at(1), "1970-01-01 00:00:01");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(at(2_147_483_648), "2038-01-19 03:14:08");
        assert_eq!(at(u32::MAX), "2106-02-07 06:28:15");
    }

    #[test]
    fn a_partly_zero_date_is_kept() {
        let packed = (2024_u32 << 9).to_le_bytes();
        assert_eq!(read(&packed[..3], date).to_string(), "2024-00-00");
    }
}
