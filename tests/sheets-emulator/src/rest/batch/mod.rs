//! `spreadsheets.batchUpdate`: requests in order, all or none.

mod blocks;
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
    /// This year, for dates that are typed without one.
    pub year: i16,
}

type Answer = Result<Json, ApiError>;
type Handler = fn(&mut Work<'_>, &Object) -> Answer;

/// Each kind, and what does it.
const KINDS: &[(&str, Handler)] = &[
    ("updateCells", cells::update),
    ("appendCells", cells::append),
    ("repeatCell", cells::repeat),
    ("findReplace", cells::find_replace),
    ("sortRange", cells::sort),
    ("copyPaste", paste::copy),
    ("cutPaste", paste::cut),
    ("pasteData", blocks::paste_data),
    ("insertRange", blocks::insert),
    ("deleteRange", blocks::delete),
    ("insertDimension", lines::insert),
    ("deleteDimension", lines::delete),
    ("appendDimension", lines::append),
    ("moveDimension", lines::move_lines),
    ("updateDimensionProperties", lines::update),
    ("autoResizeDimensions", lines::auto_resize),
    ("addDimensionGroup", lines::add_group),
    ("deleteDimensionGroup", lines::delete_group),
    ("updateDimensionGroup", lines::update_group),
    ("addSheet", sheets::add),
    ("deleteSheet", sheets::delete),
    ("duplicateSheet", sheets::duplicate),
    ("updateSheetProperties", sheets::update),
    ("updateSpreadsheetProperties", sheets::update_spreadsheet),
    ("mergeCells", overlays::merge),
    ("unmergeCells", overlays::unmerge),
    ("addNamedRange", overlays::add_named),
    ("updateNamedRange", overlays::update_named),
    ("deleteNamedRange", overlays::delete_named),
    ("addProtectedRange", overlays::add_protected),
    ("updateProtectedRange", overlays::update_protected),
    ("deleteProtectedRange", overlays::delete_protected),
    ("setDataValidation", overlays::set_validation),
    ("setBasicFilter", overlays::set_filter),
    ("clearBasicFilter", overlays::clear_filter),
    ("createDeveloperMetadata", labels::create),
    ("updateDeveloperMetadata", labels::update),
    ("deleteDeveloperMetadata", labels::delete),
];

/// Applies all requests; gives the replies.
pub(crate) fn apply(work: &mut Work<'_>, body: &Object) -> Result<Vec<Json>, ApiError> {
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
    let request = request.as_object().filter(|request| request.len() == 1);
    let Some((name, message)) = request.and_then(|request| request.iter().next()) else {
        return Err(ApiError::invalid(format!("Invalid requests[{place}]: No request set.")));
    };
    let Some((kind, handler)) = KINDS.iter().find(|(kind, _)| kind == name) else {
        return Err(ApiError::not_here(format!("The emulator does not know the request {name}.")));
    };
    Ok((kind, *handler, message.as_object().unwrap_or(fields::nothing())))
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
    pub(crate) fn open_for_writing(&self, sheet: SheetId, area: Area) -> Result<(), ApiError> {
        if self.spreadsheet.grid(sheet)?.may_write(self.caller, area) {
            return Ok(());
        }
        Err(ApiError::protected(self.knobs))
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
