//! Brakes that are on, and what operators say to them: how a command reaches the daemon, running or not.

use mysql_async::prelude::Queryable;

use crate::model::link::LinkName;
use crate::model::pause::{Brake, Cure, Pause};
use crate::store::{Result, StoreError};

/// A brake of a link as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The link.
    pub link: LinkName,
    /// The brake.
    pub pause: Pause,
    /// An operator lets it go on; the daemon has not done so yet.
    pub resumed: bool,
}

/// What an operator let go on stays so while the brake names the same number of rows.
const SET: &str = "INSERT INTO pause (link, brake, reason, row_count) VALUES (?, ?, ?, ?)
  ON DUPLICATE KEY UPDATE resumed = resumed AND row_count <=> VALUES(row_count), reason = VALUES(reason),
    row_count = VALUES(row_count)";

/// Stores the brakes that the daemon itself has on. Those that only an operator ends stay until he does.
pub async fn keep(conn: &mut impl Queryable, link: &LinkName, pauses: &[Pause]) -> Result<()> {
    let on = |brake: &Brake| pauses.iter().any(|pause| pause.brake == *brake);
    for brake in Brake::ALL.into_iter().filter(|brake| brake.cure() != Cure::Anew && !on(brake)) {
        lift(conn, link, brake).await?;
    }
    for pause in pauses {
        set(conn, link, pause).await?;
    }
    Ok(())
}

/// Puts one brake on.
pub async fn set(conn: &mut impl Queryable, link: &LinkName, pause: &Pause) -> Result<()> {
    Ok(conn.exec_drop(SET, (&link.0, pause.brake.word(), &pause.reason, pause.rows)).await?)
}

/// Takes one brake off.
pub async fn lift(conn: &mut impl Queryable, link: &LinkName, brake: Brake) -> Result<()> {
    let sql = "DELETE FROM pause WHERE link = ? AND brake = ?";
    Ok(conn.exec_drop(sql, (&link.0, brake.word())).await?)
}

/// Lets a brake go on as it is: false if it names another number of rows by now, or is off.
pub async fn resume(conn: &mut impl Queryable, link: &LinkName, pause: &Pause) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM pause WHERE link = ? AND brake = ? AND row_count <=> ? FOR UPDATE";
    let same = (&link.0, pause.brake.word(), pause.rows);
    let found: Option<u64> = conn.exec_first(sql, same).await?;
    if found != Some(1) {
        return Ok(false);
    }
    conn.exec_drop("UPDATE pause SET resumed = TRUE WHERE link = ? AND brake = ?", (&link.0, same.1)).await?;
    Ok(true)
}

/// Every brake that is on, by link and age.
pub async fn list(conn: &mut impl Queryable) -> Result<Vec<Kept>> {
    let rows: Vec<(String, String, String, Option<u64>, bool)> = conn
        .query("SELECT link, brake, reason, row_count, resumed FROM pause ORDER BY link, at, brake")
        .await?;
    let typed = |(link, brake, reason, rows, resumed): (_, String, _, _, _)| {
        let brake =
            brake.parse().map_err(|_| StoreError::Corrupt { table: "pause", what: "no such brake" })?;
        Ok(Kept { link: LinkName(link), pause: Pause { brake, reason, rows }, resumed })
    };
    rows.into_iter().map(typed).collect()
}

/// The brakes of one link.
pub async fn of_link(conn: &mut impl Queryable, link: &LinkName) -> Result<Vec<Kept>> {
    Ok(list(conn).await?.into_iter().filter(|kept| kept.link == *link).collect())
}
