//! What people did to the sheet left a trace: judged when everything has come to rest.

use std::collections::BTreeMap;

use sheetbridge::model::cell::Cell;

use super::sheet::{COLUMNS, OWN, Row, Uid};
use super::table::{Id, meaning};
use super::tell::cell as text;
use super::witness::{Typed, Witness};

impl Witness {
    /// True when a person's last word in this cell is one that the table cannot take.
    pub(super) fn unfit(column: usize, cell: &Cell) -> bool {
        meaning(column, cell).is_err()
    }

    /// Every value that a person typed last into a cell left a trace.
    pub(super) fn judge_losses(&mut self, tabs: &[Vec<Row>]) {
        let mut last: BTreeMap<(Uid, usize), &Typed> = BTreeMap::new();
        for typed in self.typed.iter().filter(|typed| !typed.left) {
            last.insert((typed.uid, typed.column), typed);
        }
        let rows: BTreeMap<Uid, &Row> = tabs.iter().flatten().map(|row| (row.uid, row)).collect();
        let mut lost = Vec::new();
        for ((uid, column), typed) in last {
            let shows = |cell: &Cell| rows.get(&uid).is_some_and(|row| row.cells[COLUMNS[column]] == *cell);
            let stands = shows(&typed.cell) || shows(&typed.kept);
            let held = (0..tabs.len()).any(|tab| self.ever.contains(&(tab, column, typed.kept.clone())));
            let listed = self.listed.contains(&typed.cell) || self.listed.contains(&typed.kept);
            let known = stands || held || !typed.used.is_empty() || listed;
            let superseded = self.formulas.contains_key(&(uid, column));
            if !known && !superseded && !self.removed.contains(&uid) && !typed.cell.is_blank() {
                lost.push(format!("lost: {} typed in row {uid} column {column}", text(&typed.cell)));
            }
        }
        self.violations.extend(lost);
    }

    /// Formulas in linked cells stand, or what they gave is listed.
    pub(super) fn judge_formulas(&mut self, tabs: &[Vec<Row>]) {
        let rows: BTreeMap<Uid, &Row> = tabs.iter().flatten().map(|row| (row.uid, row)).collect();
        let stands =
            |uid: &Uid, column: usize| rows.get(uid).is_some_and(|row| row.formulas[COLUMNS[column]]);
        let lost = self.formulas.iter().filter(|((uid, column), cell)| {
            let bound = self.bound.range((*uid, 0, Id::MIN)..=(*uid, usize::MAX, Id::MAX));
            let gone = bound.clone().any(|(_, tab, id)| self.dead.contains(&(*tab, *id)));
            !stands(uid, *column) && !gone && !self.removed.contains(uid) && !self.listed.contains(*cell)
        });
        let lost: Vec<String> =
            lost.map(|((uid, _), cell)| format!("a formula of row {uid} is gone: {}", text(cell))).collect();
        self.violations.extend(lost);
    }

    /// The people's own cells stand where they put them, unless they or the table removed the row.
    pub(super) fn judge_own_cells(&mut self, tabs: &[Vec<Row>]) {
        let rows: BTreeMap<Uid, &Row> = tabs.iter().flatten().map(|row| (row.uid, row)).collect();
        let mut lost = Vec::new();
        for (uid, cell) in &self.own {
            let bound = self.bound.range((*uid, 0, Id::MIN)..=(*uid, usize::MAX, Id::MAX));
            let gone = bound
                .clone()
                .any(|(_, tab, id)| self.dead.contains(&(*tab, *id)) || self.left.contains(&(*tab, *id)));
            let stands = rows.get(uid).is_some_and(|row| row.cells[OWN] == *cell);
            if !stands && !gone && !self.removed.contains(uid) {
                lost.push(format!("the people's own cell {} of row {uid} is gone", text(cell)));
            }
        }
        self.violations.extend(lost);
    }
}
