//! Doing what a person does: the change, what takes it back, and the events.

use super::undo::Deed;
use super::{Action, ChangeType, Person, TriggerEvent};
use crate::display::{Locale, is_temporal, shown};
use crate::entry::{Desk, enter};
use crate::formula::Book;
use crate::grid::{Area, Cell, Dimension, Refusal, SheetId, Spreadsheet, Tab, check_validation};
use crate::knobs::{EventDates, Fires, Knobs};

/// Applies an action; gives the events that Google fires for it.
pub(crate) fn act(
    spreadsheet: &mut Spreadsheet,
    person: &Person,
    action: &Action,
    knobs: &Knobs,
    year: i16,
) -> Result<Vec<TriggerEvent>, Refusal> {
    let before = spreadsheet.clone();
    let mut visit = Visit { spreadsheet, person, knobs, year };
    let events = visit.act(action)?;
    if !matches!(action, Action::Undo | Action::Redo) {
        let deed = Deed::new(person.clone(), before, spreadsheet);
        spreadsheet.undo.push(deed);
    }
    Ok(events)
}

pub(super) struct Visit<'a> {
    pub(super) spreadsheet: &'a mut Spreadsheet,
    pub(super) person: &'a Person,
    pub(super) knobs: &'a Knobs,
    pub(super) year: i16,
}

pub(super) type Events = Result<Vec<TriggerEvent>, Refusal>;

impl Visit<'_> {
    fn act(&mut self, action: &Action) -> Events {
        match action {
            Action::Type { sheet, row, column, text } => self.type_text(*sheet, *row, *column, text),
            Action::PasteBlock { sheet, row, column, cells } => {
                self.paste_block(*sheet, *row, *column, cells)
            }
            Action::CopyPaste { sheet, from, row, column } => self.copy_paste(*sheet, *from, *row, *column),
            Action::Clear { sheet, area } => self.clear(*sheet, *area),
            Action::Fill { sheet, area } => self.fill(*sheet, *area),
            Action::Note { sheet, row, column, text } => self.note(*sheet, *row, *column, text),
            Action::InsertRows { sheet, at, count } => self.insert(*sheet, Dimension::Rows, *at, *count),
            Action::InsertColumns { sheet, at, count } => {
                self.insert(*sheet, Dimension::Columns, *at, *count)
            }
            Action::DeleteRows { sheet, start, end } => self.delete(*sheet, Dimension::Rows, *start, *end),
            Action::DeleteColumns { sheet, start, end } => {
                self.delete(*sheet, Dimension::Columns, *start, *end)
            }
            Action::MoveRows { sheet, start, end, to } => {
                self.move_lines(*sheet, Dimension::Rows, (*start, *end), *to)
            }
            Action::MoveColumns { sheet, start, end, to } => {
                self.move_lines(*sheet, Dimension::Columns, (*start, *end), *to)
            }
            Action::SortByColumn { sheet, column, descending, area } => {
                self.sort(*sheet, *column, *descending, *area)
            }
            Action::RenameTab { sheet, title } => self.rename(*sheet, title),
            Action::AddTab { title } => self.add_tab(title),
            Action::DeleteTab { sheet } => self.delete_tab(*sheet),
            Action::Replace { sheet, find, replacement } => self.replace(*sheet, find, replacement),
            Action::Filter { sheet, area } => self.filter(*sheet, *area),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
        }
    }

    pub(super) fn changed(&self, change: ChangeType) -> TriggerEvent {
        TriggerEvent::Change { change, user: self.person.clone() }
    }

    pub(super) fn edited(
        &self,
        sheet: SheetId,
        range: Area,
        value: Option<String>,
        old_value: Option<String>,
    ) -> Vec<TriggerEvent> {
        let edit = TriggerEvent::Edit { sheet, range, value, old_value, user: self.person.clone() };
        vec![edit, self.changed(ChangeType::Edit)]
    }

    pub(super) fn by_knob(&self, fires: Fires, sheet: SheetId, range: Area) -> Vec<TriggerEvent> {
        match fires {
            Fires::Edit => self.edited(sheet, range, None, None),
            Fires::ChangeOther => vec![self.changed(ChangeType::Other)],
            Fires::Silent => Vec::new(),
        }
    }

    /// The tab, if the area is on it and not protected from this person.
    pub(super) fn reach(&self, sheet: SheetId, area: Area) -> Result<&Tab, Refusal> {
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

    pub(super) fn enter(&mut self, sheet: SheetId, row: u32, column: u32, text: &str) -> Result<(), Refusal> {
        let desk = Desk { locale: Locale::named(&self.spreadsheet.locale), year: self.year };
        let tab = self.spreadsheet.grid(sheet)?;
        let entered = enter(text, tab.cell(row, column), desk)?;
        check_validation(tab.cell(row, column), &entered.value, &tab.title, row, column)?;
        self.spreadsheet.put_entered(sheet, row, column, entered)
    }

    pub(super) fn text_of(&self, sheet: SheetId, row: u32, column: u32) -> Option<String> {
        let tab = self.spreadsheet.tab(sheet)?;
        match Book::new(self.spreadsheet).scalar(tab, row, column) {
            crate::grid::Scalar::Blank => None,
            // A checkbox arrives as TRUE or FALSE, a date as its serial number or as it is shown.
            scalar => {
                let cell = tab.cell(row, column);
                let as_shown = self.knobs.dates_in_events == EventDates::Shown && is_temporal(cell);
                let locale = if as_shown { &self.spreadsheet.locale } else { "en_US" };
                let plain = Cell::default();
                let cell = if as_shown { cell } else { &plain };
                Some(shown(&scalar, cell, &Locale::named(locale)))
            }
        }
    }
}

/// Every cell of a rectangle with its place, blank ones too.
pub(super) fn cells_of(tab: &Tab, area: Area) -> Vec<(u32, u32, Cell)> {
    (area.top..area.bottom.min(tab.row_count()))
        .flat_map(|row| {
            (area.left..area.right).map(move |column| (row, column, tab.cell(row, column).clone()))
        })
        .collect()
}
