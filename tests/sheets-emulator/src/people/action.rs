//! What a person can do. Rows and columns count from 0, as in the API; ends are the one after the last.

use serde::{Deserialize, Serialize};

use crate::grid::{Area, SheetId};

/// One thing that a person does at the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Types into one cell; empty text clears it.
    Type {
        /// The tab.
        sheet: SheetId,
        /// The row.
        row: u32,
        /// The column.
        column: u32,
        /// What is typed; parsed as Google parses typing.
        text: String,
    },
    /// Pastes text from elsewhere (another program) as a block.
    PasteBlock {
        /// The tab.
        sheet: SheetId,
        /// Top row.
        row: u32,
        /// Left column.
        column: u32,
        /// Rows of texts; parsed as typing.
        cells: Vec<Vec<String>>,
    },
    /// Copies a rectangle and pastes it elsewhere on the same tab, looks included.
    CopyPaste {
        /// The tab.
        sheet: SheetId,
        /// What is copied.
        from: Area,
        /// Top row of the place.
        row: u32,
        /// Left column of the place.
        column: u32,
    },
    /// Presses Delete over a rectangle.
    Clear {
        /// The tab.
        sheet: SheetId,
        /// Which cells.
        area: Area,
    },
    /// Fills the first row of a rectangle down over the rest of it.
    Fill {
        /// The tab.
        sheet: SheetId,
        /// Which cells.
        area: Area,
    },
    /// Writes a note on a cell; empty removes it.
    Note {
        /// The tab.
        sheet: SheetId,
        /// The row.
        row: u32,
        /// The column.
        column: u32,
        /// The note.
        text: String,
    },
    /// Inserts blank rows before `at`.
    InsertRows {
        /// The tab.
        sheet: SheetId,
        /// Before this one.
        at: u32,
        /// How many.
        count: u32,
    },
    /// Deletes rows.
    DeleteRows {
        /// The tab.
        sheet: SheetId,
        /// First.
        start: u32,
        /// After the last.
        end: u32,
    },
    /// Drags rows before the row that stands at `to` now.
    MoveRows {
        /// The tab.
        sheet: SheetId,
        /// First.
        start: u32,
        /// After the last.
        end: u32,
        /// Before this one.
        to: u32,
    },
    /// Inserts blank columns before `at`.
    InsertColumns {
        /// The tab.
        sheet: SheetId,
        /// Before this one.
        at: u32,
        /// How many.
        count: u32,
    },
    /// Deletes columns.
    DeleteColumns {
        /// The tab.
        sheet: SheetId,
        /// First.
        start: u32,
        /// After the last.
        end: u32,
    },
    /// Drags columns before the column that stands at `to` now.
    MoveColumns {
        /// The tab.
        sheet: SheetId,
        /// First.
        start: u32,
        /// After the last.
        end: u32,
        /// Before this one.
        to: u32,
    },
    /// Sorts a rectangle (default: the whole tab below its frozen rows) by a column.
    SortByColumn {
        /// The tab.
        sheet: SheetId,
        /// By this column of the tab.
        column: u32,
        /// Z to A?
        #[serde(default)]
        descending: bool,
        /// Only these cells; the rest of their rows stays.
        #[serde(default)]
        area: Option<Area>,
    },
    /// Renames a tab.
    RenameTab {
        /// The tab.
        sheet: SheetId,
        /// Its new title.
        title: String,
    },
    /// Makes a tab.
    AddTab {
        /// Its title.
        title: String,
    },
    /// Deletes a tab.
    DeleteTab {
        /// The tab.
        sheet: SheetId,
    },
    /// Finds and replaces on a whole tab, without regard to case.
    Replace {
        /// The tab.
        sheet: SheetId,
        /// What is looked for.
        find: String,
        /// What takes its place.
        replacement: String,
    },
    /// Sets the filter of a tab, or removes it.
    Filter {
        /// The tab.
        sheet: SheetId,
        /// Over these cells, the first row its header; none removes the filter.
        #[serde(default)]
        area: Option<Area>,
    },
    /// Takes back this person's last action.
    Undo,
    /// Does again what this person took back last.
    Redo,
}
