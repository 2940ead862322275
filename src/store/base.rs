//! Base, and the tombstones of keys that are gone.
//!
//! A row's digests are packed into one blob: per column of the link a byte that tells whether it ever agreed, and if so the two
//! digests, big-endian, or the one that both sides have. A thousand rows of ten columns are 90 kB, and one statement.

use std::collections::BTreeMap;

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::base::{BaseChange, ColumnBase, RowBase};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::store::bulk::Bulk;
use crate::store::{Result, StoreError};

/// What is remembered of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Both sides' last agreement.
    Base(RowBase),
    /// The row is gone on both sides; a sheet row that shows the key is held.
    Tombstone,
}

/// Stores changes of base. Of several changes of one key the last one counts.
pub async fn apply(conn: &mut impl Queryable, link: &LinkName, changes: &[BaseChange]) -> Result<()> {
    let last: BTreeMap<[u8; 16], &BaseChange> = changes
        .iter()
        .map(|change| match change {
            BaseChange::Set(key, _) | BaseChange::Forget { key, .. } => (key.wide_digest(), change),
        })
        .collect();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (digest, change) in last {
        let (key, columns, dead) = match change {
            BaseChange::Set(key, row) => (key, encode(row), false),
            BaseChange::Forget { key, dead: true } => (key, Vec::new(), true),
            BaseChange::Forget { dead: false, .. } => {
                gone.push(vec![Value::from(digest)]);
                continue;
            }
        };
        kept.push(vec![
            Value::from(&link.0),
            Value::from(digest),
            Value::from(key.to_string()),
            Value::from(columns),
            Value::from(dead),
        ]);
    }
    let set = Bulk { row: "(?, ?, ?, ?, IF(?, CURRENT_TIMESTAMP(6), NULL))", fixed: Vec::new(), rows: kept };
    set.run(conn, |rows| {
        format!(
            "INSERT INTO base (link, key_digest, key_text, columns_packed, dead_at) VALUES {rows} \
             ON DUPLICATE KEY UPDATE columns_packed = VALUES(columns_packed), dead_at = VALUES(dead_at)"
        )
    })
    .await?;
    let forget = Bulk { row: "?", fixed: vec![Value::from(&link.0)], rows: gone };
    forget.run(conn, |keys| format!("DELETE FROM base WHERE link = ? AND key_digest IN ({keys})")).await
}

/// Reads everything that is remembered of a link, row by row as it comes off the wire, in no order that means anything.
/// The first error ends it.
pub async fn scan(
    conn: &mut impl Queryable,
    link: &LinkName,
    mut each: impl FnMut(Key, Remembered) + Send,
) -> Result<()> {
    conn.exec_fold(
        "SELECT key_text, columns_packed, dead_at IS NOT NULL FROM base WHERE link = ?",
        (&link.0,),
        Ok(()),
        move |so_far: Result<()>, row| {
            so_far?;
            let (key, remembered) = decode_row(row)?;
            each(key, remembered);
            Ok(())
        },
    )
    .await?
}

/// What is remembered of some keys; those of which nothing is are left out.
pub async fn find(
    conn: &mut impl Queryable,
    link: &LinkName,
    keys: &[Key],
) -> Result<Vec<(Key, Remembered)>> {
    let asked = Bulk {
        row: "?",
        fixed: vec![Value::from(&link.0)],
        rows: keys.iter().map(|key| vec![Value::from(key.wide_digest())]).collect(),
    };
    let rows: Vec<(String, Vec<u8>, bool)> = asked
        .fetch(conn, |keys| {
            format!(
                "SELECT key_text, columns_packed, dead_at IS NOT NULL FROM base
                 WHERE link = ? AND key_digest IN ({keys})"
            )
        })
        .await?;
    rows.into_iter().map(decode_row).collect()
}

/// Does base know a row of the link, or did it?
pub async fn is_any(conn: &mut impl Queryable, link: &LinkName) -> Result<bool> {
    let found: Option<u8> = conn.exec_first("SELECT 1 FROM base WHERE link = ? LIMIT 1", (&link.0,)).await?;
    Ok(found.is_some())
}

/// How many rows base knows.
pub async fn count(conn: &mut impl Queryable, link: &LinkName) -> Result<u64> {
    let sql = "SELECT COUNT(*) FROM base WHERE link = ? AND dead_at IS NULL";
    Ok(conn.exec_first(sql, (&link.0,)).await?.unwrap_or(0))
}

/// What base says of a link counts no more: the next meeting of its two sides is their first. The keys stay, as tombstones: a row
/// of the tab that shows one of them and that the table lacks was deleted there, and is no new record.
pub async fn bury(conn: &mut impl Queryable, link: &LinkName) -> Result<()> {
    let sql = "UPDATE base SET dead_at = CURRENT_TIMESTAMP(6) WHERE link = ? AND dead_at IS NULL";
    Ok(conn.exec_drop(sql, (&link.0,)).await?)
}

fn decode_row((key, columns, dead): (String, Vec<u8>, bool)) -> Result<(Key, Remembered)> {
    let key = key.parse().map_err(|_| corrupt("a key's text is no key"))?;
    let remembered = if dead {
        Remembered::Tombstone
    } else {
        Remembered::Base(decode(&columns).ok_or(corrupt("digests are cut short"))?)
    };
    Ok((key, remembered))
}

fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt { table: "base", what }
}

/// The column never agreed.
const NEVER: u8 = 0;

/// Each side has its digest.
const EACH: u8 = 1;

/// Both sides have this digest.
const BOTH: u8 = 2;

fn encode(row: &RowBase) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(row.columns.len() * 9);
    for column in &row.columns {
        match column {
            None => bytes.push(NEVER),
            Some(base) if base.value == base.cell => {
                bytes.push(BOTH);
                bytes.extend(base.cell.0.to_be_bytes());
            }
            Some(base) => {
                bytes.push(EACH);
                bytes.extend(base.value.0.to_be_bytes());
                bytes.extend(base.cell.0.to_be_bytes());
            }
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<RowBase> {
    let mut columns = Vec::new();
    while let Some((&agreed, rest)) = bytes.split_first() {
        bytes = rest;
        columns.push(match agreed {
            NEVER => None,
            EACH => Some(ColumnBase { value: take_digest(&mut bytes)?, cell: take_digest(&mut bytes)? }),
            BOTH => {
                let digest = take_digest(&mut bytes)?;
                Some(ColumnBase { value: digest, cell: digest })
            }
            _ => return None,
        });
    }
    Some(RowBase { columns })
}

fn take_digest(bytes: &mut &[u8]) -> Option<Digest> {
    let (digest, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(Digest(u64::from_be_bytes(*digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_back_and_half_a_digest_is_an_error() {
        let column = |value, cell| Some(ColumnBase { value: Digest(value), cell: Digest(cell) });
        let row = RowBase { columns: vec![column(1, u64::MAX), None, column(7, 7), column(0, 7)] };
        let bytes = encode(&row);
        assert_eq!(bytes.len(), 17 + 1 + 9 + 17);
        assert_eq!(decode(&bytes), Some(row));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[3]), None);
    }
}
