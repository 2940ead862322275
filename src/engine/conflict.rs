//! Who wins when both sides changed one column.
//!
//! The commit's time is a point; an edit's time is an interval, from the last read that did not show it to the first that did
//! (protocol C13). A commit inside the interval is a tie, because nobody knows the order.

use crate::engine::effect::{Interval, Winner};
use crate::engine::input::Micros;
use crate::model::rule::{Direction, FirstMatch, Policy, Tie};

/// Decides one column's conflict.
///
/// | policy | commit before the edit | inside its interval | after it |
/// |--|--|--|--|
/// | `newest` | sheet | `tie` | database |
/// | `database` | database | database | database |
/// | `sheet` | sheet | sheet | sheet |
/// | `hold` | nobody | nobody | nobody |
///
/// A column that travels one way only is won by the side that it comes from.
pub fn judge(
    policy: Policy,
    direction: Direction,
    tie: Tie,
    commit: Micros,
    edit: Interval,
) -> (Winner, &'static str) {
    match direction {
        Direction::ToSheet => return (Winner::Database, "the column goes to the sheet only"),
        Direction::ToTable => return (Winner::Sheet, "the column goes to the table only"),
        Direction::Both => {}
    }
    match policy {
        Policy::Database => (Winner::Database, "policy database"),
        Policy::Sheet => (Winner::Sheet, "policy sheet"),
        Policy::Hold => (Winner::Nobody, "policy hold"),
        Policy::Newest if commit < edit.0 => (Winner::Sheet, "policy newest: the edit came after the commit"),
        Policy::Newest if commit > edit.1 => {
            (Winner::Database, "policy newest: the commit came after the edit")
        }
        Policy::Newest => match tie {
            Tie::Database => (Winner::Database, "policy newest: both at the same time, tie database"),
            Tie::Sheet => (Winner::Sheet, "policy newest: both at the same time, tie sheet"),
        },
    }
}

/// Decides one column at a first meeting: there are no times to compare.
pub fn first_meeting(rule: FirstMatch) -> (Winner, &'static str) {
    match rule {
        FirstMatch::Database => (Winner::Database, "first match database"),
        FirstMatch::Sheet => (Winner::Sheet, "first match sheet"),
        FirstMatch::Hold => (Winner::Nobody, "first match hold"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(tie: Tie, commit: Micros) -> Winner {
        judge(Policy::Newest, Direction::Both, tie, commit, (10, 20)).0
    }

    #[test]
    fn newest_compares_a_point_with_an_interval() {
        assert_eq!(newest(Tie::Database, 9), Winner::Sheet);
        assert_eq!(newest(Tie::Database, 21), Winner::Database);
        for commit in [10, 15, 20] {
            assert_eq!(newest(Tie::Database, commit), Winner::Database);
            assert_eq!(newest(Tie::Sheet, commit), Winner::Sheet);
        }
    }

    #[test]
    fn the_other_policies_know_no_time_and_one_way_columns_no_policy() {
        for commit in [0, 15, 99] {
            for (policy, winner) in [
                (Policy::Database, Winner::Database),
                (Policy::Sheet, Winner::Sheet),
                (Policy::Hold, Winner::Nobody),
            ] {
                assert_eq!(judge(policy, Direction::Both, Tie::Sheet, commit, (10, 20)).0, winner);
                assert_eq!(
                    judge(policy, Direction::ToSheet, Tie::Sheet, commit, (10, 20)).0,
                    Winner::Database
                );
                assert_eq!(
                    judge(policy, Direction::ToTable, Tie::Database, commit, (10, 20)).0,
                    Winner::Sheet
                );
            }
        }
    }
}
