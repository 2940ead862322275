//! Tables that change their shape while the stream is read: events tell of then, the server of now.

use sheetbridge::database::check::check;
use sheetbridge::database::error::Error;
use sheetbridge::database::interest::Interest;
use sheetbridge::database::read::chunk;
use sheetbridge::database::statement::Lock;
use sheetbridge::database::{ChangeKind, Event, SchemaKind};
use sheetbridge::model::value::Value;

use super::follow::{Follow, int, name, now, ours, schema, text};
use crate::support::server::{Kind, Server, for_each_server, shared};

async fn made(server: &Server, story: &str, columns: &str) -> String {
    let db = server.fresh_database(story).await;
    server.sql(&format!("CREATE TABLE {db}.t ({columns})")).await;
    db
}

/// What happened to a table's shape, by table and kind.
async fn shape(follow: &mut Follow) -> Vec<SchemaKind> {
    match follow.event().await {
        Event::Schema { changes, .. } => changes.into_iter().map(|change| change.kind).collect(),
        other => panic!("a change of shape was expected: {other:?}"),
    }
}

#[tokio::test]
async fn rows_from_before_a_change_of_shape_are_in_doubt_and_those_after_it_are_read() {
    let changes = [
        ("first", "ADD COLUMN c INT FIRST", "(9, 2, 'b')", vec![int(9), int(2), text("b")]),
        ("after", "ADD COLUMN c INT AFTER id", "(2, 9, 'b')", vec![int(2), int(9), text("b")]),
        ("modify", "MODIFY n VARBINARY(300)", "(2, 'b')", vec![int(2), Some(Value::Bytes(b"b".to_vec()))]),
        ("drop", "ADD COLUMN c INT, DROP COLUMN n", "(2, 9)", vec![int(2), int(9)]),
    ];
    for_each_server(async |server| {
        for (story, change, row, expected) in &changes {
            let db = made(server, story, "id INT PRIMARY KEY, n VARCHAR(9)").await;
            let start = now(server).await;
            server
                .sql(&format!(
                    "INSERT INTO {db}.t VALUES (1, 'a'); ALTER TABLE {db}.t {change}; INSERT INTO {db}.t VALUES {row}"
                ))
                .await;
            let mut follow = Follow::from(server, start, &[(&db, "t")]).await.expect("it resumes");
            let old = follow.transaction().await;
            assert!(old.changes.is_empty(), "{server} {story}: nothing is guessed");
            assert!(matches!(old.doubts[0].error, Error::Layout { .. }), "{server} {story}: {:?}", old.doubts);
            assert_eq!(shape(&mut follow).await, [SchemaKind::Altered], "{server} {story}");
            assert_eq!(follow.changes().await, [ChangeKind::Insert { after: expected.clone() }], "{server} {story}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_made_if_it_does_not_exist_changes_nothing() {
    for_each_server(async |server| {
        let db = made(server, "exists", "id INT PRIMARY KEY").await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("CREATE TABLE IF NOT EXISTS {db}.t (id INT PRIMARY KEY, other INT); INSERT INTO {db}.t VALUES (1)")).await;
        // MySQL does not log it, MariaDB does.
        let rows = match follow.event().await {
            Event::Schema { changes, .. } => {
                assert_eq!(changes[0].kind, SchemaKind::Created, "{server}");
                follow.changes().await
            }
            Event::Transaction(done) => done.changes.into_iter().map(|change| change.kind).collect(),
            Event::Heartbeat => panic!("heartbeats are left out"),
        };
        assert_eq!(rows, [ChangeKind::Insert { after: vec![int(1)] }], "{server}");
    })
    .await;
}

#[tokio::test]
async fn the_tables_that_online_changes_swap_in_are_told_and_read_once_they_are_known() {
    for_each_server(async |server| {
        for (story, swap) in [
            ("ghost", "RENAME TABLE t TO _t_del, _t_gho TO t"),
            ("percona", "RENAME TABLE `t` TO `_t_old`, `_t_gho` TO `t`"),
        ] {
            let db = made(server, story, "id INT PRIMARY KEY").await;
            let mut follow = Follow::now(server, &[(&db, "t")]).await;
            server
                .sql(&format!(
                    "USE {db}; CREATE TABLE _t_gho (id INT PRIMARY KEY, c INT); INSERT INTO _t_gho VALUES (1, 1); {swap}"
                ))
                .await;
            assert!(matches!(shape(&mut follow).await.as_slice(), [SchemaKind::Renamed { .. }, SchemaKind::Renamed { .. }]), "{server}");
            let table = schema(server, &db, "t").await;
            let interest = Interest::load(&mut ours(server).await, [table]).await.expect("loads");
            follow.tail.set_interest(interest);
            server.sql(&format!("INSERT INTO {db}.t VALUES (2, 2); INSERT INTO {db}.t VALUES (3, 3)")).await;
            let mut seen = Vec::new();
            // The first row may have been read on while the old table was known: then it is in doubt, not wrong.
            while seen.last() != Some(&int(3)) {
                let done = follow.transaction().await;
                assert!(done.changes.is_empty() != done.doubts.is_empty(), "{server}");
                for change in done.changes {
                    let ChangeKind::Insert { after } = change.kind else { panic!("{server}: an insert") };
                    assert_eq!(after.len(), 2, "{server}");
                    seen.push(after[0].clone());
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn partitions_that_go_with_their_rows_are_told() {
    for_each_server(async |server| {
        let db = server.fresh_database("partitions").await;
        server
            .sql(&format!(
                "USE {db}; CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), \
                 PARTITION b VALUES LESS THAN (20), PARTITION c VALUES LESS THAN MAXVALUE); CREATE TABLE other (id INT PRIMARY KEY); \
                 INSERT INTO t VALUES (1), (11), (21)"
            ))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        for ddl in ["TRUNCATE PARTITION a", "DROP PARTITION b", "EXCHANGE PARTITION c WITH TABLE other"] {
            server.sql(&format!("USE {db}; ALTER TABLE t {ddl}")).await;
            assert_eq!(shape(&mut follow).await, [SchemaKind::Partitioned], "{server}: {ddl}");
        }
        let table = schema(server, &db, "t").await;
        let left = chunk(&mut ours(server).await, &table, None, 9, Lock::None).await.expect("reads");
        assert!(left.is_empty(), "{server}: no row event told it");
    })
    .await;
}

#[tokio::test]
async fn members_in_another_order_are_a_change_of_shape_and_read_by_their_new_names() {
    for_each_server(async |server| {
        let db = made(server, "members", "id INT PRIMARY KEY, e ENUM('a','b')").await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("ALTER TABLE {db}.t MODIFY e ENUM('c','b','a')")).await;
        assert_eq!(shape(&mut follow).await, [SchemaKind::Altered], "{server}");
        let table = schema(server, &db, "t").await;
        let interest = Interest::load(&mut ours(server).await, [table]).await.expect("loads");
        follow.tail.set_interest(interest);
        server.sql(&format!("INSERT INTO {db}.t VALUES (1, 'a')")).await;
        assert_eq!(
            follow.changes().await,
            [ChangeKind::Insert { after: vec![int(1), text("a")] }],
            "{server}"
        );
    })
    .await;
}

#[tokio::test]
async fn another_spelling_of_a_columns_name_is_the_same_column() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &["--binlog-row-metadata=FULL"]).await;
        let db = made(&server, "spelling", "id INT PRIMARY KEY, name INT").await;
        let start = now(&server).await;
        server
            .sql(&format!(
                "INSERT INTO {db}.t VALUES (1, 1); ALTER TABLE {db}.t CHANGE name NAME INT; INSERT INTO {db}.t VALUES (2, 2)"
            ))
            .await;
        let mut follow = Follow::from(&server, start, &[(&db, "t")]).await.expect("it resumes");
        let inserted = |n| ChangeKind::Insert { after: vec![int(n), int(n)] };
        assert_eq!(follow.changes().await, [inserted(1)], "{server}");
        assert_eq!(shape(&mut follow).await, [SchemaKind::Altered], "{server}");
        assert_eq!(follow.changes().await, [inserted(2)], "{server}");
    }
}

#[tokio::test]
async fn a_column_whose_name_was_given_to_another_is_in_doubt_where_the_event_has_names() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &["--binlog-row-metadata=FULL"]).await;
        let db = made(&server, "names", "id INT PRIMARY KEY, a INT, b INT").await;
        let start = now(&server).await;
        server
            .sql(&format!(
                "INSERT INTO {db}.t VALUES (1, 10, 20); ALTER TABLE {db}.t CHANGE a b INT, CHANGE b a INT"
            ))
            .await;
        let mut follow = Follow::from(&server, start, &[(&db, "t")]).await.expect("it resumes");
        let done = follow.transaction().await;
        assert!(matches!(done.doubts[0].error, Error::Layout { .. }), "{server}: {:?}", done.doubts);
    }
}

#[tokio::test]
async fn a_system_versioned_table_is_read_again_and_shows_each_row_once() {
    let server = shared(Kind::MariaDb).await;
    let db = made(server, "versioned", "id INT PRIMARY KEY, n INT").await;
    server.sql(&format!("ALTER TABLE {db}.t ADD SYSTEM VERSIONING")).await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    server
        .sql(&format!("INSERT INTO {db}.t VALUES (1, 1), (2, 1); UPDATE {db}.t SET n = 2; DELETE FROM {db}.t WHERE id = 2"))
        .await;
    for _ in 0..3 {
        let done = follow.transaction().await;
        assert!(done.changes.is_empty(), "{server}: rows that ended are not taken for rows");
        assert!(matches!(done.doubts[0].error, Error::Layout { .. }), "{server}: {:?}", done.doubts);
    }
    let table = schema(server, &db, "t").await;
    let rows = chunk(&mut ours(server).await, &table, None, 9, Lock::None).await.expect("reads");
    assert!(rows == [vec![Value::Int(1), Value::Int(2)]], "{server}");
    let found = check(&mut ours(server).await, &[name(&db, "t")]).await.expect("checks");
    assert!(found.iter().any(|found| found.name.ends_with("system versioning")), "{server}: {found:?}");
}

#[tokio::test]
async fn a_column_in_another_character_set_reads_in_it() {
    for_each_server(async |server| {
        let db = made(server, "converted", "id INT PRIMARY KEY, n VARCHAR(20) CHARACTER SET latin1").await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("ALTER TABLE {db}.t MODIFY n VARCHAR(20) CHARACTER SET gbk")).await;
        assert_eq!(shape(&mut follow).await, [SchemaKind::Altered], "{server}");
        let table = schema(server, &db, "t").await;
        let interest = Interest::load(&mut ours(server).await, [table]).await.expect("loads");
        follow.tail.set_interest(interest);
        server.sql(&format!("SET NAMES utf8mb4; INSERT INTO {db}.t VALUES (1, '中文')")).await;
        assert_eq!(
            follow.changes().await,
            [ChangeKind::Insert { after: vec![int(1), text("中文")] }],
            "{server}"
        );
    })
    .await;
}
