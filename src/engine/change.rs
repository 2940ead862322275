//! One pending key of the table on its way to its row in the tab: cells, a new key in place, or the row's end.

use crate::engine::draft::{Draft, as_read, key_cells, planned, renamed_cells, sorted, write_op};
use crate::engine::flush::Next;

use crate::engine::Engine;
use crate::engine::input::{DbRow, DbState, RowView, TabView};
use crate::engine::pending::Pending;
use crate::engine::plan::Aim;
use crate::engine::rename::{KeyEdit, shown_key};
use crate::engine::rows::{Found, Rows, edited, lookalikes};
use crate::engine::weigh::Weighed;
use crate::engine::writing::Writing;
use crate::model::base::{BaseChange, RowBase};
use crate::model::grid::GridOp;
use crate::model::key::Key;

impl Engine {
    /// A row of the table beside its row in the tab: each column is decided, and what is the table's goes to the tab. A row outside
    /// of the filter leaves the tab instead, unless a person's cell in it is still to be decided.
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
        let weighed = self.weigh(index, (key, pending, row), base.as_ref(), seen, writing);
        let leaves = matches!(pending.state, DbState::Outside(_)) && !weighed.stays;
        if weighed.wait || (leaves && !self.tables[index].claims.is_empty()) {
            return Next::Wait;
        }
        if leaves && !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        self.list(index, (key, pending, row), &weighed, writing);
        let Weighed { base: new, cells, held, free, .. } = weighed;
        let holds = &mut self.tables[index].held;
        for at in free {
            holds.release(&(key.clone(), at));
        }
        for (at, held) in held {
            holds.hold((key.clone(), at), held);
        }
        if leaves {
            let slot = self.next_slot();
            let (read, spelled) = (as_read(tab, seen), None);
            let aim = Aim::RemoveRow { key: key.clone(), read, copied, outside: true, spelled };
            let grid = GridOp::Delete { sheet: tab.sheet, row: seen.row, slot };
            draft.deletes.push(planned(&self.tables[index], aim, grid));
            return Next::Carried(vec![key.clone()]);
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

    /// A key that a person changed is put back, unless the record takes it.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn draft_put_back(
        &mut self,
        index: usize,
        tab: &TabView,
        (key, row): (&Key, &DbRow),
        base: Option<&RowBase>,
        (seen, shown): (&RowView, Option<&Key>),
        draft: &mut Draft,
        writing: &mut Writing,
    ) -> Next {
        let table = &self.tables[index];
        let cells = key_cells(table, row, seen);
        let stays = matches!(table.key_edit(key, seen, shown), KeyEdit::Rename(_));
        if stays || cells.is_empty() || !draft.rows.insert((index, seen.row)) {
            return Next::Wait;
        }
        let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, seen));
        let base = base.cloned().unwrap_or_else(|| RowBase { columns: vec![None; table.width()] });
        let others = |shown: &Key| tab.rows.iter().filter(|row| shown_key(row) == Some(shown)).count() > 1;
        let known = |shown: &Key| table.base.contains_key(shown) || table.pending.contains_key(shown);
        let theirs = shown.is_some_and(|shown| known(shown) || others(shown));
        let aim = Aim::Rekey { from: shown.cloned(), to: key.clone(), columns, read, base, theirs };
        draft.writes.push(planned(table, aim, write_op(tab, seen.row, row, &cells)));
        self.list_put_back((index, key), (row, seen), writing);
        Next::Carried(vec![key.clone()])
    }

    /// A key that changed in the table is rewritten in place, and a key that a person changed is put back.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn draft_rekey(
        &mut self,
        index: usize,
        tab: &TabView,
        rows: &Rows<'_>,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<&RowBase>,
        draft: &mut Draft,
        writing: &mut Writing,
    ) -> Option<Next> {
        let table = &self.tables[index];
        if let Some(base) = base {
            let seen = lookalikes(table, rows).remove(key)?;
            let seen = (&*seen, shown_key(&seen));
            return Some(self.draft_put_back(index, tab, (key, row), Some(base), seen, draft, writing));
        }
        let old = pending.renamed_from.as_ref()?;
        let old_base = table.base.get(old)?;
        let is_gone = table.pending.get(old).is_some_and(|pending| matches!(pending.state, DbState::Gone(_)));
        let Found::Row(seen) = table.find(rows, old) else {
            return None;
        };
        if !is_gone || !draft.rows.insert((index, seen.row)) {
            return None;
        }
        let (cells, new) = renamed_cells(table, row, &seen, &old_base);
        let (columns, read) = (sorted(tab, cells.clone()), as_read(tab, &seen));
        let (from, to, theirs) = (Some(old.clone()), key.clone(), false);
        let aim = Aim::Rekey { from, to, columns, read, base: new, theirs };
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
            free && pending.state.row().is_some() && table.owed_key(key).is_none() && !table.is_fetching(key)
        })
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn draft_delete(
        &mut self,
        index: usize,
        tab: &TabView,
        key: &Key,
        base: &RowBase,
        (seen, copied, spelled): (&RowView, bool, Option<&Key>),
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
        let (read, spelled) = (as_read(tab, seen), spelled.cloned());
        let aim = Aim::RemoveRow { key: key.clone(), read, copied, outside: false, spelled };
        let grid = GridOp::Delete { sheet: tab.sheet, row: seen.row, slot };
        draft.deletes.push(planned(&self.tables[index], aim, grid));
        Next::Carried(vec![key.clone()])
    }
}
