//! The few habits of a locale that matter in cells.

/// How a locale writes numbers and dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// Between whole and fraction.
    pub decimal: char,
    /// Between thousands.
    pub grouping: char,
    /// Is the day written before the month?
    pub day_first: bool,
    /// Between day, month and year.
    pub date_separator: char,
}

impl Locale {
    /// The habits of a locale such as `de_DE`. Unknown ones are taken for `en_US`'s, since the service names over a
    /// hundred and only these are known here.
    pub fn named(name: &str) -> Self {
        let language = name.split('_').next().unwrap_or_default();
        match (language, name) {
            ("de" | "pl" | "ru" | "cs" | "da" | "nb" | "fi" | "tr", _) => Self {
                decimal: ',',
                grouping: if matches!(language, "de" | "da" | "tr") { '.' } else { '\u{a0}' },
                day_first: true,
                date_separator: '.',
            },
            ("fr", _) => Self { decimal: ',', grouping: '\u{202f}', day_first: true, date_separator: '/' },
            ("es" | "it" | "pt" | "nl", _) => Self {
                decimal: ',',
                grouping: '.',
                day_first: true,
                date_separator: if language == "nl" { '-' } else { '/' },
            },
            ("en", "en_GB" | "en_AU" | "en_NZ" | "en_IE") => Self { day_first: true, ..Self::american() },
            _ => Self::american(),
        }
    }

    fn american() -> Self {
        Self { decimal: '.', grouping: ',', day_first: false, date_separator: '/' }
    }

    /// A number spelled with a point, in this locale.
    pub fn localised(&self, number: &str) -> String {
        if self.decimal == '.' { number.to_owned() } else { number.replace('.', &self.decimal.to_string()) }
    }

    /// The usual pattern of a date.
    pub fn date_pattern(&self) -> &'static str {
        match (self.day_first, self.date_separator) {
            (false, _) => "M/d/yyyy",
            (true, '.') => "dd.MM.yyyy",
            (true, '-') => "d-M-yyyy",
            (true, _) => "dd/MM/yyyy",
        }
    }

    /// The usual pattern of a date with a time.
    pub fn date_time_pattern(&self) -> &'static str {
        match (self.day_first, self.date_separator) {
            (false, _) => "M/d/yyyy H:mm:ss",
            (true, '.') => "dd.MM.yyyy HH:mm:ss",
            (true, '-') => "d-M-yyyy H:mm:ss",
            (true, _) => "dd/MM/yyyy HH:mm:ss",
        }
    }
}
