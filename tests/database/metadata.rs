//! Rows that are more, or less, than their table.

use sheetbridge::database::error::Error;
use sheetbridge::database::key::key_of_image;
use sheetbridge::database::read::chunk;
use sheetbridge::database::statement::Lock;
use sheetbridge::database::{ChangeKind, Image};
use sheetbridge::model::key::Key;
use sheetbridge::model::value::Value;

use super::follow::{Follow, int, ours, schema, text};
use crate::support::server::{Kind, for_each_server, shared};

#[tokio::test]
async fn generated_invisible_and_hidden_columns_do_not_shift_the_others() {
    let tables = [
        (
            Kind::MySql,
            "id INT PRIMARY KEY, v INT AS (id + 1) VIRTUAL, s INT AS (id + 2) STORED, h INT INVISIBLE DEFAULT 7, \
                       j JSON, e VARCHAR(9), INDEX multi ((CAST(j->'$.a' AS UNSIGNED ARRAY))), INDEX f ((id * 2))",
        ),
        (
            Kind::MariaDb,
            "id INT PRIMARY KEY, v INT AS (id + 1) VIRTUAL, s INT AS (id + 2) STORED, h INT INVISIBLE DEFAULT 7, \
                         j JSON, e LONGTEXT, UNIQUE long_key (e)",
        ),
    ];
    for (kind, columns) in tables {
        let server = shared(kind).await;
        let db = server.fresh_database("hidden").await;
        server.sql(&format!("CREATE TABLE {db}.t ({columns})")).await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server
            .sql(&format!(
                "INSERT INTO {db}.t (id, j, e) VALUES (1, '{{\"a\": [1, 2]}}', 'x'), (2, NULL, 'y'); UPDATE {db}.t SET e = 'z' WHERE id = 1"
            ))
            .await;
        let inserted = follow.changes().await;
        assert_eq!(inserted.len(), 2, "{server}");
        let [ChangeKind::Update { after, .. }] = &follow.changes().await[..] else {
            panic!("{server}: an update");
        };
        let table = schema(server, &db, "t").await;
        let selected = chunk(&mut ours(server).await, &table, None, 1, Lock::None).await.expect("selects");
        // MariaDB 11.8 leaves generated columns out of the image after an update: such a row is looked up.
        let logged = after.iter().zip(&selected[0]).enumerate();
        for (at, (logged, selected)) in logged {
            let name = &table.columns[at].name;
            match logged {
                Some(logged) => assert!(logged == selected, "{server}: {name}"),
                None => assert!(
                    kind == Kind::MariaDb && ["v", "s"].contains(&name.as_str()),
                    "{server}: {name} is left out"
                ),
            }
        }
        assert_eq!(table.columns.len(), 6, "{server}");
    }
}

#[tokio::test]
async fn a_minimal_image_says_what_it_leaves_out() {
    for_each_server(async |server| {
        let db = server.fresh_database("minimal").await;
        server
            .sql(&format!("CREATE TABLE {db}.t (a VARCHAR(9), u BIGINT UNSIGNED, id INT UNSIGNED PRIMARY KEY, n INT)"))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server
            .sql(&format!(
                "SET SESSION binlog_row_image = MINIMAL; INSERT INTO {db}.t VALUES ('x', 18446744073709551615, 4294967295, NULL); \
                 UPDATE {db}.t SET a = 'y'"
            ))
            .await;
        let full: Image = vec![text("x"), Some(Value::UInt(u64::MAX)), int(4_294_967_295), Some(Value::Null)];
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: full }], "{server}");
        let [ChangeKind::Update { before, after }] = &follow.changes().await[..] else {
            panic!("{server}: an update");
        };
        assert_eq!(*before, vec![None, None, int(4_294_967_295), None], "{server}");
        assert_eq!(*after, vec![text("y"), None, None, None], "{server}");
        let table = schema(server, &db, "t").await;
        assert_eq!(key_of_image(&table, before), Some(Key(vec![Value::Int(4_294_967_295)])), "{server}");
        assert_eq!(key_of_image(&table, after), None, "{server}");
    })
    .await;
}

#[tokio::test]
async fn json_that_is_logged_in_part_puts_its_table_in_doubt() {
    let server = shared(Kind::MySql).await;
    let db = server.fresh_database("partial").await;
    server
        .sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, j JSON); INSERT INTO {db}.t VALUES (1, '{{\"a\": \"some text\", \"b\": 1}}')"))
        .await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    server
        .sql(&format!(
            "SET SESSION binlog_row_value_options = PARTIAL_JSON; UPDATE {db}.t SET j = JSON_SET(j, '$.b', 2)"
        ))
        .await;
    let done = follow.transaction().await;
    assert!(matches!(done.doubts[0].error, Error::PartialJson(_)), "{:?}", done.doubts);
}

#[tokio::test]
async fn sql_values_inside_json_are_printed_as_the_server_prints_them() {
    let server = shared(Kind::MySql).await;
    let db = server.fresh_database("opaque").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, j JSON)")).await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    let values = [
        "CAST(1.50 AS DECIMAL(10,2))",
        "CAST('-0.001' AS DECIMAL(20,10))",
        "CAST('2024-02-29' AS DATE)",
        "CAST('2024-02-29 12:13:14.000123' AS DATETIME(6))",
        "TIMESTAMP'2024-02-29 12:13:14'",
        "CAST('-123:04:05.5' AS TIME(6))",
        "CAST('10:00:00' AS TIME)",
        "x'00ff10'",
        "b'101'",
        "1e0",
        "-0e0",
        "1.7976931348623157e308",
        "5e-324",
        "0.1e0 + 0.2e0",
        "123456789012345680e0",
        "CAST(YEAR('2024-01-01') AS UNSIGNED)",
    ];
    let list = values.join(", ");
    server
        .sql(&format!(
            "INSERT INTO {db}.t VALUES (1, JSON_ARRAY({list})), (2, JSON_OBJECT('k', CAST('x' AS BINARY)))"
        ))
        .await;
    let selected: Vec<String> = server.rows(&format!("SELECT CAST(j AS CHAR) FROM {db}.t ORDER BY id")).await;
    let decoded: Vec<Option<Value>> = follow
        .changes()
        .await
        .into_iter()
        .map(|change| match change {
            ChangeKind::Insert { after } => after[1].clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<Option<Value>> = selected.iter().map(|json| Some(Value::Json(json.clone()))).collect();
    assert!(decoded == expected, "{}\n{}", serde_json::to_string(&decoded).unwrap(), selected.join("\n"));
}
