//! What a link would do, counted before it does it: the decisions of the two halves of a cycle on both sides read whole.
//!
//! Nothing here is carried out. A conflict is counted as one, whoever would win it: times are not known in a plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::adopt::Knowledge;
use crate::engine::brake::{mass_delete, mass_removal};
use crate::engine::claim::incomplete;
use crate::engine::input::{DbRow, KeySeen, RowView, TabView};
use crate::engine::meeting::{Match, Meeting};
use crate::engine::reconcile::{Grounds, Move, column};
use crate::engine::rename::{KeyEdit, shown_key};
use crate::engine::rows::{Found, Rows, content, edited, is_base, lookalikes};
use crate::engine::shuffle::shuffle;
use crate::engine::table::Table;
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::pause::Pause;
use crate::model::rule::Deletes;

/// What would be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Rows that are equal on both sides; those without base would be adopted.
    pub equal: usize,
    /// Of those, rows that base does not know.
    pub adopted: usize,
    /// Cells that would be written into the tab.
    pub to_sheet: usize,
    /// Cells that would be written into the table.
    pub to_table: usize,
    /// Cells that changed on both sides, or met for the first time and differ: decided by the link's rules, and listed.
    pub conflicts: usize,
    /// Cells that would be left as they are.
    pub held: usize,
    /// Rows without a key that would be tied to their records, which have the same values in the columns of `match_on`.
    pub tied: usize,
    /// Rows without a key that would be held, because more than one record or row has their values.
    pub ambiguous: usize,
    /// Records that would take the key that their rows show.
    pub renamed: usize,
    /// Rows that would be made in the tab.
    pub made_in_sheet: usize,
    /// Rows that would be made in the table.
    pub made_in_table: usize,
    /// Rows that would leave the tab.
    pub removed_from_sheet: usize,
    /// Rows that would be deleted in the table.
    pub deleted_in_table: usize,
    /// Rows that would be left on the one side on which they stand, or in several rows of the tab.
    pub left: usize,
    /// The brakes that would stop it.
    pub pauses: Vec<Pause>,
}

impl Preview {
    /// Would nothing be written?
    pub fn is_quiet(&self) -> bool {
        let written = self.to_sheet + self.to_table + self.conflicts + self.tied + self.renamed;
        written + self.made_in_sheet + self.made_in_table + self.removed_from_sheet + self.deleted_in_table
            == 0
    }
}

/// Counts what would be done with these two sides.
pub fn preview(table: &Table, tab: &TabView, rows: &BTreeMap<Key, DbRow>) -> Preview {
    let seen = Rows::of(tab);
    let alike = lookalikes(table, &seen);
    let known: BTreeSet<u32> = alike.values().map(|row| row.row).collect();
    let mut plan = Preview::default();
    let found = Finds::of(table, tab, &seen, rows);
    let shown = seen.keys().map(Cow::into_owned);
    let keys: BTreeSet<Key> = rows.keys().cloned().chain(table.base.keys()).chain(shown).collect();
    for key in &keys {
        let base = table.base.get(key);
        match (base.as_ref(), rows.get(key), seen.find(key, base.as_ref())) {
            (_, _, Found::Many) => plan.left += 1,
            (_, Some(there), Found::Row(here)) => {
                if let shown @ Some(_) = seen.spelled(&here) {
                    plan.key_edit(table, key, &here, shown);
                }
                plan.meet(table, base.as_ref(), there, &here, seen.spelled(&here).is_some());
            }
            (None, Some(_), Found::Nowhere) if table.knowledge == Knowledge::Lost => plan.left += 1,
            (None, Some(there), Found::Nowhere) => {
                if let Some(here) = found.tied.get(key) {
                    plan.tied += 1;
                    plan.meet(table, None, there, here, false);
                } else if found.awaited.contains(key) {
                    plan.left += 1;
                } else {
                    plan.made_in_sheet += 1;
                }
            }
            (Some(base), Some(there), Found::Nowhere) => match alike.get(key) {
                Some(here) => plan.key_edit(table, key, here, shown_key(here)),
                None => plan.gone_in_sheet(table, base, there),
            },
            (None, None, Found::Row(here)) if known.contains(&here.row) => {}
            (None, None, Found::Row(here)) => plan.new_row(table, Some(key), &here),
            (Some(base), None, Found::Row(here)) => {
                if edited(&table.plan, &here, base).is_empty() {
                    plan.removed_from_sheet += 1;
                } else {
                    plan.conflicts += 1;
                }
            }
            (_, None, Found::Nowhere) => {}
        }
    }
    let strange =
        |row: &Cow<'_, RowView>| !matches!(row.key, KeySeen::Key(_)) && content(&table.plan, row).is_some();
    let known: BTreeSet<u32> = known.into_iter().chain(found.tied.values().map(|row| row.row)).collect();
    plan.ambiguous = found.held.len();
    let new = |row: &Cow<'_, RowView>| !known.contains(&row.row) && !found.held.contains(&row.row);
    for row in tab.rows.iter().filter(strange).filter(new) {
        plan.new_row(table, None, &row);
    }
    let known = table.base.len();
    plan.pauses.extend(shuffle(table, &seen).map(|found| found.pause));
    plan.pauses.extend(mass_delete(plan.deleted_in_table, 0, known));
    plan.pauses.extend(mass_removal(plan.removed_from_sheet, known));
    plan
}

/// What rows without a key would find at a first meeting.
#[derive(Default)]
struct Finds<'a> {
    /// The records that would be tied, each with its row.
    tied: BTreeMap<Key, Cow<'a, RowView>>,
    /// The records that would wait for a row.
    awaited: BTreeSet<Key>,
    /// The rows that would be held.
    held: BTreeSet<u32>,
}

impl<'a> Finds<'a> {
    fn of(table: &Table, tab: &'a TabView, seen: &Rows<'_>, rows: &BTreeMap<Key, DbRow>) -> Self {
        let Some(mut meeting) = Meeting::of(&table.plan).filter(|_| table.meeting.is_some()) else {
            return Self::default();
        };
        meeting.read(tab, 0, 0);
        meeting.is_known();
        for (key, row) in rows {
            meeting.is_told(key, Some(row));
        }
        let awaited = rows.keys().filter(|key| meeting.awaits(key)).cloned().collect();
        let mut finds = Self { awaited, ..Self::default() };
        for row in tab.rows.iter() {
            match meeting.find(table, seen, &row) {
                Match::Record(key) => drop(finds.tied.insert(key, row)),
                Match::Several { .. } => drop(finds.held.insert(row.row)),
                Match::Nothing | Match::Unknown => {}
            }
        }
        finds
    }
}

impl Preview {
    /// A record's row shows another key, or none.
    fn key_edit(&mut self, table: &Table, key: &Key, here: &RowView, shown: Option<&Key>) {
        match table.key_edit(key, here, shown) {
            KeyEdit::Rename(_) => self.renamed += 1,
            KeyEdit::PutBack => self.to_sheet += 1,
            KeyEdit::Refused(_) => self.held += 1,
        }
    }

    /// The row stands on both sides; `spelled`: what its key cells show is counted already.
    fn meet(&mut self, table: &Table, base: Option<&RowBase>, there: &DbRow, here: &RowView, spelled: bool) {
        let grounds = Grounds {
            commit: 0,
            edit: (0, 0),
            editor: None,
            was: None,
            row: Some(there),
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
            formulas: table.plan.rules.formulas,
            adopting: table.knowledge == Knowledge::Lost,
        };
        let mut equal = !spelled;
        for (at, plan) in table.plan.columns.iter().enumerate().filter(|(_, plan)| !(spelled && plan.key)) {
            let base = base.and_then(|base| base.columns.get(at).copied().flatten());
            let moved = column(plan, base, there.get(at), &here.cells[at], grounds);
            equal &= matches!(moved, Move::Same | Move::Agree(_));
            match moved {
                Move::Same | Move::Agree(_) | Move::Fetch => {}
                Move::ToSheet { over: None, .. } => self.to_sheet += 1,
                Move::ToTable { over: None, .. } => self.to_table += 1,
                Move::ToSheet { over: Some(_), .. } | Move::ToTable { over: Some(_), .. } => {
                    self.conflicts += 1;
                }
                Move::Hold(_) => self.held += 1,
            }
        }
        self.equal += usize::from(equal);
        self.adopted += usize::from(equal && base.is_none());
    }

    /// The tab has lost a row that the table has.
    fn gone_in_sheet(&mut self, table: &Table, base: &RowBase, there: &DbRow) {
        match &table.plan.rules.deletes {
            _ if !is_base(base, there) => self.made_in_sheet += 1,
            Deletes::Apply | Deletes::Soft { .. } => self.deleted_in_table += 1,
            Deletes::Restore => self.made_in_sheet += 1,
            Deletes::Hold => self.left += 1,
        }
    }

    /// The tab has a row that the table has not.
    fn new_row(&mut self, table: &Table, key: Option<&Key>, here: &RowView) {
        let dead = key.is_some_and(|key| table.dead.contains(key) || table.knowledge != Knowledge::Sound);
        if dead || incomplete(table, here).is_some() {
            self.left += 1;
        } else {
            self.made_in_table += 1;
        }
    }
}
