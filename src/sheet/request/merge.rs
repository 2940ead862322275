//! Neighbours share a request: rows that are copied, cells that are written.

use std::collections::HashMap;

use crate::model::grid::GridCell;
use crate::model::link::SheetId;
use crate::sheet::wire::{CellData, RowData};

/// Neighbouring rows that go to neighbouring lines.
pub(super) struct Copied {
    pub(super) ops: Vec<usize>,
    pub(super) sheet: SheetId,
    pub(super) row: u32,
    pub(super) line: u32,
    pub(super) count: u32,
}

impl Copied {
    pub(super) fn one(op: usize, sheet: SheetId, row: u32, line: u32) -> Self {
        Self { ops: vec![op], sheet, row, line, count: 1 }
    }
}

pub(super) fn merge_copies(rows: impl Iterator<Item = Copied>) -> Vec<Copied> {
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
pub(super) struct Rectangle {
    pub(super) ops: Vec<usize>,
    pub(super) sheet: SheetId,
    pub(super) row: u32,
    pub(super) column: u32,
    pub(super) rows: Vec<RowData>,
}

pub(super) fn rectangles<'a>(
    rows: impl Iterator<Item = (usize, SheetId, u32, &'a [(u32, GridCell)])>,
) -> Vec<Rectangle> {
    let mut all: Vec<Rectangle> = Vec::new();
    // By tab, column, width and the row below: what comes there next goes on with that rectangle.
    let mut ends: HashMap<(SheetId, u32, usize, u32), usize> = HashMap::new();
    for (op, sheet, row, cells) in rows {
        for run in cells.chunk_by(|a, b| a.0 + 1 == b.0) {
            let (column, width) = (run[0].0, run.len());
            let values = RowData { values: run.iter().map(|(_, cell)| CellData::from(cell)).collect() };
            let place = ends.remove(&(sheet, column, width, row)).unwrap_or(all.len());
            if let Some(above) = all.get_mut(place) {
                above.rows.push(values);
                above.ops.push(op);
            } else {
                all.push(Rectangle { ops: vec![op], sheet, row, column, rows: vec![values] });
            }
            ends.insert((sheet, column, width, row + 1), place);
        }
    }
    all
}
