//! The person in the sheet is told: every kind of refusal and conflict has its note, and the note goes with its cause.

use serde_json::json;

use super::browser::has_chromium;
use super::goods;
use super::person::Person;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;
use crate::support::webdriver::Browser;

/// No sweep comes to help: what is told was found by the edit itself. One column is the table's own.
const MORE: &str = r#"
columns = ["id", "name", "stock", { name = "price", policy = "database" }, { name = "listed", direction = "to_sheet" }, "since", "code", "note"]
status_column = "Sync"
"#;

/// Longer than its column.
const LONG: &str = "a name that is far too long for sixty characters, and then some more";

const DDL: &str =
    "ALTER TABLE goods ADD CONSTRAINT dear CHECK (price < 100000), ADD UNIQUE KEY only_once (code)";

fn told() -> Setup {
    let table = Some(format!("{}; {DDL}; {}", goods::CREATE, goods::sample(12)));
    Setup { sweep_interval: "1h", more: MORE, table, ..Setup::default() }
}

/// Waits for a note of ours that says all of this.
async fn says(ann: &Person<'_>, key: u32, column: &str, words: &[&str]) -> String {
    let what = format!("a note at {column} of {key} with {words:?}");
    let told =
        |note: &String| note.starts_with("sheetbridge: ") && words.iter().all(|word| note.contains(word));
    eventually(SOON, &what, async || ann.sees_note(key, column).filter(told)).await
}

/// The page as a person has it open beside the test, with a picture of each note that they see.
struct Page(Option<Browser>);

impl Page {
    async fn open(rig: &Rig) -> Self {
        if !has_chromium() {
            return Self(None);
        }
        let browser = Browser::open().await;
        let (base, book) = (rig.google.base_url(), &rig.spreadsheet);
        browser.goto(&format!("{base}/spreadsheets/{book}?person=ann@example.com")).await;
        Self(Some(browser))
    }

    /// The same in the row of this key, while nobody has sorted.
    async fn shows(&self, key: u32, column: &str, word: Option<&str>) {
        let at = goods::COLUMNS.iter().position(|(name, _)| *name == column).expect("a column");
        let cell = format!("{}{}", char::from(b'A' + at as u8), key + 1);
        self.shows_at(&cell, word, &format!("note-{column}-{key}")).await;
    }

    /// Waits until the note under the mouse says this, and keeps a picture of it; without words, until there is none.
    async fn shows_at(&self, cell: &str, word: Option<&str>, picture: &str) {
        let Some(browser) = &self.0 else { return };
        let script = r#"
            const cell = document.querySelector(`[data-cell="${arguments[0]}"]`);
            if (!cell || !cell.classList.contains('noted')) return '';
            const box = cell.getBoundingClientRect();
            const at = { bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
            cell.dispatchEvent(new MouseEvent('mousemove', at));
            return document.getElementById('tooltip').textContent;"#;
        let right = |said: &str| word.map_or(said.is_empty(), |word| said.contains(word));
        eventually(SOON, &format!("{word:?} under the mouse at {cell}"), async || {
            let said = browser.execute(script, json!([cell])).await;
            said.as_str().is_some_and(right).then_some(())
        })
        .await;
        if word.is_some() {
            let built = std::path::Path::new(env!("CARGO_BIN_EXE_sheetbridge"));
            let target = built.ancestors().nth(2).expect("target/debug/sheetbridge");
            browser.screenshot(&target.join(format!("{picture}.png"))).await;
        }
    }
}

async fn falls_silent(ann: &Person<'_>, key: u32, column: &str) {
    let what = format!("the end of the note at {column} of {key}");
    eventually(SOON, &what, async || ann.sees_note(key, column).is_none().then_some(())).await;
}

#[tokio::test]
async fn every_kind_of_refusal_has_its_note_and_keeps_the_persons_text_until_it_is_mended() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "notes", told()).await;
        let ann = rig.person("ann@example.com");
        let page = Page::open(&rig).await;
        let taken = rig.ask("SELECT CAST(code AS CHAR) FROM goods WHERE id = 1").await.expect("it has one");
        for (key, column, typed, words, mended) in [
            (2, "stock", "many", &["stock: must be a whole number from -2147483648 to 2147483647"][..], "5"),
            (4, "since", "soon", &["since: must be a date"], "2026-03-01"),
            (5, "price", "100000", &["dear", "does not allow it"], "12.5"),
            (7, "code", &format!("'{taken}"), &["only_once"], "'10340434000000000999"),
            (8, "name", LONG, &["name: ", "60"], "thing again"),
            (10, "stock", "=1+1", &["formula"], "77"),
        ] {
            ann.types(key, column, typed);
            says(&ann, key, column, words).await;
            page.shows(key, column, Some(words[0])).await;
            let shown = ann.sees(key, column);
            let stays = shown
                .as_deref()
                .is_some_and(|shown| shown.starts_with(typed.trim_start_matches(['\'', '='])));
            assert!(stays || typed == "=1+1", "{server}: {shown:?}");
            ann.types(key, column, mended);
            falls_silent(&ann, key, column).await;
            page.shows(key, column, None).await;
        }
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_conflict_shows_both_values_who_and_when_until_the_cell_is_changed_again() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "conflict", told()).await;
        let ann = rig.person("ann@example.com");
        let page = Page::open(&rig).await;

        // when somebody edits a column that is the table's own
        ann.types(2, "listed", "TRUE");
        let was = rig.ask("SELECT CAST(listed AS CHAR) FROM goods WHERE id = 2").await;
        // then it is put back, and its note tells whose edit it was
        let words = [
            "listed: changed on both sides",
            "The table's value stands",
            "ann@example.com",
            "the column goes to the sheet only",
        ];
        assert_eq!(was.as_deref(), Some("0"), "{server}");
        says(&ann, 2, "listed", &words).await;
        page.shows(2, "listed", Some("changed on both sides")).await;
        eventually(SOON, "the table's value", async || (ann.sees(2, "listed")? == "FALSE").then_some(()))
            .await;

        // when both sides change the same cell while nobody looks
        rig.stop().await;
        rig.sql("UPDATE goods SET price = 5.5 WHERE id = 6").await;
        ann.types(6, "price", "7.25");
        rig.start().await;
        let words = [
            "price: changed on both sides",
            "In the table: \"5.50\" (20",
            "In the sheet: \"7.25\"",
            "policy database",
        ];
        says(&ann, 6, "price", &words).await;
        page.shows(6, "price", Some("policy database")).await;
        eventually(SOON, "the table's value", async || (ann.sees(6, "price")? == "5.50").then_some(())).await;
        rig.sync_now().await;

        // then it stays while the cell stays, also through a restart, and goes when somebody decides anew
        rig.stop().await;
        rig.start().await;
        rig.until_equal(SOON).await;
        says(&ann, 6, "price", &words).await;
        ann.types(6, "price", "8");
        falls_silent(&ann, 6, "price").await;
        page.shows(6, "price", None).await;
        rig.table_says("SELECT CAST(price AS CHAR) FROM goods WHERE id = 6", "8.00").await;
        // and a change of the table ends it as well
        rig.sql("UPDATE goods SET listed = 1 WHERE id = 2").await;
        rig.until_equal(SOON).await;
        // With the next look at the tab, that is; the sweep comes once a minute.
        rig.sync_now().await;
        falls_silent(&ann, 2, "listed").await;
        page.shows(2, "listed", None).await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_persons_note_is_never_replaced_and_the_status_column_tells_instead() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "status", told()).await;
        let ann = rig.person("ann@example.com");
        ann.adds_column("Sync");
        ann.notes(3, "stock", "ask Bob");
        ann.types(3, "stock", "lots");
        let told = |text: &String| text.contains("stock: must be a whole number");
        eventually(SOON, "the words in the status column", async || ann.sees(3, "Sync").filter(told)).await;
        assert_eq!(ann.sees_note(3, "stock").as_deref(), Some("ask Bob"), "{server}");

        ann.types(3, "stock", "4");
        eventually(SOON, "the end of it", async || (ann.sees(3, "Sync")?.is_empty()).then_some(())).await;
        assert_eq!(ann.sees_note(3, "stock").as_deref(), Some("ask Bob"), "{server}");
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_paused_link_says_so_at_its_header() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "paused", Setup { sweep_interval: "200ms", ..told() }).await;
        let ann = rig.person("ann@example.com");
        let page = Page::open(&rig).await;
        assert!(ann.deletes_header());
        let paused = |notes: Vec<String>| notes.iter().any(|note| note.contains("paused: ")).then_some(());
        eventually(SOON, "the reason at the header", async || paused(ann.sees_header_notes())).await;
        page.shows_at("A1", Some("paused: "), "note-paused").await;
        ann.undoes();
        eventually(SOON, "its end", async || ann.sees_header_notes().is_empty().then_some(())).await;
        page.shows_at("A1", None, "").await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_is_not_the_links_says_so_in_its_corner_from_the_start() {
    for_each_server(async |server| {
        let rig = Rig::prepared(server, "unready", &Setup { sweep_interval: "200ms", ..told() }).await;
        let ann = rig.person("ann@example.com");
        ann.adds_column("something else");
        rig.start().await;
        let page = Page::open(&rig).await;
        let words =
            |notes: Vec<String>| notes.iter().any(|note| note.contains("paused: tab `Goods`")).then_some(());
        eventually(SOON, "the reason in the corner", async || words(ann.sees_header_notes())).await;
        page.shows_at("A1", Some("paused: "), "note-unready").await;

        assert!(ann.deletes_column("something else"));
        rig.until_equal(SOON).await;
        eventually(SOON, "its end", async || ann.sees_header_notes().is_empty().then_some(())).await;
        page.shows_at("A1", None, "").await;
        let _ = server;
    })
    .await;
}

#[tokio::test]
async fn a_note_that_a_sort_carried_away_is_set_right_and_a_refused_new_row_says_why() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "sorted", Setup { sweep_interval: "300ms", ..told() }).await;
        let ann = rig.person("ann@example.com");
        ann.types(2, "stock", "many");
        says(&ann, 2, "stock", &["whole number"]).await;
        ann.sorts("name", true);
        says(&ann, 2, "stock", &["whole number"]).await;
        ann.types(2, "stock", "5");
        falls_silent(&ann, 2, "stock").await;

        // a new row that the table refuses
        let page = Page::open(&rig).await;
        ann.adds(&[("name", "too dear"), ("price", "100000")]);
        let told = |note: &String| note.contains("dear does not allow it");
        eventually(SOON, "the reason at the new row", async || {
            ann.sees_note_by("name", "too dear", "id").filter(told)
        })
        .await;
        // It is the first row below the twelve.
        page.shows_at("A14", Some("dear does not allow it"), "note-new-row").await;
        ann.types_by("name", "too dear", "price", "10");
        rig.table_says("SELECT CAST(price AS CHAR) FROM goods WHERE name = 'too dear'", "10.00").await;
        rig.until_equal(SOON).await;
        let silent = async || ann.sees_note_by("name", "too dear", "id").is_none().then_some(());
        eventually(SOON, "the end of the note", silent).await;
        page.shows_at("A14", None, "").await;
        let _ = server;
    })
    .await;
}
