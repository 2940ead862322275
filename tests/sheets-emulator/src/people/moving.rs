//! Inserting, deleting, moving, sorting: what a person does to lines and tabs.

use super::ChangeType;
use super::act::{Events, Visit, cells_of};
use crate::grid::{Area, Dimension, Refusal, SheetId, Shift, SortKey, Tab};
use crate::knobs::Labels;

impl Visit<'_> {
    pub(super) fn insert(&mut self, sheet: SheetId, dimension: Dimension, at: u32, count: u32) -> Events {
        if at > self.spreadsheet.grid(sheet)?.count(dimension) || count == 0 {
            return Err(Refusal::new("The place is outside of the grid."));
        }
        self.spreadsheet.insert(sheet, dimension, at, count)?;
        // New lines look like those they were put before, or at the end like the last one.
        let tab = self.spreadsheet.grid_mut(sheet)?;
        let neighbour = if at + count < tab.count(dimension) { Some(at + count) } else { at.checked_sub(1) };
        if let Some(neighbour) = neighbour {
            tab.inherit(dimension, at, at + count, neighbour);
        }
        Ok(vec![self.changed(match dimension {
            Dimension::Rows => ChangeType::InsertRow,
            Dimension::Columns => ChangeType::InsertColumn,
        })])
    }

    pub(super) fn delete(&mut self, sheet: SheetId, dimension: Dimension, start: u32, end: u32) -> Events {
        let area = self.spreadsheet.grid(sheet)?.whole().with_span(dimension, (start, end));
        self.reach(sheet, area)?;
        self.spreadsheet.delete(sheet, dimension, start, end)?;
        Ok(vec![self.changed(match dimension {
            Dimension::Rows => ChangeType::RemoveRow,
            Dimension::Columns => ChangeType::RemoveColumn,
        })])
    }

    /// Measured by hand elsewhere: moving lines with data fires both, moving empty ones the change event only.
    pub(super) fn move_lines(
        &mut self,
        sheet: SheetId,
        dimension: Dimension,
        (start, end): (u32, u32),
        to: u32,
    ) -> Events {
        let area = self.spreadsheet.grid(sheet)?.whole().with_span(dimension, (start, end));
        let tab = self.reach(sheet, area)?;
        if to > tab.count(dimension) || (start..=end).contains(&to) {
            return Err(Refusal::new("The place is outside of the grid or inside of what is moved."));
        }
        let has_data = cells_of(tab, area).iter().any(|(_, _, cell)| !cell.value.is_blank());
        self.spreadsheet.shift(sheet, dimension, &Shift::Move { start, end, to })?;
        let count = end - start;
        let now = if to > start { to - count } else { to };
        let moved = self.spreadsheet.grid(sheet)?.whole().with_span(dimension, (now, now + count));
        Ok(if has_data {
            self.edited(sheet, moved, None, None)
        } else {
            vec![self.changed(ChangeType::Other)]
        })
    }

    pub(super) fn sort(
        &mut self,
        sheet: SheetId,
        column: u32,
        descending: bool,
        area: Option<Area>,
    ) -> Events {
        let tab = self.spreadsheet.grid(sheet)?;
        let area = area.unwrap_or(Area { top: tab.frozen_rows, ..tab.whole() });
        self.reach(sheet, area)?;
        let order = self.spreadsheet.sorted_order(sheet, area, &[SortKey { column, descending }])?;
        let with_labels = self.labels_follow(sheet, area)?;
        self.spreadsheet.permute(sheet, area, &order, with_labels)?;
        Ok(self.by_knob(self.knobs.sort_fires, sheet, area))
    }

    pub(super) fn labels_follow(&self, sheet: SheetId, area: Area) -> Result<bool, Refusal> {
        let whole = area.width() == self.spreadsheet.grid(sheet)?.column_count();
        let knob = if whole { self.knobs.labels_in_ui_sort } else { self.knobs.labels_in_partial_sort };
        Ok(knob == Labels::Follow)
    }

    pub(super) fn rename(&mut self, sheet: SheetId, title: &str) -> Events {
        self.spreadsheet.rename_tab(sheet, title)?;
        Ok(vec![self.changed(ChangeType::Other)])
    }

    pub(super) fn add_tab(&mut self, title: &str) -> Events {
        self.spreadsheet.check_title(title, None)?;
        self.spreadsheet.may_hold(1000, 26, 0)?;
        let id = SheetId(self.spreadsheet.fresh_id());
        self.spreadsheet.tabs.push(Tab::new(id, title, 1000, 26));
        Ok(vec![self.changed(ChangeType::InsertGrid)])
    }

    pub(super) fn delete_tab(&mut self, sheet: SheetId) -> Events {
        self.spreadsheet.remove_tab(sheet)?;
        Ok(vec![self.changed(ChangeType::RemoveGrid)])
    }
}
