//! Reading fields out of a request's JSON, with Google's complaints.

use serde_json::{Map, Value as Json};

use crate::grid::{Dimension, OpenArea, Refusal, SheetId};

/// An object in a request.
pub(crate) type Object = Map<String, Json>;

static NOTHING: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Map::new);

/// A field that is an object; absent is empty.
pub(crate) fn object<'a>(message: &'a Object, field: &str) -> &'a Object {
    message.get(field).and_then(Json::as_object).unwrap_or(&NOTHING)
}

/// A field that is a list; absent is empty.
pub(crate) fn list<'a>(message: &'a Object, field: &str) -> &'a [Json] {
    message.get(field).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// A field that is text; absent is empty.
pub(crate) fn text<'a>(message: &'a Object, field: &str) -> &'a str {
    message.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// A field that is a boolean; absent is false.
pub(crate) fn flag(message: &Object, field: &str) -> bool {
    message.get(field).and_then(Json::as_bool).unwrap_or_default()
}

/// A field that is a whole number; strings of digits count too, as in proto JSON.
pub(crate) fn whole(message: &Object, field: &str) -> Option<i64> {
    let value = message.get(field)?;
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
        .or_else(|| value.as_str()?.parse().ok())
}

/// An index: a whole number that is not negative.
pub(crate) fn index(message: &Object, field: &str) -> Result<Option<u32>, Refusal> {
    match whole(message, field) {
        None => Ok(None),
        Some(number) => u32::try_from(number)
            .map(Some)
            .map_err(|_| Refusal(format!("{field}[{number}] is less than zero."))),
    }
}

/// `sheetId`; absent is 0.
pub(crate) fn sheet_id(message: &Object) -> SheetId {
    SheetId(whole(message, "sheetId").unwrap_or_default() as i32)
}

/// A `GridRange`: the tab and the rectangle, whose sides may be missing.
pub(crate) fn grid_range(range: &Object) -> Result<(SheetId, OpenArea), Refusal> {
    let area = OpenArea {
        top: index(range, "startRowIndex")?,
        left: index(range, "startColumnIndex")?,
        bottom: index(range, "endRowIndex")?,
        right: index(range, "endColumnIndex")?,
    };
    for (name, start, end) in [("Row", area.top, area.bottom), ("Column", area.left, area.right)] {
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(Refusal(format!(
                "end{name}Index[{end}] must be greater than start{name}Index[{start}]."
            )));
        }
    }
    Ok((sheet_id(range), area))
}

/// A `DimensionRange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The tab.
    pub sheet: SheetId,
    /// Rows or columns.
    pub dimension: Dimension,
    /// First.
    pub start: Option<u32>,
    /// After the last.
    pub end: Option<u32>,
}

/// Reads a `DimensionRange`.
pub(crate) fn lines(range: &Object) -> Result<Lines, Refusal> {
    let lines = Lines {
        sheet: sheet_id(range),
        dimension: dimension(range)?,
        start: index(range, "startIndex")?,
        end: index(range, "endIndex")?,
    };
    if let (Some(start), Some(end)) = (lines.start, lines.end)
        && end <= start
    {
        return Err(Refusal(format!("endIndex[{end}] must be greater than startIndex[{start}].")));
    }
    Ok(lines)
}

/// A field `dimension`.
pub(crate) fn dimension(message: &Object) -> Result<Dimension, Refusal> {
    match text(message, "dimension") {
        "ROWS" => Ok(Dimension::Rows),
        "COLUMNS" => Ok(Dimension::Columns),
        _ => Err(Refusal::new("No dimension specified.")),
    }
}

/// The empty object.
pub(crate) fn nothing() -> &'static Object {
    &NOTHING
}
