//! What comes out of the stream: transactions, whole, and what happens to tables beside their rows.
//!
//! What concerns one table only (a shape that does not fit, a statement instead of rows) is a [`Doubt`] of that
//! transaction, not the end of the stream: the table's rows are left out and its link reads the table again.

use crate::database::ddl::SchemaChange;
use crate::database::error::Error;
use crate::database::event::{Begin, TransactionId};
use crate::database::rows::RowChange;
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
    /// Wanted tables whose rows in this transaction cannot be used; none of their rows are in `changes`.
    pub doubts: Vec<Doubt>,
}

/// A table whose changes in one transaction are not known row by row.
#[derive(Debug)]
pub struct Doubt {
    /// The table.
    pub table: TableName,
    /// Why.
    pub error: Error,
}

/// A transaction that is not complete.
pub(crate) struct Open {
    pub begin: Begin,
    /// An end will come; else the next statement is all of it.
    pub begun: bool,
    pub changes: Vec<RowChange>,
    pub doubts: Vec<Doubt>,
}

impl Open {
    /// With nothing in it. MariaDB writes no BEGIN after its GTID.
    pub(crate) fn new(begin: Begin) -> Self {
        Self {
            begun: matches!(begin.id, TransactionId::Domain(_)) && !begin.standalone,
            begin,
            changes: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// Puts a table in doubt; the first reason stays.
    pub(crate) fn doubt(&mut self, table: TableName, error: Error) {
        if self.doubts.iter().all(|doubt| doubt.table != table) {
            self.doubts.push(Doubt { table, error });
        }
    }

    /// Puts every table that has rows here in doubt.
    pub(crate) fn doubt_changed(&mut self, reason: &str) {
        let changed: Vec<TableName> = self.changes.iter().map(|change| change.table.clone()).collect();
        for table in changed {
            let reason = reason.to_owned();
            let error = Error::Layout { table: table.clone(), reason };
            self.doubt(table, error);
        }
    }

    /// Complete: rows of tables in doubt are left out.
    pub(crate) fn complete(mut self, position: Position) -> Transaction {
        let doubts = &self.doubts;
        self.changes.retain(|change| doubts.iter().all(|doubt| doubt.table != change.table));
        Transaction {
            position,
            id: self.begin.id,
            commit_micros: self.begin.commit_micros,
            changes: self.changes,
            doubts: self.doubts,
        }
    }
}
