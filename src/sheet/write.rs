//! Batches to Google, and what became of them.
//!
//! A batch is sent once. If its answer is lost, its fate is not guessed: we create its token ourselves with the value
//! `void`, so that it can never land later, and then read who made the token (design 4a, rule 2; protocol C7).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::cell::Cell;
use crate::model::grid::{Fate, GridBatch, MOST_OPS, Receipt};
use crate::model::link::SpreadsheetId;
use crate::model::mark::{BatchNumber, ClaimId};
use crate::sheet::answer::{Metadata, ROWS_MASK, Spreadsheet};
use crate::sheet::client::{Call, Client, parse};
use crate::sheet::error::SheetError;
use crate::sheet::helper_tab::Lines;
use crate::sheet::quota::Lane;
use crate::sheet::read::{VOID, fate};
use crate::sheet::request::{self, CLAIM_KEY, Grids, Staged, Staging, to_json};
use crate::sheet::wire::DataFilter;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Applied, and this is what it overwrote.
    Applied(Receipt),
    /// The token's number is in use: nothing was applied by this call. Settling tells who made it.
    TokenTaken,
    /// Google refuses it and always will; nothing was applied.
    Refused {
        /// The positions in `GridBatch::ops` that are to blame; empty if Google does not say.
        ops: Vec<usize>,
        /// Google's sentence.
        reason: String,
    },
    /// No answer, or one that cannot be read: it may have been applied or be applied later. Settle it.
    Unknown,
}

/// What became of the naming of new rows.
#[derive(Debug, PartialEq, Eq)]
pub enum Naming {
    /// Every claimed row that is still there has its cells.
    Written,
    /// Google refuses it; nothing was written.
    Refused(String),
    /// No answer: read the rows. Naming again does no harm, since Google finds the rows by their claims.
    Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BatchAnswer {
    updated_spreadsheet: Spreadsheet,
}

/// The largest request that Google recommends; a larger one never leaves this host.
const LARGEST: usize = 2_000_000;

/// How often a void that Google refuses and a read that shows no token may contradict each other before a person is asked.
const CONTRADICTIONS: u32 = 5;

impl Client {
    /// Sends a batch once. An `Err` was certainly not applied: no token, no permission, over quota, no connection.
    pub async fn send(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        batch: &GridBatch,
        grids: &Grids,
    ) -> Result<Outcome, SheetError> {
        if batch.ops.len() > MOST_OPS {
            return Err(SheetError::TooLarge(batch.ops.len()));
        }
        let staging = match self.staging(lane, spreadsheet, batch).await {
            Err(SheetError::Refused(reason)) => return Ok(Outcome::Refused { ops: Vec::new(), reason }),
            staging => staging?,
        };
        let encoded = request::encode(batch, grids, &staging);
        if let Some(reason) = too_large(&encoded.body) {
            return Ok(Outcome::Refused { ops: Vec::new(), reason });
        }
        let call = Call::post(request::query(), encoded.body);
        match self.write(lane, spreadsheet, &call).await {
            Ok(body) => Ok(applied(batch, &body)),
            Err(SheetError::Refused(reason)) => {
                self.stages.forget(spreadsheet);
                let at = refused_request(&reason);
                // How Google words a number in use is documented nowhere, so the metadata itself is asked.
                if at.is_none_or(|at| at == 0) && self.metadata(spreadsheet, batch.number).await?.is_some() {
                    return Ok(Outcome::TokenTaken);
                }
                if at.is_some_and(|at| encoded.blame.get(at).is_some_and(Vec::is_empty)) {
                    // What serves no row is ours: a lock on the helper tab, a grid that is full. No row is to blame.
                    return Err(SheetError::Refused(reason));
                }
                let ops = at.and_then(|at| encoded.blame.get(at).cloned()).unwrap_or_default();
                Ok(Outcome::Refused { ops, reason })
            }
            Err(error) if error.is_in_doubt() => {
                tracing::warn!(%spreadsheet, number = %batch.number, %error, "the answer to a batch is lost");
                Ok(Outcome::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    /// Lays down the rows of a batch that go as plain values. A batch without such rows takes away the tabs that have served.
    async fn staging(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        batch: &GridBatch,
    ) -> Result<Staging, SheetError> {
        let staged = Staged::of(batch);
        if staged.is_empty() {
            return Ok(Staging { from: None, retired: self.stages.retire(spreadsheet) });
        }
        let tab = self.stage(lane, spreadsheet, batch, &staged).await?;
        Ok(Staging { from: Some((staged, tab)), retired: Vec::new() })
    }

    /// Makes the fate of a batch certain: voids its token as often as it takes, then believes only the token's value.
    /// After this the batch has landed or never will. A number under somebody else's key is void: it cannot be taken.
    pub async fn settle(&self, spreadsheet: &SpreadsheetId, number: BatchNumber) -> Result<Fate, SheetError> {
        let void = request::body(vec![request::token(number.0, VOID.to_owned())]);
        let call = Call::post(":batchUpdate?prettyPrint=false&fields=spreadsheetId", void);
        let (mut attempt, mut contradictions) = (0, 0);
        loop {
            let refused = match self.write(Lane::Verify, spreadsheet, &call).await {
                Ok(_) => None,
                Err(SheetError::Refused(reason)) => Some(reason),
                Err(error) if error.is_in_doubt() || is_passing(&error) => {
                    tracing::debug!(%spreadsheet, %number, %error, "voiding again");
                    None
                }
                Err(error) => return Err(error),
            };
            if let Some(metadata) = self.metadata(spreadsheet, number).await? {
                return Ok(fate(&metadata).unwrap_or(Fate::Void));
            }
            if let Some(reason) = refused {
                contradictions += 1;
                if contradictions >= CONTRADICTIONS {
                    return Err(SheetError::Refused(reason));
                }
            }
            tokio::time::sleep(self.backoff().wait(attempt)).await;
            attempt += 1;
        }
    }

    /// A landed batch's receipt, read back from the helper tab; `None` if a later batch has used the block since, or if
    /// the helper tab is gone.
    pub async fn receipt(
        &self,
        spreadsheet: &SpreadsheetId,
        batch: &GridBatch,
    ) -> Result<Option<Receipt>, SheetError> {
        let lines = Lines::of(batch);
        let mask = format!("sheets(properties(sheetId),data({ROWS_MASK}))");
        let ranges = lines.ranges(batch.helper);
        match self.by_filter(Lane::Verify, spreadsheet, ranges, &mask).await {
            Ok(answer) => Ok(lines.receipt(batch, answer)),
            // The tab is gone, or was made again and never grew to these lines.
            Err(SheetError::Refused(reason)) => {
                tracing::warn!(%spreadsheet, number = %batch.number, reason, "the helper tab has no such lines");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes cells into claimed rows, wherever they stand now: Google finds each row by its claim.
    pub async fn name(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        rows: &[(ClaimId, Vec<(u32, Cell)>)],
    ) -> Result<Naming, SheetError> {
        let data = rows.iter().map(|(claim, cells)| NamedRow {
            data_filter: DataFilter::metadata(CLAIM_KEY, claim.to_string()),
            major_dimension: "ROWS",
            values: [sparse(cells)],
        });
        let body = to_json(&NamingBody { value_input_option: "RAW", data: data.collect() });
        let call =
            Call::post("/values:batchUpdateByDataFilter?prettyPrint=false&fields=totalUpdatedCells", body);
        match self.write(lane, spreadsheet, &call).await {
            Ok(_) => Ok(Naming::Written),
            Err(SheetError::Refused(reason)) => Ok(Naming::Refused(reason)),
            Err(error) if error.is_in_doubt() => Ok(Naming::Unknown),
            Err(error) => Err(error),
        }
    }

    /// The metadata with this id.
    async fn metadata(
        &self,
        spreadsheet: &SpreadsheetId,
        number: BatchNumber,
    ) -> Result<Option<Metadata>, SheetError> {
        let body = to_json(&Search { data_filters: [DataFilter::metadata_id(number.0)] });
        let call = Call::post("/developerMetadata:search?prettyPrint=false", body);
        let found: Found = self.read(Lane::Verify, spreadsheet, &call).await?;
        let mut matches = found.matched_developer_metadata.into_iter().map(|m| m.metadata);
        Ok(matches.find(|metadata| metadata.id == number.0))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    data_filters: [DataFilter; 1],
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Found {
    matched_developer_metadata: Vec<Match>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Match {
    #[serde(rename = "developerMetadata")]
    metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamingBody {
    value_input_option: &'static str,
    data: Vec<NamedRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedRow {
    data_filter: DataFilter,
    major_dimension: &'static str,
    values: [Vec<Option<Box<RawValue>>>; 1],
}

/// A row from column A on in which `null` leaves a cell as it is and an empty text clears it.
fn sparse(cells: &[(u32, Cell)]) -> Vec<Option<Box<RawValue>>> {
    let width = cells.iter().map(|(column, _)| *column as usize + 1).max().unwrap_or(0);
    let mut row: Vec<Option<Box<RawValue>>> = vec![None; width];
    for (column, cell) in cells {
        let json = match cell {
            Cell::Blank => serde_json::value::to_raw_value(""),
            Cell::Number(x) => serde_json::value::to_raw_value(&x.get()),
            Cell::Text(s) | Cell::Error(s) => serde_json::value::to_raw_value(s),
            Cell::Bool(b) => serde_json::value::to_raw_value(b),
        };
        row[*column as usize] = Some(json.expect("texts, numbers and booleans are JSON"));
    }
    row
}

fn applied(batch: &GridBatch, body: &Bytes) -> Outcome {
    parse::<BatchAnswer>(body)
        .ok()
        .and_then(|answer| Lines::of(batch).receipt(batch, answer.updated_spreadsheet))
        .map_or(Outcome::Unknown, Outcome::Applied)
}

/// Why a body never leaves this host, if it does not.
pub(super) fn too_large(body: &[u8]) -> Option<String> {
    let bytes = body.len();
    (bytes > LARGEST).then(|| format!("{bytes} bytes in one request are more than Google takes"))
}

fn is_passing(error: &SheetError) -> bool {
    use crate::fault::{Classify, Fault};
    error.fault() == Fault::Passing
}

/// `Invalid requests[3].updateCells: …` names the request.
fn refused_request(reason: &str) -> Option<usize> {
    let (_, rest) = reason.split_once("requests[")?;
    rest.split_once(']')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_says_which_request_it_refuses() {
        let reason = "Invalid requests[12].updateCells: Attempting to write row: 1000, beyond the last requested row of: 999";
        assert_eq!(refused_request(reason), Some(12));
        assert_eq!(refused_request("Cannot exceed 100000 requests in a single batch."), None);
    }

    #[test]
    fn naming_skips_the_cells_between() {
        let row = sparse(&[(2, Cell::number(51.0)), (0, Cell::Blank)]);
        let json = serde_json::to_string(&row).expect("json");
        assert_eq!(json, r#"["",null,51.0]"#);
    }
}
