//! What comes out of the stream: transactions, whole, and what happens to tables beside their rows.
//!
//! What concerns one table only (a shape that does not fit, a statement instead of rows) is a [`Doubt`] of that
//! transaction, not the end of the stream: the table's rows are left out and its link reads the table again.

use crate::database::ddl::SchemaChange;
use crate::database::error::Error;
use crate::database::event::TransactionId;
use crate::database::rows::RowChange;
use crate::database::spill::Spilled;
use crate::model::position::Position;
use crate::model::schema::TableName;

/// What the stream tells.
#[derive(Debug)]
pub enum Event {
    /// A transaction was committed; with no changes where it touched no wanted table.
    Transaction(Transaction),
    /// Wanted tables changed beside their rows. It is a transaction of its own.
    Schema {
        /// Every wanted table that the statement names.
        changes: Vec<SchemaChange>,
        /// The position after it.
        position: Position,
        /// Microseconds since 1970.
        commit_micros: u64,
    },
    /// Nothing happened since the last event.
    Heartbeat,
}

impl Event {
    /// About how many bytes of memory its rows take.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Transaction(transaction) => transaction.weight,
            Self::Schema { .. } | Self::Heartbeat => 0,
        }
    }
}

/// A committed transaction.
#[derive(Debug)]
pub struct Transaction {
    /// The position after it: what may be saved once its effects are durable.
    pub position: Position,
    /// Its name.
    pub id: TransactionId,
    /// When it was committed, in microseconds since 1970 (MariaDB: whole seconds).
    pub commit_micros: u64,
    /// The rows of wanted tables, in the order of their change.
    pub changes: Vec<RowChange>,
    /// The rows after those, of a transaction that is too large for memory.
    pub more: Option<Spilled>,
    /// Wanted tables whose rows in this transaction cannot be used; none of their rows are in `changes` or `more`.
    pub doubts: Vec<Doubt>,
    /// About how many bytes of memory `changes` take.
    pub(crate) weight: u64,
}

/// A table whose changes in one transaction are not known row by row.
#[derive(Debug)]
pub struct Doubt {
    /// The table.
    pub table: TableName,
    /// Why.
    pub error: Error,
}
