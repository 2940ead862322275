//! The loop of one spreadsheet: what happens goes into its engine, what the engine wants is performed.
//!
//! Calls run beside the loop, so that the stream and people's edits are taken while Google works.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::daemon::DaemonError;
use crate::daemon::aside::Aside;
use crate::daemon::notify::{self, Beat};
use crate::daemon::perform::{Performer, now};
use crate::daemon::retry::Backoff;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::standing::copied_percent;
use crate::engine::effect::Effect;
use crate::engine::input::Input;
use crate::engine::table::Table;
use crate::engine::{Engine, Errand};
use crate::model::grid::RECEIPT_LINES;
use crate::model::mark::EffectId;
use crate::sheet::quota::Lane;
use crate::store::StoreError;

/// One spreadsheet at work.
pub struct Spreadsheet {
    /// Its decisions.
    pub engine: Engine,
    /// Its calls.
    pub performer: Arc<Performer>,
    /// What happens: the stream and people's edits.
    pub inputs: mpsc::Receiver<Input>,
    /// Its progress, for the watchdog.
    pub beat: Beat,
    /// The ledger entry that marks the end of the replayed part.
    pub until: EffectId,
}

/// The first wait between two tries to make the tabs ready; it doubles up to [`AT_MOST`], because each try costs a call.
const AGAIN: Duration = Duration::from_secs(2);

/// The longest wait between two such tries.
const AT_MOST: Duration = Duration::from_secs(60);

/// How often a copy or a long queue is told of.
const TELL: Duration = Duration::from_secs(5);

/// How often others are told how the links stand and what the engine still needs, at most.
const REPORT: Duration = Duration::from_millis(50);

/// A report looks at every waiting key, and a million may wait: between two of them is so many times what one takes.
const REST_OF_REPORT: u32 = 20;

/// To understand a look at so many cells may take tens of milliseconds.
const MANY_CELLS: u64 = 100_000;

/// So may a step of the engine while so many rows wait. A single change of a large tab is as quick as one of a small tab.
const MANY_ROWS: usize = 500;

type Calls = FuturesUnordered<BoxFuture<'static, Result<Vec<Input>, StoreError>>>;

impl Spreadsheet {
    /// Runs until the end is asked for; then the calls that are under way are finished, and what they settled is stored.
    ///
    /// # Errors
    /// What ends the run at once: see [`StoreError::is_final`].
    pub async fn run(self, shutdown: Shutdown) -> Result<(), DaemonError> {
        let (performer, waiting) = (Arc::clone(&self.performer), Arc::new(AtomicUsize::new(0)));
        let work = self.go_on(shutdown, Arc::clone(&waiting)).boxed();
        let is_long = move || {
            performer.looked_at.load(Ordering::Relaxed) >= MANY_CELLS
                || waiting.load(Ordering::Relaxed) >= MANY_ROWS
        };
        Aside { work, is_long }.await
    }

    async fn go_on(mut self, mut shutdown: Shutdown, waiting: Arc<AtomicUsize>) -> Result<(), DaemonError> {
        if !self.get_ready(&mut shutdown).await {
            return Ok(());
        }
        let mut calls = Calls::new();
        let mut live = vec![false; self.engine.tables().len()];
        let mut told = Instant::now();
        let mut report_at = Instant::now();
        loop {
            if told.elapsed() >= TELL {
                self.tell_of_queues();
                self.performer.look_for_room(live.iter().all(|live| *live));
                told = Instant::now();
            }
            let rows = self.engine.tables().iter().map(Table::waiting).sum();
            waiting.store(rows, Ordering::Relaxed);
            self.start_calls(&mut calls, false);
            self.greet_live(&mut live, &calls);
            let report_in = report_at.saturating_duration_since(Instant::now());
            if report_in.is_zero() {
                report_at = self.report();
            }
            // Every call ends by its own time limits: what can be stuck is this loop, and only while it works.
            self.beat.rest();
            let wake = self.engine.next_wake().map(|wake| Duration::from_micros(wake.saturating_sub(now())));
            let nap = wake.into_iter().chain((!report_in.is_zero()).then_some(report_in)).min();
            tokio::select! {
                biased;
                // 1. the end
                () = shutdown.requested() => break,
                // 2. a call that ended
                Some(ended) = calls.next() => self.take(ended?),
                // 3. what happened
                input = self.inputs.recv() => match input {
                    Some(input) => self.take(vec![input]),
                    None => break,
                },
                // 4. a time that the engine asked for, or a report that is due
                () = sleep(nap.unwrap_or(Duration::MAX)), if nap.is_some() => {}
            }
        }
        self.drain(calls).await
    }

    /// How the links stand, and what of the stream the engine still needs: an older word is true too, only less so. Gives the
    /// time of the next report.
    fn report(&self) -> Instant {
        let began = Instant::now();
        let links = self.engine.tables().iter().zip(&self.performer.tables);
        self.performer.standing.report(links.map(|(table, link)| (table, link.estimate)));
        self.performer.progress.report(self.performer.place, self.engine.front());
        let took = began.elapsed();
        began + took + REPORT.max(took * REST_OF_REPORT)
    }

    /// Makes the tabs ready and marks the end of the replayed part of the stream. Until then the engine only collects keys, so
    /// that no row is shown before the spreadsheet's locale and time zone are known. False at the end.
    async fn get_ready(&mut self, shutdown: &mut Shutdown) -> bool {
        let performer = Arc::clone(&self.performer);
        let until = self.until;
        let mut ready: BoxFuture<'static, Vec<Input>> = async move {
            let mut waits = Backoff::new(AGAIN, AT_MOST);
            loop {
                match performer.get_ready(until).await {
                    Ok(inputs) => return inputs,
                    Err(()) => sleep(waits.wait(1.0)).await,
                }
            }
        }
        .boxed();
        loop {
            self.beat.rest();
            tokio::select! {
                biased;
                // 1. the end
                () = shutdown.requested() => return false,
                // 2. the tabs are ready
                inputs = &mut ready => {
                    self.take(inputs);
                    return true;
                }
                // 3. what happened
                input = self.inputs.recv() => match input {
                    Some(input) => self.take(vec![input]),
                    None => return false,
                },
            }
        }
    }

    /// Nothing new is begun: no read, no look into the table. What has begun ends, and its consequences are stored.
    async fn drain(&mut self, mut calls: Calls) -> Result<(), DaemonError> {
        loop {
            self.start_calls(&mut calls, true);
            let Some(ended) = calls.next().await else { return Ok(()) };
            self.take(ended?);
        }
    }

    fn start_calls(&mut self, calls: &mut Calls, ending: bool) {
        let (mut cycle, mut ahead) = (Vec::new(), Vec::new());
        while let Some(effect) = self.engine.next_effect(now()) {
            match effect {
                Effect::Read(_) | Effect::ReadRows(..) | Effect::Probe { .. } | Effect::Chunk { .. }
                    if ending =>
                {
                    break;
                }
                Effect::Probe { .. } | Effect::Chunk { .. } | Effect::Pauses { .. } => {
                    calls.push(Arc::clone(&self.performer).perform(effect).boxed());
                }
                // Beside the commit: the engine looks at it when both are there.
                Effect::Read(_) | Effect::ReadRows(..) if cycle.iter().any(is_commit) => ahead.push(effect),
                effect => cycle.push(effect),
            }
        }
        if cycle.is_empty() {
            return;
        }
        self.performer.set_lane(match self.engine.errand() {
            Errand::Edit => Lane::Edit,
            Errand::Changes => Lane::Live,
            Errand::Copy => Lane::Bulk,
            Errand::Sweep => Lane::Sweep,
        });
        // The calls of a cycle are made in its order: what one of them settled is stored before the next one is told.
        for effects in [cycle, ahead].into_iter().filter(|effects| !effects.is_empty()) {
            let performer = Arc::clone(&self.performer);
            let in_order = async move {
                let mut inputs = Vec::new();
                for effect in effects {
                    inputs.extend(Arc::clone(&performer).perform(effect).await?);
                }
                Ok(inputs)
            };
            calls.push(in_order.boxed());
        }
    }

    /// A link that is live for the first time in this run is remembered so.
    fn greet_live(&self, live: &mut [bool], calls: &Calls) {
        for (index, table) in self.engine.tables().iter().enumerate() {
            if table.is_copied() && !live[index] {
                live[index] = true;
                let performer = Arc::clone(&self.performer);
                calls.push(async move { Ok(performer.read_whole(index).await) }.boxed());
            }
        }
    }

    /// One line in the journal and for `systemctl status` of what takes long: a copy with its percentage, a queue with the
    /// seconds until it is empty.
    fn tell_of_queues(&self) {
        for (table, link) in self.engine.tables().iter().zip(&self.performer.tables) {
            let waiting = table.waiting();
            let copied = copied_percent(table, link.estimate);
            // Of a link that stands still it was told why, and no quota helps it.
            let is_long = copied.is_some() || waiting >= RECEIPT_LINES;
            if !is_long || table.trouble.is_some() {
                continue;
            }
            let name = link.link.rules.name.0.as_str();
            let drain = self.performer.client.drain(waiting.div_ceil(RECEIPT_LINES)).as_secs();
            let line = match copied {
                Some(percent) => {
                    format!(
                        "{name}: {percent} % of the table copied, {waiting} rows wait, {drain} s of quota"
                    )
                }
                None => format!("{name}: {waiting} rows wait, {drain} s of quota"),
            };
            notify::status(&line);
            tracing::info!(LINK = name, WAITING = waiting as u64, DRAIN_S = drain, "{line}");
        }
    }

    fn take(&mut self, inputs: Vec<Input>) {
        self.beat.touch();
        for input in inputs {
            self.engine.handle(now(), input);
        }
    }
}

fn is_commit(effect: &Effect) -> bool {
    matches!(effect, Effect::Commit(_))
}
