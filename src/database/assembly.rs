//! Whole transactions out of single events.
//!
//! A transaction begins with its GTID (MySQL's three kinds, MariaDB's one) and ends with a commit of its engine, a COMMIT
//! statement (engines without transactions), DDL, or, where nothing was begun, with its only statement. Only then does the
//! position move, so that what is saved never lies inside one. Tables nobody wants cost a look at their name.

use std::collections::HashMap;

use mysql_common::binlog::events::Event as WireEvent;

use crate::database::ddl::{self, SchemaChange, SchemaKind, Statement};
use crate::database::error::{Error, Result};
use crate::database::event::{self, Begin, Body, RowsHeader, TransactionId, Xid};
use crate::database::interest::Interest;
use crate::database::offset::FileClock;
use crate::database::open::{Gathered, Open};
use crate::database::spill::Bounds;
use crate::database::tables::Tables;
use crate::database::transaction::{Event, Transaction};
use crate::database::words::Word;
use crate::model::position::Position;
use crate::model::schema::TableName;

/// What comes where nothing has begun.
const OUTSIDE: Error = Error::OutOfOrder("a change outside a transaction");

/// Puts transactions together. Fed with every event of the stream in order.
#[derive(Debug)]
pub struct Assembly {
    interest: Interest,
    position: Position,
    file: Option<FileClock>,
    tables: Tables,
    bounds: Bounds,
    open: Option<Open>,
    payload: Payload,
    prepared: HashMap<Xid, Gathered>,
}

/// Where a compressed transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payload {
    None,
    /// It was announced, nothing of it came yet.
    Announced,
    /// Its events are coming; they have no checksum, and positions that mean nothing.
    Inside,
}

impl Assembly {
    /// Begins at a position that lies between two transactions; large ones are kept within these bounds.
    pub fn new(start: Position, interest: Interest, bounds: Bounds) -> Self {
        Self {
            interest,
            file: FileClock::at(&start),
            position: start,
            tables: Tables::default(),
            bounds,
            open: None,
            payload: Payload::None,
            prepared: HashMap::new(),
        }
    }

    /// From the next table map on, other tables are wanted.
    pub fn set_interest(&mut self, interest: Interest) {
        self.interest = interest;
        self.tables.forget();
    }

    /// True while events come out of a compressed transaction.
    pub(crate) fn inside_payload(&self) -> bool {
        self.payload != Payload::None
    }

    /// Takes the next event; gives what it completes.
    ///
    /// # Errors
    /// What the stream cannot go on after: what comes then is not to be trusted.
    pub fn take(&mut self, wire: &WireEvent) -> Result<Option<Event>> {
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
            Body::TableMap(data) => {
                let open = self.open.as_mut().ok_or(OUTSIDE)?;
                self.tables.map(data, &self.interest, &mut open.gathered).map(|()| None)
            }
            Body::Rows(event) => self.rows(&event).map(|()| None),
            Body::PartialRows { table_id } => {
                let open = self.open.as_mut().ok_or(OUTSIDE)?;
                self.tables.partial_rows(table_id, &mut open.gathered);
                Ok(None)
            }
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
        self.open = Some(Open::new(begin));
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
                self.opened()?.gathered.undo();
                self.commit()
            }
            Statement::RollbackTo => {
                self.opened()?.gathered.doubt_changed("part of a transaction was undone");
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
                let changes = gone.cloned().map(|table| SchemaChange { table, kind: SchemaKind::Dropped });
                self.schema(changes.collect())
            }
            Statement::Other(words) => self.other(database, &words),
        }
    }

    /// A statement that is neither DDL of a table nor an end: rows in statement format put their table in doubt.
    fn other(&mut self, database: &str, words: &[Word]) -> Result<Option<Event>> {
        if ddl::leaves_rows_alone(words) {
            return self.end_if_alone();
        }
        let named = self.interest.tables().filter(|table| ddl::mentions(words, database, table));
        let named: Vec<TableName> = named.cloned().collect();
        for table in named {
            self.doubt(table.clone(), Error::StatementLogged(table))?;
        }
        self.end_if_alone()
    }

    fn end_if_alone(&mut self) -> Result<Option<Event>> {
        if self.opened()?.begun { Ok(None) } else { self.commit() }
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
                let error = Error::Layout { table: table.clone(), reason };
                self.doubt(table, error)?;
            }
            return Ok(None);
        }
        let done = self.finish()?;
        Ok(Some(if changes.is_empty() {
            Event::Transaction(done)
        } else {
            Event::Schema { changes, position: done.position, commit_micros: done.commit_micros }
        }))
    }

    fn commit(&mut self) -> Result<Option<Event>> {
        self.finish().map(|done| Some(Event::Transaction(done)))
    }

    /// Ends the transaction and moves the position past it.
    fn finish(&mut self) -> Result<Transaction> {
        let open = self.open.take().ok_or(Error::OutOfOrder("an end without a beginning"))?;
        self.payload = Payload::None;
        self.tables.clear();
        match (&mut self.position, &open.begin.id) {
            (Position::Mysql(set), TransactionId::Gtid(gtid)) => set.add(gtid),
            (Position::MariaDb(list), TransactionId::Domain(gtid)) => list.add(*gtid),
            (position @ Position::File { .. }, _) => {
                if let Some(clock) = &self.file {
                    *position = clock.position();
                }
            }
            _ => {
                return Err(Error::OutOfOrder(
                    "a transaction whose GTID is of another kind than the position",
                ));
            }
        }
        Ok(open.complete(self.position.clone()))
    }

    fn opened(&mut self) -> Result<&mut Open> {
        self.open.as_mut().ok_or(OUTSIDE)
    }

    fn doubt(&mut self, table: TableName, error: Error) -> Result<()> {
        self.opened()?.gathered.doubt(table, error);
        Ok(())
    }

    fn xa_prepare(&mut self, one_phase: bool, xid: Xid) -> Result<Option<Event>> {
        if !one_phase {
            let held = std::mem::take(&mut self.opened()?.gathered);
            self.prepared.insert(xid, held);
        }
        self.commit()
    }

    /// The second phase. Rows that were prepared before our position are not known: every table is in doubt then.
    fn xa_commit(&mut self, xid: &Xid) -> Result<Option<Event>> {
        if let Some(held) = self.prepared.remove(xid) {
            self.opened()?.gathered = held;
        } else {
            let all: Vec<TableName> = self.interest.tables().cloned().collect();
            for table in all {
                self.doubt(table.clone(), Error::XaUnseen(table))?;
            }
        }
        self.commit()
    }

    fn rows(&mut self, event: &RowsHeader) -> Result<()> {
        let open = self.open.as_mut().ok_or(OUTSIDE)?;
        self.tables.rows(event, &mut open.gathered, &self.bounds)?;
        if event.statement_end {
            self.tables.clear();
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
        if let Some(clock) = &mut self.file {
            clock.rotate(file, offset, fake);
            if self.open.is_none() {
                self.position = clock.position();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql_common::binlog::consts::BinlogVersion;
    use mysql_common::binlog::events::FormatDescriptionEvent;
    use proptest::prelude::*;

    /// An event without a checksum.
    fn wire(kind: u8, flags: u16, body: &[u8]) -> WireEvent {
        let mut bytes = vec![1, 0, 0, 0, kind, 9, 0, 0, 0];
        bytes.extend((19 + body.len() as u32).to_le_bytes());
        bytes.extend(100_u32.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(body);
        WireEvent::read(&FormatDescriptionEvent::new(BinlogVersion::Version4), bytes.as_slice())
            .expect("an event")
    }

    fn begin(standalone: bool) -> WireEvent {
        let mut body = 7_u64.to_le_bytes().to_vec();
        body.extend([0, 0, 0, 0, u8::from(standalone)]);
        body.extend([0; 6]);
        wire(162, 0, &body)
    }

    fn query(text: &str) -> WireEvent {
        let mut body = vec![0; 14];
        body.extend(text.as_bytes());
        wire(2, 0, &body)
    }

    fn assembly() -> Assembly {
        Assembly::new("mariadb/0-9-6".parse().expect("a position"), Interest::default(), Bounds::default())
    }

    #[test]
    fn the_position_moves_at_the_end_of_a_transaction_and_not_before() {
        let mut assembly = assembly();
        assert!(assembly.take(&begin(false)).expect("takes").is_none());
        assert!(assembly.take(&query("INSERT INTO t VALUES (1)")).expect("takes").is_none());
        assert!(matches!(assembly.take(&wire(27, 0, &[])), Ok(Some(Event::Heartbeat))));
        assert_eq!(assembly.position.to_string(), "mariadb/0-9-6", "a heartbeat in the middle moves nothing");
        let Ok(Some(Event::Transaction(done))) = assembly.take(&query("COMMIT")) else {
            panic!("a transaction");
        };
        assert_eq!(done.position.to_string(), "mariadb/0-9-7");
    }

    #[test]
    fn a_statement_that_nothing_began_is_a_transaction_of_its_own() {
        let mut assembly = assembly();
        assembly.take(&begin(true)).expect("takes");
        let done = assembly.take(&query("CREATE VIEW v AS SELECT 1"));
        assert!(matches!(done, Ok(Some(Event::Transaction(_)))));
    }

    #[test]
    fn what_is_unknown_or_out_of_order_stops_the_stream_and_what_may_be_ignored_does_not() {
        let after_begin = |event: &WireEvent| {
            let mut assembly = assembly();
            assembly.take(&begin(false)).expect("takes");
            assembly.take(event).expect_err("stops").to_string()
        };
        assert_eq!(after_begin(&wire(200, 0, &[])), "unknown binlog event of type 200");
        assert!(assembly().take(&wire(200, 0x80, &[])).expect("takes").is_none());
        assert!(after_begin(&wire(26, 0, &[1, 0, 0])).starts_with("the server recorded an incident"));
        assert!(after_begin(&begin(false)).starts_with("the binlog is out of order"));
        assert!(after_begin(&wire(23, 0, &[1, 0, 0, 0, 0, 0, 1, 0, 1])).contains("rows without a table map"));
        assert!(assembly().take(&wire(16, 0, &[0; 8])).is_err(), "an end without a beginning");
    }

    #[test]
    fn a_payload_that_yields_nothing_is_fatal() {
        let mut assembly = assembly();
        assembly.take(&begin(false)).expect("takes");
        // Size 1, compression 255 (none), uncompressed size 9, end mark, one byte.
        let payload = wire(40, 0, &[1, 1, 1, 2, 3, 0xfc, 255, 0, 3, 1, 9, 0, 0]);
        assert!(assembly.take(&payload).expect("takes").is_none());
        assert!(assembly.inside_payload());
        assert!(matches!(assembly.take(&wire(27, 0, &[])), Err(Error::Compressed(_))));
    }

    #[test]
    fn a_transaction_that_a_crash_cut_off_is_forgotten_when_the_server_starts() {
        let mut assembly = assembly();
        assembly.take(&begin(false)).expect("takes");
        // Version, its name, the time of the start, the header's length, the types' lengths, checksum kind and checksum.
        let mut started = vec![4, 0];
        started.extend(b"8.4.0");
        started.extend([0; 45]);
        started.extend([1, 2, 3, 4, 19]);
        started.extend([0; 41 + 5]);
        assembly.take(&wire(15, 0, &started)).expect("takes");
        assembly.take(&begin(true)).expect("takes");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_assembly(events in prop::collection::vec((0_u8..175, prop::collection::vec(any::<u8>(), 0..80)), 1..6)) {
            let mut assembly = assembly();
            assembly.take(&begin(false)).expect("takes");
            for (kind, body) in events {
                if kind != 15 && kind != 40 {
                    let _ = assembly.take(&wire(kind, 0, &body));
                }
            }
        }
    }
}
