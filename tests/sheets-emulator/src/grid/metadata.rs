//! Developer metadata: small labels on a spreadsheet, a tab, a row or a column.

use serde_json::{Value as Json, json};

use super::{Dimension, SheetId};

/// Where a label hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// On the whole spreadsheet.
    Spreadsheet,
    /// On a tab.
    Sheet(SheetId),
    /// On one row or column of a tab.
    Line(SheetId, Dimension, u32),
}

impl Location {
    /// The API's `locationType`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Spreadsheet => "SPREADSHEET",
            Self::Sheet(_) => "SHEET",
            Self::Line(_, Dimension::Rows, _) => "ROW",
            Self::Line(_, Dimension::Columns, _) => "COLUMN",
        }
    }

    /// The tab it is on.
    pub fn sheet(self) -> Option<SheetId> {
        match self {
            Self::Spreadsheet => None,
            Self::Sheet(sheet) | Self::Line(sheet, ..) => Some(sheet),
        }
    }

    /// `DeveloperMetadataLocation`; a `sheetId` of 0 is printed when it is the location itself.
    pub fn to_json(self) -> Json {
        match self {
            Self::Spreadsheet => json!({"locationType": "SPREADSHEET", "spreadsheet": true}),
            Self::Sheet(sheet) => json!({"locationType": "SHEET", "sheetId": sheet.0}),
            Self::Line(sheet, dimension, index) => {
                let mut range =
                    json!({"dimension": dimension.api(), "startIndex": index, "endIndex": index + 1});
                if sheet.0 != 0 {
                    range["sheetId"] = json!(sheet.0);
                }
                json!({"locationType": self.kind(), "dimensionRange": range})
            }
        }
    }
}

/// Who sees a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone with the document.
    Document,
    /// Only the developer project that made it.
    Project,
}

impl Visibility {
    /// The API's word.
    pub fn api(self) -> &'static str {
        match self {
            Self::Document => "DOCUMENT",
            Self::Project => "PROJECT",
        }
    }
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Unique in the spreadsheet.
    pub id: i32,
    /// Not unique.
    pub key: String,
    /// Any text; may be missing.
    pub value: Option<String>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Where it hangs.
    pub location: Location,
}

impl Metadata {
    /// What it counts against the 30,000 characters.
    pub fn characters(&self) -> usize {
        self.key.chars().count() + self.value.as_deref().map_or(0, |value| value.chars().count())
    }

    /// `DeveloperMetadata`.
    pub fn to_json(&self) -> Json {
        let mut label = json!({
            "metadataId": self.id,
            "metadataKey": self.key,
            "location": self.location.to_json(),
            "visibility": self.visibility.api(),
        });
        if let Some(value) = self.value.as_deref().filter(|value| !value.is_empty()) {
            label["metadataValue"] = json!(value);
        }
        label
    }
}
