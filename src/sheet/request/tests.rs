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
    let encoded = encode(&batch, grids, &Staging::default());
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
fn many_new_rows_are_copied_from_where_they_wait_and_what_looks_like_a_formula_comes_typed() {
    // given more new rows than pay as typed cells, with a gap between their columns, and one text that begins as a formula does
    let text = |row: u32| if row == 7 { "=HYPERLINK(1)".to_owned() } else { "x".repeat(200) };
    let cells =
        |row| vec![(0, GridCell::plain(Cell::Bool(true))), (2, GridCell::plain(Cell::Text(text(row))))];
    let ops = (1..4000).map(|at| GridOp::Insert { sheet: TAB, at, cells: cells(at) }).collect();
    let batch = GridBatch {
        number: BatchNumber(42),
        owner: Owner { installation: "k3v9".into(), generation: 7 },
        helper: SheetId(9),
        ops,
        expired: vec![],
    };
    // when they are staged in tab 77
    let staged = Staged::of(&batch);
    let values: Value = serde_json::from_slice(&staged.values(&batch, "_sheetbridge_77")).expect("json");
    let staging = Staging { from: Some((staged, SheetId(77))), retired: vec![SheetId(76)] };
    let body: Value = serde_json::from_slice(&encode(&batch, &grids(), &staging).body).expect("json");
    // then the values lie side by side, without what looks like a formula
    assert_eq!(values["data"][0]["range"], "'_sheetbridge_77'!A1:B3999");
    assert_eq!(values["data"][0]["values"][6], json!([true, ""]));
    // and, after the token and the helper tab, each column goes to its place, the formula's text typed, and the tab that has served goes away
    let requests = &body["requests"].as_array().expect("a list")[3..];
    assert_eq!(kinds(requests), ["insertDimension", "copyPaste", "copyPaste", "updateCells", "deleteSheet"]);
    assert_eq!(requests[2]["copyPaste"]["source"]["startColumnIndex"], 1);
    assert_eq!(requests[2]["copyPaste"]["destination"]["startColumnIndex"], 2);
    assert_eq!(
        requests[3]["updateCells"]["rows"],
        json!([{"values": [{"userEnteredValue": {"stringValue": "=HYPERLINK(1)"}}]}])
    );
    assert_eq!(requests[3]["updateCells"]["start"], json!({"sheetId": 0, "rowIndex": 7, "columnIndex": 2}));
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

mod weights {
    use proptest::prelude::*;

    use super::*;
    use crate::model::weight::Weight;

    /// Neighbouring rows that fill the same columns.
    #[derive(Clone, Debug)]
    struct Run {
        sheet: i32,
        gap: u32,
        columns: Vec<u32>,
        rows: Vec<Vec<GridCell>>,
        is_new: bool,
    }

    fn cell() -> impl Strategy<Value = GridCell> {
        let text = prop_oneof![
            8 => "\\PC{0,12}",
            2 => "=[a-z\"]{0,9}",
            4 => "[\"\\\\\u{0}-\u{1f}é🙂]{0,40}",
            1 => (0..30_000_usize).prop_map(|long| "\"x🙂\n".repeat(long / 7)),
        ];
        prop_oneof![
            1 => Just(GridCell::BLANK),
            2 => any::<f64>().prop_filter("a sheet has none", |x| x.is_finite()).prop_map(|x| GridCell::plain(Cell::number(x))),
            2 => (-1_000_000_i32..1_000_000).prop_map(|x| GridCell::plain(Cell::number(f64::from(x) / 100.0))),
            1 => any::<bool>().prop_map(|yes| GridCell::plain(Cell::Bool(yes))),
            4 => text.prop_map(|text| GridCell::plain(Cell::Text(text))),
            1 => "=[ -~]{0,20}".prop_map(|formula| GridCell { value: Cell::Blank, formula: Some(formula) }),
        ]
    }

    fn run() -> impl Strategy<Value = Run> {
        let columns = proptest::collection::btree_set(0..30_u32, 1..8);
        let many = prop_oneof![4 => 1..4_usize, 1 => 20..80_usize];
        (columns, many, 0..3_i32, 0..3_u32, any::<bool>()).prop_flat_map(
            |(columns, many, sheet, gap, is_new)| {
                let row = proptest::collection::vec(cell(), columns.len());
                let columns: Vec<u32> = columns.into_iter().collect();
                proptest::collection::vec(row, many).prop_map(move |rows| Run {
                    sheet: i32::MAX - sheet,
                    gap,
                    columns: columns.clone(),
                    rows,
                    is_new,
                })
            },
        )
    }

    fn ops(runs: Vec<Run>) -> Vec<GridOp> {
        let (mut row, mut writes, mut inserts) = (7_000_000, Vec::new(), Vec::new());
        for run in runs {
            row += run.gap;
            for cells in run.rows {
                let (sheet, cells) = (SheetId(run.sheet), run.columns.iter().copied().zip(cells).collect());
                if run.is_new {
                    inserts.push(GridOp::Insert { sheet, at: row, cells });
                } else {
                    writes.push(GridOp::Write { sheet, row, cells });
                }
                row += 1;
            }
        }
        let sheet = SheetId(i32::MAX);
        writes.push(GridOp::Claim { sheet, row, claim: ClaimId(u64::MAX) });
        writes.push(GridOp::Unclaim { claim: ClaimId(u64::MAX) });
        inserts.push(GridOp::Restore { sheet, at: row + 9, slot: 999 });
        let delete = |slot: u32| GridOp::Delete { sheet, row: row - 2 * slot, slot: slot * 3 };
        writes.into_iter().chain(inserts).chain((0..3).map(delete)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn a_batch_is_never_larger_than_it_weighs_and_not_much_smaller(
            runs in proptest::collection::vec(run(), 0..12),
        ) {
            let batch = GridBatch {
                number: BatchNumber(i32::MAX),
                owner: Owner { installation: "k3v9".into(), generation: u32::MAX },
                helper: SheetId(i32::MAX - 9),
                ops: ops(runs),
                expired: vec![],
            };
            let mut weight = Weight::default();
            batch.ops.iter().for_each(|op| weight.add(op));
            let helper = Helper { sheet: batch.helper, row_count: 1, column_count: 1 };
            let grids = Grids { helper, tabs: (0..3).map(|n| (SheetId(i32::MAX - n), 9_000_000, 16_000)).collect() };
            let staged = Staged::of(&batch);
            let values = if staged.is_empty() { 0 } else { staged.values(&batch, "_sheetbridge_2147483647").len() };
            let staging = Staging { from: Some((staged, SheetId(i32::MAX - 10))), retired: Vec::new() };
            let bytes = encode(&batch, &grids, &staging).body.len();
            prop_assert!(bytes <= weight.batch(), "{bytes} bytes weigh {}", weight.batch());
            prop_assert!(weight.batch() <= 2 * bytes + 2000, "{bytes} bytes weigh {}", weight.batch());
            prop_assert!(values <= weight.plain(), "{values} plain bytes weigh {}", weight.plain());
        }
    }
}
