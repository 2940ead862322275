//! A table's schema held against a table map: either every column's format is known, or the rows are not touched.
//!
//! `information_schema` tells what is now, the event what was then. Number, types, parameters, signedness and (where logged)
//! names must agree; the first difference is the error's reason. Nothing is guessed.

use std::sync::Arc;

use crate::database::charset::Charset;
use crate::database::decode::Format;
use crate::database::error::{Error, Result};
use crate::database::tablemap::{TableMap, WireColumn, kind};
use crate::model::schema::{Column, ColumnKind, TableSchema};

/// How to read the rows that follow one table map.
#[derive(Debug)]
pub(crate) struct Layout {
    pub schema: Arc<TableSchema>,
    /// In the table's column order.
    pub formats: Vec<Format>,
}

impl Layout {
    /// Checks and builds. `charsets` are those of the schema's columns, `None` for columns that are no text or whose set is
    /// not supported.
    pub(crate) fn new(schema: &Arc<TableSchema>, charsets: &[Option<Charset>], map: &TableMap) -> Result<Self> {
        let table = &schema.name;
        let differs = |reason: String| Error::Layout {
            table: table.clone(),
            reason,
        };
        if map.columns.len() != schema.columns.len() {
            let (logged, known) = (map.columns.len(), schema.columns.len());
            return Err(differs(format!("{logged} columns are logged, {known} are known")));
        }
        let mut formats = Vec::with_capacity(map.columns.len());
        for (i, (column, wire)) in schema.columns.iter().zip(&map.columns).enumerate() {
            if let Some(name) = map.names.get(i)
                && !name.eq_ignore_ascii_case(&column.name)
            {
                return Err(differs(format!("{} is logged as {name}", column.name)));
            }
            let charset = charsets.get(i).cloned().flatten();
            let needs_charset = matches!(column.kind, ColumnKind::Text { .. });
            if needs_charset && charset.is_none() {
                return Err(Error::Charset {
                    table: table.clone(),
                    column: column.name.clone(),
                    charset: column.charset.clone().unwrap_or_default(),
                });
            }
            let format = format(column, *wire, charset).ok_or_else(|| {
                differs(format!("{} is logged as type {} ({})", column.name, wire.kind, wire.meta))
            })?;
            formats.push(format);
        }
        Ok(Self {
            schema: schema.clone(),
            formats,
        })
    }
}

/// The format of a column, if the logged type is that of its kind.
fn format(column: &Column, wire: WireColumn, charset: Option<Charset>) -> Option<Format> {
    let [low, high] = wire.meta.to_le_bytes();
    let same_sign = |unsigned: bool| wire.unsigned.is_none_or(|logged| logged == unsigned);
    match &column.kind {
        ColumnKind::Integer { bits, unsigned } => {
            let width = integer_width(wire.kind)?;
            (width * 8 == usize::from(*bits) && same_sign(*unsigned)).then_some(Format::Integer {
                width,
                unsigned: *unsigned,
            })
        }
        ColumnKind::Boolean => match wire.kind {
            kind::TINY => Some(Format::Integer {
                width: 1,
                unsigned: wire.unsigned.unwrap_or(false),
            }),
            kind::BIT if (low, high) == (1, 0) => Some(Format::Bit { width: 1 }),
            _ => None,
        },
        ColumnKind::Decimal { precision, scale, .. } => {
            (wire.kind == kind::DECIMAL && (low, high) == (*precision, *scale)).then(|| Format::Decimal {
                precision: usize::from(*precision),
                scale: usize::from(*scale),
            })
        }
        ColumnKind::Float => (wire.kind == kind::FLOAT).then_some(Format::Float),
        ColumnKind::Double => (wire.kind == kind::DOUBLE).then_some(Format::Double),
        ColumnKind::Text { .. } => Some(Format::Text {
            prefix: text_prefix(wire)?,
            charset: charset?,
        }),
        ColumnKind::Enum(members) => (wire.kind == kind::ENUM).then(|| Format::Enum {
            width: usize::from(wire.meta),
            members: members.as_slice().into(),
        }),
        ColumnKind::Set(members) => (wire.kind == kind::SET).then(|| Format::Set {
            width: usize::from(wire.meta),
            members: members.as_slice().into(),
        }),
        ColumnKind::Bytes { length, fixed } => bytes(wire, *length, *fixed),
        ColumnKind::Bit { bits } => {
            let logged = u16::from(high) * 8 + u16::from(low);
            (wire.kind == kind::BIT && logged == u16::from(*bits)).then(|| Format::Bit {
                width: usize::from(logged.div_ceil(8)),
            })
        }
        ColumnKind::Json => match wire.kind {
            kind::JSON => Some(Format::Json {
                prefix: usize::from(low),
            }),
            _ => Some(Format::JsonText {
                prefix: text_prefix(wire)?,
                charset: charset?,
            }),
        },
        ColumnKind::Named(name) => (wire.kind == kind::STRING)
            .then(|| match (name.as_str(), wire.meta) {
                ("uuid", 16) => Some(Format::Uuid),
                ("inet4", 4) => Some(Format::Inet4),
                ("inet6", 16) => Some(Format::Inet6),
                _ => None,
            })
            .flatten(),
        ColumnKind::Date
        | ColumnKind::DateTime { .. }
        | ColumnKind::Timestamp { .. }
        | ColumnKind::Time { .. }
        | ColumnKind::Year => temporal(&column.kind, wire),
        ColumnKind::Unsupported(_) => None,
    }
}

fn temporal(column: &ColumnKind, wire: WireColumn) -> Option<Format> {
    let same = |fsp: u8| u16::from(fsp) == wire.meta;
    match (column, wire.kind) {
        (ColumnKind::Date, kind::DATE | kind::NEWDATE) => Some(Format::Date),
        (ColumnKind::Year, kind::YEAR) => Some(Format::Year),
        (&ColumnKind::DateTime { fsp }, kind::DATETIME2) => same(fsp).then_some(Format::DateTime { fsp }),
        (&ColumnKind::Timestamp { fsp }, kind::TIMESTAMP2) => same(fsp).then_some(Format::Timestamp { fsp }),
        (&ColumnKind::Time { fsp }, kind::TIME2) => same(fsp).then_some(Format::Time { fsp }),
        (ColumnKind::DateTime { fsp: 0 }, kind::DATETIME) => Some(Format::OldDateTime),
        (ColumnKind::Timestamp { fsp: 0 }, kind::TIMESTAMP) => Some(Format::OldTimestamp),
        (ColumnKind::Time { fsp: 0 }, kind::TIME) => Some(Format::OldTime),
        _ => None,
    }
}

fn integer_width(wire: u8) -> Option<usize> {
    Some(match wire {
        kind::TINY => 1,
        kind::SHORT => 2,
        kind::INT24 => 3,
        kind::LONG => 4,
        kind::LONGLONG => 8,
        _ => return None,
    })
}

/// How many bytes tell the length: VARCHAR and CHAR by their longest content, the TEXT types by their parameter.
fn text_prefix(wire: WireColumn) -> Option<usize> {
    match wire.kind {
        kind::VARCHAR | kind::VAR_STRING | kind::STRING => Some(if wire.meta > 255 { 2 } else { 1 }),
        kind::TINY_BLOB..=kind::BLOB => Some(usize::from(wire.meta)),
        _ => None,
    }
}

fn bytes(wire: WireColumn, length: u64, fixed: bool) -> Option<Format> {
    let prefix = match wire.kind {
        kind::GEOMETRY | kind::VECTOR => usize::from(wire.meta),
        _ => text_prefix(wire)?,
    };
    let pad = if fixed { usize::try_from(length).ok()? } else { 0 };
    let is_fixed = wire.kind == kind::STRING;
    (fixed == is_fixed && (!fixed || u64::from(wire.meta) == length)).then_some(Format::Bytes { prefix, pad })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::TableName;

    fn column(name: &str, kind: ColumnKind) -> Column {
        Column {
            name: name.into(),
            kind,
            nullable: true,
            auto_increment: false,
            optional: true,
            generated: false,
            charset: None,
            collation: None,
        }
    }

    fn table(columns: Vec<Column>) -> Arc<TableSchema> {
        Arc::new(TableSchema {
            name: TableName {
                schema: "s".into(),
                table: "t".into(),
            },
            columns,
            key: vec![0],
            transactional: true,
        })
    }

    fn map(columns: &[(u8, u16, Option<bool>)], names: &[&str]) -> TableMap {
        TableMap {
            id: 1,
            schema: "s".into(),
            table: "t".into(),
            columns: columns
                .iter()
                .map(|&(kind, meta, unsigned)| WireColumn { kind, meta, unsigned })
                .collect(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn reason(schema: &Arc<TableSchema>, map: &TableMap) -> String {
        Layout::new(schema, &[None, None], map).map_or_else(|e| e.to_string(), |_| "fits".into())
    }

    #[test]
    fn every_difference_between_schema_and_event_is_named() {
        let integer = |unsigned| ColumnKind::Integer { bits: 32, unsigned };
        let known = table(vec![
            column("id", integer(true)),
            column("at", ColumnKind::DateTime { fsp: 3 }),
        ]);
        let (id, at) = ((kind::LONG, 0, Some(true)), (kind::DATETIME2, 3, None));
        assert_eq!(reason(&known, &map(&[id, at], &["ID", "at"])), "fits");
        assert_eq!(reason(&known, &map(&[(kind::LONG, 0, None), at], &[])), "fits");
        let wrong = [
            (map(&[id], &[]), "1 columns are logged, 2 are known"),
            (map(&[id, at], &["id", "time"]), "at is logged as time"),
            (map(&[(kind::LONG, 0, Some(false)), at], &[]), "id is logged as type 3 (0)"),
            (map(&[id, (kind::DATETIME2, 6, None)], &[]), "at is logged as type 18 (6)"),
            (map(&[id, (kind::TIME2, 3, None)], &[]), "at is logged as type 19 (3)"),
        ];
        for (map, why) in wrong {
            assert!(reason(&known, &map).ends_with(why), "{}", reason(&known, &map));
        }
    }

    #[test]
    fn text_in_an_unknown_character_set_is_its_own_error() {
        let known = table(vec![column("t", ColumnKind::Text { length: 10 })]);
        let error = Layout::new(&known, &[None], &map(&[(kind::VARCHAR, 40, None)], &[]));
        assert!(matches!(error, Err(Error::Charset { .. })));
    }
}
