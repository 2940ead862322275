//! What a link was when it last ran.

use mysql_async::prelude::Queryable;

use crate::model::link::{LinkName, SheetId, SpreadsheetId};
use crate::model::schema::TableName;
use crate::store::Result;

/// The memory of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkMemory {
    /// The link.
    pub name: LinkName,
    /// Its spreadsheet.
    pub spreadsheet: SpreadsheetId,
    /// Its tab, once it was found by its title.
    pub sheet: Option<SheetId>,
    /// Its table.
    pub table: TableName,
    /// Of the configuration that it ran with.
    pub fingerprint: u64,
    /// Its lifecycle, as JSON that the engine understands.
    pub state: String,
}

/// Stores a link's memory.
pub async fn save(conn: &mut impl Queryable, link: &LinkMemory) -> Result<()> {
    conn.exec_drop(
        "INSERT INTO link (name, spreadsheet, sheet_id, table_schema, table_name, fingerprint, state)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE spreadsheet = VALUES(spreadsheet), sheet_id = VALUES(sheet_id),
           table_schema = VALUES(table_schema), table_name = VALUES(table_name),
           fingerprint = VALUES(fingerprint), state = VALUES(state)",
        (
            &link.name.0,
            &link.spreadsheet.0,
            link.sheet.map(|sheet| sheet.0),
            &link.table.schema,
            &link.table.table,
            link.fingerprint,
            &link.state,
        ),
    )
    .await?;
    Ok(())
}

const SELECT: &str =
    "SELECT name, spreadsheet, sheet_id, table_schema, table_name, fingerprint, state FROM link";

/// What a link is remembered by, as it is selected.
type Line = (String, String, Option<i32>, String, String, u64, String);

fn memory((name, spreadsheet, sheet, schema, table, fingerprint, state): Line) -> LinkMemory {
    LinkMemory {
        name: LinkName(name),
        spreadsheet: SpreadsheetId(spreadsheet),
        sheet: sheet.map(SheetId),
        table: TableName { schema, table },
        fingerprint,
        state,
    }
}

/// All links that ever ran, by name.
pub async fn load_all(conn: &mut impl Queryable) -> Result<Vec<LinkMemory>> {
    Ok(conn.query_map(format!("{SELECT} ORDER BY name"), memory).await?)
}

/// The memory of one link, if it ever ran.
pub async fn load(conn: &mut impl Queryable, name: &LinkName) -> Result<Option<LinkMemory>> {
    Ok(conn.exec_first(format!("{SELECT} WHERE name = ?"), (&name.0,)).await?.map(memory))
}

/// The same for who is going to change it: as it is now, and locked until the transaction ends.
pub async fn load_to_change(conn: &mut impl Queryable, name: &LinkName) -> Result<Option<LinkMemory>> {
    // The lock on a row that is not there would be one on the gap, and two that make their rows there wait for each other.
    if load(conn, name).await?.is_none() {
        return Ok(None);
    }
    Ok(conn.exec_first(format!("{SELECT} WHERE name = ? FOR UPDATE"), (&name.0,)).await?.map(memory))
}
