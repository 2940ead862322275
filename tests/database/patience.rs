//! Large transactions and consumers that do not take: memory is bounded and nothing is lost.

use std::fs;
use std::time::Duration;

use sheetbridge::database::error::Error;
use sheetbridge::database::spill::Bounds;
use sheetbridge::database::tail::Terms;
use sheetbridge::database::{ChangeKind, Event, RowChange, Transaction};
use sheetbridge::fault::{Classify, Fault};
use sheetbridge::model::value::Value;

use super::follow::{Follow, PATIENCE, int, name, now};
use crate::support::deadline::eventually;
use crate::support::scratch::Scratch;
use crate::support::server::{Kind, Server, for_each_server};

/// All rows of a transaction, those in the folder after those in memory.
fn all(done: Transaction) -> Vec<RowChange> {
    let mut rows = done.changes;
    if let Some(mut more) = done.more {
        while let Some(some) = more.take().expect("the folder has them") {
            rows.extend(some);
        }
    }
    rows
}

fn first(change: &RowChange) -> i64 {
    let (ChangeKind::Insert { after: image }
    | ChangeKind::Update { after: image, .. }
    | ChangeKind::Delete { before: image }) = &change.kind;
    match image[0] {
        Some(Value::Int(n)) => n,
        ref other => panic!("{other:?}"),
    }
}

/// 2,000 rows of 1 kB, in one transaction, and one row of another table in the middle.
async fn large(server: &Server, db: &str) {
    let rows = |from: u32, to: u32| {
        format!(
            "INSERT INTO {db}.t WITH RECURSIVE n AS (SELECT {from} AS i UNION ALL SELECT i + 1 FROM n WHERE i < {to}) \
             SELECT i, REPEAT('x', 1000) FROM n"
        )
    };
    server
        .sql(&format!(
            "BEGIN; {}; INSERT INTO {db}.u VALUES (7); {}; COMMIT",
            rows(1, 1000),
            rows(1001, 2000)
        ))
        .await;
}

async fn tables(server: &Server, story: &str) -> String {
    let db = server.fresh_database(story).await;
    server
        .sql(&format!(
            "CREATE TABLE {db}.t (id INT PRIMARY KEY, b TEXT); CREATE TABLE {db}.u (id INT PRIMARY KEY)"
        ))
        .await;
    db
}

fn within(bounds: Bounds) -> Terms {
    Terms { bounds, ..Terms::default() }
}

#[tokio::test]
async fn a_transaction_larger_than_its_memory_comes_whole_and_in_order_and_leaves_no_file() {
    for_each_server(async |server| {
        let db = tables(server, "spill").await;
        let folder = Scratch::new("spill");
        let bounds = Bounds { memory: 100_000, disk: 100 << 20, folder: folder.path().join("made") };
        let mut follow = Follow::with(server, now(server).await, &[(&db, "t"), (&db, "u")], within(bounds))
            .await
            .expect("follows");
        large(server, &db).await;
        let done = follow.transaction().await;
        assert!(done.doubts.is_empty(), "{server}: {:?}", done.doubts);
        assert!(done.changes.len() < 200, "{server}: {} rows are in memory", done.changes.len());
        let left: Vec<_> = fs::read_dir(folder.path().join("made")).expect("it was made").collect();
        assert!(left.is_empty(), "{server}: a killed process would leave {left:?}");
        let ids: Vec<i64> = all(done).iter().map(first).collect();
        let expected: Vec<i64> = (1..=1000).chain([7]).chain(1001..=2000).collect();
        assert_eq!(ids, expected, "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_the_folder_does_not_hold_puts_its_tables_in_doubt_and_the_stream_goes_on() {
    for_each_server(async |server| {
        let db = tables(server, "full").await;
        let folder = Scratch::new("full");
        let file = folder.path().join("a-file");
        fs::write(&file, "no folder").expect("it is written");
        let small = Bounds { memory: 100_000, disk: 200_000, folder: folder.path().to_owned() };
        let broken = Bounds { memory: 100_000, disk: 100 << 20, folder: file };
        for bounds in [small, broken] {
            let start = now(server).await;
            let mut follow = Follow::with(server, start, &[(&db, "t"), (&db, "u")], within(bounds))
                .await
                .expect("follows");
            large(server, &db).await;
            let done = follow.transaction().await;
            let doubt = |table: &str| done.doubts.iter().find(|doubt| doubt.table == name(&db, table));
            assert!(matches!(doubt("t").expect("t is in doubt").error, Error::TooLarge { .. }), "{server}");
            assert!(done.more.is_none() && done.changes.iter().all(|change| *change.table != name(&db, "t")));
            server.sql(&format!("TRUNCATE {db}.u; DELETE FROM {db}.t WHERE id > 1")).await;
            server.sql(&format!("INSERT INTO {db}.u VALUES (8)")).await;
            let next = loop {
                match follow.try_next().await.expect("the stream goes on") {
                    Event::Transaction(done)
                        if done.changes.iter().any(|change| *change.table == name(&db, "u")) =>
                    {
                        break done;
                    }
                    _ => {}
                }
            };
            assert_eq!(next.changes[0].kind, ChangeKind::Insert { after: vec![int(8)] }, "{server}");
            server.sql(&format!("TRUNCATE {db}.u; TRUNCATE {db}.t")).await;
        }
    })
    .await;
}

/// The state of the one dump thread; `None` if there is none.
async fn dump(server: &Server) -> Option<String> {
    let states: Vec<Option<String>> = server
        .rows("SELECT STATE FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
        .await;
    states.into_iter().next().map(Option::unwrap_or_default)
}

/// 60 transactions of 1 MiB, followed by someone who does not take them.
async fn neglected(kind: Kind, write_timeout: Duration) -> (Server, Follow) {
    let server = Server::start(kind, &["--max-allowed-packet=64M"]).await;
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, b LONGTEXT)").await;
    let terms = Terms { ahead: 1 << 20, write_timeout, ..Terms::default() };
    let follow = Follow::with(&server, now(&server).await, &[("d", "t")], terms).await.expect("follows");
    for id in 0..60 {
        server.sql(&format!("INSERT INTO d.t VALUES ({id}, REPEAT('x', 1048576))")).await;
    }
    (server, follow)
}

#[tokio::test]
async fn a_consumer_that_does_not_take_loses_nothing_and_the_dump_waits_for_it() {
    for kind in Kind::ALL {
        let (server, mut follow) = neglected(kind, Duration::from_secs(3600)).await;
        eventually(PATIENCE, "the server to wait for us", async || {
            dump(&server)
                .await
                .filter(|state| state.contains("riting to net") || state.contains("ending"))
                .map(|_| ())
        })
        .await;
        for id in 0..60 {
            let done = follow.transaction().await;
            assert_eq!(first(&done.changes[0]), id, "{server}");
        }
        assert!(dump(&server).await.is_some(), "{server}: the dump goes on");
    }
}

#[tokio::test]
async fn a_dump_that_is_cut_off_for_not_being_read_is_taken_up_where_it_was_taken_to() {
    for kind in Kind::ALL {
        let (server, mut follow) = neglected(kind, Duration::from_secs(1)).await;
        eventually(PATIENCE, "the server to lose patience", async || {
            dump(&server).await.is_none().then_some(())
        })
        .await;
        let mut ids = Vec::new();
        let error = loop {
            match follow.try_next().await {
                Ok(Event::Transaction(done)) => ids.extend(done.changes.iter().map(first)),
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.fault(), Fault::Passing, "{server}: {error}");
        assert!(ids.len() < 60, "{server}: it was cut off in the middle");
        let mut again =
            Follow::from(&server, follow.position.clone(), &[("d", "t")]).await.expect("it resumes");
        while ids.len() < 60 {
            ids.extend(again.transaction().await.changes.iter().map(first));
        }
        assert_eq!(ids, (0..60).collect::<Vec<i64>>(), "{server}: each once");
    }
}
