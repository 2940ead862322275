//! Places on a grid in Google's terms: half open, from zero, the tab by its id.

use serde::Serialize;

use crate::model::link::SheetId;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::sheet) struct GridCoordinate {
    pub(in crate::sheet) sheet_id: SheetId,
    pub(in crate::sheet) row_index: u32,
    pub(in crate::sheet) column_index: u32,
}

/// Half open, from zero; a missing bound is the grid's edge.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::sheet) struct GridRange {
    pub(in crate::sheet) sheet_id: SheetId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::sheet) start_row_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::sheet) end_row_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::sheet) start_column_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::sheet) end_column_index: Option<u32>,
}

impl GridRange {
    /// A whole tab.
    pub(in crate::sheet) fn tab(sheet_id: SheetId) -> Self {
        Self {
            sheet_id,
            start_row_index: None,
            end_row_index: None,
            start_column_index: None,
            end_column_index: None,
        }
    }

    /// Whole rows.
    pub(in crate::sheet) fn rows(sheet_id: SheetId, start: u32, end: u32) -> Self {
        Self { start_row_index: Some(start), end_row_index: Some(end), ..Self::tab(sheet_id) }
    }

    /// The same, from one column up to another.
    pub(in crate::sheet) fn columns(self, start: u32, end: u32) -> Self {
        Self { start_column_index: Some(start), end_column_index: Some(end), ..self }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::sheet) struct DimensionRange {
    pub(in crate::sheet) sheet_id: SheetId,
    pub(in crate::sheet) dimension: Dimension,
    pub(in crate::sheet) start_index: u32,
    pub(in crate::sheet) end_index: u32,
}

impl DimensionRange {
    pub(in crate::sheet) fn rows(sheet_id: SheetId, start: u32, end: u32) -> Self {
        Self { sheet_id, dimension: Dimension::Rows, start_index: start, end_index: end }
    }

    pub(in crate::sheet) fn columns(sheet_id: SheetId, start: u32, end: u32) -> Self {
        Self { sheet_id, dimension: Dimension::Columns, start_index: start, end_index: end }
    }

    pub(in crate::sheet) fn column(sheet_id: SheetId, column: u32) -> Self {
        Self::columns(sheet_id, column, column + 1)
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::sheet) enum Dimension {
    Rows,
    Columns,
}

/// A column's letters: A, Z, AA.
pub(in crate::sheet) fn letters(column: u32) -> String {
    let mut rest = column + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}
