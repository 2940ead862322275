//! The truth table of `src/engine/mod.rs`, line by line: each is a story of two hands and what stands on both sides when all is
//! at rest. The whole engine decides, with its reads, batches and transactions.

use std::rc::Rc;
use std::sync::Arc;

use sheetbridge::engine::conflict::{Case, OwnRule, Ruling};
use sheetbridge::engine::input::LinkPlan;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::{Deletes, Direction, FirstMatch, Policy, Tie};
use sheetbridge::model::value::Value;

use super::sheet::{COLUMNS, OWN, Row};
use super::table::{Id, id_of, key, shown};
use super::world::World;

/// A cell of the tab, by the row's key.
pub(super) fn cell(world: &World, id: Id, column: usize) -> Option<Cell> {
    let row = world.sheet.tabs[0].iter().find(|row| row.id() == Some(id))?;
    Some(row.cells[COLUMNS[column]].clone())
}

/// A value of the table, as a cell shows it.
pub(super) fn value(world: &World, id: Id, column: usize) -> Option<Cell> {
    world.server.tables[0].get(&id).map(|row| shown(&row[column]))
}

pub(super) fn both(world: &World, id: Id, column: usize) -> (Option<Cell>, Option<Cell>) {
    (value(world, id, column), cell(world, id, column))
}

pub(super) fn at(world: &World, id: Id) -> usize {
    world.sheet.tabs[0].iter().position(|row| row.id() == Some(id)).expect("a row with this key")
}

pub(super) fn number(n: i64) -> Cell {
    Cell::number(n as f64)
}

pub(super) fn types(world: &mut World, id: Id, column: usize, n: i64) {
    let row = at(world, id);
    world.type_cell(0, row, column, number(n));
}

pub(super) fn updates(world: &mut World, id: Id, column: usize, n: i64) {
    let mut row = world.server.tables[0][&id].clone();
    row[column] = Value::Int(n);
    world.app_puts(0, row, "updates");
}

/// Everything comes to rest, and the witness has nothing to say.
pub(super) fn rest(world: &mut World) {
    world.come_to_rest();
    world.judge();
    assert_eq!(world.witness.violations, Vec::<String>::new());
}

pub(super) fn listed(world: &World, rule: &str) -> u64 {
    world.acts.get(&format!("listed: {rule}")).copied().unwrap_or_default()
}

pub(super) fn with_policy(policy: Policy) -> impl FnOnce(&mut LinkPlan) {
    move |plan| plan.columns.iter_mut().for_each(|column| column.rule.policy = policy)
}

fn with_deletes(deletes: Deletes) -> impl FnOnce(&mut LinkPlan) {
    move |plan| plan.rules.deletes = deletes
}

#[test]
fn a_row_of_the_table_alone_is_made_in_the_sheet() {
    let mut world = World::arranged(|_| {});
    world.app_puts(0, [Value::Int(6), Value::Int(901), Value::Null], "inserts");
    rest(&mut world);
    assert_eq!(cell(&world, 6, 1), Some(number(901)));
    assert_eq!(cell(&world, 6, 2), Some(Cell::Blank));
}

#[test]
fn a_row_of_the_sheet_alone_is_made_in_the_table_when_it_is_complete() {
    let mut world = World::arranged(|_| {});
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 2, number(902));
    world.come_to_rest();
    assert_eq!(world.server.tables[0].len(), 5, "the required column is missing");
    world.type_cell(0, blank, 1, number(901));
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(901)), Some(number(901))));
    assert_eq!(both(&world, 6, 2), (Some(number(902)), Some(number(902))));
}

#[test]
fn a_first_meeting_agrees_on_what_is_equal_and_decides_the_rest_by_its_rule() {
    for (first_match, table, sheet) in
        [(FirstMatch::Database, 101, 101), (FirstMatch::Sheet, 909, 909), (FirstMatch::Hold, 101, 909)]
    {
        let mut world = World::unmet(|plan| plan.rules.first_match = first_match);
        let record = [Value::Int(1), Value::Int(101), Value::Int(102)];
        world.server.put(0, record.clone());
        world.witness.table_holds(0, &record);
        world.show(0, &[Value::Int(1), Value::Int(909), Value::Int(102)]);
        world.start_engine();
        rest(&mut world);
        assert_eq!(both(&world, 1, 1), (Some(number(table)), Some(number(sheet))), "{first_match:?}");
        assert_eq!(both(&world, 1, 2), (Some(number(102)), Some(number(102))));
        let base = &world.store.links[0].base[&key(1)];
        assert!(base.columns[2].is_some(), "equal cells agree");
        assert_eq!(base.columns[1].is_none(), first_match == FirstMatch::Hold);
    }
}

#[test]
fn a_change_of_the_table_goes_to_the_sheet_and_nothing_else_does() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    let note = world.sheet.tabs[0][row].cells[OWN].clone();
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(cell(&world, 2, 1), Some(number(901)));
    assert_eq!(world.sheet.tabs[0][at(&world, 2)].cells[OWN], note);
    assert_eq!(world.witness.table_writes, 0);
}

#[test]
fn a_change_of_the_sheet_goes_to_the_table_in_one_write() {
    let mut world = World::arranged(|_| {});
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(value(&world, 2, 1), Some(number(901)));
    assert_eq!((world.witness.table_writes, world.witness.batches), (1, 0), "and no echo");
}

#[test]
fn changes_of_other_columns_are_merged() {
    let mut world = World::arranged(with_policy(Policy::Hold));
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 2, 902);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    assert_eq!(both(&world, 2, 2), (Some(number(902)), Some(number(902))));
}

#[test]
fn the_same_change_on_both_sides_agrees() {
    let mut world = World::arranged(with_policy(Policy::Hold));
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    assert_eq!((world.witness.table_writes, world.witness.batches), (0, 0));
}

#[test]
fn different_changes_of_one_column_are_for_its_policy_and_both_values_are_listed() {
    for (policy, table, sheet, rule) in [
        (Policy::Database, 901, 901, "policy database"),
        (Policy::Sheet, 902, 902, "policy sheet"),
        (Policy::Hold, 901, 902, "policy hold"),
        (Policy::Newest, 901, 901, "policy newest: both at the same time, tie database"),
    ] {
        let mut world = World::arranged(with_policy(policy));
        updates(&mut world, 2, 1, 901);
        types(&mut world, 2, 1, 902);
        rest(&mut world);
        assert_eq!(both(&world, 2, 1), (Some(number(table)), Some(number(sheet))), "{policy:?}");
        assert_eq!(listed(&world, rule), 1, "{:?}", world.acts);
    }
}

#[test]
fn the_tie_of_the_newest_may_be_the_sheets() {
    let mut world = World::arranged(|plan| plan.rules.tie = Tie::Sheet);
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 1, 902);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(902)), Some(number(902))));
}

#[test]
fn a_row_that_is_gone_in_the_table_leaves_the_sheet() {
    let mut world = World::arranged(|_| {});
    world.app_deletes(0, 2);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (None, None));
    assert!(world.store.links[0].dead.contains(&key(2)));
}

#[test]
fn an_edit_beats_the_delete_in_the_table_and_the_rest_is_the_last_image() {
    let mut world = World::arranged(|_| {});
    let last = value(&world, 2, 2);
    world.app_deletes(0, 2);
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    assert_eq!(both(&world, 2, 2), (last.clone(), last));
    assert_eq!(listed(&world, "edit beats delete"), 1);
}

#[test]
fn an_edit_of_a_deleted_row_whose_last_image_is_unknown_is_held() {
    let mut world = World::arranged(|_| {});
    let (_, image) = world.server.delete(0, 2);
    world.witness.app_deleted(0, 2);
    world.server.commit_named(world.clock, (0, image.key));
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (None, Some(number(901))));
    assert_eq!(listed(&world, "edit beats delete, but the deleted row is unknown"), 1);
}

#[test]
fn a_row_that_is_gone_in_the_sheet_is_for_the_links_deletes() {
    for (deletes, table, sheet) in
        [(Deletes::Apply, false, false), (Deletes::Restore, true, true), (Deletes::Hold, true, false)]
    {
        let mut world = World::arranged(with_deletes(deletes.clone()));
        let row = at(&world, 2);
        world.delete_row(0, row);
        rest(&mut world);
        let stand = (value(&world, 2, 1).is_some(), cell(&world, 2, 1).is_some());
        assert_eq!(stand, (table, sheet), "{deletes:?}");
    }
}

#[test]
fn a_change_of_the_table_beats_the_delete_in_the_sheet() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.delete_row(0, row);
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
}

#[test]
fn a_row_that_is_gone_on_both_sides_is_forgotten_with_a_tombstone() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.delete_row(0, row);
    world.app_deletes(0, 2);
    rest(&mut world);
    assert!(!world.store.links[0].base.contains_key(&key(2)) && world.store.links[0].dead.contains(&key(2)));
    assert_eq!((world.witness.table_writes, world.witness.batches), (0, 0));
}

#[test]
fn a_row_that_shows_a_dead_key_is_held_and_never_made_again() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    let copy = world.sheet.tabs[0][row].clone();
    world.app_deletes(0, 2);
    world.come_to_rest();
    Rc::make_mut(&mut world.sheet).tabs[0].push(copy);
    rest(&mut world);
    assert_eq!(value(&world, 2, 1), None);
    assert!(cell(&world, 2, 1).is_some());
}

#[test]
fn while_a_key_is_owed_the_record_gets_no_second_row() {
    let mut world = World::arranged(|_| {});
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 1, number(901));
    while world.server.tables[0].len() == 5 {
        world.live_one_step();
    }
    // The insert comes round through the stream, and the record is changed, before its key stands in the sheet.
    updates(&mut world, 6, 2, 902);
    rest(&mut world);
    assert_eq!(world.sheet.tabs[0].iter().filter(|row| row.id() == Some(6)).count(), 1);
    assert_eq!(cell(&world, 6, 2), Some(number(902)));
    assert_eq!(at(&world, 6), blank);
}

#[test]
fn of_two_rows_with_one_key_the_one_that_equals_base_stands() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.copy_row(0, row);
    let copies: Vec<usize> =
        (0..world.sheet.tabs[0].len()).filter(|at| world.sheet.tabs[0][*at].id() == Some(2)).collect();
    let copy = *copies.iter().max_by_key(|at| world.sheet.tabs[0][**at].uid).expect("two rows");
    world.type_cell(0, copy, 1, number(901));
    updates(&mut world, 2, 2, 902);
    world.live_quietly(40);
    assert_ne!(value(&world, 2, 1), Some(number(901)), "the copy's cells are nobody's edit of this record");
    let stands = world.sheet.tabs[0].iter().filter(|row| row.cells[COLUMNS[2]] == number(902)).count();
    assert_eq!(stands, 1, "the change of the table reaches the row that equals base");
    let said: Vec<u32> = world.said.iter().map(|remark| remark.place.1).collect();
    assert_eq!(said, [copy as u32 + 1], "the copy is told that it is held, and no other row");
}

#[test]
fn of_several_rows_with_one_key_of_which_none_equals_base_all_are_held() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.copy_row(0, row);
    for at in 0..world.sheet.tabs[0].len() {
        if world.sheet.tabs[0][at].id() == Some(2) {
            world.type_cell(0, at, 1, number(901 + at as i64));
        }
    }
    updates(&mut world, 2, 2, 950);
    let (writes, batches) = (world.witness.table_writes, world.witness.batches);
    world.live_quietly(60);
    assert_eq!((world.witness.table_writes, world.witness.batches), (writes, batches));
    assert_eq!(world.said.len(), 2, "both are told");
}

#[test]
fn a_key_that_a_person_cleared_is_put_back() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.clear_key(0, row);
    rest(&mut world);
    assert_eq!(at(&world, 2), row);
    assert_eq!(world.server.tables[0].len(), 5);
}

#[test]
fn a_key_that_a_person_cleared_is_put_back_also_beside_a_cell_that_is_refused() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.type_cell(0, row, 1, Cell::Text("about 118".into()));
    world.come_to_rest();
    world.clear_key(0, row);
    rest(&mut world);
    assert_eq!(at(&world, 2), row);
    assert_eq!((world.server.tables[0].len(), world.witness.deletes), (5, 0));
    assert_eq!(cell(&world, 2, 1), Some(Cell::Text("about 118".into())));
}

#[test]
fn a_key_that_changed_in_the_table_is_rewritten_in_place() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    let note = world.sheet.tabs[0][row].cells[OWN].clone();
    world.app_rename(0, 2);
    rest(&mut world);
    let new = id_of(world.server.tables[0].values().next_back().expect("rows"));
    assert_eq!(at(&world, new), row);
    assert_eq!(world.sheet.tabs[0][row].cells[OWN], note);
}

#[test]
fn formulas_and_nonsense_never_reach_the_table_and_are_never_overwritten() {
    let mut world = World::arranged(|_| {});
    let (one, other) = (at(&world, 2), at(&world, 3));
    world.type_formula(0, one);
    world.type_cell(0, other, 1, Cell::Text("about three".into()));
    let before = (world.server.tables[0][&2].clone(), world.server.tables[0][&3].clone());
    world.come_to_rest();
    updates(&mut world, 3, 2, 903);
    rest(&mut world);
    assert_eq!(world.server.tables[0][&2], before.0);
    assert_eq!(cell(&world, 3, 1), Some(Cell::Text("about three".into())));
    assert_eq!(cell(&world, 3, 2), Some(number(903)), "the row's other cells go on");
    assert!(world.sheet.tabs[0][at(&world, 2)].formulas.contains(&true));
}

#[test]
fn what_the_column_rounds_goes_back_to_the_sheet() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    world.type_cell(0, row, 1, Cell::number(901.5));
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
}

#[test]
fn a_column_of_one_direction_is_put_back_or_left() {
    let mut world = World::arranged(|plan| {
        plan.columns[1].rule.direction = Direction::ToSheet;
        plan.columns[2].rule.direction = Direction::ToTable;
    });
    let (there, here) = (value(&world, 2, 1), cell(&world, 2, 2));
    types(&mut world, 2, 1, 901);
    updates(&mut world, 2, 2, 902);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (there.clone(), there), "what a person types is put back");
    assert_eq!(both(&world, 2, 2), (Some(number(902)), here), "what the table says stays there");
}

#[test]
fn half_of_a_tab_that_goes_at_once_stays_in_the_table() {
    let mut world = World::arranged(|_| {});
    for _ in 0..3 {
        world.delete_row(0, 0);
    }
    rest(&mut world);
    assert_eq!(world.server.tables[0].len(), 5);
    assert!(world.engine.tables()[0].brake.is_some());
}

#[test]
fn a_link_without_its_header_writes_nothing_and_catches_up_when_it_is_back() {
    let mut world = World::arranged(|_| {});
    world.set_header(0, true);
    world.live_quietly(40);
    updates(&mut world, 2, 1, 901);
    world.live_quietly(60);
    assert_eq!(world.witness.batches, 0);
    world.set_header(0, false);
    rest(&mut world);
    assert_eq!(cell(&world, 2, 1), Some(number(901)));
}

/// Adds what both sides added, and gives nothing for large numbers.
#[derive(Debug)]
struct Sum;

impl OwnRule for Sum {
    fn decide(&self, case: &Case<'_>) -> Ruling {
        match (&case.database.shown, case.sheet) {
            (Cell::Number(db), Cell::Number(sheet)) if db.get() < 900.0 => {
                Ruling::Value(Cell::number(db.get() + sheet.get()))
            }
            _ => Ruling::Failed,
        }
    }
}

#[test]
fn a_rule_of_the_operators_own_may_put_a_third_value_on_both_sides() {
    let mut world = World::arranged(|plan| plan.columns[1].own = Some(Arc::new(Sum)));
    updates(&mut world, 2, 1, 20);
    types(&mut world, 2, 1, 300);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(320)), Some(number(320))), "once, and not again");
    assert_eq!(listed(&world, "the link's own rule: a value of its own"), 1);
    assert_eq!(world.witness.table_writes, 1);
}

#[test]
fn a_rule_of_the_operators_own_that_fails_holds_the_cell() {
    let mut world = World::arranged(|plan| plan.columns[1].own = Some(Arc::new(Sum)));
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 1, 300);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(300))));
    assert_eq!(listed(&world, "the link's own rule fails on these values"), 1);
}

/// Both sides' steps since they last agreed, added up.
#[derive(Debug)]
struct Steps;

impl OwnRule for Steps {
    fn decide(&self, case: &Case<'_>) -> Ruling {
        match (&case.database.shown, case.sheet, case.base.map(|base| &base.shown)) {
            (Cell::Number(db), Cell::Number(sheet), Some(Cell::Number(base))) => {
                Ruling::Value(Cell::number(db.get() + sheet.get() - base.get()))
            }
            _ => Ruling::Failed,
        }
    }
}

#[test]
fn a_rule_of_the_operators_own_may_ask_what_both_sides_had_when_they_agreed() {
    let mut world = World::arranged(|plan| plan.columns[1].own = Some(Arc::new(Steps)));
    types(&mut world, 2, 1, 50);
    world.come_to_rest();
    updates(&mut world, 2, 1, 53);
    updates(&mut world, 2, 1, 55);
    types(&mut world, 2, 1, 60);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(65)), Some(number(65))), "50, 5 more there and 10 more here");
}
