//! Doing what a call wants.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::address::{self, Place};
use super::batch::{self, Work};
use super::fields::{Object, flag, list, object, text};
use super::show::{self, SPREADSHEET, Wish};
use super::values::{self, Input, Render, append_answer, filtered, major, totals, value_range};
use super::{ApiError, Mask, Query, Route, View, drive};
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
pub type Answer = Result<Option<Json>, ApiError>;

/// Does it.
pub fn perform(google: &Google, ask: &Ask<'_>) -> Answer {
    let answer = match ask.route {
        Route::Create => create(google, ask)?,
        Route::FileCreate => drive::create(google, ask)?,
        Route::FileList => drive::list(google, ask),
        Route::FileGet(id) => drive::get(google, ask, id)?,
        Route::FileUpdate(id) => drive::update(google, ask, id)?,
        Route::FileDelete(id) => return drive::delete(google, ask, id).map(|()| None),
        Route::Get(id) => get(ask, &*ask.seen(google, id)?)?,
        Route::GetByDataFilter(id) => get_by_filter(ask, &*ask.seen(google, id)?)?,
        Route::MetadataGet(id, label) => metadata_get(&*ask.seen(google, id)?, label)?,
        Route::MetadataSearch(id) => metadata_search(ask, &*ask.seen(google, id)?)?,
        Route::ValuesGet(id, range) => values_get(ask, &*ask.seen(google, id)?, range)?,
        Route::ValuesBatchGet(id) => values_batch_get(ask, &*ask.seen(google, id)?)?,
        Route::ValuesBatchGetByDataFilter(id) => values_get_by_filter(ask, &*ask.seen(google, id)?)?,
        Route::BatchUpdate(id) => batch_update(google, ask, id)?,
        Route::CopyTo(id, sheet) => copy_to(google, ask, id, sheet)?,
        Route::ValuesUpdate(id, range) => values_update(google, ask, id, range)?,
        Route::ValuesAppend(id, range) => values_append(google, ask, id, range)?,
        Route::ValuesClear(id, range) => values_clear(google, ask, id, &[range])?,
        Route::ValuesBatchClear(id) => {
            let ranges: Vec<&str> = list(ask.body, "ranges").iter().filter_map(Json::as_str).collect();
            values_clear(google, ask, id, &ranges)?
        }
        Route::ValuesBatchUpdate(id) => values_batch_update(google, ask, id)?,
        Route::ValuesBatchUpdateByDataFilter(id) => values_update_by_filter(google, ask, id)?,
        Route::ValuesBatchClearByDataFilter(id) => values_clear_by_filter(google, ask, id)?,
    };
    Ok(Some(answer))
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
    fn change<T>(
        &self,
        google: &Google,
        id: &SpreadsheetId,
        change: impl FnOnce(&mut Work<'_>) -> Result<T, ApiError>,
    ) -> Result<(T, Arc<Spreadsheet>), ApiError> {
        self.seen(google, id)?;
        let knobs = google.knobs();
        let done = google.edit(id, Cause::Api, |spreadsheet| {
            change(&mut Work {
                spreadsheet,
                caller: self.caller,
                knobs: &knobs,
            })
        });
        let (answer, applied) = done.map_err(|_| ApiError::not_found())??;
        (self.between)();
        let shown = if self.atomic {
            applied
        } else {
            google.spreadsheet(id).ok_or_else(ApiError::not_found)?
        };
        Ok((answer, shown))
    }

    fn mask(&self) -> Result<Option<Mask>, ApiError> {
        match self.query.get("fields") {
            "" => Ok(None),
            text => Mask::parse(text).map(Some),
        }
    }

    fn masked(&self, mut answer: Json) -> Result<Json, ApiError> {
        if let Some(mask) = self.mask()? {
            mask.apply(&mut answer);
        }
        Ok(answer)
    }
}

fn create(google: &Google, ask: &Ask<'_>) -> Result<Json, ApiError> {
    let properties = object(ask.body, "properties");
    let title = Some(text(properties, "title"))
        .filter(|title| !title.is_empty())
        .unwrap_or("Untitled spreadsheet");
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
            refused = batch::apply(&mut Work { spreadsheet, caller: ask.caller, knobs: &knobs }, &body).err();
        }
    });
    if let Some(error) = refused {
        google.remove(&made.id);
        return Err(error);
    }
    let wish = Wish {
        mask: ask.mask()?.unwrap_or_else(Mask::everything),
        cells: false,
        parts: None,
    };
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
    Ok(Wish {
        cells: cells || mask.is_some(),
        mask: mask.unwrap_or_else(Mask::everything),
        parts,
    })
}

fn get(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let ranges = ask.query.all("ranges");
    let parts = ranges
        .iter()
        .map(|range| address::a1(spreadsheet, range).map(|place| (place.sheet, place.area)));
    let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
    let wish = wish(
        ask,
        ask.query.flag("includeGridData"),
        (!ranges.is_empty()).then_some(parts),
    )?;
    Ok(show::spreadsheet(spreadsheet, &wish))
}

fn get_by_filter(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    super::fields::only(
        ask.body,
        &["dataFilters", "includeGridData", "excludeTablesInBandedRanges"],
        "",
    )?;
    let mut parts = Vec::new();
    for filter in list(ask.body, "dataFilters").iter().filter_map(Json::as_object) {
        let places = address::filter(spreadsheet, filter)?
            .into_iter()
            .map(|place| (place.sheet, place.area));
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

fn batch_update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let mask = ask.mask()?;
    let (replies, now) = ask.change(google, id, |work| batch::apply(work, ask.body))?;
    let mut out = json!({"spreadsheetId": id, "replies": replies});
    if flag(ask.body, "includeSpreadsheetInResponse") {
        let ranges = list(ask.body, "responseRanges");
        let places: Result<Vec<Place>, _> = ranges
            .iter()
            .filter_map(Json::as_str)
            .map(|range| address::a1(&now, range))
            .collect();
        let parts = places?
            .into_iter()
            .map(|place| (place.sheet, place.area))
            .collect();
        let inside = mask.as_ref().and_then(|mask| mask.inside("updatedSpreadsheet"));
        let wish = Wish {
            cells: flag(ask.body, "responseIncludeGridData") || mask.is_some(),
            mask: inside.unwrap_or_else(Mask::everything),
            parts: (!ranges.is_empty()).then_some(parts),
        };
        out["updatedSpreadsheet"] = show::spreadsheet(&now, &wish);
    }
    if let Some(mask) = mask {
        mask.apply(&mut out);
    }
    Ok(out)
}

fn copy_to(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId, sheet: &str) -> Result<Json, ApiError> {
    let from = ask.seen(google, id)?;
    let sheet = SheetId(
        sheet
            .parse()
            .map_err(|_| ApiError::invalid(format!("Invalid sheet id: {sheet}")))?,
    );
    let tab = from.tab(sheet).ok_or_else(ApiError::not_found)?.clone();
    let to = SpreadsheetId::new(text(ask.body, "destinationSpreadsheetId"));
    let (properties, _) = ask.change(google, &to, |work| {
        let mut tab = tab;
        tab.id = SheetId(work.spreadsheet.fresh_id());
        tab.title = format!("Copy of {}", tab.title);
        work.spreadsheet.check_title(&tab.title, None)?;
        work.spreadsheet
            .may_hold(tab.row_count().into(), tab.column_count(), 0)?;
        work.spreadsheet.has_formulas |= from.has_formulas;
        work.spreadsheet.tabs.push(tab);
        let place = work.spreadsheet.tabs.len() - 1;
        Ok(show::sheet_properties(&work.spreadsheet.tabs[place], place))
    })?;
    Ok(properties)
}

fn metadata_get(spreadsheet: &Spreadsheet, label: &str) -> Result<Json, ApiError> {
    let found = label
        .parse()
        .ok()
        .and_then(|id: i32| spreadsheet.metadata.get(&id));
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
        for label in address::labels(
            spreadsheet,
            filter.as_object().unwrap_or(super::fields::nothing()),
        )? {
            if !matched.iter().any(|(id, _)| *id == label.id) {
                matched.push((
                    label.id,
                    json!({"developerMetadata": label.to_json(), "dataFilters": [filter]}),
                ));
            }
        }
    }
    let matched: Vec<Json> = matched.into_iter().map(|(_, found)| found).collect();
    ask.masked(if matched.is_empty() {
        json!({})
    } else {
        json!({"matchedDeveloperMetadata": matched})
    })
}

fn values_get(ask: &Ask<'_>, spreadsheet: &Spreadsheet, range: &str) -> Result<Json, ApiError> {
    let render = Render::parse(
        ask.query.get("valueRenderOption"),
        ask.query.get("dateTimeRenderOption"),
    )?;
    let place = address::a1(spreadsheet, range)?;
    ask.masked(value_range(
        &View::new(spreadsheet),
        &place,
        major(ask.query.get("majorDimension"))?,
        render,
    )?)
}

fn values_batch_get(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let render = Render::parse(
        ask.query.get("valueRenderOption"),
        ask.query.get("dateTimeRenderOption"),
    )?;
    let major = major(ask.query.get("majorDimension"))?;
    let view = View::new(spreadsheet);
    let ranges = ask
        .query
        .all("ranges")
        .into_iter()
        .map(|range| value_range(&view, &address::a1(spreadsheet, range)?, major, render));
    let ranges: Vec<Json> = ranges.collect::<Result<_, _>>()?;
    ask.masked(json!({"spreadsheetId": spreadsheet.id, "valueRanges": ranges}))
}

fn values_get_by_filter(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let render = Render::parse(
        text(ask.body, "valueRenderOption"),
        text(ask.body, "dateTimeRenderOption"),
    )?;
    let major = major(text(ask.body, "majorDimension"))?;
    let view = View::new(spreadsheet);
    let ranges = filtered(spreadsheet, ask.body)?
        .into_iter()
        .map(|(place, filters)| {
            Ok(json!({"valueRange": value_range(&view, &place, major, render)?, "dataFilters": filters}))
        });
    let ranges: Vec<Json> = ranges.collect::<Result<_, ApiError>>()?;
    ask.masked(json!({"spreadsheetId": spreadsheet.id, "valueRanges": ranges}))
}

/// What `includeValuesInResponse` asks for; from the query, or from the body of the batch forms.
fn echo(include: bool, value: &str, date: &str) -> Result<Option<Render>, ApiError> {
    let render = Render::parse(value, date)?;
    Ok(include.then_some(render))
}

fn query_echo(ask: &Ask<'_>) -> Result<Option<Render>, ApiError> {
    let query = ask.query;
    echo(
        query.flag("includeValuesInResponse"),
        query.get("responseValueRenderOption"),
        query.get("responseDateTimeRenderOption"),
    )
}

fn body_echo(ask: &Ask<'_>) -> Result<Option<Render>, ApiError> {
    let body = ask.body;
    echo(
        flag(body, "includeValuesInResponse"),
        text(body, "responseValueRenderOption"),
        text(body, "responseDateTimeRenderOption"),
    )
}

fn values_update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId, range: &str) -> Result<Json, ApiError> {
    // The body's shape is complained about before the range, as recorded.
    values::check(ask.body)?;
    let input = Input::parse(ask.query.get("valueInputOption"))?;
    let (echo, line) = (query_echo(ask)?, major(text(ask.body, "majorDimension"))?);
    let (written, now) = ask.change(google, id, |work| {
        let place = address::a1(work.spreadsheet, range)?;
        work.write(&place, ask.body, input, google.year())
    })?;
    ask.masked(written.to_json(&View::new(&now), echo.map(|render| (line, render)))?)
}

fn values_append(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId, range: &str) -> Result<Json, ApiError> {
    values::check(ask.body)?;
    let input = Input::parse(ask.query.get("valueInputOption"))?;
    let (echo, line) = (query_echo(ask)?, major(text(ask.body, "majorDimension"))?);
    let insert = ask.query.get("insertDataOption") == "INSERT_ROWS";
    let ((table, written), now) = ask.change(google, id, |work| {
        let place = address::a1(work.spreadsheet, range)?;
        values::append(work, &place, ask.body, input, insert, google.year())
    })?;
    let updates = written.to_json(&View::new(&now), echo.map(|render| (line, render)))?;
    ask.masked(append_answer(id.as_str(), table, &updates))
}

fn values_clear(
    google: &Google,
    ask: &Ask<'_>,
    id: &SpreadsheetId,
    ranges: &[impl AsRef<str>],
) -> Result<Json, ApiError> {
    let (cleared, _) = ask.change(google, id, |work| {
        let clear = |range: &_| {
            let place = address::a1(work.spreadsheet, AsRef::<str>::as_ref(range))?;
            values::clear(work, &place)
        };
        ranges.iter().map(clear).collect::<Result<Vec<_>, ApiError>>()
    })?;
    ask.masked(match ask.route {
        Route::ValuesClear(..) => json!({"spreadsheetId": id, "clearedRange": cleared.concat()}),
        _ => json!({"spreadsheetId": id, "clearedRanges": cleared}),
    })
}

fn values_clear_by_filter(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let (cleared, _) = ask.change(google, id, |work| {
        let places = filtered(work.spreadsheet, ask.body)?;
        places
            .iter()
            .map(|(place, _)| values::clear(work, place))
            .collect::<Result<Vec<_>, ApiError>>()
    })?;
    ask.masked(json!({"spreadsheetId": id, "clearedRanges": cleared}))
}

fn values_batch_update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let input = Input::parse(text(ask.body, "valueInputOption"))?;
    let echo = body_echo(ask)?;
    let data: Vec<&Object> = list(ask.body, "data")
        .iter()
        .filter_map(Json::as_object)
        .collect();
    let (written, now) = ask.change(google, id, |work| {
        let write = |one: &&Object| {
            let place = address::a1(work.spreadsheet, text(one, "range"))?;
            work.write(&place, one, input, google.year())
        };
        data.iter().map(write).collect::<Result<Vec<_>, ApiError>>()
    })?;
    let view = View::new(&now);
    let responses = written.iter().zip(&data).map(|(one, asked)| {
        let line = major(text(asked, "majorDimension"))?;
        one.to_json(&view, echo.map(|render| (line, render)))
    });
    let responses = responses.collect::<Result<Vec<_>, _>>()?;
    ask.masked(totals(&now, &written, &responses))
}

/// Each entry's filter is resolved when its turn comes, so that a row is found wherever it stands.
fn values_update_by_filter(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let input = Input::parse(text(ask.body, "valueInputOption"))?;
    let echo = body_echo(ask)?;
    let data: Vec<&Object> = list(ask.body, "data")
        .iter()
        .filter_map(Json::as_object)
        .collect();
    let (done, now) = ask.change(google, id, |work| {
        let mut done = Vec::new();
        for one in &data {
            let filter = object(one, "dataFilter");
            for place in address::filter(work.spreadsheet, filter)? {
                done.push((work.write(&place, one, input, google.year())?, *one));
            }
        }
        Ok(done)
    })?;
    let view = View::new(&now);
    let responses = done.iter().map(|(written, asked)| {
        let line = major(text(asked, "majorDimension"))?;
        let mut response = written.to_json(&view, echo.map(|render| (line, render)))?;
        if let Some(response) = response.as_object_mut() {
            response.remove("spreadsheetId");
            response.insert(
                "dataFilter".into(),
                Json::Object(object(asked, "dataFilter").clone()),
            );
        }
        Ok(response)
    });
    let responses = responses.collect::<Result<Vec<_>, ApiError>>()?;
    let written: Vec<_> = done.into_iter().map(|(written, _)| written).collect();
    ask.masked(totals(&now, &written, &responses))
}
