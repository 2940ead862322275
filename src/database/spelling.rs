//! How the server spells keys: it compares by the key columns' own collations, and so it is asked.

use std::fmt::Write;

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value as Wire};

use crate::database::cell::{from_wire, to_wire};
use crate::database::error::{Error, Result};
use crate::database::key::canonical;
use crate::database::statement::{Statement, key_columns, push_key, quoted, table};
use crate::model::key::Key;
use crate::model::schema::{Column, ColumnKind, TableSchema};
use crate::model::value::Value;

/// Keys asked for in one statement.
const TOGETHER: usize = 200;

/// May keys be equal to the server that are not equal byte by byte? Blanks at the end are cut in every key and count for nothing
/// ([`crate::database::key`]).
pub fn is_loose(schema: &TableSchema) -> bool {
    let exact = |name: &str| name == "binary" || name.ends_with("_bin");
    let loose = |column: &Column| {
        matches!(column.kind, ColumnKind::Text { .. })
            && column.collation.as_deref().is_some_and(|name| !exact(name))
    };
    schema.key.iter().any(|at| loose(&schema.columns[*at]))
}

/// The table's own spelling of those of these keys that it has.
pub async fn own<Q: Queryable>(conn: &mut Q, schema: &TableSchema, keys: &[Key]) -> Result<Vec<(Key, Key)>> {
    let mut found = Vec::new();
    for some in keys.chunks(TOGETHER) {
        let Statement { sql, parameters } = select_own(schema, some)?;
        let rows: Vec<Row> = conn.exec(sql, parameters).await?;
        for row in rows {
            let mut cells = row.unwrap().into_iter();
            let asked = match cells.next() {
                Some(Wire::Int(at)) => usize::try_from(at).ok(),
                Some(Wire::UInt(at)) => usize::try_from(at).ok(),
                _ => None,
            };
            let Some(asked) = asked.and_then(|at| some.get(at)) else { continue };
            found.push((asked.clone(), key_from(schema, cells)?));
        }
    }
    Ok(found)
}

/// Which of these pairs are one key to the server, whether or not the table has it.
pub async fn equal<Q: Queryable>(
    conn: &mut Q,
    schema: &TableSchema,
    pairs: &[(Key, Key)],
) -> Result<Vec<bool>> {
    let mut equal = Vec::with_capacity(pairs.len());
    for (one, other) in pairs {
        let Statement { sql, parameters } = compare(schema, one, other)?;
        let same: Option<Option<i64>> = conn.exec_first(sql, parameters).await?;
        equal.push(same.flatten() == Some(1));
    }
    Ok(equal)
}

/// One part of the statement for each key, which tells its place: `SELECT 0, k FROM t WHERE (k = ?) UNION ALL SELECT 1, …`.
fn select_own(schema: &TableSchema, keys: &[Key]) -> Result<Statement> {
    let columns: Vec<String> = key_columns(schema)?.into_iter().map(quoted).collect::<Result<_>>()?;
    let (columns, table) = (columns.join(", "), table(&schema.name)?);
    let mut statement = Statement { sql: String::new(), parameters: Vec::new() };
    for (at, key) in keys.iter().enumerate() {
        let union = if at > 0 { " UNION ALL " } else { "" };
        let _ = write!(statement.sql, "{union}SELECT {at}, {columns} FROM {table} WHERE ");
        push_key(&mut statement, schema, key)?;
    }
    Ok(statement)
}

/// Text compares under its column's collation, everything else is equal where it is the same.
fn compare(schema: &TableSchema, one: &Key, other: &Key) -> Result<Statement> {
    let mut statement = Statement { sql: "SELECT ".to_owned(), parameters: Vec::new() };
    let parts = key_columns(schema)?.into_iter().zip(one.0.iter().zip(&other.0));
    for (at, (column, (one, other))) in parts.enumerate() {
        let and = if at > 0 { " AND " } else { "" };
        let (Value::Text(_), Some(charset), Some(collation)) = (one, &column.charset, &column.collation)
        else {
            let _ = write!(statement.sql, "{and}{}", u8::from(one == other));
            continue;
        };
        // Names of the server's own catalogue, and nothing else.
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain(charset) || !plain(collation) {
            return Err(Error::NotAName(collation.clone()));
        }
        let _ = write!(
            statement.sql,
            "{and}CONVERT(? USING {charset}) COLLATE {collation} = CONVERT(? USING {charset})"
        );
        statement.parameters.extend([to_wire(one), to_wire(other)]);
    }
    Ok(statement)
}

/// A key whose columns were selected in the key's order.
fn key_from(schema: &TableSchema, cells: impl Iterator<Item = Wire>) -> Result<Key> {
    let columns = key_columns(schema)?;
    let value = |(column, wire): (&Column, Wire)| {
        from_wire(&column.kind, wire).ok_or_else(|| Error::Undecodable {
            table: schema.name.clone(),
            column: column.name.clone(),
            reason: "the server sent another type",
        })
    };
    let values: Vec<Value> = columns.into_iter().zip(cells).map(value).collect::<Result<_>>()?;
    Ok(canonical(schema, &Key(values)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::TableName;

    fn schema(collations: &[Option<&str>]) -> TableSchema {
        let column = |(at, collation): (usize, Option<&str>)| {
            let kind = match collation {
                Some(_) => ColumnKind::Text { length: 9 },
                None => ColumnKind::Integer { bits: 32, unsigned: false },
            };
            let charset = collation.map(|name| name.split('_').next().unwrap_or(name).to_owned());
            let collation = collation.map(str::to_owned);
            Column { charset, collation, ..Column::required(format!("k{at}"), kind) }
        };
        TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
            columns: collations.iter().copied().enumerate().map(column).collect(),
            key: (0..collations.len()).collect(),
            transactional: true,
        }
    }

    #[test]
    fn numbers_and_text_that_compares_byte_by_byte_need_no_question() {
        for exact in
            [None, Some("utf8mb4_bin"), Some("utf8mb4_0900_bin"), Some("utf8mb4_nopad_bin"), Some("binary")]
        {
            assert!(!is_loose(&schema(&[exact])), "{exact:?}");
        }
        for loose in ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "latin1_swedish_ci", "uca1400_ai_ci"] {
            assert!(is_loose(&schema(&[None, Some(loose)])), "{loose}");
        }
    }

    #[test]
    fn each_key_is_asked_by_its_own_part_and_values_are_never_in_the_text() {
        let evil = Key(vec![Value::Int(1), Value::Text("' OR 1 -- ".into())]);
        let schema = schema(&[None, Some("utf8mb4_general_ci")]);
        let statement = select_own(&schema, &[evil.clone(), evil.clone()]).expect("builds");
        assert_eq!(
            statement.sql,
            "SELECT 0, `k0`, `k1` FROM `s`.`t` WHERE (`k0` = ? AND `k1` = ?) UNION ALL \
             SELECT 1, `k0`, `k1` FROM `s`.`t` WHERE (`k0` = ? AND `k1` = ?)"
        );
        let statement = compare(&schema, &evil, &evil).expect("builds");
        assert_eq!(
            statement.sql,
            "SELECT 1 AND CONVERT(? USING utf8mb4) COLLATE utf8mb4_general_ci = CONVERT(? USING utf8mb4)"
        );
        assert_eq!(statement.parameters.len(), 2);
    }
}
