//! One tab: a grid of cells and what lies over it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::{Area, Cell, Dimension, LineIds, Rows, Value};

/// The number of a tab; it never changes, whatever the tab is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SheetId(pub i32);

impl fmt::Display for SheetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A row's or column's own settings, kept only where they are not the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DimensionLook {
    /// Height or width; rows have 21 and columns 100 without it.
    pub pixels: Option<u32>,
    /// Hidden by a person or a request.
    pub hidden: bool,
}

/// A group of rows or columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Rows or columns.
    pub dimension: Dimension,
    /// First.
    pub start: u32,
    /// After the last.
    pub end: u32,
    /// Depth, from 1.
    pub depth: u32,
    /// Is it folded?
    pub collapsed: bool,
}

/// A protected range.
#[derive(Debug, Clone, PartialEq)]
pub struct Protected {
    /// Its id in the spreadsheet.
    pub id: i32,
    /// The rectangle; `None` for the whole tab.
    pub area: Option<Area>,
    /// Who may still write, by address; the owner and the one who made it are in here.
    pub editors: Vec<String>,
    /// The other fields of `ProtectedRange` as they were given (description, warningOnly, ...).
    pub settings: Map<String, Json>,
}

/// One tab.
#[derive(Debug, Clone)]
pub struct Tab {
    /// Its number.
    pub id: SheetId,
    /// Its title.
    pub title: String,
    /// Is it hidden?
    pub hidden: bool,
    /// The rows, with the cells.
    pub rows: Rows,
    pub(super) columns: u32,
    pub(super) row_ids: LineIds,
    pub(super) column_ids: LineIds,
    /// Frozen rows.
    pub frozen_rows: u32,
    /// Frozen columns.
    pub frozen_columns: u32,
    /// Other fields of `SheetProperties` as they were given (`tabColor`, `rightToLeft`, ...).
    pub properties: Map<String, Json>,
    /// Other fields of `GridProperties` as they were given (`hideGridlines`, ...).
    pub grid_properties: Map<String, Json>,
    /// Rows with settings of their own.
    pub row_looks: BTreeMap<u32, DimensionLook>,
    /// Columns with settings of their own.
    pub column_looks: BTreeMap<u32, DimensionLook>,
    /// Merged rectangles, in the order of their making, as recorded.
    pub merges: Vec<Area>,
    /// The basic filter: its range and its other fields as they were given.
    pub filter: Option<(Area, Map<String, Json>)>,
    /// Groups of rows and columns.
    pub groups: Vec<Group>,
    /// Protected ranges.
    pub protected: Vec<Protected>,
}

impl Tab {
    /// A blank tab.
    pub fn new(id: SheetId, title: impl Into<String>, rows: u32, columns: u32) -> Self {
        Self {
            id,
            title: title.into(),
            hidden: false,
            rows: Rows::blank(rows),
            columns,
            row_ids: LineIds::new(rows),
            column_ids: LineIds::new(columns),
            frozen_rows: 0,
            frozen_columns: 0,
            properties: Map::new(),
            grid_properties: Map::new(),
            row_looks: BTreeMap::new(),
            column_looks: BTreeMap::new(),
            merges: Vec::new(),
            filter: None,
            groups: Vec::new(),
            protected: Vec::new(),
        }
    }

    /// Rows of the grid.
    pub fn row_count(&self) -> u32 {
        self.rows.len()
    }

    /// Columns of the grid.
    pub fn column_count(&self) -> u32 {
        self.columns
    }

    /// Rows or columns of the grid.
    pub fn count(&self, dimension: Dimension) -> u32 {
        match dimension {
            Dimension::Rows => self.row_count(),
            Dimension::Columns => self.columns,
        }
    }

    /// Who is who among the rows or columns.
    pub fn ids(&self, dimension: Dimension) -> &LineIds {
        match dimension {
            Dimension::Rows => &self.row_ids,
            Dimension::Columns => &self.column_ids,
        }
    }

    pub(crate) fn ids_mut(&mut self, dimension: Dimension) -> &mut LineIds {
        match dimension {
            Dimension::Rows => &mut self.row_ids,
            Dimension::Columns => &mut self.column_ids,
        }
    }

    /// The whole grid.
    pub fn whole(&self) -> Area {
        Area::new(0, 0, self.row_count(), self.columns)
    }

    /// One cell; blank where nothing is stored.
    pub fn cell(&self, row: u32, column: u32) -> &Cell {
        self.rows.cell(row, column)
    }

    /// Settings of rows or columns.
    pub fn looks(&self, dimension: Dimension) -> &BTreeMap<u32, DimensionLook> {
        match dimension {
            Dimension::Rows => &self.row_looks,
            Dimension::Columns => &self.column_looks,
        }
    }

    /// Settings of rows or columns, to change them.
    pub fn looks_mut(&mut self, dimension: Dimension) -> &mut BTreeMap<u32, DimensionLook> {
        match dimension {
            Dimension::Rows => &mut self.row_looks,
            Dimension::Columns => &mut self.column_looks,
        }
    }

    /// Is the cell swallowed by a merge (inside, and not its top-left one)?
    pub fn is_swallowed(&self, row: u32, column: u32) -> bool {
        self.merges
            .iter()
            .any(|merge| merge.contains(row, column) && (merge.top, merge.left) != (row, column))
    }

    /// Sets a value. A merge swallows what is written beside its first cell, without an error, as Google does.
    pub fn set_value(&mut self, row: u32, column: u32, value: Value) {
        if !self.is_swallowed(row, column) {
            self.rows.change_cell(row, column, |cell| {
                cell.value = value;
                if cell.look.as_ref().is_some_and(|look| look.runs.is_some()) {
                    cell.change_look(|look| look.runs = None);
                }
            });
        }
    }

    /// Puts a whole cell down.
    pub fn set_cell(&mut self, row: u32, column: u32, new: Cell) {
        if !(new.is_void() && self.cell(row, column).is_void()) {
            self.rows.change_cell(row, column, |cell| *cell = new);
        }
    }

    /// Takes the values (not the looks) out of a rectangle.
    pub fn clear_values(&mut self, area: Area) {
        for row in area.top..area.bottom.min(self.row_count()) {
            let used = self.rows.row(row).len().min(area.right as usize);
            let left = area.left as usize;
            if left < used && self.rows.row(row)[left..used].iter().any(|cell| !cell.value.is_blank()) {
                self.rows.change(row, |cells| {
                    for cell in &mut cells[left..used] {
                        cell.value = Value::Blank;
                    }
                });
            }
        }
    }

    /// The smallest rectangle from A1 on that holds every value: its height and width.
    pub fn data_extent(&self) -> (u32, u32) {
        let (mut height, mut width) = (0, 0);
        for (row, cells) in self.rows.range(0, self.row_count()) {
            if let Some(last) = cells.iter().rposition(|cell| !cell.value.is_blank()) {
                height = row + 1;
                width = width.max(last as u32 + 1);
            }
        }
        (height, width)
    }

    /// May this person write into the rectangle, as far as protected ranges go?
    pub fn may_write(&self, person: &str, area: Area) -> bool {
        self.protected.iter().all(|range| {
            let warning = range.settings.get("warningOnly").and_then(Json::as_bool).unwrap_or_default();
            let met = range.area.is_none_or(|protected| protected.meet(area).is_some());
            warning || !met || range.editors.iter().any(|editor| editor == person)
        })
    }
}
