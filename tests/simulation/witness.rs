//! The witness: sees every hand on both sides, knows rows by hidden names, and judges each act of the daemon by rules of its own.
//! It shares nothing with the engine.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sheetbridge::engine::effect::{Conflict, Winner};
use sheetbridge::engine::input::{DbRow, Micros};
use sheetbridge::model::cell::Cell;
use sheetbridge::model::mark::ClaimId;

use super::sheet::{COLUMNS, Did, OWN, Row, Uid};
use super::table::{Id, Record, WIDTH, id_of, rounded, shown};
use super::tell::cell as text;

const MINUTE: Micros = 60_000_000;

/// One value that a person put into one cell.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) uid: Uid,
    pub(super) column: usize,
    pub(super) cell: Cell,
    /// What the table makes of it.
    pub(super) kept: Cell,
    /// The keys under which it went into the table: another write of the same value would be an old one.
    pub(super) used: BTreeSet<(usize, Id)>,
    /// It was left standing, not typed: it may go into the table, and need not.
    pub(super) left: bool,
}

#[derive(Debug, Default)]
pub(super) struct Witness {
    pub(super) violations: Vec<String>,
    pub(super) typed: Vec<Typed>,
    /// What each cell of the table held, in its order.
    history: BTreeMap<(usize, Id, usize), Vec<Cell>>,
    /// Everything that a column of a table ever held.
    pub(super) ever: HashSet<(usize, usize, Cell)>,
    /// Keys that a row stood for, by a person's hand, at the start or by an insert.
    pub(super) bound: BTreeSet<(Uid, usize, Id)>,
    /// Keys that the application changed, and into what.
    renamed: BTreeMap<(usize, Id), Id>,
    /// Keys that a person typed into a row.
    key_typed: BTreeSet<(usize, Id)>,
    /// The record that was made from a row of people.
    records: BTreeMap<Uid, (usize, Id)>,
    pub(super) claims: BTreeMap<ClaimId, Uid>,
    /// Rows that stood in a list without keys when all began, with the first value that they showed.
    pub(super) in_list: BTreeMap<Uid, (usize, Cell)>,
    /// Records that stood in its table when all began.
    pub(super) from_the_start: BTreeSet<(usize, Id)>,
    /// Keys that were deleted in the table.
    pub(super) dead: BTreeSet<(usize, Id)>,
    /// Records that were outside of the filter at some time: their rows left, with the people's own cells in them.
    pub(super) left: BTreeSet<(usize, Id)>,
    /// Keys whose rows people removed or took the key from.
    pub(super) taken: BTreeSet<(usize, Id)>,
    pub(super) removed: BTreeSet<Uid>,
    pub(super) own: BTreeMap<Uid, Cell>,
    /// What a row has shown if no write hit it that was meant for another one.
    rightful: BTreeMap<(Uid, usize), Vec<Cell>>,
    /// Everything that a column of a tab ever showed.
    seen: HashSet<(usize, usize, Cell)>,
    /// Everything in a column of a table that the daemon was told of.
    known: HashSet<(usize, usize, Cell)>,
    /// Formulas that people put into linked cells, with what they give.
    pub(super) formulas: BTreeMap<(Uid, usize), Cell>,
    /// When the daemon deleted rows of a table, since it was started.
    deleted: BTreeMap<usize, Vec<Micros>>,
    /// Values that a person took from the cell's past: they are old and new at once.
    retyped: HashSet<Cell>,
    pub(super) listed: HashSet<Cell>,
    /// Cells in rows that people removed of which the table could take nothing: nothing was ever decided there.
    undecided: BTreeSet<(usize, Id, usize)>,
    /// Cells in which the last thing that the daemon decided may have been what the column cannot take.
    unfit: BTreeSet<(Uid, usize)>,
    /// Cells that are frozen: listed with no winner.
    pub(super) frozen: BTreeSet<(usize, Id, usize)>,
    pub(super) table_writes: usize,
    pub(super) deletes: usize,
    pub(super) batches: usize,
    /// Acts of people and of the application.
    pub(super) acts: usize,
}

impl Witness {
    pub(super) fn violate(&mut self, text: String) {
        self.violations.push(text);
    }

    // ---- people

    pub(super) fn person_typed(&mut self, uid: Uid, column: usize, cell: &Cell) {
        self.acts += 1;
        self.formulas.remove(&(uid, column));
        if Self::unfit(column, cell) {
            self.unfit.insert((uid, column));
        }
        let (cell, kept) = (cell.clone(), rounded(cell));
        self.rightful.entry((uid, column)).or_default().push(cell.clone());
        self.seen.extend((0..2).flat_map(|tab| [(tab, column, kept.clone()), (tab, column, cell.clone())]));
        self.typed.push(Typed { uid, column, cell, kept, used: BTreeSet::new(), left: false });
    }

    pub(super) fn person_retypes(&mut self, cell: &Cell) {
        self.retyped.insert(cell.clone());
    }

    /// All cells of a row count as typed into it: it was copied, or is to become another record. Where that record exists and
    /// the row shows nothing, its cell is emptied.
    pub(super) fn person_made(&mut self, row: &Row) {
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            if row.cells[*grid].is_blank() {
                self.leave(row.uid, column, &row.cells[*grid]);
            } else {
                self.person_typed(row.uid, column, &row.cells[*grid]);
            }
        }
    }

    /// Of two rows with one key a person has left this one: she means it as it is, with the key that it shows.
    pub(super) fn person_left(&mut self, row: &Row, tab: usize) {
        if let Some(id) = row.id() {
            self.bind(row.uid, tab, id);
        }
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            self.leave(row.uid, column, &row.cells[*grid]);
        }
    }

    fn leave(&mut self, uid: Uid, column: usize, cell: &Cell) {
        let (cell, kept) = (cell.clone(), rounded(cell));
        self.typed.push(Typed { uid, column, cell, kept, used: BTreeSet::new(), left: true });
    }

    pub(super) fn person_typed_key(&mut self, uid: Uid, tab: usize, id: Id) {
        self.bind(uid, tab, id);
        self.key_typed.insert((tab, id));
    }

    /// A copy stands for all that its row stands for: also for a key that a person has typed another one over.
    pub(super) fn person_copied(&mut self, of: Uid, copy: Uid) {
        let bound = self.bound.range((of, 0, Id::MIN)..=(of, usize::MAX, Id::MAX));
        let bound: Vec<_> = bound.map(|(_, tab, id)| (copy, *tab, *id)).collect();
        self.bound.extend(bound);
    }

    /// Nobody can know that the record with this key has been in the table.
    pub(super) fn strange(&mut self, tab: usize, id: Id) {
        self.key_typed.insert((tab, id));
    }

    /// The row is another record's from now on, or a new one's, with what it shows: without what a write of ours has put into it
    /// by mistake.
    pub(super) fn person_took_key(&mut self, uid: Uid, tab: usize, id: Id) {
        for column in 1..WIDTH {
            let rightful = self.rightful.get(&(uid, column)).cloned().unwrap_or_default();
            // The last one may be covered by a mend of the hit before it.
            for cell in rightful.iter().rev().take(2) {
                self.leave(uid, column, cell);
            }
        }
        self.acts += 1;
        self.taken.insert((tab, id));
        self.records.remove(&uid);
    }

    pub(super) fn person_removed(&mut self, row: &Row, tab: usize) {
        self.acts += 1;
        self.removed.insert(row.uid);
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            let is_undecided = row.formulas[*grid] || self.unfit.contains(&(row.uid, column));
            self.undecided.extend(row.id().filter(|_| is_undecided).map(|id| (tab, id, column)));
        }
        self.taken.extend(row.id().map(|id| (tab, id)));
        let bound = self.bound.range((row.uid, 0, Id::MIN)..=(row.uid, usize::MAX, Id::MAX));
        self.taken.extend(bound.map(|(_, tab, id)| (*tab, *id)));
    }

    pub(super) fn person_noted(&mut self, uid: Uid, cell: &Cell) {
        self.own.insert(uid, cell.clone());
    }

    pub(super) fn person_calculates(&mut self, uid: Uid, column: usize, cell: &Cell) {
        self.acts += 1;
        self.formulas.insert((uid, column), cell.clone());
    }

    /// People took the rows back that they had removed.
    pub(super) fn person_undid(&mut self, row: &Row) {
        self.acts += 1;
        self.removed.remove(&row.uid);
    }

    /// What a cell of the table held before.
    pub(super) fn old_values(&self, tab: usize, id: Id, column: usize) -> Vec<Cell> {
        self.history.get(&(tab, id, column)).cloned().unwrap_or_default()
    }

    /// A row stands for a key, and for every key that this one becomes.
    pub(super) fn bind(&mut self, uid: Uid, tab: usize, id: Id) {
        let (mut next, mut seen) = (Some(id), BTreeSet::new());
        while let Some(id) = next.filter(|id| seen.insert(*id)) {
            self.bound.insert((uid, tab, id));
            next = self.renamed.get(&(tab, id)).copied();
        }
    }

    // ---- the table

    /// A row of the table is this now, by whomever.
    pub(super) fn table_holds(&mut self, tab: usize, row: &Record) {
        for (column, value) in row.iter().enumerate().skip(1) {
            let cell = shown(value);
            let history = self.history.entry((tab, id_of(row), column)).or_default();
            if history.last() != Some(&cell) {
                history.push(cell.clone());
            }
            self.ever.insert((tab, column, cell));
        }
    }

    pub(super) fn app_deleted(&mut self, tab: usize, id: Id) {
        self.acts += 1;
        self.dead.insert((tab, id));
    }

    pub(super) fn app_renamed(&mut self, tab: usize, from: Id, to: Id) {
        self.acts += 1;
        self.dead.insert((tab, from));
        let uids: Vec<Uid> =
            self.bound.iter().filter(|(_, t, id)| (*t, *id) == (tab, from)).map(|(uid, ..)| *uid).collect();
        self.renamed.insert((tab, from), to);
        for uid in uids {
            self.bind(uid, tab, to);
        }
    }

    // ---- the daemon's hands on the table

    /// The daemon writes a cell of the table: somebody must have typed it there, and after it was last written.
    pub(super) fn daemon_writes(&mut self, tab: usize, id: Id, column: usize, cell: &Cell) {
        let bound = &self.bound;
        self.unfit.retain(|(uid, at)| *at != column || !bound.contains(&(*uid, tab, id)));
        let mut mine = self
            .typed
            .iter_mut()
            .filter(|typed| {
                typed.column == column && typed.kept == *cell && bound.contains(&(typed.uid, tab, id))
            })
            .peekable();
        let known = mine.peek().is_some();
        // Every one is marked as used, the first find ends nothing.
        let fresh = mine.filter_map(|typed| typed.used.insert((tab, id)).then_some(())).count() > 0;
        let again = known && (cell.is_blank() || self.retyped.contains(cell));
        // A row without a key that a batch hit shows what a row of the list shows by right: a mend may take one for the other.
        let is_in_list = || self.in_list.values().any(|(at, value)| (*at, value) == (tab, cell));
        let twin = !known && column == 1 && is_in_list();
        if !fresh && !again && !twin {
            let history = self.history.get(&(tab, id, column)).is_some_and(|was| was.contains(cell));
            let what = match (known, history) {
                (true, _) | (_, true) => "stale: an old value back into the table",
                (false, false) => "wrong row: nobody typed this value there",
            };
            self.violate(format!("{what}: {} into {tab}/{id}.{column}", text(cell)));
        }
    }

    /// The daemon reads a row of the table, or is told of it.
    pub(super) fn daemon_knows(&mut self, tab: usize, row: &DbRow) {
        self.known
            .extend(row.iter().enumerate().skip(1).map(|(column, cell)| (tab, column, cell.shown.clone())));
    }

    /// The daemon overwrites a value of the table: it must have known it, then it has weighed it.
    pub(super) fn daemon_overwrites(&mut self, tab: usize, id: Id, column: usize, was: &Cell) {
        let value = (tab, column, was.clone());
        if !was.is_blank() && !self.seen.contains(&value) && !self.known.contains(&value) {
            self.violate(format!("overwritten unweighed: {} of {tab}/{id}.{column}", text(was)));
        }
    }

    pub(super) fn daemon_inserts(
        &mut self,
        tab: usize,
        id: Id,
        claim: Option<ClaimId>,
        cells: &[Cell; WIDTH],
    ) {
        if let Some(claim) = claim {
            let Some(uid) = self.claims.get(&claim).copied() else {
                return self.violate(format!("insert {id} under a claim that stands nowhere"));
            };
            if let Some((_, old)) = self.records.insert(uid, (tab, id)) {
                self.violate(format!("double insert: row {uid} was {old} already and is {id} now"));
            }
            self.bind(uid, tab, id);
        } else if self.dead.contains(&(tab, id))
            && !self.key_typed.contains(&(tab, id))
            // The row was refused for the sake of a record that it never was: that one's end frees the key.
            && !self.left.contains(&(tab, id))
        {
            self.violate(format!("resurrection: {tab}/{id} was deleted and is made again"));
        }
        for (column, cell) in cells.iter().enumerate().skip(1) {
            if !cell.is_blank() {
                self.daemon_writes(tab, id, column, cell);
            }
        }
    }

    /// A row of a list without keys, from the start on.
    pub(super) fn listed_from_the_start(&mut self, tab: usize, row: &Row) {
        self.in_list.insert(row.uid, (tab, row.cells[COLUMNS[1]].clone()));
    }

    /// A row without a key becomes the row of a record: it must have shown its value, and neither may be tied already.
    pub(super) fn daemon_ties(&mut self, tab: usize, record: &Record, claim: ClaimId) {
        let (id, value) = (id_of(record), shown(&record[1]));
        let Some(uid) = self.claims.get(&claim).copied() else {
            return self.violate(format!("record {id} is tied to a claim that stands nowhere"));
        };
        let other = self.records.iter().find(|(other, record)| **other != uid && **record == (tab, id));
        if let Some(other) = other.map(|(other, _)| *other).filter(|other| !self.removed.contains(other)) {
            self.violate(format!("tied twice: {tab}/{id} is row {other}'s already and gets {uid}"));
        }
        if let Some((_, old)) = self.records.insert(uid, (tab, id)) {
            self.violate(format!("tied twice: row {uid} was {old} already and is {id} now"));
        }
        let mut typed = self.typed.iter().filter(|typed| typed.uid == uid && typed.column == 1);
        if !typed.any(|typed| typed.kept == value) {
            self.violate(format!("wrong tie: row {uid} never showed the value of {tab}/{id}"));
        }
        self.bind(uid, tab, id);
    }

    /// The daemon gives a record another key: somebody must have typed it into a row of that record.
    pub(super) fn daemon_renames(&mut self, tab: usize, from: Id, to: Id, respelled: bool) {
        let rows = self.bound.iter().filter(|(_, t, id)| (*t, *id) == (tab, from)).map(|(uid, ..)| *uid);
        let typed = rows.into_iter().any(|uid| self.bound.contains(&(uid, tab, to)));
        if !typed || !self.key_typed.contains(&(tab, to)) {
            self.violate(format!("wrong key: nobody typed {to} into a row of {tab}/{from}"));
        }
        if self.dead.contains(&(tab, to)) {
            self.violate(format!("resurrection: {tab}/{to} was deleted, and {from} takes its key"));
        }
        let acts = self.acts;
        self.app_renamed(tab, from, to);
        self.acts = acts;
        if respelled {
            self.dead.remove(&(tab, from));
        }
        self.history_moves(tab, from, to);
    }

    /// What a record held before it held under its old key.
    fn history_moves(&mut self, tab: usize, from: Id, to: Id) {
        for column in 1..WIDTH {
            let was = self.history.get(&(tab, from, column)).cloned().unwrap_or_default();
            self.history.entry((tab, to, column)).or_default().extend(was);
        }
    }

    pub(super) fn daemon_deletes(&mut self, tab: usize, record: &Record, rows: usize, now: Micros) {
        let id = id_of(record);
        for (column, value) in record.iter().enumerate().skip(1) {
            let cell = shown(value);
            let at = (tab, id, column);
            let is_held = self.frozen.contains(&at) || self.undecided.contains(&at);
            if !cell.is_blank() && !is_held && !self.seen.contains(&(tab, column, cell.clone())) {
                self.violate(format!("deleted unseen: {} of {tab}/{id}.{column}", text(&cell)));
            }
        }
        let minute = self.deleted.entry(tab).or_default();
        minute.retain(|at| at + MINUTE > now);
        minute.push(now);
        let gone = minute.len();
        if rows + gone > 5 && gone * 2 > rows + gone {
            self.violate(format!(
                "deletes amplified: {gone} rows of {tab} within a minute, {rows} stand yet"
            ));
        }
        self.deletes += 1;
        if !self.taken.contains(&(tab, id)) {
            self.violate(format!("wrong delete: nobody removed {tab}/{id}"));
        }
        self.dead.insert((tab, id));
    }

    /// Brakes count from the start of the daemon.
    pub(super) fn daemon_starts(&mut self) {
        self.deleted.clear();
    }

    // ---- the daemon's hands on the sheet

    /// A batch landed; `meant`: the keys of the rows that its writes were for.
    pub(super) fn daemon_did(&mut self, did: &[Did], meant: &[Option<Id>]) {
        self.batches += 1;
        let mut meant = meant.iter();
        for did in did {
            match did {
                Did::Wrote { tab, before, after, alone } => {
                    self.sees(*tab, after);
                    if before.cells[OWN] != after.cells[OWN] {
                        self.violate(format!(
                            "a batch wrote into the people's own cell of row {}",
                            before.uid
                        ));
                    }
                    self.took_for_missing(*tab, before, after);
                    let meant = meant.next().copied().flatten();
                    if meant.is_some() && meant == before.id() {
                        if *alone {
                            self.older_over_newer(*tab, before, after);
                        }
                        self.shows(after);
                    }
                }
                Did::Inserted { tab, row } => {
                    self.shows(row);
                    self.sees(*tab, row);
                    if let Some(id) = row.id() {
                        self.bind(row.uid, *tab, id);
                    }
                }
                Did::Claimed { claim, uid } => {
                    self.claims.insert(*claim, *uid);
                }
                Did::Removed { .. } => {}
            }
        }
    }

    /// A row of a list that is just like a row that has vanished is taken for it, with its key cleared. Nobody can tell.
    fn took_for_missing(&mut self, tab: usize, before: &Row, after: &Row) {
        let Some(id) = after.id().filter(|_| before.id().is_none()) else { return };
        let value = before.cells[COLUMNS[1]].clone();
        let is_like = self.old_values(tab, id, 1).contains(&value);
        if is_like && self.in_list.contains_key(&before.uid) {
            self.bind(before.uid, tab, id);
        }
    }

    /// The row shows what it should.
    pub(super) fn shows(&mut self, row: &Row) {
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            let shown = self.rightful.entry((row.uid, column)).or_default();
            if shown.last() != Some(&row.cells[*grid]) {
                shown.push(row.cells[*grid].clone());
            }
        }
    }

    /// Whoever looks at the tab sees this.
    pub(super) fn sees(&mut self, tab: usize, row: &Row) {
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            let cell = &row.cells[*grid];
            self.seen.extend([(tab, column, rounded(cell)), (tab, column, cell.clone())]);
        }
    }

    fn older_over_newer(&mut self, tab: usize, before: &Row, after: &Row) {
        let Some(id) = before.id().filter(|_| before.id() == after.id()) else { return };
        for (column, grid) in COLUMNS.iter().enumerate().skip(1) {
            let (was, is) = (&before.cells[*grid], &after.cells[*grid]);
            if was == is || was.is_blank() || self.retyped.contains(was) {
                continue;
            }
            let Some(history) = self.history.get(&(tab, id, column)) else { continue };
            let last = |cell: &Cell| history.iter().rposition(|held| held == cell);
            if let (Some(new), Some(old)) = (last(is), last(was))
                && new < old
            {
                let text = format!(
                    "older over newer in the sheet: {} over {}, {tab}/{id}.{column}",
                    text(is),
                    text(was)
                );
                self.violate(text);
            }
        }
    }

    pub(super) fn daemon_listed(&mut self, conflict: &Conflict) {
        self.listed.extend(conflict.sheet.iter().chain(&conflict.database).cloned());
        if conflict.winner == Winner::Nobody
            && let (Some(key), Some(column)) = (&conflict.key, conflict.column)
        {
            self.frozen.insert((conflict.table, super::table::id(key), column));
        }
    }
}
