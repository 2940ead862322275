//! New rows of a batch that go as plain values first, pure: which they are, the values, and the copies into their places.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::cell::Cell;
use crate::model::grid::{GridBatch, GridCell, GridOp};
use crate::model::link::SheetId;
use crate::model::weight::{goes_apart, goes_plain, typed};
use crate::sheet::request::to_json;
use crate::sheet::wire::{GridRange, PasteType, Request, letters};

/// The rows of a batch that are staged, line below line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::sheet) struct Staged {
    runs: Vec<Run>,
    /// Lines that they take.
    pub(in crate::sheet) rows: u32,
    /// Columns of the widest.
    pub(in crate::sheet) columns: u32,
}

/// Neighbouring new rows that fill the same columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Their places in the batch.
    pub(super) ops: Vec<usize>,
    pub(super) sheet: SheetId,
    /// The first one's row.
    pub(super) at: u32,
    columns: Vec<u32>,
    /// The first one's line where they are staged.
    line: u32,
}

/// What a batch has to do with the tab where rows are staged.
#[derive(Debug, Default)]
pub(in crate::sheet) struct Staging {
    /// The rows that are there, and the tab.
    pub(in crate::sheet) from: Option<(Staged, SheetId)>,
    /// Tabs that have served.
    pub(in crate::sheet) retired: Vec<SheetId>,
}

impl Staging {
    /// The staged runs among the rows from `first` up to `end`.
    pub(super) fn within(
        &self,
        sheet: SheetId,
        first: u32,
        end: u32,
    ) -> impl Iterator<Item = (&Run, SheetId)> {
        let staged = self.from.iter().flat_map(|(staged, tab)| staged.runs.iter().map(|run| (run, *tab)));
        staged.filter(move |(run, _)| run.sheet == sheet && (first..end).contains(&run.at))
    }

    /// The requests that are staged.
    pub(super) fn ops(&self) -> BTreeSet<usize> {
        self.from
            .iter()
            .flat_map(|(staged, _)| &staged.runs)
            .flat_map(|run| run.ops.iter().copied())
            .collect()
    }
}

impl Staged {
    /// The rows of a batch for which that pays.
    pub(in crate::sheet) fn of(batch: &GridBatch) -> Self {
        let new = |(op, request): (usize, &'_ GridOp)| match request {
            GridOp::Insert { sheet, at, .. } => Some((*sheet, *at, op)),
            _ => None,
        };
        let mut rows: Vec<(SheetId, u32, usize)> = batch.ops.iter().enumerate().filter_map(new).collect();
        rows.sort_unstable();
        let columns = |op: usize| cells_of(batch, op).iter().map(|(column, _)| *column);
        let mut staged = Self::default();
        for run in rows.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1 && columns(a.2).eq(columns(b.2))) {
            let cells = || run.iter().map(|(_, _, op)| cells_of(batch, *op));
            if !goes_plain(cells().map(|cells| typed(cells.iter())).sum()) {
                continue;
            }
            let (sheet, at, first) = run[0];
            let (columns, line): (Vec<u32>, u32) = (columns(first).collect(), staged.rows);
            staged.rows += run.len() as u32;
            staged.columns = staged.columns.max(columns.len() as u32);
            let ops = run.iter().map(|(_, _, op)| *op).collect();
            staged.runs.push(Run { ops, sheet, at, columns, line });
        }
        staged
    }

    pub(in crate::sheet) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The body of the `values:batchUpdate` that lays them down in a tab of this title.
    pub(in crate::sheet) fn values<'a>(&self, batch: &'a GridBatch, title: &str) -> Vec<u8> {
        let plain = |(_, cell): &'a (u32, GridCell)| match cell {
            // It comes typed.
            cell if goes_apart(cell) => Plain::Text(""),
            cell => Plain::from(&cell.value),
        };
        let cells = |op: &usize| cells_of(batch, *op).iter().map(plain).collect();
        let values: Vec<Vec<Plain<'a>>> = self.runs.iter().flat_map(|run| &run.ops).map(cells).collect();
        let end = letters(self.columns.saturating_sub(1));
        let range = format!("'{title}'!A1:{end}{}", self.rows);
        let data = [ValueRange { range, major_dimension: "ROWS", values }];
        to_json(&ValuesBody { value_input_option: "RAW", data })
    }
}

/// The cells of a new row.
fn cells_of(batch: &GridBatch, op: usize) -> &[(u32, GridCell)] {
    match batch.ops.get(op) {
        Some(GridOp::Insert { cells, .. }) => cells,
        _ => &[],
    }
}

impl Run {
    /// The copies from their lines into their rows, one a run of neighbouring columns.
    pub(super) fn copies(&self, staged: SheetId) -> Vec<Request> {
        let count = self.ops.len() as u32;
        let mut left = 0;
        let one = |columns: &[u32]| {
            let wide = columns.len() as u32;
            let source = GridRange::rows(staged, self.line, self.line + count).columns(left, left + wide);
            let destination =
                GridRange::rows(self.sheet, self.at, self.at + count).columns(columns[0], columns[0] + wide);
            left += wide;
            Request::CopyPaste { source, destination, paste_type: PasteType::Values }
        };
        self.columns.chunk_by(|a, b| a + 1 == *b).map(one).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValuesBody<'a> {
    value_input_option: &'static str,
    data: [ValueRange<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValueRange<'a> {
    range: String,
    major_dimension: &'static str,
    values: Vec<Vec<Plain<'a>>>,
}

/// A value that nothing parses on arrival (`RAW`).
#[derive(Serialize)]
#[serde(untagged)]
enum Plain<'a> {
    Number(f64),
    Text(&'a str),
    Bool(bool),
}

impl<'a> From<&'a Cell> for Plain<'a> {
    fn from(cell: &'a Cell) -> Self {
        match cell {
            // What stood in the line before goes.
            Cell::Blank => Self::Text(""),
            Cell::Number(x) => Self::Number(x.get()),
            Cell::Text(text) | Cell::Error(text) => Self::Text(text),
            Cell::Bool(yes) => Self::Bool(*yes),
        }
    }
}
