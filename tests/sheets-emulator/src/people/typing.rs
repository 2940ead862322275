//! Typing, pasting, clearing, filling: what a person does to cells.

use super::ChangeType;
use super::act::{Events, Visit, cells_of};
use crate::formula::copied_by;
use crate::grid::{Area, Cell, Dimension, Found, Manner, Refusal, Search, SheetId, Value};

impl Visit<'_> {
    pub(super) fn type_text(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Events {
        let area = Area::cell(row, column);
        self.reach(sheet, area)?;
        let old = self.text_of(sheet, row, column);
        self.enter(sheet, row, column, text)?;
        let new = self.text_of(sheet, row, column);
        Ok(self.edited(sheet, area, new, old))
    }

    pub(super) fn paste_block(
        &mut self,
        sheet: SheetId,
        row: u32,
        column: u32,
        cells: &[Vec<String>],
    ) -> Events {
        let width = cells.iter().map(Vec::len).max().unwrap_or_default() as u32;
        let area = Area::new(row, column, row + cells.len() as u32, column + width);
        self.make_room(sheet, area)?;
        self.reach(sheet, area)?;
        for (y, line) in cells.iter().enumerate() {
            for (x, text) in line.iter().enumerate() {
                self.enter(sheet, row + y as u32, column + x as u32, text)?;
            }
        }
        Ok(self.edited(sheet, area, None, None))
    }

    /// A paste below or right of the grid makes it larger.
    pub(super) fn make_room(&mut self, sheet: SheetId, area: Area) -> Result<(), Refusal> {
        for dimension in [Dimension::Rows, Dimension::Columns] {
            let (have, need) = (self.spreadsheet.grid(sheet)?.count(dimension), area.span(dimension).1);
            if need > have {
                self.spreadsheet.append(sheet, dimension, need - have)?;
            }
        }
        Ok(())
    }

    pub(super) fn copy_paste(&mut self, sheet: SheetId, from: Area, row: u32, column: u32) -> Events {
        let to = Area::new(row, column, row + from.height(), column + from.width());
        self.make_room(sheet, to)?;
        let copied = cells_of(self.spreadsheet.grid(sheet)?, from);
        self.reach(sheet, to)?;
        let (down, right) = (i64::from(row) - i64::from(from.top), i64::from(column) - i64::from(from.left));
        let tab = self.spreadsheet.grid_mut(sheet)?;
        for (old_row, old_column, mut cell) in copied {
            if let Value::Formula(text) = &cell.value {
                cell.value = Value::Formula(copied_by(text, down, right).into());
            }
            tab.set_cell((i64::from(old_row) + down) as u32, (i64::from(old_column) + right) as u32, cell);
        }
        Ok(self.edited(sheet, to, None, None))
    }

    pub(super) fn clear(&mut self, sheet: SheetId, area: Area) -> Events {
        self.reach(sheet, area)?;
        let old = if area.is_one_cell() { self.text_of(sheet, area.top, area.left) } else { None };
        self.spreadsheet.grid_mut(sheet)?.clear_values(area);
        Ok(self.edited(sheet, area, None, old))
    }

    pub(super) fn fill(&mut self, sheet: SheetId, area: Area) -> Events {
        self.reach(sheet, area)?;
        let first: Vec<Cell> = (area.left..area.right)
            .map(|column| self.spreadsheet.grid(sheet).map(|tab| tab.cell(area.top, column).clone()))
            .collect::<Result<_, _>>()?;
        let tab = self.spreadsheet.grid_mut(sheet)?;
        for row in area.top + 1..area.bottom {
            for (column, cell) in (area.left..).zip(&first) {
                let mut cell = cell.clone();
                if let Value::Formula(text) = &cell.value {
                    cell.value = Value::Formula(copied_by(text, i64::from(row - area.top), 0).into());
                }
                tab.set_cell(row, column, cell);
            }
        }
        Ok(self.by_knob(self.knobs.fill_fires, sheet, area))
    }

    pub(super) fn note(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Events {
        self.reach(sheet, Area::cell(row, column))?;
        let note = (!text.is_empty()).then(|| text.to_owned());
        self.spreadsheet
            .grid_mut(sheet)?
            .rows
            .change_cell(row, column, |cell| cell.change_look(|look| look.note = note));
        Ok(vec![self.changed(ChangeType::Other)])
    }

    pub(super) fn replace(&mut self, sheet: SheetId, find: &str, replacement: &str) -> Events {
        let area = self.spreadsheet.grid(sheet)?.whole();
        self.reach(sheet, area)?;
        let search = Search::new(find, replacement, Manner::default())?;
        search.run(self.spreadsheet.grid_mut(sheet)?, area, &mut Found::default());
        Ok(self.by_knob(self.knobs.replace_fires, sheet, area))
    }

    pub(super) fn filter(&mut self, sheet: SheetId, area: Option<Area>) -> Events {
        let shown = area.unwrap_or(self.spreadsheet.grid(sheet)?.whole());
        self.reach(sheet, shown)?;
        self.spreadsheet.grid_mut(sheet)?.filter = area.map(|area| (area, serde_json::Map::new()));
        Ok(self.by_knob(self.knobs.filter_fires, sheet, shown))
    }
}
