//! Who is who among the rows or columns of a tab: a number that stays with a line wherever it goes, so that an undo finds
//! it again. Kept as runs: a million rows that nobody has moved are one entry.

use std::sync::Arc;

use super::Shift;

/// Neighbours whose numbers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u64,
    count: u32,
}

/// The numbers of all rows, or of all columns, in their order.
#[derive(Debug, Clone)]
pub struct LineIds {
    runs: Arc<Vec<Run>>,
    next: u64,
}

impl LineIds {
    /// So many new lines.
    pub fn new(count: u32) -> Self {
        Self { runs: Arc::new(vec![Run { first: 0, count }]), next: count.into() }
    }

    /// The numbers, one a line.
    pub fn all(&self) -> Vec<u64> {
        self.runs.iter().flat_map(|run| run.first..run.first + u64::from(run.count)).collect()
    }

    /// The number of one line.
    pub fn id(&self, line: u32) -> Option<u64> {
        let mut left = line;
        for run in self.runs.iter() {
            if left < run.count {
                return Some(run.first + u64::from(left));
            }
            left -= run.count;
        }
        None
    }

    /// Are these the same lines in the same order?
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.runs, &other.runs) || self.runs == other.runs
    }

    /// Goes along with a movement; inserted lines get numbers that no line ever had.
    pub(super) fn shift(&mut self, shift: &Shift) {
        match *shift {
            Shift::Insert { at, count } => {
                let new = Run { first: self.next, count };
                self.next += u64::from(count);
                self.splice(at, at, [new]);
            }
            Shift::Delete { start, end } => drop(self.splice(start, end, [])),
            Shift::Move { start, end, to } => {
                let taken = self.splice(start, end, []);
                let to = if to > start { to - (end - start) } else { to };
                self.splice(to, to, taken);
            }
            Shift::Permute { start, ref places } => {
                let end = start + places.len() as u32;
                let old = self.splice(start, end, []);
                let mut sorted = vec![0; places.len()];
                let ids = old.iter().flat_map(|run| run.first..run.first + u64::from(run.count));
                for (id, place) in ids.zip(places) {
                    sorted[*place as usize] = id;
                }
                self.splice(start, start, sorted.into_iter().map(|first| Run { first, count: 1 }));
            }
        }
    }

    /// Gives the lines from `at` on numbers that they had before.
    pub(crate) fn rename(&mut self, at: u32, ids: &[u64]) {
        let old = ids.iter().map(|first| Run { first: *first, count: 1 });
        self.splice(at, at + ids.len() as u32, old);
    }

    fn splice(&mut self, start: u32, end: u32, new: impl IntoIterator<Item = Run>) -> Vec<Run> {
        let runs = Arc::make_mut(&mut self.runs);
        let (from, to) = (split(runs, start), split(runs, end));
        let taken = runs.splice(from..to, new).collect();
        runs.dedup_by(|next, before| {
            let follows = before.first + u64::from(before.count) == next.first;
            if follows {
                before.count += next.count;
            }
            follows
        });
        taken
    }
}

/// Cuts so that a run begins at this line; gives that run's place.
fn split(runs: &mut Vec<Run>, line: u32) -> usize {
    let mut begin = 0;
    for place in 0..runs.len() {
        let run = runs[place];
        if line <= begin {
            return place;
        }
        if line < begin + run.count {
            let head = line - begin;
            runs[place].count = head;
            runs.insert(place + 1, Run { first: run.first + u64::from(head), count: run.count - head });
            return place + 1;
        }
        begin += run.count;
    }
    runs.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_with_their_lines_and_are_never_given_twice() {
        let mut ids = LineIds::new(6);
        ids.shift(&Shift::Move { start: 0, end: 2, to: 4 });
        assert_eq!(ids.all(), [2, 3, 0, 1, 4, 5]);
        ids.shift(&Shift::Delete { start: 1, end: 3 });
        ids.shift(&Shift::Insert { at: 0, count: 2 });
        assert_eq!(ids.all(), [6, 7, 2, 1, 4, 5]);
        ids.shift(&Shift::Permute { start: 1, places: vec![2, 0, 1] });
        assert_eq!(ids.all(), [6, 2, 1, 7, 4, 5]);
        // a line that comes back has its old number
        ids.shift(&Shift::Insert { at: 6, count: 1 });
        ids.rename(6, &[3]);
        assert_eq!(ids.all(), [6, 2, 1, 7, 4, 5, 3]);
        ids.shift(&Shift::Insert { at: 0, count: 1 });
        assert_eq!(ids.all()[0], 9);
    }

    #[test]
    fn lines_that_return_to_their_order_are_one_run_again() {
        let mut ids = LineIds::new(1_000_000);
        ids.shift(&Shift::Move { start: 10, end: 20, to: 500 });
        ids.shift(&Shift::Move { start: 490, end: 500, to: 10 });
        assert_eq!(ids.runs.len(), 1);
        assert!(ids.same(&LineIds::new(1_000_000)));
    }
}
