//! New rows of the sheet that go into the table together.
//!
//! A transaction of its own for each row of a filled tab takes longer than what it is made for, so up to [`TOGETHER`] rows that wait
//! one after the other share one. They have nothing else in common. Where the table does not take one of them all are undone: that
//! one is tried alone, so that its person hears the same as ever, and the others go together once more.
//!
//! Only rows whose key was typed: of two rows without one the stream could not tell which the server gave which key.
//!
//! A hundred thousand of them take minutes even so, and all of the spreadsheet would wait for the end of that cycle. So while
//! something waits they have about as long as the look at them took, and the rest is left to the next look ([`PutOff`]). So it is,
//! after nine times as long, where a sweep is due, which may tell of an edit that no event told of:
//!
//! | of a link with rows left | when | then |
//! |--|--|--|
//! | a read | something else waits and had none of its own yet | it shows what waits, and not all of that tab |
//! | the table writes of a cycle | - | new rows go last, but for those of this link that somebody has announced |
//! | new rows of other links | - | they wait until none is left: they may need the rows that were seen before them |

use std::collections::BTreeSet;

use crate::engine::claim::IN_A_MOMENT;
use crate::engine::effect::{Outcome, WriteAim};
use crate::engine::input::{Micros, WriteOutcome};
use crate::engine::pending::Waits;
use crate::engine::sweep::OTHERS_FIRST;
use crate::engine::table::Table;
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, Stage};
use crate::model::rule::Paste;

/// The most rows of one transaction: what it locks, the gap behind the last key as well, is locked for all of its time, and a
/// program that inserts rows waits for it.
const TOGETHER: usize = 20;

/// New rows of one look go in for so long at least, whatever waits: a look is not made for a handful of them.
const AT_LEAST: Micros = 1_000_000;

/// How many new rows share a transaction, and how long those of a look go in at least.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) together: usize,
    pub(super) at_least: Micros,
}

impl Default for Pace {
    fn default() -> Self {
        Self { together: TOGETHER, at_least: AT_LEAST }
    }
}

/// The links of which a look found more new rows than went in before something else had its turn.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    pub(super) links: BTreeSet<usize>,
    /// The last read was for those others alone.
    pub(super) others_had_a_read: bool,
}

impl PutOff {
    /// Other links' new rows were there first.
    pub(super) fn is_behind(&self, index: usize) -> bool {
        !self.links.is_empty() && !self.links.contains(&index)
    }
}

impl Queued {
    /// A new row under the key that was typed, by itself.
    pub(super) fn is_new_with_key(&self) -> bool {
        matches!(self.write.aim, WriteAim::Insert { key: Some(_), .. })
    }

    /// While the row is being fetched the write waits: two transactions of ours that overlap have no order.
    pub(super) fn is_fetched(&self, tables: &[Table]) -> bool {
        self.keys().any(|key| tables[self.write.table].fetching.contains_key(key))
    }
}

impl Writing {
    /// The writes of the next transaction.
    pub(super) fn next_together(&mut self, tables: &[Table], most: usize) -> Option<Vec<Queued>> {
        let mut together = self.queue.pop_front()?;
        self.share = false;
        if let [first] = &together[..]
            && self.may_share(first, tables)
        {
            let index = first.write.table;
            while together.len() < most
                && let Some([next]) = self.queue.front().map(Vec::as_slice)
                && next.write.table == index
                && self.may_share(next, tables)
                && !next.is_fetched(tables)
            {
                together.extend(self.queue.pop_front().into_iter().flatten());
            }
            self.share = together.len() > 1;
        }
        Some(together)
    }

    fn may_share(&self, queued: &Queued, tables: &[Table]) -> bool {
        let apart = tables[queued.write.table].plan.rules.paste == Paste::Rows;
        queued.is_new_with_key() && apart && !self.alone.contains(&queued.write.effect)
    }

    /// New rows go last where some are left from an earlier look, in their order, but for those of these links that somebody
    /// has announced.
    pub(super) fn others_first(&mut self) {
        if self.left_before.is_empty() {
            return;
        }
        let queue = std::mem::take(&mut self.queue);
        let goes_last = |together: &Vec<Queued>| {
            let Some(queued) = together.first() else { return false };
            let index = queued.write.table;
            let is_announced = queued.row.is_some_and(|row| self.hint(index, row).is_some());
            let goes_first = is_announced && self.left_before.contains(&index);
            matches!(queued.write.aim, WriteAim::Insert { .. }) && !goes_first
        };
        let (last, first): (Vec<_>, Vec<_>) = queue.into_iter().partition(goes_last);
        self.queue = first.into_iter().chain(last).collect();
    }
}

impl Engine {
    /// Does what waits have a read of its own, before the next look at a tab that has new rows left?
    pub(super) fn others_go_first(&self) -> bool {
        !self.put_off.links.is_empty()
            && !self.put_off.others_had_a_read
            && (self.others_wait() || self.next_sweep <= self.clock)
    }

    /// Does something wait that is no echo of what we have written into the table ourselves?
    fn is_more_waiting(&self) -> bool {
        let news = |table: &Table| {
            let is_news = table.waits == Waits::News && table.pending.len() > table.stuck;
            table.trouble.is_none() && (is_news || !table.parked.is_empty())
        };
        let is_due = self.wakes().any(|wake| wake <= self.clock);
        is_due || !self.hints.is_empty() || self.tables.iter().any(news)
    }

    /// Leaves new rows to the next look, if something waits and they have had their time.
    pub(super) fn put_off_new_rows(&mut self) {
        let Stage::Writing(writing) = &self.stage else { return };
        let Some(since) = writing.new_rows_since.filter(|_| writing.outstanding.is_empty()) else { return };
        let time = writing.answered.saturating_sub(writing.asked).max(self.pace.at_least);
        let their_time = match (self.is_more_waiting(), self.next_sweep <= self.clock) {
            (true, _) => time,
            (false, true) => OTHERS_FIRST * time,
            (false, false) => return,
        };
        if self.clock < since + their_time {
            return;
        }
        let Stage::Writing(writing) = &mut self.stage else { return };
        let is_left = |together: &Vec<Queued>| matches!(&together[..], [one] if one.is_new_with_key());
        let (left, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut writing.queue).into_iter().partition(is_left);
        writing.queue = rest.into();
        if left.is_empty() {
            return;
        }
        for Queued { write, row, .. } in left.into_iter().flatten() {
            self.put_off.links.insert(write.table);
            match row {
                Some(row) if writing.hint(write.table, row).is_some() => {
                    writing.judge(write.table, row, Outcome::Waiting, None, IN_A_MOMENT.into());
                }
                Some(row) => writing.leave_open(write.table, row),
                None => {}
            }
        }
        for index in &self.put_off.links {
            self.tables[*index].wakes.insert(self.clock);
        }
    }

    /// Nothing is left any more of the rows that others' new rows had to wait for.
    pub(super) fn call_those_behind(&mut self, writing: &Writing) {
        if !writing.left_before.is_empty() && self.put_off.links.is_empty() {
            for table in self.tables.iter_mut().filter(|table| !table.quiet.is_empty()) {
                table.wakes.insert(self.clock);
            }
        }
    }

    /// What became of rows that shared a transaction.
    pub(super) fn take_shared(
        &mut self,
        together: Vec<Queued>,
        outcomes: Vec<WriteOutcome>,
        writing: &mut Writing,
    ) {
        let is_to_blame = |outcome: &WriteOutcome| match outcome {
            WriteOutcome::Refused { .. } | WriteOutcome::Exists | WriteOutcome::Outside => true,
            WriteOutcome::Done { .. } | WriteOutcome::Undone | WriteOutcome::Failed => false,
        };
        if !outcomes.iter().any(is_to_blame) {
            for (queued, outcome) in together.into_iter().zip(outcomes) {
                self.take_outcomes(vec![queued], vec![outcome], writing);
            }
            return;
        }
        for queued in &together {
            self.not_committed(queued);
        }
        let of = together.into_iter().zip(outcomes);
        let (to_blame, again): (Vec<_>, Vec<_>) = of.partition(|(_, outcome)| is_to_blame(outcome));
        writing.alone.extend(to_blame.iter().map(|(queued, _)| queued.write.effect));
        for (queued, _) in again.into_iter().chain(to_blame).rev() {
            writing.queue.push_front(vec![queued]);
        }
    }
}
