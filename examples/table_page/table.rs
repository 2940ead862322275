//! The table: read whole as texts, and changed by a person's SQL.

use std::fmt;
use std::str::FromStr;

use mysql_async::consts::ColumnFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{Pool, Row, Value};
use serde::Serialize;

/// `schema.table`, both quoted wherever they meet SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    schema: String,
    table: String,
}

impl FromStr for TableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (schema, table) = text.split_once('.').ok_or("write it as schema.table")?;
        Ok(Self { schema: schema.to_owned(), table: table.to_owned() })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{}", self.schema, self.table)
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// What the page shows.
#[derive(Serialize)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    /// Part of the primary key: by it the page knows a row again.
    key: bool,
}

/// The whole table in the order of its first column. It is a demo's table; nobody has millions of rows in it.
pub(crate) async fn read(pool: &Pool, name: &TableName) -> mysql_async::Result<Table> {
    let mut connection = pool.get_conn().await?;
    let query = format!("SELECT * FROM {}.{} ORDER BY 1", quoted(&name.schema), quoted(&name.table));
    let mut result = connection.query_iter(query).await?;
    let columns = result.columns_ref().iter().map(|column| Column {
        name: column.name_str().into_owned(),
        key: column.flags().contains(ColumnFlags::PRI_KEY_FLAG),
    });
    let columns = columns.collect();
    let rows: Vec<Row> = result.collect().await?;
    Ok(Table {
        columns,
        rows: rows.into_iter().map(|row| row.unwrap().into_iter().map(shown).collect()).collect(),
    })
}

/// The text protocol sends every value as the text that a client prints.
fn shown(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    }
}

/// Runs what a person typed, with the table's schema as the default one. Gives the number of rows that it changed.
pub(crate) async fn run(pool: &Pool, name: &TableName, statement: &str) -> mysql_async::Result<u64> {
    let mut connection = pool.get_conn().await?;
    connection.query_drop(format!("USE {}", quoted(&name.schema))).await?;
    connection.query_drop(statement).await?;
    Ok(connection.affected_rows())
}
