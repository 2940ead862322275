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

use crate::engine::input::Seq;
use crate::engine::stream::bury;
use crate::engine::table::{Pending, Table};
use crate::model::key::Key;

/// Rows of one link that wait whole: a few of the largest batches.
pub(super) const MOST_ROWS: usize = 50_000;

/// Keys that are asked for at once: ten probes.
const ASKED: usize = 2_000;

impl Table {
    /// How many more rows may wait. Those that the last flush could not send, because something else has to happen first, take no
    /// room: they would keep out what it waits for.
    fn room(&self) -> usize {
        let asked = self.wanted.len() + self.fetching.len();
        (self.most_rows + self.stuck).saturating_sub(self.pending.len() + asked)
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
        let first = self.parked.entry(key).or_insert(seq);
        *first = (*first).min(seq);
    }

    /// A person waits for this row.
    pub(super) fn hurry(&mut self, key: &Key) {
        if let Some(seq) = self.parked.remove(key) {
            self.call(key.clone(), seq);
        }
    }

    /// Asks for as many parked rows as there is room for.
    pub(super) fn call_back(&mut self) {
        let asked = self.wanted.len() + self.fetching.len();
        for _ in 0..self.room().min(ASKED.saturating_sub(asked)) {
            let Some((key, seq)) = self.parked.pop_first() else { return };
            self.call(key, seq);
        }
    }

    /// Also one that is being fetched already: that look may have come before the change.
    fn call(&mut self, key: Key, seq: Seq) {
        let first = self.wanted.entry(key).or_insert(seq);
        *first = (*first).min(seq);
    }
}
