//! One daemon at a time, by a row and the server's clock.
//!
//! The lease ends by itself when it is not renewed. It ends at once when the connection that holds it is gone from the
//! server, so that a daemon that was killed does not keep its successor waiting. Every transaction of ours asks
//! [`still_ours`] before it commits ([`crate::store::fenced`]): a daemon that slept through its own end writes nothing more.
//!
//! The holder therefore takes and renews over one connection that it keeps for life.

use std::time::Duration;

use mysql_async::prelude::Queryable;

use crate::model::mark::Owner;
use crate::store::{Result, StoreError};

/// Takes the lease for `life`, if nobody holds it. `holder` is for people: host and process.
///
/// # Errors
/// [`StoreError::LeaseHeld`] while another daemon lives.
pub async fn take(conn: &mut impl Queryable, owner: &Owner, holder: &str, life: Duration) -> Result<()> {
    conn.query_drop(
        "INSERT INTO lease (id, holder, generation, connection) VALUES (1, '', 0, 0)
         ON DUPLICATE KEY UPDATE id = id",
    )
    .await?;
    // A user sees its own connections in the process list without any right.
    conn.exec_drop(
        "UPDATE lease SET holder = ?, generation = ?, connection = CONNECTION_ID(),
           expires_at = CURRENT_TIMESTAMP(6) + INTERVAL ? MICROSECOND
         WHERE id = 1 AND (expires_at <= CURRENT_TIMESTAMP(6)
           OR connection NOT IN (SELECT id FROM information_schema.processlist))",
        (holder, owner.generation, micros(life)),
    )
    .await?;
    let (holder, generation, left): (String, u32, i64) = conn
        .query_first(
            "SELECT holder, generation, CAST(CEILING(TIMESTAMPDIFF(MICROSECOND, CURRENT_TIMESTAMP(6), expires_at)
               / 1000000) AS SIGNED) FROM lease WHERE id = 1",
        )
        .await?
        .ok_or(MISSING)?;
    if generation == owner.generation {
        return Ok(());
    }
    Err(StoreError::LeaseHeld { holder, seconds: u64::try_from(left).unwrap_or(0) })
}

/// Prolongs the lease to `life` from now.
///
/// # Errors
/// [`StoreError::LeaseLost`] when another daemon has it: stop at once.
pub async fn renew(conn: &mut impl Queryable, owner: &Owner, life: Duration) -> Result<()> {
    conn.exec_drop(
        "UPDATE lease SET connection = CONNECTION_ID(), expires_at = CURRENT_TIMESTAMP(6) + INTERVAL ? MICROSECOND
         WHERE id = 1 AND generation = ?",
        (micros(life), owner.generation),
    )
    .await?;
    still_ours(conn, owner).await
}

/// Checks within a transaction that nobody took over, and keeps it so until the transaction ends (a shared lock).
///
/// # Errors
/// [`StoreError::LeaseLost`].
pub async fn still_ours(conn: &mut impl Queryable, owner: &Owner) -> Result<()> {
    // MariaDB does not know FOR SHARE.
    let held: u32 = conn
        .query_first("SELECT generation FROM lease WHERE id = 1 LOCK IN SHARE MODE")
        .await?
        .ok_or(MISSING)?;
    if held == owner.generation { Ok(()) } else { Err(StoreError::LeaseLost(owner.clone())) }
}

/// Who holds the lease now, if somebody does.
pub async fn holder(conn: &mut impl Queryable) -> Result<Option<String>> {
    let sql = "SELECT holder FROM lease WHERE id = 1 AND expires_at > CURRENT_TIMESTAMP(6)
               AND connection IN (SELECT id FROM information_schema.processlist)";
    Ok(conn.query_first(sql).await?)
}

/// Ends our lease at a clean stop.
pub async fn release(conn: &mut impl Queryable, owner: &Owner) -> Result<()> {
    conn.exec_drop(
        "UPDATE lease SET expires_at = CURRENT_TIMESTAMP(6) WHERE id = 1 AND generation = ?",
        (owner.generation,),
    )
    .await?;
    Ok(())
}

const MISSING: StoreError = StoreError::Corrupt { table: "lease", what: "its row is missing" };

fn micros(life: Duration) -> u64 {
    u64::try_from(life.as_micros()).unwrap_or(u64::MAX)
}
