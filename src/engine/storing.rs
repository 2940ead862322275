//! The end of a cycle: what became certain is stored, and beside that the next read is asked.
//!
//! A commit takes milliseconds, and some hundred of them after a batch that carried thousands of rows; a read takes as long at
//! Google's. The batch is settled before its commit goes out, so nothing that the next read has to show is missing by then. But what
//! is decided on it stands on base, and base has to be what a restart would find: an answer is looked at when that is durable. One
//! that came sooner would have to wait, and grow old: people would have longer to move rows before the batch that it leads to. It
//! counts for nothing and is asked again. That costs a call, so reads that are quicker than commits are not asked beside them.
//!
//! | while a commit is under way | then |
//! |--|--|
//! | nothing waits that a read could bring further | it is waited for |
//! | the last commit, or this one so far, took as long as the last read | it is waited for |
//! | a debt is open, a sweep is due, new rows were put off | it is waited for: what comes next depends on it, or gives way to others |
//! | else | the next read is asked |
//! | the answer to that read, also that there is none | it counts for nothing, the read is asked again after the commit |
//! | the end, before that answer | nothing is under way but a read like any other |

use crate::engine::effect::{Commit, Effect};
use crate::engine::held::HoldChange;
use crate::engine::input::Micros;
use crate::engine::table::Table;
use crate::engine::{Engine, Stage};

/// How far the commit of the last cycle is, and what commits and reads take.
#[derive(Debug, Default)]
pub(super) struct Storing {
    /// When the commit that is under way went out.
    since: Option<Micros>,
    /// What the last commit took.
    commit: Micros,
    /// What the last read took.
    read: Micros,
}

impl Storing {
    /// A read was answered after so long.
    pub(super) fn read_took(&mut self, micros: Micros) {
        self.read = micros;
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.since.is_some()
    }

    /// Will a read that is asked now be answered when the commit is durable?
    fn ends_before_a_read(&self, now: Micros) -> bool {
        let so_far = self.since.map_or(0, |since| now - since);
        self.read > self.commit.max(so_far)
    }
}

impl Engine {
    pub(super) fn commit(&mut self, mut commit: Commit) {
        commit.front = self.waiting_front();
        commit.held.extend(self.take_holds());
        self.say_soon(&commit);
        self.stage = Stage::Committing;
        self.store(commit);
    }

    pub(super) fn store(&mut self, commit: Commit) {
        self.storing.since = Some(self.clock);
        self.out.push_back(Effect::Commit(Box::new(commit)));
    }

    /// Held cells that the store does not know of.
    pub(super) fn take_holds(&mut self) -> Vec<(usize, HoldChange)> {
        let changes = |(index, table): (usize, &mut Table)| {
            table.held.take_changes().into_iter().map(move |change| (index, change))
        };
        self.tables.iter_mut().enumerate().flat_map(changes).collect()
    }

    /// What is listed is said at its cell by the cycle after it.
    pub(super) fn say_soon(&mut self, commit: &Commit) {
        if !commit.conflicts.is_empty() {
            self.wakes.insert(self.clock);
        }
    }

    /// Asks the next read beside the commit.
    pub(super) fn read_ahead(&mut self) {
        let is_in_time = self.storing.ends_before_a_read(self.clock);
        let is_alone = self.owed.is_empty() && self.put_off.is_empty() && self.next_sweep > self.clock;
        if is_in_time && is_alone && self.wants_read() {
            self.ask_read();
        }
    }

    /// Where a cycle stands when its read has led to nothing.
    pub(super) fn without_read(&self) -> Stage {
        if self.storing.is_under_way() { Stage::Committing } else { Stage::Idle }
    }

    pub(super) fn on_committed(&mut self) {
        if let Some(since) = self.storing.since.take() {
            self.storing.commit = self.clock - since;
        }
        match self.stage {
            Stage::Committing => self.rest(),
            // Its cycle is over when the names are written.
            Stage::Naming => {}
            _ => self.settle_cycle(),
        }
    }

    /// The cycle is over: what it settled is durable.
    pub(super) fn rest(&mut self) {
        self.stage = Stage::Idle;
        self.settle_cycle();
    }

    fn settle_cycle(&mut self) {
        self.cycle_front = None;
        self.tables.iter_mut().for_each(Table::rest);
    }
}
