//! Finding rows in a read: by key, never by number (design rule 7).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::input::{DbRow, DbState, KeySeen, LinkPlan, Micros, RowView, TabView};
use crate::engine::table::Table;
use crate::model::base::RowBase;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::key::Key;

/// The rows of one tab by their keys.
pub(crate) struct Rows<'a> {
    tab: &'a TabView,
    /// The places of the rows that show a key, in the order of the keys.
    by_key: Vec<u32>,
    /// Keys of records that come, whose row was left to the record that it looks like: that one.
    left: BTreeMap<Key, Key>,
}

/// What a read shows of a key.
pub(crate) enum Found<'a> {
    /// No row.
    Nowhere,
    /// One row, or the one among several that equals base.
    Row(Cow<'a, RowView>),
    /// Several rows of which none, or more than one, equals base: all are held (protocol C10).
    Many,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(tab: &'a TabView) -> Self {
        Self { tab, by_key: tab.rows.by_key(), left: BTreeMap::new() }
    }

    /// A row whose key cells a person has changed is its own record's, and not that of a record which has just come with the key
    /// that it shows. A read of single rows tells of no record that it is missing: there every key stands where it stood.
    pub(crate) fn leave_alike(mut self, table: &Table, whole: bool) -> Self {
        let comes = |key: &Key| !table.base.contains_key(key) && table.pending.contains_key(key);
        if !whole || !self.keys().any(|key| comes(&key)) {
            return self;
        }
        let alike: BTreeMap<u32, Key> =
            lookalikes(table, &self).into_iter().map(|(key, row)| (row.row, key)).collect();
        let (rows, left) = (&self.tab.rows, &mut self.left);
        self.by_key.retain(|at| {
            let owner = alike.get(&rows.number(*at as usize));
            let Some((key, owner)) = rows.key(*at as usize).filter(|key| comes(key)).zip(owner) else {
                return true;
            };
            left.insert(key.into_owned(), owner.clone());
            false
        });
        self
    }

    /// The record to which a row with this key was left.
    pub(crate) fn left_to(&self, key: &Key) -> Option<&Key> {
        self.left.get(key)
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        !self.tab.rows.find(&self.by_key, key).is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Cow<'a, Key>> + '_ {
        self.counts().map(|(key, _)| key)
    }

    /// The key as a row spells it, where that is another spelling of its own.
    pub(crate) fn spelled(&self, row: &RowView) -> Option<&'a Key> {
        self.tab.spelled.get(&row.row)
    }

    /// All rows that show the key.
    pub(crate) fn all(&self, key: &Key) -> impl Iterator<Item = Cow<'a, RowView>> + '_ {
        let rows = &self.tab.rows;
        self.by_key[rows.find(&self.by_key, key)].iter().map(|at| rows.get(*at as usize))
    }

    pub(crate) fn find(&self, key: &Key, base: Option<&RowBase>) -> Found<'a> {
        let mut rows = self.all(key);
        let Some(first) = rows.next() else {
            return Found::Nowhere;
        };
        if rows.next().is_none() {
            return Found::Row(first);
        }
        let Some(base) = base else { return Found::Many };
        let mut equal = self.all(key).filter(|row| shows(row, base));
        match (equal.next(), equal.next()) {
            (Some(row), None) => Found::Row(row),
            _ => Found::Many,
        }
    }

    /// The rows of each key that stands in the tab.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Cow<'a, Key>, usize)> + '_ {
        let rows = &self.tab.rows;
        let same = |one: &u32, other: &u32| rows.compare(*one as usize, *other as usize).is_eq();
        let key = |places: &[u32]| Some((rows.key(*places.first()? as usize)?, places.len()));
        self.by_key.chunk_by(same).filter_map(key)
    }

    /// Where new rows go: below the last row that has a key (protocol C5).
    pub(crate) fn below_last(&self) -> u32 {
        let keyed = self.by_key.iter().map(|at| self.tab.rows.number(*at as usize));
        keyed.max().map_or(1, |row| row + 1)
    }
}

impl Table {
    /// What a read of the whole tab says of keys that stood in several rows: one alone is believed when it is left for as long as
    /// it takes a row to count as gone.
    pub(crate) fn count_doubles(&mut self, rows: &Rows<'_>, asked: Micros) {
        let grace = super::micros(self.plan.rules.delete_grace).max(1);
        for (key, count) in rows.counts() {
            if count > 1 {
                self.doubles.insert(key.into_owned(), None);
            } else if let Some(alone) = self.doubles.get_mut(&*key) {
                let since = *alone.get_or_insert(asked);
                if asked >= since + grace {
                    self.doubles.remove(&*key);
                } else {
                    self.wakes.insert(since + grace);
                }
            }
        }
        self.doubles.retain(|key, _| rows.contains(key));
    }

    /// The row of a key.
    pub(crate) fn find<'a>(&self, rows: &Rows<'a>, key: &Key) -> Found<'a> {
        let one = rows.find(key, None);
        if matches!(one, Found::Nowhere) || matches!(one, Found::Row(_)) && !self.doubles.contains_key(key) {
            return one;
        }
        let base = self.base.get(key);
        match rows.find(key, base.as_ref()) {
            Found::Row(row)
                if self.doubles.contains_key(key) && !base.is_some_and(|base| shows(&row, &base)) =>
            {
                Found::Many
            }
            found => found,
        }
    }
}

/// The key, where a row shows one.
pub(crate) fn key_of(seen: &KeySeen) -> Option<Key> {
    match seen {
        KeySeen::Key(key) => Some(key.clone()),
        KeySeen::Blank | KeySeen::Unreadable => None,
    }
}

/// True when every cell shows what base holds.
fn shows(row: &RowView, base: &RowBase) -> bool {
    row.cells
        .iter()
        .zip(&base.columns)
        .all(|(cell, base)| base.is_some_and(|b| b.cell == cell.value.digest()))
}

impl Table {
    /// Does a read still show something else of the row than base holds? So it does of a row that it does not show.
    pub(super) fn differs(&self, key: &Key, rows: &Rows<'_>) -> bool {
        let Some(base) = self.base.get(key) else { return false };
        rows.all(key).next().is_none_or(|row| !shows(&row, &base))
    }
}

/// The columns that people changed since base; one that never agreed counts when something stands in it. Formulas and errors
/// are nobody's value: what a formula gives by itself brings no deleted row back.
pub(crate) fn edited(plan: &LinkPlan, row: &RowView, base: &RowBase) -> Vec<usize> {
    let changed = |at: &usize| {
        let (cell, base) = (&row.cells[*at], base.columns.get(*at).copied().flatten());
        !plan.columns[*at].key
            && cell.formula.is_none()
            && !matches!(cell.value, Cell::Error(_))
            && base.map_or(!cell.value.is_blank(), |base| base.cell != cell.value.digest())
    };
    (0..row.cells.len()).filter(changed).collect()
}

/// The content of a row without its key cells, as one comparable thing; `None` when it is blank there.
pub(crate) fn content(plan: &LinkPlan, row: &RowView) -> Option<Vec<Digest>> {
    let cells =
        || row.cells.iter().zip(&plan.columns).filter(|(_, column)| !column.key).map(|(cell, _)| cell);
    cells().any(|cell| !cell.value.is_blank()).then(|| cells().map(|cell| cell.value.digest()).collect())
}

/// The same of a base, with cells that are held as they are; `None` where a column was never decided.
fn content_as_known(table: &Table, key: &Key, base: &RowBase) -> Option<Vec<Digest>> {
    let columns = base.columns.iter().zip(&table.plan.columns).enumerate();
    let columns = columns.filter(|(_, (_, column))| !column.key);
    let known = |at: usize| table.held.get(&(key.clone(), at)).map(|held| held.cell);
    columns.map(|(at, (base, _))| known(at).or(base.map(|base| base.cell))).collect()
}

/// Does the row show this beside its key?
fn is_content(plan: &LinkPlan, row: &RowView, there: &DbRow) -> bool {
    let columns = plan.columns.iter().zip(&row.cells).zip(there).filter(|((column, _), _)| !column.key);
    columns.into_iter().all(|((_, cell), there)| cell.value.digest() == there.shown.digest())
}

/// One number for a content, for timers.
pub(crate) fn fingerprint(row: &RowView) -> Digest {
    let bytes: Vec<u8> = row.cells.iter().flat_map(|cell| cell.value.digest().0.to_be_bytes()).collect();
    Digest::of(&bytes)
}

/// Rows whose key cells were cleared or changed by a person: without a key that means something to us, or with that of a record
/// whose own row stands elsewhere, and with exactly the content of a row that is missing. Only a content that stands once on each
/// side tells anything.
pub(crate) fn lookalikes<'a>(table: &Table, rows: &Rows<'a>) -> BTreeMap<Key, Cow<'a, RowView>> {
    let mut lost: BTreeMap<Vec<Digest>, Vec<Key>> = BTreeMap::new();
    for key in table.base.keys().filter(|key| !rows.contains(key)) {
        let base = table.base.get(&key);
        if let Some(content) = base.and_then(|base| content_as_known(table, &key, &base)) {
            lost.entry(content).or_default().push(key);
        }
    }
    if lost.is_empty() {
        return BTreeMap::new();
    }
    let mut found: BTreeMap<Key, Vec<Cow<'a, RowView>>> = BTreeMap::new();
    for row in rows.tab.rows.iter() {
        if let Some(content) = content(&table.plan, &row)
            && let Some([missing]) = lost.get(&content).map(Vec::as_slice)
            && is_strange(table, rows, &row, missing)
        {
            found.entry(missing.clone()).or_default().push(row);
        }
    }
    found
        .into_iter()
        .filter_map(|(key, rows)| <[_; 1]>::try_from(rows).ok().map(|[row]| (key, row)))
        .collect()
}

/// May the key cells of a row that has the content of a missing record have been that record's?
fn is_strange(table: &Table, rows: &Rows<'_>, row: &RowView, missing: &Key) -> bool {
    let state = |key: &Key| table.pending.get(key).map(|pending| &pending.state);
    match &row.key {
        KeySeen::Blank => row.claims.is_empty() || table.is_marked(row),
        KeySeen::Unreadable => true,
        KeySeen::Key(key) => match (table.base.get(key), state(key)) {
            // That of another record: its own row stands elsewhere.
            (Some(base), _) => !shows(row, &base) && rows.all(key).any(|other| shows(&other, &base)),
            (None, None) => true,
            // A record that has just come meets its own row, and not that of one which is still there.
            (None, Some(DbState::Row(there))) => {
                !is_content(&table.plan, row, there) && !matches!(state(missing), Some(DbState::Gone(_)))
            }
            (None, Some(DbState::Outside(_) | DbState::Gone(_))) => false,
        },
    }
}

/// True when an image says nothing beyond base.
pub(crate) fn is_base(base: &RowBase, row: &DbRow) -> bool {
    row.iter().zip(&base.columns).all(|(cell, base)| base.is_some_and(|b| b.value == cell.digest()))
}
