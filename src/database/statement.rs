//! The text of our statements. Names are quoted by [`Ident`] alone, values are parameters always.

use std::fmt::{self, Write};

use mysql_async::Value as Wire;

use crate::database::cell::to_wire;
use crate::database::error::{Error, Result};
use crate::database::filter;
use crate::model::filter::Filter;
use crate::model::key::Key;
use crate::model::schema::{Column, ColumnKind, TableName, TableSchema};
use crate::model::value::Value;

/// A name between backticks, the backticks in it doubled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident(String);

impl Ident {
    /// Checks what the server allows in a name: 1 to 64 characters, no NUL.
    pub fn new(name: &str) -> Result<Self> {
        let legal = (1..=64).contains(&name.chars().count()) && !name.contains('\0');
        if legal { Ok(Self(name.to_owned())) } else { Err(Error::NotAName(name.escape_debug().to_string())) }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.replace('`', "``"))
    }
}

/// A table's full name, quoted.
pub fn table(name: &TableName) -> Result<String> {
    Ok(format!("{}.{}", Ident::new(&name.schema)?, Ident::new(&name.table)?))
}

/// What a SELECT holds on to until its transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Nothing: a consistent read.
    None,
    /// The rows, against changes: it waits for transactions that are changing them, so it sees what the binlog will show.
    Share,
    /// The rows, for ourselves.
    Update,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            // MariaDB knows no FOR SHARE; both know this.
            Self::Share => " LOCK IN SHARE MODE",
            Self::Update => " FOR UPDATE",
        })
    }
}

/// A statement with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub sql: String,
    pub parameters: Vec<Wire>,
}

/// All columns of the rows with these keys.
pub(crate) fn select_by_keys(schema: &TableSchema, keys: &[Key], lock: Lock) -> Result<Statement> {
    let mut statement = select_all(schema)?;
    statement.sql.push_str(" WHERE ");
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            statement.sql.push_str(" OR ");
        }
        push_key(&mut statement, schema, key)?;
    }
    let _ = write!(statement.sql, "{lock}");
    Ok(statement)
}

/// All columns of at most `limit` rows inside of the filter after a key, in the key's own order, which for text is that of its
/// collation.
pub(crate) fn select_after(
    schema: &TableSchema,
    within: &Filter,
    after: Option<&Key>,
    limit: usize,
    lock: Lock,
) -> Result<Statement> {
    let mut statement = select_all(schema)?;
    let columns = key_columns(schema)?;
    push_within(&mut statement, schema, within)?;
    if let Some(key) = after {
        statement.sql.push_str(if within.0.is_empty() { " WHERE (" } else { " AND (" });
        for last in 0..columns.len() {
            statement.sql.push_str(if last > 0 { " OR (" } else { "(" });
            for (at, (column, value)) in columns.iter().zip(&key.0).take(last + 1).enumerate() {
                let (place, parameter) = in_order(column, value)?;
                let (and, sign) = (if at > 0 { " AND " } else { "" }, if at == last { ">" } else { "=" });
                let _ = write!(statement.sql, "{and}{place} {sign} ?");
                statement.parameters.push(parameter);
            }
            statement.sql.push(')');
        }
        statement.sql.push(')');
    }
    let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect::<Result<_>>()?;
    let _ = write!(statement.sql, " ORDER BY {} LIMIT {limit}{lock}", names.join(", "));
    Ok(statement)
}

/// How many rows are inside of the filter, counted up to a bound.
pub(crate) fn count_up_to(schema: &TableSchema, within: &Filter, most: u64) -> Result<Statement> {
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {}", table(&schema.name)?);
    let mut statement = Statement { sql, parameters: Vec::new() };
    push_within(&mut statement, schema, within)?;
    let _ = write!(statement.sql, " LIMIT {most}) AS counted");
    Ok(statement)
}

fn push_within(statement: &mut Statement, schema: &TableSchema, within: &Filter) -> Result<()> {
    if within.0.is_empty() {
        return Ok(());
    }
    statement.sql.push_str(" WHERE ");
    filter::push(statement, schema, within)
}

/// Changes columns of one row.
pub(crate) fn update(schema: &TableSchema, key: &Key, values: &[(usize, Value)]) -> Result<Statement> {
    let mut statement =
        Statement { sql: format!("UPDATE {} SET ", table(&schema.name)?), parameters: Vec::new() };
    for (i, (at, value)) in values.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        let _ = write!(statement.sql, "{comma}{} = ?", quoted(column(schema, *at)?)?);
        statement.parameters.push(to_wire(value));
    }
    statement.sql.push_str(" WHERE ");
    push_key(&mut statement, schema, key)?;
    Ok(statement)
}

/// A new row.
pub(crate) fn insert(schema: &TableSchema, values: &[(usize, Value)]) -> Result<Statement> {
    let columns = values.iter().map(|(at, _)| quoted(column(schema, *at)?));
    let columns: Vec<String> = columns.collect::<Result<_>>()?;
    let marks = vec!["?"; values.len()].join(", ");
    Ok(Statement {
        sql: format!("INSERT INTO {} ({}) VALUES ({marks})", table(&schema.name)?, columns.join(", ")),
        parameters: values.iter().map(|(_, value)| to_wire(value)).collect(),
    })
}

/// Removes one row.
pub(crate) fn delete(schema: &TableSchema, key: &Key) -> Result<Statement> {
    let mut statement =
        Statement { sql: format!("DELETE FROM {} WHERE ", table(&schema.name)?), parameters: Vec::new() };
    push_key(&mut statement, schema, key)?;
    Ok(statement)
}

fn select_all(schema: &TableSchema) -> Result<Statement> {
    let columns: Vec<String> = schema.columns.iter().map(quoted).collect::<Result<_>>()?;
    Ok(Statement {
        sql: format!("SELECT {} FROM {}", columns.join(", "), table(&schema.name)?),
        parameters: Vec::new(),
    })
}

pub(super) fn quoted(column: &Column) -> Result<String> {
    Ident::new(&column.name).map(|name| name.to_string())
}

pub(super) fn column(schema: &TableSchema, at: usize) -> Result<&Column> {
    schema.columns.get(at).ok_or(Error::NotAKey(schema.name.clone()))
}

pub(super) fn key_columns(schema: &TableSchema) -> Result<Vec<&Column>> {
    if schema.key.is_empty() {
        return Err(Error::NotAKey(schema.name.clone()));
    }
    schema.key.iter().map(|&at| column(schema, at)).collect()
}

/// `(k1 = ? AND k2 = ?)`: the server compares by the columns' own collations.
pub(super) fn push_key(statement: &mut Statement, schema: &TableSchema, key: &Key) -> Result<()> {
    let columns = key_columns(schema)?;
    if columns.len() != key.0.len() {
        return Err(Error::NotAKey(schema.name.clone()));
    }
    for (i, (column, value)) in columns.into_iter().zip(&key.0).enumerate() {
        let before = if i > 0 { " AND " } else { "(" };
        let _ = write!(statement.sql, "{before}{} = ?", quoted(column)?);
        statement.parameters.push(to_wire(value));
    }
    statement.sql.push(')');
    Ok(())
}

/// A key column and a value as they compare in the order of the index: ENUM and SET sort by number but compare with text by
/// name, so their number is taken.
fn in_order(column: &Column, value: &Value) -> Result<(String, Wire)> {
    let name = quoted(column)?;
    let number = match (&column.kind, value) {
        (ColumnKind::Enum(members), Value::Text(text)) => {
            members.iter().position(|member| member == text).map_or(0, |i| i as u64 + 1)
        }
        (ColumnKind::Set(members), Value::Text(text)) => {
            let bits = text.split(',').filter_map(|name| members.iter().position(|member| member == name));
            bits.fold(0, |mask, i| mask | 1 << i)
        }
        _ => return Ok((name, to_wire(value))),
    };
    Ok((format!("{name} + 0"), Wire::UInt(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filter::{Check, Test};

    fn schema(key: Vec<usize>) -> TableSchema {
        TableSchema {
            name: TableName { schema: "a`b".into(), table: "o'r".into() },
            columns: vec![
                Column::required("i`d", ColumnKind::Text { length: 9 }),
                Column::required("e", ColumnKind::Enum(vec!["x".into(), "y".into()])),
            ],
            key,
            transactional: true,
        }
    }

    #[test]
    fn names_cannot_break_out_and_values_are_never_in_the_text() {
        let evil = Value::Text("'; DROP TABLE t; --".into());
        let key = Key(vec![evil.clone()]);
        let statement = update(&schema(vec![0]), &key, &[(1, evil.clone())]).expect("builds");
        assert_eq!(statement.sql, "UPDATE `a``b`.`o'r` SET `e` = ? WHERE (`i``d` = ?)");
        assert_eq!(statement.parameters, [to_wire(&evil), to_wire(&evil)]);
        for bad in ["", "a\0b", &"x".repeat(65)] {
            assert!(Ident::new(bad).is_err());
        }
    }

    #[test]
    fn a_composite_key_pages_in_its_own_order() {
        let key = Key(vec![Value::Text("y".into()), Value::Text("k".into())]);
        let inside = Filter::default();
        let statement =
            select_after(&schema(vec![1, 0]), &inside, Some(&key), 10, Lock::Share).expect("builds");
        assert_eq!(
            statement.sql,
            "SELECT `i``d`, `e` FROM `a``b`.`o'r` WHERE ((`e` + 0 > ?) OR (`e` + 0 = ? AND `i``d` > ?)) \
             ORDER BY `e`, `i``d` LIMIT 10 LOCK IN SHARE MODE"
        );
        assert_eq!(statement.parameters[0], Wire::UInt(2));

        let inside = Filter(vec![Check { place: 0, test: Test::NotNull }]);
        let statement =
            select_after(&schema(vec![1]), &inside, Some(&Key(vec![Value::Int(1)])), 9, Lock::None);
        assert_eq!(
            statement.expect("builds").sql,
            "SELECT `i``d`, `e` FROM `a``b`.`o'r` WHERE (`i``d` IS NOT NULL) AND ((`e` > ?)) ORDER BY `e` LIMIT 9"
        );
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        assert!(delete(&schema(vec![0]), &Key(vec![])).is_err());
        assert!(delete(&schema(vec![]), &Key(vec![])).is_err());
    }
}
