//! The grid: spreadsheets, tabs and cells, and how they move.
//!
//! Everything is plain data that is cheap to clone: a tab's rows live in shared chunks that are copied on the first
//! write ([`Rows`]), so "clone, change, put back" is how a batch becomes all-or-nothing, how old states are kept for
//! stale reads, and how a change is told from what was before. Whatever has a position (metadata, merges, named
//! ranges, hidden rows) is moved by one [`Shift`] in one place, [`Spreadsheet::shift`].

mod a1;
mod area;
mod band;
mod cell;
mod identity;
mod metadata;
mod rows;
mod search;
mod shift;
mod sort;
mod spreadsheet;
mod structure;
mod tab;
mod validation;
mod write;

pub use a1::{A1, column_letters, column_number, parse_a1, print_a1, quote_title};
pub use area::{Area, Dimension, OpenArea};
pub(crate) use cell::Restyled;
pub use cell::{Cell, ErrorKind, Look, Scalar, SheetError, Value};
pub use identity::LineIds;
pub use metadata::{Location, Metadata, Visibility};
pub use rows::{Row, Rows};
pub use search::{Found, Manner, Search};
pub use shift::Shift;
pub use sort::SortKey;
pub use spreadsheet::{NamedRange, Sharing, Spreadsheet, SpreadsheetId};
pub use structure::{LIMIT_CELLS, LIMIT_CHARACTERS, LIMIT_COLUMNS};
pub use tab::{DimensionLook, Group, Protected, SheetId, Tab};
pub(crate) use validation::check as check_validation;

/// Why a change was refused: the sentence that Google says, without the `Invalid requests[i].kind: ` before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
