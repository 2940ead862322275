//! Apps Script: a project's real source, run as Google runs it.
//!
//! A [`Script`] is bound to a spreadsheet. People's actions become [`TriggerEvent`]s; the triggers that the script installed
//! queue a run for each; workers of its own take the runs in order (a JavaScript engine cannot change threads), each in
//! a fresh engine with Google's services in it. What Google may do on the way - lose an event, kill a run, run two at a
//! time - is set by [`ScriptKnobs`]. What a run logged, showed and sent stands in its [`Execution`].

mod control;
mod engine;
mod event;
mod execution;
mod knobs;
mod queue;
#[expect(clippy::module_inception, reason = "the folder is Apps Script, the file is one script")]
mod script;
mod services;
mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::Deserialize;

pub use control::route;
pub use execution::{Execution, ExecutionId, Line, Outcome, Reply, Sent, Shown, Trigger};
pub use knobs::{Kill, KillPoint, MAX_PARALLEL, ScriptKnobs};
pub use script::Script;
pub use services::{InstalledTrigger, Menu, MenuItem, TriggerKind};

use crate::Google;
use crate::grid::SpreadsheetId;
use crate::people::{TriggerEvent, TriggerSink};

/// Why something with a script did not work.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// No script is bound to this spreadsheet.
    #[error("no script is installed on this spreadsheet")]
    NotInstalled,
    /// The manifest is not readable.
    #[error("appsscript.json: {0}")]
    Manifest(#[from] serde_json::Error),
    /// A call over HTTP is not readable.
    #[error("not understood: {0}")]
    Request(serde_json::Error),
    /// The menu has no such item.
    #[error("the script's menus have no item {0:?}")]
    NoMenuItem(String),
    /// The script was taken down.
    #[error("the script was taken down")]
    Stopped,
    /// Runs were still pending at the deadline.
    #[error("the script is still busy")]
    StillBusy,
    /// No thread could be started.
    #[error("no worker could be started: {0}")]
    Thread(std::io::Error),
}

/// A script's files.
#[derive(Debug, Clone)]
pub struct Source {
    code: String,
    manifest: Manifest,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    time_zone: String,
}

impl Source {
    /// A script from the text of its `.js` files, joined, and of `appsscript.json`.
    pub fn new(code: impl Into<String>, manifest: &str) -> Result<Self, ScriptError> {
        Ok(Self { code: code.into(), manifest: serde_json::from_str(manifest)? })
    }

    fn time_zone(&self) -> &str {
        &self.manifest.time_zone
    }
}

/// The scripts of all spreadsheets.
#[derive(Debug)]
pub struct Scripts {
    google: Arc<Google>,
    bound: Mutex<HashMap<SpreadsheetId, Arc<Script>>>,
}

impl Scripts {
    /// None yet; what people do from now on is delivered to scripts.
    pub fn new(google: &Arc<Google>) -> Arc<Self> {
        let scripts = Arc::new(Self { google: Arc::clone(google), bound: Mutex::default() });
        google.on_trigger(Arc::new(Sink(Arc::downgrade(&scripts))));
        scripts
    }

    /// Binds a script to a spreadsheet, or replaces the source of the one that is there.
    pub fn install(&self, spreadsheet: &SpreadsheetId, source: Source) -> Result<Arc<Script>, ScriptError> {
        let mut bound = lock(&self.bound);
        if let Some(script) = bound.get(spreadsheet) {
            script.replace(source);
            return Ok(Arc::clone(script));
        }
        let script = Arc::new(Script::start(Arc::clone(&self.google), spreadsheet.clone(), source)?);
        bound.insert(spreadsheet.clone(), Arc::clone(&script));
        Ok(script)
    }

    /// The script of a spreadsheet.
    pub fn get(&self, spreadsheet: &SpreadsheetId) -> Result<Arc<Script>, ScriptError> {
        lock(&self.bound).get(spreadsheet).cloned().ok_or(ScriptError::NotInstalled)
    }

    /// Takes a script away, with its triggers and properties.
    pub fn remove(&self, spreadsheet: &SpreadsheetId) -> Result<(), ScriptError> {
        let script = lock(&self.bound).remove(spreadsheet);
        script.map(drop).ok_or(ScriptError::NotInstalled)
    }
}

/// The scripts hold Google, so Google may not hold them: they would never end.
struct Sink(Weak<Scripts>);

impl TriggerSink for Sink {
    fn fire(&self, spreadsheet: &SpreadsheetId, event: TriggerEvent) {
        if let Some(Ok(script)) = self.0.upgrade().map(|scripts| scripts.get(spreadsheet)) {
            script.deliver(&event);
        }
    }
}

/// A panic in one run must not take the others along.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
