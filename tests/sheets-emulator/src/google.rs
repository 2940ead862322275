//! All spreadsheets behind one lock: every change is made on a copy and put in place whole, or not at all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::grid::{Refusal, SheetId, Spreadsheet, SpreadsheetId};
use crate::people::{Action, Person, TriggerEvent, TriggerSink, act};
use crate::{Clock, Knobs};

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", content = "who", rename_all = "snake_case")]
pub enum Cause {
    /// A call of the interface.
    Api,
    /// A person.
    Person(Person),
    /// The spreadsheet's script.
    Script,
}

/// A change that has become visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where.
    pub spreadsheet: SpreadsheetId,
    /// The spreadsheet's version now.
    pub version: u64,
    /// The tabs that changed: first row, row after the last (as far as anything may differ), by number.
    pub rows: BTreeMap<SheetId, (u32, u32)>,
    /// Did tabs, titles, grids or columns change, so that everything is better read again?
    pub structure: bool,
    /// Who.
    pub cause: Cause,
}

/// There is no spreadsheet with this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no spreadsheet with this id")]
pub struct Unknown;

/// How many old states of a spreadsheet are kept for stale reads.
const HISTORY: usize = 32;
/// Changes that a slow subscriber may lag behind before it misses some.
const FEED: usize = 4096;

#[derive(Debug)]
struct Shelf {
    current: Arc<Spreadsheet>,
    /// Earlier states, the latest last.
    history: VecDeque<Arc<Spreadsheet>>,
}

/// The emulated service's state.
pub struct Google {
    shelves: Mutex<BTreeMap<SpreadsheetId, Shelf>>,
    knobs: RwLock<Arc<Knobs>>,
    clock: Clock,
    changes: broadcast::Sender<Change>,
    sinks: Mutex<Vec<Arc<dyn TriggerSink>>>,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Google").finish_non_exhaustive()
    }
}

impl Default for Google {
    fn default() -> Self {
        Self::new(Knobs::default())
    }
}

impl Google {
    /// An empty service.
    pub fn new(knobs: Knobs) -> Self {
        Self {
            shelves: Mutex::default(),
            knobs: RwLock::new(Arc::new(knobs)),
            clock: Clock::default(),
            changes: broadcast::channel(FEED).0,
            sinks: Mutex::default(),
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The knobs as they stand.
    pub fn knobs(&self) -> Arc<Knobs> {
        self.knobs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns knobs.
    pub fn set_knobs(&self, knobs: Knobs) {
        *self.knobs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(knobs);
    }

    /// The year by the clock, in UTC.
    pub fn year(&self) -> i16 {
        let now = jiff::Timestamp::from_millisecond(self.clock.now()).unwrap_or_default();
        jiff::tz::TimeZone::UTC.to_datetime(now).year()
    }

    fn shelves(&self) -> MutexGuard<'_, BTreeMap<SpreadsheetId, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a spreadsheet; `prepare` may change it before anyone sees it.
    pub fn create(
        &self,
        id: SpreadsheetId,
        title: &str,
        prepare: impl FnOnce(&mut Spreadsheet),
    ) -> Arc<Spreadsheet> {
        let mut spreadsheet = Spreadsheet::new(id.clone(), title, self.clock.now());
        prepare(&mut spreadsheet);
        let current = Arc::new(spreadsheet);
        self.shelves().insert(id, Shelf { current: current.clone(), history: VecDeque::new() });
        current
    }

    /// Takes a spreadsheet away; says whether there was one.
    pub fn remove(&self, id: &SpreadsheetId) -> bool {
        self.shelves().remove(id).is_some()
    }

    /// The spreadsheet as it stands: a consistent state that nobody changes any more.
    pub fn spreadsheet(&self, id: &SpreadsheetId) -> Option<Arc<Spreadsheet>> {
        self.shelves().get(id).map(|kept| kept.current.clone())
    }

    /// The spreadsheet as it stood `changes` changes ago (or as long ago as is known).
    pub fn earlier(&self, id: &SpreadsheetId, changes: usize) -> Option<Arc<Spreadsheet>> {
        let all = self.shelves();
        let kept = all.get(id)?;
        let at = kept.history.len().saturating_sub(changes);
        Some(kept.history.get(at).unwrap_or(&kept.current).clone())
    }

    /// All spreadsheets, by id.
    pub fn all(&self) -> Vec<Arc<Spreadsheet>> {
        self.shelves().values().map(|kept| kept.current.clone()).collect()
    }

    /// Changes a spreadsheet: all of it, or nothing where `change` fails. Gives `change`'s answer and the new state.
    pub fn edit<T, E>(
        &self,
        id: &SpreadsheetId,
        cause: Cause,
        change: impl FnOnce(&mut Spreadsheet) -> Result<T, E>,
    ) -> Result<Result<(T, Arc<Spreadsheet>), E>, Unknown> {
        let mut all = self.shelves();
        let kept = all.get_mut(id).ok_or(Unknown)?;
        let mut draft = (*kept.current).clone();
        let answer = match change(&mut draft) {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        draft.version += 1;
        draft.modified = self.clock.now();
        let told = difference(&kept.current, &draft, cause);
        let new = Arc::new(draft);
        kept.history.push_back(std::mem::replace(&mut kept.current, new.clone()));
        if kept.history.len() > HISTORY {
            kept.history.pop_front();
        }
        // Sent under the lock, so that subscribers see versions in order. Nobody listening is fine.
        let _ = self.changes.send(told);
        Ok(Ok((answer, new)))
    }

    /// Does what a person does, then fires the triggers. The events are given back too.
    pub fn act(
        &self,
        id: &SpreadsheetId,
        person: &Person,
        action: &Action,
    ) -> Result<Result<Vec<TriggerEvent>, Refusal>, Unknown> {
        let done = self.act_on_sight(id, person, |_| Some(action.clone()))?;
        Ok(done.map(Option::unwrap_or_default))
    }

    /// Does what a person decides on seeing the grid as it stands; nothing comes between the look and the hand. Gives the
    /// events, or nothing where the person leaves it be. `decide` may not ask this service for anything.
    pub fn act_on_sight(
        &self,
        id: &SpreadsheetId,
        person: &Person,
        decide: impl FnOnce(&Spreadsheet) -> Option<Action>,
    ) -> Result<Result<Option<Vec<TriggerEvent>>, Refusal>, Unknown> {
        let (knobs, year) = (self.knobs(), self.year());
        // Nothing to do is an error in here, so that the state and its version stay as they are.
        let done = self.edit(id, Cause::Person(person.clone()), |spreadsheet| {
            let action = decide(spreadsheet).ok_or(None)?;
            act(spreadsheet, person, &action, &knobs, year).map_err(Some)
        })?;
        let events = match done {
            Ok((events, _)) => events,
            Err(None) => return Ok(Ok(None)),
            Err(Some(refusal)) => return Ok(Err(refusal)),
        };
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (sink, event) in sinks.iter().flat_map(|sink| events.iter().map(move |event| (sink, event))) {
            sink.fire(id, event.clone());
        }
        Ok(Ok(Some(events)))
    }

    /// Changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Hands every trigger event to `sink` from now on.
    pub fn on_trigger(&self, sink: Arc<dyn TriggerSink>) {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push(sink);
    }
}

fn difference(old: &Spreadsheet, new: &Spreadsheet, cause: Cause) -> Change {
    let outline = |spreadsheet: &Spreadsheet| -> Vec<_> {
        let outline = spreadsheet.tabs.iter().map(|tab| {
            (tab.id, tab.title.clone(), tab.hidden, tab.row_count(), tab.column_count(), tab.frozen_rows)
        });
        outline.collect()
    };
    let rows = new.tabs.iter().filter_map(|tab| {
        let before = old.tab(tab.id)?;
        Some((tab.id, tab.rows.differing(&before.rows)?))
    });
    Change {
        spreadsheet: new.id.clone(),
        version: new.version,
        rows: rows.collect(),
        structure: old.title != new.title || outline(old) != outline(new),
        cause,
    }
}
