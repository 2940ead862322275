//! What a batch does to the sheet, and what its receipt shows.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{GridCell, GridOp, Receipt};
use sheetbridge::model::mark::{BatchNumber, ClaimId};
use sheetbridge::sheet::quota::Lane;
use sheetbridge::sheet::write::{Naming, Outcome};
use sheets_emulator::faults::{Applied, Fault, Rule};
use sheets_emulator::grid::{SheetId as Tab, Value};
use sheets_emulator::people::Action;

use crate::sheet::desk::{Desk, TAB, batch, cells_from, text_cell, texts, write};

const SHOP: &[&[&str]] = &[
    &["id", "name", "price", "note"],
    &["1", "Ann", "10", "hers"],
    &["2", "Bob", "20", "=B3&\"!\""],
    &["3", "Cid", "30", ""],
];

fn receipt(outcome: Outcome) -> Receipt {
    match outcome {
        Outcome::Applied(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mixed_batch_lands_whole_and_its_receipt_shows_what_it_overwrote() {
    // given a tab with a column of the people's own, and a helper tab that is too small
    let desk = Desk::with(SHOP).await;
    // when one batch writes, inserts and deletes
    let ops = vec![
        write(1, 1, &["Anna"]),
        GridOp::Insert { sheet: TAB, at: 4, cells: cells_from(0, &["4", "Dan"]) },
        GridOp::Delete { sheet: TAB, row: 2, slot: 5 },
    ];
    let receipt = receipt(desk.send(&batch(41, ops)).await.expect("an answer"));
    // then the tab has all of it
    let rows = desk.texts().await;
    assert_eq!(rows[1], ["1", "Anna", "10", "hers"]);
    assert_eq!(rows[2], ["3", "Cid", "30"]);
    assert_eq!(rows[3], ["4", "Dan"]);
    // and the receipt has the header and the rows as they were, the people's cells included
    assert_eq!(receipt.headers.len(), 1);
    assert_eq!(texts(&receipt.headers[0].1), ["id", "name", "price", "note"]);
    let before: Vec<Vec<String>> =
        receipt.rows.iter().map(|row| texts(row.as_deref().unwrap_or_default())).collect();
    assert_eq!(before[0], ["1", "Ann", "10", "hers"]);
    assert_eq!(before[1], Vec::<String>::new());
    assert_eq!(before[2][..3], ["2", "Bob", "20"]);
    assert_eq!(receipt.rows[2].as_ref().expect("the deleted row")[3].value, Cell::Text("Bob!".into()));
    // and the token stands in the next read
    let tokens = desk.snapshot().await.tokens;
    assert_eq!(tokens.iter().map(|t| t.number).collect::<Vec<_>>(), [BatchNumber(41)]);
}

#[tokio::test]
async fn a_row_comes_back_from_the_trash_with_the_peoples_own_cells_and_formulas() {
    let desk = Desk::with(SHOP).await;
    let delete = GridOp::Delete { sheet: TAB, row: 2, slot: 1 };
    receipt(desk.send(&batch(41, vec![delete])).await.expect("an answer"));
    let restore = GridOp::Restore { sheet: TAB, at: 3, slot: 1 };
    receipt(desk.send(&batch(42, vec![restore])).await.expect("an answer"));
    let rows = desk.texts().await;
    assert_eq!(rows[2], ["3", "Cid", "30"]);
    assert_eq!(rows[3], ["2", "Bob", "20", "=B4&\"!\""], "the formula follows its row");
}

#[tokio::test]
async fn the_receipt_shows_that_a_person_moved_the_rows_just_before_the_batch() {
    // given a batch for Bob's row, and a person who inserts a row above it at the last moment
    let desk = Desk::with(SHOP).await;
    desk.person_before_batch(Action::InsertRows { sheet: Tab(0), at: 1, count: 1 });
    // when the batch lands
    let outcome = desk.send(&batch(41, vec![write(2, 1, &["Bobby"])])).await.expect("an answer");
    // then the receipt names Ann's row as the one that was hit, with what stood there
    let hit = receipt(outcome).rows.remove(0).expect("a before-image");
    assert_eq!(texts(&hit), ["1", "Ann", "10", "hers"]);
    // and a mend by its content puts her name back
    receipt(desk.send(&batch(43, vec![write(2, 1, &["Ann"])])).await.expect("an answer"));
    assert_eq!(desk.texts().await[2], ["1", "Ann", "10", "hers"]);
}

#[tokio::test]
async fn a_shorter_row_in_the_same_line_shows_nothing_of_an_older_receipt() {
    let desk = Desk::with(SHOP).await;
    receipt(desk.send(&batch(40, vec![write(1, 1, &["x"])])).await.expect("an answer"));
    // Block A again, the same line, a row with fewer cells.
    let again = receipt(desk.send(&batch(42, vec![write(3, 1, &["y"])])).await.expect("an answer"));
    assert_eq!(texts(again.rows[0].as_deref().unwrap_or_default()), ["3", "Cid", "30"]);
}

#[tokio::test]
async fn a_new_row_is_claimed_named_after_a_sort_and_released() {
    // given a row without a key
    let desk = Desk::with(&[&["id", "name"], &["1", "Ann"], &["", "Zoe"], &["2", "Bob"]]).await;
    let claim = ClaimId(0xbeef);
    let ops = vec![GridOp::Claim { sheet: TAB, row: 2, claim }];
    let seen = receipt(desk.send(&batch(41, ops)).await.expect("an answer"));
    assert_eq!(texts(seen.rows[0].as_deref().unwrap_or_default()), ["", "Zoe"]);
    // when a person sorts the tab before its key is written
    desk.person(&Action::SortByColumn {
        sheet: Tab(0),
        column: 1,
        descending: true,
        area: Some(sheets_emulator::grid::Area::new(1, 0, 4, 26)),
    });
    let key = vec![(0, Cell::number(51.0))];
    let named = desk.client.name(Lane::Edit, &desk.spreadsheet, &[(claim, key)]).await;
    assert_eq!(named.expect("an answer"), Naming::Written);
    // then the key stands in Zoe's row, wherever it is now
    let tab = desk.tab().await;
    assert_eq!(texts(&tab.rows.cells(1)), ["51", "Zoe"]);
    assert_eq!(tab.rows.claims(1), [claim]);
    // and the claim goes away with the next batch
    receipt(desk.send(&batch(42, vec![GridOp::Unclaim { claim }])).await.expect("an answer"));
    assert!(desk.tab().await.rows.iter().all(|row| row.claims.is_empty()));
}

#[tokio::test]
async fn what_looks_like_a_formula_a_number_or_a_date_stays_the_text_that_it_is() {
    let desk = Desk::with(&[&["id", "a", "b", "c", "d", "e"], &["1"]]).await;
    let contents = ["=1+1", "0042", "1-2", "'x", "TRUE"];
    receipt(desk.send(&batch(41, vec![write(1, 1, &contents)])).await.expect("an answer"));
    let row = desk.tab().await.rows.cells(1);
    let wanted: Vec<GridCell> = contents.iter().map(|text| text_cell(text)).collect();
    assert!(row[1..] == wanted, "{row:?}");
}

#[tokio::test]
async fn old_tokens_go_with_a_batch() {
    let desk = Desk::with(SHOP).await;
    receipt(desk.send(&batch(41, vec![write(1, 1, &["x"])])).await.expect("an answer"));
    let mut next = batch(42, vec![write(1, 1, &["y"])]);
    next.expired = vec![BatchNumber(41)];
    receipt(desk.send(&next).await.expect("an answer"));
    let tokens: Vec<BatchNumber> = desk.snapshot().await.tokens.iter().map(|t| t.number).collect();
    assert_eq!(tokens, [BatchNumber(42)]);
}

#[tokio::test]
async fn a_refused_batch_names_the_request_that_is_to_blame_and_changes_nothing() {
    let desk = Desk::with(SHOP).await;
    let outcome = desk.send(&batch(41, vec![write(1, 1, &["x"]), write(5000, 1, &["y"])])).await;
    let Ok(Outcome::Refused { ops, reason }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(ops, [1], "{reason}");
    assert_eq!(desk.texts().await[1][1], "Ann");
    assert!(desk.snapshot().await.tokens.is_empty());
}

/// Six hundred rows of two cells below a header.
fn many(desk: &Desk) {
    desk.edit(|spreadsheet| {
        let tab = spreadsheet.tab_mut(Tab(TAB.0)).expect("the first tab");
        for row in 5..605 {
            tab.set_value(row, 0, Value::Number(f64::from(row)));
            tab.set_value(row, 1, Value::text(&format!("old {row}")));
        }
    });
}

#[tokio::test]
async fn a_batch_of_more_rows_than_a_small_block_holds_has_its_receipt_too() {
    // given six hundred rows
    let desk = Desk::with(SHOP).await;
    many(&desk);
    // when all of them are written at once
    let ops: Vec<GridOp> = (5..605).map(|row| write(row, 1, &["new"])).collect();
    let large = receipt(desk.send(&batch(51, ops)).await.expect("an answer"));
    // then the receipt shows each as it was
    assert_eq!(large.rows.len(), 600);
    assert!(
        large.rows.iter().zip(5..).all(|(row, at)| texts(row.as_deref().unwrap())[1] == format!("old {at}"))
    );
    // and a small batch after it has its own
    let small = receipt(desk.send(&batch(52, vec![write(604, 1, &["newer"])])).await.expect("an answer"));
    assert_eq!(texts(small.rows[0].as_deref().unwrap())[1], "new");
}

/// Four thousand new rows below the shop's, in two runs of columns with one of the people's own between.
fn crowd(first: u32) -> Vec<GridOp> {
    let row = |n: u32| {
        let texts = [
            format!("={n}"),
            "0042".into(),
            "'x".into(),
            "TRUE".into(),
            "a \"longer\" text, to weigh".into(),
        ];
        let mut cells = vec![(0, GridCell::plain(Cell::number(f64::from(n) + 0.25)))];
        cells.extend((1..3).zip(&texts).map(|(column, text)| (column, text_cell(text))));
        cells.push((4, GridCell::BLANK));
        cells.extend((5..8).zip(&texts[2..]).map(|(column, text)| (column, text_cell(text))));
        cells.push((8, GridCell::plain(Cell::Bool(n.is_multiple_of(2)))));
        GridOp::Insert { sheet: TAB, at: first + n, cells }
    };
    (0..4000).map(row).collect()
}

/// The tabs that are neither the shop nor the helper.
fn others(desk: &Desk) -> Vec<String> {
    let known = [Tab(TAB.0), Tab(crate::sheet::desk::HELPER.0)];
    desk.now().tabs.iter().filter(|tab| !known.contains(&tab.id)).map(|tab| tab.title.clone()).collect()
}

async fn shows_the_crowd(desk: &Desk, first: u32) {
    let tab = desk.tab().await;
    for (n, op) in (0..).zip(crowd(first)) {
        let GridOp::Insert { at, cells, .. } = op else { unreachable!("new rows only") };
        let row = tab.rows.iter().find(|row| row.row == at).unwrap_or_else(|| panic!("row {n} is not there"));
        for (column, cell) in cells {
            let there = row.cells.get(column as usize).cloned().unwrap_or(GridCell::BLANK);
            assert_eq!(there, cell, "row {n}, column {column}");
        }
        assert_eq!(row.cells[3], GridCell::BLANK, "a column of the people's own");
    }
}

#[tokio::test]
async fn many_new_rows_travel_as_plain_values_and_keep_their_types() {
    let desk = Desk::with(SHOP).await;
    // when four thousand rows come in, and four thousand more with a row of Bob's in the same batch
    receipt(desk.send(&batch(51, crowd(4))).await.expect("an answer"));
    let mut ops = vec![write(2, 1, &["Bobby"])];
    ops.extend(crowd(4004));
    receipt(desk.send(&batch(52, ops)).await.expect("an answer"));
    // then each cell is what it was meant to be
    shows_the_crowd(&desk, 4).await;
    shows_the_crowd(&desk, 4004).await;
    assert_eq!(desk.texts().await[2][1], "Bobby");
    // and it took one call more a batch, and one for the tab, each much lighter than typed cells
    let calls = desk.google.calls();
    assert_eq!(calls.count("spreadsheets.values.batchUpdate"), 2);
    assert_eq!(calls.count("spreadsheets.batchUpdate"), 3);
    let largest = calls.since(0).iter().map(|call| call.bytes_in).max();
    assert!(largest < Some(500_000), "{largest:?}");
    // and the tab that they came by goes with the next batch
    assert_eq!(others(&desk).len(), 1);
    receipt(desk.send(&batch(53, vec![write(1, 1, &["Anna"])])).await.expect("an answer"));
    assert_eq!(others(&desk), Vec::<String>::new());
}

#[tokio::test]
async fn a_block_whose_answer_is_lost_is_never_copied_and_lies_in_nobodys_way() {
    // given a Google that applies the values and says nothing
    let desk = Desk::with(SHOP).await;
    let fault = Fault::LostReply { applied: Applied::AfterCalls(2) };
    desk.google.faults().add(Rule::next("spreadsheets.values.batchUpdate", fault));
    // when the block is sent, then the batch is not
    let lost = desk.send(&batch(51, crowd(4))).await;
    assert!(lost.is_err(), "{lost:?}");
    assert!(desk.snapshot().await.tokens.is_empty());
    assert_eq!(desk.texts().await.len(), SHOP.len());
    // when it is sent again under another number, while the old values arrive
    receipt(desk.send(&batch(52, crowd(4))).await.expect("an answer"));
    shows_the_crowd(&desk, 4).await;
    assert_eq!(others(&desk), ["_sheetbridge_52"]);
}

#[tokio::test]
async fn what_an_earlier_process_left_is_taken_away() {
    let desk = Desk::with(SHOP).await;
    receipt(desk.send(&batch(51, crowd(4))).await.expect("an answer"));
    let next = crate::sheet::desk::client(&desk.google);
    let tabs = next.overview(Lane::Verify, &desk.spreadsheet).await.expect("an answer");
    next.clear_stages(&desk.spreadsheet, &tabs).await.expect("an answer");
    assert_eq!(others(&desk), Vec::<String>::new());
    shows_the_crowd(&desk, 4).await;
}

#[tokio::test]
async fn a_request_of_more_than_two_megabytes_never_leaves_the_host() {
    let desk = Desk::with(SHOP).await;
    let before = desk.google.calls().count("spreadsheets.batchUpdate");
    let long = "x".repeat(2_100_000);
    let outcome = desk.send(&batch(61, vec![write(1, 1, &[&long])])).await.expect("an answer");
    assert!(matches!(outcome, Outcome::Refused { ops, .. } if ops.is_empty()));
    assert_eq!(desk.google.calls().count("spreadsheets.batchUpdate"), before);
}
