//! What a transaction is, where servers end them in unusual ways; and reading in a table's own order.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use sheetbridge::database::error::Error;
use sheetbridge::database::interest::{Interest, Wanted};
use sheetbridge::database::key::{key_of, key_of_image};
use sheetbridge::database::read::{chunk, row_by_key};
use sheetbridge::database::statement::Lock;
use sheetbridge::database::{ChangeKind, Event};
use sheetbridge::fault::{Classify, Fault};
use sheetbridge::model::value::Value;

use super::follow::{Follow, int, now, ours, schema, text};
use crate::support::server::{Kind, Server, for_each_server, shared};

#[tokio::test]
async fn an_xa_transaction_that_outlives_a_restart_comes_with_its_commit_or_puts_its_tables_in_doubt() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &[]).await;
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        let before = now(&server).await;
        server.sql("XA START 'x'; INSERT INTO d.t VALUES (1); XA END 'x'; XA PREPARE 'x'").await;
        let between = now(&server).await;
        server.kill9();
        server.restart().await;
        server.sql("XA COMMIT 'x'").await;

        let mut whole = Follow::from(&server, before, &[("d", "t")]).await.expect("it resumes");
        assert_eq!(whole.changes().await, [ChangeKind::Insert { after: vec![int(1)] }], "{server}");
        let mut late = Follow::from(&server, between, &[("d", "t")]).await.expect("it resumes");
        let done = late.transaction().await;
        assert!(matches!(done.doubts[0].error, Error::XaUnseen(_)), "{server}: {:?}", done.doubts);
    }
}

#[tokio::test]
async fn a_rollback_over_engines_of_both_kinds_keeps_what_was_kept() {
    for_each_server(async |server| {
        let db = server.fresh_database("mixed").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.i (id INT PRIMARY KEY) ENGINE = InnoDB; CREATE TABLE {db}.m (id INT PRIMARY KEY) ENGINE = MyISAM"
            ))
            .await;
        let mut follow = Follow::now(server, &[(&db, "i"), (&db, "m")]).await;
        // MySQL with GTIDs refuses both kinds in one transaction.
        let kept = match server.kind() {
            Kind::MariaDb => {
                server.sql(&format!("BEGIN; INSERT INTO {db}.i VALUES (1); INSERT INTO {db}.m VALUES (2); ROLLBACK")).await;
                follow.changes().await
            }
            Kind::MySql => {
                server.sql(&format!("BEGIN; INSERT INTO {db}.i VALUES (1); ROLLBACK; INSERT INTO {db}.m VALUES (2)")).await;
                follow.changes().await
            }
        };
        assert_eq!(kept, [ChangeKind::Insert { after: vec![int(2)] }], "{server}");
        server.sql(&format!("INSERT INTO {db}.i VALUES (3)")).await;
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(3)] }], "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_that_was_gone_back_to_emits_nothing_after_it() {
    for_each_server(async |server| {
        let db = server.fresh_database("savepoint").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server
            .sql(&format!(
                "BEGIN; INSERT INTO {db}.t VALUES (1); SAVEPOINT a; INSERT INTO {db}.t VALUES (2); ROLLBACK TO a; \
                 INSERT INTO {db}.t VALUES (3); COMMIT"
            ))
            .await;
        let inserted = |n| ChangeKind::Insert { after: vec![int(n)] };
        assert_eq!(follow.changes().await, [inserted(1), inserted(3)], "{server}");
    })
    .await;
}

#[tokio::test]
async fn paging_by_a_text_key_that_ignores_case_loses_no_row_and_shows_none_twice() {
    for_each_server(async |server| {
        let db = server.fresh_database("paging").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (k VARCHAR(9) COLLATE utf8mb4_general_ci, n INT, PRIMARY KEY (k, n)) CHARACTER SET utf8mb4"
            ))
            .await;
        let names = ["a", "A", "\u{e4}", "b", "B ", "\u{c4}x", "z", "Z", "", "\u{df}", "ss"];
        for (n, name) in names.iter().enumerate() {
            server.sql(&format!("INSERT INTO {db}.t VALUES ('{name}', {n})")).await;
        }
        let table = schema(server, &db, "t").await;
        let mut conn = ours(server).await;
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let rows = chunk(&mut conn, &table, after.as_ref(), 2, Lock::Share).await.expect("reads");
            let Some(last) = rows.last() else { break };
            after = Some(key_of(&table, last));
            seen.extend(rows.iter().map(|row| row[1].clone()));
        }
        let ordered: Vec<i64> = server.rows(&format!("SELECT n FROM {db}.t ORDER BY k, n")).await;
        let ordered: Vec<Value> = ordered.into_iter().map(Value::Int).collect();
        assert!(seen == ordered, "{server}: {} of {}", seen.len(), ordered.len());
    })
    .await;
}

#[tokio::test]
async fn a_chunk_that_meets_a_lock_says_so_and_reads_when_it_is_gone() {
    for_each_server(async |server| {
        let db = server.fresh_database("locked").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY); INSERT INTO {db}.t VALUES (1)")).await;
        let table = schema(server, &db, "t").await;
        let mut holder = server.connect().await;
        holder.query_drop(format!("BEGIN; UPDATE {db}.t SET id = 2")).await.expect("it holds the row");
        let mut conn = ours(server).await;
        let error = chunk(&mut conn, &table, None, 10, Lock::Share).await.expect_err("the row is held");
        assert!(matches!(error, Error::Busy { .. }) && error.fault() == Fault::Passing, "{server}: {error}");
        holder.query_drop("COMMIT").await.expect("it lets go");
        let rows = chunk(&mut conn, &table, None, 10, Lock::Share).await.expect("reads");
        assert!(rows == [vec![Value::Int(2)]], "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_binary_key_that_ends_in_zeros_or_blanks_finds_its_row() {
    for_each_server(async |server| {
        let db = server.fresh_database("binary").await;
        server.sql(&format!("CREATE TABLE {db}.t (id BINARY(16) PRIMARY KEY, n INT)")).await;
        let table = schema(server, &db, "t").await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        let mut conn = ours(server).await;
        for (n, id) in ["0102", "01020000", "0120", "00", "20"].into_iter().enumerate() {
            // Two of them are the same key once padded.
            server.sql(&format!("REPLACE INTO {db}.t VALUES (x'{id}', {n})")).await;
            for change in follow.changes().await {
                let (ChangeKind::Insert { after } | ChangeKind::Update { after, .. }) = change else {
                    continue;
                };
                let key = key_of_image(&table, &after).expect("a whole image");
                let row = row_by_key(&mut conn, &table, &key, Lock::None).await.expect("reads");
                assert!(row.expect("the row is found")[1] == Value::Int(n as i64), "{server} {id}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn columns_that_nobody_wants_are_passed_over_whatever_they_are() {
    for_each_server(async |server| {
        let db = server.fresh_database("unwanted").await;
        let odd = match server.kind() {
            Kind::MariaDb => "z BLOB COMPRESSED, w VARCHAR(900) COMPRESSED",
            Kind::MySql => "z BLOB, w VARCHAR(900)",
        };
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (a TEXT, {odd}, d DECIMAL(20,5), j JSON, g GEOMETRY, s SET('x','y'), at DATETIME(3), id INT, \
                 b BIT(11), n VARCHAR(9), PRIMARY KEY (id))"
            ))
            .await;
        let table = schema(server, &db, "t").await;
        let wanted = table.position("n").expect("a column");
        let mut conn = ours(server).await;
        let mut follow = Follow::now(server, &[]).await;
        let interest = Interest::load(&mut conn, [Wanted::only(table.clone(), [wanted])]).await.expect("loads");
        follow.tail.set_interest(interest);
        server
            .sql(&format!(
                "INSERT INTO {db}.t VALUES ('long', REPEAT('z', 400), REPEAT('w', 700), -1.5, '{{\"a\": 1}}', ST_GeomFromText('POINT(1 2)'), 'x,y', \
                 '2024-02-29 01:02:03.456', 5, 3, 'n'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 6, NULL, NULL)"
            ))
            .await;
        let rows = follow.changes().await;
        let seen: Vec<_> = rows
            .iter()
            .map(|change| match change {
                ChangeKind::Insert { after } => {
                    let others = after.iter().enumerate().filter(|(at, _)| *at != wanted && !table.key.contains(at));
                    assert!(others.into_iter().all(|(_, value)| value.is_none()), "{server}");
                    (after[table.key[0]].clone(), after[wanted].clone())
                }
                other => panic!("{server}: {other:?}"),
            })
            .collect();
        assert_eq!(seen, [(int(5), text("n")), (int(6), Some(Value::Null))], "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_session_with_its_own_row_image_is_noticed_event_by_event() {
    let server = shared(Kind::MySql).await;
    let db = server.fresh_database("noblob").await;
    server
        .sql(&format!(
            "CREATE TABLE {db}.t (id INT PRIMARY KEY, b TEXT, n INT); INSERT INTO {db}.t VALUES (1, 'b', 1)"
        ))
        .await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    server.sql(&format!("SET SESSION binlog_row_image = NOBLOB; UPDATE {db}.t SET n = 2")).await;
    let [ChangeKind::Update { after, .. }] = &follow.changes().await[..] else { panic!("an update") };
    assert_eq!(*after, [int(1), None, int(2)], "what is left out is not NULL");
}

#[tokio::test]
async fn changes_that_were_kept_out_of_the_binlog_are_not_in_the_stream_and_are_in_the_table() {
    for_each_server(async |server| {
        let db = server.fresh_database("unlogged").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let table = schema(server, &db, "t").await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("SET SESSION sql_log_bin = 0; INSERT INTO {db}.t VALUES (1)")).await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (2)")).await;
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(2)] }], "{server}");
        let rows = chunk(&mut ours(server).await, &table, None, 10, Lock::Share).await.expect("reads");
        assert_eq!(rows.len(), 2, "{server}: reading the table whole is what finds it");
    })
    .await;
}

#[tokio::test]
async fn a_heartbeat_can_be_had_sooner_and_moves_nothing() {
    for_each_server(async |server| {
        let db = server.fresh_database("beats").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let terms = sheetbridge::database::tail::Terms {
            heartbeat: Duration::from_millis(200),
            ..sheetbridge::database::tail::Terms::default()
        };
        let mut follow =
            Follow::with(server, now(server).await, &[(&db, "t")], terms).await.expect("follows");
        let mut beats = 0;
        while beats < 3 {
            let at = follow.position.clone();
            match follow.try_next().await.expect("it follows") {
                Event::Heartbeat => {
                    beats += 1;
                    assert_eq!(follow.position, at, "{server}");
                }
                Event::Transaction(_) | Event::Schema { .. } => {}
            }
        }
    })
    .await;
}
