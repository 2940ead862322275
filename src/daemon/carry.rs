//! A link has other columns than when it last ran: what is remembered by a column's place is written anew, in one transaction
//! with the columns that it counts by from then on.

use mysql_async::{Conn, TxOpts};

use crate::daemon::DaemonError;
use crate::daemon::perform::Memory;
use crate::daemon::restore::remembered;
use crate::daemon::start::Group;
use crate::engine::carry::Carry;
use crate::engine::owed::Owed;
use crate::engine::plan::Plan;
use crate::model::base::{BaseChange, RowBase};
use crate::model::link::{LinkName, SpreadsheetId};
use crate::store::link::LinkMemory;
use crate::store::pack::Packed;
use crate::store::{self, StoreError};

/// Rows of base that are written at a time.
const TOGETHER: usize = 10_000;

/// Carries over what is remembered of a link; the link's table is read whole next.
pub(super) async fn carry_over(
    conn: &mut Conn,
    group: &Group,
    index: usize,
    carry: &Carry,
    mut memory: LinkMemory,
) -> Result<(), DaemonError> {
    let table = &group.tables[index];
    let link = &table.link.rules.name;
    tracing::info!(LINK = link.0, "the link has other columns now: what is known of the others stays");
    let was = Memory::parse(&memory.state);
    let now = Memory { read_whole: true, owing: table.changes.tab.clone(), ..table.memory(was) };
    memory.fingerprint = table.fingerprint();
    memory.state = now.text();
    let mut tx = conn.start_transaction(TxOpts::default()).await?;
    rows(&mut tx, link, carry).await?;
    debts(&mut tx, &group.spreadsheet, link, carry).await?;
    batch(&mut tx, &group.spreadsheet, (link, index), carry).await?;
    store::link::save(&mut tx, &memory).await?;
    Ok(tx.commit().await?)
}

type Transaction<'a> = mysql_async::Transaction<'a>;

/// Base, and the rows that are owed their key.
async fn rows(tx: &mut Transaction<'_>, link: &LinkName, carry: &Carry) -> Result<(), StoreError> {
    let (base, _) = remembered(tx, link).await?;
    let mut changes = base.into_rows().map(|(key, row)| BaseChange::Set(key, carry.base(&row))).peekable();
    while changes.peek().is_some() {
        let some: Vec<BaseChange> = changes.by_ref().take(TOGETHER).collect();
        store::base::apply(tx, link, &some).await?;
    }
    for claim in store::claim::open(tx, link).await? {
        // A claim without a base has no row in the table yet: its content is the engine's own mark.
        let Ok(base) = serde_json::from_str::<RowBase>(&claim.content) else { continue };
        let content = serde_json::to_string(&carry.base(&base)).map_err(unreadable)?;
        store::claim::rewrite(tx, link, claim.claim, &content).await?;
    }
    Ok(())
}

/// Values that our own writes covered and that wait to be judged.
async fn debts(
    tx: &mut Transaction<'_>,
    spreadsheet: &SpreadsheetId,
    link: &LinkName,
    carry: &Carry,
) -> Result<(), StoreError> {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (id, content) in store::owed::list(tx, spreadsheet).await? {
        let owed: Owed = serde_json::from_str(&content).map_err(unreadable)?;
        if owed.link() != link {
            continue;
        }
        match carry.owed(owed) {
            Some(owed) => kept.push((id, serde_json::to_string(&owed).map_err(unreadable)?)),
            None => gone.push(id),
        }
    }
    if !gone.is_empty() {
        tracing::warn!(LINK = link.0, "{} values wait for a column that is gone: they are left", gone.len());
    }
    store::owed::insert(tx, spreadsheet, &kept).await?;
    store::owed::delete(tx, spreadsheet, &gone).await
}

/// The batch whose fate is unknown, if there is one.
async fn batch(
    tx: &mut Transaction<'_>,
    spreadsheet: &SpreadsheetId,
    (link, index): (&LinkName, usize),
    carry: &Carry,
) -> Result<(), StoreError> {
    for (number, _, packed) in store::batch::open(tx, spreadsheet).await? {
        let mut plan: Plan = serde_json::from_slice(&packed).map_err(unreadable)?;
        carry.plan(&mut plan, link, index);
        let packed = Packed::of(|out| Ok(serde_json::to_writer(out, &plan)?));
        store::batch::rewrite(tx, spreadsheet, number, packed.map_err(unreadable)?).await?;
    }
    Ok(())
}

fn unreadable<E>(_: E) -> StoreError {
    StoreError::Corrupt { table: "claim, owed and batch", what: "what is open cannot be read" }
}
