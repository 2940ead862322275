//! One seed's world: the real engine between pretend edges, all steps of all actors in one order drawn from the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use sheetbridge::engine::Engine;
use sheetbridge::engine::effect::{Naming, Remark};
use sheetbridge::engine::input::{EditHint, LinkPlan, Micros, Seq};
use sheetbridge::engine::plan::Plan;
use sheetbridge::model::mark::EffectId;
use sheetbridge::model::rule::{Deletes, FirstMatch, KeyEdits, LinkRules, Policy, Tie};

use super::beginning::plan;
use super::daemon::start;
use super::dice::Dice;
use super::people::{Deed, habits};
use super::sheet::{Row, Sheet, Uid};
use super::shell::Call;
use super::store::{Kept, Store};
use super::table::{Record, Server};
use super::tally::Tally;
use super::weather::{Fault, Weather};
use super::witness::Witness;

/// What a series of seeds allows.
#[derive(Clone, Copy)]
pub(super) struct Climate {
    pub(super) faults: fn(Fault) -> bool,
    pub(super) deeds: fn(Deed) -> bool,
    pub(super) links: usize,
    /// The links' filter.
    pub(super) inside: Option<fn(&Record) -> bool>,
    /// What stands on both sides.
    pub(super) begins: Begins,
}

/// How the two sides stand to each other at the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// They agree, or have never met.
    Agreed,
    /// The tabs are lists without keys, whose rows find their records by their values.
    List,
    /// The tabs have rows with keys, and the tables none.
    Filled,
}

/// Something of ours that reaches Google later than its call was given up.
#[derive(Debug)]
pub(super) enum Late {
    Batch(Plan),
    Names(Vec<Naming>),
}

/// Rows with the places where they stood.
pub(super) type Removed = Vec<(usize, Row)>;

pub(super) struct World {
    /// Tabs too large to be read whole each time: single rows are read where that will do.
    pub(super) large_tabs: bool,
    /// Hardly a row may wait whole: of the others the engine keeps the keys.
    pub(super) crowded: bool,
    /// So many new rows share a transaction, where it is not as ever: of fewer together more are left to be put off.
    pub(super) together: Option<usize>,
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    pub(super) habits: Vec<u32>,
    pub(super) manners: [u32; 4],
    pub(super) clock: Micros,
    pub(super) step: u32,
    pub(super) server: Server,
    pub(super) sheet: Rc<Sheet>,
    /// The spreadsheet as it was of late, and when it was still so.
    pub(super) older: VecDeque<(Micros, Rc<Sheet>)>,
    pub(super) store: Store,
    pub(super) engine: Engine,
    /// The last transaction that the engine was given.
    pub(super) tail: Seq,
    /// Calls of the cycle, of which the first is under way.
    pub(super) cycle: VecDeque<Call>,
    /// A read beside its commit.
    pub(super) ahead: Option<Call>,
    /// Calls beside it.
    pub(super) beside: Vec<Call>,
    pub(super) late: Vec<(u32, Late)>,
    pub(super) hints: Vec<(u32, EditHint)>,
    pub(super) growing: Vec<(Uid, u32)>,
    pub(super) copies: BTreeSet<Uid>,
    /// The rows that were deleted last: at which step, in which tab, and where they stood.
    pub(super) undoable: Option<(u32, usize, Removed)>,
    /// Rows that were cut, and when.
    pub(super) clipboard: Vec<(Micros, usize, Row)>,
    /// Rows that were ever cut.
    pub(super) cut: BTreeSet<Uid>,
    /// Tables that the stream is in doubt about: no image of them until the next start.
    pub(super) doubted: BTreeSet<usize>,
    /// For each edit that was delivered: how many table writes there had been.
    pub(super) accepted: BTreeMap<u64, usize>,
    /// What the tabs were last told to say.
    pub(super) said: Vec<Remark>,
    pub(super) edits: u64,
    pub(super) values: i32,
    pub(super) reads: u64,
    pub(super) last_write: Micros,
    pub(super) witness: Witness,
    pub(super) plans: Vec<LinkPlan>,
    telling: bool,
    /// What the engine did, and how often.
    pub(super) acts: BTreeMap<String, u64>,
    pub(super) tally: Tally,
    pub(super) story: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, climate: Climate, telling: bool) -> Self {
        let mut dice = Dice::new(seed);
        let weather = Weather::draw(&mut dice, climate.faults);
        let habits = habits(&mut dice, climate.deeds);
        let manners = [60, 14, if dice.chance(0.7) { 12 } else { 0 }, if dice.chance(0.5) { 9 } else { 0 }];
        let mut plans: Vec<LinkPlan> = (0..climate.links).map(|at| plan(at, &mut dice)).collect();
        if seed.is_multiple_of(4) {
            for plan in &mut plans {
                plan.rules.key_edits = KeyEdits::Rename;
            }
        }
        let mut world = Self::bare(dice, (weather, habits, manners), plans, telling);
        world.large_tabs = seed.is_multiple_of(3);
        world.crowded = seed.is_multiple_of(5);
        world.together = seed.is_multiple_of(2).then_some(2);
        world.server.inside = climate.inside;
        if climate.begins == Begins::List {
            world.plans.iter_mut().for_each(|plan| plan.rules.match_on = vec!["a".into()]);
        }
        for tab in 0..climate.links {
            match climate.begins {
                Begins::Agreed => {
                    let first_meeting = world.dice.chance(0.3);
                    world.furnish(tab, first_meeting);
                }
                Begins::List => world.furnish_list(tab),
                Begins::Filled => world.fill(tab),
            }
        }
        world.start_engine();
        world
    }

    /// A world for a story: one link, five records on both sides, nobody acts by chance.
    pub(super) fn arranged(arrange: impl FnOnce(&mut LinkPlan)) -> Self {
        let mut world = Self::unmet(arrange);
        world.furnish(0, false);
        world.start_engine();
        world.come_to_rest();
        world
    }

    /// The same before anything is there.
    pub(super) fn unmet(arrange: impl FnOnce(&mut LinkPlan)) -> Self {
        let mut world = Self::unmet_links(1);
        arrange(&mut world.plans[0]);
        world
    }

    pub(super) fn unmet_links(links: usize) -> Self {
        let mut dice = Dice::new(1);
        let plan = |at| {
            let mut plan = plan(at, &mut dice);
            for column in &mut plan.columns {
                column.rule.policy = Policy::Newest;
            }
            (plan.rules.deletes, plan.rules.first_match) = (Deletes::Apply, FirstMatch::Database);
            (plan.rules.tie, plan.rules.sweep_interval) = (Tie::Database, Duration::from_secs(3));
            plan
        };
        let plans = (0..links).map(plan).collect();
        Self::bare(dice, (Weather::default(), Vec::new(), [0; 4]), plans, false)
    }

    fn bare(
        mut dice: Dice,
        (weather, habits, manners): (Weather, Vec<u32>, [u32; 4]),
        plans: Vec<LinkPlan>,
        telling: bool,
    ) -> Self {
        let links = plans.len();
        let sheet = Sheet::new(links);
        let store = Store {
            links: vec![Kept::default(); links],
            number: 1 + dice.below(1_000_000) as i32,
            position: 1,
            ..Store::default()
        };
        Self {
            large_tabs: false,
            crowded: false,
            together: None,
            weather,
            habits,
            manners,
            clock: 1_700_000_000_000_000,
            step: 0,
            server: Server::new(links),
            sheet: Rc::new(sheet),
            older: VecDeque::new(),
            engine: Engine::new(start(&store, &plans, EffectId(0), 0)),
            store,
            tail: 0,
            cycle: VecDeque::new(),
            ahead: None,
            beside: Vec::new(),
            late: Vec::new(),
            hints: Vec::new(),
            growing: Vec::new(),
            copies: BTreeSet::new(),
            undoable: None,
            clipboard: Vec::new(),
            cut: BTreeSet::new(),
            doubted: BTreeSet::new(),
            accepted: BTreeMap::new(),
            said: Vec::new(),
            edits: 0,
            values: 100,
            reads: 0,
            last_write: 0,
            witness: Witness::default(),
            plans,
            telling,
            acts: BTreeMap::new(),
            tally: Tally::default(),
            story: Vec::new(),
            dice,
        }
    }

    /// Somebody acts while calls of the engine are under way.
    pub(super) fn happens(&mut self, step: &'static str) {
        let under_way = self.cycle.iter().take(1).chain(&self.ahead).chain(&self.beside).map(Call::name);
        self.tally.happens(step, under_way);
    }

    /// True while a row or column number that the engine has read may still be used, or is owed something.
    pub(super) fn is_between_read_and_batch(&self) -> bool {
        let under_way = !self.cycle.is_empty() || !self.late.is_empty() || self.store.open.is_some();
        under_way || !self.engine.is_resting() || !self.engine.owed().is_empty()
    }

    pub(super) fn count(&mut self, act: &str) {
        *self.acts.entry(act.to_owned()).or_default() += 1;
    }

    pub(super) fn trace(&mut self, text: impl FnOnce() -> String) {
        if self.telling {
            let line = format!(
                "{:4} {:7.2}s {}",
                self.step,
                (self.clock - 1_700_000_000_000_000) as f64 / 1e6,
                text()
            );
            self.story.push(line);
        }
    }

    /// The rules of a link.
    pub(super) fn rules(&self, tab: usize) -> &LinkRules {
        &self.plans[tab].rules
    }

    pub(super) fn plan(&self, tab: usize) -> &LinkPlan {
        &self.plans[tab]
    }
}
