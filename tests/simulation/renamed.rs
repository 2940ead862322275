//! Key cells that people change: put back by `key_edits = "refuse"`, taken over by `"rename"`; and keys that are one to the
//! server although they are spelled in two ways: here `-2` is another spelling of `2`.

use sheetbridge::engine::input::LinkPlan;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::KeyEdits;
use sheetbridge::model::value::Value;

use super::sheet::{COLUMNS, OWN};
use super::table::{Id, key};
use super::truth::{at, both, cell, listed, number, rest, types, updates, value};
use super::world::World;

const PUT_BACK: &str = "a record's key is not changed in the sheet (key_edits = refuse)";

fn renaming(plan: &mut LinkPlan) {
    plan.rules.key_edits = KeyEdits::Rename;
}

/// A person types another key over that of a record.
fn retypes(world: &mut World, id: Id, new: Id) {
    let row = at(world, id);
    world.retype_key(0, row, new);
}

/// Nobody but the daemon acts until this is so.
fn until(world: &mut World, is_so: impl Fn(&World) -> bool) {
    assert!(world.lives_until(World::live_one_step, is_so), "it never is");
}

fn keys(world: &World) -> Vec<Id> {
    world.server.tables[0].keys().copied().collect()
}

fn shown(world: &World) -> Vec<Id> {
    let mut shown: Vec<Id> = world.sheet.tabs[0].iter().filter_map(super::sheet::Row::id).collect();
    shown.sort_unstable();
    shown
}

fn held(world: &World, id: Id) -> Option<String> {
    world.store.links[0].held.get(&(key(id), 0)).map(|held| held.why.clone())
}

#[test]
fn a_key_that_a_person_changed_is_put_back_and_listed() {
    let mut world = World::arranged(|_| {});
    let (row, was) = (at(&world, 2), both(&world, 2, 1));
    retypes(&mut world, 2, 18);
    rest(&mut world);
    assert_eq!((at(&world, 2), both(&world, 2, 1)), (row, was));
    assert_eq!((listed(&world, PUT_BACK), world.witness.table_writes), (1, 0));
    assert_eq!(keys(&world), [1, 2, 3, 4, 5]);
}

#[test]
fn the_key_of_another_record_typed_over_a_key_deletes_nothing_and_is_put_back() {
    let mut world = World::arranged(|_| {});
    retypes(&mut world, 2, 3);
    rest(&mut world);
    assert_eq!((keys(&world), shown(&world)), (vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5]));
    assert_eq!((listed(&world, PUT_BACK), world.witness.table_writes), (1, 0));
}

#[test]
fn a_record_takes_the_key_that_a_person_gave_it_in_one_write_and_no_batch() {
    let mut world = World::arranged(renaming);
    let (row, was) = (at(&world, 2), value(&world, 2, 1));
    let own = world.sheet.tabs[0][row].cells[OWN].clone();
    retypes(&mut world, 2, 18);
    rest(&mut world);
    assert_eq!(keys(&world), [1, 3, 4, 5, 18]);
    assert_eq!((at(&world, 18), both(&world, 18, 1)), (row, (was.clone(), was)));
    assert_eq!(world.sheet.tabs[0][row].cells[OWN], own);
    assert_eq!((world.witness.table_writes, world.witness.batches), (1, 0), "and no echo");
    assert!(world.store.links[0].dead.contains(&key(2)));
}

#[test]
fn a_change_of_the_table_meets_the_new_key() {
    let mut world = World::arranged(renaming);
    updates(&mut world, 2, 1, 901);
    retypes(&mut world, 2, 18);
    rest(&mut world);
    assert_eq!(keys(&world), [1, 3, 4, 5, 18]);
    assert_eq!(both(&world, 18, 1), (Some(number(901)), Some(number(901))));

    // and one that comes in the moment of the write
    let mut world = World::arranged(renaming);
    retypes(&mut world, 2, 18);
    until(&mut world, |world| world.cycle.front().is_some_and(|call| call.name() == "Write"));
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(keys(&world), [1, 3, 4, 5, 18]);
    assert_eq!(both(&world, 18, 1), (Some(number(901)), Some(number(901))));
}

#[test]
fn a_key_that_another_record_has_is_refused_and_stays_until_it_is_mended() {
    // the tab shows the other record
    let mut world = World::arranged(renaming);
    retypes(&mut world, 2, 3);
    world.live_quietly(300);
    assert_eq!((keys(&world), shown(&world)), (vec![1, 2, 3, 4, 5], vec![1, 3, 3, 4, 5]));
    assert_eq!(held(&world, 2).as_deref(), Some("another row has this key already"));
    let wrong =
        world.sheet.tabs[0].iter().position(|row| row.cells[COLUMNS[1]] == value(&world, 2, 1).unwrap());
    world.retype_key(0, wrong.expect("the row of record 2"), 18);
    rest(&mut world);
    assert_eq!((keys(&world), shown(&world)), (vec![1, 3, 4, 5, 18], vec![1, 3, 4, 5, 18]));
    assert_eq!(held(&world, 2), None);

    // only the server knows of it
    let mut world = World::arranged(renaming);
    retypes(&mut world, 2, 18);
    until(&mut world, |world| world.cycle.front().is_some_and(|call| call.name() == "Write"));
    world.app_puts(0, [Value::Int(18), Value::Int(950), Value::Null], "inserts");
    world.live_quietly(60);
    assert_eq!(keys(&world), [1, 2, 3, 4, 5, 18]);
    assert!(held(&world, 2).is_some());
    retypes(&mut world, 18, 19);
    rest(&mut world);
    assert_eq!((keys(&world), shown(&world)), (vec![1, 3, 4, 5, 18, 19], vec![1, 3, 4, 5, 18, 19]));
}

#[test]
fn a_refused_key_is_put_back_when_the_table_changes_its_record() {
    let mut world = World::arranged(renaming);
    retypes(&mut world, 2, 3);
    world.live_quietly(300);
    updates(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!(shown(&world), [1, 2, 3, 4, 5]);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    assert_eq!(
        (held(&world, 2), listed(&world, "the record keeps its key until the table takes another one")),
        (None, 1)
    );
}

#[test]
fn a_dead_key_is_taken_by_no_record() {
    let mut world = World::arranged(renaming);
    world.app_deletes(0, 3);
    world.come_to_rest();
    retypes(&mut world, 2, 3);
    world.come_to_rest();
    assert_eq!(keys(&world), [1, 2, 4, 5]);
    assert!(held(&world, 2).expect("it is held").contains("deleted or renamed"));
    retypes(&mut world, 3, 2);
    rest(&mut world);
    assert_eq!((shown(&world), held(&world, 2)), (vec![1, 2, 4, 5], None));
}

#[test]
fn a_cleared_key_and_nonsense_are_put_back_all_the_same() {
    let mut world = World::arranged(renaming);
    let row = at(&world, 2);
    world.clear_key(0, row);
    rest(&mut world);
    assert_eq!((at(&world, 2), world.witness.table_writes), (row, 0));
}

#[test]
fn a_crash_after_the_commit_loses_nothing_of_a_new_key() {
    let mut world = World::arranged(renaming);
    let row = at(&world, 2);
    retypes(&mut world, 2, 18);
    until(&mut world, |world| world.witness.table_writes > 0);
    world.crash();
    rest(&mut world);
    assert_eq!((keys(&world), at(&world, 18)), (vec![1, 3, 4, 5, 18], row));
    assert_eq!((world.witness.table_writes, world.witness.batches), (1, 0));
}

#[test]
fn two_rows_that_swap_their_keys_are_two_records_with_other_values() {
    let mut world = World::arranged(renaming);
    let (one, two) = (at(&world, 1), at(&world, 2));
    let (first, second) = (value(&world, 1, 1), value(&world, 2, 1));
    world.retype_key(0, one, 2);
    world.retype_key(0, two, 1);
    rest(&mut world);
    assert_eq!(keys(&world), [1, 2, 3, 4, 5]);
    assert_eq!((value(&world, 1, 1), value(&world, 2, 1)), (second, first));
    assert_eq!(world.witness.deletes, 0);
}

#[test]
fn a_new_key_beside_another_edit_is_no_new_key() {
    let mut world = World::arranged(|plan| {
        renaming(plan);
        plan.rules.deletes = sheetbridge::model::rule::Deletes::Restore;
    });
    types(&mut world, 2, 1, 901);
    retypes(&mut world, 2, 18);
    rest(&mut world);
    assert_eq!(keys(&world), [1, 2, 3, 4, 5, 18], "nobody can tell which row it was: it is a new one");
}

/// `2` and `-2` are one key to the server.
fn loose(arrange: impl FnOnce(&mut LinkPlan)) -> World {
    let mut world = World::arranged(|plan| {
        plan.loose_keys = true;
        arrange(plan);
    });
    world.server.same = Some(Id::abs);
    world
}

#[test]
fn another_spelling_of_a_key_is_put_back_and_is_never_another_record() {
    let mut world = loose(|_| {});
    let row = at(&world, 2);
    retypes(&mut world, 2, -2);
    rest(&mut world);
    assert_eq!((keys(&world), at(&world, 2)), (vec![1, 2, 3, 4, 5], row));
    assert_eq!((world.witness.table_writes, listed(&world, PUT_BACK)), (0, 1));
}

#[test]
fn an_edit_in_a_row_whose_key_is_spelled_in_another_way_is_taken() {
    let mut world = loose(|_| {});
    types(&mut world, 2, 1, 901);
    retypes(&mut world, 2, -2);
    rest(&mut world);
    assert_eq!((keys(&world), shown(&world)), (vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5]));
    assert_eq!(value(&world, 2, 1), Some(number(901)));
}

#[test]
fn a_record_takes_another_spelling_and_may_have_its_own_back() {
    let mut world = loose(renaming);
    for (from, to) in [(2, -2), (-2, 2)] {
        retypes(&mut world, from, to);
        rest(&mut world);
        assert!(keys(&world).contains(&to) && world.server.tables[0].len() == 5);
        assert!(!world.store.links[0].dead.contains(&key(from)), "it is the same key");
    }
    assert_eq!((world.witness.table_writes, world.witness.batches), (2, 0));
}

#[test]
fn two_rows_with_one_key_in_two_spellings_are_two_rows_with_one_key() {
    let mut world = loose(|_| {});
    let row = at(&world, 2);
    world.copy_row(0, row);
    let copy = world.sheet.tabs[0].iter().position(|row| world.copies.contains(&row.uid)).expect("a copy");
    world.retype_key(0, copy, -2);
    world.live_quietly(60);
    updates(&mut world, 2, 1, 901);
    world.live_quietly(60);
    assert_eq!(keys(&world), [1, 2, 3, 4, 5]);
    assert_eq!(cell(&world, 2, 1), Some(number(901)), "the record's own row goes on");
    assert!(shown(&world).contains(&-2), "the other one is held");
}

#[test]
fn a_new_row_under_another_spelling_of_a_record_is_no_new_record() {
    let mut world = loose(|_| {});
    let blank = world.sheet.tabs[0].iter().position(super::sheet::Row::is_blank).expect("a blank row");
    world.type_cell(0, blank, 1, number(950));
    world.type_cell(0, blank, 0, Cell::number(-3.0));
    world.live_quietly(200);
    assert_eq!((keys(&world), world.witness.table_writes), (vec![1, 2, 3, 4, 5], 0));
}

#[test]
fn a_spelling_that_changes_in_the_table_is_rewritten_in_place() {
    for crash in [false, true] {
        let mut world = loose(|_| {});
        let row = at(&world, 2);
        let own = world.sheet.tabs[0][row].cells[OWN].clone();
        let mut record = world.server.tables[0][&2].clone();
        record[0] = Value::Int(-2);
        let gone = world.server.delete(0, 2);
        world.witness.table_holds(0, &record);
        let (_, mut image) = world.server.put(0, record);
        image.renamed_from = Some(key(2));
        world.server.commit(world.clock, Vec::new(), vec![gone, (0, image)]);
        world.witness.app_renamed(0, 2, -2);
        if crash {
            world.crash();
        }
        rest(&mut world);
        assert_eq!((at(&world, -2), &world.sheet.tabs[0][row].cells[OWN]), (row, &own));
        assert_eq!((shown(&world), world.witness.batches), (vec![-2, 1, 3, 4, 5], 1));
    }
}

#[test]
fn a_spelling_that_changes_unseen_keeps_its_line() {
    // given a change that the stream does not tell, found by a look at the old key
    let mut world = loose(|_| {});
    let row = at(&world, 2);
    let mut record = world.server.tables[0].remove(&2).expect("a record");
    record[0] = Value::Int(-2);
    world.witness.table_holds(0, &record);
    world.server.tables[0].insert(-2, record);
    world.witness.app_renamed(0, 2, -2);
    world.give(sheetbridge::engine::input::Input::Suspect { table: 0, keys: vec![key(2)] });
    rest(&mut world);
    assert_eq!((at(&world, -2), world.server.tables[0].len()), (row, 5));
}

#[test]
fn a_row_in_another_spelling_whose_record_is_deleted_meanwhile_is_no_new_record() {
    let mut world = loose(|_| {});
    world.app_deletes(0, 2);
    retypes(&mut world, 2, -2);
    world.come_to_rest();
    assert_eq!((keys(&world), shown(&world)), (vec![1, 3, 4, 5], vec![1, 3, 4, 5]));
}
