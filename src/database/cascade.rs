//! Foreign keys by which rows change with no event of their own: when a row of the parent table goes, or its key changes, the
//! engine changes the children below the binlog (MariaDB, and MySQL before 9.6 or with `innodb_native_foreign_keys=ON`).
//!
//! What the binlog does show is the parent's own change. It puts the children in doubt, so that their link reads them again.

use std::collections::HashMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::connect::{Flavor, Version};
use crate::database::error::{Error, Result};
use crate::database::schema::{definition, table_schema};
use crate::database::words::{Word, words};
use crate::model::schema::{TableName, TableSchema};

/// A foreign key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    /// Its name.
    pub name: String,
    /// The table's own columns in it.
    pub own: Vec<String>,
    /// The table that it points to.
    pub parent: TableName,
    /// The columns that it points to.
    pub columns: Vec<String>,
    /// Rows change when a parent row is deleted.
    pub on_delete: bool,
    /// Rows change when a parent row's key does.
    pub on_update: bool,
    /// The text of it, for people.
    pub text: String,
}

/// What a change of a parent row does to a table that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fall {
    /// The table.
    pub child: TableName,
    /// The parent's columns that the key points to, by their places; `None` where we may not look at the parent.
    pub columns: Option<Vec<usize>>,
    /// A deleted parent row changes it.
    pub on_delete: bool,
    /// A changed parent key changes it.
    pub on_update: bool,
}

/// A table whose changes fall on to others.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    /// Its schema, where we may look at it.
    pub schema: Option<TableSchema>,
    /// Where they fall.
    pub falls: Vec<Fall>,
}

/// True if the server writes what foreign keys do into its binlog.
pub(crate) async fn are_logged(conn: &mut Conn, version: Version) -> Result<bool> {
    let native: Option<(String, String)> =
        conn.query_first("SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'").await?;
    Ok(version.flavor == Flavor::MySql
        && version.number >= (9, 6, 0)
        && !native.is_some_and(|(_, value)| value == "ON" || value == "1"))
}

/// The foreign keys of a table that change its rows.
pub(crate) async fn foreign_keys(conn: &mut Conn, name: &TableName) -> Result<Vec<ForeignKey>> {
    let mut keys = all_foreign_keys(conn, name).await?;
    keys.retain(|key| key.on_delete || key.on_update);
    Ok(keys)
}

/// All foreign keys of a table.
pub(crate) async fn all_foreign_keys(conn: &mut Conn, name: &TableName) -> Result<Vec<ForeignKey>> {
    Ok(read(&definition(conn, name).await?, &name.schema))
}

/// All parents of these tables, and theirs: a row that falls takes its own children with it.
pub(crate) async fn parents(conn: &mut Conn, tables: &[TableName]) -> Result<HashMap<TableName, Parent>> {
    let mut parents: HashMap<TableName, Parent> = HashMap::new();
    for child in tables {
        let mut seen = vec![child.clone()];
        let mut below = vec![child.clone()];
        while let Some(table) = below.pop() {
            let keys = match foreign_keys(conn, &table).await {
                Err(Error::Denied(_) | Error::NoTable(_) | Error::Server { .. }) if table != *child => {
                    continue;
                }
                keys => keys?,
            };
            for key in keys {
                if !seen.contains(&key.parent) {
                    seen.push(key.parent.clone());
                    below.push(key.parent.clone());
                }
                if !parents.contains_key(&key.parent) {
                    let schema = visible(conn, &key.parent).await?;
                    parents.insert(key.parent.clone(), Parent { schema, falls: Vec::new() });
                }
                let Some(parent) = parents.get_mut(&key.parent) else { continue };
                let place = |schema: &TableSchema| -> Option<Vec<usize>> {
                    key.columns.iter().map(|column| schema.position(column)).collect()
                };
                let columns = parent.schema.as_ref().and_then(place);
                let (on_delete, on_update) = (key.on_delete, key.on_update);
                parent.falls.push(Fall { child: child.clone(), columns, on_delete, on_update });
            }
        }
    }
    Ok(parents)
}

async fn visible(conn: &mut Conn, name: &TableName) -> Result<Option<TableSchema>> {
    match table_schema(conn, name).await {
        Ok(schema) => Ok(Some(schema)),
        Err(Error::NoTable(_) | Error::Denied(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The keys in a `SHOW CREATE TABLE`, one a line: ``CONSTRAINT `k` FOREIGN KEY (`a`) REFERENCES `p` (`id`) ON DELETE CASCADE``.
fn read(definition: &str, database: &str) -> Vec<ForeignKey> {
    definition.lines().filter_map(|line| one(line.trim().trim_end_matches(','), database)).collect()
}

fn one(line: &str, database: &str) -> Option<ForeignKey> {
    let words = words(line);
    if !words.first()?.is("CONSTRAINT") || !words.get(2)?.is("FOREIGN") {
        return None;
    }
    let at = words.iter().position(|word| word.is("REFERENCES"))? + 1;
    let first = words.get(at)?.name()?.to_owned();
    let (parent, rest) = if words.get(at + 1) == Some(&Word::Sign('.')) {
        (TableName { schema: first, table: words.get(at + 2)?.name()?.to_owned() }, at + 3)
    } else {
        (TableName { schema: database.to_owned(), table: first }, at + 1)
    };
    let listed = |from: usize| -> Option<Vec<String>> {
        let names = words.get(from..)?.iter().take_while(|word| **word != Word::Sign(')'));
        Some(names.filter_map(Word::name).map(str::to_owned).collect())
    };
    // The second word behind KEY is the bracket before the first name.
    let (own, columns) = (listed(5)?, listed(rest)?);
    let changes = |event: &str| {
        words.windows(3).any(|three| {
            three[0].is("ON") && three[1].is(event) && (three[2].is("CASCADE") || three[2].is("SET"))
        })
    };
    let (on_delete, on_update) = (changes("DELETE"), changes("UPDATE"));
    let name = words.get(1)?.name()?.to_owned();
    Some(ForeignKey { name, own, parent, columns, on_delete, on_update, text: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_their_parents_and_what_they_change() {
        let definition = "CREATE TABLE `c` (\n  `id` int,\n  \
            CONSTRAINT `one` FOREIGN KEY (`a`,`b`) REFERENCES `p` (`x`,`y`) ON DELETE CASCADE,\n  \
            CONSTRAINT `two` FOREIGN KEY (`c`) REFERENCES `other`.`q` (`id`) ON DELETE NO ACTION ON UPDATE SET NULL,\n  \
            CONSTRAINT `three` FOREIGN KEY (`d`) REFERENCES `r` (`id`)\n) ENGINE=InnoDB";
        let keys = read(definition, "db");
        let said: Vec<_> = keys
            .iter()
            .map(|key| {
                (
                    key.name.as_str(),
                    key.own.join(","),
                    key.parent.to_string(),
                    key.columns.join(","),
                    key.on_delete,
                    key.on_update,
                )
            })
            .collect();
        let expected = [
            ("one", "a,b".to_owned(), "db.p".to_owned(), "x,y".to_owned(), true, false),
            ("two", "c".into(), "other.q".into(), "id".into(), false, true),
            ("three", "d".into(), "db.r".into(), "id".into(), false, false),
        ];
        assert_eq!(said, expected);
    }
}
