//! Stories that seeds told first, each as short as it can be.

use std::rc::Rc;
use std::time::Duration;

use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::Policy;
use sheetbridge::model::value::Value;

use super::sheet::{COLUMNS, Row};
use super::table::{Id, key, shown};
use super::world::World;

fn cell(world: &World, id: Id, column: usize) -> Cell {
    world.sheet.tabs[0][at(world, id)].cells[COLUMNS[column]].clone()
}

fn value(world: &World, id: Id, column: usize) -> Option<Cell> {
    world.server.tables[0].get(&id).map(|row| shown(&row[column]))
}

pub(super) fn at(world: &World, id: Id) -> usize {
    world.sheet.tabs[0].iter().position(|row| row.id() == Some(id)).expect("a row with this key")
}

pub(super) fn rows(world: &mut World) -> &mut Vec<Row> {
    &mut Rc::make_mut(&mut world.sheet).tabs[0]
}

pub(super) fn updates(world: &mut World, id: Id, column: usize, n: i64) {
    let mut row = world.server.tables[0][&id].clone();
    row[column] = Value::Int(n);
    world.app_puts(0, row, "updates");
}

fn types(world: &mut World, id: Id, column: usize, cell: Cell) {
    let row = at(world, id);
    world.type_cell(0, row, column, cell);
}

/// Nobody but the daemon acts until this is so.
pub(super) fn until(world: &mut World, what: &str, is_so: impl Fn(&World) -> bool) {
    assert!(world.lives_until(World::live_one_step, is_so), "never: {what}");
}

pub(super) fn rest(world: &mut World) {
    world.come_to_rest();
    world.judge();
    assert_eq!(world.witness.violations, Vec::<String>::new());
}

/// The table changes row 2; somebody inserts a row above before the batch lands, and row 1 is hit.
fn row_1_is_hit() -> World {
    let mut world = World::arranged(|_| {});
    updates(&mut world, 2, 1, 901);
    until(&mut world, "a batch", |world| world.cycle.front().is_some_and(|call| call.name() == "Send"));
    let uid = Rc::make_mut(&mut world.sheet).new_uid();
    rows(&mut world).insert(0, Row::blank(uid));
    until(&mut world, "a hit", |world| cell(world, 1, 1) == Cell::number(901.0));
    world
}

#[test]
fn a_row_that_was_hit_and_cut_gets_its_cells_back_when_it_is_pasted() {
    // given a row that was hit and goes to somebody's clipboard
    let mut world = row_1_is_hit();
    let place = at(&world, 1);
    let cut = rows(&mut world).remove(place);
    let was = value(&world, 1, 1).expect("a record");
    // when nothing can be mended, and nobody waits for that: the change of row 2 goes to its row
    until(&mut world, "a write", |world| cell(world, 2, 1) == Cell::number(901.0));
    assert!(!world.engine.owed().is_empty() && !world.engine.owes());
    // and the row is pasted
    rows(&mut world).push(cut);
    rest(&mut world);
    // then it has its own cell again, and nobody's edit went into the table
    assert_eq!((cell(&world, 1, 1), world.witness.table_writes), (was, 0));
    assert!(world.engine.owed().is_empty());
}

#[test]
fn a_row_that_is_made_again_is_not_taken_for_the_one_that_was_hit_although_it_shows_the_same() {
    // given a row that was hit, and that a person deletes before it is mended
    let mut world = row_1_is_hit();
    let place = at(&world, 1);
    world.delete_row(0, place);
    // when the table gives the record the very value that was written into its row by mistake
    updates(&mut world, 1, 1, 901);
    rest(&mut world);
    // then its new row shows that, and nothing was put back and taken for an edit
    assert_eq!((cell(&world, 1, 1), world.witness.table_writes), (Cell::number(901.0), 0));
    assert_eq!(value(&world, 1, 1), Some(Cell::number(901.0)));
    assert!(world.engine.owed().is_empty());
}

#[test]
fn a_row_that_was_given_a_wrong_key_and_is_hit_by_a_mend_gets_both_back() {
    // given a batch that hits the rows above those that were meant: row 1 gets a value of record 2, row 2 a new key
    let mut world = World::arranged(|_| {});
    updates(&mut world, 2, 1, 901);
    world.app_rename(0, 3);
    let new = *world.server.tables[0].keys().last().expect("records");
    let waits = |world: &World, id| world.engine.tables()[0].pending.contains_key(&key(id));
    until(&mut world, "both changes", |world| waits(world, 2) && waits(world, new));
    is_missed(&mut world);
    until(&mut world, "two hits", |world| world.sheet.tabs[0].iter().any(|row| row.id() == Some(new)));
    assert_eq!(cell(&world, 1, 1), Cell::number(901.0));
    // when the row with the wrong key is on a clipboard while the other one is mended, and is pasted in its place just then
    let place = at(&world, new);
    let cut = rows(&mut world).remove(place);
    until(&mut world, "two debts", |world| world.engine.owed().len() == 2);
    until(&mut world, "a mend", |world| world.cycle.front().is_some_and(|call| call.name() == "Send"));
    let place = at(&world, 1);
    rows(&mut world).insert(place, cut);
    rest(&mut world);
    // then every row has what it had
    for id in [1, 2, 4, 5, new] {
        assert_eq!(Some(cell(&world, id, 1)), value(&world, id, 1), "{id}");
    }
    assert!(world.engine.owed().is_empty() && world.witness.table_writes == 0);
}

#[test]
fn a_row_that_got_its_key_by_right_is_not_taken_for_one_that_showed_it_by_mistake_even_after_a_crash() {
    // given a record that gets a new key, of which the row above shows it instead, and a person who deletes that row
    let mut world = World::arranged(|_| {});
    world.app_rename(0, 2);
    let new = *world.server.tables[0].keys().last().expect("records");
    is_missed(&mut world);
    until(&mut world, "a hit", |world| world.sheet.tabs[0].iter().any(|row| row.id() == Some(new)));
    let hit = at(&world, new);
    assert_eq!(world.sheet.tabs[0][hit].cells[COLUMNS[2]], value(&world, 1, 2).expect("a record"));
    world.delete_row(0, hit);
    // when the row below has the key, nothing in it is as the two sides agreed, and the daemon dies
    until(&mut world, "the key", |world| world.sheet.tabs[0].iter().any(|row| row.id() == Some(new)));
    until(&mut world, "the end of the batch", |world| world.store.links[0].base.contains_key(&key(new)));
    types(&mut world, new, 1, Cell::number(801.0));
    types(&mut world, new, 2, Cell::number(802.0));
    world.crash();
    rest(&mut world);
    // then both records have what is theirs
    let both = |id, column| (value(&world, id, column), Some(cell(&world, id, column)));
    for (column, typed) in [(1, 801.0), (2, 802.0)] {
        assert_eq!(both(new, column), (Some(Cell::number(typed)), Some(Cell::number(typed))));
        let (table, sheet) = both(1, column);
        assert_eq!(table, sheet);
    }
    assert_eq!(world.server.tables[0].len(), 5);
    assert!(world.engine.owed().is_empty());
}

#[test]
fn a_row_that_was_hit_and_copied_gets_its_cells_back_in_the_copy_too() {
    let mut world = row_1_is_hit();
    let (was, place) = (value(&world, 1, 1).expect("a record"), at(&world, 1));
    world.copy_row(0, place);
    until(&mut world, "both mended", |world| {
        let mut rows = world.sheet.tabs[0].iter().filter(|row| row.id() == Some(1));
        rows.all(|row| row.cells[COLUMNS[1]] == was)
    });
    rest(&mut world);
    assert_eq!((value(&world, 1, 1), world.witness.table_writes), (Some(was), 0));
}

/// A batch is under way; somebody inserts a row above everything, and it hits the row above the one that was meant.
pub(super) fn is_missed(world: &mut World) {
    until(world, "a batch", |world| world.cycle.front().is_some_and(|call| call.name() == "Send"));
    let uid = Rc::make_mut(&mut world.sheet).new_uid();
    rows(world).insert(0, Row::blank(uid));
}

#[test]
fn a_mend_that_misses_leaves_no_row_without_its_cells() {
    // given a row that was hit, and mends that hit other rows, twice
    let mut world = row_1_is_hit();
    let was: Vec<Option<Cell>> = (1..=5).map(|id| value(&world, id, 1)).collect();
    is_missed(&mut world);
    until(&mut world, "a mend", |world| world.witness.batches >= 2);
    is_missed(&mut world);
    // then nothing of it is left in the end
    rest(&mut world);
    for id in 1..=5 {
        assert_eq!(Some(cell(&world, id, 1)), was[id as usize - 1]);
    }
    assert!(world.sheet.tabs[0].iter().all(|row| row.id().is_some() || row.is_blank()));
    assert!(world.engine.owed().is_empty() && world.witness.table_writes == 0);
}

#[test]
fn a_row_that_was_hit_and_lost_its_key_gets_both_back() {
    let mut world = row_1_is_hit();
    let (was, place) = (value(&world, 1, 1), at(&world, 1));
    // when a person clears the key of the row that was hit
    world.clear_key(0, place);
    rest(&mut world);
    // then it is known by what else stands there
    assert_eq!((value(&world, 1, 1), Some(cell(&world, 1, 1))), (was.clone(), was));
    assert_eq!((world.server.tables[0].len(), world.witness.table_writes), (5, 0));
}

#[test]
fn a_row_whose_key_was_overwritten_gets_it_back_when_it_comes_from_a_clipboard() {
    // given a row that shows the new key of the one below it
    let mut world = World::arranged(|_| {});
    world.app_rename(0, 2);
    is_missed(&mut world);
    let shows_6 = |world: &World| world.sheet.tabs[0].iter().filter(|row| row.id() == Some(6)).count();
    until(&mut world, "a hit", |world| shows_6(world) > 0);
    let (place, was) = (at(&world, 6), value(&world, 1, 1));
    // when it is cut for a moment, and a read lacks it
    let cut = rows(&mut world).remove(place);
    let own = cut.cells[super::sheet::OWN].clone();
    let began = world.reads;
    until(&mut world, "a read", |world| world.reads > began);
    rows(&mut world).push(cut);
    // then it is row 1 again, and nothing of it went into record 6
    world.come_to_rest();
    assert_eq!((world.witness.table_writes, value(&world, 1, 1)), (0, was));
    assert!(world.sheet.tabs[0].iter().any(|row| row.id() == Some(1) && row.cells[super::sheet::OWN] == own));
}

#[test]
fn a_copy_of_a_row_that_got_another_key_in_the_table_is_no_new_record() {
    // given a copy that a person goes on with
    let mut world = World::arranged(|_| {});
    world.copy_row(0, 1);
    let copy = world.sheet.tabs[0].iter().rposition(|row| world.copies.contains(&row.uid)).expect("a copy");
    world.type_cell(0, copy, 1, Cell::number(901.0));
    // when the key of its original changes in the table
    world.app_rename(0, 2);
    until(&mut world, "the new key", |world| world.sheet.tabs[0].iter().any(|row| row.id() == Some(6)));
    world.live_quietly(300);
    // then the copy, which shows a key that is dead, is held
    assert_eq!(value(&world, 2, 1), None);
    assert_eq!(world.server.tables[0].len(), 5);
}

#[test]
fn a_held_cell_that_is_put_back_before_a_restart_takes_the_tables_value() {
    // given a cell that both sides changed and that is held
    let mut world =
        World::arranged(|plan| plan.columns.iter_mut().for_each(|column| column.rule.policy = Policy::Hold));
    let was = cell(&world, 2, 1);
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 1, Cell::number(902.0));
    world.come_to_rest();
    assert_eq!(cell(&world, 2, 1), Cell::number(902.0));
    // when the person takes the edit back, and the daemon starts anew before it has seen that
    types(&mut world, 2, 1, was);
    world.crash();
    rest(&mut world);
    // then nothing is frozen any more
    assert_eq!(cell(&world, 2, 1), Cell::number(901.0));
}

#[test]
fn the_row_that_is_left_of_two_with_one_key_is_not_believed_while_the_other_may_be_on_a_clipboard() {
    // given a row whose key a person types over that of another one
    let mut world = World::arranged(|_| {});
    let (first, other) = (at(&world, 1), at(&world, 3));
    rows(&mut world)[other].put(0, Cell::number(1.0));
    world.live_quietly(200);
    let written = world.witness.table_writes;
    // when the row that has the key by right is cut for a moment
    let cut = rows(&mut world).remove(first);
    let began = world.reads;
    until(&mut world, "a read", |world| world.reads > began && world.engine.is_resting());
    rows(&mut world).push(cut);
    world.live_quietly(100);
    // then nothing of the other one went into its record
    assert_eq!(world.witness.table_writes, written);
}

#[test]
fn a_row_under_a_new_records_key_is_left_to_no_record_that_may_be_gone() {
    // given a record that is deleted, a new one, and a person who types the new one's key over that of the deleted one
    let mut world = World::arranged(|_| {});
    world.app_deletes(0, 2);
    world.app_puts(0, [Value::Int(-1), Value::Int(901), Value::Null], "inserts");
    let row = at(&world, 2);
    world.retype_key(0, row, -1);
    // when a daemon whose log is purged reads all of the table, and has to wait for what became of the deleted one
    (world.store.position, world.store.links[0].copied) = (world.server.end() + 1, false);
    world.crash();
    let mut looks = Vec::new();
    for _ in 0..200 {
        world.live_one_step();
        let (look, others) =
            std::mem::take(&mut world.beside).into_iter().partition(|call| call.name() == "Probe");
        world.beside = others;
        looks.extend::<Vec<_>>(look);
    }
    world.beside.append(&mut looks);
    rest(&mut world);
    // then the row is the new record's, and its only one
    let shown = world.sheet.tabs[0].iter().filter(|row| row.id() == Some(-1)).count();
    assert_eq!((shown, at(&world, -1)), (1, row));
    assert_eq!((cell(&world, -1, 1), value(&world, -1, 1)), (Cell::number(901.0), Some(Cell::number(901.0))));
}

#[test]
fn a_cell_that_keeps_a_form_of_its_own_is_asked_once() {
    // given a cell that turns every number into text
    let mut world = World::arranged(|_| {});
    let row = at(&world, 2);
    rows(&mut world)[row].texts[COLUMNS[1]] = true;
    // when the table changes it
    updates(&mut world, 2, 1, 901);
    world.come_to_rest();
    world.live_quietly(500);
    // then it was written twice, and its form stands
    assert_eq!(cell(&world, 2, 1), Cell::Text("901".into()));
    assert_eq!((world.witness.batches, world.witness.table_writes), (2, 0));
    let base = world.store.links[0].base[&key(2)].columns[1].expect("an agreed column");
    assert_eq!(base.cell, Cell::Text("901".into()).digest());
}

#[test]
fn a_cell_that_a_merge_has_emptied_goes_into_the_table_when_the_cells_are_apart() {
    // given a cell that disappears under a merged one
    let mut world = World::arranged(|_| {});
    let was = value(&world, 3, 2);
    let above = at(&world, 2);
    world.merge(0, above);
    // when the tab is looked at
    world.live_quietly(200);
    // then nothing is written anywhere, and the tab is not worked on
    assert_eq!((value(&world, 3, 2), world.witness.table_writes), (was, 0));
    assert!(world.engine.tables()[0].trouble.is_some());
    // and what is still empty when the cells are apart was emptied by a person
    world.unmerge(0);
    rest(&mut world);
    assert_eq!(value(&world, 3, 2), Some(Cell::Blank));
}

#[test]
fn our_own_write_that_comes_by_asks_for_no_read() {
    for large_tabs in [false, true] {
        // given two sides at rest, and no sweep for a day
        let mut world = World::arranged(|plan| plan.rules.sweep_interval = Duration::from_secs(24 * 3600));
        world.large_tabs = large_tabs;
        world.start_engine();
        world.come_to_rest();
        // when a person's edit goes into the table, and comes by in the stream
        types(&mut world, 2, 1, Cell::number(500.0));
        let reads = world.reads;
        let busy = World::live_one_busy_step;
        assert!(world.lives_until(busy, |world| value(world, 2, 1) == Some(Cell::number(500.0))));
        assert!(world.lives_until(busy, |world| world.tail == world.server.end()));
        // then the read that showed it was the only one
        (0..40).for_each(|_| world.live_one_busy_step());
        assert_eq!(world.reads, reads + 1, "large tabs: {large_tabs}");
        rest(&mut world);
    }
}
