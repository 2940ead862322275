//! Base: what each side of a row looked like when they last agreed, as two digests per column.

use serde::{Deserialize, Serialize};

use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::value::Value;

/// What one column looked like on both sides when they last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnBase {
    /// Of the database's value, by the cell that shows it.
    pub value: Digest,
    /// Of the cell that was written or found: decided, never merely seen (design 4a, rule 6).
    pub cell: Digest,
}

/// The fingerprint of the database's side of a column. A cell shows the values of most kinds of columns one to one; of such a value
/// its cell's digest is taken. So both sides of what agrees have one digest, and base is half as large. A double has more digits than
/// a cell, a long text is shown cut, the empty text looks like NULL: what a cell does not tell has the digest of the value.
pub fn database_digest(value: &Value, shown: &Cell) -> Digest {
    let is_told = match (value, shown) {
        (Value::Text(value) | Value::Json(value), Cell::Text(shown)) => value == shown && !value.is_empty(),
        (
            Value::Int(_)
            | Value::UInt(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::DateTime(_)
            | Value::Time(_),
            shown,
        ) => !shown.is_blank(),
        (Value::Null, shown) => shown.is_blank(),
        (Value::Text(_) | Value::Json(_) | Value::Bytes(_) | Value::Float(_) | Value::Double(_), _) => false,
    };
    if is_told { shown.digest() } else { value.digest() }
}

/// The base of one row: one entry per column of the link, in the link's order; `None` where a column never agreed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowBase {
    /// In the link's column order.
    pub columns: Vec<Option<ColumnBase>>,
}

/// One change of base, to be stored with the effect that it records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaseChange {
    /// The row's base is now this.
    Set(Key, RowBase),
    /// The row is gone on both sides; the key is remembered as a tombstone when `dead`.
    Forget {
        /// The row.
        key: Key,
        /// Keep a tombstone: a sheet row that shows this key later is held, never created (design 4a, rule 9).
        dead: bool,
    },
}
