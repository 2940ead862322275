//! Changes of structure: grids grow and shrink, lines move, and all that has a position moves with them.

use super::{Area, Cell, Dimension, Location, Refusal, Row, SheetId, Shift, Spreadsheet, Tab, Value};
use crate::formula::Moved;

/// Cells of a spreadsheet, all tabs together.
pub const LIMIT_CELLS: u64 = 10_000_000;
/// Columns of a tab: up to ZZZ.
pub const LIMIT_COLUMNS: u32 = 18_278;
/// Characters of a cell.
pub const LIMIT_CHARACTERS: usize = 50_000;

impl Spreadsheet {
    /// The tab, or Google's words for a number that is none.
    pub fn grid(&self, id: SheetId) -> Result<&Tab, Refusal> {
        self.tab(id).ok_or_else(|| Refusal(format!("No grid with id: {id}")))
    }

    /// The tab to change, or Google's words for a number that is none.
    pub fn grid_mut(&mut self, id: SheetId) -> Result<&mut Tab, Refusal> {
        self.tab_mut(id).ok_or_else(|| Refusal(format!("No grid with id: {id}")))
    }

    /// May the spreadsheet hold a tab of this size in the place of `replaced` (a tab's cells now)?
    pub fn may_hold(&self, rows: u64, columns: u32, replaced: u64) -> Result<(), Refusal> {
        if columns > LIMIT_COLUMNS {
            return Err(Refusal(format!(
                "This action would increase the number of columns in the sheet above the limit of {LIMIT_COLUMNS} columns"
            )));
        }
        let cells = self.cell_count() - replaced + rows * u64::from(columns);
        if cells > LIMIT_CELLS && rows * u64::from(columns) > replaced {
            return Err(Refusal(format!(
                "This action would increase the number of cells in the workbook above the limit of {LIMIT_CELLS} cells."
            )));
        }
        Ok(())
    }

    /// Adds rows or columns at the end.
    pub fn append(&mut self, id: SheetId, dimension: Dimension, count: u32) -> Result<(), Refusal> {
        let at = self.grid(id)?.count(dimension);
        self.insert(id, dimension, at, count)
    }

    /// Inserts blank rows or columns.
    pub fn insert(&mut self, id: SheetId, dimension: Dimension, at: u32, count: u32) -> Result<(), Refusal> {
        let tab = self.grid(id)?;
        let (rows, columns) = (u64::from(tab.row_count()), tab.column_count());
        let (new_rows, new_columns) = match dimension {
            Dimension::Rows => (rows + u64::from(count), columns),
            Dimension::Columns => (rows, columns.saturating_add(count)),
        };
        self.may_hold(new_rows, new_columns, rows * u64::from(columns))?;
        self.shift(id, dimension, &Shift::Insert { at, count })
    }

    /// Deletes rows or columns; at least one must stay.
    pub fn delete(&mut self, id: SheetId, dimension: Dimension, start: u32, end: u32) -> Result<(), Refusal> {
        let tab = self.grid(id)?;
        let count = tab.count(dimension);
        let (word, frozen) = match dimension {
            Dimension::Rows => ("rows", tab.frozen_rows),
            Dimension::Columns => ("columns", tab.frozen_columns),
        };
        if start == 0 && end >= count {
            return Err(Refusal(format!("You can't delete all the {word} on the sheet.")));
        }
        if start <= frozen && end >= count {
            return Err(Refusal(format!("Sorry, it is not possible to delete all non-frozen {word}.")));
        }
        self.shift(id, dimension, &Shift::Delete { start, end: end.min(count) })
    }

    /// Moves lines of a tab, and with them everything that has a position there: cells, looks of rows and columns,
    /// merges, groups, filter, protected and named ranges, labels, and references in formulas.
    pub fn shift(&mut self, id: SheetId, dimension: Dimension, shift: &Shift) -> Result<(), Refusal> {
        let tab = self.grid_mut(id)?;
        tab.ids_mut(dimension).shift(shift);
        match dimension {
            Dimension::Rows => shift_rows(tab, shift),
            Dimension::Columns => shift_columns(tab, shift),
        }
        shift_overlays(tab, dimension, shift);
        for range in &mut self.named_ranges {
            if range.sheet == id {
                move_area(&mut range.area, dimension, shift);
            }
        }
        self.named_ranges.retain(|range| !range.area.is_empty());
        self.move_labels(id, dimension, shift);
        if self.has_formulas && !matches!(shift, Shift::Permute { .. }) {
            self.rewrite_references(&Moved { sheet: id, dimension, shift, across: None });
        }
        Ok(())
    }

    /// Moves the labels of lines; those whose line is gone go too.
    pub(super) fn move_labels(&mut self, id: SheetId, dimension: Dimension, shift: &Shift) {
        self.metadata.retain(|_, label| match &mut label.location {
            Location::Line(sheet, along, index) if *sheet == id && *along == dimension => {
                shift.index(*index).map(|moved| *index = moved).is_some()
            }
            _ => true,
        });
    }

    /// Takes a tab out, with its labels and named ranges.
    pub fn remove_tab(&mut self, id: SheetId) -> Result<(), Refusal> {
        let place = self.tabs.iter().position(|tab| tab.id == id);
        let place = place.ok_or_else(|| Refusal(format!("No sheet with id: {id}")))?;
        if self.tabs.len() == 1 || self.tabs.iter().all(|tab| tab.hidden || tab.id == id) {
            return Err(Refusal::new("You can't remove all the sheets in a document."));
        }
        self.tabs.remove(place);
        self.named_ranges.retain(|range| range.sheet != id);
        self.metadata.retain(|_, label| label.location.sheet() != Some(id));
        Ok(())
    }
}

impl Tab {
    /// New lines take formats and validations (not notes) of a neighbour, as inserted lines do.
    pub fn inherit(&mut self, dimension: Dimension, start: u32, end: u32, neighbour: u32) {
        let across = match dimension {
            Dimension::Rows => self.rows.row(neighbour).len() as u32,
            Dimension::Columns => self.row_count(),
        };
        for along in 0..across {
            let at = |line: u32| {
                if dimension == Dimension::Rows { (line, along) } else { (along, line) }
            };
            let (row, column) = at(neighbour);
            let Some(look) = self.cell(row, column).look.clone() else {
                continue;
            };
            let mut model = Cell { value: Value::Blank, look: Some(look) };
            model.change_look(|look| (look.note, look.runs) = (None, None));
            for (row, column) in (start..end).map(at) {
                self.set_cell(row, column, model.clone());
            }
        }
    }
}

/// Does a formula stand in the cell?
pub(crate) fn is_formula(cell: &Cell) -> bool {
    matches!(cell.value, Value::Formula(_))
}

fn shift_rows(tab: &mut Tab, shift: &Shift) {
    match *shift {
        Shift::Insert { at, count } => tab.rows.insert_blank(at, count),
        Shift::Delete { start, end } => drop(tab.rows.take(start, end)),
        Shift::Move { start, end, to } => {
            let taken = tab.rows.take(start, end);
            tab.rows.insert(if to > start { to - (end - start) } else { to }, taken);
        }
        Shift::Permute { start, ref places } => {
            let taken = tab.rows.take(start, start + places.len() as u32);
            let mut sorted = vec![Row::new(); taken.len()];
            for (row, place) in taken.into_iter().zip(places) {
                sorted[*place as usize] = row;
            }
            tab.rows.insert(start, sorted);
        }
    }
}

fn shift_columns(tab: &mut Tab, shift: &Shift) {
    match *shift {
        Shift::Insert { at, count } => {
            tab.columns += count;
            tab.rows.change_where(
                |row| row.len() > at as usize,
                |_, row| drop(row.splice(at as usize..at as usize, vec![Cell::default(); count as usize])),
            );
        }
        Shift::Delete { start, end } => {
            tab.columns -= end - start;
            tab.rows.change_where(
                |row| row.len() > start as usize,
                |_, row| {
                    row.drain(start as usize..row.len().min(end as usize));
                    trim(row);
                },
            );
        }
        Shift::Move { .. } | Shift::Permute { .. } => {
            let columns = tab.columns;
            let places: Vec<usize> =
                (0..columns).map(|old| shift.index(old).unwrap_or(old) as usize).collect();
            tab.rows.change_where(
                |row| !row.is_empty(),
                |_, row| {
                    let mut moved = vec![Cell::default(); columns as usize];
                    for (old, cell) in row.drain(..).enumerate() {
                        moved[places[old]] = cell;
                    }
                    *row = moved;
                    trim(row);
                    row.shrink_to_fit();
                },
            );
        }
    }
}

fn trim(row: &mut Row) {
    let used = row.iter().rposition(|cell| !cell.is_void()).map_or(0, |last| last + 1);
    row.truncate(used);
}

fn shift_overlays(tab: &mut Tab, dimension: Dimension, shift: &Shift) {
    let looks = std::mem::take(tab.looks_mut(dimension));
    *tab.looks_mut(dimension) =
        looks.into_iter().filter_map(|(at, look)| shift.index(at).map(|moved| (moved, look))).collect();
    let frozen = match dimension {
        Dimension::Rows => &mut tab.frozen_rows,
        Dimension::Columns => &mut tab.frozen_columns,
    };
    match *shift {
        Shift::Insert { at, count } if at < *frozen => *frozen += count,
        Shift::Delete { start, end } => *frozen -= frozen.saturating_sub(start).min(end - start),
        _ => {}
    }
    tab.merges.retain_mut(|merge| move_area(merge, dimension, shift) && !merge.is_one_cell());
    if tab.filter.as_mut().is_some_and(|(area, _)| !move_area(area, dimension, shift)) {
        tab.filter = None;
    }
    tab.groups.retain_mut(|group| {
        group.dimension != dimension
            || shift
                .span(group.start, group.end)
                .map(|(start, end)| (group.start, group.end) = (start, end))
                .is_some()
    });
    tab.protected
        .retain_mut(|range| range.area.as_mut().is_none_or(|area| move_area(area, dimension, shift)));
}

/// Moves a rectangle; says whether anything of it is left.
pub(super) fn move_area(area: &mut Area, dimension: Dimension, shift: &Shift) -> bool {
    let (start, end) = area.span(dimension);
    let left = shift.span(start, end);
    *area = area.with_span(dimension, left.unwrap_or((start, start)));
    left.is_some()
}
