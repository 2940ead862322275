//! One column's value out of a row image. The driver's own decoder is not used: it is wrong for negative MEDIUMINT, TIME
//! with fractions, TIMESTAMP after 2038 and YEAR 0 (measured), and it knows no schema.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use crate::database::charset::Charset;
use crate::database::cursor::{Cursor, Malformed};
use crate::database::{clock, decimal, json};
use crate::model::value::{Real, Value};

/// How a column's values stand in the row images of one table map.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    Integer {
        width: usize,
        unsigned: bool,
    },
    Decimal {
        precision: usize,
        scale: usize,
    },
    Float,
    Double,
    Text {
        prefix: usize,
        charset: Charset,
    },
    Enum {
        width: usize,
        members: Arc<[String]>,
    },
    Set {
        width: usize,
        members: Arc<[String]>,
    },
    /// Padded with zero bytes to `pad`.
    Bytes {
        prefix: usize,
        pad: usize,
    },
    Bit {
        width: usize,
    },
    Date,
    DateTime {
        fsp: u8,
    },
    Timestamp {
        fsp: u8,
    },
    Time {
        fsp: u8,
    },
    OldDateTime,
    OldTimestamp,
    OldTime,
    Year,
    /// MySQL's binary form.
    Json {
        prefix: usize,
    },
    /// MariaDB's JSON is text.
    JsonText {
        prefix: usize,
        charset: Charset,
    },
    Uuid,
    Inet4,
    Inet6,
    /// A column that nobody wants: only its length is read.
    Passed(Width),
}

/// How many bytes a value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Always as many.
    Fixed(usize),
    /// As many as a length of this many bytes before them says.
    Prefixed(usize),
}

impl Width {
    /// Passes over one value.
    pub(crate) fn skip(self, body: &mut Cursor) -> Result<(), Malformed> {
        match self {
            Self::Fixed(n) => body.take(n),
            Self::Prefixed(prefix) => prefixed(body, prefix),
        }
        .map(|_| ())
    }
}

/// Why one value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The bytes end too early or cannot be: the rest of the event is lost with it.
    Malformed(Malformed),
    /// Only this value.
    Value(&'static str),
}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Format {
    /// Takes one value, which is not NULL, off the image.
    pub(crate) fn decode(&self, body: &mut Cursor) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Integer { width, unsigned } => integer(body.little(*width)?, *width, *unsigned),
            Self::Decimal { precision, scale } => Value::Decimal(decimal::read(body, *precision, *scale)?),
            Self::Float => Value::Float(Real::new(f32::from_le_bytes(body.array()?).into())),
            Self::Double => Value::Double(Real::new(f64::from_le_bytes(body.array()?))),
            Self::Text { prefix, charset } => Value::Text(text(prefixed(body, *prefix)?, charset)?),
            Self::Enum { width, members } => match body.length(*width)? {
                0 => Value::Text(String::new()),
                n => Value::Text(members.get(n - 1).ok_or(BEYOND)?.clone()),
            },
            Self::Set { width, members } => Value::Text(set(body.little(*width)?, members)?),
            Self::Bytes { prefix, pad } => Value::Bytes(padded(prefixed(body, *prefix)?, *pad)),
            Self::Bit { width } => number(body.big(*width)?),
            Self::Date => Value::Date(clock::date(body)?),
            Self::DateTime { fsp } => Value::DateTime(clock::datetime(body, *fsp)?),
            Self::Timestamp { fsp } => Value::DateTime(clock::timestamp(body, *fsp)?),
            Self::Time { fsp } => Value::Time(clock::time(body, *fsp)?),
            Self::OldDateTime => Value::DateTime(clock::old_datetime(body)?),
            Self::OldTimestamp => Value::DateTime(clock::old_timestamp(body)?),
            Self::OldTime => Value::Time(clock::old_time(body)?),
            Self::Year => match body.byte()? {
                0 => Value::Int(0),
                since_1900 => Value::Int(1900 + i64::from(since_1900)),
            },
            Self::Json { prefix } => {
                let bytes = prefixed(body, *prefix)?;
                Value::Json(json::text(bytes).map_err(|_| Unreadable::Value("it is no binary JSON"))?)
            }
            Self::JsonText { prefix, charset } => Value::Json(text(prefixed(body, *prefix)?, charset)?),
            Self::Uuid => Value::Text(uuid(fixed(prefixed(body, 1)?)?)),
            Self::Inet4 => Value::Text(Ipv4Addr::from(fixed::<4>(prefixed(body, 1)?)?).to_string()),
            Self::Inet6 => Value::Text(inet6(Ipv6Addr::from(fixed::<16>(prefixed(body, 1)?)?))),
            Self::Passed(width) => {
                width.skip(body)?;
                Value::Null
            }
        })
    }
}

const BEYOND: Unreadable = Unreadable::Value("it is no member of the column's list");

fn number(n: u64) -> Value {
    i64::try_from(n).map_or(Value::UInt(n), Value::Int)
}

/// Two's complement of any width, MEDIUMINT's three bytes too.
fn integer(raw: u64, width: usize, unsigned: bool) -> Value {
    if unsigned {
        number(raw)
    } else {
        let shift = 64 - 8 * width as u32;
        Value::Int((raw << shift) as i64 >> shift)
    }
}

fn prefixed<'a>(body: &mut Cursor<'a>, prefix: usize) -> Result<&'a [u8], Malformed> {
    let length = body.length(prefix)?;
    body.take(length)
}

fn text(bytes: &[u8], charset: &Charset) -> Result<String, Unreadable> {
    charset.decode(bytes).ok_or(Unreadable::Value("its bytes are no text in the column's character set"))
}

/// The names of the bits that are set, in the order of the list, joined by commas.
fn set(mask: u64, members: &[String]) -> Result<String, Unreadable> {
    if members.len() < 64 && mask >> members.len() != 0 {
        return Err(BEYOND);
    }
    let names = members.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
    Ok(names.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(","))
}

/// The image leaves out the zero bytes at the end of BINARY(n).
fn padded(bytes: &[u8], to: usize) -> Vec<u8> {
    let mut all = bytes.to_vec();
    all.resize(all.len().max(to), 0);
    all
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unreadable> {
    padded(bytes, N).try_into().map_err(|_| Unreadable::Value("it is longer than its type"))
}

/// MariaDB stores versions 1 to 5 with the groups in reverse order, so that they sort by time, and all others as printed
/// (since MDEV-29959: 10.10.6, 10.11.5 and later). Which it was shows in the variant and version bits.
fn uuid(stored: [u8; 16]) -> String {
    let turned = stored[6] & 0x80 != 0 && stored[8] > 0 && stored[8] < 0x60;
    let bytes = if turned {
        let mut plain = [0; 16];
        for (to, from) in [(0..4, 12..16), (4..6, 10..12), (6..8, 8..10), (8..10, 6..8), (10..16, 0..6)] {
            plain[to].copy_from_slice(&stored[from]);
        }
        plain
    } else {
        stored
    };
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// As MariaDB prints it, which is not as Rust does: the first longest run of zero groups is left out even if it is one group,
/// and an IPv4 address inside (mapped, or after six zero groups) is written with points.
fn inet6(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let gap = longest_gap(&groups);
    let last = Ipv4Addr::from_bits(u32::from(groups[6]) << 16 | u32::from(groups[7]));
    if gap == (0..6) {
        return format!("::{last}");
    }
    if gap == (0..5) && groups[5] == 0xffff {
        return format!("::ffff:{last}");
    }
    let joined = |part: &[u16]| part.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    if gap.is_empty() {
        return joined(&groups);
    }
    format!("{}::{}", joined(&groups[..gap.start]), joined(&groups[gap.end..]))
}

fn longest_gap(groups: &[u16; 8]) -> Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (i, &group) in groups.iter().enumerate() {
        if group != 0 {
            start = i + 1;
        } else if i + 1 - start > longest.len() {
            longest = start..i + 1;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &Format, bytes: &[u8]) -> Value {
        let mut cursor = Cursor::new(bytes, "test");
        let value = format.decode(&mut cursor).expect("reads");
        assert!(cursor.is_empty());
        value
    }

    #[test]
    fn integers_of_every_width_keep_their_sign() {
        let signed = Format::Integer { width: 3, unsigned: false };
        assert_eq!(read(&signed, &[0xfb, 0xff, 0xff]), Value::Int(-5));
        assert_eq!(read(&signed, &[0, 0, 0x80]), Value::Int(-8_388_608));
        let unsigned = Format::Integer { width: 8, unsigned: true };
        assert_eq!(read(&unsigned, &[0xff; 8]), Value::UInt(u64::MAX));
    }

    #[test]
    fn year_zero_is_zero() {
        let years = [(0, 0), (1, 1901), (255, 2155)];
        for (byte, year) in years {
            assert_eq!(read(&Format::Year, &[byte]), Value::Int(year));
        }
    }

    #[test]
    fn enum_zero_is_empty_and_a_set_has_sixty_four_members() {
        let members: Arc<[String]> = (0..64).map(|n| format!("m{n}")).collect();
        let one = Format::Enum { width: 1, members: members.clone() };
        assert_eq!(read(&one, &[0]), Value::Text(String::new()));
        assert_eq!(read(&one, &[1]), Value::Text("m0".into()));
        let set = Format::Set { width: 8, members };
        assert_eq!(read(&set, &[1, 0, 0, 0, 0, 0, 0, 0x80]), Value::Text("m0,m63".into()));
    }

    #[test]
    fn binary_gets_its_padding_back_and_bits_are_a_number() {
        assert_eq!(read(&Format::Bytes { prefix: 1, pad: 4 }, &[2, 7, 32]), Value::Bytes(vec![7, 32, 0, 0]));
        assert_eq!(read(&Format::Bit { width: 2 }, &[2, 1]), Value::Int(513));
    }

    #[test]
    fn mariadbs_uuids_are_turned_back() {
        let stored =
            [16, 0x42, 0x66, 0x55, 0x44, 0, 0, 0xa4, 0x56, 0x12, 0xd3, 0xe8, 0x9b, 0x12, 0x3e, 0x45, 0x67];
        let value = read(&Format::Uuid, &stored);
        assert_eq!(value, Value::Text("123e4567-e89b-12d3-a456-426655440000".into()));
    }
}
