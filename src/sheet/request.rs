//! A batch becomes one `batchUpdate`, pure.
//!
//! Google applies requests in the order given, all or none, so the order here is the protocol (design 4a, rules 1 and 2):
//!
//! 1. the token, whose second creation fails the whole batch: it applies at most once;
//! 2. the helper tab grown where it is too small, its block cleared and stamped;
//! 3. copies of the header rows and of every row that a `Write` or `Claim` touches;
//! 4. writes, claims, unclaims;
//! 5. inserts and restores from top to bottom;
//! 6. rows that go, first copied whole into the trash, then deleted from bottom to top;
//! 7. tokens that are old enough to go.
//!
//! Neighbouring cells and rows share a request.

use serde::Serialize;

use crate::model::grid::{GridBatch, GridCell, GridOp, Helper, Snapshot};
use crate::model::link::SheetId;
use crate::sheet::answer::ROWS_MASK;
use crate::sheet::helper_tab::{HELPER_ROWS, HELPER_TITLE, Lines, stamp_cell, trash_row};
use crate::sheet::wire::{
    CellData, DataFilter, DimensionRange, GridCoordinate, GridProperties, GridRange, Location, NewMetadata,
    PasteType, Request, RowData, SheetProperties, UpdateCells, VALUE_ONLY, Visibility,
};

/// The key of tokens.
pub const TOKEN_KEY: &str = "sb";

/// The key of claims, on rows.
pub const CLAIM_KEY: &str = "sb.row";

/// The key of column anchors.
pub const ANCHOR_KEY: &str = "sb.col";

/// The sizes of the grids that a batch works on, as the last read showed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grids {
    /// The helper tab.
    pub helper: Helper,
    /// Per linked tab, rows and columns.
    pub tabs: Vec<(SheetId, u32, u32)>,
}

impl Grids {
    /// The sizes that a read shows; `None` while there is no helper tab.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let tabs = snapshot
            .tabs
            .iter()
            .map(|tab| (tab.sheet, tab.row_count, tab.column_count));
        Some(Self {
            helper: snapshot.helper?,
            tabs: tabs.collect(),
        })
    }

    fn rows(&self, sheet: SheetId) -> u32 {
        self.find(sheet).map_or(u32::MAX, |(_, rows, _)| rows)
    }

    /// The width that copies of the tab's rows have.
    fn width(&self, sheet: SheetId) -> u32 {
        self.find(sheet)
            .map_or(self.helper.column_count, |(_, _, columns)| columns)
    }

    fn find(&self, sheet: SheetId) -> Option<(SheetId, u32, u32)> {
        self.tabs.iter().copied().find(|(id, _, _)| *id == sheet)
    }
}

/// A batch on the wire.
#[derive(Debug)]
pub struct Encoded {
    /// The JSON body.
    pub body: Vec<u8>,
    /// Per request, the positions in `GridBatch::ops` that it serves: whom to blame when Google refuses it.
    pub blame: Vec<Vec<usize>>,
}

/// The query of a `batchUpdate` that answers with the helper tab's lines.
pub(super) fn query() -> String {
    format!(
        ":batchUpdate?prettyPrint=false&fields=updatedSpreadsheet(sheets(properties(sheetId),data({ROWS_MASK})))"
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    requests: Vec<Request>,
    include_spreadsheet_in_response: bool,
    response_ranges: Vec<String>,
}

/// Encodes a batch of at most `RECEIPT_LINES` requests.
pub fn encode(batch: &GridBatch, grids: &Grids) -> Encoded {
    let lines = Lines::of(batch);
    let mut list = List::default();
    list.push(token(batch.number.0, batch.owner.to_string()), &[]);
    list.grow_helper(grids);
    list.receipts(batch, &lines, grids);
    list.writes(batch);
    list.marks(batch);
    list.inserts(batch, grids);
    list.deletes(batch, grids);
    for old in &batch.expired {
        let data_filter = DataFilter::metadata_id(old.0);
        list.push(Request::DeleteDeveloperMetadata { data_filter }, &[]);
    }
    // The helper tab is ours and never renamed, so it may be named by its title, the only form that Google takes here.
    let response_ranges = lines
        .runs()
        .into_iter()
        .map(|(start, end)| format!("'{HELPER_TITLE}'!{}:{end}", start + 1));
    let body = Body {
        requests: list.requests,
        include_spreadsheet_in_response: true,
        response_ranges: response_ranges.collect(),
    };
    Encoded {
        body: to_json(&body),
        blame: list.blame,
    }
}

/// The request that makes a token, or the void in its place.
pub(super) fn token(number: i32, value: String) -> Request {
    Request::CreateDeveloperMetadata {
        metadata: NewMetadata {
            metadata_id: Some(number),
            metadata_key: TOKEN_KEY,
            metadata_value: value,
            location: Location::Spreadsheet(true),
            visibility: Visibility::Document,
        },
    }
}

/// JSON of a type of our own.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own types have text keys and no failing parts")
}

/// The requests so far, and whom each serves.
#[derive(Default)]
struct List {
    requests: Vec<Request>,
    blame: Vec<Vec<usize>>,
}

impl List {
    fn push(&mut self, request: Request, ops: &[usize]) {
        self.requests.push(request);
        self.blame.push(ops.to_vec());
    }

    fn grow_helper(&mut self, grids: &Grids) {
        let widest = grids
            .tabs
            .iter()
            .map(|(_, _, columns)| *columns)
            .max()
            .unwrap_or(1);
        let helper = grids.helper;
        if helper.row_count >= HELPER_ROWS && helper.column_count >= widest {
            return;
        }
        let properties = SheetProperties {
            sheet_id: Some(helper.sheet),
            grid_properties: GridProperties {
                row_count: Some(helper.row_count.max(HELPER_ROWS)),
                column_count: Some(helper.column_count.max(widest)),
                frozen_row_count: None,
            },
            ..SheetProperties::default()
        };
        let fields = "gridProperties.rowCount,gridProperties.columnCount";
        self.push(Request::UpdateSheetProperties { properties, fields }, &[]);
    }

    /// Stamps the block, which clears its used lines of older batches, then copies what is about to be overwritten.
    fn receipts(&mut self, batch: &GridBatch, lines: &Lines, grids: &Grids) {
        let stamp = UpdateCells {
            start: None,
            range: Some(GridRange::rows(batch.helper, lines.stamp, lines.end)),
            rows: vec![RowData {
                values: vec![CellData::from(&stamp_cell(batch.number))],
            }],
            fields: VALUE_ONLY,
        };
        self.push(Request::UpdateCells(stamp), &[]);
        let headers = lines.headers.iter().map(|(sheet, line)| Copied {
            ops: vec![],
            sheet: *sheet,
            row: 0,
            line: *line,
            count: 1,
        });
        let rows = batch
            .ops
            .iter()
            .zip(&lines.rows)
            .enumerate()
            .filter_map(|(i, (op, line))| match op {
                GridOp::Write { sheet, row, .. } | GridOp::Claim { sheet, row, .. } => {
                    Some(Copied::one(i, *sheet, *row, (*line)?))
                }
                GridOp::Unclaim { .. }
                | GridOp::Insert { .. }
                | GridOp::Restore { .. }
                | GridOp::Delete { .. } => None,
            });
        for copied in headers.chain(merge_copies(rows)) {
            self.copy_to_helper(&copied, batch.helper, grids, PasteType::Values);
        }
    }

    fn copy_to_helper(&mut self, copied: &Copied, helper: SheetId, grids: &Grids, paste_type: PasteType) {
        let width = grids.width(copied.sheet);
        let source = GridRange::rows(copied.sheet, copied.row, copied.row + copied.count).columns(0, width);
        let destination = GridRange::rows(helper, copied.line, copied.line + copied.count).columns(0, width);
        let request = Request::CopyPaste {
            source,
            destination,
            paste_type,
        };
        self.push(request, &copied.ops);
    }

    fn writes(&mut self, batch: &GridBatch) {
        let rows = batch.ops.iter().enumerate().filter_map(|(i, op)| match op {
            GridOp::Write { sheet, row, cells } => Some((i, *sheet, *row, cells.as_slice())),
            _ => None,
        });
        self.fill(rows);
    }

    /// Values into rows, in rectangles.
    fn fill<'a>(&mut self, rows: impl Iterator<Item = (usize, SheetId, u32, &'a [(u32, GridCell)])>) {
        for block in rectangles(rows) {
            let update = UpdateCells {
                start: Some(GridCoordinate {
                    sheet_id: block.sheet,
                    row_index: block.row,
                    column_index: block.column,
                }),
                range: None,
                rows: block.rows,
                fields: VALUE_ONLY,
            };
            self.push(Request::UpdateCells(update), &block.ops);
        }
    }

    fn marks(&mut self, batch: &GridBatch) {
        for (i, op) in batch.ops.iter().enumerate() {
            match op {
                GridOp::Claim { sheet, row, claim } => {
                    let metadata = NewMetadata {
                        metadata_id: None,
                        metadata_key: CLAIM_KEY,
                        metadata_value: claim.to_string(),
                        location: Location::DimensionRange(DimensionRange::rows(*sheet, *row, *row + 1)),
                        visibility: Visibility::Document,
                    };
                    self.push(Request::CreateDeveloperMetadata { metadata }, &[i]);
                }
                GridOp::Unclaim { claim } => {
                    let data_filter = DataFilter::metadata(CLAIM_KEY, claim.to_string());
                    self.push(Request::DeleteDeveloperMetadata { data_filter }, &[i]);
                }
                _ => {}
            }
        }
    }

    fn inserts(&mut self, batch: &GridBatch, grids: &Grids) {
        let mut rows: Vec<(SheetId, u32, usize)> = Vec::new();
        for (i, op) in batch.ops.iter().enumerate() {
            if let GridOp::Insert { sheet, at, .. } | GridOp::Restore { sheet, at, .. } = op {
                rows.push((*sheet, *at, i));
            }
        }
        rows.sort_unstable();
        for run in rows.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1) {
            let ops: Vec<usize> = run.iter().map(|(_, _, i)| *i).collect();
            let (sheet, at, _) = run[0];
            let range = DimensionRange::rows(sheet, at, at + run.len() as u32);
            // The row above gives the format, but not the header, unless there is nothing below it.
            let inherit_from_before = at > 1 || grids.rows(sheet) <= 1;
            self.push(
                Request::InsertDimension {
                    range,
                    inherit_from_before,
                },
                &ops,
            );
            self.fill(ops.iter().filter_map(|i| match &batch.ops[*i] {
                GridOp::Insert { sheet, at, cells } => Some((*i, *sheet, *at, cells.as_slice())),
                _ => None,
            }));
            for i in ops {
                if let GridOp::Restore { sheet, at, slot } = batch.ops[i] {
                    let (width, row) = (grids.width(sheet), trash_row(slot));
                    let request = Request::CopyPaste {
                        source: GridRange::rows(batch.helper, row, row + 1).columns(0, width),
                        destination: GridRange::rows(sheet, at, at + 1).columns(0, width),
                        paste_type: PasteType::Normal,
                    };
                    self.push(request, &[i]);
                }
            }
        }
    }

    fn deletes(&mut self, batch: &GridBatch, grids: &Grids) {
        let mut rows: Vec<(SheetId, u32, u32, usize)> = Vec::new();
        for (i, op) in batch.ops.iter().enumerate() {
            if let GridOp::Delete { sheet, row, slot } = op {
                rows.push((*sheet, *row, trash_row(*slot), i));
            }
        }
        rows.sort_unstable();
        for copied in merge_copies(
            rows.iter()
                .map(|(sheet, row, line, i)| Copied::one(*i, *sheet, *row, *line)),
        ) {
            let clear = UpdateCells {
                start: None,
                range: Some(GridRange::rows(
                    batch.helper,
                    copied.line,
                    copied.line + copied.count,
                )),
                rows: vec![],
                fields: VALUE_ONLY,
            };
            self.push(Request::UpdateCells(clear), &copied.ops);
            self.copy_to_helper(&copied, batch.helper, grids, PasteType::Normal);
        }
        let runs: Vec<_> = rows.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1).collect();
        for run in runs.into_iter().rev() {
            let (sheet, first, ..) = run[0];
            let range = DimensionRange::rows(sheet, first, first + run.len() as u32);
            let ops: Vec<usize> = run.iter().map(|(.., i)| *i).collect();
            self.push(Request::DeleteDimension { range }, &ops);
        }
    }
}

/// Neighbouring rows that go to neighbouring lines.
struct Copied {
    ops: Vec<usize>,
    sheet: SheetId,
    row: u32,
    line: u32,
    count: u32,
}

impl Copied {
    fn one(op: usize, sheet: SheetId, row: u32, line: u32) -> Self {
        Self {
            ops: vec![op],
            sheet,
            row,
            line,
            count: 1,
        }
    }
}

fn merge_copies(rows: impl Iterator<Item = Copied>) -> Vec<Copied> {
    let mut merged: Vec<Copied> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last)
                if last.sheet == row.sheet
                    && last.row + last.count == row.row
                    && last.line + last.count == row.line =>
            {
                last.count += 1;
                last.ops.extend(row.ops);
            }
            _ => merged.push(row),
        }
    }
    merged
}

/// Cells that touch: neighbouring columns, and below them the same columns of neighbouring rows.
struct Rectangle {
    ops: Vec<usize>,
    sheet: SheetId,
    row: u32,
    column: u32,
    width: usize,
    rows: Vec<RowData>,
}

fn rectangles<'a>(
    rows: impl Iterator<Item = (usize, SheetId, u32, &'a [(u32, GridCell)])>,
) -> Vec<Rectangle> {
    let mut all: Vec<Rectangle> = Vec::new();
    for (op, sheet, row, cells) in rows {
        for run in cells.chunk_by(|a, b| a.0 + 1 == b.0) {
            let (column, width) = (run[0].0, run.len());
            let values = RowData {
                values: run.iter().map(|(_, cell)| CellData::from(cell)).collect(),
            };
            let above = all.iter_mut().rev().find(|above| {
                above.sheet == sheet
                    && above.column == column
                    && above.width == width
                    && above.row + above.rows.len() as u32 == row
            });
            if let Some(above) = above {
                above.rows.push(values);
                above.ops.push(op);
            } else {
                all.push(Rectangle {
                    ops: vec![op],
                    sheet,
                    row,
                    column,
                    width,
                    rows: vec![values],
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;
    use crate::model::mark::{BatchNumber, ClaimId, Owner};
    use serde_json::{Value, json};

    const TAB: SheetId = SheetId(0);

    fn grids() -> Grids {
        Grids {
            helper: Helper {
                sheet: SheetId(9),
                row_count: HELPER_ROWS,
                column_count: 26,
            },
            tabs: vec![(TAB, 100, 4)],
        }
    }

    fn write(row: u32, cells: &[(u32, &str)]) -> GridOp {
        let cells = cells
            .iter()
            .map(|(column, text)| (*column, GridCell::plain(Cell::Text((*text).into()))));
        GridOp::Write {
            sheet: TAB,
            row,
            cells: cells.collect(),
        }
    }

    fn encoded(ops: Vec<GridOp>, grids: &Grids) -> (Vec<Value>, Value, Vec<Vec<usize>>) {
        let batch = GridBatch {
            number: BatchNumber(42),
            owner: Owner {
                installation: "k3v9".into(),
                generation: 7,
            },
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
        requests
            .iter()
            .flat_map(|r| r.as_object().expect("a kind").keys())
            .map(String::as_str)
            .collect()
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
        let starts: Vec<&Value> = requests
            .iter()
            .map(|r| &r["updateCells"]["start"])
            .filter(|s| !s.is_null())
            .collect();
        assert_eq!(
            json!(starts),
            json!([{"sheetId": 0, "rowIndex": 4, "columnIndex": 0}, {"sheetId": 0, "rowIndex": 4, "columnIndex": 3},
                   {"sheetId": 0, "rowIndex": 7, "columnIndex": 0}])
        );
        let copies = kinds(&requests)
            .iter()
            .filter(|kind| **kind == "copyPaste")
            .count();
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
        let delete = |row, slot| GridOp::Delete {
            sheet: TAB,
            row,
            slot,
        };
        let restore = GridOp::Restore {
            sheet: TAB,
            at: 12,
            slot: 3,
        };
        let (requests, ranges, _) = encoded(
            vec![
                insert(10),
                insert(11),
                restore,
                delete(2, 0),
                delete(6, 2),
                delete(3, 1),
            ],
            &grids(),
        );
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
        let insert = vec![GridOp::Insert {
            sheet: TAB,
            at: 1,
            cells: vec![],
        }];
        let inherits = |grids: &Grids| {
            let (requests, ..) = encoded(insert.clone(), grids);
            requests
                .iter()
                .find_map(|r| r["insertDimension"]["inheritFromBefore"].as_bool())
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
        let claim = vec![GridOp::Claim {
            sheet: TAB,
            row: 3,
            claim: ClaimId(255),
        }];
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
            (
                GridCell::plain(Cell::number(1.5)),
                json!({"userEnteredValue": {"numberValue": 1.5}}),
            ),
            (
                GridCell::plain(Cell::Bool(true)),
                json!({"userEnteredValue": {"boolValue": true}}),
            ),
            (
                GridCell::plain(Cell::Text("=x".into())),
                json!({"userEnteredValue": {"stringValue": "=x"}}),
            ),
            (
                GridCell {
                    value: Cell::number(3.0),
                    formula: Some("=1+2".into()),
                },
                json!({"userEnteredValue": {"formulaValue": "=1+2"}}),
            ),
        ];
        for (cell, wire) in cells {
            assert_eq!(json!(CellData::from(&cell)), wire);
        }
    }
}
