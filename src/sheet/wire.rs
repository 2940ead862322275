//! The requests of Sheets v4 that we send, in Google's shape.
//!
//! An enum variant is a request kind and its fields are the kind's fields, so serde's own form is the wire form. Values
//! are typed (`ExtendedValue`): nothing is parsed on arrival, so `0042`, `=x` and `1-2` stay the texts that they are.

use serde::Serialize;

use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::link::SheetId;
pub(super) use crate::sheet::wire::area::{Dimension, DimensionRange, GridCoordinate, GridRange, letters};

mod area;

/// One request of a `batchUpdate`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Request {
    CreateDeveloperMetadata {
        #[serde(rename = "developerMetadata")]
        metadata: NewMetadata,
    },
    #[serde(rename_all = "camelCase")]
    DeleteDeveloperMetadata {
        data_filter: DataFilter,
    },
    #[serde(rename_all = "camelCase")]
    UpdateDeveloperMetadata {
        data_filters: [DataFilter; 1],
        #[serde(rename = "developerMetadata")]
        metadata: MetadataValue,
        fields: &'static str,
    },
    UpdateCells(UpdateCells),
    #[serde(rename_all = "camelCase")]
    CopyPaste {
        source: GridRange,
        destination: GridRange,
        paste_type: PasteType,
    },
    #[serde(rename_all = "camelCase")]
    InsertDimension {
        range: DimensionRange,
        inherit_from_before: bool,
    },
    DeleteDimension {
        range: DimensionRange,
    },
    #[serde(rename_all = "camelCase")]
    AppendDimension {
        sheet_id: SheetId,
        dimension: Dimension,
        length: u32,
    },
    UpdateSheetProperties {
        properties: SheetProperties,
        fields: &'static str,
    },
    AddSheet {
        properties: SheetProperties,
    },
    #[serde(rename_all = "camelCase")]
    DeleteSheet {
        sheet_id: SheetId,
    },
    SetDataValidation {
        range: GridRange,
        /// Google's own form; none takes the rules away.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<serde_json::Value>,
    },
    DeleteProtectedRange {
        #[serde(rename = "protectedRangeId")]
        id: i32,
    },
    #[serde(rename_all = "camelCase")]
    AddProtectedRange {
        protected_range: ProtectedRange,
    },
    RepeatCell {
        range: GridRange,
        cell: FormatCell,
        fields: &'static str,
    },
}

/// Values into a rectangle; with `range`, what `rows` does not cover is cleared.
#[derive(Debug, Serialize)]
pub(super) struct UpdateCells {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<GridCoordinate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<GridRange>,
    pub(super) rows: Vec<RowData>,
    /// The value alone, or the note alone: format and validation belong to people.
    pub(super) fields: &'static str,
}

pub(super) const VALUE_ONLY: &str = "userEnteredValue";

pub(super) const NOTE_ONLY: &str = "note";

#[derive(Debug, Serialize)]
pub(super) struct RowData {
    pub(super) values: Vec<CellData>,
}

/// One cell's content; none clears it.
#[derive(Debug, Serialize)]
pub(super) struct CellData {
    #[serde(rename = "userEnteredValue", skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<ExtendedValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) enum ExtendedValue {
    #[serde(rename = "numberValue")]
    Number(f64),
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "formulaValue")]
    Formula(String),
}

impl From<&GridCell> for CellData {
    fn from(cell: &GridCell) -> Self {
        let value = match (&cell.formula, &cell.value) {
            (Some(formula), _) => Some(ExtendedValue::Formula(formula.clone())),
            (None, Cell::Blank) => None,
            (None, Cell::Number(x)) => Some(ExtendedValue::Number(x.get())),
            (None, Cell::Text(s)) if s.is_empty() => None,
            // An error without its formula cannot be typed back; its text tells what stood there.
            (None, Cell::Text(s) | Cell::Error(s)) => Some(ExtendedValue::Text(s.clone())),
            (None, Cell::Bool(b)) => Some(ExtendedValue::Bool(*b)),
        };
        Self { value, note: None }
    }
}

/// Metadata that a request makes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata_id: Option<i32>,
    pub(super) metadata_key: &'static str,
    pub(super) metadata_value: String,
    pub(super) location: Location,
    pub(super) visibility: Visibility,
}

#[derive(Debug, Serialize)]
pub(super) enum Visibility {
    #[serde(rename = "DOCUMENT")]
    Document,
}

/// What becomes of metadata that is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataValue {
    pub(super) metadata_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Location {
    Spreadsheet(bool),
    DimensionRange(DimensionRange),
}

/// What a call is about, told without a tab's title.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum DataFilter {
    GridRange(GridRange),
    #[serde(rename_all = "camelCase")]
    DeveloperMetadataLookup {
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata_id: Option<i32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata_key: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata_value: Option<String>,
    },
}

impl DataFilter {
    /// Metadata with this key and value, wherever it stands.
    pub(super) fn metadata(key: &'static str, value: String) -> Self {
        Self::DeveloperMetadataLookup {
            metadata_id: None,
            metadata_key: Some(key),
            metadata_value: Some(value),
        }
    }

    /// The metadata with this id.
    pub(super) fn metadata_id(id: i32) -> Self {
        Self::DeveloperMetadataLookup { metadata_id: Some(id), metadata_key: None, metadata_value: None }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) enum PasteType {
    /// Values, formulas, formats, notes and validation.
    #[serde(rename = "PASTE_NORMAL")]
    Normal,
    /// What a formula shows, not the formula.
    #[serde(rename = "PASTE_VALUES")]
    Values,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SheetProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheet_id: Option<SheetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hidden: Option<bool>,
    pub(super) grid_properties: GridProperties,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct GridProperties {
    #[serde(rename = "rowCount", skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<u32>,
    #[serde(rename = "columnCount", skip_serializing_if = "Option::is_none")]
    pub(super) columns: Option<u32>,
    #[serde(rename = "frozenRowCount", skip_serializing_if = "Option::is_none")]
    pub(super) frozen_rows: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProtectedRange {
    pub(super) range: GridRange,
    pub(super) description: std::borrow::Cow<'static, str>,
    /// People are warned and may go on; calls are not looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) warning_only: bool,
}

/// A cell of which only the format is set.
#[derive(Debug, Serialize)]
pub(super) struct FormatCell {
    #[serde(rename = "userEnteredFormat")]
    pub(super) format: CellFormat,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum CellFormat {
    NumberFormat {
        r#type: &'static str,
        pattern: String,
    },
    #[serde(rename_all = "camelCase")]
    TextFormat {
        #[serde(skip_serializing_if = "Option::is_none")]
        bold: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        foreground_color_style: Option<ColourStyle>,
    },
}

impl CellFormat {
    /// What is left out, and named in the request's fields, becomes the default.
    pub(super) fn of_text(bold: Option<bool>, colour: Option<Colour>) -> Self {
        let foreground_color_style = colour.map(|rgb_color| ColourStyle { rgb_color });
        Self::TextFormat { bold, foreground_color_style }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ColourStyle {
    rgb_color: Colour,
}

/// Parts from 0 to 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Colour {
    pub(super) red: f32,
    pub(super) green: f32,
    pub(super) blue: f32,
}
