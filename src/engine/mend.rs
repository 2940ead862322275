//! Paying what is owed to rows that a batch hit by mistake (protocol C4).
//!
//! Key cells go first, alone, unless their row looks more like what another hit left; then cells and rows. While a mend is open
//! nothing else is written to the spreadsheet. A row that cannot be told again is listed with its text, and the debt is struck. A row
//! with a key that is nowhere to be seen may come back from somebody's clipboard: its debt sleeps until then, and holds up nothing.
//! Where it shows another row's key, it is given up after the time in which a row counts as gone, and its record gets a new row.
//!
//! A mend is addressed by a row number too, and may hit a third row, which then looks like the one that it was meant for. So each
//! mend marks the row that it hits, with row metadata that follows it: from then on that row is known, whatever it shows.

use crate::engine::draft::{Draft, planned};
use crate::engine::effect::{Background, Conflict, Winner};
use crate::engine::input::{RowView, TabView, Trouble};
use crate::engine::owed::{Overwritten, Owed, OwedId};
use crate::engine::plan::Aim;
use crate::engine::rows::{Rows, key_of};
use crate::engine::victim::{Hit, Place, Seen, shows_ours};
use crate::engine::writing::Writing;
use crate::engine::{Engine, micros};
use crate::model::grid::{GridCell, GridOp};
use crate::model::key::Key;
use crate::model::mark::ClaimId;

impl Engine {
    /// True while a mend is open: then nothing else is read or written.
    pub(super) fn is_mending(&self) -> bool {
        self.owed.iter().any(|(id, owed)| owed.is_mend() && !self.asleep.contains_key(id))
    }

    /// A row that bears two marks was hit twice: it returns to its first before-image.
    pub(super) fn merge_debts(&mut self, tabs: &[Result<TabView, Trouble>], writing: &mut Writing) {
        for row in tabs.iter().flatten().flat_map(|tab| tab.rows.claimed()).filter(|row| row.claims.len() > 1)
        {
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
        let mut asleep = std::mem::take(&mut self.asleep);
        let (mut lost, mut wakes) = (Vec::new(), Vec::new());
        for (id, owed) in &self.owed {
            let others = self.owed.iter().filter(|(other, hit)| *other != id && hit.link() == owed.link());
            let others: Vec<Hit<'_>> = others.filter_map(|(_, other)| Hit::of(other)).collect();
            let (Some(hit), Some(index)) = (Hit::of(owed), self.table_named(owed.link())) else { continue };
            let hit = Hit { away: hit.away || asleep.contains_key(id), ..hit };
            let (Some(key), Some(Ok(tab))) = (hit.shows, tabs.get(index)) else { continue };
            let seen = Seen { table: &self.tables[index], tab, rows: &Rows::of(tab) };
            let grace = micros(seen.table.plan.rules.delete_grace).max(1);
            if seen.is_over(hit, key) && writing.whole[index] {
                writing.paid.push(*id);
            } else if !seen.is_away(hit, &others) || seen.table.dead.contains(key) {
                asleep.remove(id);
            } else if writing.whole[index] {
                let since = *asleep.entry(*id).or_insert(writing.asked);
                if hit.rekeyed && writing.asked >= since + grace {
                    lost.push((index, *id, owed.clone()));
                } else if hit.rekeyed {
                    wakes.push((index, since + grace));
                }
            }
        }
        self.asleep = asleep;
        for (index, at) in wakes {
            self.tables[index].wakes.insert(at);
        }
        for (index, id, owed) in lost {
            if let (Owed::KeyCells { wrong, victim, cells, .. }, Some(Ok(tab))) = (owed, tabs.get(index)) {
                self.list_overwritten(index, &tab.columns, wrong.as_ref(), &cells, &mut writing.conflicts);
                self.restore(index, victim);
                writing.paid.push(id);
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

    /// True while the row of this record shows another key, and a mend is to come: nobody deleted it.
    pub(super) fn is_hidden(&self, index: usize, key: &Key) -> bool {
        let mine = &self.tables[index].plan.rules.name;
        self.owed.values().any(|owed| match owed {
            Owed::KeyCells { link, victim, back, .. } => {
                link == mine && victim.as_ref() == Some(key) && !back
            }
            _ => false,
        })
    }

    /// The row of a record shows another key and cannot be told: the record goes to the sheet as a new row, nobody deleted it.
    fn restore(&mut self, index: usize, victim: Option<Key>) {
        let seq = self.seq;
        if let Some(key) = victim {
            self.tables[index].restore.insert(key.clone());
            self.tables[index].fetch(&key, seq);
        }
    }

    /// What stood in cells that cannot be put back is kept in the list. `grid`: where the link's columns stand.
    pub(super) fn list_overwritten(
        &mut self,
        index: usize,
        grid: &[u32],
        key: Option<&Key>,
        cells: &[Overwritten],
        conflicts: &mut Vec<Conflict>,
    ) {
        if let Some(key) = key {
            self.tables[index].showed(key, cells, self.clock);
        }
        conflicts.extend(cells.iter().map(|cell| Conflict {
            table: index,
            key: key.cloned(),
            column: grid.iter().position(|grid| *grid == cell.column),
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
            .filter(|(id, owed)| owed.is_mend() && !self.asleep.contains_key(id))
            .map(|(id, owed)| (*id, owed.clone()))
            .collect();
        let all = mends.clone();
        let is_key = |owed: &Owed| matches!(owed, Owed::KeyCells { .. });
        let waits = |id, owed| self.waits_for_another(id, owed, &all, writing);
        let keys_first = mends.iter().any(|(id, owed)| is_key(owed) && !waits(*id, owed));
        let mut at = vec![None; self.tables.len()];
        for (id, owed) in mends {
            if keys_first && !is_key(&owed) || draft.is_full(self.batch_limit) {
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
            let found = self.place(index, &tab, (id, &owed), &all);
            match owed {
                Owed::Cells { victim, cells, .. } => {
                    let row = match found {
                        Some(Place::Here(row)) => Some(row),
                        Some(Place::Later) => continue,
                        Some(Place::Nowhere) | None => None,
                    };
                    let victim = row.as_ref().map_or(victim, |row| key_of(&row.key));
                    self.draft_back((index, id), &tab, row.as_deref(), victim, &cells, draft, writing);
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
                    let wrong = row.as_ref().map_or(wrong, |row| key_of(&row.key));
                    self.draft_back((index, id), &tab, row.as_deref(), wrong, &cells, draft, writing);
                }
                // Also when its key stands in another row: that one is a copy, this one has the people's own cells.
                Owed::Row { slot, .. } => {
                    let place: &mut u32 = at[index].get_or_insert(Rows::of(&tab).below_last());
                    let grid = GridOp::Restore { sheet: tab.sheet, at: *place, slot };
                    *place += 1;
                    draft.inserts.push(planned(&self.tables[index], Aim::MendRow { owed: id }, grid));
                }
                Owed::Edit { .. } => {}
            }
        }
    }

    /// Where the row stands that this debt is of, while these are open.
    fn place<'t>(
        &self,
        index: usize,
        tab: &'t TabView,
        (id, owed): (OwedId, &Owed),
        all: &[(OwedId, Owed)],
    ) -> Option<Place<'t>> {
        let mine = &self.tables[index].plan.rules.name;
        let others = all.iter().filter(|(other, owed)| *other != id && owed.link() == mine);
        let healed = self.healed.iter().filter(|(link, _)| link == mine);
        let healed: Vec<Hit<'_>> = healed.map(|(_, row)| Hit::healed(row)).collect();
        let others: Vec<Hit<'_>> =
            others.filter_map(|(_, owed)| Hit::of(owed)).chain(healed.iter().copied()).collect();
        let seen = Seen { table: &self.tables[index], tab, rows: &Rows::of(tab) };
        Hit::of(owed).map(|hit| seen.place(hit, (&others, &healed)))
    }

    /// Is the only row that it could be more like what another hit left? Then it holds up none: that one is paid first.
    fn waits_for_another(&self, id: OwedId, owed: &Owed, all: &[(OwedId, Owed)], writing: &Writing) -> bool {
        let index = self.table_named(owed.link()).filter(|index| writing.whole[*index]);
        let tab = index.and_then(|index| Some((index, writing.view.tabs.get(index)?.as_ref().ok()?)));
        tab.is_some_and(|(index, tab)| matches!(self.place(index, tab, (id, owed), all), Some(Place::Later)))
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
            self.list_overwritten(index, &tab.columns, victim.as_ref(), cells, &mut writing.conflicts);
            writing.paid.push(id);
            return;
        };
        if !draft.rows.insert((index, row.row)) {
            return;
        }
        let columns = tab.columns.iter().zip(&row.cells).zip(&self.tables[index].plan.columns);
        // A key that goes back tells its row alone, whatever is typed into that meanwhile.
        let is_key = |at: usize| self.tables[index].plan.columns.get(at).is_some_and(|column| column.key);
        let place = |cell: &Overwritten| tab.columns.iter().position(|grid| *grid == cell.column);
        // A wrong key that a person has cleared since makes no new record of the row: the right one goes there all the same.
        let cleared = |cell: &Overwritten| {
            let key = place(cell).filter(|at| is_key(*at)).and_then(|at| row.cells.get(at));
            key.is_some_and(|key| alike(key, &GridCell::BLANK)) && !cell.before.value.is_blank()
        };
        let ours: Vec<&Overwritten> =
            cells.iter().filter(|cell| shows_ours(tab, row, cell) || cleared(cell)).collect();
        let back = ours.iter().map(|cell| (cell.column, cell.before.clone())).collect();
        let read = ours.iter().map(|cell| if cleared(cell) { GridCell::BLANK } else { cell.wrote.clone() });
        let read = read.collect();
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

/// The same content for a person's eye.
pub(crate) fn alike(a: &GridCell, b: &GridCell) -> bool {
    a.value.digest() == b.value.digest() && a.formula == b.formula
}
