//! One contender over one log: `binlog-bench WHAT PORT START FILE ROWS`. Prints `WHAT rows seconds peak-KiB`.
//!
//! `START` is the position before the log in the server's own form, `FILE` the log's name, for those who know files only.
//! `flat` and `gtid` are no contenders: they print sentences.
//!
//! Each contender is a process of its own, so that its peak of memory is its own.

mod agree;
mod flat;
mod gtid;

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use mysql_async::binlog::events::{EventData, RowsEventData};
use mysql_async::{BinlogStreamRequest, Conn, OptsBuilder};
use mysql_cdc::binlog_client::BinlogClient;
use mysql_cdc::binlog_options::BinlogOptions;
use mysql_cdc::events::binlog_event::BinlogEvent;
use mysql_cdc::events::row_events::row_data::RowData;
use mysql_cdc::replica_options::ReplicaOptions;
use mysql_cdc::ssl_mode::SslMode;
use sheetbridge::database::connect::{Address, Server, Tls, session};
use sheetbridge::database::interest::{Interest, Wanted};
use sheetbridge::database::read::chunk;
use sheetbridge::database::schema::table_schema;
use sheetbridge::database::statement::Lock;
use sheetbridge::database::tail::{Identity, Tail, Terms};
use sheetbridge::database::{ChangeKind, Event};
use sheetbridge::model::schema::TableName;
use sheetbridge::model::value::Value;
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The log to read.
struct Log {
    port: u16,
    start: String,
    file: String,
    rows: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, port, start, file, rows] = arguments.as_slice() else {
        return Err("binlog-bench WHAT PORT START FILE ROWS".into());
    };
    let log = Log { port: port.parse()?, start: start.clone(), file: file.clone(), rows: rows.parse()? };
    let begun = Instant::now();
    let rows = match what.as_str() {
        "linked" => ours(&log, Table::All).await?,
        "two-columns" => ours(&log, Table::Two).await?,
        "unlinked" => ours(&log, Table::Other).await?,
        "mysql_cdc" => tokio::task::spawn_blocking(move || cdc(&log).map_err(|e| e.to_string())).await??,
        "mysql_async" => walk(&log).await?,
        "agree" => agree(log).await?,
        "flat" => return flat::report(&log).await,
        "gtid" => return gtid::report(),
        other => return Err(format!("no contender {other}").into()),
    };
    println!("{what} {rows} {:.3} {}", begun.elapsed().as_secs_f64(), peak());
    Ok(())
}

/// Which table is linked.
#[derive(Clone, Copy, PartialEq)]
enum Table {
    /// The one with the rows, all columns.
    All,
    /// The one with the rows, its key and one more column.
    Two,
    /// Another one.
    Other,
}

/// All rows of `d.a`, read in three ways that must agree; the log holds their inserts, in the order of their keys.
async fn agree(log: Log) -> Result<u64> {
    let server = server(&log);
    let mut conn = session(&server).await?;
    let schema = table_schema(&mut conn, &TableName { schema: "d".into(), table: "a".into() }).await?;
    let selected = chunk(&mut conn, &schema, None, usize::try_from(log.rows)?, Lock::None).await?;
    let interest = Interest::load(&mut conn, [schema.clone()]).await?;
    let mut tail = Tail::open(&server, &log.start.parse()?, identity(), interest, Terms::default()).await?;
    let mut decoded = Vec::new();
    while decoded.len() < selected.len() {
        let Event::Transaction(done) = tail.next().await? else { continue };
        for change in done.changes {
            let ChangeKind::Insert { after } = change.kind else {
                return Err("an insert was expected".into());
            };
            decoded.push(after.into_iter().collect::<Option<Vec<_>>>().ok_or("a whole image was expected")?);
        }
    }
    tail.close().await;
    if decoded != selected {
        return Err("decoded and selected rows differ".into());
    }
    let count = selected.len();
    let theirs =
        tokio::task::spawn_blocking(move || cdc_rows(&log, count).map_err(|e| e.to_string())).await??;
    for (row, theirs) in selected.iter().zip(&theirs) {
        for ((column, ours), theirs) in schema.columns.iter().zip(row).zip(&theirs.cells) {
            if !agree::same(&column.kind, ours, theirs.as_ref()) {
                return Err(format!("{}: {} and {theirs:?}", column.name, shown(ours)).into());
            }
        }
    }
    Ok(theirs.len() as u64)
}

/// A value of our own making, so it may be shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Text(text) | Value::Decimal(text) => text.clone(),
        Value::DateTime(at) => at.to_string(),
        Value::Time(at) => at.to_string(),
        other => format!("{other:?}"),
    }
}

/// The rows of the first inserts in the log as mysql_cdc reads them.
fn cdc_rows(log: &Log, count: usize) -> Result<Vec<RowData>> {
    let mut rows = Vec::new();
    for event in cdc_client(log).replicate().map_err(|e| format!("{e:?}"))? {
        if let (_, BinlogEvent::WriteRowsEvent(event)) = event.map_err(|e| format!("{e:?}"))? {
            rows.extend(event.rows);
        }
        if rows.len() >= count {
            break;
        }
    }
    Ok(rows)
}

fn server(log: &Log) -> Server {
    Server {
        address: Address::Tcp { host: "127.0.0.1".into(), port: log.port },
        user: "root".into(),
        password: String::new().into(),
        tls: Tls::Disabled,
    }
}

fn identity() -> Identity {
    Identity {
        server_id: 4_000_001,
        replica_uuid: Uuid::from_u128(0x5e11_fa47_71ca_11e1_9e33_c80a_a942_9562),
    }
}

/// Our tail, from the server to whole transactions of decoded rows.
async fn ours(log: &Log, linked: Table) -> Result<u64> {
    let server = server(log);
    let mut conn = session(&server).await?;
    let table = if linked == Table::Other { "other" } else { "t" };
    let name = TableName { schema: "d".into(), table: table.into() };
    let schema = table_schema(&mut conn, &name).await?;
    let wanted = if linked == Table::Two { Wanted::only(schema, [1]) } else { schema.into() };
    let interest = Interest::load(&mut conn, [wanted]).await?;
    let mut tail = Tail::open(&server, &log.start.parse()?, identity(), interest, Terms::default()).await?;
    let (mut rows, mut commits) = (0, 0);
    // A thousand rows a transaction; a log that nobody wants rows of is at its end after as many commits.
    while if linked == Table::Other { commits * 1000 < log.rows } else { rows < log.rows } {
        if let Event::Transaction(done) = tail.next().await? {
            rows += done.changes.len() as u64;
            commits += 1;
        }
    }
    tail.close().await;
    Ok(rows)
}

/// The crate `mysql_cdc`.
fn cdc(log: &Log) -> Result<u64> {
    let mut rows = 0;
    for event in cdc_client(log).replicate().map_err(|e| format!("{e:?}"))? {
        let (_, event) = event.map_err(|e| format!("{e:?}"))?;
        if let BinlogEvent::WriteRowsEvent(event) = event {
            rows += event.rows.len() as u64;
        }
        if rows >= log.rows {
            break;
        }
    }
    Ok(rows)
}

fn cdc_client(log: &Log) -> BinlogClient {
    let options = ReplicaOptions {
        hostname: "127.0.0.1".into(),
        port: log.port,
        username: "bench".into(),
        password: "bench".into(),
        server_id: 4_000_002,
        blocking: true,
        ssl_mode: SslMode::Disabled,
        heartbeat_interval: Duration::from_secs(10),
        binlog: BinlogOptions::from_position(log.file.clone(), 4),
        ..ReplicaOptions::default()
    };
    BinlogClient::new(options)
}

/// The row walk of `mysql_async`.
async fn walk(log: &Log) -> Result<u64> {
    let options = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(log.port).user(Some("root"));
    let conn = Conn::new(options).await?;
    let request = BinlogStreamRequest::new(4_000_003).with_filename(log.file.as_bytes()).with_pos(4);
    let mut stream = conn.get_binlog_stream(request).await?;
    let mut rows = 0;
    while rows < log.rows {
        let event = stream.next().await.ok_or("the stream ended")??;
        let Ok(Some(EventData::RowsEvent(data))) = event.read_data() else { continue };
        let id = match &data {
            RowsEventData::WriteRowsEvent(event) => event.table_id(),
            RowsEventData::WriteRowsEventV1(event) => event.table_id(),
            _ => continue,
        };
        let map = stream.get_tme(id).ok_or("no table map")?;
        for row in data.rows(map) {
            let (_, after) = row?;
            rows += u64::from(after.is_some_and(|row| row.len() > 1));
        }
    }
    Ok(rows)
}

/// The most memory that this process ever had, in KiB.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("?").trim().trim_end_matches(" kB").to_owned()
}
