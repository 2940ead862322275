//! An answer's body. The rows of a grid are made one at a time while it is printed: a million of them are never held as a tree.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::Mask;
use super::cells::View;
use crate::grid::{Area, Cell, SheetId, Spreadsheet, Tab};

/// The field of `GridData` that holds its rows. In a body's tree it is the number of a part of the body's [`Rows`], which no answer
/// of Google's has there.
pub(super) const ROW_DATA: &str = "rowData";

/// JSON, but for the rows of its grids.
#[derive(Debug)]
pub struct Body {
    /// What is not rows.
    pub(crate) tree: Json,
    rows: Option<Rows>,
}

impl From<Json> for Body {
    fn from(tree: Json) -> Self {
        Self { tree, rows: None }
    }
}

impl Body {
    /// A tree whose grids have these rows.
    pub(super) fn with_rows(tree: Json, rows: Rows) -> Self {
        Self { tree, rows: Some(rows) }
    }

    /// This one, which has no rows of its own, with another as one of its fields.
    pub(super) fn with(mut self, field: &str, other: Self) -> Self {
        debug_assert!(self.rows.is_none(), "the numbers of parts would change");
        self.tree[field] = other.tree;
        Self { rows: other.rows, ..self }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.rows {
            None => self.tree.serialize(serializer),
            Some(rows) => {
                let view = View::new(&rows.spreadsheet);
                Node { value: &self.tree, rows, view: &view }.serialize(serializer)
            }
        }
    }
}

/// A part of a tree, with all the body's rows.
struct Node<'a> {
    value: &'a Json,
    rows: &'a Rows,
    view: &'a View<'a>,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rows, view, .. } = *self;
        match self.value {
            Json::Array(items) => {
                serializer.collect_seq(items.iter().map(|value| Node { value, rows, view }))
            }
            Json::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    let number = value.as_u64().filter(|_| name == ROW_DATA);
                    match number.and_then(|number| rows.parts.get(number as usize)) {
                        Some(part) => map.serialize_entry(name, &Rectangle { part, rows, view })?,
                        None => map.serialize_entry(name, &Node { value, rows, view })?,
                    }
                }
                map.end()
            }
            value => value.serialize(serializer),
        }
    }
}

/// The rows of an answer's grids: rectangles of a spreadsheet's tabs, whose cells are shown by one mask.
#[derive(Debug)]
pub(super) struct Rows {
    spreadsheet: Arc<Spreadsheet>,
    /// Of `CellData`; `None` where no cells are wanted.
    mask: Option<Mask>,
    parts: Vec<(SheetId, Area)>,
}

impl Rows {
    /// None so far.
    pub(super) fn new(spreadsheet: &Arc<Spreadsheet>, mask: Option<&Mask>) -> Self {
        Self { spreadsheet: Arc::clone(spreadsheet), mask: mask.cloned(), parts: Vec::new() }
    }

    /// Adds those of an area within its tab, without the empty ones at its end; gives the part's number. `None` where nothing
    /// stands, or nothing is wanted.
    pub(super) fn add(&mut self, tab: &Tab, area: Area) -> Option<usize> {
        self.mask.as_ref()?;
        let rows = tab.rows.range(area.top, area.bottom);
        let (last, _) = rows.filter(|(_, cells)| used(cells, area) > area.left).last()?;
        self.parts.push((tab.id, Area { bottom: last + 1, ..area }));
        Some(self.parts.len() - 1)
    }
}

/// Of a row, the columns of an area up to the last that has something.
fn used(cells: &[Cell], area: Area) -> u32 {
    let last = cells.iter().take(area.right as usize).rposition(|cell| !cell.is_void());
    last.map_or(0, |last| last as u32 + 1)
}

/// One rectangle: empty tails of rows are left out.
struct Rectangle<'a> {
    part: &'a (SheetId, Area),
    rows: &'a Rows,
    view: &'a View<'a>,
}

impl Serialize for Rectangle<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (sheet, area) = *self.part;
        let mut list = serializer.serialize_seq(None)?;
        if let (Some(tab), Some(mask)) = (self.rows.spreadsheet.tab(sheet), &self.rows.mask) {
            for (row, cells) in tab.rows.range(area.top, area.bottom) {
                let cell = |column| self.view.cell_data(tab, (row, column), &cells[column as usize], mask);
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
        let mut rows = Rows::new(&book, Some(&mask));
        // when its rows are put into an answer, all of them and none
        assert_eq!(rows.add(tab, Area::new(3, 0, 9, 3)), None);
        assert_eq!(rows.add(tab, Area::new(0, 0, 9, 3)), Some(0));
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
