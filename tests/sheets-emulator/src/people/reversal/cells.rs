//! Cells and the looks of lines: what differs between the two states is set as it was.

use std::collections::{HashMap, HashSet};

use super::{Outcome, Places};
use crate::grid::{Area, Cell, Dimension, Tab, Value};

const BOTH: [Dimension; 2] = [Dimension::Rows, Dimension::Columns];

/// Do lines and cells stand as they stood?
pub(super) fn is_same(from: &Tab, to: &Tab) -> bool {
    BOTH.iter().all(|dimension| from.ids(*dimension).same(to.ids(*dimension)))
        && to.rows.differing(&from.rows).is_none()
}

/// Formulas (by their places in the wanted state) that nobody has changed or moved since: they get their old words back.
/// To be asked before any line moves.
pub(super) fn untouched(now: &Tab, from: &Tab, to: &Tab) -> HashSet<(u32, u32)> {
    let (places, old) = (Places::of(to, now), Old::new(from, to));
    let formulas = to.rows.range(0, to.row_count()).flat_map(|(row, cells)| {
        let formulas = (0..).zip(cells).filter(|(_, cell)| matches!(cell.value, Value::Formula(_)));
        formulas.map(move |(column, _)| (row, column))
    });
    let stands = |(row, column): &(u32, u32)| {
        let row_now = places.line(Dimension::Rows, *row);
        let here = row_now.zip(places.line(Dimension::Columns, *column));
        let here = here.map(|(row, column)| &now.cell(row, column).value);
        here.is_some() && here == old.cell(*row, *column).map(|cell| &cell.value)
    };
    formulas.filter(stands).collect()
}

pub(super) fn reverse(
    now: &mut Tab,
    from: &Tab,
    to: &Tab,
    untouched: &HashSet<(u32, u32)>,
    outcome: &mut Outcome,
) {
    let places = Places::of(to, now);
    looks(now, from, to, &places);
    let old = Old::new(from, to);
    let (first, last) = match to.rows.differing(&from.rows) {
        Some(rows) if old.rows.is_none() && old.columns.is_none() => rows,
        None if old.rows.is_none() && old.columns.is_none() => return,
        _ => (0, to.row_count()),
    };
    for row in first..last.min(to.row_count()) {
        let Some(row_now) = places.line(Dimension::Rows, row) else {
            continue;
        };
        let width = to.rows.row(row).len().max(old.width(row)) as u32;
        for column in 0..width.min(to.column_count()) {
            let (wanted, stood) = (to.cell(row, column), old.cell(row, column));
            if stood == Some(wanted) {
                continue;
            }
            if let Some(column_now) = places.line(Dimension::Columns, column) {
                let mut new = wanted.clone();
                // A formula that has followed what others moved since keeps its new words.
                if is_formula(wanted) && stood.is_some_and(is_formula) && !untouched.contains(&(row, column))
                {
                    new.value = now.cell(row_now, column_now).value.clone();
                }
                now.set_cell(row_now, column_now, new);
                outcome.touch(now.id, Area::cell(row_now, column_now));
            }
        }
    }
}

fn is_formula(cell: &Cell) -> bool {
    matches!(cell.value, Value::Formula(_))
}

/// The state that is left, seen by the places of the state that is wanted.
struct Old<'a> {
    tab: &'a Tab,
    /// Where its lines are, where they are not the same.
    rows: Option<Vec<Option<u32>>>,
    columns: Option<Vec<Option<u32>>>,
}

impl<'a> Old<'a> {
    fn new(from: &'a Tab, to: &Tab) -> Self {
        let same = |dimension| from.ids(dimension).same(to.ids(dimension));
        let places = Places::of(to, from);
        Self {
            tab: from,
            rows: (!same(Dimension::Rows)).then_some(places.rows),
            columns: (!same(Dimension::Columns)).then_some(places.columns),
        }
    }

    fn row(&self, row: u32) -> Option<u32> {
        self.rows.as_ref().map_or(Some(row), |rows| rows[row as usize])
    }

    fn cell(&self, row: u32, column: u32) -> Option<&'a Cell> {
        let column = self.columns.as_ref().map_or(Some(column), |columns| columns[column as usize])?;
        Some(self.tab.cell(self.row(row)?, column))
    }

    /// Columns of the wanted state that may have a cell in this row here.
    fn width(&self, row: u32) -> usize {
        match (self.row(row), &self.columns) {
            (None, _) => 0,
            (Some(row), None) => self.tab.rows.row(row).len(),
            (Some(_), Some(columns)) => columns.len(),
        }
    }
}

/// Heights, widths and hidden lines.
fn looks(now: &mut Tab, from: &Tab, to: &Tab, places: &Places) {
    for dimension in BOTH {
        if from.looks(dimension) == to.looks(dimension) && from.ids(dimension).same(to.ids(dimension)) {
            continue;
        }
        let old: HashMap<u64, u32> = from.ids(dimension).all().into_iter().zip(0..).collect();
        for (line, id) in (0..).zip(to.ids(dimension).all()) {
            let wanted = to.looks(dimension).get(&line);
            let stood = old.get(&id).and_then(|line| from.looks(dimension).get(line));
            if wanted == stood {
                continue;
            }
            if let Some(place) = places.line(dimension, line) {
                match wanted {
                    Some(look) => drop(now.looks_mut(dimension).insert(place, look.clone())),
                    None => drop(now.looks_mut(dimension).remove(&place)),
                }
            }
        }
    }
}
