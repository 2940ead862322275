//! Base: what each side of a row looked like when they last agreed, as two digests per column.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::key::Key;

/// What one column looked like on both sides when they last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnBase {
    /// Of the database's value.
    pub value: Digest,
    /// Of the cell that was written or found: decided, never merely seen (design 4a, rule 6).
    pub cell: Digest,
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
