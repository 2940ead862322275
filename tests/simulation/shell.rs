//! The pretend shell: performs the engine's calls, each in several steps between which everybody else may move.

use std::rc::Rc;

use sheetbridge::engine::adopt::Knowledge;
use sheetbridge::engine::effect::{Effect, Spelling};
use sheetbridge::engine::input::{DbRow, DbState, Input, ReadNumber, ReceiptView, SendOutcome, View};
use sheetbridge::engine::places::Scope;
use sheetbridge::engine::plan::{Aim, Plan};
use sheetbridge::model::grid::GridOp;
use sheetbridge::model::key::Key;

use super::sheet::Refusal;
use super::table::{id, key, shown_row};
use super::tell;
use super::weather::Fault;
use super::world::{Late, World};

/// A call and how far it is.
#[derive(Debug)]
pub(super) struct Call {
    effect: Effect,
    step: u32,
    answer: Option<Input>,
    /// What is told with the answer.
    after: Vec<Input>,
    /// The view of a read, between the moment it was taken and its answer.
    view: Option<View>,
}

impl Call {
    pub(super) fn new(effect: Effect) -> Self {
        Self { effect, step: 0, answer: None, after: Vec::new(), view: None }
    }

    pub(super) fn is_read(&self, number: ReadNumber) -> bool {
        matches!(&self.effect, Effect::Read(of) | Effect::ReadRows(of, _) if *of == number)
    }

    pub(super) fn is_commit(&self) -> bool {
        matches!(self.effect, Effect::Commit(_))
    }

    /// How many rows of the table it writes.
    pub(super) fn rows(&self) -> usize {
        if let Effect::Write(writes) = &self.effect { writes.len() } else { 0 }
    }

    pub(super) fn name(&self) -> &'static str {
        match &self.effect {
            Effect::Read(_) | Effect::ReadRows(..) | Effect::Spell(..) => "Read",
            Effect::Write(_) => "Write",
            Effect::Send(_) => "Send",
            Effect::Settle(_) => "Settle",
            Effect::Commit(_) => "Commit",
            Effect::Name(_) => "Name",
            Effect::Probe { .. } => "Probe",
            Effect::Chunk { .. } => "Chunk",
            Effect::Pauses { .. } => "Pauses",
            Effect::GiveUp(_) | Effect::Answer(_) | Effect::Annotate(_) | Effect::Notice(_) => "",
        }
    }
}

impl World {
    pub(super) fn go_on_with_calls(&mut self) {
        // The other server's work: neither waits for the other.
        if let Some(call) = self.ahead.take()
            && let Some(call) = self.go_on(call)
        {
            self.ahead = Some(call);
        }
        if !self.beside.is_empty() && self.dice.chance(0.4) {
            let at = self.dice.below(self.beside.len());
            let call = self.beside.remove(at);
            if let Some(call) = self.go_on(call) {
                self.beside.push(call);
            }
        } else if let Some(call) = self.cycle.pop_front()
            && let Some(call) = self.go_on(call)
        {
            self.cycle.push_front(call);
        }
    }

    /// One step of a call; gives it back while it is not over.
    fn go_on(&mut self, mut call: Call) -> Option<Call> {
        if let Some(answer) = call.answer.take() {
            self.engine.handle(self.clock, answer);
            for input in call.after {
                self.engine.handle(self.clock, input);
            }
            self.pump();
            return None;
        }
        call.step += 1;
        call.answer = match &call.effect {
            Effect::Read(number) => self.read(*number, &[], call.step, &mut call.view),
            Effect::ReadRows(number, scopes) => self.read(*number, scopes, call.step, &mut call.view),
            Effect::Spell(number, keys) => Some(self.spell(*number, keys)),
            Effect::Write(writes) => Some(self.write(writes)),
            Effect::Send(plan) => self.send(plan, call.step),
            // Void the token, then read it: two calls, and each has its time.
            Effect::Settle(plan) => (call.step == 4).then(|| self.settle(plan)),
            Effect::Commit(commit) => {
                for conflict in &commit.conflicts {
                    self.witness.daemon_listed(conflict);
                    self.tally.listed(conflict);
                    self.count(&format!("listed: {}", conflict.rule.split(';').next().unwrap_or_default()));
                    self.trace(|| {
                        format!(
                            "  listed {:?} {}.{:?} {:?} sheet {:?} by {}",
                            conflict.table,
                            conflict.key.as_ref().map_or("-".into(), ToString::to_string),
                            conflict.column,
                            conflict.winner,
                            conflict.sheet.as_ref().map(tell::cell),
                            conflict.rule
                        )
                    });
                }
                self.tally.committed(commit, &self.store);
                self.store.commit(commit);
                self.trace(|| {
                    let base = commit.base.iter().map(|(table, change)| tell::base(*table, change));
                    let base = base.collect::<Vec<_>>().join(" ");
                    format!("  commit {:?} front {} base {base}", commit.batch, commit.front)
                });
                for (id, owed) in &commit.owe {
                    self.trace(|| format!("    owed {id}: {}", tell::owed(owed)));
                }
                if !commit.paid.is_empty() {
                    self.trace(|| format!("    paid {:?}", commit.paid));
                }
                let again = call.step == 1 && self.weather.strikes(Fault::CommitRetried, &mut self.dice);
                (!again).then_some(Input::Committed)
            }
            Effect::Name(_) if call.step < 6 => None,
            Effect::Chunk { .. } if (2..5).contains(&call.step) => None,
            Effect::Name(names) => {
                if self.weather.strikes(Fault::NamingLost, &mut self.dice) {
                    if self.dice.chance(0.5) {
                        let due = self.step + 1 + self.dice.below(40) as u32;
                        self.late.push((due, Late::Names(names.clone())));
                    }
                } else {
                    self.arrive_late(Late::Names(names.clone()));
                }
                Some(Input::Named)
            }
            Effect::Probe { effect, keys } => {
                Some(if self.weather.strikes(Fault::ProbeFailed, &mut self.dice) {
                    Input::ProbeFailed(*effect)
                } else {
                    let rows = keys
                        .iter()
                        .map(|(tab, key)| (*tab, key.clone(), self.server.state(*tab, key)))
                        .collect();
                    let rows: Vec<(usize, Key, DbState)> = rows;
                    call.after = keys.iter().filter_map(|(tab, key)| self.respelled(*tab, key)).collect();
                    for (tab, _, state) in &rows {
                        if let Some(row) = state.row() {
                            self.witness.daemon_knows(*tab, row);
                        }
                    }
                    self.server.commit(self.clock, vec![*effect], Vec::new());
                    self.trace(|| {
                        format!(
                            "  probe {effect} of {}",
                            keys.iter().map(|(_, key)| key.to_string()).collect::<Vec<_>>().join(" ")
                        )
                    });
                    Input::Probed(*effect, rows)
                })
            }
            Effect::Pauses { table, pauses, knowledge } => {
                self.store.links[*table].pauses.clone_from(pauses);
                self.store.links[*table].knowledge = *knowledge;
                self.store.links[*table].unfinished |= *knowledge == Knowledge::Unfinished;
                Some(Input::PausesKept(*table))
            }
            Effect::Chunk { table, after, low, high } => {
                self.chunk((*table, after.as_ref()), (*low, *high), call.step)
            }
            Effect::GiveUp(_) | Effect::Answer(_) | Effect::Annotate(_) | Effect::Notice(_) => return None,
        };
        Some(call)
    }

    fn spell(&self, number: u64, keys: &[Spelling]) -> Input {
        let own = |asked: &Spelling| {
            let shown = id(&asked.key);
            let fold = |id: i64| self.server.same.map_or(id, |same| same(id));
            let alike = asked.alike.as_ref().map(id).filter(|alike| fold(*alike) == fold(shown));
            let own = self.server.own(asked.table, shown).or(alike).filter(|own| *own != shown)?;
            Some((asked.table, asked.key.clone(), key(own)))
        };
        Input::Spelled(number, keys.iter().filter_map(own).collect())
    }

    fn respelled(&self, table: usize, from: &Key) -> Option<Input> {
        let own = self.server.own(table, id(from)).filter(|own| *own != id(from))?;
        Some(Input::Respelled { table, from: from.clone(), to: key(own) })
    }

    fn read(&mut self, number: u64, scopes: &[Scope], step: u32, view: &mut Option<View>) -> Option<Input> {
        if step == 1 {
            self.tally.read(&self.sheet.tabs);
            let stale = !self.older.is_empty() && self.weather.strikes(Fault::StaleRead, &mut self.dice);
            let old = if stale { self.dice.below(self.older.len()) } else { 0 };
            let sheet = if stale { Rc::clone(&self.older[old].1) } else { Rc::clone(&self.sheet) };
            self.reads += 1;
            *view = Some(sheet.view(self.large_tabs));
            let tabs = view.iter_mut().flat_map(|view| &mut view.tabs);
            for (at, tab) in tabs.enumerate() {
                let act = match (tab, scopes.get(at)) {
                    (Ok(tab), Some(Scope::Rows(rows))) => {
                        tab.rows.retain(|row| rows.contains(&row.row));
                        "read of single rows".to_owned()
                    }
                    _ => format!("look at all of tab {at}"),
                };
                *self.acts.entry(act).or_default() += 1;
            }
            self.trace(|| format!("  read {number}{}", if stale { " STALE" } else { "" }));
            return None;
        }
        let failed = self.weather.strikes(Fault::ReadFailed, &mut self.dice);
        let view = view.take().filter(|_| !failed);
        Some(view.map_or(Input::ReadFailed(number), |view| Input::Read {
            number,
            answered: self.clock,
            view,
        }))
    }

    fn send(&mut self, plan: &Plan, step: u32) -> Option<Input> {
        if step == 1 {
            self.store.intend(plan, self.clock);
            return None;
        }
        let answer = |outcome| Some(Input::Sent(plan.number, outcome));
        if self.weather.strikes(Fault::NotSent, &mut self.dice) {
            return answer(SendOutcome::NotSent);
        }
        if self.weather.strikes(Fault::AnswerLost, &mut self.dice) {
            self.lose(plan);
            return answer(SendOutcome::Unknown);
        }
        match self.apply(plan) {
            Ok(receipt) => answer(SendOutcome::Applied(receipt)),
            Err(Refusal::Token) => answer(SendOutcome::Unknown),
            Err(Refusal::Range(op)) => {
                answer(SendOutcome::Refused { op: Some(op), reason: "no such row".into() })
            }
        }
    }

    /// The answer of a batch is lost: it is applied, is not, or is applied later.
    fn lose(&mut self, plan: &Plan) {
        self.trace(|| format!("  answer of batch {} lost", plan.number));
        match self.dice.below(4) {
            0 => drop(self.apply(plan)),
            1 | 2 => {
                let due = self.step + 1 + self.dice.below(40) as u32;
                self.late.push((due, Late::Batch(plan.clone())));
            }
            _ => {}
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<ReceiptView, Refusal> {
        let batch = plan.batch();
        let applied = Rc::make_mut(&mut self.sheet).apply(&batch);
        self.trace(|| {
            format!(
                "  batch {} {}: {}",
                plan.number,
                if applied.is_ok() { "applied" } else { "refused" },
                tell::plan(plan)
            )
        });
        let (receipt, did) = applied?;
        for op in &plan.ops {
            self.count(op.aim.word());
        }
        self.tally.landed(plan, &self.store);
        for did in &did {
            self.trace(|| tell::did(did));
        }
        self.witness.daemon_did(&did, &meant(plan));
        self.last_write = self.clock;
        Ok(receipt)
    }

    pub(super) fn arrive_late(&mut self, late: Late) {
        match late {
            Late::Batch(plan) => {
                let batch = plan.batch();
                let applied = Rc::make_mut(&mut self.sheet).apply(&batch);
                self.trace(|| {
                    format!(
                        "  batch {} LATE {}: {}",
                        batch.number,
                        if applied.is_ok() { "applied" } else { "refused" },
                        tell::plan(&plan)
                    )
                });
                if let Ok((_, did)) = applied {
                    for did in &did {
                        self.trace(|| tell::did(did));
                    }
                    self.witness.daemon_did(&did, &meant(&plan));
                }
            }
            Late::Names(names) => {
                for (uid, tab, id) in Rc::make_mut(&mut self.sheet).name(&names) {
                    self.trace(|| format!("  row {uid} is named {id}"));
                    self.witness.bind(uid, tab, id);
                }
            }
        }
        self.last_write = self.clock;
    }

    /// What a crash leaves of a call that was under way.
    pub(super) fn abandon(&mut self, call: Call) {
        if call.answer.is_some() {
            return;
        }
        match &call.effect {
            Effect::Send(plan) if call.step == 1 => self.lose(plan),
            Effect::Name(names) if self.dice.chance(0.5) => {
                let due = self.step + 1 + self.dice.below(40) as u32;
                self.late.push((due, Late::Names(names.clone())));
            }
            _ => {}
        }
    }

    fn settle(&mut self, plan: &Plan) -> Input {
        let landed = Rc::make_mut(&mut self.sheet).settle(plan.number);
        if self.weather.strikes(Fault::SettleFailed, &mut self.dice) {
            return Input::SettleFailed(plan.number);
        }
        self.trace(|| {
            format!("  batch {} settled: {}", plan.number, if landed.is_some() { "landed" } else { "dead" })
        });
        Input::Settled { number: plan.number, landed }
    }

    fn chunk(
        &mut self,
        (table, after): (usize, Option<&Key>),
        (low, high): (sheetbridge::model::mark::EffectId, sheetbridge::model::mark::EffectId),
        step: u32,
    ) -> Option<Input> {
        if step == 1 {
            self.server.commit(self.clock, vec![low], Vec::new());
            return None;
        }
        if self.weather.strikes(Fault::ChunkFailed, &mut self.dice) {
            return Some(Input::ChunkFailed(high));
        }
        let from = after.map_or(i64::MIN, |key| id(key) + 1);
        let rows: Vec<(Key, DbRow)> = self.server.tables[table]
            .range(from..)
            .filter(|(_, row)| self.server.admits(row))
            .take(3)
            .map(|(id, row)| (key(*id), shown_row(row)))
            .collect();
        for (_, row) in &rows {
            self.witness.daemon_knows(table, row);
        }
        self.server.commit(self.clock, vec![high], Vec::new());
        let last = rows.len() < 3;
        self.trace(|| format!("  chunk of {table} after {after:?}: {} rows", rows.len()));
        Some(Input::Chunk { high, rows, last })
    }
}

/// The keys of the rows that the writes of a batch are meant for; `None` for mends and new keys.
fn meant(plan: &Plan) -> Vec<Option<i64>> {
    let writes = plan.ops.iter().filter(|op| matches!(op.grid, GridOp::Write { .. }));
    let key = |aim: &Aim| match aim {
        Aim::Cells { key, .. } => Some(id(key)),
        _ => None,
    };
    writes.map(|op| key(&op.aim)).collect()
}
