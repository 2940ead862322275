//! Text keys are equal when the server says so (protocol C10): under a collation that ignores case or accents `ABC` in a tab is
//! the record `abc` of the table, and no other.
//!
//! The engine knows records by the table's own spelling. A key of a tab that neither base nor the stream knows so is asked for
//! once per read, before anything is decided: the row then counts under its record's key, and its key cell is one that a person
//! changed (`rename`). Nothing is asked for keys that only differ by what they are: numbers, and text that compares byte by byte.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::effect::{Effect, Spelling};
use crate::engine::input::{EditHint, Micros, ReadNumber, TabView, TableIndex, View};
use crate::engine::places::Scope;
use crate::engine::rename::shown_key;
use crate::engine::rows::{Rows, lookalikes};
use crate::engine::table::Table;
use crate::engine::{Engine, Stage};
use crate::model::key::Key;

/// A believed read whose strange keys the server is asked about.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(super) number: ReadNumber,
    pub(super) asked: Micros,
    pub(super) answered: Micros,
    pub(super) view: View,
    pub(super) hints: Vec<EditHint>,
    pub(super) scopes: Vec<Scope>,
}

impl Engine {
    /// Asks how the table spells the keys that are not known in the tabs' spelling, or goes on where there are none.
    pub(super) fn spell(&mut self, reading: Reading) {
        let tabs = reading.view.tabs.iter().enumerate();
        let whole = |index: usize| reading.scopes.get(index) == Some(&Scope::Whole);
        let keys: Vec<Spelling> = tabs
            .filter_map(|(index, tab)| Some((index, tab.as_ref().ok()?)))
            .flat_map(|(index, tab)| self.tables[index].strange_keys(index, tab, whole(index)))
            .collect();
        if keys.is_empty() {
            return self.take_read(reading);
        }
        self.out.push_back(Effect::Spell(reading.number, keys));
        self.stage = Stage::Spelling(Box::new(reading));
    }

    /// Rows count under the keys that their records have.
    pub(super) fn on_spelled(&mut self, number: ReadNumber, keys: &[(TableIndex, Key, Key)]) {
        let mut reading = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Spelling(reading) if reading.number == number => reading,
            stage => return self.stage = stage,
        };
        for (index, tab) in reading.view.tabs.iter_mut().enumerate() {
            let own = keys.iter().filter(|(of, ..)| *of == index);
            let own: BTreeMap<Key, Key> = own.map(|(_, shown, own)| (shown.clone(), own.clone())).collect();
            if let Ok(tab) = tab {
                respell(tab, &own);
            }
        }
        self.take_read(*reading);
    }

    /// A look at one key found its record under another spelling: it was renamed to that, and keeps its line.
    pub(super) fn on_respelled(&mut self, index: TableIndex, from: Key, to: Key) {
        let seq = self.seq;
        let Some(table) = self.tables.get_mut(index) else { return };
        let first = table.pending.get(&from).map_or(seq, |pending| pending.first);
        if !table.base.contains_key(&from) {
            // Nobody knows it by that name.
            table.pending.remove(&from);
        } else if !table.base.contains_key(&to) {
            table.renamed.insert(to.clone(), from);
        }
        table.fetch(&to, first);
    }
}

/// Rows count under the keys that their records have: the spellings of a tab, each with the table's.
pub fn respell(tab: &mut TabView, own: &BTreeMap<Key, Key>) {
    let shown = tab.rows.rekey(|shown| own.get(shown).cloned());
    tab.spelled.extend(shown);
}

impl Table {
    /// The keys of a tab that may be records' under another spelling, with what they look like.
    pub fn strange_keys(&self, index: TableIndex, tab: &TabView, whole: bool) -> Vec<Spelling> {
        if !self.plan.loose_keys {
            return Vec::new();
        }
        let rows = Rows::of(tab);
        let known = |key: &Key| {
            self.base.contains_key(key) || self.pending.contains_key(key) || self.owed_key(key).is_some()
        };
        let strange: Vec<Cow<'_, Key>> = rows.keys().filter(|key| !known(key)).collect();
        if strange.is_empty() {
            return Vec::new();
        }
        let alike = if whole { lookalikes(self, &rows) } else { BTreeMap::new() };
        let alike: BTreeMap<&Key, &Key> =
            alike.iter().filter_map(|(missing, row)| Some((shown_key(row)?, missing))).collect();
        let asked = |key: Cow<'_, Key>| {
            let alike = alike.get(&*key).map(|missing| Key::clone(missing));
            Spelling { table: index, key: key.into_owned(), alike }
        };
        strange.into_iter().map(asked).collect()
    }
}
