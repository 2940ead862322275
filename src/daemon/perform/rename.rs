//! The guarded write of a record's key: the old row is locked, the new key must be free, and base moves to it.

use mysql_async::Transaction;

use crate::daemon::perform::Performer;
use crate::daemon::perform::guarded::{Stop, done, lock};
use crate::daemon::perform::meant::{Refused, mean};
use crate::daemon::perform::trace::entry;
use crate::daemon::table::Table;
use crate::database::refusal::Refusal;
use crate::database::write as rows;
use crate::engine::effect::{TableWrite, Want};
use crate::engine::guard::{self, Meant};
use crate::engine::input::{DbState, WriteOutcome};
use crate::engine::rename::Renaming;
use crate::model::base::BaseChange;
use crate::model::value::Value;
use crate::store;
use crate::store::ledger::Kind;

impl Performer {
    pub(super) async fn rename(
        &self,
        tx: &mut Transaction<'_>,
        table: &Table,
        write: &TableWrite,
        renaming: &Renaming,
    ) -> Result<WriteOutcome, Stop> {
        let Renaming { from, to, base, known, cells, respelled } = renaming;
        let Some(locked) = lock(tx, table, from).await? else {
            return Ok(done(from, DbState::Gone(None), None, false));
        };
        let before = table.row(&locked);
        if !table.admits(&locked) || !guard::is_weighed(base, known.as_ref(), &before) {
            return Ok(done(from, table.state(&locked), None, false));
        }
        // Another spelling of the record's own key is free.
        let there = rows::lock_row(tx, &table.schema, to).await?;
        if there.is_some_and(|row| table.key(&row) != *from) {
            return Ok(taken());
        }
        let mut meant: Vec<Meant> = Vec::new();
        for (column, cell) in cells {
            let one = mean(table, &Want::of(*column, cell.clone()));
            meant.push(one.map_err(|reason| Refused { column: *column, reason })?);
        }
        let sets: Vec<(usize, Value)> = table.schema.key.iter().copied().zip(to.0.iter().cloned()).collect();
        rows::update(tx, &table.schema, from, &sets).await?;
        let Some(read_back) = lock(tx, table, to).await? else {
            return Err(Stop::Outcome(WriteOutcome::Failed));
        };
        let after = table.state(&read_back);
        let entry = entry(table, write, Kind::Write, Some(to), None, (Some(&before), after.row()));
        store::ledger::append(tx, &[entry]).await?;
        let base = guard::renamed(base, &meant);
        let forgotten = BaseChange::Forget { key: from.clone(), dead: !respelled };
        let moved = BaseChange::Set(to.clone(), base.clone());
        store::base::apply(tx, &table.link.rules.name, &[forgotten, moved]).await?;
        Ok(done(to, after, Some(base), true))
    }
}

/// In the words of the server's own refusal.
fn taken() -> WriteOutcome {
    let reason = Refusal::Duplicate { key: "PRIMARY".to_owned() }.to_string();
    WriteOutcome::Refused { column: None, reason }
}
