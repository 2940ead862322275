//! A spreadsheet: tabs in order, named ranges, labels, and who may see it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Area, Metadata, SheetId, Tab};

/// The id of a spreadsheet as it stands in its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SpreadsheetId(pub Arc<str>);

impl SpreadsheetId {
    /// An id from its text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// A fresh id of Google's length (44 characters).
    pub fn random() -> Self {
        let text = format!("1{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        Self(text[..44].into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpreadsheetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A named range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRange {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The tab.
    pub sheet: SheetId,
    /// The rectangle.
    pub area: Area,
}

/// Who may open a spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sharing {
    /// Anyone with a valid token.
    pub everyone: bool,
    /// Whose file it is.
    pub owner: Option<String>,
    /// These addresses, beside the owner.
    pub editors: BTreeSet<String>,
}

impl Sharing {
    /// May this address open and write it?
    pub fn allows(&self, address: &str) -> bool {
        self.everyone || self.owner.as_deref() == Some(address) || self.editors.contains(address)
    }
}

/// A spreadsheet. A clone is cheap and shares all cells.
#[derive(Debug, Clone)]
pub struct Spreadsheet {
    /// Its id.
    pub id: SpreadsheetId,
    /// Its title.
    pub title: String,
    /// For example `en_US`.
    pub locale: String,
    /// For example `Etc/GMT`.
    pub time_zone: String,
    /// Tabs in order; never empty.
    pub tabs: Vec<Tab>,
    /// Named ranges.
    pub named_ranges: Vec<NamedRange>,
    /// Labels by id.
    pub metadata: BTreeMap<i32, Metadata>,
    /// Who may open it.
    pub sharing: Sharing,
    /// Did a formula ever stand in it? Where none did, nothing looks for references to rewrite.
    pub has_formulas: bool,
    /// Counts every change.
    pub version: u64,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub modified: i64,
    pub(super) last_id: i32,
    /// What people can undo and redo.
    pub undo: crate::people::UndoStack,
}

impl Spreadsheet {
    /// A new spreadsheet with one tab: number 0, `Sheet1`, 1000 x 26, `en_US`, `Etc/GMT`.
    pub fn new(id: SpreadsheetId, title: impl Into<String>, now: i64) -> Self {
        let seed =
            id.as_str().bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
        Self {
            id,
            title: title.into(),
            locale: "en_US".into(),
            time_zone: "Etc/GMT".into(),
            tabs: vec![Tab::new(SheetId(0), "Sheet1", 1000, 26)],
            named_ranges: Vec::new(),
            metadata: BTreeMap::new(),
            sharing: Sharing::default(),
            has_formulas: false,
            version: 0,
            created: now,
            modified: now,
            last_id: (seed % 1_000_000_000) as i32,
            undo: crate::people::UndoStack::default(),
        }
    }

    /// A number that no tab, range or label of this spreadsheet has yet.
    pub fn fresh_id(&mut self) -> i32 {
        loop {
            self.last_id =
                (self.last_id.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff).max(1);
            let id = self.last_id;
            let taken = self.tab(SheetId(id)).is_some()
                || self.metadata.contains_key(&id)
                || self.named_ranges.iter().any(|range| range.id == id.to_string())
                || self.tabs.iter().any(|tab| tab.protected.iter().any(|range| range.id == id));
            if !taken {
                return id;
            }
        }
    }

    /// A tab by its number.
    pub fn tab(&self, id: SheetId) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.id == id)
    }

    /// A tab by its number, to change it.
    pub fn tab_mut(&mut self, id: SheetId) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|tab| tab.id == id)
    }

    /// A tab by its title; the case does not matter.
    pub fn tab_titled(&self, title: &str) -> Option<&Tab> {
        let wanted = title.to_lowercase();
        self.tabs.iter().find(|tab| tab.title.to_lowercase() == wanted)
    }

    /// The first tab that is not hidden.
    pub fn first_visible(&self) -> Option<&Tab> {
        self.tabs.iter().find(|tab| !tab.hidden)
    }

    /// Cells of all grids together; empty ones count.
    pub fn cell_count(&self) -> u64 {
        self.tabs.iter().map(|tab| u64::from(tab.row_count()) * u64::from(tab.column_count())).sum()
    }
}
