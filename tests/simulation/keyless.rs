//! Stories of rows without key that a batch of ours hit by mistake: nothing but marks and content tells one from another.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::value::Value;

use super::sheet::{COLUMNS, Uid};
use super::stories::{at, is_missed, rest, rows, until, updates};
use super::world::World;

/// In a row without what it must have: no record comes of it.
const HALF: f64 = 501.0;

/// Five records, a row that a person has begun, and blank ones below it: the places of the first two of these.
fn half_a_row() -> (World, usize, usize) {
    let mut world = World::arranged(|_| {});
    let begun = world.sheet.tabs[0].iter().position(|row| row.id().is_none()).expect("a blank row");
    world.type_cell(0, begun, 2, Cell::number(HALF));
    world.come_to_rest();
    (world, begun, begun + 1)
}

fn uid(world: &World, place: usize) -> Uid {
    world.sheet.tabs[0][place].uid
}

/// The linked cells of a row, beside its key.
fn shows(world: &World, uid: Uid) -> [Cell; 2] {
    let row = world.sheet.tabs[0].iter().find(|row| row.uid == uid).expect("nobody deleted it");
    [row.cells[COLUMNS[1]].clone(), row.cells[COLUMNS[2]].clone()]
}

/// Somebody exchanges two rows while a batch is on its way, and it lands.
fn exchange_under_way(world: &mut World, one: usize, other: usize) {
    let is_sent = |world: &World| world.cycle.front().is_some_and(|call| call.name() == "Send");
    until(world, "a batch", is_sent);
    rows(world).swap(one, other);
    until(world, "its end", |world| !is_sent(world));
}

#[test]
fn a_mend_that_hits_a_row_that_looks_the_same_is_known_by_its_mark() {
    // given a blank row that was hit, and a mend of it that hits the row which somebody has begun: both are blank then
    let (mut world, begun, blank) = half_a_row();
    let (half, other) = (uid(&world, begun), uid(&world, blank + 1));
    updates(&mut world, 2, 2, 901);
    let second = at(&world, 2);
    exchange_under_way(&mut world, second, blank);
    exchange_under_way(&mut world, second, begun);
    assert_eq!(shows(&world, half), [Cell::Blank, Cell::Blank]);
    // when the mend of that one hits a third row, which is blank too
    exchange_under_way(&mut world, second, blank + 1);
    assert_eq!(shows(&world, other), [Cell::Blank, Cell::number(HALF)]);
    // then the text goes back to where it was
    rest(&mut world);
    assert_eq!(shows(&world, half), [Cell::Blank, Cell::number(HALF)]);
    assert_eq!(shows(&world, other), [Cell::Blank, Cell::Blank]);
    assert_eq!((world.engine.owed().len(), world.witness.table_writes), (0, 0));
}

#[test]
fn a_row_without_key_that_was_hit_is_not_taken_for_a_keyed_one_that_was_left_the_same() {
    // given a change of a whole row that hit row 2, which somebody cuts then
    let (mut world, begun, _) = half_a_row();
    let half = uid(&world, begun);
    world.app_puts(0, [Value::Int(5), Value::Int(908), Value::Int(909)], "updates");
    let (two, five) = (at(&world, 2), at(&world, 5));
    let was = shows(&world, uid(&world, two));
    exchange_under_way(&mut world, five, two);
    let cut = rows(&mut world).remove(five);
    assert_eq!((cut.id(), &cut.cells[COLUMNS[1]]), (Some(2), &Cell::number(908.0)));
    let (row, begun) = (cut.uid, begun - 1);
    // when the same change hits the row without key
    let five = at(&world, 5);
    exchange_under_way(&mut world, five, begun);
    assert_eq!(shows(&world, half), [Cell::number(908.0), Cell::number(909.0)]);
    // then each of the two gets its own cells back
    let mended = [Cell::Blank, Cell::number(HALF)];
    until(&mut world, "a mend", |world| shows(world, half) == mended);
    rows(&mut world).push(cut);
    rest(&mut world);
    assert_eq!((shows(&world, half), shows(&world, row)), (mended, was));
    assert_eq!((world.engine.owed().len(), world.witness.table_writes), (0, 0));
}

#[test]
fn a_row_that_got_another_ones_key_by_mistake_gets_its_own_also_when_a_person_cleared_that() {
    // given a row that somebody has just edited, and that shows the new key and the new cell of the one below it
    let mut world = World::arranged(|_| {});
    world.app_rename(0, 2);
    updates(&mut world, 6, 1, 901);
    is_missed(&mut world);
    let edited = at(&world, 1);
    world.type_cell(0, edited, 2, Cell::number(902.0));
    let shows_6 = |world: &World| world.sheet.tabs[0].iter().any(|row| row.id() == Some(6));
    until(&mut world, "a hit", shows_6);
    let (place, mut record) = (at(&world, 6), world.server.tables[0][&1].clone());
    let row = uid(&world, place);
    // when a person clears that key
    world.clear_key(0, place);
    rest(&mut world);
    // then it is row 1 again, and that record has the edit: it was neither deleted nor made anew
    assert_eq!(uid(&world, at(&world, 1)), row);
    record[2] = Value::Int(902);
    assert_eq!(world.server.tables[0].get(&1), Some(&record));
    assert_eq!((world.server.tables[0].len(), world.witness.deletes), (5, 0));
}
