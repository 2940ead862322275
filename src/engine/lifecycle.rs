//! Where a link stands, as a small total state machine.
//!
//! ```text
//! start with base ----> CatchingUp(keys) --mark passed--> Live
//! start without base -> CatchingUp(keys) --mark passed--> CatchingUp(all) --last chunk--> Live
//! ```
//! A paused link is one with a [`crate::engine::table::Table::trouble`]: it goes on collecting and writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::input::{DbRow, Seq};
use crate::model::key::Key;
use crate::model::mark::EffectId;

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// After a stop the stream up to its present end only collects keys; old images are never replayed into the sheet
    /// (design 4a, rule 10).
    CatchingUpKeys {
        /// The ledger entry that marks the present end.
        until: EffectId,
        /// What the replayed part touched, with the first transaction that did.
        keys: BTreeMap<Key, Seq>,
        /// Keys are not enough: the whole table is read next.
        all: bool,
    },
    /// The whole table is read in chunks beside the live stream: a new link, a lost base, a lost position.
    CatchingUpAll(Copying),
    /// Images are reconciled as they come.
    Live,
}

/// A pass over the whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copying {
    /// The last key of the last chunk.
    pub after: Option<Key>,
    /// The chunk under way.
    pub chunk: Option<Window>,
    /// The keys of base when the pass began that no chunk and no image has shown yet: at its end they are looked up one by one.
    pub unmet: BTreeSet<Key>,
    /// How many rows the chunks brought.
    pub rows: u64,
    /// The stream's place when the pass began: the position stays before it until the link is live.
    pub began: Seq,
}

/// A chunk between its two marks (DBLog): keys whose state the stream or a transaction of ours tells since the low mark are
/// dropped from the chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Ledger entry before the read.
    pub low: EffectId,
    /// Ledger entry after it.
    pub high: EffectId,
    /// The stream has passed the low mark.
    pub opened: bool,
    /// The stream has passed the high mark, at this transaction.
    pub closed: Option<Seq>,
    /// Keys told since the low mark, until the rows are here.
    pub streamed: BTreeSet<Key>,
    /// The rows, once they are read, and whether they are the last.
    pub rows: Option<(Vec<(Key, DbRow)>, bool)>,
}

impl Life {
    /// The first transaction that this state still needs.
    pub fn front(&self) -> Option<Seq> {
        match self {
            Self::CatchingUpKeys { all: true, .. } => Some(0),
            Self::CatchingUpKeys { keys, .. } => keys.values().min().copied(),
            Self::CatchingUpAll(copying) => Some(copying.began),
            Self::Live => None,
        }
    }

    /// True when every row of the table is known: only then can a key be said to be missing there.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }
}
