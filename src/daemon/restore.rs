//! What the store gives back to an engine: base, debts, held cells, brakes, and the batch whose fate is open.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::daemon::DaemonError;
use crate::daemon::carry::carry_over;
use crate::daemon::perform::{Memory, NOTHING_NEW};
use crate::daemon::start::Group;
use crate::daemon::table::Table;
use crate::engine::Start;
use crate::engine::adopt::Knowledge;
use crate::engine::bases::Bases;
use crate::engine::held::{Held, Holds};
use crate::engine::input::{ColumnIndex, ColumnPlan};
use crate::engine::lifecycle::Life;
use crate::engine::meeting::Meeting;
use crate::engine::owed::{Owed, OwedId};
use crate::engine::plan::Plan;
use crate::engine::table::{Claim, Table as EngineTable};
use crate::engine::token::Spent;
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::{EffectId, Owner};
use crate::store::base::Remembered;
use crate::store::link::LinkMemory;
use crate::store::{self, StoreError};

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
        tokens: tokens.into_iter().map(|(number, at, _)| Spent { number, at, is_over: false }).collect(),
        open: open.map_err(|_| unreadable("a plan cannot be read"))?,
        owed: owed.map_err(|_| unreadable("a debt cannot be read"))?,
        seq: 0,
    };
    Ok((start, until))
}

/// What base says of a link now.
#[derive(Default)]
pub(super) struct Recalled {
    /// What both sides last agreed on; nothing where the link or its table is another one by now.
    pub(super) base: Bases,
    /// Keys that are no new records.
    pub(super) dead: BTreeSet<Key>,
    /// What may be concluded from rows that base does not know.
    pub(super) knowledge: Knowledge,
}

/// Reads base; writes nothing.
pub(super) async fn recalled(conn: &mut Conn, table: &Table) -> Result<Recalled, StoreError> {
    let link = &table.link.rules.name;
    let memory = store::link::load(conn, link).await?;
    let same = is_same(table, memory.as_ref());
    let (mut base, mut dead) = remembered(conn, link).await?;
    let knows = memory.map(|memory| Memory::parse(&memory.state)).unwrap_or_default();
    let vanished = knows.met && !knows.read_whole && same && base.is_empty() && dead.is_empty();
    if !same && table.stopped.is_none() {
        match &table.changes.carry {
            Some(carry) => base = base.into_rows().map(|(key, row)| (key, carry.base(&row))).collect(),
            None => dead.extend(std::mem::take(&mut base).into_keys()),
        }
    }
    let knowledge = if vanished { Knowledge::Lost } else { knows.knowledge };
    Ok(Recalled { base, dead, knowledge })
}

/// Are the link and its table what they were when base was made?
fn is_same(table: &Table, memory: Option<&LinkMemory>) -> bool {
    memory.is_some_and(|memory| memory.fingerprint == table.fingerprint())
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
    let same = is_same(table, memory.as_ref());
    let known = memory.as_ref().map(|memory| Memory::parse(&memory.state));
    let other_filter = known.as_ref().is_some_and(|known| known.filter != table.filter_print());
    let has_met = known.as_ref().is_some_and(Memory::has_met);
    let whole = other_filter || known.is_none_or(|known| known.read_whole);
    if other_filter {
        tracing::info!(LINK = link.0, "the link's filter changed: rows enter and leave the tab by it");
    }
    if let Some(memory) = memory.filter(|_| !same && table.stopped.is_none()) {
        if let Some(carry) = &table.changes.carry {
            carry_over(conn, group, index, carry, memory).await?;
        } else {
            tracing::warn!(LINK = link.0, "the link or its table changed: both sides are compared anew");
            store::base::bury(conn, link).await?;
            store::held::release_all(conn, link).await?;
        }
    }
    let Recalled { base, dead, knowledge } = recalled(conn, table).await?;
    let lost = knowledge == Knowledge::Lost;
    if lost {
        tracing::warn!(LINK = link.0, "base is lost: what is equal is adopted, what differs is held");
    }
    let claims = store::claim::open(conn, link).await?;
    // What became of a record since it was made for a row is known of no image any more, such as that the filter leaves it out.
    let keys = claims.iter().filter_map(|claim| Some((claim.key.clone()?, 0))).collect();
    let life = Life::CatchingUpKeys { until, keys, all: missed || whole || !same || lost };
    let mut engine = EngineTable::new(table.plan.clone(), base, dead, life);
    engine.knowledge = knowledge;
    engine.meeting = if has_met || lost { None } else { Meeting::of(&table.plan) };
    engine.held = Holds::restored(held(conn, table).await?);
    let pauses = store::pause::of_link(conn, link).await?.into_iter().map(|kept| kept.pause);
    engine.restore_pauses(pauses);
    for claim in claims {
        let (Some(key), Ok(base)) = (claim.key, serde_json::from_str::<RowBase>(&claim.content)) else {
            continue;
        };
        engine.claims.insert(claim.claim, Claim { key, base, missing_since: None, named_at: None });
    }
    Ok(engine)
}

/// The cells that wait for a person. One of a column that is linked no more waits for nobody.
async fn held(conn: &mut Conn, table: &Table) -> Result<BTreeMap<(Key, ColumnIndex), Held>, DaemonError> {
    let mut cells = BTreeMap::new();
    for held in store::held::list(conn, &table.link.rules.name).await? {
        let named = |column: &ColumnPlan| Some(&column.rule.name) == held.column.as_ref();
        let (Ok(key), Some(at)) = (held.row.parse(), table.plan.columns.iter().position(named)) else {
            continue;
        };
        let value = Some(held.value).filter(|value| *value != NOTHING_NEW);
        cells.insert((key, at), Held { cell: held.cell, value, why: held.detail });
    }
    Ok(cells)
}

/// What is remembered of a link's rows, and the keys of those that are gone.
pub(super) async fn remembered(
    conn: &mut impl Queryable,
    link: &LinkName,
) -> Result<(Bases, BTreeSet<Key>), StoreError> {
    let (mut base, mut dead) = (Bases::default(), BTreeSet::new());
    store::base::scan(conn, link, |key, remembered| match remembered {
        Remembered::Base(row) => drop(base.insert(&key, &row)),
        Remembered::Tombstone => drop(dead.insert(key)),
    })
    .await?;
    Ok((base, dead))
}
