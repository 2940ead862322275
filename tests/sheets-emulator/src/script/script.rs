//! One installed script, as tests and people see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::event;
use super::execution::{Execution, Outcome, Reply, Trigger};
use super::knobs::{MAX_PARALLEL, ScriptKnobs};
use super::queue::Job;
use super::services::{InstalledTrigger, Menu, TriggerKind};
use super::shared::{Shared, clock_event};
use super::{ScriptError, Source, lock};
use crate::Google;
use crate::grid::SpreadsheetId;
use crate::people::TriggerEvent;

/// A script that is bound to a spreadsheet. Its workers end when it is dropped.
#[derive(Debug)]
pub struct Script {
    shared: Arc<Shared>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Script {
    pub(super) fn start(
        google: Arc<Google>,
        spreadsheet: SpreadsheetId,
        source: Source,
    ) -> Result<Self, ScriptError> {
        let shared = Arc::new(Shared::new(google, spreadsheet, source));
        let script = Self { shared, workers: Mutex::default() };
        script.hire(1).map_err(ScriptError::Thread)?;
        Ok(script)
    }

    /// Has at least so many workers from now on, as far as a script may have them.
    fn hire(&self, wanted: usize) -> std::io::Result<()> {
        let mut workers = lock(&self.workers);
        while workers.len() < wanted.clamp(1, MAX_PARALLEL) {
            let shared = Arc::clone(&self.shared);
            let worker = std::thread::Builder::new().name("script".into()).stack_size(8 << 20);
            workers.push(worker.spawn(move || shared.work())?);
        }
        Ok(())
    }

    /// Replaces the source, as a push by clasp does; properties and triggers stay.
    pub(super) fn replace(&self, source: Source) {
        self.shared.replace(source);
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
    pub async fn choose(
        &self,
        item: &str,
        person: &str,
        sheet: i32,
        replies: Vec<Reply>,
    ) -> Result<Execution, ScriptError> {
        if self.menus().is_empty() {
            self.open(person).await?;
        }
        let menus = self.menus();
        let chosen = menus.iter().flat_map(|menu| &menu.items).find(|one| one.label == item);
        let function = chosen.ok_or_else(|| ScriptError::NoMenuItem(item.to_owned()))?.function.clone();
        self.shared.claim(person);
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
                let facts = Some(event::facts(event, &trigger.id, knobs.cleared_value_is_object));
                self.shared.job(
                    event::cause(event),
                    trigger.function.clone(),
                    facts,
                    String::new(),
                    event::sheet(event),
                )
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
        if let Err(error) = self.hire(knobs.parallel) {
            tracing::error!(%error, "a script goes on with fewer workers than it may have");
        }
        self.shared.turn(knobs);
    }

    /// The triggers that the script has installed.
    pub fn triggers(&self) -> Vec<InstalledTrigger> {
        lock(&self.shared.triggers).clone()
    }

    /// Executions that ended, oldest first; the last 2,000.
    pub fn executions(&self) -> Vec<Execution> {
        self.shared.executions()
    }

    /// What stands in a store of properties: `document`, `script` or `user`.
    pub fn properties(&self, store: &str) -> BTreeMap<String, String> {
        self.shared.stores.properties(store)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.shared.stop();
        for worker in lock(&self.workers).drain(..) {
            if worker.join().is_err() {
                tracing::error!(script = %self.shared.spreadsheet, "a script's worker panicked");
            }
        }
    }
}
