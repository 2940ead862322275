//! JSON as Google prints it: two spaces of indent unless asked otherwise, numbers without `.0`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::knobs::{BigNumbers, Knobs};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Indented, with a newline at the end?
    pub pretty: bool,
    /// Spelling of large numbers.
    pub big_numbers: BigNumbers,
    /// `-0` or `0`?
    pub minus_zero: bool,
}

impl Style {
    /// By the knobs.
    pub fn new(pretty: bool, knobs: &Knobs) -> Self {
        Self { pretty, big_numbers: knobs.big_numbers, minus_zero: knobs.minus_zero }
    }
}

/// Prints a value.
pub fn print(value: &impl Serialize, style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    let written = if style.pretty {
        let form = Form { inner: PrettyFormatter::new(), style };
        value.serialize(&mut Serializer::with_formatter(&mut out, form))
    } else {
        value.serialize(&mut Serializer::with_formatter(&mut out, Form { inner: CompactFormatter, style }))
    };
    debug_assert!(written.is_ok(), "writing into memory cannot fail");
    if style.pretty {
        out.push(b'\n');
    }
    out
}

/// A double as Google spells it.
fn spell(number: f64, style: Style) -> String {
    if number == 0.0 {
        return if style.minus_zero && number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let size = number.abs();
    if size >= 1e15 && style.big_numbers == BigNumbers::Exponent {
        return format!("{number:E}");
    }
    if (1e-6..1e18).contains(&size) { format!("{number}") } else { format!("{number:E}") }
}

struct Form<F> {
    inner: F,
    style: Style,
}

impl<F: Formatter> Formatter for Form<F> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(spell(value, self.style).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.inner.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.inner.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_spelled_as_recorded() {
        let style = Style::new(false, &Knobs::default());
        let numbers = json!([43831.0, 1.5, 0.12, -0.0, 1e-7, 1_705_971_932_369_780.0]);
        assert_eq!(
            String::from_utf8_lossy(&print(&numbers, style)),
            "[43831,1.5,0.12,0,1E-7,1705971932369780]"
        );
        let exponents = Style { big_numbers: BigNumbers::Exponent, minus_zero: true, ..style };
        assert_eq!(spell(1_705_971_932_369_780.0, exponents), "1.70597193236978E15");
        assert_eq!(spell(-0.0, exponents), "-0");
    }

    #[test]
    fn pretty_is_two_spaces_and_a_newline() {
        let style = Style::new(true, &Knobs::default());
        assert_eq!(
            String::from_utf8_lossy(&print(&json!({"a": [1]}), style)),
            "{\n  \"a\": [\n    1\n  ]\n}\n"
        );
    }
}
