//! The second half of a cycle: what happened in the table goes to the sheet, in one batch.

use crate::engine::draft::{Draft, insert, planned};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Commit, Effect};
use crate::engine::input::{DbState, TabView, Trouble};
use crate::engine::owed::Owed;
use crate::engine::pending::{Pending, Waits};
use crate::engine::plan::{Aim, Plan};
use crate::engine::rows::{Found, Rows, is_base};
use crate::engine::writing::Writing;
use crate::engine::{Engine, LOOK_AGAIN, Stage};
use crate::model::base::BaseChange;
use crate::model::grid::{GridOp, TRASH_SLOTS};
use crate::model::key::Key;
use crate::model::mark::{BatchNumber, ClaimId};

/// What becomes of one pending key in this batch.
pub(super) enum Next {
    /// Nothing has to be written; base moves where it says.
    Finished(Option<BaseChange>),
    /// It stays pending, and is looked at again soon.
    Wait,
    /// It stays pending until somebody looks.
    Stay,
    /// It waits for a row without a key that may be its own.
    Aside,
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
                self.say_soon(&commit);
                self.store(commit);
            }
            return;
        }
        let mut draft = Draft::default();
        if self.is_mending() {
            self.draft_mends(&mut draft, &mut writing);
        } else {
            for index in 0..self.tables.len() {
                // Taken out for the time being: a large tab is not copied.
                let missing = Err(Trouble { reason: String::new() });
                let Some(slot) = writing.view.tabs.get_mut(index) else { continue };
                let tab = std::mem::replace(slot, missing);
                if let (Ok(tab), None) = (&tab, &self.tables[index].trouble) {
                    self.draft_tab(index, tab, &mut draft, &mut writing);
                }
                writing.view.tabs[index] = tab;
            }
        }
        let adopted = writing.view.tokens.iter().any(|token| self.adopted.contains(&token.number));
        if draft.len() == 0 && !adopted {
            return self.end_without_batch(&mut writing);
        }
        self.send(draft, writing);
    }

    pub(super) fn end_without_batch(&mut self, writing: &mut Writing) {
        match self.settled_now(writing) {
            Some(commit) => self.commit(commit),
            None => self.rest(),
        }
    }

    fn keep_for_next(&mut self, writing: &Writing) {
        if !writing.claim.is_empty() || !writing.unclaim.is_empty() {
            self.look_at_all(self.clock);
        }
    }

    /// What the read alone settled.
    fn settled_now(&mut self, writing: &mut Writing) -> Option<Commit> {
        let commit = Commit {
            batch: None,
            base: std::mem::take(&mut writing.agreed),
            owe: std::mem::take(&mut writing.owe),
            paid: std::mem::take(&mut writing.paid),
            named: std::mem::take(&mut writing.named),
            conflicts: std::mem::take(&mut writing.conflicts),
            held: self.take_holds(),
            slot: self.slot,
            front: 0,
        };
        for id in &commit.paid {
            self.owed.remove(id);
        }
        let nothing = commit.base.is_empty()
            && commit.paid.is_empty()
            && commit.owe.is_empty()
            && commit.named.is_empty()
            && commit.held.is_empty()
            && commit.conflicts.is_empty();
        (!nothing).then_some(commit)
    }

    fn send(&mut self, draft: Draft, writing: Writing) {
        while writing.view.foreign.contains(&self.number) {
            self.number += 1;
        }
        let number = BatchNumber(self.number);
        self.number += 1;
        let name = |index: usize| self.tables[index].plan.rules.name.clone();
        let expired = self.expired();
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
            owe: writing.owe,
            named: writing.named.into_iter().map(|(index, claim)| (name(index), claim)).collect(),
            ops: draft.into_ops(),
        };
        self.tokens.retain(|token| !expired.contains(&token.number));
        let plan = Arc::new(plan);
        self.stage = Stage::Sending(Arc::clone(&plan));
        self.out.push_back(Effect::Send(plan));
    }

    fn draft_tab(&mut self, index: usize, tab: &TabView, draft: &mut Draft, writing: &mut Writing) {
        let whole = writing.whole[index];
        let rows = Rows::of(tab).leave_alike(&self.tables[index], whole);
        let mut at = rows.below_last();
        if !whole {
            at = at.max(self.tables[index].places.below());
        }
        let keys: Vec<Key> = self.tables[index].in_turn().cloned().collect();
        self.tables[index].turn = None;
        let waited = std::mem::replace(&mut self.tables[index].waits, Waits::Nothing);
        self.weigh_removals(index);
        let mut stuck = 0;
        for key in keys {
            if draft.is_full(self.batch_limit) {
                self.tables[index].waits = Waits::News;
                self.tables[index].turn = Some(key);
                break;
            }
            if !whole && !self.tables[index].is_shown(&key, rows.contains(&key)) {
                self.tables[index].waits = waited.max(Waits::Echo);
                continue;
            }
            let Some(pending) = self.tables[index].pending.get(&key).cloned() else {
                continue;
            };
            match self.draft_key(index, tab, &rows, (&key, &pending), &mut at, draft, writing) {
                Next::Wait => {
                    stuck += 1;
                    self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
                }
                Next::Stay => stuck += 1,
                Next::Aside => {
                    let table = &mut self.tables[index];
                    if let (Some(waits), Some(meeting)) = (table.pending.remove(&key), &mut table.meeting) {
                        meeting.set_aside(key, waits);
                    }
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
        self.tables[index].stuck = stuck;
        self.draft_claims(index, tab, draft, writing);
    }

    pub(super) fn finish(&mut self, index: usize, change: Option<BaseChange>, writing: &mut Writing) {
        if let Some(change) = &change {
            if let BaseChange::Set(key, _) = change {
                self.tables[index].meet(key, self.clock);
            }
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
        let table = &self.tables[index];
        let base = table.base.get(key);
        let is_leaving = pending.state.row().is_none() && base.is_some();
        if is_leaving && table.removal.is_some() && !table.allowed.contains(key) {
            return Next::Stay;
        }
        match (&pending.state, table.find(rows, key)) {
            (_, Found::Many) => Next::Wait,
            // A person's row with the key of a record that the link does not show: it is refused where it stands.
            (DbState::Outside(_), Found::Row(_)) if base.is_none() => Next::Finished(None),
            (DbState::Row(row) | DbState::Outside(row), Found::Row(seen)) => {
                if let shown @ Some(_) = rows.spelled(&seen) {
                    let seen = (&*seen, shown);
                    return self.draft_put_back(index, tab, (key, row), base.as_ref(), seen, draft, writing);
                }
                let copied = rows.all(key).count() > 1;
                self.draft_cells(index, tab, (key, pending, row), base, (&seen, copied), draft, writing)
            }
            (DbState::Row(row), Found::Nowhere) => {
                let now = (key, pending, row);
                if let Some(next) = self.draft_rekey(index, tab, rows, now, base.as_ref(), draft, writing) {
                    return next;
                }
                let table = &self.tables[index];
                if table.may_be_tied(key) {
                    return Next::Aside;
                }
                if rows.left_to(key).is_some_and(|other| table.may_be_dead(other)) {
                    // Then the row is this record's own.
                    return Next::Wait;
                }
                if base.is_none() && table.knowledge == Knowledge::Lost {
                    // Nobody knows whether it is new or was deleted in the tab: held until it is changed.
                    return Next::Finished(None);
                }
                if base.as_ref().is_some_and(|base| is_base(base, row)) && !table.restore.contains(key) {
                    return Next::Finished(None);
                }
                if base.is_some() && !table.restore.contains(key) && !table.is_gone(key, writing.asked) {
                    // It may be on somebody's clipboard.
                    return Next::Wait;
                }
                draft.inserts.push(insert(table, tab, key, row, *at));
                *at += 1;
                Next::Carried(vec![key.clone()])
            }
            (DbState::Outside(row), Found::Nowhere) => {
                let now = (key, pending, row);
                if let Some(next) = self.draft_rekey(index, tab, rows, now, base.as_ref(), draft, writing) {
                    return next;
                }
                let table = &self.tables[index];
                if base.is_some() && !table.restore.contains(key) && !table.is_gone(key, writing.asked) {
                    // It may be on somebody's clipboard.
                    return Next::Wait;
                }
                Next::Finished(base.map(|_| BaseChange::Forget { key: key.clone(), dead: false }))
            }
            (DbState::Gone(_), Found::Row(seen)) => {
                let Some(base) = base else {
                    // A record that has just taken another spelling is not dead under its old one.
                    if rows.spelled(&seen).is_some() {
                        return Next::Finished(None);
                    }
                    return Next::Finished(Some(BaseChange::Forget { key: key.clone(), dead: true }));
                };
                if self.is_renamed(index, key, rows) {
                    return Next::Wait;
                }
                let is_copied = rows.all(key).count() > 1;
                let listed = writing.given_up.contains(&(index, key.clone()));
                let spelled = rows.spelled(&seen);
                self.draft_delete(index, tab, key, &base, (&seen, is_copied, spelled), listed, draft)
            }
            // Before a first pass over the table is done also a key without base may have a row, that somebody has cut.
            (DbState::Gone(_), Found::Nowhere) => {
                let known = base.is_some() || !self.tables[index].is_copied();
                Next::Finished(known.then(|| BaseChange::Forget { key: key.clone(), dead: true }))
            }
        }
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
            if !draft.is_full(self.batch_limit) && draft.rows.insert((index, row)) {
                let claim = ClaimId(self.next_effect_id().0);
                self.tables[index].fresh.insert(claim);
                let grid = GridOp::Claim { sheet: tab.sheet, row, claim };
                draft.writes.push(planned(&self.tables[index], Aim::Claim(claim), grid));
                self.tables[index].wakes.insert(self.clock);
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
