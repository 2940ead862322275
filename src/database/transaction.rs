//! Whole transactions out of single events.
//!
//! A transaction begins with its GTID (MySQL's three kinds, MariaDB's one) and ends with a commit of its engine, a COMMIT
//! statement (engines without transactions), DDL, or, where MariaDB says so, with its only event. Only then does the
//! position move, so that what is saved never lies inside one. Tables nobody wants cost a look at their name.
//!
//! What concerns one table only (a shape that does not fit, a statement instead of rows) is a [`Doubt`] of that
//! transaction, not the end of the stream: the table's rows are left out and its link reads the table again.

use std::collections::HashMap;

use mysql_common::binlog::events::Event as WireEvent;
use uuid::Uuid;

use crate::database::ddl::{self, SchemaChange, SchemaKind, Statement};
use crate::database::error::{Error, Result};
use crate::database::event::{self, Begin, Body, RowsHeader, TransactionId, Xid};
use crate::database::interest::Interest;
use crate::database::layout::Layout;
use crate::database::rows::{self, RowChange};
use crate::database::tablemap::TableMap;
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

/// Puts transactions together. Fed with every event of the stream in order.
pub(crate) struct Assembly {
    interest: Interest,
    position: Position,
    file: Option<FileClock>,
    tables: HashMap<u64, Option<Layout>>,
    open: Option<Open>,
    payload: Payload,
    prepared: HashMap<Xid, (Vec<RowChange>, Vec<Doubt>)>,
}

/// A transaction that is not complete.
struct Open {
    begin: Begin,
    /// An end will come; else the next statement is all of it.
    begun: bool,
    changes: Vec<RowChange>,
    doubts: Vec<Doubt>,
}

/// Where a compressed transaction stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    None,
    /// It was announced, nothing of it came yet.
    Announced,
    /// Its events are coming; they have no checksum, and positions that mean nothing.
    Inside,
}

/// The position of a server without GTIDs: offsets are cut to 32 bits on the wire, so the high part is counted here.
struct FileClock {
    server: Uuid,
    file: String,
    offset: u64,
}

impl FileClock {
    fn advance(&mut self, log_pos: u32) {
        let high = self.offset & !u64::from(u32::MAX);
        let candidate = high | u64::from(log_pos);
        self.offset = if candidate < self.offset {
            candidate + (1 << 32)
        } else {
            candidate
        };
    }
}

impl Assembly {
    /// Begins at a position.
    pub(crate) fn new(start: Position, interest: Interest) -> Self {
        let file = match &start {
            Position::File { server, file, offset } => Some(FileClock {
                server: *server,
                file: file.clone(),
                offset: *offset,
            }),
            Position::Mysql(_) | Position::MariaDb(_) => None,
        };
        Self {
            interest,
            position: start,
            file,
            tables: HashMap::new(),
            open: None,
            payload: Payload::None,
            prepared: HashMap::new(),
        }
    }

    /// From the next table map on, other tables are wanted.
    pub(crate) fn set_interest(&mut self, interest: Interest) {
        self.interest = interest;
    }

    /// True while events come out of a compressed transaction.
    pub(crate) fn inside_payload(&self) -> bool {
        self.payload != Payload::None
    }

    /// Takes the next event; gives what it completes.
    pub(crate) fn take(&mut self, wire: &WireEvent) -> Result<Option<Event>> {
        let body = event::read(wire)?;
        if self.payload == Payload::Announced {
            // The driver drops a payload that does not open; then something else comes instead of its BEGIN.
            match &body {
                Body::Query { .. } => self.payload = Payload::Inside,
                _ => return Err(Error::Compressed("transaction")),
            }
        }
        let log_pos = wire.header().log_pos();
        if let Some(clock) = &mut self.file
            && self.payload == Payload::None
            && log_pos != 0
            && !matches!(body, Body::Rotate { .. } | Body::Heartbeat)
        {
            clock.advance(log_pos);
        }
        match body {
            Body::Begin(begin) => self.begin(begin),
            Body::Query { database, text } => self.query(&database, &text),
            Body::Commit => self.commit(),
            Body::XaPrepare { one_phase, xid } => self.xa_prepare(one_phase, xid),
            Body::TableMap(data) => self.table_map(data).map(|()| None),
            Body::Rows(header) => self.rows(header),
            Body::PartialRows { table_id } => self.partial_rows(table_id).map(|()| None),
            Body::Payload { uncompressed } => self.payload(uncompressed).map(|()| None),
            Body::Rotate { file, offset, fake } => {
                self.rotate(file, offset, fake);
                Ok(None)
            }
            Body::Heartbeat => Ok(Some(Event::Heartbeat)),
            Body::ServerStart => {
                // The server stopped while it wrote the last transaction, and undid it.
                self.open = None;
                self.payload = Payload::None;
                Ok(None)
            }
            Body::Other => Ok(None),
        }
    }

    fn begin(&mut self, begin: Begin) -> Result<Option<Event>> {
        if self.payload != Payload::None {
            return Err(Error::Compressed("transaction"));
        }
        if self.open.is_some() {
            return Err(Error::OutOfOrder("a transaction begins inside another"));
        }
        self.tables.clear();
        self.open = Some(Open {
            // MariaDB writes no BEGIN.
            begun: matches!(begin.id, TransactionId::Domain(_)) && !begin.standalone,
            begin,
            changes: Vec::new(),
            doubts: Vec::new(),
        });
        Ok(None)
    }

    fn query(&mut self, database: &str, text: &str) -> Result<Option<Event>> {
        match ddl::read(text, database) {
            Statement::Begin => {
                self.opened()?.begun = true;
                Ok(None)
            }
            Statement::Inner => self.end_if_alone(),
            Statement::Commit => self.commit(),
            Statement::Rollback => {
                let open = self.opened()?;
                open.changes.clear();
                self.commit()
            }
            Statement::RollbackTo => {
                self.doubt_changed("part of a transaction was undone")?;
                Ok(None)
            }
            Statement::XaCommit(xid) => self.xa_commit(&xid),
            Statement::XaRollback(xid) => {
                self.prepared.remove(&xid);
                self.commit()
            }
            Statement::Schema(changes) => self.schema(changes),
            Statement::DropDatabase(name) => {
                let gone = self.interest.tables().filter(|table| table.schema == name);
                let changes = gone.cloned().map(|table| SchemaChange {
                    table,
                    kind: SchemaKind::Dropped,
                });
                self.schema(changes.collect())
            }
            Statement::Other(words) => self.other(&words),
        }
    }

    /// A statement that is neither DDL of a table nor an end: rows in statement format put their table in doubt.
    fn other(&mut self, words: &[crate::database::words::Word]) -> Result<Option<Event>> {
        if ddl::leaves_rows_alone(words) {
            return self.end_if_alone();
        }
        let named = self.interest.tables().filter(|table| ddl::mentions(words, table));
        let named: Vec<TableName> = named.cloned().collect();
        for table in named {
            self.doubt(Error::StatementLogged(table.clone()), table)?;
        }
        self.end_if_alone()
    }

    fn end_if_alone(&mut self) -> Result<Option<Event>> {
        if self.opened()?.begun {
            Ok(None)
        } else {
            self.commit()
        }
    }

    fn schema(&mut self, changes: Vec<SchemaChange>) -> Result<Option<Event>> {
        let wanted = changes.into_iter().filter(|change| {
            let new = match &change.kind {
                SchemaKind::Renamed { to } => self.interest.contains(to),
                _ => false,
            };
            new || self.interest.contains(&change.table)
        });
        let changes: Vec<SchemaChange> = wanted.collect();
        if self.opened()?.begun {
            // CREATE TABLE … SELECT: the rows follow in the same transaction.
            for SchemaChange { table, .. } in changes {
                let reason = "it was made in the same transaction".to_owned();
                self.doubt(
                    Error::Layout {
                        table: table.clone(),
                        reason,
                    },
                    table,
                )?;
            }
            return Ok(None);
        }
        let done = self.finish()?;
        Ok(Some(if changes.is_empty() {
            Event::Transaction(done)
        } else {
            Event::Schema {
                changes,
                position: done.position,
                commit_micros: done.commit_micros,
            }
        }))
    }

    fn commit(&mut self) -> Result<Option<Event>> {
        self.finish().map(|done| Some(Event::Transaction(done)))
    }

    /// Ends the transaction and moves the position past it.
    fn finish(&mut self) -> Result<Transaction> {
        let open = self
            .open
            .take()
            .ok_or(Error::OutOfOrder("an end without a beginning"))?;
        self.payload = Payload::None;
        self.tables.clear();
        match (&mut self.position, &open.begin.id) {
            (Position::Mysql(set), TransactionId::Gtid(gtid)) => set.add(gtid),
            (Position::MariaDb(list), TransactionId::Domain(gtid)) => list.add(*gtid),
            (Position::File { file, offset, .. }, _) => {
                if let Some(clock) = &self.file {
                    file.clone_from(&clock.file);
                    *offset = clock.offset;
                }
            }
            _ => {
                return Err(Error::OutOfOrder(
                    "a transaction whose GTID is of another kind than the position",
                ));
            }
        }
        let doubted: Vec<&TableName> = open.doubts.iter().map(|doubt| &doubt.table).collect();
        let mut changes = open.changes;
        changes.retain(|change| !doubted.contains(&&change.table));
        Ok(Transaction {
            position: self.position.clone(),
            id: open.begin.id,
            commit_micros: open.begin.commit_micros,
            changes,
            doubts: open.doubts,
        })
    }

    fn opened(&mut self) -> Result<&mut Open> {
        self.open
            .as_mut()
            .ok_or(Error::OutOfOrder("a change outside a transaction"))
    }

    fn doubt(&mut self, error: Error, table: TableName) -> Result<()> {
        let doubts = &mut self.opened()?.doubts;
        if doubts.iter().all(|doubt| doubt.table != table) {
            doubts.push(Doubt { table, error });
        }
        Ok(())
    }

    /// Puts every table with rows in this transaction in doubt.
    fn doubt_changed(&mut self, reason: &str) -> Result<()> {
        let changed: Vec<TableName> = self
            .opened()?
            .changes
            .iter()
            .map(|change| change.table.clone())
            .collect();
        for table in changed {
            let error = Error::Layout {
                table: table.clone(),
                reason: reason.to_owned(),
            };
            self.doubt(error, table)?;
        }
        Ok(())
    }

    fn xa_prepare(&mut self, one_phase: bool, xid: Xid) -> Result<Option<Event>> {
        if !one_phase {
            let open = self.opened()?;
            let held = (
                std::mem::take(&mut open.changes),
                std::mem::take(&mut open.doubts),
            );
            self.prepared.insert(xid, held);
        }
        self.commit()
    }

    /// The second phase. Rows that were prepared before our position are not known: every table is in doubt then.
    fn xa_commit(&mut self, xid: &Xid) -> Result<Option<Event>> {
        if let Some((changes, doubts)) = self.prepared.remove(xid) {
            let open = self.opened()?;
            open.changes = changes;
            open.doubts = doubts;
        } else {
            let all: Vec<TableName> = self.interest.tables().cloned().collect();
            for table in all {
                self.doubt(Error::XaUnseen(table.clone()), table)?;
            }
        }
        self.commit()
    }

    fn table_map(&mut self, data: &[u8]) -> Result<()> {
        let (id, schema, table) = TableMap::name(data)?;
        let Some(watched) = self.interest.get(schema, table) else {
            self.tables.insert(id, None);
            return Ok(());
        };
        let name = watched.schema.name.clone();
        let layout = match Layout::new(watched, &TableMap::read(data)?) {
            Ok(layout) => Some(layout),
            Err(error) => {
                self.doubt(error, name)?;
                None
            }
        };
        self.tables.insert(id, layout);
        Ok(())
    }

    fn rows(&mut self, header: RowsHeader) -> Result<Option<Event>> {
        /// Rows of no table: they only end a statement.
        const DUMMY: u64 = 0xff_ffff;
        let (id, end) = (header.table_id, header.statement_end);
        match self.tables.get(&id) {
            Some(Some(layout)) => match rows::decode(header, layout) {
                Ok(mut changes) => self.opened()?.changes.append(&mut changes),
                Err(error) => {
                    let table = layout.schema.name.clone();
                    self.doubt(error, table)?;
                }
            },
            Some(None) => {}
            None if id == DUMMY => {}
            None => return Err(Error::OutOfOrder("rows without a table map")),
        }
        if end {
            self.tables.clear();
        }
        Ok(None)
    }

    fn partial_rows(&mut self, table_id: u64) -> Result<()> {
        if let Some(Some(layout)) = self.tables.get(&table_id) {
            let table = layout.schema.name.clone();
            self.doubt(Error::PartialJson(table.clone()), table)?;
        }
        Ok(())
    }

    fn payload(&mut self, uncompressed: u64) -> Result<()> {
        /// The server's own limit of a binlog cache that is held in memory is far below.
        const LARGEST: u64 = 4 << 30;
        self.opened()?;
        if uncompressed == 0 || uncompressed > LARGEST || self.payload != Payload::None {
            return Err(Error::Compressed("transaction"));
        }
        self.payload = Payload::Announced;
        Ok(())
    }

    fn rotate(&mut self, file: String, offset: u64, fake: bool) {
        self.tables.clear();
        let Some(clock) = &mut self.file else { return };
        if !fake || clock.file != file {
            clock.file = file;
            clock.offset = offset;
        }
        if let (Position::File { .. }, None) = (&self.position, &self.open) {
            self.position = Position::File {
                server: clock.server,
                file: clock.file.clone(),
                offset: clock.offset,
            };
        }
    }
}
