//! A batch becomes one `batchUpdate`, pure.
//!
//! Google applies requests in the order given, all or none, so the order here is the protocol (design 4a, rules 1 and 2):
//!
//! 1. the token, whose second creation fails the whole batch: it applies at most once;
//! 2. the helper tab grown where it is too small, its block cleared and stamped;
//! 3. copies of the header rows and of every row that a `Write` or `Claim` touches;
//! 4. writes, claims, unclaims;
//! 5. inserts and restores from top to bottom; many new rows are copied in from a tab where they wait (`stage`);
//! 6. rows that go, first copied whole into the trash, then deleted from bottom to top;
//! 7. tokens that are old enough to go, and tabs that have served.
//!
//! Neighbouring cells and rows share a request.

use serde::Serialize;

use crate::model::grid::{GridBatch, Helper, Snapshot};
use crate::model::link::SheetId;
use crate::sheet::answer::ROWS_MASK;
use crate::sheet::helper_tab::{HELPER_TITLE, Lines};
use crate::sheet::request::list::List;
use crate::sheet::wire::{DataFilter, Location, NewMetadata, Request, Visibility};

mod list;
mod merge;
mod staged;

pub(super) use staged::{Staged, Staging};

/// The key of tokens.
pub const TOKEN_KEY: &str = "sb";

/// The key of claims, on rows.
pub const CLAIM_KEY: &str = "sb.row";

/// The key of what we put on columns beside their values.
pub const RULE_KEY: &str = "sb.rule";

/// The key of column anchors.
pub const ANCHOR_KEY: &str = "sb.col";

/// The sizes of the grids that a batch works on, as the last read showed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grids {
    /// The helper tab.
    pub helper: Helper,
    /// Per linked tab, rows and columns.
    pub tabs: Vec<(SheetId, u32, u32)>,
}

impl Grids {
    /// The sizes that a read shows; `None` while there is no helper tab.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let tabs = snapshot.tabs.iter().map(|tab| (tab.sheet, tab.row_count, tab.column_count));
        Some(Self { helper: snapshot.helper?, tabs: tabs.collect() })
    }

    fn rows(&self, sheet: SheetId) -> u32 {
        self.find(sheet).map_or(u32::MAX, |(_, rows, _)| rows)
    }

    /// The width that copies of the tab's rows have.
    fn width(&self, sheet: SheetId) -> u32 {
        self.find(sheet).map_or(self.helper.column_count, |(_, _, columns)| columns)
    }

    fn find(&self, sheet: SheetId) -> Option<(SheetId, u32, u32)> {
        self.tabs.iter().copied().find(|(id, _, _)| *id == sheet)
    }
}

/// A batch on the wire.
#[derive(Debug)]
pub(super) struct Encoded {
    /// The JSON body.
    pub(super) body: Vec<u8>,
    /// Per request, the positions in `GridBatch::ops` that it serves: whom to blame when Google refuses it.
    pub(super) blame: Vec<Vec<usize>>,
}

/// The query of a `batchUpdate` that answers with the helper tab's lines.
pub(super) fn query() -> String {
    format!(
        ":batchUpdate?prettyPrint=false&fields=updatedSpreadsheet(sheets(properties(sheetId),data({ROWS_MASK})))"
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchBody {
    requests: Vec<Request>,
    include_spreadsheet_in_response: bool,
    response_ranges: Vec<String>,
}

/// Encodes a batch of at most `MOST_OPS` requests.
pub(super) fn encode(batch: &GridBatch, grids: &Grids, staging: &Staging) -> Encoded {
    let lines = Lines::of(batch);
    let mut list = List::default();
    list.push(token(batch.number.0, batch.owner.to_string()), &[]);
    list.grow_helper(grids, lines.height());
    list.receipts(batch, &lines, grids);
    list.writes(batch);
    list.marks(batch);
    list.inserts(batch, grids, staging);
    list.deletes(batch, grids);
    for old in &batch.expired {
        let data_filter = DataFilter::metadata_id(old.0);
        list.push(Request::DeleteDeveloperMetadata { data_filter }, &[]);
    }
    for sheet_id in staging.retired.iter().copied() {
        list.push(Request::DeleteSheet { sheet_id }, &[]);
    }
    // The helper tab is ours and never renamed, so it may be named by its title, the only form that Google takes here.
    let response_ranges =
        lines.runs().into_iter().map(|(start, end)| format!("'{HELPER_TITLE}'!{}:{end}", start + 1));
    let body = BatchBody {
        requests: list.requests,
        include_spreadsheet_in_response: true,
        response_ranges: response_ranges.collect(),
    };
    Encoded { body: to_json(&body), blame: list.blame }
}

/// The request that makes a token, or the void in its place.
pub(super) fn token(number: i32, value: String) -> Request {
    Request::CreateDeveloperMetadata {
        metadata: NewMetadata {
            metadata_id: Some(number),
            metadata_key: TOKEN_KEY,
            metadata_value: value,
            location: Location::Spreadsheet(true),
            visibility: Visibility::Document,
        },
    }
}

/// The body of a `batchUpdate` of which only the success counts.
pub(super) fn body(requests: Vec<Request>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body {
        requests: Vec<Request>,
    }
    to_json(&Body { requests })
}

/// JSON of a type of our own.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own types have text keys and no failing parts")
}

#[cfg(test)]
mod tests;
