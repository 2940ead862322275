//! What a start finds: tables as they are, what the store remembers of the links, and where the stream goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::config::Settings;
use crate::daemon::carry::carry_over;
use crate::daemon::perform::Memory;
use crate::daemon::table::Table;
use crate::daemon::{DaemonError, SOURCE};
use crate::database::interest::Wanted;
use crate::database::{schema, standing};
use crate::engine::Start;
use crate::engine::lifecycle::Life;
use crate::engine::owed::{Owed, OwedId};
use crate::engine::plan::Plan;
use crate::engine::table::{Claim, Table as EngineTable};
use crate::fault::{Classify, Fault};
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::link::{LinkName, SpreadsheetId};
use crate::model::mark::{EffectId, Owner};
use crate::model::position::Position;
use crate::model::schema::TableSchema;
use crate::sheet::pool::Pool as Accounts;
use crate::store::base::Remembered;
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
        let memory = store::link::load(conn, &link.rules.name).await?;
        table.estimate = estimate(conn, &table.schema).await?;
        if let Some(memory) = memory {
            table.recall(&memory);
        }
        let table = Arc::new(table);
        match groups.iter_mut().find(|group| group.spreadsheet == link.spreadsheet) {
            Some(group) => group.tables.push(table),
            None => groups.push(Group { spreadsheet: link.spreadsheet.clone(), tables: vec![table] }),
        }
    }
    Ok(groups)
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

/// What an engine starts with.
pub(super) async fn restore(
    conn: &mut Conn,
    group: &Group,
    owner: &Owner,
    effects: EffectId,
    missed: bool,
) -> Result<(Start, EffectId), DaemonError> {
    let id = &group.spreadsheet;
    store::spreadsheet::ensure(conn, id).await?;
    let until = effects;
    let mut tables = Vec::new();
    for index in 0..group.tables.len() {
        tables.push(restore_table(conn, group, index, until, missed).await?);
    }
    let counters = store::spreadsheet::counters(conn, id).await?;
    let open = store::batch::open(conn, id).await?;
    if open.len() > 1 {
        return Err(StoreError::Corrupt { table: "batch", what: "two batches are open at once" }.into());
    }
    let open = open.into_iter().next().map(|(_, _, plan)| serde_json::from_slice::<Plan>(&plan)).transpose();
    let tokens = store::batch::ended(conn, id).await?;
    let last_done = tokens.iter().filter(|(_, _, landed)| *landed).map(|(number, _, _)| *number).max();
    let owed = store::owed::list(conn, id).await?;
    let owed: Result<BTreeMap<OwedId, Owed>, serde_json::Error> =
        owed.into_iter().map(|(id, text)| Ok((OwedId(id), serde_json::from_str(&text)?))).collect();
    let unreadable = |what| StoreError::Corrupt { table: "owed and batch", what };
    let start = Start {
        owner: owner.clone(),
        tables,
        effects: effects.next(),
        number: counters.0,
        slot: counters.1,
        last_done,
        tokens: tokens.into_iter().map(|(number, at, _)| (number, at)).collect(),
        open: open.map_err(|_| unreadable("a plan cannot be read"))?,
        owed: owed.map_err(|_| unreadable("a debt cannot be read"))?,
        seq: 0,
    };
    Ok((start, until))
}

async fn restore_table(
    conn: &mut Conn,
    group: &Group,
    index: usize,
    until: EffectId,
    missed: bool,
) -> Result<EngineTable, DaemonError> {
    let table = &group.tables[index];
    let link = &table.link.rules.name;
    let memory = store::link::load(conn, link).await?;
    let same = memory.as_ref().is_some_and(|memory| memory.fingerprint == table.fingerprint());
    let known = memory.as_ref().map(|memory| Memory::parse(&memory.state));
    let other_filter = known.as_ref().is_some_and(|known| known.filter != table.filter_print());
    let whole = other_filter || known.is_none_or(|known| known.read_whole);
    if other_filter {
        tracing::info!(LINK = link.0, "the link's filter changed: rows enter and leave the tab by it");
    }
    if let Some(memory) = memory.filter(|_| !same) {
        if let Some(carry) = &table.changes.carry {
            carry_over(conn, group, index, carry, memory).await?;
        } else {
            tracing::warn!(LINK = link.0, "the link or its table changed: both sides are compared anew");
            store::base::bury(conn, link).await?;
        }
    }
    let (base, dead) = remembered(conn, link).await?;
    let claims = store::claim::open(conn, link).await?;
    // What became of a record since it was made for a row is known of no image any more, such as that the filter leaves it out.
    let keys = claims.iter().filter_map(|claim| Some((claim.key.clone()?, 0))).collect();
    let life = Life::CatchingUpKeys { until, keys, all: missed || whole || !same };
    let mut engine = EngineTable::new(table.plan.clone(), base, dead, life);
    for claim in claims {
        let (Some(key), Ok(base)) = (claim.key, serde_json::from_str::<RowBase>(&claim.content)) else {
            continue;
        };
        engine.claims.insert(claim.claim, Claim { key, base, missing_since: None, named_at: None });
    }
    Ok(engine)
}

/// What is remembered of a link's rows, and the keys of those that are gone.
pub(super) async fn remembered(
    conn: &mut impl Queryable,
    link: &LinkName,
) -> Result<(BTreeMap<Key, RowBase>, BTreeSet<Key>), StoreError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    store::base::scan(conn, link, move |key, remembered| {
        // The receiver outlives the scan.
        let _ = sender.send((key, remembered));
    })
    .await?;
    let (mut base, mut dead) = (BTreeMap::new(), BTreeSet::new());
    for (key, remembered) in receiver {
        match remembered {
            Remembered::Base(row) => {
                base.insert(key, row);
            }
            Remembered::Tombstone => {
                dead.insert(key);
            }
        }
    }
    Ok((base, dead))
}
