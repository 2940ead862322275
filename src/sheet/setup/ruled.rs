//! The rules that a column's cells have already, as Google shows them: a byte a cell, for a tab may have a million rows.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// How the words of our rules begin: by that we know them again.
pub(super) const OURS: &str = "sheetbridge: ";

/// What rule a cell has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ruled {
    /// None.
    #[default]
    Not,
    /// One of ours.
    Ours,
    /// One of the people's.
    Theirs,
}

/// The cells of a rectangle, by column, each from the rectangle's first row on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RuledCells(Vec<Vec<Ruled>>);

impl RuledCells {
    /// What rule the cell has, counted from the rectangle's corner.
    pub(super) fn get(&self, row: usize, column: usize) -> Ruled {
        self.0.get(column).and_then(|cells| cells.get(row)).copied().unwrap_or_default()
    }

    fn put(&mut self, row: usize, column: usize, ruled: Ruled) {
        if self.0.len() <= column {
            self.0.resize_with(column + 1, Vec::new);
        }
        self.0[column].resize(row, Ruled::Not);
        self.0[column].push(ruled);
    }
}

impl<'de> Deserialize<'de> for RuledCells {
    fn deserialize<D: Deserializer<'de>>(rows: D) -> Result<Self, D::Error> {
        rows.deserialize_seq(RowByRow)
    }
}

struct RowByRow;

impl<'de> Visitor<'de> for RowByRow {
    type Value = RuledCells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows of cells")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<RuledCells, A::Error> {
        let (mut all, mut at) = (RuledCells::default(), 0);
        while let Some(RowThere { values }) = rows.next_element()? {
            for (column, cell) in values.into_iter().enumerate() {
                if let Some(rule) = cell.data_validation {
                    let ours = rule.input_message.starts_with(OURS);
                    all.put(at, column, if ours { Ruled::Ours } else { Ruled::Theirs });
                }
            }
            at += 1;
        }
        Ok(all)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowThere {
    values: Vec<CellThere>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CellThere {
    data_validation: Option<RuleThere>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RuleThere {
    input_message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_by_its_row_and_column_and_what_is_left_out_has_no_rule() {
        let rule = |words: &str| serde_json::json!({"dataValidation": {"inputMessage": words}});
        let rows = serde_json::json!([{}, {"values": [{}, rule("ask Bob")]}, {"values": [rule("sheetbridge: a date")]}, {}]);
        let cells: RuledCells = serde_json::from_value(rows).expect("google's shape");
        let all = |column| (0..5).map(|row| cells.get(row, column)).collect::<Vec<_>>();
        assert_eq!(all(0), [Ruled::Not, Ruled::Not, Ruled::Ours, Ruled::Not, Ruled::Not]);
        assert_eq!(all(1), [Ruled::Not, Ruled::Theirs, Ruled::Not, Ruled::Not, Ruled::Not]);
        assert_eq!(all(2), [Ruled::Not; 5]);
    }
}
