//! The guarded write of one row, within a transaction: lock it, decide on what it holds, write, read back, and store base and
//! ledger with it.

use mysql_async::Transaction;

use crate::daemon::perform::meant::{NewRow, Refused, mean, meant_row};
use crate::daemon::perform::trace::entry;
use crate::daemon::perform::{Performer, now};
use crate::daemon::soft::Soft;
use crate::daemon::table::Table;
use crate::database::{self, write as rows};
use crate::engine::effect::{TableWrite, Want, WriteAim};
use crate::engine::guard::{self, Meant};
use crate::engine::input::{DbRow, DbState, WriteOutcome};
use crate::engine::reconcile::agreed;
use crate::model::base::{BaseChange, RowBase};
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::ClaimId;
use crate::model::value::Value;
use crate::store::ledger::{Entry, Kind};
use crate::store::{self, StoreError};

/// In the ledger, of a record that got a row which stood in the tab without a key.
const TIED: &str = "match_on: a row of the tab without a key is this record";

/// Why a row's part of a transaction came to no end.
pub(super) enum Stop {
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

/// What is stored once for all rows of a transaction, at its end.
#[derive(Default)]
pub(super) struct Kept {
    entries: Vec<Entry>,
    base: Vec<(LinkName, BaseChange)>,
}

impl Kept {
    pub(super) async fn store(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        store::ledger::append(tx, &self.entries).await?;
        for of_link in self.base.chunk_by(|(link, _), (next, _)| link == next) {
            let changes: Vec<BaseChange> = of_link.iter().map(|(_, change)| change.clone()).collect();
            store::base::apply(tx, &of_link[0].0, &changes).await?;
        }
        Ok(())
    }
}

impl Performer {
    /// What is not [`WriteOutcome::Done`] leaves nothing that may be committed.
    pub(super) async fn guarded(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        kept: &mut Kept,
    ) -> Result<WriteOutcome, Stop> {
        match &write.aim {
            WriteAim::Columns { key, base, known, wants } => {
                self.columns(tx, table, write, (key, base, known.as_ref(), wants)).await
            }
            WriteAim::Insert { key, claim, cells } => {
                self.insert(tx, table, write, (key.as_ref(), *claim, cells), kept).await
            }
            WriteAim::Delete { key, base } | WriteAim::Mark { key, base } => {
                let Some(locked) = lock(tx, table, key).await? else {
                    return self.forget(tx, table, key, None).await;
                };
                let row = table.row(&locked);
                // What left the filter meanwhile is not the tab's to delete.
                if !guard::untouched(base, &row) || !table.admits(&locked) {
                    return Ok(done(key, table.state(&locked), None, false));
                }
                if let (WriteAim::Mark { .. }, Some(soft)) = (&write.aim, &table.soft) {
                    return self.mark_deleted(tx, table, write, (key, &row, soft)).await;
                }
                rows::delete(tx, &table.schema, key).await?;
                self.forget(tx, table, key, Some((write, &row))).await
            }
            WriteAim::Tie { key, claim, cells } => self.tie(tx, table, write, (key, *claim, cells)).await,
            WriteAim::Recreate { key, base, before, cells, changed } => {
                self.recreate(tx, table, write, ((key, base), before, cells, changed)).await
            }
            WriteAim::Rename(renaming) => self.rename(tx, table, write, renaming).await,
        }
    }

    async fn columns(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        (key, base, known, wants): (&Key, &RowBase, Option<&DbRow>, &[Want]),
    ) -> Result<WriteOutcome, Stop> {
        let Some(locked) = lock(tx, table, key).await? else {
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
        let mut guarded = guard::columns(&table.plan, base, known, &locked, &understood);
        let changed = !guarded.sets.is_empty();
        if changed {
            let sets: Vec<(usize, Value)> =
                guarded.sets.iter().map(|(at, value)| (table.place(*at), value.clone())).collect();
            rows::update(tx, &table.schema, key, &sets).await?;
            let Some(read_back) = rows::lock_row(tx, &table.schema, key).await? else {
                return Err(Stop::Outcome(WriteOutcome::Failed));
            };
            after = table.state(&read_back);
            guard::calculated(&mut guarded.base, &understood, &table.row(&read_back));
            let entry = entry(table, write, Kind::Write, Some(key), None, (Some(&locked), after.row()));
            store::ledger::append(tx, &[entry]).await?;
        }
        if let Some(owed) = write.pays
            && guarded.left.is_empty()
            && refused.is_empty()
        {
            store::owed::delete(tx, &self.spreadsheet, &[owed.0]).await?;
        }
        if guarded.base != *base {
            let change = BaseChange::Set(key.clone(), guarded.base.clone());
            store::base::apply(tx, &table.link.rules.name, &[change]).await?;
        }
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
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        (key, claim, cells): (Option<&Key>, Option<ClaimId>, &[GridCell]),
        kept: &mut Kept,
    ) -> Result<WriteOutcome, Stop> {
        if let Some(key) = key
            && let Some(there) = rows::lock_row(tx, &table.schema, key).await?
        {
            return Ok(if table.admits(&there) { WriteOutcome::Exists } else { WriteOutcome::Outside });
        }
        let NewRow { meant, sets } = meant_row(table, cells, key.is_none())?;
        let made = rows::insert(tx, &table.schema, &sets).await?;
        let Some(read_back) = rows::lock_row(tx, &table.schema, &made).await? else {
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let after = table.row(&read_back);
        let mut base = guard::inserted(table.plan.columns.len(), &meant);
        guard::calculated(&mut base, &meant, &after);
        for (at, column) in table.plan.columns.iter().enumerate() {
            if column.key && claim.is_some() {
                base.columns[at] = Some(agreed(&after[at]));
            }
        }
        kept.entries.push(entry(table, write, Kind::Insert, Some(&made), claim, (None, Some(&after))));
        if let Some(claim) = claim {
            self.bind(tx, table, (claim, &made), &base).await?;
        } else {
            let change = BaseChange::Set(made.clone(), base.clone());
            kept.base.push((table.link.rules.name.clone(), change));
        }
        Ok(done(&made, table.state(&read_back), Some(base), true))
    }

    /// A row without a key is this record's: nothing of the table changes, and the claim is as that of an insert.
    async fn tie(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        (key, claim, cells): (&Key, ClaimId, &[GridCell]),
    ) -> Result<WriteOutcome, Stop> {
        let Some(locked) = rows::lock_row(tx, &table.schema, key).await? else {
            return Ok(done(key, DbState::Gone(None), None, false));
        };
        let after = table.state(&locked);
        let base = guard::tied(&table.plan, cells, &table.row(&locked));
        let Some(base) = base.filter(|_| table.admits(&locked)) else {
            return Ok(done(key, after, None, false));
        };
        let entry = Entry {
            cause: TIED.to_owned(),
            ..entry(table, write, Kind::Note, Some(key), Some(claim), (None, None))
        };
        store::ledger::append(tx, &[entry]).await?;
        self.bind(tx, table, (claim, key), &base).await?;
        Ok(done(key, after, Some(base), true))
    }

    /// The claimed row is owed this key.
    async fn bind(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        (claim, key): (ClaimId, &Key),
        base: &RowBase,
    ) -> Result<(), StoreError> {
        let link = &table.link.rules.name;
        let content = serde_json::to_string(base).unwrap_or_default();
        store::claim::insert(tx, link, &[(claim, content)]).await?;
        store::claim::keyed(tx, link, claim, key).await
    }

    async fn forget(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        key: &Key,
        deleted: Option<(&TableWrite, &DbRow)>,
    ) -> Result<WriteOutcome, Stop> {
        if let Some((write, row)) = deleted {
            let entry = entry(table, write, Kind::Delete, Some(key), None, (Some(row), None));
            store::ledger::append(tx, &[entry]).await?;
        }
        let change = BaseChange::Forget { key: key.clone(), dead: true };
        store::base::apply(tx, &table.link.rules.name, &[change]).await?;
        Ok(done(key, DbState::Gone(None), None, deleted.is_some()))
    }

    /// A soft delete: the record stays, and base forgets it without a tombstone.
    async fn mark_deleted(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        (key, row, soft): (&Key, &DbRow, &Soft),
    ) -> Result<WriteOutcome, Stop> {
        rows::update(tx, &table.schema, key, &[soft.set(now())]).await?;
        let Some(read_back) = rows::lock_row(tx, &table.schema, key).await? else {
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let after = table.state(&read_back);
        let entry = entry(table, write, Kind::Write, Some(key), None, (Some(row), after.row()));
        store::ledger::append(tx, &[entry]).await?;
        let change = BaseChange::Forget { key: key.clone(), dead: false };
        store::base::apply(tx, &table.link.rules.name, &[change]).await?;
        Ok(done(key, after, None, true))
    }

    async fn recreate(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        ((key, base), before, cells, changed): ((&Key, &RowBase), &DbRow, &[GridCell], &[usize]),
    ) -> Result<WriteOutcome, Stop> {
        if rows::lock_row(tx, &table.schema, key).await?.is_some() {
            return Ok(WriteOutcome::Exists);
        }
        let mut sets = Vec::new();
        let mut sent = Vec::new();
        for (at, image) in before.iter().enumerate() {
            let cell = cells[at].value.clone();
            let want = Want::of(at, cell);
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
        rows::insert(tx, &table.schema, &sets).await?;
        let read_back = rows::lock_row(tx, &table.schema, key).await?;
        let Some(after) = read_back.map(|row| table.state(&row)) else {
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let entry = entry(table, write, Kind::Insert, Some(key), None, (Some(before), after.row()));
        store::ledger::append(tx, &[entry]).await?;
        let change = BaseChange::Set(key.clone(), base.clone());
        store::base::apply(tx, &table.link.rules.name, &[change]).await?;
        Ok(done(key, after, Some(base), true))
    }
}

/// Locks a record; `None` where the server finds one under this key that has another spelling by now.
pub(super) async fn lock(
    tx: &mut Transaction<'_>,
    table: &Table,
    key: &Key,
) -> database::error::Result<Option<Vec<Value>>> {
    let found = rows::lock_row(tx, &table.schema, key).await?;
    Ok(found.filter(|row| table.own_key(key, row).is_none()))
}

pub(super) fn done(key: &Key, after: DbState, base: Option<RowBase>, wrote: bool) -> WriteOutcome {
    WriteOutcome::Done { after, key: key.clone(), base, left: Vec::new(), refused: Vec::new(), wrote }
}
