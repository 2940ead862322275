//! People at the spreadsheet, and the application at the database. They know nothing of each other or of the daemon.

use std::collections::BTreeSet;
use std::rc::Rc;

use sheetbridge::engine::input::{EditHint, Micros};
use sheetbridge::model::cell::Cell;
use sheetbridge::model::value::Value;

use super::dice::Dice;
use super::sheet::{COLUMNS, OWN, Row, Uid};
use super::table::{Id, Record, id_of, shown};
use super::tell::cell as text;
use super::weather::Fault;
use super::world::World;

/// The longest time that a row is on the clipboard: shorter than the time between the two looks at its absence.
const CLIPBOARD: Micros = 4_000_000;

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
            Self::MoveColumn | Self::LoseHeader | Self::MendHeader => "columns",
        }
    }
}

/// Every deed with its usual weight.
pub(super) const DEEDS: [(Deed, u32); 21] = [
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
            (_, None) => {}
            (Deed::Type, Some(row)) => {
                let (column, value) = (1 + self.dice.below(2), self.new_value());
                self.type_cell(tab, row, column, Cell::number(value));
            }
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

    fn insert_blank(&mut self, tab: usize) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let uid = sheet.new_uid();
        let at = self.dice.below(sheet.tabs[tab].len() + 1);
        sheet.tabs[tab].insert(at, Row::blank(uid));
        self.trace(|| format!("person inserts a blank row at {tab}/{at}"));
        self.announce_structure(tab);
    }

    fn sort(&mut self, tab: usize) {
        let rows = &mut Rc::make_mut(&mut self.sheet).tabs[tab];
        let (mut full, blank): (Vec<Row>, Vec<Row>) = rows.drain(..).partition(|row| !row.is_blank());
        self.dice.shuffle(&mut full);
        full.extend(blank);
        *rows = full;
        self.trace(|| format!("person sorts {tab}"));
        self.announce_structure(tab);
    }

    pub(super) fn delete_row(&mut self, tab: usize, at: usize) {
        let row = Rc::make_mut(&mut self.sheet).tabs[tab].remove(at);
        self.witness.person_removed(&row, tab);
        self.undoable = Some((self.step, tab, vec![(at, row.clone())]));
        self.trace(|| format!("person deletes {tab}/row {at} (uid {} key {:?})", row.uid, row.id()));
        self.announce_structure(tab);
    }

    /// A row is cut, to be pasted elsewhere in a moment.
    fn cut(&mut self, tab: usize, at: usize) {
        if !self.cut.insert(self.sheet.tabs[tab][at].uid) {
            // Two reads that both fall into two cuts of one row would rightly take it for gone.
            return;
        }
        let row = Rc::make_mut(&mut self.sheet).tabs[tab].remove(at);
        self.trace(|| format!("person cuts {tab}/row {at} (uid {} key {:?})", row.uid, row.id()));
        self.clipboard.push((self.clock, tab, row));
        self.announce_structure(tab);
    }

    /// What was cut is pasted before `until`: nobody leaves a row on the clipboard for long.
    pub(super) fn paste_cut_rows(&mut self, until: Micros) {
        for (_, tab, row) in
            self.clipboard.extract_if(.., |(at, ..)| *at + CLIPBOARD < until).collect::<Vec<_>>()
        {
            let at = self.dice.below(self.sheet.tabs[tab].len() + 1);
            self.trace(|| format!("person pastes uid {} at {tab}/{at}", row.uid));
            Rc::make_mut(&mut self.sheet).tabs[tab].insert(at, row);
            self.announce_structure(tab);
        }
    }

    /// Half of a tab is marked and deleted by mistake.
    fn delete_many(&mut self, tab: usize) {
        let count = (self.sheet.tabs[tab].len() / 2).max(1);
        let first = self.dice.below(self.sheet.tabs[tab].len() - count + 1);
        let removed: Vec<Row> = Rc::make_mut(&mut self.sheet).tabs[tab].drain(first..first + count).collect();
        for row in &removed {
            self.witness.person_removed(row, tab);
        }
        self.trace(|| format!("person deletes {count} rows of {tab} from row {first}"));
        let rows = removed.into_iter().enumerate().map(|(at, row)| (first + at, row)).collect();
        self.undoable = Some((self.step, tab, rows));
        self.announce_structure(tab);
    }

    /// The last rows that were deleted come back as they were, if that is not long ago and nothing has taken their place.
    fn undo(&mut self, tab: usize) {
        let Some((_, _, rows)) = self.undoable.take_if(|(step, of, _)| *of == tab && *step + 40 > self.step)
        else {
            return;
        };
        let stand: BTreeSet<Id> = self.sheet.tabs[tab].iter().filter_map(Row::id).collect();
        if rows.iter().any(|(_, row)| row.id().is_some_and(|id| stand.contains(&id))) {
            return;
        }
        for (at, row) in rows {
            self.trace(|| format!("person undoes: row {at} of {tab} is back (uid {})", row.uid));
            self.witness.person_undid(&row);
            let rows = &mut Rc::make_mut(&mut self.sheet).tabs[tab];
            rows.insert(at.min(rows.len()), row);
        }
        self.announce_structure(tab);
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

    /// Two columns change places. Not between a read and the batch that rests on it: nothing mends that.
    fn move_column(&mut self, tab: usize) {
        if self.is_between_read_and_batch() {
            return;
        }
        let (one, other) = (self.dice.below(4), self.dice.below(4));
        Rc::make_mut(&mut self.sheet).places[tab].swap(one, other);
        self.trace(|| format!("person moves columns of {tab}: {one} and {other}"));
        self.announce_structure(tab);
    }

    pub(super) fn set_header(&mut self, tab: usize, is_lost: bool) {
        if self.sheet.headless[tab] != is_lost {
            Rc::make_mut(&mut self.sheet).headless[tab] = is_lost;
            self.trace(|| {
                format!("person {} the header of {tab}", if is_lost { "deletes" } else { "mends" })
            });
            self.announce_structure(tab);
        }
    }

    pub(super) fn copy_row(&mut self, tab: usize, at: usize) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let mut row = sheet.tabs[tab][at].clone();
        row.uid = sheet.new_uid();
        row.claims.clear();
        row.cells[OWN] = Cell::Blank;
        let to = self.dice.below(sheet.tabs[tab].len() + 1);
        sheet.tabs[tab].insert(to, row.clone());
        self.copies.insert(row.uid);
        self.witness.person_made(&row);
        if let Some(id) = row.id() {
            self.witness.person_typed_key(row.uid, tab, id);
        }
        self.trace(|| format!("person copies row of {:?} to {tab}/{to} (uid {})", row.id(), row.uid));
        self.announce(tab, to, to);
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
            1_000 + self.new_value() as Id
        };
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

    /// People tidy up when all is over: of rows with the same key one stays.
    pub(super) fn tidy_copies(&mut self) {
        for tab in 0..self.sheet.tabs.len() {
            let rows = &self.sheet.tabs[tab];
            let first = |id: Id| rows.iter().filter(|row| row.id() == Some(id)).map(|row| row.uid).min();
            let copies: Vec<Uid> = rows
                .iter()
                .filter(|row| row.id().is_some_and(|id| first(id) != Some(row.uid)))
                .map(|row| row.uid)
                .collect();
            for uid in copies {
                if let Some(at) = self.sheet.tabs[tab].iter().position(|row| row.uid == uid) {
                    self.delete_row(tab, at);
                }
            }
        }
    }

    fn announce(&mut self, tab: usize, first: usize, last: usize) {
        self.announce_rows(tab, Some((first as u32 + 1, last as u32 + 1)));
    }

    fn announce_structure(&mut self, tab: usize) {
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

    // ---- the application

    pub(super) fn application(&mut self) {
        let tab = self.dice.below(self.server.tables.len());
        let ids: Vec<Id> = self.server.tables[tab].keys().copied().collect();
        let manner = self.dice.weighed(&self.manners);
        self.happens(["app: update", "app: insert", "app: delete", "app: key change"][manner]);
        match (manner, self.dice.pick(&ids)) {
            (0, Some(id)) => self.app_update(tab, id),
            (2, Some(id)) if ids.len() > 2 => {
                self.app_deletes(tab, id);
            }
            (3, Some(id)) => self.app_rename(tab, id),
            _ => {
                let id = self.server.next_id;
                let row = [Value::Int(id), self.app_value(), self.app_value()];
                self.app_puts(tab, row, "inserts");
            }
        }
    }

    fn app_value(&mut self) -> Value {
        Value::Int(self.new_value() as i64)
    }

    fn app_update(&mut self, tab: usize, id: Id) {
        let mut row = self.server.tables[tab][&id].clone();
        row[1 + self.dice.below(2)] = self.app_value();
        self.app_puts(tab, row, "updates");
    }

    pub(super) fn app_puts(&mut self, tab: usize, row: Record, what: &str) {
        self.witness.acts += 1;
        self.witness.table_holds(tab, &row);
        self.trace(|| {
            format!(
                "app {what} {tab}/{} {:?}",
                id_of(&row),
                row.iter().map(|v| text(&shown(v))).collect::<Vec<_>>()
            )
        });
        let image = self.server.put(tab, row);
        self.server.commit(self.clock, Vec::new(), vec![image]);
    }

    pub(super) fn app_deletes(&mut self, tab: usize, id: Id) {
        let image = self.server.delete(tab, id);
        self.witness.app_deleted(tab, id);
        if !self.store.links[tab].met {
            // A row of the tab that base never knew, and that the table lacks, is a new one to anybody.
            self.witness.strange(tab, id);
        }
        self.server.commit(self.clock, Vec::new(), vec![image]);
        self.trace(|| format!("app deletes {tab}/{id}"));
    }

    pub(super) fn app_rename(&mut self, tab: usize, id: Id) {
        let mut row = self.server.tables[tab][&id].clone();
        let new = self.server.next_id;
        row[0] = Value::Int(new);
        if self.dice.chance(0.3) {
            row[1] = self.app_value();
        }
        let gone = self.server.delete(tab, id);
        self.witness.app_renamed(tab, id, new);
        self.witness.table_holds(tab, &row);
        let mut made = self.server.put(tab, row);
        made.1.renamed_from = Some(super::table::key(id));
        self.server.commit(self.clock, Vec::new(), vec![gone, made]);
        self.trace(|| format!("app renames {tab}/{id} to {new}"));
    }
}
