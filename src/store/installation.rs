//! Who we are to the spreadsheets.

use mysql_async::prelude::Queryable;
use uuid::Uuid;

use crate::model::mark::Owner;
use crate::store::{Result, StoreError};

/// Counts this start of the daemon. The first one ever also makes the installation's word, at random: 12 hex digits.
pub async fn begin(conn: &mut impl Queryable) -> Result<Owner> {
    let mut word = Uuid::new_v4().simple().to_string();
    word.truncate(12);
    // LAST_INSERT_ID(expression) keeps our own count in the session, whatever a twin does in between.
    conn.exec_drop(
        "INSERT INTO installation (id, word, generation) VALUES (1, ?, LAST_INSERT_ID(1))
         ON DUPLICATE KEY UPDATE generation = LAST_INSERT_ID(generation + 1)",
        (word,),
    )
    .await?;
    let (installation, generation) = conn
        .query_first("SELECT word, CAST(LAST_INSERT_ID() AS UNSIGNED) FROM installation WHERE id = 1")
        .await?
        .ok_or(StoreError::Corrupt { table: "installation", what: "its row is missing" })?;
    Ok(Owner { installation, generation })
}
