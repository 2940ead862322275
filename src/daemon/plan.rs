//! `sheetbridge plan`: both sides of a link are read, and what the engine would do with them is counted. Nothing is written.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::config::settings::Link;
use crate::daemon::desk::Desk;
use crate::daemon::perform::{Memory, spelled};
use crate::daemon::restore::{Recalled, recalled};
use crate::daemon::table::{Table, UnfitLink};
use crate::daemon::{DaemonError, pool_of};
use crate::database::statement::Lock;
use crate::database::{self, read, schema};
use crate::engine::adopt::Knowledge;
use crate::engine::bases::Bases;
use crate::engine::input::{DbRow, TabView};
use crate::engine::lifecycle::Life;
use crate::engine::meeting::Meeting;
use crate::engine::preview::{Preview, preview};
use crate::engine::row_views::RowViews;
use crate::engine::spelling::respell;
use crate::engine::table::Table as EngineTable;
use crate::model::grid::TabRead;
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::sheet::error::SheetError;
use crate::sheet::parts::Look;
use crate::sheet::quota::Lane;
use crate::store::{self, StoreError};

/// Rows of the table in one read.
const CHUNK: usize = 5_000;

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    /// The daemon's own state, or its configuration.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The table.
    #[error(transparent)]
    Table(#[from] database::Error),
    /// The spreadsheet.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The link does not fit its table.
    #[error(transparent)]
    Unfit(#[from] UnfitLink),
    /// The tab cannot be worked on: the link would pause.
    #[error("the link would pause: {0}")]
    Tab(String),
}

/// What a link would do.
#[derive(Debug)]
pub struct LinkPlan {
    /// Rows of the table.
    pub table: usize,
    /// Rows of the tab; `None` where it would be made.
    pub tab: Option<usize>,
    /// Columns of the link.
    pub columns: usize,
    /// What would be done.
    pub preview: Preview,
}

/// Reads both sides whole and counts.
///
/// # Errors
/// One of them cannot be read.
pub async fn plan(desk: &mut Desk, settings: &Settings, link: &Link) -> Result<LinkPlan, NoPlan> {
    let is_new = desk.is_new();
    let conn = desk.session();
    let memory = if is_new { None } else { store::link::load(conn, &link.rules.name).await? };
    let mut table = Table::new(link.clone(), schema::table_schema(conn, &link.table).await?)?;
    if let Some(memory) = &memory {
        table.recall(memory.sheet, Memory::parse(&memory.state));
    }
    let tab = tab(settings, &table).await?;
    let rows = rows(desk, &table).await?;
    let Recalled { base, dead, knowledge } =
        if is_new { Recalled::default() } else { recalled(desk.session(), &table).await? };
    let mut engine = EngineTable::new(table.plan.clone(), base, dead, Life::Live);
    // What an operator is about to let go on as a lost base is planned as one.
    let pauses = if is_new { Vec::new() } else { desk.pauses(&link.rules.name).await? };
    let adopts = pauses.iter().any(|kept| kept.pause.brake == crate::model::pause::Brake::Foreign);
    engine.knowledge = knowledge;
    if adopts {
        engine.knowledge = Knowledge::Lost;
        engine.base = Bases::default();
    }
    let has_met = memory.is_some_and(|memory| Memory::parse(&memory.state).has_met());
    if !has_met && engine.knowledge != Knowledge::Lost {
        engine.meeting = Meeting::of(&table.plan);
    }
    let shown = tab.as_ref().map(|tab| tab.rows.len());
    let nothing = TabView {
        sheet: SheetId(0),
        columns: Vec::new(),
        rows: RowViews::default(),
        spelled: BTreeMap::new(),
    };
    let mut tab = tab.unwrap_or(nothing);
    let strange = engine.strange_keys(0, &tab, true);
    let own = spelled(desk.session(), &table, &strange.iter().collect::<Vec<_>>()).await?;
    respell(&mut tab, &own.into_iter().collect());
    let preview = preview(&engine, &tab, &rows);
    Ok(LinkPlan { table: rows.len(), tab: shown, columns: engine.width(), preview })
}

/// The tab as the engine takes it; `None` where there is none yet.
async fn tab(settings: &Settings, table: &Table) -> Result<Option<TabView>, NoPlan> {
    let accounts = pool_of(&settings.google)?;
    let spreadsheet = &table.link.spreadsheet;
    let client = accounts.of(spreadsheet);
    let tabs = client.overview(Lane::Verify, spreadsheet).await?;
    let known = tabs.iter().find(|tab| Some(tab.sheet) == table.remembered);
    let Some(found) = known.or_else(|| tabs.iter().find(|tab| tab.title == table.link.tab)) else {
        return Ok(None);
    };
    let look = Look { sheet: found.sheet, rows: None, cells: found.size() };
    let keys = |tab: &TabRead| table.key_columns(tab);
    let snapshot = client.look(Lane::Verify, spreadsheet, &[look], None, &keys).await?;
    table
        .show(found.sheet, &snapshot.locale, &snapshot.time_zone)
        .map_err(|zone| NoPlan::Unfit(UnfitLink::Zone(zone.0)))?;
    let Some(tab) = snapshot.tabs.first() else { return Ok(None) };
    if tab.rows.iter().all(|row| row.cells.is_empty()) {
        // Its headers would be made.
        return Ok(None);
    }
    table.view(tab).map(Some).map_err(|trouble| NoPlan::Tab(trouble.reason))
}

/// All rows of the table inside of the link's filter: one that base knows and that is outside leaves the tab.
async fn rows(desk: &mut Desk, table: &Table) -> Result<BTreeMap<Key, DbRow>, NoPlan> {
    let mut rows = BTreeMap::new();
    let mut after: Option<Key> = None;
    loop {
        let (schema, filter) = (&table.schema, &table.filter);
        let chunk =
            read::chunk_within(desk.session(), schema, filter, after.as_ref(), CHUNK, Lock::None).await?;
        let last = chunk.len() < CHUNK;
        for row in &chunk {
            let key = table.key(row);
            rows.insert(key.clone(), table.row(row));
            after = Some(key);
        }
        if last {
            return Ok(rows);
        }
    }
}
