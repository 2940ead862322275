//! Sweeps: looks at all of a tab for what no event told, and how they give way.
//!
//! Such a look takes as long as Google needs for the tab, minutes for a million rows, and what comes meanwhile would wait for its
//! end. So for nine times as long as the last one took whatever comes goes first: no sweep is begun while something waits, and one
//! that is under way is given up. Then it is the sweep's turn, and what comes waits for it. Where changes never rest the sweeps take
//! a tenth of the time, and they are never put off for good.
//!
//! Only what can be decided by single rows goes first: the rest waits for a look at the whole tab anyway.

use crate::engine::effect::Effect;
use crate::engine::input::Micros;
use crate::engine::places::Scope;
use crate::engine::table::Table;
use crate::engine::{Engine, Stage};
use crate::model::grid::RECEIPT_LINES;

/// A large tab is swept so seldom that its sweeps move a megabyte a second: a cell is about fifty bytes on the wire.
const MICROS_A_CELL: Micros = 50;

/// For so many times as long as a look took others go before the next one.
const OTHERS_FIRST: u64 = 9;

impl Table {
    /// All of the tab was looked at between these times.
    pub(super) fn swept(&mut self, asked: Micros, answered: Micros) {
        self.swept_in_vain(asked);
        self.others_first_until = answered + (answered - asked) * OTHERS_FIRST;
    }

    /// A look that was given up has cost what another one costs: the next is tried no sooner for it.
    fn swept_in_vain(&mut self, asked: Micros) {
        let cells = (self.places.len() * self.width()) as u64;
        self.not_swept_before = asked + cells * MICROS_A_CELL;
    }

    pub(super) fn may_be_swept(&self, now: Micros, others_wait: bool) -> bool {
        self.life.is_live() && self.not_swept_before <= now && !(others_wait && self.gives_way(now))
    }

    fn gives_way(&self, now: Micros) -> bool {
        now < self.others_first_until
    }

    fn is_waited_for(&self) -> bool {
        self.trouble.is_none() && (self.dirty || !self.pending.is_empty() || !self.parked.is_empty())
    }
}

impl Engine {
    /// Does something wait that a sweep would hold up?
    pub(super) fn others_wait(&self) -> bool {
        !self.hints.is_empty() || self.tables.iter().any(Table::is_waited_for)
    }

    /// The rows that a read has to show of a tab for what waits now; `None` where that takes all of it.
    pub(super) fn rows_that_will_do(&self, index: usize) -> Option<Vec<u32>> {
        let table = &self.tables[index];
        if table.wakes.first().is_some_and(|wake| *wake <= self.clock) {
            return None;
        }
        let hints = self.hints.iter().filter(|hint| hint.table == index);
        let announced: Vec<(u32, u32)> = hints.map(|hint| hint.rows).collect::<Option<_>>()?;
        table.rows_to_read(self.batch_limit.min(RECEIPT_LINES), &announced)
    }

    /// Gives up the sweep that is under way, if something waits that goes first.
    pub(super) fn give_way(&mut self) {
        let Stage::Reading { number, scopes, is_sweep: true, .. } = &self.stage else { return };
        let is_swept = |index: &usize| matches!(scopes.get(*index), Some(Scope::Whole));
        let swept: Vec<usize> = (0..self.tables.len()).filter(is_swept).collect();
        let gives_way = |index: &usize| self.tables[*index].gives_way(self.clock);
        let will_do = |index| self.rows_that_will_do(index).is_some();
        if !swept.iter().all(gives_way)
            || !self.others_wait()
            || self.clock < self.not_before
            || self.owes()
            || !(0..self.tables.len()).all(will_do)
        {
            return;
        }
        self.out.push_back(Effect::GiveUp(*number));
        for index in swept {
            self.tables[index].swept_in_vain(self.clock);
        }
        if let Stage::Reading { hints, .. } = std::mem::replace(&mut self.stage, Stage::Idle) {
            self.hints.splice(0..0, hints);
        }
    }
}
