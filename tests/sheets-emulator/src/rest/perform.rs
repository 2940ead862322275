//! Doing what a call wants.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::address::{self, Place};
use super::batch::{self, Work};
use super::fields::{Object, flag, list, object, text};
use super::show::{self, SPREADSHEET, Wish};
use super::values;
use super::{ApiError, Body, Mask, Query, Route, drive};
use crate::grid::{SheetId, Spreadsheet, SpreadsheetId};
use crate::{Cause, Google};

/// A call, read.
pub struct Ask<'a> {
    /// What it wants.
    pub route: &'a Route,
    /// The query.
    pub query: &'a Query,
    /// The body; empty where there is none.
    pub body: &'a Object,
    /// The caller's address.
    pub caller: &'a str,
    /// Reads show the state so many changes ago.
    pub stale: usize,
    /// Run after a change is applied and before its answer is made.
    pub between: &'a dyn Fn(),
    /// Does the answer show the state right after the change, whatever came between?
    pub atomic: bool,
}

/// What a call answers: nothing (204) or JSON.
pub type Answer = Result<Option<Body>, ApiError>;

/// Does it.
pub fn perform(google: &Google, ask: &Ask<'_>) -> Answer {
    let answer = match ask.route {
        Route::Create => return create(google, ask).map(Some),
        Route::Get(id) => return get(ask, &ask.seen(google, id)?).map(Some),
        Route::GetByDataFilter(id) => return get_by_filter(ask, &ask.seen(google, id)?).map(Some),
        Route::BatchUpdate(id) => return batch_update(google, ask, id).map(Some),
        Route::FileCreate => drive::create(google, ask)?,
        Route::FileList => drive::list(google, ask),
        Route::FileGet(id) => drive::get(google, ask, id)?,
        Route::FileUpdate(id) => drive::update(google, ask, id)?,
        Route::FileDelete(id) => return drive::delete(google, ask, id).map(|()| None),
        Route::MetadataGet(id, label) => metadata_get(&*ask.seen(google, id)?, label)?,
        Route::MetadataSearch(id) => metadata_search(ask, &*ask.seen(google, id)?)?,
        Route::ValuesGet(id, range) => values::calls::get(ask, &*ask.seen(google, id)?, range)?,
        Route::ValuesBatchGet(id) => values::calls::batch_get(ask, &*ask.seen(google, id)?)?,
        Route::ValuesBatchGetByDataFilter(id) => values::calls::get_by_filter(ask, &*ask.seen(google, id)?)?,
        Route::CopyTo(id, sheet) => copy_to(google, ask, id, sheet)?,
        Route::ValuesUpdate(id, range) => values::calls::update(google, ask, id, range)?,
        Route::ValuesAppend(id, range) => values::calls::append(google, ask, id, range)?,
        Route::ValuesClear(id, range) => values::calls::clear(google, ask, id, &[range])?,
        Route::ValuesBatchClear(id) => {
            let ranges: Vec<&str> = list(ask.body, "ranges").iter().filter_map(Json::as_str).collect();
            values::calls::clear(google, ask, id, &ranges)?
        }
        Route::ValuesBatchUpdate(id) => values::calls::batch_update(google, ask, id)?,
        Route::ValuesBatchUpdateByDataFilter(id) => values::calls::update_by_filter(google, ask, id)?,
        Route::ValuesBatchClearByDataFilter(id) => values::calls::clear_by_filter(google, ask, id)?,
    };
    Ok(Some(answer.into()))
}

impl Ask<'_> {
    /// The spreadsheet, as this call may see it.
    pub(super) fn seen(&self, google: &Google, id: &SpreadsheetId) -> Result<Arc<Spreadsheet>, ApiError> {
        let current = google.spreadsheet(id).ok_or_else(ApiError::not_found)?;
        if !current.sharing.allows(self.caller) {
            return Err(ApiError::forbidden());
        }
        if self.stale == 0 {
            Ok(current)
        } else {
            google.earlier(id, self.stale).ok_or_else(ApiError::not_found)
        }
    }

    /// Changes the spreadsheet and gives the state to answer from.
    pub(super) fn change<T>(
        &self,
        google: &Google,
        id: &SpreadsheetId,
        change: impl FnOnce(&mut Work<'_>) -> Result<T, ApiError>,
    ) -> Result<(T, Arc<Spreadsheet>), ApiError> {
        self.seen(google, id)?;
        let knobs = google.knobs();
        let done = google.edit(id, Cause::Api, |spreadsheet| {
            change(&mut Work { spreadsheet, caller: self.caller, knobs: &knobs, year: google.year() })
        });
        let (answer, applied) = done.map_err(|_| ApiError::not_found())??;
        (self.between)();
        let shown =
            if self.atomic { applied } else { google.spreadsheet(id).ok_or_else(ApiError::not_found)? };
        Ok((answer, shown))
    }

    fn mask(&self) -> Result<Option<Mask>, ApiError> {
        match self.query.get("fields") {
            "" => Ok(None),
            text => Mask::parse(text).map(Some),
        }
    }

    pub(super) fn masked(&self, mut answer: Json) -> Result<Json, ApiError> {
        if let Some(mask) = self.mask()? {
            mask.apply(&mut answer);
        }
        Ok(answer)
    }
}

fn create(google: &Google, ask: &Ask<'_>) -> Result<Body, ApiError> {
    let properties = object(ask.body, "properties");
    let title =
        Some(text(properties, "title")).filter(|title| !title.is_empty()).unwrap_or("Untitled spreadsheet");
    let mut refused = None;
    let made = google.create(SpreadsheetId::random(), title, |spreadsheet| {
        spreadsheet.sharing.owner = Some(ask.caller.to_owned());
        for (field, value) in [("locale", &mut spreadsheet.locale), ("timeZone", &mut spreadsheet.time_zone)] {
            if !text(properties, field).is_empty() {
                text(properties, field).clone_into(value);
            }
        }
        let sheets = list(ask.body, "sheets");
        if !sheets.is_empty() {
            let adds: Vec<Json> = sheets.iter().map(|sheet| json!({"addSheet": {"properties": sheet.get("properties").cloned().unwrap_or_else(|| json!({}))}})).collect();
            spreadsheet.tabs.clear();
            let knobs = google.knobs();
            let body = json!({"requests": adds});
            let body = body.as_object().cloned().unwrap_or_default();
            let mut work = Work { spreadsheet, caller: ask.caller, knobs: &knobs, year: google.year() };
            refused = batch::apply(&mut work, &body).err();
        }
    });
    if let Some(error) = refused {
        google.remove(&made.id);
        return Err(error);
    }
    let wish = Wish { mask: ask.mask()?.unwrap_or_else(Mask::everything), cells: false, parts: None };
    Ok(show::spreadsheet(&made, &wish))
}

fn wish(
    ask: &Ask<'_>,
    cells: bool,
    parts: Option<Vec<(SheetId, crate::grid::Area)>>,
) -> Result<Wish, ApiError> {
    let mask = ask.mask()?;
    if let Some(mask) = &mask {
        mask.check(&SPREADSHEET)?;
    }
    // A mask decides about the cells by itself.
    Ok(Wish { cells: cells || mask.is_some(), mask: mask.unwrap_or_else(Mask::everything), parts })
}

fn get(ask: &Ask<'_>, spreadsheet: &Arc<Spreadsheet>) -> Result<Body, ApiError> {
    let ranges = ask.query.all("ranges");
    let parts =
        ranges.iter().map(|range| address::a1(spreadsheet, range).map(|place| (place.sheet, place.area)));
    let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
    let wish = wish(ask, ask.query.flag("includeGridData"), (!ranges.is_empty()).then_some(parts))?;
    Ok(show::spreadsheet(spreadsheet, &wish))
}

fn get_by_filter(ask: &Ask<'_>, spreadsheet: &Arc<Spreadsheet>) -> Result<Body, ApiError> {
    let mut parts = Vec::new();
    for filter in list(ask.body, "dataFilters").iter().filter_map(Json::as_object) {
        let places = address::filter(spreadsheet, filter)?.into_iter().map(|place| (place.sheet, place.area));
        for part in places {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    let all = list(ask.body, "dataFilters").is_empty();
    let wish = wish(ask, flag(ask.body, "includeGridData"), (!all).then_some(parts))?;
    Ok(show::spreadsheet(spreadsheet, &wish))
}

fn batch_update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Body, ApiError> {
    let mask = ask.mask()?;
    let (replies, now) = ask.change(google, id, |work| batch::apply(work, ask.body))?;
    let mut out = Body::from(json!({"spreadsheetId": id, "replies": replies}));
    if flag(ask.body, "includeSpreadsheetInResponse") {
        let ranges = list(ask.body, "responseRanges");
        let places: Result<Vec<Place>, _> =
            ranges.iter().filter_map(Json::as_str).map(|range| address::a1(&now, range)).collect();
        let parts = places?.into_iter().map(|place| (place.sheet, place.area)).collect();
        let inside = mask.as_ref().and_then(|mask| mask.inside("updatedSpreadsheet"));
        let wish = Wish {
            cells: flag(ask.body, "responseIncludeGridData") || mask.is_some(),
            mask: inside.cloned().unwrap_or_else(Mask::everything),
            parts: (!ranges.is_empty()).then_some(parts),
        };
        out = out.with("updatedSpreadsheet", show::spreadsheet(&now, &wish));
    }
    if let Some(mask) = mask {
        mask.apply(&mut out.tree);
    }
    Ok(out)
}

fn copy_to(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId, sheet: &str) -> Result<Json, ApiError> {
    let from = ask.seen(google, id)?;
    let sheet = SheetId(sheet.parse().map_err(|_| ApiError::invalid(format!("Invalid sheet id: {sheet}")))?);
    let tab = from.tab(sheet).ok_or_else(ApiError::not_found)?.clone();
    let to = SpreadsheetId::new(text(ask.body, "destinationSpreadsheetId"));
    let (properties, _) = ask.change(google, &to, |work| {
        let mut tab = tab;
        tab.id = SheetId(work.spreadsheet.fresh_id());
        tab.title = format!("Copy of {}", tab.title);
        work.spreadsheet.check_title(&tab.title, None)?;
        work.spreadsheet.may_hold(tab.row_count().into(), tab.column_count(), 0)?;
        work.spreadsheet.has_formulas |= from.has_formulas;
        work.spreadsheet.tabs.push(tab);
        let place = work.spreadsheet.tabs.len() - 1;
        Ok(show::sheet_properties(&work.spreadsheet.tabs[place], place))
    })?;
    Ok(properties)
}

fn metadata_get(spreadsheet: &Spreadsheet, label: &str) -> Result<Json, ApiError> {
    let found = label.parse().ok().and_then(|id: i32| spreadsheet.metadata.get(&id));
    found
        .map(crate::grid::Metadata::to_json)
        .ok_or_else(|| ApiError::missing(format!("No developer metadata with ID {label}")))
}

fn metadata_search(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let filters = list(ask.body, "dataFilters");
    if filters.is_empty() {
        return Err(ApiError::invalid("At least one data filter must be specified."));
    }
    let mut matched: Vec<(i32, Json)> = Vec::new();
    for filter in filters {
        for label in address::labels(spreadsheet, filter.as_object().unwrap_or(super::fields::nothing()))? {
            if !matched.iter().any(|(id, _)| *id == label.id) {
                matched
                    .push((label.id, json!({"developerMetadata": label.to_json(), "dataFilters": [filter]})));
            }
        }
    }
    let matched: Vec<Json> = matched.into_iter().map(|(_, found)| found).collect();
    ask.masked(if matched.is_empty() { json!({}) } else { json!({"matchedDeveloperMetadata": matched}) })
}
