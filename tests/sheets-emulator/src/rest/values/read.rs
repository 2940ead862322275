//! Reading values.

use serde_json::{Value as Json, json};

use super::super::address::Place;
use super::super::{ApiError, View};
use crate::display::{is_temporal, shown};
use crate::grid::{Area, Cell, Dimension, Scalar, Tab, Value, print_a1};

/// How values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Render {
    /// As displayed.
    Formatted,
    /// Typed; dates as serial numbers, or as displayed.
    Unformatted {
        /// Dates as displayed?
        dates_as_text: bool,
    },
    /// Formulas as they were typed; dates as serial numbers.
    Formula,
}

impl Render {
    /// From `valueRenderOption` and `dateTimeRenderOption`.
    pub(crate) fn parse(value: &str, date: &str) -> Result<Self, ApiError> {
        let bad = |field: &str, kind: &str, text: &str| {
            ApiError::violation(
                field,
                format!(
                    "Invalid value at '{field}' (type.googleapis.com/google.apps.sheets.v4.{kind}), \"{text}\""
                ),
            )
        };
        if !matches!(date, "" | "SERIAL_NUMBER" | "FORMATTED_STRING") {
            return Err(bad("date_time_render_option", "DateTimeRenderOption", date));
        }
        match value {
            "" | "FORMATTED_VALUE" => Ok(Self::Formatted),
            "UNFORMATTED_VALUE" => Ok(Self::Unformatted { dates_as_text: date == "FORMATTED_STRING" }),
            "FORMULA" => Ok(Self::Formula),
            other => Err(bad("value_render_option", "ValueRenderOption", other)),
        }
    }
}

/// `ValueRange` of a place: empty tails left out, no `values` where there is nothing.
pub(crate) fn value_range(
    view: &View<'_>,
    place: &Place,
    major: Dimension,
    render: Render,
) -> Result<Json, ApiError> {
    let tab = view.book.spreadsheet().grid(place.sheet)?;
    let mut out = json!({"range": print_a1(&tab.title, place.area), "majorDimension": major.api()});
    let values = match major {
        Dimension::Rows => rows(view, tab, place.area, render),
        Dimension::Columns => columns(view, tab, place.area, render),
    };
    if !values.is_empty() {
        out["values"] = Json::Array(values);
    }
    Ok(out)
}

fn rows(view: &View<'_>, tab: &Tab, area: Area, render: Render) -> Vec<Json> {
    let mut rows = Vec::new();
    let mut used_rows = 0;
    for (row, cells) in tab.rows.range(area.top, area.bottom) {
        let last = cells.iter().take(area.right as usize).rposition(|cell| !cell.value.is_blank());
        let used = last.map_or(area.left, |last| last as u32 + 1).max(area.left);
        let values: Vec<Json> = (area.left..used)
            .map(|column| one(view, tab, (row, column), &cells[column as usize], render))
            .collect();
        rows.push(Json::Array(values));
        if used > area.left {
            used_rows = rows.len();
        }
    }
    rows.truncate(used_rows);
    rows
}

fn columns(view: &View<'_>, tab: &Tab, area: Area, render: Render) -> Vec<Json> {
    let mut columns = Vec::new();
    let mut used_columns = 0;
    for column in area.left..area.right {
        let used = (area.top..area.bottom)
            .rev()
            .find(|row| !tab.cell(*row, column).value.is_blank())
            .map_or(area.top, |last| last + 1);
        columns.push(
            (area.top..used)
                .map(|row| one(view, tab, (row, column), tab.cell(row, column), render))
                .collect(),
        );
        if used > area.top {
            used_columns = columns.len();
        }
    }
    columns.truncate(used_columns);
    columns
}

fn one(view: &View<'_>, tab: &Tab, place: (u32, u32), cell: &Cell, render: Render) -> Json {
    if let (Render::Formula, Value::Formula(formula)) = (render, &cell.value) {
        return json!(formula);
    }
    let scalar = view.book.scalar_of(tab, place, cell);
    match (render, &scalar) {
        (_, Scalar::Blank) => json!(""),
        (Render::Unformatted { dates_as_text: true }, Scalar::Number(_)) if is_temporal(cell) => {
            json!(shown(&scalar, cell, &view.locale))
        }
        (Render::Unformatted { .. } | Render::Formula, Scalar::Number(number)) => json!(number),
        (Render::Unformatted { .. } | Render::Formula, Scalar::Bool(bool)) => json!(bool),
        _ => json!(shown(&scalar, cell, &view.locale)),
    }
}
