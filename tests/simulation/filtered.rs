//! Rows that enter and leave a link's filter: the lines of the truth table where the database's row is outside of it.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::{Deletes, Policy, SoftMark};
use sheetbridge::model::value::Value;

use super::sheet::Row;
use super::table::{Id, MARK, Record, key};
use super::truth::{at, both, listed, number, rest, types, updates, value};
use super::world::World;

/// Inside are rows whose second linked column is less than 900.
fn below_900(row: &Record) -> bool {
    matches!(row[1], Value::Int(n) if n < 900)
}

fn filtered() -> World {
    let mut world = World::arranged(|_| {});
    world.server.inside = Some(below_900);
    world
}

fn with_soft_deletes() -> World {
    let soft = Deletes::Soft { column: "a".into(), mark: SoftMark::Text(MARK.to_string()) };
    let mut world = World::arranged(|plan| plan.rules.deletes = soft);
    world.server.inside = Some(below_900);
    world
}

fn is_known(world: &World, id: Id) -> bool {
    world.store.links[0].base.contains_key(&key(id))
}

fn is_dead(world: &World, id: Id) -> bool {
    world.store.links[0].dead.contains(&key(id))
}

/// The record has left the tab with nothing deleted and nothing remembered of it.
fn only_in_the_table(world: &World, id: Id, value: i64) {
    assert_eq!(both(world, id, 1), (Some(number(value)), None));
    assert!(!is_known(world, id) && !is_dead(world, id));
    assert_eq!(world.witness.table_writes, 0);
}

#[test]
fn a_row_that_leaves_the_filter_leaves_the_sheet_and_lives_on_in_the_table() {
    let mut world = filtered();
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    only_in_the_table(&world, 2, 901);
}

#[test]
fn a_row_that_enters_the_filter_enters_the_sheet_again_and_again() {
    let mut world = filtered();
    for n in [901, 101, 902, 102] {
        updates(&mut world, 2, 1, n);
        rest(&mut world);
        assert_eq!(both(&world, 2, 1), (Some(number(n)), (n < 900).then(|| number(n))));
    }
    world.app_puts(0, [Value::Int(6), Value::Int(950), Value::Null], "inserts");
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(950)), None));
    updates(&mut world, 6, 1, 250);
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(250)), Some(number(250))));
}

#[test]
fn an_edit_in_a_row_that_leaves_the_filter_is_written_before_the_row_goes() {
    let mut world = filtered();
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 2, 42);
    rest(&mut world);
    assert_eq!(both(&world, 2, 2), (Some(number(42)), None));
    assert_eq!(value(&world, 2, 1), Some(number(901)));
}

#[test]
fn an_edit_takes_its_own_row_out_of_the_filter_or_keeps_it_there() {
    let mut world = filtered();
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), None));

    // the sheet's value wins, and with it the row is inside
    let mut world = World::arranged(|plan| plan.columns[1].rule.policy = Policy::Sheet);
    world.server.inside = Some(below_900);
    updates(&mut world, 3, 1, 902);
    types(&mut world, 3, 1, 77);
    rest(&mut world);
    assert_eq!(both(&world, 3, 1), (Some(number(77)), Some(number(77))));
}

#[test]
fn a_cell_that_is_not_decided_keeps_its_row_until_it_is() {
    let mut world = filtered();
    let row = at(&world, 2);
    world.type_cell(0, row, 2, Cell::Text("about three".into()));
    world.come_to_rest();
    updates(&mut world, 2, 1, 901);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))), "the row's other cells go on");
    assert!(is_known(&world, 2));
    types(&mut world, 2, 2, 43);
    rest(&mut world);
    assert_eq!(both(&world, 2, 2), (Some(number(43)), None));
}

#[test]
fn a_row_that_a_refused_cell_keeps_leaves_when_the_cell_is_put_back_by_hand() {
    // given a row that has left the filter, but for a text that the table refuses
    let mut world = filtered();
    let (there, row) = (value(&world, 2, 2), at(&world, 2));
    world.type_cell(0, row, 2, Cell::Text("about 42".into()));
    world.come_to_rest();
    updates(&mut world, 2, 1, 901);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    // when the person types what the table has
    let row = at(&world, 2);
    world.type_cell(0, row, 2, there.expect("a value"));
    rest(&mut world);
    only_in_the_table(&world, 2, 901);
}

#[test]
fn a_row_that_is_deleted_in_the_sheet_while_it_leaves_the_filter_is_not_deleted_in_the_table() {
    let mut world = filtered();
    let row = at(&world, 2);
    world.delete_row(0, row);
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    only_in_the_table(&world, 2, 901);
}

#[test]
fn a_row_inside_that_is_deleted_in_the_sheet_is_deleted_in_the_table() {
    let mut world = filtered();
    let row = at(&world, 2);
    world.delete_row(0, row);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (None, None));
}

#[test]
fn a_new_row_outside_of_the_filter_is_written_named_and_leaves() {
    let mut world = filtered();
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 1, number(907));
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(907)), None));
    assert!(!is_known(&world, 6) && !is_dead(&world, 6));
    assert_eq!(world.store.links[0].claims.len(), 0);
}

#[test]
fn a_new_row_that_the_table_takes_out_of_the_filter_before_we_know_its_key_leaves_too() {
    let mut world = filtered();
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 1, number(407));
    // given an insert whose answer is on its way
    while !world.server.tables[0].contains_key(&6) {
        world.live_one_step();
    }
    // when the stream tells first that the record is outside
    updates(&mut world, 6, 1, 907);
    while world.tail < world.server.end() {
        world.stream();
    }
    rest(&mut world);
    assert_eq!(both(&world, 6, 1), (Some(number(907)), None));
    assert!(!is_known(&world, 6) && world.store.links[0].claims.is_empty());
}

#[test]
fn a_row_with_the_key_of_a_record_outside_is_refused_and_meets_it_when_it_enters() {
    let mut world = filtered();
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    let blank = world.sheet.tabs[0].iter().position(Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 0, number(2));
    world.type_cell(0, blank, 1, number(55));
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(55))), "both stand as they are");
    assert_eq!(world.witness.table_writes, 0);
    let told = "a record with this key exists, and the link's filter leaves it out of this tab: give the row another key";
    assert_eq!(listed(&world, told), 1, "{:?}", world.acts);

    updates(&mut world, 2, 1, 66);
    world.come_to_rest();
    assert_eq!(both(&world, 2, 1), (Some(number(66)), Some(number(66))), "a first meeting");
}

#[test]
fn rows_that_are_nowhere_in_the_sheet_may_change_without_a_call() {
    let mut world = filtered();
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    let (reads, batches) = (world.reads, world.witness.batches);
    for n in 902..912 {
        updates(&mut world, 2, 1, n);
    }
    while world.tail < world.server.end() {
        world.live_one_step();
    }
    assert!(world.engine.tables()[0].pending.is_empty());
    rest(&mut world);
    assert_eq!(world.witness.batches, batches);
    assert!(world.reads >= reads, "sweeps go on");
}

#[test]
fn another_filter_at_a_start_moves_rows_and_deletes_none() {
    let mut world = filtered();
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    // when the filter lets in what was outside, and out what was inside
    world.server.inside = Some(|row| !below_900(row));
    world.store.links[0].copied = false;
    world.crash();
    rest(&mut world);
    let shown: Vec<Id> = world.sheet.tabs[0].iter().filter_map(Row::id).collect();
    assert_eq!(shown, [2]);
    assert_eq!((world.server.tables[0].len(), world.witness.table_writes), (5, 0));
    assert!((1..=5).all(|id| !is_dead(&world, id)));
}

#[test]
fn a_soft_delete_marks_the_record_and_taking_the_mark_away_brings_it_back() {
    let mut world = with_soft_deletes();
    let row = at(&world, 2);
    world.delete_row(0, row);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(MARK)), None));
    assert!(!is_known(&world, 2) && !is_dead(&world, 2));
    assert_eq!(world.witness.table_writes, 1);

    updates(&mut world, 2, 1, 77);
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(77)), Some(number(77))));
}

#[test]
fn a_change_of_the_table_beats_a_soft_delete_too() {
    let mut world = with_soft_deletes();
    let row = at(&world, 2);
    world.delete_row(0, row);
    updates(&mut world, 2, 2, 42);
    rest(&mut world);
    assert_eq!(both(&world, 2, 2), (Some(number(42)), Some(number(42))));
    assert_eq!(world.witness.table_writes, 0);
}

#[test]
fn many_soft_deletes_at_once_are_stopped_as_others_are() {
    let mut world = with_soft_deletes();
    for _ in 0..3 {
        world.delete_row(0, 0);
    }
    rest(&mut world);
    assert_eq!(world.witness.table_writes, 0);
    assert!(world.engine.tables()[0].brake.is_some());
}
