//! The emulator's clock: real time by default, settable by tests.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// A clock that a test can move or stop. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Clock {
    /// Added to the real time.
    offset: AtomicI64,
    /// Where the clock stands still; `i64::MIN` while it runs.
    frozen: FrozenAt,
}

#[derive(Debug)]
struct FrozenAt(AtomicI64);

impl Default for FrozenAt {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Clock {
    /// Now, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        match self.frozen.0.load(Ordering::SeqCst) {
            i64::MIN => Timestamp::now().as_millisecond() + self.offset.load(Ordering::SeqCst),
            frozen => frozen,
        }
    }

    /// Now as `2026-11-23T12:00:00.000Z`.
    pub fn now_text(&self) -> String {
        Self::text(self.now())
    }

    /// A time as `2026-11-23T12:00:00.000Z`.
    pub fn text(milliseconds: i64) -> String {
        Timestamp::from_millisecond(milliseconds).map(|at| format!("{at:.3}")).unwrap_or_default()
    }

    /// Moves the clock on (or back).
    pub fn advance(&self, milliseconds: i64) {
        if self.frozen.0.load(Ordering::SeqCst) == i64::MIN {
            self.offset.fetch_add(milliseconds, Ordering::SeqCst);
        } else {
            self.frozen.0.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    /// Stops the clock at a time.
    pub fn freeze(&self, at: i64) {
        self.frozen.0.store(at, Ordering::SeqCst);
    }

    /// Lets a stopped clock run on from where it stands.
    pub fn run(&self) {
        let stood = self.frozen.0.swap(i64::MIN, Ordering::SeqCst);
        if stood != i64::MIN {
            self.offset.store(stood - Timestamp::now().as_millisecond(), Ordering::SeqCst);
        }
    }
}
