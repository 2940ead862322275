//! Who is next when more want to call than Google lets: lanes with shares, and within a lane spreadsheets in fair turns.
//!
//! Each lane has a clock that a call moves on by one over its share; the lane whose clock is behind goes first. So a lane that
//! waits gets its share however much the others ask, and what it leaves is theirs. A lane that comes back after a rest begins at
//! the present: it saves nothing up. Spreadsheets of one lane are served by the same rule with equal shares: a busy one delays a
//! quiet one by one call.

use std::collections::BTreeMap;

use crate::model::link::SpreadsheetId;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A person's edit and its answer.
    Edit,
    /// Settling, mending, looking twice: other calls of the spreadsheet wait for it.
    Verify,
    /// Row changes from the database as they happen.
    Live,
    /// Whole tabs, for what no event told.
    Sweep,
    /// Copies of whole tables.
    Bulk,
}

impl Lane {
    /// Of how many calls it gets this one while all lanes wait: 8 of 23 for people, 1 for copies.
    fn share(self) -> u64 {
        match self {
            Self::Edit | Self::Verify => 8,
            Self::Live => 4,
            Self::Sweep => 2,
            Self::Bulk => 1,
        }
    }

    /// The lanes of the background share two thirds of the quota, so that the others find some of it free.
    pub(super) fn is_background(self) -> bool {
        matches!(self, Self::Sweep | Self::Bulk)
    }
}

/// One call of a lane with the share 1, in the clocks' own unit; it can be divided by every share.
const STEP: u64 = 840;

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Order {
    waiting: BTreeMap<Ticket, (Lane, SpreadsheetId)>,
    lanes: BTreeMap<Lane, u64>,
    spreadsheets: BTreeMap<SpreadsheetId, u64>,
    /// The clocks of what went last: the present.
    now: (u64, u64),
    next: u64,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl Order {
    /// Somebody wants to call.
    pub(super) fn join(&mut self, lane: Lane, spreadsheet: &SpreadsheetId) -> Ticket {
        if !self.waiting.values().any(|(waits, _)| *waits == lane) {
            let clock = self.lanes.entry(lane).or_default();
            *clock = (*clock).max(self.now.0);
        }
        if !self.waiting.values().any(|(_, waits)| waits == spreadsheet) {
            let clock = self.spreadsheets.entry(spreadsheet.clone()).or_default();
            *clock = (*clock).max(self.now.1);
        }
        self.next += 1;
        self.waiting.insert(Ticket(self.next), (lane, spreadsheet.clone()));
        Ticket(self.next)
    }

    /// It is this one's turn.
    pub(super) fn first(&self) -> Option<Ticket> {
        let clocks = |(ticket, (lane, spreadsheet)): &(&Ticket, &(Lane, SpreadsheetId))| {
            let of_lane = self.lanes.get(lane).copied().unwrap_or_default();
            let of_spreadsheet = self.spreadsheets.get(spreadsheet).copied().unwrap_or_default();
            (of_lane, *lane, of_spreadsheet, **ticket)
        };
        self.waiting.iter().min_by_key(clocks).map(|(ticket, _)| *ticket)
    }

    /// It calls.
    pub(super) fn goes(&mut self, ticket: Ticket) {
        let Some((lane, spreadsheet)) = self.waiting.remove(&ticket) else { return };
        let of_lane = self.lanes.entry(lane).or_default();
        let of_spreadsheet = self.spreadsheets.entry(spreadsheet).or_default();
        self.now = (*of_lane, *of_spreadsheet);
        *of_lane += STEP / lane.share();
        *of_spreadsheet += STEP;
    }

    /// It does not wait any more.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(name: &str) -> SpreadsheetId {
        SpreadsheetId(name.into())
    }

    /// Serves so many calls while everybody who went waits again at once; gives whose they were.
    fn serve(order: &mut Order, calls: usize) -> Vec<(Lane, String)> {
        let mut served = Vec::new();
        for _ in 0..calls {
            let first = order.first().expect("somebody waits");
            let (lane, spreadsheet) = order.waiting[&first].clone();
            order.goes(first);
            order.join(lane, &spreadsheet);
            served.push((lane, spreadsheet.0));
        }
        served
    }

    #[test]
    fn every_lane_gets_its_share_and_the_first_call_is_a_persons() {
        let mut order = Order::default();
        for lane in [Lane::Bulk, Lane::Sweep, Lane::Live, Lane::Edit] {
            order.join(lane, &book("a"));
        }
        let served = serve(&mut order, 150);
        assert_eq!(served[0].0, Lane::Edit);
        let count = |lane| served.iter().filter(|(of, _)| *of == lane).count();
        assert_eq!([Lane::Edit, Lane::Live, Lane::Sweep, Lane::Bulk].map(count), [80, 40, 20, 10]);
    }

    #[test]
    fn a_lane_that_rested_saves_nothing_up() {
        let mut order = Order::default();
        order.join(Lane::Bulk, &book("a"));
        serve(&mut order, 1000);
        order.join(Lane::Edit, &book("a"));
        let served = serve(&mut order, 18);
        let bulk = served.iter().filter(|(lane, _)| *lane == Lane::Bulk).count();
        assert!((1..=3).contains(&bulk), "{served:?}");
    }

    #[test]
    fn a_busy_spreadsheet_delays_a_quiet_one_by_one_call() {
        let mut order = Order::default();
        for _ in 0..20 {
            order.join(Lane::Live, &book("busy"));
        }
        serve(&mut order, 50);
        order.join(Lane::Live, &book("quiet"));
        let served = serve(&mut order, 2);
        assert!(served.iter().any(|(_, whose)| whose == "quiet"), "{served:?}");
    }

    #[test]
    fn whoever_leaves_is_not_waited_for() {
        let mut order = Order::default();
        let edit = order.join(Lane::Edit, &book("a"));
        let live = order.join(Lane::Live, &book("a"));
        order.leave(edit);
        assert_eq!((order.first(), order.len()), (Some(live), 1));
    }
}
