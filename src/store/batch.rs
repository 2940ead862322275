//! The calls to Google that change a spreadsheet, each remembered before it is sent.
//!
//! A batch is intended, and later done (it landed, and base moved with it) or void (it never will land). One that is
//! intended only is open: after a crash its fate is asked from the spreadsheet before anything else is done (protocol C7).

use mysql_async::prelude::Queryable;

use crate::model::link::SpreadsheetId;
use crate::model::mark::{BatchNumber, Owner};
use crate::store::pack::{Packed, unpack};
use crate::store::{Result, StoreError};

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It landed.
    Done,
    /// It can never land.
    Void,
}

/// Remembers a batch before it is sent. `plan` is the caller's own form.
pub async fn intend(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    number: BatchNumber,
    owner: &Owner,
    plan: Packed,
) -> Result<()> {
    conn.exec_drop(
        "INSERT INTO batch (spreadsheet, number, step, owner, plan_packed) VALUES (?, ?, 'intended', ?, ?)",
        (&spreadsheet.0, number.0, owner.to_string(), plan.0),
    )
    .await?;
    Ok(())
}

/// Writes the plan of an open batch anew: a link's columns are others than when it was made.
pub async fn rewrite(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    number: BatchNumber,
    plan: Packed,
) -> Result<()> {
    let sql = "UPDATE batch SET plan_packed = ? WHERE spreadsheet = ? AND number = ? AND step = 'intended'";
    Ok(conn.exec_drop(sql, (plan.0, &spreadsheet.0, number.0)).await?)
}

/// Settles a batch, in the transaction that stores what follows from its end. Settling it again the same way is nothing.
pub async fn finish(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    number: BatchNumber,
    owner: &Owner,
    outcome: Outcome,
) -> Result<()> {
    let step = match outcome {
        Outcome::Done => "done",
        Outcome::Void => "void",
    };
    conn.exec_drop(
        "INSERT INTO batch (spreadsheet, number, step, owner) VALUES (?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE step = VALUES(step)",
        (&spreadsheet.0, number.0, step, owner.to_string()),
    )
    .await?;
    Ok(())
}

/// The open batches of a spreadsheet, oldest first: number, who intended it, its plan.
pub async fn open(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
) -> Result<Vec<(BatchNumber, Owner, Vec<u8>)>> {
    let rows: Vec<(i32, String, Vec<u8>)> = conn
        .exec(
            "SELECT i.number, i.owner, i.plan_packed FROM batch i
             WHERE i.spreadsheet = ? AND i.step = 'intended' AND NOT EXISTS (
               SELECT 1 FROM batch s
               WHERE s.spreadsheet = i.spreadsheet AND s.number = i.number AND s.step <> 'intended')
             ORDER BY i.number",
            (&spreadsheet.0,),
        )
        .await?;
    let typed = |(number, owner, plan): (i32, String, Vec<u8>)| {
        let owner = owner
            .parse()
            .map_err(|()| StoreError::Corrupt { table: "batch", what: "an owner's text is no owner" })?;
        Ok((BatchNumber(number), owner, unpack("batch", &plan)?))
    };
    rows.into_iter().map(typed).collect()
}

/// The batches whose fate is known and whose tokens may still stand: number, microseconds since 1970 of their end, and
/// whether they landed. Oldest first.
pub async fn ended(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
) -> Result<Vec<(BatchNumber, u64, bool)>> {
    let rows: Vec<(i32, u64, bool)> = conn
        .exec(
            "SELECT number, CAST(UNIX_TIMESTAMP(at) * 1000000 AS UNSIGNED), step = 'done' FROM batch
             WHERE spreadsheet = ? AND step <> 'intended' ORDER BY at, number",
            (&spreadsheet.0,),
        )
        .await?;
    Ok(rows.into_iter().map(|(number, at, landed)| (BatchNumber(number), at, landed)).collect())
}
