//! What becomes of typed text (`USER_ENTERED`, and every keystroke of a person).
//!
//! Google's parser is not imitated: the recorded coercions are replayed, and beside them only what is beyond doubt is
//! known. Text that looks as if the service would make something of it, and of which nobody here knows what, is
//! refused.

use jiff::civil::Date;

use crate::display::{Civil, Locale, serial_from_civil};
use crate::grid::{Cell, LIMIT_CHARACTERS, Refusal, Value};

/// A value, and the number format (type and pattern) that comes with it where the cell has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Entered {
    /// The value.
    pub value: Value,
    /// Type and pattern.
    pub format: Option<(&'static str, String)>,
}

impl Entered {
    fn plain(value: Value) -> Self {
        Self { value, format: None }
    }

    fn formatted(number: f64, kind: &'static str, pattern: impl Into<String>) -> Self {
        Self { value: Value::Number(number), format: Some((kind, pattern.into())) }
    }
}

/// Where text is typed: what the answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Desk {
    /// The spreadsheet's locale.
    pub locale: Locale,
    /// This year, for dates without one.
    pub year: i16,
}

/// Too long for a cell?
pub fn check_length(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > LIMIT_CHARACTERS {
        return Err(Refusal(format!(
            "Your input contains more than the maximum of {LIMIT_CHARACTERS} characters in a single cell."
        )));
    }
    Ok(())
}

/// What is stored when `text` is typed into `cell`.
pub fn enter(text: &str, cell: &Cell, desk: Desk) -> Result<Entered, Refusal> {
    check_length(text)?;
    if cell.is_text_format() {
        return Ok(Entered::plain(Value::text(text)));
    }
    if let Some(rest) = text.strip_prefix('\'') {
        return Ok(Entered::plain(Value::text(rest)));
    }
    let trimmed = text.trim();
    if trimmed.starts_with('=') && trimmed.len() > 1 {
        return Ok(Entered::plain(Value::Formula(trimmed.into())));
    }
    if trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false") {
        return Ok(Entered::plain(Value::Bool(trimmed.eq_ignore_ascii_case("true"))));
    }
    if let Some(entered) = number(trimmed, desk.locale) {
        return Ok(entered);
    }
    if let Some(entered) = own_format(trimmed, cell)
        .or_else(|| iso(trimmed))
        .or_else(|| short_date(trimmed, desk))
        .or_else(|| local_date(trimmed, desk))
        .or_else(|| time(trimmed))
    {
        return Ok(entered);
    }
    if trimmed.len() > 1 && trimmed.starts_with(['+', '-']) {
        return Ok(Entered::plain(Value::Formula(format!("={trimmed}").into())));
    }
    if is_doubtful(trimmed) {
        return Err(Refusal(format!(
            "The emulator does not know what Google makes of the typed text {text:?}. Write it RAW or as a typed value."
        )));
    }
    Ok(Entered::plain(Value::text(text)))
}

/// Digits and separators only, perhaps with a currency, a percent sign or am/pm: the service may well read it as a
/// number or a date.
fn is_doubtful(text: &str) -> bool {
    let words =
        ["am", "pm", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = text.to_lowercase();
    let has_digit = lower.bytes().any(|byte| byte.is_ascii_digit());
    let rest = words.iter().fold(lower, |rest, word| rest.replace(word, ""));
    let odd = |letter: char| !(letter.is_ascii_digit() || "-/.:, $€£%()e+".contains(letter));
    has_digit && !rest.contains(odd)
}

fn number(text: &str, locale: Locale) -> Option<Entered> {
    if let Some(rest) = text.strip_suffix('%') {
        let (number, places, _) = digits(rest.trim_end(), locale)?;
        let pattern = if places == 0 { "0%" } else { "0.00%" };
        return Some(Entered::formatted(number / 100.0, "PERCENT", pattern));
    }
    if let Some(rest) = text.strip_prefix('$').filter(|_| locale == Locale::named("en_US")) {
        let (number, places, _) = digits(rest, locale)?;
        let pattern = if places == 0 { "\"$\"#,##0" } else { "\"$\"#,##0.00" };
        return Some(Entered::formatted(number, "CURRENCY", pattern));
    }
    if let Some((mantissa, power)) = text.split_once(['e', 'E']) {
        let (number, ..) = digits(mantissa, locale)?;
        let power: i32 = power.parse().ok()?;
        let number: f64 = format!("{number}e{power}").parse().ok()?;
        return Some(Entered::formatted(number, "SCIENTIFIC", "0.00E+00"));
    }
    let (number, places, grouped) = digits(text, locale)?;
    Some(match (grouped, places) {
        (false, _) => Entered::plain(Value::Number(number)),
        (true, 0) => Entered::formatted(number, "NUMBER", "#,##0"),
        (true, _) => Entered::formatted(number, "NUMBER", "#,##0.00"),
    })
}

/// A plain number by locale: value, places, and whether it had separators of thousands.
fn digits(text: &str, locale: Locale) -> Option<(f64, usize, bool)> {
    let (sign, body) = match text.strip_prefix(['-', '+']) {
        Some(body) => (if text.starts_with('-') { -1.0 } else { 1.0 }, body),
        None => (1.0, text),
    };
    let (whole, fraction) = body.split_once(locale.decimal).unwrap_or((body, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let groups: Vec<&str> = whole.split(locale.grouping).collect();
    let grouped = groups.len() > 1;
    let in_threes =
        !grouped || (1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|group| group.len() == 3);
    if !in_threes || !groups.iter().all(|group| all_digits(group)) {
        return None;
    }
    let number: f64 = format!(
        "{}.{}",
        if whole.is_empty() { "0".to_owned() } else { groups.concat() },
        if fraction.is_empty() { "0" } else { fraction }
    )
    .parse()
    .ok()?;
    Some((sign * number, fraction.len(), grouped))
}

fn day(year: i16, month: i8, day: i8) -> Option<f64> {
    let date = Date::new(year, month, day).ok()?;
    Some(serial_from_civil(Civil { date, milliseconds: 0 }))
}

/// `2026-09-05`, alone or with a time.
fn iso(text: &str) -> Option<Entered> {
    let (date, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, dayed] = parts[..] else {
        return None;
    };
    if year.len() != 4 || month.len() != 2 || dayed.len() != 2 {
        return None;
    }
    let serial = day(year.parse().ok()?, month.parse().ok()?, dayed.parse().ok()?)?;
    match clock {
        None => Some(Entered::formatted(serial, "DATE", "yyyy-mm-dd")),
        Some(clock) => Some(Entered::formatted(serial + of_day(clock)?, "DATE_TIME", "yyyy-mm-dd h:mm:ss")),
    }
}

/// `1-2` and `3 5`: month and day of this year, as recorded for `en_US`.
fn short_date(text: &str, desk: Desk) -> Option<Entered> {
    if desk.locale.day_first {
        return None;
    }
    let separator = text.chars().find(|letter| matches!(letter, '-' | ' ' | '/'))?;
    let (month, dayed) = text.split_once(separator)?;
    let short = |part: &str| (1..=2).contains(&part.len()).then(|| part.parse::<i8>().ok()).flatten();
    let serial = day(desk.year, short(month)?, short(dayed)?)?;
    Some(Entered::formatted(serial, "DATE", format!("m{separator}d")))
}

/// `9/5/2026` or `05.09.2026` by the locale's order.
fn local_date(text: &str, desk: Desk) -> Option<Entered> {
    let separator = desk.locale.date_separator;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, year] = parts[..] else {
        return None;
    };
    if year.len() != 4 || first.len() > 2 || second.len() > 2 {
        return None;
    }
    let (first, second) = (first.parse().ok()?, second.parse().ok()?);
    let (month, dayed) = if desk.locale.day_first { (second, first) } else { (first, second) };
    let serial = day(year.parse().ok()?, month, dayed)?;
    Some(Entered::formatted(serial, "DATE", desk.locale.date_pattern().to_lowercase()))
}

/// `12:30`, `12:30:15`, and what is longer than a day or below zero as a duration.
fn time(text: &str) -> Option<Entered> {
    let (sign, body) = text.strip_prefix('-').map_or((1.0, text), |body| (-1.0, body));
    let days = sign * clock_days(body)?;
    let pattern = match text.matches(':').count() {
        _ if !(0.0..1.0).contains(&days) => "[h]:mm:ss",
        2 => "h:mm:ss",
        _ => "h:mm",
    };
    Some(Entered::formatted(days, "TIME", pattern))
}

/// A time of day as a part of it.
fn of_day(text: &str) -> Option<f64> {
    clock_days(text).filter(|days| *days < 1.0)
}

/// Hours, minutes and perhaps seconds in days.
fn clock_days(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let whole =
        |part: &str, below: u32| part.parse::<u32>().ok().filter(|number| part.len() <= 4 && *number < below);
    let seconds: f64 = seconds.parse().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
    let (hours, minutes) = (whole(hours, 10_000)?, whole(minutes, 60)?);
    Some((f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds) / 86_400.0)
}

/// A date or a date with a time in the cell's own pattern of years, months and days.
fn own_format(text: &str, cell: &Cell) -> Option<Entered> {
    let (kind, pattern) = cell.number_format()?;
    if !matches!(kind, "DATE" | "DATE_TIME") {
        return None;
    }
    let pattern = pattern.to_lowercase();
    let (date_pattern, _) = pattern.split_once(' ').unwrap_or((&pattern, ""));
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, of_day(clock)?),
        None => (text, 0.0),
    };
    let fields = |text: &str| -> Vec<String> {
        text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect()
    };
    let (letters, numbers) = (fields(date_pattern), fields(date));
    if letters.len() != 3 || numbers.len() != 3 {
        return None;
    }
    let field = |letter: char| {
        letters
            .iter()
            .position(|part| part.starts_with(letter))
            .and_then(|at| numbers[at].parse::<i16>().ok())
    };
    let serial = day(field('y')?, i8::try_from(field('m')?).ok()?, i8::try_from(field('d')?).ok()?)?;
    Some(Entered::plain(Value::Number(serial + clock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Entered {
        enter(text, &Cell::default(), Desk { locale: Locale::named("en_US"), year: 2026 }).expect("is known")
    }

    #[test]
    fn the_recorded_coercions() {
        let number = |text: &str| match typed(text) {
            Entered { value: Value::Number(number), format } => (number, format),
            other => panic!("{text} became {other:?}"),
        };
        assert_eq!(number("1-2"), (46024.0, Some(("DATE", "m-d".into()))));
        assert_eq!(number("2026-09-05"), (46270.0, Some(("DATE", "yyyy-mm-dd".into()))));
        assert_eq!(number("$100.15"), (100.15, Some(("CURRENCY", "\"$\"#,##0.00".into()))));
        assert_eq!(number("007"), (7.0, None));
        assert_eq!(number("2,000,000.01"), (2_000_000.01, Some(("NUMBER", "#,##0.00".into()))));
        assert_eq!(number("3 5").1.map(|format| format.0), Some("DATE"));
        assert_eq!(number("6:30"), (6.5 / 24.0, Some(("TIME", "h:mm".into()))));
        assert_eq!(number("-36:00:00"), (-1.5, Some(("TIME", "[h]:mm:ss".into()))));
        assert_eq!(typed("TRUE").value, Value::Bool(true));
        assert_eq!(typed("'0123").value, Value::text("0123"));
        assert_eq!(typed("=1+2").value, Value::Formula("=1+2".into()));
        assert_eq!(typed("3_1_0").value, Value::text("3_1_0"));
        assert_eq!(typed("+x").value, Value::Formula("=+x".into()));
        assert_eq!(typed("two words 2").value, Value::text("two words 2"));
    }

    #[test]
    fn a_locale_decides_what_a_comma_is() {
        let german = Desk { locale: Locale::named("de_DE"), year: 2026 };
        let entered = enter("1,5", &Cell::default(), german).expect("is known");
        assert_eq!(entered.value, Value::Number(1.5));
        let entered = enter("05.09.2026", &Cell::default(), german).expect("is known");
        assert_eq!(entered.value, Value::Number(46270.0));
    }

    #[test]
    fn text_columns_take_everything_as_it_is() {
        let mut cell = Cell::default();
        cell.change_look(|look| {
            drop(
                look.format
                    .insert("numberFormat".into(), serde_json::json!({"type": "TEXT", "pattern": "@"})),
            );
        });
        for text in ["=1+2", "007", "'x", "TRUE", "1-2"] {
            let entered =
                enter(text, &cell, Desk { locale: Locale::named("en_US"), year: 2026 }).expect("is text");
            assert_eq!(entered.value, Value::text(text));
        }
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        let desk = Desk { locale: Locale::named("en_US"), year: 2026 };
        for text in ["10.0.0.1", "555-1234", "5 Jan"] {
            assert!(enter(text, &Cell::default(), desk).is_err(), "{text}");
        }
    }
}
