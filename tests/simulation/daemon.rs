//! The daemon's life: it starts over what the store has kept, is killed, and its effects become calls.

use std::collections::BTreeMap;

use sheetbridge::engine::adopt::Knowledge;
use sheetbridge::engine::effect::{Answered, Effect, Level, Outcome};
use sheetbridge::engine::held::Holds;
use sheetbridge::engine::input::{Input, LinkPlan, Seq};
use sheetbridge::engine::lifecycle::Life;
use sheetbridge::engine::meeting::Meeting;
use sheetbridge::engine::table::{Claim, Table};
use sheetbridge::engine::{Engine, Start};
use sheetbridge::model::mark::{BatchNumber, EffectId, Owner};
use sheetbridge::model::pause::{Brake, Pause};
use sheetbridge::model::rule::FirstMatch;

use super::shell::Call;
use super::store::{Kept, Store};
use super::table::Server;
use super::weather::Fault;
use super::world::World;

impl World {
    pub(super) fn start_engine(&mut self) {
        self.store.generation += 1;
        let until = EffectId(u64::from(self.store.generation) * 1_000_000);
        self.engine = Engine::new(start(&self.store, &self.plans, until, self.store.position - 1));
        if self.large_tabs {
            self.engine.set_large(0);
        }
        if let Some(together) = self.together {
            self.engine.set_together(together);
        }
        if self.crowded {
            self.engine.set_room(1, 1);
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
    pub(super) fn doubt(&mut self) {
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
        self.ahead = None;
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
                Effect::Annotate(remarks) => self.said = remarks.said,
                Effect::Notice(notice) => {
                    self.trace(|| format!("notice: {}", notice.text));
                    if notice.level == Level::Warning
                        && notice.text.contains("went back in time")
                        && !notice.text.contains("stale")
                    {
                        self.witness.violate(format!("false alarm: {}", notice.text));
                    }
                }
                Effect::GiveUp(number) => {
                    self.count("a sweep was given up");
                    // Or it is answered all the same.
                    if self.dice.chance(0.8) {
                        self.cycle.retain(|call| !call.is_read(number));
                        self.ahead.take_if(|call| call.is_read(number));
                    }
                }
                Effect::Probe { .. } | Effect::Chunk { .. } | Effect::Pauses { .. } => {
                    self.beside.push(Call::new(effect));
                }
                Effect::Read(_) | Effect::ReadRows(..) if self.cycle.iter().any(Call::is_commit) => {
                    self.count("a read beside a commit");
                    self.ahead = Some(Call::new(effect));
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
            self.count(&format!("answer: {:?}", answer.verdict.outcome));
            let before = self.accepted.get(&answer.edit).copied().unwrap_or_default();
            if answer.verdict.outcome == Outcome::Applied && self.witness.table_writes == before {
                self.witness.violate(format!("edit {} is answered and stands nowhere", answer.edit));
            }
        }
    }
}

pub(super) fn start(store: &Store, plans: &[LinkPlan], until: EffectId, seq: Seq) -> Start {
    let table = |(kept, plan): (&Kept, &LinkPlan)| {
        let life = Life::CatchingUpKeys { until, keys: BTreeMap::new(), all: !kept.copied };
        let mut table =
            Table::new(plan.clone(), kept.base.clone().into_iter().collect(), kept.dead.clone(), life);
        table.knowledge = kept.knowledge;
        let has_met = kept.met || kept.copied || kept.knowledge == Knowledge::Lost;
        table.meeting = if has_met { None } else { Meeting::of(plan) };
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
