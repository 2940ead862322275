//! What waits for a person: cells and rows that were refused, frozen or cut.

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::digest::{Digest, wide};
use crate::model::link::LinkName;
use crate::store::Result;
use crate::store::bulk::Bulk;

/// One held cell or row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The row: its key's text, or another name where it has no key.
    pub row: String,
    /// The column; `None` holds the whole row.
    pub column: Option<String>,
    /// Why, in one word that programs compare: `refused`, `conflict`, `duplicate_key`. At most 64 characters.
    pub reason: String,
    /// The database's side when it was held.
    pub value: Digest,
    /// The sheet's side when it was held: it is decided again when one of the two changes.
    pub cell: Digest,
    /// For people: what is wrong and how to mend it.
    pub detail: String,
}

/// Holds cells and rows; what is held already is held anew.
pub async fn hold(conn: &mut impl Queryable, link: &LinkName, held: &[Held]) -> Result<()> {
    let row = |held: &Held| {
        vec![
            Value::from(&link.0),
            Value::from(wide(held.row.as_bytes())),
            Value::from(held.column.as_deref().unwrap_or_default()),
            Value::from(&held.row),
            Value::from(&held.reason),
            Value::from(held.value.0),
            Value::from(held.cell.0),
            Value::from(&held.detail),
        ]
    };
    let held =
        Bulk { row: "(?, ?, ?, ?, ?, ?, ?, ?)", fixed: Vec::new(), rows: held.iter().map(row).collect() };
    held.run(conn, |rows| {
        format!(
            "INSERT INTO held (link, row_digest, column_name, row_text, reason, value_digest, cell_digest, detail)
             VALUES {rows} ON DUPLICATE KEY UPDATE reason = VALUES(reason), value_digest = VALUES(value_digest),
               cell_digest = VALUES(cell_digest), detail = VALUES(detail), at = CURRENT_TIMESTAMP(6)"
        )
    })
    .await
}

/// Lets go of cells (row and column) or of a row's own hold (`None`).
pub async fn release(
    conn: &mut impl Queryable,
    link: &LinkName,
    held: &[(String, Option<String>)],
) -> Result<()> {
    let row = |(row, column): &(String, Option<String>)| {
        vec![Value::from(wide(row.as_bytes())), Value::from(column.as_deref().unwrap_or_default())]
    };
    let free =
        Bulk { row: "(?, ?)", fixed: vec![Value::from(&link.0)], rows: held.iter().map(row).collect() };
    free.run(conn, |rows| {
        format!("DELETE FROM held WHERE link = ? AND (row_digest, column_name) IN ({rows})")
    })
    .await
}

/// Lets go of everything of a link.
pub async fn release_all(conn: &mut impl Queryable, link: &LinkName) -> Result<()> {
    Ok(conn.exec_drop("DELETE FROM held WHERE link = ?", (&link.0,)).await?)
}

/// Everything that a link holds, oldest first.
pub async fn list(conn: &mut impl Queryable, link: &LinkName) -> Result<Vec<Held>> {
    let rows: Vec<(String, String, String, u64, u64, String)> = conn
        .exec(
            "SELECT row_text, column_name, reason, value_digest, cell_digest, detail
             FROM held WHERE link = ? ORDER BY at, row_digest, column_name",
            (&link.0,),
        )
        .await?;
    let typed = |(row, column, reason, value, cell, detail): (_, String, _, _, _, _)| Held {
        row,
        column: Some(column).filter(|column| !column.is_empty()),
        reason,
        value: Digest(value),
        cell: Digest(cell),
        detail,
    };
    Ok(rows.into_iter().map(typed).collect())
}
