//! How full a spreadsheet is. Google's grids hold ten million cells together, blank ones included; a table that grows fills them on
//! a day that can be told before.

use serde::Serialize;

use crate::engine::input::Micros;

/// Cells that Google allows in all tabs of a spreadsheet together.
pub const MOST_CELLS: u64 = 10_000_000;

/// From so many on it is told.
pub const NEARLY: u64 = MOST_CELLS / 10 * 8;

/// A spreadsheet that is full sooner than this is told too.
const SOON_DAYS: u64 = 30;

/// Growth is not told from a shorter time.
const LEAST: Micros = 6 * HOUR;

const HOUR: Micros = 3_600_000_000;
const DAY: Micros = 24 * HOUR;

/// How full it is, in two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Of what Google allows.
    pub percent: u64,
    /// In how many days it is full if it goes on as since the start; `None` where it does not grow, or nobody has looked for long enough.
    pub full_in_days: Option<u64>,
}

/// One spreadsheet's cells as they were seen since all of its links are live: what a first copy adds says nothing of the days to come.
#[derive(Debug, Default)]
pub struct Room {
    /// In tabs that no link fills.
    others: u64,
    first: Option<(Micros, u64)>,
    last: Option<(Micros, u64)>,
    told: Option<Micros>,
}

impl Room {
    /// The cells of all tabs that reads do not show.
    pub fn set_others(&mut self, cells: u64) {
        self.others = cells;
    }

    /// A read showed so many cells in the linked tabs.
    pub fn saw(&mut self, at: Micros, linked: u64, all_live: bool) {
        let cells = self.others + linked;
        self.last = Some((at, cells));
        if all_live {
            self.first.get_or_insert((at, cells));
        } else {
            self.first = None;
        }
    }

    /// How full it is; `None` before the first read.
    pub fn used(&self) -> Option<Used> {
        let (_, cells) = self.last?;
        Some(Used { percent: cells * 100 / MOST_CELLS, full_in_days: self.days_left() })
    }

    fn days_left(&self) -> Option<u64> {
        let ((began, was), (at, is)) = self.first.zip(self.last)?;
        let (took, grew) = (at.saturating_sub(began), is.saturating_sub(was));
        if took < LEAST || grew == 0 {
            return None;
        }
        let left = u128::from(MOST_CELLS.saturating_sub(is)) * u128::from(took) / u128::from(grew);
        u64::try_from(left / u128::from(DAY)).ok()
    }

    /// A sentence for the journal, once a day, where the end is near.
    pub fn warning(&mut self) -> Option<String> {
        let (at, cells) = self.last?;
        let days = self.days_left();
        let near = cells >= NEARLY || days.is_some_and(|days| days < SOON_DAYS);
        if !near || self.told.is_some_and(|told| at < told + DAY) {
            return None;
        }
        self.told = Some(at);
        let when =
            days.map(|days| format!(", and is full in {days} days if it goes on so")).unwrap_or_default();
        Some(format!("the spreadsheet has {cells} of the {MOST_CELLS} cells that Google allows{when}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_on_which_it_fills_follows_from_its_growth() {
        let mut room = Room::default();
        room.set_others(1_000_000);
        room.saw(0, 0, false);
        // given a copy of four million cells, then a hundred thousand a day
        room.saw(HOUR, 4_000_000, false);
        room.saw(2 * HOUR, 4_000_000, true);
        room.saw(3 * HOUR, 4_004_167, true);
        assert_eq!(room.used(), Some(Used { percent: 50, full_in_days: None }), "an hour tells nothing");
        room.saw(2 * HOUR + 2 * DAY, 4_200_000, true);
        assert_eq!(room.used().and_then(|used| used.full_in_days), Some(48));
        assert_eq!(room.warning(), None);
        // when it grows faster, then it is told, once a day
        room.saw(2 * HOUR + 4 * DAY, 6_000_000, true);
        assert_eq!(room.days_left(), Some(6));
        assert!(room.warning().is_some_and(|told| told.contains("full in 6 days")));
        assert_eq!(room.warning(), None);
        room.saw(2 * HOUR + 5 * DAY, 6_000_000, true);
        assert!(room.warning().is_some());
    }

    #[test]
    fn a_spreadsheet_that_is_nearly_full_is_told_although_it_rests() {
        let mut room = Room::default();
        room.saw(0, 7_900_000, true);
        assert_eq!(room.warning(), None);
        room.saw(HOUR, 8_000_000, true);
        room.saw(DAY, 8_000_000, true);
        assert!(room.warning().is_some_and(|told| told.contains("8000000 of the 10000000")));
    }
}
