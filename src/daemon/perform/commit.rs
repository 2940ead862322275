//! What became certain, stored in one transaction with the position. It is tried until it is done: it is the only way on.

use mysql_async::prelude::Queryable;

use crate::daemon::perform::wording::conflict_note;
use crate::daemon::perform::{NOTHING_NEW, Performer};
use crate::engine;
use crate::engine::effect::{Commit, Conflict, Winner};
use crate::engine::input::{Input, TableIndex};
use crate::model::base::BaseChange;
use crate::model::key::Key;
use crate::model::mark::ClaimId;
use crate::store::batch::Outcome;
use crate::store::ledger::{Entry, Kind};
use crate::store::note::Note;
use crate::store::position::Saved;
use crate::store::{self, StoreError};

impl Performer {
    pub(super) async fn commit(&self, commit: Commit) -> Result<Input, StoreError> {
        for conflict in &commit.conflicts {
            self.journal_conflict(conflict);
            self.log_conflict(conflict);
        }
        self.insist("our state cannot be stored", || self.try_commit(&commit)).await?;
        if !commit.conflicts.is_empty() {
            *self.said.lock().await = None;
        }
        Ok(Input::Committed)
    }

    async fn try_commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut tx = self.begin_memory().await?;
        for (at, table) in self.tables.iter().enumerate() {
            let link = &table.link.rules.name;
            let changes: Vec<BaseChange> = commit
                .base
                .iter()
                .filter(|(index, _)| *index == at)
                .map(|(_, change)| change.clone())
                .collect();
            store::base::apply(&mut *tx, link, &changes).await?;
            self.keep_holds(&mut *tx, at, commit).await?;
            let named: Vec<ClaimId> =
                commit.named.iter().filter(|(index, _)| *index == at).map(|(_, claim)| *claim).collect();
            if !named.is_empty() {
                store::claim::name(&mut *tx, link, &named).await?;
            }
        }
        let owe: Vec<(u64, String)> = commit
            .owe
            .iter()
            .map(|(id, owed)| Ok((id.0, serde_json::to_string(owed)?)))
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|_| StoreError::Corrupt { table: "owed", what: "a debt cannot be written down" })?;
        store::owed::insert(&mut *tx, &self.spreadsheet, &owe).await?;
        let paid: Vec<u64> = commit.paid.iter().map(|id| id.0).collect();
        store::owed::delete(&mut *tx, &self.spreadsheet, &paid).await?;
        let conflicts: Vec<Entry> =
            commit.conflicts.iter().map(|conflict| self.conflict_entry(conflict)).collect();
        store::ledger::append(&mut *tx, &conflicts).await?;
        let notes: Vec<Note> = commit
            .conflicts
            .iter()
            .filter_map(|conflict| conflict_note(self.tables.get(conflict.table)?, conflict))
            .collect();
        store::note::insert(&mut *tx, &notes).await?;
        store::spreadsheet::set_slot(&mut *tx, &self.spreadsheet, commit.slot).await?;
        if let Some((number, landed)) = commit.batch {
            let outcome = if landed { Outcome::Done } else { Outcome::Void };
            store::batch::finish(&mut *tx, &self.spreadsheet, number, &self.owner, outcome).await?;
        }
        let position = self.progress.finished(self.place, commit.front).to_string();
        let saved = Saved { position, server: self.server.clone() };
        store::position::save(&mut *tx, crate::daemon::SOURCE, &saved).await?;
        tx.commit().await
    }

    /// Cells that are held from now on, and those that are no more.
    async fn keep_holds(
        &self,
        conn: &mut impl Queryable,
        index: TableIndex,
        commit: &Commit,
    ) -> Result<(), StoreError> {
        let table = &self.tables[index];
        let (mut holds, mut free) = (Vec::new(), Vec::new());
        for (_, ((key, at), held)) in commit.held.iter().filter(|(of, _)| *of == index) {
            let Some(column) = table.plan.columns.get(*at).map(|column| column.rule.name.clone()) else {
                continue;
            };
            match held {
                Some(held) => holds.push(holding(key, column, held)),
                None => free.push((key.to_string(), Some(column))),
            }
        }
        store::held::hold(conn, &table.link.rules.name, &holds).await?;
        store::held::release(conn, &table.link.rules.name, &free).await
    }

    fn conflict_entry(&self, conflict: &Conflict) -> Entry {
        let pack = |cell: &crate::model::cell::Cell| serde_json::to_vec(cell).ok();
        let column = conflict.column.and_then(|at| {
            self.tables
                .get(conflict.table)
                .and_then(|table| table.plan.columns.get(at).map(|c| c.rule.name.clone()))
        });
        let cause = format!("{}: {} ({})", column.unwrap_or_default(), conflict.rule, word(conflict.winner));
        Entry {
            id: self.next_note(),
            link: self.tables.get(conflict.table).map(|table| table.link.rules.name.clone()),
            kind: Kind::Conflict,
            key: conflict.key.clone(),
            cause: cause.chars().take(255).collect(),
            editor: conflict.background.editor.clone(),
            claim: None,
            before: conflict.database.as_ref().and_then(pack),
            after: conflict.sheet.as_ref().and_then(pack),
        }
    }

    fn journal_conflict(&self, conflict: &Conflict) {
        let Some(table) = self.tables.get(conflict.table) else { return };
        let column =
            conflict.column.and_then(|at| table.plan.columns.get(at)).map(|column| column.rule.name.as_str());
        tracing::warn!(
            LINK = table.link.rules.name.0.as_str(),
            TABLE = table.schema.name.to_string(),
            ROW_KEY = conflict.key.as_ref().map(ToString::to_string).unwrap_or_default(),
            COLUMN = column.unwrap_or_default(),
            CONFLICT = 1,
            OUTCOME = word(conflict.winner),
            "conflict: {}; both values are in the ledger",
            conflict.rule
        );
    }
}

fn holding(key: &Key, column: String, held: &engine::held::Held) -> store::held::Held {
    store::held::Held {
        row: key.to_string(),
        column: Some(column),
        reason: "held".to_owned(),
        value: held.value.unwrap_or(NOTHING_NEW),
        cell: held.cell,
        detail: held.why.clone(),
    }
}

fn word(winner: Winner) -> &'static str {
    match winner {
        Winner::Database => "database wins",
        Winner::Sheet => "sheet wins",
        Winner::Nobody => "held",
        Winner::Rule => "a value of the rule",
    }
}
