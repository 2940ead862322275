//! Character sets: what the row images hold is what a SELECT gives.

use mysql_async::prelude::Queryable;
use sheetbridge::database::ChangeKind;
use sheetbridge::database::read::row_by_key;
use sheetbridge::database::statement::Lock;
use sheetbridge::model::key::Key;
use sheetbridge::model::value::Value;

use super::follow::{Follow, ours, schema, whole};
use crate::support::server::for_each_server;

/// Letters of many scripts; what a set does not have becomes `?` in the server, on both paths.
const LETTERS: &str = "aZ09 €äöüßñçøåÅÿ žšđćłąęőű абвгдяїЄ αβγδω שלום ءابت ไทย 中文汉字漢字電腦 かなカナ日本語ｱｲｳ 한국어 ②㈱№ ½¼ „“–—…• ¤§°±²³µ¶";

#[tokio::test]
async fn every_character_set_of_the_server_reads_as_it_is_selected() {
    for_each_server(async |server| {
        let db = server.fresh_database("charsets").await;
        let sets: Vec<String> = server
            .rows("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary'")
            .await;
        assert!(sets.len() > 30, "{server}: {sets:?}");
        for set in sets {
            server
                .sql(&format!("CREATE TABLE {db}.{set} (id INT PRIMARY KEY, v VARCHAR(500), c CHAR(50), x TEXT) CHARACTER SET {set}"))
                .await;
            let mut follow = Follow::now(server, &[(&db, &set)]).await;
            let mut conn = ours(server).await;
            conn.query_drop("SET sql_mode = ''").await.expect("a lax mode");
            let some: String = LETTERS.chars().take(45).collect();
            conn.query_drop(format!("INSERT INTO {db}.{set} VALUES (1, '{LETTERS}', '{some}', '{LETTERS}')"))
                .await
                .expect("the row goes in");
            let table = schema(server, &db, &set).await;
            let key = Key(vec![Value::Int(1)]);
            let selected = row_by_key(&mut conn, &table, &key, Lock::None).await.expect("selects");
            let changes = follow.changes().await;
            let [ChangeKind::Insert { after }] = changes.as_slice() else {
                panic!("{server}: one insert");
            };
            let selected = selected.expect("the row is there");
            for (decoded, selected) in whole(after).iter().zip(&selected) {
                assert!(decoded == selected, "{server} {set}:\n{}\n{}", shown(decoded), shown(selected));
            }
        }
    })
    .await;
}

/// These values are ours, so they may be shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    }
}
