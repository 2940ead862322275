//! Brakes: what looks like an accident is not carried out (protocol C17).

/// Why this many confirmed deletes at once are not carried out, or `None` when they may be.
///
/// | of a tab of | stops at |
/// |--|--|
/// | 5 rows and more | half of them |
/// | any size | more than 20 rows and 10 % |
/// | any size | 1,000 rows |
pub fn mass_delete(gone: usize, rows: usize) -> Option<String> {
    let half = rows >= 5 && gone * 2 >= rows;
    let tenth = gone > 20 && gone * 10 > rows;
    (half || tenth || gone >= 1000).then(|| {
        format!(
            "{gone} of {rows} rows are gone from the tab: nothing is deleted in the table until they are back"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_trips_at_its_bounds_and_not_below() {
        for (gone, rows) in [(5, 10), (3, 5), (21, 200), (1000, 1_000_000), (10, 10)] {
            assert!(mass_delete(gone, rows).is_some(), "{gone} of {rows}");
        }
        for (gone, rows) in [(4, 10), (2, 5), (4, 4), (20, 100), (21, 210), (999, 1_000_000)] {
            assert!(mass_delete(gone, rows).is_none(), "{gone} of {rows}");
        }
    }
}
