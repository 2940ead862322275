//! Sorting: rows of a rectangle change places, and the labels of the rows with them or not.

use std::cmp::Ordering;

use super::{Area, Cell, Dimension, Refusal, Scalar, SheetId, Shift, Spreadsheet, Value};
use crate::formula::{Book, copied_by};

/// One key of a sort: a column of the tab, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    /// The column of the tab.
    pub column: u32,
    /// Z to A?
    pub descending: bool,
}

impl Spreadsheet {
    /// The order that a sort gives the rows of a rectangle: old offsets in their new order. Equal rows keep theirs.
    pub fn sorted_order(&self, id: SheetId, area: Area, keys: &[SortKey]) -> Result<Vec<u32>, Refusal> {
        let tab = self.grid(id)?;
        let book = Book::new(self);
        let values: Vec<Vec<Scalar>> = (area.top..area.bottom)
            .map(|row| keys.iter().map(|key| book.scalar(tab, row, key.column)).collect())
            .collect();
        let mut order: Vec<u32> = (0..area.height()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&values[*a as usize], &values[*b as usize]);
            let mut pairs =
                keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| compare(a, b, key.descending));
            pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        Ok(order)
    }

    /// Gives the rows of a rectangle a new order: the i-th is the old `order[i]`-th. Cells beside it stay; only over the
    /// whole width the rows themselves are said to have moved.
    pub fn permute(
        &mut self,
        id: SheetId,
        area: Area,
        order: &[u32],
        with_labels: bool,
    ) -> Result<(), Refusal> {
        let tab = self.grid_mut(id)?;
        let is_whole = area.width() == tab.column_count();
        let (left, right) = (area.left as usize, area.right as usize);
        let old: Vec<Vec<Cell>> = (area.top..area.bottom)
            .map(|row| {
                let cells = tab.rows.row(row);
                cells.get(left..cells.len().min(right)).unwrap_or_default().to_vec()
            })
            .collect();
        for (offset, from) in order.iter().enumerate() {
            if *from as usize == offset {
                continue;
            }
            let by = offset as i64 - i64::from(*from);
            let moved = old[*from as usize].iter().cloned().map(|cell| relative(cell, by));
            tab.rows.change(area.top + offset as u32, |row| {
                if row.len() < right {
                    row.resize(right, Cell::default());
                }
                let blanks = std::iter::repeat_with(Cell::default);
                row.splice(left..right, moved.chain(blanks).take(right - left));
            });
        }
        let mut places = vec![0; order.len()];
        for (new, old) in (0..).zip(order) {
            places[*old as usize] = new;
        }
        let shift = Shift::Permute { start: area.top, places };
        if with_labels {
            self.move_labels(id, Dimension::Rows, &shift);
        }
        if is_whole {
            self.grid_mut(id)?.ids_mut(Dimension::Rows).shift(&shift);
        }
        Ok(())
    }
}

fn relative(mut cell: Cell, rows: i64) -> Cell {
    if let Value::Formula(text) = &cell.value {
        cell.value = Value::Formula(copied_by(text, rows, 0).into());
    }
    cell
}

/// Numbers, then text without regard to case, then booleans, then errors; blanks last in both directions.
fn compare(a: &Scalar, b: &Scalar, descending: bool) -> Ordering {
    let rank = |scalar: &Scalar| match scalar {
        Scalar::Number(_) => 0,
        Scalar::Text(_) => 1,
        Scalar::Bool(_) => 2,
        Scalar::Error(_) => 3,
        Scalar::Blank => 4,
    };
    if matches!(a, Scalar::Blank) || matches!(b, Scalar::Blank) {
        return rank(a).cmp(&rank(b));
    }
    let order = match (a, b) {
        (Scalar::Number(a), Scalar::Number(b)) => a.total_cmp(b),
        (Scalar::Text(a), Scalar::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    };
    if descending { order.reverse() } else { order }
}
