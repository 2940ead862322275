//! The counters of a spreadsheet: batch numbers and trash lines.

use mysql_async::prelude::Queryable;
use uuid::Uuid;

use crate::model::grid::TRASH_SLOTS;
use crate::model::link::SpreadsheetId;
use crate::model::mark::BatchNumber;
use crate::store::{Result, StoreError};

/// Makes the counters of a spreadsheet that is new to us. Numbers start at random in the lower half of the positive `i32`,
/// so that two installations on copies of one sheet hardly meet.
pub async fn ensure(conn: &mut impl Queryable, id: &SpreadsheetId) -> Result<()> {
    let start = i32::try_from(Uuid::new_v4().as_u128() & 0x3fff_ffff).unwrap_or(0) + 1;
    conn.exec_drop(
        "INSERT INTO spreadsheet (id, next_batch, next_slot) VALUES (?, ?, 0) ON DUPLICATE KEY UPDATE id = id",
        (&id.0, start),
    )
    .await?;
    Ok(())
}

/// The next batch's number and the next trash line.
///
/// # Errors
/// [`StoreError::UnknownSpreadsheet`] without [`ensure`].
pub async fn counters(conn: &mut impl Queryable, id: &SpreadsheetId) -> Result<(BatchNumber, u32)> {
    let (next_batch, next_slot): (i32, u32) = conn
        .exec_first("SELECT next_batch, next_slot FROM spreadsheet WHERE id = ?", (&id.0,))
        .await?
        .ok_or_else(|| StoreError::UnknownSpreadsheet(id.to_string()))?;
    Ok((BatchNumber(next_batch), next_slot % TRASH_SLOTS))
}

/// Uses up a batch's number, in the transaction that also stores the batch as intended: it is never used again.
///
/// # Errors
/// [`StoreError::UnknownSpreadsheet`] without [`ensure`]; [`StoreError::Exhausted`] after two thousand million batches.
pub async fn advance(conn: &mut impl Queryable, id: &SpreadsheetId, number: BatchNumber) -> Result<()> {
    let next = number.0.checked_add(1).ok_or_else(|| StoreError::Exhausted(id.to_string()))?;
    conn.exec_drop("UPDATE spreadsheet SET next_batch = GREATEST(next_batch, ?) WHERE id = ?", (next, &id.0))
        .await?;
    Ok(())
}

/// Remembers the next trash line.
pub async fn set_slot(conn: &mut impl Queryable, id: &SpreadsheetId, slot: u32) -> Result<()> {
    conn.exec_drop("UPDATE spreadsheet SET next_slot = ? WHERE id = ?", (slot % TRASH_SLOTS, &id.0)).await?;
    Ok(())
}

/// The last number that was reserved: a sheet that shows a higher one of ours means that MySQL went back in time.
/// `None` before the first batch of a spreadsheet.
pub async fn last_number(conn: &mut impl Queryable, id: &SpreadsheetId) -> Result<Option<BatchNumber>> {
    let last: Option<Option<i32>> = conn
        .exec_first(
            "SELECT s.next_batch - 1 FROM spreadsheet s WHERE s.id = ?
             AND EXISTS (SELECT 1 FROM batch b WHERE b.spreadsheet = s.id)",
            (&id.0,),
        )
        .await?;
    Ok(last.flatten().map(BatchNumber))
}
