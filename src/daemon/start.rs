//! What a start finds: tables as they are, what the store remembers of the links, and where the stream goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::config::Settings;
use crate::daemon::perform::Memory;
use crate::daemon::table::Table;
use crate::daemon::{DaemonError, SOURCE};
use crate::database::interest::Wanted;
use crate::database::{schema, standing};
use crate::fault::{Classify, Fault};
use crate::model::link::SpreadsheetId;
use crate::model::mark::{EffectId, Owner};
use crate::model::pause::{Brake, Cure, Pause};
use crate::model::position::Position;
use crate::model::schema::TableSchema;
use crate::sheet::pool::Pool as Accounts;
use crate::store::{self, StoreError};

/// How many ledger ids each engine has for itself within one start: more than a thousand million.
const RANGE: u64 = 1 << 30;

/// The range after those of all engines: conflicts and notes.
const NOTES: u64 = 1023;

/// The first ledger id of an engine in this start of the daemon.
pub(super) fn first_effect(owner: &Owner, engine: usize) -> EffectId {
    EffectId(EffectId::first_of(owner.generation).0 + engine as u64 * RANGE)
}

/// The first ledger id that no engine uses.
pub(super) fn first_note(owner: &Owner) -> u64 {
    EffectId::first_of(owner.generation).0 + NOTES * RANGE
}

/// The links of one spreadsheet that can be worked on.
#[derive(Debug)]
pub(super) struct Group {
    /// The spreadsheet.
    pub spreadsheet: SpreadsheetId,
    /// Its links.
    pub tables: Vec<Arc<Table>>,
}

/// Fits the links to their tables, by spreadsheet. A link that does not fit is told and left out; the others go on.
pub(super) async fn groups(conn: &mut Conn, settings: &Settings) -> Result<Vec<Group>, DaemonError> {
    let mut groups: Vec<Group> = Vec::new();
    for link in &settings.links {
        let name = link.rules.name.0.as_str();
        let schema = match schema::table_schema(conn, &link.table).await {
            Ok(schema) => schema,
            Err(error) if error.fault() == Fault::Passing => return Err(error.into()),
            Err(error) => {
                tracing::error!(LINK = name, TABLE = link.table.to_string(), %error, "the link is left out");
                continue;
            }
        };
        let mut table = match Table::new(link.clone(), schema) {
            Ok(table) => table,
            Err(error) => {
                tracing::error!(LINK = name, TABLE = link.table.to_string(), %error, "the link is left out");
                continue;
            }
        };
        table.estimate = estimate(conn, &table.schema).await?;
        recall(conn, &mut table).await?;
        let table = Arc::new(table);
        match groups.iter_mut().find(|group| group.spreadsheet == link.spreadsheet) {
            Some(group) => group.tables.push(table),
            None => groups.push(Group { spreadsheet: link.spreadsheet.clone(), tables: vec![table] }),
        }
    }
    Ok(groups)
}

/// What an earlier run knew of the link's tab, and why it stands still, if it does.
async fn recall(conn: &mut Conn, table: &mut Table) -> Result<(), DaemonError> {
    let link = &table.link.rules.name.clone();
    let Some(memory) = store::link::load(conn, link).await? else { return Ok(()) };
    let knows = Memory::parse(&memory.state);
    let changed = knows.configuration.is_some_and(|was| was != table.link.configuration());
    table.recall(memory.sheet, knows);
    if changed {
        let reason = "its configuration ties other things together than when it last ran (table, tab, columns or zone)";
        store::pause::set(conn, link, &Pause::new(Brake::Configuration, reason)).await?;
    } else {
        store::pause::lift(conn, link, Brake::Configuration).await?;
    }
    let stops = |pause: &Pause| pause.brake.cure() == Cure::Anew;
    let pauses = store::pause::of_link(conn, link).await?.into_iter().map(|kept| kept.pause);
    table.stopped = pauses.into_iter().find(stops);
    if let Some(pause) = &table.stopped {
        tracing::warn!(LINK = link.0, "paused ({}): {}", pause.brake, pause.told(link));
    }
    Ok(())
}

/// How many rows the server guesses the table to have.
async fn estimate(conn: &mut Conn, schema: &TableSchema) -> Result<u64, DaemonError> {
    let name = (&schema.name.schema, &schema.name.table);
    let query = "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    let rows: Option<Option<u64>> = conn.exec_first(query, name).await?;
    Ok(rows.flatten().unwrap_or(0))
}

/// Of the reads of one account, so many a minute are for sweeps; with more spreadsheets each is swept less often.
const SWEEP_SHARE: u32 = 3;

/// Stretches the intervals of sweeps to what the accounts' quota allows, and says so.
pub(super) fn stretch_sweeps(groups: &mut [Group], accounts: &Accounts, reads_per_minute: u32) {
    let account = |group: &Group| accounts.of(&group.spreadsheet).email().to_owned();
    let mut spreadsheets: BTreeMap<String, u32> = BTreeMap::new();
    for group in groups.iter() {
        *spreadsheets.entry(account(group)).or_default() += 1;
    }
    let share = (reads_per_minute / SWEEP_SHARE).max(1);
    for group in groups {
        let email = account(group);
        let least = Duration::from_secs(60) * spreadsheets[&email] / share;
        for table in &mut group.tables {
            let wish = table.plan.rules.sweep_interval;
            let Some(table) = Arc::get_mut(table).filter(|_| wish < least) else { continue };
            table.plan.rules.sweep_interval = least;
            tracing::info!(
                LINK = table.link.rules.name.0.as_str(),
                wish_s = wish.as_secs_f64(),
                interval_s = least.as_secs_f64(),
                "swept every {:.0} s instead of every {:.0} s: {email} has {reads_per_minute} reads a minute for {} \
                 spreadsheets; {} accounts would do as wished",
                least.as_secs_f64(),
                wish.as_secs_f64(),
                spreadsheets[&email],
                (least.as_secs_f64() / wish.as_secs_f64().max(0.1)).ceil() * accounts.len() as f64,
            );
        }
    }
}

/// The tables that the stream must show, and their columns: the linked ones, and the ids of our ledger.
pub(super) async fn watched(
    conn: &mut Conn,
    settings: &Settings,
    groups: &[Group],
) -> Result<Vec<Wanted>, DaemonError> {
    let mut linked: BTreeMap<_, (&Table, BTreeSet<usize>)> = BTreeMap::new();
    for table in groups.iter().flat_map(|group| &group.tables) {
        let (_, columns) = linked.entry(&table.schema.name).or_insert((table, BTreeSet::new()));
        columns.extend(table.places());
    }
    let wanted = |(table, columns): (&Table, BTreeSet<usize>)| {
        Wanted::only(TableSchema::clone(&table.schema), columns)
    };
    let mut watched: Vec<Wanted> = linked.into_values().map(wanted).collect();
    let ledger = crate::model::schema::TableName {
        schema: settings.mysql.state_schema.name().to_owned(),
        table: store::ledger::TABLE.to_owned(),
    };
    let schema = schema::table_schema(conn, &ledger).await?;
    watched.push(Wanted::only(schema, [store::ledger::ID_COLUMN]));
    Ok(watched)
}

/// Where the stream goes on, and whether anything was missed on the way there.
#[derive(Debug)]
pub(super) struct Resume {
    /// The position.
    pub position: Position,
    /// Changes were missed (no position yet, purged logs, another server): the tables are read whole.
    pub missed: bool,
}

/// Finds where to go on. A position that cannot be resumed is told; then every table is read whole.
pub(super) async fn resume(conn: &mut Conn) -> Result<Resume, DaemonError> {
    let saved = store::position::load(conn, SOURCE).await?;
    let Some(saved) = saved else {
        return Ok(Resume { position: standing::current_position(conn).await?, missed: true });
    };
    let position: Position =
        saved.position.parse().map_err(|_| StoreError::Corrupt { table: "position", what: "no position" })?;
    match standing::ensure_resumable(conn, &position).await {
        Ok(()) => Ok(Resume { position, missed: false }),
        Err(error) if error.lost_position() => {
            tracing::warn!(%error, "the stream cannot go on where it ended: every table is read whole");
            Ok(Resume { position: standing::current_position(conn).await?, missed: true })
        }
        Err(error) => Err(error.into()),
    }
}
