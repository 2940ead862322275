//! Trigger events as Google fires them for a person's action.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::grid::{Area, SheetId, SpreadsheetId};

/// A person's e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Person(pub Arc<str>);

impl Person {
    /// A person by address.
    pub fn new(address: &str) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `changeType` of a change event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeType {
    /// Values of cells.
    Edit,
    /// Rows came.
    InsertRow,
    /// Columns came.
    InsertColumn,
    /// Rows went.
    RemoveRow,
    /// Columns went.
    RemoveColumn,
    /// A tab came.
    InsertGrid,
    /// A tab went.
    RemoveGrid,
    /// Looks.
    Format,
    /// Anything else.
    Other,
}

/// An event for the installable triggers of a spreadsheet's script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TriggerEvent {
    /// For edit triggers.
    Edit {
        /// The tab.
        sheet: SheetId,
        /// What was edited, zero-based and half open.
        range: Area,
        /// The new value as text; only where one cell was typed into and is not blank now.
        value: Option<String>,
        /// The old value as text; only where one cell was typed into and was not blank.
        old_value: Option<String>,
        /// Who.
        user: Person,
    },
    /// For change triggers.
    Change {
        /// What changed.
        change: ChangeType,
        /// Who.
        user: Person,
    },
}

/// Takes trigger events: the script runtime does. Called after the change is visible, outside of every lock.
pub trait TriggerSink: Send + Sync {
    /// An event of a spreadsheet.
    fn fire(&self, spreadsheet: &SpreadsheetId, event: TriggerEvent);
}
