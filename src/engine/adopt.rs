//! Base is lost, or of another time than the two sides: what is equal is adopted, what differs is held, nothing is deleted and
//! nothing made (protocol C18).
//!
//! | base | database | sheet | decision |
//! |--|--|--|--|
//! | lost | row | equal | agrees |
//! | lost | row | differs | the cells are held, with a note, until one of them changes |
//! | lost | row | - | stays in the table alone until it is changed there |
//! | lost | - | row | stays in the sheet alone: its key counts as dead |

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::engine::effect::Level;
use crate::engine::rows::Rows;
use crate::engine::writing::Writing;
use crate::model::base::BaseChange;
use crate::model::key::Key;

/// What may be concluded from rows that base does not know, while the whole table is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Knowledge {
    /// A row of the table alone is new, and so is one of the tab alone.
    #[default]
    Sound,
    /// The link stopped before the two sides had met: a key that stands in the tab alone may have been deleted meanwhile.
    Unfinished,
    /// What both sides last agreed on is lost: nothing can be said of either.
    Lost,
}

impl Knowledge {
    /// The same after a stop; `met` if every row of the table was known then.
    #[must_use]
    pub(super) fn stopped(self, met: bool) -> Self {
        match self {
            Self::Sound if !met => Self::Unfinished,
            known => known,
        }
    }
}

impl Engine {
    /// What people type from now on is theirs, whatever is found of the rows that stand there already.
    pub(super) fn begin_doubt(&mut self, index: usize, rows: &Rows<'_>) {
        let table = &mut self.tables[index];
        if table.knowledge != Knowledge::Sound && table.strangers.is_none() {
            let unknown = rows.keys().filter(|key| !table.base.contains_key(key));
            table.strangers = Some(unknown.map(Cow::into_owned).collect());
        }
    }

    /// All of the table has been compared with a whole read: from now on the link lives as any other.
    pub(super) fn end_doubt(&mut self, index: usize, rows: &Rows<'_>, writing: &mut Writing) {
        let table = &mut self.tables[index];
        if table.knowledge == Knowledge::Sound || !table.is_calm() || !table.copying.is_empty() {
            return;
        }
        let was = std::mem::take(&mut table.knowledge);
        let strangers = table.strangers.take().unwrap_or_default();
        let alone =
            |key: &Key| rows.contains(key) && !table.base.contains_key(key) && !table.dead.contains(key);
        let alone: Vec<Key> = strangers.into_iter().filter(alone).collect();
        let (equal, held, left) = (table.base.len(), table.held.len(), alone.len());
        for key in alone {
            table.dead.insert(key.clone());
            writing.agreed.push((index, BaseChange::Forget { key, dead: true }));
        }
        if was == Knowledge::Lost {
            let told = format!(
                "base was lost: {equal} rows stand on both sides, {held} cells of them differ and are held, {left} rows stand in \
                 the tab alone"
            );
            self.tell(Some(index), Level::Warning, told);
        }
    }
}
