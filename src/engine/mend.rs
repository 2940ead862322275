//! Paying what is owed to rows that a batch hit by mistake (protocol C4).
//!
//! Key cells go first, alone; then cells and rows. While a mend is open nothing else is written to the spreadsheet. A row that
//! cannot be told again is listed with its text, and the debt is struck. A row with a key that is nowhere to be seen may come
//! back from somebody's clipboard: its debt sleeps until then, and holds up nothing.
//!
//! A mend is addressed by a row number too, and may hit a third row, which then looks like the one that it was meant for. So each
//! mend marks the row that it hits, with row metadata that follows it: from then on that row is known, whatever it shows.

use crate::engine::Engine;
use crate::engine::draft::{Draft, planned};
use crate::engine::effect::{Background, Conflict, Winner};
use crate::engine::input::{KeySeen, RowView, TabView, Trouble};
use crate::engine::owed::{Overwritten, Owed, OwedId};
use crate::engine::plan::Aim;
use crate::engine::rows::{Rows, key_of};
use crate::engine::table::Table;
use crate::engine::writing::Writing;
use crate::model::grid::{GridCell, GridOp};
use crate::model::key::Key;
use crate::model::mark::ClaimId;

impl Engine {
    /// True while a mend is open: then nothing else is read or written.
    pub(super) fn is_mending(&self) -> bool {
        self.owed.iter().any(|(id, owed)| owed.is_mend() && !self.asleep.contains(id))
    }

    /// A row that bears two marks was hit twice: it returns to its first before-image.
    pub(super) fn merge_debts(&mut self, tabs: &[Result<TabView, Trouble>], writing: &mut Writing) {
        for row in tabs.iter().flatten().flat_map(|tab| &tab.rows).filter(|row| row.claims.len() > 1) {
            let marked = self
                .owed
                .iter()
                .filter(|(_, owed)| owed.mark().is_some_and(|mark| row.claims.contains(&mark)));
            let ids: Vec<OwedId> = marked.map(|(id, _)| *id).collect();
            for (at, id) in ids.iter().enumerate() {
                for earlier in &ids[..at] {
                    self.merge_two(*id, *earlier, writing);
                }
            }
        }
    }

    fn merge_two(&mut self, id: OwedId, earlier: OwedId, writing: &mut Writing) {
        let (Some(mut owed), Some(mut first)) =
            (self.owed.get(&id).cloned(), self.owed.get(&earlier).cloned())
        else {
            return;
        };
        if owed.mark() == first.mark() || !owed.merge(&mut first) {
            return;
        }
        for (id, owed) in [(id, owed), (earlier, first)] {
            if owed.is_nothing() {
                self.owed.remove(&id);
                writing.paid.push(id);
            } else {
                writing.owe.retain(|(known, _)| *known != id);
                writing.owe.push((id, owed.clone()));
                self.owed.insert(id, owed);
            }
        }
    }

    /// Which mends sleep, because no row shows their key, and which have nothing left to do: no copy shows what we wrote.
    pub(super) fn look_for_victims(&mut self, tabs: &[Result<TabView, Trouble>], writing: &mut Writing) {
        let mut unseen = Vec::new();
        for (id, owed) in &self.owed {
            let (Some(hit), Some(index)) = (Hit::of(owed), self.table_named(owed.link())) else { continue };
            let (Some(key), Some(Ok(tab))) = (hit.shows, tabs.get(index)) else { continue };
            let seen = Seen { table: &self.tables[index], tab, rows: &Rows::of(tab) };
            if seen.is_over(hit, key) && writing.whole[index] {
                writing.paid.push(*id);
                continue;
            }
            if !seen.is_away(hit) || seen.table.dead.contains(key) {
                self.asleep.remove(id);
            } else if writing.whole[index] && self.asleep.insert(*id) {
                unseen.push((index, *id));
            }
        }
        for (index, id) in unseen {
            let (Some(owed), Some(Ok(tab))) = (self.owed.get_mut(&id), tabs.get(index)) else { continue };
            let Owed::KeyCells { away, .. } = owed else { continue };
            if std::mem::replace(away, true) {
                continue;
            }
            writing.owe.retain(|(known, _)| *known != id);
            writing.owe.push((id, owed.clone()));
            if let Owed::KeyCells { wrong, victim, cells, .. } = owed.clone() {
                self.list_overwritten(index, tab, wrong.as_ref(), &cells, writing);
                self.restore(index, victim);
            }
        }
        for id in &writing.paid {
            self.owed.remove(id);
            self.asleep.remove(id);
        }
        if !self.is_mending() {
            self.healed.clear();
        }
    }

    /// The row of a record shows another key and is nowhere to be seen: the record goes to the sheet as a new row, nobody
    /// deleted it.
    fn restore(&mut self, index: usize, victim: Option<Key>) {
        let seq = self.seq;
        if let Some(key) = victim {
            self.tables[index].restore.insert(key.clone());
            self.tables[index].fetch(&key, seq);
        }
    }

    /// What stood in cells that cannot be put back is kept in the list.
    fn list_overwritten(
        &mut self,
        index: usize,
        tab: &TabView,
        key: Option<&Key>,
        cells: &[Overwritten],
        writing: &mut Writing,
    ) {
        if let Some(key) = key {
            self.tables[index].showed(key, cells, self.clock);
        }
        writing.conflicts.extend(cells.iter().map(|cell| Conflict {
            table: index,
            key: key.cloned(),
            column: tab.columns.iter().position(|grid| *grid == cell.column),
            database: None,
            sheet: Some(cell.before.value.clone()),
            winner: Winner::Nobody,
            rule: "overwritten by mistake, and changed again before it could be put back".into(),
            background: Background::default(),
        }));
    }

    pub(super) fn draft_mends(&mut self, draft: &mut Draft, writing: &mut Writing) {
        let mends: Vec<(OwedId, Owed)> = self
            .owed
            .iter()
            .filter(|(id, owed)| owed.is_mend() && !self.asleep.contains(id))
            .map(|(id, owed)| (*id, owed.clone()))
            .collect();
        let all = mends.clone();
        let keys_first = mends.iter().any(|(_, owed)| matches!(owed, Owed::KeyCells { .. }));
        let mut at = vec![None; self.tables.len()];
        for (id, owed) in mends {
            if keys_first && !matches!(owed, Owed::KeyCells { .. }) || draft.writes.len() >= self.batch_limit
            {
                continue;
            }
            let Some(index) = self.table_named(owed.link()) else {
                writing.paid.push(id);
                continue;
            };
            let Some(Ok(tab)) = writing.view.tabs.get(index).cloned() else {
                continue;
            };
            if !writing.whole[index] {
                continue;
            }
            let rows = Rows::of(&tab);
            let mine = self.tables[index].plan.rules.name.clone();
            let others = all.iter().filter(|(other, owed)| *other != id && *owed.link() == mine);
            let healed = self.healed.iter().filter(|(link, _)| *link == mine);
            let healed: Vec<Hit<'_>> = healed.map(|(_, row)| Hit::healed(row)).collect();
            let others: Vec<Hit<'_>> =
                others.filter_map(|(_, owed)| Hit::of(owed)).chain(healed.iter().copied()).collect();
            let seen = Seen { table: &self.tables[index], tab: &tab, rows: &rows };
            let found = Hit::of(&owed).map(|hit| seen.place(hit, (&others, &healed)));
            match owed {
                Owed::Cells { victim, cells, .. } => {
                    let row = match found {
                        Some(Place::Here(row)) => Some(row),
                        Some(Place::Later) => continue,
                        Some(Place::Nowhere) | None => None,
                    };
                    let victim = row.map_or(victim, |row| key_of(&row.key));
                    self.draft_back((index, id), &tab, row, victim, &cells, draft, writing);
                }
                Owed::KeyCells { wrong, victim, cells, .. } => {
                    let row = match found {
                        Some(Place::Here(row)) => Some(row),
                        Some(Place::Later) => continue,
                        Some(Place::Nowhere) | None => None,
                    };
                    if row.is_none() {
                        self.restore(index, victim);
                    }
                    let wrong = row.map_or(wrong, |row| key_of(&row.key));
                    self.draft_back((index, id), &tab, row, wrong, &cells, draft, writing);
                }
                // Also when its key stands in another row: that one is a copy, this one has the people's own cells.
                Owed::Row { slot, .. } => {
                    let place: &mut u32 = at[index].get_or_insert(rows.below_last());
                    let grid = GridOp::Restore { sheet: tab.sheet, at: *place, slot };
                    *place += 1;
                    draft.inserts.push(planned(&self.tables[index], Aim::MendRow { owed: id }, grid));
                }
                Owed::Edit { .. } => {}
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn draft_back(
        &mut self,
        (index, id): (usize, OwedId),
        tab: &TabView,
        row: Option<&RowView>,
        victim: Option<Key>,
        cells: &[Overwritten],
        draft: &mut Draft,
        writing: &mut Writing,
    ) {
        let Some(row) = row else {
            // Somebody has written over it since, or the row is gone.
            self.list_overwritten(index, tab, victim.as_ref(), cells, writing);
            writing.paid.push(id);
            return;
        };
        if !draft.rows.insert((index, row.row)) {
            return;
        }
        let ours: Vec<&Overwritten> = cells.iter().filter(|cell| shows_ours(tab, row, cell)).collect();
        let back = ours.iter().map(|cell| (cell.column, cell.before.clone())).collect();
        let read = ours.iter().map(|cell| cell.wrote.clone()).collect();
        let columns = tab.columns.iter().zip(&row.cells).zip(&self.tables[index].plan.columns);
        // A key that goes back tells its row alone, whatever is typed into that meanwhile.
        let is_key = |at: usize| self.tables[index].plan.columns.get(at).is_some_and(|column| column.key);
        let place = |cell: &Overwritten| tab.columns.iter().position(|grid| *grid == cell.column);
        let rekeys = cells.iter().filter_map(place).any(is_key);
        let copied = !rekeys && tab.rows.iter().filter(|other| other.key == row.key).count() > 1;
        let told_by_cells = copied || victim.is_none();
        let rest = columns.filter(|(_, column)| told_by_cells && !column.key);
        let whole = rest.map(|((grid, cell), _)| (*grid, cell.clone())).collect();
        let aim = Aim::MendCells { owed: id, victim, read, whole };
        let grid = GridOp::Write { sheet: tab.sheet, row: row.row, cells: back };
        let mut mend = planned(&self.tables[index], aim, grid);
        if draft.writes.len() + 1 < self.batch_limit {
            let mark = ClaimId(self.next_effect_id().0);
            mend.mark = Some(mark);
            draft.writes.push(mend);
            let grid = GridOp::Claim { sheet: tab.sheet, row: row.row, claim: mark };
            draft.writes.push(planned(&self.tables[index], Aim::Claim(mark), grid));
        } else {
            draft.writes.push(mend);
        }
    }
}

/// What a hit left behind in its row.
#[derive(Clone, Copy)]
struct Hit<'a> {
    /// The key that the row shows since; `None` for a row without one.
    shows: Option<&'a Key>,
    /// What was overwritten.
    cells: &'a [Overwritten],
    /// The whole row as it was.
    was: &'a [GridCell],
    /// The mark on the row.
    mark: Option<ClaimId>,
    /// The row is mended: a copy of it is looked for.
    back: bool,
    /// The key that it shows is not its own.
    rekeyed: bool,
    /// It was nowhere to be seen once.
    away: bool,
}

impl<'a> Hit<'a> {
    fn of(owed: &'a Owed) -> Option<Self> {
        let mark = owed.mark();
        match owed {
            Owed::Cells { victim, cells, row: was, back, .. } => {
                let (shows, back) = (victim.as_ref(), *back);
                Some(Self { shows, cells, was, mark, back, rekeyed: false, away: false })
            }
            Owed::KeyCells { wrong, cells, row: was, back, away, .. } => {
                let (shows, back, away) = (wrong.as_ref(), *back, *away);
                Some(Self { shows, cells, was, mark, back, rekeyed: true, away })
            }
            Owed::Row { .. } | Owed::Edit { .. } => None,
        }
    }

    /// A row without key that has its cells back: no other hit is meant by them.
    fn healed(row: &'a [GridCell]) -> Self {
        Self { shows: None, cells: &[], was: row, mark: None, back: false, rekeyed: false, away: false }
    }

    /// How many of the row's cells are as the hit left them.
    fn likeness(&self, tab: &TabView, row: &RowView) -> usize {
        let as_left = |(grid, cell): &(&u32, &GridCell)| {
            alike(cell, Overwritten::expected(self.cells, self.was, **grid))
        };
        tab.columns.iter().zip(&row.cells).filter(as_left).count()
    }
}

/// Where a row that was hit stands.
enum Place<'a> {
    Here(&'a RowView),
    /// The only row that it could be looks more like what another hit left: that one is paid first.
    Later,
    Nowhere,
}

/// A tab in which rows are looked for that were hit.
struct Seen<'a, 'r> {
    table: &'r Table,
    tab: &'a TabView,
    rows: &'r Rows<'a>,
}

impl<'a> Seen<'a, '_> {
    fn place(&self, hit: Hit<'_>, (others, healed): (&[Hit<'_>], &[Hit<'_>])) -> Place<'a> {
        match self.find(hit, others) {
            Some(row) => Place::Here(row),
            None if self.find(hit, healed).is_some() => Place::Later,
            None => Place::Nowhere,
        }
    }

    /// The row that was hit: the one with its mark, if that shows what we wrote still. Without a mark it is told by its content,
    /// and a marked row is known to be another one. Where the mark is gone, with its row or from it, all of the row has to be as
    /// it was left.
    fn find(&self, hit: Hit<'_>, others: &[Hit<'_>]) -> Option<&'a RowView> {
        let marked = hit.mark.and_then(|mark| self.tab.rows.iter().find(|row| row.claims.contains(&mark)));
        let unmarked = |row: &RowView| !self.table.is_marked(row);
        match (marked, hit.mark) {
            (Some(row), _) if !hit.back => {
                hit.cells.iter().any(|cell| shows_ours(self.tab, row, cell)).then_some(row)
            }
            (_, Some(_)) => {
                let some = hit.back && !hit.rekeyed;
                let same = |row: &RowView| some || hit.likeness(self.tab, row) == self.tab.columns.len();
                self.alike(hit, others, |row| unmarked(row) && same(row))
            }
            (_, None) => self.alike(hit, others, unmarked).or_else(|| self.alike(hit, others, |_| true)),
        }
    }

    /// Of these rows the one that shows this key and what we wrote; among several the one that is most like what was left, and
    /// never one that is more like what another hit left (`others`; those that show the same key count). A row without key that
    /// shows only our blanks must be the one row that is all as it was left; an empty one cannot be told at all. It may also have
    /// been named since.
    fn alike(&self, hit: Hit<'_>, others: &[Hit<'_>], of: impl Fn(&RowView) -> bool) -> Option<&'a RowView> {
        let (tab, width) = (self.tab, self.tab.columns.len());
        let like = |row: &RowView| hit.likeness(tab, row);
        let rivals = || others.iter().filter(|other| other.shows == hit.shows);
        let mine = |row: &&RowView| rivals().all(|rival| rival.likeness(tab, row) <= like(row));
        if let Some(key) = hit.shows {
            let ours = |row: &&RowView| hit.cells.iter().any(|cell| shows_ours(tab, row, cell));
            let rows = self.rows.all(key).filter(|row| of(row) && !self.is_by_right(hit, key, row));
            let found = rows.filter(ours).filter(mine).max_by_key(|row| like(row));
            return found.or_else(|| self.cleared(hit).filter(|row| of(row)));
        }
        let text = |row: &&RowView| {
            hit.cells.iter().any(|cell| !cell.wrote.value.is_blank() && shows_ours(tab, row, cell))
        };
        let among = || tab.rows.iter().filter(|row| of(row));
        let blank = || among().filter(|row| row.key == KeySeen::Blank);
        let shown = |row: &&RowView| row.cells.iter().any(|cell| !cell.value.is_blank());
        let mut whole = blank().filter(|row| shown(row) && like(row) == width);
        let alone = whole.next().filter(|_| whole.next().is_none());
        let keys = self.table.plan.columns.iter().filter(|column| column.key).count();
        let named = || among().filter(|row| matches!(row.key, KeySeen::Key(_)) && text(row));
        blank()
            .filter(text)
            .filter(mine)
            .max_by_key(|row| like(row))
            .or(alone)
            .or_else(|| named().find(|row| like(row) + keys == width))
    }
}

impl<'a> Seen<'a, '_> {
    /// Does the row have the key by right that another one shows since it was hit? Then it looks more like the record; where
    /// nothing tells, it has if the other one was away.
    fn is_by_right(&self, hit: Hit<'_>, key: &Key, row: &RowView) -> bool {
        let Some(base) = self.table.base.get(key).filter(|_| hit.rekeyed) else { return false };
        let columns = row.cells.iter().zip(&base.columns);
        let agreed = columns.filter(|(cell, base)| base.is_some_and(|base| base.cell == cell.value.digest()));
        let (agreed, left) = (agreed.count(), hit.likeness(self.tab, row));
        agreed > left || (agreed == left && hit.away)
    }

    /// Is the row mended, and does no copy of it show what we wrote?
    fn is_over(&self, hit: Hit<'_>, key: &Key) -> bool {
        let copied = || {
            if hit.rekeyed {
                self.find(hit, &[]).is_some()
            } else {
                self.rows.all(key).nth(1).is_some() && self.has_copy(hit)
            }
        };
        hit.back && !copied()
    }

    /// Is the row that was hit nowhere in the tab, though it may come back?
    fn is_away(&self, hit: Hit<'_>) -> bool {
        if hit.rekeyed {
            return self.find(hit, &[]).is_none();
        }
        let Some(key) = hit.shows else { return false };
        let none = !self.rows.contains(key) && (hit.back || self.cleared(hit).is_none());
        // Of two rows with one key the one that was hit may be the one that is away.
        none || (!self.has_copy(hit) && matches!(self.table.doubles.get(key), Some(Some(_))))
    }

    /// Does a row with its key show what we wrote? What shows it still after the row was mended is a copy of it, and a copy has
    /// no mark.
    fn has_copy(&self, hit: Hit<'_>) -> bool {
        let theirs = |row: &RowView| !hit.back || hit.mark.is_none() || !self.table.is_marked(row);
        let ours = |row: &RowView| hit.cells.iter().any(|cell| shows_ours(self.tab, row, cell));
        let mut rows = hit.shows.into_iter().flat_map(|key| self.rows.all(key));
        rows.any(|row| theirs(row) && ours(row))
    }

    /// The one row whose key a person has cleared since it was hit: all else is as it was left.
    fn cleared(&self, hit: Hit<'_>) -> Option<&'a RowView> {
        let table = self.table;
        let is_left = |(at, cell): (usize, &GridCell)| {
            let column = &table.plan.columns[at];
            column.key || alike(cell, Overwritten::expected(hit.cells, hit.was, self.tab.columns[at]))
        };
        let ours = |row: &RowView| {
            let mut cells = hit.cells.iter().filter(|cell| !cell.wrote.value.is_blank());
            cells.any(|cell| shows_ours(self.tab, row, cell))
        };
        let mut rows = self.tab.rows.iter().filter(|row| {
            row.key == KeySeen::Blank && ours(row) && row.cells.iter().enumerate().all(is_left)
        });
        rows.next().filter(|_| rows.next().is_none())
    }
}

impl Table {
    /// Does a mark stand on the row? Claims of new rows are none.
    pub(super) fn is_marked(&self, row: &RowView) -> bool {
        row.claims.iter().any(|claim| !self.fresh.contains(claim) && !self.claims.contains_key(claim))
    }
}

/// True when the cell at this grid column shows what we wrote. Columns that the link does not have are taken as ours: a typed
/// read of them is not at hand, and only linked columns are ever written.
fn shows_ours(tab: &TabView, row: &RowView, cell: &Overwritten) -> bool {
    let at = tab.columns.iter().position(|grid| *grid == cell.column);
    at.and_then(|at| row.cells.get(at)).is_some_and(|shown| alike(shown, &cell.wrote))
}

/// The same content for a person's eye.
pub(crate) fn alike(a: &GridCell, b: &GridCell) -> bool {
    a.value.digest() == b.value.digest() && a.formula == b.formula
}
