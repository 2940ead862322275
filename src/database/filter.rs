//! A link's filter as SQL. It must say the same of every row as `engine::filter`: the columns' collations, which would call
//! `a` and `A` equal, take no part in it, and a decimal is never compared as a double.

use std::fmt::Write;

use crate::database::cell::to_wire;
use crate::database::error::Result;
use crate::database::statement::{Statement, column, quoted};
use crate::model::filter::{Filter, Test};
use crate::model::schema::{Column, ColumnKind, TableSchema};
use crate::model::value::Value;

/// Appends the conditions, each between brackets, joined by AND. There is at least one.
pub(super) fn push(statement: &mut Statement, schema: &TableSchema, filter: &Filter) -> Result<()> {
    for (i, check) in filter.0.iter().enumerate() {
        statement.sql.push_str(if i > 0 { " AND (" } else { "(" });
        let column = column(schema, check.place)?;
        let side = side(column)?;
        match &check.test {
            Test::Null => {
                let _ = write!(statement.sql, "{} IS NULL", quoted(column)?);
            }
            Test::NotNull => {
                let _ = write!(statement.sql, "{} IS NOT NULL", quoted(column)?);
            }
            Test::Compare(comparison, value) => {
                let _ = write!(statement.sql, "{side} {comparison} ");
                push_value(statement, column, value);
            }
            Test::IsNot(value) => {
                let _ = write!(statement.sql, "NOT ({side} <=> ");
                push_value(statement, column, value);
                statement.sql.push(')');
            }
            Test::In(values) => {
                let _ = write!(statement.sql, "{side} IN (");
                for (i, value) in values.iter().enumerate() {
                    statement.sql.push_str(if i > 0 { ", " } else { "" });
                    push_value(statement, column, value);
                }
                statement.sql.push(')');
            }
        }
        statement.sql.push(')');
    }
    Ok(())
}

/// The column as it is compared.
fn side(column: &Column) -> Result<String> {
    let name = quoted(column)?;
    Ok(match column.kind {
        ColumnKind::Text { .. } | ColumnKind::Enum(_) => {
            format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)")
        }
        // Bits are bytes, and a YEAR takes 26 for 2026, unless they are numbers first.
        ColumnKind::Boolean | ColumnKind::Bit { .. } | ColumnKind::Year => format!("{name} + 0"),
        _ => name,
    })
}

fn push_value(statement: &mut Statement, column: &Column, value: &Value) {
    match (&column.kind, value) {
        (ColumnKind::Text { .. } | ColumnKind::Enum(_), _) => statement.sql.push_str("CAST(? AS BINARY)"),
        // A parameter is text, and text beside a decimal makes both a double.
        (_, Value::Decimal(digits)) => {
            let unsigned = digits.trim_start_matches('-');
            let scale = unsigned.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let precision = unsigned.len() - usize::from(unsigned.contains('.'));
            let _ = write!(statement.sql, "CAST(? AS DECIMAL({precision},{scale}))");
        }
        _ => statement.sql.push('?'),
    }
    statement.parameters.push(to_wire(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filter::{Check, Comparison};
    use crate::model::schema::TableName;

    #[test]
    fn collations_and_doubles_take_no_part_in_it() {
        let decimal = ColumnKind::Decimal { precision: 9, scale: 2, unsigned: false };
        let columns = [("t", ColumnKind::Text { length: 9 }), ("d", decimal)];
        let schema = TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
            columns: columns.map(|(name, kind)| Column::nullable(name, kind)).into(),
            key: vec![0],
            transactional: true,
        };
        let text = Value::Text("'; --".into());
        let less = Test::Compare(Comparison::Less, Value::Decimal("-1.250".into()));
        let checks =
            vec![Check { place: 0, test: Test::In(vec![text.clone()]) }, Check { place: 1, test: less }];
        let mut statement = Statement { sql: String::new(), parameters: Vec::new() };
        push(&mut statement, &schema, &Filter(checks)).expect("builds");
        assert_eq!(
            statement.sql,
            "(CAST(CONVERT(`t` USING utf8mb4) AS BINARY) IN (CAST(? AS BINARY))) AND (`d` < CAST(? AS DECIMAL(4,3)))"
        );
        assert_eq!(statement.parameters[0], to_wire(&text));
    }
}
