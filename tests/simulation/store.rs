//! The pretend store: what a restart gets back, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use sheetbridge::engine::adopt::Knowledge;
use sheetbridge::engine::effect::Commit;
use sheetbridge::engine::held::Held;
use sheetbridge::engine::input::{Micros, Seq, TableIndex};
use sheetbridge::engine::owed::{Owed, OwedId};
use sheetbridge::engine::plan::Plan;
use sheetbridge::engine::table::Claim;
use sheetbridge::engine::token::Spent;
use sheetbridge::model::base::{BaseChange, RowBase};
use sheetbridge::model::key::Key;
use sheetbridge::model::mark::{BatchNumber, ClaimId};
use sheetbridge::model::pause::{Cure, Pause};

/// One link's part.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) base: BTreeMap<Key, RowBase>,
    pub(super) dead: BTreeSet<Key>,
    /// Inserts under a claim whose key is owed to the sheet.
    pub(super) claims: BTreeMap<ClaimId, Claim>,
    /// Every insert ever made under a claim: the ledger.
    pub(super) inserts: BTreeMap<ClaimId, Key>,
    /// Cells that wait for a person.
    pub(super) held: BTreeMap<(Key, usize), Held>,
    /// What may be concluded from rows that base does not know.
    pub(super) knowledge: Knowledge,
    /// It stopped once before the two sides had met.
    pub(super) unfinished: bool,
    /// The brakes that are on.
    pub(super) pauses: Vec<Pause>,
    /// The last pass over the table is done.
    pub(super) copied: bool,
    /// One pass over the table was done.
    pub(super) met: bool,
}

impl Kept {
    /// Does the link stand still until an operator lets it go on?
    pub(super) fn is_stopped(&self) -> bool {
        self.pauses.iter().any(|pause| pause.brake.cure() == Cure::Anew)
    }

    /// Base goes, and the table is read whole. Its keys are remembered: a row of the tab that shows one of them is no new record.
    pub(super) fn lose_base(&mut self) {
        self.dead.extend(std::mem::take(&mut self.base).into_keys());
        self.held.clear();
        self.copied = false;
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) links: Vec<Kept>,
    pub(super) owed: BTreeMap<OwedId, Owed>,
    pub(super) open: Option<Plan>,
    pub(super) number: i32,
    pub(super) slot: u32,
    pub(super) last_done: Option<BatchNumber>,
    pub(super) tokens: Vec<Spent>,
    /// The first transaction that a restart reads again.
    pub(super) position: Seq,
    pub(super) generation: u32,
}

impl Store {
    /// The intention, before the batch is sent.
    pub(super) fn intend(&mut self, plan: &Plan, now: Micros) {
        self.number = plan.number.0 + 1;
        self.tokens.retain(|token| !plan.expired.contains(&token.number));
        self.tokens.push(Spent { number: plan.number, at: now, is_over: false });
        self.open = Some(plan.clone());
    }

    /// What became certain; making it twice changes nothing.
    pub(super) fn commit(&mut self, commit: &Commit) {
        if let Some((number, landed)) = commit.batch {
            self.open = None;
            self.last_done = if landed { Some(number) } else { self.last_done };
        }
        for (table, change) in &commit.base {
            self.change(*table, change);
        }
        self.owed.extend(commit.owe.iter().cloned());
        self.owed.retain(|id, _| !commit.paid.contains(id));
        for (table, (at, held)) in &commit.held {
            let kept = &mut self.links[*table].held;
            match held {
                Some(held) => drop(kept.insert(at.clone(), held.clone())),
                None => drop(kept.remove(at)),
            }
        }
        for (table, claim) in &commit.named {
            self.links[*table].claims.remove(claim);
        }
        self.slot = commit.slot;
        self.save_position(commit.front);
    }

    pub(super) fn save_position(&mut self, front: Seq) {
        self.position = self.position.max(front);
    }

    pub(super) fn change(&mut self, table: TableIndex, change: &BaseChange) {
        let kept = &mut self.links[table];
        match change {
            BaseChange::Set(key, base) => {
                kept.base.insert(key.clone(), base.clone());
                kept.dead.remove(key);
            }
            BaseChange::Forget { key, dead } => {
                kept.base.remove(key);
                if *dead {
                    kept.dead.insert(key.clone());
                }
            }
        }
    }
}
