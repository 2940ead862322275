//! Undo and redo: a person's last action taken back, or done again, whatever others did in between.

use super::ChangeType;
use super::act::{Events, Visit};
use super::reversal::{Outcome, reverse};
use crate::grid::{Dimension, Refusal};

impl Visit<'_> {
    pub(super) fn undo(&mut self) -> Events {
        let deed = self.spreadsheet.undo.undo(self.person);
        let deed = deed.ok_or_else(|| Refusal::new("There is nothing to undo."))?;
        let outcome = reverse(self.spreadsheet, &deed.after, &deed.before, self.knobs)?;
        Ok(self.told(&outcome))
    }

    pub(super) fn redo(&mut self) -> Events {
        let deed = self.spreadsheet.undo.redo(self.person);
        let deed = deed.ok_or_else(|| Refusal::new("There is nothing to redo."))?;
        let outcome = reverse(self.spreadsheet, &deed.before, &deed.after, self.knobs)?;
        Ok(self.told(&outcome))
    }

    /// Lines and tabs that come or go are told as such; for the rest it is not known what fires.
    fn told(&self, outcome: &Outcome) -> Vec<super::TriggerEvent> {
        let lines = outcome.lines.map(|(dimension, came)| match (dimension, came) {
            (Dimension::Rows, true) => ChangeType::InsertRow,
            (Dimension::Rows, false) => ChangeType::RemoveRow,
            (Dimension::Columns, true) => ChangeType::InsertColumn,
            (Dimension::Columns, false) => ChangeType::RemoveColumn,
        });
        let tabs =
            outcome.tabs.map(|came| if came { ChangeType::InsertGrid } else { ChangeType::RemoveGrid });
        let renamed = outcome.renamed.then_some(ChangeType::Other);
        match (tabs.or(lines).or(renamed), outcome.cells) {
            (Some(change), _) => vec![self.changed(change)],
            (None, Some((sheet, area))) => self.by_knob(self.knobs.undo_fires, sheet, area),
            (None, None) => Vec::new(),
        }
    }
}
