//! Where the keys of a tab stood when all of it was last read: hints, so that a flush of a large tab reads only the rows that it
//! is about (design rule 7).
//!
//! A hint is believed only when the key stands there in the read, and in the receipt. Whatever else such a read shows is nobody's
//! evidence: that a row is missing, that a key stands twice, that a row is new are told by reads of the whole tab alone.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::engine::input::{KeySeen, TabView};
use crate::engine::table::Table;
use crate::model::digest::Digest;
use crate::model::grid::GridOp;
use crate::model::key::Key;

/// Tabs of a spreadsheet with more cells than this are read row by row where that will do.
pub const LARGE: usize = 20_000;

/// Rows that one edit of a person may announce and that are still looked at one by one.
const ANNOUNCED: u32 = 200;

/// The keys of one tab and their rows.
#[derive(Debug, Default)]
pub struct Places {
    /// By the key's digest: a wrong hint does no harm. `None` where the key stands in several rows.
    rows: BTreeMap<Digest, Option<u32>>,
    /// Below the last row with a key.
    below: u32,
    /// False until all of the tab was read, and after something moved rows in a way that was not followed.
    known: bool,
}

/// What a read has to show of one tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Whole,
    /// The header and these rows, ascending.
    Rows(Vec<u32>),
}

impl Places {
    /// Takes all keys of a read of the whole tab.
    pub(crate) fn take(&mut self, tab: &TabView) {
        self.rows.clear();
        self.below = 1;
        for row in &tab.rows {
            if let KeySeen::Key(key) = &row.key {
                self.rows.entry(digest(key)).and_modify(|place| *place = None).or_insert(Some(row.row));
                self.below = self.below.max(row.row + 1);
            }
        }
        self.known = true;
    }

    /// How many keys stand in the tab.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Below the last row with a key, where new rows go.
    pub(crate) fn below(&self) -> u32 {
        self.below
    }

    /// The one row of a key.
    pub(crate) fn row(&self, key: &Key) -> Option<u32> {
        self.rows.get(&digest(key)).copied().flatten()
    }

    /// Does the key stand in no row at all?
    fn lacks(&self, key: &Key) -> bool {
        !self.rows.contains_key(&digest(key))
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
        self.known = false;
    }

    /// Follows a batch that landed: its inserts from top to bottom, then its deletes.
    pub(crate) fn follow<'a>(&mut self, ops: impl Iterator<Item = (Option<&'a Key>, &'a GridOp)>) {
        let mut gone = Vec::new();
        for (key, op) in ops {
            match op {
                GridOp::Insert { at, .. } if *at >= self.below => {
                    self.below = at + 1;
                    self.rows.extend(key.map(|key| (digest(key), Some(*at))));
                }
                GridOp::Insert { .. } | GridOp::Restore { .. } => return self.forget(),
                GridOp::Write { row, .. } => {
                    if let Some(key) = key {
                        self.below = self.below.max(row + 1);
                        self.rows.entry(digest(key)).or_insert(Some(*row));
                    }
                }
                GridOp::Delete { row, .. } => {
                    gone.push(*row);
                    if let Some(key) = key {
                        self.rows.remove(&digest(key));
                    }
                }
                GridOp::Claim { .. } | GridOp::Unclaim { .. } => {}
            }
        }
        if gone.is_empty() {
            return;
        }
        gone.sort_unstable();
        let above = |row: u32| gone.partition_point(|gone| *gone < row) as u32;
        self.rows.values_mut().flatten().for_each(|row| *row -= above(*row));
        self.below -= above(self.below);
    }
}

impl Table {
    /// Can what waits on this key be decided on its own row, or without any?
    pub(crate) fn is_reachable(&self, key: &Key) -> bool {
        let Some(pending) = self.pending.get(key) else { return true };
        let plain =
            pending.renamed_from.is_none() && !self.restore.contains(key) && self.owed_key(key).is_none();
        let placed = self.places.row(key).is_some()
            || (self.places.lacks(key) && !self.base.contains_key(key) && pending.state.row().is_some());
        self.places.known && plain && placed
    }

    /// The keys that wait for the sheet, from the one whose turn it is.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = &Key> {
        let from = self.turn.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let (later, earlier) = (self.pending.range((from, Bound::Unbounded)), self.turn.as_ref());
        let earlier = earlier.into_iter().flat_map(|turn| self.pending.range(..turn));
        later.chain(earlier).map(|(key, _)| key)
    }

    /// Does a read of single rows show all that this key needs? A key that stands nowhere needs nothing.
    pub(crate) fn is_shown(&self, key: &Key, stands: bool) -> bool {
        self.is_reachable(key) && (stands || self.places.row(key).is_none())
    }

    /// The rows of the keys that wait, as far as one batch goes, and of the edits that were announced. `None` where only a
    /// read of the whole tab will do.
    pub(crate) fn rows_to_read(&self, most: usize, announced: &[(u32, u32)]) -> Option<Vec<u32>> {
        if self.wants_whole || !self.places.known || !self.claims.is_empty() || self.trouble.is_some() {
            return None;
        }
        let waiting = self.in_turn().take(most).filter_map(|key| self.places.row(key));
        let mut rows: Vec<u32> = waiting.collect();
        for (first, last) in announced {
            if last - first >= ANNOUNCED {
                return None;
            }
            rows.extend(*first..=*last);
        }
        rows.sort_unstable();
        rows.dedup();
        Some(rows)
    }

    /// Of a read of single rows only those count whose key stands where it is known to stand. Gives the asked rows that do not.
    pub(crate) fn keep_placed(&self, tab: &mut TabView, asked: &[u32]) -> Vec<u32> {
        tab.rows.retain(|row| matches!(&row.key, KeySeen::Key(key) if self.places.row(key) == Some(row.row)));
        let stands = |row: &u32| tab.rows.binary_search_by_key(row, |view| view.row).is_ok();
        asked.iter().copied().filter(|row| !stands(row)).collect()
    }
}

fn digest(key: &Key) -> Digest {
    Digest::of(key.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::bases::Bases;
    use crate::engine::input::{DbState, LinkPlan, RowView};
    use crate::engine::lifecycle::Life;
    use crate::engine::table::Pending;
    use crate::model::link::SheetId;
    use crate::model::value::Value;

    fn key(id: i64) -> Key {
        Key(vec![Value::Int(id)])
    }

    fn places(keys: &[i64]) -> Places {
        let row = |(at, id): (usize, &i64)| RowView {
            row: at as u32 + 1,
            key: KeySeen::Key(key(*id)),
            cells: Vec::new(),
            claims: Vec::new(),
        };
        let rows = keys.iter().enumerate().map(row).collect();
        let mut places = Places::default();
        places.take(&TabView { sheet: SheetId(0), columns: vec![0], rows });
        places
    }

    #[test]
    fn a_key_that_stands_twice_has_no_place_and_is_not_missing() {
        let places = places(&[7, 8, 7]);
        assert_eq!((places.row(&key(7)), places.row(&key(8))), (None, Some(2)));
        assert!(!places.lacks(&key(7)) && places.lacks(&key(9)));
        assert_eq!(places.below(), 4);
    }

    #[test]
    fn the_key_whose_turn_it_is_comes_first_and_the_others_follow_round() {
        let mut table = Table::new(LinkPlan::of_keys(), Bases::default(), BTreeSet::new(), Life::Live);
        for id in [1, 2, 3, 4] {
            let pending =
                Pending { state: DbState::Gone(None), first: 0, commit: 0, renamed_from: None, was: None };
            table.pending.insert(key(id), pending);
        }
        let turns = |table: &Table| table.in_turn().cloned().collect::<Vec<_>>();
        assert_eq!(turns(&table), [1, 2, 3, 4].map(key));
        table.turn = Some(key(3));
        assert_eq!(turns(&table), [3, 4, 1, 2].map(key));
        // also when it went meanwhile
        table.pending.remove(&key(3));
        assert_eq!(turns(&table), [4, 1, 2].map(key));
    }

    #[test]
    fn a_batch_of_ours_is_followed_and_what_moves_rows_otherwise_is_not() {
        // given four rows
        let mut known = places(&[1, 2, 3, 4]);
        let (sheet, cells) = (SheetId(0), Vec::new());
        let insert = |at| GridOp::Insert { sheet, at, cells: cells.clone() };
        let delete = |row| GridOp::Delete { sheet, row, slot: 0 };
        // when a batch makes a fifth and deletes the third and the first
        let (five, three, one) = (key(5), key(3), key(1));
        let ops = [(Some(&five), insert(5)), (Some(&three), delete(3)), (Some(&one), delete(1))];
        known.follow(ops.iter().map(|(key, op)| (*key, op)));
        // then the others have moved up
        let rows = [1, 2, 3, 4, 5].map(|id| known.row(&key(id)));
        assert_eq!(rows, [None, Some(1), None, Some(2), Some(3)]);
        assert_eq!(known.below(), 4);
        // and a row that comes back in the middle ends the knowledge
        known.follow([(None, &insert(2))].into_iter());
        assert!(!known.known && known.row(&key(5)).is_none());
    }
}
