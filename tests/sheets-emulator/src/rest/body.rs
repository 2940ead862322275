//! An answer's body. The rows of a grid are made one at a time while it is printed: a million of them are never held as a tree.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::Mask;
use super::cells::View;
use crate::grid::{Area, Cell, SheetId, Spreadsheet, Tab};

/// The field of `GridData` that holds its rows. In a body's tree it is the number of their place among the body's [`GridRows`],
/// which no answer of Google's has there.
pub(super) const ROW_DATA: &str = "rowData";

/// JSON, but for the rows of its grids.
#[derive(Debug)]
pub struct Body {
    /// What is not rows.
    pub(crate) tree: Json,
    rows: Vec<GridRows>,
}

impl From<Json> for Body {
    fn from(tree: Json) -> Self {
        Self { tree, rows: Vec::new() }
    }
}

impl Body {
    /// A tree whose grids have these rows.
    pub(super) fn with_rows(tree: Json, rows: Vec<GridRows>) -> Self {
        Self { tree, rows }
    }

    /// This one, which has no rows of its own, with another as one of its fields.
    pub(super) fn with(mut self, field: &str, other: Self) -> Self {
        debug_assert!(self.rows.is_empty(), "the numbers of rows would change");
        self.tree[field] = other.tree;
        Self { rows: other.rows, ..self }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Node { value: &self.tree, rows: &self.rows }.serialize(serializer)
    }
}

/// A part of a tree, with all the body's rows.
struct Node<'a> {
    value: &'a Json,
    rows: &'a [GridRows],
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.rows;
        match self.value {
            _ if rows.is_empty() => self.value.serialize(serializer),
            Json::Array(items) => serializer.collect_seq(items.iter().map(|value| Node { value, rows })),
            Json::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    match value.as_u64().filter(|_| name == ROW_DATA).and_then(|at| rows.get(at as usize)) {
                        Some(rows) => map.serialize_entry(name, rows)?,
                        None => map.serialize_entry(name, &Node { value, rows })?,
                    }
                }
                map.end()
            }
            value => value.serialize(serializer),
        }
    }
}

/// The rows of one rectangle of a tab: empty tails of rows, and empty rows at the end, are left out.
#[derive(Debug)]
pub(super) struct GridRows {
    spreadsheet: Arc<Spreadsheet>,
    sheet: SheetId,
    area: Area,
    mask: Mask,
}

impl GridRows {
    /// Those of an area within its tab, each cell by the mask of `CellData`; `None` where nothing stands.
    pub(super) fn of(spreadsheet: &Arc<Spreadsheet>, tab: &Tab, area: Area, mask: &Mask) -> Option<Self> {
        let rows = tab.rows.range(area.top, area.bottom);
        let (last, _) = rows.filter(|(_, cells)| used(cells, area) > area.left).last()?;
        let area = Area { bottom: last + 1, ..area };
        Some(Self { spreadsheet: Arc::clone(spreadsheet), sheet: tab.id, area, mask: mask.clone() })
    }
}

/// Of a row, the columns of an area up to the last that has something.
fn used(cells: &[Cell], area: Area) -> u32 {
    let last = cells.iter().take(area.right as usize).rposition(|cell| !cell.is_void());
    last.map_or(0, |last| last as u32 + 1)
}

impl Serialize for GridRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (view, area) = (View::new(&self.spreadsheet), self.area);
        let mut list = serializer.serialize_seq(None)?;
        if let Some(tab) = self.spreadsheet.tab(self.sheet) {
            for (row, cells) in tab.rows.range(area.top, area.bottom) {
                let cell = |column| view.cell_data(tab, (row, column), &cells[column as usize], &self.mask);
                let shown: Vec<Json> = (area.left..used(cells, area)).map(cell).collect();
                list.serialize_element(&if shown.is_empty() { json!({}) } else { json!({"values": shown}) })?;
            }
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Value;

    #[test]
    fn rows_are_printed_where_their_number_stands() {
        // given a tab with a hole in a row, an empty row between and empty ones at the end
        let mut tab = Tab::new(SheetId(7), "Goods", 9, 3);
        tab.set_value(0, 1, Value::Number(1.0));
        tab.set_value(2, 0, Value::text("a"));
        let mut book = Spreadsheet::new(crate::grid::SpreadsheetId::random(), "Shop", 0);
        book.tabs = vec![tab];
        let book = Arc::new(book);
        let mask = Mask::parse("userEnteredValue").expect("is read");
        let tab = &book.tabs[0];
        let rows = |top, bottom| GridRows::of(&book, tab, Area::new(top, 0, bottom, 3), &mask);
        // when its rows are put into an answer, all of them and none
        assert!(rows(3, 9).is_none());
        let rows = rows(0, 9).into_iter().collect();
        let body = Body::with_rows(json!({"data": [{"rowData": 0, "startRow": 1}]}), rows);
        // then they stand where the number stood
        let printed = serde_json::to_value(&body).expect("is JSON");
        let cells = json!([
            {"values": [{}, {"userEnteredValue": {"numberValue": 1.0}}]},
            {},
            {"values": [{"userEnteredValue": {"stringValue": "a"}}]}
        ]);
        assert_eq!(printed, json!({"data": [{"rowData": cells, "startRow": 1}]}));
    }
}
