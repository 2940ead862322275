//! Cells of a few columns (or rows) that move down, up or sideways, while the rest of their rows stays.

use super::structure::{is_formula, move_area};
use super::{Area, Cell, Dimension, Refusal, SheetId, Shift, Spreadsheet, Tab, Value};
use crate::formula::{self, Moved};

impl Spreadsheet {
    /// Makes a hole as large as the rectangle: what stands there and after it moves on. The grid grows where cells with
    /// something in them would be pushed over its edge.
    pub fn insert_cells(&mut self, id: SheetId, area: Area, dimension: Dimension) -> Result<(), Refusal> {
        let (start, end) = area.span(dimension);
        let tab = self.grid(id)?;
        let need = last_used(tab, area, dimension) + (end - start);
        let have = tab.count(dimension);
        self.check_band(id, area, dimension, start)?;
        if need > have {
            self.append(id, dimension, need - have)?;
        }
        self.move_band(id, area, dimension, &Shift::Insert { at: start, count: end - start })
    }

    /// Takes the cells of the rectangle away: what stands after them in the same columns (or rows) moves up.
    pub fn delete_cells(&mut self, id: SheetId, area: Area, dimension: Dimension) -> Result<(), Refusal> {
        let (start, end) = area.span(dimension);
        self.check_band(id, area, dimension, start)?;
        self.move_band(id, area, dimension, &Shift::Delete { start, end })
    }

    /// A merge that lies partly beside the moving cells would be torn.
    fn check_band(&self, id: SheetId, area: Area, dimension: Dimension, start: u32) -> Result<(), Refusal> {
        let tab = self.grid(id)?;
        let band = area.with_span(dimension, (start, tab.count(dimension)));
        let torn = |merge: &Area| merge.meet(band).is_some_and(|met| met != *merge);
        if tab.merges.iter().any(torn) {
            return Err(Refusal::new("You can't perform a cell shift over a part of merged cells."));
        }
        Ok(())
    }

    fn move_band(
        &mut self,
        id: SheetId,
        area: Area,
        dimension: Dimension,
        shift: &Shift,
    ) -> Result<(), Refusal> {
        let tab = self.grid_mut(id)?;
        match dimension {
            Dimension::Rows => move_rows(tab, area, shift),
            Dimension::Columns => move_columns(tab, area, shift),
        }
        let (first, last) = across(area, dimension);
        let inside = |one: &Area| {
            let (start, end) = across(*one, dimension);
            first <= start && end <= last
        };
        let stays = |one: &mut Area| !inside(one) || move_area(one, dimension, shift);
        tab.merges.retain_mut(stays);
        tab.protected.retain_mut(|range| range.area.as_mut().is_none_or(stays));
        self.named_ranges.retain_mut(|range| range.sheet != id || stays(&mut range.area));
        if self.has_formulas {
            self.rewrite_references(&Moved { sheet: id, dimension, shift, across: Some((first, last)) });
        }
        Ok(())
    }

    /// Lets every reference to lines that moved follow.
    pub(super) fn rewrite_references(&mut self, moved: &Moved<'_>) {
        let Some(title) = self.tab(moved.sheet).map(|tab| tab.title.clone()) else {
            return;
        };
        for tab in &mut self.tabs {
            let home = tab.id == moved.sheet;
            tab.rows.change_where(
                |row| row.iter().any(is_formula),
                |_, row| {
                    for cell in row.iter_mut() {
                        if let Value::Formula(text) = &cell.value
                            && let Some(new) = formula::after_shift(text, home, &title, moved)
                        {
                            cell.value = Value::Formula(new.into());
                        }
                    }
                },
            );
        }
    }
}

fn across(area: Area, dimension: Dimension) -> (u32, u32) {
    match dimension {
        Dimension::Rows => area.span(Dimension::Columns),
        Dimension::Columns => area.span(Dimension::Rows),
    }
}

/// The line after the last one with something in it, in the columns (or rows) of the rectangle; at least its start.
fn last_used(tab: &Tab, area: Area, dimension: Dimension) -> u32 {
    let used = |row: u32, column: u32| !tab.cell(row, column).is_void();
    let (start, _) = area.span(dimension);
    let last = match dimension {
        Dimension::Rows => (start..tab.row_count())
            .rev()
            .find(|row| (area.left..area.right).any(|column| used(*row, column))),
        Dimension::Columns => (start..tab.column_count())
            .rev()
            .find(|column| (area.top..area.bottom).any(|row| used(row, *column))),
    };
    last.map_or(start, |last| last + 1)
}

fn move_rows(tab: &mut Tab, area: Area, shift: &Shift) {
    let part = |tab: &Tab, row: u32| -> Vec<Cell> {
        (area.left..area.right).map(|column| tab.cell(row, column).clone()).collect()
    };
    let old: Vec<Vec<Cell>> = (area.top..tab.row_count()).map(|row| part(tab, row)).collect();
    for row in area.top..tab.row_count() {
        for column in area.left..area.right {
            tab.set_cell(row, column, Cell::default());
        }
    }
    for (row, cells) in (area.top..).zip(old) {
        let Some(place) = shift.index(row).filter(|place| *place < tab.row_count()) else {
            continue;
        };
        for (column, cell) in (area.left..).zip(cells) {
            tab.set_cell(place, column, cell);
        }
    }
}

fn move_columns(tab: &mut Tab, area: Area, shift: &Shift) {
    let columns = tab.column_count();
    for row in area.top..area.bottom {
        tab.rows.change(row, |cells| {
            let kept = cells.len().min(area.left as usize);
            for (column, cell) in
                (area.left..).zip(cells.split_off(kept).into_iter().skip(area.left as usize - kept))
            {
                if let Some(place) = shift.index(column).filter(|place| *place < columns) {
                    cells.resize(cells.len().max(place as usize + 1), Cell::default());
                    cells[place as usize] = cell;
                }
            }
        });
    }
}
