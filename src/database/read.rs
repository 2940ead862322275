//! Rows read by SELECT. Every function works on a connection or inside a transaction.

use std::collections::HashMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value as Wire};

use crate::database::cell::row_from;
use crate::database::error::Result;
use crate::database::key::{canonical, key_of};
use crate::database::statement::{self, Lock, Statement};
use crate::model::filter::Filter;
use crate::model::key::Key;
use crate::model::schema::TableSchema;
use crate::model::value::Value;

/// Keys asked for in one statement.
const TOGETHER: usize = 200;

/// The rows with these keys, `None` for a key that is not there, in the keys' order. The server compares: a key that differs
/// from the row's own in letter case only is found where the collation ignores case.
pub async fn rows_by_key<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    keys: &[Key],
    lock: Lock,
) -> Result<Vec<(Key, Option<Vec<Value>>)>> {
    let mut found = Vec::with_capacity(keys.len());
    for some in keys.chunks(TOGETHER) {
        let rows = select(conn, schema, statement::select_by_keys(schema, some, lock)?).await?;
        let mut by_key: HashMap<Key, Vec<Value>> =
            rows.into_iter().map(|row| (key_of(schema, &row), row)).collect();
        for key in some {
            let row = match by_key.remove(&canonical(schema, key)) {
                // Rows are left that no key has in exactly this form: it may be another spelling of one.
                None if !by_key.is_empty() => row_by_key(conn, schema, key, lock).await?,
                row => row,
            };
            found.push((key.clone(), row));
        }
    }
    Ok(found)
}

/// The row with this key.
pub async fn row_by_key<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    key: &Key,
    lock: Lock,
) -> Result<Option<Vec<Value>>> {
    let statement = statement::select_by_keys(schema, std::slice::from_ref(key), lock)?;
    Ok(select(conn, schema, statement).await?.pop())
}

/// At most `limit` rows after a key, or the first ones, in the key's own order. Fewer than `limit` are the last.
pub async fn chunk<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    after: Option<&Key>,
    limit: usize,
    lock: Lock,
) -> Result<Vec<Vec<Value>>> {
    chunk_within(conn, schema, &Filter::default(), after, limit, lock).await
}

/// The same of the rows inside of a filter: the server evaluates it.
pub async fn chunk_within<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    filter: &Filter,
    after: Option<&Key>,
    limit: usize,
    lock: Lock,
) -> Result<Vec<Vec<Value>>> {
    select(conn, schema, statement::select_after(schema, filter, after, limit, lock)?).await
}

/// How many rows are inside of a filter, counted up to a bound: what the server guesses of a table may be far off, and knows no
/// filter.
pub async fn count_up_to<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    filter: &Filter,
    most: u64,
) -> Result<u64> {
    let Statement { sql, parameters } = statement::count_up_to(schema, filter, most)?;
    Ok(conn.exec_first(sql, parameters).await?.unwrap_or_default())
}

async fn select<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    statement: Statement,
) -> Result<Vec<Vec<Value>>> {
    let Statement { sql, parameters } = statement;
    let rows: Vec<Row> = conn.exec(sql, parameters).await?;
    let rows = rows.into_iter().map(Row::unwrap as fn(Row) -> Vec<Wire>);
    rows.map(|row| row_from(schema, row)).collect()
}
