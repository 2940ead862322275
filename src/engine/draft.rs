//! A batch in the making: its requests, in an order in which every row number is right when it is used.

use std::collections::BTreeSet;

use crate::engine::input::{DbRow, RowView, TabView};
use crate::engine::plan::{Aim, PlannedCell, PlannedOp};
use crate::engine::reconcile::agreed;
use crate::engine::table::Table;
use crate::model::base::{ColumnBase, RowBase};
use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridOp, RECEIPT_LINES};
use crate::model::key::Key;
use crate::model::rule::Direction;
use crate::model::weight::Weight;

/// The requests of a batch in the making, sorted by what they do to row numbers.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) writes: Vec<PlannedOp>,
    pub(crate) inserts: Vec<PlannedOp>,
    pub(crate) deletes: Vec<PlannedOp>,
    /// Rows that a request of this batch touches: one request a row.
    pub(crate) rows: BTreeSet<(usize, u32)>,
    weight: Weight,
    /// How many of the writes, inserts and deletes are weighed.
    weighed: (usize, usize, usize),
}

/// Deletes in one batch: far fewer than the trash has slots, so that none is used twice.
const DELETES: usize = 500;

impl Draft {
    pub(super) fn len(&self) -> usize {
        self.writes.len() + self.inserts.len() + self.deletes.len()
    }

    /// Is there no room for one more? The first one always fits.
    pub(super) fn is_full(&mut self, most: usize) -> bool {
        let (writes, inserts, deletes) = self.weighed;
        let new = self.writes.iter().skip(writes).chain(self.inserts.iter().skip(inserts));
        new.chain(self.deletes.iter().skip(deletes)).for_each(|op| self.weight.add(&op.grid));
        self.weighed = (self.writes.len(), self.inserts.len(), self.deletes.len());
        self.len() >= most
            || self.writes.len() >= RECEIPT_LINES
            || self.deletes.len() >= DELETES
            || self.weight.is_full()
    }

    /// Writes first, then inserts from top to bottom, then deletes from bottom to top: every number is right when it is used.
    pub(super) fn into_ops(mut self) -> Vec<PlannedOp> {
        let row = |op: &PlannedOp| match op.grid {
            GridOp::Delete { sheet, row, .. } => (sheet, row),
            _ => (crate::model::link::SheetId(0), 0),
        };
        self.deletes.sort_by_key(|op| std::cmp::Reverse(row(op)));
        self.writes.into_iter().chain(self.inserts).chain(self.deletes).collect()
    }
}

pub(crate) fn planned(table: &Table, aim: Aim, grid: GridOp) -> PlannedOp {
    PlannedOp { link: table.plan.rules.name.clone(), aim, grid, mark: None }
}

/// A row's cells with their grid columns.
pub(super) fn as_read(tab: &TabView, seen: &RowView) -> Vec<(u32, GridCell)> {
    tab.columns.iter().copied().zip(seen.cells.iter().cloned()).collect()
}

/// Cells in the order of their grid columns, which is the order of the request.
pub(super) fn sorted(tab: &TabView, mut cells: Vec<PlannedCell>) -> Vec<PlannedCell> {
    cells.sort_by_key(|cell| tab.columns[cell.column]);
    cells
}

pub(super) fn write_op(tab: &TabView, row: u32, image: &DbRow, cells: &[PlannedCell]) -> GridOp {
    let mut cells: Vec<(u32, GridCell)> = cells
        .iter()
        .map(|cell| (tab.columns[cell.column], GridCell::plain(image[cell.column].shown.clone())))
        .collect();
    cells.sort_by_key(|(column, _)| *column);
    GridOp::Write { sheet: tab.sheet, row, cells }
}

pub(super) fn insert(table: &Table, tab: &TabView, key: &Key, row: &DbRow, at: u32) -> PlannedOp {
    let mut base = RowBase { columns: vec![None; table.width()] };
    let mut cells = Vec::with_capacity(row.len());
    for (index, (cell, column)) in row.iter().zip(&table.plan.columns).enumerate() {
        if column.rule.direction == Direction::ToTable && !column.key {
            base.columns[index] = Some(ColumnBase { value: cell.digest(), cell: Cell::Blank.digest() });
            continue;
        }
        base.columns[index] = Some(agreed(cell));
        // Blank ones too: rows that fill the same columns share their requests.
        cells.push((tab.columns[index], GridCell::plain(cell.shown.clone())));
    }
    cells.sort_by_key(|(column, _)| *column);
    planned(table, Aim::NewRow { key: key.clone(), base }, GridOp::Insert { sheet: tab.sheet, at, cells })
}

/// The key cells of a row that show something else than the image's.
pub(super) fn key_cells(table: &Table, row: &DbRow, seen: &RowView) -> Vec<PlannedCell> {
    let columns = table.plan.columns.iter().enumerate().filter(|(_, column)| column.key);
    columns
        .filter(|(at, _)| row[*at].shown.digest() != seen.cells[*at].value.digest())
        .map(|(at, _)| PlannedCell {
            column: at,
            base: agreed(&row[at]),
            read: seen.cells[at].clone(),
            over: false,
        })
        .collect()
}

/// What a row writes when it takes a new key in place, and its base then: columns that a person changed meanwhile, or that never
/// agreed, keep the old base, so that the next cycle decides them.
pub(super) fn renamed_cells(
    table: &Table,
    row: &DbRow,
    seen: &RowView,
    old: &RowBase,
) -> (Vec<PlannedCell>, RowBase) {
    let mut base = old.clone();
    base.columns.resize(table.width(), None);
    let mut cells = Vec::new();
    for (at, column) in table.plan.columns.iter().enumerate() {
        let was = base.columns[at];
        let differs = row[at].shown.digest() != seen.cells[at].value.digest();
        let changed_here = was.is_none_or(|was| was.cell != seen.cells[at].value.digest());
        if !column.key && (changed_here || seen.cells[at].formula.is_some()) && differs {
            continue;
        }
        if differs {
            cells.push(PlannedCell {
                column: at,
                base: agreed(&row[at]),
                read: seen.cells[at].clone(),
                over: false,
            });
        }
        base.columns[at] = Some(agreed(&row[at]));
    }
    (cells, base)
}
