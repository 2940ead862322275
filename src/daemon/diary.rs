//! What the tab `Log` of a spreadsheet is told: the last changes, kept until they are written, at the background's pace.
//!
//! It is a window, not the record: the ledger is that. What happens while the daemon ends may be missing in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::daemon::DaemonError;
use crate::daemon::retry::Backoff;
use crate::daemon::shutdown::Shutdown;
use crate::fault::Classify;
use crate::model::link::SpreadsheetId;
use crate::sheet::client::Client;
use crate::sheet::error::SheetError;
use crate::sheet::log_tab::{LINES, LogLine};

/// What happens within this time is written in one call.
const TOGETHER: Duration = Duration::from_secs(5);

/// The longest wait between two tries.
const AT_MOST: Duration = Duration::from_secs(300);

/// Lines on their way into the tab.
#[derive(Debug, Default)]
pub struct Diary {
    new: Mutex<VecDeque<LogLine>>,
    rang: Notify,
}

impl Diary {
    /// Takes a line; the newest are kept.
    pub fn note(&self, line: LogLine) {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.push_front(line);
        new.truncate(LINES);
        self.rang.notify_one();
    }

    fn take(&self) -> VecDeque<LogLine> {
        std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what is noted until the end.
    ///
    /// # Errors
    /// None: what cannot be written now is tried again.
    pub async fn keep(
        self: Arc<Self>,
        client: Arc<Client>,
        spreadsheet: SpreadsheetId,
        mut shutdown: Shutdown,
    ) -> Result<(), DaemonError> {
        let mut shown = Shown::default();
        let mut waits = Backoff::new(TOGETHER, AT_MOST);
        while shutdown.race(self.rang.notified()).await.is_some() {
            if shutdown.race(sleep(TOGETHER)).await.is_none() {
                break;
            }
            shown.put(self.take());
            while let Err(error) = shown.write(&client, &spreadsheet).await {
                shown.is_open = false;
                let (spreadsheet, advice) = (spreadsheet.0.as_str(), error.advice());
                tracing::info!(SHEET = spreadsheet, %error, advice, "the tab `Log` waits");
                if shutdown.race(sleep(waits.wait(1.0))).await.is_none() {
                    return Ok(());
                }
                shown.put(self.take());
            }
            waits.reset();
        }
        Ok(())
    }
}

/// What the tab shows, or will.
#[derive(Default)]
struct Shown {
    /// Newest first.
    lines: VecDeque<LogLine>,
    /// What it showed before this start has been read.
    is_read: bool,
    is_open: bool,
}

impl Shown {
    /// Puts newer lines, newest first, on top.
    fn put(&mut self, newer: VecDeque<LogLine>) {
        for line in newer.into_iter().rev() {
            self.lines.push_front(line);
        }
        self.lines.truncate(LINES);
    }

    async fn write(&mut self, client: &Client, spreadsheet: &SpreadsheetId) -> Result<(), SheetError> {
        if !self.is_open {
            let earlier = client.open_log(spreadsheet).await?;
            if !self.is_read {
                self.lines.extend(earlier);
                self.lines.truncate(LINES);
            }
            (self.is_read, self.is_open) = (true, true);
        }
        client.write_log(spreadsheet, self.lines.make_contiguous()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> LogLine {
        LogLine { row: number.to_string(), ..LogLine::default() }
    }

    #[test]
    fn the_newest_lines_are_on_top_and_the_oldest_go() {
        let diary = Diary::default();
        for number in 0..LINES + 5 {
            diary.note(line(number));
        }
        let mut shown = Shown::default();
        shown.put(diary.take());
        assert_eq!((shown.lines.len(), &shown.lines[0]), (LINES, &line(LINES + 4)));
        diary.note(line(1_000));
        diary.note(line(1_001));
        shown.put(diary.take());
        let top: Vec<&str> = shown.lines.iter().take(3).map(|line| line.row.as_str()).collect();
        assert_eq!(top, ["1001", "1000", "504"]);
        assert_eq!(shown.lines.len(), LINES);
        assert!(diary.take().is_empty());
    }
}
