//! A link's first start, and what it finds at the next.

use sheetbridge::model::link::LinkName;
use sheetbridge::model::schema::{Column, ColumnKind};
use sheetbridge::sheet::layout::LayoutFault;
use sheetbridge::sheet::setup::{Choices, Prepared, SetupError, TabChanges, TabPlan};
use sheets_emulator::faults::{Applied, Fault, Rule};
use sheets_emulator::grid::{SheetId as Tab, Value};
use sheets_emulator::people::Action;

use crate::sheet::desk::Desk;

async fn prepare(desk: &Desk, title: &str) -> Result<Prepared, SetupError> {
    let columns = [
        Column::required("id", ColumnKind::Integer { bits: 32, unsigned: false }),
        Column::required("name", ColumnKind::Text { length: 20 }),
        Column::required("due", ColumnKind::Date),
    ];
    let link = LinkName("orders".into());
    let changes = TabChanges::default();
    let plan = TabPlan {
        link: &link,
        title,
        columns: &columns,
        key: &["id"],
        rows: 0,
        rules: true,
        fixed: &[],
        choices: &Choices::new(),
        changes: &changes,
    };
    desk.client.prepare(&desk.spreadsheet, &plan).await
}

fn writes(desk: &Desk) -> u64 {
    desk.google.calls().count("spreadsheets.batchUpdate")
}

#[tokio::test]
async fn the_first_start_makes_everything_and_the_second_nothing() {
    let desk = Desk::bare().await;
    let prepared = prepare(&desk, "Orders").await.expect("prepared");
    assert_eq!(prepared.layout.columns, [0, 1, 2]);
    assert_eq!(prepared.layout.key, [0]);
    // A visible tab with headers, a hidden and protected one without.
    let now = desk.now();
    let tab = now.tab(Tab(prepared.sheet.0)).expect("the linked tab");
    assert_eq!((tab.title.as_str(), tab.hidden, tab.frozen_rows), ("Orders", false, 1));
    assert_eq!(tab.cell(0, 2).value, Value::Text("due".into()));
    let helper = now.tab(Tab(prepared.helper.0)).expect("the helper tab");
    assert!(helper.hidden);
    assert_eq!(helper.protected.len(), 1);
    // What a person types into the text column later stays text.
    desk.person(&Action::Type { sheet: Tab(prepared.sheet.0), row: 1, column: 1, text: "0042".into() });
    let now = desk.now();
    let typed = now.tab(Tab(prepared.sheet.0)).expect("the linked tab").cell(1, 1).value.clone();
    assert_eq!(typed, Value::Text("0042".into()));
    let before = writes(&desk);
    assert_eq!(prepare(&desk, "Orders").await.expect("prepared"), prepared);
    assert_eq!(writes(&desk), before);
}

#[tokio::test]
async fn lost_answers_make_nothing_twice() {
    let desk = Desk::bare().await;
    // First that of the tabs, then that of the columns.
    for _ in 0..2 {
        let fault = Fault::LostReply { applied: Applied::Yes };
        desk.google.faults().add(Rule::next("spreadsheets.batchUpdate", fault));
        prepare(&desk, "Orders").await.expect_err("the answer is lost");
    }
    prepare(&desk, "Orders").await.expect("prepared");
    let now = desk.now();
    assert_eq!(now.tabs.len(), 3, "the first one, the linked and the helper");
    let of = |key: &str| now.metadata.iter().filter(|(_, metadata)| metadata.key == key).count();
    assert_eq!((of("sb.col"), of("sb.rule")), (3, 3), "one anchor and one memory of its rule per column");
}

#[tokio::test]
async fn columns_are_found_again_after_people_moved_and_renamed_them() {
    let desk = Desk::bare().await;
    let sheet = Tab(prepare(&desk, "Orders").await.expect("prepared").sheet.0);
    desk.person(&Action::MoveColumns { sheet, start: 0, end: 1, to: 3 });
    desk.person(&Action::Type { sheet, row: 0, column: 0, text: "Customer".into() });
    let prepared = prepare(&desk, "Orders").await.expect("prepared");
    assert_eq!(prepared.layout.columns, [2, 0, 1]);
    // Its header and anchor gone, a column is missed and nothing is guessed.
    desk.person(&Action::DeleteColumns { sheet, start: 1, end: 2 });
    let error = prepare(&desk, "Orders").await.expect_err("a column is gone");
    assert!(matches!(error, SetupError::Layout(LayoutFault::Missing(name)) if name == "due"));
}

#[tokio::test]
async fn a_column_moved_during_the_set_up_gets_no_wrong_anchor() {
    // given a tab with headers of the people's own making
    let desk = Desk::with(&[&["id", "name", "due"], &["1", "Ann", ""]]).await;
    // when a person moves a column just before the anchors are made
    desk.person_before_batch(Action::MoveColumns { sheet: Tab(0), start: 0, end: 1, to: 2 });
    let error = prepare(&desk, "Sheet1").await.expect_err("moved");
    assert!(matches!(error, SetupError::Sheet(_)), "{error}");
    // then the next try finds the columns where they are
    let prepared = prepare(&desk, "Sheet1").await.expect("prepared");
    assert_eq!(prepared.layout.columns, [1, 0, 2]);
}
