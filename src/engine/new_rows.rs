//! New rows of the sheet that go into the table together.
//!
//! A transaction of its own for each row of a filled tab takes longer than what it is made for, so up to [`TOGETHER`] rows that wait
//! one after the other share one. They have nothing else in common. Where the table does not take one of them all are undone: that
//! one is tried alone, so that its person hears the same as ever, and the others go together once more.
//!
//! Only rows whose key was typed: of two rows without one the stream could not tell which the server gave which key.
//!
//! A hundred thousand of them take minutes even so, and all of the spreadsheet would wait for the end of that cycle. So they give
//! way: when something waits, and they have had as long as the cycle took before the first of them (at most [`MOST`]), the rest is
//! put off ([`PutOff`]). The next cycle reads what waits, and goes on with them where this one stopped: they need no other look.
//! What happens to one of them meanwhile is no other case than if it had happened while they went in without a pause.
//!
//! | of a link with rows put off | when | then |
//! |--|--|--|
//! | a time at which all of its tab is looked at | the last look took longer than it is past | it is later: what waits is read |
//! | | else | all of the tab is read, and they are found again |
//! | an announced change of one of them | - | the same at once, for it is no record's row yet |
//! | the table writes of a cycle | - | new rows go last, but for those of this link that somebody has announced |
//! | one whose key the table has by now, or had | - | it is left to the next look, as are all if the link is not live |
//! | new rows of other links | - | they wait until none is left: they may need the rows that were seen before them |

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::adopt::Knowledge;
use crate::engine::claim::IN_A_MOMENT;
use crate::engine::effect::{Outcome, WriteAim};
use crate::engine::input::{Micros, WriteOutcome};
use crate::engine::pending::Waits;
use crate::engine::table::Table;
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, Stage};
use crate::model::key::Key;
use crate::model::rule::Paste;

/// The most rows of one transaction: what it locks, the gap behind the last key as well, is locked for all of its time, and a
/// program that inserts rows waits for it.
pub(super) const TOGETHER: usize = 20;

/// New rows of one cycle go in for no longer than this while something waits, however long the look at them took.
const MOST: Micros = 5_000_000;

/// The new rows that looks found and that gave way, by link, in the order of their tab.
#[derive(Debug, Default)]
pub(super) struct PutOff(BTreeMap<usize, Vec<Queued>>);

impl PutOff {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn links(&self) -> BTreeSet<usize> {
        self.0.keys().copied().collect()
    }

    pub(super) fn are_of(&self, index: usize) -> bool {
        self.0.contains_key(&index)
    }

    /// A look at all of the tab finds them again.
    pub(super) fn forget(&mut self, index: usize) {
        self.0.remove(&index);
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

    fn may_share(&self, tables: &[Table]) -> bool {
        let apart = tables[self.write.table].plan.rules.paste == Paste::Rows;
        self.is_new_with_key() && apart && !self.alone
    }
}

impl Writing {
    /// The writes of the next transaction.
    pub(super) fn next_together(&mut self, tables: &[Table], most: usize) -> Option<Vec<Queued>> {
        let mut together = self.queue.pop_front()?;
        self.share = false;
        if let [first] = &together[..]
            && first.may_share(tables)
        {
            let index = first.write.table;
            while together.len() < most
                && let Some([next]) = self.queue.front().map(Vec::as_slice)
                && next.write.table == index
                && next.may_share(tables)
                && !next.is_fetched(tables)
            {
                together.extend(self.queue.pop_front().into_iter().flatten());
            }
            self.share = together.len() > 1;
        }
        Some(together)
    }

    /// Other links' new rows were there first.
    pub(super) fn is_behind(&self, index: usize) -> bool {
        !self.left_before.is_empty() && !self.left_before.contains(&index)
    }

    /// The link of new rows that go last: somebody has announced the others.
    fn goes_last(&self, together: &[Queued]) -> Option<usize> {
        let queued = together.first()?;
        let index = queued.write.table;
        let is_announced = queued.row.is_some_and(|row| self.hint(index, row).is_some());
        let goes_first = is_announced && self.left_before.contains(&index);
        (matches!(queued.write.aim, WriteAim::Insert { .. }) && !goes_first).then_some(index)
    }
}

impl Table {
    /// May a row be made that an earlier look showed? Whatever happened to its key meanwhile is decided on a read.
    fn still_lacks(&self, key: &Key) -> bool {
        let is_settled = self.life.is_live() && self.knowledge == Knowledge::Sound;
        is_settled && !self.knows(key) && !self.dead.contains(key) && self.owed_key(key).is_none()
    }
}

impl Engine {
    /// Is all of the tab looked at later, although its time has come?
    pub(super) fn is_passed_over(&self, index: usize) -> bool {
        self.put_off.are_of(index) && self.tables[index].rests(self.clock)
    }

    /// Goes on with what was put off, behind what this cycle found.
    pub(super) fn take_up_new_rows(&mut self, writing: &mut Writing) {
        if writing.left_before.is_empty() || self.is_mending() {
            return;
        }
        let mut last: BTreeMap<usize, Vec<Vec<Queued>>> = BTreeMap::new();
        for together in std::mem::take(&mut writing.queue) {
            match writing.goes_last(&together) {
                Some(index) => last.entry(index).or_default().push(together),
                None => writing.queue.push_back(together),
            }
        }
        for (index, left) in std::mem::take(&mut self.put_off).0 {
            let table = &mut self.tables[index];
            let of_the_link = last.entry(index).or_default();
            for queued in left {
                if queued.key().is_some_and(|key| table.still_lacks(key)) {
                    of_the_link.push(vec![queued]);
                } else {
                    table.wakes.insert(self.clock);
                }
            }
        }
        writing.queue.extend(last.into_values().flatten());
    }

    /// Does something wait that is no echo of what we have written into the table ourselves?
    fn is_more_waiting(&self, writing: &Writing) -> bool {
        let is_due = |wakes: &BTreeSet<Micros>| wakes.first().is_some_and(|wake| *wake <= self.clock);
        let waits = |(index, table): (usize, &Table)| {
            let is_news = table.waits == Waits::News && table.pending.len() > table.stuck;
            let is_later = writing.left_before.contains(&index) && table.rests(self.clock);
            (table.trouble.is_none() && (is_news || !table.parked.is_empty()))
                || (is_due(&table.wakes) && !is_later)
        };
        !self.hints.is_empty() || is_due(&self.wakes) || self.tables.iter().enumerate().any(waits)
    }

    /// Leaves new rows to the next cycle, if something waits and they have had their time.
    pub(super) fn put_off_new_rows(&mut self) {
        let Stage::Writing(writing) = &self.stage else { return };
        let Some(since) = writing.new_rows_since.filter(|_| writing.outstanding.is_empty()) else { return };
        let their_time = since.saturating_sub(writing.asked).min(MOST);
        let is_called = || self.next_sweep <= self.clock || self.is_more_waiting(writing);
        if self.clock < since + their_time || !is_called() {
            return;
        }
        let Stage::Writing(writing) = &mut self.stage else { return };
        for together in std::mem::take(&mut writing.queue) {
            match <[Queued; 1]>::try_from(together) {
                Ok([mut queued]) if queued.is_new_with_key() => {
                    let index = queued.write.table;
                    // The next read has other rows there.
                    match queued.row.take() {
                        Some(row) if writing.hint(index, row).is_some() => {
                            writing.judge(index, row, Outcome::Waiting, None, IN_A_MOMENT.into());
                        }
                        Some(row) => writing.leave_open(index, row),
                        None => {}
                    }
                    self.put_off.0.entry(index).or_default().push(queued);
                }
                Ok(other) => writing.queue.push_back(other.into()),
                Err(together) => writing.queue.push_back(together),
            }
        }
    }

    /// Where a refused row stands that was put off a look at its tab shows.
    pub(super) fn tell_at_its_row(&mut self, queued: &Queued) {
        if queued.row.is_none() {
            self.tables[queued.write.table].wakes.insert(self.clock);
        }
    }

    /// Nothing is left any more of the rows that others' new rows had to wait for.
    pub(super) fn call_those_behind(&mut self, writing: &Writing) {
        if !writing.left_before.is_empty() && self.put_off.is_empty() {
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
        let again = again.into_iter().map(|(queued, _)| queued);
        let alone = to_blame.into_iter().map(|(queued, _)| Queued { alone: true, ..queued });
        for queued in again.chain(alone).rev() {
            writing.queue.push_front(vec![queued]);
        }
    }
}
