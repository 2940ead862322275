//! What is forgotten, and when.
//!
//! Thirty days for what people may ask about: their edits, writes, conflicts, deletes, tombstones. A day for what only the
//! machine needed: settled batches, probes and watermarks. What is open or owed is never forgotten.

use mysql_async::prelude::Queryable;

use crate::store::Result;

/// Rows of one statement: short transactions, so that nobody waits for our housekeeping.
const AT_ONCE: usize = 2000;

/// A batch's first row goes only with or after the one that settles it: an open batch stays open however old.
const RULES: &[&str] = &[
    "DELETE FROM ledger WHERE at < CURRENT_TIMESTAMP(6) - INTERVAL 1 DAY AND kind IN ('probe', 'mark')",
    "DELETE FROM ledger WHERE at < CURRENT_TIMESTAMP(6) - INTERVAL 30 DAY",
    "DELETE FROM edit WHERE answered AND received_at < CURRENT_TIMESTAMP(6) - INTERVAL 30 DAY",
    "DELETE FROM base WHERE dead_at < CURRENT_TIMESTAMP(6) - INTERVAL 30 DAY",
];

/// Forgets what is due and tells how many rows that were. Each statement commits by itself: call it outside a transaction.
pub async fn clean(conn: &mut impl Queryable) -> Result<u64> {
    let mut forgotten = clean_batches(conn).await?;
    for rule in RULES {
        loop {
            let gone = conn.query_iter(format!("{rule} LIMIT {AT_ONCE}")).await?.affected_rows();
            forgotten += gone;
            if gone < AT_ONCE as u64 {
                break;
            }
        }
    }
    Ok(forgotten)
}

/// Both rows of a settled batch go in one statement, so that it is never seen half.
async fn clean_batches(conn: &mut impl Queryable) -> Result<u64> {
    let mut forgotten = 0;
    loop {
        // No LIMIT in a DELETE with a join: the inner list has it instead.
        let gone = conn
            .query_iter(format!(
                "DELETE b FROM batch b JOIN (
                   SELECT spreadsheet, number FROM batch
                   WHERE step <> 'intended' AND at < CURRENT_TIMESTAMP(6) - INTERVAL 1 DAY LIMIT {AT_ONCE}
                 ) settled ON settled.spreadsheet = b.spreadsheet AND settled.number = b.number"
            ))
            .await?
            .affected_rows();
        forgotten += gone;
        if gone < AT_ONCE as u64 {
            return Ok(forgotten);
        }
    }
}
