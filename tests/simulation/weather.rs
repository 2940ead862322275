//! The faults of one seed: a subset of them, each with its own rate (swarm testing finds more than all faults at once).

use std::collections::BTreeMap;

use super::dice::Dice;

/// Everything that can go wrong at a pretend edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A batch's answer is lost: it was applied, was not, or is applied later.
    AnswerLost,
    /// A batch never left: a quota, an outage.
    NotSent,
    /// A read shows the spreadsheet as it was a few changes ago, tokens included.
    StaleRead,
    /// A read fails.
    ReadFailed,
    /// The daemon is killed between two steps.
    Crash,
    /// The answer to settling is lost.
    SettleFailed,
    /// A guarded transaction is rolled back.
    WriteFailed,
    /// A select with its ledger entry is rolled back.
    ProbeFailed,
    /// A chunk is not read.
    ChunkFailed,
    /// Keys are written into claimed rows late, or never.
    NamingLost,
    /// An edit is never announced.
    HintLost,
    /// An edit is announced twice.
    HintDoubled,
    /// MySQL's answer to a commit is lost and it is made again.
    CommitRetried,
    /// The stream touches a row and does not say what it became.
    ImageMissing,
    /// The stream is in doubt about a table: it is followed no more until the next start.
    Doubt,
    /// What base was made with is another thing at the next start.
    BaseLost,
}

/// Every fault with its highest rate per call (per step for the crash).
pub(super) const FAULTS: [(Fault, f64); 16] = [
    (Fault::AnswerLost, 0.5),
    (Fault::NotSent, 0.1),
    (Fault::StaleRead, 0.15),
    (Fault::ReadFailed, 0.1),
    (Fault::Crash, 0.02),
    (Fault::SettleFailed, 0.4),
    (Fault::WriteFailed, 0.15),
    (Fault::ProbeFailed, 0.15),
    (Fault::ChunkFailed, 0.15),
    (Fault::NamingLost, 0.5),
    (Fault::HintLost, 0.5),
    (Fault::HintDoubled, 0.3),
    (Fault::CommitRetried, 0.3),
    (Fault::ImageMissing, 0.2),
    (Fault::Doubt, 0.004),
    (Fault::BaseLost, 0.3),
];

/// The rates of one seed, and how often each fault struck.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    rates: BTreeMap<Fault, f64>,
    pub(super) struck: BTreeMap<Fault, u64>,
}

impl Weather {
    /// Half of the faults that `allowed` lets through, each at a rate of its own.
    pub(super) fn draw(dice: &mut Dice, allowed: fn(Fault) -> bool) -> Self {
        let mut rates = BTreeMap::new();
        for (fault, most) in FAULTS {
            let (on, share) = (dice.chance(0.5), dice.below(100) + 1);
            if on && allowed(fault) {
                rates.insert(fault, most * share as f64 / 100.0);
            }
        }
        Self { rates, struck: BTreeMap::new() }
    }

    pub(super) fn clear_up(&mut self) {
        self.rates.clear();
    }

    pub(super) fn strikes(&mut self, fault: Fault, dice: &mut Dice) -> bool {
        let strikes = self.rates.get(&fault).is_some_and(|rate| dice.chance(*rate));
        if strikes {
            *self.struck.entry(fault).or_default() += 1;
        }
        strikes
    }
}
