//! What a batch really did: every request is judged by its receipt, by the plan alone (design 4a, rule 1).
//!
//! | request | the receipt shows | then |
//! |--|--|--|
//! | cells | the key that was meant | base moves to what was sent; a cell that is not the one that was read was typed since: it is owed to the policy |
//! | cells | another key | those cells are owed to that row; the key waits again |
//! | new key | the key that was meant; where that was blank, the cells that were read | base moves; what it does not cover waits again |
//! | new key | anything else | key cells are owed to that row, before everything else |
//! | delete | the key that was meant | base is forgotten; what was typed since is listed |
//! | delete | another key | the row is owed, whole; the key waits again |
//! | new row | nothing: it is a new one | base moves; what is owed to an earlier row of its key, which is nowhere to be seen, is listed |
//! | mend | the victim, still showing what we wrote | paid |

use crate::engine::effect::{Background, Commit, Conflict, Level, Winner};
use crate::engine::input::{ReceiptRow, ReceiptView, SendOutcome};
use crate::engine::mend::alike;
use crate::engine::owed::{Overwritten, Owed};
use crate::engine::plan::{Aim, Plan, PlannedCell, PlannedOp};
use crate::engine::receipt::{cells_of, hit, overwritten, overwritten_all, unchanged};
use crate::engine::rows::key_of;
use crate::engine::{Engine, Stage};
use crate::model::base::{BaseChange, RowBase};
use crate::model::grid::{GridCell, GridOp, MOST_OPS};
use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::BatchNumber;

/// A row that Google refuses this often is left out until it changes.
const REFUSALS: u32 = 4;

impl Engine {
    pub(super) fn on_sent(&mut self, number: BatchNumber, outcome: SendOutcome) {
        let Stage::Sending(plan) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return;
        };
        if plan.number != number {
            self.stage = Stage::Sending(plan);
            return;
        }
        match outcome {
            SendOutcome::Applied(receipt) => {
                self.spend(number, true);
                self.landed(&plan, &receipt);
            }
            SendOutcome::Unknown => self.stage = Stage::Settling { plan, asked: false },
            SendOutcome::NotSent => {
                self.wait();
                self.died(&plan, None);
            }
            SendOutcome::Refused { op, reason } => {
                self.tell(None, Level::Warning, format!("google refused batch {number}: {reason}"));
                if op.is_none() && plan.ops.len() > 1 {
                    // It does not say which: half as many the next time, down to the one that it refuses.
                    self.batch_limit = (plan.ops.len() / 2).max(1);
                    self.died(&plan, None);
                } else {
                    self.died(&plan, Some(op.unwrap_or(0)));
                }
            }
        }
    }

    pub(super) fn on_settled(&mut self, number: BatchNumber, landed: Option<ReceiptView>) {
        let Stage::Settling { plan, asked } = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return;
        };
        if plan.number != number {
            self.stage = Stage::Settling { plan, asked };
            return;
        }
        match landed {
            Some(receipt) => {
                self.spend(number, false);
                self.landed(&plan, &receipt);
            }
            None => self.died(&plan, None),
        }
    }

    /// The batch can never land: what it carried waits again, bar the one that Google refuses.
    fn died(&mut self, plan: &Plan, refused: Option<usize>) {
        // Its token, if it has one, is a void one: it goes with the others.
        self.spend(plan.number, false);
        self.expire_again(&plan.expired);
        let mut commit = self.commit_of(plan, false);
        for (at, op) in plan.ops.iter().enumerate() {
            for key in carried(&op.aim) {
                let Some(index) = self.table_named(&op.link) else {
                    continue;
                };
                let (table, row) = (&mut self.tables[index], row_of(&op.grid));
                // A row number that is out of range is refused too, people move rows, and a read may be an old one: a row is left
                // out when it is refused again and again where it stands.
                let is_refused = refused == Some(at);
                let times =
                    table.spurned.get(key).filter(|(was, _)| *was == row).map_or(1, |(_, times)| times + 1);
                if is_refused {
                    table.spurned.insert(key.clone(), (row, times));
                }
                if is_refused && times >= REFUSALS {
                    table.flight.remove(key);
                    table.spurned.remove(key);
                    commit.conflicts.push(Conflict {
                        table: index,
                        key: Some(key.clone()),
                        column: None,
                        database: None,
                        sheet: None,
                        winner: Winner::Nobody,
                        rule: "google refuses this row: it is left out until it changes".into(),
                        background: Background::default(),
                    });
                } else {
                    self.tables[index].wants_whole |= refused.is_some();
                    self.tables[index].requeue(key);
                }
            }
        }
        self.commit(commit);
    }

    /// What ends with the batch. After a restart the memory takes part in it: the store had not been told yet.
    fn commit_of(&mut self, plan: &Plan, landed: bool) -> Commit {
        let now = self.clock;
        let place = |link: &LinkName| self.tables.iter().position(|table| table.plan.rules.name == *link);
        let base: Vec<(usize, BaseChange)> =
            plan.agreed.iter().filter_map(|(link, change)| Some((place(link)?, change.clone()))).collect();
        let named: Vec<_> =
            plan.named.iter().filter_map(|(link, claim)| Some((place(link)?, *claim))).collect();
        for (index, claim) in &named {
            self.tables[*index].claims.remove(claim);
        }
        for (index, change) in &base {
            self.tables[*index].apply(change, now);
        }
        self.owed.extend(plan.owe.iter().cloned());
        for id in &plan.paid {
            self.owed.remove(id);
        }
        Commit {
            batch: Some((plan.number, landed)),
            base,
            owe: plan.owe.clone(),
            paid: plan.paid.clone(),
            named,
            conflicts: plan.conflicts.clone(),
            held: Vec::new(),
            slot: self.slot,
            front: 0,
        }
    }

    /// The batch landed: each request is judged.
    fn landed(&mut self, plan: &Plan, receipt: &ReceiptView) {
        self.calm();
        self.last_done = Some(plan.number);
        self.batch_limit = (self.batch_limit * 2).min(MOST_OPS);
        let mut commit = self.commit_of(plan, true);
        self.follow_places(plan);
        for (at, op) in plan.ops.iter().enumerate() {
            let row = receipt.get(at).and_then(Option::as_ref);
            self.judge(plan, op, row, &mut commit);
        }
        for (id, owed) in &commit.owe {
            self.owed.insert(*id, owed.clone());
        }
        for id in &commit.paid {
            self.owed.remove(id);
        }
        self.commit(commit);
    }

    /// Rows stand elsewhere after a batch of ours.
    fn follow_places(&mut self, plan: &Plan) {
        for table in &mut self.tables {
            let mine = plan.ops.iter().filter(|op| op.link == table.plan.rules.name);
            table.places.follow(mine.map(|op| (op.aim.key(), &op.grid)));
        }
    }

    fn judge(&mut self, plan: &Plan, op: &PlannedOp, receipt: Option<&ReceiptRow>, commit: &mut Commit) {
        let Some(index) = self.table_named(&op.link) else {
            return;
        };
        match &op.aim {
            Aim::Cells { key, columns, whole } => {
                if hit(receipt, Some(key)) && unchanged(receipt, whole) {
                    self.judge_cells(index, plan, key, columns, (op, receipt), commit);
                } else {
                    let victim = receipt.and_then(|row| key_of(&row.key));
                    let (cells, row) = (overwritten(op, receipt), cells_of(receipt));
                    let link = op.link.clone();
                    self.owe(Owed::Cells { link, victim, cells, row, back: false, mark: op.mark }, commit);
                    self.tables[index].wants_whole = true;
                    self.tables[index].requeue(key);
                }
            }
            Aim::Rekey { from, to, columns, read, base, theirs } => {
                let own = from.as_ref().filter(|_| !theirs);
                if hit(receipt, from.as_ref()) && (own.is_some() || unchanged(receipt, read)) {
                    let from = own;
                    let known = from.and_then(|from| self.tables[index].base.get(from));
                    if let Some(from) = from.filter(|from| *from != to) {
                        self.tables[index].rename_edits(from, to);
                        // A key that the table had is dead, one that a person typed never lived.
                        let dead = self.tables[index].base.contains_key(from);
                        self.move_base(index, BaseChange::Forget { key: from.clone(), dead }, commit);
                        self.tables[index].flight.remove(from);
                    }
                    self.move_base(index, BaseChange::Set(to.clone(), base.clone()), commit);
                    self.note_away(index, to, commit);
                    self.tables[index].arrive(to, base);
                    self.owe_typed(index, plan, (to, known.as_ref()), columns, (op, receipt), commit);
                } else {
                    let victim = receipt.and_then(|row| key_of(&row.key));
                    let (link, wrong) = (op.link.clone(), Some(to.clone()));
                    let (cells, row) = (overwritten(op, receipt), cells_of(receipt));
                    self.owe(
                        Owed::KeyCells {
                            link,
                            wrong,
                            victim,
                            cells,
                            row,
                            back: false,
                            away: false,
                            mark: op.mark,
                        },
                        commit,
                    );
                    self.tables[index].wants_whole = true;
                    self.tables[index].requeue(to);
                    if let Some(from) = from {
                        self.tables[index].requeue(from);
                    }
                }
            }
            Aim::NewRow { key, base } => {
                self.give_up_the_row_before(index, key, commit);
                self.move_base(index, BaseChange::Set(key.clone(), base.clone()), commit);
                self.note_away(index, key, commit);
                self.tables[index].flight.remove(key);
                self.tables[index].restore.remove(key);
            }
            Aim::RemoveRow { key, read, copied, outside, spelled } => {
                let stands = spelled.as_ref().unwrap_or(key);
                let meant = hit(receipt, Some(stands)) && (!copied || unchanged(receipt, read));
                self.judge_delete(index, (key, *outside), (read, meant), (op, receipt), commit);
            }
            Aim::Claim(_) | Aim::Unclaim(_) => {}
            Aim::MendCells { owed, victim, read, whole } => {
                // A row without key is told by what we had written: one cell of it that is not blank, or the whole row.
                let ours = |(over, read): (&Option<Overwritten>, &GridCell)| {
                    !read.value.is_blank() && over.as_ref().is_none_or(|over| alike(&over.before, read))
                };
                let stands = if victim.is_some() {
                    hit(receipt, victim.as_ref()) && unchanged(receipt, whole)
                } else {
                    let shows = overwritten_all(op, receipt).iter().zip(read).any(ours);
                    (shows && hit(receipt, None)) || unchanged(receipt, whole)
                };
                self.judge_mend(index, *owed, stands, (victim.as_ref(), read), plan, (op, receipt), commit);
            }
            Aim::MendRow { owed } => commit.paid.push(*owed),
        }
    }

    fn judge_cells(
        &mut self,
        index: usize,
        plan: &Plan,
        key: &Key,
        columns: &[PlannedCell],
        (op, receipt): (&PlannedOp, Option<&ReceiptRow>),
        commit: &mut Commit,
    ) {
        let table = &mut self.tables[index];
        let mut base = table.base.get(key).unwrap_or_else(|| RowBase { columns: vec![None; table.width()] });
        base.columns.resize(table.width(), None);
        table.flight.remove(key);
        let agreed = base.clone();
        for cell in columns {
            base.columns[cell.column] = Some(cell.base);
        }
        self.move_base(index, BaseChange::Set(key.clone(), base), commit);
        self.owe_typed(index, plan, (key, Some(&agreed)), columns, (op, receipt), commit);
    }

    /// What a write covered and the read before had not shown was typed since: it is owed to the policy. What base had agreed on
    /// before was not: that read was an old one.
    fn owe_typed(
        &mut self,
        index: usize,
        plan: &Plan,
        (key, agreed): (&Key, Option<&RowBase>),
        columns: &[PlannedCell],
        (op, receipt): (&PlannedOp, Option<&ReceiptRow>),
        commit: &mut Commit,
    ) {
        for (cell, over) in columns.iter().zip(overwritten_all(op, receipt)) {
            let Some(over) = over else { continue };
            let is_key = self.tables[index].plan.columns[cell.column].key;
            let agreed = agreed.and_then(|base| base.columns.get(cell.column).copied().flatten());
            let is_base = agreed.is_some_and(|base| base.cell == over.before.value.digest());
            let stood = is_base && over.before.formula.is_none();
            if !is_key && !stood && !alike(&over.before, &cell.read) && !alike(&over.before, &over.wrote) {
                let (link, key, typed) = (op.link.clone(), key.clone(), (plan.read_at, self.clock));
                self.owe(Owed::Edit { link, key, column: cell.column, cell: over.before, typed }, commit);
            }
        }
    }

    fn judge_delete(
        &mut self,
        index: usize,
        (key, outside): (&Key, bool),
        (read, meant): (&[(u32, GridCell)], bool),
        (op, receipt): (&PlannedOp, Option<&ReceiptRow>),
        commit: &mut Commit,
    ) {
        let GridOp::Delete { slot, .. } = op.grid else {
            return;
        };
        if !meant {
            let (link, victim) = (op.link.clone(), receipt.and_then(|row| key_of(&row.key)));
            self.owe(Owed::Row { link, victim, slot }, commit);
            self.tables[index].wants_whole = true;
            self.tables[index].requeue(key);
            return;
        }
        for (column, (grid, read)) in read.iter().enumerate() {
            let stood = receipt
                .map_or(&GridCell::BLANK, |row| row.cells.get(*grid as usize).unwrap_or(&GridCell::BLANK));
            if receipt.is_some() && !alike(stood, read) {
                commit.conflicts.push(Conflict {
                    table: index,
                    key: Some(key.clone()),
                    column: Some(column),
                    database: None,
                    sheet: Some(stood.value.clone()),
                    winner: Winner::Database,
                    rule: "typed while the row was being removed; the whole row is in the trash".into(),
                    background: Background::default(),
                });
            }
        }
        self.move_base(index, BaseChange::Forget { key: key.clone(), dead: !outside }, commit);
        self.tables[index].flight.remove(key);
    }

    fn move_base(&mut self, index: usize, change: BaseChange, commit: &mut Commit) {
        self.tables[index].apply(&change, self.clock);
        commit.base.push((index, change));
    }
}

/// The row number that a request is about.
fn row_of(op: &GridOp) -> Option<u32> {
    match op {
        GridOp::Write { row, .. } | GridOp::Claim { row, .. } | GridOp::Delete { row, .. } => Some(*row),
        GridOp::Insert { at, .. } | GridOp::Restore { at, .. } => Some(*at),
        GridOp::Unclaim { .. } => None,
    }
}

/// The pending keys that a request carries.
fn carried(aim: &Aim) -> Vec<&Key> {
    match aim {
        Aim::Cells { key, .. } | Aim::NewRow { key, .. } | Aim::RemoveRow { key, .. } => vec![key],
        Aim::Rekey { from, to, .. } => from.iter().chain([to]).collect(),
        Aim::Claim(_) | Aim::Unclaim(_) | Aim::MendCells { .. } | Aim::MendRow { .. } => Vec::new(),
    }
}
