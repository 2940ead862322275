//! What a cycle is for: the shell gives its calls a lane by it.

use crate::engine::{Engine, Stage};

/// What a cycle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A person's edit.
    Edit,
    /// Changes of a table that is followed.
    Changes,
    /// The first pass over a whole table.
    Copy,
    /// A look at the tabs.
    Sweep,
}

impl Engine {
    /// What the cycle under way is for: who waits longest behind it decides when it goes.
    pub fn errand(&self) -> Errand {
        let hinted = match &self.stage {
            Stage::Reading { hints, .. } => !hints.is_empty(),
            Stage::Spelling(reading) => !reading.hints.is_empty(),
            Stage::Writing(writing) => !writing.hints.is_empty(),
            _ => false,
        };
        let waits = |live: bool| {
            let mut tables = self.tables.iter().filter(|table| table.life.is_live() == live);
            tables.any(|table| !table.pending.is_empty() || !table.flight.is_empty())
        };
        match () {
            () if hinted || !self.hints.is_empty() => Errand::Edit,
            () if waits(true) || self.owes() => Errand::Changes,
            () if waits(false) => Errand::Copy,
            () => Errand::Sweep,
        }
    }
}
