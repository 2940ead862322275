//! A second decoder reads the same rows: what we decode, what a SELECT says and what the crate `mysql_cdc` decodes are one, for
//! every type that it reads right (the binlog benchmark holds the three against each other before it measures, too).

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_cdc::binlog_client::BinlogClient;
use mysql_cdc::binlog_options::BinlogOptions;
use mysql_cdc::events::binlog_event::BinlogEvent;
use mysql_cdc::events::row_events::row_data::RowData;
use mysql_cdc::replica_options::ReplicaOptions;
use mysql_cdc::ssl_mode::SslMode;
use sheetbridge::database::ChangeKind;
use sheetbridge::database::read::chunk;
use sheetbridge::database::statement::Lock;
use sheetbridge::model::value::Value;

use super::follow::{Follow, ours, schema, whole};
use super::random::Random;
use super::types::Typed;
use crate::support::server::{Kind, Server};

#[path = "../../benches/binlog/src/agree.rs"]
mod agree;

const ROWS: usize = 200;

/// Whole numbers without a sign, times that are not negative, text in UTF-8: the others end its stream or come out wrong.
fn kinds() -> Vec<Typed> {
    vec![
        ("TINYINT UNSIGNED", |r| r.unsigned(8)),
        ("SMALLINT UNSIGNED", |r| r.unsigned(16)),
        ("MEDIUMINT UNSIGNED", |r| r.unsigned(24)),
        ("INT UNSIGNED", |r| r.unsigned(32)),
        ("BIGINT UNSIGNED", |r| r.unsigned(64)),
        ("DECIMAL(20,5)", |r| r.decimal(15, 5)),
        ("DECIMAL(65,30)", |r| r.decimal(35, 30)),
        ("FLOAT", |r| format!("{:e}", r.float())),
        ("DOUBLE", |r| format!("{:e}", r.double())),
        ("CHAR(20)", |r| r.text(20)),
        ("VARCHAR(300)", |r| r.text(300)),
        ("TEXT", |r| r.text(400)),
        ("BLOB", |r| r.bytes(500)),
        ("ENUM('a','b','c')", |r| r.pick(&["'a'", "'b'", "'c'"])),
        ("SET('x','y','z')", |r| r.pick(&["''", "'x'", "'x,z'"])),
        ("DATE", |r| r.date()),
        ("DATETIME(3)", |r| r.datetime(3)),
        ("TIMESTAMP(3) NULL", |r| format!("FROM_UNIXTIME({}.{:03})", r.below(1 << 31), r.below(1000))),
        ("TIME(3)", |r| format!("'{:02}:{:02}:00.{:03}'", r.below(838), r.below(60), r.below(1000))),
        ("YEAR", |r| r.pick(&["1901", "1970", "2155"])),
    ]
}

#[tokio::test]
async fn three_readings_of_the_same_rows_are_one() {
    for kind in Kind::ALL {
        for metadata in ["MINIMAL", "FULL"] {
            // One of its own: a single latin1 text in any table ends the other decoder's stream.
            let server = Server::start(kind, &[&format!("--binlog-row-metadata={metadata}")]).await;
            three_readings_agree(&server).await;
        }
    }
}

async fn three_readings_agree(server: &Server) {
    let mut random = Random::seeded();
    let db = server.fresh_database("second").await;
    let kinds = kinds();
    let columns: Vec<String> =
        kinds.iter().enumerate().map(|(i, (kind, _))| format!("c{i} {kind}")).collect();
    server
        .sql(&format!(
            "CREATE TABLE {db}.t (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, {}) CHARACTER SET utf8mb4; \
             CREATE USER second@'%' IDENTIFIED BY 'second'; GRANT ALL ON *.* TO second@'%'; FLUSH BINARY LOGS",
            columns.join(", ")
        ))
        .await;
    let table = schema(server, &db, "t").await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    let mut conn = ours(server).await;
    conn.query_drop("SET sql_mode = ''").await.expect("a lax mode");
    let rows: Vec<String> = (0..ROWS)
        .map(|_| {
            let literals: Vec<String> = kinds.iter().map(|(_, make)| random.or_null(*make)).collect();
            format!("(NULL, {})", literals.join(", "))
        })
        .collect();
    conn.query_drop(format!("INSERT INTO {db}.t VALUES {}", rows.join(", "))).await.expect("inserts");

    let decoded = follow.changes().await.into_iter().map(|change| match change {
        ChangeKind::Insert { after } => whole(&after),
        other => panic!("{server}: {other:?}"),
    });
    let decoded: Vec<Vec<Value>> = decoded.collect();
    let selected = chunk(&mut conn, &table, None, ROWS + 1, Lock::None).await.expect("selects");
    assert!(decoded == selected, "{server}: decoded and selected rows differ");

    let theirs = their_rows(server).await;
    assert_eq!(theirs.len(), ROWS, "{server}");
    for (row, theirs) in selected.iter().zip(&theirs) {
        for ((column, ours), theirs) in table.columns.iter().zip(row).zip(&theirs.cells) {
            assert!(
                agree::same(&column.kind, ours, theirs.as_ref()),
                "{server}: {} {:?}: {} and {theirs:?}",
                column.name,
                column.kind,
                serde_json::to_string(ours).expect("JSON")
            );
        }
    }
}

/// Everything that was inserted since the log's last file began, as the other decoder reads it.
async fn their_rows(server: &Server) -> Vec<RowData> {
    let logs: Vec<mysql_async::Row> = server.rows("SHOW BINARY LOGS").await;
    let file: String = logs.last().and_then(|row| row.get(0)).expect("a log");
    let options = ReplicaOptions {
        hostname: "127.0.0.1".into(),
        port: server.port(),
        username: "second".into(),
        password: "second".into(),
        server_id: 4_000_002,
        // It ends where the log does.
        blocking: false,
        ssl_mode: SslMode::Disabled,
        heartbeat_interval: Duration::from_secs(10),
        binlog: BinlogOptions::from_position(file, 4),
        ..ReplicaOptions::default()
    };
    let read = tokio::task::spawn_blocking(move || {
        let mut rows = Vec::new();
        for event in BinlogClient::new(options).replicate().expect("it connects") {
            if let (_, BinlogEvent::WriteRowsEvent(event)) = event.expect("an event that it reads") {
                rows.extend(event.rows);
            }
        }
        rows
    });
    read.await.expect("it does not panic")
}
