//! The second half of a cycle: what happened in the table goes to the sheet, in one batch.

use std::collections::BTreeSet;

use crate::engine::effect::{Commit, Conflict, Effect, Winner};
use crate::engine::input::{DbRow, DbState, KeySeen, RowView, TabView};
use crate::engine::owed::Owed;
use crate::engine::plan::{Aim, Plan, PlannedCell, PlannedOp};
use crate::engine::reconcile::{Grounds, Move, agreed, column};
use crate::engine::rows::{Found, Rows, edited, is_base, lookalikes};
use crate::engine::table::{Held, Pending, Table};
use crate::engine::writing::Writing;
use crate::engine::{Engine, LOOK_AGAIN, Stage};
use crate::model::base::{BaseChange, ColumnBase, RowBase};
use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridOp, TRASH_SLOTS};
use crate::model::key::Key;
use crate::model::mark::{BatchNumber, ClaimId};
use crate::model::rule::Direction;

/// The requests of a batch in the making, sorted by what they do to row numbers.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) writes: Vec<PlannedOp>,
    pub(crate) inserts: Vec<PlannedOp>,
    pub(crate) deletes: Vec<PlannedOp>,
    /// Rows that a request of this batch touches: one request a row.
    pub(crate) rows: BTreeSet<(usize, u32)>,
}

impl Draft {
    fn len(&self) -> usize {
        self.writes.len() + self.inserts.len() + self.deletes.len()
    }

    /// Writes first, then inserts from top to bottom, then deletes from bottom to top: every number is right when it is used.
    fn into_ops(mut self) -> Vec<PlannedOp> {
        let row = |op: &PlannedOp| match op.grid {
            GridOp::Delete { sheet, row, .. } => (sheet, row),
            _ => (crate::model::link::SheetId(0), 0),
        };
        self.deletes.sort_by_key(|op| std::cmp::Reverse(row(op)));
        self.writes.into_iter().chain(self.inserts).chain(self.deletes).collect()
    }
}

/// What becomes of one pending key in this batch.
enum Next {
    /// Nothing has to be written; base moves where it says.
    Finished(Option<BaseChange>),
    /// It stays pending.
    Wait,
    /// A request carries it; other pending keys may be carried with it.
    Carried(Vec<Key>),
}

impl Engine {
    pub(super) fn flush(&mut self, mut writing: Writing) {
        if !writing.names.is_empty() {
            // A batch that names carries nothing else: what else waits has its turn after the next read.
            self.keep_for_next(&writing);
            self.stage = Stage::Naming;
            self.out.push_back(Effect::Name(std::mem::take(&mut writing.names)));
            if let Some(mut commit) = self.settled_now(&mut writing) {
                commit.front = self.cycle_front.unwrap_or(0);
                self.out.push_back(Effect::Commit(Box::new(commit)));
            }
            return;
        }
        let mut draft = Draft::default();
        if self.owed.values().any(Owed::is_mend) {
            self.draft_mends(&mut draft, &mut writing);
        } else {
            for index in 0..self.tables.len() {
                if let Some(Ok(tab)) = writing.view.tabs.get(index).cloned()
                    && self.tables[index].trouble.is_none()
                {
                    self.draft_tab(index, &tab, &mut draft, &mut writing);
                }
            }
        }
        if draft.len() == 0 {
            match self.settled_now(&mut writing) {
                Some(commit) => self.commit(commit),
                None => self.rest(),
            }
            return;
        }
        self.send(draft, writing);
    }

    fn keep_for_next(&mut self, writing: &Writing) {
        if !writing.claim.is_empty() || !writing.unclaim.is_empty() {
            self.wakes.insert(self.clock);
        }
    }

    /// What the read alone settled.
    fn settled_now(&mut self, writing: &mut Writing) -> Option<Commit> {
        let commit = Commit {
            batch: None,
            base: std::mem::take(&mut writing.agreed),
            owe: Vec::new(),
            paid: std::mem::take(&mut writing.paid),
            named: std::mem::take(&mut writing.named),
            conflicts: std::mem::take(&mut writing.conflicts),
            slot: self.slot,
            front: 0,
        };
        for id in &commit.paid {
            self.owed.remove(id);
        }
        let nothing = commit.base.is_empty() && commit.paid.is_empty() && commit.named.is_empty();
        (!nothing || !commit.conflicts.is_empty()).then_some(commit)
    }

    fn send(&mut self, draft: Draft, writing: Writing) {
        while writing.view.foreign.contains(&self.number) {
            self.number += 1;
        }
        let number = BatchNumber(self.number);
        self.number += 1;
        let name = |index: usize| self.tables[index].plan.rules.name.clone();
        let oldest = self.clock.saturating_sub(super::TOKEN_LIFE);
        let old = self.tokens.iter().filter(|(token, at)| *at < oldest && Some(*token) != self.last_done);
        let expired: Vec<BatchNumber> = old.map(|(token, _)| *token).collect();
        let standing = |token: &BatchNumber| writing.view.tokens.iter().any(|stands| stands.number == *token);
        let plan = Plan {
            number,
            owner: self.owner.clone(),
            helper: writing.view.helper.map_or(crate::model::link::SheetId(0), |helper| helper.sheet),
            expired: expired.iter().copied().filter(standing).collect(),
            read_at: writing.asked,
            agreed: writing.agreed.into_iter().map(|(index, change)| (name(index), change)).collect(),
            conflicts: writing.conflicts,
            paid: writing.paid,
            named: writing.named.into_iter().map(|(index, claim)| (name(index), claim)).collect(),
            ops: draft.into_ops(),
        };
        self.tokens.retain(|(token, _)| !expired.contains(token));
        self.stage = Stage::Sending(Box::new(plan.clone()));
        self.out.push_back(Effect::Send(Box::new(plan)));
    }

    fn draft_tab(&mut self, index: usize, tab: &TabView, draft: &mut Draft, writing: &mut Writing) {
        let rows = Rows::of(tab);
        let mut at = rows.below_last();
        let keys: Vec<Key> = self.tables[index].pending.keys().cloned().collect();
        self.tables[index].dirty = false;
        for key in keys {
            if draft.len() >= self.batch_limit {
                self.tables[index].dirty = true;
                break;
            }
            let Some(pending) = self.tables[index].pending.get(&key).cloned() else {
                continue;
            };
            match self.draft_key(index, tab, &rows, (&key, &pending), &mut at, draft, writing) {
                Next::Wait => {
                    self.wakes.insert(self.clock + LOOK_AGAIN);
                }
                Next::Finished(change) => {
                    self.tables[index].pending.remove(&key);
                    self.finish(index, change, writing);
                }
                Next::Carried(keys) => {
                    for key in keys {
                        if let Some(carried) = self.tables[index].pending.remove(&key) {
                            self.tables[index].flight.insert(key, carried);
                        }
                    }
                }
            }
        }
        self.draft_claims(index, tab, draft, writing);
    }

    fn finish(&mut self, index: usize, change: Option<BaseChange>, writing: &mut Writing) {
        if let Some(change) = &change {
            self.tables[index].apply(change, self.clock);
        }
        writing.agreed.extend(change.map(|change| (index, change)));
    }

    #[allow(clippy::too_many_arguments)]
    fn draft_key(
        &mut self,
        index: usize,
        tab: &TabView,
        rows: &Rows<'_>,
        (key, pending): (&Key, &Pending),
        at: &mut u32,
        draft: &mut Draft,
        writing: &mut Writing,
    ) -> Next {
        if self.tables[index].owed_key(key).is_some() || self.tables[index].is_fetching(key) {
            return Next::Wait;
        }
        let base = self.tables[index].base.get(key).cloned();
        match (&pending.state, rows.find(key, base.as_ref())) {
            (_, Found::Many) => Next::Wait,
            (DbState::Row(row), Found::Row(seen)) => {
                let copied = rows.all(key).count() > 1;
                self.draft_cells(index, tab, (key, pending, row), base, (seen, copied), draft, writing)
            }
            (DbState::Row(row), Found::Nowhere) => {
                if let Some(next) =
                    self.draft_rekey(index, tab, rows, (key, pending, row), base.as_ref(), draft)
                {
                    return next;
                }
                let table = &self.tables[index];
                if base.as_ref().is_some_and(|base| is_base(base, row)) && !table.restore.contains(key) {
                    return Next::Finished(None);
                }
                draft.inserts.push(insert(table, tab, key, row, *at));
                *at += 1;
                Next::Carried(vec![key.clone()])
            }
            (DbState::Gone(_), Found::Row(seen)) => {
                let Some(base) = base else {
                    return Next::Finished(Some(BaseChange::Forget { key: key.clone(), dead: true }));
                };
                if self.is_renamed(index, key, rows) {
                    return Next::Wait;
                }
                self.draft_delete(index, tab, key, &base, (seen, rows.all(key).count() > 1), draft)
            }
            (DbState::Gone(_), Found::Nowhere) => {
                Next::Finished(base.is_some().then(|| BaseChange::Forget { key: key.clone(), dead: true }))
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn draft_cells(
        &mut self,
        index: usize,
        tab: &TabView,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<RowBase>,
        (seen, copied): (&RowView, bool),
        draft: &mut Draft,
        writing: &mut Writing,
    ) -> Next {
        let table = &self.tables[index];
        let mut new = base.clone().unwrap_or_else(|| RowBase { columns: vec![None; table.width()] });
        new.columns.resize(table.width(), None);
        let grounds = Grounds {
            commit: pending.commit,
            edit: (writing.asked, writing.answered),
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
        };
        let (mut cells, mut listed, mut held, mut wait) = (Vec::new(), Vec::new(), Vec::new(), false);
        for at in 0..table.width() {
            let sheet = &seen.cells[at];
            let (cell, value) = (sheet.value.digest(), Some(row[at].value.digest()));
            let is_held = table
                .held
                .get(&(key.clone(), at))
                .is_some_and(|held| held.cell == cell && held.value == value);
            let base_column = new.columns[at];
            let edit = table.edited_at(key, at, sheet, (writing.asked, writing.answered));
            match column(
                &table.plan.columns[at],
                base_column,
                Some(&row[at]),
                sheet,
                Grounds { edit, ..grounds },
            ) {
                Move::Same | Move::Fetch => {}
                Move::Agree(base) => new.columns[at] = Some(base),
                Move::ToSheet { base, over } => {
                    if let Some(rule) = over {
                        listed.push((at, sheet.value.clone(), Winner::Database, rule));
                    }
                    let over = over.is_some();
                    cells.push(PlannedCell { column: at, base, read: sheet.clone(), over });
                }
                // The first half of the cycle carries these; refused ones are listed and stay as they are.
                Move::ToTable { .. } => wait |= !is_held,
                Move::Hold(rule) if !is_held => {
                    held.push((at, Held { cell, value, why: rule.into() }));
                    listed.push((at, sheet.value.clone(), Winner::Nobody, rule));
                }
                Move::Hold(_) => {}
            }
        }
        if wait {
            return Next::Wait;
        }
        self.tables[index].held.extend(held.into_iter().map(|(at, held)| ((key.clone(), at), held)));
        for (column, sheet, winner, rule) in listed {
            let database = Some(row[column].shown.clone());
            let (key, column, sheet) = (Some(key.clone()), Some(column), Some(sheet));
            writing.conflicts.push(Conflict {
                table: index,
                key,
                column,
                database,
                sheet,
                winner,
                rule: rule.into(),
            });
        }
        let change = (base.as_ref() != Some(&new)).then(|| BaseChange::Set(key.clone(), new));
        if cells.is_empty() {
            return Next::Finished(change);
        }
        if !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        self.finish(index, change, writing);
        let grid = write_op(tab, seen.row, row, &cells);
        let whole = if copied { as_read(tab, seen) } else { Vec::new() };
        let aim = Aim::Cells { key: key.clone(), columns: sorted(tab, cells), whole };
        draft.writes.push(planned(&self.tables[index], aim, grid));
        Next::Carried(vec![key.clone()])
    }

    /// A key that changed in the table is rewritten in place, and a key that a person changed is put back.
    fn draft_rekey(
        &mut self,
        index: usize,
        tab: &TabView,
        rows: &Rows<'_>,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<&RowBase>,
        draft: &mut Draft,
    ) -> Option<Next> {
        let table = &self.tables[index];
        if let Some(base) = base {
            let found = lookalikes(table, rows);
            let seen = found.get(key)?;
            let cells = key_cells(table, row, seen);
            let from = match &seen.key {
                KeySeen::Key(key) => Some(key.clone()),
                KeySeen::Blank | KeySeen::Unreadable => None,
            };
            if cells.is_empty() || !draft.rows.insert((index, seen.row)) {
                return Some(Next::Wait);
            }
            let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, seen));
            let aim = Aim::Rekey { from, to: key.clone(), columns, read, base: base.clone() };
            draft.writes.push(planned(table, aim, write_op(tab, seen.row, row, &cells)));
            return Some(Next::Carried(vec![key.clone()]));
        }
        let old = pending.renamed_from.as_ref()?;
        let old_base = table.base.get(old)?.clone();
        let is_gone = table.pending.get(old).is_some_and(|pending| matches!(pending.state, DbState::Gone(_)));
        let Found::Row(seen) = rows.find(old, Some(&old_base)) else {
            return None;
        };
        if !is_gone || !draft.rows.insert((index, seen.row)) {
            return None;
        }
        let (cells, new) = renamed_cells(table, row, seen, &old_base);
        let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, seen));
        let aim = Aim::Rekey { from: Some(old.clone()), to: key.clone(), columns, read, base: new };
        draft.writes.push(planned(table, aim, write_op(tab, seen.row, row, &cells)));
        Some(Next::Carried(vec![old.clone(), key.clone()]))
    }

    /// True when this gone key was renamed, and its row in the sheet can take the new key in place: now, or once the present row
    /// is known.
    pub(super) fn is_renamed(&self, index: usize, old: &Key, rows: &Rows<'_>) -> bool {
        let table = &self.tables[index];
        if table.renamed.values().any(|from| from == old) {
            return true;
        }
        let renamed = table.pending.iter().find(|(_, pending)| pending.renamed_from.as_ref() == Some(old));
        renamed.is_some_and(|(key, pending)| {
            let free = !rows.contains(key) && !table.base.contains_key(key);
            free && matches!(pending.state, DbState::Row(_))
                && table.owed_key(key).is_none()
                && !table.is_fetching(key)
        })
    }

    fn draft_delete(
        &mut self,
        index: usize,
        tab: &TabView,
        key: &Key,
        base: &RowBase,
        (seen, copied): (&RowView, bool),
        draft: &mut Draft,
    ) -> Next {
        let edited = !edited(&self.tables[index].plan, seen, base).is_empty();
        let known = matches!(
            self.tables[index].pending.get(key),
            Some(Pending { state: DbState::Gone(Some(_)), .. })
        );
        let looked = self.tables[index].looks.keys().any(|(looked, _)| looked == key);
        if edited && (known || looked) {
            // The first half of the cycle looks again, or makes the row again.
            return Next::Wait;
        }
        if edited {
            // Held: the edit stays where it is, listed, and the key stays dead.
            return Next::Finished(Some(BaseChange::Forget { key: key.clone(), dead: true }));
        }
        // While a key is owed no row is removed: should the delete hit the claimed row, its claim would be gone with it, and a
        // row that comes back from the trash without its claim is a new one.
        if !self.tables[index].claims.is_empty() || !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        let slot = self.next_slot();
        let aim = Aim::RemoveRow { key: key.clone(), read: as_read(tab, seen), copied };
        let grid = GridOp::Delete { sheet: tab.sheet, row: seen.row, slot };
        draft.deletes.push(planned(&self.tables[index], aim, grid));
        Next::Carried(vec![key.clone()])
    }

    /// The next trash slot that no owed row needs.
    pub(super) fn next_slot(&mut self) -> u32 {
        let needed: Vec<u32> = self
            .owed
            .values()
            .filter_map(|owed| if let Owed::Row { slot, .. } = owed { Some(*slot) } else { None })
            .collect();
        loop {
            let slot = self.slot % TRASH_SLOTS;
            self.slot = (slot + 1) % TRASH_SLOTS;
            if !needed.contains(&slot) {
                return slot;
            }
        }
    }

    fn draft_claims(&mut self, index: usize, tab: &TabView, draft: &mut Draft, writing: &mut Writing) {
        let mine: Vec<u32> =
            writing.claim.iter().filter(|(table, _)| *table == index).map(|(_, row)| *row).collect();
        for row in mine {
            if draft.len() < self.batch_limit && draft.rows.insert((index, row)) {
                let claim = ClaimId(self.next_effect_id().0);
                self.tables[index].fresh.insert(claim);
                let grid = GridOp::Claim { sheet: tab.sheet, row, claim };
                draft.writes.push(planned(&self.tables[index], Aim::Claim(claim), grid));
                self.wakes.insert(self.clock);
            }
        }
        let old: BTreeSet<ClaimId> =
            writing.unclaim.iter().filter(|(table, _)| *table == index).map(|(_, id)| *id).collect();
        for claim in old {
            if draft.len() < self.batch_limit {
                draft.writes.push(planned(
                    &self.tables[index],
                    Aim::Unclaim(claim),
                    GridOp::Unclaim { claim },
                ));
            }
        }
    }
}

pub(crate) fn planned(table: &Table, aim: Aim, grid: GridOp) -> PlannedOp {
    PlannedOp { link: table.plan.rules.name.clone(), aim, grid }
}

/// A row's cells with their grid columns.
fn as_read(tab: &TabView, seen: &RowView) -> Vec<(u32, GridCell)> {
    tab.columns.iter().copied().zip(seen.cells.iter().cloned()).collect()
}

/// Cells in the order of their grid columns, which is the order of the request.
fn sorted(tab: &TabView, mut cells: Vec<PlannedCell>) -> Vec<PlannedCell> {
    cells.sort_by_key(|cell| tab.columns[cell.column]);
    cells
}

fn write_op(tab: &TabView, row: u32, image: &DbRow, cells: &[PlannedCell]) -> GridOp {
    let mut cells: Vec<(u32, GridCell)> = cells
        .iter()
        .map(|cell| (tab.columns[cell.column], GridCell::plain(image[cell.column].shown.clone())))
        .collect();
    cells.sort_by_key(|(column, _)| *column);
    GridOp::Write { sheet: tab.sheet, row, cells }
}

fn insert(table: &Table, tab: &TabView, key: &Key, row: &DbRow, at: u32) -> PlannedOp {
    let mut base = RowBase { columns: vec![None; table.width()] };
    let mut cells = Vec::new();
    for (index, (cell, column)) in row.iter().zip(&table.plan.columns).enumerate() {
        if column.rule.direction == Direction::ToTable && !column.key {
            base.columns[index] = Some(ColumnBase { value: cell.value.digest(), cell: Cell::Blank.digest() });
            continue;
        }
        base.columns[index] = Some(agreed(cell));
        if !cell.shown.is_blank() {
            cells.push((tab.columns[index], GridCell::plain(cell.shown.clone())));
        }
    }
    cells.sort_by_key(|(column, _)| *column);
    planned(table, Aim::NewRow { key: key.clone(), base }, GridOp::Insert { sheet: tab.sheet, at, cells })
}

/// The key cells of a row that show something else than the image's.
fn key_cells(table: &Table, row: &DbRow, seen: &RowView) -> Vec<PlannedCell> {
    let columns = table.plan.columns.iter().enumerate().filter(|(_, column)| column.key);
    columns
        .filter(|(at, _)| row[*at].shown.digest() != seen.cells[*at].value.digest())
        .map(|(at, _)| PlannedCell {
            column: at,
            base: agreed(&row[at]),
            read: seen.cells[at].clone(),
            over: false,
        })
        .collect()
}

/// What a row writes when it takes a new key in place, and its base then: columns that a person changed meanwhile, or that never
/// agreed, keep the old base, so that the next cycle decides them.
fn renamed_cells(table: &Table, row: &DbRow, seen: &RowView, old: &RowBase) -> (Vec<PlannedCell>, RowBase) {
    let mut base = old.clone();
    base.columns.resize(table.width(), None);
    let mut cells = Vec::new();
    for (at, column) in table.plan.columns.iter().enumerate() {
        let was = base.columns[at];
        let differs = row[at].shown.digest() != seen.cells[at].value.digest();
        let changed_here = was.is_none_or(|was| was.cell != seen.cells[at].value.digest());
        if !column.key && changed_here && differs {
            continue;
        }
        if differs {
            cells.push(PlannedCell {
                column: at,
                base: agreed(&row[at]),
                read: seen.cells[at].clone(),
                over: false,
            });
        }
        base.columns[at] = Some(agreed(&row[at]));
    }
    (cells, base)
}
