//! How often each thing happened: a line of the truth table that was never walked, and two steps that never met, prove nothing.

use std::collections::BTreeMap;

use sheetbridge::engine::effect::{Commit, Conflict, TableWrite, Winner, WriteAim};
use sheetbridge::engine::input::WriteOutcome;
use sheetbridge::engine::plan::{Aim, Plan};
use sheetbridge::model::base::BaseChange;
use sheetbridge::model::link::LinkName;

use super::sheet::Row;
use super::store::Store;
use super::table::{Id, key};

/// The lines of the truth table (`src/engine/mod.rs`), as far as they can be told from outside.
pub(super) const LINES: [&str; 19] = [
    "new in the table: made in the sheet",
    "new in the sheet: made in the table",
    "first meeting, equal: agreed",
    "first meeting, different: by first_match",
    "changed in the table: to the sheet",
    "changed in the sheet: to the table",
    "changed on both sides, other columns: merged",
    "changed on both sides, same column: by policy",
    "gone in the table: removed from the sheet",
    "gone in the table, changed in the sheet: made again",
    "gone in the table, changed in the sheet, last image unknown: held",
    "gone in the sheet: deleted",
    "gone in the sheet: restored",
    "gone in the sheet: held",
    "changed in the table, gone in the sheet: made in the sheet",
    "gone on both sides: forgotten",
    "a deleted key stands in the sheet: held",
    "the key is owed: waits",
    "two rows: the one that equals base stands, or all are held",
];

/// What is done between the steps of a call.
pub(super) const CALLS: [&str; 8] = ["Read", "Write", "Send", "Settle", "Commit", "Name", "Probe", "Chunk"];

/// Counts of one seed, or of many.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) lines: BTreeMap<&'static str, u64>,
    /// Somebody's step while a call was under way.
    pub(super) meetings: BTreeMap<(&'static str, &'static str), u64>,
    /// Somebody's steps.
    pub(super) steps: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        for (line, times) in other.lines {
            *self.lines.entry(line).or_default() += times;
        }
        for (meeting, times) in other.meetings {
            *self.meetings.entry(meeting).or_default() += times;
        }
        for (step, times) in other.steps {
            *self.steps.entry(step).or_default() += times;
        }
    }

    pub(super) fn line(&mut self, line: &'static str) {
        *self.lines.entry(line).or_default() += 1;
    }

    pub(super) fn happens(&mut self, step: &'static str, under_way: impl Iterator<Item = &'static str>) {
        for call in under_way {
            *self.meetings.entry((step, call)).or_default() += 1;
        }
        *self.steps.entry(step).or_default() += 1;
    }

    /// A read is taken: does a key stand in two rows?
    pub(super) fn read(&mut self, tabs: &[Vec<Row>]) {
        for rows in tabs {
            let mut seen: BTreeMap<Id, u32> = BTreeMap::new();
            for id in rows.iter().filter_map(Row::id) {
                *seen.entry(id).or_default() += 1;
            }
            if seen.values().any(|times| *times > 1) {
                self.line("two rows: the one that equals base stands, or all are held");
            }
        }
    }

    /// The stream tells a row whose key has not reached the sheet.
    pub(super) fn told(&mut self, store: &Store, tab: usize, id: Id) {
        if store.links[tab].claims.values().any(|claim| claim.key == key(id)) {
            self.line("the key is owed: waits");
        }
    }

    pub(super) fn landed(&mut self, plan: &Plan, store: &Store) {
        for op in &plan.ops {
            let base = |key| store.links[place(&op.link)].base.get(key);
            match &op.aim {
                Aim::Cells { .. } => self.line("changed in the table: to the sheet"),
                Aim::RemoveRow { .. } => self.line("gone in the table: removed from the sheet"),
                Aim::NewRow { key, base: new } => self.line(match base(key) {
                    None => "new in the table: made in the sheet",
                    Some(base) if base == new => "gone in the sheet: restored",
                    Some(_) => "changed in the table, gone in the sheet: made in the sheet",
                }),
                Aim::Rekey { .. }
                | Aim::Claim(_)
                | Aim::Unclaim(_)
                | Aim::MendCells { .. }
                | Aim::MendRow { .. } => {}
            }
        }
    }

    pub(super) fn wrote(&mut self, write: &TableWrite, outcome: &WriteOutcome) {
        let WriteOutcome::Done { wrote: true, .. } = outcome else { return };
        match &write.aim {
            WriteAim::Columns { known, .. } => {
                self.line("changed in the sheet: to the table");
                if known.is_some() {
                    self.line("changed on both sides, other columns: merged");
                }
            }
            WriteAim::Insert { .. } => self.line("new in the sheet: made in the table"),
            WriteAim::Delete { .. } => self.line("gone in the sheet: deleted"),
            WriteAim::Mark { .. } | WriteAim::Tie { .. } | WriteAim::Rename(_) => {}
            WriteAim::Recreate { .. } => self.line("gone in the table, changed in the sheet: made again"),
        }
    }

    pub(super) fn committed(&mut self, commit: &Commit, store: &Store) {
        for (tab, change) in &commit.base {
            let known = |key| store.links[*tab].base.contains_key(key);
            match change {
                BaseChange::Forget { dead: true, key } if commit.batch.is_none() && known(key) => {
                    self.line("gone on both sides: forgotten");
                }
                BaseChange::Set(key, _) if commit.batch.is_none() && !known(key) => {
                    self.line("first meeting, equal: agreed");
                }
                BaseChange::Forget { .. } | BaseChange::Set(..) => {}
            }
        }
    }

    pub(super) fn listed(&mut self, conflict: &Conflict) {
        let rule = conflict.rule.as_str();
        if rule.starts_with("policy") {
            self.line("changed on both sides, same column: by policy");
        } else if rule.starts_with("first match") {
            self.line("first meeting, different: by first_match");
        } else if rule.starts_with("edit beats delete") && conflict.winner == Winner::Nobody {
            self.line("gone in the table, changed in the sheet, last image unknown: held");
        }
    }

    /// Everything that happened less than `least` times.
    pub(super) fn rare(&self, least: u64) -> Vec<String> {
        let count = |times: Option<&u64>| times.copied().unwrap_or_default();
        let lines = LINES.iter().map(|line| ((*line).to_owned(), count(self.lines.get(line))));
        let meetings = self.steps.keys().flat_map(|step| {
            CALLS
                .iter()
                .map(move |call| (format!("{step} during {call}"), count(self.meetings.get(&(*step, *call)))))
        });
        let rare = lines.chain(meetings).filter(|(_, times)| *times < least);
        rare.map(|(what, times)| format!("{what}: {times}")).collect()
    }

    pub(super) fn print(&self) {
        for line in LINES {
            println!("  line {:7} {line}", self.lines.get(line).copied().unwrap_or_default());
        }
        println!("  step while a call is under way: {}", CALLS.map(|call| format!("{call:>7}")).join(""));
        for step in self.steps.keys() {
            let times = CALLS
                .map(|call| format!("{:7}", self.meetings.get(&(*step, call)).copied().unwrap_or_default()));
            println!("  {step:>30}: {}", times.join(""));
        }
    }
}

fn place(link: &LinkName) -> usize {
    usize::from(link.0.ends_with('1'))
}
