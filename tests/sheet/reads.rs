//! What a typed read shows, and that every value survives the way to a cell and back.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{GridCell, GridOp};
use sheetbridge::model::schema::{Column, ColumnKind};
use sheetbridge::model::temporal::{Date, DateTime, Time};
use sheetbridge::model::value::{Real, Value};
use sheetbridge::sheet::codec::{Context, meaning, shown};
use sheetbridge::sheet::quota::Lane;
use sheetbridge::sheet::write::Outcome;
use sheets_emulator::grid::{Area, SheetId as Tab, Value as Content};
use sheets_emulator::people::Action;

use crate::sheet::desk::{Desk, HELPER, TAB, batch, texts};

#[tokio::test]
async fn a_read_tells_kinds_formulas_errors_and_merged_cells_and_follows_a_renamed_tab() {
    let desk =
        Desk::with(&[&["id", "sum", "bad", "done", "text"], &["1", "=A2+1", "=1/0", "", "007x"]]).await;
    desk.edit(|spreadsheet| {
        let tab = spreadsheet.tab_mut(Tab(0)).expect("the first tab");
        tab.set_value(1, 3, Content::Bool(true));
        tab.merges.push(Area::new(3, 0, 5, 2));
    });
    desk.person(&Action::RenameTab { sheet: Tab(0), title: "Orders of 'today'".into() });
    let tab = desk.tab().await;
    assert_eq!(tab.title, "Orders of 'today'");
    assert_eq!((tab.row_count, tab.column_count), (1000, 26));
    assert_eq!(tab.merges, [(3, 5, 0, 2)]);
    assert_eq!(tab.rows.len(), 2, "blank rows at the end are left out");
    let formula = |value, text: &str| GridCell { value, formula: Some(text.into()) };
    let wanted = [
        GridCell::plain(Cell::number(1.0)),
        formula(Cell::number(2.0), "=A2+1"),
        formula(Cell::Error("#DIV/0!".into()), "=1/0"),
        GridCell::plain(Cell::Bool(true)),
        GridCell::plain(Cell::Text("007x".into())),
    ];
    assert!(tab.rows.cells(1) == wanted, "{:?}", tab.rows.cells(1));
}

#[tokio::test]
async fn a_deleted_row_is_told_by_its_number_after_the_inserts_of_its_batch() {
    let desk = Desk::with(&[&["id"], &["1"], &["2"], &["3"]]).await;
    let ops = vec![
        GridOp::Insert { sheet: TAB, at: 1, cells: vec![(0, GridCell::plain(Cell::number(0.0)))] },
        // Row 3 once the insert is made: the record 2.
        GridOp::Delete { sheet: TAB, row: 3, slot: 0 },
    ];
    let Ok(Outcome::Applied(receipt)) = desk.send(&batch(41, ops)).await else { panic!("applied") };
    assert_eq!(texts(receipt.rows[1].as_deref().unwrap_or_default()), ["2"]);
    assert_eq!(desk.texts().await.concat(), ["id", "0", "1", "3"]);
}

/// Kinds with values at their edges.
fn edges() -> Vec<(ColumnKind, Value)> {
    let text = || ColumnKind::Text { length: 60_000 };
    let day = |year, month, day| Date { year, month, day };
    let at = |date, micros| DateTime { date, hour: 23, minute: 59, second: 58, micros };
    let big = |unsigned| ColumnKind::Integer { bits: 64, unsigned };
    let decimal = |precision, scale| ColumnKind::Decimal { precision, scale, unsigned: false };
    vec![
        (big(false), Value::Int(i64::MIN)),
        (big(true), Value::UInt(u64::MAX)),
        (big(false), Value::Int(999_999_999_999_999)),
        (big(false), Value::Int(-1)),
        (decimal(15, 4), Value::Decimal("-12345678901.2345".into())),
        (decimal(65, 30), Value::Decimal(format!("-{}.{}", "9".repeat(35), "9".repeat(30)))),
        (ColumnKind::Float, Value::Float(Real::new(f64::from(0.1f32)))),
        (ColumnKind::Double, Value::Double(Real::new(0.1 + 0.2))),
        (ColumnKind::Double, Value::Double(Real::new(f64::MAX))),
        (ColumnKind::Double, Value::Double(Real::new(5e-324))),
        (ColumnKind::Boolean, Value::Int(1)),
        (ColumnKind::Boolean, Value::Int(-128)),
        (ColumnKind::Bit { bits: 64 }, Value::UInt(u64::MAX)),
        (text(), Value::Null),
        (text(), Value::Text(String::new())),
        (text(), Value::Text("''".into())),
        (text(), Value::Text("=HYPERLINK(\"x\")".into())),
        (text(), Value::Text("+1-2@'\t\r\n 🙂\u{200d}é ".into())),
        (text(), Value::Text("x".repeat(50_000))),
        (ColumnKind::Json, Value::Json("{\"a\": [1, null, \"ü\"]}".into())),
        (ColumnKind::Bytes { length: 3, fixed: false }, Value::Bytes(vec![0, 255, 10])),
        (ColumnKind::Date, Value::Date(day(0, 0, 0))),
        (ColumnKind::Date, Value::Date(day(1900, 2, 28))),
        (ColumnKind::Date, Value::Date(day(9999, 12, 31))),
        (ColumnKind::DateTime { fsp: 3 }, Value::DateTime(at(day(9999, 12, 31), 999_000))),
        (ColumnKind::DateTime { fsp: 6 }, Value::DateTime(at(day(2026, 11, 23), 999_999))),
        (ColumnKind::Timestamp { fsp: 3 }, Value::DateTime(at(day(2026, 3, 28), 1000))),
        (ColumnKind::Time { fsp: 3 }, Value::Time(Time { micros: -3_020_399_999_000 })),
        (ColumnKind::Year, Value::Int(2155)),
    ]
}

#[tokio::test]
async fn every_value_comes_back_from_the_sheet_as_it_went() {
    let desk = Desk::with(&[&["value"]]).await;
    desk.edit(|spreadsheet| spreadsheet.tabs[0] = sheets_emulator::grid::Tab::new(Tab(0), "Sheet1", 100, 1));
    let snapshot = desk.snapshot().await;
    let context = Context::new(&snapshot.locale, "Europe/Berlin").expect("a known zone");
    let column = |kind: &ColumnKind| Column::nullable("value", kind.clone());
    let edges = edges();
    let ops = (1u32..).zip(&edges).map(|(row, (kind, value))| GridOp::Write {
        sheet: TAB,
        row,
        cells: vec![(0, GridCell::plain(shown(&column(kind), value, &context)))],
    });
    let sent = desk.send(&batch(41, ops.collect())).await;
    assert!(matches!(sent, Ok(Outcome::Applied(_))), "{sent:?}");
    let rows = desk.tab().await.rows;
    for (row, (kind, value)) in (1..).zip(&edges) {
        let cell = rows.cells(row).first().map_or(Cell::Blank, |cell| cell.value.clone());
        let went = shown(&column(kind), value, &context);
        assert_eq!(cell.digest(), went.digest(), "{kind:?}: the cell is the one that was sent");
        let back = meaning(&column(kind), &cell, &context);
        assert!(back.as_ref() == Ok(value), "{kind:?} came back as {back:?}");
    }
}

#[tokio::test]
async fn of_a_large_tab_come_the_header_and_the_rows_that_were_asked_for() {
    // given forty rows
    let desk = Desk::with(&[&["id", "name"]]).await;
    desk.edit(|spreadsheet| {
        let tab = spreadsheet.tab_mut(Tab(TAB.0)).expect("the first tab");
        (1..40).for_each(|row| tab.set_value(row, 0, Content::Number(f64::from(row))));
    });
    // when two of them are read
    let wanted = [(TAB, Some(&[4_u32, 30][..]))];
    let read =
        desk.client.excerpt(Lane::Live, &desk.spreadsheet, &wanted, Some(HELPER)).await.expect("a read");
    // then each comes with its number, and the helper's size with them
    let rows: Vec<u32> = read.tabs[0].rows.iter().map(|row| row.row).collect();
    assert_eq!(rows, [0, 4, 30]);
    assert_eq!(read.tabs[0].rows.cells(2)[0], GridCell::plain(Cell::number(30.0)));
    assert!(read.helper.is_some());
}

#[tokio::test]
async fn a_large_tab_comes_whole() {
    // given a thousand rows of half a kilobyte, of which the last but one is blank
    let desk = Desk::with(&[&["id", "name"]]).await;
    let name = |row: u32| format!("{row}: {}", "what is in it ".repeat(40));
    desk.edit(|spreadsheet| {
        let tab = spreadsheet.tab_mut(Tab(TAB.0)).expect("the first tab");
        for row in (1..998).chain([999]) {
            tab.set_value(row, 0, Content::Number(f64::from(row) + 0.5));
            tab.set_value(row, 1, Content::text(&name(row)));
        }
    });
    // when they are read, then all of them have come
    let tab = desk.tab().await;
    let cells = |row: u32| [Cell::number(f64::from(row) + 0.5), Cell::Text(name(row))].map(GridCell::plain);
    assert_eq!((tab.rows.len(), texts(&tab.header)), (1000, vec!["id".to_owned(), "name".to_owned()]));
    for row in tab.rows.iter().skip(1) {
        let wanted = if row.row == 998 { vec![] } else { cells(row.row).to_vec() };
        assert!(row.cells == wanted, "row {}", row.row);
    }
}
