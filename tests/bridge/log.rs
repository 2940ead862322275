//! The tab `Log`: the last changes for the people in the sheet.

use sheets_emulator::grid::{SheetId, Value};
use sheets_emulator::people::{Action, Person};

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

/// The tab has this number whatever people call it.
const LOG: SheetId = SheetId(1_933_723_496);

/// Its lines below the header, each as one text.
fn lines(rig: &Rig) -> Vec<String> {
    let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
    let Some(tab) = book.tab(LOG) else { return Vec::new() };
    let text = |row, column| match &tab.cell(row, column).value {
        Value::Text(text) => text.to_string(),
        _ => String::new(),
    };
    let line = |row| (0..6).map(|column| text(row, column)).collect::<Vec<_>>().join(" | ");
    (1..tab.data_extent().0).map(line).collect()
}

async fn tells(rig: &Rig, words: &[&str]) {
    let told = |line: &String| words.iter().all(|word| line.contains(word));
    eventually(SOON, &format!("{words:?} in the log"), async || lines(rig).iter().any(told).then_some(()))
        .await;
}

#[tokio::test]
async fn the_last_changes_are_told_in_a_tab_of_their_own() {
    for_each_server(async |server| {
        let setup = Setup { sweep_interval: "1h", more: "log_tab = true", ..Setup::default() };
        let rig = Rig::open(server, "log", setup).await;
        let ann = rig.person("ann@example.com");
        // Just after a start every value is looked at twice, and who typed it is forgotten by then.
        ann.types(12, "name", "the first one");
        tells(&rig, &["| goods | 12 | name | in the table"]).await;
        ann.types(3, "name", "a quiet word");
        tells(&rig, &["ann@example.com | goods | 3 | name | in the table"]).await;
        rig.sql("UPDATE goods SET stock = 4711 WHERE id = 5").await;
        ann.types(4, "stock", "many");
        tells(&rig, &["the table | goods | 5 | stock | in the sheet"]).await;
        tells(&rig, &["| goods | 4 | stock | refused: stock: must be a whole number"]).await;
        assert!(
            !lines(&rig).iter().any(|line| line.contains("quiet") || line.contains("4711")),
            "{server}: no values"
        );
        let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
        let protected = book.tab(LOG).map(|tab| tab.protected.len());
        assert_eq!(protected, Some(1), "{server}: typing there is warned of");

        // A restart goes on below nothing: the newest is on top of what stood there.
        let before = lines(&rig);
        rig.stop().await;
        rig.start().await;
        ann.types(4, "stock", "5");
        tells(&rig, &["| goods | 4 | stock | in the table"]).await;
        let now = lines(&rig);
        assert!(now[0].contains("| goods | 4 | stock |"), "{server}: {now:?}");
        assert!(now.ends_with(&before), "{server}: {before:?} and {now:?}");

        // Somebody who deletes it gets it back with the next change.
        let bob = Person::new("bob@example.com");
        let done = rig.google.world().act(&rig.spreadsheet, &bob, &Action::DeleteTab { sheet: LOG });
        done.expect("the spreadsheet").expect("a possible action");
        ann.types(6, "name", "after all");
        tells(&rig, &["| goods | 6 | name | in the table"]).await;
        tells(&rig, &["| goods | 3 | name |"]).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
