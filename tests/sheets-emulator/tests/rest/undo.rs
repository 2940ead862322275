//! Undo and redo, step by step: alone as if nothing had been, and among others as a naive list of rows with names says.

use serde_json::{Value as Json, json};
use sheets_emulator::grid::{Area, SheetId, Spreadsheet, SpreadsheetId, Tab, Value};
use sheets_emulator::people::{Action, Person};

use super::model::Dice;
use super::stage::{ID, SHEET, Stage, label, range, rows};

fn book(stage: &Stage) -> std::sync::Arc<Spreadsheet> {
    stage.emulator.world().spreadsheet(&SpreadsheetId::new(ID)).expect("the spreadsheet")
}

/// Everything that a person could see of a spreadsheet.
fn picture(book: &Spreadsheet) -> Vec<String> {
    let tab = |tab: &Tab| {
        let cells: Vec<_> = tab.rows.range(0, tab.row_count()).map(|(_, cells)| cells.to_vec()).collect();
        let over = (&tab.merges, &tab.filter, &tab.groups, &tab.protected, &tab.row_looks, &tab.column_looks);
        let size = (tab.row_count(), tab.column_count(), tab.frozen_rows, tab.frozen_columns);
        format!("{} {} {size:?} {over:?} {cells:?}", tab.id, tab.title)
    };
    let mut seen: Vec<String> = book.tabs.iter().map(tab).collect();
    seen.push(format!("{:?}", book.named_ranges));
    seen.push(format!("{:?}", book.metadata));
    seen
}

/// Something that can be done to a tab as it is; some of it will be refused.
fn any_action(dice: &mut Dice, tab: &Tab) -> Action {
    let (sheet, height, width) = (tab.id, tab.row_count() as usize, tab.column_count() as usize);
    let (row, column) = (dice.below(height) as u32, dice.below(width) as u32);
    let at = |(start, end): (usize, usize)| (start as u32, end as u32);
    let (top, bottom) = at(dice.span(height.min(8)));
    let (left, right) = at(dice.span(width));
    let area = Area::new(top, left, bottom, right);
    let (start, end) = at(dice.span(height));
    let count = 1 + dice.below(3) as u32;
    match dice.below(16) {
        0 | 1 => Action::Type { sheet, row, column, text: format!("t{}", dice.below(50)) },
        2 => Action::Type { sheet, row, column, text: format!("=A{}+B3", row + 1) },
        3 => Action::PasteBlock {
            sheet,
            row: height as u32 - 1,
            column: width as u32 - 1,
            cells: vec![vec!["p".into(); 2]; 2],
        },
        4 => Action::CopyPaste { sheet, from: area, row, column },
        5 => Action::Clear { sheet, area },
        6 => Action::Fill { sheet, area },
        7 => Action::Note { sheet, row, column, text: format!("n{row}") },
        8 => Action::InsertRows { sheet, at: row, count },
        9 => Action::DeleteRows { sheet, start, end: end.min(start + 3) },
        10 => Action::MoveRows { sheet, start, end: end.min(start + 3), to: dice.below(height + 1) as u32 },
        11 => Action::InsertColumns { sheet, at: column, count },
        12 => Action::DeleteColumns { sheet, start: left, end: right.min(left + 2) },
        13 => Action::MoveColumns { sheet, start: left, end: right, to: dice.below(width + 1) as u32 },
        14 => Action::SortByColumn {
            sheet,
            column,
            descending: row % 2 == 0,
            area: (count == 1).then_some(area),
        },
        _ if count == 1 => Action::AddTab { title: format!("new {}", dice.below(1000)) },
        _ if count == 2 => Action::DeleteTab { sheet },
        _ => Action::RenameTab { sheet, title: format!("again {}", dice.below(1000)) },
    }
}

#[tokio::test]
async fn a_person_alone_goes_back_and_forth_through_any_story() {
    for seed in 1..=12 {
        // given formulas, a label, a merge, a group, a filter, a protected and a named range, a hidden row
        let stage = Stage::new().await;
        let ends = json!({ "name": "ends", "range": range(2, 0, 5, 2) });
        let hidden =
            json!({ "range": rows(4, 5), "properties": { "hiddenByUser": true }, "fields": "hiddenByUser" });
        stage
            .batch(json!([
                label(1, "", &json!({ "dimensionRange": rows(2, 3) })),
                { "mergeCells": { "range": range(5, 1, 7, 3) } },
                { "addDimensionGroup": { "range": rows(2, 6) } },
                { "setBasicFilter": { "filter": { "range": range(0, 0, 5, 2) } } },
                { "addProtectedRange": { "protectedRange": { "range": range(1, 0, 3, 1), "warningOnly": true } } },
                { "addNamedRange": { "namedRange": ends } },
                { "updateDimensionProperties": hidden },
            ]))
            .await;
        let (world, id, ann) =
            (stage.emulator.world(), SpreadsheetId::new(ID), Person::new("ann@example.com"));
        let mut dice = Dice::new(seed);
        // when one person acts, takes back and does again, in any order
        let (mut done, mut undone) = (vec![picture(&book(&stage))], Vec::new());
        for step in 0..200 {
            let before = book(&stage);
            let story = || format!("seed {seed}, step {step}");
            match dice.below(5) {
                0 | 1 if done.len() > 1 => {
                    world
                        .act(&id, &ann, &Action::Undo)
                        .expect("is there")
                        .unwrap_or_else(|no| panic!("{}: {no}", story()));
                    undone.push(done.pop().expect("the present"));
                }
                2 if !undone.is_empty() => {
                    world
                        .act(&id, &ann, &Action::Redo)
                        .expect("is there")
                        .unwrap_or_else(|no| panic!("{}: {no}", story()));
                    done.push(undone.pop().expect("is there"));
                }
                _ => {
                    let tab = &before.tabs[dice.below(before.tabs.len())];
                    let action = any_action(&mut dice, tab);
                    if world.act(&id, &ann, &action).expect("is there").is_err() {
                        continue;
                    }
                    undone.clear();
                    done.push(picture(&book(&stage)));
                    if done.len() > 100 {
                        done.remove(0);
                    }
                }
            }
            // then every state on the way is as it was
            let (seen, wanted) = (picture(&book(&stage)), done.last().expect("the present"));
            for (seen, wanted) in seen.iter().zip(wanted) {
                assert_eq!(seen, wanted, "{}, before it:\n{:#?}", story(), picture(&before));
            }
            assert_eq!(seen.len(), wanted.len(), "{}", story());
        }
    }
}

/// Rows with names that nobody sees: what an undo among others means. Two columns, texts.
struct Names {
    rows: Vec<(u32, [String; 2])>,
    next: u32,
    /// How each of Ann's actions is taken back.
    back: Vec<Back>,
}

enum Back {
    Text(u32, usize, String),
    Remove(Vec<u32>),
    /// The rows that stood before the hole, nearest last, and what stood in it.
    Return(Vec<u32>, Vec<(u32, [String; 2])>),
}

impl Names {
    fn place(&self, name: u32) -> Option<usize> {
        self.rows.iter().position(|(one, _)| *one == name)
    }

    fn insert(&mut self, at: usize, count: usize) -> Vec<u32> {
        let names: Vec<u32> = (self.next..self.next + count as u32).collect();
        self.next += count as u32;
        self.rows.splice(at..at, names.iter().map(|name| (*name, <[String; 2]>::default())));
        names
    }

    fn undo(&mut self) {
        match self.back.pop().expect("something to undo") {
            Back::Text(name, column, text) => {
                if let Some(place) = self.place(name) {
                    self.rows[place].1[column] = text;
                }
            }
            Back::Remove(names) => self.rows.retain(|(name, _)| !names.contains(name)),
            Back::Return(before, rows) => {
                let at = before.iter().rev().find_map(|name| self.place(*name)).map_or(0, |place| place + 1);
                self.rows.splice(at..at, rows);
            }
        }
    }
}

fn texts(tab: &Tab) -> Vec<[String; 2]> {
    let text = |row, column| match &tab.cell(row, column).value {
        Value::Text(text) => text.to_string(),
        _ => String::new(),
    };
    (0..tab.row_count()).map(|row| [text(row, 0), text(row, 1)]).collect()
}

#[tokio::test]
async fn among_others_an_undo_takes_back_ones_own_wherever_it_stands_now() {
    for seed in 1..=12 {
        let stage = Stage::new().await;
        let (world, id) = (stage.emulator.world(), SpreadsheetId::new(ID));
        world.create(id.clone(), "Names", |book| book.tabs[0] = Tab::new(SHEET, "T", 12, 2));
        let mut names = Names { rows: Vec::new(), next: 0, back: Vec::new() };
        names.insert(0, 12);
        let mut dice = Dice::new(seed);
        for step in 0..250 {
            let height = names.rows.len();
            let (row, column, count) = (dice.below(height), dice.below(2), 1 + dice.below(3));
            let (start, to) = (dice.below(height), dice.below(height + 1));
            let end = (start + count).min(height);
            let (sheet, at) = (SHEET, |number: usize| number as u32);
            let by_ann = dice.below(2) == 0;
            let action = match dice.below(5) {
                0 if by_ann && !names.back.is_empty() => {
                    names.undo();
                    Action::Undo
                }
                1 if height < 40 => {
                    let new = names.insert(row, count);
                    names.back.extend(by_ann.then_some(Back::Remove(new)));
                    Action::InsertRows { sheet, at: at(row), count: at(count) }
                }
                2 if height > 6 => {
                    let before = names.rows[..start].iter().map(|(name, _)| *name).collect();
                    let gone = names.rows.drain(start..end).collect();
                    names.back.extend(by_ann.then_some(Back::Return(before, gone)));
                    Action::DeleteRows { sheet, start: at(start), end: at(end) }
                }
                3 if !by_ann && (to < start || to > end) => {
                    let taken: Vec<_> = names.rows.drain(start..end).collect();
                    let to_now = if to > start { to - (end - start) } else { to };
                    names.rows.splice(to_now..to_now, taken);
                    Action::MoveRows { sheet, start: at(start), end: at(end), to: at(to) }
                }
                _ => {
                    let text = format!("t{step}");
                    let (name, cells) = &mut names.rows[row];
                    let old = std::mem::replace(&mut cells[column], text.clone());
                    names.back.extend(by_ann.then_some(Back::Text(*name, column, old)));
                    Action::Type { sheet, row: at(row), column: at(column), text }
                }
            };
            let who = Person::new(if by_ann { "ann@example.com" } else { "bob@example.com" });
            world.act(&id, &who, &action).expect("is there").expect("is possible");
            let wanted: Vec<_> = names.rows.iter().map(|(_, cells)| cells.clone()).collect();
            assert_eq!(texts(&book(&stage).tabs[0]), wanted, "seed {seed}, step {step}: {who} {action:?}");
        }
    }
}

#[tokio::test]
async fn what_was_typed_into_a_row_comes_back_after_the_row_itself() {
    // given two edits of a row, and its deletion
    let stage = Stage::new().await;
    stage.type_text(2, 1, "Bea");
    stage.type_text(2, 1, "Bee");
    stage.act(Action::DeleteRows { sheet: SheetId(0), start: 2, end: 3 });
    // when all is taken back step by step, the row comes first, then its edits go one by one
    for (row, name) in
        [(Action::Undo, "Bee"), (Action::Undo, "Bea"), (Action::Undo, "Bob"), (Action::Redo, "Bea")]
    {
        stage.act(row);
        assert_eq!(stage.get("/values/Orders!B3").await["values"][0][0], Json::from(name));
    }
    // and what is done anew ends what could be done again
    stage.type_text(2, 1, "Ben");
    let world = stage.emulator.world();
    let redo = world.act(&SpreadsheetId::new(ID), &Person::new("ann@example.com"), &Action::Redo);
    assert!(redo.expect("is there").is_err());
}
