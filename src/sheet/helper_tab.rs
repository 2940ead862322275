//! The hidden tab `_sheetbridge`: where batches leave the before-images of what they touch.
//!
//! ```text
//! rows 0..1024      block A, of batches with an even number
//! rows 1024..2048   block B, of batches with an odd number
//! rows 2048..3048   the trash: one deleted row per slot, whole, with formats and formulas
//! rows 3048..       two larger blocks of the same kind, for batches of more than 500 requests; made when one first comes
//! ```
//!
//! A block's first line holds the batch's number as text in column A. Then comes the header row of every tab that the
//! batch writes or deletes in, in the order of first mention, then one line per `Write` and `Claim`, in the batch's order:
//! the whole row as it was, at its own columns. A deleted row's before-image is its trash slot.
//!
//! Lines of a block are values: a formula that is copied elsewhere points elsewhere and would show another result there.
//! What formula stood in a cell is known from the read before the batch. The trash keeps formulas, since a restored row is
//! copied back and its references move back with it; until then those to other rows may show other results.
//!
//! Where each line stands follows from the batch alone, so a receipt can be read again after a crash.

use crate::model::cell::Cell;
use crate::model::grid::{GridBatch, GridCell, GridOp, RECEIPT_LINES, Receipt, TRASH_SLOTS};
use crate::model::link::SheetId;
use crate::model::mark::BatchNumber;
use crate::sheet::answer::Spreadsheet;
use crate::sheet::wire::GridRange;

/// The tab's title, which people do not see and do not change.
pub const HELPER_TITLE: &str = "_sheetbridge";

/// Lines of one block: the number, up to one header and one row per request.
const BLOCK_LINES: u32 = 1024;

/// The largest batch of the small blocks.
const SMALL: usize = 500;

const _: () = assert!(2 * SMALL < BLOCK_LINES as usize);

/// Lines of one large block: the number, the headers, of which there are not more than tabs, and one row per request.
const LARGE_LINES: u32 = RECEIPT_LINES as u32 + 1024;

/// The first row of the trash.
const TRASH: u32 = 2 * BLOCK_LINES;

/// How many rows the tab must have.
pub(super) const HELPER_ROWS: u32 = TRASH + TRASH_SLOTS;

/// Where the large blocks begin.
const LARGE: u32 = HELPER_ROWS;

/// The row of a trash slot.
pub(super) fn trash_row(slot: u32) -> u32 {
    TRASH + slot % TRASH_SLOTS
}

/// Where the lines of one batch stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// The block's first line.
    pub(super) stamp: u32,
    /// Per tab, the line of its header.
    pub(super) headers: Vec<(SheetId, u32)>,
    /// Per request, the row that holds its before-image.
    pub(super) rows: Vec<Option<u32>>,
    /// Past the block's last used line.
    pub(super) end: u32,
}

impl Lines {
    pub(super) fn of(batch: &GridBatch) -> Self {
        let stamp = block_start(batch);
        let mut headers: Vec<(SheetId, u32)> = Vec::new();
        let mut line = stamp + 1;
        for sheet in batch.ops.iter().filter_map(touched) {
            if headers.iter().all(|(known, _)| *known != sheet) {
                headers.push((sheet, line));
                line += 1;
            }
        }
        let rows = batch
            .ops
            .iter()
            .map(|op| match op {
                GridOp::Write { .. } | GridOp::Claim { .. } => {
                    line += 1;
                    Some(line - 1)
                }
                GridOp::Delete { slot, .. } => Some(trash_row(*slot)),
                GridOp::Unclaim { .. } | GridOp::Insert { .. } | GridOp::Restore { .. } => None,
            })
            .collect();
        Self { stamp, headers, rows, end: line }
    }

    /// The helper's rows to read, as half-open runs: the block's used lines, then the trash slots.
    pub(super) fn runs(&self) -> Vec<(u32, u32)> {
        let is_slot = |row: &u32| (TRASH..HELPER_ROWS).contains(row);
        let mut slots: Vec<u32> = self.rows.iter().flatten().copied().filter(is_slot).collect();
        slots.sort_unstable();
        slots.dedup();
        let mut runs = vec![(self.stamp, self.end)];
        for slot in slots {
            match runs.last_mut() {
                Some((_, end)) if *end == slot => *end += 1,
                _ => runs.push((slot, slot + 1)),
            }
        }
        runs
    }

    /// How many rows the helper tab must have for this batch.
    pub(super) fn height(&self) -> u32 {
        self.end.max(HELPER_ROWS)
    }

    /// The same as ranges of the helper tab.
    pub(super) fn ranges(&self, helper: SheetId) -> Vec<GridRange> {
        self.runs().into_iter().map(|(start, end)| GridRange::rows(helper, start, end)).collect()
    }

    /// The receipt out of a read of these lines; `None` if the block's stamp is not the batch's number.
    pub(super) fn receipt(&self, batch: &GridBatch, answer: Spreadsheet) -> Option<Receipt> {
        let mut read = LinesRead::new(answer, batch.helper);
        let stamp = read.take(self.stamp);
        if stamp.first() != Some(&stamp_cell(batch.number)) {
            return None;
        }
        Some(Receipt {
            headers: self.headers.iter().map(|(sheet, line)| (*sheet, read.take(*line))).collect(),
            rows: self.rows.iter().map(|row| row.map(|row| read.take(row))).collect(),
        })
    }
}

/// What the first line of a block holds.
pub(super) fn stamp_cell(number: BatchNumber) -> GridCell {
    GridCell::plain(Cell::Text(number.to_string()))
}

fn block_start(batch: &GridBatch) -> u32 {
    let (first, lines) = if batch.ops.len() <= SMALL { (0, BLOCK_LINES) } else { (LARGE, LARGE_LINES) };
    if batch.number.0 % 2 == 0 { first } else { first + lines }
}

/// The tab of which a request writes or deletes a row that was there before.
fn touched(op: &GridOp) -> Option<SheetId> {
    match op {
        GridOp::Write { sheet, .. } | GridOp::Claim { sheet, .. } | GridOp::Delete { sheet, .. } => {
            Some(*sheet)
        }
        GridOp::Unclaim { .. } | GridOp::Insert { .. } | GridOp::Restore { .. } => None,
    }
}

/// The helper tab's rows out of an answer, by row number.
struct LinesRead(std::collections::HashMap<u32, Vec<GridCell>>);

impl LinesRead {
    fn new(answer: Spreadsheet, helper: SheetId) -> Self {
        let data = answer
            .sheets
            .into_iter()
            .filter(|sheet| sheet.properties.sheet_id == helper.0)
            .flat_map(|sheet| sheet.data);
        Self(
            data.flat_map(|part| {
                let rows: Vec<_> =
                    part.row_data.rows.iter().map(|row| (part.start_row + row.row, row.cells)).collect();
                rows
            })
            .collect(),
        )
    }

    fn take(&mut self, row: u32) -> Vec<GridCell> {
        self.0.remove(&row).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mark::{ClaimId, Owner};

    fn batch(number: i32, ops: Vec<GridOp>) -> GridBatch {
        GridBatch {
            number: BatchNumber(number),
            owner: Owner { installation: "k3v9".into(), generation: 1 },
            helper: SheetId(9),
            ops,
            expired: vec![],
        }
    }

    #[test]
    fn blocks_alternate_and_lines_follow_from_the_batch() {
        let (a, b) = (SheetId(0), SheetId(5));
        let ops = vec![
            GridOp::Claim { sheet: b, row: 4, claim: ClaimId(1) },
            GridOp::Write { sheet: a, row: 7, cells: vec![] },
            GridOp::Unclaim { claim: ClaimId(2) },
            GridOp::Delete { sheet: a, row: 3, slot: 1001 },
            GridOp::Delete { sheet: a, row: 2, slot: 2 },
        ];
        let lines = Lines::of(&batch(7, ops.clone()));
        assert_eq!(lines.stamp, 1024);
        assert_eq!(lines.headers, [(b, 1025), (a, 1026)]);
        assert_eq!(lines.rows, [Some(1027), Some(1028), None, Some(2049), Some(2050)]);
        assert_eq!(lines.runs(), [(1024, 1029), (2049, 2051)]);
        assert_eq!(Lines::of(&batch(8, ops)).stamp, 0);
    }

    #[test]
    fn a_receipt_with_another_stamp_is_none() {
        let write = GridOp::Write { sheet: SheetId(0), row: 7, cells: vec![] };
        let batch = batch(8, vec![write]);
        let answer = |stamp: &str| -> Spreadsheet {
            serde_json::from_value(
                serde_json::json!({"sheets": [{"properties": {"sheetId": 9}, "data": [{"rowData": [
                    {"values": [{"effectiveValue": {"stringValue": stamp}}]},
                    {"values": [{"effectiveValue": {"stringValue": "id"}}]},
                    {"values": [{"effectiveValue": {"numberValue": 17}}]},
                ]}]}]}),
            )
            .expect("google's shape")
        };
        let lines = Lines::of(&batch);
        assert_eq!(lines.receipt(&batch, answer("6")), None);
        let receipt = lines.receipt(&batch, answer("8")).expect("our stamp");
        assert_eq!(receipt.rows, [Some(vec![GridCell::plain(Cell::number(17.0))])]);
        assert_eq!(receipt.headers[0].1, [GridCell::plain(Cell::Text("id".into()))]);
    }
}
