//! How people of a locale write numbers and dates.
//!
//! From the Unicode CLDR: which languages write a decimal comma, and who begins a date with the month or the year. Sheets
//! reads what is typed into a number or date column itself; these rules are for what arrives as text.

use crate::model::temporal::Date;

/// A spreadsheet's locale as far as reading depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locale {
    comma: bool,
    order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    DayMonthYear,
    MonthDayYear,
    YearMonthDay,
}

/// Languages that write `1,5`.
const COMMA: &[&str] = &[
    "af", "az", "be", "bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fr", "gl", "hr",
    "hu", "hy", "id", "is", "it", "ka", "kk", "ky", "lt", "lv", "mk", "mn", "nb", "nl", "nn", "no", "pl",
    "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "tr", "uk", "uz", "vi",
];

/// Countries that write `1.5` although their language does not.
const POINT_COUNTRIES: &[&str] = &["CH", "LI", "MX", "US", "GT", "HN", "NI", "PA", "PE", "PR", "SV", "DO"];

/// Languages that begin a date with the year.
const YEAR_FIRST: &[&str] = &["zh", "ja", "ko", "hu", "lt", "sv", "mn", "eu"];

impl Locale {
    /// From Google's name: `en`, `en_US`, `de-CH`. An unknown name reads like English outside of America.
    pub fn new(name: &str) -> Self {
        let (language, country) = name.split_once(['_', '-']).unwrap_or((name, ""));
        let language = language.to_ascii_lowercase();
        let comma = (COMMA.contains(&language.as_str()) && !POINT_COUNTRIES.contains(&country))
            || (language == "en" && country == "ZA")
            || (language == "fr" && country == "CH");
        let order = match (language.as_str(), country) {
            ("en", "US" | "" | "PH") | ("es", "US") => Order::MonthDayYear,
            ("en" | "fr", "CA") => Order::YearMonthDay,
            (language, _) if YEAR_FIRST.contains(&language) => Order::YearMonthDay,
            _ => Order::DayMonthYear,
        };
        Self { comma, order }
    }

    /// The character between whole and fraction.
    pub(super) fn decimal(self) -> char {
        if self.comma { ',' } else { '.' }
    }

    /// A typed number as `-1234.5`; `None` if it is none in this locale.
    pub(super) fn plain_number(self, typed: &str) -> Option<String> {
        let typed = typed.trim().replace('\u{2212}', "-");
        let (sign, unsigned) = match typed.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", typed.strip_prefix('+').unwrap_or(&typed)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent.parse::<i16>().ok()?)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once(self.decimal()) {
            Some((whole, fraction)) => (whole, fraction),
            None => (mantissa, ""),
        };
        let whole = self.ungroup(whole)?;
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(&whole) || !digits(fraction) {
            return None;
        }
        let point = if fraction.is_empty() { "" } else { "." };
        let exponent = exponent.map(|e| format!("e{e}")).unwrap_or_default();
        let whole = if whole.is_empty() { "0" } else { &whole };
        Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
    }

    /// Takes out the separators of thousands, where they stand as they must.
    fn ungroup(self, whole: &str) -> Option<String> {
        let other = if self.comma { '.' } else { ',' };
        let is_group = |c: char| c == other || matches!(c, ' ' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2019}');
        let mut parts = whole.split(is_group);
        let first = parts.next()?;
        let mut digits = first.to_owned();
        for part in parts {
            if part.len() != 3 || first.is_empty() || first.len() > 3 {
                return None;
            }
            digits.push_str(part);
        }
        Some(digits)
    }

    /// A typed date: `2026-12-31`, or the locale's own order with any of `/`, `.`, `-` between. Zero parts are kept,
    /// since MySQL knows them; two-digit years as MySQL reads them (70 to 99 are 19xx).
    pub(super) fn date(self, typed: &str) -> Option<Date> {
        let allowed = |c: char| c.is_ascii_digit() || matches!(c, '/' | '.' | '-' | ' ');
        if !typed.chars().all(allowed) || typed.starts_with('-') {
            return None;
        }
        let parts: Vec<&str> = typed.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).collect();
        let [a, b, c] = parts.as_slice() else {
            return None;
        };
        let (year, month, day) = match self.order {
            _ if a.len() == 4 => (a, b, c),
            Order::YearMonthDay => (a, b, c),
            Order::DayMonthYear => (c, b, a),
            Order::MonthDayYear => (c, a, b),
        };
        let short = year.len() <= 2;
        let year: u16 = year.parse().ok()?;
        let year = match year {
            70..=99 if short => year + 1900,
            0..=69 if short => year + 2000,
            _ => year,
        };
        let date = Date { year, month: month.parse().ok()?, day: day.parse().ok()? };
        is_possible(date).then_some(date)
    }

    /// A date of this locale, to show people in a refusal.
    pub(super) fn example_date(self) -> &'static str {
        match self.order {
            Order::DayMonthYear => "2026-12-31 or 31/12/2026",
            Order::MonthDayYear => "2026-12-31 or 12/31/2026",
            Order::YearMonthDay => "2026-12-31",
        }
    }
}

/// A day that the calendar has, or one with a zero month or day as MySQL keeps them.
pub(super) fn is_possible(date: Date) -> bool {
    let Ok(year) = i16::try_from(date.year) else {
        return false;
    };
    let (month, day) = (date.month.max(1), date.day.max(1));
    let real = jiff::civil::Date::new(year, month.cast_signed(), day.cast_signed()).is_ok();
    year <= 9999 && (real || (date.month == 0 && day <= 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_their_locale_writes_them() {
        let cases = [
            ("de_DE", "1,5", Some("1.5")),
            ("de_DE", "1.234,5", Some("1234.5")),
            ("de_DE", "1.234", Some("1234")),
            ("de_DE", "1.5", None),
            ("de_CH", "1'234.5", Some("1234.5")),
            ("en_US", "1,234,567.25", Some("1234567.25")),
            ("en_US", "1,5", None),
            ("en_US", " -.5 ", Some("-0.5")),
            ("en_US", "1e-3", Some("1e-3")),
            ("fr_FR", "1\u{202f}234,5", Some("1234.5")),
            ("en_US", "", None),
            ("en_US", "12a", None),
            ("en_US", "0x10", None),
            ("en_US", "1,23,456", None),
        ];
        for (locale, typed, plain) in cases {
            assert_eq!(Locale::new(locale).plain_number(typed).as_deref(), plain, "{locale} {typed}");
        }
    }

    #[test]
    fn dates_are_read_in_their_locales_order() {
        let day = |year, month, day| Some(Date { year, month, day });
        let cases = [
            ("en_GB", "31/12/2026", day(2026, 12, 31)),
            ("en_US", "12/31/2026", day(2026, 12, 31)),
            ("en_US", "31/12/2026", None),
            ("de_DE", "31. 12. 26", day(2026, 12, 31)),
            ("hu_HU", "2026. 12. 31.", day(2026, 12, 31)),
            ("de_DE", "2026-02-29", None),
            ("de_DE", "2024-02-29", day(2024, 2, 29)),
            ("de_DE", "0000-00-00", day(0, 0, 0)),
            ("de_DE", "2024-02-00", day(2024, 2, 0)),
            ("de_DE", "tomorrow", None),
            ("de_DE", "1.2", None),
        ];
        for (locale, typed, date) in cases {
            assert_eq!(Locale::new(locale).date(typed), date, "{locale} {typed}");
        }
    }
}
