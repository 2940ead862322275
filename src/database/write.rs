//! Rows written, one at a time, inside the caller's transaction. The server's refusals come back as
//! [`crate::database::error::Error::Refused`] in plain words.

use mysql_async::prelude::Queryable;

use crate::database::error::{Error, Result};
use crate::database::key::key_of;
use crate::database::read::row_by_key;
use crate::database::statement::{self, Lock, Statement};
use crate::model::key::Key;
use crate::model::schema::TableSchema;
use crate::model::value::Value;

/// Locks a row and gives it as it is; `None` if it is not there.
pub async fn lock_row<Q: Queryable>(
    tx: &mut Q,
    schema: &TableSchema,
    key: &Key,
) -> Result<Option<Vec<Value>>> {
    row_by_key(tx, schema, key, Lock::Update).await
}

/// Sets columns (by their position in the table) of one row. False if the row is not there.
pub async fn update<Q: Queryable>(
    tx: &mut Q,
    schema: &TableSchema,
    key: &Key,
    values: &[(usize, Value)],
) -> Result<bool> {
    if values.is_empty() {
        return Ok(true);
    }
    let done = execute(tx, statement::update(schema, key, values)?).await?;
    Ok(done.rows > 0)
}

/// Inserts a row of the given columns, the server fills in the others. Gives the new row's key: a key column that was left
/// out must be auto-increment ([`Error::KeyUnknown`] else, before anything is written).
pub async fn insert<Q: Queryable>(
    tx: &mut Q,
    schema: &TableSchema,
    values: &[(usize, Value)],
) -> Result<Key> {
    let given = |at: usize| values.iter().find(|(column, _)| *column == at).map(|(_, value)| value);
    let made = |at: usize| {
        let counts = schema.columns.get(at).is_some_and(|column| column.auto_increment);
        counts && given(at).is_none_or(|value| matches!(value, Value::Null | Value::Int(0)))
    };
    if schema.key.is_empty() || !schema.key.iter().all(|&at| made(at) || given(at).is_some()) {
        return Err(Error::KeyUnknown(schema.name.clone()));
    }
    let done = execute(tx, statement::insert(schema, values)?).await?;
    let mut row = vec![Value::Null; schema.columns.len()];
    for (at, value) in values {
        row[*at] = value.clone();
    }
    for &at in schema.key.iter().filter(|&&at| made(at)) {
        let id = done.id.ok_or_else(|| Error::KeyUnknown(schema.name.clone()))?;
        row[at] = i64::try_from(id).map_or(Value::UInt(id), Value::Int);
    }
    Ok(key_of(schema, &row))
}

/// Deletes a row. False if it is not there.
pub async fn delete<Q: Queryable>(tx: &mut Q, schema: &TableSchema, key: &Key) -> Result<bool> {
    let done = execute(tx, statement::delete(schema, key)?).await?;
    Ok(done.rows > 0)
}

/// What a statement did.
struct Done {
    rows: u64,
    id: Option<u64>,
}

async fn execute<Q: Queryable>(tx: &mut Q, statement: Statement) -> Result<Done> {
    let Statement { sql, parameters } = statement;
    let result = tx.exec_iter(sql, parameters).await?;
    let done = Done { rows: result.affected_rows(), id: result.last_insert_id() };
    result.drop_result().await?;
    Ok(done)
}
