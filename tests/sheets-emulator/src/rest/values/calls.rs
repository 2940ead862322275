//! The calls of `spreadsheets.values`.

use serde_json::{Value as Json, json};

use super::super::address;
use super::super::fields::{Object, flag, list, object, text};
use super::super::{ApiError, Ask, Route, View};
use super::{
    Input, Render, append_answer, append_rows, check, clear_place, filtered, major, totals, value_range,
};
use crate::Google;
use crate::grid::{Dimension, Spreadsheet, SpreadsheetId};

pub(crate) fn get(ask: &Ask<'_>, spreadsheet: &Spreadsheet, range: &str) -> Result<Json, ApiError> {
    let render = Render::parse(ask.query.get("valueRenderOption"), ask.query.get("dateTimeRenderOption"))?;
    let place = address::a1(spreadsheet, range)?;
    ask.masked(value_range(&View::new(spreadsheet), &place, major(ask.query.get("majorDimension"))?, render)?)
}

pub(crate) fn batch_get(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let render = Render::parse(ask.query.get("valueRenderOption"), ask.query.get("dateTimeRenderOption"))?;
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

pub(crate) fn get_by_filter(ask: &Ask<'_>, spreadsheet: &Spreadsheet) -> Result<Json, ApiError> {
    let render = Render::parse(text(ask.body, "valueRenderOption"), text(ask.body, "dateTimeRenderOption"))?;
    let major = major(text(ask.body, "majorDimension"))?;
    let view = View::new(spreadsheet);
    let ranges = filtered(spreadsheet, ask.body)?.into_iter().map(|(place, filters)| {
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

/// How a write comes in and how it is answered. The body's shape is complained about before the range, as recorded.
fn asked(ask: &Ask<'_>) -> Result<(Input, Option<Render>, Dimension), ApiError> {
    check(ask.body)?;
    let input = Input::parse(ask.query.get("valueInputOption"))?;
    Ok((input, query_echo(ask)?, major(text(ask.body, "majorDimension"))?))
}

pub(crate) fn update(
    google: &Google,
    ask: &Ask<'_>,
    id: &SpreadsheetId,
    range: &str,
) -> Result<Json, ApiError> {
    let (input, echo, line) = asked(ask)?;
    let (written, now) = ask.change(google, id, |work| {
        let place = address::a1(work.spreadsheet, range)?;
        work.write(&place, ask.body, input, google.year())
    })?;
    ask.masked(written.to_json(&View::new(&now), echo.map(|render| (line, render)))?)
}

pub(crate) fn append(
    google: &Google,
    ask: &Ask<'_>,
    id: &SpreadsheetId,
    range: &str,
) -> Result<Json, ApiError> {
    let (input, echo, line) = asked(ask)?;
    let insert = ask.query.get("insertDataOption") == "INSERT_ROWS";
    let ((table, written), now) = ask.change(google, id, |work| {
        let place = address::a1(work.spreadsheet, range)?;
        append_rows(work, &place, ask.body, input, insert, google.year())
    })?;
    let updates = written.to_json(&View::new(&now), echo.map(|render| (line, render)))?;
    ask.masked(append_answer(id.as_str(), table, &updates))
}

pub(crate) fn clear(
    google: &Google,
    ask: &Ask<'_>,
    id: &SpreadsheetId,
    ranges: &[impl AsRef<str>],
) -> Result<Json, ApiError> {
    let (cleared, _) = ask.change(google, id, |work| {
        let clear = |range: &_| {
            let place = address::a1(work.spreadsheet, AsRef::<str>::as_ref(range))?;
            clear_place(work, &place)
        };
        ranges.iter().map(clear).collect::<Result<Vec<_>, ApiError>>()
    })?;
    ask.masked(match ask.route {
        Route::ValuesClear(..) => json!({"spreadsheetId": id, "clearedRange": cleared.concat()}),
        _ => json!({"spreadsheetId": id, "clearedRanges": cleared}),
    })
}

pub(crate) fn clear_by_filter(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let (cleared, _) = ask.change(google, id, |work| {
        let places = filtered(work.spreadsheet, ask.body)?;
        places.iter().map(|(place, _)| clear_place(work, place)).collect::<Result<Vec<_>, ApiError>>()
    })?;
    ask.masked(json!({"spreadsheetId": id, "clearedRanges": cleared}))
}

pub(crate) fn batch_update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let input = Input::parse(text(ask.body, "valueInputOption"))?;
    let echo = body_echo(ask)?;
    let data: Vec<&Object> = list(ask.body, "data").iter().filter_map(Json::as_object).collect();
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
pub(crate) fn update_by_filter(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    let input = Input::parse(text(ask.body, "valueInputOption"))?;
    let echo = body_echo(ask)?;
    let data: Vec<&Object> = list(ask.body, "data").iter().filter_map(Json::as_object).collect();
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
            response.insert("dataFilter".into(), Json::Object(object(asked, "dataFilter").clone()));
        }
        Ok(response)
    });
    let responses = responses.collect::<Result<Vec<_>, ApiError>>()?;
    let written: Vec<_> = done.into_iter().map(|(written, _)| written).collect();
    ask.masked(totals(&now, &written, &responses))
}
