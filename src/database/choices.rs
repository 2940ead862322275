//! What foreign keys let a column hold: the values of the parent's column, while they are few.

use std::collections::BTreeMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::cascade::all_foreign_keys;
use crate::database::error::{Error, Result};
use crate::database::statement::{Ident, table};
use crate::model::schema::{ColumnKind, TableName, TableSchema};

/// By the table's column, the values that its foreign key allows, in the parent's order: of keys of one column, whole numbers
/// or text, with at most `most` values. A parent that our account may not read gives none.
///
/// # Errors
/// Those of the server.
pub async fn choices(
    conn: &mut Conn,
    schema: &TableSchema,
    most: usize,
) -> Result<BTreeMap<usize, Vec<String>>> {
    let mut choices = BTreeMap::new();
    for key in all_foreign_keys(conn, &schema.name).await? {
        let ([own], [theirs]) = (key.own.as_slice(), key.columns.as_slice()) else { continue };
        let Some(place) = schema.position(own) else { continue };
        let is_short =
            matches!(schema.columns[place].kind, ColumnKind::Integer { .. } | ColumnKind::Text { .. });
        if !is_short {
            continue;
        }
        match values(conn, &key.parent, theirs, most).await {
            Ok(values) if (1..=most).contains(&values.len()) => drop(choices.insert(place, values)),
            Ok(_) | Err(Error::NoTable(_) | Error::Denied(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(choices)
}

/// One more than `most` where there are more.
async fn values(conn: &mut Conn, parent: &TableName, column: &str, most: usize) -> Result<Vec<String>> {
    let (column, parent) = (Ident::new(column)?, table(parent)?);
    let query = format!(
        "SELECT CAST({column} AS CHAR) FROM (SELECT DISTINCT {column} FROM {parent} WHERE {column} IS NOT NULL \
         ORDER BY {column} LIMIT {}) AS choices ORDER BY {column}",
        most + 1
    );
    Ok(conn.query(query).await?)
}
