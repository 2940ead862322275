//! The database's side: the stream's transactions in their order, and rows that were read beside it.
//!
//! The database's state enters in one order only, the stream's (design rule 1). A row that is read beside the stream is placed
//! in it by a ledger entry of its own (a guarded write, a probe) or by a pair of marks (a chunk).

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::engine::effect::Effect;
use crate::engine::fence::Since;
use crate::engine::held::Holds;
use crate::engine::input::{DbRow, DbState, Image, Micros, Seq, TableIndex, Transaction};
use crate::engine::lifecycle::{Copying, Life};
use crate::engine::pending::{Pending, Waits};
use crate::engine::table::Table;
use crate::model::key::Key;
use crate::model::mark::EffectId;

/// Keys in one probe: one transaction with short locks.
const PROBE_KEYS: usize = 200;

impl Engine {
    /// Takes one transaction.
    pub(super) fn on_transaction(&mut self, transaction: Transaction) {
        let Transaction { seq, commit, marks, images, looks } = transaction;
        self.seq = seq;
        for table in &mut self.tables {
            table.pass_marks(seq, &marks);
        }
        for (index, image) in images {
            if let Some(table) = self.tables.get_mut(index).filter(|table| table.stopped.is_none()) {
                table.take(seq, commit, image);
                if marks.is_empty() {
                    table.is_told_news();
                }
            }
        }
        for (index, key) in looks {
            if let Some(table) = self.tables.get_mut(index).filter(|table| table.stopped.is_none()) {
                table.look(&key, seq);
            }
        }
        self.fill_chunks();
    }

    /// Base is dropped before anything was done with it: the whole table is read, and nothing that it lacks is made again.
    pub(super) fn on_rebase(&mut self, index: TableIndex) {
        if let Some(table) = self.tables.get_mut(index) {
            // A row of the tab that shows one of these keys is no new record: should the table lack it, it was deleted there.
            table.dead.extend(std::mem::take(&mut table.base).into_keys());
            table.held = Holds::default();
            if let Life::CatchingUpKeys { all, .. } = &mut table.life {
                *all = true;
            }
        }
    }

    /// Rows changed unseen: the whole table is read beside the live stream. A pass that is under way begins again.
    pub(super) fn on_reread(&mut self, index: TableIndex) {
        let seq = self.seq;
        let Some(table) = self.tables.get_mut(index) else { return };
        table.life = match std::mem::replace(&mut table.life, Life::Live) {
            Life::CatchingUpKeys { until, keys, .. } => Life::CatchingUpKeys { until, keys, all: true },
            Life::CatchingUpAll(Copying { began, .. }) => table.copying_from(began),
            Life::Live => table.copying_from(seq),
        };
    }

    /// Takes the present rows of probed keys.
    pub(super) fn on_probed(&mut self, effect: EffectId, rows: Vec<(TableIndex, Key, DbState)>, now: Micros) {
        for (index, key, state) in rows {
            if let Some(table) = self.tables.get_mut(index) {
                let first = table.fetching.remove(&key).unwrap_or(self.seq);
                table.committed(effect, key, first, now, |_| Some(state));
                table.is_told_news();
            }
        }
    }

    /// The probe did not happen: the keys are asked for again.
    pub(super) fn on_probe_failed(&mut self, effect: EffectId) {
        for table in &mut self.tables {
            let keys: Vec<Key> = table
                .fences
                .iter()
                .filter(|(_, fence)| fence.effect == effect)
                .map(|(key, _)| key.clone())
                .collect();
            for key in keys {
                table.not_committed(&key);
            }
        }
    }

    /// Asks for the rows and chunks that are wanted.
    pub(super) fn ask_database(&mut self) {
        self.tables.iter_mut().for_each(Table::call_back);
        self.ask_rows();
        self.ask_chunks();
    }

    fn ask_rows(&mut self) {
        let mut keys = Vec::new();
        for (index, table) in self.tables.iter_mut().enumerate() {
            let asked: Vec<Key> = table.free().take(PROBE_KEYS - keys.len()).cloned().collect();
            for key in asked {
                if let Some(first) = table.wanted.remove(&key) {
                    table.fetching.insert(key.clone(), first);
                    keys.push((index, key));
                }
            }
        }
        if keys.is_empty() {
            return;
        }
        let effect = self.next_effect_id();
        for (index, key) in &keys {
            self.tables[*index].raise_fence(key, effect);
        }
        self.out.push_back(Effect::Probe { effect, keys });
    }
}

impl Table {
    /// Opens the fences and moves the windows whose marks a transaction carries.
    pub(super) fn pass_marks(&mut self, seq: Seq, marks: &[EffectId]) {
        if marks.is_empty() {
            return;
        }
        let (pending, waits) = (&self.pending, &mut self.waits);
        self.fences.retain(|key, fence| {
            fence.behind = fence.behind.filter(|behind| !marks.contains(behind));
            if marks.contains(&fence.effect) {
                fence.passed = true;
                // What waited for the last image of a deleted row has it now, or will never have it.
                if pending.get(key).is_some_and(|waiting| matches!(waiting.state, DbState::Gone(None))) {
                    waits.raise(Waits::Echo);
                }
            }
            !(fence.passed && fence.committed)
        });
        match &mut self.life {
            // Keys are fetched also before the whole table is read: a row that was deleted shows in no chunk.
            Life::CatchingUpKeys { until, keys, all } if marks.contains(until) => {
                let keys = std::mem::take(keys);
                self.life = match all {
                    true => self.copying_from(seq),
                    false => Life::Live,
                };
                self.parked.extend(keys);
                self.call_those_who_wait();
            }
            Life::CatchingUpAll(Copying { chunk: Some(window), .. }) => {
                window.opened |= marks.contains(&window.low);
                if marks.contains(&window.high) {
                    window.closed = Some(seq);
                }
            }
            Life::CatchingUpKeys { .. } | Life::CatchingUpAll(_) | Life::Live => {}
        }
    }

    /// Takes one image.
    pub(super) fn take(&mut self, seq: Seq, commit: Micros, image: Image) {
        let Image { key, state, renamed_from, was } = image;
        let renamed_from = renamed_from.map(|old| self.first_name(old));
        match &mut self.life {
            Life::CatchingUpKeys { keys, .. } => {
                bury(&mut self.buried, &key, &state);
                if let Some(old) = renamed_from {
                    // Renamed twice: base and sheet know its first name.
                    let first = self.renamed.remove(&old).unwrap_or(old);
                    self.renamed.insert(key.clone(), first);
                }
                keys.entry(key).or_insert(seq);
                return;
            }
            Life::CatchingUpAll(copying) => {
                copying.unmet.remove(&key);
                // Until the chunk's rows are here, also what comes after the high mark is newer than they are.
                if let Some(window) = copying.chunk.as_mut().filter(|window| window.opened) {
                    window.streamed.insert(key.clone());
                }
            }
            Life::Live => {}
        }
        match self.fences.get_mut(&key) {
            Some(fence) if !fence.passed && !fence.committed && fence.behind.is_none() => {
                fence.kept_back = Some(fence.kept_back.map_or(seq, |first| first.min(seq)));
                bury(&mut self.buried, &key, &state);
                if let Some(old) = renamed_from {
                    self.renamed.insert(key, old);
                }
                return;
            }
            Some(fence) if !fence.passed => {
                let Some(waiting) = self.pending.get_mut(&key) else { return };
                // What the row is now was told by our own transaction; which row it was, and how a deleted one looked, was not.
                waiting.renamed_from = waiting.renamed_from.take().or(renamed_from);
                if let (DbState::Gone(image @ Some(_)), DbState::Gone(known)) = (state, &mut waiting.state) {
                    *known = image;
                    self.waits.raise(Waits::Echo);
                }
                return;
            }
            Some(fence) => fence.is_told(self.pending.contains_key(&key)),
            None => {}
        }
        let pending = Pending { state, first: seq, commit, renamed_from, was };
        if self.is_agreed(&key, &pending) {
            return;
        }
        if self.is_crowded() && !self.pending.contains_key(&key) && self.meeting.is_none() {
            self.park(key, pending);
        } else {
            self.queue(key, pending);
        }
    }

    /// The name under which base and sheet know a row that was renamed before it got there.
    fn first_name(&self, old: Key) -> Key {
        let earlier = self.pending.get(&old).filter(|_| !self.base.contains_key(&old));
        earlier.and_then(|waiting| waiting.renamed_from.clone()).unwrap_or(old)
    }

    /// The stream touched a row without saying what it became: the present row is fetched, unless a transaction of ours that is
    /// newer than this tells it.
    fn look(&mut self, key: &Key, seq: Seq) {
        match &mut self.life {
            Life::CatchingUpKeys { keys, .. } => {
                keys.entry(key.clone()).or_insert(seq);
                return;
            }
            Life::CatchingUpAll(copying) => {
                copying.unmet.remove(key);
                if let Some(window) = copying.chunk.as_mut().filter(|window| window.opened) {
                    window.streamed.insert(key.clone());
                }
            }
            Life::Live => {}
        }
        match self.fences.get_mut(key) {
            Some(fence) if !fence.passed => {
                if !fence.committed && fence.behind.is_none() {
                    fence.kept_back = Some(fence.kept_back.map_or(seq, |first| first.min(seq)));
                }
                return;
            }
            Some(fence) => fence.since = Since::More,
            None => {}
        }
        self.call_or_park(key.clone(), seq);
    }
}

/// Keeps the last image of a deleted row while only its key is collected.
pub(super) fn bury(buried: &mut BTreeMap<Key, DbRow>, key: &Key, state: &DbState) {
    match state {
        DbState::Gone(Some(image)) => buried.insert(key.clone(), image.clone()),
        DbState::Gone(None) | DbState::Row(_) | DbState::Outside(_) => buried.remove(key),
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::bases::Bases;
    use crate::engine::input::LinkPlan;
    use crate::engine::pending::Waits;
    use crate::model::base::RowBase;
    use crate::model::value::Value;

    const UNTIL: EffectId = EffectId(9);

    fn key(id: i64) -> Key {
        Key(vec![Value::Int(id)])
    }

    fn collecting() -> Life {
        Life::CatchingUpKeys { until: UNTIL, keys: BTreeMap::new(), all: false }
    }

    /// A key change, as the stream tells it.
    fn renamed(table: &mut Table, seq: Seq, from: i64, to: i64) {
        let image = |key, state, renamed_from| Image { key, state, renamed_from, was: None };
        table.take(seq, 0, image(key(from), DbState::Gone(None), None));
        table.take(seq, 0, image(key(to), DbState::Row(Vec::new()), Some(key(from))));
    }

    #[test]
    fn a_row_that_was_renamed_while_nobody_looked_is_known_under_its_first_name() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), collecting());
        renamed(&mut table, 1, 6, 600);
        renamed(&mut table, 2, 600, 700);
        table.pass_marks(3, &[UNTIL]);
        for (effect, id) in [(EffectId(10), 6), (EffectId(11), 600), (EffectId(12), 700)] {
            table.raise_fence(&key(id), effect);
            let state = if id == 700 { DbState::Row(Vec::new()) } else { DbState::Gone(None) };
            table.committed(effect, key(id), 1, 0, |_| Some(state));
        }
        let names: Vec<Option<Key>> = [6, 600, 700]
            .map(|id| table.pending.get(&key(id)).and_then(|pending| pending.renamed_from.clone()))
            .to_vec();
        assert_eq!(names, [None, None, Some(key(6))]);
        assert!(table.renamed.is_empty());
    }

    #[test]
    fn a_look_that_comes_to_nothing_is_asked_again_for_the_first_who_wanted_it() {
        // Given a row that is being looked at for the sake of transaction 12, when 9 wants to know of it too.
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        table.fetching.insert(key(6), 12);
        table.raise_fence(&key(6), EffectId(10));
        table.fetch(&key(6), 9);
        assert_eq!(table.front(), Some(9));
        // When the look fails, then the position still waits for 9.
        table.not_committed(&key(6));
        assert_eq!(table.wanted.get(&key(6)), Some(&9));
    }

    #[test]
    fn an_older_fence_stands_again_when_a_later_transaction_came_to_nothing() {
        // Given a transaction of ours that is committed, and another one on the same key that wrote nothing.
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        table.raise_fence(&key(6), EffectId(10));
        table.committed(EffectId(10), key(6), 1, 0, |_| None);
        table.raise_fence(&key(6), EffectId(11));
        table.not_committed(&key(6));
        // When an image from before the first one comes by, then it is dropped; the first one's own is taken.
        let image = || Image { key: key(6), state: DbState::Row(Vec::new()), renamed_from: None, was: None };
        table.take(1, 0, image());
        assert!(table.pending.is_empty());
        table.pass_marks(2, &[EffectId(10)]);
        table.take(2, 0, image());
        assert!(table.pending.contains_key(&key(6)));
    }

    #[test]
    fn our_own_row_that_the_stream_tells_first_waits_no_more_once_we_hear_of_the_commit() {
        for something_waited in [false, true] {
            // given a transaction of ours whose image comes by before its outcome
            let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
            let image =
                || Image { key: key(6), state: DbState::Row(Vec::new()), renamed_from: None, was: None };
            if something_waited {
                table.take(1, 0, image());
            }
            table.raise_fence(&key(6), EffectId(10));
            table.pass_marks(2, &[EffectId(10)]);
            table.take(2, 0, image());
            assert!(table.waits == Waits::Echo && table.pending.contains_key(&key(6)));
            // when it says that this is the row
            table.set_base(key(6), RowBase::default(), 0);
            table.committed(EffectId(10), key(6), 2, 0, |_| None);
            // then nothing waits, but for what did before
            assert_eq!(table.pending.contains_key(&key(6)), something_waited);
            assert_eq!(table.waits == Waits::Nothing, !something_waited);
        }
    }

    #[test]
    fn a_row_that_is_renamed_while_we_look_at_it_keeps_its_first_name() {
        for answered_first in [false, true] {
            // Given a look at a row, under way or answered, whose place in the stream has not come by.
            let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
            table.raise_fence(&key(600), EffectId(10));
            let answer = |table: &mut Table| {
                table.committed(EffectId(10), key(600), 1, 0, |_| Some(DbState::Row(Vec::new())));
            };
            // When the change of its key comes by before that.
            if answered_first {
                answer(&mut table);
            }
            renamed(&mut table, 1, 6, 600);
            if !answered_first {
                answer(&mut table);
            }
            // Then it is known which row takes the key in place.
            assert_eq!(table.pending[&key(600)].renamed_from, Some(key(6)));
        }
    }

    #[test]
    fn a_row_that_is_renamed_twice_before_it_is_written_is_known_under_its_first_name() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        renamed(&mut table, 1, 6, 600);
        renamed(&mut table, 2, 600, 700);
        assert_eq!(table.pending[&key(700)].renamed_from, Some(key(6)));
    }

    #[test]
    fn a_row_that_is_only_named_is_fetched_unless_our_own_transaction_is_newer() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        table.raise_fence(&key(6), EffectId(10));
        table.committed(EffectId(10), key(6), 1, 0, |_| None);
        table.look(&key(6), 1);
        assert!(table.wanted.is_empty());
        table.pass_marks(2, &[EffectId(10)]);
        table.look(&key(6), 2);
        assert_eq!(table.wanted.get(&key(6)), Some(&2));
    }

    #[test]
    fn the_last_image_of_a_deleted_row_may_come_before_our_own_look_at_it() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        let state = DbState::Gone(Some(Vec::new()));
        table.take(1, 0, Image { key: key(6), state: state.clone(), renamed_from: None, was: None });
        table.raise_fence(&key(6), EffectId(10));
        table.committed(EffectId(10), key(6), 1, 0, |_| Some(DbState::Gone(None)));
        assert_eq!(table.pending[&key(6)].state, state);
    }

    #[test]
    fn the_last_image_of_a_deleted_row_may_come_after_our_own_look_at_it() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        table.raise_fence(&key(6), EffectId(10));
        table.committed(EffectId(10), key(6), 1, 0, |_| Some(DbState::Gone(None)));
        assert!(table.awaits_image(&key(6)));
        let state = DbState::Gone(Some(Vec::new()));
        table.take(1, 0, Image { key: key(6), state: state.clone(), renamed_from: None, was: None });
        assert_eq!(table.pending[&key(6)].state, state);
        table.pass_marks(2, &[EffectId(10)]);
        assert!(!table.awaits_image(&key(6)));
    }

    #[test]
    fn the_last_image_of_a_row_that_was_deleted_while_nobody_looked_is_kept() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), collecting());
        let image = |state| Image { key: key(6), state, renamed_from: None, was: None };
        table.take(1, 0, image(DbState::Gone(Some(Vec::new()))));
        table.pass_marks(2, &[UNTIL]);
        table.raise_fence(&key(6), EffectId(10));
        table.committed(EffectId(10), key(6), 1, 0, |_| Some(DbState::Gone(None)));
        assert_eq!(table.pending[&key(6)].state, DbState::Gone(Some(Vec::new())));
        assert!(table.buried.is_empty());
    }
}
