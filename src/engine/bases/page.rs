//! A few dozen packed rows one behind the other, in the order of their keys.

use crate::engine::bases::record::{self, Record};

/// What a page holds, unless a single row is larger.
const FULL: usize = 4096;

/// What a page that grows is given beyond its need: it is copied so much more seldom.
const SPARE: usize = 256;

/// The same in rows.
const SPARE_ROWS: usize = 8;

#[derive(Clone, Default)]
pub(super) struct Page {
    records: Vec<u8>,
    /// Where each row begins.
    starts: Vec<u16>,
}

impl Page {
    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// How many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.records.len()
    }

    pub(super) fn record(&self, at: usize) -> Record<'_> {
        Record::of(&self.records[self.start(at)..self.start(at + 1)])
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.len()).map(|at| self.record(at))
    }

    /// Where a row begins; past the last one, where that ends.
    fn start(&self, at: usize) -> usize {
        self.starts.get(at).map_or(self.records.len(), |start| usize::from(*start))
    }

    /// The place of a key's row, or where it would be.
    pub(super) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match record::key(&self.records[self.start(middle)..]).cmp(key) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    /// Replaces a row, or puts a new one to its place. False when the page has no room for it.
    pub(super) fn put(&mut self, place: Result<usize, usize>, record: &[u8]) -> bool {
        let (at, old) = match place {
            Ok(at) => (at, self.start(at)..self.start(at + 1)),
            Err(at) => (at, self.start(at)..self.start(at)),
        };
        let others = self.len() - usize::from(place.is_ok());
        let size = self.size() - old.len() + record.len();
        if others > 0 && size > FULL {
            return false;
        }
        if size > self.records.capacity() {
            self.records.reserve_exact(size - self.size() + SPARE);
        }
        if place.is_err() {
            if self.len() == self.starts.capacity() {
                self.starts.reserve_exact(SPARE_ROWS);
            }
            self.starts.insert(at, old.start as u16);
        }
        for start in &mut self.starts[at + 1..] {
            *start = (usize::from(*start) + record.len() - old.len()) as u16;
        }
        self.records.splice(old, record.iter().copied());
        true
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, at: usize) {
        let gone = self.start(at)..self.start(at + 1);
        self.starts.remove(at);
        for start in &mut self.starts[at..] {
            *start -= gone.len() as u16;
        }
        self.records.drain(gone);
        if self.records.capacity() > 2 * self.size() + SPARE {
            self.records.shrink_to(self.size() + SPARE);
        }
    }

    /// The rows from here on, as a page of their own. Neither keeps memory that it does not need.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let end = self.start(at);
        let records = self.records.split_off(end);
        let starts = self.starts.split_off(at).into_iter().map(|start| start - end as u16).collect();
        self.records.shrink_to_fit();
        self.starts.shrink_to_fit();
        Self { records, starts }
    }

    /// Is it time to join it with another one?
    pub(super) fn is_sparse(&self) -> bool {
        self.size() < FULL / 4
    }

    /// Would so many more bytes leave room to grow?
    pub(super) fn has_room(&self, size: usize) -> bool {
        self.size().saturating_add(size) <= FULL / 2
    }

    /// Takes the rows of the page behind this one.
    pub(super) fn append(&mut self, behind: &Self) {
        let size = self.size() as u16;
        self.records.reserve_exact(behind.size());
        self.records.extend_from_slice(&behind.records);
        self.starts.reserve_exact(behind.len());
        self.starts.extend(behind.starts.iter().map(|start| start + size));
    }
}
