//! A tab that was filled before its table: the first meeting carries its rows into the empty table.

use sheets_emulator::people::{Action, Person};

use super::rig::{Rig, SOON, Setup, TAB};
use crate::support::deadline::eventually;
use crate::support::server::{Server, for_each_server};

const ROWS: usize = 900;

fn setup() -> Setup {
    Setup { script: false, sweep_interval: "300ms", rows: 0, ..Setup::default() }
}

/// A bridge whose daemon has not started, and a tab that people have kept for years: these lines, the header among them.
async fn kept_in_the_sheet(server: &'static Server, story: &str, lines: Vec<Vec<String>>) -> Rig {
    let rig = Rig::prepared(server, story, &setup()).await;
    let paste = Action::PasteBlock { sheet: TAB, row: 0, column: 0, cells: lines };
    let ann = Person::new("ann@example.com");
    let pasted = rig.google.world().act(&rig.spreadsheet, &ann, &paste);
    pasted.expect("the spreadsheet").expect("she may paste");
    rig
}

fn line(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

#[tokio::test]
async fn a_filled_tab_fills_an_empty_table_and_keeps_its_keys_and_the_peoples_own_column() {
    for_each_server(async |server| {
        // given 900 rows with keys of their own, the columns in another order, and a column that is no column of the table
        let header = line(&["whose", "name", "id", "stock", "price", "listed", "since", "code", "note"]);
        let rows = (1..=ROWS).map(|n| {
            let (whose, name, id) = (format!("ann {n}"), format!("thing {n}"), (n * 3).to_string());
            vec![
                whose,
                name,
                id,
                n.to_string(),
                format!("{n}.5"),
                "TRUE".into(),
                "2026-03-01".into(),
                "007".into(),
            ]
        });
        let rig = kept_in_the_sheet(server, "filled", [header].into_iter().chain(rows).collect()).await;
        // when the daemon starts for the first time
        rig.start().await;
        // then the table has them all, under the same keys, each once
        rig.table_says("SELECT COUNT(*) FROM goods", &ROWS.to_string()).await;
        rig.until_equal(SOON).await;
        rig.table_says(
            "SELECT COUNT(*) FROM goods WHERE id = stock * 3 AND name = CONCAT('thing ', stock)",
            &ROWS.to_string(),
        )
        .await;
        let ann = rig.person("ann@example.com");
        assert_eq!(ann.sees(3 * 77, "whose").as_deref(), Some("ann 77"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn rows_without_keys_get_theirs_from_the_table() {
    for_each_server(async |server| {
        let header = line(&["name", "stock", "id", "price", "listed", "since", "code", "note"]);
        let rows = (1..=ROWS).map(|n| vec![format!("thing {n}"), n.to_string()]);
        let rig = kept_in_the_sheet(server, "keyless", [header].into_iter().chain(rows).collect()).await;
        rig.start().await;
        rig.table_says("SELECT COUNT(*) FROM goods", &ROWS.to_string()).await;
        rig.until_equal(SOON).await;
        rig.table_says("SELECT COUNT(DISTINCT stock) FROM goods", &ROWS.to_string()).await;
    })
    .await;
}

#[tokio::test]
async fn rows_with_keys_go_in_together_and_those_that_the_table_does_not_take_keep_none_out() {
    for_each_server(async |server| {
        // given 200 rows: one has a text for a number, and one the name of another, which the table wants but once
        let header = line(&["id", "name", "stock", "price", "listed", "since", "code", "note"]);
        let rows = (1..=200).map(|n: u32| match n {
            60 => line(&["60", "thing 60", "about 60"]),
            130 => line(&["130", "thing 7", "130"]),
            _ => vec![n.to_string(), format!("thing {n}"), n.to_string()],
        });
        let rig = kept_in_the_sheet(server, "together", [header].into_iter().chain(rows).collect()).await;
        rig.sql("ALTER TABLE goods ADD UNIQUE (name)").await;
        let written = rig.binlog().await;
        rig.start().await;
        // then the others are in the table, by few transactions
        rig.table_says("SELECT COUNT(*) FROM goods WHERE name = CONCAT('thing ', id) AND stock = id", "198")
            .await;
        let transactions = written.written().await.transactions_of_daemon;
        assert!((10..=16).contains(&transactions), "{server}: {transactions}");
        // when a person corrects the two, then they follow
        let ann = rig.person("ann@example.com");
        ann.types(60, "stock", "60");
        ann.types(130, "name", "thing 130");
        rig.table_says("SELECT COUNT(*) FROM goods WHERE name = CONCAT('thing ', id) AND stock = id", "200")
            .await;
        rig.until_equal(SOON).await;
    })
    .await;
}

/// Longer than a look at the tab takes, so that the rows are not through before they give way.
const PASTED: usize = 2000;

#[tokio::test]
async fn an_edit_and_a_change_of_the_table_wait_for_none_of_many_new_rows() {
    for_each_server(async |server| {
        // given a table that takes five milliseconds for each new row, and two thousand rows that somebody has pasted
        let setup = Setup { sweep_interval: "60s", ..Setup::default() };
        let rig = Rig::open(server, "yielding", setup).await;
        rig.sql(
            "CREATE TRIGGER slow BEFORE INSERT ON goods FOR EACH ROW SET NEW.note = IF(SLEEP(0.005), '', NEW.note)",
        )
        .await;
        let ann = rig.person("ann@example.com");
        let rows: Vec<[String; 3]> =
            (1..=PASTED).map(|n| [(1000 + n).to_string(), format!("thing {n}"), n.to_string()]).collect();
        let rows: Vec<[&str; 3]> = rows.iter().map(|row| row.each_ref().map(String::as_str)).collect();
        let block: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
        assert!(ann.pastes_below("id", &block));
        let left = "SELECT COUNT(*) > 12 AND COUNT(*) < 2012 FROM goods";
        rig.table_says(left, "1").await;
        // when another person types into a row that the table has, and a program changes one
        rig.person("ben@example.com").types(5, "stock", "505");
        rig.sql("UPDATE goods SET stock = 606 WHERE id = 6").await;
        // then both arrive while rows are left
        rig.table_says("SELECT stock FROM goods WHERE id = 5", "505").await;
        rig.table_says(left, "1").await;
        let sees = async || (ann.sees(6, "stock").as_deref() == Some("606")).then_some(());
        eventually(SOON, "the change in the tab", sees).await;
        rig.table_says(left, "1").await;
        // and those follow, each once
        rig.table_says("SELECT COUNT(*) FROM goods WHERE id = 1000 + stock", &PASTED.to_string()).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
