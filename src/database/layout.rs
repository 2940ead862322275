//! A table's schema held against a table map: either every column's format is known, or the rows are not touched.
//!
//! `information_schema` tells what is now, the event what was then. Number, types, parameters, signedness and (where logged)
//! names must agree; the first difference is the error's reason. Nothing is guessed.

use std::sync::Arc;

use crate::database::charset::Charset;
use crate::database::decode::Format;
use crate::database::error::{Error, Result};
use crate::database::interest::Watched;
use crate::database::tablemap::{TableMap, WireColumn, kind};
use crate::model::schema::{Column, ColumnKind, TableSchema};

/// How to read the rows that follow one table map.
#[derive(Debug)]
pub(crate) struct Layout {
    pub schema: Arc<TableSchema>,
    /// In the table's column order, the hidden columns at the end.
    pub formats: Vec<Format>,
}

impl Layout {
    /// Checks and builds.
    pub(crate) fn new(watched: &Watched, map: &TableMap) -> Result<Self> {
        let Watched { schema, charsets, hidden } = watched;
        let table = &schema.name;
        let differs = |reason: String| Error::Layout { table: table.clone(), reason };
        let (logged, known) = (map.columns.len(), schema.columns.len() + hidden);
        if logged != known {
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
        for wire in &map.columns[schema.columns.len()..] {
            formats
                .push(hash_format(*wire).ok_or_else(|| differs("its hidden columns are no hashes".into()))?);
        }
        Ok(Self { schema: schema.clone(), formats })
    }
}

/// MariaDB keeps the hash of a long unique key as a BIGINT UNSIGNED.
fn hash_format(wire: WireColumn) -> Option<Format> {
    (wire.kind == kind::LONGLONG).then_some(Format::Integer { width: 8, unsigned: true })
}

/// The format of a column, if the logged type is that of its kind.
fn format(column: &Column, wire: WireColumn, charset: Option<Charset>) -> Option<Format> {
    let [low, high] = wire.meta.to_le_bytes();
    let same_sign = |unsigned: bool| wire.unsigned.is_none_or(|logged| logged == unsigned);
    match &column.kind {
        ColumnKind::Integer { bits, unsigned } => {
            let width = integer_width(wire.kind)?;
            (width * 8 == usize::from(*bits) && same_sign(*unsigned))
                .then_some(Format::Integer { width, unsigned: *unsigned })
        }
        ColumnKind::Boolean => match wire.kind {
            kind::TINY => Some(Format::Integer { width: 1, unsigned: wire.unsigned.unwrap_or(false) }),
            kind::BIT if (low, high) == (1, 0) => Some(Format::Bit { width: 1 }),
            _ => None,
        },
        ColumnKind::Decimal { precision, scale, .. } => (wire.kind == kind::DECIMAL
            && (low, high) == (*precision, *scale))
            .then(|| Format::Decimal { precision: usize::from(*precision), scale: usize::from(*scale) }),
        ColumnKind::Float => (wire.kind == kind::FLOAT).then_some(Format::Float),
        ColumnKind::Double => (wire.kind == kind::DOUBLE).then_some(Format::Double),
        ColumnKind::Text { .. } => Some(Format::Text { prefix: text_prefix(wire)?, charset: charset? }),
        ColumnKind::Enum(members) => (wire.kind == kind::ENUM)
            .then(|| Format::Enum { width: usize::from(wire.meta), members: members.as_slice().into() }),
        ColumnKind::Set(members) => (wire.kind == kind::SET)
            .then(|| Format::Set { width: usize::from(wire.meta), members: members.as_slice().into() }),
        ColumnKind::Bytes { length, fixed } => bytes(wire, *length, *fixed),
        ColumnKind::Bit { bits } => {
            let logged = u16::from(high) * 8 + u16::from(low);
            (wire.kind == kind::BIT && logged == u16::from(*bits))
                .then(|| Format::Bit { width: usize::from(logged.div_ceil(8)) })
        }
        ColumnKind::Json => match wire.kind {
            kind::JSON => Some(Format::Json { prefix: usize::from(low) }),
            _ => Some(Format::JsonText { prefix: text_prefix(wire)?, charset: charset? }),
        },
        ColumnKind::Named(name) if wire.kind == kind::STRING => match (name.as_str(), wire.meta) {
            ("uuid", 16) => Some(Format::Uuid),
            ("inet4", 4) => Some(Format::Inet4),
            ("inet6", 16) => Some(Format::Inet6),
            _ => None,
        },
        ColumnKind::Date
        | ColumnKind::DateTime { .. }
        | ColumnKind::Timestamp { .. }
        | ColumnKind::Time { .. }
        | ColumnKind::Year => temporal(&column.kind, wire),
        ColumnKind::Named(_) | ColumnKind::Unsupported(_) => None,
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

    fn table(columns: Vec<Column>) -> Arc<TableSchema> {
        Arc::new(TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
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

    fn watched(schema: &Arc<TableSchema>, hidden: usize) -> Watched {
        Watched { schema: schema.clone(), charsets: Arc::new([]), hidden }
    }

    fn reason(schema: &Arc<TableSchema>, map: &TableMap) -> String {
        Layout::new(&watched(schema, 0), map).map_or_else(|e| e.to_string(), |_| "fits".into())
    }

    #[test]
    fn every_difference_between_schema_and_event_is_named() {
        let integer = |unsigned| ColumnKind::Integer { bits: 32, unsigned };
        let known = table(vec![
            Column::nullable("id", integer(true)),
            Column::nullable("at", ColumnKind::DateTime { fsp: 3 }),
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
        let known = table(vec![Column::nullable("t", ColumnKind::Text { length: 10 })]);
        let error = Layout::new(&watched(&known, 0), &map(&[(kind::VARCHAR, 40, None)], &[]));
        assert!(matches!(error, Err(Error::Charset { .. })));
    }

    #[test]
    fn a_hidden_hash_is_read_past_and_nothing_else_is() {
        let known = table(vec![Column::nullable("d", ColumnKind::Date)]);
        let (date, hash, other) = ((kind::DATE, 0, None), (kind::LONGLONG, 0, None), (kind::LONG, 0, None));
        let fits = |columns: &[_], hidden| Layout::new(&watched(&known, hidden), &map(columns, &[])).is_ok();
        assert!(fits(&[date, hash], 1));
        assert!(!fits(&[date, hash], 0) && !fits(&[date, other], 1) && !fits(&[date], 1));
    }
}
