//! Reads: the tabs of the spreadsheet, and rows of the table beside the stream.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::daemon::perform::{Performer, now};
use crate::daemon::reading::REST;
use crate::daemon::table::Table;
use crate::database::statement::Lock;
use crate::database::{self, read as rows};
use crate::engine::input::{DbRow, DbState, Input, ReadNumber, TableIndex, Trouble, View};
use crate::engine::places::Scope;
use crate::model::grid::{Snapshot, TabRead};
use crate::model::key::Key;
use crate::model::mark::EffectId;
use crate::sheet::error::SheetError;
use crate::sheet::parts::Look;
use crate::store::ledger::{Entry, Kind};
use crate::store::{self, StoreError};

/// Either edge of the database.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Table(#[from] database::Error),
    #[error(transparent)]
    Server(#[from] mysql_async::Error),
}

/// What a look at rows by their keys showed.
#[derive(Default)]
struct Probed {
    rows: Vec<(TableIndex, Key, DbState)>,
    /// Keys whose records are spelled in another way: as they were asked for, and as the table has them.
    respelled: Vec<(TableIndex, Key, Key)>,
}

impl Performer {
    /// Reads the tabs; of those with [`Scope::Rows`] only these. Without scopes everything.
    pub(super) async fn read(&self, number: ReadNumber, scopes: &[Scope]) -> Input {
        match self.snapshot(number, scopes).await {
            Ok(None) => Input::ReadFailed(number),
            Ok(Some(snapshot)) => {
                let view = self.view(&snapshot);
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
                Input::Read { number, answered: now(), view }
            }
            Err(error) => {
                self.log("the spreadsheet cannot be read", &error);
                Input::ReadFailed(number)
            }
        }
    }

    /// One read of everything; `None` where it is given up. Tabs that are not ready, and a helper tab that somebody deleted, are
    /// made ready first.
    async fn snapshot(&self, number: ReadNumber, scopes: &[Scope]) -> Result<Option<Snapshot>, SheetError> {
        if self.helper().is_none() || self.tables.iter().any(|table| table.sheet().is_none()) {
            self.prepare().await?;
        }
        let rows = |at: usize| match scopes.get(at) {
            Some(Scope::Rows(rows)) => Some(rows.as_slice()),
            Some(Scope::Whole) | None => None,
        };
        let look = |(at, table): (usize, &Arc<Table>)| {
            let sheet = table.sheet()?;
            Some(Look { sheet, rows: rows(at), cells: self.size(sheet) })
        };
        let looks: Vec<Look<'_>> = self.tables.iter().enumerate().filter_map(look).collect();
        let whole = looks.iter().filter(|look| look.rows.is_none());
        self.looked_at.store(whole.map(|look| look.cells).sum(), Ordering::Relaxed);
        let keys = |tab: &TabRead| {
            let table = self.tables.iter().find(|table| table.sheet() == Some(tab.sheet));
            table.map(|table| table.key_columns(tab)).unwrap_or_default()
        };
        let (lane, spreadsheet) = (self.lane(), &self.spreadsheet);
        let mut given_up = self.given_up.subscribe();
        let snapshot = tokio::select! {
            biased;
            // 1. others go first
            Ok(_) = given_up.wait_for(|last| *last == Some(number)) => {
                tracing::debug!(SHEET = spreadsheet.0, "a look at all of the tabs is given up: others go first");
                return Ok(None);
            }
            // 2. the answer
            answer = self.client.look(lane, spreadsheet, &looks, self.helper(), &keys) => answer?,
        };
        self.saw_grids(snapshot.tabs.iter().map(|tab| (tab.sheet, tab.size())));
        if snapshot.helper.is_none() {
            tracing::warn!(
                SHEET = self.spreadsheet.0,
                "the helper tab is gone: it is made again at the next read"
            );
            self.set_helper(None);
        }
        Ok(Some(snapshot))
    }

    fn view(&self, snapshot: &Snapshot) -> View {
        let tab = |table: &Arc<Table>| {
            if let Some(reason) = table.unready() {
                return Err(Trouble { reason });
            }
            let tab =
                snapshot.tabs.iter().find(|tab| Some(tab.sheet) == table.sheet()).ok_or_else(|| Trouble {
                    reason: format!(
                        "its tab `{}` was deleted: undo that, or remove the link",
                        table.link.tab
                    ),
                })?;
            let (locale, zone) = table.manner().unwrap_or_default();
            let was = (locale.as_str(), zone.as_str());
            if was != (snapshot.locale.as_str(), snapshot.time_zone.as_str()) {
                let reason = format!(
                    "the spreadsheet's locale and time zone changed from {locale}, {zone} to {}, {}: every date and \
                     number in it may mean something else now; set them back, or restart sheetbridge to take them over",
                    snapshot.locale, snapshot.time_zone
                );
                return Err(Trouble { reason });
            }
            table.view(tab)
        };
        View {
            tokens: snapshot.tokens.clone(),
            foreign: snapshot.foreign.clone(),
            helper: snapshot.helper,
            tabs: self.tables.iter().map(tab).collect(),
        }
    }

    pub(super) async fn probe(&self, effect: EffectId, keys: Vec<(TableIndex, Key)>) -> Vec<Input> {
        match self.probe_rows(effect, &keys).await {
            Ok(Probed { rows, respelled }) => {
                let respelled =
                    respelled.into_iter().map(|(table, from, to)| Input::Respelled { table, from, to });
                std::iter::once(Input::Probed(effect, rows)).chain(respelled).collect()
            }
            Err(error) => {
                tracing::info!(SHEET = self.spreadsheet.0, %error, "rows could not be looked up: tried again");
                vec![Input::ProbeFailed(effect)]
            }
        }
    }

    /// The select and the ledger entry in one transaction, rows locked: what commits later comes later in the stream.
    async fn probe_rows(&self, effect: EffectId, keys: &[(TableIndex, Key)]) -> Result<Probed, LookupError> {
        let mut tx = self.begin_memory().await?;
        let mut found = Probed::default();
        for (index, table) in self.tables.iter().enumerate() {
            let wanted: Vec<Key> =
                keys.iter().filter(|(at, _)| *at == index).map(|(_, key)| key.clone()).collect();
            if wanted.is_empty() {
                continue;
            }
            for (key, row) in rows::rows_by_key(&mut *tx, &table.schema, &wanted, Lock::Share).await? {
                let state = match row.map(|row| (table.own_key(&key, &row), row)) {
                    // Its record has another spelling by now, under which it is known or will be.
                    Some((Some(own), _)) => {
                        found.respelled.push((index, key.clone(), own));
                        DbState::Gone(None)
                    }
                    Some((None, row)) => table.state(&row),
                    None => DbState::Gone(None),
                };
                found.rows.push((index, key, state));
            }
        }
        store::ledger::append(&mut *tx, &[mark(effect, Kind::Probe)]).await?;
        tx.commit().await?;
        Ok(found)
    }

    pub(super) async fn chunk(
        &self,
        table: TableIndex,
        after: Option<Key>,
        low: EffectId,
        high: EffectId,
    ) -> Input {
        match self.chunk_rows(table, after, low, high).await {
            Ok(Some((rows, last))) => Input::Chunk { high, last, rows },
            // The server is busy. The engine asks again, unless the end was asked for meanwhile.
            Ok(None) => {
                tokio::time::sleep(REST).await;
                Input::ChunkFailed(high)
            }
            Err(error) => {
                tracing::info!(SHEET = self.spreadsheet.0, %error, "a chunk could not be read: tried again");
                Input::ChunkFailed(high)
            }
        }
    }

    /// Low mark, chunk, high mark: three transactions, so that the marks enclose the read in the stream (`DBLog`). `None` while
    /// the server is too busy; true with the last rows.
    async fn chunk_rows(
        &self,
        table: TableIndex,
        after: Option<Key>,
        low: EffectId,
        high: EffectId,
    ) -> Result<Option<(Vec<(Key, DbRow)>, bool)>, LookupError> {
        let table = &self.tables[table];
        // No session is held while another one is asked for: with as many copies as sessions none would ever get its second.
        if !self.reading.may_go_on(&mut self.pool.get_conn().await?, "the copy").await? {
            return Ok(None);
        }
        self.mark(low).await?;
        let mut conn = self.pool.get_conn().await?;
        let (begun, limit) = (Instant::now(), self.reading.rows());
        let inside = &table.filter;
        let rows =
            rows::chunk_within(&mut conn, &table.schema, inside, after.as_ref(), limit, Lock::None).await?;
        drop(conn);
        let last = rows.len() < limit;
        if !last {
            self.reading.took(begun.elapsed());
        }
        self.mark(high).await?;
        // Each row goes as soon as it is translated.
        Ok(Some((rows.into_iter().map(|row| (table.key(&row), table.row(&row))).collect(), last)))
    }

    pub(super) async fn mark(&self, effect: EffectId) -> Result<(), LookupError> {
        let mut tx = self.begin_memory().await?;
        store::ledger::append(&mut *tx, &[mark(effect, Kind::Mark)]).await?;
        Ok(tx.commit().await?)
    }
}

/// A ledger entry that only places something in the stream.
pub(super) fn mark(id: EffectId, kind: Kind) -> Entry {
    let (link, key, editor, claim, before, after) = (None, None, None, None, None, None);
    Entry { id, link, kind, key, cause: kind.word().to_owned(), editor, claim, before, after }
}
