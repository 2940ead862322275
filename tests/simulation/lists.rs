//! A table meets a list that has no keys (`match_on`): rows find their records by their values.

use std::rc::Rc;

use sheetbridge::engine::input::LinkPlan;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::rule::FirstMatch;
use sheetbridge::model::value::Value;

use super::sheet::{COLUMNS, OWN, Row, Uid};
use super::stories::until;
use super::table::{Id, Record};
use super::truth::{cell, listed, number, rest, value};
use super::world::World;

fn by_value(plan: &mut LinkPlan) {
    plan.rules.match_on = vec!["a".into()];
}

fn record(id: Id, a: i64, b: i64) -> Record {
    [Value::Int(id), Value::Int(a), Value::Int(b)]
}

/// Records 1 to 3 with the values 11 to 13, and a list of these first values; nothing has started yet.
fn unmet(list: &[i64]) -> World {
    let mut world = World::unmet(by_value);
    for id in 1..=3 {
        world.record(0, record(id, 10 + id, 20 + id));
    }
    for a in list {
        world.list_row(0, &[Value::Null, Value::Int(*a), Value::Null]);
    }
    world
}

fn uid(world: &World, at: usize) -> Uid {
    world.sheet.tabs[0][at].uid
}

fn row(world: &World, uid: Uid) -> &Row {
    world.sheet.tabs[0].iter().find(|row| row.uid == uid).expect("the row stands")
}

fn place(world: &World, uid: Uid) -> usize {
    world.sheet.tabs[0].iter().position(|row| row.uid == uid).expect("the row stands")
}

fn is_under_way(world: &World, call: &str) -> bool {
    world.cycle.front().is_some_and(|under_way| under_way.name() == call)
}

fn owed(world: &World) -> usize {
    world.store.links[0].claims.len()
}

#[test]
fn rows_find_their_records_and_only_they_do() {
    // given a list of two of the three things, and of one that the table does not know
    let mut world = unmet(&[13, 99, 11]);
    let (three, new, one) = (uid(&world, 0), uid(&world, 1), uid(&world, 2));
    world.start_engine();
    rest(&mut world);
    // then the two rows are these records, with their own cells beside them, the third is new, and what nobody listed is below
    assert_eq!([three, new, one].map(|uid| row(&world, uid).id()), [Some(3), Some(4), Some(1)]);
    assert_eq!((world.server.tables[0].len(), world.sheet.tabs[0].len()), (4, 4));
    assert_eq!(cell(&world, 3, 2), Some(number(23)), "a blank cell takes the record's value");
    assert_eq!(row(&world, three).cells[OWN], number(i64::from(three)));
    assert_eq!(world.witness.table_writes, 1, "nothing but the new record");
    // and both sides have met
    assert!(world.engine.tables()[0].meeting.is_none() && world.store.links[0].met);
}

#[test]
fn other_columns_meet_by_first_match() {
    for (first_match, after) in [(FirstMatch::Database, 22), (FirstMatch::Sheet, 77)] {
        let mut world = unmet(&[]);
        world.list_row(0, &[Value::Null, Value::Int(12), Value::Int(77)]);
        world.plans[0].rules.first_match = first_match;
        world.start_engine();
        rest(&mut world);
        assert_eq!((value(&world, 2, 2), cell(&world, 2, 2)), (Some(number(after)), Some(number(after))));
    }
}

#[test]
fn a_row_with_a_blank_there_is_a_new_record_when_it_is_complete() {
    let mut world = World::unmet(|plan| plan.rules.match_on = vec!["b".into()]);
    world.record(0, [Value::Int(1), Value::Int(11), Value::Null]);
    world.list_row(0, &[Value::Null, Value::Int(11), Value::Null]);
    world.start_engine();
    rest(&mut world);
    assert_eq!(world.server.tables[0].len(), 2);
}

#[test]
fn several_columns_must_all_be_equal() {
    let mut world = World::unmet(|plan| plan.rules.match_on = vec!["B".into(), "a".into()]);
    world.record(0, record(1, 11, 21));
    world.record(0, record(2, 11, 22));
    world.list_row(0, &record(0, 11, 22));
    let uid = uid(&world, 0);
    world.start_engine();
    rest(&mut world);
    assert_eq!((row(&world, uid).id(), world.server.tables[0].len()), (Some(2), 2));
}

#[test]
fn of_two_rows_for_one_record_neither_is_taken_until_somebody_says_which() {
    let mut world = unmet(&[12, 12, 13]);
    let (first, second) = (uid(&world, 0), uid(&world, 1));
    world.start_engine();
    rest(&mut world);
    // then both wait without a key, listed once because they say the same, the record is nowhere else, and the others went on
    assert_eq!((row(&world, first).id(), row(&world, second).id()), (None, None));
    assert_eq!((cell(&world, 2, 1), cell(&world, 3, 1)), (None, Some(number(13))));
    assert_eq!(listed(&world, "match_on: several rows have the values of one record"), 1);
    assert_eq!(world.server.tables[0].len(), 3);
    // also after a restart
    world.crash();
    rest(&mut world);
    assert_eq!((row(&world, second).id(), world.server.tables[0].len()), (None, 3));
    // when somebody types another value into the first
    let at = place(&world, first);
    world.type_cell(0, at, 1, number(98));
    rest(&mut world);
    // then the second is the record's, and the first is a new one
    assert_eq!((row(&world, second).id(), row(&world, first).id()), (Some(2), Some(4)));
    assert!(world.store.links[0].met);
}

#[test]
fn of_two_records_for_one_row_neither_is_taken_until_its_key_is_typed() {
    let mut world = unmet(&[12]);
    world.record(0, record(4, 12, 24));
    let list = uid(&world, 0);
    world.start_engine();
    rest(&mut world);
    assert_eq!((row(&world, list).id(), cell(&world, 2, 1), cell(&world, 4, 1)), (None, None, None));
    assert_eq!(listed(&world, "match_on: several records have the values of this row"), 1);
    // a change of one of them does not bring it into the tab meanwhile
    world.app_puts(0, record(4, 12, 94), "updates");
    rest(&mut world);
    assert_eq!(cell(&world, 4, 1), None);
    // when somebody types the key of one of them
    let at = place(&world, list);
    Rc::make_mut(&mut world.sheet).tabs[0][at].put(0, number(4));
    world.witness.bind(list, 0, 4);
    rest(&mut world);
    // then the row is that record's, and the other one has a row of its own
    assert_eq!((cell(&world, 4, 2), cell(&world, 2, 2)), (Some(number(94)), Some(number(22))));
    assert_eq!((world.server.tables[0].len(), world.sheet.tabs[0].len()), (4, 4));
}

#[test]
fn a_row_beside_one_that_has_the_key_is_held_and_made_when_it_says_something_else() {
    let mut world = unmet(&[]);
    world.show(0, &record(2, 12, 22));
    world.list_row(0, &[Value::Null, Value::Int(12), Value::Null]);
    let list = uid(&world, 1);
    world.start_engine();
    rest(&mut world);
    assert_eq!((row(&world, list).id(), world.server.tables[0].len()), (None, 3));
    let at = place(&world, list);
    world.type_cell(0, at, 1, number(98));
    rest(&mut world);
    assert_eq!((row(&world, list).id(), world.server.tables[0].len()), (Some(4), 4));
}

#[test]
fn rows_that_are_equal_make_a_record_each_where_the_table_has_none() {
    let mut world = unmet(&[98, 98]);
    world.start_engine();
    rest(&mut world);
    assert_eq!(world.server.tables[0].len(), 5);
}

#[test]
fn a_key_follows_its_row_through_a_sort() {
    for call in ["Send", "Write", "Name"] {
        let mut world = unmet(&[13, 12, 11]);
        let uids = [uid(&world, 0), uid(&world, 1), uid(&world, 2)];
        world.start_engine();
        // when somebody turns the list round while this is under way
        until(&mut world, call, |world| is_under_way(world, call));
        Rc::make_mut(&mut world.sheet).tabs[0].reverse();
        rest(&mut world);
        // then each row is its record
        assert_eq!(uids.map(|uid| row(&world, uid).id()), [Some(3), Some(2), Some(1)], "{call}");
        assert_eq!((world.server.tables[0].len(), world.witness.table_writes), (3, 0));
    }
}

#[test]
fn a_crash_at_any_step_ties_nothing_twice() {
    type Moment = (&'static str, fn(&World) -> bool);
    let steps: [Moment; 5] = [
        ("the claim is on its way", |world| is_under_way(world, "Send")),
        ("it stands", |world| world.sheet.tabs[0].iter().any(|row| !row.claims.is_empty())),
        ("it is bound", |world| owed(world) > 0),
        ("the key is on its way", |world| is_under_way(world, "Name")),
        ("the key stands", |world| owed(world) > 0 && cell(world, 1, 1).is_some()),
    ];
    for (step, is_so) in steps {
        let mut world = unmet(&[11, 99]);
        let (one, new) = (uid(&world, 0), uid(&world, 1));
        world.start_engine();
        until(&mut world, step, is_so);
        world.crash();
        rest(&mut world);
        assert_eq!((row(&world, one).id(), row(&world, new).id()), (Some(1), Some(4)), "{step}");
        assert_eq!((world.server.tables[0].len(), world.sheet.tabs[0].len()), (4, 4), "{step}");
        assert!(world.store.links[0].met, "{step}");
    }
}

#[test]
fn a_value_that_is_typed_over_before_the_claim_is_bound_makes_a_new_record() {
    let mut world = unmet(&[11]);
    let list = uid(&world, 0);
    world.start_engine();
    until(&mut world, "a claim", |world| !row(world, list).claims.is_empty());
    // the read that binds it is still to come
    let at = place(&world, list);
    world.type_cell(0, at, 1, number(98));
    rest(&mut world);
    assert_eq!((row(&world, list).id(), value(&world, 4, 1)), (Some(4), Some(number(98))));
    assert_eq!((value(&world, 1, 1), cell(&world, 1, 1)), (Some(number(11)), Some(number(11))));
}

#[test]
fn a_value_that_is_typed_over_after_that_is_an_edit_of_the_record() {
    let mut world = unmet(&[11]);
    let list = uid(&world, 0);
    world.start_engine();
    until(&mut world, "a bound claim", |world| owed(world) > 0);
    let at = place(&world, list);
    world.type_cell(0, at, 1, number(98));
    rest(&mut world);
    assert_eq!((row(&world, list).id(), value(&world, 1, 1)), (Some(1), Some(number(98))));
    assert_eq!(world.server.tables[0].len(), 3);
}

#[test]
fn a_record_that_changes_before_the_claim_is_bound_is_not_the_rows() {
    let mut world = unmet(&[11]);
    let list = uid(&world, 0);
    world.start_engine();
    until(&mut world, "a transaction", |world| is_under_way(world, "Write"));
    // the engine does not know of it when it asks
    world.app_puts(0, record(1, 97, 21), "updates");
    rest(&mut world);
    assert_eq!((row(&world, list).id(), value(&world, 4, 1)), (Some(4), Some(number(11))));
    assert_eq!(cell(&world, 1, 1), Some(number(97)));
}

#[test]
fn a_record_that_is_deleted_meanwhile_lets_its_row_be_a_new_one() {
    let mut world = unmet(&[11, 11]);
    world.start_engine();
    rest(&mut world);
    assert_eq!(world.server.tables[0].len(), 3);
    world.app_deletes(0, 1);
    rest(&mut world);
    assert_eq!(world.server.tables[0].len(), 4, "both are records now");
}

#[test]
fn a_row_on_a_clipboard_keeps_its_record_waiting() {
    // given two rows of one record, held, one of which is cut for a moment, and then the other one
    let mut world = unmet(&[12, 12]);
    let uids = [uid(&world, 0), uid(&world, 1)];
    world.start_engine();
    rest(&mut world);
    for uid in uids {
        let at = place(&world, uid);
        let cut = Rc::make_mut(&mut world.sheet).tabs[0].remove(at);
        let began = world.reads;
        until(&mut world, "a read", |world| world.reads > began);
        Rc::make_mut(&mut world.sheet).tabs[0].push(cut);
    }
    // then the record was made nowhere: it waits, or has found the row that was left
    rest(&mut world);
    let shows = world.sheet.tabs[0].iter().filter(|row| row.cells[COLUMNS[1]] == number(12)).count();
    assert_eq!((shows, world.server.tables[0].len()), (2, 3));
}

#[test]
fn records_that_no_row_shows_any_more_get_rows_of_their_own() {
    let mut world = unmet(&[12, 12]);
    let uids = [uid(&world, 0), uid(&world, 1)];
    world.start_engine();
    rest(&mut world);
    assert_eq!(cell(&world, 2, 1), None);
    for uid in uids {
        let at = place(&world, uid);
        let gone = Rc::make_mut(&mut world.sheet).tabs[0].remove(at);
        world.witness.person_removed(&gone, 0);
    }
    rest(&mut world);
    assert_eq!((cell(&world, 2, 1), world.server.tables[0].len()), (Some(number(12)), 3));
    assert!(world.store.links[0].met);
}

#[test]
fn without_the_setting_a_row_without_a_key_is_a_new_record() {
    let mut world = unmet(&[11]);
    world.plans[0].rules.match_on.clear();
    world.start_engine();
    rest(&mut world);
    assert_eq!((world.server.tables[0].len(), value(&world, 4, 2)), (4, Some(Cell::Blank)));
}
