//! A link with a filter: rows enter and leave the tab, and none is deleted for it.

use sheets_emulator::Cause;
use sheets_emulator::grid::{Refusal, SheetId, Spreadsheet, Tab};
use sheets_emulator::people::Person;

use super::goods;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, for_each_server};

const LISTED: &str = r#"filter = [{ column = "listed", op = "=", value = true }]"#;

fn listed() -> Setup {
    Setup { more: LISTED, inside: "listed = 1", ..Setup::default() }
}

/// Deletes that the daemon made in the table.
async fn deletes(rig: &Rig) -> u64 {
    rig.state_rows("ledger WHERE kind = 'delete'").await
}

#[tokio::test]
async fn rows_enter_and_leave_the_tab_as_they_enter_and_leave_the_filter() {
    for_each_server(async |server| {
        // given a table of which the tab shows the listed half
        let rig = Rig::open(server, "filtered", listed()).await;
        let ann = rig.person("ann@example.com");
        assert_eq!(ann.sees_keys().len(), 6);

        // when SQL moves rows over the border, and makes and changes some beyond it
        rig.sql("UPDATE goods SET listed = 0 WHERE id = 1; UPDATE goods SET listed = 1 WHERE id = 2").await;
        rig.sql("INSERT INTO goods (name, listed) VALUES ('unseen', 0), ('seen', 1)").await;
        rig.sql("UPDATE goods SET stock = 99 WHERE id IN (3, 4)").await;
        rig.until_equal(SOON).await;

        // Just after a start every value is looked at twice, and an edit is answered before: the first one takes that time.
        ann.types(7, "note", "the first one");
        rig.until_equal(SOON).await;

        // then the tab follows; an edit that takes its own row out of it is written, and the person hears it
        ann.types(3, "listed", "FALSE");
        rig.table_says("SELECT CAST(listed AS CHAR) FROM goods WHERE id = 3", "0").await;
        rig.until_equal(SOON).await;
        let answers = rig.ask(&format!("SELECT GROUP_CONCAT(answer) FROM {}.edit", rig.state)).await;
        assert!(
            answers.as_ref().is_some_and(|answers| answers.contains("leaves this tab")),
            "{server}: {answers:?}"
        );

        // and so is a new row that the filter does not show
        ann.adds(&[("name", "garden hose"), ("stock", "3")]);
        rig.table_says("SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE name = 'garden hose'", "1").await;
        rig.until_equal(SOON).await;
        assert_eq!(deletes(&rig).await, 0, "{server}: whatever left the tab was not deleted");

        // and only what a person deletes is deleted
        ann.deletes(5);
        rig.table_says("SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE id = 5", "0").await;
        rig.until_equal(SOON).await;
        assert_eq!(deletes(&rig).await, 1, "{server}");
        assert_eq!(rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(), Some("14"));
    })
    .await;
}

#[tokio::test]
async fn a_row_with_the_key_of_a_record_beyond_the_filter_is_refused_where_it_stands() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "beyond", listed()).await;
        let ann = rig.person("ann@example.com");

        // when somebody gives a new row the key of a record that the tab does not show
        ann.adds(&[("name", "mine"), ("id", "2"), ("listed", "TRUE")]);

        // then its key cell says why it is not taken, and the record is untouched
        let note = eventually(SOON, "a note at the key", async || ann.sees_note(2, "id")).await;
        assert!(note.contains("a record with this key exists"), "{server}: {note}");
        let row = "SELECT CONCAT(name, ' ', listed) FROM goods WHERE id = 2";
        assert_eq!(rig.ask(row).await.as_deref(), Some("thing 2 0"));

        // and to take the row away again is no delete of that record
        ann.deletes(2);
        rig.until_equal(SOON).await;
        assert_eq!(rig.ask(row).await.as_deref(), Some("thing 2 0"));
        assert_eq!(deletes(&rig).await, 0, "{server}");
    })
    .await;
}

#[tokio::test]
async fn another_filter_after_a_restart_moves_rows_and_deletes_none() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "refiltered", listed()).await;
        let ann = rig.person("ann@example.com");

        // when the filter is another one after a stop in which both sides changed
        rig.stop().await;
        rig.sql("UPDATE goods SET stock = 1 WHERE id IN (2, 11); UPDATE goods SET listed = 0 WHERE id = 9")
            .await;
        ann.types(1, "name", "typed while it was down");
        let narrow = r#"filter = [{ column = "stock", op = ">", value = 20 },
                                  { column = "since", op = "is not null" }]"#;
        rig.reconfigure(LISTED, narrow, "stock > 20 AND since IS NOT NULL");
        rig.start().await;
        rig.sync_now().await;
        rig.until_equal(SOON).await;

        // then rows came and went, the edit was written before its row left, and nothing was deleted
        let name = "SELECT name FROM goods WHERE id = 1";
        assert_eq!(rig.ask(name).await.as_deref(), Some("typed while it was down"), "{server}");
        assert_eq!(rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(), Some("12"));
        assert_eq!(deletes(&rig).await, 0, "{server}");

        // and without a filter all of them are there again
        rig.stop().await;
        rig.reconfigure(narrow, "", "TRUE");
        rig.start().await;
        rig.until_equal(SOON).await;
        assert_eq!((ann.sees_keys().len(), deletes(&rig).await), (12, 0), "{server}");
    })
    .await;
}

/// The goods with a column that nobody sees in the tab's judge.
fn with_deleted_at() -> String {
    format!("{}; {}; ALTER TABLE goods ADD deleted_at DATETIME NULL", goods::CREATE, goods::sample(12))
}

#[tokio::test]
async fn a_soft_delete_sets_the_column_and_clearing_it_brings_the_row_back() {
    for_each_server(async |server| {
        // given a link whose deletes are marks, in a column that the tab does not have
        let columns = r#"columns = ["id", "name", "stock", "price", "listed", "since", "code", "note"]"#;
        let setup = Setup {
            deletes: r#"{ soft = "deleted_at" }"#,
            more: columns,
            inside: "deleted_at IS NULL",
            table: Some(with_deleted_at()),
            ..Setup::default()
        };
        let rig = Rig::open(server, "soft", setup).await;
        let ann = rig.person("ann@example.com");

        // when one line is deleted in the tab, and another record is marked by SQL
        ann.deletes(3);
        rig.sql("UPDATE goods SET deleted_at = '2026-01-01' WHERE id = 4").await;
        let marked = "SELECT GROUP_CONCAT(id ORDER BY id) FROM goods WHERE deleted_at IS NOT NULL";
        rig.table_says(marked, "3,4").await;
        rig.until_equal(SOON).await;
        let now = "SELECT CAST(ABS(TIMESTAMPDIFF(SECOND, deleted_at, UTC_TIMESTAMP())) < 120 AS CHAR) FROM goods \
                   WHERE id = 3";
        assert_eq!(rig.ask(now).await.as_deref(), Some("1"), "{server}: the time in UTC");
        assert_eq!(ann.sees_keys().len(), 10);

        // then taking the marks away brings both back, and nothing was ever deleted
        rig.sql("UPDATE goods SET deleted_at = NULL").await;
        rig.until_equal(SOON).await;
        assert_eq!((ann.sees_keys().len(), deletes(&rig).await), (12, 0), "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_soft_delete_may_be_a_value_of_a_column_that_people_see() {
    for_each_server(async |server| {
        let setup = Setup {
            deletes: r#"{ soft = "note", value = "archived" }"#,
            inside: "NOT (note <=> 'archived')",
            ..Setup::default()
        };
        let rig = Rig::open(server, "archived", setup).await;
        let ann = rig.person("ann@example.com");

        // when one line is deleted and the mark is typed into another
        ann.deletes(7);
        ann.types(8, "note", "archived");
        rig.table_says("SELECT GROUP_CONCAT(id ORDER BY id) FROM goods WHERE note = 'archived'", "7,8").await;
        rig.until_equal(SOON).await;

        // then both are gone from the tab, and a change over a restart finds them marked still
        rig.stop().await;
        rig.sql("UPDATE goods SET note = 'back' WHERE id = 7; UPDATE goods SET stock = 5 WHERE id = 8").await;
        rig.start().await;
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(7, "note").as_deref(), Some("back"), "{server}");
        assert_eq!((ann.sees_keys().len(), deletes(&rig).await), (11, 0), "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_table_that_the_server_guesses_too_large_is_copied_if_what_the_tab_shows_fits() {
    for_each_server(async |server| {
        // given statistics by which the table alone has more cells than Google allows
        let rig = Rig::prepared(server, "guessed", &listed()).await;
        let database = &rig.database;
        // MariaDB reads them again only for a table that is new to it.
        let renamed = format!(
            "RENAME TABLE {database}.goods TO {database}.aside; RENAME TABLE {database}.aside TO {database}.goods"
        );
        let again = if server.kind() == Kind::MariaDb { renamed } else { format!("FLUSH TABLES {database}.goods") };
        server
            .sql(&format!(
                "ALTER TABLE {database}.goods STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0;
                 UPDATE mysql.innodb_table_stats SET n_rows = 5000000 WHERE database_name = '{database}';
                 {again}"
            ))
            .await;
        let guessed = format!(
            "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{database}' AND TABLE_NAME = 'goods'"
        );
        assert!(server.one::<u64>(&guessed).await > 4_000_000);
        // then it is counted, and copied
        rig.start().await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_not_begun_and_the_reason_is_told() {
    for_each_server(async |server| {
        // given a spreadsheet of which another tab leaves room for some three thousand rows
        let rig = Rig::prepared(server, "toolarge", &Setup { rows: 5000, ..Setup::default() }).await;
        let archive = |book: &mut Spreadsheet| {
            book.tabs.push(Tab::new(SheetId(7), "Archive", 380_000, 26));
            Ok::<(), Refusal>(())
        };
        let made =
            rig.google.world().edit(&rig.spreadsheet, Cause::Person(Person::new("ann@example.com")), archive);
        assert!(made.is_ok_and(|made| made.is_ok()), "another tab");
        rig.start().await;
        eventually(SOON, "the reason at the tab", async || {
            let notes = rig.person("ann@example.com").sees_header_notes();
            notes.into_iter().find(|note| note.contains("cells of the 10000000"))
        })
        .await;
        assert_eq!(rig.person("ann@example.com").sees_keys(), Vec::<String>::new());
    })
    .await;
}
