//! The calls that the daemon makes to Google, by the emulator's own log.

use std::fmt;
use std::time::Duration;

use tokio::time::{interval, timeout};

use super::rig::Rig;
use crate::support::deadline::eventually;

/// The log from a moment on.
pub(crate) struct Calls<'a> {
    rig: &'a Rig,
    after: u64,
}

/// How many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

impl Count {
    pub(crate) fn all(self) -> usize {
        self.reads + self.writes
    }
}

impl fmt::Display for Count {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} reads and {} writes", self.reads, self.writes)
    }
}

impl<'a> Calls<'a> {
    pub(super) fn from_now(rig: &'a Rig) -> Self {
        let after = rig.google.calls().since(0).last().map_or(0, |call| call.number);
        Self { rig, after }
    }

    /// The spreadsheet's calls so far; tokens of the account are no concern here.
    pub(crate) fn count(&self) -> Count {
        let calls = self.rig.google.calls().since(self.after);
        let (writes, others): (Vec<_>, Vec<_>) =
            calls.iter().partition(|call| call.method.ends_with("batchUpdate"));
        let reads = others.iter().filter(|call| call.method.starts_with("spreadsheets.")).count();
        Count { reads, writes: writes.len() }
    }

    /// Waits for a call, but not longer than this.
    pub(crate) async fn next(&self, patience: Duration) {
        let called = async {
            let mut looks = interval(Duration::from_millis(2));
            while self.count().all() == 0 {
                looks.tick().await;
            }
        };
        // No call is an answer too.
        let _ = timeout(patience, called).await;
    }

    /// Waits until so many reads have been made.
    pub(crate) async fn reads(&self, number: usize, deadline: Duration) {
        eventually(deadline, &format!("{number} reads of the tab"), async || {
            (self.count().reads >= number).then_some(())
        })
        .await;
    }
}
