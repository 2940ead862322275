//! New rows of people: rested, claimed, inserted, named (design 4a, rule 7).
//!
//! | the row shows | and | then |
//! |--|--|--|
//! | no key, content | it is complete and has rested | a claim goes onto it |
//! | no key, a fresh claim | it is complete and has rested | it is inserted under that claim |
//! | the same at a first meeting | it is one record's by its values ([`meeting`](crate::engine::meeting)) | the claim is bound to that record |
//! | a claim with an owed key | the key does not stand there | the key is written through the claim |
//! | the owed key | - | base is what was inserted; the claim goes |
//! | neither claim nor key, in two believed reads | - | the record goes to the sheet as a new row |
//! | a key that is new to the table | it is complete and has rested | it is inserted under this key |
//!
//! A claim that missed its row does no harm: it claims the row that it hit, if that one is without a key too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Naming, Outcome, TableWrite, WriteAim};
use crate::engine::input::{ColumnPlan, KeySeen, Micros, RowView, TabView};
use crate::engine::meeting::Match;
use crate::engine::paste::{BESIDE, Shelved};
use crate::engine::pending::Waits;
use crate::engine::rows::{Found, Rows, content, fingerprint, lookalikes};
use crate::engine::table::Table;
use crate::engine::writing::Writing;
use crate::engine::{Engine, LOOK_AGAIN, micros};
use crate::model::base::BaseChange;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::mark::ClaimId;
use crate::model::rule::Formulas;

/// A key that was written and does not stand there yet is written again after this time.
const NAME_AGAIN: Micros = 5_000_000;

/// Claims of one tab at a time: far inside the 30,000 characters that its metadata may have.
const CLAIMS: usize = 500;

/// What the person hears whose row waits for its turn.
pub(super) const IN_A_MOMENT: &str = "the new row is taken in a moment";

/// The rows of one tab that base does not know.
pub(crate) struct NewRows<'a> {
    pub(crate) index: usize,
    pub(crate) tab: &'a TabView,
    pub(crate) rows: &'a Rows<'a>,
}

impl NewRows<'_> {
    pub(crate) fn inspect(&self, engine: &mut Engine, writing: &mut Writing) {
        let alike: Vec<u32> =
            lookalikes(&engine.tables[self.index], self.rows).values().map(|row| row.row).collect();
        let mut quiet = std::mem::take(&mut engine.tables[self.index].quiet);
        let mut still = BTreeMap::new();
        for at in 0..self.tab.rows.len() {
            if self.is_settled(engine, at) {
                continue;
            }
            let row = &*self.tab.rows.get(at);
            if alike.contains(&row.row) || content(&engine.tables[self.index].plan, row).is_none() {
                self.drop_claims(engine, row, writing);
                continue;
            }
            let Some(found) = self.find_record(engine, row, writing) else {
                self.drop_claims(engine, row, writing);
                continue;
            };
            let is_new = found == Match::Nothing;
            if let Some(reason) = is_new.then(|| self.unfit(engine, row)).flatten() {
                if reason.is_some() && !engine.tables[self.index].life.is_live() {
                    let print = fingerprint(row);
                    still.insert(print, quiet.remove(&print).unwrap_or(writing.asked));
                }
                if let Some((outcome, text)) = reason {
                    writing.judge(self.index, row.row, outcome, None, text);
                }
                if !matches!(row.key, KeySeen::Blank) {
                    self.drop_claims(engine, row, writing);
                }
                continue;
            }
            let print = fingerprint(row);
            let since = quiet.remove(&print).unwrap_or(writing.asked);
            still.insert(print, since);
            let due = since + micros(engine.tables[self.index].plan.rules.insert_after);
            if writing.asked < due {
                engine.tables[self.index].wakes.insert(due);
                writing.judge(self.index, row.row, Outcome::Waiting, None, IN_A_MOMENT.into());
            } else if writing.is_behind(self.index) {
                writing.judge(self.index, row.row, Outcome::Waiting, None, IN_A_MOMENT.into());
            } else {
                self.take(engine, row, found, print, writing);
            }
        }
        engine.tables[self.index].quiet = still;
    }

    /// What a row without a key finds at a first meeting; `None` while it is not to be touched.
    fn find_record(&self, engine: &mut Engine, row: &RowView, writing: &mut Writing) -> Option<Match> {
        let claims = &engine.tables[self.index].claims;
        if row.claims.iter().any(|claim| claims.contains_key(claim)) {
            // Its key is owed to it.
            return Some(Match::Nothing);
        }
        engine.find_record(self.index, row, self.rows, writing)
    }

    /// Is it the row of a known record, without a claim? Nearly all rows are.
    fn is_settled(&self, engine: &Engine, at: usize) -> bool {
        let table = &engine.tables[self.index];
        self.tab.rows.claims(at).is_empty() && self.tab.rows.key(at).is_some_and(|key| table.knows(&key))
    }

    /// Why a row is no new record now: `Some(None)` when there is nothing to tell.
    #[allow(clippy::option_option)]
    fn unfit(&self, engine: &Engine, row: &RowView) -> Option<Option<(Outcome, String)>> {
        let table = &engine.tables[self.index];
        if row.claims.iter().any(|claim| table.claims.contains_key(claim)) {
            // A key is owed to it, whatever a person has typed into its key cell meanwhile.
            return Some(None);
        }
        match &row.key {
            KeySeen::Key(key) => {
                if table.knows(key) || table.owed_key(key).is_some() {
                    return Some(None);
                }
                if table.knowledge != Knowledge::Sound {
                    return Some(Some((Outcome::Waiting, "the two sides are still being compared".into())));
                }
                if table.dead.contains(key) {
                    let text = "the record with this key was deleted: clear the key to make a new one";
                    return Some(Some((Outcome::Refused, text.into())));
                }
                if matches!(self.rows.find(key, None), Found::Many) {
                    return Some(Some((Outcome::Refused, "this key stands in several rows".into())));
                }
                if !table.life.is_live() {
                    return Some(Some((Outcome::Waiting, "the table is still being read".into())));
                }
            }
            _ if table.knowledge == Knowledge::Lost => {
                return Some(Some((Outcome::Waiting, "the two sides are still being compared".into())));
            }
            KeySeen::Blank if table.plan.auto_key => {}
            KeySeen::Blank => return Some(Some((Outcome::Waiting, "the new row needs its key".into()))),
            KeySeen::Unreadable => {
                return Some(Some((Outcome::Waiting, "the key of the new row cannot be read".into())));
            }
        }
        incomplete(table, row).map(Some)
    }

    fn take(&self, engine: &mut Engine, row: &RowView, found: Match, print: Digest, writing: &mut Writing) {
        let (key, claim) = match &row.key {
            KeySeen::Key(key) => (Some(key.clone()), None),
            _ => {
                if let Some(claim) =
                    row.claims.iter().find(|claim| engine.tables[self.index].fresh.contains(*claim))
                {
                    (None, Some(*claim))
                } else {
                    // A claim that made a record once, or one of an earlier start, makes no other.
                    self.drop_claims(engine, row, writing);
                    if engine.tables[self.index].claims.len() + writing.claim.len() < CLAIMS {
                        writing.claim.push((self.index, row.row));
                    }
                    writing.judge(self.index, row.row, Outcome::Waiting, None, IN_A_MOMENT.into());
                    return;
                }
            }
        };
        let cells = row.cells.clone();
        let (aim, content) = match (found, claim) {
            (Match::Record(key), Some(claim)) => (WriteAim::Tie { key, claim, cells }, None),
            _ => (WriteAim::Insert { key, claim, cells }, Some(print)),
        };
        let refused = content.and_then(|print| engine.tables[self.index].refused.get(&print));
        if let Some((column, why)) = refused {
            writing.judge(self.index, row.row, Outcome::Refused, *column, why.clone());
            writing.shelved.push(Shelved {
                table: self.index,
                row: row.row,
                aim,
                content,
                is_beside: why.starts_with(BESIDE),
            });
            return;
        }
        let effect = engine.next_effect_id();
        let cause = None;
        writing.push(
            TableWrite { effect, table: self.index, aim, cause, pays: None },
            Some(row.row),
            content,
        );
    }

    /// Claims that nobody needs any more.
    fn drop_claims(&self, engine: &Engine, row: &RowView, writing: &mut Writing) {
        let used = &engine.tables[self.index].claims;
        let marks = |claim: &&ClaimId| engine.owed.values().any(|owed| owed.mark() == Some(**claim));
        let unused = row.claims.iter().filter(|claim| !used.contains_key(claim) && !marks(claim));
        writing.unclaim.extend(unused.map(|claim| (self.index, *claim)));
    }
}

/// What a new row still lacks.
pub(super) fn incomplete(table: &Table, row: &RowView) -> Option<(Outcome, String)> {
    let cells = || row.cells.iter().zip(&table.plan.columns);
    let taken = table.plan.rules.formulas == Formulas::Value;
    let held = |(cell, column): (&GridCell, &ColumnPlan)| {
        let is_held = cell.formula.is_some() && (!taken || column.key);
        is_held || matches!(cell.value, Cell::Error(_))
    };
    if cells().any(held) {
        return Some((Outcome::Refused, "a row with formulas in linked columns makes no record".into()));
    }
    let missing: Vec<&str> = cells()
        .filter(|(cell, column)| {
            column.required && cell.value.is_blank() && !(column.key && table.plan.auto_key)
        })
        .map(|(_, column)| column.rule.header.as_str())
        .collect();
    (!missing.is_empty())
        .then(|| (Outcome::Waiting, format!("the new row still needs: {}", missing.join(", "))))
}

impl Engine {
    /// Looks where owed keys stand.
    pub(super) fn confirm_names(
        &mut self,
        index: usize,
        tab: &TabView,
        rows: &Rows<'_>,
        writing: &mut Writing,
    ) {
        let claims: Vec<ClaimId> = self.tables[index].claims.keys().copied().collect();
        if claims.is_empty() {
            return;
        }
        let mut claimed: BTreeMap<ClaimId, Cow<'_, RowView>> = BTreeMap::new();
        for row in tab.rows.claimed() {
            claimed.extend(row.claims.iter().map(|claim| (*claim, row.clone())));
        }
        for claim in claims {
            let Some(key) = self.tables[index].claims.get(&claim).map(|owed| owed.key.clone()) else {
                continue;
            };
            match claimed.get(&claim) {
                Some(row) if row.key == KeySeen::Key(key.clone()) => {
                    writing.unclaim.push((index, claim));
                    self.name_stands(index, claim, true, writing);
                }
                Some(_) => self.name(index, claim, key, tab, writing),
                None if rows.contains(&key) => self.name_stands(index, claim, true, writing),
                None => self.miss(index, claim, writing),
            }
        }
    }

    fn name(&mut self, index: usize, claim: ClaimId, key: Key, tab: &TabView, writing: &mut Writing) {
        let Some(owed) = self.tables[index].claims.get_mut(&claim) else {
            return;
        };
        owed.missing_since = None;
        if owed.named_at.is_some_and(|at| self.clock < at + NAME_AGAIN) {
            self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
            return;
        }
        owed.named_at = Some(self.clock);
        writing.names.push(Naming {
            sheet: tab.sheet,
            claim,
            key,
            table: index,
            columns: tab.columns.clone(),
        });
    }

    /// The key stands in the sheet, or its row is gone for good.
    fn name_stands(&mut self, index: usize, claim: ClaimId, stands: bool, writing: &mut Writing) {
        let now = self.clock;
        let table = &mut self.tables[index];
        let Some(owed) = table.claims.remove(&claim) else {
            return;
        };
        table.waits.raise(Waits::Echo);
        writing.named.push((index, claim));
        // A crash may come between a write into the named row and the commit that ends the claim: that write's base is newer.
        if stands && table.base.contains_key(&owed.key) {
            return;
        }
        if stands {
            writing.agreed.push((index, BaseChange::Set(owed.key.clone(), owed.base.clone())));
            table.set_base(owed.key, owed.base, now);
        } else {
            table.fetch(&owed.key, self.seq);
        }
    }

    fn miss(&mut self, index: usize, claim: ClaimId, writing: &mut Writing) {
        let grace = micros(self.tables[index].plan.rules.delete_grace);
        let Some(owed) = self.tables[index].claims.get_mut(&claim) else {
            return;
        };
        let since = *owed.missing_since.get_or_insert(writing.asked);
        if writing.asked > since && writing.asked >= since + grace {
            self.name_stands(index, claim, false, writing);
        } else {
            self.tables[index].wakes.insert(since + grace.max(1));
        }
    }
}
