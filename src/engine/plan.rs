//! A batch as the engine means it: each request of the grid beside what it is for.
//!
//! The plan is stored before the batch is sent (the ledger's `intended`), and it is all that verifying needs: after a crash
//! the receipts are judged by it alone.

use serde::{Deserialize, Serialize};

use crate::engine::effect::Conflict;
use crate::engine::input::Micros;
use crate::engine::owed::{Owed, OwedId};
use crate::model::base::{BaseChange, ColumnBase, RowBase};
use crate::model::grid::{GridBatch, GridCell, GridOp};
use crate::model::key::Key;
use crate::model::link::{LinkName, SheetId};
use crate::model::mark::{BatchNumber, ClaimId, Owner};

/// A batch's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The token.
    pub number: BatchNumber,
    /// Whose token it is.
    pub owner: Owner,
    /// The helper tab that takes the receipts.
    pub helper: SheetId,
    /// Tokens older than 15 minutes, deleted with it.
    pub expired: Vec<BatchNumber>,
    /// When the read that it rests on was asked: what receipts show beyond it was typed since.
    pub read_at: Micros,
    /// The requests, in the batch's order.
    pub ops: Vec<PlannedOp>,
    /// Base that moves without a write, stored with the batch's end.
    pub agreed: Vec<(LinkName, BaseChange)>,
    /// Conflicts that the read showed, stored with the batch's end.
    pub conflicts: Vec<Conflict>,
    /// Owed things that the read showed to be settled.
    pub paid: Vec<OwedId>,
    /// Owed things of which the read showed more.
    #[serde(default)]
    pub owe: Vec<(OwedId, Owed)>,
    /// Claims that need no more care.
    pub named: Vec<(LinkName, ClaimId)>,
}

impl Plan {
    /// The batch as the grid takes it.
    pub fn batch(&self) -> GridBatch {
        GridBatch {
            number: self.number,
            owner: self.owner.clone(),
            helper: self.helper,
            ops: self.ops.iter().map(|op| op.grid.clone()).collect(),
            expired: self.expired.clone(),
        }
    }
}

/// One request and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedOp {
    /// The link.
    pub link: LinkName,
    /// What it is for.
    pub aim: Aim,
    /// The request.
    pub grid: GridOp,
    /// The mark that the batch puts onto the row that this request hits, whichever it is.
    #[serde(default)]
    pub mark: Option<ClaimId>,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// Cells of a row. `columns` stand in the order of the request's cells.
    Cells {
        /// The row that is meant.
        key: Key,
        /// What is written.
        columns: Vec<PlannedCell>,
        /// The row's cells as read, where several rows showed the key: then they must stand there too.
        whole: Vec<(u32, GridCell)>,
    },
    /// A row takes another key in place, other cells with it.
    Rekey {
        /// The key that must stand there; `None` for blank key cells.
        from: Option<Key>,
        /// The key that it becomes.
        to: Key,
        /// What is written, key columns included.
        columns: Vec<PlannedCell>,
        /// The row's cells as read, with their grid columns: blank key cells do not tell which row was hit.
        read: Vec<(u32, GridCell)>,
        /// The row's base from then on.
        base: RowBase,
        /// The key that must stand there may be that of another record, whose own row shows it too.
        #[serde(default)]
        theirs: bool,
    },
    /// A new row.
    NewRow {
        /// Its key.
        key: Key,
        /// Its base.
        base: RowBase,
    },
    /// A row that is gone in the table, or outside of the filter, leaves the sheet.
    RemoveRow {
        /// The row that is meant.
        key: Key,
        /// Its cells as read, in the link's order, with their grid columns: what differs was typed since.
        read: Vec<(u32, GridCell)>,
        /// Several rows showed the key: then a row that differs is another one.
        copied: bool,
        /// The record lives on outside of the filter: nothing is buried.
        #[serde(default)]
        outside: bool,
        /// The key as the row spells it, where that is another spelling.
        #[serde(default)]
        spelled: Option<Key>,
    },
    /// A claim on a row without a key, or the mark of a request to the same row. One that misses does no harm: it claims whatever
    /// row it hit.
    Claim(ClaimId),
    /// A claim goes.
    Unclaim(ClaimId),
    /// Cells go back to a row that was hit by mistake. The receipt must show the victim and what we had written.
    MendCells {
        /// What it pays.
        owed: OwedId,
        /// The key that must stand there; `None` for a row without one.
        victim: Option<Key>,
        /// The cells as read, in the order of the request's cells.
        read: Vec<GridCell>,
        /// Of a row without key, its other cells: they must stand there too where our blanks tell nothing, and where the row
        /// has got a key since. Of a row whose key others show too, all its cells: they must stand there.
        whole: Vec<(u32, GridCell)>,
    },
    /// A row comes back from the trash.
    MendRow {
        /// What it pays.
        owed: OwedId,
    },
}

/// One cell of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCell {
    /// The link's column.
    pub column: usize,
    /// Base once it is written: expected, never observed (design 4a, rule 6).
    pub base: ColumnBase,
    /// The cell as the guarding read showed it.
    pub read: GridCell,
    /// A person's value was known to lose here and is listed already.
    pub over: bool,
}

impl Aim {
    /// The row that is meant, where it has a key.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Cells { key, .. } | Self::NewRow { key, .. } | Self::RemoveRow { key, .. } => Some(key),
            Self::Rekey { to, .. } => Some(to),
            Self::MendCells { victim, .. } => victim.as_ref(),
            Self::Claim(_) | Self::Unclaim(_) | Self::MendRow { .. } => None,
        }
    }

    /// True for what the table changed: not for claims, and not for what is put back.
    pub fn is_of_the_table(&self) -> bool {
        match self {
            Self::Cells { .. } | Self::Rekey { .. } | Self::NewRow { .. } | Self::RemoveRow { .. } => true,
            Self::Claim(_) | Self::Unclaim(_) | Self::MendCells { .. } | Self::MendRow { .. } => false,
        }
    }

    /// A word for the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Cells { .. } => "cells written",
            Self::Rekey { .. } => "key rewritten in place",
            Self::NewRow { .. } => "row made",
            Self::RemoveRow { .. } => "row removed",
            Self::Claim(_) => "new row claimed",
            Self::Unclaim(_) => "claim dropped",
            Self::MendCells { .. } => "cells put back",
            Self::MendRow { .. } => "row put back",
        }
    }
}
