//! The decisions: pure, total, and the same for the same input.
//!
//! One [`Engine`] serves one spreadsheet with all of its links. It does no I/O and knows no clock: [`Engine::handle`] takes what
//! happened, [`Engine::next_effect`] gives the next call to make, [`Engine::next_wake`] the time to ask again.
//!
//! # One row
//! Per column, `db changed` is "the database's digest differs from base", `sheet changed` is "the cell's digest differs from base".
//!
//! | base | database | sheet | decision | where |
//! |--|--|--|--|--|
//! | - | row | - | create in the sheet | `flush` |
//! | - | - | row | create in the table once its required columns are there and it has rested, else wait | `claim` |
//! | - | row | row | first meeting: equal cells agree, others by `first_match` | [`reconcile`] |
//! | - | row | row without key | first meeting under `match_on`: tied where one record and one row have the same values | [`meeting`] |
//! | yes | changed | same | write those columns to the sheet | [`reconcile`] |
//! | yes | same | changed | write those columns to the table | [`reconcile`], [`guard`] |
//! | yes | changed | changed | other columns: merge; the same column: equal agrees, else its policy | [`reconcile`], [`conflict`] |
//! | yes | gone | same | remove from the sheet | `flush` |
//! | yes | gone | changed | edit beats delete: made again from its last image with the edit on it; without image: held | `revival` |
//! | yes | same | gone (seen twice) | by the link's `deletes` | `inspect`, [`brake`] |
//! | yes | changed | gone | edit beats delete: create in the sheet | `flush` |
//! | yes | gone | gone | forget, with a tombstone | `flush` |
//! | - | tombstone | row | hold, never create | `claim` |
//! | yes | row, key owed | - | wait for the key | `flush` |
//! | yes | out of the filter | same / changed | remove from the sheet, no delete in the table / write the edit first, then remove | `weigh`, `change` |
//! | yes | out of the filter | gone | forget, without a tombstone | `flush` |
//! | - | out of the filter | row | refuse the row: its key is that of a record which the tab does not show | `outcome` |
//! | any | row | two rows | the one that equals base stands, the others are held; none or several: all held | `rows` |
//! | yes | row | under another key, else as base says | put back, or the record takes that key, by `key_edits` | [`rename`] |
//!
//! # One cycle
//! Everything of a spreadsheet happens in one sequence, so that no two observations can overtake each other (design 4a, rule 3):
//!
//! ```text
//! settle an open batch -> read -> believe? -> table writes -> batch -> verify the receipt -> commit -> ...
//! ```
//! A read is asked only when no batch is unsettled; it is believed only if it shows the last settled batch; while a mend is open
//! nothing but mends is done. A read may go out beside the commit before it, and is looked at after it (`storing`). The stream goes
//! on meanwhile: its images wait in `pending`, newest first in line.

pub mod adopt;
pub mod bases;
pub mod brake;
pub mod carry;
mod change;
mod claim;
pub mod conflict;
mod copying;
mod covered;
mod crowd;
mod dated;
mod debt;
mod draft;
pub mod effect;
mod errand;
pub mod fence;
pub mod filter;
mod flush;
pub mod guard;
pub mod held;
pub mod input;
mod inspect;
pub mod lifecycle;
mod look;
pub mod meeting;
mod mend;
mod new_rows;
mod outcome;
pub mod owed;
mod paste;
mod pausing;
pub mod pending;
pub mod places;
pub mod plan;
pub mod preview;
mod reading;
mod receipt;
pub mod reconcile;
pub mod rename;
mod revival;
pub mod row_views;
mod rows;
mod shuffle;
pub mod spelling;
mod start;
mod storing;
mod stream;
mod suspect;
pub mod sweep;
pub mod table;
mod tie;
pub mod token;
mod verify;
mod victim;
mod weigh;
mod writing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use crate::engine::errand::Errand;
pub use crate::engine::start::Start;

use crate::engine::effect::{Effect, Level, Notice};
use crate::engine::input::{EditHint, Input, Micros, ReadNumber, Seq};
use crate::engine::new_rows::PutOff;
use crate::engine::owed::{Owed, OwedId};
use crate::engine::pending::Waits;
use crate::engine::places::Scope;
use crate::engine::plan::Plan;
use crate::engine::storing::Storing;
use crate::engine::table::Table;
use crate::engine::token::Spent;
use crate::engine::writing::Writing;
use crate::model::grid::GridCell;
use crate::model::link::LinkName;
use crate::model::mark::{BatchNumber, EffectId, Owner};

/// After a failure the first wait; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Micros = 500_000;

/// The longest wait between two tries.
const LONGEST_WAIT: Micros = 30_000_000;

/// What could not be finished is looked at again after this time.
pub(crate) const LOOK_AGAIN: Micros = 2_000_000;

/// A stale read is told after this many in a row.
const STALE_READS: u32 = 5;

/// The engine of one spreadsheet.
#[derive(Debug)]
pub struct Engine {
    owner: Owner,
    tables: Vec<Table>,
    stage: Stage,
    clock: Micros,
    /// When it began to go on from what an earlier run left; `None` where nothing was left.
    started: Option<Micros>,
    has_past: bool,
    seq: Seq,
    effects: EffectId,
    number: i32,
    slot: u32,
    reads: ReadNumber,
    last_done: Option<BatchNumber>,
    tokens: VecDeque<Spent>,
    newest_tokens: usize,
    owed: BTreeMap<OwedId, Owed>,
    /// Mends whose row is nowhere to be seen: on somebody's clipboard, or deleted and perhaps taken back; since when. They hold up
    /// nothing.
    asleep: BTreeMap<OwedId, Micros>,
    /// Rows without key that have their cells back, while other mends are open.
    healed: Vec<(LinkName, Vec<GridCell>)>,
    debts: u64,
    hints: Vec<EditHint>,
    put_off: PutOff,
    /// So many new rows share a transaction.
    together: usize,
    wakes: BTreeSet<Micros>,
    next_sweep: Micros,
    not_before: Micros,
    failures: u32,
    stale: u32,
    batch_limit: usize,
    large: usize,
    again: bool,
    /// The batches that this memory does not know are taken as they are, once.
    adopting: bool,
    /// Those batches: their tokens are taken away with the next one of ours.
    adopted: BTreeSet<BatchNumber>,
    cycle_front: Option<Seq>,
    storing: Storing,
    out: VecDeque<Effect>,
}

/// Where the cycle stands.
#[derive(Debug)]
enum Stage {
    Idle,
    Reading { number: ReadNumber, asked: Micros, hints: Vec<EditHint>, scopes: Vec<Scope>, is_sweep: bool },
    Spelling(Box<spelling::Reading>),
    Writing(Box<Writing>),
    Sending(Arc<Plan>),
    Settling { plan: Arc<Plan>, asked: bool },
    Committing,
    Naming,
}

impl Engine {
    /// Takes what happened.
    pub fn handle(&mut self, now: Micros, input: Input) {
        self.tell_time(now);
        match input {
            Input::Transaction(transaction) => self.on_transaction(transaction),
            Input::Rebase(table) => self.on_rebase(table),
            Input::Reread { table } => self.on_reread(table),
            Input::Suspect { table, keys } => self.on_suspect(table, keys),
            Input::Stop { table, pause } => self.on_stop(table, pause),
            Input::Resume { table, brake, rows } => self.on_resume(table, brake, rows),
            Input::PausesKept(table) => self.on_pauses_kept(table),
            Input::Edit(hint) => self.hints.push(hint),
            Input::Read { number, answered, view } => self.on_read(number, answered, view),
            Input::ReadFailed(number) => self.on_read_failed(number),
            Input::Spelled(number, keys) => self.on_spelled(number, &keys),
            Input::Respelled { table, from, to } => self.on_respelled(table, from, to),
            Input::Wrote(outcomes) => self.on_wrote(outcomes),
            Input::Sent(number, outcome) => self.on_sent(number, outcome),
            Input::Settled { number, landed } => self.on_settled(number, landed),
            Input::SettleFailed(number) => self.on_settle_failed(number),
            Input::Committed => self.on_committed(),
            Input::Named => self.on_named(),
            Input::Probed(effect, rows) => self.on_probed(effect, rows, now),
            Input::ProbeFailed(effect) => self.on_probe_failed(effect),
            Input::Chunk { high, rows, last } => self.on_chunk(high, rows, last),
            Input::ChunkFailed(high) => self.on_chunk_failed(high),
        }
    }

    fn tell_time(&mut self, now: Micros) {
        self.clock = now;
        if self.has_past {
            self.started.get_or_insert(now);
        }
    }

    /// The next call to make, if there is one now.
    pub fn next_effect(&mut self, now: Micros) -> Option<Effect> {
        self.tell_time(now);
        if now >= self.not_before {
            self.ask_database();
        }
        if self.out.is_empty() {
            self.advance();
        }
        self.tell_pauses();
        self.out.pop_front()
    }

    /// When to ask for the next effect, if nothing happens before.
    pub fn next_wake(&self) -> Option<Micros> {
        let due = match self.stage {
            Stage::Idle => self.wakes().chain([self.next_sweep]).min(),
            Stage::Settling { asked: false, .. } => Some(self.not_before),
            _ => None,
        };
        let asks = self.tables.iter().any(|table| table.free().next().is_some()).then_some(self.not_before);
        due.map(|due| due.max(self.not_before)).into_iter().chain(asks).min()
    }

    /// The first transaction whose effect is not durable on the other side: the saved position stays before it.
    pub fn front(&self) -> Seq {
        self.cycle_front.unwrap_or(Seq::MAX).min(self.waiting_front())
    }

    /// The same without what the cycle under way has in its hands.
    fn waiting_front(&self) -> Seq {
        self.tables.iter().filter_map(Table::front).min().unwrap_or(self.seq + 1)
    }

    /// The links, for status and tests.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// What is owed, for status and tests.
    pub fn owed(&self) -> &BTreeMap<OwedId, Owed> {
        &self.owed
    }

    /// True while something is owed that can be paid now.
    pub fn owes(&self) -> bool {
        self.owed.keys().any(|id| !self.asleep.contains_key(id))
    }

    /// True when nothing is under way and nothing waits but timers.
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
            && self.out.is_empty()
            && self.hints.is_empty()
            && self.put_off.is_empty()
            && !self.owes()
            && self.tables.iter().all(Table::is_calm)
    }

    /// True between two cycles: no row or column number of a read is in use.
    pub fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    fn advance(&mut self) {
        if matches!(self.stage, Stage::Writing(_)) {
            self.go_on_writing();
        }
        self.give_way();
        // A cycle that leads to no call ends without an answer that would make the shell ask again: what came meanwhile has
        // its turn now.
        if matches!(self.stage, Stage::Idle) && self.out.is_empty() {
            self.begin_cycle();
        } else if matches!(self.stage, Stage::Committing) && self.out.is_empty() {
            self.read_ahead();
        } else if let Stage::Settling { plan, asked } = &mut self.stage
            && !*asked
            && self.clock >= self.not_before
        {
            *asked = true;
            self.out.push_back(Effect::Settle(Arc::clone(plan)));
        }
    }

    /// New rows that were put off go on without a read, while nothing else needs one.
    fn begin_cycle(&mut self) {
        let rows_go_on = !self.put_off.is_empty() && !self.is_called(&self.put_off.links());
        if !rows_go_on && self.wants_read() {
            self.ask_read();
        } else if !self.put_off.is_empty() {
            self.go_on_with_new_rows();
        }
    }

    fn wants_read(&self) -> bool {
        let waits = |_, table: &Table| {
            is_due(&table.wakes, self.clock) || (table.waits > Waits::Nothing && table.trouble.is_none())
        };
        self.clock >= self.not_before && self.calls_for_read(waits)
    }

    /// Does anything wait for a read? What it may be of a link the caller says.
    fn calls_for_read(&self, of_a_link: impl Fn(usize, &Table) -> bool) -> bool {
        self.again
            || self.owes()
            || !self.hints.is_empty()
            || self.next_sweep <= self.clock
            || is_due(&self.wakes, self.clock)
            || self.tables.iter().enumerate().any(|(index, table)| of_a_link(index, table))
    }

    fn on_settle_failed(&mut self, number: BatchNumber) {
        if let Stage::Settling { plan, asked } = &mut self.stage
            && plan.number == number
        {
            *asked = false;
            self.wait();
        }
    }

    fn on_named(&mut self) {
        if matches!(self.stage, Stage::Naming) {
            self.rest();
            self.look_at_all(self.clock);
        }
    }

    fn next_effect_id(&mut self) -> EffectId {
        let id = self.effects;
        self.effects = EffectId(id.0 + 1);
        id
    }

    fn next_owed_id(&mut self) -> OwedId {
        self.debts += 1;
        OwedId(self.debts)
    }

    fn table_named(&self, link: &LinkName) -> Option<usize> {
        self.tables.iter().position(|table| table.plan.rules.name == *link)
    }

    fn tell(&mut self, table: Option<usize>, level: Level, text: String) {
        self.out.push_back(Effect::Notice(Notice { table, text, level }));
    }

    /// After a failure: each wait is twice the one before.
    fn wait(&mut self) {
        let wait = (FIRST_WAIT << self.failures.min(6)).min(LONGEST_WAIT);
        self.failures += 1;
        self.not_before = self.clock + wait;
        self.wakes.insert(self.not_before);
    }

    /// All tabs are looked at again then, whole.
    fn look_at_all(&mut self, at: Micros) {
        for table in &mut self.tables {
            table.wakes.insert(at);
        }
    }

    fn calm(&mut self) {
        self.failures = 0;
        self.not_before = 0;
    }
}

/// Has the first of these times come?
fn is_due(wakes: &BTreeSet<Micros>, now: Micros) -> bool {
    wakes.first().is_some_and(|wake| *wake <= now)
}

pub(crate) fn micros(duration: std::time::Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
