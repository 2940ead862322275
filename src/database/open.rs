//! A transaction that is not complete: what has come of it so far.

use std::sync::Arc;

use crate::database::error::Error;
use crate::database::event::{Begin, RowsHeader, RowsKind, TransactionId};
use crate::database::layout::Layout;
use crate::database::rows::RowChange;
use crate::database::spill::{Bounds, Full, Spill};
use crate::database::transaction::{Doubt, Transaction};
use crate::model::position::Position;
use crate::model::schema::TableName;
use crate::model::value::Value;

/// A transaction that is not complete.
#[derive(Debug)]
pub(crate) struct Open {
    pub begin: Begin,
    /// An end will come; else the next statement is all of it.
    pub begun: bool,
    pub gathered: Gathered,
}

impl Open {
    /// With nothing in it. MariaDB writes no BEGIN after its GTID.
    pub(crate) fn new(begin: Begin) -> Self {
        Self {
            begun: matches!(begin.id, TransactionId::Domain(_)) && !begin.standalone,
            begin,
            gathered: Gathered::default(),
        }
    }

    /// Complete: rows of tables in doubt are left out.
    pub(crate) fn complete(self, position: Position) -> Transaction {
        let Gathered { mut changes, mut doubts, spill, weight } = self.gathered;
        let more = spill.and_then(|spill| {
            let tables: Vec<TableName> = spill.tables().cloned().collect();
            let without = doubts.iter().map(|doubt| doubt.table.clone()).collect();
            spill.close(without).map_err(|full| give_up(&mut doubts, tables, &full)).ok()
        });
        changes.retain(|change| doubts.iter().all(|doubt| doubt.table != *change.table));
        let Begin { id, commit_micros, .. } = self.begin;
        Transaction { position, id, commit_micros, changes, more, doubts, weight }
    }
}

/// Rows and doubts; they outlive the first phase of an XA transaction.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    changes: Vec<RowChange>,
    spill: Option<Spill>,
    weight: u64,
    pub doubts: Vec<Doubt>,
}

impl Gathered {
    /// Takes the decoded rows of an event, into memory or, past its bound, the event itself into a file.
    pub(crate) fn take(
        &mut self,
        layout: &Arc<Layout>,
        event: &RowsHeader,
        mut rows: Vec<RowChange>,
        bounds: &Bounds,
    ) {
        let images = if matches!(event.kind, RowsKind::Update) { 2 } else { 1 };
        let cells = rows.len() * images * layout.formats.len() * size_of::<Option<Value>>();
        let weight = (event.body.left() + cells) as u64;
        if self.spill.is_none() && self.weight + weight <= bounds.memory {
            self.weight += weight;
            self.changes.append(&mut rows);
            return;
        }
        if let Err(full) = self.spill(layout, event, bounds) {
            let mut tables = self.tables();
            tables.push(TableName::clone(&layout.table));
            give_up(&mut self.doubts, tables, &full);
            self.changes = Vec::new();
            self.spill = None;
        }
    }

    fn spill(&mut self, layout: &Arc<Layout>, event: &RowsHeader, bounds: &Bounds) -> Result<(), Full> {
        if self.spill.is_none() {
            self.spill = Some(Spill::new(bounds)?);
        }
        self.spill.iter_mut().try_for_each(|spill| spill.push(layout, event))
    }

    /// Nothing of it happened.
    pub(crate) fn undo(&mut self) {
        (self.changes, self.spill, self.weight) = (Vec::new(), None, 0);
    }

    /// Puts a table in doubt; the first reason stays.
    pub(crate) fn doubt(&mut self, table: TableName, error: Error) {
        if self.doubts.iter().all(|doubt| doubt.table != table) {
            self.doubts.push(Doubt { table, error });
        }
    }

    /// True if a table's rows are of no use any more.
    pub(crate) fn is_doubted(&self, table: &TableName) -> bool {
        self.doubts.iter().any(|doubt| doubt.table == *table)
    }

    /// Puts every table that has rows here in doubt.
    pub(crate) fn doubt_changed(&mut self, reason: &str) {
        for table in self.tables() {
            let error = Error::Layout { table: table.clone(), reason: reason.to_owned() };
            self.doubt(table, error);
        }
    }

    /// The tables that have rows here, some more than once.
    fn tables(&self) -> Vec<TableName> {
        let held =
            self.changes.chunk_by(|a, b| a.table == b.table).map(|same| TableName::clone(&same[0].table));
        held.chain(self.spill.iter().flat_map(|spill| spill.tables().cloned())).collect()
    }
}

/// Rows of these tables are not kept.
fn give_up(doubts: &mut Vec<Doubt>, tables: Vec<TableName>, full: &Full) {
    for table in tables {
        if doubts.iter().all(|doubt| doubt.table != table) {
            let error = Error::TooLarge { table: table.clone(), reason: full.to_string() };
            doubts.push(Doubt { table, error });
        }
    }
}
