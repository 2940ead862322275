//! Tokens whose batches' fates are known, and when they may go.
//!
//! A token stands so that its batch cannot be applied twice (design 4a, rule 2), and Google keeps 30,000 characters of metadata for a
//! spreadsheet, all of which every read brings along.
//!
//! | fate | what may still come | it stands |
//! |--|--|--|
//! | landed and answered | nothing: the call is over | while it is one of the newest |
//! | landed, the answer lost | the call once more, if something on the way repeats what got no answer | 15 minutes |
//! | landed, before a restart | the same: whether it was answered is not stored | 15 minutes |
//! | void | the call that we gave up, within the 180 s that Google works on it | 15 minutes |
//! | the last one that landed | reads are held against it | until another one is |

use crate::engine::Engine;
use crate::engine::input::Micros;
use crate::model::mark::BatchNumber;

/// Far longer than Google works on a call (180 s).
const LIFE: Micros = 15 * 60 * 1_000_000;

/// So many of those whose calls are over stand. The last one alone is needed (the simulation keeps no other), and every read brings
/// some eighty bytes of each.
pub(super) const NEWEST: usize = 20;

/// So many go with one batch.
const TOGETHER: usize = 500;

/// A token whose batch's fate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The batch.
    pub number: BatchNumber,
    /// When its fate was known.
    pub at: Micros,
    /// Its call landed and was answered: nothing more comes of it.
    pub is_over: bool,
}

impl Engine {
    pub(super) fn spend(&mut self, number: BatchNumber, is_over: bool) {
        self.tokens.push_back(Spent { number, at: self.clock, is_over });
    }

    /// Those that may go, the oldest first.
    pub(super) fn expired(&self) -> Vec<BatchNumber> {
        let oldest = self.clock.saturating_sub(LIFE);
        let beyond = self.tokens.len().saturating_sub(self.newest_tokens);
        let places = self.tokens.iter().enumerate();
        let old = places.filter(|(place, token)| token.at < oldest || (token.is_over && *place < beyond));
        let old = old.map(|(_, token)| token.number).filter(|number| Some(*number) != self.last_done);
        old.chain(self.adopted.iter().copied()).take(TOGETHER).collect()
    }

    /// The batch that was to take them away did not: the next one does.
    pub(super) fn expire_again(&mut self, numbers: &[BatchNumber]) {
        for number in numbers.iter().rev().filter(|number| !self.adopted.contains(number)) {
            self.tokens.push_front(Spent { number: *number, at: 0, is_over: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::engine::input::{Input, SendOutcome};
    use crate::engine::plan::Plan;
    use crate::engine::{Stage, Start};
    use crate::model::link::SheetId;
    use crate::model::mark::{EffectId, Owner};

    fn engine(tokens: impl Iterator<Item = Spent>, last_done: i32) -> Engine {
        Engine::new(Start {
            owner: Owner { installation: "k3v9".into(), generation: 1 },
            tables: Vec::new(),
            effects: EffectId(1),
            number: BatchNumber(1_000_000),
            slot: 0,
            last_done: Some(BatchNumber(last_done)),
            tokens: tokens.collect(),
            open: None,
            owed: BTreeMap::new(),
            seq: 0,
        })
    }

    #[test]
    fn as_many_tokens_stand_as_google_keeps_with_room_for_others() {
        // given many batches within seconds, one of them void, or landed although its answer was lost
        let newest = NEWEST as i32;
        let spent = |number: i32| Spent { number: BatchNumber(number), at: LIFE, is_over: number != 3 };
        let mut engine = engine((1..=newest + 50).map(spent), newest + 50);
        engine.clock = LIFE + 1;
        // then the old ones whose calls are over go at once, and the other one when its call cannot come any more
        let expired: Vec<i32> = engine.expired().iter().map(|number| number.0).collect();
        assert_eq!(expired, (1..=50).filter(|number| *number != 3).collect::<Vec<_>>());
        engine.clock = 2 * LIFE + 1;
        assert!(engine.expired().contains(&BatchNumber(3)));
        // and the last that landed stands as long as it is the last
        assert_eq!(engine.expired().len(), NEWEST + 49);
    }

    #[test]
    fn a_batch_whose_answer_was_lost_stands_as_long_as_its_call_may_come_again() {
        let plan = |number: i32| Plan {
            number: BatchNumber(number),
            owner: Owner { installation: "k3v9".into(), generation: 1 },
            helper: SheetId(0),
            expired: Vec::new(),
            read_at: 0,
            agreed: Vec::new(),
            conflicts: Vec::new(),
            paid: Vec::new(),
            owe: Vec::new(),
            named: Vec::new(),
            ops: Vec::new(),
        };
        // given a batch that was answered, and one that a read shows to have landed
        let mut engine = engine(std::iter::empty(), 0);
        engine.stage = Stage::Sending(Arc::new(plan(1)));
        engine.handle(1, Input::Sent(BatchNumber(1), SendOutcome::Applied(Vec::new())));
        engine.stage = Stage::Settling { plan: Arc::new(plan(2)), asked: true };
        engine.handle(2, Input::Settled { number: BatchNumber(2), landed: Some(Vec::new()) });
        // then only the first one's call is over
        let over: Vec<(i32, bool)> =
            engine.tokens.iter().map(|token| (token.number.0, token.is_over)).collect();
        assert_eq!(over, [(1, true), (2, false)]);
    }

    #[test]
    fn what_a_batch_was_to_take_away_goes_with_the_next_one_if_it_did_not_land() {
        let spent = |number: i32| Spent { number: BatchNumber(number), at: 0, is_over: true };
        let mut engine = engine((1..=2).map(spent), 2);
        engine.clock = LIFE + 1;
        let expired = engine.expired();
        engine.tokens.retain(|token| !expired.contains(&token.number));
        assert_eq!(engine.expired(), []);
        engine.expire_again(&expired);
        assert_eq!(engine.expired(), expired);
    }
}
