//! A table's schema as `information_schema` tells it on both servers.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

use crate::database::connect::{Flavor, Version};
use crate::database::error::{Error, Result};
use crate::database::statement;
use crate::model::schema::{Column, ColumnKind, TableName, TableSchema};

/// Reads a table's schema. Views are no tables here.
pub async fn table_schema(conn: &mut Conn, name: &TableName) -> Result<TableSchema> {
    let flavor = Version::of(conn).await?.flavor;
    let engine: Option<Option<String>> = conn
        .exec_first(
            "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
             AND BINARY TABLE_NAME = ? AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            (&name.schema, &name.table, &name.table),
        )
        .await?;
    let engine = engine.ok_or_else(|| Error::NoTable(name.clone()))?;
    let json = match flavor {
        Flavor::MariaDb => checked_json(conn, name).await?,
        Flavor::MySql => Vec::new(),
    };
    let columns = columns(conn, name, &json).await?;
    if columns.is_empty() {
        return Err(Error::NoTable(name.clone()));
    }
    Ok(TableSchema {
        key: key(conn, name, &columns).await?,
        name: name.clone(),
        columns,
        transactional: engine.is_some_and(|engine| engine.eq_ignore_ascii_case("InnoDB")),
    })
}

/// True for MariaDB's tables that keep the rows which ended.
pub(crate) async fn is_versioned(conn: &mut Conn, name: &TableName) -> Result<bool> {
    let kind: Option<String> = conn
        .exec_first(
            "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
            (&name.schema, &name.table),
        )
        .await?;
    Ok(kind.is_some_and(|kind| kind == "SYSTEM VERSIONED"))
}

async fn columns(conn: &mut Conn, name: &TableName, json: &[String]) -> Result<Vec<Column>> {
    let rows: Vec<Row> = conn
        .exec(
            "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, CHARACTER_SET_NAME, COLLATION_NAME, \
             CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND BINARY TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
            (&name.schema, &name.table, &name.table),
        )
        .await?;
    let text = |row: &Row, at: usize| row.get::<Option<String>, _>(at).flatten();
    let column = |row: Row| {
        let name = text(&row, 0).unwrap_or_default();
        let nullable = text(&row, 2).is_some_and(|word| word == "YES");
        let default = text(&row, 3).filter(|default| default != "NULL");
        let extra = text(&row, 4).unwrap_or_default().to_ascii_uppercase();
        let length: Option<u64> = row.get::<Option<u64>, _>(7).flatten();
        let auto_increment = extra.contains("AUTO_INCREMENT");
        let generated = extra.contains("VIRTUAL GENERATED") || extra.contains("STORED GENERATED");
        let kind = if json.contains(&name) {
            ColumnKind::Json
        } else {
            kind(&text(&row, 1).unwrap_or_default(), length.unwrap_or(0))
        };
        Column {
            name,
            kind,
            nullable,
            auto_increment,
            optional: nullable || default.is_some() || auto_increment || generated,
            generated,
            charset: text(&row, 5),
            collation: text(&row, 6),
        }
    };
    Ok(rows.into_iter().map(column).collect())
}

/// MariaDB's JSON columns: LONGTEXT with the check that the type brings along. (`information_schema.CHECK_CONSTRAINTS` is
/// empty for an account that may only SELECT.)
async fn checked_json(conn: &mut Conn, name: &TableName) -> Result<Vec<String>> {
    let definition = definition(conn, name).await?;
    let checks = definition.split("CHECK (json_valid(`").skip(1);
    let columns = checks.filter_map(|rest| rest.split_once("`))"));
    Ok(columns.map(|(column, _)| column.replace("``", "`")).collect())
}

/// The statement that makes the table, as an account with any right on it may see it.
pub(crate) async fn definition(conn: &mut Conn, name: &TableName) -> Result<String> {
    let row: Option<Row> = conn.query_first(format!("SHOW CREATE TABLE {}", statement::table(name)?)).await?;
    Ok(row.and_then(|row| row.get(1)).unwrap_or_default())
}

/// The primary key, else the first unique key without NULLs, prefixes and expressions.
async fn key(conn: &mut Conn, name: &TableName, columns: &[Column]) -> Result<Vec<usize>> {
    let parts: Vec<(String, Option<String>, Option<u64>)> = conn
        .exec(
            "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS \
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND BINARY TABLE_NAME = ? AND NON_UNIQUE = 0 \
             ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
            (&name.schema, &name.table, &name.table),
        )
        .await?;
    for index in parts.chunk_by(|a, b| a.0 == b.0) {
        let primary = index.first().is_some_and(|part| part.0 == "PRIMARY");
        let position = |(_, column, prefix): &(String, Option<String>, Option<u64>)| {
            let at = columns.iter().position(|known| Some(&known.name) == column.as_ref())?;
            (primary || !columns[at].nullable && prefix.is_none()).then_some(at)
        };
        if let Some(key) = index.iter().map(position).collect() {
            return Ok(key);
        }
    }
    Ok(Vec::new())
}

/// A column's kind by its full type: `int(10) unsigned`, `enum('a','b''c')`, `datetime(3)`.
fn kind(full: &str, length: u64) -> ColumnKind {
    let (word, rest) = full.split_at(full.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(full.len()));
    let arguments = rest.strip_prefix('(').and_then(|rest| Some(rest.split_once(')')?.0));
    let numbers: Vec<u8> =
        arguments.map_or(Vec::new(), |list| list.split(',').filter_map(|n| n.trim().parse().ok()).collect());
    let number = |at: usize, default: u8| numbers.get(at).copied().unwrap_or(default);
    let unsigned = rest.contains("unsigned");
    let integer = |bits: u8| ColumnKind::Integer { bits, unsigned };
    let fsp = number(0, 0);
    match word.to_ascii_lowercase().as_str() {
        _ if rest.contains("COMPRESSED") => ColumnKind::Unsupported(full.to_owned()),
        "tinyint" if number(0, 4) == 1 && !unsigned => ColumnKind::Boolean,
        "tinyint" => integer(8),
        "smallint" => integer(16),
        "mediumint" => integer(24),
        "int" | "integer" => integer(32),
        "bigint" => integer(64),
        "decimal" | "numeric" => {
            ColumnKind::Decimal { precision: number(0, 10), scale: number(1, 0), unsigned }
        }
        "float" => ColumnKind::Float,
        "double" | "real" => ColumnKind::Double,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => ColumnKind::Text { length },
        "enum" => ColumnKind::Enum(members(rest)),
        "set" => ColumnKind::Set(members(rest)),
        "binary" => ColumnKind::Bytes { length, fixed: true },
        "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            ColumnKind::Bytes { length, fixed: false }
        }
        "bit" if number(0, 1) == 1 => ColumnKind::Boolean,
        "bit" => ColumnKind::Bit { bits: number(0, 1) },
        "date" => ColumnKind::Date,
        "datetime" => ColumnKind::DateTime { fsp },
        "timestamp" => ColumnKind::Timestamp { fsp },
        "time" => ColumnKind::Time { fsp },
        "year" => ColumnKind::Year,
        "json" => ColumnKind::Json,
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geomcollection" | "geometrycollection" | "vector" => {
            ColumnKind::Bytes { length: u64::from(u32::MAX), fixed: false }
        }
        name @ ("uuid" | "inet4" | "inet6") => ColumnKind::Named(name.to_owned()),
        _ => ColumnKind::Unsupported(full.to_owned()),
    }
}

/// The members in `('a','b''c')`; quotes are doubled, nothing else is escaped.
fn members(list: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut rest = list;
    while let Some((_, inner)) = rest.split_once('\'') {
        let mut member = String::new();
        let mut characters = inner.char_indices().peekable();
        rest = "";
        while let Some((at, c)) = characters.next() {
            if c == '\'' && characters.next_if(|&(_, next)| next == '\'').is_none() {
                rest = &inner[at + 1..];
                break;
            }
            member.push(c);
        }
        members.push(member);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_the_full_type() {
        let said = [
            ("int(10) unsigned", ColumnKind::Integer { bits: 32, unsigned: true }),
            ("mediumint", ColumnKind::Integer { bits: 24, unsigned: false }),
            ("tinyint(1)", ColumnKind::Boolean),
            ("tinyint(4)", ColumnKind::Integer { bits: 8, unsigned: false }),
            ("decimal(10,2)", ColumnKind::Decimal { precision: 10, scale: 2, unsigned: false }),
            ("datetime(3)", ColumnKind::DateTime { fsp: 3 }),
            ("bit(1)", ColumnKind::Boolean),
            ("bit(10)", ColumnKind::Bit { bits: 10 }),
            (
                "varchar(10) /*M!100301 COMPRESSED*/",
                ColumnKind::Unsupported("varchar(10) /*M!100301 COMPRESSED*/".into()),
            ),
            ("uuid", ColumnKind::Named("uuid".into())),
        ];
        for (full, expected) in said {
            assert_eq!(kind(full, 0), expected, "{full}");
        }
    }

    #[test]
    fn members_with_quotes_commas_and_brackets_are_read() {
        let expected = ["a", "b'c", "d,e)", ""].map(str::to_owned);
        assert_eq!(kind("enum('a','b''c','d,e)','')", 0), ColumnKind::Enum(expected.to_vec()));
    }
}
