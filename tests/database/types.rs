//! Every column type, random values: what the binlog says is what a SELECT says.

use mysql_async::prelude::Queryable;
use sheetbridge::database::ChangeKind;
use sheetbridge::database::key::{key_of, key_of_image};
use sheetbridge::database::read::{chunk, rows_by_key};
use sheetbridge::database::statement::Lock;
use sheetbridge::model::value::Value;

use super::follow::{Follow, ours, schema, whole};
use super::random::Random;
use crate::support::server::{Kind, Server, for_each_server, shared};

const ROWS: usize = 60;

/// A column type and how to make a literal of it.
pub(crate) type Typed = (&'static str, fn(&mut Random) -> String);

pub(crate) fn integers() -> Vec<Typed> {
    vec![
        ("TINYINT", |r| r.signed(8)),
        ("TINYINT UNSIGNED", |r| r.unsigned(8)),
        ("BOOLEAN", |r| r.signed(8)),
        ("SMALLINT", |r| r.signed(16)),
        ("SMALLINT UNSIGNED", |r| r.unsigned(16)),
        ("MEDIUMINT", |r| r.signed(24)),
        ("YEAR", |r| r.pick(&["0", "1901", "2155", "2024", "1970"])),
        ("MEDIUMINT UNSIGNED", |r| r.unsigned(24)),
        ("INT", |r| r.signed(32)),
        ("INT UNSIGNED", |r| r.unsigned(32)),
        ("BIGINT", |r| r.signed(64)),
        ("BIGINT UNSIGNED", |r| r.unsigned(64)),
        ("BIT(1)", |r| r.unsigned(1)),
        ("BIT(10)", |r| r.unsigned(10)),
        ("BIT(64)", |r| r.unsigned(64)),
    ]
}

pub(crate) fn numbers() -> Vec<Typed> {
    vec![
        ("DECIMAL(10,2)", |r| r.decimal(8, 2)),
        ("DECIMAL(65,30)", |r| r.decimal(35, 30)),
        ("DECIMAL(5,5)", |r| r.decimal(0, 5)),
        ("DECIMAL(18,0)", |r| r.decimal(18, 0)),
        ("DECIMAL(1,0) UNSIGNED", |r| r.below(10).to_string()),
        ("FLOAT", |r| format!("{:e}", r.float())),
        ("DOUBLE", |r| format!("{:e}", r.double())),
    ]
}

pub(crate) fn times() -> Vec<Typed> {
    vec![
        ("DATE", |r| r.date()),
        ("TIME", |r| r.time(0)),
        ("TIME(1)", |r| r.time(1)),
        ("TIME(2)", |r| r.time(2)),
        ("TIME(3)", |r| r.time(3)),
        ("TIME(4)", |r| r.time(4)),
        ("TIME(6)", |r| r.time(6)),
        ("DATETIME", |r| r.datetime(0)),
        ("DATETIME(1)", |r| r.datetime(1)),
        ("DATETIME(3)", |r| r.datetime(3)),
        ("DATETIME(5)", |r| r.datetime(5)),
        ("DATETIME(6)", |r| r.datetime(6)),
        ("TIMESTAMP NULL", |r| r.timestamp(0)),
        ("TIMESTAMP(2) NULL", |r| r.timestamp(2)),
        ("TIMESTAMP(6) NULL", |r| r.timestamp(6)),
    ]
}

pub(crate) fn texts() -> Vec<Typed> {
    vec![
        ("CHAR(20)", |r| r.text(20)),
        ("CHAR(255) CHARACTER SET utf8mb4", |r| r.text(200)),
        ("VARCHAR(30) CHARACTER SET latin1", |r| r.text(30)),
        ("VARCHAR(300)", |r| r.text(300)),
        ("VARCHAR(40) CHARACTER SET gbk", |r| r.text(40)),
        ("VARCHAR(40) CHARACTER SET ucs2", |r| r.text(40)),
        ("CHAR(40) CHARACTER SET utf16", |r| r.text(40)),
        ("TINYTEXT", |r| r.text(60)),
        ("TEXT CHARACTER SET sjis", |r| r.text(400)),
        ("MEDIUMTEXT", |r| r.text(400)),
        ("LONGTEXT", |r| r.text(400)),
        ("ENUM('a','b''c','d,e','')", |r| r.pick(&["'a'", "'b''c'", "'d,e'", "''", "'no member'"])),
        ("ENUM('ä','中') CHARACTER SET gbk", |r| r.pick(&["'中'", "1"])),
        ("SET('x','y','z')", |r| r.pick(&["''", "'x'", "'x,z'", "'z,y,x'"])),
        (SIXTY_FOUR, |r| r.unsigned(64)),
        ("BINARY(16)", |r| r.bytes(16)),
        ("BINARY(3)", |r| r.pick(&["x'000000'", "x'200000'", "x'010020'", "x'ff'"])),
        ("VARBINARY(300)", |r| r.bytes(300)),
        ("TINYBLOB", |r| r.bytes(200)),
        ("BLOB", |r| r.bytes(500)),
        ("LONGBLOB", |r| r.bytes(500)),
        ("GEOMETRY", |r| format!("ST_GeomFromText('POINT({} {})')", r.below(90), r.below(90))),
        ("VARCHAR(9)", |r| r.text(9)),
        ("JSON", |r| r.json()),
    ]
}

pub(crate) fn maria() -> Vec<Typed> {
    vec![
        ("UUID", |r| r.uuid()),
        ("INET4", |r| r.inet4()),
        ("INET6", |r| r.inet6()),
        ("VARCHAR(40) CHARACTER SET utf32", |r| r.text(40)),
    ]
}

const SIXTY_FOUR: &str = "SET('a0','a1','a2','a3','a4','a5','a6','a7','a8','a9','b0','b1','b2','b3','b4','b5','b6','b7','b8','b9',\
    'c0','c1','c2','c3','c4','c5','c6','c7','c8','c9','d0','d1','d2','d3','d4','d5','d6','d7','d8','d9',\
    'e0','e1','e2','e3','e4','e5','e6','e7','e8','e9','f0','f1','f2','f3','f4','f5','f6','f7','f8','f9','g0','g1','g2','g3')";

/// What only one of the two has.
fn own(kind: Kind) -> Vec<Typed> {
    match kind {
        Kind::MariaDb => maria(),
        Kind::MySql => {
            vec![("VECTOR(2)", |r| format!("STRING_TO_VECTOR('[{},{}]')", r.below(9), r.below(9)))]
        }
    }
}

async fn every_type_is_equal_on_both_paths(server: &Server) {
    let stories = [
        ("integers", integers()),
        ("numbers", numbers()),
        ("times", times()),
        ("texts", texts()),
        ("own", own(server.kind())),
    ];
    for (story, kinds) in stories {
        equal_on_both_paths(server, story, &kinds).await;
    }
}

/// MySQL logs the least metadata that it can, MariaDB none at all.
#[tokio::test]
async fn decoded_is_selected_for_every_type() {
    for_each_server(every_type_is_equal_on_both_paths).await;
}

#[tokio::test]
async fn decoded_is_selected_where_the_event_explains_itself() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &["--binlog-row-metadata=FULL"]).await;
        every_type_is_equal_on_both_paths(&server).await;
    }
}

#[tokio::test]
async fn decoded_is_selected_where_mariadb_logs_the_least_metadata() {
    let server = Server::start(Kind::MariaDb, &["--binlog-row-metadata=MINIMAL"]).await;
    every_type_is_equal_on_both_paths(&server).await;
}

/// Around the exponents where the print changes its form, ties between two shortest prints, powers of two (where the
/// numbers below lie nearer than those above), and any bits. MariaDB's JSON is a text that nobody prints again.
#[tokio::test]
async fn json_doubles_are_printed_as_the_server_prints_them() {
    let server = shared(Kind::MySql).await;
    let mut random = Random::seeded();
    let db = server.fresh_database("doubles").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, a JSON)")).await;
    let table = schema(server, &db, "t").await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    let mut numbers = vec![0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324];
    numbers.extend((-1074..1024).map(|power| 2_f64.powi(power)));
    numbers.extend((-30..30).flat_map(|power| [1.0, 1.5, 123.0].map(|x| x * 10_f64.powi(power))));
    numbers.extend((0..4000).map(|_| (random.next() >> 11 | 1 << 52) as f64 / 8.0));
    numbers.extend((0..4000).map(|_| random.double()));
    let any = std::iter::repeat_with(|| f64::from_bits(random.next())).filter(|x| x.is_finite());
    numbers.extend(any.take(4000));
    let mut decoded: Vec<Vec<Value>> = Vec::new();
    for (id, some) in numbers.chunks(1000).enumerate() {
        let list: Vec<String> = some.iter().map(|x| format!("{x:.17e}")).collect();
        server.sql(&format!("INSERT INTO {db}.t VALUES ({id}, '[{}]')", list.join(", "))).await;
        let Some(ChangeKind::Insert { after }) = follow.changes().await.pop() else {
            panic!("{server}: an insert");
        };
        decoded.push(whole(&after));
    }
    let selected = chunk(&mut ours(server).await, &table, None, 1000, Lock::None).await.expect("selects");
    assert_eq!(decoded.len(), selected.len(), "{server}");
    for (ours, theirs) in decoded.iter().zip(&selected) {
        let split = |row: &[Value]| -> Vec<String> {
            let Some(Value::Json(text)) = row.last() else { panic!("{server}: JSON, not {row:?}") };
            text.split(", ").map(str::to_owned).collect()
        };
        for (ours, theirs) in split(ours).iter().zip(split(theirs)) {
            assert_eq!(*ours, theirs, "{server}: the server prints it so");
        }
        assert!(ours == theirs, "{server}: the two are one text");
    }
}

/// Inserts random rows, changes all and deletes some, and holds each image against what was selected beside it.
/// MariaDB counts on to 2106 from 11.5 on (`make mariadb-11`); an older one says that it has no such time.
#[tokio::test]
async fn timestamps_past_2038_are_read_as_they_are_or_refused_by_the_server() {
    let server = shared(Kind::MariaDb).await;
    let has_them: bool = server.one("SELECT FROM_UNIXTIME(4294967295) IS NOT NULL").await;
    let db = server.fresh_database("late").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, at TIMESTAMP(3) NULL)")).await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    let insert = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'; INSERT INTO";
    let rows = "(1, '2038-01-19 03:14:08.250'), (2, '2106-02-07 06:28:15')";
    let done = server.connect().await.query_drop(format!("{insert} {db}.t VALUES {rows}")).await;
    assert_eq!(done.is_ok(), has_them, "{server}: {done:?}");
    if !has_them {
        return;
    }
    let table = schema(server, &db, "t").await;
    let selected =
        chunk(&mut ours(server).await, &table, None, 10, Lock::None).await.expect("the rows are read");
    let decoded: Vec<Vec<Value>> = follow
        .changes()
        .await
        .iter()
        .map(|change| match change {
            ChangeKind::Insert { after } => whole(after),
            other => panic!("{server}: {other:?}"),
        })
        .collect();
    assert_eq!((decoded.len(), &decoded), (2, &selected), "{server}");
}

async fn equal_on_both_paths(server: &Server, story: &str, kinds: &[Typed]) {
    let mut random = Random::seeded();
    let db = server.fresh_database(story).await;
    let columns: Vec<String> =
        kinds.iter().enumerate().map(|(i, (kind, _))| format!("c{i} {kind}")).collect();
    let created = format!("CREATE TABLE {db}.t (id INT AUTO_INCREMENT PRIMARY KEY, {})", columns.join(", "));
    server.sql(&created).await;
    let table = schema(server, &db, "t").await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    let mut conn = ours(server).await;
    conn.query_drop("SET sql_mode = ''").await.expect("a lax mode");

    let mut before: Vec<Vec<Value>> = Vec::new();
    for _ in 0..ROWS {
        let literals: Vec<String> = kinds.iter().map(|(_, make)| random.or_null(*make)).collect();
        let insert = format!("INSERT INTO {db}.t VALUES (NULL, {})", literals.join(", "));
        conn.query_drop(&insert).await.unwrap_or_else(|error| panic!("{server}: {error}: {insert}"));
        let Some(ChangeKind::Insert { after }) = follow.changes().await.pop() else {
            panic!("{server}: an insert");
        };
        before.push(whole(&after));
    }
    let selected = chunk(&mut conn, &table, None, ROWS + 1, Lock::Share).await.expect("selects");
    same(server, kinds, &before, &selected);

    let assignments: Vec<String> =
        kinds.iter().enumerate().map(|(i, (_, make))| format!("c{i} = {}", random.or_null(*make))).collect();
    conn.query_drop(format!("UPDATE {db}.t SET {} WHERE id % 2 = 0", assignments.join(", ")))
        .await
        .expect("updates");
    let mut updated = Vec::new();
    for change in follow.changes().await {
        let ChangeKind::Update { before: old, after } = change else {
            panic!("{server}: an update");
        };
        let key = key_of_image(&table, &old).expect("a full image");
        let was = before.iter().find(|row| key_of(&table, row) == key).expect("a known row");
        assert!(whole(&old) == *was, "{server}: the image before is the row as it was");
        updated.push((key, whole(&after)));
    }
    let keys: Vec<_> = updated.iter().map(|(key, _)| key.clone()).collect();
    let read = rows_by_key(&mut conn, &table, &keys, Lock::None).await.expect("selects");
    for ((key, decoded), (asked, found)) in updated.iter().zip(read) {
        assert_eq!(*key, asked);
        same(server, kinds, std::slice::from_ref(decoded), &[found.expect("the row is there")]);
    }
}

fn same(server: &Server, kinds: &[Typed], decoded: &[Vec<Value>], selected: &[Vec<Value>]) {
    assert_eq!(decoded.len(), selected.len(), "{server}");
    for (left, right) in decoded.iter().zip(selected) {
        for (i, (a, b)) in left.iter().zip(right).enumerate() {
            let kind = i.checked_sub(1).map_or("id", |i| kinds[i].0);
            let (a_shown, b_shown) = (serde_json::to_string(a), serde_json::to_string(b));
            assert!(a == b, "{server} {kind}: decoded {a_shown:?}, selected {b_shown:?}");
        }
    }
}
