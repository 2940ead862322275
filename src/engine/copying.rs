//! A pass over the whole table, in chunks beside the live stream (DBLog): keys that are told between a chunk's two marks are
//! dropped from it, and what base knows and no chunk shows is looked up by its key at the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::engine::bases::Keys;
use crate::engine::effect::Effect;
use crate::engine::input::{DbRow, DbState, Micros, Seq};
use crate::engine::lifecycle::{Copying, Life, Window};
use crate::engine::meeting::Meeting;
use crate::engine::pending::Pending;
use crate::engine::table::Table;
use crate::model::key::Key;
use crate::model::mark::EffectId;

/// A copy pauses while this many of its own keys wait for the sheet. What the stream brings is not counted: a table that changes
/// faster than its tab takes it is copied all the same.
const COPY_AHEAD: usize = 10_000;

impl Engine {
    /// Takes a chunk's rows.
    pub(super) fn on_chunk(&mut self, high: EffectId, rows: Vec<(Key, DbRow)>, last: bool) {
        if let Some(window) = self.window(high) {
            window.rows = Some((rows, last));
        }
        self.fill_chunks();
    }

    /// The chunk could not be read: it is asked for again, between new marks.
    pub(super) fn on_chunk_failed(&mut self, high: EffectId) {
        for table in &mut self.tables {
            if let Life::CatchingUpAll(copying) = &mut table.life
                && copying.chunk.as_ref().is_some_and(|window| window.high == high)
            {
                copying.chunk = None;
            }
        }
    }

    fn window(&mut self, high: EffectId) -> Option<&mut Window> {
        self.tables.iter_mut().find_map(|table| match &mut table.life {
            Life::CatchingUpAll(copying) => copying.chunk.as_mut().filter(|window| window.high == high),
            Life::CatchingUpKeys { .. } | Life::Live => None,
        })
    }

    /// Emits chunks whose window is closed.
    pub(super) fn fill_chunks(&mut self) {
        let commit = self.clock;
        for table in &mut self.tables {
            table.empty_window(commit);
        }
    }

    pub(super) fn ask_chunks(&mut self) {
        for index in 0..self.tables.len() {
            let table = &mut self.tables[index];
            let Life::CatchingUpAll(copying) = &mut table.life else {
                continue;
            };
            let is_early = table.meeting.as_ref().is_some_and(Meeting::is_early);
            if copying.chunk.is_some()
                || table.trouble.is_some()
                || is_early
                || copying.is_ahead(&table.pending)
            {
                continue;
            }
            let after = copying.after.clone();
            let (low, high) = (self.next_effect_id(), self.next_effect_id());
            if let Life::CatchingUpAll(copying) = &mut self.tables[index].life {
                let (opened, closed, rows) = (false, None, None);
                copying.chunk = Some(Window { low, high, opened, closed, streamed: BTreeSet::new(), rows });
            }
            self.out.push_back(Effect::Chunk { table: index, after, low, high });
        }
    }
}

impl Copying {
    /// Do too many copied keys wait? Those that were sent meanwhile are forgotten from the oldest on; one that stays, for whatever
    /// reason, goes to the end, so that it does not hide the others.
    fn is_ahead(&mut self, pending: &BTreeMap<Key, Pending>) -> bool {
        for _ in COPY_AHEAD..self.ahead.len() {
            if let Some(key) = self.ahead.pop_front()
                && pending.contains_key(&key)
            {
                self.ahead.push_back(key);
            }
        }
        self.ahead.len() > COPY_AHEAD
    }
}

impl Table {
    /// The beginning of a pass over the whole table.
    pub(super) fn copying_from(&self, began: Seq) -> Life {
        let owed = self.claims.values().map(|claim| claim.key.clone());
        let unmet: Keys = self.base.keys().chain(owed).collect();
        let first = unmet.is_empty();
        Life::CatchingUpAll(Copying { unmet, first, began, ..Copying::default() })
    }

    /// Emits the chunk at its high mark, without the keys that the stream showed meanwhile.
    pub(super) fn empty_window(&mut self, commit: Micros) {
        let Life::CatchingUpAll(copying) = &mut self.life else {
            return;
        };
        if !copying.chunk.as_ref().is_some_and(|window| window.closed.is_some() && window.rows.is_some()) {
            return;
        }
        let Some(window) = copying.chunk.take() else {
            return;
        };
        let (Some(first), Some((rows, last))) = (window.closed, window.rows) else {
            return;
        };
        copying.after = rows.last().map(|(key, _)| key.clone()).or(copying.after.take());
        copying.rows += rows.len() as u64;
        for (key, _) in &rows {
            copying.unmet.remove(key);
        }
        let mut brought = Vec::new();
        for (key, row) in rows {
            if window.streamed.contains(&key) {
                continue;
            }
            if let Some(fence) = self.fences.get_mut(&key) {
                // Our own transaction tells the row's state; should it fail, the row is fetched.
                fence.kept_back = fence.kept_back.or(Some(first)).filter(|_| !fence.committed);
            } else {
                let state = DbState::Row(row);
                copying.ahead.push_back(key.clone());
                brought.push((key, Pending { state, first, commit, renamed_from: None, was: None }));
            }
        }
        for (key, pending) in brought {
            self.copying.insert(key.clone());
            self.queue(key, pending);
            self.is_told_news();
        }
        if last {
            self.finish_copy(first);
            // Rows without a key find their records now.
            self.wakes.extend(self.meeting.is_some().then_some(commit));
        }
    }

    /// The pass is over: rows that base has and nobody met are looked up by key, and the link is live.
    fn finish_copy(&mut self, first: Seq) {
        let Life::CatchingUpAll(copying) = std::mem::replace(&mut self.life, Life::Live) else {
            return;
        };
        let known = |key: &Key| self.base.contains_key(key) || self.owed_key(key).is_some();
        let unmet: Vec<Key> = copying.unmet.into_keys().filter(known).collect();
        let asked = self.wanted.keys().chain(self.fetching.keys()).chain(self.parked.keys());
        let open = self.pending.keys().chain(self.flight.keys()).chain(asked).chain(&unmet);
        self.copying.extend(open.cloned());
        for key in unmet {
            self.park_key(key, first);
        }
        self.call_those_who_wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bases::Bases;
    use crate::engine::input::LinkPlan;
    use crate::model::value::Value;

    fn key(id: usize) -> Key {
        Key(vec![Value::Int(id.try_into().expect("it is small"))])
    }

    fn waiting(ids: impl Iterator<Item = usize>) -> BTreeMap<Key, Pending> {
        let pending =
            Pending { state: DbState::Gone(None), first: 0, commit: 0, renamed_from: None, was: None };
        ids.map(|id| (key(id), pending.clone())).collect()
    }

    fn chunk(rows: Vec<(Key, DbRow)>, last: bool) -> Life {
        let (low, high, opened, streamed) = (EffectId(1), EffectId(2), true, BTreeSet::new());
        let window = Window { low, high, opened, closed: Some(1), streamed, rows: Some((rows, last)) };
        Life::CatchingUpAll(Copying { chunk: Some(window), ..Copying::default() })
    }

    #[test]
    fn a_table_is_copied_when_what_its_chunks_brought_is_durable() {
        // given a chunk whose key the cycle under way has in its hands
        let life = chunk(vec![(key(1), Vec::new())], false);
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), life);
        table.empty_window(0);
        assert!(table.pending.remove(&key(1)).is_some());
        // when the last one comes
        table.life = chunk(Vec::new(), true);
        table.empty_window(0);
        // then a restart would have to read the table again, until that cycle is over
        assert!(table.life.is_live() && !table.is_copied());
        table.rest();
        assert!(table.is_copied());
    }

    #[test]
    fn a_copy_waits_for_its_own_keys_and_not_for_the_streams() {
        let mut copying = Copying::default();
        assert!(!copying.is_ahead(&waiting(0..3 * COPY_AHEAD)), "the stream brought all of them");
        copying.ahead = (0..COPY_AHEAD + 10).map(key).collect();
        assert!(copying.is_ahead(&waiting(0..COPY_AHEAD + 10)), "none was sent");
        // when all but the first were sent, and that one stays where it is
        let left = waiting(0..1);
        let asked = (0..3).find(|_| !copying.is_ahead(&left));
        assert!(asked.is_some(), "{} seem to wait", copying.ahead.len());
        assert!(copying.ahead.contains(&key(0)));
    }
}
