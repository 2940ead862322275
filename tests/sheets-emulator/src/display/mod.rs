//! What a cell shows: numbers, dates and times by their format and the spreadsheet's locale.

mod calendar;
mod date;
mod locale;
mod number;

pub use calendar::{Civil, civil_from_serial, serial_from_civil};
pub use locale::Locale;
pub use number::general;

use crate::grid::{Cell, Scalar};

/// Is the cell's number a date, a time or both, as far as its format says?
pub fn is_temporal(cell: &Cell) -> bool {
    cell.number_format().is_some_and(|(kind, pattern)| {
        matches!(kind, "DATE" | "TIME" | "DATE_TIME") || kind.is_empty() && date::is_date_pattern(pattern)
    })
}

/// The text that a cell shows for what it amounts to.
pub fn shown(scalar: &Scalar, cell: &Cell, locale: &Locale) -> String {
    match scalar {
        Scalar::Blank => String::new(),
        Scalar::Bool(bool) => if *bool { "TRUE" } else { "FALSE" }.to_owned(),
        Scalar::Text(text) => text.to_string(),
        Scalar::Error(error) => error.kind.shown().to_owned(),
        Scalar::Number(number) => match cell.number_format() {
            None => locale.localised(&general(*number)),
            Some((kind, pattern)) => formatted(*number, kind, pattern, locale),
        },
    }
}

fn formatted(number: f64, kind: &str, pattern: &str, locale: &Locale) -> String {
    let pattern = match (pattern, kind) {
        ("", "DATE") => locale.date_pattern(),
        ("", "TIME") => "h:mm:ss am/pm",
        ("", "DATE_TIME") => locale.date_time_pattern(),
        ("", "PERCENT") => "0.00%",
        ("", "CURRENCY") => "$#,##0.00",
        ("", "SCIENTIFIC") => "0.00E+00",
        ("", "NUMBER") => "#,##0.00",
        ("" | "General" | "@", _) => return locale.localised(&general(number)),
        (pattern, _) => pattern,
    };
    if matches!(kind, "DATE" | "TIME" | "DATE_TIME") || kind.is_empty() && date::is_date_pattern(pattern) {
        date::formatted(number, pattern)
    } else {
        number::formatted(number, pattern, locale)
    }
}
