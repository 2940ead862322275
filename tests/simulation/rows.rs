//! What people do to whole rows and columns: insert, sort, delete, take back, cut, copy, move.

use std::collections::BTreeSet;
use std::rc::Rc;

use sheetbridge::engine::input::Micros;
use sheetbridge::model::cell::Cell;

use super::sheet::{OWN, Row, Uid};
use super::table::Id;
use super::world::World;

/// The longest time that a row is on the clipboard: with the age of a stale read it is shorter than the time between the two
/// looks at its absence.
const CLIPBOARD: Micros = 4_000_000;

impl World {
    pub(super) fn insert_blank(&mut self, tab: usize) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let uid = sheet.new_uid();
        let at = self.dice.below(sheet.tabs[tab].len() + 1);
        sheet.tabs[tab].insert(at, Row::blank(uid));
        self.trace(|| format!("person inserts a blank row at {tab}/{at}"));
        self.announce_structure(tab);
    }

    pub(super) fn sort(&mut self, tab: usize) {
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
        let mut left =
            self.sheet.tabs[tab].iter().filter(|other| other.id().is_some() && other.id() == row.id());
        if let (Some(left), None) = (left.next(), left.next()) {
            self.witness.person_left(left, tab);
        }
        self.undoable = Some((self.step, tab, vec![(at, row.clone())]));
        self.trace(|| format!("person deletes {tab}/row {at} (uid {} key {:?})", row.uid, row.id()));
        self.announce_structure(tab);
    }

    /// A row is cut, to be pasted elsewhere in a moment.
    pub(super) fn cut(&mut self, tab: usize, at: usize) {
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
    pub(super) fn delete_many(&mut self, tab: usize) {
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
    pub(super) fn undo(&mut self, tab: usize) {
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

    /// Two columns change places. Not between a read and the batch that rests on it: nothing mends that.
    pub(super) fn move_column(&mut self, tab: usize) {
        if self.is_between_read_and_batch() {
            return;
        }
        let (one, other) = (self.dice.below(4), self.dice.below(4));
        Rc::make_mut(&mut self.sheet).places[tab].swap(one, other);
        // No stale read shows where they stood.
        self.older.clear();
        self.trace(|| format!("person moves columns of {tab}: {one} and {other}"));
        self.announce_structure(tab);
    }

    /// A cell is merged with the one below it, whose content is gone with that. The tab cannot be worked on until they are apart.
    pub(super) fn merge(&mut self, tab: usize, at: usize) {
        if self.sheet.tabs[tab].get(at + 1).is_none_or(|below| below.id().is_none()) {
            return;
        }
        Rc::make_mut(&mut self.sheet).merged[tab] = true;
        self.trace(|| format!("person merges cells of {tab}/row {at} and the next"));
        self.type_cell(tab, at + 1, 2, Cell::Blank);
    }

    pub(super) fn unmerge(&mut self, tab: usize) {
        if self.sheet.merged[tab] {
            Rc::make_mut(&mut self.sheet).merged[tab] = false;
            self.trace(|| format!("person takes the merged cells of {tab} apart"));
            self.announce_structure(tab);
        }
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
        let of = row.uid;
        row.uid = sheet.new_uid();
        row.claims.clear();
        row.cells[OWN] = Cell::Blank;
        let to = self.dice.below(sheet.tabs[tab].len() + 1);
        sheet.tabs[tab].insert(to, row.clone());
        self.copies.insert(row.uid);
        self.witness.person_made(&row);
        self.witness.person_copied(of, row.uid);
        if let Some(id) = row.id() {
            self.witness.person_typed_key(row.uid, tab, id);
        }
        self.trace(|| format!("person copies row of {:?} to {tab}/{to} (uid {})", row.id(), row.uid));
        self.announce(tab, to, to);
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
}
