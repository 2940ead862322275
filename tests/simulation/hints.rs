//! A hint that comes while the engine is busy has its turn, although the cycle that it meets leads to no call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sheetbridge::engine::bases::Bases;
use sheetbridge::engine::effect::Effect;
use sheetbridge::engine::input::{EditHint, Input, LinkPlan, TabView, View};
use sheetbridge::engine::lifecycle::Life;
use sheetbridge::engine::row_views::RowViews;
use sheetbridge::engine::table::Table;
use sheetbridge::engine::{Engine, Start};
use sheetbridge::model::grid::Helper;
use sheetbridge::model::link::{LinkName, SheetId};
use sheetbridge::model::mark::{BatchNumber, EffectId, Owner};
use sheetbridge::model::rule::{Deletes, FirstMatch, Formulas, KeyEdits, LinkRules, Paste, Policy, Tie};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn engine(sweep_interval: Duration) -> Engine {
    let rules = LinkRules {
        name: LinkName("goods".into()),
        columns: Vec::new(),
        policy: Policy::Newest,
        deletes: Deletes::Apply,
        first_match: FirstMatch::Database,
        match_on: Vec::new(),
        tie: Tie::Database,
        paste: Paste::Rows,
        key_edits: KeyEdits::Refuse,
        formulas: Formulas::Hold,
        insert_after: HOUR,
        delete_grace: HOUR,
        second_look: HOUR,
        sweep_interval,
    };
    let plan = LinkPlan { rules, columns: Vec::new(), auto_key: true, loose_keys: false };
    Engine::new(Start {
        owner: Owner { installation: "k3v9".into(), generation: 1 },
        tables: vec![Table::new(plan, Bases::default(), BTreeSet::new(), Life::Live)],
        effects: EffectId(1),
        number: BatchNumber(1),
        slot: 0,
        last_done: None,
        tokens: Vec::new(),
        open: None,
        owed: BTreeMap::new(),
        seq: 0,
    })
}

pub(super) fn nothing() -> View {
    let helper = Some(Helper { sheet: SheetId(9), row_count: 3048, column_count: 26 });
    let (columns, rows) = (Vec::new(), RowViews::default());
    let tab = TabView { sheet: SheetId(0), columns, rows, spelled: BTreeMap::new() };
    View { tokens: Vec::new(), foreign: Vec::new(), helper, tabs: vec![Ok(tab)] }
}

#[test]
fn an_edit_that_comes_while_an_empty_read_is_under_way_is_looked_at_next() {
    // given a read that was asked for no edit's sake
    let mut engine = engine(HOUR);
    assert_eq!(engine.next_effect(1), Some(Effect::Read(1)));
    assert_eq!(engine.next_effect(2), None);

    // when an edit is accepted before its answer, and the answer shows nothing to do
    let hint = EditHint { edit: 90, table: 0, rows: Some((7, 7)), at: None, editor: None };
    engine.handle(3, Input::Edit(hint));
    engine.handle(4, Input::Read { number: 1, answered: 4, view: nothing() });

    // then the edit is looked at without waiting for anything else to happen
    let effects: Vec<Effect> = std::iter::from_fn(|| engine.next_effect(5)).collect();
    assert!(effects.contains(&Effect::Read(2)), "{effects:?}");
    engine.handle(6, Input::Read { number: 2, answered: 6, view: nothing() });
    let Some(Effect::Answer(answers)) = engine.next_effect(7) else { panic!("the edit has its answer") };
    assert_eq!(answers[0].edit, 90);
}
