//! Guarded transactions: lock the row, decide on what it holds, write, read back, and store base and ledger with it.

use mysql_async::Transaction;

use crate::daemon::perform::Performer;
use crate::daemon::table::Table;
use crate::database::{self, write as rows};
use crate::engine::effect::{TableWrite, Want, WriteAim};
use crate::engine::guard::{self, Meant};
use crate::engine::input::{DbRow, DbState, Input, WriteOutcome};
use crate::engine::reconcile::agreed;
use crate::fault::{Classify, Fault};
use crate::model::base::{BaseChange, RowBase};
use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::mark::ClaimId;
use crate::model::value::Value;
use crate::store::ledger::{Entry, Kind};
use crate::store::{self, StoreError};

/// Why a guarded transaction ended without a commit.
enum Stop {
    /// An outcome that the engine understands.
    Outcome(WriteOutcome),
    /// Our own state could not be written.
    Store(StoreError),
    /// The table could not be written.
    Table(database::Error),
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
        self.journal(table, &write, &outcome);
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
            WriteAim::Delete { key, base } | WriteAim::SoftDelete { key, base } => {
                let Some(locked) = rows::lock_row(&mut tx, &table.schema, key).await? else {
                    return self.forget(tx, table, key, None).await;
                };
                let row = table.row(&locked);
                if !guard::untouched(base, &row) {
                    tx.rollback().await?;
                    return Ok(done(key, DbState::Row(row), None, false));
                }
                rows::delete(&mut tx, &table.schema, key).await?;
                self.forget(tx, table, key, Some((write, &row))).await
            }
            WriteAim::Recreate { key, before, cells, changed } => {
                self.recreate(tx, table, write, (key, before, cells, changed)).await
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
        let locked = table.row(&locked);
        let mut refused = Vec::new();
        let meant: Vec<Meant> = wants
            .iter()
            .filter_map(|want| match mean(table, want) {
                Ok(meant) => Some(meant),
                Err(reason) => {
                    refused.push((want.column, reason));
                    None
                }
            })
            .collect();
        let guarded = guard::columns(&table.plan, base, known, &locked, &meant);
        let wrote = !guarded.sets.is_empty();
        let mut after = locked.clone();
        if wrote {
            let sets: Vec<(usize, Value)> =
                guarded.sets.into_iter().map(|(at, value)| (table.place(at), value)).collect();
            rows::update(&mut tx, &table.schema, key, &sets).await?;
            let Some(read_back) = rows::lock_row(&mut tx, &table.schema, key).await? else {
                tx.rollback().await?;
                return Err(Stop::Outcome(WriteOutcome::Failed));
            };
            after = table.row(&read_back);
            let entry = entry(table, write, Kind::Write, Some(key), None, (Some(&locked), Some(&after)));
            store::ledger::append(&mut tx, &[entry]).await?;
        }
        if guarded.base != *base {
            let change = BaseChange::Set(key.clone(), guarded.base.clone());
            store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        }
        tx.commit().await?;
        let left = guarded
            .left
            .into_iter()
            .map(|(at, rule)| (at, format!("the table's value stands: {rule}")))
            .collect();
        let (key, base, after) = (key.clone(), Some(guarded.base), DbState::Row(after));
        Ok(WriteOutcome::Done { after, key, base, left, refused, wrote })
    }

    async fn insert(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        (key, claim, cells): (Option<&Key>, Option<ClaimId>, &[GridCell]),
    ) -> Result<WriteOutcome, Stop> {
        if let Some(key) = key
            && rows::lock_row(&mut tx, &table.schema, key).await?.is_some()
        {
            tx.rollback().await?;
            return Ok(WriteOutcome::Exists);
        }
        let (meant, sets) = meant_row(table, cells, key.is_none()).map_err(Stop::Outcome)?;
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
        match claim {
            Some(claim) => {
                let content = serde_json::to_string(&base).unwrap_or_default();
                store::claim::insert(&mut tx, link, &[(claim, content)]).await?;
                store::claim::keyed(&mut tx, link, claim, &made).await?;
            }
            None => {
                let change = BaseChange::Set(made.clone(), base.clone());
                store::base::apply(&mut tx, link, &[change]).await?;
            }
        }
        tx.commit().await?;
        Ok(done(&made, DbState::Row(after), Some(base), true))
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
        tx.commit().await?;
        Ok(done(key, DbState::Gone(None), None, deleted.is_some()))
    }

    async fn recreate(
        &self,
        mut tx: Transaction<'static>,
        table: &Table,
        write: &TableWrite,
        (key, before, cells, changed): (&Key, &DbRow, &[GridCell], &[usize]),
    ) -> Result<WriteOutcome, Stop> {
        if rows::lock_row(&mut tx, &table.schema, key).await?.is_some() {
            tx.rollback().await?;
            return Ok(WriteOutcome::Exists);
        }
        let mut sets = Vec::new();
        let mut base = RowBase { columns: vec![None; before.len()] };
        for (at, image) in before.iter().enumerate() {
            let mut value = image.value.clone();
            base.columns[at] = Some(agreed(image));
            if changed.contains(&at) {
                let want = Want { column: at, cell: cells[at].value.clone(), wins: true, stands: true };
                let meant = mean(table, &want).map_err(|reason| refusal(Some(at), reason))?;
                base.columns[at] = guard::inserted(before.len(), std::slice::from_ref(&meant)).columns[at];
                value = meant.value;
            }
            if !table.column(at).generated {
                sets.push((table.place(at), value));
            }
        }
        rows::insert(&mut tx, &table.schema, &sets).await?;
        let read_back = rows::lock_row(&mut tx, &table.schema, key).await?;
        let after = read_back.map(|row| table.row(&row)).unwrap_or_default();
        let entry = entry(table, write, Kind::Insert, Some(key), None, (Some(before), Some(&after)));
        store::ledger::append(&mut tx, &[entry]).await?;
        let change = BaseChange::Set(key.clone(), base.clone());
        store::base::apply(&mut tx, &table.link.rules.name, &[change]).await?;
        tx.commit().await?;
        Ok(done(key, DbState::Row(after), Some(base), true))
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
        match error.fault() {
            Fault::Passing => WriteOutcome::Failed,
            Fault::NeedsOperator | Fault::Bug => WriteOutcome::Refused {
                column: None,
                reason: "the database cannot take it now: ask its operator".into(),
            },
        }
    }

    fn journal(&self, table: &Table, write: &TableWrite, outcome: &WriteOutcome) {
        let key = match (&write.aim, outcome) {
            (_, WriteOutcome::Done { key, .. }) => key.to_string(),
            (WriteAim::Insert { key, .. }, _) => key.as_ref().map(ToString::to_string).unwrap_or_default(),
            (WriteAim::Columns { key, .. } | WriteAim::Delete { key, .. }, _)
            | (WriteAim::SoftDelete { key, .. } | WriteAim::Recreate { key, .. }, _) => key.to_string(),
        };
        let word = match outcome {
            WriteOutcome::Done { wrote: true, .. } => "applied",
            WriteOutcome::Done { wrote: false, .. } => "unchanged",
            WriteOutcome::Refused { .. } => "refused",
            WriteOutcome::Exists => "exists",
            WriteOutcome::Failed => "waits",
        };
        tracing::info!(
            LINK = table.link.rules.name.0.as_str(),
            TABLE = table.schema.name.to_string(),
            ROW_KEY = key,
            DIRECTION = "to_table",
            OUTCOME = word,
            EFFECT = write.effect.0,
            "sheet -> table: {word}"
        );
    }
}

fn done(key: &Key, after: DbState, base: Option<RowBase>, wrote: bool) -> WriteOutcome {
    WriteOutcome::Done { after, key: key.clone(), base, left: Vec::new(), refused: Vec::new(), wrote }
}

fn refusal(column: Option<usize>, reason: String) -> Stop {
    Stop::Outcome(WriteOutcome::Refused { column, reason })
}

fn mean(table: &Table, want: &Want) -> Result<Meant, String> {
    let value = table.meaning(want.column, &want.cell).map_err(|refusal| refusal.to_string())?;
    let shown = table.show_value(want.column, &value);
    Ok(Meant { want: want.clone(), value, shown })
}

/// The values of a new row: what is blank is left to the table's defaults, which then come back as a change of the database.
fn meant_row(
    table: &Table,
    cells: &[GridCell],
    server_makes_key: bool,
) -> Result<(Vec<Meant>, Vec<(usize, Value)>), WriteOutcome> {
    let (mut meant, mut sets) = (Vec::new(), Vec::new());
    for (at, cell) in cells.iter().enumerate() {
        let column = &table.plan.columns[at];
        if column.key && server_makes_key {
            continue;
        }
        let want = Want { column: at, cell: cell.value.clone(), wins: true, stands: true };
        if cell.value.is_blank() || table.column(at).generated {
            let cell = Cell::Blank;
            let want = if table.column(at).generated { want } else { Want { cell: cell.clone(), ..want } };
            meant.push(Meant { shown: want.cell.clone(), want, value: Value::Null });
            continue;
        }
        let one = mean(table, &want).map_err(|reason| WriteOutcome::Refused { column: Some(at), reason })?;
        sets.push((table.place(at), one.value.clone()));
        meant.push(one);
    }
    Ok((meant, sets))
}

fn entry(
    table: &Table,
    write: &TableWrite,
    kind: Kind,
    key: Option<&Key>,
    claim: Option<ClaimId>,
    (before, after): (Option<&DbRow>, Option<&DbRow>),
) -> Entry {
    let pack = |row: &DbRow| serde_json::to_vec(&row.iter().map(|cell| &cell.value).collect::<Vec<_>>()).ok();
    let (cause, editor) = match &write.cause {
        Some((edit, editor)) => (format!("edit {edit}"), editor.clone()),
        None => ("sweep".to_owned(), None),
    };
    Entry {
        id: write.effect,
        link: Some(table.link.rules.name.clone()),
        kind,
        key: key.cloned(),
        cause,
        editor,
        claim,
        before: before.and_then(pack),
        after: after.and_then(pack),
    }
}
