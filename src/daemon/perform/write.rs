//! Guarded transactions: lock the row, decide on what it holds, write, read back, and store base and ledger with it.

use std::time::Duration;

use mysql_async::Transaction;

use crate::daemon::perform::meant::{NewRow, Refused, mean, meant_row};
use crate::daemon::perform::trace::{entry, journal};
use crate::daemon::perform::{Performer, now};
use crate::daemon::soft::Soft;
use crate::daemon::table::Table;
use crate::database::{self, write as rows};
use crate::engine::effect::{TableWrite, Want, WriteAim};
use crate::engine::guard::{self, Meant};
use crate::engine::input::{DbRow, DbState, Input, WriteOutcome};
use crate::engine::reconcile::agreed;
use crate::model::base::{BaseChange, RowBase};
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::mark::{ClaimId, EffectId};
use crate::model::value::Value;
use crate::store::ledger::Kind;
use crate::store::{self, StoreError};

/// The wait before the ledger is asked again.
const AGAIN: Duration = Duration::from_millis(250);

/// Why a guarded transaction ended without a commit.
enum Stop {
    /// An outcome that the engine understands.
    Outcome(WriteOutcome),
    /// Our own state could not be written.
    Store(StoreError),
    /// The table could not be written.
    Table(database::Error),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Outcome(WriteOutcome::Refused { column: Some(refused.column), reason: refused.reason })
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<database::Error> for Stop {
    fn from(error: database::Error) -> Self {
        Self::Table(error)
    }
}

impl From<mysql_async::Error> for Stop {
    fn from(error: mysql_async::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Performer {
    pub(super) async fn write(&self, write: TableWrite) -> Input {
        let effect = write.effect;
        let table = &self.tables[write.table];
        let outcome = match self.guarded(table, &write).await {
            Ok(outcome) | Err(Stop::Outcome(outcome)) => outcome,
            Err(Stop::Store(error)) => {
                self.log("a change of the sheet waits", &error);
                WriteOutcome::Failed
            }
            Err(Stop::Table(error)) => self.server_said(table, &error),
        };
        journal(table, &write, &outcome);
        Input::Wrote(effect, outcome)
    }

    async fn guarded(&self, table: &Table, write: &TableWrite) -> Result<WriteOutcome, Stop> {
        let mut tx = self.begin().await?;
        match &write.aim {
            WriteAim::Columns { key, base, known, wants } => {
                self.columns(tx, table, write, (key, base, known.as_ref(), wants)).await
            }
            WriteAim::Insert { key, claim, cells } => {
                self.insert(tx, table, write, (key.as_ref(), *claim, cells)).await
            }
            WriteAim::Delete { key, base } | WriteAim::Mark { key, base } => {
                let Some(locked) = rows::lock_row(&mut tx, &table.schema, key).await? else {
                    return self.forget(tx, table, key, None).await;
                };
                let row = table.row(&locked);
                // What left the filter meanwhile is not the tab's to delete.
                if !guard::untouched(base, &row) || !table.admits(&locked) {
                    tx.rollback().await?;
                    return Ok(done(key, table.state(&locked), None, false));
                }
                if let (WriteAim::Mark { .. }, Some(soft)) = (&write.aim, &table.soft) {
                    return self.mark_deleted(tx, table, write, (key, &row, soft)).await;
                }
                rows::delete(&mut tx, &table.schema, key).await?;
                self.forget(tx, table, key, Some((write, &row))).await
            }
            WriteAim::Recreate { key, base, before, cells, changed } => {
                self.recreate(tx, table, write, ((key, base), before, cells, changed)).await
            }
        }
    }

    async fn columns(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        (key, base, known, wants): (&Key, &RowBase, Option<&DbRow>, &[Want]),
    ) -> Result<WriteOutcome, Stop> {
        let Some(locked) = rows::lock_row(&mut tx, &table.schema, key).await? else {
            tx.rollback().await?;
            return Ok(done(key, DbState::Gone(None), None, false));
        };
        let mut after = table.state(&locked);
        let locked = table.row(&locked);
        let (mut understood, mut refused) = (Vec::new(), Vec::new());
        for want in wants {
            match mean(table, want) {
                Ok(meant) => understood.push(meant),
                Err(reason) => refused.push((want.column, reason)),
            }
        }
        let guarded = guard::columns(&table.plan, base, known, &locked, &understood);
        let changed = !guarded.sets.is_empty();
        if changed {
            let sets: Vec<(usize, Value)> =
                guarded.sets.into_iter().map(|(at, value)| (table.place(at), value)).collect();
            rows::update(&mut tx, &table.schema, key, &sets).await?;
            let Some(read_back) = rows::lock_row(&mut tx, &table.schema, key).await? else {
                tx.rollback().await?;
                return Err(Stop::Outcome(WriteOutcome::Failed));
            };
            after = table.state(&read_back);
            let entry = entry(table, write, Kind::Write, Some(key), None, (Some(&locked), after.row()));
            store::ledger::append(&mut tx, &[entry]).await?;
        }
        if let Some(owed) = write.pays
            && guarded.left.is_empty()
            && refused.is_empty()
        {
            store::owed::delete(&mut tx, &self.spreadsheet, &[owed.0]).await?;
        }
        if guarded.base != *base {
            let change = BaseChange::Set(key.clone(), guarded.base.clone());
            store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        }
        self.conclude(tx, changed.then_some(write.effect)).await?;
        let left = guarded
            .left
            .into_iter()
            .map(|(at, rule)| (at, format!("the table's value stands: {rule}")))
            .collect();
        let (key, base) = (key.clone(), Some(guarded.base));
        Ok(WriteOutcome::Done { after, key, base, left, refused, wrote: changed })
    }

    async fn insert(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        (key, claim, cells): (Option<&Key>, Option<ClaimId>, &[GridCell]),
    ) -> Result<WriteOutcome, Stop> {
        if let Some(key) = key
            && let Some(there) = rows::lock_row(&mut tx, &table.schema, key).await?
        {
            tx.rollback().await?;
            return Ok(if table.admits(&there) { WriteOutcome::Exists } else { WriteOutcome::Outside });
        }
        let NewRow { meant, sets } = meant_row(table, cells, key.is_none())?;
        let made = rows::insert(&mut tx, &table.schema, &sets).await?;
        let Some(read_back) = rows::lock_row(&mut tx, &table.schema, &made).await? else {
            tx.rollback().await?;
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let after = table.row(&read_back);
        let mut base = guard::inserted(table.plan.columns.len(), &meant);
        for (at, column) in table.plan.columns.iter().enumerate() {
            if column.key && claim.is_some() {
                base.columns[at] = Some(agreed(&after[at]));
            }
        }
        let entry = entry(table, write, Kind::Insert, Some(&made), claim, (None, Some(&after)));
        store::ledger::append(&mut tx, &[entry]).await?;
        let link = &table.link.rules.name;
        if let Some(claim) = claim {
            let content = serde_json::to_string(&base).unwrap_or_default();
            store::claim::insert(&mut tx, link, &[(claim, content)]).await?;
            store::claim::keyed(&mut tx, link, claim, &made).await?;
        } else {
            let change = BaseChange::Set(made.clone(), base.clone());
            store::base::apply(&mut tx, link, &[change]).await?;
        }
        self.conclude(tx, Some(write.effect)).await?;
        Ok(done(&made, table.state(&read_back), Some(base), true))
    }

    async fn forget(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        key: &Key,
        deleted: Option<(&TableWrite, &DbRow)>,
    ) -> Result<WriteOutcome, Stop> {
        if let Some((write, row)) = deleted {
            let entry = entry(table, write, Kind::Delete, Some(key), None, (Some(row), None));
            store::ledger::append(&mut tx, &[entry]).await?;
        }
        let change = BaseChange::Forget { key: key.clone(), dead: true };
        store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        self.conclude(tx, deleted.map(|(write, _)| write.effect)).await?;
        Ok(done(key, DbState::Gone(None), None, deleted.is_some()))
    }

    /// A soft delete: the record stays, and base forgets it without a tombstone.
    async fn mark_deleted(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        (key, row, soft): (&Key, &DbRow, &Soft),
    ) -> Result<WriteOutcome, Stop> {
        rows::update(&mut tx, &table.schema, key, &[soft.set(now())]).await?;
        let Some(read_back) = rows::lock_row(&mut tx, &table.schema, key).await? else {
            tx.rollback().await?;
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let after = table.state(&read_back);
        let entry = entry(table, write, Kind::Write, Some(key), None, (Some(row), after.row()));
        store::ledger::append(&mut tx, &[entry]).await?;
        let change = BaseChange::Forget { key: key.clone(), dead: false };
        store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        self.conclude(tx, Some(write.effect)).await?;
        Ok(done(key, after, None, true))
    }

    async fn recreate(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        ((key, base), before, cells, changed): ((&Key, &RowBase), &DbRow, &[GridCell], &[usize]),
    ) -> Result<WriteOutcome, Stop> {
        if rows::lock_row(&mut tx, &table.schema, key).await?.is_some() {
            tx.rollback().await?;
            return Ok(WriteOutcome::Exists);
        }
        let mut sets = Vec::new();
        let mut sent = Vec::new();
        for (at, image) in before.iter().enumerate() {
            let cell = cells[at].value.clone();
            let want = Want { column: at, cell, wins: true, stands: true, form_stands: false };
            let meant = if changed.contains(&at) {
                mean(table, &want).map_err(|reason| Refused { column: at, reason })?
            } else {
                // What the sheet shows beside the edit is as old as base: the last image counts, and goes back to the sheet.
                Meant { want, value: image.value.clone(), shown: image.shown.clone() }
            };
            if !table.column(at).generated {
                sets.push((table.place(at), meant.value.clone()));
            }
            sent.push(meant);
        }
        let base = guard::recreated(base, changed, &sent);
        rows::insert(&mut tx, &table.schema, &sets).await?;
        let read_back = rows::lock_row(&mut tx, &table.schema, key).await?;
        let Some(after) = read_back.map(|row| table.state(&row)) else {
            tx.rollback().await?;
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let entry = entry(table, write, Kind::Insert, Some(key), None, (Some(before), after.row()));
        store::ledger::append(&mut tx, &[entry]).await?;
        let change = BaseChange::Set(key.clone(), base.clone());
        store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        self.conclude(tx, Some(write.effect)).await?;
        Ok(done(key, after, Some(base), true))
    }

    /// Commits. Where the answer is lost the ledger tells whether the transaction was made: nothing is guessed, and an insert
    /// is never made twice. Without an entry nothing of the table was changed, and the same may be done again.
    async fn conclude(&self, tx: Transaction<'static>, effect: Option<EffectId>) -> Result<(), Stop> {
        let Err(error) = tx.commit().await else { return Ok(()) };
        let Some(effect) = effect else { return Err(error.into()) };
        loop {
            match self.is_written(effect).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(error.into()),
                Err(again) => self.log("whether a change was committed is not known yet", &again),
            }
            tokio::time::sleep(AGAIN).await;
        }
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

fn done(key: &Key, after: DbState, base: Option<RowBase>, wrote: bool) -> WriteOutcome {
    WriteOutcome::Done { after, key: key.clone(), base, left: Vec::new(), refused: Vec::new(), wrote }
}
