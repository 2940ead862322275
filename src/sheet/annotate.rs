//! What the daemon says to people in the sheet: notes at cells, and texts in the link's status column.
//!
//! Google has no compare-and-set for notes either, and nothing that follows a row through a sort: a row number is as good as
//! the read that it comes from. What hits another cell is seen by the next read, as a text of ours where none belongs, and goes.

use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::link::{SheetId, SpreadsheetId};
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::request;
use crate::sheet::wire::{CellData, GridCoordinate, NOTE_ONLY, Request, RowData, UpdateCells, VALUE_ONLY};

/// Google's limit for a note is 50,000 characters; a person reads a few lines.
pub const LONGEST_NOTE: usize = 1_000;

/// What is put at a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A note at it; its value stays.
    Note,
    /// A text in it: it stands in the status column, which is ours.
    Text,
}

/// One cell's annotation; without a text it is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Tab, row and column in the grid, from zero.
    pub place: (SheetId, u32, u32),
    /// A note or a text.
    pub form: Form,
    /// What it says.
    pub text: Option<String>,
}

impl Client {
    /// Writes and takes away annotations, all or none. Doing it twice does no harm.
    pub async fn annotate(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        annotations: &[Annotation],
    ) -> Result<(), SheetError> {
        let requests = annotations.iter().map(request).collect();
        let call = Call::post(":batchUpdate?prettyPrint=false&fields=spreadsheetId", request::body(requests));
        self.write(lane, spreadsheet, &call).await.map(drop)
    }
}

fn request(annotation: &Annotation) -> Request {
    let (sheet_id, row_index, column_index) = annotation.place;
    let (cell, fields) = match annotation.form {
        Form::Note => (CellData { value: None, note: annotation.text.clone() }, NOTE_ONLY),
        Form::Text => {
            let text = annotation.text.clone().map_or(Cell::Blank, Cell::Text);
            (CellData::from(&GridCell::plain(text)), VALUE_ONLY)
        }
    };
    Request::UpdateCells(UpdateCells {
        start: Some(GridCoordinate { sheet_id, row_index, column_index }),
        range: None,
        rows: vec![RowData { values: vec![cell] }],
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_note_leaves_the_value_alone_and_goes_as_an_empty_cell() {
        let at = |form, text: Option<&str>| {
            let place = (SheetId(5), 2, 3);
            json!(request(&Annotation { place, form, text: text.map(str::to_owned) }))["updateCells"].clone()
        };
        let note = at(Form::Note, Some("=no formula"));
        assert_eq!(note["rows"], json!([{"values": [{"note": "=no formula"}]}]));
        assert_eq!(note["fields"], "note");
        assert_eq!(note["start"], json!({"sheetId": 5, "rowIndex": 2, "columnIndex": 3}));
        assert_eq!(at(Form::Note, None)["rows"], json!([{"values": [{}]}]));
        let text = at(Form::Text, Some("=1+1"));
        assert_eq!(text["rows"], json!([{"values": [{"userEnteredValue": {"stringValue": "=1+1"}}]}]));
        assert_eq!(text["fields"], "userEnteredValue");
    }
}
