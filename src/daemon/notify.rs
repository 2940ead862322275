//! What systemd is told: that we are ready, how we are, that we still move, that we end.
//!
//! The watchdog is fed by progress and never by a bare timer: each loop holds a [`Beat`] and touches it as it works. A loop
//! that waits for work, rightly and perhaps for hours, rests. One that works on the same thing for longer than the watchdog
//! allows is stuck; then nothing more is said, and systemd starts us anew.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{error, warn};

use crate::daemon::shutdown::Shutdown;

/// All that can run does: the configuration is good and the loops are there. Not that MySQL or Google answer: an outage is
/// a state to wait out, and `status` tells of it.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    // A second line would be a second assignment in the protocol.
    tell(&[NotifyState::Status(line.lines().next().unwrap_or_default())]);
}

/// The first thing at the end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Without systemd there is nobody to tell, and this does nothing.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "systemd cannot be told how we are: {error}");
    }
}

/// The progress of all loops.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Vec<Weak<Loop>>>>);

#[derive(Debug)]
struct Loop {
    name: String,
    /// When it last moved; `None` while it rests.
    working_since: Mutex<Option<Instant>>,
}

/// One loop's hand on its progress. Dropped with the loop.
#[derive(Debug)]
pub struct Beat(Arc<Loop>);

impl Progress {
    /// A beat for a loop that begins to work now.
    pub fn beat(&self, name: impl Into<String>) -> Beat {
        let new = Arc::new(Loop { name: name.into(), working_since: Mutex::new(Some(Instant::now())) });
        let mut loops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loops.retain(|known| known.strong_count() > 0);
        loops.push(Arc::downgrade(&new));
        Beat(new)
    }

    /// The loops that work, and did not move for longer than `limit`.
    pub fn late(&self, limit: Duration) -> Vec<String> {
        let loops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = |known: &Arc<Loop>| {
            let since = known.working_since.lock().unwrap_or_else(PoisonError::into_inner);
            since.is_some_and(|since| since.elapsed() > limit)
        };
        let alive = loops.iter().filter_map(Weak::upgrade);
        alive.filter(stuck).map(|known| known.name.clone()).collect()
    }
}

impl Beat {
    /// It moved, and works on.
    pub fn touch(&self) {
        self.set(Some(Instant::now()));
    }

    /// It waits for work.
    pub fn rest(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.working_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// What is held against the loops where systemd has no watchdog on us.
const WITHOUT_WATCHDOG: Duration = Duration::from_secs(60);

/// Feeds the watchdog for as long as every loop moves, until the end.
pub async fn watch(progress: Progress, mut shutdown: Shutdown) {
    let limit = sd_notify::watchdog_enabled().unwrap_or(WITHOUT_WATCHDOG);
    let mut looks = interval(limit / 3);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.race(looks.tick()).await.is_some() {
        let late = progress.late(limit);
        if late.is_empty() {
            tell(&[NotifyState::Watchdog]);
        } else {
            error!("the watchdog is not fed, stuck: {}", late.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn only_a_loop_that_works_without_moving_is_late() {
        // given a loop that moves, one that rests, one that is stuck, and one that ended
        let progress = Progress::default();
        let tail = progress.beat("tail");
        let flush = progress.beat("flush");
        let stuck = progress.beat("sweep");
        drop(progress.beat("endpoint"));
        flush.rest();
        assert!(progress.late(LIMIT).is_empty());
        // when time passes
        tokio::time::advance(LIMIT).await;
        tail.touch();
        tokio::time::advance(Duration::from_secs(1)).await;
        // then the stuck one is named, until it moves
        assert_eq!(progress.late(LIMIT), ["sweep"]);
        stuck.touch();
        assert!(progress.late(LIMIT).is_empty());
        // and the resting one begins to count when it works again
        flush.touch();
        tokio::time::advance(LIMIT * 2).await;
        assert_eq!(progress.late(LIMIT), ["tail", "flush", "sweep"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watch_ends_with_the_daemon() {
        let (stop, shutdown) = crate::daemon::shutdown::channel();
        let watching = tokio::spawn(watch(Progress::default(), shutdown));
        tokio::time::advance(LIMIT).await;
        stop.stop();
        watching.await.unwrap();
    }
}
