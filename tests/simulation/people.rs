//! People at the spreadsheet. They know nothing of the application or of the daemon.

use std::rc::Rc;

use sheetbridge::engine::input::EditHint;
use sheetbridge::model::cell::Cell;

use super::dice::Dice;
use super::sheet::{COLUMNS, OWN, Row};
use super::table::Id;
use super::tell::cell as text;
use super::weather::Fault;
use super::world::World;

/// What people do; each seed has its own habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Type,
    Paste,
    NewRow,
    InsertBlank,
    DeleteRow,
    Sort,
    CopyRow,
    TypeOldValue,
    ClearKey,
    TypeKey,
    Note,
    Clear,
    TypeNonsense,
    TypeFraction,
    TypeFormula,
    DeleteMany,
    Undo,
    Cut,
    MoveColumn,
    LoseHeader,
    MendHeader,
    Merge,
    Unmerge,
}

impl Deed {
    /// What it does to the tab.
    fn kind(self) -> &'static str {
        match self {
            Self::Type | Self::Paste | Self::TypeOldValue | Self::TypeNonsense | Self::TypeFraction => {
                "typing"
            }
            Self::TypeFormula | Self::Clear | Self::Note => "formulas, blanks, notes",
            Self::NewRow => "a new row",
            Self::InsertBlank | Self::Sort => "rows move",
            Self::DeleteRow | Self::DeleteMany | Self::Undo | Self::Cut => "rows go and come back",
            Self::CopyRow | Self::ClearKey | Self::TypeKey => "keys",
            Self::MoveColumn | Self::LoseHeader | Self::MendHeader | Self::Merge | Self::Unmerge => "columns",
        }
    }
}

/// Every deed with its usual weight.
pub(super) const DEEDS: [(Deed, u32); 23] = [
    (Deed::Type, 40),
    (Deed::Paste, 5),
    (Deed::NewRow, 14),
    (Deed::InsertBlank, 8),
    (Deed::DeleteRow, 6),
    (Deed::Sort, 6),
    (Deed::CopyRow, 4),
    (Deed::TypeOldValue, 5),
    (Deed::ClearKey, 2),
    (Deed::TypeKey, 2),
    (Deed::Note, 6),
    (Deed::Clear, 2),
    (Deed::TypeNonsense, 2),
    (Deed::TypeFraction, 3),
    (Deed::TypeFormula, 2),
    (Deed::DeleteMany, 1),
    (Deed::Undo, 3),
    (Deed::Cut, 6),
    (Deed::MoveColumn, 3),
    (Deed::LoseHeader, 1),
    (Deed::MendHeader, 4),
    (Deed::Merge, 2),
    (Deed::Unmerge, 4),
];

/// The deeds of one seed: the usual weights, some of them left out.
pub(super) fn habits(dice: &mut Dice, allowed: fn(Deed) -> bool) -> Vec<u32> {
    let weight = |(at, (deed, weight)): (usize, &(Deed, u32))| {
        let on = at == 0 || dice.chance(0.7);
        if on && allowed(*deed) { *weight } else { 0 }
    };
    DEEDS.iter().enumerate().map(weight).collect()
}

impl World {
    // The order of the arms tells the story: without a row there is nothing to do that needs one.
    #[allow(clippy::match_same_arms)]
    pub(super) fn person(&mut self) {
        let tab = self.dice.below(self.sheet.tabs.len());
        let keyed: Vec<usize> =
            (0..self.sheet.tabs[tab].len()).filter(|at| self.sheet.tabs[tab][*at].id().is_some()).collect();
        let (deed, _) = DEEDS[self.dice.weighed(&self.habits)];
        let row = self.dice.pick(&keyed);
        self.happens(deed.kind());
        match (deed, row) {
            (Deed::NewRow, _) => self.begin_row(tab),
            (Deed::InsertBlank, _) => self.insert_blank(tab),
            (Deed::Sort, _) => self.sort(tab),
            (Deed::Undo, _) => self.undo(tab),
            (Deed::MoveColumn, _) => self.move_column(tab),
            (Deed::LoseHeader, _) => self.set_header(tab, true),
            (Deed::MendHeader, _) => self.set_header(tab, false),
            (Deed::Unmerge, _) => self.unmerge(tab),
            (Deed::Type, _) if self.types_into_a_list(tab) => {}
            (_, None) => {}
            (Deed::Type, Some(row)) => {
                let (column, value) = (1 + self.dice.below(2), self.new_value());
                self.type_cell(tab, row, column, Cell::number(value));
            }
            (Deed::Merge, Some(row)) => self.merge(tab, row),
            (Deed::Clear, Some(row)) => self.type_cell(tab, row, 2, Cell::Blank),
            (Deed::TypeNonsense, Some(row)) => {
                let (column, value) = (1 + self.dice.below(2), self.new_value());
                self.type_cell(tab, row, column, Cell::Text(format!("about {value}")));
            }
            (Deed::TypeFraction, Some(row)) => {
                let (column, value) = (1 + self.dice.below(2), self.new_value());
                self.type_cell(tab, row, column, Cell::number(value + 0.5));
            }
            (Deed::TypeFormula, Some(row)) => self.type_formula(tab, row),
            (Deed::DeleteMany, Some(_)) => self.delete_many(tab),
            (Deed::TypeOldValue, Some(row)) => self.type_old_value(tab, row),
            (Deed::Paste, Some(row)) => self.paste(tab, row),
            (Deed::Note, Some(row)) => {
                let value = Cell::number(self.new_value());
                self.note(tab, row, value);
            }
            (Deed::DeleteRow, Some(row)) if keyed.len() > 2 => self.delete_row(tab, row),
            (Deed::DeleteRow, Some(_)) => {}
            (Deed::Cut, Some(row)) => self.cut(tab, row),
            (Deed::CopyRow, Some(row)) => self.copy_row(tab, row),
            (Deed::ClearKey, Some(row)) => self.clear_key(tab, row),
            (Deed::TypeKey, Some(row)) => self.type_key(tab, row),
        }
    }

    /// Somebody types into a row of a list that has no key yet.
    fn types_into_a_list(&mut self, tab: usize) -> bool {
        if self.witness.in_list.is_empty() || !self.dice.chance(0.4) {
            return false;
        }
        let rows = self.sheet.tabs[tab].iter().enumerate();
        let listed =
            rows.filter(|(_, row)| row.id().is_none() && self.witness.in_list.contains_key(&row.uid));
        let listed: Vec<usize> = listed.map(|(at, _)| at).collect();
        let Some(row) = self.dice.pick(&listed) else { return false };
        let (column, value) = (1 + self.dice.below(2), self.new_value());
        self.type_cell(tab, row, column, Cell::number(value));
        true
    }

    /// Cells of new rows that are due: the second cell comes a while after the first.
    pub(super) fn finish_rows(&mut self) {
        let (now, step) = (std::mem::take(&mut self.growing), self.step);
        for (uid, due) in now {
            if due > step {
                self.growing.push((uid, due));
                continue;
            }
            let place = self
                .sheet
                .tabs
                .iter()
                .enumerate()
                .find_map(|(tab, rows)| rows.iter().position(|row| row.uid == uid).map(|row| (tab, row)));
            if let Some((tab, row)) = place {
                let value = self.new_value();
                self.type_cell(tab, row, 2, Cell::number(value));
            }
        }
    }

    pub(super) fn type_cell(&mut self, tab: usize, at: usize, column: usize, cell: Cell) {
        let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
        row.put(COLUMNS[column], cell.clone());
        let (uid, id) = (row.uid, row.id());
        self.witness.person_typed(uid, column, &cell);
        self.trace(|| {
            format!("person types {} into {tab}/row {at} (uid {uid} key {id:?}) col {column}", text(&cell))
        });
        self.announce(tab, at, at);
    }

    fn type_old_value(&mut self, tab: usize, at: usize) {
        let row = &self.sheet.tabs[tab][at];
        let column = 1 + self.dice.below(2);
        let old = row.id().map(|id| self.witness.old_values(tab, id, column)).unwrap_or_default();
        if let Some(at_old) = (!old.is_empty()).then(|| self.dice.below(old.len())) {
            self.witness.person_retypes(&old[at_old]);
            self.type_cell(tab, at, column, old[at_old].clone());
        }
    }

    fn paste(&mut self, tab: usize, first: usize) {
        let end = (first + 3).min(self.sheet.tabs[tab].len());
        for at in first..end {
            if self.sheet.tabs[tab][at].is_blank() {
                continue;
            }
            for (column, place) in COLUMNS.iter().enumerate().take(3).skip(1) {
                let cell = Cell::number(self.new_value());
                let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
                row.put(*place, cell.clone());
                let uid = row.uid;
                self.witness.person_typed(uid, column, &cell);
                self.trace(|| {
                    format!("person pastes {} into {tab}/row {at} (uid {uid}) col {column}", text(&cell))
                });
            }
        }
        self.announce(tab, first, end - 1);
    }

    /// A new record is begun in the first blank row below the last keyed one; its second cell follows a while later.
    pub(super) fn begin_row(&mut self, tab: usize) {
        let rows = &mut Rc::make_mut(&mut self.sheet).tabs[tab];
        let below = rows.iter().rposition(|row| row.id().is_some()).map_or(0, |last| last + 1);
        let place = (below..rows.len()).find(|at| rows[*at].is_blank());
        let at = place.unwrap_or(rows.len());
        if place.is_none() {
            let uid = Rc::make_mut(&mut self.sheet).new_uid();
            Rc::make_mut(&mut self.sheet).tabs[tab].push(Row::blank(uid));
        }
        let uid = self.sheet.tabs[tab][at].uid;
        let value = self.new_value();
        self.type_cell(tab, at, 1, Cell::number(value));
        if self.dice.chance(0.8) {
            let due = self.step + 1 + self.dice.below(15) as u32;
            self.growing.push((uid, due));
        }
        if self.dice.chance(0.3) {
            let value = Cell::number(self.new_value());
            self.note(tab, at, value);
        }
    }

    pub(super) fn note(&mut self, tab: usize, at: usize, cell: Cell) {
        let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
        row.cells[OWN] = cell.clone();
        let uid = row.uid;
        if !self.copies.contains(&uid) {
            self.witness.person_noted(uid, &cell);
        }
        self.trace(|| format!("person notes {} in uid {uid}", text(&cell)));
    }

    pub(super) fn type_formula(&mut self, tab: usize, at: usize) {
        let (column, cell) = (1 + self.dice.below(2), Cell::number(self.new_value()));
        let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
        row.put(COLUMNS[column], cell.clone());
        row.formulas[COLUMNS[column]] = true;
        let uid = row.uid;
        self.witness.person_calculates(uid, column, &cell);
        self.trace(|| {
            format!("person types a formula that gives {} into uid {uid} col {column}", text(&cell))
        });
        self.announce(tab, at, at);
    }

    pub(super) fn clear_key(&mut self, tab: usize, at: usize) {
        let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
        let Some(id) = row.id() else { return };
        row.put(0, Cell::Blank);
        let row = row.clone();
        self.witness.person_took_key(row.uid, tab, id);
        self.witness.person_made(&row);
        self.trace(|| format!("person clears key {id} of {tab}/row {at} (uid {})", row.uid));
        self.announce(tab, at, at);
    }

    /// Another key is typed over a key: a new one, or one that another row has.
    fn type_key(&mut self, tab: usize, at: usize) {
        let new = if self.dice.chance(0.5) {
            let ids: Vec<Id> = self.server.tables[tab].keys().copied().collect();
            self.dice.pick(&ids).unwrap_or(1)
        } else {
            1_000 * self.new_value() as Id
        };
        self.retype_key(tab, at, new);
    }

    pub(super) fn retype_key(&mut self, tab: usize, at: usize, new: Id) {
        let row = &mut Rc::make_mut(&mut self.sheet).tabs[tab][at];
        let Some(old) = row.id().filter(|old| *old != new) else { return };
        row.put(0, Cell::number(new as f64));
        let row = row.clone();
        self.witness.person_took_key(row.uid, tab, old);
        self.witness.person_made(&row);
        self.witness.person_typed_key(row.uid, tab, new);
        self.trace(|| format!("person types key {new} over {old} in {tab}/row {at} (uid {})", row.uid));
        self.announce(tab, at, at);
    }

    pub(super) fn announce(&mut self, tab: usize, first: usize, last: usize) {
        self.announce_rows(tab, Some((first as u32 + 1, last as u32 + 1)));
    }

    pub(super) fn announce_structure(&mut self, tab: usize) {
        self.announce_rows(tab, None);
    }

    fn announce_rows(&mut self, tab: usize, rows: Option<(u32, u32)>) {
        if self.weather.strikes(Fault::HintLost, &mut self.dice) {
            return;
        }
        self.edits += 1;
        let at = self.dice.chance(0.8).then(|| self.clock + self.dice.between(0, 3_000_000));
        let hint = EditHint { edit: self.edits, table: tab, rows, at, editor: None };
        let copies = if self.weather.strikes(Fault::HintDoubled, &mut self.dice) { 2 } else { 1 };
        for _ in 0..copies {
            let due = self.step + 1 + self.dice.below(10) as u32;
            self.hints.push((due, hint.clone()));
        }
    }

    pub(super) fn new_value(&mut self) -> f64 {
        self.values += 1;
        f64::from(self.values)
    }
}
