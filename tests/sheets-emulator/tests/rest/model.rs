//! The grid against a naive model: any sequence of requests and of people's actions ends in the same cells, notes,
//! formats and labels.

use serde_json::{Value as Json, json};
use sheets_emulator::grid::{Area, Cell, Dimension, Location, SpreadsheetId, Value};
use sheets_emulator::people::Action;

use super::stage::{ID, SHEET, Stage, label, range, rows, texts};

/// A small generator: the same seed, the same story.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// A part of `0..length`, never empty.
    pub(super) fn span(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length);
        (start, start + 1 + self.below(length - start))
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Square {
    text: String,
    note: String,
    bold: bool,
}

/// Rows of squares, each row with the labels that hang on it.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    rows: Vec<(Vec<Square>, Vec<i32>)>,
    width: usize,
}

impl Model {
    fn new(height: usize, width: usize) -> Self {
        Self { rows: vec![(vec![Square::default(); width], Vec::new()); height], width }
    }

    fn of(stage: &Stage) -> Self {
        let book = stage.emulator.world().spreadsheet(&SpreadsheetId::new(ID)).expect("the spreadsheet");
        let tab = &book.tabs[0];
        let square = |cell: &Cell| Square {
            text: match &cell.value {
                Value::Blank => String::new(),
                Value::Text(text) => text.to_string(),
                other => format!("{other:?}"),
            },
            note: cell.note().unwrap_or_default().to_owned(),
            bold: cell.format().is_some_and(|format| format.contains_key("textFormat")),
        };
        let labels = |row: u32| {
            let here = |at: Location| at == Location::Line(SHEET, Dimension::Rows, row);
            book.metadata.values().filter(|label| here(label.location)).map(|label| label.id).collect()
        };
        let row = |row: u32| {
            ((0..tab.column_count()).map(|column| square(tab.cell(row, column))).collect(), labels(row))
        };
        Self { rows: (0..tab.row_count()).map(row).collect(), width: tab.column_count() as usize }
    }

    fn move_rows(&mut self, (start, end): (usize, usize), to: usize) {
        let taken: Vec<_> = self.rows.drain(start..end).collect();
        let at = if to > start { to - (end - start) } else { to };
        self.rows.splice(at..at, taken);
    }

    fn move_columns(&mut self, (start, end): (usize, usize), to: usize) {
        for (row, _) in &mut self.rows {
            let taken: Vec<_> = row.drain(start..end).collect();
            let at = if to > start { to - (end - start) } else { to };
            row.splice(at..at, taken);
        }
    }

    fn sort(&mut self, top: usize, column: usize) {
        self.rows[top..].sort_by(|(a, _), (b, _)| {
            let (a, b) = (&a[column].text, &b[column].text);
            (a.is_empty(), a.to_lowercase()).cmp(&(b.is_empty(), b.to_lowercase()))
        });
    }

    /// New rows look like the one below, or at the end like the one above; notes stay behind.
    fn insert_rows(&mut self, at: usize, count: usize) {
        let like = self.rows.get(at).or_else(|| self.rows.get(at.wrapping_sub(1))).expect("a row").0.clone();
        let new: Vec<Square> =
            like.into_iter().map(|old| Square { bold: old.bold, ..Square::default() }).collect();
        self.rows.splice(at..at, vec![(new, Vec::new()); count]);
    }
}

/// One step, done to both; as a request where there is one and the dice say so, else by a person.
async fn step(stage: &Stage, model: &mut Model, dice: &mut Dice, number: i32) {
    let (height, width) = (model.rows.len(), model.width);
    let (row, column) = (dice.below(height), dice.below(width));
    let by_person = dice.below(2) == 0;
    let at = |number: usize| number as u32;
    match dice.below(9) {
        0..=2 => {
            let text = format!("t{}", dice.below(40));
            model.rows[row].0[column].text.clone_from(&text);
            if by_person {
                stage.act(Action::Type { sheet: SHEET, row: at(row), column: at(column), text });
            } else {
                stage.batch(json!([texts(at(row), at(column), &[&text])])).await;
            }
        }
        3 => {
            let note = format!("n{number}");
            model.rows[row].0[column].note.clone_from(&note);
            let bold = json!({ "userEnteredFormat": { "textFormat": { "bold": true } } });
            let (top, bottom) = dice.span(height);
            for (row, _) in &mut model.rows[top..bottom] {
                row[column].bold = true;
            }
            stage.act(Action::Note { sheet: SHEET, row: at(row), column: at(column), text: note });
            let place = range(at(top), at(column), at(bottom), at(column) + 1);
            stage.batch(json!([{ "repeatCell": { "range": place, "cell": bold, "fields": "userEnteredFormat.textFormat" } }])).await;
        }
        4 if height < 60 => {
            let count = 1 + dice.below(3);
            model.insert_rows(row, count);
            if by_person {
                stage.act(Action::InsertRows { sheet: SHEET, at: at(row), count: at(count) });
            } else {
                stage
                    .batch(json!([{ "insertDimension": { "range": rows(at(row), at(row + count)) } }]))
                    .await;
            }
        }
        5 => {
            let (start, end) = dice.span(height);
            if end - start < height.min(6) {
                model.rows.drain(start..end);
                let gone = Action::DeleteRows { sheet: SHEET, start: at(start), end: at(end) };
                if by_person {
                    stage.act(gone);
                } else {
                    stage.batch(json!([{ "deleteDimension": { "range": rows(at(start), at(end)) } }])).await;
                }
            }
        }
        6 => {
            let (start, end) = dice.span(height);
            let to = dice.below(height + 1);
            if to < start || to > end {
                model.move_rows((start, end), to);
                if by_person {
                    stage.act(Action::MoveRows { sheet: SHEET, start: at(start), end: at(end), to: at(to) });
                } else {
                    stage.batch(json!([{ "moveDimension": { "source": rows(at(start), at(end)), "destinationIndex": to } }])).await;
                }
            }
        }
        7 => {
            let (start, end) = dice.span(width);
            let to = dice.below(width + 1);
            if to < start || to > end {
                model.move_columns((start, end), to);
                stage.act(Action::MoveColumns { sheet: SHEET, start: at(start), end: at(end), to: at(to) });
            }
        }
        _ => {
            model.rows[row].1.push(number);
            model.rows[row].1.sort_unstable();
            stage
                .batch(json!([label(number, "", &json!({ "dimensionRange": rows(at(row), at(row) + 1) }))]))
                .await;
            let top = dice.below(height);
            model.sort(top, column);
            sort(stage, by_person, (at(top), at(column)), (at(height), at(width))).await;
        }
    }
}

async fn sort(stage: &Stage, by_person: bool, (top, column): (u32, u32), (height, width): (u32, u32)) {
    if by_person {
        let area = Some(Area::new(top, 0, height, width));
        stage.act(Action::SortByColumn { sheet: SHEET, column, descending: false, area });
    } else {
        let spec: Json = json!([{ "dimensionIndex": column, "sortOrder": "ASCENDING" }]);
        stage
            .batch(json!([{ "sortRange": { "range": range(top, 0, height, width), "sortSpecs": spec } }]))
            .await;
    }
}

#[tokio::test]
async fn any_story_ends_as_a_naive_model_says() {
    for seed in 1..=6 {
        let stage = Stage::new().await;
        let mut knobs = (*stage.emulator.world().knobs()).clone();
        (knobs.writes_per_user, knobs.writes_per_project) = (u32::MAX, u32::MAX);
        stage.emulator.world().set_knobs(knobs);
        stage.emulator.world().create(SpreadsheetId::new(ID), "Model", |book| {
            book.sharing.everyone = true;
            book.tabs[0] = sheets_emulator::grid::Tab::new(SHEET, "T", 12, 4);
        });
        let (mut model, mut dice) = (Model::new(12, 4), Dice(seed));
        for number in 1..=150 {
            let before = model.clone();
            step(&stage, &mut model, &mut dice, number).await;
            assert_eq!(Model::of(&stage), model, "seed {seed}, step {number}, before it: {before:?}");
        }
    }
}

#[tokio::test]
async fn whatever_a_person_did_undo_takes_back() {
    for seed in 1..=6 {
        let stage = Stage::new().await;
        stage.batch(json!([label(1, "", &json!({ "dimensionRange": rows(2, 3) }))])).await;
        let mut dice = Dice(seed);
        for _ in 0..60 {
            let before = Model::of(&stage);
            let (height, width) = (before.rows.len(), before.width);
            let (row, column) = (dice.below(height) as u32, dice.below(width) as u32);
            let (start, end) = dice.span(height);
            let (start, end, to) = (start as u32, end as u32, dice.below(height + 1) as u32);
            let action = match dice.below(6) {
                0 => Action::Type { sheet: SHEET, row, column, text: format!("t{row}") },
                1 => Action::Clear { sheet: SHEET, area: Area::new(row, 0, row + 1, column + 1) },
                2 => Action::InsertRows { sheet: SHEET, at: row, count: 2 },
                3 if end - start < 4 => Action::DeleteRows { sheet: SHEET, start, end },
                4 if to < start || to > end => Action::MoveRows { sheet: SHEET, start, end, to },
                5 => Action::SortByColumn { sheet: SHEET, column, descending: row % 2 == 0, area: None },
                _ => continue,
            };
            stage.act(action.clone());
            stage.act(Action::Undo);
            assert_eq!(Model::of(&stage), before, "seed {seed}, {action:?} taken back");
            stage.act(action);
        }
    }
}
