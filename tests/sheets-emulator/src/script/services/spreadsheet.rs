//! `SpreadsheetApp`'s ranges and sheets over the grid. A script reads what is there now, and what it writes fires nothing.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Thrown;
use crate::display::{self, Civil, Locale};
use crate::entry::{self, Desk};
use crate::formula::Book;
use crate::grid::{Area, Cell, Scalar, SheetId, Spreadsheet, Tab, Value, parse_a1};
use crate::script::engine::Host;
use crate::script::event::rectangle;

/// A rectangle as Apps Script counts: from 1, with counts.
#[derive(Deserialize, Clone, Copy)]
struct Rectangle {
    row: u32,
    column: u32,
    rows: u32,
    columns: u32,
}

impl From<Rectangle> for Area {
    fn from(Rectangle { row, column, rows, columns }: Rectangle) -> Self {
        Self::new(row - 1, column - 1, row - 1 + rows, column - 1 + columns)
    }
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum Call {
    Spreadsheet,
    Sheet { sheet: i32 },
    A1 { sheet: i32, text: String },
    Values { sheet: i32, area: Rectangle },
    DisplayValues { sheet: i32, area: Rectangle },
    Formulas { sheet: i32, area: Rectangle },
    Notes { sheet: i32, area: Rectangle },
    SetValues { sheet: i32, area: Rectangle, values: Vec<Vec<Json>> },
    SetNotes { sheet: i32, area: Rectangle, notes: Vec<Vec<String>> },
}

pub(super) fn answer(host: &Host, call: &str) -> Result<Json, Thrown> {
    let call = serde_json::from_str(call)?;
    let shared = host.shared();
    let answer = match call {
        Call::SetValues { sheet, area, values } => {
            shared.write(|book| set_values(book, sheet, area.into(), &values, shared.year()))
        }
        Call::SetNotes { sheet, area, notes } => {
            shared.write(|book| set_notes(book, sheet, area.into(), &notes))
        }
        reading => shared.read().map(|book| look(&book, &reading)),
    };
    answer.unwrap_or_else(|| Err(Thrown("Document is missing (perhaps it was deleted).".into())))
}

fn look(book: &Spreadsheet, call: &Call) -> Result<Json, Thrown> {
    let locale = Locale::named(&book.locale);
    Ok(match call {
        Call::Sheet { sheet } => {
            let tab = tab(book, *sheet)?;
            let (last_row, last_column) = tab.data_extent();
            let index = book.tabs.iter().position(|one| one.id == tab.id);
            json!({ "title": tab.title, "index": index, "lastRow": last_row, "lastColumn": last_column,
                    "maxRows": tab.row_count(), "maxColumns": tab.column_count() })
        }
        Call::A1 { sheet, text } => {
            let area =
                parse_a1(text).and_then(|a1| a1.area).ok_or_else(|| Thrown("Range not found".into()))?;
            rectangle(area.on(tab(book, *sheet)?))
        }
        Call::Values { sheet, area } => each(book, *sheet, *area, |cell, scalar| value(book, cell, scalar))?,
        Call::DisplayValues { sheet, area } => {
            each(book, *sheet, *area, |cell, scalar| display::shown(scalar, cell, &locale).into())?
        }
        Call::Formulas { sheet, area } => each(book, *sheet, *area, |cell, _| match &cell.value {
            Value::Formula(formula) => formula.as_ref().into(),
            Value::Blank | Value::Number(_) | Value::Bool(_) | Value::Text(_) => "".into(),
        })?,
        Call::Notes { sheet, area } => {
            each(book, *sheet, *area, |cell, _| cell.note().unwrap_or_default().into())?
        }
        Call::Spreadsheet | Call::SetValues { .. } | Call::SetNotes { .. } => {
            let sheets: Vec<i32> = book.tabs.iter().map(|tab| tab.id.0).collect();
            json!({ "title": book.title, "timeZone": book.time_zone, "locale": book.locale, "sheets": sheets })
        }
    })
}

fn tab(book: &Spreadsheet, sheet: i32) -> Result<&Tab, Thrown> {
    book.tab(SheetId(sheet)).ok_or_else(|| Thrown(format!("Sheet {sheet} not found")))
}

/// Rows of what `show` makes of each cell.
fn each(
    book: &Spreadsheet,
    sheet: i32,
    area: Rectangle,
    show: impl Fn(&Cell, &Scalar) -> Json,
) -> Result<Json, Thrown> {
    let tab = tab(book, sheet)?;
    let area = Area::from(area);
    let formulas = Book::new(book);
    let cell = |row, column| show(tab.cell(row, column), &formulas.scalar(tab, row, column));
    let row = |row| (area.left..area.right).map(|column| cell(row, column)).collect::<Json>();
    Ok((area.top..area.bottom).map(row).collect())
}

/// A cell's value for a script: a date is the instant of its wall time in the spreadsheet's time zone.
fn value(book: &Spreadsheet, cell: &Cell, scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Blank => "".into(),
        Scalar::Number(serial) if display::is_temporal(cell) => {
            instant(*serial, &book.time_zone).unwrap_or_else(|| json!(serial))
        }
        Scalar::Number(number) => json!(number),
        Scalar::Bool(is) => (*is).into(),
        Scalar::Text(text) => text.as_ref().into(),
        Scalar::Error(error) => error.kind.shown().into(),
    }
}

fn instant(serial: f64, zone: &str) -> Option<Json> {
    let Civil { date, milliseconds } = display::civil_from_serial(serial)?;
    let wall = date.to_datetime(jiff::civil::Time::midnight())
        + jiff::SignedDuration::from_millis(milliseconds.into());
    let at = wall.to_zoned_datetime(TimeZone::get(zone).ok()?).ok()?;
    Some(json!({ "date": at.timestamp().as_millisecond() }))
}

fn set_values(
    book: &mut Spreadsheet,
    sheet: i32,
    area: Area,
    values: &[Vec<Json>],
    year: i16,
) -> Result<Json, Thrown> {
    let desk = Desk { locale: Locale::named(&book.locale), year };
    let zone = book.time_zone.clone();
    for (row, cells) in (area.top..).zip(values) {
        for (column, given) in (area.left..).zip(cells) {
            let present = tab(book, sheet)?.cell(row, column).clone();
            let (value, format) = entered(given, &present, desk, &zone)?;
            book.has_formulas |= matches!(value, Value::Formula(_));
            let tab = book.tab_mut(SheetId(sheet)).ok_or_else(|| Thrown("Range not found".into()))?;
            tab.set_value(row, column, value);
            if let Some((kind, pattern)) = format.filter(|_| present.number_format().is_none()) {
                let format = json!({ "type": kind, "pattern": pattern });
                tab.rows.change_cell(row, column, |cell| {
                    cell.change_look(|look| drop(look.format.insert("numberFormat".into(), format)));
                });
            }
        }
    }
    Ok(Json::Null)
}

type Format = (&'static str, String);

/// Texts are read as if typed; numbers, booleans and dates are what they are.
fn entered(given: &Json, present: &Cell, desk: Desk, zone: &str) -> Result<(Value, Option<Format>), Thrown> {
    match given {
        Json::Number(number) => Ok((Value::Number(number.as_f64().unwrap_or_default()), None)),
        Json::Bool(is) => Ok((Value::Bool(*is), None)),
        Json::String(text) => {
            let entered = entry::enter(text, present, desk).map_err(|refusal| Thrown(refusal.0))?;
            Ok((entered.value, entered.format))
        }
        Json::Object(date) => {
            let at = date
                .get("date")
                .and_then(Json::as_f64)
                .and_then(|ms| jiff::Timestamp::from_millisecond(ms as i64).ok());
            let wall = at
                .and_then(|at| at.in_tz(zone).ok())
                .ok_or_else(|| Thrown("Invalid argument: date".into()))?;
            let since_midnight = wall.time().duration_since(jiff::civil::Time::midnight()).as_millis();
            let civil = Civil { date: wall.date(), milliseconds: since_midnight as u32 };
            let format = ("DATE_TIME", desk.locale.date_time_pattern().to_owned());
            Ok((Value::Number(display::serial_from_civil(civil)), Some(format)))
        }
        Json::Null | Json::Array(_) => Ok((Value::Blank, None)),
    }
}

fn set_notes(book: &mut Spreadsheet, sheet: i32, area: Area, notes: &[Vec<String>]) -> Result<Json, Thrown> {
    let tab = book.tab_mut(SheetId(sheet)).ok_or_else(|| Thrown(format!("Sheet {sheet} not found")))?;
    for (row, texts) in (area.top..area.bottom).zip(notes) {
        for (column, text) in (area.left..area.right).zip(texts) {
            let note = Some(text.clone()).filter(|text| !text.is_empty());
            tab.rows.change_cell(row, column, |cell| cell.change_look(|look| look.note = note));
        }
    }
    Ok(Json::Null)
}
