//! Doing what a person does: the change, what takes it back, and the events.

use super::undo::Step;
use super::{Action, ChangeType, Person, TriggerEvent};
use crate::display::Locale;
use crate::entry::{Desk, enter};
use crate::formula::{Book, copied_by};
use crate::grid::{
    Area, Cell, Dimension, Location, Refusal, SheetId, Shift, SortKey, Spreadsheet, Tab, Value,
};
use crate::knobs::{Fires, Knobs, Labels};

/// Applies an action; gives the events that Google fires for it.
pub(crate) fn act(
    spreadsheet: &mut Spreadsheet,
    person: &Person,
    action: &Action,
    knobs: &Knobs,
    year: i16,
) -> Result<Vec<TriggerEvent>, Refusal> {
    let mut visit = Visit {
        spreadsheet,
        person,
        knobs,
        year,
    };
    match action {
        Action::Type {
            sheet,
            row,
            column,
            text,
        } => visit.type_text(*sheet, *row, *column, text),
        Action::PasteBlock {
            sheet,
            row,
            column,
            cells,
        } => visit.paste_block(*sheet, *row, *column, cells),
        Action::CopyPaste {
            sheet,
            from,
            row,
            column,
        } => visit.copy_paste(*sheet, *from, *row, *column),
        Action::Clear { sheet, area } => visit.clear(*sheet, *area),
        Action::Fill { sheet, area } => visit.fill(*sheet, *area),
        Action::Note {
            sheet,
            row,
            column,
            text,
        } => visit.note(*sheet, *row, *column, text),
        Action::InsertRows { sheet, at, count } => visit.insert(*sheet, Dimension::Rows, *at, *count),
        Action::InsertColumns { sheet, at, count } => visit.insert(*sheet, Dimension::Columns, *at, *count),
        Action::DeleteRows { sheet, start, end } => visit.delete(*sheet, Dimension::Rows, *start, *end),
        Action::DeleteColumns { sheet, start, end } => visit.delete(*sheet, Dimension::Columns, *start, *end),
        Action::MoveRows {
            sheet,
            start,
            end,
            to,
        } => visit.move_lines(*sheet, Dimension::Rows, (*start, *end), *to),
        Action::MoveColumns {
            sheet,
            start,
            end,
            to,
        } => visit.move_lines(*sheet, Dimension::Columns, (*start, *end), *to),
        Action::SortByColumn {
            sheet,
            column,
            descending,
            area,
        } => visit.sort(*sheet, *column, *descending, *area),
        Action::RenameTab { sheet, title } => visit.rename(*sheet, title),
        Action::AddTab { title } => visit.add_tab(title),
        Action::DeleteTab { sheet } => visit.delete_tab(*sheet),
        Action::Undo => visit.undo(),
    }
}

struct Visit<'a> {
    spreadsheet: &'a mut Spreadsheet,
    person: &'a Person,
    knobs: &'a Knobs,
    year: i16,
}

type Events = Result<Vec<TriggerEvent>, Refusal>;

impl Visit<'_> {
    fn changed(&self, change: ChangeType) -> TriggerEvent {
        TriggerEvent::Change {
            change,
            user: self.person.clone(),
        }
    }

    fn edited(
        &self,
        sheet: SheetId,
        range: Area,
        value: Option<String>,
        old_value: Option<String>,
    ) -> Vec<TriggerEvent> {
        let edit = TriggerEvent::Edit {
            sheet,
            range,
            value,
            old_value,
            user: self.person.clone(),
        };
        vec![edit, self.changed(ChangeType::Edit)]
    }

    fn by_knob(&self, fires: Fires, sheet: SheetId, range: Area) -> Vec<TriggerEvent> {
        match fires {
            Fires::Edit => self.edited(sheet, range, None, None),
            Fires::ChangeOther => vec![self.changed(ChangeType::Other)],
            Fires::Silent => Vec::new(),
        }
    }

    /// The tab, if the area is on it and not protected from this person.
    fn reach(&self, sheet: SheetId, area: Area) -> Result<&Tab, Refusal> {
        let tab = self.spreadsheet.grid(sheet)?;
        if area.is_empty() || area.bottom > tab.row_count() || area.right > tab.column_count() {
            return Err(Refusal::new("The cells are outside of the grid."));
        }
        if !tab.may_write(&self.person.0, area) {
            return Err(Refusal::new(
                "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit.",
            ));
        }
        Ok(tab)
    }

    fn remember_cells(&mut self, sheet: SheetId, area: Area) -> Result<(), Refusal> {
        let tab = self.reach(sheet, area)?;
        let cells = cells_of(tab, area);
        self.spreadsheet
            .undo
            .push(self.person.clone(), Step::Cells { sheet, cells });
        Ok(())
    }

    fn enter(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Result<(), Refusal> {
        let desk = Desk {
            locale: Locale::named(&self.spreadsheet.locale),
            year: self.year,
        };
        let entered = enter(text, self.spreadsheet.grid(sheet)?.cell(row, column), desk)?;
        self.spreadsheet.put_entered(sheet, row, column, entered)
    }

    fn text_of(&self, sheet: SheetId, row: u32, column: u32) -> Option<String> {
        let tab = self.spreadsheet.tab(sheet)?;
        match Book::new(self.spreadsheet).scalar(tab, row, column) {
            crate::grid::Scalar::Blank => None,
            // A date arrives as its serial number, a checkbox as TRUE or FALSE.
            scalar => Some(crate::display::shown(
                &scalar,
                &Cell::default(),
                &Locale::named("en_US"),
            )),
        }
    }

    fn type_text(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Events {
        let area = Area::cell(row, column);
        self.remember_cells(sheet, area)?;
        let old = self.text_of(sheet, row, column);
        self.enter(sheet, row, column, text)?;
        let new = self.text_of(sheet, row, column);
        Ok(self.edited(sheet, area, new, old))
    }

    fn paste_block(&mut self, sheet: SheetId, row: u32, column: u32, cells: &[Vec<String>]) -> Events {
        let width = cells.iter().map(Vec::len).max().unwrap_or_default() as u32;
        let area = Area::new(row, column, row + cells.len() as u32, column + width);
        self.make_room(sheet, area)?;
        self.remember_cells(sheet, area)?;
        for (y, line) in cells.iter().enumerate() {
            for (x, text) in line.iter().enumerate() {
                self.enter(sheet, row + y as u32, column + x as u32, text)?;
            }
        }
        Ok(self.edited(sheet, area, None, None))
    }

    /// A paste below or right of the grid makes it larger.
    fn make_room(&mut self, sheet: SheetId, area: Area) -> Result<(), Refusal> {
        for dimension in [Dimension::Rows, Dimension::Columns] {
            let (have, need) = (
                self.spreadsheet.grid(sheet)?.count(dimension),
                area.span(dimension).1,
            );
            if need > have {
                self.spreadsheet.append(sheet, dimension, need - have)?;
            }
        }
        Ok(())
    }

    fn copy_paste(&mut self, sheet: SheetId, from: Area, row: u32, column: u32) -> Events {
        let to = Area::new(row, column, row + from.height(), column + from.width());
        self.make_room(sheet, to)?;
        let copied = cells_of(self.spreadsheet.grid(sheet)?, from);
        self.remember_cells(sheet, to)?;
        let (down, right) = (
            i64::from(row) - i64::from(from.top),
            i64::from(column) - i64::from(from.left),
        );
        let tab = self.spreadsheet.grid_mut(sheet)?;
        for (old_row, old_column, mut cell) in copied {
            if let Value::Formula(text) = &cell.value {
                cell.value = Value::Formula(copied_by(text, down, right).into());
            }
            tab.set_cell(
                (i64::from(old_row) + down) as u32,
                (i64::from(old_column) + right) as u32,
                cell,
            );
        }
        Ok(self.edited(sheet, to, None, None))
    }

    fn clear(&mut self, sheet: SheetId, area: Area) -> Events {
        self.remember_cells(sheet, area)?;
        let old = if area.is_one_cell() {
            self.text_of(sheet, area.top, area.left)
        } else {
            None
        };
        self.spreadsheet.grid_mut(sheet)?.clear_values(area);
        Ok(self.edited(sheet, area, None, old))
    }

    fn fill(&mut self, sheet: SheetId, area: Area) -> Events {
        self.remember_cells(sheet, area)?;
        let first: Vec<Cell> = (area.left..area.right)
            .map(|column| {
                self.spreadsheet
                    .grid(sheet)
                    .map(|tab| tab.cell(area.top, column).clone())
            })
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

    fn note(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Events {
        self.remember_cells(sheet, Area::cell(row, column))?;
        let note = (!text.is_empty()).then(|| text.to_owned());
        self.spreadsheet
            .grid_mut(sheet)?
            .rows
            .change_cell(row, column, |cell| cell.change_look(|look| look.note = note));
        Ok(vec![self.changed(ChangeType::Other)])
    }

    fn insert(&mut self, sheet: SheetId, dimension: Dimension, at: u32, count: u32) -> Events {
        if at > self.spreadsheet.grid(sheet)?.count(dimension) || count == 0 {
            return Err(Refusal::new("The place is outside of the grid."));
        }
        self.spreadsheet.insert(sheet, dimension, at, count)?;
        self.spreadsheet.undo.push(
            self.person.clone(),
            Step::Remove {
                sheet,
                dimension,
                start: at,
                end: at + count,
            },
        );
        Ok(vec![self.changed(match dimension {
            Dimension::Rows => ChangeType::InsertRow,
            Dimension::Columns => ChangeType::InsertColumn,
        })])
    }

    fn delete(&mut self, sheet: SheetId, dimension: Dimension, start: u32, end: u32) -> Events {
        let area = self
            .spreadsheet
            .grid(sheet)?
            .whole()
            .with_span(dimension, (start, end));
        let tab = self.reach(sheet, area)?;
        let cells = cells_of(tab, area)
            .into_iter()
            .filter(|(_, _, cell)| !cell.is_void());
        let cells = cells.map(|(row, column, cell)| match dimension {
            Dimension::Rows => (row - start, column, cell),
            Dimension::Columns => (column - start, row, cell),
        });
        let cells = cells.collect();
        let labels = self
            .spreadsheet
            .metadata
            .values()
            .filter_map(|label| match label.location {
                Location::Line(on, along, index)
                    if on == sheet && along == dimension && (start..end).contains(&index) =>
                {
                    Some((index - start, label.clone()))
                }
                _ => None,
            });
        let labels = labels.collect();
        self.spreadsheet.delete(sheet, dimension, start, end)?;
        let step = Step::Restore {
            sheet,
            dimension,
            at: start,
            count: end - start,
            cells,
            labels,
        };
        self.spreadsheet.undo.push(self.person.clone(), step);
        Ok(vec![self.changed(match dimension {
            Dimension::Rows => ChangeType::RemoveRow,
            Dimension::Columns => ChangeType::RemoveColumn,
        })])
    }

    /// Measured by hand elsewhere: moving lines with data fires both, moving empty ones the change event only.
    fn move_lines(
        &mut self,
        sheet: SheetId,
        dimension: Dimension,
        (start, end): (u32, u32),
        to: u32,
    ) -> Events {
        let area = self
            .spreadsheet
            .grid(sheet)?
            .whole()
            .with_span(dimension, (start, end));
        let tab = self.reach(sheet, area)?;
        if to > tab.count(dimension) || (start..=end).contains(&to) {
            return Err(Refusal::new(
                "The place is outside of the grid or inside of what is moved.",
            ));
        }
        let has_data = cells_of(tab, area)
            .iter()
            .any(|(_, _, cell)| !cell.value.is_blank());
        self.spreadsheet
            .shift(sheet, dimension, &Shift::Move { start, end, to })?;
        let count = end - start;
        let (now, back) = if to > start {
            (to - count, start)
        } else {
            (to, end)
        };
        let step = Step::Move {
            sheet,
            dimension,
            start: now,
            end: now + count,
            to: back,
        };
        self.spreadsheet.undo.push(self.person.clone(), step);
        let moved = self
            .spreadsheet
            .grid(sheet)?
            .whole()
            .with_span(dimension, (now, now + count));
        Ok(if has_data {
            self.edited(sheet, moved, None, None)
        } else {
            vec![self.changed(ChangeType::Other)]
        })
    }

    fn sort(&mut self, sheet: SheetId, column: u32, descending: bool, area: Option<Area>) -> Events {
        let tab = self.spreadsheet.grid(sheet)?;
        let area = area.unwrap_or(Area {
            top: tab.frozen_rows,
            ..tab.whole()
        });
        self.reach(sheet, area)?;
        let order = self
            .spreadsheet
            .sorted_order(sheet, area, &[SortKey { column, descending }])?;
        let with_labels = self.labels_follow(sheet, area)?;
        self.spreadsheet.permute(sheet, area, &order, with_labels)?;
        let mut back = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            back[*old as usize] = new as u32;
        }
        self.spreadsheet.undo.push(
            self.person.clone(),
            Step::Permute {
                sheet,
                area,
                order: back,
            },
        );
        Ok(self.by_knob(self.knobs.sort_fires, sheet, area))
    }

    fn labels_follow(&self, sheet: SheetId, area: Area) -> Result<bool, Refusal> {
        let whole = area.width() == self.spreadsheet.grid(sheet)?.column_count();
        let knob = if whole {
            self.knobs.labels_in_ui_sort
        } else {
            self.knobs.labels_in_partial_sort
        };
        Ok(knob == Labels::Follow)
    }

    fn rename(&mut self, sheet: SheetId, title: &str) -> Events {
        let old = self.spreadsheet.grid(sheet)?.title.clone();
        self.spreadsheet.rename_tab(sheet, title)?;
        self.spreadsheet
            .undo
            .push(self.person.clone(), Step::Rename { sheet, title: old });
        Ok(vec![self.changed(ChangeType::Other)])
    }

    fn add_tab(&mut self, title: &str) -> Events {
        self.spreadsheet.check_title(title, None)?;
        self.spreadsheet.may_hold(1000, 26, 0)?;
        let id = SheetId(self.spreadsheet.fresh_id());
        self.spreadsheet.tabs.push(Tab::new(id, title, 1000, 26));
        Ok(vec![self.changed(ChangeType::InsertGrid)])
    }

    fn delete_tab(&mut self, sheet: SheetId) -> Events {
        self.spreadsheet.remove_tab(sheet)?;
        Ok(vec![self.changed(ChangeType::RemoveGrid)])
    }

    fn undo(&mut self) -> Events {
        let step = self
            .spreadsheet
            .undo
            .pop(self.person)
            .ok_or_else(|| Refusal::new("There is nothing to undo."))?;
        let (sheet, area) = match step {
            Step::Cells { sheet, cells } => (sheet, self.put_back(sheet, cells)?),
            Step::Remove {
                sheet,
                dimension,
                start,
                end,
            } => {
                self.spreadsheet.delete(sheet, dimension, start, end)?;
                let change = if dimension == Dimension::Rows {
                    ChangeType::RemoveRow
                } else {
                    ChangeType::RemoveColumn
                };
                return Ok(vec![self.changed(change)]);
            }
            Step::Restore {
                sheet,
                dimension,
                at,
                count,
                cells,
                labels,
            } => {
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
            Step::Move {
                sheet,
                dimension,
                start,
                end,
                to,
            } => {
                self.spreadsheet
                    .shift(sheet, dimension, &Shift::Move { start, end, to })?;
                let back = if to > start {
                    (to - (end - start), to)
                } else {
                    (to, to + end - start)
                };
                (
                    sheet,
                    self.spreadsheet.grid(sheet)?.whole().with_span(dimension, back),
                )
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

    fn put_back(&mut self, sheet: SheetId, cells: Vec<(u32, u32, Cell)>) -> Result<Area, Refusal> {
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

/// Every cell of a rectangle with its place, blank ones too.
fn cells_of(tab: &Tab, area: Area) -> Vec<(u32, u32, Cell)> {
    (area.top..area.bottom.min(tab.row_count()))
        .flat_map(|row| {
            (area.left..area.right).map(move |column| (row, column, tab.cell(row, column).clone()))
        })
        .collect()
}
