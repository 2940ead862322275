//! The live page: a grid in a browser, for the demo, for browser tests, and for looking at what a test did.
//!
//! Its files are compiled in. What it shows of cells it reads here, by rows in view and with texts as they are shown;
//! what a person does goes through the emulator's `actions`, and changes come from its feed.
//!
//! | call | gives |
//! |--|--|
//! | `GET /`, `GET /spreadsheets/{id}` | the page; `?beside=URL&besideTitle=…` shows another page on the right, `?person=` chooses who types |
//! | `GET /emulator/page` | every spreadsheet: `{spreadsheets: [{id, title}]}` |
//! | `GET /emulator/spreadsheets/{id}/page` | `{title, timeZone, version, tabs: [{id, title, hidden, rows, columns, frozenRows, widths}]}` |
//! | `GET /emulator/spreadsheets/{id}/page/{tab}?from=&to=` | `{version, rows: [[cell or null]]}`, rows from 0, end open, trailing voids left out |
//!
//! A cell is `{t: shown text, k: kind, e: text to edit where it is another, n: note, s: style}`, each only where there is one.

use bytes::Bytes;
use hyper::{Method, Response, StatusCode, header};
use serde_json::{Map, Value as Json, json};

use crate::Google;
use crate::display::{self, Locale};
use crate::formula::Book;
use crate::grid::{Cell, Scalar, SheetId, Spreadsheet, SpreadsheetId, Tab, Value};

const FILES: [(&str, &str, &str); 12] = [
    ("style.css", "text/css", include_str!("../page/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ("main.js", "text/javascript", include_str!("../page/main.js")),
    ("list.js", "text/javascript", include_str!("../page/list.js")),
    ("google.js", "text/javascript", include_str!("../page/google.js")),
    ("cells.js", "text/javascript", include_str!("../page/cells.js")),
    ("grid.js", "text/javascript", include_str!("../page/grid.js")),
    ("selection.js", "text/javascript", include_str!("../page/selection.js")),
    ("edit.js", "text/javascript", include_str!("../page/edit.js")),
    ("actions.js", "text/javascript", include_str!("../page/actions.js")),
    ("around.js", "text/javascript", include_str!("../page/around.js")),
    ("script.js", "text/javascript", include_str!("../page/script.js")),
];
const ONE: &str = include_str!("../page/index.html");
const LIST: &str = include_str!("../page/list.html");

/// Rows that one call gives at most.
const MAX_ROWS: u32 = 1000;

/// Answers a call if its path is one of this table's; `None` leaves it to others.
pub fn route(google: &Google, method: &Method, path: &str, query: &str) -> Option<Response<Bytes>> {
    if method != Method::GET {
        return None;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    Some(match parts[..] {
        [""] => file("text/html; charset=utf-8", LIST),
        ["spreadsheets", _] => file("text/html; charset=utf-8", ONE),
        ["page", name] => {
            let (_, kind, text) = FILES.iter().find(|(known, ..)| *known == name)?;
            file(kind, text)
        }
        ["emulator", "page"] => found(Some(list(google))),
        ["emulator", "spreadsheets", id, "page"] => {
            found(google.spreadsheet(&SpreadsheetId::new(id)).map(|book| outline(&book)))
        }
        ["emulator", "spreadsheets", id, "page", tab] => {
            found(google.spreadsheet(&SpreadsheetId::new(id)).and_then(|book| rows(&book, tab, query)))
        }
        _ => return None,
    })
}

fn file(kind: &'static str, text: &'static str) -> Response<Bytes> {
    answer(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()))
}

fn found(body: Option<Json>) -> Response<Bytes> {
    match body {
        Some(body) => answer(StatusCode::OK, "application/json", body.to_string().into()),
        None => answer(
            StatusCode::NOT_FOUND,
            "application/json",
            json!({ "error": "there is no such spreadsheet or tab" }).to_string().into(),
        ),
    }
}

fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    response
}

fn list(google: &Google) -> Json {
    let all: Vec<Json> =
        google.all().iter().map(|book| json!({ "id": book.id, "title": book.title })).collect();
    json!({ "spreadsheets": all })
}

fn outline(book: &Spreadsheet) -> Json {
    let tab = |tab: &Tab| {
        let widths: Map<String, Json> = tab
            .column_looks
            .iter()
            .filter_map(|(column, look)| Some((column.to_string(), look.pixels?.into())))
            .collect();
        json!({
            "id": tab.id, "title": tab.title, "hidden": tab.hidden, "rows": tab.row_count(), "columns": tab.column_count(),
            "frozenRows": tab.frozen_rows, "widths": widths,
        })
    };
    let tabs: Vec<Json> = book.tabs.iter().map(tab).collect();
    json!({ "title": book.title, "timeZone": book.time_zone, "version": book.version, "tabs": tabs })
}

fn rows(book: &Spreadsheet, tab: &str, query: &str) -> Option<Json> {
    let tab = book.tab(SheetId(tab.parse().ok()?))?;
    let number = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse::<u32>().ok())
    };
    let from = number("from").unwrap_or(0).min(tab.row_count());
    let to = number("to").unwrap_or(MAX_ROWS).min(tab.row_count()).min(from.saturating_add(MAX_ROWS));
    let (formulas, locale) = (Book::new(book), Locale::named(&book.locale));
    let row = |row: u32| -> Json {
        let stored = tab.rows.row(row);
        let used = stored.iter().rposition(|cell| !cell.is_void()).map_or(0, |last| last + 1);
        (0_u32..)
            .zip(&stored[..used])
            .map(|(column, cell)| shown(cell, &formulas.scalar(tab, row, column), &locale))
            .collect()
    };
    Some(json!({ "version": book.version, "rows": (from..to).map(row).collect::<Vec<_>>() }))
}

fn shown(cell: &Cell, scalar: &Scalar, locale: &Locale) -> Json {
    if cell.is_void() {
        return Json::Null;
    }
    let text = display::shown(scalar, cell, locale);
    let mut shown = Map::new();
    let edited = match &cell.value {
        Value::Formula(formula) => formula.to_string(),
        Value::Number(number) if !display::is_temporal(cell) => locale.localised(&display::general(*number)),
        Value::Blank | Value::Number(_) | Value::Bool(_) | Value::Text(_) => text.clone(),
    };
    if edited != text {
        shown.insert("e".into(), edited.into());
    }
    if !text.is_empty() {
        shown.insert("t".into(), text.into());
    }
    let kind = match scalar {
        Scalar::Number(_) => Some("number"),
        Scalar::Bool(_) => Some("bool"),
        Scalar::Error(_) => Some("error"),
        Scalar::Blank | Scalar::Text(_) => None,
    };
    shown.extend(kind.map(|kind| ("k".into(), kind.into())));
    shown.extend(cell.note().map(|note| ("n".into(), note.into())));
    shown.extend(
        cell.format().map(style).filter(|style| !style.is_empty()).map(|style| ("s".into(), style.into())),
    );
    shown.into()
}

/// The part of a cell's format that the page can show.
fn style(format: &Map<String, Json>) -> Map<String, Json> {
    let mut style = Map::new();
    let text = format.get("textFormat");
    for (field, name) in [("bold", "bold"), ("italic", "italic"), ("strikethrough", "strike")] {
        if text.and_then(|text| text.get(field)).and_then(Json::as_bool) == Some(true) {
            style.insert(name.into(), true.into());
        }
    }
    if let Some(align) = format.get("horizontalAlignment") {
        style.insert("align".into(), align.clone());
    }
    let fill = format
        .get("backgroundColorStyle")
        .and_then(|style| style.get("rgbColor"))
        .or_else(|| format.get("backgroundColor"));
    style.extend(fill.map(|fill| ("fill".into(), colour(fill).into())));
    let ink = text.and_then(|text| {
        text.pointer("/foregroundColorStyle/rgbColor").or_else(|| text.get("foregroundColor"))
    });
    style.extend(ink.map(|ink| ("ink".into(), colour(ink).into())));
    style
}

/// `#rrggbb` of a colour with parts from 0 to 1; an absent part is 0.
fn colour(colour: &Json) -> String {
    let part = |name| (colour.get(name).and_then(Json::as_f64).unwrap_or(0.0) * 255.0).round() as u8;
    format!("#{:02x}{:02x}{:02x}", part("red"), part("green"), part("blue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(google: &Google, path: &str, query: &str) -> Json {
        let response = route(google, &Method::GET, path, query).expect("is answered");
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(response.body()).expect("JSON")
    }

    #[test]
    fn cells_come_as_they_are_shown_and_as_they_are_edited() {
        let google = Google::default();
        google.create(SpreadsheetId::new("1x"), "Shop", |book| {
            let tab = &mut book.tabs[0];
            tab.set_value(0, 0, Value::text("name"));
            tab.rows.change_cell(0, 0, |cell| {
                cell.change_look(|look| {
                    look.note = Some("a note".into());
                    look.format.insert("textFormat".into(), json!({ "bold": true }));
                    look.format.insert("backgroundColor".into(), json!({ "red": 1, "green": 0.5 }));
                });
            });
            tab.set_value(0, 2, Value::Number(0.25));
            tab.rows.change_cell(0, 2, |cell| {
                cell.change_look(|look| {
                    let percent = json!({ "type": "PERCENT", "pattern": "0%" });
                    look.format.insert("numberFormat".into(), percent);
                });
            });
            tab.set_value(1, 0, Value::Formula("=1+1".into()));
        });
        let answer = ask(&google, "/emulator/spreadsheets/1x/page/0", "from=0&to=3");
        let name = json!({ "t": "name", "n": "a note", "s": { "bold": true, "fill": "#ff8000" } });
        assert_eq!(
            answer["rows"],
            json!([
                [name, null, { "t": "25%", "e": "0.25", "k": "number" }],
                [{ "t": "2", "e": "=1+1", "k": "number" }],
                [],
            ])
        );
    }

    #[test]
    fn the_outline_names_the_tabs_and_every_file_that_the_page_imports_is_served() {
        let google = Google::default();
        google.create(SpreadsheetId::new("1x"), "Shop", |_| ());
        assert_eq!(
            ask(&google, "/emulator/page", "")["spreadsheets"],
            json!([{ "id": "1x", "title": "Shop" }])
        );
        assert_eq!(ask(&google, "/emulator/spreadsheets/1x/page", "")["tabs"][0]["columns"], 26);

        let mut wanted: Vec<String> =
            vec!["main.js".into(), "list.js".into(), "style.css".into(), "icon.svg".into()];
        let mut served = 0;
        while let Some(name) = wanted.pop() {
            let response = route(&google, &Method::GET, &format!("/page/{name}"), "")
                .unwrap_or_else(|| panic!("no {name}"));
            served += 1;
            let text = String::from_utf8_lossy(response.body()).into_owned();
            wanted.extend(text.lines().filter_map(|line| {
                Some(line.strip_prefix("import ")?.split("'./").nth(1)?.split('\'').next()?.to_owned())
            }));
        }
        assert!(served > FILES.len(), "only {served} files");
        assert!(route(&google, &Method::GET, "/page/../Cargo.toml", "").is_none());
        assert!(route(&google, &Method::GET, "/page/none.js", "").is_none());
    }
}
