//! The pretend spreadsheet: tabs whose rows are addressed by number and are moved by people, row metadata that moves with them,
//! tokens that can be made once, receipts, a trash. It takes exactly what the daemon's edge takes: [`GridBatch`] and [`Naming`].

use std::collections::BTreeMap;
use std::sync::Arc;

use sheetbridge::engine::effect::Naming;
use sheetbridge::engine::input::{KeySeen, ReceiptRow, ReceiptView, RowView, TabView, Trouble, View};
use sheetbridge::engine::row_views::RowViews;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{Fate, GridBatch, GridCell, GridOp, GridRows, Helper, Token};
use sheetbridge::model::link::SheetId;
use sheetbridge::model::mark::{BatchNumber, ClaimId};

use super::table::{Id, key};

/// The grid: `id`, `a`, the people's own column, `b`.
pub(super) const GRID: usize = 4;

/// Where the linked columns stand.
pub(super) const COLUMNS: [usize; 3] = [0, 1, 3];

/// The people's own column.
pub(super) const OWN: usize = 2;

/// A hidden name of a row, by which the witness follows it; the daemon never sees it.
pub(super) type Uid = u32;

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) uid: Uid,
    /// In the order of the columns when all began, wherever they stand now.
    pub(super) cells: [Cell; GRID],
    /// Cells that hold a formula; their values are what it gives.
    pub(super) formulas: [bool; GRID],
    /// Cells that turn every number into text.
    pub(super) texts: [bool; GRID],
    pub(super) claims: Vec<ClaimId>,
}

impl Row {
    pub(super) fn blank(uid: Uid) -> Self {
        let cells = [Cell::Blank, Cell::Blank, Cell::Blank, Cell::Blank];
        Self { uid, cells, formulas: [false; GRID], texts: [false; GRID], claims: Vec::new() }
    }

    pub(super) fn id(&self) -> Option<Id> {
        number(&self.cells[0])
    }

    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }

    /// A person or the daemon puts a plain value into a cell.
    pub(super) fn put(&mut self, place: usize, cell: Cell) {
        self.cells[place] = match cell {
            Cell::Number(x) if self.texts[place] => Cell::Text(x.get().to_string()),
            cell => cell,
        };
        self.formulas[place] = false;
    }

    fn grid_cell(&self, place: usize) -> GridCell {
        let formula = self.formulas[place].then(|| "=A1".to_owned());
        GridCell { value: self.cells[place].clone(), formula }
    }

    fn seen(&self) -> KeySeen {
        seen(&self.cells[0])
    }
}

/// What a key cell shows.
fn seen(cell: &Cell) -> KeySeen {
    match number(cell) {
        Some(id) => KeySeen::Key(key(id)),
        None if cell.is_blank() => KeySeen::Blank,
        None => KeySeen::Unreadable,
    }
}

pub(super) fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(x) => Some(x.get() as i64),
        _ => None,
    }
}

/// The spreadsheet at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    /// Rows below the header, per tab: row 1 of the grid is the first.
    pub(super) tabs: Vec<Vec<Row>>,
    /// Where each column of a tab stands now.
    pub(super) places: Vec<[u32; GRID]>,
    /// Tabs whose header somebody has deleted.
    pub(super) headless: Vec<bool>,
    /// Tabs with merged cells among the linked columns.
    pub(super) merged: Vec<bool>,
    tokens: BTreeMap<BatchNumber, Fate>,
    receipts: BTreeMap<BatchNumber, ReceiptView>,
    trash: BTreeMap<u32, Row>,
    next_uid: Uid,
}

/// What a batch did to one row, for the witness.
#[derive(Debug)]
pub(super) enum Did {
    Wrote { tab: usize, before: Row, after: Row, alone: bool },
    Inserted { tab: usize, row: Row },
    Removed { tab: usize, row: Row },
    Claimed { claim: ClaimId, uid: Uid },
}

/// Why Google refuses a batch.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Its token stands already.
    Token,
    /// The op names a row that is not there.
    Range(usize),
}

impl Sheet {
    pub(super) fn new(tabs: usize) -> Self {
        let (places, headless, merged) = (vec![[0, 1, 2, 3]; tabs], vec![false; tabs], vec![false; tabs]);
        Self { tabs: vec![Vec::new(); tabs], places, headless, merged, ..Self::default() }
    }

    pub(super) fn new_uid(&mut self) -> Uid {
        self.next_uid += 1;
        self.next_uid
    }

    /// Applies a batch, all of it or nothing.
    pub(super) fn apply(&mut self, batch: &GridBatch) -> Result<(ReceiptView, Vec<Did>), Refusal> {
        if self.tokens.contains_key(&batch.number) {
            return Err(Refusal::Token);
        }
        let receipt = self.receipt(batch)?;
        let mut did = Vec::new();
        for op in &batch.ops {
            self.perform(op, &mut did);
        }
        self.tokens.insert(batch.number, Fate::Landed(batch.owner.clone()));
        for old in &batch.expired {
            self.tokens.remove(old);
        }
        self.receipts.insert(batch.number, receipt.clone());
        while self.receipts.len() > 2 {
            self.receipts.pop_first();
        }
        Ok((receipt, did))
    }

    fn receipt(&self, batch: &GridBatch) -> Result<ReceiptView, Refusal> {
        let row = |(at, op): (usize, &GridOp)| match op {
            GridOp::Write { sheet, row, .. }
            | GridOp::Claim { sheet, row, .. }
            | GridOp::Delete { sheet, row, .. } => {
                let row = self.tabs[tab(*sheet)].get(*row as usize - 1).ok_or(Refusal::Range(at))?;
                let columns = (0..GRID as u32).map(|column| self.column(tab(*sheet), column));
                let cells = columns.map(|place| row.grid_cell(place)).collect();
                Ok(Some(ReceiptRow { key: row.seen(), cells }))
            }
            GridOp::Insert { sheet, at: place, .. } | GridOp::Restore { sheet, at: place, .. } => {
                let height = self.tabs[tab(*sheet)].len() + batch.ops.len();
                if *place as usize - 1 > height { Err(Refusal::Range(at)) } else { Ok(None) }
            }
            GridOp::Unclaim { .. } => Ok(None),
        };
        batch.ops.iter().enumerate().map(row).collect()
    }

    fn perform(&mut self, op: &GridOp, did: &mut Vec<Did>) {
        match op {
            GridOp::Write { sheet, row, cells } => {
                let tab = tab(*sheet);
                let id = self.tabs[tab][*row as usize - 1].id();
                let alone = self.tabs[tab].iter().filter(|row| row.id() == id).count() == 1;
                let places = self.places[tab];
                let row = &mut self.tabs[tab][*row as usize - 1];
                let before = row.clone();
                fill(row, &places, cells);
                did.push(Did::Wrote { tab, before, after: row.clone(), alone });
            }
            GridOp::Claim { sheet, row, claim } => {
                let row = &mut self.tabs[tab(*sheet)][*row as usize - 1];
                row.claims.push(*claim);
                did.push(Did::Claimed { claim: *claim, uid: row.uid });
            }
            GridOp::Unclaim { claim } => {
                for row in self.tabs.iter_mut().flatten() {
                    row.claims.retain(|stands| stands != claim);
                }
            }
            GridOp::Insert { sheet, at, cells } => {
                let mut row = Row::blank(self.new_uid());
                fill(&mut row, &self.places[tab(*sheet)], cells);
                self.insert(*sheet, *at, row, did);
            }
            GridOp::Restore { sheet, at, slot } => {
                let row = self.trash.get(slot).cloned();
                let row = row.unwrap_or_else(|| Row::blank(self.new_uid()));
                self.insert(*sheet, *at, row, did);
            }
            GridOp::Delete { sheet, row, slot } => {
                let tab = tab(*sheet);
                let mut row = self.tabs[tab].remove(*row as usize - 1);
                row.claims.clear();
                did.push(Did::Removed { tab, row: row.clone() });
                self.trash.insert(*slot, row);
            }
        }
    }

    fn insert(&mut self, sheet: SheetId, at: u32, row: Row, did: &mut Vec<Did>) {
        let tab = tab(sheet);
        let at = (at as usize - 1).min(self.tabs[tab].len());
        did.push(Did::Inserted { tab, row: row.clone() });
        self.tabs[tab].insert(at, row);
    }

    /// The column that stands at this place of the grid.
    fn column(&self, tab: usize, place: u32) -> usize {
        self.places[tab].iter().position(|stands| *stands == place).unwrap_or(OWN)
    }

    /// Makes the token a void one, if it does not stand; then reads it: the receipt of the batch that landed.
    pub(super) fn settle(&mut self, number: BatchNumber) -> Option<ReceiptView> {
        match self.tokens.entry(number).or_insert(Fate::Void) {
            Fate::Landed(_) => Some(self.receipts.get(&number).cloned().unwrap_or_default()),
            Fate::Void => None,
        }
    }

    /// Writes keys through the claims; gives the rows that took one.
    pub(super) fn name(&mut self, names: &[Naming]) -> Vec<(Uid, usize, Id)> {
        let mut named = Vec::new();
        for naming in names {
            let tab = tab(naming.sheet);
            let id = super::table::id(&naming.key);
            for row in self.tabs[tab].iter_mut().filter(|row| row.claims.contains(&naming.claim)) {
                row.put(0, Cell::number(id as f64));
                named.push((row.uid, tab, id));
            }
        }
        named
    }

    /// The typed read, already cut to the link's columns; of a large tab the rows are packed, as the daemon's edge does it.
    pub(super) fn view(&self, large: bool) -> View {
        let tokens = self.tokens.iter().map(|(number, fate)| Token { number: *number, fate: fate.clone() });
        let row = |(at, row): (usize, &Row)| RowView {
            row: at as u32 + 1,
            key: row.seen(),
            cells: COLUMNS.iter().map(|column| row.grid_cell(*column)).collect(),
            claims: row.claims.clone(),
        };
        let tab = |(at, rows): (usize, &Vec<Row>)| {
            if self.headless[at] {
                return Err(Trouble { reason: "the header is gone".into() });
            }
            if self.merged[at] {
                return Err(Trouble { reason: "merged cells among the linked columns".into() });
            }
            let columns: Vec<u32> = COLUMNS.iter().map(|column| self.places[at][*column]).collect();
            let rows = if large {
                RowViews::packed(&Arc::new(self.packed(at)), &columns, |cells| seen(&cells[0].value))
            } else {
                rows.iter().enumerate().map(row).collect()
            };
            Ok(TabView { sheet: sheet(at), columns, rows, spelled: BTreeMap::new() })
        };
        View {
            tokens: tokens.collect(),
            foreign: Vec::new(),
            helper: Some(Helper { sheet: SheetId(99), row_count: 2_000, column_count: 20 }),
            tabs: self.tabs.iter().enumerate().map(tab).collect(),
        }
    }

    fn packed(&self, tab: usize) -> GridRows {
        let mut packed = GridRows::default();
        packed.push(0, &[], Vec::new());
        for (at, row) in (1..).zip(&self.tabs[tab]) {
            let mut cells = vec![GridCell::BLANK; GRID];
            for (column, place) in self.places[tab].iter().enumerate() {
                cells[*place as usize] = row.grid_cell(column);
            }
            packed.push(at, &cells, row.claims.clone());
        }
        packed
    }
}

fn fill(row: &mut Row, places: &[u32; GRID], cells: &[(u32, GridCell)]) {
    for (column, cell) in cells {
        let Some(place) = places.iter().position(|stands| stands == column) else { continue };
        row.put(place, cell.value.clone());
        row.formulas[place] = cell.formula.is_some();
    }
}

pub(super) fn sheet(tab: usize) -> SheetId {
    SheetId(tab as i32)
}

fn tab(sheet: SheetId) -> usize {
    sheet.0 as usize
}
