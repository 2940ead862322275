//! How far the stream of changes is finished.

use mysql_async::prelude::Queryable;

use crate::store::Result;

/// A saved position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The position's print form.
    pub position: String,
    /// The uuid of the server that it was read on.
    pub server: String,
}

/// Saves the position of a source, in the transaction of what it finishes.
pub async fn save(conn: &mut impl Queryable, source: &str, saved: &Saved) -> Result<()> {
    conn.exec_drop(
        "INSERT INTO position (source, position, server) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE position = VALUES(position), server = VALUES(server)",
        (source, &saved.position, &saved.server),
    )
    .await?;
    Ok(())
}

/// The saved position of a source, if there is one.
pub async fn load(conn: &mut impl Queryable, source: &str) -> Result<Option<Saved>> {
    let row: Option<(String, String)> =
        conn.exec_first("SELECT position, server FROM position WHERE source = ?", (source,)).await?;
    Ok(row.map(|(position, server)| Saved { position, server }))
}
