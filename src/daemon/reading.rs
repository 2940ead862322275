//! Reads of a whole table: a piece at a time, each as large as the server reads in a moment, and none while it is busy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mysql_async::Conn;

use crate::database;
use crate::database::load::{Bounds, busy};

/// What one piece should take: long beside the round trips, short for everybody who waits for the same pages.
const MOMENT: Duration = Duration::from_millis(250);

/// The size of the first piece.
const FIRST: usize = 1_000;

/// The smallest and the largest piece.
const LEAST: usize = 100;
const MOST: usize = 20_000;

/// How long to wait before a busy server is asked again.
pub const REST: Duration = Duration::from_secs(1);

/// The pace of one reader.
#[derive(Debug)]
pub struct Reading {
    bounds: Bounds,
    rows: AtomicUsize,
    resting: AtomicBool,
}

impl Reading {
    /// One that holds back above these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, rows: AtomicUsize::new(FIRST), resting: AtomicBool::new(false) }
    }

    /// Rows of the next piece.
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Tells how long a whole piece took.
    pub fn took(&self, time: Duration) {
        self.rows.store(next(self.rows(), time), Ordering::Relaxed);
    }

    /// May the next piece be read? The journal hears where that changes.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn may_go_on(&self, conn: &mut Conn, what: &str) -> database::error::Result<bool> {
        let busy = busy(conn, self.bounds).await?;
        let rested = self.resting.swap(busy.is_some(), Ordering::Relaxed);
        match busy {
            Some(busy) if !rested => tracing::warn!("{what} waits: {busy}"),
            None if rested => tracing::info!("{what} goes on"),
            Some(_) | None => {}
        }
        Ok(busy.is_none())
    }
}

/// At most twice as many, at least half.
fn next(rows: usize, took: Duration) -> usize {
    let factor = (MOMENT.as_secs_f64() / took.as_secs_f64().max(1e-6)).clamp(0.5, 2.0);
    ((rows as f64 * factor) as usize).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_grows_to_what_takes_a_moment_and_shrinks_at_once() {
        let settled = |per_row: Duration| {
            (0..20).fold(FIRST, |rows, _| next(rows, per_row * u32::try_from(rows).unwrap_or(u32::MAX)))
        };
        assert_eq!(settled(Duration::from_micros(1)), MOST);
        assert_eq!(settled(Duration::from_micros(250)), 1_000);
        assert_eq!(settled(Duration::from_secs(1)), LEAST);
        assert_eq!(next(8_000, MOMENT * 20), 4_000);
    }
}
