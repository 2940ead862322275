//! What the sheet or a person is still owed after a batch hit something that it did not mean to: mends, and edits that a write
//! of ours covered. Owed things are stored in the transaction that ends the batch, so a crash forgets none.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::input::Micros;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::link::LinkName;

/// Numbers owed things in the order in which they arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwedId(pub u64);

impl fmt::Display for OwedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One cell that was overwritten in a row that was not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// Its column in the grid.
    pub column: u32,
    /// What we wrote.
    pub wrote: GridCell,
    /// What stood there.
    pub before: GridCell,
}

/// One thing that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owed {
    /// Cells of a row that a write hit by mistake. Its key still stands in it.
    Cells {
        /// The link.
        link: LinkName,
        /// The row's key; `None` for a row without one.
        victim: Option<Key>,
        /// The cells.
        cells: Vec<Overwritten>,
    },
    /// A row whose key cells were overwritten by mistake: it now shows the key `wrong`. Mended before everything else.
    KeyCells {
        /// The link.
        link: LinkName,
        /// The key it shows now.
        wrong: Key,
        /// The key it had; `None` for a row without one.
        victim: Option<Key>,
        /// Its key cells, and other cells of the same write.
        cells: Vec<Overwritten>,
    },
    /// A row that was deleted by mistake: it comes back from the trash, whole.
    Row {
        /// The link.
        link: LinkName,
        /// Its key; `None` for a row without one.
        victim: Option<Key>,
        /// The trash slot that holds it.
        slot: u32,
    },
    /// A value that a person typed between our read and our write of the same cell: the policy judges it.
    Edit {
        /// The link.
        link: LinkName,
        /// The row.
        key: Key,
        /// The link's column.
        column: usize,
        /// What was typed.
        cell: GridCell,
        /// When it was typed.
        typed: (Micros, Micros),
    },
}

impl Owed {
    /// The link that it concerns.
    pub fn link(&self) -> &LinkName {
        match self {
            Self::Cells { link, .. }
            | Self::KeyCells { link, .. }
            | Self::Row { link, .. }
            | Self::Edit { link, .. } => link,
        }
    }

    /// True for mends: while one is open nothing else is written to the spreadsheet.
    pub fn is_mend(&self) -> bool {
        !matches!(self, Self::Edit { .. })
    }
}
