//! What batches look like on the wire.

use super::*;
use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridOp};
use crate::model::mark::{BatchNumber, ClaimId, Owner};
use crate::sheet::helper_tab::HELPER_ROWS;
use crate::sheet::wire::CellData;
use serde_json::{Value, json};

const TAB: SheetId = SheetId(0);

fn grids() -> Grids {
    Grids {
        helper: Helper { sheet: SheetId(9), row_count: HELPER_ROWS, column_count: 26 },
        tabs: vec![(TAB, 100, 4)],
    }
}

fn write(row: u32, cells: &[(u32, &str)]) -> GridOp {
    let cells = cells.iter().map(|(column, text)| (*column, GridCell::plain(Cell::Text((*text).into()))));
    GridOp::Write { sheet: TAB, row, cells: cells.collect() }
}

fn encoded(ops: Vec<GridOp>, grids: &Grids) -> (Vec<Value>, Value, Vec<Vec<usize>>) {
    let batch = GridBatch {
        number: BatchNumber(42),
        owner: Owner { installation: "k3v9".into(), generation: 7 },
        helper: SheetId(9),
        ops,
        expired: vec![BatchNumber(40)],
    };
    let encoded = encode(&batch, grids);
    let body: Value = serde_json::from_slice(&encoded.body).expect("json");
    let requests = body["requests"].as_array().expect("a list").clone();
    assert_eq!(requests.len(), encoded.blame.len());
    (requests, body["responseRanges"].clone(), encoded.blame)
}

fn kinds(requests: &[Value]) -> Vec<&str> {
    requests.iter().flat_map(|r| r.as_object().expect("a kind").keys()).map(String::as_str).collect()
}

#[test]
fn a_write_comes_after_its_token_and_its_receipt() {
    let (requests, ranges, blame) = encoded(vec![write(7, &[(1, "Ann")])], &grids());
    assert_eq!(
        json!(requests),
        json!([
            {"createDeveloperMetadata": {"developerMetadata": {"metadataId": 42, "metadataKey": "sb",
                "metadataValue": "k3v9.7", "location": {"spreadsheet": true}, "visibility": "DOCUMENT"}}},
            {"updateCells": {"range": {"sheetId": 9, "startRowIndex": 0, "endRowIndex": 3},
                "rows": [{"values": [{"userEnteredValue": {"stringValue": "42"}}]}], "fields": "userEnteredValue"}},
            {"copyPaste": {"source": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 4},
                "destination": {"sheetId": 9, "startRowIndex": 1, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 4},
                "pasteType": "PASTE_VALUES"}},
            {"copyPaste": {"source": {"sheetId": 0, "startRowIndex": 7, "endRowIndex": 8, "startColumnIndex": 0, "endColumnIndex": 4},
                "destination": {"sheetId": 9, "startRowIndex": 2, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 4},
                "pasteType": "PASTE_VALUES"}},
            {"updateCells": {"start": {"sheetId": 0, "rowIndex": 7, "columnIndex": 1},
                "rows": [{"values": [{"userEnteredValue": {"stringValue": "Ann"}}]}], "fields": "userEnteredValue"}},
            {"deleteDeveloperMetadata": {"dataFilter": {"developerMetadataLookup": {"metadataId": 40}}}},
        ])
    );
    assert_eq!(ranges, json!(["'_sheetbridge'!1:3"]));
    assert_eq!(blame, [vec![], vec![], vec![], vec![0], vec![0], vec![]]);
}

#[test]
fn neighbouring_rows_and_columns_share_requests_and_gaps_do_not() {
    let ops = vec![
        write(4, &[(0, "a"), (1, "b"), (3, "c")]),
        write(5, &[(0, "d"), (1, "e")]),
        write(7, &[(0, "f"), (1, "g")]),
    ];
    let (requests, _, blame) = encoded(ops, &grids());
    let starts: Vec<&Value> =
        requests.iter().map(|r| &r["updateCells"]["start"]).filter(|s| !s.is_null()).collect();
    assert_eq!(
        json!(starts),
        json!([{"sheetId": 0, "rowIndex": 4, "columnIndex": 0}, {"sheetId": 0, "rowIndex": 4, "columnIndex": 3},
               {"sheetId": 0, "rowIndex": 7, "columnIndex": 0}])
    );
    let copies = kinds(&requests).iter().filter(|kind| **kind == "copyPaste").count();
    assert_eq!(copies, 3, "header, rows 4 and 5, row 7");
    assert!(blame.contains(&vec![0, 1]));
}

#[test]
fn rows_are_inserted_from_the_top_and_deleted_from_the_bottom() {
    let insert = |at| GridOp::Insert {
        sheet: TAB,
        at,
        cells: vec![(0, GridCell::plain(Cell::number(f64::from(at))))],
    };
    let delete = |row, slot| GridOp::Delete { sheet: TAB, row, slot };
    let restore = GridOp::Restore { sheet: TAB, at: 12, slot: 3 };
    let (requests, ranges, _) =
        encoded(vec![insert(10), insert(11), restore, delete(2, 0), delete(6, 2), delete(3, 1)], &grids());
    let structural: Vec<&Value> = requests
        .iter()
        .flat_map(|r| [&r["insertDimension"]["range"], &r["deleteDimension"]["range"]])
        .filter(|range| !range.is_null())
        .collect();
    assert_eq!(
        json!(structural),
        json!([
            {"sheetId": 0, "dimension": "ROWS", "startIndex": 10, "endIndex": 13},
            {"sheetId": 0, "dimension": "ROWS", "startIndex": 6, "endIndex": 7},
            {"sheetId": 0, "dimension": "ROWS", "startIndex": 2, "endIndex": 4},
        ])
    );
    assert_eq!(
        kinds(&requests)[2..],
        [
            "copyPaste",
            "insertDimension",
            "updateCells",
            "copyPaste",
            "updateCells",
            "copyPaste",
            "updateCells",
            "copyPaste",
            "deleteDimension",
            "deleteDimension",
            "deleteDeveloperMetadata",
        ]
    );
    assert_eq!(ranges, json!(["'_sheetbridge'!1:2", "'_sheetbridge'!2049:2051"]));
}

#[test]
fn the_first_row_below_the_header_does_not_inherit_from_it() {
    let insert = vec![GridOp::Insert { sheet: TAB, at: 1, cells: vec![] }];
    let inherits = |grids: &Grids| {
        let (requests, ..) = encoded(insert.clone(), grids);
        requests.iter().find_map(|r| r["insertDimension"]["inheritFromBefore"].as_bool())
    };
    assert_eq!(inherits(&grids()), Some(false));
    let mut bare = grids();
    bare.tabs[0].1 = 1;
    assert_eq!(inherits(&bare), Some(true));
}

#[test]
fn a_helper_that_is_too_small_grows_before_it_is_used() {
    let mut small = grids();
    small.helper.row_count = 1;
    small.helper.column_count = 2;
    let claim = vec![GridOp::Claim { sheet: TAB, row: 3, claim: ClaimId(255) }];
    let (requests, ..) = encoded(claim, &small);
    assert_eq!(
        requests[1]["updateSheetProperties"]["properties"],
        json!({"sheetId": 9, "gridProperties": {"rowCount": HELPER_ROWS, "columnCount": 4}})
    );
    let claimed = &requests[5]["createDeveloperMetadata"]["developerMetadata"];
    assert_eq!(claimed["metadataValue"], "ff");
    assert_eq!(claimed["location"]["dimensionRange"]["startIndex"], 3);
}

#[test]
fn contents_keep_their_types_on_the_wire() {
    let cells = [
        (GridCell::BLANK, json!({})),
        (GridCell::plain(Cell::number(1.5)), json!({"userEnteredValue": {"numberValue": 1.5}})),
        (GridCell::plain(Cell::Bool(true)), json!({"userEnteredValue": {"boolValue": true}})),
        (GridCell::plain(Cell::Text("=x".into())), json!({"userEnteredValue": {"stringValue": "=x"}})),
        (
            GridCell { value: Cell::number(3.0), formula: Some("=1+2".into()) },
            json!({"userEnteredValue": {"formulaValue": "=1+2"}}),
        ),
    ];
    for (cell, wire) in cells {
        assert_eq!(json!(CellData::from(&cell)), wire);
    }
}
