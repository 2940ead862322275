//! New rows with keys go into the table together, and stand for themselves all the same.

use sheetbridge::model::cell::Cell;
use sheetbridge::model::value::Value;

use super::table::Id;
use super::truth::{both, number, rest};
use super::world::World;

/// An empty table and a tab of five rows with keys; nothing has started yet.
fn filled() -> World {
    let mut world = World::unmet(|_| {});
    for id in 11..=15 {
        world.show(0, &[Value::Int(id), Value::Int(100 + id), Value::Int(200 + id)]);
    }
    world
}

/// How many rows the transactions have that are made from here on.
fn transactions(world: &mut World) -> Vec<usize> {
    world.start_engine();
    let mut sizes = Vec::new();
    let mut was = 0;
    for _ in 0..500 {
        let rows = world.cycle.front().map_or(0, super::shell::Call::rows);
        if rows > 0 && rows != was {
            sizes.push(rows);
        }
        was = rows;
        world.live_one_step();
    }
    sizes
}

fn keys(world: &World) -> Vec<Id> {
    world.server.tables[0].keys().copied().collect()
}

#[test]
fn a_filled_tab_goes_into_an_empty_table_in_one_transaction() {
    let mut world = filled();
    assert_eq!(transactions(&mut world), [5]);
    rest(&mut world);
    assert_eq!(keys(&world), [11, 12, 13, 14, 15]);
    assert_eq!(both(&world, 13, 2), (Some(number(213)), Some(number(213))));
    assert_eq!(world.witness.table_writes, 5);
}

#[test]
fn a_row_that_the_table_does_not_take_keeps_none_of_the_others_out() {
    // given one row with a text where a number belongs
    let mut world = filled();
    world.type_cell(0, 2, 1, Cell::Text("about 5".into()));
    // then it is tried with all, and then alone, after the others
    assert_eq!(transactions(&mut world), [5, 4, 1]);
    rest(&mut world);
    assert_eq!(keys(&world), [11, 12, 14, 15]);
    // when it is corrected, then it is in the table, too
    world.type_cell(0, 2, 1, number(5));
    rest(&mut world);
    assert_eq!(both(&world, 13, 1), (Some(number(5)), Some(number(5))));
}
