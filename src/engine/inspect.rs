//! The first half of a cycle: what people did to the sheet goes to the table, one guarded transaction a row.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::brake::mass_delete;
use crate::engine::claim::NewRows;
use crate::engine::effect::{
    Answered, Conflict, Effect, Interval, Level, Naming, Outcome, TableWrite, Verdict, Want, Winner, WriteAim,
};
use crate::engine::input::{DbState, EditHint, EditNumber, Micros, RowView, TabView, View, WriteOutcome};
use crate::engine::owed::{Owed, OwedId};
use crate::engine::reconcile::{Grounds, Move, column};
use crate::engine::rows::{Found, Rows, edited, lookalikes};
use crate::engine::table::{Before, Held, Pending};
use crate::engine::{Engine, LOOK_AGAIN, Stage, conflict, guard, micros};
use crate::model::base::{BaseChange, RowBase};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::mark::{ClaimId, EffectId};
use crate::model::rule::Deletes;

/// The clock of a person's machine is trusted this far: the script reads it one to three seconds after the keystroke.
const EDIT_SLACK: Micros = 5_000_000;

/// How long base remembers what it held before.
const BEFORE_LIFE: Micros = 60_000_000;

/// What the person hears whose edit is not decided by this read.
const LOOKED_AT_AGAIN: &str = "it is looked at once more";

/// A cycle between its read and its batch.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) view: View,
    pub(crate) asked: Micros,
    pub(crate) answered: Micros,
    hints: Vec<EditHint>,
    queue: VecDeque<Queued>,
    outstanding: Option<Queued>,
    verdicts: BTreeMap<(usize, u32), Verdict>,
    /// What an earlier cycle decided on rows that show it still; it counts where this cycle decides nothing.
    standing: BTreeMap<(usize, u32), Verdict>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) agreed: Vec<(usize, BaseChange)>,
    pub(crate) paid: Vec<OwedId>,
    pub(crate) named: Vec<(usize, ClaimId)>,
    pub(crate) claim: Vec<(usize, u32)>,
    pub(crate) unclaim: Vec<(usize, ClaimId)>,
    pub(crate) names: Vec<Naming>,
}

/// A table write and where its row stands in the read.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    write: TableWrite,
    row: Option<u32>,
    /// The content, for new rows that the server may refuse.
    content: Option<Digest>,
}

impl Queued {
    fn key(&self) -> Option<&Key> {
        match &self.write.aim {
            WriteAim::Columns { key, .. }
            | WriteAim::Delete { key, .. }
            | WriteAim::SoftDelete { key, .. }
            | WriteAim::Recreate { key, .. } => Some(key),
            WriteAim::Insert { key, .. } => key.as_ref(),
        }
    }
}

impl Writing {
    /// The edit that announced a change of this row, if one did.
    fn hint(&self, table: usize, row: u32) -> Option<&EditHint> {
        let covers = |hint: &&EditHint| hint.rows.is_some_and(|(first, last)| (first..=last).contains(&row));
        self.hints.iter().filter(|hint| hint.table == table).rfind(covers)
    }

    fn cause(&self, table: usize, row: u32) -> Option<(EditNumber, Option<String>)> {
        self.hint(table, row).map(|hint| (hint.edit, hint.editor.clone()))
    }

    /// When a change of this row was made: between two reads, narrowed by the script's own time.
    fn interval(&self, table: usize, row: u32, between: Interval) -> Interval {
        match self.hint(table, row).and_then(|hint| hint.at) {
            Some(at) => {
                let until = between.1.min(at).max(between.0);
                (between.0.max(at.saturating_sub(EDIT_SLACK)).min(until), until)
            }
            None => between,
        }
    }

    /// The worst outcome of a row is what its person hears.
    pub(crate) fn judge(
        &mut self,
        table: usize,
        row: u32,
        outcome: Outcome,
        column: Option<usize>,
        message: String,
    ) {
        let place = column.map(|column| (row, column));
        let verdict = Verdict { outcome, place, message };
        let worst = self.verdicts.entry((table, row)).or_insert_with(|| verdict.clone());
        if worst.outcome < verdict.outcome {
            *worst = verdict;
        }
    }

    /// A refusal of an earlier cycle, for the person whose edit that cycle saw before it was announced.
    fn recall(&mut self, (table, row): (usize, u32), column: usize, held: &Held) {
        let verdict =
            Verdict { outcome: Outcome::Refused, place: Some((row, column)), message: held.why.clone() };
        self.standing.entry((table, row)).or_insert(verdict);
    }

    fn answers(&self) -> Vec<Answered> {
        let unchanged = Verdict { outcome: Outcome::Unchanged, place: None, message: String::new() };
        let worst = |of: &BTreeMap<(usize, u32), Verdict>, hint: &EditHint| {
            let (first, last) = hint.rows?;
            of.range((hint.table, first)..=(hint.table, last))
                .map(|(_, verdict)| verdict)
                .max_by_key(|verdict| verdict.outcome)
                .cloned()
        };
        let answered = |hint: &EditHint| Answered {
            edit: hint.edit,
            table: hint.table,
            verdict: worst(&self.verdicts, hint)
                .or_else(|| worst(&self.standing, hint))
                .unwrap_or_else(|| unchanged.clone()),
        };
        self.hints.iter().map(answered).collect()
    }

    /// Base that this cycle is to store moves on with a guarded write of the same row: the write has stored the newer one.
    fn follow(&mut self, table: usize, row: &Key, newer: Option<&RowBase>) {
        for (index, change) in &mut self.agreed {
            if let (BaseChange::Set(key, base), Some(newer)) = (change, newer)
                && *index == table
                && key == row
            {
                base.clone_from(newer);
            }
        }
    }

    pub(crate) fn push(&mut self, write: TableWrite, row: Option<u32>, content: Option<Digest>) {
        self.queue.push_back(Queued { write, row, content });
    }
}

impl Engine {
    pub(super) fn inspect(&mut self, asked: Micros, answered: Micros, view: View, hints: Vec<EditHint>) {
        let tabs = view.tabs.clone();
        let mut writing = Writing {
            view,
            asked,
            answered,
            hints,
            queue: VecDeque::new(),
            outstanding: None,
            verdicts: BTreeMap::new(),
            standing: BTreeMap::new(),
            conflicts: Vec::new(),
            agreed: Vec::new(),
            paid: Vec::new(),
            named: Vec::new(),
            claim: Vec::new(),
            unclaim: Vec::new(),
            names: Vec::new(),
        };
        // A read is believed for no key while a mend is open.
        if !self.owed.values().any(Owed::is_mend) {
            for (index, tab) in tabs.iter().enumerate() {
                if let Ok(tab) = tab
                    && self.tables[index].trouble.is_none()
                {
                    self.inspect_tab(index, tab, &mut writing);
                    self.tables[index].last_seen = asked;
                }
            }
            self.judge_covered_edits(&mut writing);
        }
        self.stage = Stage::Writing(Box::new(writing));
    }

    fn inspect_tab(&mut self, index: usize, tab: &TabView, writing: &mut Writing) {
        let oldest = self.clock.saturating_sub(BEFORE_LIFE);
        self.tables[index].before.retain(|_, befores| {
            befores.retain(|Before { at, .. }| *at >= oldest);
            !befores.is_empty()
        });
        let rows = Rows::of(tab);
        self.confirm_names(index, tab, &rows, writing);
        let table = &self.tables[index];
        let known = |key: &&Key| table.base.contains_key(*key) || table.pending.contains_key(*key);
        let keys: Vec<&Key> = rows.keys().filter(known).collect();
        for key in keys {
            match rows.find(key, self.tables[index].base.get(key)) {
                Found::Row(row) => self.inspect_row(index, key, (row, &rows), writing),
                Found::Many => {
                    for row in rows.all(key) {
                        let text =
                            "this key stands in several rows: clear it in the copy to make a new record";
                        writing.judge(index, row.row, Outcome::Refused, None, text.into());
                    }
                }
                Found::Nowhere => {}
            }
        }
        self.inspect_absent(index, &rows, writing);
        NewRows { index, tab, rows: &rows }.inspect(self, writing);
    }

    /// A row that base knows and that stands in the sheet.
    fn inspect_row(&mut self, index: usize, key: &Key, (row, rows): (&RowView, &Rows<'_>), writing: &mut Writing) {
        let table = &mut self.tables[index];
        table.gone.remove(key);
        if table.is_fetching(key) {
            return writing.judge(index, row.row, Outcome::Waiting, None, LOOKED_AT_AGAIN.into());
        }
        let between = writing.interval(index, row.row, table.interval(writing.answered));
        for (at, cell) in row.cells.iter().enumerate() {
            table.date_edit(key, at, cell, between);
        }
        if self.unhold(index, key, row) {
            return;
        }
        let table = &self.tables[index];
        let pending = table.pending.get(key);
        let base = match (table.base.get(key), pending.map(|pending| &pending.state)) {
            (Some(base), _) => base.clone(),
            // A first meeting: the row of the table is known, nothing has agreed yet.
            (None, Some(DbState::Row(_))) if table.owed_key(key).is_none() => {
                RowBase { columns: vec![None; table.width()] }
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
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
        };
        let mut wants = Vec::new();
        for at in 0..table.width() {
            let database = known.as_ref().and_then(|known| known.get(at));
            let sheet = &row.cells[at];
            let base_column = base.columns.get(at).copied().flatten();
            let edit = self.tables[index].edited_at(key, at, sheet, between);
            let grounds = Grounds { edit, ..grounds };
            match column(&self.tables[index].plan.columns[at], base_column, database, sheet, grounds) {
                Move::Same => {
                    self.tables[index].looks.remove(&(key.clone(), at));
                }
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
                    writing.judge(index, row.row, Outcome::Refused, Some(at), reason.into())
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
                Move::ToTable { over } => {
                    let cell = sheet.value.digest();
                    let value = database.map(|cell| cell.value.digest());
                    let held = self.tables[index].held.get(&(key.clone(), at));
                    // While the stream says nothing new, the cell alone tells that nothing has changed.
                    let stands = |held: &&Held| held.cell == cell && (value.is_none() || held.value == value);
                    if let Some(held) = held.filter(stands) {
                        writing.recall((index, row.row), at, held);
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
                            winner: Winner::Sheet,
                            rule: rule.into(),
                        });
                    }
                    wants.push(Want {
                        column: at,
                        cell: sheet.value.clone(),
                        wins: over.is_some(),
                        stands: true,
                    });
                }
            }
        }
        if wants.is_empty() {
            return;
        }
        let aim = WriteAim::Columns { key: key.clone(), base, known, wants };
        self.queue_write(index, aim, row.row, writing);
    }

    /// A held cell that was changed is decided anew, on the table's present row: its image has passed while the cell was held.
    fn unhold(&mut self, index: usize, key: &Key, row: &RowView) -> bool {
        let table = &mut self.tables[index];
        let mut passed = false;
        for (at, cell) in row.cells.iter().enumerate() {
            let look = (key.clone(), at);
            if table.held.get(&look).is_some_and(|held| held.cell != cell.value.digest()) {
                passed |= table.held.remove(&look).is_some_and(|held| held.value.is_some());
            }
        }
        passed &= !table.pending.contains_key(key);
        if passed {
            table.fetch(key, self.seq);
        }
        passed
    }

    fn queue_write(&mut self, index: usize, aim: WriteAim, row: u32, writing: &mut Writing) {
        let cause = writing.cause(index, row);
        let effect = self.next_effect_id();
        writing.push(TableWrite { effect, table: index, aim, cause, pays: None }, Some(row), None);
    }

    /// A value that equals what stood there before base, and that no event announced since base moved on, is looked at twice:
    /// a read that Google serves stale shows just that (design 4a, rule 3). The script tells a time up to seconds late.
    fn needs_second_look(
        &mut self,
        index: usize,
        key: &Key,
        at: usize,
        cell: Digest,
        row: u32,
        writing: &Writing,
    ) -> bool {
        let table = &mut self.tables[index];
        let look = (key.clone(), at);
        let wait = micros(table.plan.rules.second_look);
        let base = table
            .base
            .get(key)
            .and_then(|base| base.columns.get(at).copied().flatten())
            .map(|base| base.cell);
        let befores = table.before.get(key).into_iter().flatten();
        let stood = |before: &&Before| before.cells.get(at).copied().flatten();
        let moved =
            befores.clone().filter(|before| stood(before) == Some(cell)).map(|before| before.at).max();
        // A value that base never held may be one that was typed over before it was read; and what stood there before a
        // restart is not remembered. For a while such a value is looked at again too, but soon.
        let recent = befores.filter(|before| stood(before).is_some_and(|was| base != Some(was)));
        let recent = recent.map(|before| before.at).max().max(self.started);
        let (moved, rest) = match moved {
            Some(moved) => (Some(moved), wait),
            None => (recent.filter(|recent| writing.asked < recent + wait), wait.min(LOOK_AGAIN)),
        };
        let announced = writing.hint(index, row).and_then(|hint| hint.at);
        if moved.is_none_or(|moved| announced.is_some_and(|at| at >= moved + EDIT_SLACK)) {
            table.looks.remove(&look);
            return false;
        }
        match table.looks.get(&look) {
            Some((seen, since)) if *seen == cell => {
                let due = since + rest;
                if writing.asked >= due {
                    table.looks.remove(&look);
                    return false;
                }
                self.wakes.insert(due);
            }
            _ => {
                table.looks.insert(look, (cell, writing.asked));
                self.wakes.insert(writing.asked + rest);
            }
        }
        true
    }

    /// The row is gone in the table: an edit of it beats the delete, if the stream told what the row was.
    fn inspect_edits_of_gone(
        &mut self,
        index: usize,
        key: &Key,
        row: &RowView,
        base: &RowBase,
        writing: &mut Writing,
    ) {
        let changed = edited(&self.tables[index].plan, row, base);
        self.tables[index].looks.retain(|(looked, at), _| looked != key || changed.contains(at));
        let mut wait = false;
        for at in &changed {
            wait |= self.needs_second_look(index, key, *at, row.cells[*at].value.digest(), row.row, writing);
        }
        if wait {
            return;
        }
        let Some(Pending { state: DbState::Gone(before), .. }) = self.tables[index].pending.get(key) else {
            return;
        };
        let before = before.clone();
        let (winner, rule) = match &before {
            Some(_) => (Winner::Sheet, "edit beats delete"),
            None => (Winner::Nobody, "edit beats delete, but the deleted row is unknown"),
        };
        for at in &changed {
            writing.conflicts.push(Conflict {
                table: index,
                key: Some(key.clone()),
                column: Some(*at),
                database: None,
                sheet: Some(row.cells[*at].value.clone()),
                winner,
                rule: rule.into(),
            });
        }
        if let (Some(before), false) = (before, changed.is_empty()) {
            let aim = WriteAim::Recreate { key: key.clone(), before, cells: row.cells.clone(), changed };
            self.queue_write(index, aim, row.row, writing);
        }
    }

    /// Rows that base knows and that the read lacks: gone only in two believed reads, never while a change is pending.
    fn inspect_absent(&mut self, index: usize, rows: &Rows<'_>, writing: &mut Writing) {
        let alike = lookalikes(&self.tables[index], rows);
        let table = &self.tables[index];
        let absent: Vec<Key> = table.base.keys().filter(|key| !rows.contains(key)).cloned().collect();
        let mut gone = Vec::new();
        for key in absent {
            let table = &mut self.tables[index];
            if table.pending.contains_key(&key) || table.is_fetching(&key) || table.restore.contains(&key) {
                table.gone.remove(&key);
                continue;
            }
            if alike.contains_key(&key) {
                // Its key cells were changed or cleared: the present row shows how to put them back.
                table.fetch(&key, self.seq);
                continue;
            }
            let grace = micros(table.plan.rules.delete_grace);
            let first = *table.gone.entry(key.clone()).or_insert(writing.asked);
            if writing.asked >= first + grace && writing.asked > first {
                gone.push(key);
            } else {
                self.wakes.insert(first + grace.max(1));
            }
        }
        if !self.tables[index].life.is_live() {
            return;
        }
        let brake = mass_delete(self.tables[index].gone.len(), self.tables[index].base.len());
        if brake != self.tables[index].brake {
            match &brake {
                Some(reason) => {
                    self.tell(Some(index), Level::Warning, format!("deletes are stopped: {reason}"))
                }
                None => self.tell(Some(index), Level::Info, "deletes go on: the rows are back".into()),
            }
            self.tables[index].brake = brake;
        }
        if self.tables[index].brake.is_none() {
            for key in gone {
                self.delete(index, key, writing);
            }
        }
    }

    fn delete(&mut self, index: usize, key: Key, writing: &mut Writing) {
        let seq = self.seq;
        let table = &mut self.tables[index];
        let Some(base) = table.base.get(&key).cloned() else {
            return;
        };
        let aim = match table.plan.rules.deletes {
            Deletes::Apply => WriteAim::Delete { key, base },
            Deletes::Soft { .. } => WriteAim::SoftDelete { key, base },
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

    /// Values that a write of ours covered are judged like any conflict: they were typed after the read that the write rested on.
    fn judge_covered_edits(&mut self, writing: &mut Writing) {
        let covered: Vec<(OwedId, Owed)> = self.owed.iter().map(|(id, owed)| (*id, owed.clone())).collect();
        for (id, owed) in covered {
            let Owed::Edit { link, key, column, cell, typed } = owed else {
                continue;
            };
            let Some(index) = self.table_named(&link) else {
                continue;
            };
            let table = &self.tables[index];
            if table.is_fetching(&key) || writing.queue.iter().any(|queued| queued.key() == Some(&key)) {
                self.wakes.insert(self.clock + LOOK_AGAIN);
                continue;
            }
            let rules = table.plan.columns.get(column).map(|plan| plan.rule.clone());
            let (Some(rule), Some(base)) = (rules, table.base.get(&key).cloned()) else {
                self.lose(writing, id, index, key, column, cell.value, "the row is gone".into());
                continue;
            };
            let pending = table.pending.get(&key);
            let commit = pending.map_or(0, |pending| pending.commit);
            let known = pending.and_then(|pending| pending.state.row()).cloned();
            let (winner, why) =
                conflict::judge(rule.policy, rule.direction, table.plan.rules.tie, commit, typed);
            if winner != Winner::Sheet || cell.formula.is_some() {
                self.lose(writing, id, index, key, column, cell.value, why.into());
                continue;
            }
            writing.conflicts.push(Conflict {
                table: index,
                key: Some(key.clone()),
                column: Some(column),
                database: known.as_ref().and_then(|row| row.get(column)).map(|cell| cell.shown.clone()),
                sheet: Some(cell.value.clone()),
                winner,
                rule: format!("typed while we wrote; {why}"),
            });
            let wants = vec![Want { column, cell: cell.value, wins: true, stands: false }];
            let effect = self.next_effect_id();
            let aim = WriteAim::Columns { key, base, known, wants };
            let write = TableWrite { effect, table: index, aim, cause: None, pays: Some(id) };
            writing.push(write, None, None);
        }
    }

    fn lose(
        &mut self,
        writing: &mut Writing,
        id: OwedId,
        table: usize,
        key: Key,
        column: usize,
        cell: crate::model::cell::Cell,
        why: String,
    ) {
        let (key, column, sheet) = (Some(key), Some(column), Some(cell));
        let rule = format!("typed while we wrote; {why}");
        writing.conflicts.push(Conflict {
            table,
            key,
            column,
            database: None,
            sheet,
            winner: Winner::Database,
            rule,
        });
        writing.paid.push(id);
    }

    /// Makes the next table write, or goes on to the batch when all are made.
    pub(super) fn go_on_writing(&mut self) {
        let Stage::Writing(writing) = &mut self.stage else {
            return;
        };
        if writing.outstanding.is_some() {
            return;
        }
        // While the row is being fetched the write waits: two transactions of ours that overlap have no order.
        let fetched = writing.queue.front().is_some_and(|queued| {
            let fetching = &self.tables[queued.write.table].fetching;
            queued.key().is_some_and(|key| fetching.contains_key(key))
        });
        if fetched {
            return;
        }
        if let Some(queued) = writing.queue.pop_front() {
            writing.outstanding = Some(queued.clone());
            if let Some(key) = queued.key() {
                self.tables[queued.write.table].raise_fence(key, queued.write.effect);
            }
            self.out.push_back(Effect::Write(queued.write));
            return;
        }
        if let Stage::Writing(writing) = std::mem::replace(&mut self.stage, Stage::Idle) {
            let answers = writing.answers();
            if !answers.is_empty() {
                self.out.push_back(Effect::Answer(answers));
            }
            self.flush(*writing);
        }
    }

    pub(super) fn on_wrote(&mut self, effect: EffectId, outcome: WriteOutcome) {
        let Stage::Writing(mut writing) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return;
        };
        match writing.outstanding.take() {
            Some(queued) if queued.write.effect == effect => self.take_outcome(queued, outcome, &mut writing),
            other => writing.outstanding = other,
        }
        self.stage = Stage::Writing(writing);
    }

    fn take_outcome(&mut self, queued: Queued, outcome: WriteOutcome, writing: &mut Writing) {
        let index = queued.write.table;
        let now = self.clock;
        match outcome {
            WriteOutcome::Done { after, key, base, left, refused, wrote } => {
                writing.follow(index, &key, base.as_ref());
                self.took(&queued, key, after, base, wrote);
                writing.paid.extend(queued.write.pays);
                if let Some(row) = queued.row {
                    if wrote {
                        writing.judge(index, row, Outcome::Applied, None, String::new());
                    }
                    for (column, reason) in &left {
                        writing.judge(index, row, Outcome::Conflict, Some(*column), reason.clone());
                    }
                    for (column, reason) in &refused {
                        writing.judge(index, row, Outcome::Refused, Some(*column), reason.clone());
                    }
                }
                self.hold_back(&queued, refused.iter().cloned());
                for (_, reason) in left.iter().chain(&refused) {
                    list_covered(&queued, reason, writing);
                }
                if !left.is_empty()
                    && let Some(key) = queued.key()
                {
                    self.tables[index].fetch(key, self.seq);
                }
            }
            WriteOutcome::Refused { column, reason } => {
                self.not_committed(&queued);
                self.tables[index].refused.extend(queued.content);
                list_covered(&queued, &reason, writing);
                writing.paid.extend(queued.write.pays);
                if let Some(row) = queued.row {
                    writing.judge(index, row, Outcome::Refused, column, reason.clone());
                }
                match &queued.write.aim {
                    WriteAim::Columns { wants, .. } => {
                        self.hold_back(&queued, wants.iter().map(|want| (want.column, reason.clone())));
                    }
                    // The edit stays in the sheet, listed; the row stays deleted.
                    WriteAim::Recreate { key, .. } => {
                        if let Some(pending) = self.tables[index].pending.get_mut(key) {
                            pending.state = DbState::Gone(None);
                        }
                    }
                    WriteAim::Insert { .. } | WriteAim::Delete { .. } | WriteAim::SoftDelete { .. } => {}
                }
            }
            WriteOutcome::Exists => {
                self.not_committed(&queued);
                if let Some(key) = queued.key() {
                    self.tables[index].fetch(key, self.seq);
                }
            }
            WriteOutcome::Failed => {
                self.not_committed(&queued);
                self.wakes.insert(now + LOOK_AGAIN);
            }
        }
    }

    fn not_committed(&mut self, queued: &Queued) {
        if let Some(key) = queued.key() {
            self.tables[queued.write.table].not_committed(key);
        }
    }

    /// Cells that stay as they are until either side changes.
    fn hold_back(&mut self, queued: &Queued, refused: impl IntoIterator<Item = (usize, String)>) {
        let WriteAim::Columns { key, known, wants, .. } = &queued.write.aim else {
            return;
        };
        let table = &mut self.tables[queued.write.table];
        for (at, why) in refused {
            if let Some(want) = wants.iter().find(|want| want.column == at && want.stands) {
                let value = known.as_ref().and_then(|row| row.get(at)).map(|cell| cell.value.digest());
                table.held.insert((key.clone(), at), Held { cell: want.cell.digest(), value, why });
            }
        }
    }

    /// A guarded transaction is done: base stands as it stored it, and what waits becomes the row that it read back.
    fn took(&mut self, queued: &Queued, key: Key, after: DbState, base: Option<RowBase>, wrote: bool) {
        let (now, seq) = (self.clock, self.seq);
        let table = &mut self.tables[queued.write.table];
        let unlike = base
            .as_ref()
            .is_some_and(|base| base.columns.iter().flatten().any(|c| c.value == guard::UNDECIDED));
        match &queued.write.aim {
            WriteAim::Insert { claim: Some(claim), .. } => {
                let base = base.unwrap_or_default();
                let claimed = crate::engine::table::Claim { key, base, missing_since: None, named_at: None };
                table.fresh.remove(claim);
                table.claims.insert(*claim, claimed);
                self.wakes.insert(now);
                return;
            }
            WriteAim::Delete { .. } | WriteAim::SoftDelete { .. } => {
                match &after {
                    DbState::Gone(_) => table.forget(&key, true),
                    // The row is another one by now: the edit beats the delete.
                    DbState::Row(_) => {
                        table.gone.remove(&key);
                        table.fetch(&key, seq);
                    }
                }
            }
            WriteAim::Columns { .. } | WriteAim::Insert { .. } | WriteAim::Recreate { .. } => match base {
                Some(base) => table.set_base(key.clone(), base, now),
                None if matches!(after, DbState::Gone(_)) => table.fetch(&key, seq),
                None => {}
            },
        }
        if wrote {
            let recreated = matches!(queued.write.aim, WriteAim::Recreate { .. });
            table.committed(queued.write.effect, key, seq, now, |waiting| {
                (waiting.is_some() || recreated || unlike).then_some(after)
            });
        } else {
            table.not_committed(&key);
            if unlike {
                table.fetch(&key, seq);
            }
        }
    }
}

/// A covered edit that does not reach the table stands nowhere any more: it is listed.
fn list_covered(queued: &Queued, reason: &str, writing: &mut Writing) {
    let WriteAim::Columns { key, wants, .. } = &queued.write.aim else {
        return;
    };
    let covered = wants.iter().filter(|want| !want.stands);
    writing.conflicts.extend(covered.map(|want| Conflict {
        table: queued.write.table,
        key: Some(key.clone()),
        column: Some(want.column),
        database: None,
        sheet: Some(want.cell.clone()),
        winner: Winner::Database,
        rule: format!("typed while we wrote; {reason}"),
    }));
}
