//! Transactions as they come by.

use sheetbridge::database::error::Error;
use sheetbridge::database::{ChangeKind, Event, SchemaKind};

use super::follow::{Follow, int, name, now, text};
use crate::support::server::{Kind, Server, for_each_server};

#[tokio::test]
async fn insert_update_key_change_and_delete_come_in_order_and_a_rollback_does_not() {
    for_each_server(async |server| {
        let db = server.fresh_database("changes").await;
        server
            .sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, n VARCHAR(20)); CREATE TABLE {db}.u (id INT)"))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;

        server
            .sql(&format!(
                "BEGIN; INSERT INTO {db}.t VALUES (9, 'gone'); ROLLBACK; \
                 BEGIN; INSERT INTO {db}.t VALUES (1, 'a'); INSERT INTO {db}.u VALUES (1); UPDATE {db}.t SET n = 'b'; COMMIT; \
                 UPDATE {db}.t SET id = 2; DELETE FROM {db}.t"
            ))
            .await;

        let (a, b) = (vec![int(1), text("a")], vec![int(1), text("b")]);
        let moved = vec![int(2), text("b")];
        let first = [
            ChangeKind::Insert { after: a.clone() },
            ChangeKind::Update {
                before: a,
                after: b.clone(),
            },
        ];
        assert_eq!(follow.changes().await, first, "{server}");
        let key_change = ChangeKind::Update {
            before: b,
            after: moved.clone(),
        };
        assert_eq!(follow.changes().await, [key_change], "{server}");
        assert_eq!(follow.changes().await, [ChangeKind::Delete { before: moved }], "{server}");
        follow.tail.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_has_its_time() {
    for_each_server(async |server| {
        let db = server.fresh_database("times").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        let before: u64 = server.one("SELECT FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000000) DIV 1").await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (1)")).await;
        let after: u64 = server.one("SELECT FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000000) DIV 1").await;
        let at = follow.transaction().await.commit_micros;
        let slack = match server.kind() {
            Kind::MySql => 0,
            Kind::MariaDb => 1_000_000,
        };
        assert!((before - slack..=after).contains(&at), "{server}: {before} {at} {after}");
    })
    .await;
}

#[tokio::test]
async fn an_event_of_seventeen_mebibytes_comes_whole() {
    for_each_server(async |server| {
        let db = server.fresh_database("large").await;
        let size = 17 << 20;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, b LONGTEXT)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql("SET GLOBAL max_allowed_packet = 67108864").await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (1, REPEAT('x', {size}))")).await;
        let changes = follow.changes().await;
        let [ChangeKind::Insert { after }] = changes.as_slice() else {
            panic!("{server}: one insert");
        };
        assert_eq!(after[1], text(&"x".repeat(size)), "{server}");
    })
    .await;
}

#[tokio::test]
async fn changes_of_a_tables_shape_are_told_where_they_stand_in_the_stream() {
    for_each_server(async |server| {
        let db = server.fresh_database("shape").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (id INT PRIMARY KEY); CREATE TABLE {db}.other (id INT PRIMARY KEY)"
            ))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server
            .sql(&format!(
                "USE {db}; INSERT INTO t VALUES (1); ALTER TABLE other ADD c INT; ALTER TABLE t ADD c INT; \
                 INSERT INTO t VALUES (2, 2); CREATE TABLE ghost LIKE t; RENAME TABLE t TO t_old, ghost TO t; TRUNCATE TABLE t; \
                 DROP TABLE t"
            ))
            .await;

        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(1)] }], "{server}");
        let altered = schema_kinds(follow.event().await);
        assert_eq!(altered, [(format!("{db}.t"), SchemaKind::Altered)], "{server}");
        let doubted = follow.transaction().await;
        assert!(doubted.changes.is_empty(), "{server}: rows that do not fit are not guessed");
        let reason = &doubted.doubts[0].error;
        assert!(matches!(reason, Error::Layout { table, .. } if *table == name(&db, "t")), "{server}: {reason}");
        let swap = schema_kinds(follow.event().await);
        let renamed = |to: &str| SchemaKind::Renamed { to: name(&db, to) };
        let expected = [(format!("{db}.t"), renamed("t_old")), (format!("{db}.ghost"), renamed("t"))];
        assert_eq!(swap, expected, "{server}");
        let truncated = schema_kinds(follow.event().await);
        assert_eq!(truncated, [(format!("{db}.t"), SchemaKind::Truncated)], "{server}");
        let dropped = schema_kinds(follow.event().await);
        assert_eq!(dropped, [(format!("{db}.t"), SchemaKind::Dropped)], "{server}");
    })
    .await;
}

fn schema_kinds(event: Event) -> Vec<(String, SchemaKind)> {
    match event {
        Event::Schema { changes, .. } => changes.into_iter().map(|c| (c.table.to_string(), c.kind)).collect(),
        other => panic!("a change of shape was expected: {other:?}"),
    }
}

#[tokio::test]
async fn rows_in_statement_format_put_their_table_in_doubt_and_no_other() {
    for_each_server(async |server| {
        let (db, other) =
            (server.fresh_database("statements").await, server.fresh_database("namesake").await);
        let tables = format!("{db}.t (id INT PRIMARY KEY)");
        let (namesake, neighbour) = (tables.replace(&db, &other), tables.replace(".t", ".u"));
        server
            .sql(&format!("CREATE TABLE {tables}; CREATE TABLE {neighbour}; CREATE TABLE {namesake}"))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t"), (&db, "u")]).await;
        server
            .sql(&format!(
                "SET SESSION binlog_format = STATEMENT; INSERT INTO {other}.t VALUES (1); USE {other}; \
                 INSERT INTO t VALUES (2); INSERT INTO {db}.t VALUES (1); SET SESSION binlog_format = ROW; \
                 INSERT INTO {db}.u VALUES (1)"
            ))
            .await;
        let done = follow.transaction().await;
        let [doubt] = done.doubts.as_slice() else {
            panic!("{server}: one doubt");
        };
        assert!(
            matches!(&doubt.error, Error::StatementLogged(table) if *table == name(&db, "t")),
            "{server}"
        );
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(1)] }], "{server}");
    })
    .await;
}

#[tokio::test]
async fn xa_rows_are_held_until_their_second_phase() {
    for_each_server(async |server| {
        let db = server.fresh_database("xa").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server
            .sql(&format!(
                "XA START 'a'; INSERT INTO {db}.t VALUES (1); XA END 'a'; XA PREPARE 'a'; XA ROLLBACK 'a'; \
                 XA START 'b'; INSERT INTO {db}.t VALUES (2); XA END 'b'; XA PREPARE 'b'"
            ))
            .await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (3)")).await;
        server.sql("XA COMMIT 'b'").await;
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(3)] }], "{server}");
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(2)] }], "{server}");
    })
    .await;
}

#[tokio::test]
async fn engines_without_transactions_and_created_selections_end_their_transactions() {
    // Servers of its own: where the stream stands is compared with all that the server committed.
    for kind in Kind::ALL {
        let (server, db) = (&Server::start(kind, &[]).await, "engines");
        server.sql(&format!("CREATE DATABASE {db}")).await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (id INT PRIMARY KEY) ENGINE = MyISAM; CREATE TABLE {db}.i (id INT PRIMARY KEY)"
            ))
            .await;
        let mut follow = Follow::now(server, &[(db, "t"), (db, "i")]).await;
        server
            .sql(&format!(
                "INSERT INTO {db}.t VALUES (1), (2); CREATE TABLE {db}.c SELECT * FROM {db}.t; INSERT INTO {db}.i VALUES (3)"
            ))
            .await;
        let after = |n| ChangeKind::Insert { after: vec![int(n)] };
        assert_eq!(follow.changes().await, [after(1), after(2)], "{server}");
        assert_eq!(follow.changes().await, [after(3)], "{server}");
        assert_eq!(follow.position, now(server).await, "{server}");
    }
}

#[tokio::test]
async fn compressed_logs_are_read_like_plain_ones() {
    let compressed = [
        (Kind::MariaDb, ["--log-bin-compress=ON", "--log-bin-compress-min-len=10"]),
        (Kind::MySql, ["--binlog-transaction-compression=ON", "--binlog-checksum=CRC32"]),
    ];
    for (kind, options) in compressed {
        let server = Server::start(kind, &options).await;
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, b TEXT)").await;
        let mut follow = Follow::now(&server, &[("d", "t")]).await;
        server
            .sql(
                "INSERT INTO d.t VALUES (1, REPEAT('x', 50000)), (2, REPEAT('y', 50000)); \
                 UPDATE d.t SET b = 'z' WHERE id = 1; ALTER TABLE d.t COMMENT 'a comment that is long enough to be compressed, too'; \
                 DELETE FROM d.t WHERE id = 2",
            )
            .await;
        let (x, y) = (vec![int(1), text(&"x".repeat(50_000))], vec![int(2), text(&"y".repeat(50_000))]);
        let both = [ChangeKind::Insert { after: x.clone() }, ChangeKind::Insert { after: y.clone() }];
        assert_eq!(follow.changes().await, both, "{server}");
        let update = ChangeKind::Update { before: x, after: vec![int(1), text("z")] };
        assert_eq!(follow.changes().await, [update], "{server}");
        assert!(matches!(follow.event().await, Event::Schema { .. }), "{server}");
        assert_eq!(follow.changes().await, [ChangeKind::Delete { before: y }], "{server}");
        assert_eq!(follow.position, now(&server).await, "{server}");
    }
}

#[tokio::test]
async fn an_idle_stream_beats() {
    for_each_server(async |server| {
        let db = server.fresh_database("idle").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        loop {
            match follow.try_next().await {
                Ok(Event::Heartbeat) => break,
                Ok(_) => {}
                Err(error) => panic!("{server}: {error}"),
            }
        }
    })
    .await;
}
