//! The key columns of a tab as a plain read shows them: a digest a cell, eight bytes of each.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::grid::GridCell;

/// The answer of `values:batchGetByDataFilter` with one filter a column.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Columns {
    value_ranges: Vec<Matched>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Matched {
    value_range: Values,
    /// The filter that asked for it: no order of the answers is promised.
    data_filters: Vec<Filter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Values {
    /// One column; none where all of it is blank.
    values: Vec<Vec<Plain>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Filter {
    grid_range: Place,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Place {
    start_column_index: u32,
}

/// Columns by the order in which they were asked for, row by row from the header on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ColumnKeys(Vec<Vec<Digest>>);

impl Columns {
    pub(super) fn by_place(mut self, columns: &[u32]) -> ColumnKeys {
        let mut column = |at: &u32| {
            let is_its = |matched: &Matched| {
                matched.data_filters.iter().any(|filter| filter.grid_range.start_column_index == *at)
            };
            let matched = self.value_ranges.iter_mut().find(|matched| is_its(matched));
            let values = matched.and_then(|matched| matched.value_range.values.pop()).unwrap_or_default();
            values.into_iter().map(|plain| plain.0).collect()
        };
        ColumnKeys(columns.iter().map(&mut column).collect())
    }
}

impl ColumnKeys {
    /// Below the last row that shows anything.
    pub(super) fn end(&self) -> u32 {
        self.0.iter().map(Vec::len).max().unwrap_or(0) as u32
    }

    /// Does a row with these cells, from column A on, show what the columns show there?
    pub(super) fn stands(&self, row: u32, cells: &[GridCell], columns: &[u32]) -> bool {
        let blank = Cell::Blank.digest();
        self.0.iter().zip(columns).all(|(column, at)| {
            let there = column.get(row as usize).copied().unwrap_or(blank);
            there == cells.get(*at as usize).map_or(blank, plain)
        })
    }
}

/// What a plain read would say of a cell: it tells an error by its text alone.
fn plain(cell: &GridCell) -> Digest {
    match &cell.value {
        Cell::Error(shown) => Cell::Text(shown.clone()).digest(),
        value => value.digest(),
    }
}

/// A plain value by its digest.
#[derive(Debug)]
struct Plain(Digest);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl Visitor<'_> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain(Cell::Text(text.to_owned()).digest()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Plain, E> {
        Ok(Plain(Cell::number(number).digest()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Plain, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Plain, E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E: Error>(self, is_so: bool) -> Result<Plain, E> {
        Ok(Plain(Cell::Bool(is_so).digest()))
    }

    fn visit_unit<E: Error>(self) -> Result<Plain, E> {
        Ok(Plain(Cell::Blank.digest()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_apart_by_what_asked_for_them_and_cells_are_what_a_typed_read_shows() {
        let answer: Columns = serde_json::from_value(serde_json::json!({"valueRanges": [
            {"valueRange": {"values": [["part", "", 2.5, true]]}, "dataFilters": [{"gridRange": {"sheetId": 3, "startColumnIndex": 4}}]},
            {"valueRange": {"values": [["id", 7, "#REF!"]]}, "dataFilters": [{"gridRange": {"sheetId": 3}}]},
            {"valueRange": {}, "dataFilters": [{"gridRange": {"startColumnIndex": 2}}]}]}))
        .expect("google's shape");
        let columns = [0, 2, 4];
        let keys = answer.by_place(&columns);
        assert_eq!(keys.end(), 4);
        let row = |id: Cell, part: Cell| {
            let mut cells = vec![GridCell::BLANK; 5];
            (cells[0], cells[4]) = (GridCell::plain(id), GridCell::plain(part));
            cells
        };
        assert!(keys.stands(1, &row(Cell::number(7.0), Cell::Blank), &columns));
        assert!(keys.stands(1, &[GridCell::plain(Cell::number(7.0))], &columns), "blank cells are left out");
        assert!(keys.stands(2, &row(Cell::Error("#REF!".into()), Cell::number(2.5)), &columns));
        assert!(keys.stands(3, &row(Cell::Blank, Cell::Bool(true)), &columns));
        assert!(keys.stands(9, &[], &columns));
        assert!(!keys.stands(1, &row(Cell::Text("7".into()), Cell::Blank), &columns), "a text is no number");
        assert!(!keys.stands(3, &[], &columns));
    }
}
