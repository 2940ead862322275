//! The least rights that work.

use sheetbridge::database::ChangeKind;
use sheetbridge::database::Event;
use sheetbridge::database::connect::{Server as Account, session};
use sheetbridge::database::interest::Interest;
use sheetbridge::database::read::chunk;
use sheetbridge::database::schema::table_schema;
use sheetbridge::database::standing::current_position;
use sheetbridge::database::statement::Lock;
use sheetbridge::database::tail::{Tail, Terms};

use sheetbridge::model::schema::ColumnKind;
use sheetbridge::model::value::Value;

use super::follow::{PATIENCE, account, identity, int, name};
use crate::support::server::{Kind, for_each_server};

#[tokio::test]
async fn following_and_reading_work_with_select_and_the_two_replication_rights() {
    for_each_server(async |server| {
        let db = server.fresh_database("rights").await;
        let monitor = match server.kind() {
            Kind::MySql => "REPLICATION CLIENT",
            Kind::MariaDb => "BINLOG MONITOR",
        };
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (id INT PRIMARY KEY, n INT, j JSON); CREATE USER {db}@'%' IDENTIFIED BY 'secret'; \
                 GRANT REPLICATION SLAVE, {monitor} ON *.* TO {db}@'%'; GRANT SELECT ON {db}.t TO {db}@'%'"
            ))
            .await;
        let least = Account {
            user: db.clone(),
            password: "secret".to_owned().into(),
            ..account(server)
        };
        let mut conn = session(&least).await.expect("a session opens");
        let table = table_schema(&mut conn, &name(&db, "t")).await.expect("the schema is visible");
        assert_eq!(table.key, [0], "{server}");
        assert_eq!(table.columns[2].kind, ColumnKind::Json, "{server}: also where JSON is a check on text");
        let start = current_position(&mut conn).await.expect("the position is visible");
        let interest = Interest::load(&mut conn, [table.clone()]).await.expect("loads");
        let mut tail = Tail::open(&least, &start, identity(), interest, Terms::default()).await.expect("follows");
        server.sql(&format!("INSERT INTO {db}.t VALUES (1, 2, NULL)")).await;

        let changes = tokio::time::timeout(PATIENCE, async {
            loop {
                match tail.next().await.unwrap_or_else(|error| panic!("{server}: {error}")) {
                    Event::Transaction(done) if !done.changes.is_empty() => return done.changes,
                    _ => {}
                }
            }
        });
        let change = changes.await.expect("the row comes").remove(0);
        assert_eq!(change.kind, ChangeKind::Insert { after: vec![int(1), int(2), Some(Value::Null)] }, "{server}");
        let rows = chunk(&mut conn, &table, None, 10, Lock::Share).await;
        assert_eq!(rows.unwrap_or_else(|error| panic!("{server}: {error}")).len(), 1, "{server}");
    })
    .await;
}
