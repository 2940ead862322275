//! The second look: a value that a stale read would show too is believed when it stands there still.

use crate::engine::table::{Before, Table};
use crate::engine::writing::{EDIT_SLACK, Writing};
use crate::engine::{Engine, LOOK_AGAIN, micros};
use crate::model::digest::Digest;
use crate::model::key::Key;

impl Table {
    /// A cell shows what base holds: nothing of it is looked at again.
    pub(super) fn settle_cell(&mut self, key: &Key, column: usize) {
        if !self.looks.is_empty() || !self.forms.is_empty() {
            let at = (key.clone(), column);
            self.looks.remove(&at);
            self.forms.remove(&at);
        }
    }
}

impl Engine {
    /// A value that equals what stood there before base, and that no event announced since base moved on, is looked at twice:
    /// a read that Google serves stale shows just that (design 4a, rule 3). The script tells a time up to seconds late.
    pub(super) fn needs_second_look(
        &mut self,
        index: usize,
        key: &Key,
        at: usize,
        cell: Digest,
        row: u32,
        writing: &Writing,
    ) -> bool {
        let table = &mut self.tables[index];
        let look = (key.clone(), at);
        let wait = micros(table.plan.rules.second_look);
        let base = table.base.column(key, at).map(|base| base.cell);
        let befores = table.before.get(key).into_iter().flatten();
        let stood = |before: &&Before| before.cells.get(at).copied().flatten();
        let moved =
            befores.clone().filter(|before| stood(before) == Some(cell)).map(|before| before.at).max();
        // A value that base never held may be one that was typed over before it was read: for a while such a value is looked at
        // again too, but soon. What stood there before a restart is not remembered: it may be any value.
        let recent = befores.filter(|before| stood(before).is_some_and(|was| base != Some(was)));
        let recent = recent.map(|before| before.at).max().max(self.started);
        let (moved, rest) = if let Some(moved) = moved {
            (Some(moved), wait)
        } else {
            let rest = if recent == self.started { wait } else { wait.min(LOOK_AGAIN) };
            (recent.filter(|recent| writing.asked < recent + wait), rest)
        };
        let announced = writing.hint(index, row).and_then(|hint| hint.at);
        if moved.is_none_or(|moved| announced.is_some_and(|at| at >= moved + EDIT_SLACK)) {
            table.looks.remove(&look);
            return false;
        }
        match table.looks.get(&look) {
            Some((seen, since)) if *seen == cell => {
                let due = since + rest;
                if writing.asked >= due {
                    table.looks.remove(&look);
                    return false;
                }
                table.wakes.insert(due);
            }
            _ => {
                table.looks.insert(look, (cell, writing.asked));
                table.wakes.insert(writing.asked + rest);
            }
        }
        true
    }
}
