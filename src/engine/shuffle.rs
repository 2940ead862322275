//! The accident that no count shows: somebody sorted a part of the columns, and every record has another one's values.
//!
//! Keys and values are the same sets as before, and are paired otherwise (protocol C17). A column tells it alone: at least three
//! of its cells show another row's old value, three different ones, and hardly any cell of it changed to something new. So
//! flags that were turned over, or words of which there are two, trip nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::rows::{Found, Rows};
use crate::engine::table::Table;
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::pause::{Brake, Pause};

/// Fewer cells that changed places are somebody's edits.
const LEAST: usize = 3;

/// Of so many cells that changed, one may be an edit that came with the sort.
const EDITS: usize = 10;

/// Cells of one column that differ from base.
#[derive(Default)]
struct Changed {
    /// What each was, and how often.
    was: BTreeMap<Digest, usize>,
    /// What each is now.
    is: Vec<Digest>,
}

impl Changed {
    /// Do they show each other's old values?
    fn is_shuffled(&self) -> bool {
        let mut was = self.was.clone();
        let mut moved = BTreeSet::new();
        let foreign = self.is.iter().filter(|cell| match was.get_mut(cell).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                moved.insert(**cell);
                false
            }
            None => true,
        });
        let foreign = foreign.count();
        moved.len() >= LEAST && foreign * EDITS <= self.is.len()
    }
}

/// What a read shows of rows that have each other's values.
pub(super) struct Shuffle {
    /// Why nothing is written.
    pub(super) pause: Pause,
    /// The rows.
    pub(super) keys: BTreeSet<Key>,
}

/// Looks for it. Rows of which an operator said that they are right do not count.
pub(super) fn shuffle(table: &Table, rows: &Rows<'_>) -> Option<Shuffle> {
    let mut columns: BTreeMap<usize, (Changed, BTreeSet<Key>)> = BTreeMap::new();
    for key in rows.keys().filter(|key| !table.meant.contains(&**key)) {
        let Some(base) = table.base.get(&key) else { continue };
        let Found::Row(row) = rows.find(&key, Some(&base)) else { continue };
        let cells = row.cells.iter().zip(&base.columns).zip(&table.plan.columns).enumerate();
        for (at, ((cell, base), plan)) in cells {
            let is = cell.value.digest();
            let Some(was) = base.map(|base| base.cell).filter(|was| !plan.key && *was != is) else {
                continue;
            };
            let (changed, keys) = columns.entry(at).or_default();
            *changed.was.entry(was).or_default() += 1;
            changed.is.push(is);
            keys.insert(Key::clone(&key));
        }
    }
    columns.retain(|_, (changed, _)| changed.is_shuffled());
    let header = |at: &usize| table.plan.columns[*at].rule.header.as_str();
    let headers: Vec<&str> = columns.keys().map(header).collect();
    let keys: BTreeSet<Key> = columns.into_values().flat_map(|(_, keys)| keys).collect();
    (!headers.is_empty()).then(|| {
        let reason = format!(
            "in {} rows the values of {} stand beside other keys than before, as after a sort of a part of the columns: \
             undo it, or sort all columns together",
            keys.len(),
            headers.join(", "),
        );
        Shuffle { pause: Pause::new(Brake::PartialSort, reason), keys }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(cells: &[(u64, u64)]) -> Changed {
        let mut changed = Changed::default();
        for (was, is) in cells {
            *changed.was.entry(Digest(*was)).or_default() += 1;
            changed.is.push(Digest(*is));
        }
        changed
    }

    #[test]
    fn three_values_that_changed_places_are_a_sort_and_two_are_not() {
        assert!(changed(&[(1, 2), (2, 3), (3, 1)]).is_shuffled());
        assert!(!changed(&[(1, 2), (2, 1)]).is_shuffled());
        assert!(!changed(&[(1, 2), (2, 1), (1, 2), (2, 1)]).is_shuffled(), "flags that were turned over");
        assert!(!changed(&[(1, 4), (2, 5), (3, 6)]).is_shuffled(), "edits");
        assert!(!changed(&[(1, 2), (1, 2), (1, 2)]).is_shuffled(), "a value that was filled down");
    }

    #[test]
    fn an_edit_beside_the_sort_does_not_hide_it() {
        let mut cells: Vec<(u64, u64)> = (0..12).map(|at| (at, (at + 1) % 12)).collect();
        cells.push((50, 60));
        assert!(changed(&cells).is_shuffled());
        cells.truncate(4);
        cells.push((50, 60));
        assert!(!changed(&cells).is_shuffled(), "too little of it is a sort");
    }
}
