//! New rows of the sheet that go into the table together.
//!
//! A transaction of its own for each row of a filled tab takes longer than what it is made for, so up to [`TOGETHER`] rows that wait
//! one after the other share one. They have nothing else in common. Where the table does not take one of them all are undone: that
//! one is tried alone, so that its person hears the same as ever, and the others go together once more.
//!
//! Only rows whose key was typed: of two rows without one the stream could not tell which the server gave which key.

use crate::engine::Engine;
use crate::engine::effect::WriteAim;
use crate::engine::input::WriteOutcome;
use crate::engine::table::Table;
use crate::engine::writing::{Queued, Writing};
use crate::model::rule::Paste;

/// The most rows of one transaction: what it locks, the gap behind the last key as well, is locked for all of its time, and a
/// program that inserts rows waits for it.
const TOGETHER: usize = 20;

impl Queued {
    /// While the row is being fetched the write waits: two transactions of ours that overlap have no order.
    pub(super) fn is_fetched(&self, tables: &[Table]) -> bool {
        self.keys().any(|key| tables[self.write.table].fetching.contains_key(key))
    }
}

impl Writing {
    /// The writes of the next transaction.
    pub(super) fn next_together(&mut self, tables: &[Table]) -> Option<Vec<Queued>> {
        let mut together = self.queue.pop_front()?;
        self.share = false;
        if let [first] = &together[..]
            && self.may_share(first, tables)
        {
            let index = first.write.table;
            while together.len() < TOGETHER
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
        let is_new = matches!(queued.write.aim, WriteAim::Insert { key: Some(_), .. });
        let apart = tables[queued.write.table].plan.rules.paste == Paste::Rows;
        is_new && apart && !self.alone.contains(&queued.write.effect)
    }
}

impl Engine {
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
