//! `spreadsheets.batchUpdate`: requests in order, all or none.

mod cells;
mod labels;
mod lines;
mod overlays;
mod paste;
mod sheets;

use serde_json::{Value as Json, json};

pub(crate) use self::lines::groups_json;
use super::fields::{self, Object};
use super::{ApiError, Mask};
use crate::grid::{Area, OpenArea, Refusal, SheetId, Spreadsheet};
use crate::knobs::Knobs;

/// Requests that one batch may hold.
const LIMIT_REQUESTS: usize = 100_000;

/// The spreadsheet at work.
pub(crate) struct Work<'a> {
    /// What is changed; nobody sees it before the last request has passed.
    pub spreadsheet: &'a mut Spreadsheet,
    /// The caller's address.
    pub caller: &'a str,
    /// The knobs.
    pub knobs: &'a Knobs,
}

type Answer = Result<Json, ApiError>;
type Handler = fn(&mut Work<'_>, &Object) -> Answer;

/// Each kind: what does it, and the fields that its message has.
const KINDS: &[(&str, Handler, &[&str])] = &[
    ("updateCells", cells::update, &["start", "range", "rows", "fields"]),
    ("appendCells", cells::append, &["sheetId", "rows", "fields", "tableId"]),
    ("repeatCell", cells::repeat, &["range", "cell", "fields"]),
    (
        "findReplace",
        cells::find_replace,
        &[
            "find",
            "replacement",
            "matchCase",
            "matchEntireCell",
            "searchByRegex",
            "includeFormulas",
            "range",
            "sheetId",
            "allSheets",
        ],
    ),
    ("sortRange", cells::sort, &["range", "sortSpecs"]),
    ("copyPaste", paste::copy, &["source", "destination", "pasteType", "pasteOrientation"]),
    ("cutPaste", paste::cut, &["source", "destination", "pasteType"]),
    ("insertDimension", lines::insert, &["range", "inheritFromBefore"]),
    ("deleteDimension", lines::delete, &["range"]),
    ("appendDimension", lines::append, &["sheetId", "dimension", "length", "tableId"]),
    ("moveDimension", lines::move_lines, &["source", "destinationIndex"]),
    ("updateDimensionProperties", lines::update, &["range", "dataSourceSheetRange", "properties", "fields"]),
    ("autoResizeDimensions", lines::auto_resize, &["dimensions", "dataSourceSheetDimensions"]),
    ("addDimensionGroup", lines::add_group, &["range"]),
    ("deleteDimensionGroup", lines::delete_group, &["range"]),
    ("addSheet", sheets::add, &["properties"]),
    ("deleteSheet", sheets::delete, &["sheetId"]),
    (
        "duplicateSheet",
        sheets::duplicate,
        &["sourceSheetId", "insertSheetIndex", "newSheetId", "newSheetName"],
    ),
    ("updateSheetProperties", sheets::update, &["properties", "fields"]),
    ("updateSpreadsheetProperties", sheets::update_spreadsheet, &["properties", "fields"]),
    ("mergeCells", overlays::merge, &["range", "mergeType"]),
    ("unmergeCells", overlays::unmerge, &["range"]),
    ("addNamedRange", overlays::add_named, &["namedRange"]),
    ("updateNamedRange", overlays::update_named, &["namedRange", "fields"]),
    ("deleteNamedRange", overlays::delete_named, &["namedRangeId"]),
    ("addProtectedRange", overlays::add_protected, &["protectedRange"]),
    ("updateProtectedRange", overlays::update_protected, &["protectedRange", "fields"]),
    ("deleteProtectedRange", overlays::delete_protected, &["protectedRangeId"]),
    ("setDataValidation", overlays::set_validation, &["range", "rule", "filteredRowsIncluded"]),
    ("setBasicFilter", overlays::set_filter, &["filter"]),
    ("clearBasicFilter", overlays::clear_filter, &["sheetId"]),
    ("createDeveloperMetadata", labels::create, &["developerMetadata"]),
    ("updateDeveloperMetadata", labels::update, &["dataFilters", "developerMetadata", "fields"]),
    ("deleteDeveloperMetadata", labels::delete, &["dataFilter"]),
];

/// Requests that the service knows and the emulator does not.
const NOT_HERE: &[&str] = &[
    "updateBorders",
    "autoFill",
    "pasteData",
    "textToColumns",
    "deleteRange",
    "insertRange",
    "addConditionalFormatRule",
    "updateConditionalFormatRule",
    "deleteConditionalFormatRule",
    "addFilterView",
    "deleteFilterView",
    "duplicateFilterView",
    "updateFilterView",
    "addChart",
    "updateChartSpec",
    "updateEmbeddedObjectPosition",
    "updateEmbeddedObjectBorder",
    "deleteEmbeddedObject",
    "addBanding",
    "updateBanding",
    "deleteBanding",
    "updateDimensionGroup",
    "trimWhitespace",
    "deleteDuplicates",
    "randomizeRange",
    "addSlicer",
    "updateSlicerSpec",
    "addDataSource",
    "updateDataSource",
    "deleteDataSource",
    "refreshDataSource",
    "cancelDataSourceRefresh",
    "addTable",
    "updateTable",
    "deleteTable",
];

/// Fields of requests that are ranges or coordinates, and the fields that these have.
const PLACES: [&str; 5] = ["range", "source", "destination", "start", "dimensions"];
const PLACE: [&str; 11] = [
    "sheetId",
    "startRowIndex",
    "endRowIndex",
    "startColumnIndex",
    "endColumnIndex",
    "dimension",
    "startIndex",
    "endIndex",
    "rowIndex",
    "columnIndex",
    "tableId",
];

/// Applies all requests; gives the replies.
pub(crate) fn apply(work: &mut Work<'_>, body: &Object) -> Result<Vec<Json>, ApiError> {
    fields::only(
        body,
        &["requests", "includeSpreadsheetInResponse", "responseRanges", "responseIncludeGridData"],
        "",
    )?;
    let requests = fields::list(body, "requests");
    if requests.is_empty() {
        return Err(ApiError::invalid("Must specify at least one request."));
    }
    if requests.len() > LIMIT_REQUESTS {
        return Err(ApiError::invalid(format!("Cannot exceed {LIMIT_REQUESTS} requests in a single batch.")));
    }
    // Names are checked before anything is applied, as the service reads the whole message first.
    let parsed = requests
        .iter()
        .enumerate()
        .map(|(place, request)| parse(place, request))
        .collect::<Result<Vec<_>, _>>()?;
    let mut replies = Vec::with_capacity(parsed.len());
    for (place, (kind, handler, message)) in parsed.into_iter().enumerate() {
        replies.push(handler(work, message).map_err(|error| located(error, place, kind))?);
    }
    Ok(replies)
}

fn parse(place: usize, request: &Json) -> Result<(&'static str, Handler, &Object), ApiError> {
    let at = format!("requests[{place}]");
    let request = request.as_object().filter(|request| request.len() == 1);
    let Some((name, message)) = request.and_then(|request| request.iter().next()) else {
        return Err(ApiError::invalid(format!("Invalid {at}: No request set.")));
    };
    if NOT_HERE.contains(&name.as_str()) {
        return Err(ApiError {
            code: 501,
            status: "UNIMPLEMENTED",
            message: format!("The emulator does not know the request {name}."),
            details: None,
        });
    }
    let Some((kind, handler, known)) = KINDS.iter().find(|(kind, ..)| kind == name) else {
        return Err(ApiError::unknown_name(name, &at));
    };
    let Some(message) = message.as_object() else {
        return Err(ApiError::violation(
            &format!("{at}.{name}"),
            format!(
                "Invalid value at '{at}.{name}' (type.googleapis.com/google.apps.sheets.v4.Request), {message}"
            ),
        ));
    };
    fields::only(message, known, &format!("{at}.{name}"))?;
    for (field, inner) in message.iter().filter(|(field, _)| PLACES.contains(&field.as_str())) {
        let inner = inner.as_object().unwrap_or(fields::nothing());
        fields::only(inner, &PLACE, &format!("{at}.{name}.{field}"))?;
    }
    Ok((kind, *handler, message))
}

fn located(error: ApiError, place: usize, kind: &str) -> ApiError {
    if error.code == 400 && error.details.is_none() {
        ApiError::in_batch(place, kind, &Refusal(error.message))
    } else {
        error
    }
}

impl Work<'_> {
    /// A `GridRange` on its tab, bounded by the grid; beyond it is refused.
    fn range(&self, range: &Object) -> Result<(SheetId, Area), Refusal> {
        let (sheet, open) = fields::grid_range(range)?;
        let area = self.inside(sheet, open)?;
        Ok((sheet, area))
    }

    fn inside(&self, sheet: SheetId, open: OpenArea) -> Result<Area, Refusal> {
        let tab = self.spreadsheet.grid(sheet)?;
        let area = open.on(tab);
        if area.bottom > tab.row_count() || area.right > tab.column_count() || area.is_empty() {
            return Err(Refusal(format!(
                "Range ({}) exceeds grid limits. Max rows: {}, max columns: {}",
                crate::grid::print_a1(&tab.title, area),
                tab.row_count(),
                tab.column_count()
            )));
        }
        Ok(area)
    }

    /// May the caller write here?
    fn open_for_writing(&self, sheet: SheetId, area: Area) -> Result<(), Refusal> {
        if self.spreadsheet.grid(sheet)?.may_write(self.caller, area) {
            return Ok(());
        }
        Err(Refusal::new(
            "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit.",
        ))
    }
}

/// The `fields` of an updating request; at least one must be there.
fn update_mask(message: &Object) -> Result<Mask, ApiError> {
    match fields::text(message, "fields") {
        "" => Err(ApiError::invalid(
            "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)",
        )),
        text => Mask::parse(text),
    }
}

/// The reply of a request that has none.
#[expect(clippy::unnecessary_wraps, reason = "it is what a handler ends with")]
fn nothing() -> Answer {
    Ok(json!({}))
}
