//! From the tab to the table, through the real script.

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

/// No sweep comes to help: what arrives came through the script.
fn script_alone() -> Setup {
    Setup { sweep_interval: "1h", ..Setup::default() }
}

#[tokio::test]
async fn typing_adding_deleting_sorting_and_pasting_reach_the_table() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "to_table", script_alone()).await;
        let ann = rig.person("ann@example.com");

        // typing, into columns of each kind
        ann.types(2, "name", "=1+1 is text, Zoë");
        ann.types(2, "stock", "-17");
        ann.types(2, "price", "1239.5");
        ann.types(2, "listed", "TRUE");
        ann.types(2, "since", "2026-02-28");
        ann.types(2, "code", "'18446744073709551615");
        ann.types(3, "price", "");
        let row = "SELECT CONCAT_WS('|', name, stock, price, listed, since, code) FROM goods WHERE id = 2";
        rig.table_says(row, "=1+1 is text, Zoë|-17|1239.50|1|2026-02-28|18446744073709551615").await;
        rig.table_says("SELECT COUNT(*) FROM goods WHERE id = 3 AND price IS NULL", "1").await;

        // adding a row: its key comes back
        ann.adds(&[("name", "garden hose"), ("stock", "3"), ("price", "24")]);
        rig.table_says("SELECT CONCAT(stock, ' ', price) FROM goods WHERE name = 'garden hose'", "3 24.00")
            .await;
        let key =
            rig.ask("SELECT CAST(id AS CHAR) FROM goods WHERE name = 'garden hose'").await.expect("a key");
        eventually(SOON, "the key in the tab", async || {
            (ann.sees(&key, "name").as_deref() == Some("garden hose")).then_some(())
        })
        .await;

        // sorting: the rows stand elsewhere, and what is typed next finds the right one
        ann.sorts("name", true);
        assert_ne!(ann.sees_keys()[0], "1");
        ann.types(1, "stock", "4711");
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 1", "4711").await;

        // pasting a block over keyed rows, and one of new rows below
        let second = ann.sees_keys()[1].clone();
        let third = ann.sees_keys()[2].clone();
        ann.pastes(&second, "name", &[&["pasted one", "41"], &["pasted two", "42"]]);
        ann.pastes_below("name", &[&["new one", "51", "5.1"], &["new two", "52", "5.2"]]);
        rig.table_says(&format!("SELECT CONCAT(name, stock) FROM goods WHERE id = {second}"), "pasted one41")
            .await;
        rig.table_says(&format!("SELECT CONCAT(name, stock) FROM goods WHERE id = {third}"), "pasted two42")
            .await;
        rig.table_says("SELECT CAST(SUM(stock) AS CHAR) FROM goods WHERE name LIKE 'new ___'", "103").await;

        // deleting a row
        ann.deletes(4);
        rig.table_says("SELECT COUNT(*) FROM goods WHERE id = 4", "0").await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_column_cannot_hold_changes_nothing_and_the_person_is_told_why() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "refused", script_alone()).await;
        let ann = rig.person("ann@example.com");
        let before = rig.ask("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 6").await;
        rig.until_equal(SOON).await;
        let written = rig.binlog().await;

        // when somebody types a word into a number, and a number that is too large for the column
        ann.types(6, "stock", "abc");
        ann.types(7, "stock", "99999999999");

        // then both cells have a note that says why, and no row was written
        for (key, reason) in [(6, "stock: must be a whole number"), (7, "stock: must be a whole number")] {
            let note = eventually(SOON, &format!("a note on the stock of {key}"), async || {
                ann.sees_note(key, "stock")
            })
            .await;
            assert!(note.starts_with("sheetbridge: ") && note.contains(reason), "{key}: {note}");
        }
        assert_eq!(rig.ask("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 6").await, before);
        let written = written.written().await;
        assert_eq!((written.by_daemon, written.by_others), (0, 0), "{written:?}");

        // and what is typed over it is taken, and the note goes
        ann.types(6, "stock", "8");
        ann.types(7, "stock", "9");
        rig.table_says("SELECT GROUP_CONCAT(stock ORDER BY id) FROM goods WHERE id IN (6, 7)", "8,9").await;
        eventually(SOON, "the note's end", async || ann.sees_note(6, "stock").is_none().then_some(())).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
