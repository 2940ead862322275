//! Text in a column's character set, made UTF-8 as the server would make it.
//!
//! Row images hold text in the column's own character set. The server's word counts, so every single-byte set is asked of
//! the server itself (one statement gives its 256 characters: its latin1 is not ISO's); Unicode sets are read by their
//! definition, and East Asian ones by `encoding_rs`.

use std::sync::Arc;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};
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
    /// One character for each byte, as the server told.
    Single(Arc<[char; 256]>),
    /// A multi-byte set.
    Other(&'static Encoding),
}

impl Charset {
    /// The set of this name; the server is asked for single-byte ones. `None` if we cannot read it.
    pub(crate) async fn load(conn: &mut Conn, name: &str) -> Result<Option<Self>> {
        if let Some(known) = Self::known(name) {
            return Ok(Some(known));
        }
        let legal = name.bytes().all(|b| b.is_ascii_alphanumeric());
        let single: Option<u8> = conn
            .exec_first(
                "SELECT 1 FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME = ? AND MAXLEN = 1",
                (name,),
            )
            .await?;
        if !legal || single.is_none() {
            return Ok(None);
        }
        let all: String = (0..=255_u8).map(|b| format!("{b:02x}")).collect();
        let text: Option<String> = conn.query_first(format!("SELECT _{name} x'{all}'")).await?;
        let characters: Vec<char> = text.unwrap_or_default().chars().collect();
        Ok(<[char; 256]>::try_from(characters)
            .ok()
            .map(|table| Self::Single(Arc::new(table))))
    }

    /// Sets that need no question to the server.
    fn known(name: &str) -> Option<Self> {
        Some(match name {
            "utf8mb4" | "utf8mb3" | "utf8" | "ascii" => Self::Utf8,
            "ucs2" | "utf16" => Self::Utf16,
            "utf16le" => Self::Utf16Little,
            "utf32" => Self::Utf32,
            "gbk" | "gb2312" => Self::Other(GBK),
            "gb18030" => Self::Other(GB18030),
            "big5" => Self::Other(BIG5),
            "sjis" | "cp932" => Self::Other(SHIFT_JIS),
            "ujis" | "eucjpms" => Self::Other(EUC_JP),
            "euckr" => Self::Other(EUC_KR),
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
            Self::Single(table) => Some(bytes.iter().map(|&b| table[usize::from(b)]).collect()),
            Self::Other(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned),
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|&pair| unit(pair)));
    rest.is_empty()
        .then(|| text.collect::<std::result::Result<_, _>>().ok())
        .flatten()
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
        assert_eq!(Charset::Other(GBK).decode(&[0x81]), None);
    }
}
