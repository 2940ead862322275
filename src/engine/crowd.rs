//! Memory that does not grow with what waits: so many rows of a link wait whole, of what comes beyond them only the keys are kept.
//!
//! ```text
//! an image, or a key that is to be looked up     there is room          it is crowded
//!   its row waits already                        newest wins            newest wins
//!   its row does not                             waits, or is looked up parked: the key alone
//! a batch has gone, there is room again          parked keys are looked up, a few probes at a time
//! a person edits a parked row                    it is looked up at once
//! ```
//! A parked key is as one that is being fetched: nothing is decided about its row, and the saved position stays before the first
//! change that it stands for. What it loses is what a restart loses too (design 4a, rule 10): the time of the change, which is
//! then the time of the look, and the row before it, that rules may ask for.

use std::collections::BTreeMap;

use crate::engine::input::Seq;
use crate::engine::pending::Pending;
use crate::engine::stream::bury;
use crate::engine::table::Table;
use crate::model::key::Key;

/// Rows of one link that wait whole: a few of the largest batches.
pub(super) const MOST_ROWS: usize = 50_000;

/// Keys that are asked for at once: ten probes.
const ASKED: usize = 2_000;

impl Table {
    /// How many more rows may wait. Those that the last flush could not send, because something else has to happen first, take no
    /// room: they would keep out what it waits for.
    fn room(&self) -> usize {
        (self.most_rows + self.stuck).saturating_sub(self.pending.len() + self.asked())
    }

    /// How many rows are being looked up, or are about to be.
    fn asked(&self) -> usize {
        self.wanted.len() + self.fetching.len()
    }

    /// How many rows wait for the sheet, whole or by their keys.
    pub fn waiting(&self) -> usize {
        self.pending.len() + self.flight.len() + self.asked() + self.parked.len()
    }

    /// Do so many rows wait that of others only the keys are kept?
    pub(super) fn is_crowded(&self) -> bool {
        self.room() == 0
    }

    /// Keeps the key of a row for which there is no room.
    pub(super) fn park(&mut self, key: Key, pending: Pending) {
        if !self.concerns(&key, &pending) {
            return;
        }
        let Pending { state, first, renamed_from, .. } = pending;
        if self.buried.len() < self.most_rows {
            bury(&mut self.buried, &key, &state);
        }
        if let Some(old) = renamed_from {
            self.renamed.insert(key.clone(), old);
        }
        self.park_key(key, first);
    }

    /// Keeps a key whose row is looked up when there is room.
    pub(super) fn park_key(&mut self, key: Key, seq: Seq) {
        since(&mut self.parked, key, seq);
    }

    /// A row changed without saying what it became: it is looked up, now or when there is room.
    pub(super) fn call_or_park(&mut self, key: Key, seq: Seq) {
        if self.is_crowded() { self.park_key(key, seq) } else { self.call(key, seq) }
    }

    /// A person waits for this row.
    pub(super) fn hurry(&mut self, key: &Key) {
        if let Some(seq) = self.parked.remove(key) {
            self.call(key.clone(), seq);
        }
    }

    /// Asks for as many parked rows as there is room for.
    pub(super) fn call_back(&mut self) {
        for _ in 0..self.room().min(ASKED.saturating_sub(self.asked())) {
            let Some((key, seq)) = self.parked.pop_first() else { return };
            self.call(key, seq);
        }
    }

    /// Also one that is being fetched already: that look may have come before the change.
    fn call(&mut self, key: Key, seq: Seq) {
        since(&mut self.wanted, key, seq);
    }
}

/// Puts a key among others for the sake of this transaction; of several it stands for the first.
pub(super) fn since(keys: &mut BTreeMap<Key, Seq>, key: Key, seq: Seq) {
    let first = keys.entry(key).or_insert(seq);
    *first = (*first).min(seq);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::bases::Bases;
    use crate::engine::input::{DbState, Image, LinkPlan};
    use crate::engine::lifecycle::{Copying, Life, Window};
    use crate::model::mark::EffectId;
    use crate::model::value::Value;

    fn key(id: i64) -> Key {
        Key(vec![Value::Int(id)])
    }

    fn crowded(life: Life) -> Table {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), life);
        table.most_rows = 2;
        table
    }

    fn image(id: i64) -> Image {
        Image { key: key(id), state: DbState::Row(Vec::new()), renamed_from: None, was: None }
    }

    #[test]
    fn beyond_the_room_only_keys_are_kept_and_the_position_waits_for_them() {
        // given room for two rows
        let mut table = crowded(Life::Live);
        for id in 1..=5 {
            table.take(10 + id as u64, 0, image(id));
        }
        // when others come
        assert!(table.pending.keys().eq([&key(1), &key(2)]));
        assert!(table.is_fetching(&key(3)) && table.wanted.is_empty());
        table.pending.clear();
        // then they are looked up as soon as there is room, and nothing of them is forgotten before
        assert_eq!(table.front(), Some(13));
        table.call_back();
        assert!(table.wanted.keys().eq([&key(3), &key(4)]), "the fifth waits on");
    }

    #[test]
    fn a_row_that_changes_while_it_is_looked_up_is_looked_up_again() {
        // given a look that is under way, whose place in the stream has come by
        let mut table = crowded(Life::Live);
        table.fetching.insert(key(6), 1);
        table.raise_fence(&key(6), EffectId(10));
        table.pass_marks(2, &[EffectId(10)]);
        for id in 1..=2 {
            table.take(3, 0, image(id));
        }
        // when the row changes, and a person waits for it
        table.take(4, 0, image(6));
        table.fetch(&key(6), 4);
        table.hurry(&key(6));
        // then the answer that is older than the change does not bring it to its end
        table.fetching.remove(&key(6));
        table.committed(EffectId(10), key(6), 1, 0, |_| Some(DbState::Row(Vec::new())));
        assert!(table.wanted.contains_key(&key(6)));
    }

    #[test]
    fn a_copy_is_not_over_while_rows_that_changed_meanwhile_are_to_be_looked_up() {
        // given a last chunk without the row that the stream told, for which there was no room
        let (low, high, streamed, rows) =
            (EffectId(1), EffectId(2), [key(9)].into(), Some((Vec::new(), true)));
        let window = Window { low, high, opened: true, closed: Some(1), streamed, rows };
        let mut table = crowded(Life::CatchingUpAll(Copying { chunk: Some(window), ..Copying::default() }));
        table.park_key(key(9), 1);
        // when it comes
        table.empty_window(0);
        table.rest();
        // then a restart reads the table again: what base lacks is not known to be new
        assert!(table.life.is_live() && !table.is_copied());
    }
}
