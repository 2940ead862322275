//! The rows of a tab as the engine looks at them: of a small tab as they are, of a large one packed as they were read, so that a
//! million rows are no tree. A packed row is made when it is looked at; its number, its key and its claims are told without that.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::input::{KeySeen, RowView};
use crate::engine::places::LARGE;
use crate::model::grid::{GridCell, GridRows};
use crate::model::key::Key;
use crate::model::mark::ClaimId;
use crate::model::pile::Pile;

/// Rows below the header, in order, blank ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowViews {
    /// As they are.
    Plain(Vec<RowView>),
    /// Packed.
    Packed(Packed),
}

/// The rows of one read, shared with whoever else looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    rows: Arc<GridRows>,
    /// How many of them are not below the header.
    skip: usize,
    /// Where each of the link's columns stands.
    columns: Vec<u32>,
    /// What the key cells show: nothing, the bytes of a key, or [`UNREADABLE`].
    keys: Pile,
}

/// No key begins so.
const UNREADABLE: &[u8] = &[0xff];

impl RowViews {
    /// The rows of a read, cut to the link's columns. `key` reads the key out of these.
    pub fn of(rows: &Arc<GridRows>, columns: &[u32], key: impl Fn(&[GridCell]) -> KeySeen) -> Self {
        let packed = Self::packed(rows, columns, key);
        if packed.len() * columns.len() < LARGE {
            packed.iter().map(Cow::into_owned).collect()
        } else {
            packed
        }
    }

    /// The same, packed however few they are.
    pub fn packed(rows: &Arc<GridRows>, columns: &[u32], key: impl Fn(&[GridCell]) -> KeySeen) -> Self {
        let skip = usize::from(!rows.is_empty() && rows.number(0) == 0);
        let (rows, columns) = (Arc::clone(rows), columns.to_vec());
        let mut packed = Packed { rows, skip, columns, keys: Pile::default() };
        for at in 0..packed.len() {
            let seen = key(&packed.cells(at));
            packed.keys.push(|bytes| match seen {
                KeySeen::Blank => {}
                KeySeen::Key(key) => bytes.extend(key.packed()),
                KeySeen::Unreadable => bytes.extend(UNREADABLE),
            });
        }
        Self::Packed(packed)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(rows) => rows.len(),
            Self::Packed(packed) => packed.len(),
        }
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at this place.
    pub fn get(&self, at: usize) -> Cow<'_, RowView> {
        match self {
            Self::Plain(rows) => Cow::Borrowed(&rows[at]),
            Self::Packed(packed) => Cow::Owned(RowView {
                row: self.number(at),
                key: packed.key(at),
                cells: packed.cells(at),
                claims: self.claims(at).to_vec(),
            }),
        }
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, RowView>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The number of the row at this place.
    pub fn number(&self, at: usize) -> u32 {
        match self {
            Self::Plain(rows) => rows[at].row,
            Self::Packed(packed) => packed.rows.number(at + packed.skip),
        }
    }

    /// Its key, if it shows one.
    pub fn key(&self, at: usize) -> Option<Cow<'_, Key>> {
        match self {
            Self::Plain(rows) => match &rows[at].key {
                KeySeen::Key(key) => Some(Cow::Borrowed(key)),
                KeySeen::Blank | KeySeen::Unreadable => None,
            },
            Self::Packed(packed) => match packed.key(at) {
                KeySeen::Key(key) => Some(Cow::Owned(key)),
                KeySeen::Blank | KeySeen::Unreadable => None,
            },
        }
    }

    /// The claims on it.
    pub fn claims(&self, at: usize) -> &[ClaimId] {
        match self {
            Self::Plain(rows) => &rows[at].claims,
            Self::Packed(packed) => packed.rows.claims(self.number(at)),
        }
    }

    /// The rows with claims, in their order.
    pub fn claimed(&self) -> impl Iterator<Item = Cow<'_, RowView>> {
        let (plain, packed) = match self {
            Self::Plain(rows) => (Some(rows.iter().filter(|row| !row.claims.is_empty())), None),
            Self::Packed(packed) => (None, Some(packed.claimed())),
        };
        let packed = packed.into_iter().flatten().map(|at| self.get(at));
        plain.into_iter().flatten().map(Cow::Borrowed).chain(packed)
    }

    /// The place of the row of this number.
    pub fn place(&self, row: u32) -> Option<usize> {
        match self {
            Self::Plain(rows) => rows.binary_search_by_key(&row, |view| view.row).ok(),
            Self::Packed(packed) => packed.rows.place(row)?.checked_sub(packed.skip),
        }
    }

    /// Leaves out what is not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&RowView) -> bool) {
        match self {
            Self::Plain(rows) => rows.retain(keep),
            Self::Packed(_) => {
                let kept: Vec<RowView> = self.iter().filter(|row| keep(row)).map(Cow::into_owned).collect();
                *self = Self::Plain(kept);
            }
        }
    }

    /// Rows count under other keys than they show, where `other` knows one. Gives these rows, each with the key that it shows.
    pub fn rekey(&mut self, other: impl Fn(&Key) -> Option<Key>) -> Vec<(u32, Key)> {
        let mut shown = Vec::new();
        match self {
            Self::Plain(rows) => {
                for row in rows {
                    if let KeySeen::Key(key) = &mut row.key
                        && let Some(other) = other(key)
                    {
                        shown.push((row.row, std::mem::replace(key, other)));
                    }
                }
            }
            Self::Packed(packed) => {
                let mut keys = Pile::default();
                for at in 0..packed.len() {
                    let seen = packed.key(at);
                    let changed = if let KeySeen::Key(key) = &seen { other(key) } else { None };
                    let bytes = packed.keys.get(at);
                    keys.push(|into| match &changed {
                        Some(key) => into.extend(key.packed()),
                        None => into.extend(bytes),
                    });
                    if let (Some(_), KeySeen::Key(key)) = (changed, seen) {
                        shown.push((packed.rows.number(at + packed.skip), key));
                    }
                }
                packed.keys = keys;
            }
        }
        shown
    }

    /// The places of the rows that show a key, in the order of the keys; of equal ones in the rows' own.
    pub(crate) fn by_key(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.len() as u32).filter(|at| self.is_keyed(*at as usize)).collect();
        let order =
            |one: &u32, other: &u32| self.compare(*one as usize, *other as usize).then(one.cmp(other));
        places.sort_unstable_by(order);
        places.shrink_to_fit();
        places
    }

    fn is_keyed(&self, at: usize) -> bool {
        match self {
            Self::Plain(rows) => matches!(rows[at].key, KeySeen::Key(_)),
            Self::Packed(packed) => !matches!(packed.keys.get(at), [] | UNREADABLE),
        }
    }

    /// Which key comes first?
    pub(crate) fn compare(&self, one: usize, other: usize) -> Ordering {
        match self {
            Self::Plain(rows) => match (&rows[one].key, &rows[other].key) {
                (KeySeen::Key(one), KeySeen::Key(other)) => one.cmp(other),
                _ => Ordering::Equal,
            },
            Self::Packed(packed) => packed.keys.get(one).cmp(packed.keys.get(other)),
        }
    }

    /// Where in these places, which are in the order of the keys, the rows of one key are.
    pub(crate) fn find(&self, places: &[u32], key: &Key) -> Range<usize> {
        let range = |compare: &dyn Fn(usize) -> Ordering| {
            let first = places.partition_point(|at| compare(*at as usize).is_lt());
            let rows = places[first..].iter().take_while(|at| compare(**at as usize).is_eq());
            first..first + rows.count()
        };
        match self {
            Self::Plain(rows) => range(&|at| match &rows[at].key {
                KeySeen::Key(other) => other.cmp(key),
                KeySeen::Blank | KeySeen::Unreadable => Ordering::Less,
            }),
            Self::Packed(packed) => key.with_packed(|key| range(&|at| packed.keys.get(at).cmp(key))),
        }
    }
}

impl Packed {
    fn len(&self) -> usize {
        self.rows.len() - self.skip
    }

    fn cells(&self, at: usize) -> Vec<GridCell> {
        let mut cells = self.rows.cells(at + self.skip);
        let take = |column: &u32| match cells.get_mut(*column as usize) {
            Some(cell) => std::mem::replace(cell, GridCell::BLANK),
            None => GridCell::BLANK,
        };
        self.columns.iter().map(take).collect()
    }

    fn key(&self, at: usize) -> KeySeen {
        match self.keys.get(at) {
            [] => KeySeen::Blank,
            UNREADABLE => KeySeen::Unreadable,
            key => KeySeen::Key(Key::unpacked(key)),
        }
    }

    /// The places of the rows with claims.
    fn claimed(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.rows.claimed().filter_map(|row| self.rows.place(row));
        places.filter_map(|place| place.checked_sub(self.skip))
    }
}

impl Default for RowViews {
    fn default() -> Self {
        Self::Plain(Vec::new())
    }
}

impl FromIterator<RowView> for RowViews {
    fn from_iter<I: IntoIterator<Item = RowView>>(rows: I) -> Self {
        Self::Plain(rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::cell::Cell;
    use crate::model::value::Value;

    fn seen(cells: &[GridCell]) -> KeySeen {
        match &cells[0].value {
            Cell::Number(x) => KeySeen::Key(Key(vec![Value::Int(x.get() as i64)])),
            Cell::Blank => KeySeen::Blank,
            _ => KeySeen::Unreadable,
        }
    }

    /// A header, and below it rows of which some have a key, two at times the same; some of these were not read.
    fn read() -> impl Strategy<Value = GridRows> {
        let key = prop_oneof![
            6 => (0..9_i32).prop_map(|id| Cell::number(id.into())),
            1 => Just(Cell::Blank),
            1 => Just(Cell::Text("?".into())),
        ];
        let row = (1..3_u32, key, "[ab]{0,2}", 0..9_u64);
        prop::collection::vec(row, 0..30).prop_map(|rows| {
            let mut read = GridRows::default();
            let mut at = 0;
            read.push(at, &[GridCell::plain(Cell::Text("id".into()))], Vec::new());
            for (step, key, text, claim) in rows {
                at += step;
                // The link's columns stand the other way round, one of the people's own between them.
                let cells = [Cell::Text(text), Cell::Bool(true), key].map(GridCell::plain);
                read.push(at, &cells, (claim > 6).then_some(ClaimId(claim)).into_iter().collect());
            }
            read
        })
    }

    proptest! {
        #[test]
        fn packed_rows_are_what_they_would_be_as_they_are(read in read(), asked in prop::collection::vec(0..40_u32, 9)) {
            let packed = RowViews::packed(&Arc::new(read), &[2, 0], seen);
            let plain: RowViews = packed.iter().map(Cow::into_owned).collect();
            prop_assert_eq!(packed.len(), plain.len());
            for at in 0..plain.len() {
                prop_assert_eq!(packed.get(at), plain.get(at));
                prop_assert_eq!(packed.key(at), plain.key(at));
                prop_assert_eq!(packed.number(at), plain.number(at));
                prop_assert_eq!(packed.claims(at), plain.claims(at));
            }
            prop_assert!(packed.claimed().eq(plain.claimed()));
            let places = plain.by_key();
            prop_assert_eq!(&packed.by_key(), &places);
            prop_assert!(places.is_sorted_by_key(|at| (plain.key(*at as usize), *at)));
            for id in -1..10 {
                let key = Key(vec![Value::Int(id)]);
                let found = plain.find(&places, &key);
                prop_assert_eq!(packed.find(&places, &key), found.clone());
                let all: Vec<u32> = (0..).take(plain.len()).filter(|at| plain.key(*at as usize).as_deref() == Some(&key)).collect();
                prop_assert_eq!(&places[found], all);
            }
            for row in &asked {
                prop_assert_eq!(packed.place(*row), plain.iter().position(|view| view.row == *row));
                prop_assert_eq!(packed.place(*row), plain.place(*row));
            }
            let (mut fewer, mut fewer_plain) = (packed, plain);
            for rows in [&mut fewer, &mut fewer_plain] {
                rows.retain(|row| asked.contains(&row.row));
            }
            prop_assert_eq!(fewer, fewer_plain);
        }
    }
}
