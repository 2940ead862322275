//! Undo: a person's last action, taken back.

use super::ChangeType;
use super::act::{Events, Visit};
use super::undo::Step;
use crate::grid::{Area, Cell, Dimension, Location, Refusal, SheetId, Shift};

impl Visit<'_> {
    pub(super) fn undo(&mut self) -> Events {
        let step = self
            .spreadsheet
            .undo
            .pop(self.person)
            .ok_or_else(|| Refusal::new("There is nothing to undo."))?;
        let (sheet, area) = match step {
            Step::Cells { sheet, cells } => (sheet, self.put_back(sheet, cells)?),
            Step::Remove { sheet, dimension, start, end } => {
                self.spreadsheet.delete(sheet, dimension, start, end)?;
                let change = if dimension == Dimension::Rows {
                    ChangeType::RemoveRow
                } else {
                    ChangeType::RemoveColumn
                };
                return Ok(vec![self.changed(change)]);
            }
            Step::Restore { sheet, dimension, at, count, cells, labels } => {
                self.spreadsheet.insert(sheet, dimension, at, count)?;
                let tab = self.spreadsheet.grid_mut(sheet)?;
                for (offset, across, cell) in cells {
                    match dimension {
                        Dimension::Rows => tab.set_cell(at + offset, across, cell),
                        Dimension::Columns => tab.set_cell(across, at + offset, cell),
                    }
                }
                for (offset, mut label) in labels.into_iter().filter(|_| self.knobs.undo_restores_labels) {
                    label.location = Location::Line(sheet, dimension, at + offset);
                    self.spreadsheet.metadata.entry(label.id).or_insert(label);
                }
                let change = if dimension == Dimension::Rows {
                    ChangeType::InsertRow
                } else {
                    ChangeType::InsertColumn
                };
                return Ok(vec![self.changed(change)]);
            }
            Step::Move { sheet, dimension, start, end, to } => {
                self.spreadsheet.shift(sheet, dimension, &Shift::Move { start, end, to })?;
                let back = if to > start { (to - (end - start), to) } else { (to, to + end - start) };
                (sheet, self.spreadsheet.grid(sheet)?.whole().with_span(dimension, back))
            }
            Step::Permute { sheet, area, order } => {
                let with_labels = self.labels_follow(sheet, area)?;
                self.spreadsheet.permute(sheet, area, &order, with_labels)?;
                (sheet, area)
            }
            Step::Rename { sheet, title } => {
                self.spreadsheet.rename_tab(sheet, &title)?;
                return Ok(vec![self.changed(ChangeType::Other)]);
            }
        };
        Ok(self.by_knob(self.knobs.undo_fires, sheet, area))
    }

    pub(super) fn put_back(&mut self, sheet: SheetId, cells: Vec<(u32, u32, Cell)>) -> Result<Area, Refusal> {
        let tab = self.spreadsheet.grid_mut(sheet)?;
        let mut area: Option<Area> = None;
        for (row, column, cell) in cells {
            let one = Area::cell(row, column);
            let so_far = area.unwrap_or(one);
            area = Some(Area::new(
                so_far.top.min(one.top),
                so_far.left.min(one.left),
                so_far.bottom.max(one.bottom),
                so_far.right.max(one.right),
            ));
            tab.set_cell(row, column, cell);
        }
        area.ok_or_else(|| Refusal::new("There is nothing to undo."))
    }
}
