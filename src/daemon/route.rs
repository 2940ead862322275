//! From the stream to the spreadsheets: each transaction becomes inputs of the engines, in the stream's order.
//!
//! A transaction that touches a linked table or carries one of our ledger entries goes to every engine: fences and windows open
//! by its marks. The others only move the position. The reader never waits for Google: an engine takes what comes and keeps
//! the newest state of each key.
//!
//! What the stream cannot tell row by row (a statement, a foreign key, a transaction too large to keep) makes the link read
//! its table again beside the stream; what changes a table's shape makes the daemon start anew, unless it was so before the
//! start already.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::daemon::progress::Progress;
use crate::daemon::table::Table;
use crate::database::spill::Spilled;
use crate::database::{self, ChangeKind, Doubt, Event, RowChange, SchemaChange, SchemaKind, Transaction};
use crate::engine::input::{self, DbState, Input, Seq, TableIndex};
use crate::model::key::Key;
use crate::model::mark::EffectId;
use crate::model::pause::{Brake, Pause};
use crate::model::position::Position;
use crate::model::schema::TableName;
use crate::model::value::Value;
use crate::store::ledger;

/// One engine as the route sees it.
#[derive(Debug)]
pub struct Destination {
    /// Its links, in its order.
    pub tables: Vec<Arc<Table>>,
    /// Where its inputs go.
    pub inputs: mpsc::Sender<Input>,
}

/// What the route asks the daemon to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Go on.
    Along,
    /// Linked tables have another shape now: start anew, reading these whole.
    Anew(Vec<Reshaped>),
    /// Rows of these tables do not look as their shapes say: start anew if a shape is another now, else read them again.
    Compare(Vec<TableName>),
}

/// A table that has another shape now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshaped {
    /// The table.
    pub table: TableName,
    /// Its columns that bear another name: the old one, the new one.
    pub renamed: Vec<(String, String)>,
}

impl From<TableName> for Reshaped {
    fn from(table: TableName) -> Self {
        Self { table, renamed: Vec::new() }
    }
}

/// The route.
#[derive(Debug)]
pub struct Route {
    ledger: TableName,
    destinations: Vec<Destination>,
    progress: Arc<Progress>,
    begun: Position,
}

impl Route {
    /// A route to these engines. `state` is the name of our schema; `begun` is where the stream stood before the tables'
    /// shapes were read.
    pub fn new(
        state: &str,
        destinations: Vec<Destination>,
        progress: Arc<Progress>,
        begun: Position,
    ) -> Self {
        let ledger = TableName { schema: state.to_owned(), table: ledger::TABLE.to_owned() };
        Self { ledger, destinations, progress, begun }
    }

    /// Takes one event. An engine that is gone ends the daemon, which notices by itself.
    ///
    /// # Errors
    /// When the rows of a large transaction cannot be read back: it is followed again.
    pub async fn take(&self, event: Event) -> database::error::Result<Turn> {
        match event {
            Event::Heartbeat => Ok(Turn::Along),
            Event::Transaction(transaction) => self.transaction(transaction).await,
            Event::Schema { changes, position, .. } => Ok(self.schema(changes, position).await),
        }
    }

    async fn schema(&self, changes: Vec<SchemaChange>, position: Position) -> Turn {
        let known = self.begun.covers(&position);
        let (mut other_shapes, mut stops): (Vec<Reshaped>, bool) = (Vec::new(), false);
        for SchemaChange { table, kind } in changes {
            let (brake, reason) = match kind {
                SchemaKind::Created => continue,
                SchemaKind::Altered => {
                    other_shapes.push(table.into());
                    continue;
                }
                SchemaKind::Renamed { to } => {
                    other_shapes.extend([table.into(), to.into()]);
                    continue;
                }
                SchemaKind::ColumnRenamed { from, to } => {
                    other_shapes.push(Reshaped { table, renamed: vec![(from, to)] });
                    continue;
                }
                SchemaKind::Dropped => (Brake::Dropped, "its table was dropped"),
                SchemaKind::Truncated => (Brake::Emptied, "its table was emptied by TRUNCATE"),
                SchemaKind::Partitioned => {
                    (Brake::Emptied, "partitions of its table were dropped, emptied or exchanged")
                }
                SchemaKind::Unknown => (
                    Brake::Unreadable,
                    "a statement changed its table in a way that the binlog does not tell",
                ),
            };
            self.stop(&table, &position, Pause::new(brake, reason)).await;
            stops = true;
        }
        if known {
            for Reshaped { table, .. } in &other_shapes {
                self.reread(table).await;
            }
        }
        if stops {
            // With a number of its own: the position stays before it until the store knows why the link stopped.
            self.send(position, 0, &[], &[]).await;
        } else {
            self.progress.passed(position, false);
        }
        if known || other_shapes.is_empty() { Turn::Along } else { Turn::Anew(other_shapes) }
    }

    async fn transaction(&self, transaction: Transaction) -> database::error::Result<Turn> {
        let Transaction { position, commit_micros, changes, more, doubts, .. } = transaction;
        let marks: Vec<EffectId> = changes.iter().filter_map(|change| self.mark(change)).collect();
        let theirs = more.is_some() || changes.iter().any(|change| *change.table != self.ledger);
        if marks.is_empty() && !theirs && doubts.is_empty() {
            self.progress.passed(position, false);
            return Ok(Turn::Along);
        }
        // Before the transaction itself: the position stays before it until the tables are read.
        let begun = self.begun.covers(&position);
        let mut unlike = Vec::new();
        for Doubt { table, error } in doubts {
            match error {
                database::Error::Layout { .. } if !begun => unlike.push(table),
                database::Error::Undecodable { .. } | database::Error::Charset { .. } => {
                    self.stop(&table, &position, Pause::new(Brake::Unreadable, error.to_string())).await;
                }
                _ => {
                    tracing::warn!(table = table.to_string(), %error, "the table is read again");
                    self.reread(&table).await;
                }
            }
        }
        match more {
            None => self.send(position, commit_micros, &marks, &changes).await,
            Some(more) => {
                self.send(self.progress.now(), commit_micros, &marks, &changes).await;
                self.pieces(more, commit_micros).await?;
                self.send(position, commit_micros, &[], &[]).await;
            }
        }
        Ok(if unlike.is_empty() { Turn::Along } else { Turn::Compare(unlike) })
    }

    /// A transaction too large for memory goes in pieces. Each but the last ends where the transaction begins, so that the
    /// position stays before it until all of them are finished.
    async fn pieces(&self, mut more: Spilled, commit: u64) -> database::error::Result<()> {
        while let Some(changes) = more.take()? {
            self.send(self.progress.now(), commit, &[], &changes).await;
        }
        Ok(())
    }

    async fn send(&self, end: Position, commit: u64, marks: &[EffectId], changes: &[RowChange]) {
        let seq = self.progress.relevant(end);
        for destination in &self.destinations {
            let transaction = transaction_of(destination, seq, commit, marks, changes);
            let _ = destination.inputs.send(Input::Transaction(transaction)).await;
        }
    }

    /// The id of a ledger entry that the transaction carries.
    fn mark(&self, change: &RowChange) -> Option<EffectId> {
        let ChangeKind::Insert { after } = &change.kind else { return None };
        if *change.table != self.ledger {
            return None;
        }
        match after.get(ledger::ID_COLUMN)? {
            Some(Value::Int(id)) => u64::try_from(*id).ok().map(EffectId),
            Some(Value::UInt(id)) => Some(EffectId(*id)),
            _ => None,
        }
    }

    /// Lets the links of a table read it again beside the stream.
    pub async fn reread(&self, table: &TableName) {
        self.to_link(table, |_, table| Input::Reread { table }).await;
    }

    /// Lets the links of a table pause; one whose operator has looked at what the stream tells here reads the table again.
    async fn stop(&self, table: &TableName, at: &Position, pause: Pause) {
        let of = |linked: &Table, table| {
            if linked.looked_at.as_ref().is_some_and(|looked| looked.covers(at)) {
                Input::Reread { table }
            } else {
                Input::Stop { table, pause: pause.clone() }
            }
        };
        self.to_link(table, of).await;
    }

    /// Tells every link of a table.
    async fn to_link(&self, table: &TableName, input: impl Fn(&Table, TableIndex) -> Input) {
        for destination in &self.destinations {
            for (index, linked) in destination.tables.iter().enumerate() {
                if linked.schema.name == *table {
                    let _ = destination.inputs.send(input(linked, index)).await;
                }
            }
        }
    }
}

/// A transaction as one engine takes it. Rows that the images do not carry whole are looked up by key.
fn transaction_of(
    destination: &Destination,
    seq: Seq,
    commit: u64,
    marks: &[EffectId],
    changes: &[RowChange],
) -> input::Transaction {
    let mut images = Vec::new();
    let mut looks = Vec::new();
    for (index, table) in destination.tables.iter().enumerate() {
        for change in changes.iter().filter(|change| *change.table == table.schema.name) {
            match images_of(table, &change.kind) {
                Some(some) => images.extend(some.into_iter().map(|image| (index, image))),
                None => looks.extend(keys_of(table, &change.kind).into_iter().map(|key| (index, key))),
            }
        }
    }
    // A key that is looked up is not also told by an image of the same transaction.
    let looked: BTreeSet<(TableIndex, Key)> = looks.into_iter().collect();
    images.retain(|(index, image)| !looked.contains(&(*index, image.key.clone())));
    let marks = marks.to_vec();
    input::Transaction { seq, commit, marks, images, looks: looked.into_iter().collect() }
}

fn images_of(table: &Table, kind: &ChangeKind) -> Option<Vec<input::Image>> {
    let image = |key, state, renamed_from| input::Image { key, state, renamed_from, was: None };
    Some(match kind {
        ChangeKind::Insert { after } => {
            vec![image(table.key_of_image(after)?, table.state_of_image(after)?, None)]
        }
        ChangeKind::Delete { before } => {
            vec![image(table.key_of_image(before)?, DbState::Gone(table.row_of_image(before)), None)]
        }
        ChangeKind::Update { before, after } => {
            let (old, new) = (table.key_of_image(before)?, table.key_of_image(after)?);
            let now = table.state_of_image(after)?;
            if old == new {
                let was = if table.asks_for_base() { table.row_of_image(before) } else { None };
                vec![input::Image { was, ..image(new, now, None) }]
            } else {
                let gone = DbState::Gone(table.row_of_image(before));
                vec![image(old.clone(), gone, None), image(new, now, Some(old))]
            }
        }
    })
}

/// The keys that a change touched, as far as its images tell.
fn keys_of(table: &Table, kind: &ChangeKind) -> Vec<Key> {
    let images = match kind {
        ChangeKind::Insert { after } => vec![after],
        ChangeKind::Delete { before } => vec![before],
        ChangeKind::Update { before, after } => vec![before, after],
    };
    images.into_iter().filter_map(|image| table.key_of_image(image)).collect()
}
