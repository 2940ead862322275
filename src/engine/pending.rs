//! What waits for the sheet: from the stream's word to the batch that brings it there.
//!
//! ```text
//! the stream tells a row      -> pending    newest state, oldest place in the stream
//! a batch takes it along      -> flight     what the stream tells meanwhile waits behind it
//! the batch landed            -> done where base says all of it, else pending again
//! the batch failed            -> pending again, unless something newer waits
//! ```
//! The saved position stays before the first transaction of all that waits.

use crate::engine::adopt::Knowledge;
use crate::engine::input::{DbRow, DbState, Micros, Seq};
use crate::engine::meeting;
use crate::engine::rows::is_base;
use crate::engine::table::Table;
use crate::model::base::RowBase;
use crate::model::key::Key;

/// What the stream last said of a key that base does not hold yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The row's state.
    pub state: DbState,
    /// The first transaction whose effect is not durable yet: the saved position stays before it.
    pub first: Seq,
    /// When the state was committed.
    pub commit: Micros,
    /// The key it had before, when the change was of the key itself.
    pub renamed_from: Option<Key>,
    /// The row before the first of the changes, where a rule of the link asks for it. Base tells whether it is what agreed.
    pub was: Option<DbRow>,
}

/// What waits of a link for the next cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// Nothing.
    Nothing,
    /// What the table has made of our own writes, as the stream tells it.
    Echo,
    /// Something else too.
    News,
}

impl Waits {
    /// Something comes to what waits.
    pub(super) fn raise(&mut self, to: Self) {
        *self = to.max(*self);
    }
}

impl Table {
    /// Puts a key's state into the queue; the newest wins, the oldest position stays.
    pub fn queue(&mut self, key: Key, mut pending: Pending) {
        if let Some(meeting) = &mut self.meeting {
            // What a row without a key finds may be another record now, or none.
            self.wants_whole |= meeting.is_told(&key, meeting::shown(&pending.state)) && self.life.is_live();
        }
        if !self.concerns(&key, &pending) {
            self.pending.remove(&key);
            return;
        }
        if let Some(old) = self.pending.get(&key) {
            pending.first = pending.first.min(old.first);
            pending.renamed_from = pending.renamed_from.or_else(|| old.renamed_from.clone());
            pending.was = old.was.clone().or(pending.was);
        }
        self.pending.insert(key.clone(), pending);
        self.wants_whole |= !self.is_reachable(&key);
        self.waits.raise(Waits::Echo);
    }

    /// What has just been queued, if it was, was not written by us.
    pub(super) fn is_told_news(&mut self) {
        if self.waits == Waits::Echo {
            self.waits = Waits::News;
        }
    }

    /// A row outside of the filter that is nowhere in the tab is none of the link's business: however busy such rows are, no
    /// spreadsheet is read for them.
    pub(super) fn concerns(&self, key: &Key, pending: &Pending) -> bool {
        self.inserting.is_some()
            || matches!(pending.state, DbState::Row(_) | DbState::Gone(_))
            || pending.renamed_from.is_some()
            || self.base.contains_key(key)
            || self.flight.contains_key(key)
            || self.fences.contains_key(key)
            || self.owed_key(key).is_some()
    }

    /// Does the table have just what both sides agreed on? Then nothing has to be done about it, whatever the tab shows: as a rule
    /// it is our own write that comes by.
    pub(super) fn is_agreed(&self, key: &Key, told: &Pending) -> bool {
        !self.pending.contains_key(key) && self.says_base(key, told)
    }

    /// The same, of what waits because the stream has told it sooner than we heard of our own write.
    pub(super) fn says_base(&self, key: &Key, told: &Pending) -> bool {
        let DbState::Row(row) = &told.state else { return false };
        let is_open = told.renamed_from.is_some()
            || self.flight.contains_key(key)
            || self.restore.contains(key)
            || self.is_fetching(key)
            || self.owed_key(key).is_some()
            || self.held.has_row(key)
            || self.meeting.is_some();
        let is_sound = self.knowledge == Knowledge::Sound;
        is_sound && !is_open && self.base.get(key).is_some_and(|base| is_base(&base, row))
    }

    /// Nothing has to be done about the key, and no spreadsheet is read for it.
    pub(super) fn waits_no_more(&mut self, key: &Key) {
        self.pending.remove(key);
        if self.pending.is_empty() && self.waits == Waits::Echo {
            self.waits = Waits::Nothing;
        }
    }

    /// A batch failed or hit another row: what it carried waits again, unless something newer came meanwhile.
    pub fn requeue(&mut self, key: &Key) {
        let Some(flown) = self.flight.remove(key) else {
            return;
        };
        self.waits = Waits::News;
        match self.pending.get_mut(key) {
            Some(newer) => newer.first = newer.first.min(flown.first),
            None => {
                self.pending.insert(key.clone(), flown);
            }
        }
        self.wants_whole |= !self.is_reachable(key);
    }

    /// A batch brought the row this far: what it carried waits again unless base says all of it.
    pub fn arrive(&mut self, key: &Key, base: &RowBase) {
        let said = self.flight.get(key).is_none_or(|flown| match &flown.state {
            DbState::Row(row) => is_base(base, row),
            // It has its key; now it leaves.
            DbState::Outside(_) => false,
            DbState::Gone(_) => true,
        });
        if said {
            self.flight.remove(key);
        } else {
            self.requeue(key);
        }
    }

    /// The first transaction of this link whose effect is not durable.
    pub fn front(&self) -> Option<Seq> {
        if self.stopped.is_some() {
            // It leaves the front as soon as the store knows: its way back is to read the whole table.
            return self.stop_kept_before;
        }
        let kept = self.fences.values().filter_map(|fence| fence.kept_back);
        let waiting = self.pending.values().chain(self.flight.values()).map(|pending| pending.first);
        let asked = self.wanted.values().chain(self.fetching.values()).chain(self.parked.values()).copied();
        waiting.chain(asked).chain(kept).chain(self.life.front()).min()
    }

    /// True when nothing waits but timers.
    pub fn is_calm(&self) -> bool {
        self.waiting() == 0 && self.claims.is_empty() && self.life.is_live()
    }
}
