//! One run: a fresh JavaScript engine with Google's services in it, as Google starts each execution anew.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt, Context, Ctx, Function, Object, Runtime};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::execution::{Execution, ExecutionId, Line, Outcome, Reply, Sent, Shown, Trigger};
use super::knobs::KillPoint;
use super::queue::Job;
use super::services::{self, Net};
use super::shared::Shared;

const MEMORY: usize = 256 << 20;
const STACK: usize = 2 << 20;

/// What a run can reach of the emulator, and what is noted of it.
pub(super) struct Host {
    shared: Arc<Shared>,
    net: Rc<Net>,
    watch: Watch,
    calls: Cell<u32>,
    replies: RefCell<VecDeque<Reply>>,
    record: RefCell<Execution>,
}

impl Host {
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn net(&self) -> &Net {
        &self.net
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(super) fn id(&self) -> ExecutionId {
        self.record.borrow().id
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.shared.now()
    }

    pub(super) fn log(&self, line: Line) {
        tracing::debug!(script = %self.shared.spreadsheet, level = %line.level, "{}", line.text);
        self.record.borrow_mut().lines.push(line);
    }

    pub(super) fn show(&self, shown: Shown) {
        self.record.borrow_mut().shown.push(shown);
    }

    pub(super) fn note_sent(&self, sent: Sent) {
        self.record.borrow_mut().sent.push(sent);
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        self.replies.borrow_mut().pop_front()
    }

    /// Ends the run here if the knob says so.
    pub(super) fn killed_at(&self, point: KillPoint) -> bool {
        let kill = self.shared.knobs().kill.filter(|kill| kill.at == point);
        let killed = kill.is_some_and(|kill| self.shared.fall(kill.chance));
        if killed {
            self.watch.end.set(Some(End::Killed));
        }
        killed
    }

    /// Answers a call of the script; once the run is over, nothing has an effect any more.
    fn ask(&self, service: &str, call: &str) -> String {
        let number = self.calls.replace(self.calls.get() + 1);
        let stopped = self.killed_at(KillPoint::Call(number)) || self.watch.is_over();
        let answer = if stopped { Ok(Json::Null) } else { services::answer(self, service, call) };
        match answer {
            _ if self.watch.is_over() => json!({ "killed": true }),
            Ok(value) => json!({ "value": value }),
            Err(services::Thrown(message)) => json!({ "thrown": message }),
        }
        .to_string()
    }
}

#[derive(Clone, Copy)]
enum End {
    Killed,
    TimedOut,
}

/// Tells when a run must end.
pub(super) struct Watch {
    began: Instant,
    limit: Duration,
    slept: Cell<Duration>,
    end: Cell<Option<End>>,
    stop: watch::Receiver<bool>,
}

impl Watch {
    /// Time that passes for the script alone: nobody waits for a sleeping script.
    pub(super) fn pass(&self, ms: u64) {
        self.slept.set(self.slept.get() + Duration::from_millis(ms));
    }

    pub(super) fn is_over(&self) -> bool {
        if self.end.get().is_none() && *self.stop.borrow() {
            self.end.set(Some(End::Killed));
        } else if self.end.get().is_none() && self.took() > self.limit {
            self.end.set(Some(End::TimedOut));
        }
        self.end.get().is_some()
    }

    fn took(&self) -> Duration {
        self.began.elapsed() + self.slept.get()
    }
}

/// Runs one job to its end.
pub(super) fn run(shared: &Arc<Shared>, net: &Rc<Net>, job: &mut Job) -> Execution {
    let host = Rc::new(Host {
        shared: Arc::clone(shared),
        net: Rc::clone(net),
        watch: Watch {
            began: Instant::now(),
            limit: Duration::from_millis(shared.knobs().run_limit_ms),
            slept: Cell::default(),
            end: Cell::new(None),
            stop: shared.stop_signal(),
        },
        calls: Cell::new(0),
        replies: RefCell::new(std::mem::take(&mut job.replies)),
        record: RefCell::new(shared.begin(job)),
    });
    let ended = execute(&host, job);
    shared.stores.end(host.id());
    let mut record = host.record.borrow().clone();
    record.took_ms = host.watch.took().as_millis() as u64;
    record.outcome = match (host.watch.end.get(), ended) {
        (Some(End::Killed), _) => Outcome::Killed,
        (Some(End::TimedOut), _) => Outcome::TimedOut,
        (None, Ok(())) => Outcome::Completed,
        (None, Err(message)) => Outcome::Failed(message),
    };
    record
}

fn execute(host: &Rc<Host>, job: &Job) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    runtime.set_memory_limit(MEMORY);
    runtime.set_max_stack_size(STACK);
    let guard = Rc::clone(host);
    runtime.set_interrupt_handler(Some(Box::new(move || guard.watch.is_over())));
    let context = Context::full(&runtime).map_err(|error| error.to_string())?;
    context.with(|ctx| {
        steps(&ctx, host, job).catch(&ctx).map_err(|error| error.to_string().trim_end().to_owned())
    })
}

fn steps(ctx: &Ctx<'_>, host: &Rc<Host>, job: &Job) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    let desk = Rc::clone(host);
    let ask = Function::new(ctx.clone(), move |service: String, call: String| desk.ask(&service, &call))?;
    globals.set("__ask", ask)?;
    globals.set("__facts", facts(host, job).to_string())?;
    for (name, source) in services::SOURCES {
        load(ctx, name, source)?;
    }
    let google: Object<'_> = globals.get("__google")?;
    globals.remove("__google")?;
    load(ctx, "Code.gs", &host.shared.source().code)?;
    let event = job.event.as_ref().map(Json::to_string).unwrap_or_default();
    google.get::<_, Function<'_>>("run")?.call((job.function.as_str(), event, job.trigger == Trigger::Open))
}

fn load(ctx: &Ctx<'_>, name: &str, source: &str) -> rquickjs::Result<()> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

/// What the classes know without asking.
fn facts(host: &Host, job: &Job) -> Json {
    let shared = &host.shared;
    json!({
        "spreadsheetId": shared.spreadsheet,
        "scriptZone": shared.script_zone(),
        "clockAheadMs": shared.now() - jiff::Timestamp::now().as_millisecond(),
        "interactive": matches!(job.trigger, Trigger::Menu | Trigger::Open),
        "activeSheet": job.sheet,
        "activeUser": job.person,
        "owner": shared.owner(),
    })
}
