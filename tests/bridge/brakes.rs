//! Brakes on real servers: what looks like an accident is not carried out, says so everywhere, outlives a restart, and goes on
//! when it is undone or when an operator lets it.

use super::person::Person;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

fn swept() -> Setup {
    Setup { sweep_interval: "300ms", ..Setup::default() }
}

/// Waits until the header says all of these words.
async fn header_says(ann: &Person<'_>, words: &[&str]) {
    eventually(SOON, &format!("{words:?} at the header"), async || {
        let notes = ann.sees_header_notes().join("\n");
        words.iter().all(|word| notes.contains(word)).then_some(())
    })
    .await;
}

async fn header_is_silent(ann: &Person<'_>) {
    let silent = async || ann.sees_header_notes().is_empty().then_some(());
    eventually(SOON, "a header without notes", silent).await;
}

/// Waits until the command ends like this, and says these words.
async fn tells(rig: &Rig, arguments: &[&str], good: bool, words: &[&str]) {
    eventually(SOON, &format!("{arguments:?} to say {words:?}"), async || {
        let (code, said) = rig.command(arguments).await;
        let told = code == good && words.iter().all(|word| said.contains(word));
        if !told {
            println!("{arguments:?} says: {said}");
        }
        told.then_some(())
    })
    .await;
}

#[tokio::test]
async fn half_of_a_tab_that_is_deleted_waits_for_an_operator_who_names_the_number() {
    for_each_server(async |server| {
        // given twelve rows, when somebody deletes seven
        let rig = Rig::open(server, "mass", swept()).await;
        let ann = rig.person("ann@example.com");
        for id in 1..=7 {
            assert!(ann.deletes(id), "{server}");
        }
        // then nothing is deleted, the brake is named with its cure at the header and in the status, and edits go on
        header_says(&ann, &["7 of 12 rows are gone", "sheetbridge resume goods --allow-deletes 7"]).await;
        tells(&rig, &["status"], false, &["the daemon runs", "mass_delete", "--allow-deletes 7"]).await;
        ann.types(9, "stock", "99");
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 9", "99").await;
        // also after a restart
        rig.stop().await;
        tells(&rig, &["status"], false, &["the daemon does not run", "mass_delete"]).await;
        rig.start().await;
        header_says(&ann, &["--allow-deletes 7"]).await;
        // when an operator names another number, then it is refused with the right one
        for wrong in [&["resume", "goods"][..], &["resume", "goods", "--allow-deletes", "6"]] {
            let (good, said) = rig.command(wrong).await;
            assert!(!good && said.contains("--allow-deletes 7"), "{server}: {said}");
        }
        assert_eq!(rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(), Some("12"));
        // when he names seven, then seven rows are deleted
        tells(
            &rig,
            &["plan", "goods"],
            true,
            &["7 rows would be deleted in the table", "nothing was written"],
        )
        .await;
        let (good, said) = rig.command(&["resume", "goods", "--allow-deletes", "7"]).await;
        assert!(good && said.contains("goods goes on"), "{server}: {said}");
        rig.table_says("SELECT CAST(COUNT(*) AS CHAR) FROM goods", "5").await;
        header_is_silent(&ann).await;
        rig.sync_now().await;
        rig.until_equal(SOON).await;
        tells(&rig, &["status"], true, &["goods: followed, 5 rows"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_column_that_is_sorted_alone_changes_nothing_and_goes_on_when_it_is_undone() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "sorted_alone", swept()).await;
        let ann = rig.person("ann@example.com");
        let stocks = "SELECT GROUP_CONCAT(id, ':', stock ORDER BY id) FROM goods";
        let before = rig.ask(stocks).await;
        let written = rig.binlog().await;
        // when somebody sorts one column and not the others
        assert!(ann.sorts_alone("stock", true), "{server}");
        // then nothing is written, neither there nor here, and the header tells what to do
        header_says(&ann, &["the values of stock stand beside other keys", "undo it"]).await;
        rig.sql("UPDATE goods SET name = 'while paused' WHERE id = 3").await;
        tells(&rig, &["status"], false, &["both ways (partial_sort)", "sheetbridge resume goods"]).await;
        rig.sync_now().await;
        assert_eq!(rig.ask(stocks).await, before, "{server}");
        assert_eq!(written.written().await.by_daemon, 0, "{server}");
        assert_eq!(ann.sees(3, "name").as_deref(), Some("thing 3"), "{server}");
        // when it is undone, then what waited goes on
        assert!(ann.undoes());
        header_is_silent(&ann).await;
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(3, "name").as_deref(), Some("while paused"), "{server}");
        assert_eq!(rig.ask(stocks).await, before, "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_truncated_table_keeps_its_tab_until_an_operator_lets_the_rows_go() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "truncated", swept()).await;
        let ann = rig.person("ann@example.com");
        rig.sql("TRUNCATE TABLE goods").await;
        header_says(&ann, &["emptied by TRUNCATE", "sheetbridge resume goods --allow-deletes 12"]).await;
        // a restart changes nothing, and what comes meanwhile waits
        rig.stop().await;
        rig.start().await;
        rig.sql("INSERT INTO goods (id, name, stock) VALUES (40, 'after', 4)").await;
        tells(&rig, &["status"], false, &["table_emptied", "--allow-deletes 12", "the daemon runs"]).await;
        let (good, said) = rig.command(&["resume", "goods", "--allow-deletes", "11"]).await;
        assert!(!good && said.contains("--allow-deletes 12"), "{server}: {said}");
        assert_eq!(ann.sees_keys().len(), 12, "{server}");
        // when an operator lets it go on, then the tab is as the table
        let (good, said) = rig.command(&["resume", "goods", "--allow-deletes", "12"]).await;
        assert!(good && said.contains("goods goes on"), "{server}: {said}");
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees_keys(), ["40"], "{server}");
        header_is_silent(&ann).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_emptied_while_the_daemon_is_down_keeps_its_tab_too() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "truncated_down", swept()).await;
        let ann = rig.person("ann@example.com");
        rig.stop().await;
        rig.sql("TRUNCATE TABLE goods").await;
        rig.start().await;
        tells(&rig, &["status"], false, &["table_emptied", "--allow-deletes 12"]).await;
        assert_eq!(ann.sees_keys().len(), 12, "{server}");
        let (good, said) = rig.command(&["resume", "goods", "--allow-deletes", "12"]).await;
        assert!(good && said.contains("goods goes on"), "{server}: {said}");
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_pauses_a_link_and_nothing_is_missed() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "paused_by_hand", swept()).await;
        let ann = rig.person("ann@example.com");
        let before = rig.calls();
        let (good, said) = rig.command(&["pause", "goods"]).await;
        assert!(good, "{server}: {said}");
        header_says(&ann, &["an operator paused it", "sheetbridge resume goods"]).await;
        // What people see already, its call may not have answered yet, and only then it is counted.
        eventually(SOON, "the note's call", async || (before.count().writes > 0).then_some(())).await;
        let (calls, written) = (rig.calls(), rig.binlog().await);
        rig.sql("UPDATE goods SET stock = 77 WHERE id = 1; DELETE FROM goods WHERE id = 2").await;
        ann.types(5, "stock", "55");
        tells(
            &rig,
            &["plan", "goods"],
            true,
            &[
                "1 cells would be written into the tab",
                "1 cells would be written into the table",
                "1 rows would leave the tab",
            ],
        )
        .await;
        assert_eq!((written.written().await.by_daemon, calls.count().writes), (0, 0), "{server}");
        let (good, said) = rig.command(&["resume", "goods"]).await;
        assert!(good && said.contains("goods goes on"), "{server}: {said}");
        rig.until_equal(SOON).await;
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 5", "55").await;
        let (good, said) = rig.command(&["resume", "goods"]).await;
        assert!(!good && said.contains("goods is not paused"), "{server}: {said}");
    })
    .await;
}

#[tokio::test]
async fn a_changed_configuration_waits_for_an_operator() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "reconfigured", swept()).await;
        let ann = rig.person("ann@example.com");
        rig.stop().await;
        rig.sql("UPDATE goods SET stock = 78 WHERE id = 1").await;
        rig.reconfigure("insert_after", "time_zone = \"Europe/Berlin\"\ninsert_after", "TRUE");
        rig.start().await;
        tells(&rig, &["status"], false, &["configuration", "sheetbridge resume goods"]).await;
        assert_ne!(ann.sees(1, "stock").as_deref(), Some("78"), "{server}");
        let (good, said) = rig.command(&["resume", "goods"]).await;
        assert!(good && said.contains("goods goes on"), "{server}: {said}");
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(1, "stock").as_deref(), Some("78"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn after_its_memory_is_lost_a_link_adopts_what_is_equal_and_writes_nothing() {
    for_each_server(async |server| {
        // given a link whose memory is lost, and sides that differ by then
        let rig = Rig::open(server, "lost_base", swept()).await;
        let ann = rig.person("ann@example.com");
        rig.stop().await;
        server.sql(&format!("DROP DATABASE {}", rig.state)).await;
        rig.sql("DELETE FROM goods WHERE id = 2; UPDATE goods SET stock = 33 WHERE id = 3").await;
        assert!(ann.deletes(4), "{server}");
        let table = "SELECT GROUP_CONCAT(id, ':', stock ORDER BY id) FROM goods";
        let (before, keys) = (rig.ask(table).await, ann.sees_keys());
        // when the daemon starts, then it finds batches that it does not know, and waits
        rig.start().await;
        tells(&rig, &["status"], false, &["foreign_tokens", "sheetbridge resume goods"]).await;
        tells(
            &rig,
            &["plan", "goods"],
            true,
            &["9 of them equal", "1 cells would be held", "2 rows would be left where they stand"],
        )
        .await;
        // when an operator lets it go on, then what is equal is adopted and nothing else changes
        let (good, said) = rig.command(&["resume", "goods"]).await;
        assert!(good, "{server}: {said}");
        tells(&rig, &["status"], true, &["goods: followed, 10 rows, 1 cells held"]).await;
        tells(&rig, &["conflicts", "goods"], true, &["held", "stock", "last agreed on is lost"]).await;
        assert_eq!((rig.ask(table).await, ann.sees_keys()), (before, keys), "{server}");
        // and the link lives
        ann.types(5, "stock", "55");
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 5", "55").await;
        rig.sql("UPDATE goods SET stock = 66 WHERE id = 6").await;
        eventually(SOON, "a change of the table", async || (ann.sees(6, "stock")? == "66").then_some(()))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_refused_cell_is_neither_tried_nor_told_again_after_a_restart() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "held", swept()).await;
        let ann = rig.person("ann@example.com");
        ann.types(2, "stock", "many");
        let held = async || (rig.state_rows("held").await == 1).then_some(());
        eventually(SOON, "the held cell in the store", held).await;
        rig.stop().await;
        rig.start().await;
        tells(&rig, &["status"], true, &["1 cells held"]).await;
        let told = ann.sees_note(2, "stock").unwrap_or_default();
        assert!(told.contains("whole number"), "{server}: {told}");
        ann.types(2, "stock", "5");
        eventually(SOON, "the end of it", async || (rig.state_rows("held").await == 0).then_some(())).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
