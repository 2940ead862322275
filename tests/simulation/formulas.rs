//! What formulas give, under `formulas = "value"`: it goes into the table like an edit, and nothing is written over a formula.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::{Formulas, Policy};
use std::rc::Rc;

use super::sheet::{COLUMNS, Row};
use super::table::Id;
use super::truth::{at, both, cell, listed, number, rest, updates, value};
use super::world::World;

const HELD: &str = "a formula stands here, which nothing is written over, and the table has another value";

fn taken(policy: Policy) -> World {
    World::arranged(|plan| {
        plan.rules.formulas = Formulas::Value;
        plan.columns.iter_mut().for_each(|column| column.rule.policy = policy);
    })
}

/// A formula in this cell gives this from now on.
fn gives(world: &mut World, id: Id, column: usize, result: Cell) {
    let row = at(world, id);
    gives_at(world, row, column, result);
}

fn gives_at(world: &mut World, row: usize, column: usize, result: Cell) {
    world.type_cell(0, row, column, result.clone());
    let line = &mut Rc::make_mut(&mut world.sheet).tabs[0][row];
    line.formulas[COLUMNS[column]] = true;
    let uid = line.uid;
    world.witness.person_calculates(uid, column, &result);
}

fn is_formula(world: &World, id: Id, column: usize) -> bool {
    world.sheet.tabs[0][at(world, id)].formulas[COLUMNS[column]]
}

#[test]
fn what_a_formula_gives_goes_into_the_table_each_time_that_it_changes() {
    let mut world = taken(Policy::Newest);
    for result in [42, 43] {
        gives(&mut world, 2, 1, number(result));
        rest(&mut world);
        assert_eq!(both(&world, 2, 1), (Some(number(result)), Some(number(result))));
    }
    assert_eq!((world.witness.table_writes, world.witness.batches), (2, 0));
    assert!(is_formula(&world, 2, 1));
}

#[test]
fn what_the_column_rounds_stays_what_the_formula_gives() {
    let mut world = taken(Policy::Newest);
    gives(&mut world, 2, 1, Cell::number(42.5));
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(42)), Some(Cell::number(42.5))));
    assert_eq!((world.witness.table_writes, world.witness.batches), (1, 0));
    assert_eq!(listed(&world, HELD), 0);
}

#[test]
fn a_change_of_the_table_is_held_and_listed_and_the_policy_decides_what_the_formula_gives_next() {
    let mut world = taken(Policy::Sheet);
    gives(&mut world, 2, 1, number(42));
    rest(&mut world);
    updates(&mut world, 2, 1, 901);
    updates(&mut world, 2, 2, 902);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(42))));
    assert_eq!(both(&world, 2, 2), (Some(number(902)), Some(number(902))), "the row's other cells go on");
    assert_eq!((listed(&world, HELD), is_formula(&world, 2, 1)), (1, true));
    gives(&mut world, 2, 1, number(44));
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(44)), Some(number(44))));
}

#[test]
fn a_policy_that_gives_the_table_the_cell_holds_a_formula() {
    let mut world = taken(Policy::Database);
    updates(&mut world, 2, 1, 901);
    gives(&mut world, 2, 1, number(42));
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(42))));
    assert!(is_formula(&world, 2, 1));
}

#[test]
fn an_error_never_reaches_the_table() {
    let mut world = taken(Policy::Newest);
    let was = value(&world, 2, 1);
    gives(&mut world, 2, 1, Cell::Error("#REF!".into()));
    world.come_to_rest();
    assert_eq!((value(&world, 2, 1), world.witness.table_writes), (was, 0));
}

#[test]
fn a_new_row_with_formulas_is_made_with_what_they_give() {
    let mut world = taken(Policy::Newest);
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    gives_at(&mut world, blank, 1, Cell::number(42.5));
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(42)), Some(Cell::number(42.5))));
    assert!(is_formula(&world, 6, 1));
}

#[test]
fn a_row_that_takes_another_key_in_the_table_keeps_its_formulas() {
    let mut world = taken(Policy::Newest);
    gives(&mut world, 2, 1, number(42));
    rest(&mut world);
    world.app_rename(0, 2);
    rest(&mut world);
    assert_eq!(cell(&world, 6, 1), Some(number(42)));
    assert!(is_formula(&world, 6, 1));
}
