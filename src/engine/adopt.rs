//! Base is lost, or of another time than the two sides: what is equal is adopted, what differs is held, nothing is deleted and
//! nothing made (protocol C18).
//!
//! | base | database | sheet | decision |
//! |--|--|--|--|
//! | lost | row | equal | agrees |
//! | lost | row | differs | the cells are held, with a note, until one of them changes |
//! | lost | row | - | stays in the table alone until it is changed there |
//! | lost | - | row | stays in the sheet alone: its key counts as dead |

use crate::engine::Engine;
use crate::engine::effect::Level;
use crate::engine::rows::Rows;
use crate::engine::writing::Writing;
use crate::model::base::BaseChange;
use crate::model::key::Key;

impl Engine {
    /// All of the table has been compared with a whole read: from now on the link lives as any other.
    pub(super) fn end_adoption(&mut self, index: usize, rows: &Rows<'_>, writing: &mut Writing) {
        let table = &mut self.tables[index];
        if !table.adopting || !table.is_calm() || !table.copying.is_empty() {
            return;
        }
        table.adopting = false;
        let alone = |key: &&Key| !table.base.contains_key(*key) && !table.dead.contains(*key);
        let alone: Vec<Key> = rows.keys().filter(alone).cloned().collect();
        let told = format!(
            "base was lost: {} rows are as they were on both sides, {} cells differ and are held, {} rows stand in the tab alone",
            table.base.len(),
            table.held.len(),
            alone.len(),
        );
        for key in alone {
            table.dead.insert(key.clone());
            writing.agreed.push((index, BaseChange::Forget { key, dead: true }));
        }
        self.tell(Some(index), Level::Warning, told);
    }
}
