//! How debts arise and end: what a mend did by its receipt, and what a row is owed that was hit by mistake.

use crate::engine::Engine;
use crate::engine::effect::{Background, Commit, Conflict, Winner};
use crate::engine::input::ReceiptRow;
use crate::engine::mend::alike;
use crate::engine::owed::{Overwritten, Owed, OwedId, as_left, put};
use crate::engine::plan::{Plan, PlannedOp};
use crate::engine::receipt::{cells_of, overwritten, overwritten_all};
use crate::engine::rows::key_of;
use crate::model::grid::{GridCell, GridOp};
use crate::model::key::Key;

impl Engine {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn judge_mend(
        &mut self,
        index: usize,
        owed: OwedId,
        stands: bool,
        (victim, read): (Option<&Key>, &[GridCell]),
        plan: &Plan,
        (op, receipt): (&PlannedOp, Option<&ReceiptRow>),
        commit: &mut Commit,
    ) {
        let all: Vec<Option<Overwritten>> = overwritten_all(op, receipt);
        // Where its key is put back, the row is another one than it shows.
        let victim = match self.owed.get(&owed) {
            Some(Owed::KeyCells { victim, .. }) => victim.clone(),
            _ => victim.cloned(),
        };
        let victim = victim.as_ref();
        if stands && self.is_told_by_marks(owed, read, (op, receipt)) {
            let (link, cells, row) = (op.link.clone(), overwritten(op, receipt), cells_of(receipt));
            self.note_healed(owed, op, receipt);
            let id = self.next_owed_id();
            commit.owe.push((id, Owed::Cells { link, victim: None, cells, row, back: false, mark: op.mark }));
            return;
        }
        if stands {
            // A person may have copied the row with our cells in it: the next read tells.
            if let Some(
                debt @ (Owed::Cells { victim: Some(_), .. }
                | Owed::KeyCells { wrong: Some(_), victim: Some(_), .. }),
            ) = self.owed.get_mut(&owed)
            {
                debt.put_back(op.mark);
                commit.owe.push((owed, debt.clone()));
                if let Owed::Cells { victim: Some(key), cells, .. } = debt {
                    self.tables[index].showed(&key.clone(), &cells.clone(), self.clock);
                }
            } else {
                commit.paid.push(owed);
                self.note_healed(owed, op, receipt);
            }
            for (over, read) in all.into_iter().flatten().zip(read) {
                if alike(&over.before, read) {
                    continue;
                }
                let known = victim.filter(|key| self.tables[index].base.contains_key(key));
                let place = self.tables[index].grid.iter().position(|grid| *grid == over.column);
                match (known, place) {
                    (Some(key), Some(column)) => {
                        let (link, key, typed) = (op.link.clone(), key.clone(), (plan.read_at, self.clock));
                        self.owe(Owed::Edit { link, key, column, cell: over.before, typed }, commit);
                    }
                    _ => commit.conflicts.push(Conflict {
                        table: index,
                        key: victim.cloned(),
                        column: place,
                        database: None,
                        sheet: Some(over.before.value),
                        winner: Winner::Nobody,
                        rule: "typed into a cell while it was being put back".into(),
                        background: Background::default(),
                    }),
                }
            }
            return;
        }
        // The mend itself hit another row: that row is owed its cells too, and this debt stays.
        let (link, victim) = (op.link.clone(), receipt.and_then(|row| key_of(&row.key)));
        let (cells, row) = (overwritten(op, receipt), cells_of(receipt));
        let debt = match self.owed.get(&owed) {
            Some(Owed::KeyCells { victim: wrong, .. }) => {
                let (wrong, mark) = (wrong.clone(), op.mark);
                Owed::KeyCells { link, wrong, victim, cells, row, back: false, away: false, mark }
            }
            _ => Owed::Cells { link, victim, cells, row, back: false, mark: op.mark },
        };
        self.owe(debt, commit);
    }

    /// A record whose row is nowhere to be seen has got another one. The new row may show just what was written into the old one
    /// by mistake, and must not be taken for it: what is owed to that is listed. If it comes back, it is one of two with its key.
    pub(super) fn give_up_the_row_before(&mut self, index: usize, key: &Key, commit: &mut Commit) {
        let mine = &self.tables[index].plan.rules.name;
        let is_its = |owed: &Owed| matches!(owed, Owed::Cells { link, victim: Some(victim), .. } if link == mine && victim == key);
        let ids: Vec<OwedId> = self.owed.iter().filter(|(_, owed)| is_its(owed)).map(|(id, _)| *id).collect();
        for id in ids {
            self.asleep.remove(&id);
            commit.paid.push(id);
            if let Some(Owed::Cells { cells, back: false, .. }) = self.owed.remove(&id) {
                let grid = self.tables[index].grid.clone();
                self.list_overwritten(index, &grid, Some(key), &cells, &mut commit.conflicts);
            }
        }
    }

    /// A row has got its key by a batch of ours, which is made only where no row shows that key. One that was made to show it by
    /// mistake is away then: if two show it later, that is remembered, also over a restart.
    pub(super) fn note_away(&mut self, index: usize, key: &Key, commit: &mut Commit) {
        let mine = &self.tables[index].plan.rules.name;
        for (id, owed) in &mut self.owed {
            if let Owed::KeyCells { link, wrong: Some(wrong), away, .. } = owed
                && link == mine
                && wrong == key
                && !std::mem::replace(away, true)
            {
                commit.owe.push((*id, owed.clone()));
            }
        }
    }

    /// Rows without key may look alike, so that the receipt of a mend does not tell which of them it hit. Where the row that was
    /// meant has a mark already, the next read does: the mend counts as a hit of its own, and where both marks stand on one row
    /// the two debts cancel each other.
    fn is_told_by_marks(
        &self,
        owed: OwedId,
        read: &[GridCell],
        (op, receipt): (&PlannedOp, Option<&ReceiptRow>),
    ) -> bool {
        let meant = matches!(self.owed.get(&owed), Some(Owed::Cells { victim: None, mark: Some(_), .. }));
        let over = overwritten(op, receipt);
        meant
            && op.mark.is_some()
            && !over.is_empty()
            && over.len() == read.len()
            && over.iter().zip(read).all(|(over, read)| alike(&over.before, read))
    }

    /// Notes how a row without key looks that has its cells back, and is owed nothing else.
    fn note_healed(&mut self, paid: OwedId, op: &PlannedOp, receipt: Option<&ReceiptRow>) {
        let (Some(Owed::Cells { victim: None, .. }), GridOp::Write { cells, .. }) =
            (self.owed.get(&paid), &op.grid)
        else {
            return;
        };
        let mut row = cells_of(receipt);
        for (column, cell) in cells {
            put(&mut row, *column, cell);
        }
        let grid = self.table_named(&op.link).map_or(&[][..], |at| &self.tables[at].grid);
        let owes = |(id, owed): (&OwedId, &Owed)| match owed {
            Owed::Cells { victim: None, cells, row: was, .. } => {
                *id != paid && as_left(cells, was, &row, grid)
            }
            _ => false,
        };
        if !self.owed.iter().any(owes) {
            self.healed.push((op.link.clone(), row));
        }
    }

    /// Notes a debt. A row that is hit twice returns to its first before-image (protocol C4).
    pub(super) fn owe(&mut self, mut owed: Owed, commit: &mut Commit) {
        let mut grid = self.table_named(owed.link()).map_or_else(Vec::new, |at| self.tables[at].grid.clone());
        if let Owed::Cells { cells, row, .. } | Owed::KeyCells { cells, row, .. } = &mut owed {
            cells.retain(|cell| !alike(&cell.wrote, &cell.before));
            if grid.is_empty() {
                // Nothing was read since the start: all of the row is compared.
                grid.extend(0..u32::try_from(row.len()).unwrap_or(0));
            }
        }
        if owed.is_nothing() {
            return;
        }
        for (id, earlier) in &mut self.owed {
            if !owed.follow(earlier, &grid) {
                continue;
            }
            if earlier.is_nothing() {
                commit.paid.push(*id);
            } else {
                commit.owe.push((*id, earlier.clone()));
            }
        }
        if !owed.is_nothing() {
            let id = self.next_owed_id();
            commit.owe.push((id, owed));
        }
    }
}
