//! When a cell was changed, and by whom: a read dates what it shows first, an event says it closer (design section 4, times).

use crate::engine::effect::{Background, Interval};
use crate::engine::input::{DbCell, Micros};
use crate::engine::table::Table;
use crate::model::grid::GridCell;
use crate::model::key::Key;

impl Table {
    /// When a change that this read shows was made: after the last believed read, before this answer.
    pub fn interval(&self, answered: Micros) -> Interval {
        (self.last_seen, answered)
    }

    /// Dates each cell that differs from base by the first read that shows it, and keeps who is said to have changed it.
    pub fn date_edits(&mut self, key: &Key, cells: &[GridCell], between: Interval, editor: Option<&str>) {
        let base = self.base.get(key);
        // At a first meeting what both sides show is nobody's change.
        let met = self.pending.get(key).filter(|_| base.is_none()).and_then(|pending| pending.state.row());
        let agreed = |column: usize| match (&base, met) {
            (Some(base), _) => base.columns.get(column).copied().flatten().map(|base| base.cell),
            (None, Some(row)) => row.get(column).map(|there| there.shown.digest()),
            (None, None) => None,
        };
        for (column, cell) in cells.iter().enumerate() {
            let digest = cell.value.digest();
            let same = agreed(column) == Some(digest);
            if same && self.edits.is_empty() && self.editors.is_empty() {
                // Nearly every cell of a sweep: nothing is looked up for it.
                continue;
            }
            let at = (key.clone(), column);
            if same {
                self.edits.remove(&at);
                self.editors.remove(&at);
                continue;
            }
            if self.edits.get(&at).is_none_or(|(seen, _)| *seen != digest) {
                self.edits.insert(at.clone(), (digest, between));
                self.editors.remove(&at);
            }
            if let Some(editor) = editor {
                self.editors.insert(at, editor.to_owned());
            }
        }
    }

    /// The row has another key now: its cells were changed when they were.
    pub fn rename_edits(&mut self, from: &Key, to: &Key) {
        for column in 0..self.width() {
            if let Some(edit) = self.edits.remove(&(from.clone(), column)) {
                self.edits.insert((to.clone(), column), edit);
            }
            if let Some(editor) = self.editors.remove(&(from.clone(), column)) {
                self.editors.insert((to.clone(), column), editor);
            }
        }
    }

    /// When this cell was changed, as far as is known.
    pub fn edited_at(&self, key: &Key, column: usize, cell: &GridCell, otherwise: Interval) -> Interval {
        if self.edits.is_empty() {
            return otherwise;
        }
        let dated = self.edits.get(&(key.clone(), column)).filter(|(seen, _)| *seen == cell.value.digest());
        dated.map_or(otherwise, |(_, between)| *between)
    }

    /// A cell of a changed row before the first of its changes, where that is known.
    pub fn was_before(&self, key: &Key, column: usize) -> Option<&DbCell> {
        self.pending.get(key)?.was.as_ref()?.get(column)
    }

    /// Who changed this cell, where an event told it.
    pub fn editor_of(&self, key: &Key, column: usize) -> Option<&str> {
        if self.editors.is_empty() {
            return None;
        }
        self.editors.get(&(key.clone(), column)).map(String::as_str)
    }

    /// Who made the two changes of a cell, and when, as far as is known.
    pub fn background(&self, key: &Key, column: usize, otherwise: Interval) -> Background {
        let at = (key.clone(), column);
        let edited = self.edits.get(&at).map_or(otherwise, |(_, between)| *between);
        let committed = self.pending.get(key).map(|pending| pending.commit);
        Background { editor: self.editors.get(&at).cloned(), edited: Some(edited.1), committed }
    }
}
