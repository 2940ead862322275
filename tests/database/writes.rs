//! Rows read and written as the engine wants them, and what the server refuses.

use std::path::PathBuf;
use std::process::Command;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use secrecy::SecretString;
use sheetbridge::database::check::{Weight, check};
use sheetbridge::database::connect::{Address, Server as Account, Tls, session};
use sheetbridge::database::error::Error;
use sheetbridge::database::key::key_of;
use sheetbridge::database::read::{chunk, rows_by_key};
use sheetbridge::database::schema::table_schema;
use sheetbridge::database::spelling::{equal, is_loose, own};
use sheetbridge::database::statement::Lock;
use sheetbridge::database::write;
use sheetbridge::model::key::Key;
use sheetbridge::model::temporal::{Date, DateTime, Time};
use sheetbridge::model::value::{Real, Value};

use super::follow::{account, name, ours, schema};
use crate::support::server::{Kind, Server, for_each_server, shared};

fn word(s: &str) -> Value {
    Value::Text(s.to_owned())
}

#[tokio::test]
async fn a_row_is_inserted_locked_changed_and_deleted_in_a_transaction() {
    for_each_server(async |server| {
        let db = server.fresh_database("guarded").await;
        server
            .sql(&format!("CREATE TABLE {db}.t (n VARCHAR(9), id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, d INT DEFAULT 5)"))
            .await;
        let table = schema(server, &db, "t").await;
        let mut conn = ours(server).await;
        let mut tx = conn.start_transaction(TxOpts::default()).await.expect("begins");
        let key = write::insert(&mut tx, &table, &[(0, word("a"))]).await.expect("inserts");
        assert_eq!(key, Key(vec![Value::Int(1)]), "{server}");
        let row = write::lock_row(&mut tx, &table, &key).await.expect("locks");
        assert_eq!(row, Some(vec![word("a"), Value::Int(1), Value::Int(5)]), "{server}");

        // Setting what stands there already still finds the row.
        assert!(write::update(&mut tx, &table, &key, &[(0, word("a"))]).await.expect("updates"));
        assert!(write::update(&mut tx, &table, &key, &[(1, Value::Int(7)), (2, Value::Null)]).await.expect("updates"));
        let moved = Key(vec![Value::Int(7)]);
        assert!(!write::update(&mut tx, &table, &key, &[(0, word("b"))]).await.expect("updates"), "{server}: no such row");
        assert!(write::delete(&mut tx, &table, &moved).await.expect("deletes"));
        assert!(!write::delete(&mut tx, &table, &moved).await.expect("deletes"));
        assert_eq!(write::lock_row(&mut tx, &table, &moved).await.expect("locks"), None, "{server}");
        tx.commit().await.expect("commits");
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_value_is_written_as_it_is_read() {
    for_each_server(async |server| {
        let db = server.fresh_database("written").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (k VARBINARY(9) PRIMARY KEY, u BIGINT UNSIGNED, d DECIMAL(20,5), f FLOAT, e DOUBLE, t TEXT, \
                 b BLOB, dt DATE, ts TIMESTAMP(6) NULL, ti TIME(3), y YEAR, bi BIT(10), j JSON, en ENUM('x','y'), l VARCHAR(9) CHARACTER SET latin1)"
            ))
            .await;
        let table = schema(server, &db, "t").await;
        let date = Date { year: 2024, month: 2, day: 29 };
        let at = DateTime { date, hour: 1, minute: 2, second: 3, micros: 4 };
        let values = [
            Value::Bytes(vec![0, 255, 39, 92]),
            Value::UInt(u64::MAX),
            Value::Decimal("-123456789.12345".into()),
            Value::Float(Real::new(0.1_f32.into())),
            Value::Double(Real::new(0.1)),
            word("'; DROP TABLE t; -- ä🙂"),
            Value::Bytes(vec![0, 1, 254]),
            Value::Date(date),
            Value::DateTime(at),
            Value::Time(Time { micros: -123_456_789_000 }),
            Value::Int(1901),
            Value::Int(513),
            Value::Json(r#"{"a": [1, "ü"]}"#.into()),
            word("y"),
            word("é€"),
        ];
        let given: Vec<(usize, Value)> = values.iter().cloned().enumerate().collect();
        let mut conn = ours(server).await;
        let key = write::insert(&mut conn, &table, &given).await.unwrap_or_else(|error| panic!("{server}: {error}"));
        let row = write::lock_row(&mut conn, &table, &key).await.unwrap_or_else(|error| panic!("{server}: {error}"));
        assert!(row.as_deref() == Some(&values), "{server}: {}", serde_json::to_string(&row).unwrap());
        assert!(write::delete(&mut conn, &table, &key).await.expect("deletes"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn the_servers_refusals_are_sentences_that_name_the_column_and_no_value() {
    for_each_server(async |server| {
        let db = server.fresh_database("refused").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.p (id INT PRIMARY KEY); CREATE TABLE {db}.t (id INT PRIMARY KEY, n TINYINT NOT NULL, \
                 s VARCHAR(3), u INT UNIQUE, d DATE, p INT, j JSON, e ENUM('x'), c INT, m INT NOT NULL, \
                 CONSTRAINT parent FOREIGN KEY (p) REFERENCES {db}.p (id), CONSTRAINT positive CHECK (c > 0)); \
                 INSERT INTO {db}.t (id, n, u, m) VALUES (1, 1, 1, 1)"
            ))
            .await;
        server
            .sql(&format!(
                "CREATE TRIGGER {db}.no BEFORE UPDATE ON {db}.t FOR EACH ROW BEGIN IF NEW.m = 13 THEN SIGNAL SQLSTATE '45000' \
                 SET MESSAGE_TEXT = 'thirteen is unlucky'; END IF; END"
            ))
            .await;
        let table = schema(server, &db, "t").await;
        let mut conn = ours(server).await;
        let key = Key(vec![Value::Int(1)]);
        let refusals = [
            ("n", Value::Int(300), "out of range for n"),
            ("n", Value::Null, "n must not be empty"),
            ("n", word("secret"), "not a value that n can hold"),
            ("s", word("secret"), "too long for s"),
            ("d", word("secret"), "not a value that d can hold"),
            ("p", Value::Int(77), "it points at a row that is not there (parent)"),
            ("e", word("secret"), "not a value that e can hold"),
            ("c", Value::Int(-1), "the table's rule positive does not allow it"),
            ("m", Value::Int(13), "the table says: thirteen is unlucky"),
        ];
        for (column, value, sentence) in refusals {
            let at = table.position(column).expect("a column");
            let error = write::update(&mut conn, &table, &key, &[(at, value)]).await.expect_err("refused");
            assert!(matches!(error, Error::Refused(_)), "{server} {column}: {error}");
            assert_eq!(error.to_string(), sentence, "{server}");
        }
        let insert = async |conn: &mut Conn, id: i64, u: i64| {
            write::insert(conn, &table, &[(0, Value::Int(id)), (1, Value::Int(1)), (3, Value::Int(u)), (9, Value::Int(1))]).await
        };
        let said = async |conn: &mut Conn, id, u| insert(conn, id, u).await.expect_err("refused").to_string();
        assert_eq!(said(&mut conn, 1, 5).await, "another row has this key already", "{server}");
        assert_eq!(said(&mut conn, 2, 1).await, "another row has the same value, and u allows it once only", "{server}");
        let missing = write::insert(&mut conn, &table, &[(0, Value::Int(3)), (1, Value::Int(3))]).await;
        assert_eq!(missing.expect_err("refused").to_string(), "m must be filled in", "{server}");
        let keyless = write::insert(&mut conn, &table, &[(1, Value::Int(3))]).await;
        assert!(matches!(keyless, Err(Error::KeyUnknown(_))), "{server}");
        let bad_json = write::update(&mut conn, &table, &key, &[(6, Value::Json("{secret".into()))]).await;
        assert!(!bad_json.expect_err("refused").to_string().contains("secret"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_locked_row_is_busy_within_a_second_or_so() {
    for_each_server(async |server| {
        let db = server.fresh_database("busy").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY); INSERT INTO {db}.t VALUES (1)")).await;
        let table = schema(server, &db, "t").await;
        let key = Key(vec![Value::Int(1)]);
        let (mut first, mut second) = (ours(server).await, ours(server).await);
        let mut tx = first.start_transaction(TxOpts::default()).await.expect("begins");
        write::lock_row(&mut tx, &table, &key).await.expect("locks");
        let error = write::lock_row(&mut second, &table, &key).await.expect_err("busy");
        assert!(matches!(error, Error::Busy { .. }), "{server}: {error}");
        let shared = rows_by_key(&mut second, &table, &[key], Lock::Share).await;
        assert!(matches!(shared, Err(Error::Busy { .. })), "{server}");
    })
    .await;
}

#[tokio::test]
async fn paging_by_any_key_loses_no_row_and_repeats_none() {
    for_each_server(async |server| {
        let db = server.fresh_database("paging").await;
        let keys = [
            (
                "VARCHAR(9) COLLATE utf8mb4_unicode_ci",
                "('b'), ('A'), ('ä2'), ('a1'), ('Ab'), ('z'), ('Ö'), ('o1'), ('')",
            ),
            (
                "VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_german1_ci",
                "('b'), ('A'), ('ä2'), ('Z'), ('Ö'), ('o1')",
            ),
            ("VARBINARY(9)", "(''), (x'00'), (x'0000'), (x'ff'), (x'20'), ('a'), ('A')"),
            ("BINARY(4)", "(x'00'), (x'01'), (x'20'), (x'2020'), ('a')"),
            ("ENUM('z','b','a')", "('a'), ('b'), ('z')"),
            ("SET('z','b','a')", "('a'), ('b'), ('z'), ('z,a'), ('')"),
            ("DECIMAL(10,2)", "(-1.5), (0), (10.25), (2)"),
            ("BIGINT UNSIGNED", "(0), (18446744073709551615), (9223372036854775808)"),
            ("DATETIME(3)", "('2024-01-01 00:00:00.5'), ('1000-01-01'), ('9999-12-31 23:59:59.999')"),
            ("TIME(2)", "('-838:59:59'), ('-00:00:00.5'), ('00:00:00'), ('100:00:00')"),
            ("BIT(9)", "(0), (1), (256), (511)"),
            ("YEAR", "(0), (1901), (2155)"),
        ];
        for (i, (kind, values)) in keys.into_iter().enumerate() {
            server.sql(&format!("CREATE TABLE {db}.t{i} (b INT, a {kind}, PRIMARY KEY (a, b))")).await;
            for b in [1, 2] {
                let rows = values.replace(')', &format!(", {b})"));
                server.sql(&format!("INSERT INTO {db}.t{i} (a, b) VALUES {rows}")).await;
            }
            let table = schema(server, &db, &format!("t{i}")).await;
            let mut conn = ours(server).await;
            let all = chunk(&mut conn, &table, None, 100, Lock::None).await.expect("selects");
            assert_eq!(all.len(), 2 * values.matches('(').count(), "{server} {kind}");
            let mut paged: Vec<Vec<Value>> = Vec::new();
            loop {
                let after = paged.last().map(|row| key_of(&table, row));
                let page = chunk(&mut conn, &table, after.as_ref(), 3, Lock::None).await.expect("selects");
                let last = page.len() < 3;
                paged.extend(page);
                if last {
                    break;
                }
            }
            assert!(paged == all, "{server} {kind}: {} of {}", paged.len(), all.len());
            let keys: Vec<Key> = all.iter().map(|row| key_of(&table, row)).collect();
            let found = rows_by_key(&mut conn, &table, &keys, Lock::None).await.expect("selects");
            for ((key, row), expected) in found.into_iter().zip(&all) {
                assert!(row.as_ref() == Some(expected), "{server} {kind} {key}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_in_another_spelling_finds_its_row() {
    for_each_server(async |server| {
        let db = server.fresh_database("spelling").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (k VARCHAR(9) COLLATE utf8mb4_unicode_ci PRIMARY KEY); INSERT INTO {db}.t VALUES ('Ann  '), ('bob')"
            ))
            .await;
        let table = schema(server, &db, "t").await;
        let keys = ["ANN", "bob ", "carl"].map(|k| Key(vec![word(k)]));
        let found = rows_by_key(&mut ours(server).await, &table, &keys, Lock::None).await.expect("selects");
        let rows: Vec<_> = found.into_iter().map(|(_, row)| row).collect();
        assert_eq!(rows, [Some(vec![word("Ann  ")]), Some(vec![word("bob")]), None], "{server}");
    })
    .await;
}

#[tokio::test]
async fn the_server_tells_its_own_spelling_of_a_key_and_which_keys_are_one() {
    for_each_server(async |server| {
        let db = server.fresh_database("own_spelling").await;
        for (table, columns, rows) in [
            ("utf", "k VARCHAR(9) COLLATE utf8mb4_unicode_ci, n INT", "('Ann  ', 1), ('éva', 1), ('straße', 1)"),
            ("latin", "k CHAR(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci, n INT", "('Ann', 1), ('éva', 1), ('bo', 1)"),
        ] {
            server
                .sql(&format!(
                    "CREATE TABLE {db}.{table} ({columns}, PRIMARY KEY (n, k)); INSERT INTO {db}.{table} VALUES {rows}"
                ))
                .await;
            let schema = schema(server, &db, table).await;
            assert!(is_loose(&schema), "{server} {table}");
            let key = |k: &str, n| Key(vec![Value::Int(n), word(k)]);
            let asked = [key("ANN", 1), key("Ann", 1), key("ANN", 2), key("carl", 1), key("ÉVA", 1)];
            let mut conn = ours(server).await;
            let mut found = own(&mut conn, &schema, &asked).await.expect("selects");
            found.sort();
            let mut expected = [(key("ANN", 1), key("Ann", 1)), (key("Ann", 1), key("Ann", 1)), (key("ÉVA", 1), key("éva", 1))];
            expected.sort();
            assert_eq!(found, expected, "{server} {table}");
            let pairs = [
                (key("zoe", 1), key("ZOE", 1)),
                (key("zoe", 1), key("ZOE", 2)),
                (key("zoe", 1), key("zo", 1)),
                (key("zoé", 1), key("ZOÉ", 1)),
            ];
            let one = equal(&mut conn, &schema, &pairs).await.expect("compares");
            assert_eq!(one, [true, false, false, true], "{server} {table}");
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    for_each_server(async |server| {
        let db = server.fresh_database("hostile").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.`o'r``d; -- \"` (`i``d` INT PRIMARY KEY, `sel'ect \"x\"` VARCHAR(9), `näme 中` INT); \
                 INSERT INTO {db}.`o'r``d; -- \"` VALUES (1, 'a', 2)"
            ))
            .await;
        let table = schema(server, &db, "o'r`d; -- \"").await;
        let mut conn = ours(server).await;
        let key = Key(vec![Value::Int(1)]);
        assert!(write::update(&mut conn, &table, &key, &[(1, word("b"))]).await.expect("updates"));
        let row = write::lock_row(&mut conn, &table, &key).await.expect("locks");
        assert_eq!(row, Some(vec![Value::Int(1), word("b"), Value::Int(2)]), "{server}");
        let none = table_schema(&mut conn, &name(&db, "nothing")).await;
        assert!(matches!(none, Err(Error::NoTable(_))), "{server}");
    })
    .await;
}

#[tokio::test]
async fn our_sessions_are_strict_in_utc_and_know_all_letters() {
    for_each_server(async |server| {
        let mut conn = ours(server).await;
        let said: Option<(String, String, i64, String)> = conn
            .query_first("SELECT @@sql_mode, @@time_zone, @@innodb_lock_wait_timeout, @@character_set_client")
            .await
            .expect("selects");
        let expected =
            ("STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION".into(), "+00:00".into(), 1, "utf8mb4".into());
        assert_eq!(said, Some(expected), "{server}");
    })
    .await;
}

#[tokio::test]
async fn tls_that_is_required_is_never_given_up() {
    let mysql = shared(Kind::MySql).await;
    let with = |tls: Tls| Account { tls, ..account(mysql) };
    let mut conn = session(&with(Tls::Required)).await.expect("the server has TLS");
    let cipher: Option<(String, String)> =
        conn.query_first("SHOW SESSION STATUS LIKE 'Ssl_cipher'").await.expect("selects");
    assert!(cipher.is_some_and(|(_, cipher)| !cipher.is_empty()));
    // From 11.4 on it has TLS unless it is told otherwise.
    let maria = Server::start(Kind::MariaDb, &["--skip-ssl"]).await;
    let asking = Account { tls: Tls::Required, ..account(&maria) };
    let refused = session(&asking).await.map(drop);
    assert!(matches!(refused, Err(Error::Tls(_))), "{maria} has no TLS");
    let socket = Account { address: Address::Socket(maria.socket()), ..account(&maria) };
    session(&socket).await.expect("the socket is open");
}

#[tokio::test]
async fn a_certificate_must_come_from_the_authority_and_name_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let made =
        Command::new("sh").arg("-c").arg(CERTIFICATES).current_dir(&folder).output().expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = |file: &str| folder.path().join(file);
    let option = |name: &str, file: &str| format!("--{name}={}", path(file).display());
    let options =
        [option("ssl-ca", "ca.pem"), option("ssl-cert", "server.pem"), option("ssl-key", "server.key")];
    for kind in Kind::ALL {
        let server = Server::start(kind, &options.each_ref().map(String::as_str)).await;
        let with = |host: &str, ca: Option<PathBuf>| Account {
            tls: Tls::VerifyIdentity(ca),
            address: Address::Tcp { host: host.to_owned(), port: server.port() },
            ..account(&server)
        };
        session(&with("localhost", Some(path("ca.pem"))))
            .await
            .unwrap_or_else(|error| panic!("{server}: {error}"));
        let wrong = [
            with("127.0.0.1", Some(path("ca.pem"))),
            with("localhost", None),
            with("localhost", Some(path("server.pem"))),
        ];
        for asking in wrong {
            let refused = session(&asking).await.map(drop);
            assert!(matches!(refused, Err(Error::Tls(_))), "{server}: {asking:?} {refused:?}");
        }
    }
}

/// An authority, and a server's certificate for `localhost` by it.
const CERTIFICATES: &str = "set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost' > names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names
chmod a+rx . && chmod a+r *";

#[tokio::test]
async fn preflight_names_what_is_missing_and_how_to_mend_it() {
    for_each_server(async |server| {
        let db = server.fresh_database("preflight").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.good (id INT PRIMARY KEY); CREATE TABLE {db}.keyless (n INT) ENGINE = MyISAM; \
                 CREATE TABLE {db}.child (id INT PRIMARY KEY, g INT, CONSTRAINT fk FOREIGN KEY (g) REFERENCES {db}.good (id) ON DELETE CASCADE); \
                 CREATE USER {db}@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON {db}.* TO {db}@'%'"
            ))
            .await;
        let tables = ["good", "keyless", "child", "absent"].map(|table| name(&db, table));
        let stranger = Account {
            user: db.clone(),
            password: SecretString::from("secret"),
            ..account(server)
        };
        // Without TLS a password of MySQL's kind goes by the server's RSA key.
        let mut conn = session(&stranger).await.expect("a session opens");
        let findings = check(&mut conn, &tables).await.expect("checks");
        let weight = |name: &str| findings.iter().find(|f| f.name == name).map(|f| f.weight);
        assert_eq!(weight("log_bin"), Some(Weight::Fine), "{server}");
        assert_eq!(weight("binlog_format"), Some(Weight::Fine), "{server}");
        assert_eq!(weight("sync_binlog"), Some(Weight::Warning), "{server}");
        assert_eq!(weight("right: REPLICATION SLAVE"), Some(Weight::Stop), "{server}");
        assert_eq!(weight(&format!("{db}.good: key")), Some(Weight::Fine), "{server}");
        assert_eq!(weight(&format!("{db}.keyless: key")), Some(Weight::Stop), "{server}");
        assert_eq!(weight(&format!("{db}.keyless: engine")), Some(Weight::Warning), "{server}");
        assert_eq!(weight(&format!("{db}.absent")), Some(Weight::Stop), "{server}");
        let cascade = weight(&format!("{db}.child: foreign key fk"));
        let expected = (server.kind() == Kind::MariaDb).then_some(Weight::Warning);
        assert_eq!(cascade, expected, "{server}");

        // What it says mends it.
        for finding in findings.iter().filter(|f| f.name.starts_with("right:") || f.name.contains("keyless")).filter(|f| !f.fix.is_empty()) {
            server.sql(&finding.fix).await;
        }
        let mut conn = session(&stranger).await.expect("a session opens");
        let again = check(&mut conn, &tables[..3]).await.expect("checks");
        let stops: Vec<_> = again.iter().filter(|f| f.weight == Weight::Stop).collect();
        assert!(stops.is_empty(), "{server}: {stops:?}");
    })
    .await;
}
