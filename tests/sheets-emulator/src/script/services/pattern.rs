//! Date patterns of `Utilities.formatDate`: Java's `SimpleDateFormat` letters.

use jiff::ZonedDateTime;

/// The date in this pattern, in English. A letter that is not known here is an error, as in Java.
pub(super) fn format(date: &ZonedDateTime, pattern: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(&rest[1..], &mut out)?;
        } else if first.is_ascii_alphabetic() {
            let count = rest.chars().take_while(|letter| *letter == first).count();
            out.push_str(
                &field(date, first, count).ok_or_else(|| format!("Illegal pattern character '{first}'"))?,
            );
            rest = &rest[count..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}

/// Literal text up to the closing quote; two quotes are one quote. Gives what follows.
fn quoted<'a>(text: &'a str, out: &mut String) -> Result<&'a str, String> {
    if let Some(rest) = text.strip_prefix('\'') {
        out.push('\'');
        return Ok(rest);
    }
    let mut rest = text;
    loop {
        let (literal, after) = rest.split_once('\'').ok_or("Unterminated quote")?;
        out.push_str(literal);
        match after.strip_prefix('\'') {
            Some(more) => {
                out.push('\'');
                rest = more;
            }
            None => return Ok(after),
        }
    }
}

fn field(date: &ZonedDateTime, letter: char, count: usize) -> Option<String> {
    let padded = |number: i64| format!("{number:0count$}");
    let hour = i64::from(date.hour());
    Some(match letter {
        'y' if count == 2 => format!("{:02}", date.year().rem_euclid(100)),
        'y' => padded(i64::from(date.year())),
        'M' if count == 3 => date.strftime("%b").to_string(),
        'M' if count > 3 => date.strftime("%B").to_string(),
        'M' => padded(i64::from(date.month())),
        'd' => padded(i64::from(date.day())),
        'D' => padded(i64::from(date.day_of_year())),
        'E' if count > 3 => date.strftime("%A").to_string(),
        'E' => date.strftime("%a").to_string(),
        'u' => padded(i64::from(date.weekday().to_monday_one_offset())),
        'H' => padded(hour),
        'k' => padded(if hour == 0 { 24 } else { hour }),
        'K' => padded(hour % 12),
        'h' => padded((hour + 11) % 12 + 1),
        'm' => padded(i64::from(date.minute())),
        's' => padded(i64::from(date.second())),
        'S' => padded(i64::from(date.millisecond())),
        'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        'Z' => date.strftime("%z").to_string(),
        'z' => date.strftime("%Z").to_string(),
        'X' => offset(date.offset().seconds(), count),
        _ => return None,
    })
}

/// ISO 8601 offsets: `Z` for zero, else `+hh`, `+hhmm` or `+hh:mm` by the number of letters.
fn offset(seconds: i32, count: usize) -> String {
    if seconds == 0 {
        return "Z".into();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match count {
        1 => format!("{sign}{hours:02}"),
        2 => format!("{sign}{hours:02}{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pattern: &str) -> String {
        let date: ZonedDateTime = "2026-03-07T00:05:09.012+01:00[Europe/Berlin]".parse().expect("a date");
        format(&date, pattern).expect("a pattern")
    }

    #[test]
    fn patterns_of_simple_date_format() {
        assert_eq!(shown("yyyy-MM-dd'T'HH:mm:ss.SSS"), "2026-03-07T00:05:09.012");
        assert_eq!(shown("d.M.yy h:mm a"), "7.3.26 12:05 AM");
        assert_eq!(shown("EEE, dd MMM yyyy"), "Sat, 07 Mar 2026");
        assert_eq!(shown("EEEE MMMM u D"), "Saturday March 6 66");
        assert_eq!(shown("Z XXX XX X z"), "+0100 +01:00 +0100 +01 CET");
        assert_eq!(shown("hh 'o''clock' ''"), "12 o'clock '");
    }

    #[test]
    fn an_unknown_letter_is_refused() {
        let date: ZonedDateTime = "2026-03-07T00:05:09+01:00[Europe/Berlin]".parse().expect("a date");
        assert_eq!(format(&date, "yyyy b"), Err("Illegal pattern character 'b'".into()));
        assert_eq!(format(&date, "'open"), Err("Unterminated quote".into()));
    }
}
