//! Who wins when both sides changed one column.
//!
//! The commit's time is a point; an edit's time is an interval, from the last read that did not show it to the first that did
//! (protocol C13). A commit inside the interval is a tie, because nobody knows the order.

use std::fmt;

use crate::engine::effect::{Interval, Winner};
use crate::engine::input::{ColumnPlan, DbCell, DbRow, Micros};
use crate::model::cell::Cell;
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
/// A column that travels one way only is won by the side that it comes from. A rule of the operator's own comes before the policy
/// ([`settle`]).
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

/// A conflict rule of the operator's own. It is compiled outside of the engine, bounded, and pure: the same values lead to the
/// same ruling.
pub trait OwnRule: fmt::Debug + Send + Sync {
    /// Decides one column's conflict.
    fn decide(&self, case: &Case<'_>) -> Ruling;
}

/// What a rule of the operator's own is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The table's value.
    pub database: &'a DbCell,
    /// The person's.
    pub sheet: &'a Cell,
    /// The table's value when both sides last agreed, where it is known.
    pub base: Option<&'a DbCell>,
    /// The table's row.
    pub row: &'a DbRow,
    /// When the table's value was committed.
    pub commit: Micros,
    /// When the person's was typed.
    pub edit: Interval,
    /// Who typed it, where that is known.
    pub editor: Option<&'a str>,
}

/// What such a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// As this policy would.
    Policy(Policy),
    /// Neither of the two: this goes to both sides.
    Value(Cell),
    /// Nothing: it cannot be evaluated on these values.
    Failed,
}

/// How a conflict ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Who won.
    pub winner: Winner,
    /// By which rule, in words.
    pub rule: &'static str,
    /// What [`Winner::Rule`] puts on both sides.
    pub value: Option<Cell>,
}

/// Decides one column's conflict, by the operator's own rule where the column has one: it is for columns that travel both ways.
pub fn settle(plan: &ColumnPlan, tie: Tie, case: &Case<'_>) -> Verdict {
    let own = plan.own.as_ref().filter(|_| plan.rule.direction == Direction::Both);
    let policy = match own.map(|own| own.decide(case)) {
        None => plan.rule.policy,
        Some(Ruling::Policy(policy)) => policy,
        Some(Ruling::Value(value)) => {
            let rule = "the link's own rule: a value of its own";
            return Verdict { winner: Winner::Rule, rule, value: Some(value) };
        }
        Some(Ruling::Failed) => {
            let rule = "the link's own rule fails on these values";
            return Verdict { winner: Winner::Nobody, rule, value: None };
        }
    };
    let (winner, rule) = judge(policy, plan.rule.direction, tie, case.commit, case.edit);
    let rule = match policy {
        _ if own.is_none() => rule,
        Policy::Database => "the link's own rule: database",
        Policy::Sheet => "the link's own rule: sheet",
        Policy::Hold => "the link's own rule: hold",
        Policy::Newest => rule,
    };
    Verdict { winner, rule, value: None }
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
