//! The tables that somebody wants rows of. All others are passed over at their table map, before any row is looked at.

use std::collections::HashMap;
use std::sync::Arc;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::cascade::{self, Fall};
use crate::database::charset::Charset;
use crate::database::connect::Version;
use crate::database::error::Result;
use crate::database::schema::is_versioned;
use crate::model::schema::{TableName, TableSchema};

/// A table of which somebody wants rows, and which of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    schema: TableSchema,
    columns: Vec<bool>,
}

impl Wanted {
    /// Only these columns, by their places, and those of the key. The others are `None` in every image.
    pub fn only(schema: TableSchema, columns: impl IntoIterator<Item = usize>) -> Self {
        let mut wanted = vec![false; schema.columns.len()];
        for at in columns.into_iter().chain(schema.key.iter().copied()) {
            if let Some(flag) = wanted.get_mut(at) {
                *flag = true;
            }
        }
        Self { schema, columns: wanted }
    }

    /// The table.
    pub fn name(&self) -> &TableName {
        &self.schema.name
    }

    /// True if this is the table's shape.
    pub fn is_of(&self, schema: &TableSchema) -> bool {
        self.schema == *schema
    }
}

/// Every column.
impl From<TableSchema> for Wanted {
    fn from(schema: TableSchema) -> Self {
        Self { columns: vec![true; schema.columns.len()], schema }
    }
}

/// A set of tables with what it takes to read their rows. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// By database and table.
    tables: Arc<HashMap<String, HashMap<String, Watched>>>,
}

/// One table of the set.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub name: Arc<TableName>,
    /// `None` for a parent that we may not look at.
    pub shape: Option<Shape>,
    /// Somebody wants its rows; else it is here for what falls from it only.
    pub linked: bool,
    /// Where its changes fall on to, unseen.
    pub falls: Arc<[Fall]>,
}

/// What it takes to read a table's rows.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub schema: Arc<TableSchema>,
    /// Of the schema's columns; `None` for those that are no text or whose set we cannot read.
    pub charsets: Arc<[Option<Charset>]>,
    /// Of the schema's columns: the others are passed over.
    pub wanted: Arc<[bool]>,
    /// Columns after the others that `information_schema` does not show: MariaDB's hashes of long unique keys.
    pub hidden: usize,
    /// MariaDB keeps the rows that ended in the table, and logs a delete as an update: its events are not read.
    pub versioned: bool,
}

impl Interest {
    /// Wants these tables; the server is asked how it reads their character sets, and which foreign keys change them. A set
    /// that we cannot read is found out when rows come: the table is in doubt then.
    pub async fn load(conn: &mut Conn, wanted: impl IntoIterator<Item = impl Into<Wanted>>) -> Result<Self> {
        let mut charsets = HashMap::new();
        let mut tables = Vec::new();
        for wanted in wanted {
            let wanted = wanted.into();
            let shape = Shape::load(conn, wanted, &mut charsets).await?;
            let name = Arc::new(shape.schema.name.clone());
            tables.push(Watched { name, shape: Some(shape), linked: true, falls: Arc::new([]) });
        }
        let version = Version::of(conn).await?;
        if !cascade::are_logged(conn, version).await? {
            let linked: Vec<TableName> = tables.iter().map(|table| TableName::clone(&table.name)).collect();
            for (name, parent) in cascade::parents(conn, &linked).await? {
                let falls: Arc<[Fall]> = parent.falls.into();
                if let Some(table) = tables.iter_mut().find(|table| *table.name == name) {
                    table.widen(&falls);
                    table.falls = falls;
                    continue;
                }
                let columns: Vec<usize> =
                    falls.iter().flat_map(|fall| fall.columns.iter().flatten().copied()).collect();
                let shape = match parent.schema {
                    Some(schema) => {
                        Some(Shape::load(conn, Wanted::only(schema, columns), &mut charsets).await?)
                    }
                    None => None,
                };
                tables.push(Watched { name: Arc::new(name), shape, linked: false, falls });
            }
        }
        Ok(Self::of(tables))
    }

    /// Wants these tables, whose text is in Unicode or ASCII: no server is asked, and none is there who could tell foreign keys.
    pub fn unicode(wanted: impl IntoIterator<Item = impl Into<Wanted>>) -> Self {
        let watched = wanted.into_iter().map(|wanted| {
            let Wanted { schema, columns } = wanted.into();
            let known = |name: &String| Charset::known(name);
            let charsets =
                schema.columns.iter().map(|column| column.charset.as_ref().and_then(known)).collect();
            let name = Arc::new(schema.name.clone());
            let shape = Shape {
                schema: Arc::new(schema),
                charsets,
                wanted: columns.into(),
                hidden: 0,
                versioned: false,
            };
            Watched { name, shape: Some(shape), linked: true, falls: Arc::new([]) }
        });
        Self::of(watched.collect())
    }

    fn of(watched: Vec<Watched>) -> Self {
        let mut tables: HashMap<String, HashMap<String, Watched>> = HashMap::new();
        for table in watched {
            let database = tables.entry(table.name.schema.clone()).or_default();
            database.insert(table.name.table.clone(), table);
        }
        Self { tables: Arc::new(tables) }
    }

    /// The names of the wanted tables.
    pub fn tables(&self) -> impl Iterator<Item = &TableName> {
        let all = self.tables.values().flat_map(HashMap::values);
        all.filter(|table| table.linked).map(|table| &*table.name)
    }

    /// True if the table is wanted.
    pub fn contains(&self, table: &TableName) -> bool {
        self.find(&table.schema, &table.table).is_some_and(|table| table.linked)
    }

    pub(crate) fn get(&self, schema: &[u8], table: &[u8]) -> Option<&Watched> {
        self.find(std::str::from_utf8(schema).ok()?, std::str::from_utf8(table).ok()?)
    }

    fn find(&self, schema: &str, table: &str) -> Option<&Watched> {
        self.tables.get(schema)?.get(table)
    }
}

impl Watched {
    /// The columns that foreign keys point to are wanted too.
    fn widen(&mut self, falls: &[Fall]) {
        if let Some(shape) = &mut self.shape {
            let mut wanted = shape.wanted.to_vec();
            falls.iter().flat_map(|fall| fall.columns.iter().flatten()).for_each(|&at| wanted[at] = true);
            shape.wanted = wanted.into();
        }
    }
}

impl Shape {
    async fn load(
        conn: &mut Conn,
        wanted: Wanted,
        known: &mut HashMap<String, Option<Charset>>,
    ) -> Result<Self> {
        let Wanted { schema, columns } = wanted;
        let mut charsets = Vec::with_capacity(schema.columns.len());
        for (column, wanted) in schema.columns.iter().zip(&columns) {
            let charset = match &column.charset {
                Some(name) if *wanted => {
                    if !known.contains_key(name) {
                        known.insert(name.clone(), Charset::load(conn, name).await?);
                    }
                    known.get(name).cloned().flatten()
                }
                _ => None,
            };
            charsets.push(charset);
        }
        Ok(Self {
            hidden: hidden(conn, &schema.name).await?,
            versioned: is_versioned(conn, &schema.name).await?,
            charsets: charsets.into(),
            wanted: columns.into(),
            schema: Arc::new(schema),
        })
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
