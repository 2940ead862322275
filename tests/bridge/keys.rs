//! Key cells that people change, with the real script: put back, or taken over as the record's new key; and text keys that are
//! one to the server although they are spelled in several ways.

use super::goods;
use super::person::Person;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server, for_each_server};

/// No sweep comes to help.
fn setup(more: &'static str) -> Setup {
    Setup { sweep_interval: "1h", more, ..Setup::default() }
}

async fn says(ann: &Person<'_>, key: &str, words: &[&str]) {
    let what = format!("a note at {key} with {words:?}");
    let told = |note: &String| words.iter().all(|word| note.contains(word));
    eventually(SOON, &what, async || ann.sees_note(key, "id").filter(told).map(drop)).await;
}

async fn shows(ann: &Person<'_>, key: &str, name: &str) {
    let what = format!("{name} under {key}");
    eventually(SOON, &what, async || (ann.sees(key, "name").as_deref() == Some(name)).then_some(())).await;
}

#[tokio::test]
async fn a_key_that_a_person_changed_is_put_back_and_its_note_says_so() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "key_refuse", setup("")).await;
        let ann = rig.person("ann@example.com");
        ann.types(3, "id", "300");
        shows(&ann, "3", "thing 3").await;
        says(&ann, "3", &["put back", "\"300\"", "key_edits = refuse"]).await;
        // that of another record, too: nothing is deleted for it
        ann.types(4, "id", "5");
        shows(&ann, "4", "thing 4").await;
        says(&ann, "4", &["put back", "\"5\""]).await;
        rig.until_equal(SOON).await;
        assert_eq!(
            rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(),
            Some("12"),
            "{server}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_record_takes_the_key_that_a_person_gives_it_and_what_the_server_refuses_stays_with_its_reason() {
    for_each_server(async |server| {
        let child = "CREATE TABLE parts (good INT UNSIGNED NOT NULL, FOREIGN KEY (good) REFERENCES goods (id)); \
                     INSERT INTO parts VALUES (6)";
        let table = Some(format!("{}; {}; {child}", goods::CREATE, goods::sample(12)));
        let rig = Rig::open(server, "key_rename", Setup { table, ..setup("key_edits = \"rename\"") }).await;
        let ann = rig.person("ann@example.com");
        ann.adds_column("mine");
        ann.types(3, "mine", "of Ann");

        let binlog = rig.binlog().await;
        ann.types(3, "id", "300");
        rig.table_says("SELECT name FROM goods WHERE id = 300", "thing 3").await;
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(300, "mine").as_deref(), Some("of Ann"), "{server}");
        assert_eq!(binlog.written().await.by_daemon, 1, "{server}: one update, and no delete beside an insert");

        // the key of another record, then one that is free
        ann.types(4, "id", "5");
        says(&ann, "5", &["another row has this key already"]).await;
        assert_eq!(rig.ask("SELECT name FROM goods WHERE id = 4").await.as_deref(), Some("thing 4"), "{server}");
        ann.types_by("name", "thing 4", "id", "400");
        rig.table_says("SELECT name FROM goods WHERE id = 400", "thing 4").await;

        // a record that others point at
        ann.types(6, "id", "600");
        says(&ann, "600", &["rows of another table still point at it"]).await;
        assert_eq!(ann.sees(600, "name").as_deref(), Some("thing 6"), "{server}: it keeps what was typed");
        ann.types(600, "id", "6");
        rig.until_equal(SOON).await;

        // a plan counts what waits for the daemon
        rig.stop().await;
        ann.types(7, "id", "700");
        let (well, said) = rig.command(&["plan", "goods"]).await;
        assert!(well && said.contains("1 records would take the key that their rows show"), "{server}: {said}");
        rig.start().await;
        rig.table_says("SELECT name FROM goods WHERE id = 700", "thing 7").await;
        rig.until_equal(SOON).await;
    })
    .await;
}

/// A composite key, compared byte by byte.
#[tokio::test]
async fn a_key_of_two_columns_is_renamed_by_either() {
    for_each_server(async |server| {
        let table = "CREATE TABLE goods (id INT NOT NULL, lang VARCHAR(8) COLLATE utf8mb4_bin NOT NULL, \
                     name VARCHAR(60) NOT NULL, PRIMARY KEY (id, lang)); \
                     INSERT INTO goods VALUES (1, 'de', 'eins'), (1, 'en', 'one'), (2, 'en', 'two')";
        let setup = Setup { table: Some(table.into()), ..setup("key_edits = \"rename\"") };
        let rig = Rig::open_with(server, "key_composite", setup, 3).await;
        let ann = rig.person("ann@example.com");
        ann.types_by("name", "one", "lang", "EN");
        rig.table_says("SELECT name FROM goods WHERE id = 1 AND lang = 'EN'", "one").await;
        ann.types_by("name", "two", "id", "7");
        rig.table_says("SELECT lang FROM goods WHERE id = 7", "en").await;
        rig.until_base_has(3).await;
    })
    .await;
}

/// Text keys under a collation that pads, and one of the server's newest.
async fn spelled(server: &'static Server, story: &str, more: &'static str, collation: &str) -> Rig {
    let table = format!(
        "CREATE TABLE goods (id VARCHAR(20) COLLATE {collation} NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL); \
         INSERT INTO goods VALUES ('abc', 'one'), ('déf', 'two'), ('ghi', 'three')"
    );
    Rig::open_with(server, story, Setup { table: Some(table), ..setup(more) }, 3).await
}

fn newest(server: &Server) -> &'static str {
    match server.kind() {
        Kind::MySql => "utf8mb4_0900_ai_ci",
        Kind::MariaDb => "utf8mb4_uca1400_ai_ci",
    }
}

async fn keys(rig: &Rig) -> String {
    let query = "SELECT GROUP_CONCAT(CONCAT(id, '=', name) ORDER BY id) FROM goods";
    rig.ask(query).await.unwrap_or_default()
}

#[tokio::test]
async fn another_spelling_of_a_key_is_the_same_record_and_is_put_back() {
    for_each_server(async |server| {
        for collation in ["utf8mb4_unicode_ci", newest(server)] {
            let rig = spelled(server, "key_spelled", "", collation).await;
            let ann = rig.person("ann@example.com");
            let before = keys(&rig).await;
            ann.types("abc", "id", "ABC");
            shows(&ann, "abc", "one").await;
            says(&ann, "abc", &["put back", "\"ABC\""]).await;
            // with an edit beside it, which is taken; and in the letters of somebody without accents
            ann.types("déf", "name", "second");
            ann.types("déf", "id", "DEF");
            rig.table_says("SELECT name FROM goods WHERE id = 'def'", "second").await;
            shows(&ann, "déf", "second").await;
            // a line of another spelling is a second line of the record
            ann.adds(&[("name", "another"), ("id", "GHI")]);
            let told =
                async || ann.sees_note("GHI", "id").filter(|note| note.contains("several rows")).map(drop);
            eventually(SOON, "the copy is told", told).await;
            assert_eq!(keys(&rig).await, before.replace("two", "second"), "{server} {collation}");
            ann.deletes("GHI");
            rig.until_base_has(3).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_spelling_that_changes_in_the_table_or_by_a_rename_keeps_its_line() {
    for_each_server(async |server| {
        for collation in ["utf8mb4_unicode_ci", newest(server)] {
            let rig = spelled(server, "key_respelled", "key_edits = \"rename\"", collation).await;
            let ann = rig.person("ann@example.com");
            ann.adds_column("mine");
            ann.types("abc", "mine", "of Ann");
            rig.sql("UPDATE goods SET id = 'ABC' WHERE id = 'abc'").await;
            shows(&ann, "ABC", "one").await;
            assert_eq!(ann.sees("ABC", "mine").as_deref(), Some("of Ann"), "{server} {collation}");
            rig.until_base_has(3).await;
            // while nobody looks
            rig.stop().await;
            rig.sql("UPDATE goods SET id = 'Abc' WHERE id = 'abc'").await;
            rig.start().await;
            shows(&ann, "Abc", "one").await;
            assert_eq!(ann.sees("Abc", "mine").as_deref(), Some("of Ann"), "{server} {collation}");
            // a person's spelling
            ann.types("Abc", "id", "aBC");
            rig.table_says("SELECT name FROM goods WHERE BINARY id = 'aBC'", "one").await;
            ann.types("aBC", "id", "abc");
            rig.table_says("SELECT name FROM goods WHERE BINARY id = 'abc'", "one").await;
            rig.until_base_has(3).await;
            assert_eq!(ann.sees_keys(), ["abc", "déf", "ghi"], "{server} {collation}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_formulas_give_goes_into_the_table_and_nothing_is_written_over_them() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "formulas", setup("formulas = \"value\"")).await;
        let ann = rig.person("ann@example.com");
        ann.types(3, "stock", "=6*7");
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 3", "42").await;
        // what the column rounds is agreed
        ann.types(4, "price", "=10/3");
        rig.table_says("SELECT CAST(price AS CHAR) FROM goods WHERE id = 4", "3.33").await;
        // the table's own change stands beside it, held
        rig.sql("UPDATE goods SET stock = 5, name = 'changed' WHERE id = 3").await;
        shows(&ann, "3", "changed").await;
        let held = async || {
            ann.sees_note(3, "stock").filter(|note| note.contains("a formula stands here")).map(drop)
        };
        eventually(SOON, "the note of a held formula", held).await;
        assert_eq!(ann.sees(3, "stock").as_deref(), Some("42"), "{server}");
        // an error is nobody's value
        let was = rig.ask("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 5").await;
        ann.types(5, "stock", "=1/0");
        let told = async || ann.sees_note(5, "stock").filter(|note| note.contains("error")).map(drop);
        eventually(SOON, "the note of an error", told).await;
        assert_eq!(rig.ask("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 5").await, was, "{server}");
        assert_eq!(ann.sees_note(4, "price"), None, "{server}");
    })
    .await;
}
