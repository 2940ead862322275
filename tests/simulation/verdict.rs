//! The end of a seed, judged by what stands on both sides: nothing of the engine is asked but what it has braked.

use std::collections::BTreeMap;

use sheetbridge::model::base::database_digest;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::mark::ClaimId;
use sheetbridge::model::rule::{Deletes, KeyEdits};

use super::sheet::{COLUMNS, Row};
use super::table::{Id, Record, WIDTH, id, key, shown};
use super::tell::cell as text;
use super::witness::Witness;
use super::world::World;

impl World {
    pub(super) fn judge(&mut self) {
        for tab in 0..self.sheet.tabs.len() {
            self.judge_tab(tab);
        }
        let outside = |tab: usize| {
            self.server.tables[tab]
                .iter()
                .filter(|(_, row)| !self.server.admits(row))
                .map(move |(id, _)| (tab, *id))
        };
        self.witness.left.extend((0..self.server.tables.len()).flat_map(outside));
        self.witness.left.extend(self.server.left.iter().copied());
        let sheet = std::rc::Rc::clone(&self.sheet);
        self.witness.judge_losses(&sheet.tabs);
        self.witness.judge_own_cells(&sheet.tabs);
        self.witness.judge_formulas(&sheet.tabs);
        let witness = &self.witness;
        let faults: u64 = self.weather.struck.values().sum();
        let most = 3 * witness.acts + faults as usize + 10;
        if witness.table_writes > most || witness.batches > 2 * most {
            let text = format!(
                "echo: {} table writes and {} batches for {} acts and {faults} faults",
                witness.table_writes, witness.batches, witness.acts
            );
            self.witness.violate(text);
        }
    }

    fn judge_tab(&mut self, tab: usize) {
        let mut wrong = Vec::new();
        let sheet = std::rc::Rc::clone(&self.sheet);
        let rows: BTreeMap<Id, Vec<&Row>> = sheet.tabs[tab].iter().fold(BTreeMap::new(), |mut rows, row| {
            rows.entry(row.id().unwrap_or(0)).or_insert_with(Vec::new).push(row);
            rows
        });
        let hold = self.rules(tab).deletes == Deletes::Hold || self.engine.tables()[tab].brake.is_some();
        for (id, record) in &self.server.tables[tab].clone() {
            if !self.server.admits(record) {
                if self.store.links[tab].base.contains_key(&key(*id))
                    && !rows.get(id).map_or(hold, |rows| self.stays(tab, *id, rows))
                {
                    wrong.push(format!("unequal: {tab}/{id} is outside of the filter and has base"));
                }
                continue;
            }
            match rows.get(id).map(Vec::as_slice) {
                Some([row]) => self.judge_row(tab, *id, record, row, &mut wrong),
                Some(rows) => {
                    // Rows of other records that show its key: `rename` does not take it from the one that has it.
                    let own = rows.iter().filter(|row| !self.is_refused(tab, row)).collect::<Vec<_>>();
                    match own[..] {
                        [row] => self.judge_row(tab, *id, record, row, &mut wrong),
                        _ => wrong.push(format!("unequal: {tab}/{id} stands in {} rows", rows.len())),
                    }
                }
                None if hold && self.witness.taken.contains(&(tab, *id)) => {
                    self.tally.line("gone in the sheet: held");
                }
                None if self.lists(tab, record).next().is_some() => {
                    self.judge_untied(tab, record, &mut wrong);
                }
                None if sheet.tabs[tab]
                    .iter()
                    .any(|row| self.is_refused(tab, row) && self.is_bound(row, tab, *id)) => {}
                None => wrong.push(format!("unequal: {tab}/{id} is not in the sheet")),
            }
        }
        for row in &sheet.tabs[tab] {
            let unfit = (1..WIDTH).any(|column| {
                Witness::unfit(column, &row.cells[COLUMNS[column]]) || row.formulas[COLUMNS[column]]
            });
            if row.id().is_some_and(|id| self.witness.dead.contains(&(tab, id))) {
                self.tally.line("a deleted key stands in the sheet: held");
            }
            match row.id() {
                Some(id)
                    if self.server.tables[tab].contains_key(&id)
                        || self.witness.dead.contains(&(tab, id))
                        || self.is_in_doubt(tab, id)
                        || unfit => {}
                Some(id) => {
                    wrong.push(format!("unequal: {tab}/{id} stands in the sheet and not in the table"));
                }
                None if row.is_blank() || unfit => {}
                None if self.server.tables[tab]
                    .values()
                    .any(|record| self.lists(tab, record).any(|it| it.uid == row.uid)) => {}
                None => wrong.push(format!("unequal: row {} of {tab} was never taken", row.uid)),
            }
        }
        for text in wrong {
            self.witness.violate(text);
        }
    }

    /// The rows without a key that may be a record's, while the two sides have not met.
    fn lists<'a>(&'a self, tab: usize, record: &Record) -> impl Iterator<Item = &'a Row> {
        let value = shown(&record[1]);
        let open =
            self.rules(tab).match_on == ["a"] && !self.store.links[tab].met && self.server.admits(record);
        let rows = self.sheet.tabs[tab].iter().filter(move |row| open && row.cells[0].is_blank());
        rows.filter(move |row| row.cells[COLUMNS[1]] == value && !row.formulas[COLUMNS[1]])
    }

    /// A record and a row that alone show a value have found each other.
    fn judge_untied(&self, tab: usize, record: &Record, wrong: &mut Vec<String>) {
        let value = shown(&record[1]);
        let records = self.server.tables[tab].values().filter(|it| shown(&it[1]) == value).count();
        let rows = self.sheet.tabs[tab].iter().filter(|row| row.cells[COLUMNS[1]] == value).count();
        if records == 1 && rows == 1 {
            wrong.push(format!("untied: {tab}/{} has one row without a key", super::table::id_of(record)));
        }
    }

    /// A row of a list is made a new record: then no record that was there from the start has its value.
    pub(super) fn judge_double(&mut self, tab: usize, claim: Option<ClaimId>, value: &Cell) {
        let uid = claim.and_then(|claim| self.witness.claims.get(&claim)).copied();
        let known = uid.and_then(|uid| self.witness.in_list.get(&uid));
        if known != Some(&(tab, value.clone())) || self.rules(tab).match_on != ["a"] {
            return;
        }
        let twin = self.server.tables[tab].iter().find(|(id, record)| {
            shown(&record[1]) == *value
                && self.witness.from_the_start.contains(&(tab, **id))
                && !self.witness.dead.contains(&(tab, **id))
                && self.witness.old_values(tab, **id, 1).len() == 1
        });
        if let Some((id, _)) = twin {
            self.witness.violate(format!("doubled: a row with the value of {tab}/{id} is made a new record"));
        }
    }

    /// A link that stopped before its two sides had met holds the keys that stood in the tab alone: they may have been deleted.
    fn is_in_doubt(&self, tab: usize, id: Id) -> bool {
        let kept = &self.store.links[tab];
        kept.unfinished && kept.dead.contains(&key(id))
    }

    /// The row of a record that shows a key which is dead or another record's: `rename` does not take it, and it stays until it is
    /// mended, with a word at its cell.
    fn is_refused(&self, tab: usize, row: &Row) -> bool {
        let at = (1..).zip(&self.sheet.tabs[tab]).find(|(_, one)| one.uid == row.uid).map(|(at, _)| at);
        let is_told = self.said.iter().any(|remark| remark.table == tab && Some(remark.place.1) == at);
        let of_another =
            |shown: Id| self.server.tables[tab].keys().any(|id| *id != shown && self.is_bound(row, tab, *id));
        let is_another = row.id().is_some_and(|shown| {
            self.witness.dead.contains(&(tab, shown))
                || (self.server.tables[tab].contains_key(&shown) && of_another(shown))
        });
        self.rules(tab).key_edits == KeyEdits::Rename && is_told && is_another
    }

    fn is_bound(&self, row: &Row, tab: usize, id: Id) -> bool {
        self.witness.bound.contains(&(row.uid, tab, id))
    }

    /// Does something in the row of a record outside of the filter wait for a person: a cell that is not decided, or a second row?
    fn stays(&self, tab: usize, id: Id, rows: &[&Row]) -> bool {
        let waits = |column: usize, row: &Row| {
            self.witness.frozen.contains(&(tab, id, column))
                || row.formulas[COLUMNS[column]]
                || Witness::unfit(column, &row.cells[COLUMNS[column]])
        };
        rows.len() > 1 || rows.iter().any(|row| (1..WIDTH).any(|column| waits(column, row)))
    }

    fn judge_row(&self, tab: usize, at: Id, record: &Record, row: &Row, wrong: &mut Vec<String>) {
        let base = self.store.links[tab].base.get(&key(at));
        for column in 0..WIDTH {
            let (cell, shows) = (shown(&record[column]), &row.cells[COLUMNS[column]]);
            let is_formula = row.formulas[COLUMNS[column]];
            if self.witness.frozen.contains(&(tab, at, column)) || is_formula || Witness::unfit(column, shows)
            {
                continue;
            }
            if cell.digest() != shows.digest() {
                wrong.push(format!(
                    "unequal: {tab}/{at}.{column} is {} in the table and {} in the sheet",
                    text(&cell),
                    text(shows)
                ));
                continue;
            }
            let agreed = base.and_then(|base| base.columns[column]);
            if !agreed.is_some_and(|agreed| {
                agreed.value == database_digest(&record[column], &shown(&record[column]))
                    && agreed.cell == cell.digest()
            }) {
                wrong.push(format!("base: {tab}/{at}.{column} agrees and base says otherwise"));
            }
        }
        let remembered = self.engine.tables()[tab].base.get(&key(at));
        if remembered.as_ref() != base {
            wrong.push(format!("base: {tab}/{} is not what the store has", id(&key(at))));
        }
    }
}
