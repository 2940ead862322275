//! Google's discovery document, reduced to shapes (`clients/discovery.py` makes it): every request is read by it before
//! anything else looks at it. Names that no message has, values of the wrong kind and unknown query parameters are
//! refused in Google's words, all at once. What JSON lets a client say in several ways (`sheet_id`, `"5"` for 5, `null`)
//! is brought into one, so that the handlers need to know only that.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{ApiError, Query};

#[derive(Debug, Deserialize)]
struct Document {
    /// What every method takes in its query.
    parameters: BTreeMap<String, Shape>,
    methods: BTreeMap<String, Method>,
    schemas: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Method {
    query: BTreeMap<String, Shape>,
    request: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Shape {
    r#type: String,
    format: String,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    r#enum: Vec<String>,
    properties: BTreeMap<String, Shape>,
    items: Option<Box<Shape>>,
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    serde_json::from_str(include_str!("discovery.json")).expect("the reduced discovery document is JSON")
});

/// The part of a request that its body is, as errors name it.
fn root(method: &str) -> &'static str {
    match method {
        "spreadsheets.values.update" | "spreadsheets.values.append" => "data",
        "spreadsheets.create" => "spreadsheet",
        _ => "",
    }
}

/// Reads a request: its body in one spelling, or everything that is wrong with it. A method that the document does not
/// have (Drive's) is left alone.
pub(crate) fn read(method: &str, query: &Query, body: &mut Map<String, Json>) -> Result<(), ApiError> {
    let Some(known) = DOCUMENT.methods.get(method) else {
        return Ok(());
    };
    let mut reading = Reading::default();
    for (name, value) in query.pairs() {
        match known.query.get(name).or_else(|| DOCUMENT.parameters.get(name)) {
            Some(shape) => reading.value(shape, name, &mut json!(value), &Path::root("").field(name)),
            None => reading.wrong(
                String::new(),
                format!(
                    "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could not be found in request message."
                ),
            ),
        }
    }
    if let Some(shape) = known.request.as_ref().and_then(|name| DOCUMENT.schemas.get(name)) {
        reading.message(shape, body, &Path::root(root(method)));
    }
    if reading.violations.is_empty() { Ok(()) } else { Err(ApiError::violations(reading.violations)) }
}

/// Where in a request something stands; spelled out only when there is something to say about it.
#[derive(Debug, Clone, Copy)]
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    part: Part<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Root(&'a str),
    Field(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    fn root(name: &'a str) -> Self {
        Self { above: None, part: Part::Root(name) }
    }

    fn field(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), part: Part::Field(name) }
    }

    fn item(&'a self, place: usize) -> Self {
        Self { above: Some(self), part: Part::Item(place) }
    }

    fn text(&self) -> String {
        let above = self.above.map(Path::text).unwrap_or_default();
        match self.part {
            Part::Root(name) => name.to_owned(),
            Part::Field(name) if above.is_empty() => snake(name),
            Part::Field(name) => format!("{above}.{}", snake(name)),
            Part::Item(place) => format!("{above}[{place}]"),
        }
    }
}

/// What has been found so far: fields and what is wrong with them.
#[derive(Debug, Default)]
struct Reading {
    violations: Vec<(String, String)>,
}

impl Reading {
    fn wrong(&mut self, field: String, words: String) {
        self.violations.push((field, words));
    }

    fn message(&mut self, shape: &Shape, message: &mut Map<String, Json>, path: &Path<'_>) {
        if message.iter().any(|(name, value)| value.is_null() || name.contains('_')) {
            spell(shape, message);
        }
        for (name, value) in message {
            if let Some(field) = shape.properties.get(name) {
                self.value(field, name, value, &path.field(name));
                continue;
            }
            let place = path.text();
            let at = if place.is_empty() { String::new() } else { format!(" at '{place}'") };
            let words =
                format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
            self.wrong(place, words);
        }
    }

    fn value(&mut self, shape: &Shape, name: &str, value: &mut Json, path: &Path<'_>) {
        if let Some(reference) = &shape.reference {
            match (value, DOCUMENT.schemas.get(reference)) {
                (Json::Object(inner), Some(shape)) => self.message(shape, inner, path),
                (value, _) => self.misfit(path, &google_type(reference), value),
            }
            return;
        }
        if !shape.r#enum.is_empty() {
            if value.as_str().is_some_and(|word| !shape.r#enum.iter().any(|known| known == word)) {
                let kind = name[..1].to_uppercase() + &name[1..];
                self.misfit(path, &google_type(&kind), value);
            }
            return;
        }
        match shape.r#type.as_str() {
            "array" => self.list(shape, name, value, path),
            "integer" => match whole(value) {
                Some(number) => *value = number.into(),
                None => self.misfit(path, "TYPE_INT32", value),
            },
            "number" => match real(value) {
                Some(number) if value.is_string() => *value = number.into(),
                Some(_) => {}
                None => {
                    let kind = if shape.format == "float" { "TYPE_FLOAT" } else { "TYPE_DOUBLE" };
                    self.misfit(path, kind, value);
                }
            },
            "boolean" => match boolean(value) {
                Some(bool) => *value = bool.into(),
                None => self.misfit(path, "TYPE_BOOL", value),
            },
            "string" if !value.is_string() => self.misfit(path, "TYPE_STRING", value),
            _ => {}
        }
    }

    /// One value stands for a list of one, as the service reads it.
    fn list(&mut self, shape: &Shape, name: &str, value: &mut Json, path: &Path<'_>) {
        let Some(items) = &shape.items else { return };
        let of_lists = items.r#type == "array";
        match value {
            Json::Array(values) if of_lists => {
                for (place, line) in values.iter().enumerate().filter(|(_, line)| !line.is_array()) {
                    self.misfit(&path.item(place), LIST, line);
                }
            }
            Json::Array(values) => {
                for (place, one) in values.iter_mut().enumerate() {
                    self.value(items, name, one, &path.item(place));
                }
            }
            one if of_lists => self.misfit(path, LIST, one),
            one => {
                self.value(items, name, one, path);
                *one = json!([one.take()]);
            }
        }
    }

    fn misfit(&mut self, path: &Path<'_>, kind: &str, value: &Json) {
        let place = path.text();
        let words = format!("Invalid value at '{place}' ({kind}), {value}");
        self.wrong(place, words);
    }
}

/// Leaves out what is `null`, and writes `sheet_id` as `sheetId` where the message has that.
fn spell(shape: &Shape, message: &mut Map<String, Json>) {
    for (name, value) in std::mem::take(message).into_iter().filter(|(_, value)| !value.is_null()) {
        let camel = camel(&name);
        let known = shape.properties.contains_key(&camel);
        message.insert(if known { camel } else { name }, value);
    }
}

fn google_type(name: &str) -> String {
    format!("type.googleapis.com/google.apps.sheets.v4.{name}")
}

const LIST: &str = "type.googleapis.com/google.protobuf.ListValue";

fn whole(value: &Json) -> Option<i32> {
    let number = match value {
        Json::Number(number) => number.as_i64().or_else(|| {
            let real = number.as_f64()?;
            (real.fract() == 0.0 && real.abs() < 1e10).then_some(real as i64)
        }),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    i32::try_from(number?).ok()
}

fn real(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn boolean(value: &Json) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// `sheet_id` as `sheetId`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let mut letters = part.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        whole + &head.into_iter().chain(letters).collect::<String>()
    })
}

/// `sheetId` as `sheet_id`: how errors name fields.
fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, query: &str, body: Json) -> Result<Json, ApiError> {
        let mut body = body.as_object().cloned().expect("an object");
        read(method, &Query::parse(query), &mut body).map(|()| Json::Object(body))
    }

    #[test]
    fn spellings_that_mean_the_same_become_one() {
        let range = json!({ "sheet_id": "5", "dimension": "ROWS", "startIndex": 1.0, "endIndex": null });
        let read = asked(
            "spreadsheets.batchUpdate",
            "prettyPrint=false&fields=replies",
            json!({ "requests": { "deleteDimension": { "range": range } } }),
        );
        let wanted = json!({ "requests": [{ "deleteDimension": { "range": { "sheetId": 5, "dimension": "ROWS", "startIndex": 1 } } }] });
        assert_eq!(read, Ok(wanted));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let requests = json!([{ "updateCells": { "rows": [{ "values": [{ "colour": 1 }] }], "start": { "rowIndex": "x" } } }, { "sing": {} }]);
        let error = asked("spreadsheets.batchUpdate", "speed=9", json!({ "requests": requests }))
            .expect_err("is wrong");
        let words: Vec<&str> = error.message.lines().collect();
        assert_eq!(
            words,
            [
                "Invalid JSON payload received. Unknown name \"speed\": Cannot bind query parameter. Field 'speed' could not be found in request message.",
                "Invalid JSON payload received. Unknown name \"colour\" at 'requests[0].update_cells.rows[0].values[0]': Cannot find field.",
                "Invalid value at 'requests[0].update_cells.start.row_index' (TYPE_INT32), \"x\"",
                "Invalid JSON payload received. Unknown name \"sing\" at 'requests[1]': Cannot find field.",
            ]
        );
        let details = error.details.expect("details");
        assert_eq!(details[0]["fieldViolations"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_word_that_an_enumeration_lacks_is_refused() {
        let error =
            asked("spreadsheets.values.get", "majorDimension=DIAGONALS", json!({})).expect_err("is wrong");
        assert_eq!(
            error.message,
            "Invalid value at 'major_dimension' (type.googleapis.com/google.apps.sheets.v4.MajorDimension), \"DIAGONALS\""
        );
        let error = asked("spreadsheets.values.update", "valueInputOption=RAW", json!({ "values": "X" }));
        assert_eq!(
            error.expect_err("is wrong").message,
            "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), \"X\""
        );
    }
}
