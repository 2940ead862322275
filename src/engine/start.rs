//! An engine's beginning: what the store remembers, and the limits that it works within.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::engine::adopt::Knowledge;
use crate::engine::input::Seq;
use crate::engine::new_rows::{PutOff, TOGETHER};
use crate::engine::owed::{Owed, OwedId};
use crate::engine::places::LARGE;
use crate::engine::plan::Plan;
use crate::engine::storing::Storing;
use crate::engine::table::Table;
use crate::engine::token::{NEWEST, Spent};
use crate::engine::{Engine, Stage};
use crate::model::grid::MOST_OPS;
use crate::model::mark::{BatchNumber, EffectId, Owner};

/// What an engine starts with.
#[derive(Debug)]
pub struct Start {
    /// Whose tokens ours are.
    pub owner: Owner,
    /// The links, with what the store remembers of them.
    pub tables: Vec<Table>,
    /// The first free ledger id of this engine's range.
    pub effects: EffectId,
    /// The next batch's number.
    pub number: BatchNumber,
    /// The next trash slot.
    pub slot: u32,
    /// The last batch that is known to have landed, if its token still stands.
    pub last_done: Option<BatchNumber>,
    /// Tokens that may stand, of batches whose fate is known, the oldest first.
    pub tokens: Vec<Spent>,
    /// The batch whose fate is unknown.
    pub open: Option<Plan>,
    /// What is owed.
    pub owed: BTreeMap<OwedId, Owed>,
    /// The stream's place now.
    pub seq: Seq,
}

impl Engine {
    /// An engine that goes on where the store left off.
    pub fn new(start: Start) -> Self {
        // New debts are numbered past those that the open batch is about to pay.
        let paid = start.open.iter().flat_map(|plan| &plan.paid);
        let debts = start.owed.keys().chain(paid).max().map_or(0, |last| last.0);
        let stage = match start.open {
            Some(plan) => Stage::Settling { plan: Arc::new(plan), asked: false },
            None => Stage::Idle,
        };
        let has_past = start.tables.iter().any(|table| !table.base.is_empty());
        let adopting = start.tables.iter().any(|table| table.knowledge == Knowledge::Lost);
        Self {
            owner: start.owner,
            tables: start.tables,
            stage,
            clock: 0,
            started: None,
            has_past,
            seq: start.seq,
            effects: start.effects,
            number: start.number.0,
            slot: start.slot,
            reads: 0,
            last_done: start.last_done,
            tokens: start.tokens.into(),
            newest_tokens: NEWEST,
            debts,
            owed: start.owed,
            asleep: BTreeMap::new(),
            healed: Vec::new(),
            hints: Vec::new(),
            put_off: PutOff::default(),
            together: TOGETHER,
            wakes: BTreeSet::new(),
            next_sweep: 0,
            not_before: 0,
            failures: 0,
            stale: 0,
            batch_limit: MOST_OPS,
            large: LARGE,
            again: false,
            adopting,
            adopted: BTreeSet::new(),
            cycle_front: None,
            storing: Storing::default(),
            out: VecDeque::new(),
        }
    }

    /// Sets the bound from which on tabs are read row by row: simulations have small ones.
    pub fn set_large(&mut self, cells: usize) {
        self.large = cells;
    }

    /// Sets how many new rows share a transaction: simulations have few.
    pub fn set_together(&mut self, new_rows: usize) {
        self.together = new_rows;
    }

    /// Sets how many rows of a link may wait whole, and how many tokens of batches that landed stand: simulations have few.
    pub fn set_room(&mut self, rows: usize, tokens: usize) {
        self.newest_tokens = tokens;
        for table in &mut self.tables {
            table.most_rows = rows;
        }
    }
}
