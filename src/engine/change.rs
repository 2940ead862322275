//! One pending key of the table on its way to its row in the tab: cells, a new key in place, or the row's end.

use crate::engine::draft::{Draft, as_read, key_cells, planned, renamed_cells, sorted, write_op};
use crate::engine::flush::Next;

use crate::engine::Engine;
use crate::engine::effect::{Conflict, Winner};
use crate::engine::guard::UNSEEN;
use crate::engine::input::{DbCell, DbRow, DbState, KeySeen, RowView, TabView};
use crate::engine::plan::{Aim, PlannedCell};
use crate::engine::reconcile::{Grounds, Move, column};
use crate::engine::rows::{Found, Rows, edited, lookalikes};
use crate::engine::table::{Held, Pending};
use crate::engine::writing::Writing;
use crate::model::base::{BaseChange, ColumnBase, RowBase};
use crate::model::grid::GridOp;
use crate::model::key::Key;

impl Engine {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn draft_cells(
        &mut self,
        index: usize,
        tab: &TabView,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<RowBase>,
        (seen, copied): (&RowView, bool),
        draft: &mut Draft,
        writing: &mut Writing,
    ) -> Next {
        let table = &self.tables[index];
        let mut new = base.clone().unwrap_or_else(|| RowBase { columns: vec![None; table.width()] });
        new.columns.resize(table.width(), None);
        let grounds = Grounds {
            commit: pending.commit,
            edit: (writing.asked, writing.answered),
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
        };
        let (mut cells, mut listed, mut held, mut wait) = (Vec::new(), Vec::new(), Vec::new(), false);
        // Image, sheet, plan and base run side by side.
        #[allow(clippy::needless_range_loop)]
        for at in 0..table.width() {
            let sheet = &seen.cells[at];
            let (cell, value) = (sheet.value.digest(), Some(row[at].value.digest()));
            let is_held = table
                .held
                .get(&(key.clone(), at))
                .is_some_and(|held| held.cell == cell && held.value == value);
            let base_column = new.columns[at];
            let edit = table.edited_at(key, at, sheet, (writing.asked, writing.answered));
            match column(
                &table.plan.columns[at],
                base_column,
                Some(&row[at]),
                sheet,
                Grounds { edit, ..grounds },
            ) {
                Move::Agree(base) => new.columns[at] = Some(base),
                Move::ToSheet { base, over } => {
                    if let Some(rule) = over {
                        listed.push((at, sheet.value.clone(), Winner::Database, rule));
                    }
                    let over = over.is_some();
                    cells.push(PlannedCell { column: at, base, read: sheet.clone(), over });
                }
                // The first half of the cycle carries these; refused ones are listed and stay as they are.
                Move::ToTable { .. } if !is_held => wait = true,
                Move::Hold(rule) if !is_held => {
                    held.push((at, Held { cell, value, why: rule.into() }));
                    listed.push((at, sheet.value.clone(), Winner::Nobody, rule));
                    new.columns[at] = unseen(base_column, &row[at]);
                }
                Move::ToTable { .. } | Move::Hold(_) => new.columns[at] = unseen(base_column, &row[at]),
                Move::Same | Move::Fetch => {}
            }
        }
        if wait {
            return Next::Wait;
        }
        self.tables[index].held.extend(held.into_iter().map(|(at, held)| ((key.clone(), at), held)));
        for (column, sheet, winner, rule) in listed {
            let database = Some(row[column].shown.clone());
            let edit = (writing.asked, writing.answered);
            let mut background = self.tables[index].background(key, column, edit);
            background.committed = Some(pending.commit);
            let (key, column, sheet) = (Some(key.clone()), Some(column), Some(sheet));
            writing.conflicts.push(Conflict {
                table: index,
                key,
                column,
                database,
                sheet,
                winner,
                rule: rule.into(),
                background,
            });
        }
        let change = (base.as_ref() != Some(&new)).then(|| BaseChange::Set(key.clone(), new));
        if cells.is_empty() {
            return Next::Finished(change);
        }
        if !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        self.finish(index, change, writing);
        let grid = write_op(tab, seen.row, row, &cells);
        let whole = if copied { as_read(tab, seen) } else { Vec::new() };
        let aim = Aim::Cells { key: key.clone(), columns: sorted(tab, cells), whole };
        draft.writes.push(planned(&self.tables[index], aim, grid));
        Next::Carried(vec![key.clone()])
    }

    /// A key that changed in the table is rewritten in place, and a key that a person changed is put back.
    pub(super) fn draft_rekey(
        &mut self,
        index: usize,
        tab: &TabView,
        rows: &Rows<'_>,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<&RowBase>,
        draft: &mut Draft,
    ) -> Option<Next> {
        let table = &self.tables[index];
        if let Some(base) = base {
            let found = lookalikes(table, rows);
            let seen = found.get(key)?;
            let cells = key_cells(table, row, seen);
            let from = match &seen.key {
                KeySeen::Key(key) => Some(key.clone()),
                KeySeen::Blank | KeySeen::Unreadable => None,
            };
            if cells.is_empty() || !draft.rows.insert((index, seen.row)) {
                return Some(Next::Wait);
            }
            let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, seen));
            let aim = Aim::Rekey { from, to: key.clone(), columns, read, base: base.clone() };
            draft.writes.push(planned(table, aim, write_op(tab, seen.row, row, &cells)));
            return Some(Next::Carried(vec![key.clone()]));
        }
        let old = pending.renamed_from.as_ref()?;
        let old_base = table.base.get(old)?.clone();
        let is_gone = table.pending.get(old).is_some_and(|pending| matches!(pending.state, DbState::Gone(_)));
        let Found::Row(seen) = table.find(rows, old) else {
            return None;
        };
        if !is_gone || !draft.rows.insert((index, seen.row)) {
            return None;
        }
        let (cells, new) = renamed_cells(table, row, seen, &old_base);
        let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, seen));
        let aim = Aim::Rekey { from: Some(old.clone()), to: key.clone(), columns, read, base: new };
        draft.writes.push(planned(table, aim, write_op(tab, seen.row, row, &cells)));
        Some(Next::Carried(vec![old.clone(), key.clone()]))
    }

    /// True when this gone key was renamed, and its row in the sheet can take the new key in place: now, or once the present row
    /// is known.
    pub(super) fn is_renamed(&self, index: usize, old: &Key, rows: &Rows<'_>) -> bool {
        let table = &self.tables[index];
        if table.renamed.values().any(|from| from == old) {
            return true;
        }
        let mut renamed =
            table.pending.iter().filter(|(_, pending)| pending.renamed_from.as_ref() == Some(old));
        renamed.any(|(key, pending)| {
            let free = !rows.contains(key) && !table.base.contains_key(key);
            free && matches!(pending.state, DbState::Row(_))
                && table.owed_key(key).is_none()
                && !table.is_fetching(key)
        })
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn draft_delete(
        &mut self,
        index: usize,
        tab: &TabView,
        key: &Key,
        base: &RowBase,
        (seen, copied): (&RowView, bool),
        listed: bool,
        draft: &mut Draft,
    ) -> Next {
        let edited = !edited(&self.tables[index].plan, seen, base).is_empty();
        if edited && !listed {
            // The first half of the cycle makes the row again or lists its edits; it may not have known yet that the row is gone.
            return Next::Wait;
        }
        if edited {
            // Held: the edit stays where it is, listed, and the key stays dead.
            return Next::Finished(Some(BaseChange::Forget { key: key.clone(), dead: true }));
        }
        // While a key is owed no row is removed: should the delete hit the claimed row, its claim would be gone with it, and a
        // row that comes back from the trash without its claim is a new one.
        if !self.tables[index].claims.is_empty() || !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        let slot = self.next_slot();
        let aim = Aim::RemoveRow { key: key.clone(), read: as_read(tab, seen), copied };
        let grid = GridOp::Delete { sheet: tab.sheet, row: seen.row, slot };
        draft.deletes.push(planned(&self.tables[index], aim, grid));
        Next::Carried(vec![key.clone()])
    }
}

/// The base of a cell that keeps what a person put there, although the database has changed it.
fn unseen(base: Option<ColumnBase>, row: &DbCell) -> Option<ColumnBase> {
    base.map(
        |base| if base.value == row.value.digest() { base } else { ColumnBase { value: UNSEEN, ..base } },
    )
}
