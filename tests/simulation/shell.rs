//! The pretend shell: performs the engine's calls, each in several steps between which everybody else may move.

use std::rc::Rc;

use sheetbridge::engine::effect::{Effect, TableWrite, Want, WriteAim};
use sheetbridge::engine::guard::{self, Meant};
use sheetbridge::engine::input::{DbRow, DbState, Input, ReceiptView, SendOutcome, View, WriteOutcome};
use sheetbridge::engine::places::Scope;
use sheetbridge::engine::plan::{Aim, Plan};
use sheetbridge::engine::table::Claim;
use sheetbridge::model::base::{BaseChange, RowBase};
use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{GridCell, GridOp};
use sheetbridge::model::key::Key;
use sheetbridge::model::mark::ClaimId;
use sheetbridge::model::value::Value;

use super::sheet::Refusal;
use super::table::{Record, WIDTH, id, key, meaning, shown, shown_row};
use super::tell;
use super::weather::Fault;
use super::world::{Late, World};

/// A call and how far it is.
#[derive(Debug)]
pub(super) struct Call {
    effect: Effect,
    step: u32,
    answer: Option<Input>,
    /// The view of a read, between the moment it was taken and its answer.
    view: Option<View>,
}

impl Call {
    pub(super) fn new(effect: Effect) -> Self {
        Self { effect, step: 0, answer: None, view: None }
    }

    pub(super) fn name(&self) -> &'static str {
        match &self.effect {
            Effect::Read(_) | Effect::ReadRows(..) => "Read",
            Effect::Write(_) => "Write",
            Effect::Send(_) => "Send",
            Effect::Settle(_) => "Settle",
            Effect::Commit(_) => "Commit",
            Effect::Name(_) => "Name",
            Effect::Probe { .. } => "Probe",
            Effect::Chunk { .. } => "Chunk",
            Effect::Pauses { .. } => "Pauses",
            Effect::Answer(_) | Effect::Annotate(_) | Effect::Notice(_) => "",
        }
    }
}

impl World {
    pub(super) fn go_on_with_calls(&mut self) {
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
            self.give(answer);
            return None;
        }
        call.step += 1;
        call.answer = match &call.effect {
            Effect::Read(number) => self.read(*number, &[], call.step, &mut call.view),
            Effect::ReadRows(number, scopes) => self.read(*number, scopes, call.step, &mut call.view),
            Effect::Write(write) => Some(self.write(write)),
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
                self.trace(|| format!("  commit {:?} front {}", commit.batch, commit.front));
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
                Some(Input::PausesKept(*table))
            }
            Effect::Chunk { table, after, low, high } => {
                self.chunk((*table, after.as_ref()), (*low, *high), call.step)
            }
            Effect::Answer(_) | Effect::Annotate(_) | Effect::Notice(_) => return None,
        };
        Some(call)
    }

    fn read(&mut self, number: u64, scopes: &[Scope], step: u32, view: &mut Option<View>) -> Option<Input> {
        if step == 1 {
            self.tally.read(&self.sheet.tabs);
            let stale = !self.older.is_empty() && self.weather.strikes(Fault::StaleRead, &mut self.dice);
            let old = if stale { self.dice.below(self.older.len()) } else { 0 };
            let sheet = if stale { Rc::clone(&self.older[old].1) } else { Rc::clone(&self.sheet) };
            self.reads += 1;
            *view = Some(sheet.view());
            let tabs = view.iter_mut().flat_map(|view| &mut view.tabs);
            for (tab, scope) in tabs.zip(scopes) {
                if let (Ok(tab), Scope::Rows(rows)) = (tab, scope) {
                    tab.rows.retain(|row| rows.contains(&row.row));
                    *self.acts.entry("read of single rows".to_owned()).or_default() += 1;
                }
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
                        "  batch {} LATE: {}",
                        batch.number,
                        if applied.is_ok() { "applied" } else { "refused" }
                    )
                });
                if let Ok((_, did)) = applied {
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
            .take(3)
            .map(|(id, row)| (key(*id), shown_row(row)))
            .collect();
        self.server.commit(self.clock, vec![high], Vec::new());
        let last = rows.len() < 3;
        self.trace(|| format!("  chunk of {table} after {after:?}: {} rows", rows.len()));
        Some(Input::Chunk { high, rows, last })
    }

    // ---- guarded transactions

    fn write(&mut self, write: &TableWrite) -> Input {
        let outcome = if self.weather.strikes(Fault::WriteFailed, &mut self.dice) {
            WriteOutcome::Failed
        } else {
            match &write.aim {
                WriteAim::Columns { key, base, known, wants } => {
                    self.write_columns(write, key, base, known.as_ref(), wants)
                }
                WriteAim::Insert { key, claim, cells } => self.insert(write, key.as_ref(), *claim, cells),
                WriteAim::Delete { key, base } => self.delete(write, key, base),
                WriteAim::Recreate { key, base, before, cells, changed } => {
                    self.recreate(write, (key, base), before, cells, changed)
                }
            }
        };
        self.count(match (&write.aim, &outcome) {
            (_, WriteOutcome::Failed) => "table write failed",
            (_, WriteOutcome::Exists) => "row to insert exists",
            (_, WriteOutcome::Refused { .. }) => "table write refused",
            (_, WriteOutcome::Done { wrote: false, .. }) => "table found in order",
            (WriteAim::Columns { .. }, _) => "columns into the table",
            (WriteAim::Insert { claim: Some(_), .. }, _) => "row inserted under a claim",
            (WriteAim::Insert { .. }, _) => "row inserted under its key",
            (WriteAim::Delete { .. }, _) => "row deleted",
            (WriteAim::Recreate { .. }, _) => "row made again",
        });
        self.tally.wrote(write, &outcome);
        self.trace(|| tell::write(write, &outcome));
        Input::Wrote(write.effect, outcome)
    }

    fn put(&mut self, write: &TableWrite, row: Record) -> DbState {
        self.witness.table_holds(write.table, &row);
        self.witness.table_writes += 1;
        self.last_write = self.clock;
        let after = DbState::Row(shown_row(&row));
        let image = self.server.put(write.table, row);
        self.server.commit(self.clock, vec![write.effect], vec![image]);
        after
    }

    fn write_columns(
        &mut self,
        write: &TableWrite,
        key: &Key,
        base: &RowBase,
        known: Option<&DbRow>,
        wants: &[Want],
    ) -> WriteOutcome {
        let table = write.table;
        let Some(locked) = self.server.tables[table].get(&id(key)).cloned() else {
            return done(key, DbState::Gone(None), None, false);
        };
        let (mut meant, mut refused) = (Vec::new(), Vec::new());
        for want in wants {
            match mean(want.clone()) {
                Ok(one) => meant.push(one),
                Err(reason) => refused.push((want.column, reason)),
            }
        }
        let guarded = guard::columns(self.plan(table), base, known, &shown_row(&locked), &meant);
        let (mut row, wrote) = (locked, !guarded.sets.is_empty());
        for (column, value) in &guarded.sets {
            self.witness.daemon_writes(table, id(key), *column, &shown(value));
            row[*column] = value.clone();
        }
        let after = if wrote { self.put(write, row) } else { DbState::Row(shown_row(&row)) };
        if let Some(owed) = write.pays.filter(|_| guarded.left.is_empty() && refused.is_empty()) {
            self.store.owed.remove(&owed);
        }
        if guarded.base != *base {
            self.store.change(table, &BaseChange::Set(key.clone(), guarded.base.clone()));
        }
        let left = guarded.left.iter().map(|(column, rule)| (*column, (*rule).to_owned())).collect();
        WriteOutcome::Done { after, key: key.clone(), base: Some(guarded.base), left, refused, wrote }
    }

    fn insert(
        &mut self,
        write: &TableWrite,
        typed: Option<&Key>,
        claim: Option<ClaimId>,
        cells: &[GridCell],
    ) -> WriteOutcome {
        let table = write.table;
        if let Some(typed) = typed.filter(|typed| self.server.tables[table].contains_key(&id(typed))) {
            let _ = typed;
            return WriteOutcome::Exists;
        }
        let made = typed.map_or(self.server.next_id, id);
        let mut meant = Vec::new();
        for (column, cell) in cells.iter().enumerate() {
            let cell = if column == 0 { Cell::number(made as f64) } else { cell.value.clone() };
            match mean(Want { column, cell, wins: true, stands: true }) {
                Ok(one) => meant.push(one),
                Err(reason) => return WriteOutcome::Refused { column: Some(column), reason },
            }
        }
        let row: Record = std::array::from_fn(|column| meant[column].value.clone());
        let shown: [Cell; WIDTH] = std::array::from_fn(|column| shown(&row[column]));
        self.witness.daemon_inserts(table, made, claim, &shown);
        let base = guard::inserted(WIDTH, &meant);
        let after = self.put(write, row);
        let kept = &mut self.store.links[table];
        match claim {
            Some(claim) => {
                let owed = Claim { key: key(made), base: base.clone(), missing_since: None, named_at: None };
                kept.claims.insert(claim, owed);
                if kept.inserts.insert(claim, key(made)).is_some() {
                    self.witness.violate(format!("a second insert under claim {claim}"));
                }
            }
            None => self.store.change(table, &BaseChange::Set(key(made), base.clone())),
        }
        done(&key(made), after, Some(base), true)
    }

    fn delete(&mut self, write: &TableWrite, key: &Key, base: &RowBase) -> WriteOutcome {
        let table = write.table;
        let locked = self.server.tables[table].get(&id(key)).map(shown_row);
        let wrote = match locked {
            Some(row) if !guard::untouched(base, &row) => return done(key, DbState::Row(row), None, false),
            Some(_) => {
                let rows = self.server.tables[table].len();
                self.witness.daemon_deletes(table, id(key), rows - 1, self.clock);
                self.witness.table_writes += 1;
                self.last_write = self.clock;
                let image = self.server.delete(table, id(key));
                self.server.commit(self.clock, vec![write.effect], vec![image]);
                true
            }
            None => false,
        };
        self.store.change(table, &BaseChange::Forget { key: key.clone(), dead: true });
        done(key, DbState::Gone(None), None, wrote)
    }

    fn recreate(
        &mut self,
        write: &TableWrite,
        (key, base): (&Key, &RowBase),
        before: &DbRow,
        cells: &[GridCell],
        changed: &[usize],
    ) -> WriteOutcome {
        let table = write.table;
        if self.server.tables[table].contains_key(&id(key)) {
            return WriteOutcome::Exists;
        }
        let mut meant = Vec::new();
        for (column, image) in before.iter().enumerate() {
            let want = Want { column, cell: cells[column].value.clone(), wins: true, stands: true };
            if !changed.contains(&column) {
                meant.push(Meant { want, value: image.value.clone(), shown: image.shown.clone() });
                continue;
            }
            match mean(want) {
                Ok(one) => meant.push(one),
                Err(reason) => return WriteOutcome::Refused { column: Some(column), reason },
            }
        }
        for column in changed {
            self.witness.daemon_writes(table, id(key), *column, &meant[*column].shown);
        }
        let row: Record = std::array::from_fn(|column| meant[column].value.clone());
        let base = guard::recreated(base, changed, &meant);
        let after = self.put(write, row);
        self.store.change(table, &BaseChange::Set(key.clone(), base.clone()));
        done(key, after, Some(base), true)
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

fn mean(want: Want) -> Result<Meant, String> {
    let value: Value = meaning(want.column, &want.cell)?;
    let shown = shown(&value);
    Ok(Meant { want, value, shown })
}

fn done(key: &Key, after: DbState, base: Option<RowBase>, wrote: bool) -> WriteOutcome {
    WriteOutcome::Done { after, key: key.clone(), base, left: Vec::new(), refused: Vec::new(), wrote }
}
