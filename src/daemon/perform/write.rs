//! Transactions on the table: one row's write, or those of a paste or of new rows that share one. All are committed or none.

use crate::daemon::perform::Performer;
use crate::daemon::perform::guarded::{Kept, Stop};
use crate::daemon::perform::trace::journal;
use crate::daemon::table::Table;
use crate::database;
use crate::engine::effect::TableWrite;
use crate::engine::input::{Input, WriteOutcome};
use crate::model::mark::EffectId;
use crate::model::rule::Paste;
use crate::store::{self, Fenced, StoreError};

impl Performer {
    pub(super) async fn write(&self, writes: Vec<TableWrite>) -> Result<Input, StoreError> {
        let outcomes = match self.together(&writes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.log("a change of the sheet waits", &error);
                if error.is_final() {
                    return Err(error);
                }
                vec![WriteOutcome::Failed; writes.len()]
            }
        };
        for (write, outcome) in writes.iter().zip(&outcomes) {
            journal(&self.tables[write.table], write, outcome);
            self.log_write(write, outcome);
        }
        Ok(Input::Wrote(writes.iter().map(|write| write.effect).zip(outcomes).collect()))
    }

    async fn together(&self, writes: &[TableWrite]) -> Result<Vec<WriteOutcome>, StoreError> {
        let mut tx = self.begin().await?;
        let (mut outcomes, mut kept) = (Vec::with_capacity(writes.len()), Kept::default());
        for write in writes {
            let table = &self.tables[write.table];
            let outcome = match self.guarded(&mut tx, table, write, &mut kept).await {
                Ok(outcome) | Err(Stop::Outcome(outcome)) => outcome,
                Err(Stop::Store(error)) => return Err(error),
                Err(Stop::Table(error)) => self.server_said(table, &error),
            };
            outcomes.push(if is_whole(table, write) { whole(outcome) } else { outcome });
            // The other rows are still asked: a person hears of every one that is refused. Not after a failure, which may have
            // ended the transaction.
            if matches!(outcomes.last(), Some(WriteOutcome::Failed)) {
                break;
            }
        }
        let is_done = |outcome: &WriteOutcome| matches!(outcome, WriteOutcome::Done { .. });
        if outcomes.len() == writes.len() && outcomes.iter().all(is_done) {
            let wrote = |outcome: &WriteOutcome| matches!(outcome, WriteOutcome::Done { wrote: true, .. });
            kept.store(&mut tx).await?;
            let first = writes.iter().zip(&outcomes).find(|(_, outcome)| wrote(outcome));
            self.conclude(tx, first.map(|(write, _)| write.effect)).await?;
            return Ok(outcomes);
        }
        // A session that cannot even do this is lost, and its transaction with it.
        let _ = tx.rollback().await;
        outcomes.resize(writes.len(), WriteOutcome::Undone);
        let undone = |outcome| if is_done(&outcome) { WriteOutcome::Undone } else { outcome };
        Ok(outcomes.into_iter().map(undone).collect())
    }

    /// Commits. Where the answer is lost the ledger tells whether the transaction was made: nothing is guessed, and an insert
    /// is never made twice. Without an entry nothing of the table was changed, and the same may be done again.
    async fn conclude(&self, tx: Fenced<'_>, effect: Option<EffectId>) -> Result<(), StoreError> {
        let Err(error) = tx.commit().await else { return Ok(()) };
        let Some(effect) = effect else { return Err(error) };
        let is_written =
            self.insist("whether a change was committed is not known yet", || self.is_written(effect));
        if is_written.await? { Ok(()) } else { Err(error) }
    }

    async fn is_written(&self, effect: EffectId) -> Result<bool, StoreError> {
        let mut conn = self.pool.get_conn().await?;
        store::ledger::is_written(&mut conn, effect).await
    }

    /// What the server's refusal means for the person in the sheet.
    fn server_said(&self, table: &Table, error: &database::Error) -> WriteOutcome {
        if let Some(refusal) = error.refusal() {
            let named = refusal.column();
            let column = (0..table.plan.columns.len())
                .find(|at| named.is_some_and(|name| table.column(*at).name.eq_ignore_ascii_case(name)));
            return WriteOutcome::Refused { column, reason: refusal.to_string() };
        }
        self.log("a change of the sheet waits", error);
        // Nothing is lost and nothing is held: it is tried again, after a person has mended what the journal names.
        WriteOutcome::Failed
    }
}

/// Does the link want all of an edit or nothing? What the sheet does not show any more has no part in one.
fn is_whole(table: &Table, write: &TableWrite) -> bool {
    table.plan.rules.paste == Paste::All && write.pays.is_none()
}

/// A row of which one cell is refused is refused.
fn whole(outcome: WriteOutcome) -> WriteOutcome {
    match outcome {
        WriteOutcome::Done { refused, .. } if !refused.is_empty() => {
            let (column, reason) = refused.into_iter().next().unwrap_or_default();
            WriteOutcome::Refused { column: Some(column), reason }
        }
        outcome => outcome,
    }
}
