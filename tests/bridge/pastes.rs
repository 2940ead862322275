//! Several rows at once: a paste goes into the table row by row, or as a whole where the link says so, and each row has its
//! answer.

use serde_json::Value;
use sheets_emulator::faults::{Fault, Rule};

use super::goods;
use super::person::Person;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const DDL: &str = "ALTER TABLE goods ADD CONSTRAINT dear CHECK (price < 100000)";

/// No sweep comes to help.
fn setup(more: &'static str) -> Setup {
    let table = Some(format!("{}; {DDL}; {}", goods::CREATE, goods::sample(12)));
    Setup { sweep_interval: "1h", more, table, ..Setup::default() }
}

/// Just after a start every value is looked at twice, and an edit is answered before: the first one takes that time.
async fn first_edit(rig: &Rig, ann: &Person<'_>) {
    ann.types(12, "name", "the first one");
    rig.table_says("SELECT name FROM goods WHERE id = 12", "the first one").await;
}

async fn stocks(rig: &Rig, keys: &str) -> String {
    let query =
        format!("SELECT GROUP_CONCAT(CAST(stock AS CHAR) ORDER BY id) FROM goods WHERE id IN ({keys})");
    rig.ask(&query).await.unwrap_or_default()
}

async fn says(ann: &Person<'_>, key: u32, column: &str, words: &str) {
    eventually(SOON, &format!("{words:?} at {column} of {key}"), async || {
        ann.sees_note(key, column).filter(|note| note.contains(words)).map(drop)
    })
    .await;
}

/// The answer to the newest edit, as it is stored for a repeat.
async fn last_answer(rig: &Rig) -> Value {
    eventually(SOON, "an answer", async || {
        let text: Option<String> =
            rig.server.one(&format!("SELECT answer FROM {}.edit ORDER BY id DESC LIMIT 1", rig.state)).await;
        serde_json::from_str(&text?).ok()
    })
    .await
}

fn outcomes(answer: &Value) -> Vec<(u64, &str)> {
    let rows = answer["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(|row| Some((row["row"].as_u64()?, row["outcome"].as_str()?))).collect()
}

#[tokio::test]
async fn row_by_row_the_good_ones_are_taken_and_each_row_has_its_answer() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "paste_rows", setup("")).await;
        let ann = rig.person("ann@example.com");
        first_edit(&rig, &ann).await;
        // A read of before the event would take the good ones, and the event's answer would be about the other alone.
        rig.google.faults().add(Rule::next("read", Fault::Pause { name: "the event".into() }));
        ann.pastes(3, "stock", &[&["301"], &["many"], &["303"]]);
        eventually(SOON, "the paste's event", async || (rig.state_rows("edit").await == 2).then_some(()))
            .await;
        rig.google.faults().release("the event");
        rig.table_says("SELECT CAST(SUM(stock IN (301, 303)) AS CHAR) FROM goods", "2").await;
        says(&ann, 4, "stock", "must be a whole number").await;
        let answer = last_answer(&rig).await;
        assert_eq!(answer["outcome"], "refused", "{server}: {answer}");
        assert_eq!(outcomes(&answer), [(4, "applied"), (5, "refused"), (6, "applied")], "{server}: {answer}");
        assert_eq!(answer["rows"][1]["column"], "stock", "{server}");
        ann.types(4, "stock", "302");
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn as_a_whole_one_refused_row_keeps_all_out_until_it_is_mended() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "paste_all", setup("paste = \"all\"")).await;
        let ann = rig.person("ann@example.com");
        first_edit(&rig, &ann).await;
        let before = stocks(&rig, "3,4,5,6").await;

        // when the value of one row is none
        let binlog = rig.binlog().await;
        ann.pastes(3, "stock", &[&["301"], &["many"], &["303"], &["304"]]);
        says(&ann, 4, "stock", "stock: must be a whole number").await;
        for key in [3, 5, 6] {
            says(
                &ann,
                key,
                "stock",
                "not taken over, because row 5 of the same paste was refused: stock: must be",
            )
            .await;
        }
        let answer = last_answer(&rig).await;
        let refused = [(4, "refused"), (5, "refused"), (6, "refused"), (7, "refused")];
        assert_eq!(outcomes(&answer), refused, "{server}: {answer}");
        assert_eq!(stocks(&rig, "3,4,5,6").await, before, "{server}");
        assert_eq!(binlog.written().await.by_daemon, 0, "{server}: nothing of it was written");

        // when another row of it is changed, the bad one still keeps it out
        ann.types(6, "stock", "404");
        says(&ann, 6, "stock", "because row 5").await;
        // and an edit of its own is none of the paste's business
        ann.types(9, "name", "alone");
        rig.table_says("SELECT name FROM goods WHERE id = 9", "alone").await;
        assert_eq!(stocks(&rig, "3,4,5,6").await, before, "{server}");

        // when it is mended, all of it is in the table, in one transaction
        let binlog = rig.binlog().await;
        ann.types(4, "stock", "302");
        rig.until_equal(SOON).await;
        assert_eq!(stocks(&rig, "3,4,5,6").await, "301,302,303,404", "{server}");
        let written = binlog.written().await;
        assert_eq!((written.by_daemon, written.transactions_of_daemon), (4, 1), "{server}");
        rig.sync_now().await;
        for key in [3, 4, 5, 6] {
            let silent = async || ann.sees_note(key, "stock").is_none().then_some(());
            eventually(SOON, "the end of the notes", silent).await;
        }
    })
    .await;
}

#[tokio::test]
async fn as_a_whole_the_servers_own_refusal_undoes_the_rows_before_it() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "paste_check", setup("paste = \"all\"")).await;
        let ann = rig.person("ann@example.com");
        ann.pastes(2, "stock", &[&["201", "1.5"], &["202", "2.5"], &["203", "100000"]]);
        says(&ann, 4, "price", "dear").await;
        says(&ann, 2, "stock", "because row 5").await;
        assert_ne!(stocks(&rig, "2").await, "201", "{server}: it was written first, and undone");
        // A restart forgets who belongs together; what stands together is tried together again.
        rig.stop().await;
        rig.start().await;
        says(&ann, 2, "stock", "because row 5").await;
        ann.types(4, "price", "3.5");
        rig.until_equal(SOON).await;
        assert_eq!(stocks(&rig, "2,3,4").await, "201,202,203", "{server}");
    })
    .await;
}

#[tokio::test]
async fn as_a_whole_new_rows_are_made_together_and_without_a_script_too() {
    for_each_server(async |server| {
        let rig = Rig::open(
            server,
            "paste_new",
            Setup { script: false, sweep_interval: "200ms", ..setup("paste = \"all\"") },
        )
        .await;
        let ann = rig.person("ann@example.com");
        ann.pastes_below("name", &[&["one", "1", "1"], &["two", "2", "100000"], &["three", "3", "3"]]);
        let told = |name: &'static str, words: &'static str| {
            let ann = &ann;
            eventually(SOON, words, async move || {
                ann.sees_note_by("name", name, "id").filter(|note| note.contains(words)).map(drop)
            })
        };
        told("two", "dear").await;
        told("one", "because row 15").await;
        told("three", "because row 15").await;
        let made = "SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE name IN ('one', 'two', 'three')";
        rig.table_says(made, "0").await;

        let binlog = rig.binlog().await;
        ann.types_by("name", "two", "price", "2");
        rig.table_says(made, "3").await;
        rig.until_equal(SOON).await;
        let written = binlog.written().await;
        assert_eq!((written.by_daemon, written.transactions_of_daemon), (3, 1), "{server}");
        for name in ["one", "two", "three"] {
            let silent = async || ann.sees_note_by("name", name, "id").is_none().then_some(());
            eventually(SOON, "the end of the notes", silent).await;
        }
    })
    .await;
}
