//! What a receipt showed to be due in a spreadsheet: mends of wrong rows, and values that people typed in between.

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::link::SpreadsheetId;
use crate::store::Result;
use crate::store::bulk::Bulk;

/// Remembers what is owed: an id that the caller chose, and its content as JSON. The same id again replaces the content.
pub async fn insert(
    conn: &mut impl Queryable,
    spreadsheet: &SpreadsheetId,
    owed: &[(u64, String)],
) -> Result<()> {
    let row = |(id, content): &(u64, String)| {
        vec![Value::from(&spreadsheet.0), Value::from(id), Value::from(content)]
    };
    let owed = Bulk { row: "(?, ?, ?)", fixed: Vec::new(), rows: owed.iter().map(row).collect() };
    owed.run(conn, |rows| {
        format!(
            "INSERT INTO owed (spreadsheet, id, content) VALUES {rows}
             ON DUPLICATE KEY UPDATE content = VALUES(content)"
        )
    })
    .await
}

/// Forgets what is no longer owed.
pub async fn delete(conn: &mut impl Queryable, spreadsheet: &SpreadsheetId, ids: &[u64]) -> Result<()> {
    let paid = Bulk {
        row: "?",
        fixed: vec![Value::from(&spreadsheet.0)],
        rows: ids.iter().map(|id| vec![Value::from(id)]).collect(),
    };
    paid.run(conn, |ids| format!("DELETE FROM owed WHERE spreadsheet = ? AND id IN ({ids})")).await
}

/// Everything that is owed to a spreadsheet, by id.
pub async fn list(conn: &mut impl Queryable, spreadsheet: &SpreadsheetId) -> Result<Vec<(u64, String)>> {
    let owed = conn
        .exec("SELECT id, content FROM owed WHERE spreadsheet = ? ORDER BY id", (&spreadsheet.0,))
        .await?;
    Ok(owed)
}
