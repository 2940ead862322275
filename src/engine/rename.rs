//! Key cells that people changed (`key_edits`): put back, or taken over as the record's new key.
//!
//! | the row shows | is found by |
//! |--|--|
//! | no key, or one that is nobody's, and the content of a record that is missing | `lookalikes` |
//! | the key of a record whose own row stands elsewhere, and the content of one that is missing | `lookalikes` |
//! | the record's own key as the server compares, spelled another way | [`crate::engine::spelling`] |
//!
//! A new key is one guarded transaction, fenced on both keys. What the table does not take is held: the cell keeps what the
//! person typed until it is mended, or until the table changes the record, whose line must be found then.

use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Background, Conflict, Outcome, TableWrite, Winner, WriteAim};
use crate::engine::held::Held;
use crate::engine::input::{DbRow, DbState, KeySeen, RowView};
use crate::engine::inspect::LOOKED_AT_AGAIN;
use crate::engine::owed::Owed;
use crate::engine::table::Table;
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, LOOK_AGAIN};
use crate::model::base::RowBase;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::mark::EffectId;
use crate::model::rule::KeyEdits;

/// What a person is told whose key cell is put back.
const KEY_STAYS: &str = "the table's value stands: a record's key is not changed in the sheet";

/// Why two records cannot have one key.
const TAKEN: &str = "another row has this key already";

/// Why a key cannot be used again.
const DEAD: &str = "a record with this key was deleted or renamed: choose another key";

/// What becomes of a changed key cell.
pub(super) enum KeyEdit {
    /// The record's own key is written into it.
    PutBack,
    /// The record takes this key.
    Rename(Key),
    /// The table did not take it.
    Refused(Held),
}

/// A record's new key on its way into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    /// The key that the record has.
    pub from: Key,
    /// The key that its row shows.
    pub to: Key,
    /// Its base.
    pub base: RowBase,
    /// What the stream last said of it, where it said something beyond base.
    pub known: Option<DbRow>,
    /// The key cells: the link's column, and what stands there.
    pub cells: Vec<(usize, Cell)>,
    /// Both are one key as the server compares: nothing is buried.
    pub respelled: bool,
}

impl Table {
    /// The first of the key columns that shows something else than base.
    fn retyped_at(&self, key: &Key, row: &RowView) -> usize {
        let base = self.base.get(key);
        let changed = |at: &usize| {
            let base = base.as_ref().and_then(|base| base.columns.get(*at).copied().flatten());
            self.plan.columns[*at].key && base.is_none_or(|base| base.cell != row.cells[*at].value.digest())
        };
        (0..self.width()).find(changed).unwrap_or_else(|| self.first_key())
    }

    fn key_cells<'a>(&self, row: &'a RowView) -> impl Iterator<Item = (usize, &'a Cell)> {
        let columns = self.plan.columns.iter().enumerate().filter(|(_, column)| column.key);
        columns.map(|(at, _)| (at, &row.cells[at].value))
    }

    /// One digest for all key cells; for a key of one column that of its cell.
    fn key_digest(&self, row: &RowView) -> Digest {
        let digests: Vec<Digest> = self.key_cells(row).map(|(_, cell)| cell.digest()).collect();
        match digests[..] {
            [only] => only,
            _ => Digest::of(&digests.iter().flat_map(|digest| digest.0.to_be_bytes()).collect::<Vec<_>>()),
        }
    }

    /// What becomes of the key cells of a record's row that show another key, or none.
    pub(super) fn key_edit(&self, key: &Key, row: &RowView, shown: Option<&Key>) -> KeyEdit {
        let is_formula =
            self.plan.columns.iter().zip(&row.cells).any(|(c, cell)| c.key && cell.formula.is_some());
        let leaves = self.pending.get(key).is_some_and(|pending| !matches!(pending.state, DbState::Row(_)));
        let (Some(to), KeyEdits::Rename) = (shown, self.plan.rules.key_edits) else {
            return KeyEdit::PutBack;
        };
        if is_formula || leaves || !self.base.contains_key(key) || self.knowledge != Knowledge::Sound {
            return KeyEdit::PutBack;
        }
        match self.held.get(&(key.clone(), self.retyped_at(key, row))) {
            Some(held) if held.cell == self.key_digest(row) => KeyEdit::Refused(held.clone()),
            _ => KeyEdit::Rename(to.clone()),
        }
    }

    /// Why the key cannot be this record's, as far as that is known here.
    fn forbids(&self, to: &Key, respelled: bool) -> Option<&'static str> {
        if self.base.contains_key(to) || self.owed_key(to).is_some() {
            return Some(TAKEN);
        }
        (self.dead.contains(to) && !respelled).then_some(DEAD)
    }
}

impl Engine {
    /// A record's row shows another key, or none. `respelled`: it is the same key to the server.
    pub(super) fn inspect_key_edit(
        &mut self,
        index: usize,
        key: &Key,
        row: &RowView,
        (shown, respelled): (Option<&Key>, bool),
        writing: &mut Writing,
    ) {
        let seq = self.seq;
        let table = &mut self.tables[index];
        let at = table.retyped_at(key, row);
        match table.key_edit(key, row, shown) {
            KeyEdit::PutBack => {
                writing.judge(index, row.row, Outcome::Conflict, Some(at), KEY_STAYS.into());
                if !table.pending.contains_key(key) && !table.is_fetching(key) {
                    table.fetch(key, seq);
                }
            }
            KeyEdit::Refused(held) => writing.recall((index, row.row), at, &held),
            KeyEdit::Rename(to) => {
                if let Some(why) = table.forbids(&to, respelled) {
                    self.refuse_key((index, key, at), row, why.into(), writing);
                } else if self.may_rename(index, key, &to) {
                    self.queue_renaming(index, key, row, (to, respelled), writing);
                } else {
                    self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
                    writing.judge(index, row.row, Outcome::Waiting, Some(at), LOOKED_AT_AGAIN.into());
                }
            }
        }
    }

    /// Nothing is renamed on the word of a base that may be old, or while something else of the record is under way.
    fn may_rename(&self, index: usize, from: &Key, to: &Key) -> bool {
        let table = &self.tables[index];
        let owed = |owed: &Owed| matches!(owed, Owed::Edit { key, .. } if key == from);
        table.life.is_live()
            && !table.is_fetching(from)
            && !table.is_fetching(to)
            && !table.pending.contains_key(to)
            && !self.owed.values().any(owed)
    }

    fn queue_renaming(
        &mut self,
        index: usize,
        key: &Key,
        row: &RowView,
        (to, respelled): (Key, bool),
        writing: &mut Writing,
    ) {
        let table = &self.tables[index];
        let Some(base) = table.base.get(key) else { return };
        let known = table.pending.get(key).and_then(|pending| pending.state.row()).cloned();
        let cells = table.key_cells(row).map(|(at, cell)| (at, cell.clone())).collect();
        let renaming = Renaming { from: key.clone(), to, base, known, cells, respelled };
        self.queue_write(index, WriteAim::Rename(Box::new(renaming)), row.row, writing);
    }

    /// The key cell keeps what the person typed, and says why that is not the record's key.
    fn refuse_key(
        &mut self,
        (index, key, at): (usize, &Key, usize),
        row: &RowView,
        why: String,
        writing: &mut Writing,
    ) {
        let table = &mut self.tables[index];
        let held = Held { cell: table.key_digest(row), value: None, why: why.clone() };
        table.held.hold((key.clone(), at), held);
        writing.judge(index, row.row, Outcome::Refused, Some(at), why);
    }

    /// The server refused the key, whichever column it names.
    pub(super) fn renaming_refused(&mut self, queued: &Queued, why: &str, writing: &mut Writing) {
        let WriteAim::Rename(renaming) = &queued.write.aim else { return };
        let index = queued.write.table;
        let tab = writing.view.tabs.get(index).and_then(|tab| tab.as_ref().ok());
        let row = tab.and_then(|tab| Some(tab.rows.get(tab.rows.place(queued.row?)?).into_owned()));
        if let Some(row) = row {
            let at = self.tables[index].retyped_at(&renaming.from, &row);
            self.refuse_key((index, &renaming.from, at), &row, why.to_owned(), writing);
        }
    }

    /// The transaction on a new key is over.
    pub(super) fn renamed(
        &mut self,
        write: &TableWrite,
        renaming: &Renaming,
        (after, base, wrote): (DbState, Option<RowBase>, bool),
    ) {
        let (now, seq) = (self.clock, self.seq);
        let table = &mut self.tables[write.table];
        let Renaming { from, to, respelled, .. } = renaming;
        let Some(base) = base.filter(|_| wrote) else {
            // The record is another one by now: its present row tells what becomes of its key cell.
            table.not_committed(from);
            table.not_committed(to);
            return table.fetch(from, seq);
        };
        let first = table.pending.get(from).map_or(seq, |pending| pending.first.min(seq));
        table.rename_edits(from, to);
        table.forget(from, !respelled);
        table.meet(to, now);
        table.set_base(to.clone(), base, now);
        let end = |effect: EffectId, table: &mut Table, key: &Key, state: DbState| {
            table.committed(effect, key.clone(), first, now, |_| Some(state));
        };
        end(write.effect, table, from, DbState::Gone(None));
        end(write.effect, table, to, after);
    }

    /// What is told and kept of a key cell that is put back.
    pub(super) fn list_put_back(
        &self,
        (index, key): (usize, &Key),
        (row, seen): (&DbRow, &RowView),
        writing: &mut Writing,
    ) {
        let table = &self.tables[index];
        let at = table.retyped_at(key, seen);
        writing.conflicts.push(Conflict {
            table: index,
            key: Some(key.clone()),
            column: Some(at),
            database: Some(row[at].shown.clone()),
            sheet: Some(seen.cells[at].value.clone()),
            winner: Winner::Database,
            rule: match table.plan.rules.key_edits {
                KeyEdits::Refuse => "a record's key is not changed in the sheet (key_edits = refuse)".into(),
                KeyEdits::Rename => "the record keeps its key until the table takes another one".into(),
            },
            background: Background::default(),
        });
    }
}

/// The key that a lookalike shows.
pub(super) fn shown_key(row: &RowView) -> Option<&Key> {
    match &row.key {
        KeySeen::Key(key) => Some(key),
        KeySeen::Blank | KeySeen::Unreadable => None,
    }
}
