//! Foreign keys that change rows below the binlog.

use sheetbridge::database::ChangeKind;
use sheetbridge::database::check::{Weight, check};
use sheetbridge::database::error::Error;

use super::follow::{Follow, int, name, ours};
use crate::support::server::{Kind, Server, for_each_server, shared};

const TABLES: &str = "CREATE TABLE p (id INT PRIMARY KEY, n INT); \
    CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY k (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE); \
    CREATE TABLE g (id INT PRIMARY KEY, c INT, FOREIGN KEY k2 (c) REFERENCES c (id) ON DELETE CASCADE); \
    INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (10, 1), (20, 2); INSERT INTO g VALUES (100, 10), (200, 20)";

/// The tables in doubt after statements, by name; no row of theirs comes.
async fn doubted(server: &Server, db: &str, follow: &mut Follow, sql: &str) -> Vec<String> {
    server.sql(&format!("USE {db}; {sql}")).await;
    let done = follow.transaction().await;
    assert!(done.doubts.iter().all(|doubt| matches!(doubt.error, Error::Cascade(_))), "{:?}", done.doubts);
    let mut names: Vec<String> = done.doubts.into_iter().map(|doubt| doubt.table.table).collect();
    names.sort();
    names
}

async fn falls_are_noticed(server: &Server) {
    let db = server.fresh_database("falls").await;
    server.sql(&format!("USE {db}; {TABLES}")).await;
    let mut follow = Follow::now(server, &[(&db, "c"), (&db, "g")]).await;
    // Nothing falls from a column that no key points to.
    server.sql(&format!("UPDATE {db}.p SET n = 5")).await;
    assert_eq!(
        doubted(server, &db, &mut follow, "UPDATE p SET id = 3 WHERE id = 1").await,
        ["c", "g"],
        "{server}"
    );
    assert_eq!(doubted(server, &db, &mut follow, "DELETE FROM p WHERE id = 2").await, ["c", "g"], "{server}");
    let warned = check(&mut ours(server).await, &[name(&db, "c")]).await.expect("checks");
    let warned: Vec<_> = warned.iter().filter(|found| found.name.contains("foreign key")).collect();
    assert!(warned.len() == 1 && warned[0].weight == Weight::Warning, "{server}: {warned:?}");
}

#[tokio::test]
async fn children_of_a_parent_row_that_goes_are_in_doubt_where_the_binlog_does_not_show_them() {
    falls_are_noticed(shared(Kind::MariaDb).await).await;
    falls_are_noticed(&Server::start(Kind::MySql, &["--innodb-native-foreign-keys=ON"]).await).await;
}

#[tokio::test]
async fn children_are_in_doubt_too_where_we_may_not_look_at_the_parent() {
    let server = shared(Kind::MariaDb).await;
    let db = server.fresh_database("unseen").await;
    server
        .sql(&format!(
            "USE {db}; {TABLES}; CREATE USER {db}@'%'; GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO {db}@'%'; \
             GRANT SELECT ON {db}.c TO {db}@'%'"
        ))
        .await;
    let mut follow = Follow::by(server, &db, "", &[(&db, "c")]).await;
    assert_eq!(doubted(server, &db, &mut follow, "DELETE FROM p WHERE id = 2").await, ["c"], "{server}");
}

#[tokio::test]
async fn rows_that_fall_are_told_where_the_binlog_shows_them() {
    let server = shared(Kind::MySql).await;
    let version: String = server.one("SELECT VERSION()").await;
    assert!(
        version.split('.').next().is_some_and(|major| major >= "9"),
        "{version}: before 9.6 they are not logged"
    );
    let db = server.fresh_database("logged").await;
    server.sql(&format!("USE {db}; {TABLES}")).await;
    let mut follow = Follow::now(server, &[(&db, "c"), (&db, "g")]).await;
    server.sql(&format!("DELETE FROM {db}.p WHERE id = 1")).await;
    let mut gone = follow.changes().await;
    let deleted = |a, b| ChangeKind::Delete { before: vec![int(a), int(b)] };
    gone.sort_by_key(|change| *change == deleted(10, 1));
    assert_eq!(gone, [deleted(100, 10), deleted(10, 1)]);
    let found = check(&mut ours(server).await, &[name(&db, "c")]).await.expect("checks");
    assert!(found.iter().all(|found| !found.name.contains("foreign key")), "there is nothing to warn of");
}

#[tokio::test]
async fn a_replaced_row_takes_the_displaced_ones_with_it() {
    for_each_server(async |server| {
        let db = server.fresh_database("displaced").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, u INT UNIQUE); INSERT INTO {db}.t VALUES (1, 1), (2, 2)")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("REPLACE INTO {db}.t VALUES (1, 2)")).await;
        let mut rows = std::collections::BTreeMap::from([(1, 1), (2, 2)]);
        for change in follow.changes().await {
            let pair = |image: &[Option<sheetbridge::model::value::Value>]| match image {
                [Some(sheetbridge::model::value::Value::Int(a)), Some(sheetbridge::model::value::Value::Int(b))] => (*a, *b),
                _ => panic!("a whole image"),
            };
            match change {
                ChangeKind::Insert { after } => {
                    let (id, u) = pair(&after);
                    rows.insert(id, u);
                }
                ChangeKind::Delete { before } => {
                    rows.remove(&pair(&before).0);
                }
                ChangeKind::Update { before, after } => {
                    rows.remove(&pair(&before).0);
                    let (id, u) = pair(&after);
                    rows.insert(id, u);
                }
            }
        }
        assert_eq!(rows, std::collections::BTreeMap::from([(1, 2)]), "{server}");
        server.sql(&format!("INSERT INTO {db}.t VALUES (3, 2) ON DUPLICATE KEY UPDATE id = 9")).await;
        let moved = ChangeKind::Update { before: vec![int(1), int(2)], after: vec![int(9), int(2)] };
        assert_eq!(follow.changes().await, [moved], "{server}");
    })
    .await;
}
