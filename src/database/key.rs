//! Keys of rows.
//!
//! Keys must be equal where the server calls them equal. Here that holds for everything but text whose collation ignores
//! case, accents or width: blanks at the end are cut where the collation pads (all but `utf8mb4_0900_*`, `*_nopad_*` and
//! `binary`), and no more. Two such keys cannot both be in the table; a record is known by the spelling that the table has,
//! and another one is asked for ([`crate::database::spelling`]).

use crate::database::rows::Image;
use crate::model::key::Key;
use crate::model::schema::{Column, ColumnKind, TableSchema};
use crate::model::value::Value;

/// The key of a whole row, its columns in the table's order. Columns that the row lacks count as NULL.
pub fn key_of(schema: &TableSchema, row: &[Value]) -> Key {
    let parts = schema.key.iter().map(|&at| match row.get(at) {
        Some(value) => part(&schema.columns[at], value),
        None => Value::Null,
    });
    Key(parts.collect())
}

/// The key of a row image; `None` if the image leaves a key column out.
pub fn key_of_image(schema: &TableSchema, image: &Image) -> Option<Key> {
    let parts = schema.key.iter().map(|&at| {
        let value = image.get(at)?.as_ref()?;
        Some(part(&schema.columns[at], value))
    });
    parts.collect::<Option<_>>().map(Key)
}

/// A key whose parts came from elsewhere (a sheet), in the form in which rows have it.
pub fn canonical(schema: &TableSchema, key: &Key) -> Key {
    let columns = schema.key.iter().map(|&at| &schema.columns[at]);
    Key(columns.zip(&key.0).map(|(column, value)| part(column, value)).collect())
}

fn part(column: &Column, value: &Value) -> Value {
    match value {
        Value::Text(text) if pads(column) => Value::Text(text.trim_end_matches(' ').to_owned()),
        other => other.clone(),
    }
}

fn pads(column: &Column) -> bool {
    let exact = |name: &str| name == "binary" || name.contains("_0900_") || name.contains("_nopad_");
    matches!(column.kind, ColumnKind::Text { .. })
        && column.collation.as_deref().is_some_and(|name| !exact(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::TableName;

    fn table(collation: &str) -> TableSchema {
        let column = |name: &str, kind: ColumnKind, collation: Option<&str>| Column {
            collation: collation.map(str::to_owned),
            ..Column::required(name, kind)
        };
        let integer = ColumnKind::Integer { bits: 32, unsigned: false };
        TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
            columns: vec![
                column("a", integer, None),
                column("b", ColumnKind::Text { length: 9 }, Some(collation)),
            ],
            key: vec![1, 0],
            transactional: true,
        }
    }

    #[test]
    fn keys_follow_the_keys_own_order_and_the_collations_padding() {
        let row = [Value::Int(1), Value::Text("x  ".into())];
        let padded = key_of(&table("latin1_swedish_ci"), &row);
        assert_eq!(padded, Key(vec![Value::Text("x".into()), Value::Int(1)]));
        let exact = key_of(&table("utf8mb4_0900_ai_ci"), &row);
        assert_eq!(exact, Key(vec![Value::Text("x  ".into()), Value::Int(1)]));
    }

    #[test]
    fn an_image_without_a_key_column_has_no_key() {
        assert_eq!(key_of_image(&table("binary"), &vec![Some(Value::Int(1)), None]), None);
    }
}
