//! New rows with keys go into the table together, and stand for themselves all the same.

use std::time::Duration;

use sheetbridge::model::cell::Cell;
use sheetbridge::model::value::Value;

use super::table::Id;
use super::truth::{both, cell, number, rest, types, updates, value};
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

#[test]
fn a_row_that_is_corrected_waits_for_no_sweep() {
    for large_tabs in [false, true] {
        // given a row under its own key with a text where a number belongs
        let mut world = filled();
        for plan in &mut world.plans {
            plan.rules.sweep_interval = DAY;
        }
        world.large_tabs = large_tabs;
        world.type_cell(0, 2, 1, Cell::Text("about 5".into()));
        world.start_engine();
        assert!(world.lives_until(World::live_one_step, is_at_rest), "it never rested");
        assert_eq!(keys(&world), [11, 12, 14, 15]);
        // when it is corrected
        let begin = world.clock;
        world.type_cell(0, 2, 1, number(5));
        until(&mut world, |world| world.hints.is_empty());
        // then it is in the table long before the next sweep
        let is_there = world.lives_until(World::live_one_step, |world| keys(world).len() == 5);
        let hours = (world.clock - begin) / 3_600_000_000;
        assert!(is_there && hours < 2, "large tabs: {large_tabs}, {hours} h");
        rest(&mut world);
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The last key of an import.
const LAST: Id = 90;

/// Two links of one row each, and eighty rows with keys that somebody has just added to one of the tabs; an engine whose new rows
/// give way to whatever waits, and the first of them are in the table.
fn amid_an_import(tab: usize, large_tabs: bool, sweep: Duration) -> World {
    amid_an_import_of(tab, large_tabs, sweep, |_| {})
}

fn amid_an_import_of(tab: usize, large_tabs: bool, sweep: Duration, but: impl FnOnce(&mut World)) -> World {
    let mut world = World::unmet_links(2);
    for plan in &mut world.plans {
        plan.rules.sweep_interval = sweep;
    }
    for (tab, id) in [(tab, 10), (1 - tab, 50)] {
        let record = [Value::Int(id), Value::Int(100 + id), Value::Int(200 + id)];
        world.record(tab, record.clone());
        world.show(tab, &record);
    }
    (world.together, world.large_tabs) = (Some(2), large_tabs);
    world.start_engine();
    until(&mut world, |world| world.store.links.iter().all(|link| link.base.len() == 1));
    // No value is looked at twice any more because both sides have just met.
    world.clock += 61_000_000;
    world.store.links[tab].copied = false;
    for id in 11..=LAST {
        world.show(tab, &[Value::Int(id), Value::Int(100 + id), Value::Int(200 + id)]);
    }
    but(&mut world);
    world.store.links[tab].copied = true;
    world.announce_structure(tab);
    until(&mut world, |world| world.server.tables[tab].len() > 2);
    world
}

fn until(world: &mut World, is_so: impl Fn(&World) -> bool) {
    assert!(world.lives_until(World::live_one_busy_step, is_so), "it never came to that");
}

fn is_at_rest(world: &World) -> bool {
    world.engine.is_idle() && world.hints.is_empty() && world.tail == world.server.end()
}

/// Rows of the import are left when what should not wait for them has come, and they follow.
fn the_rest_follows(world: &mut World, less_than: usize, large_tabs: bool) {
    assert!(keys(world).len() < less_than, "{:?} with large tabs: {large_tabs}", keys(world));
    rest(world);
    assert_eq!(keys(world), (10..=LAST).collect::<Vec<_>>());
}

fn single_reads(world: &World) -> u64 {
    world.acts.get("read of single rows").copied().unwrap_or_default()
}

/// How often all of the first tab was read.
fn looks(world: &World) -> u64 {
    world.acts.get("look at all of tab 0").copied().unwrap_or_default()
}

#[test]
fn where_nothing_else_waits_they_go_in_by_one_look() {
    for large_tabs in [false, true] {
        let mut world = amid_an_import(0, large_tabs, DAY);
        let reads = world.reads;
        until(&mut world, |world| keys(world).len() == 81);
        assert_eq!(world.reads, reads, "large tabs: {large_tabs}");
        rest(&mut world);
    }
}

#[test]
fn an_edit_of_another_row_waits_for_none_of_those_that_are_left() {
    for large_tabs in [false, true] {
        // given rows that go into the table, two at a time
        let mut world = amid_an_import(0, large_tabs, DAY);
        // when a person types into a row that the table has
        types(&mut world, 10, 1, 500);
        until(&mut world, |world| world.hints.is_empty());
        let reads = world.reads;
        until(&mut world, |world| world.reads > reads);
        let there = keys(&world).len();
        until(&mut world, |world| value(world, 10, 1) == Some(number(500)));
        // then none of them goes in before her edit once that is seen
        assert_eq!(keys(&world).len(), there, "large tabs: {large_tabs}");
        the_rest_follows(&mut world, 60, large_tabs);
        assert_eq!(world.witness.table_writes, 81);
    }
}

#[test]
fn who_is_told_of_an_edit_does_not_wait_for_them_either() {
    for large_tabs in [false, true] {
        // given rows that go into the table
        let mut world = amid_an_import(0, large_tabs, DAY);
        // when a person types into another tab, and nothing follows
        world.type_cell(1, 0, 1, number(500));
        until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500));
        let reads = world.reads;
        // then she has her answer while rows are left, and those need no read
        until(&mut world, |world| world.acts.contains_key("answer: Applied"));
        assert!(keys(&world).len() < 60, "large tabs: {large_tabs}");
        until(&mut world, |world| keys(world).len() == LAST as usize - 9);
        assert_eq!(world.reads, reads, "large tabs: {large_tabs}");
        rest(&mut world);
    }
}

#[test]
fn rows_that_gave_way_need_no_other_look_at_their_tab() {
    // given rows that go into the table
    let mut world = amid_an_import(0, true, DAY);
    let before = looks(&world);
    // when a person types into another tab again and again
    for n in 0..3 {
        world.type_cell(1, 0, 1, number(500 + n));
        until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500 + n));
    }
    assert!(keys(&world).len() < LAST as usize - 9);
    // then the last of them go in by what the first look showed
    until(&mut world, |world| keys(world).len() == LAST as usize - 9);
    assert_eq!(looks(&world), before);
    rest(&mut world);
}

/// Rows are put off, with the last key among them.
fn put_off() -> World {
    let mut world = amid_an_import(0, true, DAY);
    world.type_cell(1, 0, 1, number(500));
    until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500));
    assert!(!keys(&world).contains(&LAST));
    world
}

#[test]
fn a_row_that_gave_way_and_is_changed_goes_in_as_it_is_now() {
    // given rows that are put off
    let mut world = put_off();
    // when a person changes one of them
    types(&mut world, LAST, 1, 7);
    // then it goes in so, and never as it was
    until(&mut world, |world| keys(world).contains(&LAST));
    assert_eq!(value(&world, LAST, 1), Some(number(7)));
    rest(&mut world);
    assert_eq!(keys(&world), (10..=LAST).collect::<Vec<_>>());
    assert_eq!(world.witness.table_writes, 81);
}

#[test]
fn a_row_that_gave_way_and_is_in_the_table_by_now_is_a_first_meeting() {
    let mut world = put_off();
    world.app_puts(0, [LAST, 1, 2].map(Value::Int), "inserts");
    rest(&mut world);
    assert_eq!(keys(&world), (10..=LAST).collect::<Vec<_>>());
    assert_eq!(both(&world, LAST, 1), (Some(number(1)), Some(number(1))));
    assert_eq!(world.witness.table_writes, 80);
}

#[test]
fn a_row_that_gave_way_and_whose_record_was_deleted_meanwhile_makes_no_other() {
    // given rows that are put off
    let mut world = put_off();
    // when a program makes a record with the last key, and takes it away again
    world.app_puts(0, [LAST, 1, 2].map(Value::Int), "inserts");
    world.app_deletes(0, LAST);
    // then none is made of the row either
    rest(&mut world);
    assert_eq!(keys(&world), (10..LAST).collect::<Vec<_>>());
}

#[test]
fn a_row_that_gave_way_and_that_the_table_does_not_take_says_so_at_its_place() {
    // given rows of which the last has a text where a number belongs
    let mut world =
        amid_an_import_of(0, true, DAY, |world| world.type_cell(0, 80, 1, Cell::Text("about 5".into())));
    world.type_cell(1, 0, 1, number(500));
    until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500));
    assert!(keys(&world).len() < 60);
    // then that is said where it stands, and no sweep is waited for
    until(&mut world, |world| world.said.iter().any(|remark| remark.place.1 == 81));
    assert_eq!(keys(&world), (10..LAST).collect::<Vec<_>>());
    rest(&mut world);
}

#[test]
fn an_edit_of_another_tab_waits_not_even_for_another_look_at_theirs() {
    for large_tabs in [false, true] {
        let mut world = amid_an_import(0, large_tabs, DAY);
        world.type_cell(1, 0, 1, number(500));
        until(&mut world, |world| world.hints.is_empty());
        let (reads, single) = (world.reads, single_reads(&world));
        until(&mut world, |world| world.reads > reads);
        // both tabs
        assert_eq!(single_reads(&world) - single, if large_tabs { 2 } else { 0 });
        until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500));
        the_rest_follows(&mut world, 60, large_tabs);
    }
}

#[test]
fn an_edit_that_no_event_told_of_waits_for_nine_times_the_look_at_them() {
    for large_tabs in [false, true] {
        let mut world = amid_an_import(0, large_tabs, Duration::from_secs(3));
        world.type_cell(1, 0, 1, number(500));
        world.hints.clear();
        until(&mut world, |world| world.server.tables[1][&50][1] == Value::Int(500));
        the_rest_follows(&mut world, 75, large_tabs);
    }
}

#[test]
fn a_change_of_the_table_waits_for_none_of_them_either() {
    for large_tabs in [false, true] {
        let mut world = amid_an_import(0, large_tabs, DAY);
        updates(&mut world, 10, 1, 500);
        until(&mut world, |world| cell(world, 10, 1) == Some(number(500)));
        the_rest_follows(&mut world, 60, large_tabs);
    }
}

#[test]
fn new_rows_of_another_link_wait_for_those_that_were_seen_first() {
    for (tab, large_tabs) in [(0, false), (0, true), (1, false), (1, true)] {
        // given rows that give way, and rows of another table that point at them
        let (mut world, other) = (amid_an_import(tab, large_tabs, DAY), 1 - tab);
        let begin = world.clock;
        world.store.links[other].copied = false;
        for id in 1..=3 {
            world.show(other, &[Value::Int(id), Value::Int(600 + id), Value::Int(650 + id)]);
            world.type_cell(other, id as usize, 2, number(700 + id));
        }
        world.store.links[other].copied = true;
        // then none of them is tried before the last of the others is there, and they wait for no sweep
        until(&mut world, |world| {
            let [ahead, behind] = [tab, other].map(|tab| world.server.tables[tab].len());
            assert!(
                behind == 1 || ahead == 81,
                "{ahead} and {behind} of {tab} with large tabs: {large_tabs}"
            );
            behind == 4
        });
        assert!(world.clock - begin < 12 * 3600 * 1_000_000);
        rest(&mut world);
    }
}
