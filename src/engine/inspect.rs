//! The first half of a cycle: what people did to the sheet goes to the table, one guarded transaction a row.

use crate::engine::adopt::Knowledge;
use crate::engine::claim::NewRows;
use crate::engine::effect::{Conflict, Outcome, TableWrite, Want, Winner, WriteAim};
use crate::engine::filter::OUTSIDE;
use crate::engine::input::{DbState, EditHint, Micros, RowView, TabView, View};
use crate::engine::paste::{BESIDE, Shelved};
use crate::engine::places::Scope;
use crate::engine::reconcile::{Grounds, Move, column};
use crate::engine::rename::shown_key;
use crate::engine::rows::{Found, Rows, lookalikes};
use crate::engine::table::Before;
use crate::engine::writing::Writing;
use crate::engine::{Engine, LOOK_AGAIN, Stage, micros};
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::rule::{Deletes, Paste};

/// How long base remembers what it held before.
const BEFORE_LIFE: Micros = 60_000_000;

/// What is said at a row that is held because another one shows its key.
const DOUBLE: &str = "this key stands in several rows: clear it in the copy to make a new record";

/// What the person hears whose edit is not decided by this read.
pub(super) const LOOKED_AT_AGAIN: &str = "it is looked at once more";

impl Engine {
    pub(super) fn inspect(
        &mut self,
        asked: Micros,
        answered: Micros,
        mut view: View,
        hints: Vec<EditHint>,
        scopes: &[Scope],
    ) {
        let tabs = std::mem::take(&mut view.tabs);
        let left = self.put_off.links();
        let mut writing = Writing::new(view, (asked, answered), left, self.tables.len());
        writing.hints = hints;
        writing.whole = scopes.iter().map(|scope| *scope == Scope::Whole).collect();
        self.merge_debts(&tabs, &mut writing);
        self.look_for_victims(&tabs, &mut writing);
        // A read is believed for no key while a mend is open: who made an edit hears of it by the next one.
        if self.is_mending() {
            self.hints.splice(0..0, std::mem::take(&mut writing.hints));
        } else {
            for (index, tab) in tabs.iter().enumerate() {
                if let Some(pause) = &self.tables[index].trouble {
                    self.put_off.forget(index);
                    writing.put_off(index, &pause.reason);
                } else if let Ok(tab) = tab {
                    if writing.whole[index] {
                        self.put_off.forget(index);
                    }
                    self.inspect_tab(index, tab, &mut writing);
                    if writing.whole[index] {
                        self.tables[index].last_seen = asked;
                        writing.looked[index] = true;
                    }
                }
            }
            self.judge_covered_edits(&mut writing);
        }
        writing.view.tabs = tabs;
        self.gather(&mut writing);
        self.take_up_new_rows(&mut writing);
        self.stage = Stage::Writing(Box::new(writing));
    }

    fn inspect_tab(&mut self, index: usize, tab: &TabView, writing: &mut Writing) {
        let oldest = writing.asked.saturating_sub(BEFORE_LIFE);
        self.tables[index].before.retain(|_, befores| {
            befores.retain(|Before { at, .. }| *at >= oldest);
            !befores.is_empty()
        });
        let whole = writing.whole[index];
        let rows = Rows::of(tab).leave_alike(&self.tables[index], whole);
        if whole {
            self.begin_doubt(index, &rows);
            self.confirm_names(index, tab, &rows, writing);
            self.meet_rows(index, tab, &rows, writing.asked);
        }
        for key in rows.keys() {
            let table = &self.tables[index];
            if !table.base.contains_key(&key) && !table.pending.contains_key(&*key) {
                continue;
            }
            let stands = match table.find(&rows, &key) {
                Found::Row(row) => Some(row),
                Found::Many => None,
                Found::Nowhere => continue,
            };
            let place = stands.as_ref().map(|row| row.row);
            for row in rows.all(&key).filter(|row| Some(row.row) != place) {
                writing.judge(index, row.row, Outcome::Refused, None, DOUBLE.into());
            }
            if let Some(row) = stands {
                self.inspect_row(index, &key, (&row, &rows), writing);
            }
        }
        if whole {
            self.inspect_absent(index, &rows, writing);
            NewRows { index, tab, rows: &rows }.inspect(self, writing);
            self.end_meeting(index);
            self.end_doubt(index, &rows, writing);
        }
    }

    /// A row that base knows and that stands in the sheet.
    fn inspect_row(
        &mut self,
        index: usize,
        key: &Key,
        (row, rows): (&RowView, &Rows<'_>),
        writing: &mut Writing,
    ) {
        let table = &mut self.tables[index];
        if table.gone.remove(key).is_some() {
            table.allowed.remove(key);
        }
        table.restore.remove(key);
        if table.is_fetching(key) {
            if writing.hint(index, row.row).is_none() {
                // Nobody asks, and there may be a million.
                return writing.leave_open(index, row.row);
            }
            table.hurry(key);
            return writing.judge(index, row.row, Outcome::Waiting, None, LOOKED_AT_AGAIN.into());
        }
        let between = writing.interval(index, row.row, table.interval(writing.answered));
        let editor = writing.hint(index, row.row).and_then(|hint| hint.editor.clone());
        table.date_edits(key, &row.cells, between, editor.as_deref());
        let spelled = rows.spelled(row);
        if self.unhold(index, key, row, spelled.is_some()) {
            return writing.leave_open(index, row.row);
        }
        let table = &self.tables[index];
        let pending = table.pending.get(key);
        let base = match (table.base.get(key), pending.map(|pending| &pending.state)) {
            (Some(base), _) => base,
            // A first meeting: the row of the table is known, nothing has agreed yet.
            (None, Some(DbState::Row(_))) if table.owed_key(key).is_none() => {
                RowBase { columns: vec![None; table.width()] }
            }
            (None, Some(DbState::Outside(_))) if table.owed_key(key).is_none() => {
                return writing.judge(
                    index,
                    row.row,
                    Outcome::Refused,
                    Some(table.first_key()),
                    OUTSIDE.into(),
                );
            }
            (None, _) => return,
        };
        if pending.is_some_and(|pending| pending.state.row().is_none()) {
            if self.is_renamed(index, key, rows) {
                // The row takes its new key in place first; what a person changed in it is decided under that.
                return;
            }
            return self.inspect_edits_of_gone(index, key, row, &base, writing);
        }
        let known = pending.and_then(|pending| pending.state.row()).cloned();
        let grounds = Grounds {
            commit: pending.map_or(0, |pending| pending.commit),
            edit: between,
            editor: None,
            was: None,
            row: known.as_ref(),
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
            formulas: table.plan.rules.formulas,
            adopting: table.knowledge == Knowledge::Lost,
        };
        let is_whole = table.plan.rules.paste == Paste::All;
        let (mut wants, mut shelved, mut beside) = (Vec::new(), Vec::new(), false);
        for at in 0..table.width() {
            if spelled.is_some() && self.tables[index].plan.columns[at].key {
                continue;
            }
            let database = known.as_ref().and_then(|known| known.get(at));
            let sheet = &row.cells[at];
            let base_column = base.columns.get(at).copied().flatten();
            let edit = self.tables[index].edited_at(key, at, sheet, between);
            let editor = self.tables[index].editor_of(key, at);
            let was = self.tables[index].was_before(key, at);
            let grounds = Grounds { edit, editor, was, ..grounds };
            match column(&self.tables[index].plan.columns[at], base_column, database, sheet, grounds) {
                Move::Same => self.tables[index].settle_cell(key, at),
                Move::Agree(_) | Move::ToSheet { over: None, .. } => {}
                Move::ToSheet { over: Some(rule), .. } => {
                    writing.judge(
                        index,
                        row.row,
                        Outcome::Conflict,
                        Some(at),
                        format!("the table's value stands: {rule}"),
                    );
                }
                Move::Hold(reason) => {
                    writing.judge(index, row.row, Outcome::Refused, Some(at), reason.into());
                }
                Move::Fetch => {
                    // A cell that is held was decided on the present row: it is fetched again when the cell changes.
                    match self.tables[index].held.get(&(key.clone(), at)) {
                        Some(held) if held.cell == sheet.value.digest() => {
                            writing.recall((index, row.row), at, held);
                        }
                        _ => {
                            self.tables[index].fetch(key, self.seq);
                            writing.judge(index, row.row, Outcome::Waiting, Some(at), LOOKED_AT_AGAIN.into());
                        }
                    }
                }
                Move::ToTable { over, instead } => {
                    let cell = sheet.value.digest();
                    let held = self.tables[index].held.get(&(key.clone(), at));
                    let want = Want {
                        column: at,
                        cell: sheet.value.clone(),
                        wins: over.is_some(),
                        stands: true,
                        form_stands: instead.is_none()
                            && self.tables[index].forms.get(&(key.clone(), at)) == Some(&cell),
                        calculated: sheet.formula.is_some(),
                        instead,
                    };
                    if let Some(held) = held.filter(|held| {
                        held.stands(cell, base_column, database)
                            && (is_whole || !held.why.starts_with(BESIDE))
                    }) {
                        writing.recall((index, row.row), at, held);
                        beside |= held.why.starts_with(BESIDE);
                        shelved.push(want);
                        continue;
                    }
                    if self.needs_second_look(index, key, at, cell, row.row, writing) {
                        writing.judge(index, row.row, Outcome::Waiting, Some(at), LOOKED_AT_AGAIN.into());
                        continue;
                    }
                    if let Some(rule) = over {
                        writing.conflicts.push(Conflict {
                            table: index,
                            key: Some(key.clone()),
                            column: Some(at),
                            database: database.map(|cell| cell.shown.clone()),
                            sheet: Some(sheet.value.clone()),
                            winner: if want.instead.is_some() { Winner::Rule } else { Winner::Sheet },
                            rule: rule.into(),
                            background: self.tables[index].background(key, at, edit),
                        });
                    }
                    wants.push(want);
                }
            }
        }
        if let Some(shown) = spelled {
            if wants.is_empty() {
                self.inspect_key_edit(index, key, row, (Some(shown), true), writing);
            } else {
                // Its cells first: they are written under the key that the record has.
                self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
            }
        }
        let key = key.clone();
        if is_whole && !shelved.is_empty() {
            // What is refused by a part is tried again with the whole: here, or where the rest of its paste is.
            let alone = wants.is_empty();
            wants.append(&mut shelved);
            if alone {
                let aim = WriteAim::Columns { key, base, known, wants };
                let shelved = Shelved { table: index, row: row.row, aim, content: None, is_beside: beside };
                writing.shelved.push(shelved);
                return;
            }
        }
        if wants.is_empty() {
            return;
        }
        let aim = WriteAim::Columns { key, base, known, wants };
        self.queue_write(index, aim, row.row, writing);
    }

    /// A held cell that was changed is decided anew, on the table's present row: its image has passed while the cell was held. One that
    /// shows again what both sides had may be all that kept a row here which has left the filter.
    fn unhold(&mut self, index: usize, key: &Key, row: &RowView, spelled: bool) -> bool {
        let table = &mut self.tables[index];
        if table.held.is_empty() {
            return false;
        }
        let mut passed = false;
        let base = table.base.get(key);
        for (at, cell) in row.cells.iter().enumerate() {
            if spelled && table.plan.columns[at].key {
                continue;
            }
            let look = (key.clone(), at);
            let shows = cell.value.digest();
            if table.held.get(&look).is_some_and(|held| held.cell != shows) {
                let agreed = base.as_ref().and_then(|base| *base.columns.get(at)?);
                let is_back = agreed.is_some_and(|agreed| agreed.cell == shows);
                passed |= table.held.release(&look).is_some_and(|held| held.value.is_some()) || is_back;
            }
        }
        passed &= !table.pending.contains_key(key);
        if passed {
            table.fetch(key, self.seq);
        }
        passed
    }

    pub(super) fn queue_write(&mut self, index: usize, aim: WriteAim, row: u32, writing: &mut Writing) {
        let cause = writing.cause(index, row);
        let effect = self.next_effect_id();
        writing.push(TableWrite { effect, table: index, aim, cause, pays: None }, Some(row), None);
    }

    /// Rows that base knows and that the read lacks: gone only in two believed reads, never while a change is pending.
    fn inspect_absent(&mut self, index: usize, rows: &Rows<'_>, writing: &mut Writing) {
        let alike = lookalikes(&self.tables[index], rows);
        let table = &self.tables[index];
        let absent: Vec<Key> = table.base.keys().filter(|key| !rows.contains(key)).collect();
        let mut gone = Vec::new();
        for key in absent {
            let is_hidden = self.is_hidden(index, &key);
            let table = &mut self.tables[index];
            let seen = alike.get(&key).filter(|_| !is_hidden);
            if is_hidden || (table.restore.contains(&key) && seen.is_none()) {
                table.gone.remove(&key);
                continue;
            }
            let waits = table.pending.contains_key(&key) || table.is_fetching(&key);
            if let Some(row) = seen {
                // Its key cells were changed or cleared.
                table.restore.remove(&key);
                self.inspect_key_edit(index, &key, row, (shown_key(row), false), writing);
                continue;
            }
            let grace = micros(table.plan.rules.delete_grace);
            let first = *table.gone.entry(key.clone()).or_insert(writing.asked);
            if table.is_gone(&key, writing.asked) {
                // A change of the table beats the delete: the row is made in the tab again.
                if !waits {
                    gone.push(key);
                }
            } else {
                table.wakes.insert(first + grace.max(1));
            }
        }
        if !self.tables[index].life.is_live() {
            return;
        }
        self.weigh_deletes(index);
        let braked = self.tables[index].brake.is_some();
        for key in gone {
            if !braked || self.tables[index].allowed.contains(&key) {
                self.delete(index, key, writing);
            }
        }
    }

    fn delete(&mut self, index: usize, key: Key, writing: &mut Writing) {
        let seq = self.seq;
        let table = &mut self.tables[index];
        let Some(base) = table.base.get(&key) else {
            return;
        };
        let aim = match table.plan.rules.deletes {
            Deletes::Apply => WriteAim::Delete { key, base },
            Deletes::Soft { .. } => WriteAim::Mark { key, base },
            Deletes::Restore => {
                table.restore.insert(key.clone());
                table.fetch(&key, seq);
                return;
            }
            Deletes::Hold => return,
        };
        let effect = self.next_effect_id();
        writing.push(TableWrite { effect, table: index, aim, cause: None, pays: None }, None, None);
    }
}
