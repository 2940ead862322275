//! What both sides of a link's rows last agreed on, in a tenth of the memory that a tree of rows takes.
//!
//! Rows lie packed in pages of about four kilobytes, in the order of their keys; a row is unpacked when it is asked for. Every
//! row of a large table is kept here, so a byte a row is a megabyte of the daemon.

mod page;
mod record;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use crate::engine::bases::page::Page;
use crate::engine::bases::record::Record;
use crate::engine::input::ColumnIndex;
use crate::model::base::{ColumnBase, RowBase};
use crate::model::key::Key;

/// The base of each row of a link, by key.
#[derive(Clone, Default)]
pub struct Bases {
    /// Each under a key that is none of an earlier page and not past its first one.
    pages: BTreeMap<Box<[u8]>, Page>,
    len: usize,
}

impl Bases {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when no row is known.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What a row agreed on.
    pub fn get(&self, key: &Key) -> Option<RowBase> {
        self.find(key, |record| record.row())
    }

    /// What one column of a row agreed on.
    pub fn column(&self, key: &Key, at: ColumnIndex) -> Option<ColumnBase> {
        self.find(key, |record| record.column(at))?
    }

    /// Is the row known?
    pub fn contains_key(&self, key: &Key) -> bool {
        self.find(key, |_| ()).is_some()
    }

    fn find<T>(&self, key: &Key, what: impl FnOnce(Record<'_>) -> T) -> Option<T> {
        key.with_packed(|key| {
            let (_, page) = self.pages.range::<[u8], _>(up_to(key)).next_back()?;
            page.find(key).ok().map(|at| what(page.record(at)))
        })
    }

    /// Sets what a row agreed on; gives what it was.
    pub fn insert(&mut self, key: &Key, row: &RowBase) -> Option<RowBase> {
        let key = key.packed();
        let record = record::pack(&key, row);
        loop {
            let Some((_, page)) = self.pages.range_mut::<[u8], _>(up_to(&key)).next_back() else {
                self.pages.insert(Box::default(), Page::default());
                continue;
            };
            let place = page.find(&key);
            let was = place.ok().map(|at| page.record(at).row());
            if page.put(place, &record) {
                self.len += usize::from(was.is_none());
                return was;
            }
            self.split(&key, place.unwrap_or_else(|at| at));
        }
    }

    /// Makes room in a page that is full. A row behind all others begins a page of its own, so that rows that come in order fill
    /// their pages.
    fn split(&mut self, key: &[u8], place: usize) {
        let last = self.pages.last_key_value().is_some_and(|(first, _)| **first <= *key);
        let Some((_, page)) = self.pages.range_mut::<[u8], _>(up_to(key)).next_back() else { return };
        let count = page.len();
        let at = match count {
            _ if place == count && (last || count == 1) => count,
            1 => 0,
            _ => count / 2,
        };
        let upper = page.split_off(at);
        let first = if upper.len() == 0 { key } else { upper.record(0).key };
        let first = Box::from(first);
        self.pages.insert(first, upper);
    }

    /// Forgets a row; gives what it had agreed on.
    pub fn remove(&mut self, key: &Key) -> Option<RowBase> {
        let key = key.packed();
        let (first, page) = self.pages.range_mut::<[u8], _>(up_to(&key)).next_back()?;
        let at = page.find(&key).ok()?;
        let was = page.record(at).row();
        page.remove(at);
        self.len -= 1;
        if page.is_sparse() {
            let first = first.clone();
            self.merge(&first);
        }
        Some(was)
    }

    /// An empty page goes; one that is nearly so shares one with a neighbour, if that has room.
    fn merge(&mut self, first: &[u8]) {
        if self.pages.get(first).is_some_and(|page| page.len() == 0) {
            self.pages.remove(first);
            return;
        }
        let before = self.pages.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(first))).next_back();
        let behind = self.pages.range::<[u8], _>((Bound::Excluded(first), Bound::Unbounded)).next();
        let [before, behind] = [before, behind].map(|page| page.map(|(first, _)| first.clone()));
        if !before.is_some_and(|before| self.join(&before, first))
            && let Some(behind) = behind
        {
            self.join(first, &behind);
        }
    }

    /// Makes one page of two that follow each other, if it can still grow.
    fn join(&mut self, lower: &[u8], upper: &[u8]) -> bool {
        let size = self.pages.get(upper).map_or(usize::MAX, Page::size);
        if self.pages.get(lower).is_none_or(|page| !page.has_room(size)) {
            return false;
        }
        if let Some(taken) = self.pages.remove(upper)
            && let Some(page) = self.pages.get_mut(lower)
        {
            page.append(&taken);
        }
        true
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.pages.values().flat_map(Page::records)
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.records().map(|record| Key::unpacked(record.key))
    }

    /// The rows in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, RowBase)> {
        self.records().map(|record| (Key::unpacked(record.key), record.row()))
    }

    /// The keys in their order; each page goes as soon as its keys are taken.
    pub fn into_keys(self) -> impl Iterator<Item = Key> {
        self.into_rows().map(|(key, _)| key)
    }

    /// The rows in the order of their keys; each page goes as soon as its rows are taken.
    pub fn into_rows(self) -> impl Iterator<Item = (Key, RowBase)> {
        let rows = |page: Page| {
            let rows = page.records().map(|record| (Key::unpacked(record.key), record.row()));
            rows.collect::<Vec<_>>()
        };
        self.pages.into_values().flat_map(rows)
    }
}

fn up_to(key: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Unbounded, Bound::Included(key))
}

impl FromIterator<(Key, RowBase)> for Bases {
    fn from_iter<I: IntoIterator<Item = (Key, RowBase)>>(rows: I) -> Self {
        let mut bases = Self::default();
        for (key, row) in rows {
            bases.insert(&key, &row);
        }
        bases
    }
}

impl fmt::Debug for Bases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows in {} pages", self.len, self.pages.len())
    }
}

/// A set of keys, packed in the same way.
#[derive(Clone, Debug, Default)]
pub struct Keys(Bases);

impl Keys {
    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// The keys in their order.
    pub fn into_keys(self) -> impl Iterator<Item = Key> {
        self.0.into_keys()
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key, RowBase::default())).collect())
    }
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.keys().eq(other.0.keys())
    }
}

impl Eq for Keys {}

#[cfg(test)]
mod tests;
