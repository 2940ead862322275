//! Writing and clearing values.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::super::address::Place;
use super::super::batch::Work;
use super::super::fields::{Object, text};
use super::super::{ApiError, View};
use super::{Render, major, value_range};
use crate::display::Locale;
use crate::entry::{Desk, check_length, enter};
use crate::grid::{Area, Dimension, Refusal, Value, check_validation, column_letters, print_a1};

/// How values are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input {
    /// As they are.
    Raw,
    /// Texts as if typed.
    UserEntered,
}

impl Input {
    /// From `valueInputOption`, which is required.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "RAW" => Ok(Self::Raw),
            "USER_ENTERED" => Ok(Self::UserEntered),
            "" | "INPUT_VALUE_OPTION_UNSPECIFIED" => {
                Err(ApiError::invalid("'valueInputOption' is required but not specified"))
            }
            other => Err(ApiError::violation(
                "value_input_option",
                format!(
                    "Invalid value at 'value_input_option' (type.googleapis.com/google.apps.sheets.v4.ValueInputOption), \"{other}\""
                ),
            )),
        }
    }
}

/// What a write did.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The full extent.
    pub place: Place,
    /// Rows in which a cell was written.
    pub rows: BTreeSet<u32>,
    /// Columns in which a cell was written.
    pub columns: BTreeSet<u32>,
    /// Cells written; nulls do not count.
    pub cells: usize,
}

/// The `values` of a body as rows of cells. What is not a list of lists is refused in Google's words.
pub(super) fn table(body: &Object) -> Result<(Vec<&[Json]>, Dimension), ApiError> {
    let bad = |value: &Json| {
        ApiError::violation(
            "data.values",
            format!(
                "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), {value}"
            ),
        )
    };
    let values: &[Json] = match body.get("values") {
        None | Some(Json::Null) => &[],
        Some(Json::Array(values)) => values,
        Some(other) => return Err(bad(other)),
    };
    let rows = values.iter().map(|row| row.as_array().map(Vec::as_slice).ok_or_else(|| bad(row)));
    Ok((rows.collect::<Result<_, _>>()?, major(text(body, "majorDimension"))?))
}

impl Work<'_> {
    /// Writes a table at a place: an anchor, an open range, or one that is large enough.
    pub(crate) fn write(&mut self, place: &Place, body: &Object, input: Input) -> Result<Written, ApiError> {
        let (table, major) = table(body)?;
        let long = table.iter().map(|line| line.len()).max().unwrap_or_default() as u32;
        let (high, wide) = match major {
            Dimension::Rows => (table.len() as u32, long),
            Dimension::Columns => (long, table.len() as u32),
        };
        let area = self.extent(place, high, wide)?;
        let desk = Desk { locale: Locale::named(&self.spreadsheet.locale), year: self.year };
        let mut written = Written {
            place: Place { area, ..*place },
            rows: BTreeSet::new(),
            columns: BTreeSet::new(),
            cells: 0,
        };
        for (i, line) in table.iter().enumerate() {
            for (j, value) in line.iter().enumerate().filter(|(_, value)| !value.is_null()) {
                let (down, right) = if major == Dimension::Rows { (i, j) } else { (j, i) };
                let (row, column) = (area.top + down as u32, area.left + right as u32);
                self.write_one(place, (row, column), value, input, desk).map_err(|wrong| match wrong {
                    Some(refusal) => ApiError::from(refusal),
                    None => ApiError::invalid(format!("Invalid values[{i}][{j}]: {}", nested(value))),
                })?;
                written.cells += 1;
                written.rows.insert(row);
                written.columns.insert(column);
            }
        }
        Ok(written)
    }

    fn write_one(
        &mut self,
        place: &Place,
        (row, column): (u32, u32),
        value: &Json,
        input: Input,
        desk: Desk,
    ) -> Result<(), Option<Refusal>> {
        let strict = self.knobs.strict_validation_blocks_api;
        let tab = self.spreadsheet.grid_mut(place.sheet)?;
        let value = match value {
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
            Json::Bool(bool) => Value::Bool(*bool),
            Json::String(text) => match input {
                Input::Raw => {
                    check_length(text)?;
                    Value::text(text)
                }
                Input::UserEntered => {
                    let entered = enter(text, tab.cell(row, column), desk)?;
                    if strict {
                        check_validation(tab.cell(row, column), &entered.value, &tab.title, row, column)?;
                    }
                    return Ok(self.spreadsheet.put_entered(place.sheet, row, column, entered)?);
                }
            },
            Json::Null | Json::Array(_) | Json::Object(_) => return Err(None),
        };
        if strict {
            check_validation(tab.cell(row, column), &value, &tab.title, row, column)?;
        }
        tab.set_value(row, column, value);
        Ok(())
    }

    /// The rectangle that a table covers from a place on, and whether it may be written.
    fn extent(&mut self, place: &Place, high: u32, wide: u32) -> Result<Area, ApiError> {
        let tab = self.spreadsheet.grid(place.sheet)?;
        let area = Area::new(place.area.top, place.area.left, place.area.top + high, place.area.left + wide);
        let anchor = place.area.is_one_cell() && place.open.bottom.is_some() && place.open.right.is_some();
        if !anchor {
            let named = print_a1(&tab.title, place.area);
            if place.open.bottom.is_some() && area.bottom > place.area.bottom {
                return Err(ApiError::invalid(format!(
                    "Requested writing within range [{named}], but tried writing to row [{}]",
                    place.area.bottom + 1
                )));
            }
            if place.open.right.is_some() && area.right > place.area.right {
                return Err(ApiError::invalid(format!(
                    "Requested writing within range [{named}], but tried writing to column [{}]",
                    column_letters(place.area.right)
                )));
            }
        }
        let area =
            Area { bottom: area.bottom.max(area.top + 1), right: area.right.max(area.left + 1), ..area };
        for dimension in [Dimension::Rows, Dimension::Columns] {
            let tab = self.spreadsheet.grid(place.sheet)?;
            let (have, need) = (tab.count(dimension), area.span(dimension).1);
            if need > have && !self.knobs.writes_grow_grid {
                return Err(ApiError::invalid(format!(
                    "Range ({}) exceeds grid limits. Max rows: {}, max columns: {}",
                    print_a1(&tab.title, area),
                    tab.row_count(),
                    tab.column_count()
                )));
            }
            if need > have {
                self.spreadsheet.append(place.sheet, dimension, need - have)?;
            }
        }
        self.open_for_writing(place.sheet, area)?;
        Ok(area)
    }
}

fn nested(value: &Json) -> String {
    let kind = if value.is_array() { "list_value" } else { "struct_value" };
    format!("{kind} {value}")
}

impl Written {
    /// `UpdateValuesResponse`; with `updatedData` where it is asked for.
    pub(crate) fn to_json(
        &self,
        view: &View<'_>,
        echo: Option<(Dimension, Render)>,
    ) -> Result<Json, ApiError> {
        let spreadsheet = view.book.spreadsheet();
        let tab = spreadsheet.grid(self.place.sheet)?;
        let mut out =
            json!({"spreadsheetId": spreadsheet.id, "updatedRange": print_a1(&tab.title, self.place.area)});
        let counts = [
            ("updatedRows", self.rows.len()),
            ("updatedColumns", self.columns.len()),
            ("updatedCells", self.cells),
        ];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            out[name] = json!(count);
        }
        if let Some((major, render)) = echo {
            out["updatedData"] = value_range(view, &self.place, major, render)?;
        }
        Ok(out)
    }
}

/// Clears the values of a place; gives its name.
pub(crate) fn clear_place(work: &mut Work<'_>, place: &Place) -> Result<String, ApiError> {
    work.open_for_writing(place.sheet, place.area)?;
    let tab = work.spreadsheet.grid_mut(place.sheet)?;
    tab.clear_values(place.area);
    Ok(print_a1(&tab.title, place.area))
}
