//! `spreadsheets.values.*`: tables of plain values.

mod append;
pub(crate) mod calls;
mod read;
mod write;

use append::{append_answer, append_rows};
use read::{Render, value_range};
use write::{Input, Written, clear_place};

use serde_json::{Value as Json, json};

use super::ApiError;
use super::address::{self, Place};
use super::fields::{Object, list};
use crate::grid::{Dimension, Spreadsheet};

/// `majorDimension`; rows if nothing is said.
pub(crate) fn major(text: &str) -> Result<Dimension, ApiError> {
    match text {
        "" | "ROWS" | "DIMENSION_UNSPECIFIED" => Ok(Dimension::Rows),
        "COLUMNS" => Ok(Dimension::Columns),
        other => Err(ApiError::violation(
            "major_dimension",
            format!(
                "Invalid value at 'major_dimension' (type.googleapis.com/google.apps.sheets.v4.Dimension), \"{other}\""
            ),
        )),
    }
}

/// The places that a list of data filters means, each with the filters that mean it.
pub(crate) fn filtered(
    spreadsheet: &Spreadsheet,
    body: &Object,
) -> Result<Vec<(Place, Vec<Json>)>, ApiError> {
    let filters = list(body, "dataFilters");
    if filters.is_empty() {
        return Err(ApiError::invalid("At least one data filter must be specified."));
    }
    let mut found: Vec<(Place, Vec<Json>)> = Vec::new();
    for filter in filters {
        for place in address::filter(spreadsheet, filter.as_object().unwrap_or(super::fields::nothing()))? {
            match found.iter_mut().find(|(known, _)| known.sheet == place.sheet && known.area == place.area) {
                Some((_, by)) => by.push(filter.clone()),
                None => found.push((place, vec![filter.clone()])),
            }
        }
    }
    Ok(found)
}

/// The answer of `values:batchUpdate` and its sibling by data filter.
pub(crate) fn totals(spreadsheet: &Spreadsheet, written: &[Written], responses: &[Json]) -> Json {
    let distinct = |pick: fn(&Written) -> &std::collections::BTreeSet<u32>| -> usize {
        let mut all: Vec<(i32, u32)> =
            written.iter().flat_map(|one| pick(one).iter().map(|line| (one.place.sheet.0, *line))).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    let mut sheets: Vec<i32> =
        written.iter().filter(|one| one.cells > 0).map(|one| one.place.sheet.0).collect();
    sheets.sort_unstable();
    sheets.dedup();
    let counts = [
        ("totalUpdatedRows", distinct(|one| &one.rows)),
        ("totalUpdatedColumns", distinct(|one| &one.columns)),
        ("totalUpdatedCells", written.iter().map(|one| one.cells).sum()),
        ("totalUpdatedSheets", sheets.len()),
    ];
    let mut out = json!({"spreadsheetId": spreadsheet.id, "responses": responses});
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        out[name] = json!(count);
    }
    out
}

/// Complains about a body whose `values` are no table.
pub(crate) fn check(body: &Object) -> Result<(), ApiError> {
    write::table(body).map(|_| ())
}
