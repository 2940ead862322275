//! Brakes, held cells and a lost base: what trips each, that nothing is written, and what ends it.

use std::rc::Rc;

use sheetbridge::engine::adopt::Knowledge;
use sheetbridge::engine::input::Input;
use sheetbridge::engine::lifecycle::State;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::pause::{Brake, Pause};
use sheetbridge::model::rule::Policy;

use super::sheet::COLUMNS;
use super::table::{Id, key};
use super::truth::{at, cell, listed, number, rest, types, updates, value, with_policy};
use super::world::World;

/// The brakes of the link, as the engine has them and as the store has been told.
fn brakes(world: &World) -> Vec<(Brake, Option<u64>)> {
    let told: Vec<&Pause> = world.store.links[0].pauses.iter().collect();
    let on: Vec<&Pause> = world.engine.tables()[0].pauses().collect();
    assert_eq!(told, on, "the store knows");
    on.into_iter().map(|pause| (pause.brake, pause.rows)).collect()
}

fn resumes(world: &mut World, brake: Brake, rows: Option<u64>) {
    world.give(Input::Resume { table: 0, brake, rows });
}

fn keys(world: &World) -> Vec<Id> {
    world.server.tables[0].keys().copied().collect()
}

fn written(world: &World) -> (usize, usize) {
    (world.witness.table_writes, world.witness.batches)
}

/// Somebody sorts one column alone: each of these rows shows the next one's value.
fn sorts_one_column(world: &mut World, ids: &[Id], column: usize) {
    let rows: Vec<usize> = ids.iter().map(|id| at(world, *id)).collect();
    let tab = &mut Rc::make_mut(&mut world.sheet).tabs[0];
    let mut cells: Vec<Cell> = rows.iter().map(|row| tab[*row].cells[COLUMNS[column]].clone()).collect();
    cells.rotate_left(1);
    for (row, cell) in rows.into_iter().zip(cells) {
        tab[row].cells[COLUMNS[column]] = cell;
    }
}

#[test]
fn deletes_that_an_operator_allows_are_made_and_only_as_many_as_he_was_told() {
    // given a tab of five rows of which three go at once
    let mut world = World::arranged(|_| {});
    for _ in 0..3 {
        world.delete_row(0, 0);
    }
    world.come_to_rest();
    assert_eq!(brakes(&world), [(Brake::MassDelete, Some(3))]);
    // when he allows another number, then nothing happens
    resumes(&mut world, Brake::MassDelete, Some(2));
    world.come_to_rest();
    assert_eq!(keys(&world).len(), 5);
    // when he allows three, then three are deleted, and the next row is not counted with them
    resumes(&mut world, Brake::MassDelete, Some(3));
    rest(&mut world);
    assert_eq!((keys(&world).len(), brakes(&world)), (2, vec![]));
    world.delete_row(0, 0);
    rest(&mut world);
    assert_eq!(keys(&world).len(), 1);
}

#[test]
fn a_row_more_that_goes_after_the_operator_looked_asks_him_again() {
    let mut world = World::arranged(|_| {});
    for _ in 0..3 {
        world.delete_row(0, 0);
    }
    world.come_to_rest();
    world.delete_row(0, 0);
    world.come_to_rest();
    resumes(&mut world, Brake::MassDelete, Some(3));
    world.come_to_rest();
    assert_eq!((keys(&world).len(), brakes(&world)), (5, vec![(Brake::MassDelete, Some(4))]));
}

#[test]
fn a_brake_is_on_after_a_crash_and_goes_off_when_the_rows_are_back() {
    let mut world = World::arranged(|_| {});
    let rows = world.sheet.tabs[0].clone();
    for _ in 0..3 {
        world.delete_row(0, 0);
    }
    world.come_to_rest();
    world.crash();
    assert_eq!(brakes(&world), [(Brake::MassDelete, Some(3))], "before anything is read");
    world.come_to_rest();
    assert_eq!(brakes(&world), [(Brake::MassDelete, Some(3))]);
    Rc::make_mut(&mut world.sheet).tabs[0] = rows;
    world.come_to_rest();
    assert_eq!((keys(&world).len(), brakes(&world)), (5, vec![]));
}

#[test]
fn an_emptied_tab_empties_no_table() {
    let mut world = World::arranged(|_| {});
    for _ in 0..5 {
        world.delete_row(0, 0);
    }
    world.come_to_rest();
    assert_eq!((keys(&world).len(), brakes(&world)), (5, vec![(Brake::EmptyTab, Some(5))]));
}

#[test]
fn a_column_that_was_sorted_alone_changes_nothing_and_goes_on_when_it_is_undone() {
    // given five rows, when three show each other's values in one column
    let mut world = World::arranged(|_| {});
    let before = world.server.tables[0].clone();
    sorts_one_column(&mut world, &[1, 2, 3], 1);
    updates(&mut world, 5, 2, 950);
    world.live_quietly(300);
    // then nothing is written either way, the brake is named, and it survives a crash
    assert_eq!((brakes(&world), written(&world)), (vec![(Brake::PartialSort, None)], (0, 0)));
    assert!(
        matches!(world.engine.tables()[0].state(), State::Paused(pause) if pause.brake == Brake::PartialSort)
    );
    world.crash();
    world.live_quietly(300);
    assert_eq!((brakes(&world), written(&world)), (vec![(Brake::PartialSort, None)], (0, 0)));
    // when it is undone, then what waited goes on
    sorts_one_column(&mut world, &[3, 2, 1], 1);
    rest(&mut world);
    assert_eq!((brakes(&world), cell(&world, 5, 2)), (vec![], Some(number(950))));
    assert_eq!(world.server.tables[0][&1], before[&1]);
}

#[test]
fn values_that_changed_places_are_taken_when_an_operator_says_that_they_are_right() {
    let mut world = World::arranged(|_| {});
    sorts_one_column(&mut world, &[1, 2, 3], 1);
    let shown = [1, 2, 3].map(|id| cell(&world, id, 1));
    world.come_to_rest();
    resumes(&mut world, Brake::PartialSort, None);
    world.come_to_rest();
    assert_eq!([1, 2, 3].map(|id| value(&world, id, 1)), shown);
    assert_eq!(brakes(&world), []);
}

#[test]
fn keys_that_were_sorted_without_their_rows_are_the_same_accident() {
    let mut world = World::arranged(|_| {});
    sorts_one_column(&mut world, &[1, 2, 3, 4], 0);
    world.come_to_rest();
    assert_eq!((brakes(&world), written(&world)), (vec![(Brake::PartialSort, None)], (0, 0)));
}

#[test]
fn a_sort_of_whole_rows_is_no_accident() {
    let mut world = World::arranged(|_| {});
    Rc::make_mut(&mut world.sheet).tabs[0][..5].reverse();
    types(&mut world, 2, 1, 901);
    rest(&mut world);
    assert_eq!((brakes(&world), value(&world, 2, 1)), (vec![], Some(number(901))));
}

#[test]
fn a_table_that_was_emptied_keeps_its_tab_until_an_operator_lets_the_rows_go() {
    // given a link whose table is emptied by TRUNCATE
    let mut world = World::arranged(|_| {});
    for id in keys(&world) {
        world.witness.app_deleted(0, id);
    }
    world.server.tables[0].clear();
    world.give(Input::Stop { table: 0, pause: Pause::new(Brake::Emptied, "TRUNCATE") });
    world.live_quietly(200);
    // then the tab stays as it is, also through a crash, and the position is not held back
    world.crash();
    world.live_quietly(200);
    assert_eq!((brakes(&world), written(&world)), (vec![(Brake::Emptied, Some(5))], (0, 0)));
    assert!(cell(&world, 1, 1).is_some() && world.engine.front() > world.tail);
    // when an operator lets it go on, then the rows leave the tab
    world.resume();
    rest(&mut world);
    assert_eq!((brakes(&world), cell(&world, 1, 1)), (vec![], None));
}

#[test]
fn the_position_waits_until_the_store_knows_of_a_stop() {
    let mut world = World::arranged(|_| {});
    world.engine.handle(world.clock, Input::Stop { table: 0, pause: Pause::new(Brake::Emptied, "TRUNCATE") });
    assert_eq!(world.engine.front(), world.tail + 1, "not past what stopped it");
    world.pump();
    updates(&mut world, 2, 1, 901);
    world.live_quietly(100);
    assert!(world.engine.front() > world.tail, "a link that stands still delays nobody");
}

#[test]
fn a_link_that_an_operator_paused_writes_nothing_and_misses_nothing() {
    let mut world = World::arranged(|_| {});
    world.give(Input::Stop { table: 0, pause: Pause::new(Brake::Operator, "an operator paused it") });
    updates(&mut world, 2, 1, 901);
    types(&mut world, 3, 1, 902);
    world.live_quietly(200);
    assert_eq!((brakes(&world), written(&world)), (vec![(Brake::Operator, None)], (0, 0)));
    world.resume();
    rest(&mut world);
    assert_eq!((cell(&world, 2, 1), value(&world, 3, 1)), (Some(number(901)), Some(number(902))));
}

#[test]
fn ten_thousand_rows_that_are_gone_from_the_table_at_once_stay_in_the_tab() {
    // given ten thousand rows on both sides
    let mut world = World::unmet(|_| {});
    for _ in 0..2_000 {
        world.furnish(0, false);
    }
    world.start_engine();
    world.live_quietly(30);
    // when one statement deletes them all
    let ids = keys(&world);
    let images = ids.iter().map(|id| world.server.delete(0, *id)).collect();
    world.server.commit(world.clock, vec![], images);
    world.live_quietly(30);
    // then they stay in the tab until an operator allows it
    assert_eq!(brakes(&world), [(Brake::MassRemoval, Some(10_000))]);
    assert_eq!(world.witness.batches, 0);
    resumes(&mut world, Brake::MassRemoval, Some(10_000));
    world.live_quietly(30);
    assert_eq!(brakes(&world), []);
    assert!(world.witness.batches > 0);
}

#[test]
fn a_held_cell_is_held_after_a_crash_and_is_neither_decided_nor_told_again() {
    // given a cell that both sides changed and nobody wins
    let mut world = World::arranged(with_policy(Policy::Hold));
    updates(&mut world, 2, 1, 901);
    types(&mut world, 2, 1, 902);
    world.come_to_rest();
    assert_eq!((listed(&world, "policy hold"), world.store.links[0].held.len()), (1, 1));
    // when the daemon starts again, and reads all of the table
    world.store.links[0].copied = false;
    world.crash();
    world.come_to_rest();
    // then nothing is told again
    assert_eq!((listed(&world, "policy hold"), world.engine.tables()[0].held.len()), (1, 1));
    // and when somebody decides, it is held no more
    types(&mut world, 2, 1, 901);
    world.come_to_rest();
    assert_eq!((value(&world, 2, 1), world.store.links[0].held.len()), (Some(number(901)), 0));
}

#[test]
fn a_refused_cell_is_refused_once_whatever_is_read_again() {
    let mut world = World::arranged(|_| {});
    let row = at(&world, 3);
    world.type_cell(0, row, 1, Cell::Text("about three".into()));
    world.come_to_rest();
    assert_eq!(world.store.links[0].held.len(), 1);
    let held = world.store.links[0].held.clone();
    world.store.links[0].copied = false;
    world.crash();
    world.come_to_rest();
    assert_eq!(world.store.links[0].held, held, "not decided again: it would be held with the row as read");
}

#[test]
fn after_a_lost_base_what_is_equal_is_adopted_what_differs_is_held_and_nothing_is_written() {
    // given a spreadsheet with batches of a memory that is gone
    let mut world = World::arranged(|_| {});
    updates(&mut world, 1, 1, 901);
    world.come_to_rest();
    let rows = at(&world, 5);
    Rc::make_mut(&mut world.sheet).tabs[0].remove(rows);
    let row = at(&world, 3);
    Rc::make_mut(&mut world.sheet).tabs[0][row].cells[COLUMNS[1]] = number(909);
    world.server.tables[0].remove(&4);
    let (tables, tabs) = (world.server.tables[0].clone(), world.sheet.tabs[0].clone());
    let kept = &mut world.store.links[0];
    kept.base.clear();
    kept.dead.clear();
    kept.copied = false;
    kept.knowledge = Knowledge::Lost;
    (world.store.tokens, world.store.last_done, world.store.number) = (Vec::new(), None, 1);
    let writes = world.witness.table_writes;
    // when the daemon starts
    world.crash();
    assert_eq!(world.engine.tables()[0].state(), State::Planning);
    world.come_to_rest();
    // then both sides are as they were
    assert_eq!((&world.server.tables[0], world.witness.table_writes), (&tables, writes));
    assert!(world.sheet.tabs[0].iter().map(|row| &row.cells).eq(tabs.iter().map(|row| &row.cells)));
    // and base knows what is equal, and a row of the tab alone is no new record
    let table = &world.engine.tables()[0];
    assert_eq!((table.state(), table.base.len(), table.held.len()), (State::Live, 3, 1));
    assert!(table.base.column(&key(3), 1).is_none() && table.dead.contains(&key(4)));
    // and changes are carried from then on, also of the row that stood in the table alone
    updates(&mut world, 5, 1, 950);
    types(&mut world, 2, 1, 920);
    world.come_to_rest();
    assert_eq!((cell(&world, 5, 1), value(&world, 2, 1)), (Some(number(950)), Some(number(920))));
    assert_eq!(world.server.tables[0][&3][1], tables[&3][1]);
}

#[test]
fn a_memory_that_went_back_in_time_waits_for_an_operator() {
    let mut world = World::arranged(|_| {});
    let backup = (world.server.clone(), world.store.clone());
    updates(&mut world, 2, 1, 901);
    world.come_to_rest();
    let batches = world.witness.batches;
    world.go_back_in_time(backup);
    world.live_quietly(600);
    assert_eq!(brakes(&world), [(Brake::Foreign, None)]);
    assert_eq!((world.witness.batches, value(&world, 2, 1) == cell(&world, 2, 1)), (batches, false));
}
