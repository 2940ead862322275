//! A call that has been read, and carrying it out: now, with people around it, or late.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json};
use tokio::task::JoinSet;

use crate::Google;
use crate::faults::{Fault, Faults, Moment};
use crate::rest::{Answer, Ask, Kind, Query, Route, perform};

/// A call, read.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) route: Route,
    pub(crate) query: Query,
    pub(crate) body: Map<String, Json>,
    pub(crate) caller: String,
}

impl Work {
    /// Carries it out, with the people who act just before, inside and after it.
    pub(crate) fn carry_out(&self, google: &Google, hits: &[Fault]) -> Answer {
        self.people(google, hits, |moment| moment == Moment::Before);
        let is_read = self.route.kind() == Kind::Read;
        let stale = hits.iter().find_map(|fault| match fault {
            Fault::StaleRead { changes } if is_read => Some(*changes),
            _ => None,
        });
        let inside = hits.iter().any(|fault| matches!(fault, Fault::Person { moment: Moment::Inside, .. }));
        let between = || self.people(google, hits, |moment| moment != Moment::Before);
        let ask = Ask {
            route: &self.route,
            query: &self.query,
            body: &self.body,
            caller: &self.caller,
            stale: stale.unwrap_or(0),
            between: &between,
            atomic: !inside,
        };
        let answer = perform(google, &ask);
        if is_read {
            between();
        }
        answer
    }

    fn people(&self, google: &Google, hits: &[Fault], when: impl Fn(Moment) -> bool) {
        let Some(id) = self.route.spreadsheet() else {
            return;
        };
        for fault in hits {
            let Fault::Person { person, moment, actions } = fault else {
                continue;
            };
            for action in actions.iter().filter(|_| when(*moment)) {
                match google.act(id, person, action) {
                    Ok(Ok(_)) => {}
                    Ok(Err(refusal)) => tracing::warn!(%refusal, "a person's scripted action was refused"),
                    Err(unknown) => tracing::warn!(%unknown, "a person's scripted action went nowhere"),
                }
            }
        }
    }
}

#[derive(Debug)]
struct Late {
    calls_left: u32,
    work: Arc<Work>,
}

/// Writes whose answers are lost already, and that are still to be applied. Nobody hears how they end.
#[derive(Debug, Default)]
pub(crate) struct LateWrites {
    counting: Mutex<Vec<Late>>,
    waiting: Mutex<JoinSet<()>>,
}

impl LateWrites {
    /// To be applied when so many further calls have come in.
    pub(crate) fn after_calls(&self, work: Arc<Work>, calls_left: u32) {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner).push(Late { calls_left, work });
    }

    /// To be applied when the name is released.
    pub(crate) fn on_release(&self, google: Arc<Google>, faults: Arc<Faults>, work: Arc<Work>, name: String) {
        let later = async move {
            faults.wait_at(&name).await;
            let _ = work.carry_out(&google, &[]);
        };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).spawn(later);
    }

    /// A call has come in: applies what is due.
    pub(crate) fn call_came_in(&self, google: &Google) {
        let mut due = Vec::new();
        self.counting.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|late| {
            late.calls_left = late.calls_left.saturating_sub(1);
            if late.calls_left == 0 {
                due.push(late.work.clone());
            }
            late.calls_left > 0
        });
        for work in due {
            let _ = work.carry_out(google, &[]);
        }
    }

    /// Drops what still waits.
    pub(crate) fn stop(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}
