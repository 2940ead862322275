//! Google's spreadsheet as answers show it, read straight into the model's cells.
//!
//! Fields that are zero, false or empty may be left out by Google (`sheetId` 0 always is in ranges), so all have defaults.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridRows};

/// The mask under `data` for typed rows.
pub(super) const ROWS_MASK: &str =
    "startRow,startColumn,rowData(values(userEnteredValue(formulaValue),effectiveValue))";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spreadsheet {
    pub(super) properties: SpreadsheetProperties,
    #[serde(rename = "developerMetadata")]
    pub(super) metadata: Vec<Metadata>,
    pub(super) sheets: Vec<Sheet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpreadsheetProperties {
    pub(super) locale: String,
    pub(super) time_zone: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    #[serde(rename = "metadataId")]
    pub(super) id: i32,
    #[serde(rename = "metadataKey")]
    pub(super) key: String,
    #[serde(rename = "metadataValue")]
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sheet {
    pub(super) properties: SheetProperties,
    /// One entry per range that was asked for.
    pub(super) data: Vec<GridData>,
    #[serde(rename = "developerMetadata")]
    pub(super) metadata: Vec<Metadata>,
    pub(super) merges: Vec<Area>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SheetProperties {
    pub(super) sheet_id: i32,
    pub(super) title: String,
    pub(super) hidden: bool,
    /// Missing on tabs that are no grid (a chart's own tab).
    pub(super) grid_properties: Option<GridProperties>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct GridProperties {
    pub(super) row_count: u32,
    pub(super) column_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct GridData {
    pub(super) start_row: u32,
    pub(super) row_data: Lines,
    pub(super) row_metadata: Dimensions,
    pub(super) column_metadata: Dimensions,
}

/// The rows of a range, numbered from nought. Each is packed as soon as it is read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) rows: GridRows,
    /// The notes at their cells: row, column, text.
    pub(super) notes: Vec<(u32, u32, String)>,
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Lines {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<Self, A::Error> {
        for at in 0.. {
            let Some(row) = rows.next_element::<RowData>()? else { break };
            self.notes.extend(row.notes().map(|(column, text)| (at, column, text.to_owned())));
            self.rows.push(at, &row.into_cells(), Vec::new());
        }
        Ok(self)
    }
}

/// The rows or columns of a range that carry metadata, by their number: a large tab has hardly any.
#[derive(Debug, Default)]
pub(super) struct Dimensions(pub(super) Vec<(u32, Vec<Metadata>)>);

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Dimensions {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows or columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut dimensions: A) -> Result<Self, A::Error> {
        for at in 0.. {
            let Some(dimension) = dimensions.next_element::<DimensionMetadata>()? else { break };
            if !dimension.metadata.is_empty() {
                self.0.push((at, dimension.metadata));
            }
        }
        Ok(self)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DimensionMetadata {
    #[serde(rename = "developerMetadata")]
    metadata: Vec<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Area {
    #[serde(rename = "startRowIndex")]
    pub(super) top: u32,
    #[serde(rename = "endRowIndex")]
    pub(super) bottom: u32,
    #[serde(rename = "startColumnIndex")]
    pub(super) left: u32,
    #[serde(rename = "endColumnIndex")]
    pub(super) right: u32,
}

/// The same with the notes at the cells.
pub(super) const NOTED_ROWS_MASK: &str =
    "startRow,startColumn,rowData(values(userEnteredValue(formulaValue),effectiveValue,note))";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowData {
    values: Vec<CellData>,
}

impl RowData {
    /// The notes at the row's cells, by column.
    fn notes(&self) -> impl Iterator<Item = (u32, &str)> {
        let texts = self.values.iter().map(|cell| cell.note.as_str());
        (0u32..).zip(texts).filter(|(_, note)| !note.is_empty())
    }

    /// The row's cells, blank ones at the end left out.
    fn into_cells(self) -> Vec<GridCell> {
        let mut cells: Vec<GridCell> = self.values.into_iter().map(GridCell::from).collect();
        let end = cells.iter().rposition(|cell| *cell != GridCell::BLANK).map_or(0, |last| last + 1);
        cells.truncate(end);
        cells
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CellData {
    user_entered_value: Entered,
    effective_value: Option<ExtendedValue>,
    note: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entered {
    formula_value: Option<String>,
}

#[derive(Debug, Deserialize)]
enum ExtendedValue {
    #[serde(rename = "numberValue")]
    Number(f64),
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "formulaValue")]
    Formula(String),
    #[serde(rename = "errorValue")]
    Error(ErrorValue),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorValue {
    r#type: String,
}

impl From<CellData> for GridCell {
    fn from(cell: CellData) -> Self {
        let value = match cell.effective_value {
            None => Cell::Blank,
            Some(ExtendedValue::Number(x)) => Cell::number(x),
            Some(ExtendedValue::Text(s) | ExtendedValue::Formula(s)) if s.is_empty() => Cell::Blank,
            Some(ExtendedValue::Text(s) | ExtendedValue::Formula(s)) => Cell::Text(s),
            Some(ExtendedValue::Bool(b)) => Cell::Bool(b),
            Some(ExtendedValue::Error(error)) => Cell::Error(shown_error(&error.r#type).to_owned()),
        };
        Self { value, formula: cell.user_entered_value.formula_value }
    }
}

/// The text that the cell shows for an error type (discovery document, `ErrorValue.type`).
fn shown_error(kind: &str) -> &'static str {
    match kind {
        "NULL_VALUE" => "#NULL!",
        "DIVIDE_BY_ZERO" => "#DIV/0!",
        "VALUE" => "#VALUE!",
        "REF" => "#REF!",
        "NAME" => "#NAME?",
        "NUM" => "#NUM!",
        "N_A" => "#N/A",
        "LOADING" => "Loading...",
        _ => "#ERROR!",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_with_its_types_and_formulas() {
        let row: RowData = serde_json::from_str(
            r#"{"values":[{"effectiveValue":{"numberValue":17}},{},{"userEnteredValue":{"stringValue":"007"},"effectiveValue":{"stringValue":"007"}},
                {"userEnteredValue":{"formulaValue":"=1/0"},"effectiveValue":{"errorValue":{"type":"DIVIDE_BY_ZERO","message":"x"}}},
                {"effectiveValue":{"boolValue":false}},{},{"effectiveValue":{"stringValue":""}}]}"#,
        )
        .expect("google's shape");
        let wanted = vec![
            GridCell::plain(Cell::number(17.0)),
            GridCell::BLANK,
            GridCell::plain(Cell::Text("007".into())),
            GridCell { value: Cell::Error("#DIV/0!".into()), formula: Some("=1/0".into()) },
            GridCell::plain(Cell::Bool(false)),
        ];
        assert!(row.into_cells() == wanted);
    }
}
