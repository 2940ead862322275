//! `copyPaste` and `cutPaste`, on one tab or from one to another.

use super::{Answer, Work, nothing};
use crate::formula::{Book, copied_by};
use crate::grid::{Area, Cell, Dimension, Refusal, Scalar, SheetId, Value};
use crate::rest::ApiError;
use crate::rest::fields::{self, Object, object, text};

/// What a paste takes along.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Values,
    Formulas,
    Format,
    Validation,
}

fn kind(message: &Object) -> Result<Kind, ApiError> {
    Ok(match text(message, "pasteType") {
        // Borders are formats like others here.
        "" | "PASTE_NORMAL" | "PASTE_NO_BORDERS" => Kind::Normal,
        "PASTE_VALUES" => Kind::Values,
        "PASTE_FORMULA" => Kind::Formulas,
        "PASTE_FORMAT" | "PASTE_CONDITIONAL_FORMATTING" => Kind::Format,
        "PASTE_DATA_VALIDATION" => Kind::Validation,
        other => {
            return Err(ApiError::violation(
                "paste_type",
                format!(
                    "Invalid value at 'paste_type' (type.googleapis.com/google.apps.sheets.v4.PasteType), \"{other}\""
                ),
            ));
        }
    })
}

/// The source is repeated over a destination that is a multiple of it; else it is pasted once. The grid grows.
pub(super) fn copy(work: &mut Work<'_>, message: &Object) -> Answer {
    let kind = kind(message)?;
    let transposed = text(message, "pasteOrientation") == "TRANSPOSE";
    let (from, source) = work.range(object(message, "source"))?;
    let (to, open) = fields::grid_range(object(message, "destination"))?;
    let (high, wide) =
        if transposed { (source.width(), source.height()) } else { (source.height(), source.width()) };
    let asked = open.on(work.spreadsheet.grid(to)?);
    let repeated = |asked: u32, one: u32| {
        if asked > one && asked.is_multiple_of(one) { asked } else { one }
    };
    let (high, wide) = (repeated(asked.height(), high), repeated(asked.width(), wide));
    let destination = Area::new(asked.top, asked.left, asked.top + high, asked.left + wide);
    work.make_room(to, destination)?;
    work.open_for_writing(to, destination)?;

    let cells = work.copied(from, source, kind)?;
    let tab = work.spreadsheet.grid_mut(to)?;
    for row in destination.top..destination.bottom {
        for column in destination.left..destination.right {
            let (down, right) = (row - destination.top, column - destination.left);
            let (down, right) = if transposed { (right, down) } else { (down, right) };
            let (y, x) = (down % source.height(), right % source.width());
            let mut cell = cells[(y * source.width() + x) as usize].clone();
            if let Value::Formula(formula) = &cell.value {
                let by = |to: u32, from: u32| i64::from(to) - i64::from(from);
                let (rows, columns) = (by(row, source.top + y), by(column, source.left + x));
                cell.value = Value::Formula(copied_by(formula, rows, columns).into());
            }
            let new = merged(tab.cell(row, column), cell, kind);
            tab.set_cell(row, column, new);
        }
    }
    nothing()
}

/// What stands in the place afterwards.
fn merged(old: &Cell, pasted: Cell, kind: Kind) -> Cell {
    match kind {
        Kind::Normal => pasted,
        Kind::Values | Kind::Formulas => Cell { value: pasted.value, look: old.look.clone() },
        Kind::Format | Kind::Validation => {
            let mut new = old.clone();
            let look = pasted.look.as_deref().cloned().unwrap_or_default();
            new.change_look(|mine| match kind {
                Kind::Validation => mine.validation = look.validation,
                _ => mine.format = look.format,
            });
            new
        }
    }
}

impl Work<'_> {
    pub(super) fn make_room(&mut self, sheet: SheetId, area: Area) -> Result<(), Refusal> {
        for dimension in [Dimension::Rows, Dimension::Columns] {
            let (have, need) = (self.spreadsheet.grid(sheet)?.count(dimension), area.span(dimension).1);
            if need > have {
                self.spreadsheet.append(sheet, dimension, need - have)?;
            }
        }
        Ok(())
    }

    /// The cells of a rectangle, row by row; as values, formulas become what they amount to.
    fn copied(&self, sheet: SheetId, area: Area, kind: Kind) -> Result<Vec<Cell>, Refusal> {
        let tab = self.spreadsheet.grid(sheet)?;
        let book = Book::new(self.spreadsheet);
        let places =
            (area.top..area.bottom).flat_map(|row| (area.left..area.right).map(move |column| (row, column)));
        let cells = places.map(|(row, column)| {
            let cell = tab.cell(row, column);
            match (&cell.value, kind) {
                (Value::Formula(_), Kind::Values) => {
                    Cell { value: fixed(&book.scalar(tab, row, column)), look: None }
                }
                _ => cell.clone(),
            }
        });
        Ok(cells.collect())
    }
}

/// A result as a constant. An error becomes its text: what the service keeps there is not established.
fn fixed(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Blank => Value::Blank,
        Scalar::Number(number) => Value::Number(*number),
        Scalar::Bool(bool) => Value::Bool(*bool),
        Scalar::Text(text) => Value::text(text),
        Scalar::Error(error) => Value::text(error.kind.shown()),
    }
}

/// Cells move as they are; their formulas keep their words, the source is left void.
pub(super) fn cut(work: &mut Work<'_>, message: &Object) -> Answer {
    let kind = kind(message)?;
    let (from, source) = work.range(object(message, "source"))?;
    let place = object(message, "destination");
    let to = fields::sheet_id(place);
    let (top, left) =
        (fields::index(place, "rowIndex")?.unwrap_or(0), fields::index(place, "columnIndex")?.unwrap_or(0));
    let tab = work.spreadsheet.grid(to)?;
    if top >= tab.row_count() || left >= tab.column_count() {
        return Err(ApiError::invalid("The destination is outside of the grid."));
    }
    let destination = Area::new(top, left, top + source.height(), left + source.width());
    work.make_room(to, destination)?;
    work.open_for_writing(from, source)?;
    work.open_for_writing(to, destination)?;
    let cells = work.copied(from, source, Kind::Normal)?;
    let tab = work.spreadsheet.grid_mut(from)?;
    for row in source.top..source.bottom {
        for column in source.left..source.right {
            tab.set_cell(row, column, Cell::default());
        }
    }
    let tab = work.spreadsheet.grid_mut(to)?;
    let places = (destination.top..destination.bottom)
        .flat_map(|row| (destination.left..destination.right).map(move |column| (row, column)));
    for ((row, column), cell) in places.zip(cells) {
        let new = merged(tab.cell(row, column), cell, kind);
        tab.set_cell(row, column, new);
    }
    nothing()
}
