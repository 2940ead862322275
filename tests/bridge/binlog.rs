//! What was written, counted in the server's own binlog: rows by schema and table, and which transactions were the daemon's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStreamRequest, Conn, Row};
use mysql_common::binlog::events::{EventData, RowsEventData, TableMapEvent};

use super::goods::TABLE;
use super::rig::Rig;
use crate::support::server::Kind;

/// A place in the binlog, to count from.
pub(crate) struct Binlog<'a> {
    rig: &'a Rig,
    from: Place,
}

/// A file of the binlog and an offset in it. Files are numbered with leading zeros, so places compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    offset: u64,
}

/// What was written from there on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// Row changes of the linked table in the daemon's transactions, which are those with a row of its ledger.
    pub(crate) by_daemon: u64,
    /// The daemon's transactions that changed the linked table.
    pub(crate) transactions_of_daemon: u64,
    /// Row changes of the linked table by others.
    pub(crate) by_others: u64,
    /// Transactions of others that changed the linked table.
    pub(crate) statements_of_others: u64,
    /// Row changes of the daemon's own schema, by table.
    pub(crate) own: BTreeMap<String, u64>,
}

impl Written {
    /// Row changes of the daemon's own schema.
    pub(crate) fn own_rows(&self) -> u64 {
        self.own.values().sum()
    }
}

impl<'a> Binlog<'a> {
    pub(super) async fn from_now(rig: &'a Rig) -> Self {
        Self { rig, from: end(rig).await }
    }

    /// Reads up to the present end.
    pub(crate) async fn written(&self) -> Written {
        let end = end(self.rig).await;
        let mut here = self.from.clone();
        let mut count = Count::default();
        let mut stream = self.stream().await;
        while here < end {
            let event = stream.next().await.expect("the dump goes on").expect("the server's own binlog");
            here.offset = here.offset.max(u64::from(event.header().log_pos()));
            match event.read_data() {
                // The dump begins with one that stands in no file: it has no place of its own.
                Ok(Some(EventData::RotateEvent(next))) if event.header().log_pos() > 0 => {
                    here = Place { file: next.name().into_owned(), offset: next.position() };
                }
                Ok(Some(EventData::TableMapEvent(map))) => count.table(map.into_owned()),
                Ok(Some(EventData::RowsEvent(rows))) => count.rows(self.rig, &rows),
                Ok(Some(EventData::XidEvent(_))) => count.commit(),
                // What says nothing of rows; MariaDB has events that the library does not know.
                Ok(_) | Err(_) => {}
            }
        }
        stream.close().await.expect("a dump can be left");
        count.written
    }

    async fn stream(&self) -> mysql_async::BinlogStream {
        let mut conn: Conn = self.rig.server.connect().await;
        conn.query_drop(
            "SET @source_binlog_checksum='NONE', @master_binlog_checksum='NONE', @mariadb_slave_capability=4",
        )
        .await
        .expect("user variables");
        let request = BinlogStreamRequest::new(NEXT.fetch_add(1, Ordering::Relaxed))
            .with_filename(self.from.file.as_bytes())
            .with_pos(self.from.offset);
        conn.get_binlog_stream(request).await.expect("root may read the binlog")
    }
}

/// Where the binlog ends now.
/// No server and no daemon has such a small id; two of ours at once would end each other.
static NEXT: AtomicU32 = AtomicU32::new(100);

async fn end(rig: &Rig) -> Place {
    let mut conn = rig.server.connect().await;
    let status = match rig.server.kind() {
        Kind::MariaDb => "SHOW MASTER STATUS",
        Kind::MySql => "SHOW BINARY LOG STATUS",
    };
    let row: Option<Row> = conn.query_first(status).await.expect("root may ask");
    let row = row.expect("the binlog is on");
    Place { file: row.get(0).expect("the file"), offset: row.get(1).expect("the offset") }
}

#[derive(Default)]
struct Count {
    tables: BTreeMap<u64, TableMapEvent<'static>>,
    /// Of the open transaction.
    linked: u64,
    ledger: bool,
    written: Written,
}

impl Count {
    fn table(&mut self, map: TableMapEvent<'static>) {
        self.tables.insert(map.table_id(), map);
    }

    fn rows(&mut self, rig: &Rig, rows: &RowsEventData<'_>) {
        let Some(map) = self.tables.get(&rows.table_id()) else { return };
        let (schema, table) = (map.database_name(), map.table_name());
        if schema != rig.database && schema != rig.state {
            // Other tests' rows, some of them of types that the library cannot count.
            return;
        }
        let count = rows.rows(map).count() as u64;
        if schema == rig.database && table == TABLE {
            self.linked += count;
        } else if schema == rig.state {
            self.ledger |= table == "ledger";
            *self.written.own.entry(table.into_owned()).or_default() += count;
        }
    }

    fn commit(&mut self) {
        if self.ledger {
            self.written.by_daemon += self.linked;
            self.written.transactions_of_daemon += u64::from(self.linked > 0);
        } else if self.linked > 0 {
            self.written.by_others += self.linked;
            self.written.statements_of_others += 1;
        }
        (self.linked, self.ledger) = (0, false);
    }
}
