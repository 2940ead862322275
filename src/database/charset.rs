//! Text in a column's character set, made UTF-8 as the server would make it.
//!
//! Row images hold text in the column's own character set. The server's word counts, and it differs from the web's tables
//! (its big5 has Cyrillic where those have kana, its latin1 is not ISO's): so every national set is asked of the server
//! itself, once, as a table of its characters. Unicode sets are read by their definition, and gb18030, whose four-byte
//! forms are an arithmetic of their own, by `encoding_rs`.

use std::collections::HashMap;
use std::sync::Arc;

use encoding_rs::GB18030;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::error::Result;

/// How to read a character set.
#[derive(Clone, Debug)]
pub(crate) enum Charset {
    /// utf8mb3, utf8mb4, ascii.
    Utf8,
    /// ucs2 and utf16: two bytes a unit, the high one first.
    Utf16,
    /// utf16le.
    Utf16Little,
    /// utf32: four bytes a character, the highest first.
    Utf32,
    /// gb18030.
    Gb18030,
    /// A set of one to three bytes a character, as the server told.
    National(Arc<Table>),
}

/// The characters of a set by their bytes, read as one big-endian number; the shortest form that exists is meant.
#[derive(Debug, Default)]
pub(crate) struct Table {
    single: HashMap<u8, char>,
    double: HashMap<u16, char>,
    triple: HashMap<u32, char>,
}

impl Charset {
    /// The set of this name; the server is asked for national ones. `None` if we cannot read it.
    pub(crate) async fn load(conn: &mut Conn, name: &str) -> Result<Option<Self>> {
        if let Some(known) = Self::known(name) {
            return Ok(Some(known));
        }
        let longest: Option<u8> = conn
            .exec_first(
                "SELECT MAXLEN FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME = ?",
                (name,),
            )
            .await?;
        let legal = name.bytes().all(|b| b.is_ascii_alphanumeric());
        match longest {
            Some(longest @ 1..=3) if legal => {
                Ok(Some(Self::National(Arc::new(Table::load(conn, name, longest).await?))))
            }
            _ => Ok(None),
        }
    }

    /// Sets that need no question to the server.
    pub(crate) fn known(name: &str) -> Option<Self> {
        Some(match name {
            "utf8mb4" | "utf8mb3" | "utf8" | "ascii" => Self::Utf8,
            "ucs2" | "utf16" => Self::Utf16,
            "utf16le" => Self::Utf16Little,
            "utf32" => Self::Utf32,
            "gb18030" => Self::Gb18030,
            _ => return None,
        })
    }

    /// The text, or `None` if the bytes are none in this set.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Utf16 => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Little => utf16(bytes, u16::from_le_bytes),
            Self::Utf32 => {
                let (units, rest) = bytes.as_chunks::<4>();
                let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit)));
                rest.is_empty().then(|| text.collect()).flatten()
            }
            Self::Gb18030 => GB18030
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned),
            Self::National(table) => table.decode(bytes),
        }
    }
}

impl Table {
    /// Asks for every form of up to `longest` bytes. Three bytes there are in the EUC sets of Japan only, after 8F. Question
    /// marks count for the longest forms only: there they are what a SELECT shows too.
    async fn load(conn: &mut Conn, name: &str, longest: u8) -> Result<Self> {
        let mut table = Self::default();
        let shown = |c: char, low: u8, length: u8| c != '?' || low == b'?' || length == longest;
        for (_, low, c) in ask(conn, name, "", "h.n = 0", "LPAD(HEX(l.n), 2, '0')").await? {
            if shown(c, low, 1) {
                table.single.insert(low, c);
            }
        }
        let pair = "LPAD(HEX(h.n), 2, '0'), LPAD(HEX(l.n), 2, '0')";
        if longest > 1 {
            for (high, low, c) in ask(conn, name, "", "h.n > 127 AND l.n > 47", pair).await? {
                if shown(c, low, 2) {
                    table.double.insert(u16::from_be_bytes([high, low]), c);
                }
            }
        }
        if longest > 2 {
            for (high, low, c) in ask(conn, name, "8F", "h.n > 160 AND l.n > 160", pair).await? {
                table.triple.insert(u32::from_be_bytes([0, 0x8f, high, low]), c);
            }
        }
        Ok(table)
    }

    fn decode(&self, bytes: &[u8]) -> Option<String> {
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while let [first, more @ ..] = rest {
            let double =
                more.first().and_then(|&second| self.double.get(&u16::from_be_bytes([*first, second])));
            let (c, length) = match (self.single.get(first), double, more) {
                (Some(c), ..) => (c, 1),
                (None, Some(c), _) => (c, 2),
                (None, None, [second, third, ..]) => {
                    (self.triple.get(&u32::from_be_bytes([0, *first, *second, *third]))?, 3)
                }
                (None, None, _) => return None,
            };
            text.push(*c);
            rest = &rest[length..];
        }
        Some(text)
    }
}

/// The bytes `h` and `l` of each form, and the one character that it is; what is no form the server answers with nothing or
/// with several characters. A form without a character, and the first byte of a longer one, is a question mark.
async fn ask(
    conn: &mut Conn,
    name: &str,
    prefix: &str,
    filter: &str,
    hex: &str,
) -> Result<Vec<(u8, u8, char)>> {
    let rows: Vec<(u8, u8, Option<String>)> = conn
        .query(format!(
            "WITH RECURSIVE h AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM h WHERE n < 255), \
             l AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM l WHERE n < 255) \
             SELECT h.n, l.n, CONVERT(CONVERT(UNHEX(CONCAT('{prefix}', {hex})) USING {name}) USING utf8mb4) \
             FROM h JOIN l WHERE {filter}"
        ))
        .await?;
    let one = |(high, low, text): (u8, u8, Option<String>)| {
        let text = text?;
        let mut characters = text.chars();
        let c = characters.next()?;
        characters.next().is_none().then_some((high, low, c))
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|&pair| unit(pair)));
    rest.is_empty().then(|| text.collect::<std::result::Result<_, _>>().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicode_sets_are_read_by_their_definition() {
        let utf16 = [0x00, 0x41, 0xd8, 0x3d, 0xde, 0x42];
        let little = [0x41, 0x00, 0x3d, 0xd8, 0x42, 0xde];
        let utf32 = [0, 0, 0, 0x41, 0, 1, 0xf6, 0x42];
        assert_eq!(Charset::Utf16.decode(&utf16).as_deref(), Some("A🙂"));
        assert_eq!(Charset::Utf16Little.decode(&little).as_deref(), Some("A🙂"));
        assert_eq!(Charset::Utf32.decode(&utf32).as_deref(), Some("A🙂"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(Charset::Utf8.decode(&[0xff]), None);
        assert_eq!(Charset::Utf16.decode(&[0xd8, 0x3d]), None);
        assert_eq!(Charset::Utf32.decode(&[0, 0, 0]), None);
        assert_eq!(Charset::Gb18030.decode(&[0x81]), None);
    }

    #[test]
    fn forms_of_one_to_three_bytes_are_told_apart() {
        let table = Table {
            single: HashMap::from([(b'a', 'a')]),
            double: HashMap::from([(0xa4a2, 'あ')]),
            triple: HashMap::from([(0x8f_b0a1, '丂')]),
        };
        assert_eq!(table.decode(&[b'a', 0xa4, 0xa2, 0x8f, 0xb0, 0xa1]).as_deref(), Some("aあ丂"));
        assert_eq!(table.decode(&[0xa4]), None);
        assert_eq!(table.decode(&[0x8f, 0xb0, 0xa2]), None);
    }
}
