//! The requests of one batch as they are put together, step by step in the order of the protocol.

use std::borrow::Cow;

use crate::model::grid::{GridBatch, GridCell, GridOp};
use crate::model::link::SheetId;
use crate::model::weight::goes_apart;
use crate::sheet::helper_tab::{Lines, stamp_cell, trash_row};
use crate::sheet::request::merge::{Copied, merge_copies, rectangles};
use crate::sheet::request::{CLAIM_KEY, Grids, Staging};
use crate::sheet::wire::{
    CellData, DataFilter, DimensionRange, GridCoordinate, GridProperties, GridRange, Location, NewMetadata,
    PasteType, Request, RowData, SheetProperties, UpdateCells, VALUE_ONLY, Visibility,
};

/// A new row's place in the batch, its tab and number, and its typed cells.
type NewRow<'a> = (usize, SheetId, u32, Cow<'a, [(u32, GridCell)]>);

/// What of a new row goes typed.
fn left(cells: &[(u32, GridCell)], is_staged: bool) -> Cow<'_, [(u32, GridCell)]> {
    if is_staged {
        cells.iter().filter(|(_, cell)| goes_apart(cell)).cloned().collect()
    } else {
        Cow::Borrowed(cells)
    }
}

/// The requests so far, and whom each serves.
#[derive(Default)]
pub(super) struct List {
    pub(super) requests: Vec<Request>,
    pub(super) blame: Vec<Vec<usize>>,
}

impl List {
    pub(super) fn push(&mut self, request: Request, ops: &[usize]) {
        self.requests.push(request);
        self.blame.push(ops.to_vec());
    }

    pub(super) fn grow_helper(&mut self, grids: &Grids, height: u32) {
        let widest = grids.tabs.iter().map(|(_, _, columns)| *columns).max().unwrap_or(1);
        let helper = grids.helper;
        if helper.row_count >= height && helper.column_count >= widest {
            return;
        }
        let properties = SheetProperties {
            sheet_id: Some(helper.sheet),
            grid_properties: GridProperties {
                rows: Some(helper.row_count.max(height)),
                columns: Some(helper.column_count.max(widest)),
                frozen_rows: None,
            },
            ..SheetProperties::default()
        };
        let fields = "gridProperties.rowCount,gridProperties.columnCount";
        self.push(Request::UpdateSheetProperties { properties, fields }, &[]);
    }

    /// Stamps the block, which clears its used lines of older batches, then copies what is about to be overwritten.
    pub(super) fn receipts(&mut self, batch: &GridBatch, lines: &Lines, grids: &Grids) {
        let stamp = UpdateCells {
            start: None,
            range: Some(GridRange::rows(batch.helper, lines.stamp, lines.end)),
            rows: vec![RowData { values: vec![CellData::from(&stamp_cell(batch.number))] }],
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
        let rows = batch.ops.iter().zip(&lines.rows).enumerate().filter_map(|(i, (op, line))| match op {
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
        let request = Request::CopyPaste { source, destination, paste_type };
        self.push(request, &copied.ops);
    }

    pub(super) fn writes(&mut self, batch: &GridBatch) {
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

    pub(super) fn marks(&mut self, batch: &GridBatch) {
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

    pub(super) fn inserts(&mut self, batch: &GridBatch, grids: &Grids, staging: &Staging) {
        let staged = staging.ops();
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
            let end = at + run.len() as u32;
            let range = DimensionRange::rows(sheet, at, end);
            // The row above gives the format, but not the header, unless there is nothing below it.
            let inherit_from_before = at > 1 || grids.rows(sheet) <= 1;
            self.push(Request::InsertDimension { range, inherit_from_before }, &ops);
            for (run, tab) in staging.within(sheet, at, end) {
                run.copies(tab).into_iter().for_each(|copy| self.push(copy, &run.ops));
            }
            let typed: Vec<NewRow<'_>> = ops
                .iter()
                .filter_map(|i| match &batch.ops[*i] {
                    GridOp::Insert { sheet, at, cells } => {
                        Some((*i, *sheet, *at, left(cells, staged.contains(i))))
                    }
                    _ => None,
                })
                .collect();
            self.fill(typed.iter().map(|(i, sheet, at, cells)| (*i, *sheet, *at, cells.as_ref())));
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

    pub(super) fn deletes(&mut self, batch: &GridBatch, grids: &Grids) {
        let mut rows: Vec<(SheetId, u32, u32, usize)> = Vec::new();
        for (i, op) in batch.ops.iter().enumerate() {
            if let GridOp::Delete { sheet, row, slot } = op {
                rows.push((*sheet, *row, trash_row(*slot), i));
            }
        }
        rows.sort_unstable();
        for copied in
            merge_copies(rows.iter().map(|(sheet, row, line, i)| Copied::one(*i, *sheet, *row, *line)))
        {
            let clear = UpdateCells {
                start: None,
                range: Some(GridRange::rows(batch.helper, copied.line, copied.line + copied.count)),
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
