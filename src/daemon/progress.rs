//! How far the stream may be forgotten: the position moves over a finished front only (design rule 4).
//!
//! Every relevant transaction gets a number. Each spreadsheet tells the first number that it still needs; what lies before all
//! of them is finished, and the position after the last finished one may be saved. Our own state's transactions alone never
//! cause a save (protocol C14).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::input::Seq;
use crate::model::position::Position;

/// One engine's place among the fronts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize);

/// Shared by the tail and the spreadsheets.
#[derive(Debug)]
pub struct Progress {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The last number that was given.
    last: Seq,
    /// Where the stream stands, whatever passed since the last number.
    now: Position,
    /// Number and the position after it, ascending; everything before is finished.
    ends: VecDeque<(Seq, Position)>,
    /// The position after the last finished number.
    finished: Position,
    /// Per engine, the first number that it still needs.
    fronts: Vec<Seq>,
    /// Something that is not ours passed since the last save.
    unsaved: bool,
}

impl Progress {
    /// A stream that starts at this position.
    pub fn new(start: Position, engines: usize) -> Self {
        let inner = Inner {
            last: 0,
            now: start.clone(),
            ends: VecDeque::new(),
            finished: start,
            fronts: vec![1; engines],
            unsaved: false,
        };
        Self { inner: Mutex::new(inner) }
    }

    /// The places of the engines.
    pub fn places(&self) -> Vec<Place> {
        (0..self.lock().fronts.len()).map(Place).collect()
    }

    /// A transaction that engines get: its number.
    pub fn relevant(&self, end: Position) -> Seq {
        let mut inner = self.lock();
        inner.last += 1;
        inner.unsaved = true;
        let last = inner.last;
        inner.now = end.clone();
        inner.ends.push_back((last, end));
        last
    }

    /// A transaction that no engine needs. `ours`: it touched nothing but our own state.
    pub fn passed(&self, end: Position, ours: bool) {
        let mut inner = self.lock();
        inner.now = end.clone();
        inner.unsaved |= !ours;
        match inner.ends.back_mut() {
            Some(last) => last.1 = end,
            None => inner.finished = end,
        }
    }

    /// An engine's front moved.
    pub fn report(&self, place: Place, front: Seq) {
        if let Some(slot) = self.lock().fronts.get_mut(place.0) {
            *slot = front;
        }
    }

    /// The position that may be saved in a transaction after which the engine at `place` needs `front` and nothing before it.
    pub fn finished(&self, place: Place, front: Seq) -> Position {
        let mut inner = self.lock();
        let others =
            inner.fronts.iter().enumerate().filter(|(at, _)| *at != place.0).map(|(_, front)| *front);
        let front = others.chain([front]).min().unwrap_or(front);
        inner.advance(front)
    }

    /// The position to save when nothing else did for a while, and `None` when only our own state moved.
    pub fn idle_save(&self) -> Option<Position> {
        let mut inner = self.lock();
        let front = inner.fronts.iter().copied().min().unwrap_or(Seq::MAX);
        let position = inner.advance(front);
        std::mem::take(&mut inner.unsaved).then_some(position)
    }

    /// Where the stream stands.
    pub fn now(&self) -> Position {
        self.lock().now.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn advance(&mut self, front: Seq) -> Position {
        while let Some((seq, _)) = self.ends.front()
            && *seq < front
            && let Some((_, end)) = self.ends.pop_front()
        {
            self.finished = end;
        }
        self.finished.clone()
    }
}
