//! What waits to be run, and the workers' way to it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::sync::{oneshot, watch};

use super::execution::{Execution, Reply, Trigger};
use super::lock;
use super::shared::Shared;

/// The emulator's clock can be moved by a test, so workers look at it again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One run that is wanted.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) function: String,
    pub(super) trigger: Trigger,
    /// The facts from which the event object is made.
    pub(super) event: Option<Json>,
    /// Who sits before the screen; empty where Google would not say.
    pub(super) person: String,
    /// The tab that is open.
    pub(super) sheet: Option<i32>,
    /// What the person will answer to dialogs, in order.
    pub(super) replies: VecDeque<Reply>,
    /// Not before.
    pub(super) due: Instant,
    /// Who waits for the end.
    pub(super) done: Option<oneshot::Sender<Execution>>,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    running: usize,
}

/// Jobs in the order of their causes.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Waiting and running jobs together.
    pending: watch::Sender<usize>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), pending: watch::Sender::new(0) }
    }
}

impl Queue {
    /// Adds a job at the end, or before all that wait.
    pub(super) fn push(&self, job: Job, first: bool) {
        let mut state = lock(&self.state);
        if first {
            state.jobs.push_front(job);
        } else {
            state.jobs.push_back(job);
        }
        self.count(&state);
        self.wake.notify_all();
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    /// Lets the workers look again.
    pub(super) fn wake(&self) {
        self.wake.notify_all();
    }

    /// For whoever waits until nothing is pending.
    pub(super) fn pending(&self) -> watch::Receiver<usize> {
        self.pending.subscribe()
    }

    /// The next job that is due; `None` when the script is taken down.
    pub(super) fn next(&self, shared: &Shared) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if shared.is_stopping() {
                return None;
            }
            let knobs = shared.knobs();
            if knobs.timers {
                state.jobs.extend(shared.due_timers());
                self.count(&state);
            }
            let now = Instant::now();
            if state.running < knobs.parallel.max(1)
                && let Some(place) = state.jobs.iter().position(|job| job.due <= now)
            {
                state.running += 1;
                return state.jobs.remove(place);
            }
            state = self
                .wake
                .wait_timeout(state, LOOK_AGAIN)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// A job from [`Queue::next`] is over.
    pub(super) fn finish(&self) {
        let mut state = lock(&self.state);
        state.running -= 1;
        self.count(&state);
        self.wake.notify_all();
    }

    fn count(&self, state: &State) {
        self.pending.send_if_modified(|pending| {
            let now = state.jobs.len() + state.running;
            std::mem::replace(pending, now) != now
        });
    }
}
