//! `CellData`: how a cell is shown, and how a request's cell is put down.

use serde_json::{Map, Value as Json, json};

use super::fields::{Object, object};
use super::{ApiError, Mask};
use crate::display::{Locale, shown};
use crate::entry::check_length;
use crate::formula::Book;
use crate::grid::{Area, Cell, Refusal, Restyled, Scalar, Spreadsheet, Tab, Value};

/// A spreadsheet opened for showing.
pub struct View<'a> {
    /// Formulas worked out.
    pub book: Book<'a>,
    /// Its locale.
    pub locale: Locale,
}

impl<'a> View<'a> {
    /// Opens a spreadsheet.
    pub fn new(spreadsheet: &'a Spreadsheet) -> Self {
        Self { book: Book::new(spreadsheet), locale: Locale::named(&spreadsheet.locale) }
    }

    /// One cell as `CellData`, only what the mask wants.
    pub(crate) fn cell_data(&self, tab: &Tab, place: (u32, u32), cell: &Cell, mask: &Mask) -> Json {
        let mut data = Map::new();
        let mut put = |field: &str, value: Option<Json>| {
            if let (Some(mut value), Some(inside)) = (value, mask.inside(field)) {
                inside.apply(&mut value);
                data.insert(field.to_owned(), value);
            }
        };
        if !cell.value.is_blank() {
            put("userEnteredValue", user_entered(&cell.value));
            if mask.wants("effectiveValue") || mask.wants("formattedValue") {
                let scalar = self.book.scalar_of(tab, place, cell);
                put("effectiveValue", effective(&scalar));
                put("formattedValue", Some(json!(shown(&scalar, cell, &self.locale))));
            }
        }
        if let Some(format) = cell.format() {
            put("userEnteredFormat", Some(Json::Object(format.clone())));
        }
        if mask.wants("effectiveFormat") && !cell.is_void() {
            put("effectiveFormat", Some(effective_format(cell)));
        }
        if let Some(look) = &cell.look {
            put("note", look.note.as_ref().map(|note| json!(note)));
            put("dataValidation", look.validation.clone());
            put("textFormatRuns", look.runs.clone());
        }
        Json::Object(data)
    }
}

/// `ExtendedValue` of what was entered.
pub(crate) fn user_entered(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Blank => return None,
        Value::Number(number) => json!({"numberValue": number}),
        Value::Bool(bool) => json!({"boolValue": bool}),
        Value::Text(text) => json!({"stringValue": text}),
        Value::Formula(formula) => json!({"formulaValue": formula}),
    })
}

/// `ExtendedValue` of what it amounts to.
fn effective(scalar: &Scalar) -> Option<Json> {
    Some(match scalar {
        Scalar::Blank => return None,
        Scalar::Number(number) => json!({"numberValue": number}),
        Scalar::Bool(bool) => json!({"boolValue": bool}),
        Scalar::Text(text) => json!({"stringValue": text}),
        Scalar::Error(error) => json!({"errorValue": {"type": error.kind.api(), "message": error.message}}),
    })
}

fn effective_format(cell: &Cell) -> Json {
    let mut format = super::defaults()["defaultFormat"].clone();
    if let (Some(own), Some(format)) = (cell.format(), format.as_object_mut()) {
        lay_over(format, own);
    }
    format
}

fn lay_over(under: &mut Object, over: &Object) {
    for (name, value) in over {
        match (under.get_mut(name).and_then(Json::as_object_mut), value.as_object()) {
            (Some(under), Some(over)) if !name.to_lowercase().contains("color") => lay_over(under, over),
            _ => drop(under.insert(name.clone(), value.clone())),
        }
    }
}

/// Reads an `ExtendedValue`: typed, never parsed.
pub(crate) fn extended_value(value: &Object) -> Result<Value, ApiError> {
    let mut read = Value::Blank;
    for (field, inner) in value {
        read = match (field.as_str(), inner) {
            ("numberValue", Json::Number(number)) => Value::Number(number.as_f64().unwrap_or_default()),
            ("boolValue", Json::Bool(bool)) => Value::Bool(*bool),
            ("stringValue", Json::String(text)) => {
                check_length(text)?;
                Value::text(text)
            }
            ("formulaValue", Json::String(text)) => {
                check_length(text)?;
                if text.starts_with('=') { Value::Formula(text.as_str().into()) } else { Value::text(text) }
            }
            _ => return Err(Refusal::new("An error value cannot be written.").into()),
        };
    }
    Ok(read)
}

const KNOWN: [&str; 13] = [
    "userEnteredValue",
    "effectiveValue",
    "formattedValue",
    "userEnteredFormat",
    "effectiveFormat",
    "hyperlink",
    "note",
    "textFormatRuns",
    "dataValidation",
    "pivotTable",
    "dataSourceTable",
    "dataSourceFormula",
    "chipRuns",
];

/// The mask of a request that writes cells.
pub(crate) fn cell_mask(mask: Mask) -> Result<Mask, ApiError> {
    if let Some((field, _)) = mask.top().find(|(field, _)| !KNOWN.contains(field)) {
        return Err(ApiError::violation("fields", format!("Invalid field: {field}")));
    }
    Ok(mask)
}

/// A request's cell, read once and put down as often as needed.
pub(crate) struct NewCell<'a> {
    data: &'a Object,
    value: Value,
}

impl<'a> NewCell<'a> {
    /// Reads a `CellData`.
    pub(crate) fn read(data: &'a Object) -> Result<Self, ApiError> {
        Ok(Self { data, value: extended_value(object(data, "userEnteredValue"))? })
    }

    /// Is it a formula?
    pub(crate) fn is_formula(&self) -> bool {
        matches!(self.value, Value::Formula(_))
    }

    /// Its value.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Puts it down all over an area.
    pub(crate) fn fill(&self, tab: &mut Tab, area: Area, mask: &Mask) {
        let mut last = Restyled::default();
        for row in area.top..area.bottom {
            for column in area.left..area.right {
                self.put(tab, (row, column), mask, &mut last);
            }
        }
    }

    /// Puts the masked fields down; those not given are cleared. `last` is of this cell's other puts with the same mask.
    pub(crate) fn put(&self, tab: &mut Tab, (row, column): (u32, u32), mask: &Mask, last: &mut Restyled) {
        if mask.wants("userEnteredValue")
            && !(self.value.is_blank() && tab.cell(row, column).value.is_blank())
        {
            tab.set_value(row, column, self.value.clone());
        }
        let looks = ["userEnteredFormat", "note", "dataValidation", "textFormatRuns"];
        let (had, gives) =
            (tab.cell(row, column).look.is_some(), looks.iter().any(|field| self.data.contains_key(*field)));
        if !(had || gives) || !looks.iter().any(|field| mask.wants(field)) {
            return;
        }
        tab.rows.change_cell(row, column, |cell| {
            cell.change_look_alike(last, |look| {
                if let Some(inside) = mask.inside("userEnteredFormat") {
                    inside.write(&mut look.format, object(self.data, "userEnteredFormat"));
                    normalise(&mut look.format);
                }
                if mask.wants("note") {
                    look.note = self
                        .data
                        .get("note")
                        .and_then(Json::as_str)
                        .filter(|note| !note.is_empty())
                        .map(str::to_owned);
                }
                if mask.wants("dataValidation") {
                    look.validation = self.data.get("dataValidation").cloned();
                }
                if mask.wants("textFormatRuns") {
                    look.runs = self.data.get("textFormatRuns").cloned();
                }
            });
        });
    }
}

/// Every colour also appears as a colour style, as Google prints it.
pub(crate) fn normalise(format: &mut Object) {
    let colours: Vec<_> = format
        .iter()
        .filter(|(name, _)| name.ends_with("Color"))
        .map(|(name, value)| (format!("{name}Style"), value.clone()))
        .collect();
    for (style, colour) in colours {
        format.insert(style, json!({"rgbColor": colour}));
    }
    for inner in format.values_mut().filter_map(Json::as_object_mut) {
        if !inner.contains_key("rgbColor") && !inner.contains_key("themeColor") {
            normalise(inner);
        }
    }
}
