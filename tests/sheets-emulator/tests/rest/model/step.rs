//! The steps of a story: as what a person does, and as the request that does the same.

use serde_json::{Value as Json, json};
use sheets_emulator::grid::Area;
use sheets_emulator::people::Action;

use super::super::stage::{SHEET, Stage, label, range, rows, texts};
use super::Dice;
use super::naive::Model;

/// First, and after the last.
pub(super) type Span = (usize, usize);
/// Row and column.
type Place = (usize, usize);

/// One step. Some only a request can do.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Type { place: Place, text: String },
    Note { place: Place, note: String },
    Bold { rows: Span, column: usize },
    Clear { rows: Span, column: usize },
    Copy { from: Place, to: Place },
    Replace { find: String, replacement: String },
    InsertRows { at: usize, count: usize },
    DeleteRows { rows: Span },
    MoveRows { rows: Span, to: usize },
    InsertColumns { at: usize, count: usize },
    DeleteColumns { columns: Span },
    MoveColumns { columns: Span, to: usize },
    Push { rows: Span, columns: Span },
    Pull { rows: Span, columns: Span },
    Label { row: usize, id: i32 },
    Sort { top: usize, column: usize, size: Place },
}

/// A step that is possible on this model.
pub(super) fn any(dice: &mut Dice, model: &Model, number: i32) -> Step {
    let (height, width) = model.size();
    let place = (dice.below(height), dice.below(width));
    let (at, column) = place;
    let (rows, columns) = (dice.span(height), dice.span(width));
    let outside = |(start, end): Span, to: usize| to < start || to > end;
    let to = dice.below(height + 1);
    match dice.below(18) {
        0 => Step::Note { place, note: format!("n{number}") },
        1 => Step::Bold { rows, column },
        2 => Step::Clear { rows, column },
        3 => Step::Copy { from: place, to: (dice.below(height), dice.below(width)) },
        4 => Step::Replace { find: "t1".into(), replacement: "u".into() },
        5 | 6 if height < 60 => Step::InsertRows { at, count: 1 + dice.below(3) },
        7 if rows.1 - rows.0 < height.min(6) => Step::DeleteRows { rows },
        8 if outside(rows, to) => Step::MoveRows { rows, to },
        9 if width < 7 => Step::InsertColumns { at: column, count: 1 },
        10 if columns.1 - columns.0 < width.min(3) => Step::DeleteColumns { columns },
        11 if outside(columns, to.min(width)) => Step::MoveColumns { columns, to: to.min(width) },
        12 if height < 60 => Step::Push { rows, columns },
        13 => Step::Pull { rows, columns },
        14 => Step::Label { row: at, id: number },
        15 => Step::Sort { top: at, column, size: (height, width) },
        _ => Step::Type { place, text: format!("t{}", dice.below(40)) },
    }
}

fn at(number: usize) -> u32 {
    number as u32
}

fn area((top, bottom): Span, (left, right): Span) -> Json {
    range(at(top), at(left), at(bottom), at(right))
}

fn one((row, column): Place) -> Json {
    area((row, row + 1), (column, column + 1))
}

fn lines((start, end): Span, dimension: &str) -> Json {
    json!({ "sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end })
}

impl Step {
    /// Does it on the stage, by a person if one can and is wanted; says by whom.
    pub(super) async fn perform(&self, stage: &Stage, by_person: bool) -> &'static str {
        if let Some(action) = self.action().filter(|_| by_person) {
            stage.act(action);
            "person"
        } else {
            stage.batch(json!([self.request()])).await;
            "request"
        }
    }

    /// What a person does for it.
    fn action(&self) -> Option<Action> {
        let sheet = SHEET;
        Some(match self.clone() {
            Self::Type { place: (row, column), text } => {
                Action::Type { sheet, row: at(row), column: at(column), text }
            }
            Self::Note { place: (row, column), note } => {
                Action::Note { sheet, row: at(row), column: at(column), text: note }
            }
            Self::Clear { rows: (top, bottom), column } => {
                Action::Clear { sheet, area: Area::new(at(top), at(column), at(bottom), at(column) + 1) }
            }
            Self::Copy { from, to } => {
                let from = Area::cell(at(from.0), at(from.1));
                Action::CopyPaste { sheet, from, row: at(to.0), column: at(to.1) }
            }
            Self::Replace { find, replacement } => Action::Replace { sheet, find, replacement },
            Self::InsertRows { at: place, count } => {
                Action::InsertRows { sheet, at: at(place), count: at(count) }
            }
            Self::DeleteRows { rows: (start, end) } => {
                Action::DeleteRows { sheet, start: at(start), end: at(end) }
            }
            Self::MoveRows { rows: (start, end), to } => {
                Action::MoveRows { sheet, start: at(start), end: at(end), to: at(to) }
            }
            Self::InsertColumns { at: place, count } => {
                Action::InsertColumns { sheet, at: at(place), count: at(count) }
            }
            Self::DeleteColumns { columns: (start, end) } => {
                Action::DeleteColumns { sheet, start: at(start), end: at(end) }
            }
            Self::MoveColumns { columns: (start, end), to } => {
                Action::MoveColumns { sheet, start: at(start), end: at(end), to: at(to) }
            }
            Self::Sort { top, column, size: (height, width) } => {
                let area = Some(Area::new(at(top), 0, at(height), at(width)));
                Action::SortByColumn { sheet, column: at(column), descending: false, area }
            }
            Self::Bold { .. } | Self::Push { .. } | Self::Pull { .. } | Self::Label { .. } => return None,
        })
    }

    /// The request for it.
    fn request(&self) -> Json {
        let bold = json!({ "userEnteredFormat": { "textFormat": { "bold": true } } });
        match self {
            Self::Type { place: (row, column), text } => texts(at(*row), at(*column), &[text]),
            Self::Note { place, note } => {
                json!({ "updateCells": { "range": one(*place), "rows": [{ "values": [{ "note": note }] }], "fields": "note" } })
            }
            Self::Bold { rows, column } => {
                json!({ "repeatCell": { "range": area(*rows, (*column, column + 1)), "cell": bold, "fields": "userEnteredFormat.textFormat" } })
            }
            Self::Clear { rows, column } => {
                json!({ "updateCells": { "range": area(*rows, (*column, column + 1)), "fields": "userEnteredValue" } })
            }
            Self::Copy { from, to } => {
                json!({ "copyPaste": { "source": one(*from), "destination": one(*to) } })
            }
            Self::Replace { find, replacement } => {
                json!({ "findReplace": { "find": find, "replacement": replacement, "sheetId": 0 } })
            }
            Self::InsertRows { at, count } => {
                json!({ "insertDimension": { "range": lines((*at, at + count), "ROWS") } })
            }
            Self::DeleteRows { rows } => json!({ "deleteDimension": { "range": lines(*rows, "ROWS") } }),
            Self::MoveRows { rows, to } => {
                json!({ "moveDimension": { "source": lines(*rows, "ROWS"), "destinationIndex": to } })
            }
            Self::InsertColumns { at, count } => {
                json!({ "insertDimension": { "range": lines((*at, at + count), "COLUMNS") } })
            }
            Self::DeleteColumns { columns } => {
                json!({ "deleteDimension": { "range": lines(*columns, "COLUMNS") } })
            }
            Self::MoveColumns { columns, to } => {
                json!({ "moveDimension": { "source": lines(*columns, "COLUMNS"), "destinationIndex": to } })
            }
            Self::Push { rows, columns } => {
                json!({ "insertRange": { "range": area(*rows, *columns), "shiftDimension": "ROWS" } })
            }
            Self::Pull { rows, columns } => {
                json!({ "deleteRange": { "range": area(*rows, *columns), "shiftDimension": "ROWS" } })
            }
            Self::Label { row, id } => {
                label(*id, "", &json!({ "dimensionRange": rows(at(*row), at(*row) + 1) }))
            }
            Self::Sort { top, column, .. } => {
                let spec = json!([{ "dimensionIndex": column, "sortOrder": "ASCENDING" }]);
                json!({ "sortRange": { "range": { "sheetId": 0, "startRowIndex": top }, "sortSpecs": spec } })
            }
        }
    }
}
