//! One installed script: its source, what it keeps, its triggers, its workers and its log.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::sync::{oneshot, watch};

use super::event;
use super::execution::{Execution, ExecutionId, Outcome, Reply, Trigger};
use super::knobs::{Dice, MAX_PARALLEL, ScriptKnobs};
use super::queue::{Job, Queue};
use super::services::{InstalledTrigger, Menu, Net, Stores, TriggerKind};
use super::{ScriptError, Source, engine, lock};
use crate::grid::{Spreadsheet, SpreadsheetId};
use crate::people::TriggerEvent;
use crate::{Cause, Google};

/// Executions that are remembered.
const LOG: usize = 2000;

/// What the workers of one script share.
#[derive(Debug)]
pub(super) struct Shared {
    google: Arc<Google>,
    pub(super) spreadsheet: SpreadsheetId,
    pub(super) stores: Stores,
    pub(super) triggers: Mutex<Vec<InstalledTrigger>>,
    pub(super) menus: Mutex<Vec<Menu>>,
    pub(super) queue: Queue,
    source: Mutex<Arc<Source>>,
    knobs: Mutex<ScriptKnobs>,
    dice: Mutex<Dice>,
    owner: Mutex<String>,
    log: Mutex<VecDeque<Execution>>,
    last_id: AtomicU64,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn knobs(&self) -> ScriptKnobs {
        lock(&self.knobs).clone()
    }

    pub(super) fn fall(&self, chance: f64) -> bool {
        lock(&self.dice).fall(chance)
    }

    pub(super) fn source(&self) -> Arc<Source> {
        Arc::clone(&lock(&self.source))
    }

    pub(super) fn script_zone(&self) -> String {
        self.knobs().script_zone.unwrap_or_else(|| self.source().time_zone().to_owned())
    }

    pub(super) fn owner(&self) -> String {
        lock(&self.owner).clone()
    }

    pub(super) fn now(&self) -> i64 {
        self.google.clock().now()
    }

    pub(super) fn year(&self) -> i16 {
        self.google.year()
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// The spreadsheet as it is now; `None` if it has been deleted.
    pub(super) fn read(&self) -> Option<Arc<Spreadsheet>> {
        self.google.spreadsheet(&self.spreadsheet)
    }

    /// Changes the spreadsheet as a script does: all or nothing, and no trigger fires.
    pub(super) fn write<T, E>(&self, change: impl FnOnce(&mut Spreadsheet) -> Result<T, E>) -> Option<Result<T, E>> {
        let done = self.google.edit(&self.spreadsheet, Cause::Script, change).ok()?;
        Some(done.map(|(answer, _)| answer))
    }

    /// Takes from the day's requests; false if they do not suffice.
    pub(super) fn take_fetches(&self, count: usize) -> bool {
        let mut knobs = lock(&self.knobs);
        let left = knobs.fetches_left.map(|left| left.checked_sub(count as u32));
        match left {
            None => true,
            Some(None) => false,
            Some(rest) => {
                knobs.fetches_left = rest;
                true
            }
        }
    }

    /// The record of a run that begins.
    pub(super) fn begin(&self, job: &Job) -> Execution {
        Execution {
            id: ExecutionId(self.last_id.fetch_add(1, Ordering::SeqCst) + 1),
            function: job.function.clone(),
            trigger: job.trigger,
            outcome: Outcome::Completed,
            started: self.now(),
            took_ms: 0,
            lines: Vec::new(),
            shown: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Jobs of the time triggers that are due, each put on to its next time.
    pub(super) fn due_timers(&self) -> Vec<Job> {
        let now = self.now();
        let mut triggers = lock(&self.triggers);
        let due = triggers.iter_mut().filter(|trigger| trigger.kind == TriggerKind::Clock && trigger.due <= now);
        due.map(|trigger| {
            trigger.due = now + i64::from(trigger.minutes) * 60_000;
            self.job(Trigger::Clock, trigger.function.clone(), Some(clock_event(trigger)), String::new(), None)
        })
        .collect()
    }

    fn job(&self, trigger: Trigger, function: String, event: Option<Json>, person: String, sheet: Option<i32>) -> Job {
        let delay = match trigger {
            Trigger::Edit | Trigger::Change => self.knobs().delay_ms,
            Trigger::Open | Trigger::Menu | Trigger::Clock => 0,
        };
        let due = Instant::now() + Duration::from_millis(delay);
        Job { function, trigger, event, person, sheet, replies: VecDeque::new(), due, done: None }
    }

    fn remember(&self, execution: Execution) {
        let mut log = lock(&self.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(execution);
    }

    fn work(self: &Arc<Self>) {
        let net = Rc::new(Net::default());
        while let Some(mut job) = self.queue.next(self) {
            let execution = engine::run(self, &net, &mut job);
            self.remember(execution.clone());
            self.queue.finish();
            if let Some(done) = job.done {
                // Whoever asked for the run may have gone.
                let _ = done.send(execution);
            }
        }
    }
}

fn clock_event(trigger: &InstalledTrigger) -> Json {
    json!({ "kind": "clock", "authMode": "FULL", "triggerUid": trigger.id, "clock": {} })
}

/// A script that is bound to a spreadsheet. Its workers end when it is dropped.
#[derive(Debug)]
pub struct Script {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Script {
    pub(super) fn start(google: Arc<Google>, spreadsheet: SpreadsheetId, source: Source) -> Result<Self, ScriptError> {
        let knobs = ScriptKnobs::default();
        let shared = Arc::new(Shared {
            google,
            spreadsheet,
            stores: Stores::default(),
            triggers: Mutex::default(),
            menus: Mutex::default(),
            queue: Queue::default(),
            source: Mutex::new(Arc::new(source)),
            dice: Mutex::new(Dice::new(knobs.seed)),
            knobs: Mutex::new(knobs),
            owner: Mutex::default(),
            log: Mutex::default(),
            last_id: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        });
        let mut script = Self { shared, workers: Vec::new() };
        for _ in 0..MAX_PARALLEL {
            let shared = Arc::clone(&script.shared);
            let worker = std::thread::Builder::new().name("script".into()).stack_size(8 << 20);
            script.workers.push(worker.spawn(move || shared.work()).map_err(ScriptError::Thread)?);
        }
        Ok(script)
    }

    /// Replaces the source, as a push by clasp does; properties and triggers stay.
    pub(super) fn replace(&self, source: Source) {
        *lock(&self.shared.source) = Arc::new(source);
        lock(&self.shared.menus).clear();
    }

    /// A person opens the spreadsheet: `onOpen` runs, if there is one, and adds its menus.
    pub async fn open(&self, person: &str) -> Result<Execution, ScriptError> {
        let event = json!({ "kind": "open", "authMode": "LIMITED", "user": person });
        let job = self.shared.job(Trigger::Open, "onOpen".into(), Some(event), person.to_owned(), None);
        self.finish(job).await
    }

    /// The menus that `onOpen` added.
    pub fn menus(&self) -> Vec<Menu> {
        lock(&self.shared.menus).clone()
    }

    /// A person chooses a menu item while a tab is open, and answers the dialogs in order. The first person to do so owns
    /// the triggers that the script installs.
    pub async fn choose(&self, item: &str, person: &str, sheet: i32, replies: Vec<Reply>) -> Result<Execution, ScriptError> {
        if self.menus().is_empty() {
            self.open(person).await?;
        }
        let menus = self.menus();
        let chosen = menus.iter().flat_map(|menu| &menu.items).find(|one| one.label == item);
        let function = chosen.ok_or_else(|| ScriptError::NoMenuItem(item.to_owned()))?.function.clone();
        {
            let mut owner = lock(&self.shared.owner);
            if owner.is_empty() {
                person.clone_into(&mut owner);
            }
        }
        let mut job = self.shared.job(Trigger::Menu, function, None, person.to_owned(), Some(sheet));
        job.replies = replies.into();
        self.finish(job).await
    }

    async fn finish(&self, mut job: Job) -> Result<Execution, ScriptError> {
        let (done, ended) = oneshot::channel();
        job.done = Some(done);
        self.shared.queue.push(job, false);
        ended.await.map_err(|_| ScriptError::Stopped)
    }

    /// A person did something: the triggers that wait for it are queued, or lost, as the knobs say.
    pub fn deliver(&self, event: &TriggerEvent) {
        let knobs = self.shared.knobs();
        let waiting = self.triggers().into_iter().filter(|trigger| trigger.kind == event::waits_for(event));
        for trigger in waiting {
            let job = || {
                let facts = Some(event::facts(event, &trigger.id));
                self.shared.job(event::cause(event), trigger.function.clone(), facts, String::new(), event::sheet(event))
            };
            if !knobs.deliver || self.shared.fall(knobs.lose) {
                self.drop_job(&job(), "lost");
            } else if knobs.queue_limit.is_some_and(|limit| self.shared.queue.waiting() >= limit) {
                self.drop_job(&job(), "the queue is full");
            } else {
                if self.shared.fall(knobs.double) {
                    self.shared.queue.push(job(), false);
                }
                self.shared.queue.push(job(), self.shared.fall(knobs.reorder));
            }
        }
    }

    fn drop_job(&self, job: &Job, why: &str) {
        let mut record = self.shared.begin(job);
        record.outcome = Outcome::Dropped(why.to_owned());
        self.shared.remember(record);
    }

    /// Runs every time trigger now, due or not.
    pub fn fire_timers(&self) {
        for trigger in self.triggers().iter().filter(|trigger| trigger.kind == TriggerKind::Clock) {
            let event = Some(clock_event(trigger));
            let job = self.shared.job(Trigger::Clock, trigger.function.clone(), event, String::new(), None);
            self.shared.queue.push(job, false);
        }
    }

    /// Waits until nothing is queued or running.
    pub async fn wait_idle(&self, patience: Duration) -> Result<(), ScriptError> {
        let mut pending = self.shared.queue.pending();
        let idle = tokio::time::timeout(patience, pending.wait_for(|pending| *pending == 0)).await;
        idle.map_err(|_| ScriptError::StillBusy)?.map_err(|_| ScriptError::Stopped)?;
        Ok(())
    }

    /// The knobs.
    pub fn knobs(&self) -> ScriptKnobs {
        self.shared.knobs()
    }

    /// Sets the knobs and begins the dice anew.
    pub fn set_knobs(&self, knobs: ScriptKnobs) {
        *lock(&self.shared.dice) = Dice::new(knobs.seed);
        *lock(&self.shared.knobs) = knobs;
        self.shared.queue.wake();
    }

    /// The triggers that the script has installed.
    pub fn triggers(&self) -> Vec<InstalledTrigger> {
        lock(&self.shared.triggers).clone()
    }

    /// Executions that ended, oldest first; the last 2,000.
    pub fn executions(&self) -> Vec<Execution> {
        lock(&self.shared.log).iter().cloned().collect()
    }

    /// What stands in a store of properties: `document`, `script` or `user`.
    pub fn properties(&self, store: &str) -> std::collections::BTreeMap<String, String> {
        self.shared.stores.properties(store)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        self.shared.queue.wake();
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!(script = %self.shared.spreadsheet, "a script's worker panicked");
            }
        }
    }
}
