//! A table map event: the layout of the rows that follow, as the server logged it then.

use crate::database::cursor::{Bits, Cursor, Malformed};

/// One column's type on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireColumn {
    /// The type's number; ENUM and SET, which hide behind STRING, under their own.
    pub kind: u8,
    /// The type's parameters, two bytes as they stand in the event (the first in the low byte).
    pub meta: u16,
    /// From the metadata; `None` where the server logs none (MariaDB's default) or the column is no number.
    pub unsigned: Option<bool>,
}

/// A table map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableMap {
    pub columns: Vec<WireColumn>,
    /// The columns' names, with `binlog_row_metadata=FULL`; else empty.
    pub names: Vec<String>,
}

/// Numbers of the types that are parsed by name somewhere.
pub(crate) mod kind {
    pub(crate) const TINY: u8 = 1;
    pub(crate) const SHORT: u8 = 2;
    pub(crate) const LONG: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const DOUBLE: u8 = 5;
    pub(crate) const TIMESTAMP: u8 = 7;
    pub(crate) const LONGLONG: u8 = 8;
    pub(crate) const INT24: u8 = 9;
    pub(crate) const DATE: u8 = 10;
    pub(crate) const TIME: u8 = 11;
    pub(crate) const DATETIME: u8 = 12;
    pub(crate) const YEAR: u8 = 13;
    pub(crate) const NEWDATE: u8 = 14;
    pub(crate) const VARCHAR: u8 = 15;
    pub(crate) const BIT: u8 = 16;
    pub(crate) const TIMESTAMP2: u8 = 17;
    pub(crate) const DATETIME2: u8 = 18;
    pub(crate) const TIME2: u8 = 19;
    pub(crate) const COMPRESSED_BLOB: u8 = 140;
    pub(crate) const COMPRESSED_VARCHAR: u8 = 141;
    pub(crate) const VECTOR: u8 = 242;
    pub(crate) const JSON: u8 = 245;
    pub(crate) const DECIMAL: u8 = 246;
    pub(crate) const ENUM: u8 = 247;
    pub(crate) const SET: u8 = 248;
    pub(crate) const TINY_BLOB: u8 = 249;
    pub(crate) const BLOB: u8 = 252;
    pub(crate) const VAR_STRING: u8 = 253;
    pub(crate) const STRING: u8 = 254;
    pub(crate) const GEOMETRY: u8 = 255;
}

impl TableMap {
    /// The id, the database and the table: enough to tell whether anybody wants the rows.
    pub(crate) fn name(data: &[u8]) -> Result<(u64, &[u8], &[u8]), Malformed> {
        let mut body = Cursor::new(data, "table map");
        let id = body.little(6)?;
        body.take(2)?;
        let schema = body.packed_bytes()?;
        body.take(1)?;
        Ok((id, schema, body.packed_bytes()?))
    }

    /// The whole event.
    pub(crate) fn read(data: &[u8]) -> Result<Self, Malformed> {
        let mut body = Cursor::new(data, "table map");
        body.take(8)?;
        body.packed_bytes()?;
        body.take(1)?;
        body.packed_bytes()?;
        body.take(1)?;
        let count = body.packed_length()?;
        let kinds = body.take(count)?;
        let mut metas = Cursor::new(body.packed_bytes()?, "table map metadata");
        let columns = kinds.iter().map(|&kind| wire_column(kind, &mut metas));
        let mut map = Self { columns: columns.collect::<Result<_, _>>()?, names: Vec::new() };
        Bits::take(&mut body, count)?;
        map.read_optional(body)?;
        Ok(map)
    }

    /// Optional metadata: type, length, value; what we do not know or need is skipped.
    fn read_optional(&mut self, mut body: Cursor) -> Result<(), Malformed> {
        while !body.is_empty() {
            let field = body.byte()?;
            let mut value = Cursor::new(body.packed_bytes()?, "table map metadata");
            match field {
                1 => self.read_signedness(value.take_rest()),
                4 => {
                    while !value.is_empty() {
                        let name = String::from_utf8_lossy(value.packed_bytes()?).into_owned();
                        self.names.push(name);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One bit for each numeric column, YEAR among them, from the highest bit of the first byte on.
    fn read_signedness(&mut self, bits: &[u8]) {
        let numeric = self.columns.iter_mut().filter(|column| {
            matches!(
                column.kind,
                kind::TINY
                    | kind::SHORT
                    | kind::LONG
                    | kind::FLOAT
                    | kind::DOUBLE
                    | kind::LONGLONG
                    | kind::INT24
                    | kind::YEAR
                    | kind::DECIMAL
            )
        });
        for (i, column) in numeric.enumerate() {
            column.unsigned = bits.get(i / 8).map(|byte| byte << (i % 8) & 0x80 != 0);
        }
    }
}

/// Takes a column's parameters; how many bytes there are depends on its type.
fn wire_column(kind: u8, metas: &mut Cursor) -> Result<WireColumn, Malformed> {
    let width = match kind {
        kind::FLOAT
        | kind::DOUBLE
        | 17..=19
        | kind::VECTOR
        | kind::JSON
        | 249..=252
        | kind::GEOMETRY
        | kind::COMPRESSED_BLOB => 1,
        kind::VARCHAR
        | kind::BIT
        | kind::DECIMAL
        | kind::ENUM
        | kind::SET
        | kind::VAR_STRING
        | kind::STRING
        | kind::COMPRESSED_VARCHAR => 2,
        0..=14 => 0,
        _ => return Err(Malformed("column type in a table map")),
    };
    let meta = metas.little(width)? as u16;
    let column = |kind, meta| WireColumn { kind, meta, unsigned: None };
    let [first, second] = meta.to_le_bytes();
    Ok(match kind {
        kind::STRING if matches!(first, kind::ENUM | kind::SET) => column(first, u16::from(second)),
        // A length over 255 has its two high bits, inverted, in the type's byte.
        kind::STRING => column(first | 0x30, u16::from(second) | u16::from(!first & 0x30) << 4),
        kind::ENUM | kind::SET => column(kind, u16::from(second)),
        _ => column(kind, meta),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kinds: &[u8], metas: &[u8], optional: &[u8]) -> Vec<u8> {
        let mut data = vec![9, 0, 0, 0, 0, 0, 1, 0, 1, b's', 0, 1, b't', 0, kinds.len() as u8];
        data.extend(kinds);
        data.push(metas.len() as u8);
        data.extend(metas);
        data.extend(vec![0; kinds.len().div_ceil(8)]);
        data.extend(optional);
        data
    }

    #[test]
    fn year_has_its_own_bit_of_signedness() {
        let data = event(&[kind::YEAR, kind::LONG], &[], &[1, 1, 0b0100_0000]);
        let map = TableMap::read(&data).expect("reads");
        assert_eq!(map.columns[1].unsigned, Some(true));
        assert_eq!(map.columns[0].unsigned, Some(false));
    }

    #[test]
    fn unknown_metadata_is_skipped_and_names_are_read() {
        let data = event(&[kind::LONG], &[], &[99, 2, 1, 2, 4, 3, 2, b'i', b'd']);
        let map = TableMap::read(&data).expect("reads");
        assert_eq!(map.names, ["id"]);
        assert_eq!(TableMap::name(&data), Ok((9, &b"s"[..], &b"t"[..])));
    }

    #[test]
    fn long_char_columns_and_enums_hide_in_string() {
        // CHAR of 1020 bytes (255 * 4), ENUM of one byte, CHAR(10).
        let data = event(&[254, 254, 254], &[0xce, 0xfc, 0xf7, 1, 0xfe, 10], &[]);
        let map = TableMap::read(&data).expect("reads");
        let kinds: Vec<_> = map.columns.iter().map(|c| (c.kind, c.meta)).collect();
        assert_eq!(kinds, [(254, 1020), (247, 1), (254, 10)]);
    }

    #[test]
    fn a_cut_event_is_an_error_at_every_length() {
        let data = event(&[kind::LONG, 254], &[0xfe, 10], &[1, 1, 0x80]);
        let whole = TableMap::read(&data).expect("reads");
        for n in 0..data.len() {
            assert_ne!(TableMap::read(&data[..n]), Ok(whole.clone()), "{n}");
        }
    }
}
