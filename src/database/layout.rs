//! A table's schema held against a table map: either every column's format is known, or the rows are not touched.
//!
//! `information_schema` tells what is now, the event what was then. Number, types, parameters, signedness and (where logged)
//! names must agree; the first difference is the error's reason. Nothing is guessed. A column that nobody wants is held
//! against its kind all the same, so that a shift shows, but it may be of a type or a character set that we cannot read.

use std::sync::Arc;

use crate::database::cascade::Fall;
use crate::database::charset::Charset;
use crate::database::decimal;
use crate::database::decode::{Format, Width};
use crate::database::error::{Error, Result};
use crate::database::interest::Watched;
use crate::database::tablemap::{TableMap, WireColumn, kind};
use crate::model::schema::{Column, ColumnKind, TableName, TableSchema};

/// How to read the rows that follow one table map.
#[derive(Debug)]
pub(crate) struct Layout {
    pub table: Arc<TableName>,
    pub schema: Arc<TableSchema>,
    /// Somebody wants its rows.
    pub linked: bool,
    /// Where its changes fall on to, unseen.
    pub falls: Arc<[Fall]>,
    /// In the table's column order, the hidden columns at the end.
    pub formats: Vec<Format>,
}

impl Layout {
    /// Checks and builds.
    pub(crate) fn new(watched: &Watched, map: &TableMap) -> Result<Self> {
        let table = &*watched.name;
        let differs = |reason: String| Error::Layout { table: table.clone(), reason };
        let shape = watched.shape.as_ref().ok_or_else(|| differs("its schema is not ours to see".into()))?;
        let (schema, hidden) = (&shape.schema, shape.hidden);
        if shape.versioned {
            return Err(differs("it is system-versioned: rows that ended are logged as rows".into()));
        }
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
            if !shape.wanted.get(i).is_some_and(|wanted| *wanted) {
                let passed = passed(column, *wire).ok_or_else(|| differs(logged_as(column, *wire)))?;
                formats.push(Format::Passed(passed));
                continue;
            }
            let charset = shape.charsets.get(i).cloned().flatten();
            let needs_charset = matches!(column.kind, ColumnKind::Text { .. });
            if needs_charset && charset.is_none() {
                return Err(Error::Charset {
                    table: table.clone(),
                    column: column.name.clone(),
                    charset: column.charset.clone().unwrap_or_default(),
                });
            }
            formats.push(format(column, *wire, charset).ok_or_else(|| differs(logged_as(column, *wire)))?);
        }
        for wire in &map.columns[schema.columns.len()..] {
            formats
                .push(hash_format(*wire).ok_or_else(|| differs("its hidden columns are no hashes".into()))?);
        }
        Ok(Self {
            table: Arc::clone(&watched.name),
            schema: Arc::clone(schema),
            linked: watched.linked,
            falls: Arc::clone(&watched.falls),
            formats,
        })
    }
}

fn logged_as(column: &Column, wire: WireColumn) -> String {
    format!("{} is logged as type {} ({})", column.name, wire.kind, wire.meta)
}

/// How to pass over a column, if the logged type is that of its kind or its kind is one that we do not know.
fn passed(column: &Column, wire: WireColumn) -> Option<Width> {
    let fits = match &column.kind {
        ColumnKind::Unsupported(_) => true,
        // Any set will do: the text is not read.
        _ => format(column, wire, Some(Charset::Utf8)).is_some(),
    };
    fits.then(|| width(wire)).flatten()
}

/// How many bytes a value of a logged type takes.
fn width(wire: WireColumn) -> Option<Width> {
    let [low, high] = wire.meta.to_le_bytes();
    let fraction = |whole: usize| Width::Fixed(whole + usize::from(low.div_ceil(2)));
    Some(match wire.kind {
        kind::TINY | kind::YEAR => Width::Fixed(1),
        kind::SHORT => Width::Fixed(2),
        kind::INT24 | kind::DATE | kind::NEWDATE | kind::TIME => Width::Fixed(3),
        kind::LONG | kind::FLOAT | kind::TIMESTAMP => Width::Fixed(4),
        kind::LONGLONG | kind::DOUBLE | kind::DATETIME => Width::Fixed(8),
        kind::TIME2 => fraction(3),
        kind::TIMESTAMP2 => fraction(4),
        kind::DATETIME2 => fraction(5),
        kind::DECIMAL => Width::Fixed(decimal::width(usize::from(low), usize::from(high))?),
        kind::ENUM | kind::SET => Width::Fixed(usize::from(wire.meta)),
        kind::BIT => Width::Fixed(usize::from(high) + usize::from(low.div_ceil(8))),
        kind::JSON | kind::GEOMETRY | kind::VECTOR | kind::COMPRESSED_BLOB => {
            Width::Prefixed(usize::from(low))
        }
        kind::COMPRESSED_VARCHAR => Width::Prefixed(if wire.meta > 255 { 2 } else { 1 }),
        _ => Width::Prefixed(text_prefix(wire)?),
    })
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
        ColumnKind::Text { length } if holds_text(wire, *length) => {
            Some(Format::Text { prefix: text_prefix(wire)?, charset: charset? })
        }
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
        ColumnKind::Text { .. } | ColumnKind::Named(_) | ColumnKind::Unsupported(_) => None,
    }
}

/// CHAR and VARCHAR are logged by their longest content in bytes: one to four a character.
fn holds_text(wire: WireColumn, length: u64) -> bool {
    match wire.kind {
        kind::VARCHAR | kind::VAR_STRING | kind::STRING => {
            (1..=4).any(|bytes| length * bytes == u64::from(wire.meta))
        }
        _ => true,
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

/// BINARY and VARBINARY are logged by their length, the BLOB types by the width of theirs.
fn bytes(wire: WireColumn, length: u64, fixed: bool) -> Option<Format> {
    /// What GEOMETRY and VECTOR, whose own lengths nobody tells, have as theirs.
    const ANY: u64 = u32::MAX as u64;
    let meta = u64::from(wire.meta);
    let (prefix, fits) = match wire.kind {
        kind::GEOMETRY | kind::VECTOR => (usize::from(wire.meta), length == ANY),
        kind::TINY_BLOB..=kind::BLOB => (
            usize::from(wire.meta),
            length == ANY || length.checked_ilog2().map_or(0, |bits| bits / 8 + 1) == meta as u32,
        ),
        _ => (text_prefix(wire)?, meta == length || length == ANY),
    };
    let pad = if fixed { usize::try_from(length).ok()? } else { 0 };
    (fits && fixed == (wire.kind == kind::STRING)).then_some(Format::Bytes { prefix, pad })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::interest::Shape;

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
            columns: columns
                .iter()
                .map(|&(kind, meta, unsigned)| WireColumn { kind, meta, unsigned })
                .collect(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn watched(schema: &Arc<TableSchema>, hidden: usize) -> Watched {
        let wanted = vec![true; schema.columns.len()].into();
        let shape =
            Shape { schema: Arc::clone(schema), charsets: Arc::new([]), wanted, hidden, versioned: false };
        let name = Arc::new(schema.name.clone());
        Watched { name, shape: Some(shape), linked: true, falls: Arc::new([]) }
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
    fn a_column_that_nobody_wants_may_be_unreadable_but_not_another() {
        let known = table(vec![
            Column::nullable("id", ColumnKind::Integer { bits: 32, unsigned: false }),
            Column::nullable("zip", ColumnKind::Unsupported("blob COMPRESSED".into())),
            Column::nullable("t", ColumnKind::Text { length: 10 }),
        ]);
        let mut watched = watched(&known, 0);
        if let Some(shape) = &mut watched.shape {
            shape.wanted = Arc::new([true, false, false]);
        }
        let (id, zip) = ((kind::LONG, 0, None), (kind::COMPRESSED_BLOB, 2, None));
        let layout = Layout::new(&watched, &map(&[id, zip, (kind::VARCHAR, 40, None)], &[])).expect("fits");
        let passed = |at: usize, prefix| matches!(layout.formats[at], Format::Passed(Width::Prefixed(n)) if n == prefix);
        assert!(passed(1, 2) && passed(2, 1));
        assert!(Layout::new(&watched, &map(&[id, zip, (kind::DATE, 0, None)], &[])).is_err());
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
