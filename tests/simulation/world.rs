//! One seed's world: the real engine between pretend edges, all steps of all actors in one order drawn from the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use sheetbridge::engine::effect::{Answered, Effect, Level, Naming, Outcome};
use sheetbridge::engine::held::Holds;
use sheetbridge::engine::input::{ColumnPlan, EditHint, Input, LinkPlan, Micros, Seq};
use sheetbridge::engine::lifecycle::Life;
use sheetbridge::engine::plan::Plan;
use sheetbridge::engine::table::{Claim, Table};
use sheetbridge::engine::{Engine, Start};
use sheetbridge::model::base::RowBase;
use sheetbridge::model::link::LinkName;
use sheetbridge::model::mark::{BatchNumber, EffectId, Owner};
use sheetbridge::model::pause::{Brake, Pause};
use sheetbridge::model::rule::{ColumnRule, Deletes, Direction, FirstMatch, LinkRules, Policy, Tie};
use sheetbridge::model::value::Value;

use super::dice::Dice;
use super::people::{Deed, habits};
use super::sheet::{COLUMNS, Row, Sheet, Uid};
use super::shell::Call;
use super::store::{Kept, Store};
use super::table::{Record, Server, WIDTH, id, key, shown, shown_row};
use super::tally::Tally;
use super::weather::{Fault, Weather};
use super::witness::Witness;

/// The oldest state that a stale read may show.
const STALEST: Micros = 8_000_000;

/// What a series of seeds allows.
#[derive(Clone, Copy)]
pub(super) struct Climate {
    pub(super) faults: fn(Fault) -> bool,
    pub(super) deeds: fn(Deed) -> bool,
    pub(super) links: usize,
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
    large_tabs: bool,
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
    doubted: BTreeSet<usize>,
    /// For each edit that was delivered: how many table writes there had been.
    accepted: BTreeMap<u64, usize>,
    pub(super) edits: u64,
    pub(super) values: i32,
    pub(super) reads: u64,
    pub(super) last_write: Micros,
    pub(super) witness: Witness,
    plans: Vec<LinkPlan>,
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
        let plans: Vec<LinkPlan> = (0..climate.links).map(|at| plan(at, &mut dice)).collect();
        let mut world = Self::bare(dice, (weather, habits, manners), plans, telling);
        world.large_tabs = seed.is_multiple_of(3);
        for tab in 0..climate.links {
            let first_meeting = world.dice.chance(0.3);
            world.furnish(tab, first_meeting);
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
        let mut dice = Dice::new(1);
        let mut plan = plan(0, &mut dice);
        for column in &mut plan.columns {
            column.rule.policy = Policy::Newest;
        }
        (plan.rules.deletes, plan.rules.first_match) = (Deletes::Apply, FirstMatch::Database);
        (plan.rules.tie, plan.rules.sweep_interval) = (Tie::Database, Duration::from_secs(3));
        arrange(&mut plan);
        Self::bare(dice, (Weather::default(), Vec::new(), [0; 4]), vec![plan], false)
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

    /// Five records that both sides agree on, and three blank rows; or a link that starts without base over what stands there.
    pub(super) fn furnish(&mut self, tab: usize, first_meeting: bool) {
        self.store.links[tab].copied = !first_meeting;
        for _ in 0..5 {
            let record: Record = [Value::Int(self.server.next_id), self.value(), self.value()];
            self.server.put(tab, record.clone());
            self.witness.table_holds(tab, &record);
            if !first_meeting {
                self.show(tab, &record);
                let base =
                    shown_row(&record).iter().map(sheetbridge::engine::reconcile::agreed).map(Some).collect();
                let key = key(super::table::id_of(&record));
                self.store.links[tab].base.insert(key, RowBase { columns: base });
                continue;
            }
            match self.dice.below(3) {
                0 => self.show(tab, &record),
                1 => {
                    let mut other = record.clone();
                    other[1 + self.dice.below(2)] = self.value();
                    self.show(tab, &other);
                }
                _ => {}
            }
        }
        for _ in 0..3 {
            let sheet = Rc::make_mut(&mut self.sheet);
            let uid = sheet.new_uid();
            sheet.tabs[tab].push(Row::blank(uid));
        }
    }

    fn value(&mut self) -> Value {
        Value::Int(self.new_value() as i64)
    }

    pub(super) fn show(&mut self, tab: usize, record: &Record) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let mut row = Row::blank(sheet.new_uid());
        for at in 0..WIDTH {
            row.cells[COLUMNS[at]] = shown(&record[at]);
        }
        self.witness.bind(row.uid, tab, super::table::id_of(record));
        let (uid, at) = (row.uid, sheet.tabs[tab].len());
        sheet.tabs[tab].push(row.clone());
        if !self.store.links[tab].copied {
            self.witness.person_made(&row);
        }
        let note = sheetbridge::model::cell::Cell::number(self.new_value());
        Rc::make_mut(&mut self.sheet).tabs[tab][at].cells[super::sheet::OWN] = note.clone();
        self.witness.person_noted(uid, &note);
    }

    /// Somebody acts while calls of the engine are under way.
    pub(super) fn happens(&mut self, step: &'static str) {
        let under_way = self.cycle.iter().take(1).chain(&self.beside).map(Call::name);
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

    // ---- the daemon's life

    pub(super) fn start_engine(&mut self) {
        self.store.generation += 1;
        let until = EffectId(u64::from(self.store.generation) * 1_000_000);
        self.engine = Engine::new(start(&self.store, &self.plans, until, self.store.position - 1));
        if self.large_tabs {
            self.engine.set_large(0);
        }
        self.tail = self.store.position - 1;
        self.server.commit(self.clock, vec![until], Vec::new());
        self.witness.daemon_starts();
        self.doubted.clear();
        self.forget_base();
        self.pump();
    }

    /// The type of a column, the locale or the time zone changed while nobody looked: base says nothing any more.
    fn forget_base(&mut self) {
        for tab in 0..self.plans.len() {
            // Under `first_match = sheet` an old cell may beat a new value: there is no telling them apart.
            let may = self.store.generation > 1 && self.rules(tab).first_match != FirstMatch::Sheet;
            if may && self.weather.strikes(Fault::BaseLost, &mut self.dice) {
                self.trace(|| format!("base of {tab} is LOST"));
                self.store.links[tab].lose_base();
                self.engine.handle(self.clock, Input::Rebase(tab));
            }
        }
    }

    /// The stream is in doubt about a table: its link stops, and the next start reads it whole.
    fn doubt(&mut self) {
        let tab = self.dice.below(self.plans.len());
        self.trace(|| format!("the stream is in doubt about {tab}"));
        self.store.links[tab].copied = false;
        let pause = Pause::new(Brake::Unreadable, "a row of it cannot be read");
        self.give(Input::Stop { table: tab, pause });
        if self.engine.tables()[tab].stopped.is_some() {
            self.doubted.insert(tab);
        }
    }

    /// An operator lets every link that stands still begin anew.
    pub(super) fn resume(&mut self) {
        self.trace(|| "RESUME".into());
        for kept in self.store.links.iter_mut().filter(|kept| kept.is_stopped()) {
            kept.pauses.clear();
            kept.copied = false;
        }
        self.crash();
    }

    pub(super) fn crash(&mut self) {
        self.trace(|| "CRASH".into());
        self.happens("crash");
        if let Some(call) = self.cycle.pop_front() {
            self.abandon(call);
        }
        self.cycle.clear();
        self.beside.clear();
        self.start_engine();
    }

    /// MySQL is put back to what it was at `backup`: rows, binlog, and our own state with them.
    pub(super) fn go_back_in_time(&mut self, backup: (Server, Store)) {
        self.trace(|| "MYSQL IS PUT BACK".into());
        (self.server, self.store) = backup;
        self.cycle.clear();
        self.late.clear();
        self.crash();
    }

    pub(super) fn give(&mut self, input: Input) {
        self.engine.handle(self.clock, input);
        self.pump();
    }

    pub(super) fn pump(&mut self) {
        while let Some(effect) = self.engine.next_effect(self.clock) {
            match effect {
                Effect::Answer(answers) => self.take_answers(&answers),
                Effect::Annotate(_) => {}
                Effect::Notice(notice) => {
                    self.trace(|| format!("notice: {}", notice.text));
                    if notice.level == Level::Warning
                        && notice.text.contains("went back in time")
                        && !notice.text.contains("stale")
                    {
                        self.witness.violate(format!("false alarm: {}", notice.text));
                    }
                }
                Effect::Probe { .. } | Effect::Chunk { .. } | Effect::Pauses { .. } => {
                    self.beside.push(Call::new(effect))
                }
                effect => self.cycle.push_back(Call::new(effect)),
            }
        }
        for (kept, table) in self.store.links.iter_mut().zip(self.engine.tables()) {
            kept.copied |= table.is_copied();
            kept.met |= kept.copied;
            if table.is_copied() {
                kept.knowledge = table.knowledge;
            }
        }
    }

    /// An edit is answered as applied only when its transaction is durable.
    fn take_answers(&mut self, answers: &[Answered]) {
        for answer in answers {
            let before = self.accepted.get(&answer.edit).copied().unwrap_or_default();
            if answer.verdict.outcome == Outcome::Applied && self.witness.table_writes == before {
                self.witness.violate(format!("edit {} is answered and stands nowhere", answer.edit));
            }
        }
    }

    // ---- time

    pub(super) fn live(&mut self, steps: u32) {
        while self.step < steps {
            self.next_step();
            match self.dice.weighed(&[7, 7, 20, 45, 12, 9]) {
                0 => self.application(),
                1 => self.person(),
                2 => self.stream(),
                3 => self.go_on_with_calls(),
                4 => self.deliver_hint(),
                _ => self.let_time_pass(),
            }
            if self.weather.strikes(Fault::Crash, &mut self.dice) {
                self.crash();
            }
            if self.weather.strikes(Fault::Doubt, &mut self.dice) {
                self.doubt();
            }
        }
    }

    /// Nobody acts but the daemon.
    pub(super) fn live_quietly(&mut self, steps: u32) {
        for _ in 0..steps {
            self.live_one_step();
        }
    }

    /// One step of whatever is under way.
    pub(super) fn live_one_step(&mut self) {
        self.next_step();
        match self.step % 5 {
            0 | 1 => self.go_on_with_calls(),
            2 => self.stream(),
            3 => self.deliver_hint(),
            _ => self.let_time_pass(),
        }
    }

    /// Faults, people and the application stop; everything that is under way comes to its end.
    pub(super) fn come_to_rest(&mut self) {
        self.trace(|| "QUIET".into());
        self.weather.clear_up();
        self.growing.clear();
        Rc::make_mut(&mut self.sheet).headless.fill(false);
        if !self.doubted.is_empty() || self.store.links.iter().any(Kept::is_stopped) {
            self.resume();
        }
        let begin = self.step;
        let mut quiet_since = None;
        while self.step < begin + 6_000 {
            self.live_one_step();
            if self.step == begin + 60 {
                self.tidy_copies();
            }
            let busy = self.step < begin + 60
                || !self.late.is_empty()
                || !self.hints.is_empty()
                || self.tail < self.server.end();
            let calm = self.engine.owed().is_empty() && self.engine.tables().iter().all(Table::is_calm);
            if busy || !calm || quiet_since.is_some_and(|(since, _)| self.last_write > since) {
                quiet_since = None;
                continue;
            }
            let (since, reads) = *quiet_since.get_or_insert((self.clock, self.reads));
            if self.clock > since + 90_000_000 && self.reads > reads + 4 {
                return;
            }
        }
        let text = format!(
            "no rest: idle {} owed {:?} {}",
            self.engine.is_idle(),
            self.engine.owed(),
            self.waiting()
        );
        self.witness.violate(text);
    }

    fn waiting(&self) -> String {
        let tables = self.engine.tables().iter();
        let one = |table: &Table| {
            let pending = table.pending.iter().map(|(key, it)| {
                format!("{key}: {}", it.state.row().map_or("gone".into(), super::tell::db_row))
            });
            let fetching = table.wanted.keys().chain(table.fetching.keys()).map(ToString::to_string);
            format!(
                "pending {} flight {} fetching {} claims {:?} life {:?}",
                pending.collect::<Vec<_>>().join(", "),
                table.flight.len(),
                fetching.collect::<Vec<_>>().join(" "),
                table.claims.keys().collect::<Vec<_>>(),
                table.life
            )
        };
        tables.map(one).collect::<Vec<_>>().join("; ")
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.clock += self.dice.between(10_000, 300_000);
        if let Some(last) = self.older.back_mut().filter(|(_, last)| Rc::ptr_eq(last, &self.sheet)) {
            last.0 = self.clock;
        } else {
            self.older.push_back((self.clock, Rc::clone(&self.sheet)));
        }
        while self.older.len() > 5 || self.older.front().is_some_and(|(at, _)| at + STALEST < self.clock) {
            self.older.pop_front();
        }
        let step = self.step;
        let due: Vec<Late> = self.late.extract_if(.., |(at, _)| *at <= step).map(|(_, late)| late).collect();
        for late in due {
            self.happens("late call lands");
            self.arrive_late(late);
        }
        self.finish_rows();
        self.paste_cut_rows(self.clock);
        self.pump();
    }

    fn let_time_pass(&mut self) {
        let next = self.engine.next_wake().filter(|_| self.dice.chance(0.7));
        self.paste_cut_rows(Micros::MAX);
        self.clock = match next {
            Some(wake) => wake.max(self.clock),
            None => self.clock + self.dice.between(500_000, 5_000_000),
        };
        if self.dice.chance(0.005) {
            // Google ends every call after three minutes: nothing of ours arrives after a long pause.
            self.clock += 16 * 60 * 1_000_000;
            self.late.clear();
        }
        if self.dice.chance(0.3) {
            let front = self.engine.front();
            self.store.save_position(front);
        }
        self.pump();
    }

    fn stream(&mut self) {
        for _ in 0..=self.dice.below(2) {
            if self.tail < self.server.end() {
                self.tail += 1;
                let mut transaction = self.server.transaction(self.tail);
                transaction.images.retain(|(tab, _)| !self.doubted.contains(tab));
                for (tab, image) in &transaction.images {
                    self.tally.told(&self.store, *tab, id(&image.key));
                }
                self.happens("stream");
                if !transaction.images.is_empty() && self.weather.strikes(Fault::ImageMissing, &mut self.dice)
                {
                    let images = std::mem::take(&mut transaction.images);
                    transaction.looks = images.into_iter().map(|(table, image)| (table, image.key)).collect();
                    let tail = self.tail;
                    self.trace(|| format!("  stream {tail} only names {:?}", transaction.looks));
                }
                self.trace(|| {
                    let keys: Vec<String> = transaction
                        .images
                        .iter()
                        .map(|(tab, image)| {
                            format!(
                                "{tab}/{}: {}",
                                image.key,
                                image.state.row().map_or("gone".into(), super::tell::db_row)
                            )
                        })
                        .collect();
                    format!(
                        "  stream {} marks {:?} {}",
                        transaction.seq,
                        transaction.marks.iter().map(|mark| mark.0).collect::<Vec<_>>(),
                        keys.join(" ")
                    )
                });
                self.give(Input::Transaction(transaction));
            }
        }
    }

    fn deliver_hint(&mut self) {
        if let Some(at) = self.hints.iter().position(|(due, _)| *due <= self.step) {
            let (_, hint) = self.hints.remove(at);
            self.happens("edit event");
            self.accepted.entry(hint.edit).or_insert(self.witness.table_writes);
            self.give(Input::Edit(hint));
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

fn start(store: &Store, plans: &[LinkPlan], until: EffectId, seq: Seq) -> Start {
    let table = |(kept, plan): (&Kept, &LinkPlan)| {
        let life = Life::CatchingUpKeys { until, keys: BTreeMap::new(), all: !kept.copied };
        let mut table = Table::new(plan.clone(), kept.base.clone(), kept.dead.clone(), life);
        table.knowledge = kept.knowledge;
        table.held = Holds::restored(kept.held.clone());
        table.restore_pauses(kept.pauses.iter().cloned());
        table.claims = kept.claims.iter().map(|(id, claim)| (*id, Claim { ..claim.clone() })).collect();
        table
    };
    Start {
        owner: Owner { installation: "k3v9".into(), generation: store.generation },
        tables: store.links.iter().zip(plans).map(table).collect(),
        effects: EffectId(until.0 + 1),
        number: BatchNumber(store.number),
        slot: store.slot,
        last_done: store.last_done,
        tokens: store.tokens.clone(),
        open: store.open.clone(),
        owed: store.owed.clone(),
        seq,
    }
}

fn plan(at: usize, dice: &mut Dice) -> LinkPlan {
    let policies = [Policy::Newest, Policy::Newest, Policy::Database, Policy::Sheet, Policy::Hold];
    let first = [FirstMatch::Database, FirstMatch::Sheet, FirstMatch::Hold];
    let deletes = [Deletes::Apply, Deletes::Apply, Deletes::Restore, Deletes::Hold];
    let pick = |dice: &mut Dice| {
        let known = if dice.chance(0.3) { 5 } else { 4 };
        policies[dice.below(known)]
    };
    let column = |name: &str, key, required, dice: &mut Dice| ColumnPlan {
        rule: ColumnRule {
            name: name.into(),
            header: name.into(),
            policy: pick(dice),
            direction: Direction::Both,
        },
        key,
        required,
    };
    let columns =
        vec![column("id", true, true, dice), column("a", false, true, dice), column("b", false, false, dice)];
    let rules = LinkRules {
        name: LinkName(format!("link{at}")),
        columns: Vec::new(),
        policy: Policy::Newest,
        deletes: deletes[dice.below(4)].clone(),
        first_match: first[dice.below(3)],
        tie: if dice.chance(0.5) { Tie::Database } else { Tie::Sheet },
        insert_after: Duration::from_secs(2),
        delete_grace: Duration::from_secs(10),
        second_look: Duration::from_secs(10),
        sweep_interval: Duration::from_secs(dice.between(3, 30)),
    };
    LinkPlan { rules, columns, auto_key: true }
}
