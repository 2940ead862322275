//! Brakes: what looks like an accident is not carried out (protocol C17).
//!
//! | direction | trips at |
//! |--|--|
//! | into the table | half of a tab of 5 rows and more, more than 20 rows and 10 %, 1,000 rows, or all of several rows |
//! | into the tab | the same bounds, from 10,000 rows that wait at once: the table is the truth there |
//!
//! Rows count that are gone now and, into the table, those that were deleted within the last minute.

use crate::model::pause::{Brake, Pause};

/// So many rows may leave a tab at once whatever share of it they are.
const REMOVALS: usize = 10_000;

/// Are these so many of so many rows that it looks like an accident?
fn is_mass(lost: usize, rows: usize) -> bool {
    let half = rows >= 5 && lost * 2 >= rows;
    let tenth = lost > 20 && lost * 10 > rows;
    half || tenth || lost >= 1000
}

/// Why rows that are `gone` from the tab are not deleted in the table, or `None` when they may be. `known` rows are in base,
/// `deleted` were deleted within the last minute.
pub fn mass_delete(gone: usize, deleted: usize, known: usize) -> Option<Pause> {
    let (lost, rows) = (gone + deleted, known + deleted);
    let after =
        if deleted > 0 { format!(" after {deleted} others of the last minute") } else { String::new() };
    let waits = "nothing is deleted in the table until they are back";
    if gone == 0 {
        None
    } else if gone == known && lost > 1 {
        let reason = format!("the tab is empty: all {gone} rows are gone{after}; {waits}");
        Some(Pause::new(Brake::EmptyTab, reason).of_rows(gone))
    } else if is_mass(lost, rows) {
        let reason = format!("{gone} of {known} rows are gone from the tab{after}: {waits}");
        Some(Pause::new(Brake::MassDelete, reason).of_rows(gone))
    } else {
        None
    }
}

/// Why rows that are `gone` from the table stay in the tab, or `None` when they may leave it.
pub fn mass_removal(gone: usize, known: usize) -> Option<Pause> {
    (gone >= REMOVALS && is_mass(gone, known)).then(|| {
        let reason = format!(
            "{gone} of {known} rows are gone from the table: they stay in the tab until somebody looks"
        );
        Pause::new(Brake::MassRemoval, reason).of_rows(gone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_trips_at_its_bounds_and_not_below() {
        for (gone, rows) in [(5, 10), (3, 5), (21, 200), (1000, 1_000_000), (10, 10), (2, 2)] {
            let pause = mass_delete(gone, 0, rows).expect("a brake");
            assert_eq!(pause.rows, Some(gone as u64), "{gone} of {rows}");
            assert_eq!(pause.brake == Brake::EmptyTab, gone == rows);
        }
        for (gone, rows) in [(4, 10), (2, 5), (3, 4), (20, 100), (21, 210), (999, 1_000_000), (1, 1), (0, 0)]
        {
            assert_eq!(mass_delete(gone, 0, rows), None, "{gone} of {rows}");
        }
    }

    #[test]
    fn what_was_deleted_within_a_minute_counts_and_is_not_asked_for_again() {
        // given ten rows of which four were deleted one by one, when a fifth is gone
        let pause = mass_delete(1, 4, 6).expect("a brake");
        // then only that one waits
        assert_eq!(pause.rows, Some(1), "{}", pause.reason);
        assert_eq!(mass_delete(0, 5, 5), None, "nothing waits");
    }

    #[test]
    fn the_table_is_the_truth_until_ten_thousand_rows_are_gone_from_it_at_once() {
        assert_eq!(mass_removal(9_999, 10_000), None);
        assert_eq!(mass_removal(10_000, 12_000).and_then(|pause| pause.rows), Some(10_000));
    }
}
