//! The pretend tables: rows, an auto-increment key, and a binlog in the order of the commits with the marks of our ledger.

use std::collections::{BTreeMap, BTreeSet};

use sheetbridge::engine::input::{DbCell, DbRow, DbState, Image, Micros, Seq, TableIndex, Transaction};
use sheetbridge::model::cell::Cell;
use sheetbridge::model::key::Key;
use sheetbridge::model::mark::EffectId;
use sheetbridge::model::value::Value;

/// A row's key: `id BIGINT AUTO_INCREMENT`.
pub(super) type Id = i64;

/// The linked columns: `id`, `a BIGINT NOT NULL`, `b BIGINT NULL`.
pub(super) const WIDTH: usize = 3;

/// What a soft delete sets `a` to.
pub(super) const MARK: i64 = 999;

/// A row as the server holds it.
pub(super) type Record = [Value; WIDTH];

/// The server.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) tables: Vec<BTreeMap<Id, Record>>,
    pub(super) next_id: Id,
    /// The link's filter; without one every row is inside.
    pub(super) inside: Option<fn(&Record) -> bool>,
    /// By which keys compare, where several are one to the server.
    pub(super) same: Option<fn(Id) -> Id>,
    /// Records that were outside of it at some time.
    pub(super) left: BTreeSet<(TableIndex, Id)>,
    log: Vec<Transaction>,
}

impl Server {
    pub(super) fn new(tables: usize) -> Self {
        Self {
            tables: vec![BTreeMap::new(); tables],
            next_id: 1,
            inside: None,
            same: None,
            left: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    /// How many transactions the binlog holds; the last one's number.
    pub(super) fn end(&self) -> Seq {
        self.log.len() as Seq
    }

    pub(super) fn transaction(&self, seq: Seq) -> Transaction {
        self.log[seq as usize - 1].clone()
    }

    /// A row is written: inserted or updated.
    pub(super) fn put(&mut self, at: TableIndex, row: Record) -> (TableIndex, Image) {
        let id = id_of(&row);
        self.next_id = self.next_id.max(id + 1);
        let was = self.tables[at].get(&id).map(shown_row);
        let image = Image { key: key(id), state: self.state_of(&row), renamed_from: None, was };
        if !self.admits(&row) {
            self.left.insert((at, id));
        }
        self.tables[at].insert(id, row);
        (at, image)
    }

    /// A row goes.
    pub(super) fn delete(&mut self, at: TableIndex, id: Id) -> (TableIndex, Image) {
        let before = self.tables[at].remove(&id).map(|row| shown_row(&row));
        (at, Image { key: key(id), state: DbState::Gone(before), renamed_from: None, was: None })
    }

    pub(super) fn commit(&mut self, commit: Micros, marks: Vec<EffectId>, images: Vec<(TableIndex, Image)>) {
        let seq = self.end() + 1;
        self.log.push(Transaction { seq, commit, marks, images, looks: Vec::new() });
    }

    /// A row is touched, and the binlog does not tell what it became.
    pub(super) fn commit_named(&mut self, commit: Micros, (table, key): (TableIndex, Key)) {
        self.commit(commit, Vec::new(), Vec::new());
        if let Some(last) = self.log.last_mut() {
            last.looks.push((table, key));
        }
    }

    /// The key of the record that the server finds under this one.
    pub(super) fn own(&self, at: TableIndex, id: Id) -> Option<Id> {
        let rows = &self.tables[at];
        let is_same = |other: &&Id| self.same.is_some_and(|same| same(**other) == same(id));
        rows.get_key_value(&id).map(|(id, _)| *id).or_else(|| rows.keys().find(is_same).copied())
    }

    /// True when the link shows such a row.
    pub(super) fn admits(&self, row: &Record) -> bool {
        self.inside.is_none_or(|inside| inside(row))
    }

    pub(super) fn state_of(&self, row: &Record) -> DbState {
        let shown = shown_row(row);
        if self.admits(row) { DbState::Row(shown) } else { DbState::Outside(shown) }
    }

    pub(super) fn state(&self, at: TableIndex, key: &Key) -> DbState {
        match self.tables[at].get(&id(key)) {
            Some(row) => self.state_of(row),
            None => DbState::Gone(None),
        }
    }
}

pub(super) fn key(id: Id) -> Key {
    Key(vec![Value::Int(id)])
}

pub(super) fn id(key: &Key) -> Id {
    match key.0.first() {
        Some(Value::Int(id)) => *id,
        _ => unreachable!("every key of the pretend tables is one integer"),
    }
}

pub(super) fn id_of(row: &Record) -> Id {
    match &row[0] {
        Value::Int(id) => *id,
        _ => unreachable!("the first column is the key"),
    }
}

pub(super) fn shown(value: &Value) -> Cell {
    match value {
        Value::Int(n) => Cell::number(*n as f64),
        _ => Cell::Blank,
    }
}

pub(super) fn shown_row(row: &Record) -> DbRow {
    row.iter().map(|value| DbCell { value: value.clone(), shown: shown(value) }).collect()
}

/// What a cell means in a column; a sentence where it means nothing.
pub(super) fn meaning(column: usize, cell: &Cell) -> Result<Value, String> {
    match cell {
        Cell::Number(x) => Ok(Value::Int(x.get() as i64)),
        cell if cell.is_blank() && column == 2 => Ok(Value::Null),
        cell if cell.is_blank() => Err("the column needs a value".into()),
        Cell::Text(text) => {
            text.parse().map(|x: f64| Value::Int(x as i64)).map_err(|_| "not a number".into())
        }
        _ => Err("not a number".into()),
    }
}

/// What becomes of a cell that is written into the table: the column rounds.
pub(super) fn rounded(cell: &Cell) -> Cell {
    match cell {
        Cell::Number(x) => Cell::number(x.get().trunc()),
        _ => cell.clone(),
    }
}
