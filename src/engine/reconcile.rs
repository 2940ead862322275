//! One column of one row: what base, database and sheet say together. The truth table of [`crate::engine`], column by column.

use crate::engine::conflict::{Case, Verdict, first_meeting, settle};
use crate::engine::effect::{Interval, Winner};
use crate::engine::guard::UNSEEN;
use crate::engine::input::{ColumnPlan, DbCell, DbRow, Micros};
use crate::model::base::ColumnBase;
use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::rule::{Direction, FirstMatch, Formulas, Tie};

/// What to do with one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing changed, or nothing that travels.
    Same,
    /// Both sides show the same: base moves, nothing is written.
    Agree(ColumnBase),
    /// The database's value goes to the sheet.
    ToSheet {
        /// The base once it stands there.
        base: ColumnBase,
        /// A person's value loses by this rule and is listed.
        over: Option<&'static str>,
    },
    /// The sheet's cell goes to the table.
    ToTable {
        /// The database's value loses by this rule and is listed.
        over: Option<&'static str>,
        /// What goes there instead of the cell, and then to the sheet: neither side's value won.
        instead: Option<Cell>,
    },
    /// Frozen and listed, with the reason.
    Hold(&'static str),
    /// The present row must be fetched before anything can be said.
    Fetch,
}

/// The times and rules that a column's decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// When the database's change was committed.
    pub commit: Micros,
    /// When the person's change was made.
    pub edit: Interval,
    /// Who made it, where that is known.
    pub editor: Option<&'a str>,
    /// The column before the stream's changes of it, where that is known.
    pub was: Option<&'a DbCell>,
    /// The table's row, where the stream said something beyond base.
    pub row: Option<&'a DbRow>,
    /// For ties.
    pub tie: Tie,
    /// For columns without base.
    pub first_match: FirstMatch,
    /// For cells with formulas.
    pub formulas: Formulas,
    /// Base was lost: columns without base agree where they are equal, and are held where they are not.
    pub adopting: bool,
}

/// Why a cell is held that has no base to be judged by.
const ADOPTED: &str = "what both sides last agreed on is lost: make them equal, or change one of them";

/// Why a cell is held whose formula gives another value than the table has.
const NEVER_OVER_A_FORMULA: &str =
    "a formula stands here, which nothing is written over, and the table has another value";

/// Decides one column. `database` is `None` when the stream said nothing beyond base.
pub fn column(
    plan: &ColumnPlan,
    base: Option<ColumnBase>,
    database: Option<&DbCell>,
    sheet: &GridCell,
    grounds: Grounds<'_>,
) -> Move {
    let moved = match base {
        Some(base) => beside_base(plan, base, database, sheet, grounds),
        None => without_base(plan, database, sheet, grounds),
    };
    match moved {
        Move::ToSheet { .. } | Move::ToTable { instead: Some(_), .. } if sheet.formula.is_some() => {
            Move::Hold(NEVER_OVER_A_FORMULA)
        }
        moved => moved,
    }
}

fn beside_base(
    plan: &ColumnPlan,
    base: ColumnBase,
    database: Option<&DbCell>,
    sheet: &GridCell,
    grounds: Grounds<'_>,
) -> Move {
    let changed_there = database.filter(|cell| cell.digest() != base.value);
    let changed_here = sheet.value.digest() != base.cell;
    if let Some(reason) = untouchable(plan, sheet, grounds.formulas) {
        return if changed_there.is_some() || changed_here { Move::Hold(reason) } else { Move::Same };
    }
    match (changed_there, changed_here) {
        (None, false) if database.is_none() && base.value == UNSEEN => Move::Fetch,
        (None, false) => Move::Same,
        (None, true) => match plan.rule.direction {
            Direction::Both | Direction::ToTable => Move::ToTable { over: None, instead: None },
            Direction::ToSheet => match database {
                Some(cell) => {
                    Move::ToSheet { base: agreed(cell), over: Some("the column goes to the sheet only") }
                }
                None => Move::Fetch,
            },
        },
        (Some(cell), _) if cell.shown.digest() == sheet.value.digest() => Move::Agree(agreed(cell)),
        (Some(cell), false) => match plan.rule.direction {
            Direction::Both | Direction::ToSheet => Move::ToSheet { base: agreed(cell), over: None },
            Direction::ToTable => Move::Same,
        },
        (Some(cell), true) => {
            let Grounds { commit, edit, editor, tie, .. } = grounds;
            let alone = vec![cell.clone()];
            let row = grounds.row.unwrap_or(&alone);
            // What was there before counts only if it is what both sides had agreed on.
            let agreed = grounds.was.filter(|was| was.digest() == base.value);
            let case = Case { database: cell, sheet: &sheet.value, base: agreed, row, commit, edit, editor };
            let Verdict { winner, rule, value } = settle(plan, tie, &case);
            won(winner, rule, value, cell)
        }
    }
}

fn without_base(
    plan: &ColumnPlan,
    database: Option<&DbCell>,
    sheet: &GridCell,
    grounds: Grounds<'_>,
) -> Move {
    let Some(cell) = database else {
        return Move::Fetch;
    };
    let reason = untouchable(plan, sheet, grounds.formulas);
    if cell.shown.digest() == sheet.value.digest() && (sheet.formula.is_none() || reason.is_none()) {
        return Move::Agree(agreed(cell));
    }
    if let Some(reason) = reason {
        return Move::Hold(reason);
    }
    if grounds.adopting {
        return Move::Hold(ADOPTED);
    }
    match plan.rule.direction {
        Direction::ToSheet => won(Winner::Database, "the column goes to the sheet only", None, cell),
        Direction::ToTable => won(Winner::Sheet, "the column goes to the table only", None, cell),
        // An empty cell holds nobody's work: it is filled whatever the rule says.
        Direction::Both if sheet.value.is_blank() => Move::ToSheet { base: agreed(cell), over: None },
        Direction::Both => {
            let (winner, rule) = first_meeting(grounds.first_match);
            won(winner, rule, None, cell)
        }
    }
}

fn won(winner: Winner, rule: &'static str, value: Option<Cell>, cell: &DbCell) -> Move {
    match winner {
        Winner::Database => Move::ToSheet { base: agreed(cell), over: Some(rule) },
        Winner::Sheet | Winner::Rule => Move::ToTable { over: Some(rule), instead: value },
        Winner::Nobody => Move::Hold(rule),
    }
}

/// Formulas are the people's, unless the link takes what they give; errors are nobody's value (design section 4).
fn untouchable(plan: &ColumnPlan, sheet: &GridCell, formulas: Formulas) -> Option<&'static str> {
    if sheet.formula.is_some() && (plan.key || formulas == Formulas::Hold) {
        return Some("a formula stands in a linked column");
    }
    matches!(sheet.value, Cell::Error(_)).then_some("the cell shows an error")
}

/// The base of a column whose sheet side shows the database's value.
pub fn agreed(cell: &DbCell) -> ColumnBase {
    ColumnBase { value: cell.digest(), cell: cell.shown.digest() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::conflict::{OwnRule, Ruling};
    use crate::model::rule::{ColumnRule, Policy};
    use crate::model::value::Value;

    fn plan(policy: Policy, direction: Direction) -> ColumnPlan {
        let rule = ColumnRule { name: "c".into(), header: "c".into(), policy, direction };
        ColumnPlan { rule, key: false, required: false, own: None }
    }

    fn db(n: i64) -> DbCell {
        DbCell { value: Value::Int(n), shown: Cell::number(n as f64) }
    }

    fn cell(n: i64) -> GridCell {
        GridCell::plain(Cell::number(n as f64))
    }

    // As `column` takes it.
    #[allow(clippy::unnecessary_wraps)]
    fn base(n: i64) -> Option<ColumnBase> {
        Some(agreed(&db(n)))
    }

    const GROUNDS: Grounds<'_> = Grounds {
        commit: 5,
        edit: (10, 20),
        editor: None,
        was: None,
        row: None,
        tie: Tie::Database,
        first_match: FirstMatch::Database,
        formulas: Formulas::Hold,
        adopting: false,
    };

    fn both(policy: Policy, there: Option<i64>, here: i64) -> Move {
        column(&plan(policy, Direction::Both), base(1), there.map(db).as_ref(), &cell(here), GROUNDS)
    }

    #[test]
    fn a_column_that_changed_on_one_side_goes_to_the_other() {
        assert_eq!(both(Policy::Newest, None, 1), Move::Same);
        assert_eq!(both(Policy::Newest, Some(1), 1), Move::Same);
        assert_eq!(both(Policy::Newest, Some(2), 1), Move::ToSheet { base: agreed(&db(2)), over: None });
        assert_eq!(both(Policy::Newest, None, 3), Move::ToTable { over: None, instead: None });
        assert_eq!(both(Policy::Newest, Some(1), 3), Move::ToTable { over: None, instead: None });
    }

    #[test]
    fn a_change_that_was_listed_is_fetched_when_the_person_takes_the_edit_back() {
        let base = Some(ColumnBase { value: UNSEEN, cell: agreed(&db(1)).cell });
        let taken_back = |there: Option<i64>| {
            let plan = plan(Policy::Hold, Direction::Both);
            column(&plan, base, there.map(db).as_ref(), &cell(1), GROUNDS)
        };
        assert_eq!(taken_back(None), Move::Fetch);
        assert_eq!(taken_back(Some(2)), Move::ToSheet { base: agreed(&db(2)), over: None });
    }

    #[test]
    fn both_changed_alike_agrees_under_every_policy() {
        for policy in [Policy::Newest, Policy::Database, Policy::Sheet, Policy::Hold] {
            assert_eq!(both(policy, Some(2), 2), Move::Agree(agreed(&db(2))));
        }
    }

    #[test]
    fn both_changed_differently_is_for_the_policy() {
        assert!(matches!(both(Policy::Newest, Some(2), 3), Move::ToTable { over: Some(_), .. }));
        assert!(matches!(both(Policy::Database, Some(2), 3), Move::ToSheet { over: Some(_), .. }));
        assert!(matches!(both(Policy::Sheet, Some(2), 3), Move::ToTable { over: Some(_), .. }));
        assert!(matches!(both(Policy::Hold, Some(2), 3), Move::Hold(_)));
    }

    /// Gives the larger number, and knows nothing of others.
    #[derive(Debug)]
    struct Larger;

    impl OwnRule for Larger {
        fn decide(&self, case: &Case<'_>) -> Ruling {
            match (&case.database.shown, case.sheet) {
                (Cell::Number(db), Cell::Number(sheet)) if db > sheet => Ruling::Policy(Policy::Database),
                (Cell::Number(_), Cell::Number(sheet)) if sheet.get() > 100.0 => {
                    Ruling::Value(Cell::number(100.0))
                }
                (Cell::Number(_), Cell::Number(_)) => Ruling::Policy(Policy::Sheet),
                _ => Ruling::Failed,
            }
        }
    }

    #[test]
    fn a_rule_of_the_operators_own_comes_before_the_policy() {
        let plan = ColumnPlan { own: Some(Arc::new(Larger)), ..plan(Policy::Hold, Direction::Both) };
        let both = |there: i64, here: Cell| {
            column(&plan, base(1), Some(&db(there)), &GridCell::plain(here), GROUNDS)
        };
        assert!(matches!(both(5, Cell::number(3.0)), Move::ToSheet { over: Some(_), .. }));
        assert!(matches!(both(3, Cell::number(5.0)), Move::ToTable { over: Some(_), instead: None }));
        let third = both(3, Cell::number(500.0));
        assert!(matches!(third, Move::ToTable { instead: Some(value), .. } if value == Cell::number(100.0)));
        assert!(matches!(both(3, Cell::Text("five".into())), Move::Hold(_)));
    }

    #[test]
    fn formulas_and_errors_are_never_overwritten_and_never_travel() {
        let formula = GridCell { value: Cell::number(3.0), formula: Some("=1+2".into()) };
        let error = GridCell::plain(Cell::Error("#REF!".into()));
        for sheet in [formula, error] {
            for there in [None, Some(2)] {
                let it = column(
                    &plan(Policy::Sheet, Direction::Both),
                    base(1),
                    there.map(db).as_ref(),
                    &sheet,
                    GROUNDS,
                );
                assert!(matches!(it, Move::Hold(_)));
            }
        }
    }

    #[test]
    fn what_a_formula_gives_may_travel_and_nothing_is_ever_written_over_it() {
        let formula = |n: f64| GridCell { value: Cell::number(n), formula: Some("=1+2".into()) };
        let decide = |policy, base, there: Option<i64>, sheet: &GridCell| {
            let grounds = Grounds { formulas: Formulas::Value, ..GROUNDS };
            column(&plan(policy, Direction::Both), base, there.map(db).as_ref(), sheet, grounds)
        };
        let to_table = Move::ToTable { over: None, instead: None };
        assert_eq!(decide(Policy::Newest, base(1), None, &formula(3.0)), to_table);
        assert_eq!(decide(Policy::Newest, base(1), Some(3), &formula(3.0)), Move::Agree(agreed(&db(3))));
        assert_eq!(decide(Policy::Newest, None, Some(3), &formula(3.0)), Move::Agree(agreed(&db(3))));
        assert!(matches!(decide(Policy::Sheet, base(1), Some(2), &formula(3.0)), Move::ToTable { .. }));
        for (policy, base, there) in [
            (Policy::Newest, base(3), Some(2)),
            (Policy::Database, base(1), Some(2)),
            (Policy::Newest, None, Some(2)),
        ] {
            assert!(matches!(decide(policy, base, there, &formula(3.0)), Move::Hold(_)));
        }
        let error = GridCell { value: Cell::Error("#REF!".into()), formula: Some("=A9".into()) };
        assert!(matches!(decide(Policy::Sheet, base(1), None, &error), Move::Hold(_)));
    }

    #[test]
    fn one_way_columns_are_put_back_or_left() {
        let to_sheet = plan(Policy::Newest, Direction::ToSheet);
        assert_eq!(column(&to_sheet, base(1), None, &cell(3), GROUNDS), Move::Fetch);
        assert!(matches!(column(&to_sheet, base(1), Some(&db(1)), &cell(3), GROUNDS), Move::ToSheet { .. }));
        let to_table = plan(Policy::Newest, Direction::ToTable);
        assert_eq!(column(&to_table, base(1), Some(&db(2)), &cell(1), GROUNDS), Move::Same);
    }

    #[test]
    fn a_first_meeting_follows_its_own_rule() {
        let meet = |first_match, sheet: &GridCell| {
            let grounds = Grounds { first_match, ..GROUNDS };
            column(&plan(Policy::Newest, Direction::Both), None, Some(&db(2)), sheet, grounds)
        };
        assert_eq!(meet(FirstMatch::Hold, &cell(2)), Move::Agree(agreed(&db(2))));
        assert!(matches!(meet(FirstMatch::Database, &cell(3)), Move::ToSheet { over: Some(_), .. }));
        assert!(matches!(meet(FirstMatch::Sheet, &cell(3)), Move::ToTable { over: Some(_), .. }));
        assert!(matches!(meet(FirstMatch::Hold, &cell(3)), Move::Hold(_)));
        assert!(matches!(meet(FirstMatch::Hold, &GridCell::BLANK), Move::ToSheet { over: None, .. }));
        let nothing = column(&plan(Policy::Newest, Direction::Both), None, None, &cell(3), GROUNDS);
        assert_eq!(nothing, Move::Fetch);
    }
}
