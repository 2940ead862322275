//! Sweeps: looks at all of a tab for what no event told, and how they give way.
//!
//! Such a look takes as long as Google needs for the tab, half a second for some thousand rows and minutes for a million, and what
//! comes meanwhile would wait for its end. So for nine times as long as the last one took whatever comes goes first: no sweep is
//! begun while something waits, and one that is under way is given up. Then it is the sweep's turn, and what comes waits for it.
//! Where changes never rest the sweeps take a tenth of the time, and they are never put off for good.
//!
//! ```text
//! a look ends ----nine times its time----> a sweep is due already: its turn
//!             ----> a sweep is due: begun if nothing waits ----nine times the look's time----> its turn
//! ```
//! The time runs from the last look's end; where it is over before the next sweep is due it runs from there.
//!
//! Only what can be decided by single rows goes first: the rest waits for a look at the whole tab anyway.

use crate::engine::effect::Effect;
use crate::engine::input::Micros;
use crate::engine::pending::Waits;
use crate::engine::places::Scope;
use crate::engine::table::Table;
use crate::engine::{Engine, Stage, is_due, micros};
use crate::model::grid::RECEIPT_LINES;

/// A large tab is swept so seldom that its sweeps move a megabyte a second: a cell is about fifty bytes on the wire.
const MICROS_A_CELL: Micros = 50;

/// For so many times as long as a look took others go before the next one.
const OTHERS_FIRST: u64 = 9;

/// When it is a tab's turn to be swept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// No sooner in any case.
    not_before: Micros,
    /// Until then what waits goes first.
    others_until: Micros,
    /// For so long it does.
    patience: Micros,
    /// As long after the last look as it took: for new rows that were put off it is not repeated any sooner (`new_rows`).
    rests_until: Micros,
    /// A sweep has become due since the last look.
    is_due: bool,
}

impl Turn {
    /// All of the tab's cells were looked at between these times.
    fn looked(&mut self, asked: Micros, answered: Micros, cells: u64) {
        self.in_vain(asked, cells);
        self.patience = (answered - asked) * OTHERS_FIRST;
        self.others_until = answered + self.patience;
        self.rests_until = answered + (answered - asked);
        self.is_due = false;
    }

    /// A look that was given up has cost what another one costs: the next is tried no sooner for it.
    fn in_vain(&mut self, asked: Micros, cells: u64) {
        self.not_before = asked + cells * MICROS_A_CELL;
    }

    fn due(&mut self, now: Micros) {
        if !self.is_due && self.others_until <= now {
            self.others_until = now + self.patience;
        }
        self.is_due = true;
    }

    fn gives_way(&self, now: Micros) -> bool {
        now < self.others_until
    }

    /// From then on it waits for nobody.
    fn comes(&self) -> Micros {
        self.not_before.max(self.others_until)
    }
}

impl Table {
    /// All of the tab was looked at between these times.
    pub(super) fn swept(&mut self, asked: Micros, answered: Micros) {
        let cells = self.cells_known();
        self.turn_to_sweep.looked(asked, answered, cells);
    }

    pub(super) fn cells_known(&self) -> u64 {
        (self.places.len() * self.width()) as u64
    }

    pub(super) fn may_be_swept(&self, now: Micros, others_wait: bool) -> bool {
        let turn = &self.turn_to_sweep;
        self.life.is_live() && turn.not_before <= now && !(others_wait && turn.gives_way(now))
    }

    /// Was all of it looked at so lately that its new rows go first?
    pub(super) fn rests(&self, now: Micros) -> bool {
        now < self.turn_to_sweep.rests_until
    }

    fn is_waited_for(&self) -> bool {
        self.trouble.is_none()
            && (self.waits > Waits::Nothing || !self.pending.is_empty() || !self.parked.is_empty())
    }
}

impl Engine {
    /// A read is about to be made: is it time for a sweep, too?
    pub(super) fn is_sweep_due(&mut self) -> bool {
        let is_due = self.next_sweep <= self.clock;
        if is_due {
            self.tables.iter_mut().for_each(|table| table.turn_to_sweep.due(self.clock));
        }
        is_due
    }

    /// Sets the time of the next sweep after a read that shows so much: an interval from now, or when those that gave way have
    /// their turn, if that is sooner.
    pub(super) fn set_next_sweep(&mut self, scopes: &[Scope]) {
        let wish = self.tables.iter().map(|table| table.plan.rules.sweep_interval).min();
        self.next_sweep = self.clock + micros(wish.unwrap_or_default());
        let gave_way = self.tables.iter().zip(scopes).filter(|(_, scope)| **scope != Scope::Whole);
        self.sweep_in_turn(gave_way.map(|(table, _)| table.turn_to_sweep.comes()).max());
    }

    fn sweep_in_turn(&mut self, turn: Option<Micros>) {
        let turn = turn.filter(|turn| *turn > self.clock);
        self.next_sweep = self.next_sweep.min(turn.unwrap_or(Micros::MAX));
    }

    /// Does something wait that a sweep would hold up?
    pub(super) fn others_wait(&self) -> bool {
        !self.hints.is_empty() || !self.put_off.is_empty() || self.tables.iter().any(Table::is_waited_for)
    }

    /// The rows that a read has to show of a tab for what waits now; `None` where that takes all of it.
    pub(super) fn rows_that_will_do(&self, index: usize) -> Option<Vec<u32>> {
        let table = &self.tables[index];
        if !self.is_passed_over(index) && is_due(&table.wakes, self.clock) {
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
        let gives_way = |index: &usize| self.tables[*index].turn_to_sweep.gives_way(self.clock);
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
        for index in &swept {
            let cells = self.tables[*index].cells_known();
            self.tables[*index].turn_to_sweep.in_vain(self.clock, cells);
        }
        self.sweep_in_turn(swept.iter().map(|index| self.tables[*index].turn_to_sweep.comes()).max());
        if let Stage::Reading { hints, .. } = std::mem::replace(&mut self.stage, Stage::Idle) {
            self.hints.splice(0..0, hints);
        }
    }
}
