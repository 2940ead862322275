//! Cells that wait for a person: each is decided once, and again only when one of its sides changes (protocol C8).
//!
//! What changed since the last commit goes into the store with the next one, so that a restart neither decides nor tells
//! anything a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::engine::input::{ColumnIndex, DbCell};
use crate::model::base::ColumnBase;
use crate::model::digest::Digest;
use crate::model::key::Key;

/// A cell that is refused or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The sheet's side when it was decided.
    pub cell: Digest,
    /// The database's side, where it was another one than base.
    pub value: Option<Digest>,
    /// Why, for the person who asks only after the decision: an earlier read may have seen the edit first.
    pub why: String,
}

/// The held cells of one link.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    cells: BTreeMap<(Key, ColumnIndex), Held>,
    changed: BTreeSet<(Key, ColumnIndex)>,
}

/// A cell that is held from now on, or no more.
pub type HoldChange = ((Key, ColumnIndex), Option<Held>);

impl Holds {
    /// As the store has them.
    pub fn restored(cells: BTreeMap<(Key, ColumnIndex), Held>) -> Self {
        Self { cells, changed: BTreeSet::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Why a cell is held, if it is.
    pub fn get(&self, at: &(Key, ColumnIndex)) -> Option<&Held> {
        self.cells.get(at)
    }

    /// Is any cell of the row held?
    pub(super) fn has_row(&self, key: &Key) -> bool {
        self.cells.range(of_row(key)).next().is_some()
    }

    /// Holds a cell.
    pub(super) fn hold(&mut self, at: (Key, ColumnIndex), held: Held) {
        if self.cells.get(&at) != Some(&held) {
            self.changed.insert(at.clone());
            self.cells.insert(at, held);
        }
    }

    /// Lets a cell go.
    pub(super) fn release(&mut self, at: &(Key, ColumnIndex)) -> Option<Held> {
        let held = self.cells.remove(at)?;
        self.changed.insert(at.clone());
        Some(held)
    }

    /// The row is gone.
    pub(super) fn forget(&mut self, key: &Key) {
        let gone: Vec<_> = self.cells.range(of_row(key)).map(|(at, _)| at.clone()).collect();
        for at in gone {
            self.release(&at);
        }
    }

    /// What the store does not know, which it is about to.
    pub(super) fn take_changes(&mut self) -> Vec<HoldChange> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|at| (at.clone(), self.cells.get(&at).cloned())).collect()
    }
}

fn of_row(key: &Key) -> RangeInclusive<(Key, ColumnIndex)> {
    (key.clone(), 0)..=(key.clone(), ColumnIndex::MAX)
}

impl Held {
    /// Is this still what was decided? While the stream says nothing of the row, the cell alone tells.
    pub(super) fn stands(&self, cell: Digest, base: Option<ColumnBase>, database: Option<&DbCell>) -> bool {
        self.cell == cell && database.is_none_or(|there| self.value == news(base, Some(there)))
    }
}

/// The database's side, where it is another one than base.
pub(super) fn news(base: Option<ColumnBase>, database: Option<&DbCell>) -> Option<Digest> {
    let value = database?.digest();
    base.is_none_or(|base| base.value != value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;
    use crate::model::value::Value;

    fn db(n: i64) -> DbCell {
        DbCell { value: Value::Int(n), shown: Cell::number(n as f64) }
    }

    #[test]
    fn a_held_cell_stands_until_one_of_its_sides_changes() {
        let base = Some(ColumnBase { value: db(1).digest(), cell: db(1).shown.digest() });
        let cell = Digest(7);
        // given a cell that was refused while the table was as base says
        let refused = Held { cell, value: None, why: String::new() };
        assert!(refused.stands(cell, base, None));
        assert!(refused.stands(cell, base, Some(&db(1))), "the same row, read again after a restart");
        assert!(!refused.stands(cell, base, Some(&db(2))));
        assert!(!refused.stands(Digest(8), base, None));
        // given one that is in conflict with a value of the table, when that goes back, then it is decided anew
        let frozen = Held { cell, value: news(base, Some(&db(2))), why: String::new() };
        assert!(frozen.stands(cell, base, Some(&db(2))) && frozen.stands(cell, base, None));
        assert!(!frozen.stands(cell, base, Some(&db(1))));
    }

    #[test]
    fn the_store_hears_of_each_change_once() {
        let at = (Key(vec![Value::Int(6)]), 2);
        let held = Held { cell: Digest(7), value: None, why: "too long".into() };
        let mut holds = Holds::default();
        holds.hold(at.clone(), held.clone());
        assert_eq!(holds.take_changes(), [(at.clone(), Some(held.clone()))]);
        holds.hold(at.clone(), held);
        assert_eq!(holds.take_changes(), [], "nothing new");
        holds.forget(&at.0);
        assert_eq!(holds.take_changes(), [(at, None)]);
    }
}
