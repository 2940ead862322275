//! The end of the daemon: the signal that asks for it, the word that spreads it, and the tasks that are waited for.
//!
//! Every task is owned by a [`Tasks`] and joined; every wait races [`Shutdown`]. What has begun ends in good order, and who
//! does not end in time is named.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::{info, warn};

/// SIGTERM and SIGINT, from the moment it is made: before that they end the process where it stands.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over. Needs a runtime.
    ///
    /// # Errors
    /// The process cannot take signals.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first, and gives its name.
    pub async fn first(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Says that the daemon ends. Dropping it says so, too.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Hears that the daemon ends.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// The two ends of the word.
pub fn channel() -> (Stop, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Shutdown(receiver))
}

impl Stop {
    /// Everybody who waits hears it, and everybody who asks later.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits for the end.
    pub async fn requested(&mut self) {
        // An error means that the sender is gone: the end as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    /// True once the end was asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Does something that may be left undone: `None` when the end came first.
    pub async fn race<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.requested() => None,
            done = work => Some(done),
        }
    }
}

/// The tasks of one owner. Dropping it ends them where they stand.
#[derive(Debug)]
pub struct Tasks<E> {
    running: JoinSet<Result<(), E>>,
    names: HashMap<Id, String>,
}

/// How a task ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End<E> {
    /// In good order.
    Done,
    /// With its own error.
    Failed(E),
    /// By a panic, with its message: a bug.
    Panicked(String),
    /// Cut off, because it was late.
    Aborted,
}

/// How long [`Tasks::drain`] waits before it says for whom.
const SAY_AFTER: Duration = Duration::from_secs(5);

impl<E: Send + 'static> Tasks<E> {
    /// None yet.
    pub fn new() -> Self {
        Self { running: JoinSet::new(), names: HashMap::new() }
    }

    /// Starts a task under a name that people understand.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name.into());
    }

    /// Waits for the next task to end; `None` when none is left.
    pub async fn next(&mut self) -> Option<(String, End<E>)> {
        let (id, end) = match self.running.join_next_with_id().await? {
            Ok((id, Ok(()))) => (id, End::Done),
            Ok((id, Err(error))) => (id, End::Failed(error)),
            Err(error) => (error.id(), cut_short(error)),
        };
        Some((self.names.remove(&id).unwrap_or_default(), end))
    }

    /// Waits until all have ended, `grace` at most; whoever is late is named, cut off and joined. How each ended.
    pub async fn drain(&mut self, grace: Duration) -> Vec<(String, End<E>)> {
        let deadline = Instant::now() + grace;
        let mut ends = Vec::new();
        let mut reminder = interval(SAY_AFTER);
        reminder.set_missed_tick_behavior(MissedTickBehavior::Delay);
        reminder.reset();
        loop {
            let next = timeout_at(deadline, async {
                tokio::select! {
                    biased;
                    end = self.next() => Some(end),
                    _ = reminder.tick() => None,
                }
            });
            match next.await {
                Ok(Some(Some(end))) => ends.push(end),
                Ok(Some(None)) => return ends,
                Ok(None) => info!("stopping, waiting for {}", self.still_running()),
                Err(_) => break,
            }
        }
        warn!("did not stop in time and are cut off: {}", self.still_running());
        self.running.abort_all();
        while let Some(end) = self.next().await {
            ends.push(end);
        }
        ends
    }

    fn still_running(&self) -> String {
        let mut names: Vec<&str> = self.names.values().map(String::as_str).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

impl<E: Send + 'static> Default for Tasks<E> {
    fn default() -> Self {
        Self::new()
    }
}

fn cut_short<E>(error: JoinError) -> End<E> {
    let Ok(panic) = error.try_into_panic() else {
        return End::Aborted;
    };
    let message = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    End::Panicked(message.unwrap_or_else(|| "without a message".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_word_reaches_those_who_wait_and_those_who_ask_later() {
        let (stop, mut early) = channel();
        assert!(!early.is_requested());
        assert_eq!(early.race(async { 7 }).await, Some(7));
        let waiting = tokio::spawn(async move { early.race(std::future::pending::<()>()).await });
        let mut late = Shutdown(stop.0.subscribe());
        stop.stop();
        assert_eq!(waiting.await.unwrap(), None);
        late.requested().await;
        assert!(late.is_requested());
    }

    #[tokio::test]
    async fn a_sender_that_is_gone_means_the_end() {
        let (stop, mut shutdown) = channel();
        drop(stop);
        assert!(shutdown.is_requested());
        assert_eq!(shutdown.race(std::future::pending::<()>()).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_ends_of_all_tasks_are_told_and_the_late_are_cut_off() {
        let mut tasks: Tasks<&str> = Tasks::new();
        tasks.spawn("flush", async { Ok(()) });
        tasks.spawn("tail", async { Err("connection lost") });
        tasks.spawn("sweep", async { panic!("index out of bounds") });
        tasks.spawn("endpoint", std::future::pending());

        let before = Instant::now();
        let mut ends = tasks.drain(Duration::from_secs(30)).await;
        ends.sort_by(|(a, _), (b, _)| a.cmp(b));

        assert_eq!(before.elapsed(), Duration::from_secs(30));
        let expected = [
            ("endpoint", End::Aborted),
            ("flush", End::Done),
            ("sweep", End::Panicked("index out of bounds".into())),
            ("tail", End::Failed("connection lost")),
        ];
        assert_eq!(ends, expected.map(|(name, end)| (name.to_owned(), end)));
        assert_eq!(tasks.next().await, None);
    }
}
