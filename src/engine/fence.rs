//! Fences: after our own transaction on a key, images of it are dropped until the transaction itself comes by (design 4a, rule 4).
//!
//! What was read under the lock is newer than every image that comes before our mark. An image behind a fence whose transaction
//! is not known to have committed is kept back: should it come to nothing, the present row is fetched.

use crate::engine::input::{DbRow, DbState, Micros, Seq};
use crate::engine::lifecycle::{Copying, Life};
use crate::engine::pending::Pending;
use crate::engine::table::Table;
use crate::model::key::Key;
use crate::model::mark::EffectId;

/// One key's fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The ledger entry that opens it.
    pub effect: EffectId,
    /// We know that the transaction was committed.
    pub committed: bool,
    /// The stream has passed it.
    pub passed: bool,
    /// What came after it before we knew of the commit.
    pub since: Since,
    /// The first image that it kept back while the commit was not certain.
    pub kept_back: Option<Seq>,
    /// An earlier transaction of ours on the key, committed, that the stream has not reached: its fence stands again should this
    /// one come to nothing.
    pub behind: Option<EffectId>,
}

/// What the stream told of a key from our own transaction on, before we knew that this was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Nothing.
    Nothing,
    /// The row, and nothing had waited on the key before: as a rule it is the one that we have written.
    Row,
    /// The row where something had waited, or that it changed.
    More,
}

impl Fence {
    /// The stream, past our own transaction, tells the row.
    pub(super) fn is_told(&mut self, something_waits: bool) {
        if self.since == Since::Nothing {
            self.since = if something_waits { Since::More } else { Since::Row };
        }
    }

    /// The last committed transaction of ours that the stream has not reached.
    fn ahead_of_the_stream(&self) -> Option<EffectId> {
        if self.committed && !self.passed { Some(self.effect) } else { self.behind }
    }
}

impl Table {
    /// Raises a fence for a transaction of ours that is about to be made.
    pub(super) fn raise_fence(&mut self, key: &Key, effect: EffectId) {
        let earlier = self.fences.get(key);
        let kept_back = earlier.and_then(|fence| fence.kept_back);
        let behind = earlier.and_then(Fence::ahead_of_the_stream);
        let (committed, passed, since) = (false, false, Since::Nothing);
        let fence = Fence { effect, committed, passed, since, kept_back, behind };
        self.fences.insert(key.clone(), fence);
    }

    /// Our transaction on the key is committed: `then` makes of what waits the row as it was read under the lock.
    pub(super) fn committed(
        &mut self,
        effect: EffectId,
        key: Key,
        first: Seq,
        now: Micros,
        then: impl FnOnce(Option<&Pending>) -> Option<DbState>,
    ) {
        let Some(fence) = self.fences.get_mut(&key).filter(|fence| fence.effect == effect) else {
            return;
        };
        let Fence { passed, since, .. } = *fence;
        fence.committed = true;
        fence.kept_back = None;
        if let Life::CatchingUpAll(Copying { chunk: Some(window), .. }) = &mut self.life {
            window.streamed.insert(key.clone());
        }
        if passed {
            self.fences.remove(&key);
        }
        let (renamed_from, buried) = (self.renamed.remove(&key), self.buried.remove(&key));
        if since == Since::Nothing
            && let Some(state) = then(self.pending.get(&key))
        {
            let state = match state {
                DbState::Gone(None) => DbState::Gone(buried.or_else(|| self.last_image(&key).cloned())),
                state => state,
            };
            self.queue(key, Pending { state, first, commit: now, renamed_from, was: None });
        } else if since == Since::Row
            && self.pending.get(&key).is_some_and(|waiting| self.says_base(&key, waiting))
        {
            self.waits_no_more(&key);
        }
    }

    /// Our transaction on the key was not made, or nobody knows: the images that the fence kept back are replaced by the
    /// present row.
    pub(super) fn not_committed(&mut self, key: &Key) {
        let Some(fence) = self.fences.remove(key) else {
            return;
        };
        if let Some(effect) = fence.behind {
            let (committed, passed, since) = (true, false, Since::Nothing);
            let earlier = Fence { effect, committed, passed, since, kept_back: None, behind: None };
            self.fences.insert(key.clone(), earlier);
        }
        let asked = self.fetching.remove(key);
        if let Some(first) = asked.into_iter().chain(fence.kept_back).min() {
            self.fetch(key, first);
        }
    }

    /// How a row looked before it was deleted, if the stream has told.
    fn last_image(&self, key: &Key) -> Option<&DbRow> {
        match &self.pending.get(key)?.state {
            DbState::Gone(image) => image.as_ref(),
            DbState::Row(_) | DbState::Outside(_) => None,
        }
    }

    /// Is the row gone by our own look, and the stream not yet as far as that? Then its last image may still come by.
    pub(super) fn awaits_image(&self, key: &Key) -> bool {
        let gone = self.pending.get(key).is_some_and(|waiting| matches!(waiting.state, DbState::Gone(None)));
        gone && self.fences.get(key).is_some_and(|fence| !fence.passed)
    }
}
