//! What the workers of one script share: source, stores, triggers, queue, log.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::execution::{Execution, ExecutionId, Outcome, Trigger};
use super::knobs::{Dice, ScriptKnobs};
use super::queue::{Job, Queue};
use super::services::{InstalledTrigger, Menu, Net, Stores, TriggerKind};
use super::{Source, engine, lock};
use crate::grid::{Spreadsheet, SpreadsheetId};
use crate::{Cause, Google};

/// Executions that are remembered.
const LOG: usize = 2000;

/// A script, seen from its workers.
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
    pub(super) fn new(google: Arc<Google>, spreadsheet: SpreadsheetId, source: Source) -> Self {
        let knobs = ScriptKnobs::default();
        Self {
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
        }
    }

    /// Replaces the source; the menus are those of the old one.
    pub(super) fn replace(&self, source: Source) {
        *lock(&self.source) = Arc::new(source);
        lock(&self.menus).clear();
    }

    /// Sets the knobs and begins the dice anew.
    pub(super) fn turn(&self, knobs: ScriptKnobs) {
        *lock(&self.dice) = Dice::new(knobs.seed);
        *lock(&self.knobs) = knobs;
        self.queue.wake();
    }

    /// The first person who asks for something owns the triggers.
    pub(super) fn claim(&self, person: &str) {
        let mut owner = lock(&self.owner);
        if owner.is_empty() {
            person.clone_into(&mut owner);
        }
    }

    /// Ends every run and every worker.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
        self.queue.wake();
    }

    /// Executions that ended, oldest first.
    pub(super) fn executions(&self) -> Vec<Execution> {
        lock(&self.log).iter().cloned().collect()
    }

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
    pub(super) fn write<T, E>(
        &self,
        change: impl FnOnce(&mut Spreadsheet) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
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

    /// Runs a job, unless it is a trigger's and the day's time for triggers is used up.
    fn run(self: &Arc<Self>, net: &Rc<Net>, job: &mut Job) -> Execution {
        let by_trigger = matches!(job.trigger, Trigger::Edit | Trigger::Change | Trigger::Clock);
        if by_trigger && self.knobs().trigger_ms_left == Some(0) {
            let mut record = self.begin(job);
            record.outcome = Outcome::Dropped("Service using too much computer time for one day.".to_owned());
            return record;
        }
        let execution = engine::run(self, net, job);
        if by_trigger {
            let mut knobs = lock(&self.knobs);
            knobs.trigger_ms_left = knobs.trigger_ms_left.map(|left| left.saturating_sub(execution.took_ms));
        }
        execution
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
        let due =
            triggers.iter_mut().filter(|trigger| trigger.kind == TriggerKind::Clock && trigger.due <= now);
        due.map(|trigger| {
            trigger.due = now + i64::from(trigger.minutes) * 60_000;
            self.job(
                Trigger::Clock,
                trigger.function.clone(),
                Some(clock_event(trigger)),
                String::new(),
                None,
            )
        })
        .collect()
    }

    pub(super) fn job(
        &self,
        trigger: Trigger,
        function: String,
        event: Option<Json>,
        person: String,
        sheet: Option<i32>,
    ) -> Job {
        let delay = match trigger {
            Trigger::Edit | Trigger::Change => self.knobs().delay_ms,
            Trigger::Open | Trigger::Menu | Trigger::Clock => 0,
        };
        let due = Instant::now() + Duration::from_millis(delay);
        Job { function, trigger, event, person, sheet, replies: VecDeque::new(), due, done: None }
    }

    pub(super) fn remember(&self, execution: Execution) {
        let mut log = lock(&self.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(execution);
    }

    pub(super) fn work(self: &Arc<Self>) {
        let net = Rc::new(Net::default());
        while let Some(mut job) = self.queue.next(self) {
            let execution = self.run(&net, &mut job);
            self.remember(execution.clone());
            self.queue.finish();
            if let Some(done) = job.done {
                // Whoever asked for the run may have gone.
                let _ = done.send(execution);
            }
        }
    }
}

pub(super) fn clock_event(trigger: &InstalledTrigger) -> Json {
    json!({ "kind": "clock", "authMode": "FULL", "triggerUid": trigger.id, "clock": {} })
}
