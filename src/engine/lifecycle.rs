//! Where a link stands, as a small total state machine.
//!
//! ```text
//! New ---------> Copying -----------------------------------------> Live    the first pass over the table
//! CatchingUp(keys) --mark passed--> Live                                    a start with base
//! CatchingUp(keys) --mark passed--> CatchingUp(all) --last chunk--> Live    a start with doubt, or a table read anew
//! Planning --both sides compared--> Live                                    base was lost: nothing is written
//! each ---- a brake goes on ----> Paused ---- it is undone ----> as before
//!                                 Paused ---- resume ----> CatchingUp(all), Planning after lost memory
//! ```
//! [`Life`] is how far the link has come with its table, and goes on while the link is paused by its tab; brakes lie over it,
//! and [`Table::state`] says in one word what people are to know.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::engine::adopt::Knowledge;
use crate::engine::bases::Keys;
use crate::engine::input::{DbRow, Seq};
use crate::engine::table::Table;
use crate::model::key::Key;
use crate::model::mark::EffectId;
use crate::model::pause::Pause;

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

/// Where a link stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// Nothing is known of it yet: its tab or its place in the stream is not ready.
    New,
    /// What both sides last agreed on is lost: they are compared, and nothing is written.
    Planning,
    /// The first pass over its table.
    Copying,
    /// What happened while nobody looked is found out.
    CatchingUp(Reach),
    /// Both sides are followed.
    Live,
    /// Nothing is written in this direction.
    Paused(&'a Pause),
}

/// How much of a table is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The rows that the stream named.
    Keys,
    /// All rows.
    All,
}

impl State<'_> {
    /// The word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Planning => "planning",
            Self::Copying => "copying",
            Self::CatchingUp(Reach::Keys) => "catching up (keys)",
            Self::CatchingUp(Reach::All) => "catching up (all)",
            Self::Live => "live",
            Self::Paused(_) => "paused",
        }
    }
}

impl Table {
    /// The link may have become live: new rows that waited for it are looked at again.
    pub(super) fn call_those_who_wait(&mut self) {
        if self.life.is_live() && !self.quiet.is_empty() {
            self.wakes.insert(0);
        }
    }

    /// Where the link stands.
    pub fn state(&self) -> State<'_> {
        match (self.pauses().next(), &self.life) {
            (Some(pause), _) => State::Paused(pause),
            (None, _) if self.knowledge == Knowledge::Lost => State::Planning,
            (None, Life::CatchingUpKeys { all: true, .. }) if self.base.is_empty() => State::New,
            (None, Life::CatchingUpKeys { all: false, .. }) => State::CatchingUp(Reach::Keys),
            (None, Life::CatchingUpAll(Copying { first: true, .. })) => State::Copying,
            (None, Life::CatchingUpKeys { all: true, .. } | Life::CatchingUpAll(_)) => {
                State::CatchingUp(Reach::All)
            }
            (None, Life::Live) => State::Live,
        }
    }
}

/// A pass over the whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copying {
    /// The last key of the last chunk.
    pub after: Option<Key>,
    /// The chunk under way.
    pub chunk: Option<Window>,
    /// The keys of base, and those that are owed to the sheet, when the pass began that no chunk and no image has shown yet: at its end they are looked up one by one.
    pub unmet: Keys,
    /// There was no base when the pass began.
    pub first: bool,
    /// How many rows the chunks brought.
    pub rows: u64,
    /// Keys that chunks brought, oldest first: some of them wait for the sheet, no other copied key does.
    pub ahead: VecDeque<Key>,
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
