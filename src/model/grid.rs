//! The sheet as the protocol sees it: a typed read of tabs, and one atomic batch of requests with row numbers.
//!
//! Row and column numbers are zero-based and count from the grid's corner; row 0 is the header. A number is a hint: it is
//! believed only because the receipt of the same batch shows which row it hit (design rule 7).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::cell::Cell;
use crate::model::link::SheetId;
use crate::model::mark::{BatchNumber, ClaimId, Owner};

pub use rows::GridRows;

mod rows;

/// One cell as a typed read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridCell {
    /// The effective value.
    pub value: Cell,
    /// The formula's text where the cell holds one.
    pub formula: Option<String>,
}

impl GridCell {
    /// An empty cell.
    pub const BLANK: Self = Self { value: Cell::Blank, formula: None };

    /// A cell without a formula.
    pub fn plain(value: Cell) -> Self {
        Self { value, formula: None }
    }
}

/// One row of a read. Trailing blank cells are left out; a row may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GridRow {
    /// Its number.
    pub row: u32,
    /// From column A on.
    pub cells: Vec<GridCell>,
    /// The claims that the row's developer metadata carries.
    pub claims: Vec<ClaimId>,
}

/// A column's anchor: developer metadata `sb.col` that follows the column through moves and renames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Where the column stands now.
    pub column: u32,
    /// `<link>.<column name>`.
    pub text: String,
}

/// One tab, whole or some rows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabRead {
    /// The tab.
    pub sheet: SheetId,
    /// Its title now.
    pub title: String,
    /// The grid's height, blank rows included.
    pub row_count: u32,
    /// The grid's width.
    pub column_count: u32,
    /// The cells of row 0, if it was read.
    pub header: Vec<GridCell>,
    /// From the header row on, ascending; trailing empty rows are left out.
    pub rows: Arc<GridRows>,
    /// The anchors of columns.
    pub anchors: Vec<Anchor>,
    /// The notes that stand at cells: row, column, text.
    pub notes: Vec<(u32, u32, String)>,
    /// Merged areas as `(first row, end row, first column, end column)`.
    pub merges: Vec<(u32, u32, u32, u32)>,
}

impl TabRead {
    /// How many cells its grid has.
    pub fn size(&self) -> u64 {
        size(self.row_count, self.column_count)
    }
}

/// How many cells a grid of so many rows and columns has.
pub fn size(rows: u32, columns: u32) -> u64 {
    u64::from(rows) * u64::from(columns)
}

/// A token that stands in the spreadsheet's metadata under the key `sb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its metadata id.
    pub number: BatchNumber,
    /// Who made it, or that its batch is dead.
    pub fate: Fate,
}

/// What a token's value tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The batch of this owner landed.
    Landed(Owner),
    /// Voided by us: the batch can never land.
    Void,
}

/// The helper tab `_sheetbridge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The tab's id.
    pub sheet: SheetId,
    /// The grid's height.
    pub row_count: u32,
    /// The grid's width.
    pub column_count: u32,
}

impl Helper {
    /// How many cells its grid has.
    pub fn size(&self) -> u64 {
        size(self.row_count, self.column_count)
    }
}

/// One typed read of all linked tabs of a spreadsheet, tokens in the same answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Google's locale name, such as `en_US`.
    pub locale: String,
    /// The spreadsheet's IANA time zone.
    pub time_zone: String,
    /// Every token under our key.
    pub tokens: Vec<Token>,
    /// Metadata ids in use under keys that are not ours: the counter skips them.
    pub foreign: Vec<i32>,
    /// The linked tabs that were found; a missing one was deleted.
    pub tabs: Vec<TabRead>,
    /// The helper tab, if it is there.
    pub helper: Option<Helper>,
}

impl Snapshot {
    /// The same with the header of each tab alone.
    #[must_use]
    pub fn headers(&self) -> Self {
        let header = |tab: &TabRead| TabRead {
            title: tab.title.clone(),
            header: tab.header.clone(),
            rows: Arc::default(),
            anchors: tab.anchors.clone(),
            notes: Vec::new(),
            merges: tab.merges.clone(),
            ..*tab
        };
        Self {
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
            tokens: self.tokens.clone(),
            foreign: self.foreign.clone(),
            tabs: self.tabs.iter().map(header).collect(),
            helper: self.helper,
        }
    }
}

/// One request of a batch, in the order in which Google applies them: writes and claims, then inserts from top to bottom,
/// then deletes from bottom to top, so that every number is right when it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GridOp {
    /// Typed values into cells of one row (`updateCells`, mask `userEnteredValue`).
    Write {
        /// The tab.
        sheet: SheetId,
        /// The row.
        row: u32,
        /// Column number and new content, ascending.
        cells: Vec<(u32, GridCell)>,
    },
    /// Row metadata `sb.row` = the claim.
    Claim {
        /// The tab.
        sheet: SheetId,
        /// The row.
        row: u32,
        /// The claim.
        claim: ClaimId,
    },
    /// The claim's metadata is deleted wherever it stands.
    Unclaim {
        /// The claim.
        claim: ClaimId,
    },
    /// A new row (`insertDimension`) filled in the same batch; the format comes from the row above.
    Insert {
        /// The tab.
        sheet: SheetId,
        /// The new row's number once it and the inserts before it are made.
        at: u32,
        /// Column number and content, ascending.
        cells: Vec<(u32, GridCell)>,
    },
    /// A new row that takes a row back out of the trash, whole (`copyPaste`, normal).
    Restore {
        /// The tab.
        sheet: SheetId,
        /// The new row's number once it and the inserts before it are made.
        at: u32,
        /// The trash slot it comes from.
        slot: u32,
    },
    /// The row goes (`deleteDimension`); the batch puts it whole into the trash first.
    Delete {
        /// The tab.
        sheet: SheetId,
        /// The row, in numbers as they were before any delete of this batch.
        row: u32,
        /// The trash slot it goes to.
        slot: u32,
    },
}

/// One atomic `batchUpdate`: the token first, then receipts of everything it touches, then the requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridBatch {
    /// The token's number.
    pub number: BatchNumber,
    /// The token's value.
    pub owner: Owner,
    /// The helper tab that takes the receipts.
    pub helper: SheetId,
    /// The requests, at most [`MOST_OPS`], and of those that leave a receipt at most [`RECEIPT_LINES`].
    pub ops: Vec<GridOp>,
    /// Tokens to delete by id: older than 15 minutes.
    pub expired: Vec<BatchNumber>,
}

/// How many rows a batch may touch that were there before: the lines of one receipt block.
pub const RECEIPT_LINES: usize = 10_000;

/// How many requests a batch may hold: new rows leave no receipt.
pub const MOST_OPS: usize = 2 * RECEIPT_LINES;

/// How many rows the trash keeps.
pub const TRASH_SLOTS: u32 = 1000;

/// What a receipt shows: the header row and every touched row as they stood at the instant of the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Per touched tab, its header row.
    pub headers: Vec<(SheetId, Vec<GridCell>)>,
    /// One entry per request of the batch: the whole row as it was, `None` for inserts, restores and unclaims.
    pub rows: Vec<Option<Vec<GridCell>>>,
}
