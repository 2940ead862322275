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

    /// Which mends sleep, because no row shows their key, and which have nothing left to do: no copy shows what we wrote.
    pub(super) fn look_for_victims(&mut self, tabs: &[Result<TabView, Trouble>], writing: &mut Writing) {
        for (id, owed) in &self.owed {
            let Owed::Cells { link, victim: Some(key), cells, back, mark, .. } = owed else { continue };
            let Some(index) = self.table_named(link) else { continue };
            let (Some(Ok(tab)), table) = (tabs.get(index), &self.tables[index]) else { continue };
            let rows: Vec<&RowView> =
                tab.rows.iter().filter(|row| row.key == KeySeen::Key(key.clone())).collect();
            // What shows it still after the row was mended is a copy of it, and a copy has no mark.
            let theirs = |row: &&&RowView| !*back || mark.is_none() || !table.is_marked(row);
            let shows =
                rows.iter().filter(theirs).any(|row| cells.iter().any(|cell| shows_ours(tab, row, cell)));
            // Of two rows with one key the one that was hit may be the one that is away.
            let away = rows.is_empty() || (!shows && matches!(table.doubles.get(key), Some(Some(_))));
            if !away || table.dead.contains(key) {
                self.asleep.remove(id);
            } else if writing.whole[index] {
                self.asleep.insert(*id);
            }
            if *back && writing.whole[index] && (rows.len() < 2 || !shows) {
                writing.paid.push(*id);
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
            match owed {
                Owed::Cells { victim, cells, row: was, back, mark, .. } => {
                    let hit = Hit { shows: victim.as_ref(), cells: &cells, was: &was, mark, back };
                    let row = match seen.place(hit, (&others, &healed)) {
                        Place::Here(row) => Some(row),
                        Place::Later => continue,
                        Place::Nowhere => None,
                    };
                    let victim = victim.or_else(|| row.and_then(|row| key_of(&row.key)));
                    self.draft_back((index, id), &tab, row, victim, &cells, draft, writing);
                }
                Owed::KeyCells { wrong, victim, cells, row: was, mark, .. } => {
                    let hit = Hit { shows: wrong.as_ref(), cells: &cells, was: &was, mark, back: false };
                    let row = match seen.place(hit, (&others, &healed)) {
                        Place::Here(row) => Some(row),
                        Place::Later => continue,
                        Place::Nowhere => None,
                    };
                    if let (None, Some(key)) = (row, victim) {
                        // It cannot be told again: the record goes to the sheet as a new row, nobody deleted it.
                        let seq = self.seq;
                        self.tables[index].restore.insert(key.clone());
                        self.tables[index].fetch(&key, seq);
                    }
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
            // Somebody has written over it since, or the row is gone: what stood there is kept in the list.
            if let Some(key) = &victim {
                self.tables[index].showed(key, cells, self.clock);
            }
            for cell in cells {
                let column = tab.columns.iter().position(|grid| *grid == cell.column);
                writing.conflicts.push(Conflict {
                    table: index,
                    key: victim.clone(),
                    column,
                    database: None,
                    sheet: Some(cell.before.value.clone()),
                    winner: Winner::Nobody,
                    rule: "overwritten by mistake, and changed again before it could be put back".into(),
                    background: Background::default(),
                });
            }
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
}

impl<'a> Hit<'a> {
    fn of(owed: &'a Owed) -> Option<Self> {
        let (shows, cells, was, back) = match owed {
            Owed::Cells { victim, cells, row, back, .. } => (victim.as_ref(), cells, row, *back),
            Owed::KeyCells { wrong, cells, row, .. } => (wrong.as_ref(), cells, row, false),
            Owed::Row { .. } | Owed::Edit { .. } => return None,
        };
        Some(Self { shows, cells, was, mark: owed.mark(), back })
    }

    /// A row without key that has its cells back: no other hit is meant by them.
    fn healed(row: &'a [GridCell]) -> Self {
        Self { shows: None, cells: &[], was: row, mark: None, back: false }
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
                let same = |row: &RowView| hit.back || hit.likeness(self.tab, row) == self.tab.columns.len();
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
            let rows = self.rows.all(key).filter(|row| of(row));
            return rows.filter(ours).filter(mine).max_by_key(|row| like(row));
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
