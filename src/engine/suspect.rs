//! Rows that do not look as base says, found beside the stream: what a session without a binlog changed, or a key's cascade.

use crate::engine::Engine;
use crate::engine::input::TableIndex;
use crate::engine::table::Table;
use crate::model::key::Key;

impl Engine {
    /// The present state of these rows is fetched, and enters as any other: a row that was seen missing is looked at once more,
    /// under a lock, before it leaves the tab.
    pub(super) fn on_suspect(&mut self, index: TableIndex, keys: Vec<Key>) {
        let seq = self.seq;
        let Some(table) = self.tables.get_mut(index).filter(|table| table.life.is_live()) else { return };
        for key in keys {
            if !table.is_told(&key) {
                table.fetch(&key, seq);
            }
        }
    }
}

impl Table {
    /// Is the row's state on its way already, or known not to be what base says?
    fn is_told(&self, key: &Key) -> bool {
        self.pending.contains_key(key)
            || self.flight.contains_key(key)
            || self.fences.contains_key(key)
            || self.is_fetching(key)
            || self.owed_key(key).is_some()
            || self.held.has_row(key)
    }
}
