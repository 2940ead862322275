//! Dates and times by pattern: `yyyy-MM-dd`, `h:mm:ss am/pm`, `[h]:mm`, in Google's letters (case does not matter).

use super::calendar::{Civil, civil_from_serial};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Does the pattern speak of days or hours (outside quotes)?
pub(super) fn is_date_pattern(pattern: &str) -> bool {
    pieces(pattern).iter().any(|piece| matches!(piece, Piece::Run('y' | 'd' | 'h' | 's', _)))
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    /// A letter and how often it stands.
    Run(char, usize),
    /// `[h]`: hours that do not wrap, with at least so many digits.
    Elapsed(usize),
    HalfDay,
    Literal(String),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let lower = pattern.to_lowercase();
    let mut rest = lower.as_str();
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("am/pm").or_else(|| rest.strip_prefix("a/p")) {
            out.push(Piece::HalfDay);
            rest = after;
        } else if letter == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
            // The literal keeps its case: it is cut from the pattern itself.
            let start = pattern.len() - rest.len();
            out.push(Piece::Literal(pattern[start..start + end].trim_matches('"').to_owned()));
            rest = &rest[end..];
        } else if rest.starts_with("[h") {
            let end = rest.find(']').unwrap_or(rest.len());
            out.push(Piece::Elapsed(end - 1));
            rest = rest.get(end + 1..).unwrap_or("");
        } else if matches!(letter, 'y' | 'm' | 'd' | 'h' | 's') {
            let count = rest.chars().take_while(|next| *next == letter).count();
            out.push(Piece::Run(letter, count));
            rest = &rest[count..];
        } else if rest.starts_with(".0") || rest.starts_with(",0") {
            // Tenths, hundredths or thousandths of a second; there is nothing finer.
            let places = rest[1..].chars().take(3).take_while(|next| *next == '0').count();
            out.push(Piece::Literal(rest[..1].to_owned()));
            out.push(Piece::Run('f', places));
            rest = &rest[1 + places..];
        } else {
            out.push(Piece::Literal(letter.to_string()));
            rest = &rest[letter.len_utf8()..];
        }
    }
    minutes(&mut out);
    out
}

/// An `m` after hours or before seconds is minutes.
fn minutes(pieces: &mut [Piece]) {
    let places: Vec<usize> = (0..pieces.len()).filter(|i| !matches!(pieces[*i], Piece::Literal(_))).collect();
    for (n, place) in places.iter().enumerate() {
        let Piece::Run('m', count) = pieces[*place] else {
            continue;
        };
        let after_hours = n > 0 && matches!(pieces[places[n - 1]], Piece::Run('h', _) | Piece::Elapsed(_));
        let before_seconds =
            places.get(n + 1).is_some_and(|next| matches!(pieces[*next], Piece::Run('s', _)));
        if after_hours || before_seconds {
            pieces[*place] = Piece::Run('n', count);
        }
    }
}

/// A serial number by a pattern.
pub(super) fn formatted(serial: f64, pattern: &str) -> String {
    let Some(civil) = civil_from_serial(serial) else {
        return super::general(serial);
    };
    let pieces = pieces(pattern);
    if serial < 0.0 && pieces.iter().any(|piece| matches!(piece, Piece::Elapsed(_))) {
        return format!("-{}", formatted(-serial, pattern));
    }
    let half_day = pieces.contains(&Piece::HalfDay);
    // A pattern without milliseconds rounds the seconds down, as the service does.
    pieces.iter().map(|piece| piece_text(piece, civil, serial, half_day)).collect()
}

fn piece_text(piece: &Piece, civil: Civil, serial: f64, half_day: bool) -> String {
    let hour = civil.milliseconds / 3_600_000;
    let padded = |number: u32, count: usize| {
        if count >= 2 { format!("{number:02}") } else { number.to_string() }
    };
    let month = MONTHS[civil.date.month().unsigned_abs() as usize - 1];
    match piece {
        Piece::Literal(text) => text.clone(),
        Piece::HalfDay => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        Piece::Elapsed(digits) => format!("{:0digits$}", (serial * 24.0 + 1e-9).floor() as i64),
        Piece::Run('y', count) if *count <= 2 => format!("{:02}", civil.date.year().rem_euclid(100)),
        Piece::Run('y', _) => format!("{:04}", civil.date.year()),
        Piece::Run('m', 3) => month[..3].to_owned(),
        Piece::Run('m', count) if *count >= 4 => month.to_owned(),
        Piece::Run('m', count) => padded(civil.date.month().unsigned_abs().into(), *count),
        Piece::Run('d', count) if *count >= 3 => {
            let day = format!("{:?}", civil.date.weekday());
            if *count == 3 { day[..3].to_owned() } else { day }
        }
        Piece::Run('d', count) => padded(civil.date.day().unsigned_abs().into(), *count),
        Piece::Run('h', count) => padded(if half_day { (hour + 11) % 12 + 1 } else { hour }, *count),
        Piece::Run('n', count) => padded(civil.milliseconds / 60_000 % 60, *count),
        Piece::Run('s', count) => padded(civil.milliseconds / 1000 % 60, *count),
        Piece::Run(_, count) => format!("{:03}", civil.milliseconds % 1000)[..(*count).min(3)].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            (43831.0, "yyyy-mm-dd", "2020-01-01"),
            (46024.0, "m-d", "1-2"),
            (43831.75, "yyyy-MM-dd HH:mm:ss", "2020-01-01 18:00:00"),
            (43831.75, "h:mm am/pm", "6:00 PM"),
            (0.5 + 1.0 / 86_400.0 * 1.25, "hh:mm:ss.000", "12:00:01.250"),
            (0.5 + 1.0 / 86_400.0 * 1.25, "hh:mm:ss.00", "12:00:01.25"),
            (1.5, "[h]:mm", "36:00"),
            (0.125, "[hh]:mm:ss.0", "03:00:00.0"),
            (-0.0625, "[h]:mm:ss", "-1:30:00"),
            (43831.0, "d mmm yy", "1 Jan 20"),
        ];
        for (serial, pattern, wanted) in cases {
            assert_eq!(formatted(serial, pattern), wanted, "{serial} as {pattern}");
        }
    }
}
