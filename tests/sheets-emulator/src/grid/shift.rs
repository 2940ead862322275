//! How positions move when rows or columns are inserted, deleted, moved or sorted.

/// One movement of rows or columns of a tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shift {
    /// `count` new ones before `at`.
    Insert {
        /// Where the first new one stands.
        at: u32,
        /// How many.
        count: u32,
    },
    /// Those in `start..end` go away.
    Delete {
        /// First.
        start: u32,
        /// After the last.
        end: u32,
    },
    /// Those in `start..end` go before the one that stood at `to` (counted before the move).
    Move {
        /// First.
        start: u32,
        /// After the last.
        end: u32,
        /// Destination in the numbers before the move.
        to: u32,
    },
    /// Those from `start` on change places: the i-th goes to `start + places[i]`.
    Permute {
        /// First.
        start: u32,
        /// New offsets of the old ones.
        places: Vec<u32>,
    },
}

impl Shift {
    /// Where the one at `index` stands afterwards; `None` if it is gone.
    pub fn index(&self, index: u32) -> Option<u32> {
        match *self {
            Self::Insert { at, count } => Some(if index >= at { index + count } else { index }),
            Self::Delete { start, end } if index < start => Some(index).filter(|_| end >= start),
            Self::Delete { start, end } => (index >= end).then(|| index - (end - start)),
            Self::Move { start, end, to } => Some(moved(index, start, end, to)),
            Self::Permute { start, ref places } => {
                let place = index.checked_sub(start).and_then(|offset| places.get(offset as usize));
                Some(place.map_or(index, |place| start + place))
            }
        }
    }

    /// Where a span stands afterwards; `None` if nothing of it is left. An insertion inside widens it; a permutation
    /// leaves spans alone, since it moves contents and not the rectangle; a move takes spans that lie inside with it.
    pub fn span(&self, start: u32, end: u32) -> Option<(u32, u32)> {
        match *self {
            Self::Insert { at, count } => {
                let new_start = if start >= at { start + count } else { start };
                let new_end = if end > at { end + count } else { end };
                Some((new_start, new_end))
            }
            Self::Delete { start: first, end: last } => {
                let back = |at: u32| {
                    if at >= last { at - (last - first) } else { at.min(first) }
                };
                let (new_start, new_end) = (back(start), back(end));
                (new_start < new_end).then_some((new_start, new_end))
            }
            Self::Move { start: first, end: last, to } => {
                let inside = start >= first && end <= last;
                let untouched = end <= first.min(to) || start >= last.max(to);
                let between =
                    start >= first.min(to) && end <= last.max(to) && (end <= first || start >= last);
                if inside || untouched || between {
                    let new_start = moved(start, first, last, to);
                    Some((new_start, new_start + (end - start)))
                } else {
                    Some((start, end))
                }
            }
            Self::Permute { .. } => Some((start, end)),
        }
    }
}

fn moved(index: u32, start: u32, end: u32, to: u32) -> u32 {
    let count = end - start;
    if (start..end).contains(&index) {
        if to > start { to - count + (index - start) } else { to + (index - start) }
    } else if to > end && (end..to).contains(&index) {
        index - count
    } else if to < start && (to..start).contains(&index) {
        index + count
    } else {
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_uses_the_numbers_before_it() {
        // given rows 1-2 of 4 (indexes 0 and 1) asked to go before index 3
        let shift = Shift::Move { start: 0, end: 2, to: 3 };
        // then they land from row 2 on (index 1), as measured on the live service
        let places: Vec<_> = (0..4).map(|row| shift.index(row)).collect();
        assert_eq!(places, [Some(1), Some(2), Some(0), Some(3)]);
    }

    #[test]
    fn every_shift_agrees_with_moving_a_list() {
        let list: Vec<u32> = (0..12).collect();
        for start in 0..12 {
            for end in start + 1..=12 {
                for to in (0..=start).chain(end..=12) {
                    let shift = Shift::Move { start, end, to };
                    let mut rest = list.clone();
                    let taken: Vec<u32> = rest.drain(start as usize..end as usize).collect();
                    let at = if to > start { to - (end - start) } else { to } as usize;
                    rest.splice(at..at, taken);
                    for old in 0..12 {
                        let place = shift.index(old).expect("a move loses nothing") as usize;
                        assert_eq!(rest[place], old, "{shift:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn spans_grow_shrink_and_vanish() {
        assert_eq!(Shift::Insert { at: 3, count: 2 }.span(1, 5), Some((1, 7)));
        assert_eq!(Shift::Insert { at: 5, count: 2 }.span(1, 5), Some((1, 5)));
        assert_eq!(Shift::Delete { start: 2, end: 4 }.span(1, 5), Some((1, 3)));
        assert_eq!(Shift::Delete { start: 0, end: 9 }.span(1, 5), None);
        assert_eq!(Shift::Move { start: 0, end: 2, to: 6 }.span(0, 2), Some((4, 6)));
    }
}
