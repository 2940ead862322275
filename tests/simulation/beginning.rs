//! How a seed begins: the rules of its links, and what stands on both sides.

use std::rc::Rc;
use std::time::Duration;

use sheetbridge::engine::input::{ColumnPlan, LinkPlan};
use sheetbridge::model::base::RowBase;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::link::LinkName;
use sheetbridge::model::rule::{
    ColumnRule, Deletes, Direction, FirstMatch, Formulas, KeyEdits, LinkRules, Paste, Policy, Tie,
};
use sheetbridge::model::value::Value;

use super::dice::Dice;
use super::sheet::{COLUMNS, Row};
use super::table::{Record, WIDTH, key, shown, shown_row};
use super::world::World;

impl World {
    /// Five records that both sides agree on, and three blank rows; or a link that starts without base over what stands there.
    pub(super) fn furnish(&mut self, tab: usize, first_meeting: bool) {
        self.store.links[tab].copied = !first_meeting;
        for _ in 0..5 {
            let record: Record = [Value::Int(self.server.next_id), self.value(), self.value()];
            self.server.put(tab, record.clone());
            self.witness.table_holds(tab, &record);
            if !first_meeting {
                self.show(tab, &record);
                let base =
                    shown_row(&record).iter().map(sheetbridge::engine::reconcile::agreed).map(Some).collect();
                let key = key(super::table::id_of(&record));
                self.store.links[tab].base.insert(key, RowBase { columns: base });
                continue;
            }
            match self.dice.below(3) {
                0 => self.show(tab, &record),
                1 => {
                    let mut other = record.clone();
                    other[1 + self.dice.below(2)] = self.value();
                    self.show(tab, &other);
                }
                _ => {}
            }
        }
        self.leave_blank(tab, 3);
    }

    fn leave_blank(&mut self, tab: usize, rows: usize) {
        for _ in 0..rows {
            let sheet = Rc::make_mut(&mut self.sheet);
            let uid = sheet.new_uid();
            sheet.tabs[tab].push(Row::blank(uid));
        }
    }

    /// A table, and a list of the same things that knows nothing of its keys: a row may be the only one for its record, one of two,
    /// or two records'; some have a key, and some no record.
    pub(super) fn furnish_list(&mut self, tab: usize) {
        for _ in 0..6 {
            let record: Record = [Value::Int(self.server.next_id), self.value(), self.value()];
            self.record(tab, record.clone());
            match self.dice.below(8) {
                0 => {}
                1 => self.show(tab, &record),
                2 => {
                    self.list(tab, &record);
                    self.list(tab, &record);
                }
                3 => {
                    let twin: Record = [Value::Int(self.server.next_id), record[1].clone(), self.value()];
                    self.record(tab, twin);
                    self.list(tab, &record);
                }
                4 => {
                    self.show(tab, &record);
                    self.list(tab, &record);
                }
                _ => self.list(tab, &record),
            }
        }
        for _ in 0..self.dice.below(3) {
            let record: Record = [Value::Null, self.value(), self.value()];
            self.list(tab, &record);
        }
        self.leave_blank(tab, 3);
    }

    /// Rows with keys that no record has, some of which the table will not take.
    pub(super) fn fill(&mut self, tab: usize) {
        for at in 0..8 {
            let record: Record = [Value::Int(self.server.next_id), self.value(), self.value()];
            self.server.next_id += 1;
            self.show(tab, &record);
            if self.dice.chance(0.1) {
                self.type_cell(tab, at, 1, Cell::Text("about 5".into()));
            }
        }
        self.leave_blank(tab, 3);
    }

    pub(super) fn record(&mut self, tab: usize, record: Record) {
        self.server.put(tab, record.clone());
        self.witness.table_holds(tab, &record);
        self.witness.from_the_start.insert((tab, super::table::id_of(&record)));
    }

    /// A row without a key that shows the record's first value. Its second one is another, so that a row which a batch hits by
    /// mistake does not look like it in everything.
    fn list(&mut self, tab: usize, record: &Record) {
        let second = if self.dice.chance(0.5) { Value::Null } else { self.value() };
        self.list_row(tab, &[Value::Null, record[1].clone(), second]);
    }

    pub(super) fn list_row(&mut self, tab: usize, record: &Record) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let mut row = Row::blank(sheet.new_uid());
        for at in 1..WIDTH {
            row.cells[COLUMNS[at]] = shown(&record[at]);
        }
        row.cells[super::sheet::OWN] = sheetbridge::model::cell::Cell::number(f64::from(row.uid));
        self.witness.person_noted(row.uid, &row.cells[super::sheet::OWN]);
        self.witness.shows(&row);
        self.witness.sees(tab, &row);
        self.witness.person_made(&row);
        self.witness.listed_from_the_start(tab, &row);
        Rc::make_mut(&mut self.sheet).tabs[tab].push(row);
    }

    fn value(&mut self) -> Value {
        Value::Int(self.new_value() as i64)
    }

    pub(super) fn show(&mut self, tab: usize, record: &Record) {
        let sheet = Rc::make_mut(&mut self.sheet);
        let mut row = Row::blank(sheet.new_uid());
        for at in 0..WIDTH {
            row.cells[COLUMNS[at]] = shown(&record[at]);
        }
        self.witness.bind(row.uid, tab, super::table::id_of(record));
        self.witness.shows(&row);
        self.witness.sees(tab, &row);
        let (uid, at) = (row.uid, sheet.tabs[tab].len());
        sheet.tabs[tab].push(row.clone());
        if !self.store.links[tab].copied {
            self.witness.person_made(&row);
        }
        let note = sheetbridge::model::cell::Cell::number(self.new_value());
        Rc::make_mut(&mut self.sheet).tabs[tab][at].cells[super::sheet::OWN] = note.clone();
        self.witness.person_noted(uid, &note);
    }
}

pub(super) fn plan(at: usize, dice: &mut Dice) -> LinkPlan {
    let policies = [Policy::Newest, Policy::Newest, Policy::Database, Policy::Sheet, Policy::Hold];
    let first = [FirstMatch::Database, FirstMatch::Sheet, FirstMatch::Hold];
    let deletes = [Deletes::Apply, Deletes::Apply, Deletes::Restore, Deletes::Hold];
    let pick = |dice: &mut Dice| {
        let known = if dice.chance(0.3) { 5 } else { 4 };
        policies[dice.below(known)]
    };
    let column = |name: &str, key, required, dice: &mut Dice| ColumnPlan {
        rule: ColumnRule {
            name: name.into(),
            header: name.into(),
            policy: pick(dice),
            direction: Direction::Both,
        },
        key,
        required,
        own: None,
    };
    let columns =
        vec![column("id", true, true, dice), column("a", false, true, dice), column("b", false, false, dice)];
    let rules = LinkRules {
        name: LinkName(format!("link{at}")),
        columns: Vec::new(),
        policy: Policy::Newest,
        deletes: deletes[dice.below(4)].clone(),
        first_match: first[dice.below(3)],
        match_on: Vec::new(),
        tie: if dice.chance(0.5) { Tie::Database } else { Tie::Sheet },
        paste: Paste::Rows,
        key_edits: KeyEdits::Refuse,
        formulas: Formulas::Hold,
        insert_after: Duration::from_secs(2),
        delete_grace: Duration::from_secs(13),
        second_look: Duration::from_secs(10),
        sweep_interval: Duration::from_secs(dice.between(3, 30)),
    };
    LinkPlan { rules, columns, auto_key: true, loose_keys: false }
}
