//! A tab that is too large for one answer is read in parts, and what comes of it is what one call would have shown at one moment,
//! whatever people do to its rows meanwhile.

use sheetbridge::model::grid::{GridOp, Snapshot, TabRead};
use sheetbridge::model::link::SheetId;
use sheetbridge::model::mark::ClaimId;
use sheetbridge::sheet::client::Client;
use sheetbridge::sheet::error::SheetError;
use sheetbridge::sheet::parts::Look;
use sheetbridge::sheet::quota::Lane;
use sheets_emulator::faults::{Fault, Rule};
use sheets_emulator::grid::{Area, SheetId as Tab, Tab as Grid, Value as Content};
use sheets_emulator::people::Action;

use crate::sheet::desk::{self, Desk, HELPER, TAB, batch};

const ROWS: u32 = 40;

/// Ten rows of four columns.
const CELLS: u64 = 40;

/// Forty rows with the key in the second column, some of them blank, with formulas, errors, a note and claims among them; and an
/// account that reads ten rows a call.
async fn open() -> (Desk, Client) {
    let desk = Desk::with(&[&["name", "id"]]).await;
    desk.edit(|spreadsheet| {
        let mut tab = Grid::new(Tab(TAB.0), "Goods", ROWS, 4);
        tab.set_value(0, 0, Content::text("name"));
        tab.set_value(0, 1, Content::text("id"));
        for row in (1..37).filter(|row| row % 11 != 0) {
            tab.set_value(row, 0, Content::text(&format!("name {row}")));
            // In no order, numbers and texts.
            let key = row * 7 % 37;
            let key =
                if row % 5 == 0 { Content::text(&format!("k{key}")) } else { Content::Number(key.into()) };
            tab.set_value(row, 1, key);
        }
        tab.set_value(12, 2, Content::Formula("=1+1".into()));
        tab.set_value(23, 1, Content::Formula("=1/0".into()));
        spreadsheet.tabs[0] = tab;
    });
    desk.person(&Action::Note { sheet: Tab(TAB.0), row: 25, column: 0, text: "see Bob".into() });
    let claim = |row, id| GridOp::Claim { sheet: TAB, row, claim: ClaimId(id) };
    desk.send(&batch(41, vec![claim(11, 7), claim(38, 9)])).await.expect("two claims");
    let client = desk::client_of_parts(&desk.google, CELLS);
    (desk, client)
}

/// The key of these rows is in the second column.
fn keys(_: &TabRead) -> Vec<u32> {
    vec![1]
}

async fn look(desk: &Desk, client: &Client) -> Result<Snapshot, SheetError> {
    let wanted = [Look { sheet: TAB, rows: None, cells: u64::from(ROWS) * 4 }];
    client.look(Lane::Live, &desk.spreadsheet, &wanted, Some(HELPER), &keys).await
}

fn sorted(descending: bool) -> Action {
    let area = Some(Area::new(1, 0, ROWS, 4));
    Action::SortByColumn { sheet: Tab(TAB.0), column: 0, descending, area }
}

#[tokio::test]
async fn parts_are_the_tab_that_one_call_shows() {
    let (desk, client) = open().await;
    // An account's first call fetches its token.
    look(&desk, &client).await.expect("a look");
    desk.google.calls().clear();
    let parts = look(&desk, &client).await.expect("a look");
    let calls: Vec<String> = desk.google.calls().since(0).iter().map(|call| call.method.to_owned()).collect();
    let wanted = ["get", "getByDataFilter", "getByDataFilter", "getByDataFilter", "getByDataFilter"];
    let wanted: Vec<String> = wanted.into_iter().map(|name| format!("spreadsheets.{name}")).collect();
    assert_eq!(calls[..5], wanted);
    assert_eq!(calls[5..], ["spreadsheets.values.batchGetByDataFilter"]);
    let mut whole = desk.snapshot().await;
    whole.foreign.sort_unstable();
    assert_eq!(parts, whole);
    let tab = &parts.tabs[0];
    assert_eq!((tab.rows.len(), tab.notes.len(), tab.rows.claimed().count()), (39, 1, 2));
}

#[tokio::test]
async fn rows_that_people_move_between_two_parts_are_seen_once_and_where_they_stand() {
    let sheet = Tab(TAB.0);
    let actions = [
        sorted(false),
        sorted(true),
        Action::InsertRows { sheet, at: 3, count: 2 },
        Action::DeleteRows { sheet, start: 2, end: 14 },
        Action::MoveRows { sheet, start: 4, end: 8, to: 33 },
        Action::MoveRows { sheet, start: 30, end: 36, to: 1 },
        Action::CopyPaste { sheet, from: Area::new(5, 0, 7, 4), row: 31, column: 0 },
        Action::Clear { sheet, area: Area::new(20, 0, 35, 4) },
        Action::PasteBlock { sheet, row: 39, column: 0, cells: vec![vec!["late".into(), "99".into()]] },
    ];
    for action in actions {
        for before in 0..4 {
            let (desk, client) = open().await;
            desk.person_before("spreadsheets.getByDataFilter", before, action.clone());
            let parts = look(&desk, &client).await;
            let mut whole = desk.snapshot().await;
            whole.foreign.sort_unstable();
            match parts {
                Ok(parts) => assert_eq!(parts, whole, "{action:?} before part {before}"),
                // The last parts are not there any more.
                Err(SheetError::Moved(_)) => {
                    assert!(matches!(action, Action::DeleteRows { .. }), "{action:?} before part {before}");
                }
                Err(error) => panic!("{action:?} before part {before}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn where_rows_never_rest_nothing_is_told() {
    let (desk, client) = open().await;
    for (skip, descending) in [(0, false), (1, true), (2, false), (3, true)] {
        desk.person_before("spreadsheets.values.batchGetByDataFilter", skip, sorted(descending));
    }
    let told = look(&desk, &client).await;
    assert!(matches!(told, Err(SheetError::Moved(_))), "{told:?}");
    // and the next one tells
    look(&desk, &client).await.expect("rows that rest");
}

#[tokio::test]
async fn a_batch_between_two_parts_makes_the_look_worth_nothing() {
    let (desk, client) = open().await;
    let pause = Fault::Pause { name: "third".into() };
    desk.google.faults().add(Rule { skip: 2, ..Rule::next("spreadsheets.getByDataFilter", pause) });
    let (told, ()) = tokio::join!(look(&desk, &client), async {
        desk.google.faults().paused("third").await;
        desk.send(&batch(42, vec![desk::write(3, 0, &["ours"])])).await.expect("a batch");
        desk.google.faults().release("third");
    });
    assert!(matches!(told, Err(SheetError::Moved(_))), "{told:?}");
}

#[tokio::test]
async fn a_tab_that_is_gone_is_missing_and_small_tabs_come_with_the_large_one() {
    let (desk, client) = open().await;
    desk.edit(|spreadsheet| spreadsheet.tabs.push(Grid::new(Tab(5), "Small", 3, 3)));
    let look = |id| Look { sheet: SheetId(id), rows: None, cells: 100 };
    let wanted = [look(77), look(5), look(TAB.0)];
    let read = client.look(Lane::Live, &desk.spreadsheet, &wanted, Some(HELPER), &keys).await;
    let mut tabs: Vec<i32> = read.expect("a look").tabs.iter().map(|tab| tab.sheet.0).collect();
    tabs.sort_unstable();
    assert_eq!(tabs, [0, 5]);
}
