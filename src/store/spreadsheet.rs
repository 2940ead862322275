//! The counters of a spreadsheet: batch numbers and trash lines.

use mysql_async::prelude::Queryable;
use uuid::Uuid;

use crate::model::grid::TRASH_SLOTS;
use crate::model::link::SpreadsheetId;
use crate::model::mark::BatchNumber;
use crate::store::{Result, StoreError};

/// What a batch reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its number.
    pub number: BatchNumber,
    /// The trash lines that it may fill, in the order asked: each below [`TRASH_SLOTS`].
    pub slots: Vec<u32>,
}

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

/// Reserves the next batch number and `slots` trash lines, in the transaction that also stores the batch as intended.
/// `taken` are metadata ids under foreign keys: they are skipped.
///
/// # Errors
/// [`StoreError::UnknownSpreadsheet`] without [`ensure`]; [`StoreError::Exhausted`] after two thousand million batches.
pub async fn reserve(
    conn: &mut impl Queryable,
    id: &SpreadsheetId,
    slots: u32,
    taken: &[i32],
) -> Result<Reserved> {
    let (next_batch, next_slot): (i32, u32) = conn
        .exec_first(
            "SELECT next_batch, next_slot FROM spreadsheet WHERE id = ? FOR UPDATE",
            (&id.0,),
        )
        .await?
        .ok_or_else(|| StoreError::UnknownSpreadsheet(id.to_string()))?;
    let number = (next_batch..i32::MAX)
        .find(|number| !taken.contains(number))
        .ok_or_else(|| StoreError::Exhausted(id.to_string()))?;
    conn.exec_drop(
        "UPDATE spreadsheet SET next_batch = ?, next_slot = ? WHERE id = ?",
        (number + 1, (next_slot + slots) % TRASH_SLOTS, &id.0),
    )
    .await?;
    Ok(Reserved {
        number: BatchNumber(number),
        slots: (0..slots).map(|i| (next_slot + i) % TRASH_SLOTS).collect(),
    })
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
