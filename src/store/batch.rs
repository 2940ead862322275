//! The calls to Google that change a spreadsheet, each remembered before it is sent.
//!
//! A batch is intended, and later done (it landed, and base moved with it) or void (it never will land). One that is
//! intended only is open: after a crash its fate is asked from the spreadsheet before anything else is done (protocol C7).

use std::collections::BTreeSet;

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::link::SpreadsheetId;
use crate::model::mark::{BatchNumber, Owner};
use crate::store::bulk::Bulk;
use crate::store::pack::{pack, unpack};
use crate::store::{Result, StoreError};

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It landed.
    Done,
    /// It can never land.
    Void,
}

/// Remembers a batch before it is sent. `plan` is the caller's own form, compressed at rest.
pub async fn intend(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    number: BatchNumber,
    owner: &Owner,
    plan: &[u8],
) -> Result<()> {
    conn.exec_drop(
        "INSERT INTO batch (spreadsheet, number, step, owner, plan_packed) VALUES (?, ?, 'intended', ?, ?)",
        (&spreadsheet.0, number.0, owner.to_string(), pack(plan)),
    )
    .await?;
    Ok(())
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
        let owner = owner.parse().map_err(|()| StoreError::Corrupt {
            table: "batch",
            what: "an owner's text is no owner",
        })?;
        Ok((BatchNumber(number), owner, unpack("batch", &plan)?))
    };
    rows.into_iter().map(typed).collect()
}

/// Which of the tokens that stand in the sheet may go: of our own numbers, those that are neither open nor younger than 15
/// minutes. A token that is still needed to tell a fate is never among them.
pub async fn expired(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    seen: &[BatchNumber],
) -> Result<Vec<BatchNumber>> {
    let next: Option<i32> = conn
        .exec_first(
            "SELECT next_batch FROM spreadsheet WHERE id = ?",
            (&spreadsheet.0,),
        )
        .await?;
    // A number that was never reserved here is not ours to delete, whoever made it.
    let Some(next) = next else { return Ok(Vec::new()) };
    let asked = Bulk {
        row: "?",
        fixed: vec![Value::from(&spreadsheet.0)],
        rows: seen.iter().map(|number| vec![Value::from(number.0)]).collect(),
    };
    let needed: BTreeSet<i32> = asked
        .fetch::<i32>(conn, |numbers| {
            format!(
                "SELECT number FROM batch WHERE spreadsheet = ? AND number IN ({numbers}) GROUP BY number
                 HAVING COUNT(*) = 1 OR MAX(at) > CURRENT_TIMESTAMP(6) - INTERVAL 15 MINUTE"
            )
        })
        .await?
        .into_iter()
        .collect();
    let may_go = |number: &&BatchNumber| number.0 < next && !needed.contains(&number.0);
    Ok(seen.iter().filter(may_go).copied().collect())
}
