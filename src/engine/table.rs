//! One link as the engine remembers it between calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::adopt::Knowledge;
use crate::engine::bases::Bases;
use crate::engine::crowd::{MOST_ROWS, since};
use crate::engine::effect::Interval;
use crate::engine::fence::Fence;
use crate::engine::guard::UNSEEN;
use crate::engine::held::Holds;
use crate::engine::input::{DbRow, LinkPlan, Micros, Seq};
use crate::engine::lifecycle::Life;
use crate::engine::meeting::Meeting;
use crate::engine::owed::Overwritten;
use crate::engine::paste::Member;
use crate::engine::pending::{Pending, Waits};
use crate::engine::places::Places;
use crate::engine::sweep::Turn;
use crate::model::base::{BaseChange, RowBase};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::mark::{ClaimId, EffectId};
use crate::model::pause::Pause;

/// A new row whose key is owed to the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key that the server made.
    pub key: Key,
    /// What was inserted: base from the moment the key stands in the sheet.
    pub base: RowBase,
    /// The first of the believed reads in which neither claim nor key was seen.
    pub missing_since: Option<Micros>,
    /// When the key was last written.
    pub named_at: Option<Micros>,
}

/// What base held of a column that had never agreed: no cell.
const NEVER: Digest = UNSEEN;

/// Cells that base held before, for the second look (design 4a, rule 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// In the link's column order.
    pub cells: Arc<[Option<Digest>]>,
    /// When base moved on.
    pub at: Micros,
}

/// One link.
#[derive(Debug)]
pub struct Table {
    /// Rules and columns.
    pub plan: LinkPlan,
    /// What both sides last agreed on.
    pub base: Bases,
    /// Keys that were deleted: a sheet row that shows one is held, never created.
    pub dead: BTreeSet<Key>,
    /// What the stream said beyond base.
    pub pending: BTreeMap<Key, Pending>,
    /// The first waiting key that the last batch had no room for: the next begins with it, so that no key waits for good behind
    /// others that change faster than the sheet takes them.
    pub turn: Option<Key>,
    /// So many rows may wait whole.
    pub most_rows: usize,
    /// Waiting keys that the last flush could not send, for something else has to happen first: they keep out no others.
    pub stuck: usize,
    /// Pending keys that the batch under way carries.
    pub flight: BTreeMap<Key, Pending>,
    /// Keys whose images are dropped until our own transaction comes by.
    pub fences: BTreeMap<Key, Fence>,
    /// Keys whose present row has to be fetched, with the transaction that asked for it.
    pub wanted: BTreeMap<Key, Seq>,
    /// Keys whose present row is being fetched.
    pub fetching: BTreeMap<Key, Seq>,
    /// Keys whose present row will be fetched when there is room for it (`crowd`).
    pub parked: BTreeMap<Key, Seq>,
    /// Keys that are looked up or will be, and were another key when base knew them: that one.
    pub renamed: BTreeMap<Key, Key>,
    /// Last images of deleted rows whose keys are looked up or will be: the present state cannot tell what an edit that beats the
    /// delete is made on.
    pub buried: BTreeMap<Key, DbRow>,
    /// Rows to be put back into the tab although nothing changed in the table.
    pub restore: BTreeSet<Key>,
    /// Keys that a believed read lacked, with the time of the first such read.
    pub gone: BTreeMap<Key, Micros>,
    /// New rows, by their content, with the time since which it has not changed.
    pub quiet: BTreeMap<Digest, Micros>,
    /// Cells that differ from base, with the interval in which they were changed: the first read that shows a value dates it.
    pub edits: BTreeMap<(Key, usize), (Digest, Interval)>,
    /// Who changed such a cell, where an event told it.
    pub editors: BTreeMap<(Key, usize), String>,
    /// Values that were seen once and are looked at again.
    pub looks: BTreeMap<(Key, usize), (Digest, Micros)>,
    /// What base held before it moved on, of late, the newest last.
    pub before: BTreeMap<Key, Vec<Before>>,
    /// What base held of a row that had never agreed: all rows of a first meeting share it.
    never: Arc<[Option<Digest>]>,
    /// Cells that show a value in a form that we would not write, once the table's own form was sent back for them. A cell that
    /// shows the same form again is altered by Google alone, or by somebody who wants it so: it keeps its form.
    pub forms: BTreeMap<(Key, usize), Digest>,
    /// New rows whose key is owed.
    pub claims: BTreeMap<ClaimId, Claim>,
    /// Claims made since the start that no insert has used.
    pub fresh: BTreeSet<ClaimId>,
    /// A new row is being inserted under this claim: the stream may tell what becomes of its key before we have heard of it.
    pub inserting: Option<ClaimId>,
    /// Cells that are refused or held.
    pub held: Holds,
    /// New rows that were refused, by content, with the column and the reason: tried again when the content changes.
    pub refused: BTreeMap<Digest, (Option<usize>, String)>,
    /// Rows of pastes that were not taken over, each with the paste that it belongs to: they are tried again together.
    pub pasted: BTreeMap<Member, EffectId>,
    /// Keys whose request Google refused: the row number that it named, and how often in a row.
    pub spurned: BTreeMap<Key, (Option<u32>, u32)>,
    /// What waits that the next cycle can work on.
    pub waits: Waits,
    /// Keys that stood in several rows, and since when in one alone: the row that is left may be the copy, and the other one on
    /// somebody's clipboard.
    pub doubles: BTreeMap<Key, Option<Micros>>,
    /// Times at which all of the tab is looked at again.
    pub wakes: BTreeSet<Micros>,
    /// Where its keys stood when all of it was last read.
    pub places: Places,
    /// Something waits that only a read of the whole tab can decide.
    pub wants_whole: bool,
    /// When all of the tab is to be looked at for what no event told.
    pub turn_to_sweep: Turn,
    /// Where the link stands.
    pub life: Life,
    /// Keys of a pass over the whole table whose effects are not durable: the stream will not tell them again.
    pub copying: BTreeSet<Key>,
    /// What may be concluded from rows that base does not know.
    pub knowledge: Knowledge,
    /// While that is not all: the keys without base that stood in the tab when it was first read.
    pub strangers: Option<BTreeSet<Key>>,
    /// Rows without a key find their records by their values, until both sides have met once.
    pub meeting: Option<Meeting>,
    /// Where the link's columns stood in the grid at the last read: mends know grid columns only.
    pub grid: Vec<u32>,
    /// Why it is paused: by the state of its tab, or as `stopped`.
    pub trouble: Option<Pause>,
    /// Why it was stopped for good: only a new start of the link ends that.
    pub stopped: Option<Pause>,
    /// Until the store knows of the stop, the position stays before this transaction.
    pub stop_kept_before: Option<Seq>,
    /// Why deletes in the table are stopped.
    pub brake: Option<Pause>,
    /// Why deletes in the tab are stopped.
    pub removal: Option<Pause>,
    /// Rows whose deletes an operator has allowed.
    pub allowed: BTreeSet<Key>,
    /// Rows that showed each other's values in the last read.
    pub shuffled: BTreeSet<Key>,
    /// Rows whose values are right, as an operator said.
    pub meant: BTreeSet<Key>,
    /// The brakes that the store was told of.
    pub told: Vec<Pause>,
    /// The store is being told.
    pub telling: bool,
    /// When rows of the table were deleted because the tab lacks them, of late.
    pub deleted: Vec<Micros>,
    /// When the last believed read was asked.
    pub last_seen: Micros,
}

impl Table {
    /// A link that starts with this base.
    pub fn new(plan: LinkPlan, base: Bases, dead: BTreeSet<Key>, life: Life) -> Self {
        Self {
            never: vec![Some(NEVER); plan.columns.len()].into(),
            plan,
            base,
            dead,
            life,
            copying: BTreeSet::new(),
            pending: BTreeMap::new(),
            turn: None,
            most_rows: MOST_ROWS,
            stuck: 0,
            flight: BTreeMap::new(),
            fences: BTreeMap::new(),
            wanted: BTreeMap::new(),
            fetching: BTreeMap::new(),
            parked: BTreeMap::new(),
            renamed: BTreeMap::new(),
            buried: BTreeMap::new(),
            restore: BTreeSet::new(),
            gone: BTreeMap::new(),
            quiet: BTreeMap::new(),
            edits: BTreeMap::new(),
            editors: BTreeMap::new(),
            looks: BTreeMap::new(),
            before: BTreeMap::new(),
            forms: BTreeMap::new(),
            doubles: BTreeMap::new(),
            claims: BTreeMap::new(),
            fresh: BTreeSet::new(),
            inserting: None,
            held: Holds::default(),
            refused: BTreeMap::new(),
            pasted: BTreeMap::new(),
            spurned: BTreeMap::new(),
            waits: Waits::Nothing,
            wakes: BTreeSet::new(),
            places: Places::default(),
            wants_whole: true,
            turn_to_sweep: Turn::default(),
            knowledge: Knowledge::Sound,
            strangers: None,
            meeting: None,
            grid: Vec::new(),
            trouble: None,
            stopped: None,
            stop_kept_before: None,
            brake: None,
            removal: None,
            allowed: BTreeSet::new(),
            shuffled: BTreeSet::new(),
            meant: BTreeSet::new(),
            told: Vec::new(),
            telling: false,
            deleted: Vec::new(),
            last_seen: 0,
        }
    }

    /// How many columns the link has.
    pub fn width(&self) -> usize {
        self.plan.columns.len()
    }

    /// The column in which a row's key stands, or begins.
    pub fn first_key(&self) -> usize {
        self.plan.columns.iter().position(|column| column.key).unwrap_or(0)
    }

    /// The claim to whose row this key is owed.
    pub fn owed_key(&self, key: &Key) -> Option<ClaimId> {
        self.claims.iter().find(|(_, claim)| claim.key == *key).map(|(id, _)| *id)
    }

    /// Is it the key of a record that the link has met?
    pub fn knows(&self, key: &Key) -> bool {
        self.base.contains_key(key) || self.pending.contains_key(key) || self.is_fetching(key)
    }

    /// May the record be gone without our knowledge? So it may while all of the table is read, and while it is looked up.
    pub fn may_be_dead(&self, key: &Key) -> bool {
        self.is_fetching(key) || (!self.life.is_live() && !self.pending.contains_key(key))
    }

    /// True while the key's present row is unknown to us.
    pub fn is_fetching(&self, key: &Key) -> bool {
        self.wanted.contains_key(key) || self.fetching.contains_key(key) || self.parked.contains_key(key)
    }

    /// The wanted keys that no transaction of ours is under way on: two that overlap have no order.
    pub fn free(&self) -> impl Iterator<Item = &Key> {
        self.wanted.keys().filter(|key| self.fences.get(*key).is_none_or(|fence| fence.committed))
    }

    /// True when two believed reads, far enough apart, lacked the row: this one, asked now, and an earlier one.
    pub fn is_gone(&self, key: &Key, asked: Micros) -> bool {
        let grace = super::micros(self.plan.rules.delete_grace).max(1);
        self.gone.get(key).is_some_and(|first| asked >= first + grace)
    }

    /// Asks for the key's present row. One that is being fetched already brings this to its end too.
    pub fn fetch(&mut self, key: &Key, seq: Seq) {
        match self.fetching.get_mut(key) {
            Some(first) => *first = (*first).min(seq),
            None => since(&mut self.wanted, key.clone(), seq),
        }
    }

    /// Makes a change of base.
    pub fn apply(&mut self, change: &BaseChange, now: Micros) {
        match change {
            BaseChange::Set(key, base) if self.base.get(key).as_ref() != Some(base) => {
                self.set_base(key.clone(), base.clone(), now);
            }
            BaseChange::Set(..) => {}
            BaseChange::Forget { key, dead } => self.forget(key, *dead),
        }
    }

    /// Both sides are about to agree on a row for the first time, in the form that people gave it: an older read may show another.
    pub fn meet(&mut self, key: &Key, now: Micros) {
        if !self.base.contains_key(key) {
            let cells = Arc::clone(&self.never);
            self.before
                .entry(key.clone())
                .or_insert_with(|| Vec::with_capacity(1))
                .push(Before { cells, at: now });
        }
    }

    /// Moves base, and remembers for a while what it held before.
    pub fn set_base(&mut self, key: Key, base: RowBase, now: Micros) {
        self.spurned.remove(&key);
        let old = self.base.insert(&key, &base);
        if let Some(old) = old {
            let cells = old.columns.iter().map(|column| Some(column.map_or(NEVER, |c| c.cell))).collect();
            self.before.entry(key.clone()).or_default().push(Before { cells, at: now });
        }
        self.dead.remove(&key);
        self.gone.remove(&key);
    }

    /// A row showed what we had written into it by mistake: a stale read may show it again.
    pub fn showed(&mut self, key: &Key, cells: &[Overwritten], now: Micros) {
        let wrote = |column: &u32| {
            cells.iter().find(|cell| cell.column == *column).map(|cell| cell.wrote.value.digest())
        };
        let cells = self.grid.iter().map(wrote).collect();
        self.before.entry(key.clone()).or_default().push(Before { cells, at: now });
    }

    /// Forgets a row that is gone on both sides.
    pub fn forget(&mut self, key: &Key, dead: bool) {
        self.base.remove(key);
        self.before.remove(key);
        self.gone.remove(key);
        self.allowed.remove(key);
        self.restore.remove(key);
        self.looks.retain(|(looked, _), _| looked != key);
        self.held.forget(key);
        self.edits.retain(|(edited, _), _| edited != key);
        self.forms.retain(|(formed, _), _| formed != key);
        self.editors.retain(|(edited, _), _| edited != key);
        if dead {
            self.dead.insert(key.clone());
        }
    }

    /// True when a restart needs no pass over the whole table: it is live, and what the last pass found is durable.
    pub fn is_copied(&self) -> bool {
        self.life.is_live()
            && self.copying.is_empty()
            && self.stopped.is_none()
            && self.meeting.is_none()
            && self.knowledge == Knowledge::Sound
    }

    /// A cycle is over and durable: what it brought to its end is no part of a copy any more.
    pub fn rest(&mut self) {
        let mut copying = std::mem::take(&mut self.copying);
        copying.retain(|key| {
            self.pending.contains_key(key) || self.flight.contains_key(key) || self.is_fetching(key)
        });
        self.copying = copying;
    }
}
