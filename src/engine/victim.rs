//! Which row of a tab is the one that a batch hit by mistake: by its mark, else by its key and what was left there.
//!
//! A mend marks the row that it hits, whichever that is; of a first hit only the content tells. People type into such a row, clear
//! its key, sort it away, copy it, cut it, or delete it, and other rows may look the same.

use std::borrow::Cow;

use crate::engine::input::{KeySeen, RowView, TabView};
use crate::engine::mend::alike;
use crate::engine::owed::{Overwritten, Owed};
use crate::engine::rows::Rows;
use crate::engine::table::Table;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::mark::ClaimId;

/// What a hit left behind in its row.
#[derive(Clone, Copy)]
pub(super) struct Hit<'a> {
    /// The key that the row shows since; `None` for a row without one.
    pub(super) shows: Option<&'a Key>,
    /// What was overwritten.
    pub(super) cells: &'a [Overwritten],
    /// The whole row as it was.
    pub(super) was: &'a [GridCell],
    /// The mark on the row.
    pub(super) mark: Option<ClaimId>,
    /// The row is mended: a copy of it is looked for.
    pub(super) back: bool,
    /// The key that it shows is not its own.
    pub(super) rekeyed: bool,
    /// It was nowhere to be seen in the last read, or when another row got the key that it shows.
    pub(super) away: bool,
}

impl<'a> Hit<'a> {
    pub(super) fn of(owed: &'a Owed) -> Option<Self> {
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
    pub(super) fn healed(row: &'a [GridCell]) -> Self {
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
pub(super) enum Place<'a> {
    Here(Cow<'a, RowView>),
    /// The only row that it could be looks more like what another hit left: that one is paid first.
    Later,
    Nowhere,
}

/// A tab in which rows are looked for that were hit.
pub(super) struct Seen<'a, 'r> {
    pub(super) table: &'r Table,
    pub(super) tab: &'a TabView,
    pub(super) rows: &'r Rows<'a>,
}

impl<'a> Seen<'a, '_> {
    pub(super) fn place(&self, hit: Hit<'_>, (others, healed): (&[Hit<'_>], &[Hit<'_>])) -> Place<'a> {
        match self.find(hit, others) {
            Some(row) => Place::Here(row),
            None if self.find(hit, healed).is_some() => Place::Later,
            None => Place::Nowhere,
        }
    }

    /// The row that was hit: the one with its mark, if that shows what we wrote still. Without a mark it is told by its content,
    /// and a marked row is known to be another one. Where the mark is gone, with its row or from it, all of the row has to be as
    /// it was left.
    fn find(&self, hit: Hit<'_>, others: &[Hit<'_>]) -> Option<Cow<'a, RowView>> {
        let marked = hit.mark.and_then(|mark| self.tab.rows.claimed().find(|row| row.claims.contains(&mark)));
        let unmarked = |row: &RowView| !self.table.is_marked(row);
        match (marked, hit.mark) {
            (Some(row), _) if !hit.back => {
                hit.cells.iter().any(|cell| shows_ours(self.tab, &row, cell)).then_some(row)
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
    fn alike(
        &self,
        hit: Hit<'_>,
        others: &[Hit<'_>],
        of: impl Fn(&RowView) -> bool,
    ) -> Option<Cow<'a, RowView>> {
        let (tab, width) = (self.tab, self.tab.columns.len());
        let like = |row: &RowView| hit.likeness(tab, row);
        let rivals = || others.iter().filter(|other| other.shows == hit.shows);
        let mine = |row: &Cow<'_, RowView>| rivals().all(|rival| rival.likeness(tab, row) <= like(row));
        if let Some(key) = hit.shows {
            let ours = |row: &Cow<'_, RowView>| hit.cells.iter().any(|cell| shows_ours(tab, row, cell));
            let rows = self.rows.all(key).filter(|row| of(row) && !self.is_by_right(hit, key, row));
            let found = rows.filter(ours).filter(mine).max_by_key(|row| like(row));
            return found.or_else(|| self.cleared(hit, others).filter(|row| of(row)));
        }
        let text = |row: &Cow<'_, RowView>| {
            hit.cells.iter().any(|cell| !cell.wrote.value.is_blank() && shows_ours(tab, row, cell))
        };
        let among = || tab.rows.iter().filter(|row| of(row));
        let blank = || among().filter(|row| row.key == KeySeen::Blank);
        let shown = |row: &Cow<'_, RowView>| row.cells.iter().any(|cell| !cell.value.is_blank());
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

    /// Does the row have the key by right that another one shows since it was hit? Then it looks more like the record; where
    /// nothing tells, it has if the other one was away.
    fn is_by_right(&self, hit: Hit<'_>, key: &Key, row: &RowView) -> bool {
        if !hit.rekeyed {
            return false;
        }
        let Some(base) = self.table.base.get(key) else {
            return hit.away && self.table.dead.contains(key);
        };
        let columns = row.cells.iter().zip(&base.columns);
        let agreed = columns.filter(|(cell, base)| base.is_some_and(|base| base.cell == cell.value.digest()));
        let (agreed, left) = (agreed.count(), hit.likeness(self.tab, row));
        agreed > left || (agreed == left && hit.away)
    }

    /// Is the row mended, and does no copy of it show what we wrote?
    pub(super) fn is_over(&self, hit: Hit<'_>, key: &Key) -> bool {
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
    pub(super) fn is_away(&self, hit: Hit<'_>, others: &[Hit<'_>]) -> bool {
        if hit.rekeyed {
            return self.find(hit, &[]).is_none();
        }
        let Some(key) = hit.shows else { return false };
        let none = !self.rows.contains(key) && (hit.back || self.cleared(hit, others).is_none());
        // Of two rows with one key the one that was hit may be the one that is away.
        none || (!self.has_copy(hit) && matches!(self.table.doubles.get(key), Some(Some(_))))
    }

    /// Does a row with its key show what we wrote? What shows it still after the row was mended is a copy of it, and a copy has
    /// no mark.
    fn has_copy(&self, hit: Hit<'_>) -> bool {
        let theirs = |row: &RowView| !hit.back || hit.mark.is_none() || !self.table.is_marked(row);
        let ours = |row: &RowView| hit.cells.iter().any(|cell| shows_ours(self.tab, row, cell));
        let mut rows = hit.shows.into_iter().flat_map(|key| self.rows.all(key));
        rows.any(|row| theirs(&row) && ours(&row))
    }

    /// The one row whose key a person has cleared since it was hit: all else is as it was left, and no row without key was left so.
    fn cleared(&self, hit: Hit<'_>, others: &[Hit<'_>]) -> Option<Cow<'a, RowView>> {
        let table = self.table;
        let is_left = |(at, cell): (usize, &GridCell)| {
            let column = &table.plan.columns[at];
            column.key || alike(cell, Overwritten::expected(hit.cells, hit.was, self.tab.columns[at]))
        };
        let ours = |row: &RowView| {
            let mut cells = hit.cells.iter().filter(|cell| !cell.wrote.value.is_blank());
            cells.any(|cell| shows_ours(self.tab, row, cell))
        };
        let keyless = |row: &RowView| {
            let mut hits = others.iter().filter(|other| other.shows.is_none());
            hits.any(|other| other.likeness(self.tab, row) == self.tab.columns.len())
        };
        let mut rows = self.tab.rows.iter().filter(|row| {
            row.key == KeySeen::Blank
                && ours(row)
                && !keyless(row)
                && row.cells.iter().enumerate().all(is_left)
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
pub(super) fn shows_ours(tab: &TabView, row: &RowView, cell: &Overwritten) -> bool {
    let at = tab.columns.iter().position(|grid| *grid == cell.column);
    at.and_then(|at| row.cells.get(at)).is_some_and(|shown| alike(shown, &cell.wrote))
}
