//! The application at the database: it knows nothing of the sheet.

use sheetbridge::model::value::Value;

use super::table::{Id, Record, id_of, shown};
use super::tell::cell as text;
use super::world::World;

impl World {
    pub(super) fn application(&mut self) {
        let tab = self.dice.below(self.server.tables.len());
        let ids: Vec<Id> = self.server.tables[tab].keys().copied().collect();
        let manner = self.dice.weighed(&self.manners);
        self.happens(["app: update", "app: insert", "app: delete", "app: key change"][manner]);
        match (manner, self.dice.pick(&ids)) {
            (0, Some(id)) => self.app_update(tab, id),
            (2, Some(id)) if ids.len() > 2 => {
                self.app_deletes(tab, id);
            }
            (3, Some(id)) => self.app_rename(tab, id),
            _ => {
                let id = self.server.next_id;
                let row = [Value::Int(id), self.app_value(), self.app_value()];
                self.app_puts(tab, row, "inserts");
            }
        }
    }

    fn app_value(&mut self) -> Value {
        Value::Int(self.new_value() as i64)
    }

    fn app_update(&mut self, tab: usize, id: Id) {
        let mut row = self.server.tables[tab][&id].clone();
        row[1 + self.dice.below(2)] = self.app_value();
        self.app_puts(tab, row, "updates");
    }

    pub(super) fn app_puts(&mut self, tab: usize, row: Record, what: &str) {
        self.witness.acts += 1;
        self.witness.table_holds(tab, &row);
        self.trace(|| {
            format!(
                "app {what} {tab}/{} {:?}",
                id_of(&row),
                row.iter().map(|v| text(&shown(v))).collect::<Vec<_>>()
            )
        });
        let image = self.server.put(tab, row);
        self.server.commit(self.clock, Vec::new(), vec![image]);
    }

    pub(super) fn app_deletes(&mut self, tab: usize, id: Id) {
        let image = self.server.delete(tab, id);
        self.witness.app_deleted(tab, id);
        if !self.store.links[tab].met {
            // A row of the tab that base never knew, and that the table lacks, is a new one to anybody.
            self.witness.strange(tab, id);
        }
        self.server.commit(self.clock, Vec::new(), vec![image]);
        self.trace(|| format!("app deletes {tab}/{id}"));
    }

    pub(super) fn app_rename(&mut self, tab: usize, id: Id) {
        let mut row = self.server.tables[tab][&id].clone();
        let new = self.server.next_id;
        row[0] = Value::Int(new);
        if self.dice.chance(0.3) {
            row[1] = self.app_value();
        }
        let gone = self.server.delete(tab, id);
        self.witness.app_renamed(tab, id, new);
        if !self.store.links[tab].met {
            self.witness.strange(tab, id);
        }
        self.witness.table_holds(tab, &row);
        let mut made = self.server.put(tab, row);
        made.1.renamed_from = Some(super::table::key(id));
        self.server.commit(self.clock, Vec::new(), vec![gone, made]);
        self.trace(|| format!("app renames {tab}/{id} to {new}"));
    }
}
