//! What goes wrong, by script: rules that match calls and say what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::people::{Action, Person};

/// Which calls a rule is about. Everything given must fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The method's name (`spreadsheets.batchUpdate`), the end of it (`batchUpdate`), `read`, `write` or `token`.
    pub method: Option<String>,
    /// The spreadsheet.
    pub spreadsheet: Option<String>,
    /// A part of the body.
    pub body: Option<String>,
}

/// What became of a write whose answer is lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// It was applied.
    Yes,
    /// It was not.
    No,
    /// It will be, after so many further calls have come in.
    AfterCalls(u32),
    /// It will be, when this name is released ([`Faults::release`]).
    OnRelease(String),
}

/// When a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Just before the call is carried out.
    Before,
    /// Just after it is carried out; the answer shows the state without it.
    After,
    /// Just after it is carried out, and the answer shows it: an answer that is not atomic.
    Inside,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection breaks without an answer.
    LostReply {
        /// Was it applied?
        applied: Applied,
    },
    /// An error instead of carrying it out.
    Status {
        /// HTTP status.
        code: u16,
    },
    /// An error although it was carried out.
    StatusAfter {
        /// HTTP status.
        code: u16,
    },
    /// A quota's 429.
    Quota,
    /// Carried out, answered late.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer's body breaks off in the middle.
    CutBody,
    /// A read shows the state so many changes ago.
    StaleRead {
        /// How many.
        changes: usize,
    },
    /// A read shows no cells.
    EmptyRead,
    /// A person acts.
    Person {
        /// Who.
        person: Person,
        /// When.
        moment: Moment,
        /// What.
        actions: Vec<Action>,
    },
    /// The call waits before it is carried out, until the name is released.
    Pause {
        /// The name; see [`Faults::paused`] and [`Faults::release`].
        name: String,
    },
    /// The call is carried out, and its answer waits until the name is released.
    HoldAnswer {
        /// The name; see [`Faults::paused`] and [`Faults::release`].
        name: String,
    },
}

fn once() -> u32 {
    1
}

/// A rule: of the matching calls, some pass, then some are hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which calls.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// So many matching calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// So many are hit then.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// The next call of a method is hit.
    pub fn next(method: &str, fault: Fault) -> Self {
        let matching = Match { method: Some(method.to_owned()), ..Match::default() };
        Self { matching, skip: 0, times: 1, fault }
    }
}

/// A call, as rules look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) spreadsheet: &'a str,
    pub(crate) body: &'a str,
}

impl Match {
    fn fits(&self, seen: Seen<'_>) -> bool {
        let method = self.method.as_deref().is_none_or(|wanted| {
            wanted == seen.kind
                || wanted == seen.method
                || seen.method.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'))
        });
        method
            && self.spreadsheet.as_deref().is_none_or(|wanted| wanted == seen.spreadsheet)
            && self.body.as_deref().is_none_or(|part| seen.body.contains(part))
    }
}

/// The rules of one emulator, and the names that calls wait for.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<BTreeMap<u64, Rule>>,
    /// Names released, and names that calls wait at now.
    gates: watch::Sender<Gates>,
}

#[derive(Debug, Clone, Default)]
struct Gates {
    released: BTreeSet<String>,
    waiting: BTreeMap<String, u32>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Mutex::default(), gates: watch::Sender::new(Gates::default()) }
    }
}

impl Faults {
    fn rules(&self) -> MutexGuard<'_, BTreeMap<u64, Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule; gives its number. Several rules may hit one call, in the order of their numbers.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut rules = self.rules();
        let number = rules.keys().next_back().map_or(1, |last| last + 1);
        rules.insert(number, rule);
        number
    }

    /// Takes a rule away.
    pub fn remove(&self, number: u64) -> bool {
        self.rules().remove(&number).is_some()
    }

    /// Takes all rules away, and lets every waiting call go on.
    pub fn clear(&self) {
        self.rules().clear();
        self.gates.send_modify(|gates| {
            let waiting: Vec<String> = gates.waiting.keys().cloned().collect();
            gates.released.extend(waiting);
        });
    }

    /// The rules that are left, with their numbers.
    pub fn left(&self) -> BTreeMap<u64, Rule> {
        self.rules().clone()
    }

    /// What happens to this call. Rules that are used up go away.
    pub(crate) fn hit(&self, seen: Seen<'_>) -> Vec<Fault> {
        let mut hits = Vec::new();
        self.rules().retain(|_, rule| {
            if !rule.matching.fits(seen) {
                return true;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                return true;
            }
            hits.push(rule.fault.clone());
            rule.times = rule.times.saturating_sub(1);
            rule.times > 0
        });
        hits
    }

    /// Releases a name: calls that wait for it go on, late writes that wait for it are applied. Once, for those that
    /// wait now or come first.
    pub fn release(&self, name: &str) {
        self.gates.send_modify(|gates| {
            gates.released.insert(name.to_owned());
        });
    }

    /// Waits until a call waits at this name.
    pub async fn paused(&self, name: &str) {
        let mut gates = self.gates.subscribe();
        // The sender lives as long as `self`.
        let _ = gates.wait_for(|gates| gates.waiting.contains_key(name)).await;
    }

    /// Does a call wait at this name now?
    pub fn is_paused(&self, name: &str) -> bool {
        self.gates.borrow().waiting.contains_key(name)
    }

    /// Waits at a name until it is released.
    pub(crate) async fn wait_at(&self, name: &str) {
        let mut gates = self.gates.subscribe();
        self.gates.send_modify(|gates| *gates.waiting.entry(name.to_owned()).or_default() += 1);
        let _ = gates.wait_for(|gates| gates.released.contains(name)).await;
        self.gates.send_modify(|gates| {
            let left = gates.waiting.get_mut(name).map_or(0, |count| {
                *count -= 1;
                *count
            });
            if left == 0 {
                gates.waiting.remove(name);
                gates.released.remove(name);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_hits_and_goes() {
        let faults = Faults::default();
        faults.add(Rule { skip: 1, times: 2, ..Rule::next("batchUpdate", Fault::Status { code: 503 }) });
        let hit = |method: &str| faults.hit(Seen { method, kind: "write", spreadsheet: "x", body: "" }).len();
        assert_eq!(hit("spreadsheets.values.batchUpdate"), 0, "the first one passes");
        assert_eq!(hit("spreadsheets.values.get"), 0, "another method");
        assert_eq!([1, 2, 3].map(|_| hit("spreadsheets.batchUpdate")), [1, 1, 0]);
        assert!(faults.left().is_empty());
    }

    #[test]
    fn rules_read_as_json() {
        let rule: Rule = serde_json::from_str(
            r#"{"match": {"method": "write"}, "fault": {"kind": "lost_reply", "applied": {"after_calls": 2}}}"#,
        )
        .expect("is a rule");
        assert_eq!(rule.fault, Fault::LostReply { applied: Applied::AfterCalls(2) });
    }
}
