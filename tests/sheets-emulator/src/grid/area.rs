//! Rectangles: zero-based, half open, as the API has them.

use serde_json::{Map, Value as Json, json};

use super::{SheetId, Tab};

/// Rows or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Dimension {
    /// Rows.
    Rows,
    /// Columns.
    Columns,
}

impl Dimension {
    /// The API's word.
    pub fn api(self) -> &'static str {
        match self {
            Self::Rows => "ROWS",
            Self::Columns => "COLUMNS",
        }
    }
}

/// A bounded rectangle of cells, zero-based and half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Area {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Row after the last.
    pub bottom: u32,
    /// Column after the last.
    pub right: u32,
}

impl Area {
    /// A rectangle from its corners.
    pub fn new(top: u32, left: u32, bottom: u32, right: u32) -> Self {
        Self { top, left, bottom, right }
    }

    /// One cell.
    pub fn cell(row: u32, column: u32) -> Self {
        Self::new(row, column, row + 1, column + 1)
    }

    /// Rows in it.
    pub fn height(self) -> u32 {
        self.bottom.saturating_sub(self.top)
    }

    /// Columns in it.
    pub fn width(self) -> u32 {
        self.right.saturating_sub(self.left)
    }

    /// Is it exactly one cell?
    pub fn is_one_cell(self) -> bool {
        self.height() == 1 && self.width() == 1
    }

    /// Has it no cell?
    pub fn is_empty(self) -> bool {
        self.height() == 0 || self.width() == 0
    }

    /// Is the cell inside?
    pub fn contains(self, row: u32, column: u32) -> bool {
        (self.top..self.bottom).contains(&row) && (self.left..self.right).contains(&column)
    }

    /// The common part of two rectangles.
    pub fn meet(self, other: Self) -> Option<Self> {
        let met = Self::new(
            self.top.max(other.top),
            self.left.max(other.left),
            self.bottom.min(other.bottom),
            self.right.min(other.right),
        );
        (met.top < met.bottom && met.left < met.right).then_some(met)
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self::new(
            self.top.min(other.top),
            self.left.min(other.left),
            self.bottom.max(other.bottom),
            self.right.max(other.right),
        )
    }

    /// Start and end along a dimension.
    pub fn span(self, dimension: Dimension) -> (u32, u32) {
        match dimension {
            Dimension::Rows => (self.top, self.bottom),
            Dimension::Columns => (self.left, self.right),
        }
    }

    /// The same rectangle with another start and end along a dimension.
    #[must_use]
    pub fn with_span(self, dimension: Dimension, (start, end): (u32, u32)) -> Self {
        match dimension {
            Dimension::Rows => Self { top: start, bottom: end, ..self },
            Dimension::Columns => Self { left: start, right: end, ..self },
        }
    }

    /// `GridRange`: a `sheetId` of 0 is left out, starts of 0 are printed.
    pub fn to_json(self, sheet: SheetId) -> Json {
        let mut range = Map::new();
        if sheet.0 != 0 {
            range.insert("sheetId".into(), json!(sheet.0));
        }
        range.insert("startRowIndex".into(), json!(self.top));
        range.insert("endRowIndex".into(), json!(self.bottom));
        range.insert("startColumnIndex".into(), json!(self.left));
        range.insert("endColumnIndex".into(), json!(self.right));
        Json::Object(range)
    }
}

/// A rectangle whose sides may be missing: unbounded there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenArea {
    /// First row.
    pub top: Option<u32>,
    /// First column.
    pub left: Option<u32>,
    /// Row after the last.
    pub bottom: Option<u32>,
    /// Column after the last.
    pub right: Option<u32>,
}

impl OpenArea {
    /// The rectangle on this tab: missing sides are the tab's own, sides beyond it stay as they are.
    pub fn on(self, tab: &Tab) -> Area {
        Area::new(
            self.top.unwrap_or(0),
            self.left.unwrap_or(0),
            self.bottom.unwrap_or(tab.row_count()),
            self.right.unwrap_or(tab.column_count()),
        )
    }
}

impl From<Area> for OpenArea {
    fn from(area: Area) -> Self {
        Self {
            top: Some(area.top),
            left: Some(area.left),
            bottom: Some(area.bottom),
            right: Some(area.right),
        }
    }
}
