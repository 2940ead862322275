//! An edit beats a delete: a row that is gone in the table and was edited in the tab is made again, or its edits are listed.

use crate::engine::Engine;
use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Conflict, Outcome, Winner, WriteAim};
use crate::engine::input::{DbState, RowView};
use crate::engine::inspect::LOOKED_AT_AGAIN;
use crate::engine::pending::Pending;
use crate::engine::rows::edited;
use crate::engine::writing::Writing;
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::rule::FirstMatch;

impl Engine {
    /// The row is gone in the table: an edit of it beats the delete, if the stream told what the row was.
    pub(super) fn inspect_edits_of_gone(
        &mut self,
        index: usize,
        key: &Key,
        row: &RowView,
        base: &RowBase,
        writing: &mut Writing,
    ) {
        let changed = edited(&self.tables[index].plan, row, base);
        self.tables[index].looks.retain(|(looked, at), _| looked != key || changed.contains(at));
        let mut wait = false;
        for at in &changed {
            wait |= self.needs_second_look(index, key, *at, row.cells[*at].value.digest(), row.row, writing);
        }
        if wait {
            return writing.leave_open(index, row.row);
        }
        if !changed.is_empty() && self.tables[index].awaits_image(key) {
            return writing.judge(index, row.row, Outcome::Waiting, None, LOOKED_AT_AGAIN.into());
        }
        let Some(Pending { state: DbState::Gone(before), .. }) = self.tables[index].pending.get(key) else {
            return;
        };
        let before = before.clone();
        // What never agreed is nobody's edit, unless the first meeting was the sheet's to decide.
        let table = &self.tables[index];
        let sheet_decides =
            table.plan.rules.first_match == FirstMatch::Sheet && table.knowledge != Knowledge::Lost;
        let is_edit = |at: &usize| sheet_decides || base.columns.get(*at).is_some_and(Option::is_some);
        let edits: Vec<usize> = changed.iter().copied().filter(is_edit).collect();
        let (winner, rule) = match &before {
            None => (Winner::Nobody, "edit beats delete, but the deleted row is unknown"),
            Some(_) if edits.is_empty() => {
                (Winner::Nobody, "the row is deleted, and never agreed with this cell")
            }
            Some(_) => (Winner::Sheet, "edit beats delete"),
        };
        // Beside an edit, what never agreed is decided when the row is there again.
        for at in if winner == Winner::Sheet { &edits } else { &changed } {
            writing.conflicts.push(Conflict {
                table: index,
                key: Some(key.clone()),
                column: Some(*at),
                database: None,
                sheet: Some(row.cells[*at].value.clone()),
                winner,
                rule: rule.into(),
                background: self.tables[index].background(key, *at, (writing.asked, writing.answered)),
            });
        }
        match before {
            Some(before) if !edits.is_empty() => {
                let (key, base, cells) = (key.clone(), base.clone(), row.cells.clone());
                let aim = WriteAim::Recreate { key, base, before, cells, changed: edits };
                self.queue_write(index, aim, row.row, writing);
            }
            _ => {
                writing.given_up.insert((index, key.clone()));
            }
        }
    }
}
