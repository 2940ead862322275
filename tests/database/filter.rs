//! A filter is evaluated by the server and by the engine: on random rows of every type that it can ask, both say the same.

use mysql_async::prelude::Queryable;
use sheetbridge::database::key::key_of;
use sheetbridge::database::read::{chunk, chunk_within};
use sheetbridge::database::statement::Lock;
use sheetbridge::engine::filter::admits;
use sheetbridge::model::filter::{Condition, Filter, Test, UnfitCondition};
use sheetbridge::model::key::Key;
use sheetbridge::model::schema::TableSchema;
use sheetbridge::model::value::Value;

use super::follow::{ours, schema};
use super::random::Random;
use super::types::{Typed, integers, numbers, texts, times};
use crate::support::server::{Server, for_each_server};

const ROWS: usize = 50;

/// Filters of each kind that are tried on a column.
const TRIES: usize = 6;

#[tokio::test]
async fn the_server_and_the_engine_let_the_same_rows_in() {
    for_each_server(async |server| {
        let mut random = Random::seeded();
        let kinds: Vec<Typed> = [integers(), numbers(), times(), texts()].concat();
        let (mut asked, mut inside) = (0, 0);
        for some in kinds.chunks(12) {
            let table = filled(server, &mut random, some).await;
            let mut conn = ours(server).await;
            let rows = chunk(&mut conn, &table, None, ROWS + 1, Lock::None).await.expect("selects");
            for (at, (kind, _)) in some.iter().enumerate() {
                for filter in filters(&mut random, &table, at + 1, &rows) {
                    let found = chunk_within(&mut conn, &table, &filter, None, ROWS + 1, Lock::None).await;
                    let found = found.unwrap_or_else(|error| panic!("{server} {kind} {filter:?}: {error}"));
                    let theirs: Vec<Key> = found.iter().map(|row| key_of(&table, row)).collect();
                    let ours: Vec<Key> = rows
                        .iter()
                        .filter(|row| admits(&filter, row))
                        .map(|row| key_of(&table, row))
                        .collect();
                    let told = serde_json::to_string(&filter).expect("plain data");
                    assert_eq!(theirs, ours, "{server} {kind}: the server's rows and ours, by {told}");
                    asked += 1;
                    inside += ours.len();
                }
            }
        }
        // so that the comparison was about something
        assert!(asked > 500 && inside > asked * 5, "{server}: {asked} filters let {inside} rows in");
        eprintln!("{server}: {asked} filters, {inside} rows inside");
    })
    .await;
}

/// A table with a column of each kind and random rows, NULLs among them.
async fn filled(server: &Server, random: &mut Random, kinds: &[Typed]) -> TableSchema {
    let db = server.fresh_database("filter").await;
    let columns: Vec<String> =
        kinds.iter().enumerate().map(|(i, (kind, _))| format!("c{i} {kind}")).collect();
    server
        .sql(&format!("CREATE TABLE {db}.t (id INT AUTO_INCREMENT PRIMARY KEY, {})", columns.join(", ")))
        .await;
    let mut conn = ours(server).await;
    conn.query_drop("SET sql_mode = ''").await.expect("a lax mode");
    for _ in 0..ROWS {
        let literals: Vec<String> = kinds.iter().map(|(_, make)| random.or_null(*make)).collect();
        let insert = format!("INSERT INTO {db}.t VALUES (NULL, {})", literals.join(", "));
        conn.query_drop(&insert).await.unwrap_or_else(|error| panic!("{server}: {error}: {insert}"));
    }
    schema(server, &db, "t").await
}

/// Filters on one column with values that stand in it, as an operator writes them.
fn filters(random: &mut Random, table: &TableSchema, place: usize, rows: &[Vec<Value>]) -> Vec<Filter> {
    let known: Vec<String> = rows.iter().filter_map(|row| written(&row[place])).collect();
    let some = |random: &mut Random| known.get(random.below(known.len().max(1) as u64) as usize).cloned();
    let mut tests = vec![Test::Null, Test::NotNull];
    for _ in 0..TRIES {
        for sign in ["=", "!=", "<", "<=", ">", ">="] {
            let sign = sign.parse().expect("a comparison");
            tests.extend(some(random).map(|text| Test::Compare(sign, text)));
        }
        tests.extend(some(random).map(Test::IsNot));
        tests.push(Test::In((0..3).filter_map(|_| some(random)).collect()));
    }
    tests.retain(|test| !matches!(test, Test::In(texts) if texts.is_empty()));
    let column = table.columns[place].name.clone();
    let fit = |test: Test<String>| Filter::fit(&[Condition { column: column.clone(), test }], table);
    let fitted = tests.into_iter().filter_map(|test| match fit(test) {
        Ok(filter) => Some(filter),
        Err(UnfitCondition::NotComparable(_) | UnfitCondition::NotOrdered(_)) => None,
        Err(error) => panic!("{error}: {:?}", table.columns[place].kind),
    });
    fitted.collect()
}

/// A value as the configuration writes it; dates that are none cannot be written.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Int(n) => Some(n.to_string()),
        Value::UInt(n) => Some(n.to_string()),
        Value::Decimal(text) | Value::Text(text) => Some(text.clone()),
        Value::Date(date) => (!date.is_zero()).then(|| date.to_string()),
        Value::DateTime(at) => (!at.date.is_zero()).then(|| at.to_string()),
        Value::Time(time) => Some(time.to_string()),
        Value::Null | Value::Float(_) | Value::Double(_) | Value::Bytes(_) | Value::Json(_) => None,
    }
}
