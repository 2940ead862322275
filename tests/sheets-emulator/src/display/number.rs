//! Numbers by pattern: `0`, `#,##0.00`, `"$"#,##0.00`, `0.00%`, `0.00E+00`, and the general form.

use super::Locale;

/// The general form: up to ten places, no trailing zeros, exponents from 1e15 on and below 1e-10.
pub fn general(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if !(1e-10..1e15).contains(&size) {
        return exponent(number, 5, false);
    }
    // Fifteen significant digits, and at most ten places.
    let whole_digits = size.log10().floor().max(0.0) as usize + 1;
    trimmed(&format!("{number:.*}", 15_usize.saturating_sub(whole_digits).min(10)))
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

fn exponent(number: f64, places: usize, keep_zeros: bool) -> String {
    let text = format!("{number:.places$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if keep_zeros { mantissa.to_owned() } else { trimmed(mantissa) };
    let power: i32 = power.parse().unwrap_or_default();
    format!("{mantissa}E{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// A number by a pattern. Only the first section (before `;`) of a pattern is used for positive numbers, the second
/// for negative ones where there is one.
pub(super) fn formatted(number: f64, pattern: &str, locale: &Locale) -> String {
    let mut sections = pattern.split(';');
    let positive = sections.next().unwrap_or_default();
    match sections.next().filter(|_| number < 0.0) {
        Some(negative) => section(-number, negative, locale),
        None => section(number, positive, locale),
    }
}

fn section(number: f64, pattern: &str, locale: &Locale) -> String {
    let (before, digits, after) = split(pattern);
    let percent = after.contains('%') || before.contains('%');
    let number = if percent { number * 100.0 } else { number };
    let (mask, power) =
        digits.split_once(['E', 'e']).map_or((digits.as_str(), None), |(mask, power)| (mask, Some(power)));
    let (whole, fraction) = mask.split_once('.').unwrap_or((mask, ""));
    if power.is_some() {
        return format!("{before}{}{after}", locale.localised(&exponent(number, fraction.len(), true)));
    }
    let text = format!("{:.*}", fraction.len(), number.abs());
    let (digits, places) = text.split_once('.').unwrap_or((&text, ""));
    let needed = fraction.bytes().rposition(|byte| byte == b'0').map_or(0, |last| last + 1);
    let mut kept = places.trim_end_matches('0').len().max(needed).min(places.len());
    if places.is_empty() {
        kept = 0;
    }
    let least = whole.bytes().filter(|byte| *byte == b'0').count();
    let mut digits = format!("{digits:0>least$}");
    if least == 0 && digits == "0" && kept > 0 {
        digits.clear();
    }
    let digits = if whole.contains(',') { grouped(&digits, locale.grouping) } else { digits };
    let zero = number.abs() < 0.5 * 10_f64.powi(-(fraction.len() as i32));
    let sign = if number < 0.0 && !zero { "-" } else { "" };
    let fraction = if kept > 0 { format!("{}{}", locale.decimal, &places[..kept]) } else { String::new() };
    format!("{sign}{before}{digits}{fraction}{after}")
}

fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// Literal text before, digit mask, literal text after.
fn split(pattern: &str) -> (String, String, String) {
    let (mut before, mut digits, mut after) = (String::new(), String::new(), String::new());
    let mut letters = pattern.chars();
    let (mut quoted, mut exponent) = (false, false);
    while let Some(letter) = letters.next() {
        let literal = if digits.is_empty() { &mut before } else { &mut after };
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => literal.push(letter),
            '\\' => literal.extend(letters.next()),
            '_' | '*' => drop(letters.next()),
            '[' => drop(letters.by_ref().take_while(|letter| *letter != ']').count()),
            '0' | '#' | '?' | '.' | ',' => digits.push(letter),
            'E' | 'e' if !digits.is_empty() => {
                exponent = true;
                digits.push(letter);
            }
            '+' | '-' if exponent => {}
            _ => literal.push(letter),
        }
    }
    (before, digits, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let american = Locale::named("en_US");
        let cases = [
            (2_000_000.01, "#,##0.00", "2,000,000.01"),
            (100.15, "\"$\"#,##0.00", "$100.15"),
            (1.5, "0", "2"),
            (-1234.0, "#,##0", "-1,234"),
            (0.125, "0.###############", "0.125"),
            (3.0, "0.###############", "3"),
            (0.256, "0.0%", "25.6%"),
            (7.0, "000", "007"),
            (12345.0, "0.00E+00", "1.23E+04"),
            (-5.0, "0;(0)", "(5)"),
        ];
        for (number, pattern, wanted) in cases {
            assert_eq!(formatted(number, pattern, &american), wanted, "{number} as {pattern}");
        }
        assert_eq!(formatted(1234.5, "#,##0.00", &Locale::named("de_DE")), "1.234,50");
    }

    #[test]
    fn the_general_form() {
        for (number, wanted) in [
            (2.0, "2"),
            (1.0 / 1024.0, "0.0009765625"),
            (0.1 + 0.2, "0.3"),
            (1_705_971_932_369_780.0, "1.70597E+15"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(general(number), wanted);
        }
    }
}
