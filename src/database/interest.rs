//! The tables that somebody wants rows of. All others are passed over at their table map, before any row is looked at.

use std::collections::HashMap;
use std::sync::Arc;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::charset::Charset;
use crate::database::error::Result;
use crate::model::schema::{TableName, TableSchema};

/// A set of tables with what it takes to read their rows. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    tables: Arc<HashMap<TableName, Watched>>,
}

/// One table of the set.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub schema: Arc<TableSchema>,
    /// Of the schema's columns; `None` for those that are no text or whose set we cannot read.
    pub charsets: Arc<[Option<Charset>]>,
    /// Columns after the others that `information_schema` does not show: MariaDB's hashes of long unique keys.
    pub hidden: usize,
}

impl Interest {
    /// Wants these tables; the server is asked how it reads their character sets. A set that we cannot read is found out
    /// when rows come: the table is in doubt then.
    pub async fn load(conn: &mut Conn, schemas: impl IntoIterator<Item = TableSchema>) -> Result<Self> {
        let mut known: HashMap<String, Option<Charset>> = HashMap::new();
        let mut tables = HashMap::new();
        for schema in schemas {
            let mut charsets = Vec::with_capacity(schema.columns.len());
            for column in &schema.columns {
                let charset = match &column.charset {
                    None => None,
                    Some(name) => {
                        if !known.contains_key(name) {
                            known.insert(name.clone(), Charset::load(conn, name).await?);
                        }
                        known.get(name).cloned().flatten()
                    }
                };
                charsets.push(charset);
            }
            let watched = Watched {
                hidden: hidden(conn, &schema.name).await?,
                charsets: charsets.into(),
                schema: Arc::new(schema),
            };
            tables.insert(watched.schema.name.clone(), watched);
        }
        Ok(Self { tables: Arc::new(tables) })
    }

    /// The names of the tables.
    pub fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    /// True if the table is wanted.
    pub fn contains(&self, table: &TableName) -> bool {
        self.tables.contains_key(table)
    }

    pub(crate) fn get(&self, schema: &[u8], table: &[u8]) -> Option<&Watched> {
        let name = TableName {
            schema: std::str::from_utf8(schema).ok()?.to_owned(),
            table: std::str::from_utf8(table).ok()?.to_owned(),
        };
        self.tables.get(&name)
    }
}

/// Unique keys over long columns, which MariaDB keeps by a hash in a column of its own.
async fn hidden(conn: &mut Conn, table: &TableName) -> Result<usize> {
    let count: Option<usize> = conn
        .exec_first(
            "SELECT COUNT(DISTINCT INDEX_NAME) FROM information_schema.STATISTICS JOIN information_schema.TABLES \
             USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
             AND INDEX_TYPE = 'HASH' AND ENGINE = 'InnoDB'",
            (&table.schema, &table.table),
        )
        .await?;
    Ok(count.unwrap_or(0))
}
