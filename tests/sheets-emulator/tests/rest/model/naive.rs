//! A tab as a list of rows of squares, and what each step does to such a list.

use sheets_emulator::grid::{Cell, Dimension, Location, SpreadsheetId, Value};

use super::super::stage::{ID, SHEET, Stage};
use super::step::{Span, Step};

/// A cell as far as the story goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Square {
    text: String,
    note: String,
    bold: bool,
}

/// Rows of squares, each row with the labels that hang on it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    rows: Vec<(Vec<Square>, Vec<i32>)>,
    width: usize,
}

/// Moves a part of a list before what stands at `to` now.
fn move_part<T>(list: &mut Vec<T>, (start, end): Span, to: usize) {
    let taken: Vec<T> = list.drain(start..end).collect();
    let at = if to > start { to - (end - start) } else { to };
    list.splice(at..at, taken);
}

/// What a new line takes from its neighbour, cell by cell: the look, not the note.
fn like(neighbour: &Square) -> Square {
    Square { bold: neighbour.bold, ..Square::default() }
}

impl Model {
    pub(super) fn new(height: usize, width: usize) -> Self {
        Self { rows: vec![(vec![Square::default(); width], Vec::new()); height], width }
    }

    /// Height and width.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.width)
    }

    /// The emulator's tab, seen as a model.
    pub(super) fn of(stage: &Stage) -> Self {
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

    fn at(&mut self, (row, column): (usize, usize)) -> &mut Square {
        &mut self.rows[row].0[column]
    }

    /// Does a step.
    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::Type { place, text } => self.at(*place).text.clone_from(text),
            Step::Note { place, note } => self.at(*place).note.clone_from(note),
            Step::Bold { rows, column } => self.each(*rows, *column, |square| square.bold = true),
            Step::Clear { rows, column } => self.each(*rows, *column, |square| square.text.clear()),
            Step::Copy { from, to } => *self.at(*to) = self.at(*from).clone(),
            Step::Replace { find, replacement } => {
                for square in self.rows.iter_mut().flat_map(|(row, _)| row) {
                    square.text = square.text.replace(find, replacement);
                }
            }
            Step::InsertRows { at, count } => {
                let neighbour = self.rows.get(*at).or_else(|| self.rows.get(at.wrapping_sub(1)));
                let new: Vec<Square> = neighbour.expect("a row").0.iter().map(like).collect();
                self.rows.splice(at..at, vec![(new, Vec::new()); *count]);
            }
            Step::DeleteRows { rows } => drop(self.rows.drain(rows.0..rows.1)),
            Step::MoveRows { rows, to } => move_part(&mut self.rows, *rows, *to),
            Step::InsertColumns { at, count } => {
                self.width += count;
                for (row, _) in &mut self.rows {
                    let new = like(row.get(*at).or_else(|| row.get(at.wrapping_sub(1))).expect("a column"));
                    row.splice(at..at, vec![new; *count]);
                }
            }
            Step::DeleteColumns { columns } => {
                self.width -= columns.1 - columns.0;
                self.rows.iter_mut().for_each(|(row, _)| drop(row.drain(columns.0..columns.1)));
            }
            Step::MoveColumns { columns, to } => {
                self.rows.iter_mut().for_each(|(row, _)| move_part(row, *columns, *to));
            }
            Step::Push { rows, columns } => {
                (columns.0..columns.1).for_each(|column| self.push(*rows, column));
            }
            Step::Pull { rows, columns } => {
                (columns.0..columns.1).for_each(|column| self.pull(*rows, column));
            }
            Step::Label { row, id } => self.rows[*row].1.push(*id),
            Step::Sort { top, column, .. } => self.sort(*top, *column),
        }
    }

    fn each(&mut self, rows: Span, column: usize, change: impl Fn(&mut Square)) {
        self.rows[rows.0..rows.1].iter_mut().for_each(|(row, _)| change(&mut row[column]));
    }

    fn column(&self, column: usize) -> Vec<Square> {
        self.rows.iter().map(|(row, _)| row[column].clone()).collect()
    }

    fn set_column(&mut self, column: usize, mut cells: Vec<Square>) {
        cells.resize(self.rows.len(), Square::default());
        self.rows.iter_mut().zip(cells).for_each(|((row, _), cell)| row[column] = cell);
    }

    /// Cells of a column make room; rows are added for those with something in them that would fall over the edge.
    fn push(&mut self, (top, bottom): Span, column: usize) {
        let mut cells = self.column(column);
        cells.splice(top..top, vec![Square::default(); bottom - top]);
        let used = cells.iter().rposition(|cell| *cell != Square::default()).map_or(0, |last| last + 1);
        cells.truncate(used.max(self.rows.len()));
        let missing = cells.len() - self.rows.len();
        self.rows.extend(vec![(vec![Square::default(); self.width], Vec::new()); missing]);
        self.set_column(column, cells);
    }

    fn pull(&mut self, (top, bottom): Span, column: usize) {
        let mut cells = self.column(column);
        cells.drain(top..bottom);
        self.set_column(column, cells);
    }

    fn sort(&mut self, top: usize, column: usize) {
        self.rows[top..].sort_by(|(a, _), (b, _)| {
            let (a, b) = (&a[column].text, &b[column].text);
            (a.is_empty(), a.to_lowercase()).cmp(&(b.is_empty(), b.to_lowercase()))
        });
        // Labels of one row are shown by their numbers.
        self.rows.iter_mut().for_each(|(_, labels)| labels.sort_unstable());
    }
}
