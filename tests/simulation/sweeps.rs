//! A sweep gives way to an edit, but not for good.

use std::time::Duration;

use sheetbridge::engine::Engine;
use sheetbridge::engine::effect::Effect;
use sheetbridge::engine::input::{EditHint, Input, Micros};
use sheetbridge::engine::places::Scope;

use super::hints::{engine, nothing};

const SECOND: Micros = 1_000_000;

/// An engine of a large tab whose first look took a second, and that is in the middle of its second one, a sweep, at this time.
fn amid_a_sweep(at: Micros) -> Engine {
    let mut engine = engine(Duration::from_secs(2));
    engine.set_large(0);
    assert_eq!(engine.next_effect(1), Some(Effect::Read(1)));
    engine.handle(SECOND, Input::Read { number: 1, answered: SECOND, view: nothing() });
    effects(&mut engine, SECOND);
    assert_eq!(effects(&mut engine, at), [Effect::Read(2)]);
    engine
}

fn edit(rows: Option<(u32, u32)>) -> Input {
    Input::Edit(EditHint { edit: 90, table: 0, rows, at: None, editor: None })
}

fn effects(engine: &mut Engine, at: Micros) -> Vec<Effect> {
    std::iter::from_fn(|| engine.next_effect(at)).collect()
}

#[test]
fn an_edit_that_comes_meanwhile_goes_first_and_the_sweeps_answer_counts_for_nothing() {
    let mut engine = amid_a_sweep(3 * SECOND);
    engine.handle(4 * SECOND, edit(Some((7, 7))));
    let rows = Effect::ReadRows(3, vec![Scope::Rows(vec![7])]);
    assert_eq!(effects(&mut engine, 4 * SECOND), [Effect::GiveUp(2), rows]);
    // when the sweep is answered all the same, then the edit's own read is waited for
    engine.handle(5 * SECOND, Input::Read { number: 2, answered: 5 * SECOND, view: nothing() });
    engine.handle(5 * SECOND, Input::ReadFailed(2));
    assert_eq!(effects(&mut engine, 5 * SECOND), []);
}

#[test]
fn one_that_comes_after_a_long_rest_gives_way_too() {
    // given a sweep ten seconds after a look that took one
    let mut engine = amid_a_sweep(11 * SECOND);
    engine.handle(12 * SECOND, edit(Some((7, 7))));
    let rows = Effect::ReadRows(3, vec![Scope::Rows(vec![7])]);
    assert_eq!(effects(&mut engine, 12 * SECOND), [Effect::GiveUp(2), rows]);
}

#[test]
fn a_sweep_that_has_given_way_for_nine_times_as_long_as_it_takes_has_its_turn() {
    // given a sweep that was given up for an edit, and a read of the edit's row that fails until nine seconds are over
    let mut engine = amid_a_sweep(3 * SECOND);
    engine.handle(4 * SECOND, edit(Some((7, 7))));
    assert_eq!(effects(&mut engine, 4 * SECOND).first(), Some(&Effect::GiveUp(2)));
    engine.handle(11 * SECOND, Input::ReadFailed(3));
    // when all of the tab is looked at, then another edit waits for the end
    assert_eq!(effects(&mut engine, 20 * SECOND), [Effect::Read(4)]);
    engine.handle(21 * SECOND, edit(Some((8, 8))));
    assert_eq!(effects(&mut engine, 21 * SECOND), []);
    engine.handle(22 * SECOND, Input::Read { number: 4, answered: 22 * SECOND, view: nothing() });
    let rows = Effect::ReadRows(5, vec![Scope::Rows(vec![8])]);
    assert!(effects(&mut engine, 22 * SECOND).contains(&rows));
}

#[test]
fn an_edit_that_only_a_look_at_all_of_the_tab_can_tell_of_waits_for_the_one_under_way() {
    let mut engine = amid_a_sweep(3 * SECOND);
    engine.handle(4 * SECOND, edit(None));
    assert_eq!(effects(&mut engine, 4 * SECOND), []);
}
