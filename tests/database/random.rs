//! Random literals of every type. The seed is printed; `SHEETBRIDGE_SEED` repeats a run.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// A small generator (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// Seeded by the environment or the clock.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("SHEETBRIDGE_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u64);
        let seed = given.unwrap_or_else(clock);
        eprintln!("SHEETBRIDGE_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn pick(&mut self, words: &[&str]) -> String {
        words[self.below(words.len() as u64) as usize].to_owned()
    }

    pub(crate) fn or_null(&mut self, make: fn(&mut Self) -> String) -> String {
        if self.below(10) == 0 { "NULL".into() } else { make(self) }
    }

    /// The ends of the range now and then.
    pub(crate) fn unsigned(&mut self, bits: u32) -> String {
        let most = u64::MAX >> (64 - bits);
        match self.below(6) {
            0 => 0,
            1 => most,
            2 => most / 2 + 1,
            _ => self.next() & most,
        }
        .to_string()
    }

    pub(crate) fn signed(&mut self, bits: u32) -> String {
        let most = (1_i128 << (bits - 1)) - 1;
        match self.below(7) {
            0 => 0,
            1 => most,
            2 => -most - 1,
            3 => -1,
            4 => -5,
            _ => i128::from(self.next() as i64 >> (64 - bits)),
        }
        .to_string()
    }

    pub(crate) fn decimal(&mut self, whole: u32, fraction: u32) -> String {
        let mut text = self.pick(&["", "-"]);
        let digits =
            |r: &mut Self, n: u32| (0..n).map(|_| char::from(b'0' + r.below(10) as u8)).collect::<String>();
        let some = self.below(u64::from(whole) + 1) as u32;
        text.push('0');
        text.push_str(&digits(self, some));
        if fraction > 0 {
            text.push('.');
            text.push_str(&digits(self, fraction));
        }
        text
    }

    pub(crate) fn float(&mut self) -> f32 {
        match self.below(5) {
            0 => 0.1,
            1 => -16_777_217.0,
            2 => 1e-30,
            _ => (self.next() as i32) as f32 / 1000.0,
        }
    }

    pub(crate) fn double(&mut self) -> f64 {
        match self.below(6) {
            0 => 0.1,
            1 => -1e300,
            2 => 123_456_789_012_345.0,
            3 => 1e15,
            _ => (self.next() as i64) as f64 / 10_f64.powi(self.below(30) as i32),
        }
    }

    pub(crate) fn date(&mut self) -> String {
        match self.below(6) {
            0 => "'0000-00-00'".into(),
            1 => "'2024-00-00'".into(),
            2 => "'9999-12-31'".into(),
            _ => format!("'{:04}-{:02}-{:02}'", self.below(9999) + 1, self.below(12) + 1, self.below(28) + 1),
        }
    }

    fn clock(&mut self, hours: u64, fsp: u32) -> String {
        let mut text = format!("{:02}:{:02}:{:02}", self.below(hours), self.below(60), self.below(60));
        if fsp > 0 {
            let most = 10_u64.pow(fsp);
            let n = if self.below(3) == 0 { most - 1 } else { self.below(most) };
            let _ = write!(text, ".{n:0width$}", width = fsp as usize);
        }
        text
    }

    pub(crate) fn time(&mut self, fsp: u32) -> String {
        let sign = self.pick(&["", "-"]);
        match self.below(8) {
            0 => format!("'{sign}00:00:00.5'"),
            1 => format!("'{sign}838:59:59'"),
            _ => format!("'{sign}{}'", self.clock(838, fsp)),
        }
    }

    pub(crate) fn datetime(&mut self, fsp: u32) -> String {
        let date = self.date();
        if date.contains("-00") {
            return date;
        }
        format!("'{} {}'", date.trim_matches('\''), self.clock(24, fsp))
    }

    pub(crate) fn timestamp(&mut self, fsp: u32) -> String {
        match self.below(5) {
            0 => "'0000-00-00 00:00:00'".into(),
            1 => "'1970-01-01 00:00:01'".into(),
            2 => "'2038-01-19 03:14:07'".into(),
            _ => format!(
                "'{:04}-{:02}-{:02} {}'",
                self.below(67) + 1971,
                self.below(12) + 1,
                self.below(28) + 1,
                self.clock(24, fsp)
            ),
        }
    }

    /// Characters of many scripts, blanks at the ends, quotes.
    pub(crate) fn text(&mut self, longest: u64) -> String {
        let letters: Vec<char> =
            "abcXYZ 0189''\\\"`%_äöüßéñ€中文漢字かなカ日本αβжЖ🙂🎉\t\n".chars().collect();
        let n = self.below(longest + 1);
        let mut text = String::from("'");
        for _ in 0..n {
            match letters[self.below(letters.len() as u64) as usize] {
                '\'' => text.push_str("''"),
                '\\' => text.push_str("\\\\"),
                c => text.push(c),
            }
        }
        text + "'"
    }

    pub(crate) fn bytes(&mut self, longest: u64) -> String {
        let n = self.below(longest + 1);
        let mut text = String::from("x'");
        for _ in 0..n {
            let byte = if self.below(4) == 0 { 0 } else { self.next() as u8 };
            let _ = write!(text, "{byte:02x}");
        }
        text + "'"
    }

    /// MySQL's SQL values inside JSON are made where the server makes them, else from text that both take.
    pub(crate) fn json(&mut self) -> String {
        let mut text = String::new();
        self.json_value(&mut text, 3);
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn json_value(&mut self, text: &mut String, depth: u32) {
        match self.below(if depth == 0 { 7 } else { 9 }) {
            0 => text.push_str("null"),
            1 => text.push_str("true"),
            2 => text.push_str(&self.signed(64)),
            3 => text.push_str(&self.unsigned(64)),
            4 => {
                let _ = write!(text, "{:e}", self.double());
            }
            5 => text.push_str(&self.signed(16)),
            6 => {
                text.push_str(&self.pick(&[
                    r#""""#,
                    r#""a\"b\\c\/d""#,
                    r#""ä\u0001\n\t\u001f🙂""#,
                    r#""'""#,
                ]));
            }
            7 => {
                let count = self.below(6);
                text.push('[');
                self.list(text, count, |r, text, _| r.json_value(text, depth - 1));
                text.push(']');
            }
            _ => {
                // Now and then large enough for the format's large form.
                let count = if self.below(12) == 0 { 3000 } else { self.below(6) };
                text.push('{');
                self.list(text, count, |r, text, i| {
                    let _ = write!(text, "\"k{}{i}\": ", "x".repeat(r.below(4) as usize));
                    if count > 6 {
                        text.push_str("\"a value of some length to fill up\"");
                    } else {
                        r.json_value(text, depth - 1);
                    }
                });
                text.push('}');
            }
        }
    }

    fn list(&mut self, text: &mut String, count: u64, mut each: impl FnMut(&mut Self, &mut String, u64)) {
        for i in 0..count {
            if i > 0 {
                text.push_str(", ");
            }
            each(self, text, i);
        }
    }

    /// Of every version and variant, zeros and ones too.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let mut id = uuid::Uuid::from_u64_pair(high, low).to_string();
        match self.below(8) {
            0 => id = uuid::Uuid::nil().to_string(),
            1 => id = uuid::Uuid::max().to_string(),
            2 => id.replace_range(24..36, "000000000000"),
            version @ 3..=5 => id.replace_range(14..20, &format!("{version}abc-8")),
            _ => {}
        }
        format!("'{id}'")
    }

    pub(crate) fn inet4(&mut self) -> String {
        format!("'{}.{}.{}.{}'", self.below(256), self.below(256), self.below(2), self.below(2) * 9)
    }

    pub(crate) fn inet6(&mut self) -> String {
        let groups: Vec<String> = (0..8)
            .map(|_| if self.below(2) == 0 { "0".into() } else { format!("{:x}", self.below(65_536)) })
            .collect();
        match self.below(4) {
            0 => format!("'::ffff:{}", &self.inet4()[1..]),
            1 => format!("'::{}", &self.inet4()[1..]),
            _ => format!("'{}'", groups.join(":")),
        }
    }
}
