//! What the sheet or a person is still owed after a batch hit something that it did not mean to: mends, and edits that a write
//! of ours covered. Owed things are stored in the transaction that ends the batch, so a crash forgets none.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::input::Micros;
use crate::engine::mend::alike;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::ClaimId;

/// Numbers owed things in the order in which they arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwedId(pub u64);

impl fmt::Display for OwedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One cell that was overwritten in a row that was not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// Its column in the grid.
    pub column: u32,
    /// What we wrote.
    pub wrote: GridCell,
    /// What stood there.
    pub before: GridCell,
}

/// One thing that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owed {
    /// Cells of a row that a write hit by mistake. Its key still stands in it.
    Cells {
        /// The link.
        link: LinkName,
        /// The row's key; `None` for a row without one.
        victim: Option<Key>,
        /// The cells.
        cells: Vec<Overwritten>,
        /// The whole row as it was, from column A on.
        row: Vec<GridCell>,
        /// They were put back once: what shows them still is a copy that a person made of the row meanwhile.
        #[serde(default)]
        back: bool,
        /// The mark that stands on the row, where the hit was a mend's.
        #[serde(default)]
        mark: Option<ClaimId>,
    },
    /// A row whose key cells were overwritten by mistake. Mended before everything else.
    KeyCells {
        /// The link.
        link: LinkName,
        /// The key it shows now; `None` where we wrote blanks, then `row` tells it.
        wrong: Option<Key>,
        /// The key it had; `None` for a row without one.
        victim: Option<Key>,
        /// Its key cells, and other cells of the same write.
        cells: Vec<Overwritten>,
        /// The whole row as it was, from column A on.
        row: Vec<GridCell>,
        /// They were put back once: what looks as the row did is a copy that a person made of it meanwhile.
        #[serde(default)]
        back: bool,
        /// Another row got the wrong key by right while this one was nowhere to be seen.
        #[serde(default)]
        away: bool,
        /// The mark that stands on the row, where the hit was a mend's.
        #[serde(default)]
        mark: Option<ClaimId>,
    },
    /// A row that was deleted by mistake: it comes back from the trash, whole.
    Row {
        /// The link.
        link: LinkName,
        /// Its key; `None` for a row without one.
        victim: Option<Key>,
        /// The trash slot that holds it.
        slot: u32,
    },
    /// A value that a person typed between our read and our write of the same cell: the policy judges it.
    Edit {
        /// The link.
        link: LinkName,
        /// The row.
        key: Key,
        /// The link's column.
        column: usize,
        /// What was typed.
        cell: GridCell,
        /// When it was typed.
        typed: (Micros, Micros),
    },
}

/// Puts a cell into a row of the grid.
pub(crate) fn put(row: &mut Vec<GridCell>, column: u32, cell: &GridCell) {
    let at = column as usize;
    row.resize(row.len().max(at + 1), GridCell::BLANK);
    row[at].clone_from(cell);
}

/// True when a row that was hit looks as an earlier hit left it.
pub(crate) fn as_left(earlier: &[Overwritten], was: &[GridCell], row: &[GridCell], grid: &[u32]) -> bool {
    grid.iter().all(|column| {
        let now = row.get(*column as usize).unwrap_or(&GridCell::BLANK);
        alike(now, Overwritten::expected(earlier, was, *column))
    })
}

/// True when a row without key that was hit is one that an earlier hit had left, filled in further by a person: our text stands
/// there, and only what was blank differs.
fn grown(earlier: &[Overwritten], was: &[GridCell], row: &[GridCell], grid: &[u32]) -> bool {
    let now = |column: u32| row.get(column as usize).unwrap_or(&GridCell::BLANK);
    let ours = |cell: &Overwritten| !cell.wrote.value.is_blank() && alike(now(cell.column), &cell.wrote);
    let filled = |column: &u32| {
        let left = Overwritten::expected(earlier, was, *column);
        left.value.is_blank() || alike(now(*column), left)
    };
    earlier.iter().any(ours) && grid.iter().all(filled)
}

/// The row has a newer mark; true when that is news.
fn remark(mark: &mut Option<ClaimId>, newer: Option<ClaimId>) -> bool {
    newer.is_some() && std::mem::replace(mark, newer) != newer
}

impl Overwritten {
    /// Did a later write overwrite what this one had left?
    fn is_under(&self, later: &Self) -> bool {
        self.column == later.column && alike(&self.wrote, &later.before)
    }

    /// What the row that was hit shows in a column of the grid if nobody has touched it since.
    pub fn expected<'a>(cells: &'a [Self], row: &'a [GridCell], column: u32) -> &'a GridCell {
        let ours = cells.iter().find(|cell| cell.column == column).map(|cell| &cell.wrote);
        ours.or(row.get(column as usize)).unwrap_or(&GridCell::BLANK)
    }
}

impl Owed {
    /// The link that it concerns.
    pub fn link(&self) -> &LinkName {
        match self {
            Self::Cells { link, .. }
            | Self::KeyCells { link, .. }
            | Self::Row { link, .. }
            | Self::Edit { link, .. } => link,
        }
    }

    /// True when every cell is as it was.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Cells { cells, .. } | Self::KeyCells { cells, .. } if cells.is_empty())
    }

    /// Settles a debt that arose with an earlier one, where their contents tell that they are of one row. True when the earlier
    /// one changed. `grid`: where the link's columns stand.
    pub fn follow(&mut self, earlier: &mut Self, grid: &[u32]) -> bool {
        self.is_told(earlier, grid) && self.merge(earlier)
    }

    /// Did this one hit the row that the earlier one had hit? Where both have left a mark the next read tells.
    fn is_told(&self, earlier: &Self, grid: &[u32]) -> bool {
        if self.mark().is_some() && earlier.mark().is_some() {
            return false;
        }
        match (self, earlier) {
            (
                Self::Cells { link, victim, row, .. },
                Self::Cells { link: same, victim: known, cells, row: was, .. },
            ) => {
                let told =
                    || victim.is_some() || as_left(cells, was, row, grid) || grown(cells, was, row, grid);
                link == same && victim == known && told()
            }
            (
                Self::KeyCells { link, victim, cells, row, .. },
                Self::KeyCells { link: same, wrong: shown, cells: before, row: was, .. },
            ) => !cells.is_empty() && link == same && victim == shown && as_left(before, was, row, grid),
            _ => false,
        }
    }

    /// Two debts of one row: it is owed what it had before the first of them, and each cell stays with one of the two. True when
    /// the earlier one changed.
    pub fn merge(&mut self, earlier: &mut Self) -> bool {
        match (self, earlier) {
            (
                Self::Cells { cells, row, mark, .. },
                Self::Cells { cells: before, row: was, mark: marked, .. },
            ) => {
                let count = before.len();
                for cell in cells.iter_mut() {
                    if let Some(place) = before.iter().position(|old| old.is_under(cell)) {
                        cell.before = before.remove(place).before;
                        put(was, cell.column, &cell.wrote);
                    }
                }
                // The earlier one is paid first: that is how the row looks then.
                for old in before.iter() {
                    put(row, old.column, &old.before);
                }
                cells.retain(|cell| !alike(&cell.wrote, &cell.before));
                remark(marked, *mark) || before.len() < count
            }
            (Self::KeyCells { cells, mark, .. }, Self::Cells { cells: before, mark: marked, .. }) => {
                let count = before.len();
                for cell in cells.iter_mut() {
                    if let Some(place) = before.iter().position(|old| old.is_under(cell)) {
                        cell.before = before.remove(place).before;
                    }
                }
                remark(marked, *mark) || before.len() < count
            }
            (Self::Cells { cells, mark, .. }, Self::KeyCells { cells: before, mark: marked, .. }) => {
                let count = cells.len();
                cells.retain(|cell| match before.iter_mut().find(|old| old.is_under(cell)) {
                    Some(old) => {
                        old.wrote.clone_from(&cell.wrote);
                        false
                    }
                    None => true,
                });
                remark(marked, *mark) || cells.len() < count
            }
            (
                Self::KeyCells { wrong, cells, away, mark, .. },
                Self::KeyCells { wrong: shown, cells: before, away: gone, mark: marked, .. },
            ) => {
                for cell in cells.drain(..) {
                    match before.iter_mut().find(|old| old.column == cell.column) {
                        Some(old) if old.is_under(&cell) => old.wrote = cell.wrote,
                        // A person has typed into it in between.
                        Some(old) => *old = cell,
                        None => before.push(cell),
                    }
                }
                before.retain(|cell| !alike(&cell.wrote, &cell.before));
                shown.clone_from(wrong);
                *gone = *away;
                remark(marked, *mark);
                true
            }
            _ => false,
        }
    }

    /// Its cells stand in the row again, under the mark of the mend.
    pub fn put_back(&mut self, by: Option<ClaimId>) {
        if let Self::Cells { back, mark, .. } | Self::KeyCells { back, mark, .. } = self {
            *back = true;
            *mark = by.or(*mark);
        }
    }

    /// The mark on its row, where there is one.
    pub fn mark(&self) -> Option<ClaimId> {
        match self {
            Self::Cells { mark, .. } | Self::KeyCells { mark, .. } => *mark,
            Self::Row { .. } | Self::Edit { .. } => None,
        }
    }

    /// True for mends: while one is open nothing else is written to the spreadsheet.
    pub fn is_mend(&self) -> bool {
        !matches!(self, Self::Edit { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;

    fn row(cells: [i64; 3]) -> Vec<GridCell> {
        let cell = |n: i64| if n == 0 { GridCell::BLANK } else { GridCell::plain(Cell::number(n as f64)) };
        cells.map(cell).to_vec()
    }

    /// A hit of the second column of a row without key.
    fn hit(was: [i64; 3], wrote: i64) -> Owed {
        let row = row(was);
        let wrote = super::tests::row([wrote, 0, 0])[0].clone();
        let cells = vec![Overwritten { column: 1, wrote, before: row[1].clone() }];
        Owed::Cells { link: LinkName("goods".into()), victim: None, cells, row, back: false, mark: None }
    }

    #[test]
    fn a_row_without_key_that_was_filled_in_further_is_owed_what_it_had_first() {
        // given a new row of which 117 covered 118, and into which a person has typed 119 since
        let mut first = hit([0, 118, 0], 117);
        // when a mend hits it that was meant for another row
        let mut second = hit([0, 117, 119], 0);
        assert!(second.follow(&mut first, &[0, 1, 2]));
        // then it is owed 118, once
        assert!(first.is_nothing());
        let Owed::Cells { cells, .. } = second else { panic!("cells") };
        assert_eq!(cells[0].before, row([118, 0, 0])[0]);
    }

    fn marked(owed: Owed, by: u64) -> Owed {
        match owed {
            Owed::Cells { link, victim, cells, row, back, .. } => {
                Owed::Cells { link, victim, cells, row, back, mark: Some(ClaimId(by)) }
            }
            other => other,
        }
    }

    #[test]
    fn of_two_hits_that_left_marks_only_the_marks_tell_whether_they_are_of_one_row() {
        // given a row whose 118 was overwritten by nothing, and one that showed nothing, now 117
        let mut first = marked(hit([0, 118, 0], 0), 1);
        let mut second = marked(hit([0, 0, 0], 117), 2);
        // then they look like one row, and nobody takes them for one
        assert!(!second.follow(&mut first, &[0, 1, 2]));
        // but where both marks stand on one row it is owed 118
        assert!(second.merge(&mut first));
        assert!(first.is_nothing());
        let Owed::Cells { cells, .. } = second else { panic!("cells") };
        assert_eq!(cells[0].before, row([118, 0, 0])[0]);
    }

    #[test]
    fn another_row_that_shows_the_same_is_not_taken_for_it() {
        let mut first = hit([0, 118, 120], 117);
        let mut second = hit([0, 117, 119], 0);
        assert!(!second.follow(&mut first, &[0, 1, 2]));
        assert!(!first.is_nothing());
    }
}
