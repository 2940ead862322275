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

/// Tabs of a spreadsheet with more cells than this are read row by row where that will do: what a read brings more is waited for,
/// and so many cells are some seventy kilobytes.
pub const LARGE: usize = 1_000;

/// Rows that one edit of a person may announce and that are still looked at one by one.
const ANNOUNCED: u32 = 200;

/// So many changed places, and an eighth of those that were read, are kept apart from these.
const MOST_SINCE: usize = 4096;

/// The keys of one tab and their rows.
#[derive(Debug, Default)]
pub struct Places {
    /// What was read, in the order of the keys' digests: a wrong hint does no harm.
    read: Vec<(Digest, Place)>,
    /// What our batches changed since; `None` where a key stands in no row any more.
    since: BTreeMap<Digest, Option<Place>>,
    /// How many keys stand in the tab.
    len: usize,
    /// Below the last row with a key.
    below: u32,
    /// False until all of the tab was read, and after something moved rows in a way that was not followed.
    known: bool,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Row(u32),
    /// In more than one row.
    Several,
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
        self.forget();
        self.below = 1;
        self.read.reserve_exact(tab.rows.len());
        for at in 0..tab.rows.len() {
            if let Some(key) = tab.rows.key(at) {
                let row = tab.rows.number(at);
                self.read.push((digest(&key), Place::Row(row)));
                self.below = self.below.max(row + 1);
            }
        }
        self.read.sort_unstable_by_key(|(key, _)| *key);
        self.read.dedup_by(|other, first| {
            let same = other.0 == first.0;
            first.1 = if same { Place::Several } else { first.1 };
            same
        });
        self.len = self.read.len();
        self.known = true;
    }

    /// How many keys stand in the tab.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Below the last row with a key, where new rows go.
    pub(crate) fn below(&self) -> u32 {
        self.below
    }

    /// The one row of a key.
    pub(crate) fn row(&self, key: &Key) -> Option<u32> {
        match self.place(digest(key))? {
            Place::Row(row) => Some(row),
            Place::Several => None,
        }
    }

    /// Does the key stand in no row at all?
    fn lacks(&self, key: &Key) -> bool {
        self.place(digest(key)).is_none()
    }

    fn place(&self, key: Digest) -> Option<Place> {
        self.since.get(&key).copied().unwrap_or_else(|| {
            let at = self.read.binary_search_by_key(&key, |(key, _)| *key).ok()?;
            Some(self.read[at].1)
        })
    }

    fn put(&mut self, key: Digest, place: Option<Place>) {
        self.len = self.len + usize::from(place.is_some()) - usize::from(self.place(key).is_some());
        self.since.insert(key, place);
        // A tree takes several times the memory of a row.
        if self.since.len() > MOST_SINCE + self.read.len() / 8 {
            let since = std::mem::take(&mut self.since);
            self.read.retain(|(key, _)| !since.contains_key(key));
            self.read.reserve_exact(since.len());
            self.read.extend(since.into_iter().filter_map(|(key, place)| Some((key, place?))));
            // Two runs that are in order.
            self.read.sort_by_key(|(key, _)| *key);
        }
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        (self.read, self.since, self.len) = (Vec::new(), BTreeMap::new(), 0);
        self.known = false;
    }

    /// Follows a batch that landed: its inserts from top to bottom, then its deletes.
    pub(crate) fn follow<'a>(&mut self, ops: impl Iterator<Item = (Option<&'a Key>, &'a GridOp)>) {
        let mut gone = Vec::new();
        for (key, op) in ops {
            match op {
                GridOp::Insert { at, .. } if *at >= self.below => {
                    self.below = at + 1;
                    if let Some(key) = key {
                        self.put(digest(key), Some(Place::Row(*at)));
                    }
                }
                GridOp::Insert { .. } | GridOp::Restore { .. } => return self.forget(),
                GridOp::Write { row, .. } => {
                    if let Some(key) = key {
                        self.below = self.below.max(row + 1);
                        if self.lacks(key) {
                            self.put(digest(key), Some(Place::Row(*row)));
                        }
                    }
                }
                GridOp::Delete { row, .. } => {
                    gone.push(*row);
                    if let Some(key) = key {
                        self.put(digest(key), None);
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
        let read = self.read.iter_mut().map(|(_, place)| place);
        for place in read.chain(self.since.values_mut().flatten()) {
            if let Place::Row(row) = place {
                *row -= above(*row);
            }
        }
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
        let waits = self.wants_whole || self.waits_for_rows() || !self.claims.is_empty();
        if waits || !self.places.known || self.trouble.is_some() {
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

    /// Of a read of single rows only those count that are records', and whose key stands where it is known to stand. Gives the
    /// asked rows that do not: what becomes of a row that is no record yet depends on all of the tab.
    pub(crate) fn keep_placed(&self, tab: &mut TabView, asked: &[u32]) -> Vec<u32> {
        let is_placed = |key: &Key, row: u32| self.knows(key) && self.places.row(key) == Some(row);
        tab.rows.retain(|row| matches!(&row.key, KeySeen::Key(key) if is_placed(key, row.row)));
        asked.iter().copied().filter(|row| tab.rows.place(*row).is_none()).collect()
    }
}

fn digest(key: &Key) -> Digest {
    key.with_packed(Digest::of)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::bases::Bases;
    use crate::engine::input::{DbState, LinkPlan, RowView};
    use crate::engine::lifecycle::Life;
    use crate::engine::pending::Pending;
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
        places.take(&TabView { sheet: SheetId(0), columns: vec![0], rows, spelled: BTreeMap::new() });
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
    fn many_rows_of_our_own_are_followed_and_counted() {
        let mut known = places(&[1, 2, 1]);
        let insert = |at| GridOp::Insert { sheet: SheetId(0), at, cells: Vec::new() };
        let last = 3 + 3 * MOST_SINCE as i64;
        for id in 3..last {
            known.follow([(Some(&key(id)), &insert(id as u32 + 1))].into_iter());
        }
        assert_eq!(known.len(), last as usize - 1);
        assert!((3..last).all(|id| known.row(&key(id)) == Some(id as u32 + 1)));
        assert!(known.lacks(&key(last)) && !known.lacks(&key(1)) && known.row(&key(1)).is_none());
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
