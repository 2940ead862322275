//! The next read goes out beside the commit, where its answer will come after that.

use std::time::Duration;

use sheetbridge::engine::input::Input;

use super::shell::Call;
use super::truth::{both, number, rest, updates};
use super::world::World;

/// A change of the table is in the sheet, and what is known of it is being stored: that call is taken out of the world's hands.
/// Reads take long here.
fn amid_a_commit() -> (World, Call) {
    let mut world = World::arranged(|plan| plan.rules.sweep_interval = Duration::from_secs(24 * 3600));
    updates(&mut world, 2, 1, 901);
    until(&mut world, |world| !world.cycle.is_empty());
    let read = world.cycle.pop_front().expect("it is there");
    wait(&mut world);
    world.cycle.push_front(read);
    until(&mut world, |world| world.cycle.front().is_some_and(Call::is_commit));
    let commit = world.cycle.pop_front().expect("it is there");
    (world, commit)
}

fn wait(world: &mut World) {
    (0..50).for_each(|_| world.live_one_step());
}

/// Nobody but the daemon acts until this is so.
fn until(world: &mut World, is_so: impl Fn(&World) -> bool) {
    assert!(world.lives_until(World::live_one_step, is_so), "it never is");
}

#[test]
fn a_change_that_comes_meanwhile_is_read_at_once_and_decided_when_the_commit_is_durable() {
    // given another change while a commit is under way
    let (mut world, commit) = amid_a_commit();
    updates(&mut world, 3, 1, 902);
    // when its read goes out before that is durable, and is answered after it
    until(&mut world, |world| !world.cycle.is_empty());
    let read = world.cycle.pop_front().expect("it is there");
    world.cycle.push_front(commit);
    until(&mut world, |world| world.cycle.is_empty());
    let reads = world.reads;
    world.cycle.push_front(read);
    until(&mut world, |world| both(world, 3, 1).1 == Some(number(902)));
    // then it was the only one
    assert_eq!(world.reads, reads + 1);
    rest(&mut world);
}

#[test]
fn an_answer_that_comes_before_the_commit_counts_for_nothing() {
    // given another change while a commit is under way, and its read
    let (mut world, commit) = amid_a_commit();
    let reads = world.reads;
    updates(&mut world, 3, 1, 902);
    // when that is answered first
    until(&mut world, |world| world.reads > reads && world.cycle.is_empty());
    wait(&mut world);
    // then nothing comes of it, nor is it asked again yet
    assert!(world.cycle.is_empty() && !world.engine.is_resting());
    assert_eq!(world.reads, reads + 1);
    assert_ne!(both(&world, 3, 1).1, Some(number(902)));
    // and when the commit is durable it is
    world.cycle.push_front(commit);
    until(&mut world, |world| both(world, 3, 1).1 == Some(number(902)));
    assert_eq!(world.reads, reads + 2);
    rest(&mut world);
}

#[test]
fn a_crash_before_the_commit_forgets_the_read() {
    let (mut world, _) = amid_a_commit();
    updates(&mut world, 3, 1, 902);
    until(&mut world, |world| !world.cycle.is_empty());
    world.crash();
    rest(&mut world);
    assert_eq!(both(&world, 2, 1), (Some(number(901)), Some(number(901))));
    assert_eq!(both(&world, 3, 1), (Some(number(902)), Some(number(902))));
}

#[test]
fn a_read_that_fails_beside_a_commit_is_asked_again_after_it() {
    let (mut world, commit) = amid_a_commit();
    updates(&mut world, 3, 1, 902);
    until(&mut world, |world| !world.cycle.is_empty());
    let read = world.cycle.pop_front().expect("it is there");
    let failed = (1..1_000).find(|number| read.is_read(*number)).expect("its number");
    world.give(Input::ReadFailed(failed));
    world.cycle.push_front(commit);
    rest(&mut world);
    assert_eq!(both(&world, 3, 1), (Some(number(902)), Some(number(902))));
}

#[test]
fn where_commits_take_longer_than_reads_a_commit_is_alone() {
    // given a commit that took long
    let (mut world, commit) = amid_a_commit();
    (0..5).for_each(|_| wait(&mut world));
    world.cycle.push_front(commit);
    rest(&mut world);
    // when there is another change, and one more while the commit of that is under way
    updates(&mut world, 3, 1, 902);
    until(&mut world, |world| world.cycle.front().is_some_and(Call::is_commit));
    let commit = world.cycle.pop_front().expect("it is there");
    let reads = world.reads;
    updates(&mut world, 4, 1, 903);
    wait(&mut world);
    // then it is not read before that is durable
    assert!(world.cycle.is_empty() && world.reads == reads);
    world.cycle.push_front(commit);
    rest(&mut world);
    assert_eq!(both(&world, 4, 1), (Some(number(903)), Some(number(903))));
}

#[test]
fn while_nothing_waits_a_commit_is_alone() {
    let (mut world, commit) = amid_a_commit();
    let reads = world.reads;
    (0..50).for_each(|_| world.live_one_step());
    assert_eq!(world.reads, reads);
    world.cycle.push_front(commit);
    rest(&mut world);
}
