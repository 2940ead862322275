//! New rows of the sheet that go into the table together.
//!
//! A transaction of its own for each row of a filled tab takes longer than what it is made for, so up to [`TOGETHER`] rows that wait
//! one after the other share one. They have nothing else in common. Where the table does not take one of them all are undone: that
//! one is tried alone, so that its person hears the same as ever, and the others go together once more.
//!
//! Only rows whose key was typed: of two rows without one the stream could not tell which the server gave which key.
//!
//! A hundred thousand of them take minutes even so, and all of the spreadsheet would wait for the end of that cycle. So they have as
//! long in it as it took before the first of them (at most [`MOST`]), and what is left is put off ([`PutOff`]) to cycles that read
//! nothing and end as soon as something else waits, an edit, a change of the table or a sweep. They need no other look: what happens
//! to one of them meanwhile is no other case than if they had gone in without a pause. A person who has announced rows, as by a
//! paste, has her answer when they are in, and so they stay in the cycle that found them while nothing waits.
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
use crate::engine::input::{Micros, View, WriteOutcome};
use crate::engine::pending::Waits;
use crate::engine::table::Table;
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, Stage, is_due};
use crate::model::key::Key;
use crate::model::rule::Paste;

/// The most rows of one transaction: what it locks, the gap behind the last key as well, is locked for all of its time, and a
/// program that inserts rows waits for it.
pub(super) const TOGETHER: usize = 20;

/// New rows go in for no longer than this in a cycle that has read something, however long that took: who waited for the look
/// would wait for as long once more.
const MOST: Micros = 1_000_000;

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
        let goes_first = self.is_announced(queued) && self.left_before.contains(&index);
        (matches!(queued.write.aim, WriteAim::Insert { .. }) && !goes_first).then_some(index)
    }

    fn is_announced(&self, queued: &Queued) -> bool {
        queued.row.is_some_and(|row| self.hint(queued.write.table, row).is_some())
    }

    fn is_put_off(&mut self, queued: &Queued) {
        let index = queued.write.table;
        match queued.row {
            Some(row) if self.is_announced(queued) => {
                self.judge(index, row, Outcome::Waiting, None, IN_A_MOMENT.into());
            }
            Some(row) => self.leave_open(index, row),
            None => {}
        }
    }
}

impl Table {
    /// May a row be made that an earlier look showed? Whatever happened to its key meanwhile is decided on a read.
    fn still_lacks(&self, key: &Key) -> bool {
        let is_well = self.trouble.is_none() && self.stopped.is_none() && self.life.is_live();
        is_well
            && self.knowledge == Knowledge::Sound
            && !self.knows(key)
            && !self.dead.contains(key)
            && self.owed_key(key).is_none()
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

    /// A cycle of what was put off alone.
    pub(super) fn go_on_with_new_rows(&mut self) {
        let (now, nothing) = (self.clock, View::default());
        let mut writing = Writing::new(nothing, (now, now), self.put_off.links(), self.tables.len());
        self.take_up_new_rows(&mut writing);
        self.stage = Stage::Writing(Box::new(writing));
        self.go_on_writing();
    }

    /// Does something wait that goes before new rows of these links? What we have written into the table ourselves does not.
    pub(super) fn is_called(&self, links: &BTreeSet<usize>) -> bool {
        self.calls_for_read(|index, table| {
            let is_news = table.waits == Waits::News && table.pending.len() > table.stuck;
            let is_later = links.contains(&index) && table.rests(self.clock);
            (table.trouble.is_none() && (is_news || !table.parked.is_empty()))
                || (is_due(&table.wakes, self.clock) && !is_later)
        })
    }

    /// Leaves new rows to cycles of their own: all where something waits; else, in a cycle that has read something, those that
    /// nobody announced, so that what is told of the others and of what was read does not wait for them.
    pub(super) fn put_off_new_rows(&mut self) {
        let Stage::Writing(writing) = &self.stage else { return };
        let Some(since) = writing.new_rows_since.filter(|_| writing.outstanding.is_empty()) else { return };
        let their_time = since.saturating_sub(writing.asked).min(MOST);
        let is_called = self.is_called(&writing.left_before);
        let is_enough = is_called || (writing.has_read() && !writing.announced_are_left);
        if !is_enough || self.clock < since + their_time {
            return;
        }
        let Stage::Writing(writing) = &mut self.stage else { return };
        writing.announced_are_left = true;
        for together in std::mem::take(&mut writing.queue) {
            match <[Queued; 1]>::try_from(together) {
                Ok([queued]) if queued.is_new_with_key() && (is_called || !writing.is_announced(&queued)) => {
                    writing.is_put_off(&queued);
                    // The next read has other rows there.
                    let left = self.put_off.0.entry(queued.write.table).or_default();
                    left.push(Queued { row: None, ..queued });
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
