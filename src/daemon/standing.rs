//! How the daemon stands: what it tells those who ask, people and machines.
//!
//! The loops report here as they work. Nothing in here is needed for the work itself, and nothing of a row is in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::daemon::room::Used;
use crate::engine::lifecycle::Life;
use crate::engine::table::Table;
use crate::model::link::LinkName;
use crate::model::pause::Pause;

/// One link, as far as it can be told in words and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkStanding {
    /// Where it stands, in a word.
    pub state: &'static str,
    /// Both sides are followed; false while a start or a copy is under way.
    pub live: bool,
    /// While its whole table is read, how much of it is read and stands in the tab, in percent of what the server guesses.
    pub copied_percent: Option<u64>,
    /// Why it is paused.
    pub paused: Option<String>,
    /// Why its deletes are stopped.
    pub deletes_stopped: Option<String>,
    /// Rows that the sheet is known to agree on.
    pub rows: usize,
    /// Changes of the table that wait for the sheet.
    pub pending: usize,
    /// Cells that are refused or held.
    pub held: usize,
    /// The last look at the whole table.
    pub audit: Option<Audited>,
    /// How full its spreadsheet is.
    pub cells: Option<Used>,
}

/// What a look at a whole table found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that were not as they are known, and were read again.
    pub differing: u64,
}

/// How the daemon stands.
#[derive(Debug, Default)]
pub struct Standing {
    links: Mutex<BTreeMap<LinkName, LinkStanding>>,
    answers: Mutex<BTreeMap<&'static str, u64>>,
    previous_secret: Mutex<BTreeMap<LinkName, u64>>,
    accepted: AtomicU64,
    waiting: AtomicU64,
}

#[derive(Serialize)]
struct Status<'a> {
    ready: bool,
    edits_accepted: u64,
    edits_waiting: u64,
    links: BTreeMap<&'a str, &'a LinkStanding>,
}

impl Standing {
    /// These links are to be followed; until they are reported, none of them is live.
    pub fn begin<'a>(&self, links: impl Iterator<Item = &'a LinkName>) {
        *lock(&self.links) = links.map(|link| (link.clone(), LinkStanding::default())).collect();
        self.waiting.store(0, Ordering::Relaxed);
    }

    /// The links of one spreadsheet as its engine has them, each with the rows that the server guesses its table to have.
    pub fn report<'a>(&self, tables: impl Iterator<Item = (&'a Table, u64)>) {
        let mut links = lock(&self.links);
        for (table, estimate) in tables {
            let name = &table.plan.rules.name;
            let told = |pause: &Pause| pause.told(name);
            let deletes: Vec<String> = table.brake.iter().chain(&table.removal).map(told).collect();
            let standing = LinkStanding {
                audit: links.get(name).and_then(|link| link.audit),
                cells: links.get(name).and_then(|link| link.cells),
                state: table.state().word(),
                live: table.life.is_live(),
                copied_percent: copied_percent(table, estimate),
                paused: table.trouble.as_ref().map(told),
                deletes_stopped: (!deletes.is_empty()).then(|| deletes.join("; ")),
                rows: table.base.len(),
                pending: table.waiting(),
                held: table.held.len(),
            };
            links.insert(name.clone(), standing);
        }
    }

    /// A link's whole table was looked at.
    pub fn audited(&self, link: &LinkName, found: Audited) {
        if let Some(standing) = lock(&self.links).get_mut(link) {
            standing.audit = Some(found);
        }
    }

    /// A link's spreadsheet is so full.
    pub fn has_room(&self, link: &LinkName, used: Used) {
        if let Some(standing) = lock(&self.links).get_mut(link) {
            standing.cells = Some(used);
        }
    }

    /// Is this link followed on both sides, and not paused?
    pub fn is_live(&self, link: &LinkName) -> bool {
        lock(&self.links).get(link).is_some_and(|link| link.live && link.paused.is_none())
    }

    /// Edits were accepted that wait for a decision.
    pub fn accepted(&self, new: usize, waiting: usize) {
        self.accepted.fetch_add(new as u64, Ordering::Relaxed);
        self.waiting.fetch_add(waiting as u64, Ordering::Relaxed);
    }

    /// An edit was decided.
    pub fn decided(&self, outcome: &'static str) {
        *lock(&self.answers).entry(outcome).or_default() += 1;
        // A repeat may have been counted twice, or not at all.
        let less = |waiting: u64| Some(waiting.saturating_sub(1));
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// A delivery of this link was signed with the secret that is being replaced.
    pub fn signed_as_before(&self, link: &LinkName) {
        *lock(&self.previous_secret).entry(link.clone()).or_default() += 1;
    }

    /// Accepted edits that wait for a decision.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Every link is live, and none is paused.
    pub fn is_ready(&self) -> bool {
        let links = lock(&self.links);
        !links.is_empty() && links.values().all(|link| link.live && link.paused.is_none())
    }

    /// All of it as JSON.
    pub fn status(&self) -> String {
        let ready = self.is_ready();
        let links = lock(&self.links);
        let status = Status {
            ready,
            edits_accepted: self.accepted.load(Ordering::Relaxed),
            edits_waiting: self.waiting(),
            links: links.iter().map(|(name, link)| (name.0.as_str(), link)).collect(),
        };
        serde_json::to_string_pretty(&status).unwrap_or_default()
    }

    /// All numbers in the text form of Prometheus, version 0.0.4.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>| {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "# HELP sheetbridge_{name} {help}\n# TYPE sheetbridge_{name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "sheetbridge_{name}{labels} {value}");
            }
        };
        let links = lock(&self.links);
        let each = |number: &dyn Fn(&LinkStanding) -> u64| {
            links.iter().map(|(name, link)| (format!("{{link=\"{name}\"}}"), number(link))).collect()
        };
        family("link_live", "gauge", "Both sides of the link are followed.", each(&|link| link.live.into()));
        family(
            "link_copied_percent",
            "gauge",
            "How much of the table has been copied since it was last read whole; 100 once the link is live.",
            each(&|link| link.copied_percent.unwrap_or(if link.live { 100 } else { 0 })),
        );
        family(
            "link_paused",
            "gauge",
            "The link waits for a person.",
            each(&|link| link.paused.is_some().into()),
        );
        family(
            "link_deletes_stopped",
            "gauge",
            "The link's deletes wait for a person.",
            each(&|link| link.deletes_stopped.is_some().into()),
        );
        family(
            "link_rows",
            "gauge",
            "Rows that both sides are known to agree on.",
            each(&|link| link.rows as u64),
        );
        family(
            "link_pending",
            "gauge",
            "Changes of the table that wait for the sheet.",
            each(&|link| link.pending as u64),
        );
        family("link_held_cells", "gauge", "Cells that are refused or held.", each(&|link| link.held as u64));
        let differing = |link: &LinkStanding| link.audit.map_or(0, |audit| audit.differing);
        family(
            "link_audit_differing_rows",
            "gauge",
            "Rows that the last audit found not as they are known.",
            each(&differing),
        );
        family(
            "link_spreadsheet_cells_percent",
            "gauge",
            "Of the cells that Google allows in the link's spreadsheet, those that are used.",
            each(&|link| link.cells.map_or(0, |cells| cells.percent)),
        );
        let plain = |value| vec![(String::new(), value)];
        family(
            "edits_accepted_total",
            "counter",
            "Edits that the scripts sent.",
            plain(self.accepted.load(Ordering::Relaxed)),
        );
        family("edits_waiting", "gauge", "Accepted edits without a decision.", plain(self.waiting()));
        let previous = lock(&self.previous_secret);
        let previous = previous.iter().map(|(link, count)| (format!("{{link=\"{link}\"}}"), *count));
        family(
            "deliveries_by_previous_secret_total",
            "counter",
            "Deliveries signed with the secret that is being replaced: once this rests, it may go.",
            previous.collect(),
        );
        let answers = lock(&self.answers);
        let answers = answers.iter().map(|(outcome, count)| (format!("{{outcome=\"{outcome}\"}}"), *count));
        family("edits_decided_total", "counter", "Edits by what became of them.", answers.collect());
        text
    }
}

/// How far a pass over a whole table has come: what is read and waits for the sheet no more. What the stream brings meanwhile
/// takes nothing away from it.
pub fn copied_percent(table: &Table, estimate: u64) -> Option<u64> {
    let Life::CatchingUpAll(copying) = &table.life else { return None };
    let waiting = (table.pending.len() + table.flight.len()).min(copying.ahead.len()) as u64;
    Some(copying.rows.saturating_sub(waiting) * 100 / estimate.max(copying.rows).max(1))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ready_before_it_is_reported_and_a_decided_edit_waits_no_more() {
        let standing = Standing::default();
        assert!(!standing.is_ready(), "no link is no readiness");
        standing.begin([LinkName("goods".into())].iter());
        assert!(!standing.is_ready());
        standing.accepted(2, 2);
        standing.decided("applied");
        standing.signed_as_before(&LinkName("goods".into()));
        assert_eq!(standing.waiting(), 1);
        let metrics = standing.metrics();
        for line in [
            "sheetbridge_link_live{link=\"goods\"} 0",
            "sheetbridge_edits_accepted_total 2",
            "sheetbridge_deliveries_by_previous_secret_total{link=\"goods\"} 1",
            "sheetbridge_edits_decided_total{outcome=\"applied\"} 1",
        ] {
            assert!(metrics.lines().any(|there| there == line), "{line} in {metrics}");
        }
    }
}
