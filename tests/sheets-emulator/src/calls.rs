//! The log of calls, with counters.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::grid::SpreadsheetId;

/// Calls that are kept in full; the counters know all.
const KEPT: usize = 10_000;

/// One call that was answered, or was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Counts from 1.
    pub number: u64,
    /// Milliseconds since 1970 by the emulator's clock, when it came in.
    pub at: i64,
    /// The method's name in the discovery document; empty for a path that is none.
    pub method: &'static str,
    /// HTTP method and path with the query.
    pub path: String,
    /// The spreadsheet it was about.
    pub spreadsheet: Option<SpreadsheetId>,
    /// The caller's address; empty if it had no valid token.
    pub user: String,
    /// Bytes of the request's body.
    pub bytes_in: usize,
    /// Bytes of the answer's body, before compression.
    pub bytes_out: usize,
    /// HTTP status; 0 if the answer was lost on purpose.
    pub status: u16,
    /// Milliseconds that the emulator itself needed.
    pub took_ms: u64,
}

/// Sums over calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Calls.
    pub calls: u64,
    /// Bytes of requests.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// Calls that were not answered with 2xx.
    pub failed: u64,
    /// Milliseconds that the emulator itself needed.
    pub took_ms: u64,
}

#[derive(Debug, Default)]
struct Log {
    last: VecDeque<Call>,
    number: u64,
    counts: BTreeMap<&'static str, Count>,
}

/// The log of one emulator.
#[derive(Debug, Default)]
pub struct Calls {
    log: Mutex<Log>,
}

impl Calls {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, mut call: Call) {
        let mut log = self.log();
        log.number += 1;
        call.number = log.number;
        let count = log.counts.entry(call.method).or_default();
        count.calls += 1;
        count.bytes_in += call.bytes_in as u64;
        count.bytes_out += call.bytes_out as u64;
        count.failed += u64::from(!(200..300).contains(&call.status));
        count.took_ms += call.took_ms;
        log.last.push_back(call);
        if log.last.len() > KEPT {
            log.last.pop_front();
        }
    }

    /// The calls after the given number, oldest first (as far as they are kept).
    pub fn since(&self, number: u64) -> Vec<Call> {
        self.log().last.iter().filter(|call| call.number > number).cloned().collect()
    }

    /// Sums by method.
    pub fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.log().counts.clone()
    }

    /// Calls of one method so far.
    pub fn count(&self, method: &str) -> u64 {
        self.log().counts.get(method).map_or(0, |count| count.calls)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.log() = Log::default();
    }
}
