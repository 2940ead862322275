//! Guarded transactions on the pretend table: lock, decide by the engine's own guard, write, read back, base and ledger with it.

use sheetbridge::engine::effect::{TableWrite, Want, WriteAim};
use sheetbridge::engine::guard::{self, Meant};
use sheetbridge::engine::input::{DbRow, DbState, Input, WriteOutcome};
use sheetbridge::engine::rename::Renaming;
use sheetbridge::engine::table::Claim;
use sheetbridge::model::base::{BaseChange, RowBase};
use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::GridCell;
use sheetbridge::model::key::Key;
use sheetbridge::model::mark::ClaimId;
use sheetbridge::model::rule::Policy;
use sheetbridge::model::value::Value;

use super::table::{MARK, Record, WIDTH, id, key, meaning, shown, shown_row};
use super::tell;
use super::weather::Fault;
use super::world::World;

impl World {
    /// All of them or none. The stream tells the rows of a paste one by one, where the server would tell them at once: whoever
    /// stands that stands both.
    pub(super) fn write(&mut self, writes: &[TableWrite]) -> Input {
        let fails = self.weather.strikes(Fault::WriteFailed, &mut self.dice);
        let refused: Vec<_> = writes.iter().map(|write| self.refusal(write)).collect();
        let is_undone = writes.len() > 1 && refused.iter().any(Option::is_some);
        let mut outcomes = Vec::new();
        for (write, refused) in writes.iter().zip(refused) {
            let outcome = match refused {
                _ if fails => WriteOutcome::Failed,
                Some(refused) if is_undone => refused,
                None if is_undone => WriteOutcome::Undone,
                _ => self.write_one(write),
            };
            self.note_outcome(write, &outcome);
            outcomes.push((write.effect, outcome));
        }
        Input::Wrote(outcomes)
    }

    /// What keeps a row of a paste out of the table.
    fn refusal(&self, write: &TableWrite) -> Option<WriteOutcome> {
        let refused = |column, reason| Some(WriteOutcome::Refused { column: Some(column), reason });
        match &write.aim {
            WriteAim::Columns { wants, .. } => wants
                .iter()
                .find_map(|want| mean(want.clone()).err().map(|reason| (want.column, reason)))
                .and_then(|(column, reason)| refused(column, reason)),
            WriteAim::Insert { key, cells, .. } => {
                let there = key.as_ref().and_then(|key| self.server.own(write.table, id(key)));
                if let Some(there) = there.and_then(|there| self.server.tables[write.table].get(&there)) {
                    let admits = self.server.admits(there);
                    return Some(if admits { WriteOutcome::Exists } else { WriteOutcome::Outside });
                }
                let cells = cells.iter().enumerate().skip(1);
                let bad = cells.map(|(column, cell)| (column, meaning(column, &cell.value)));
                bad.into_iter()
                    .find_map(|(column, meant)| meant.err().map(|reason| (column, reason)))
                    .and_then(|(column, reason)| refused(column, reason))
            }
            WriteAim::Delete { .. }
            | WriteAim::Mark { .. }
            | WriteAim::Tie { .. }
            | WriteAim::Recreate { .. }
            | WriteAim::Rename(_) => None,
        }
    }

    fn write_one(&mut self, write: &TableWrite) -> WriteOutcome {
        match &write.aim {
            WriteAim::Columns { key, base, known, wants } => {
                self.write_columns(write, key, base, known.as_ref(), wants)
            }
            WriteAim::Insert { key, claim, cells } => self.insert(write, key.as_ref(), *claim, cells),
            WriteAim::Delete { key, base } => self.delete(write, key, base),
            WriteAim::Mark { key, base } => self.mark(write, key, base),
            WriteAim::Tie { key, claim, cells } => self.tie(write, key, *claim, cells),
            WriteAim::Recreate { key, base, before, cells, changed } => {
                self.recreate(write, (key, base), before, cells, changed)
            }
            WriteAim::Rename(renaming) => self.rename(write, renaming),
        }
    }

    fn note_outcome(&mut self, write: &TableWrite, outcome: &WriteOutcome) {
        self.count(match (&write.aim, outcome) {
            (_, WriteOutcome::Failed) => "table write failed",
            (_, WriteOutcome::Undone) => "undone with its paste",
            (_, WriteOutcome::Exists) => "row to insert exists",
            (_, WriteOutcome::Outside) => "row to insert is outside of the filter",
            (_, WriteOutcome::Refused { .. }) => "table write refused",
            (_, WriteOutcome::Done { wrote: false, .. }) => "table found in order",
            (WriteAim::Columns { .. }, _) => "columns into the table",
            (WriteAim::Insert { claim: Some(_), .. }, _) => "row inserted under a claim",
            (WriteAim::Insert { .. }, _) => "row inserted under its key",
            (WriteAim::Delete { .. }, _) => "row deleted",
            (WriteAim::Mark { .. }, _) => "row marked as deleted",
            (WriteAim::Tie { .. }, _) => "row tied to its record",
            (WriteAim::Recreate { .. }, _) => "row made again",
            (WriteAim::Rename(_), _) => "record takes another key",
        });
        self.tally.wrote(write, outcome);
        self.trace(|| tell::write(write, outcome));
    }

    fn put(&mut self, write: &TableWrite, row: Record) -> DbState {
        self.witness.table_holds(write.table, &row);
        self.witness.table_writes += 1;
        self.last_write = self.clock;
        let after = self.server.state_of(&row);
        let image = self.server.put(write.table, row);
        self.server.commit(self.clock, vec![write.effect], vec![image]);
        after
    }

    fn write_columns(
        &mut self,
        write: &TableWrite,
        key: &Key,
        base: &RowBase,
        known: Option<&DbRow>,
        wants: &[Want],
    ) -> WriteOutcome {
        let table = write.table;
        let Some(locked) = self.server.tables[table].get(&id(key)).cloned() else {
            return done(key, DbState::Gone(None), None, false);
        };
        let (mut meant, mut refused) = (Vec::new(), Vec::new());
        for want in wants {
            match mean(want.clone()) {
                Ok(one) => meant.push(one),
                Err(reason) => refused.push((want.column, reason)),
            }
        }
        let mut guarded = guard::columns(self.plan(table), base, known, &shown_row(&locked), &meant);
        let (mut row, wrote) = (locked, !guarded.sets.is_empty());
        for (column, value) in &guarded.sets {
            self.witness.daemon_writes(table, id(key), *column, &shown(value));
            // Under this policy the sheet's value wins, whatever the table has by now.
            if self.plan(table).columns[*column].rule.policy != Policy::Sheet {
                self.witness.daemon_overwrites(table, id(key), *column, &shown(&row[*column]));
            }
            row[*column] = value.clone();
        }
        self.witness.daemon_knows(table, &shown_row(&row));
        guard::calculated(&mut guarded.base, &meant, &shown_row(&row));
        let after = if wrote { self.put(write, row) } else { self.server.state_of(&row) };
        if let Some(owed) = write.pays.filter(|_| guarded.left.is_empty() && refused.is_empty()) {
            self.store.owed.remove(&owed);
        }
        if guarded.base != *base {
            self.store.change(table, &BaseChange::Set(key.clone(), guarded.base.clone()));
        }
        let left = guarded.left.iter().map(|(column, rule)| (*column, (*rule).to_owned())).collect();
        WriteOutcome::Done { after, key: key.clone(), base: Some(guarded.base), left, refused, wrote }
    }

    fn insert(
        &mut self,
        write: &TableWrite,
        typed: Option<&Key>,
        claim: Option<ClaimId>,
        cells: &[GridCell],
    ) -> WriteOutcome {
        let table = write.table;
        let there = typed.and_then(|typed| self.server.own(table, id(typed)));
        if let Some(there) = there.and_then(|there| self.server.tables[table].get(&there)) {
            return if self.server.admits(there) { WriteOutcome::Exists } else { WriteOutcome::Outside };
        }
        let made = typed.map_or(self.server.next_id, id);
        let mut meant = Vec::new();
        for (column, cell) in cells.iter().enumerate() {
            let cell = if column == 0 { Cell::number(made as f64) } else { cell.value.clone() };
            let calculated = cells[column].formula.is_some();
            match mean(Want { calculated, ..Want::of(column, cell) }) {
                Ok(one) => meant.push(one),
                Err(reason) => return WriteOutcome::Refused { column: Some(column), reason },
            }
        }
        let row: Record = std::array::from_fn(|column| meant[column].value.clone());
        let shown: [Cell; WIDTH] = std::array::from_fn(|column| shown(&row[column]));
        self.witness.left.extend(self.server.left.iter().copied());
        self.witness.daemon_inserts(table, made, claim, &shown);
        self.judge_double(table, claim, &shown[1]);
        let mut base = guard::inserted(WIDTH, &meant);
        guard::calculated(&mut base, &meant, &shown_row(&row));
        let after = self.put(write, row);
        let kept = &mut self.store.links[table];
        match claim {
            Some(claim) => {
                let owed = Claim { key: key(made), base: base.clone(), missing_since: None, named_at: None };
                kept.claims.insert(claim, owed);
                if kept.inserts.insert(claim, key(made)).is_some() {
                    self.witness.violate(format!("a second insert under claim {claim}"));
                }
            }
            None => self.store.change(table, &BaseChange::Set(key(made), base.clone())),
        }
        done(&key(made), after, Some(base), true)
    }

    /// A row without a key is a record's: nothing but our own memory changes.
    fn tie(&mut self, write: &TableWrite, key: &Key, claim: ClaimId, cells: &[GridCell]) -> WriteOutcome {
        let table = write.table;
        let Some(locked) = self.server.tables[table].get(&id(key)).cloned() else {
            return done(key, DbState::Gone(None), None, false);
        };
        let (row, after) = (shown_row(&locked), self.server.state_of(&locked));
        self.witness.daemon_knows(table, &row);
        let base = guard::tied(self.plan(table), cells, &row);
        let Some(base) = base.filter(|_| self.server.admits(&locked)) else {
            return done(key, after, None, false);
        };
        self.witness.daemon_ties(table, &locked, claim);
        if self.sheet.tabs[table].iter().any(|row| row.id() == Some(id(key))) {
            self.witness.violate(format!("tied twice: {table}/{key} has a row already"));
        }
        let owed = Claim { key: key.clone(), base: base.clone(), missing_since: None, named_at: None };
        self.store.links[table].claims.insert(claim, owed);
        self.server.commit(self.clock, vec![write.effect], Vec::new());
        done(key, after, Some(base), true)
    }

    fn delete(&mut self, write: &TableWrite, key: &Key, base: &RowBase) -> WriteOutcome {
        let table = write.table;
        let wrote = match self.server.tables[table].get(&id(key)) {
            Some(row) if !guard::untouched(base, &shown_row(row)) || !self.server.admits(row) => {
                return done(key, self.server.state_of(row), None, false);
            }
            Some(row) => {
                let (rows, row) = (self.server.tables[table].len(), row.clone());
                self.witness.daemon_deletes(table, &row, rows - 1, self.clock);
                self.witness.table_writes += 1;
                self.last_write = self.clock;
                let image = self.server.delete(table, id(key));
                self.server.commit(self.clock, vec![write.effect], vec![image]);
                true
            }
            None => false,
        };
        self.store.change(table, &BaseChange::Forget { key: key.clone(), dead: true });
        done(key, DbState::Gone(None), None, wrote)
    }

    /// The mark of a soft delete: a value that no filter of a story lets in.
    fn mark(&mut self, write: &TableWrite, key: &Key, base: &RowBase) -> WriteOutcome {
        let table = write.table;
        let Some(mut row) = self.server.tables[table].get(&id(key)).cloned() else {
            return self.delete(write, key, base);
        };
        if !guard::untouched(base, &shown_row(&row)) || !self.server.admits(&row) {
            return done(key, self.server.state_of(&row), None, false);
        }
        if !self.witness.taken.contains(&(table, id(key))) {
            self.witness.violate(format!("wrong delete: nobody removed {table}/{}", id(key)));
        }
        row[1] = Value::Int(MARK);
        let after = self.put(write, row);
        self.store.change(table, &BaseChange::Forget { key: key.clone(), dead: false });
        done(key, after, None, true)
    }

    fn recreate(
        &mut self,
        write: &TableWrite,
        (key, base): (&Key, &RowBase),
        before: &DbRow,
        cells: &[GridCell],
        changed: &[usize],
    ) -> WriteOutcome {
        let table = write.table;
        if self.server.tables[table].contains_key(&id(key)) {
            return WriteOutcome::Exists;
        }
        let mut meant = Vec::new();
        for (column, image) in before.iter().enumerate() {
            let cell = cells[column].value.clone();
            let want = Want::of(column, cell);
            if !changed.contains(&column) {
                meant.push(Meant { want, value: image.value.clone(), shown: image.shown.clone() });
                continue;
            }
            match mean(want) {
                Ok(one) => meant.push(one),
                Err(reason) => return WriteOutcome::Refused { column: Some(column), reason },
            }
        }
        for column in changed {
            self.witness.daemon_writes(table, id(key), *column, &meant[*column].shown);
        }
        let row: Record = std::array::from_fn(|column| meant[column].value.clone());
        let base = guard::recreated(base, changed, &meant);
        let after = self.put(write, row);
        self.store.change(table, &BaseChange::Set(key.clone(), base.clone()));
        done(key, after, Some(base), true)
    }
}

impl World {
    fn rename(&mut self, write: &TableWrite, renaming: &Renaming) -> WriteOutcome {
        let Renaming { from, to, base, known, cells, respelled } = renaming;
        let table = write.table;
        let Some(locked) = self.server.tables[table].get(&id(from)).cloned() else {
            return done(from, DbState::Gone(None), None, false);
        };
        let state = self.server.state_of(&locked);
        if !self.server.admits(&locked) || !guard::is_weighed(base, known.as_ref(), &shown_row(&locked)) {
            return done(from, state, None, false);
        }
        if self.server.own(table, id(to)).is_some_and(|there| there != id(from)) {
            return WriteOutcome::Refused { column: None, reason: "another row has this key already".into() };
        }
        let mut meant = Vec::new();
        for (column, cell) in cells {
            match mean(Want::of(*column, cell.clone())) {
                Ok(one) => meant.push(one),
                Err(reason) => return WriteOutcome::Refused { column: Some(*column), reason },
            }
        }
        let base = guard::renamed(base, &meant);
        self.witness.daemon_renames(table, id(from), id(to), *respelled);
        let mut row = locked;
        row[0] = Value::Int(id(to));
        self.witness.table_holds(table, &row);
        self.witness.table_writes += 1;
        self.last_write = self.clock;
        let after = self.server.state_of(&row);
        let gone = self.server.delete(table, id(from));
        let (_, mut image) = self.server.put(table, row);
        image.renamed_from = Some(from.clone());
        self.server.commit(self.clock, vec![write.effect], vec![gone, (table, image)]);
        self.store.change(table, &BaseChange::Forget { key: from.clone(), dead: !respelled });
        self.store.change(table, &BaseChange::Set(to.clone(), base.clone()));
        done(to, after, Some(base), true)
    }
}

fn mean(want: Want) -> Result<Meant, String> {
    let value: Value = meaning(want.column, want.instead.as_ref().unwrap_or(&want.cell))?;
    let shown = shown(&value);
    Ok(Meant { want, value, shown })
}

fn done(key: &Key, after: DbState, base: Option<RowBase>, wrote: bool) -> WriteOutcome {
    WriteOutcome::Done { after, key: key.clone(), base, left: Vec::new(), refused: Vec::new(), wrote }
}
