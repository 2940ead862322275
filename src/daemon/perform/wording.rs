//! The words of the notes: what a conflict was about, for the person whose cell it was.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::daemon::table::Table;
use crate::engine::effect::{Conflict, Winner};
use crate::engine::input::Micros;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::value::Value;
use crate::sheet::annotate::LONGEST_NOTE;
use crate::store::note::{Cause, Note};

/// Of a value so much is repeated: the ledger has it whole.
const LONGEST_VALUE: usize = 120;

/// A text as it stands in a note of ours.
pub(super) fn ours(text: &str) -> String {
    format!("sheetbridge: {text}").chars().take(LONGEST_NOTE).collect()
}

/// The note of a conflict: both values, who, when, and what became of it. A conflict of no one cell is listed and not said.
pub(super) fn conflict_note(table: &Table, conflict: &Conflict) -> Option<Note> {
    let (key, at) = (conflict.key.as_ref()?, conflict.column?);
    let column = &table.plan.columns.get(at)?.rule;
    let (there, here) = (conflict.database.as_ref(), conflict.sheet.as_ref()?);
    let (winner, loser) = match (conflict.winner, there) {
        (Winner::Database, Some(there)) => (there.digest(), here.digest()),
        (Winner::Sheet | Winner::Rule, Some(there)) => (here.digest(), there.digest()),
        // What a person typed stands where it is, or nowhere any more.
        (_, None) | (Winner::Nobody, _) => (here.digest(), here.digest()),
    };
    let zone = zone(table);
    let when = |micros: Option<Micros>| micros.and_then(|at| moment(at, &zone));
    let background = &conflict.background;
    let both = [
        side("table", there.map(|cell| words(table, at, cell)), None, when(background.committed)),
        side("sheet", Some(words(table, at, here)), background.editor.as_deref(), when(background.edited)),
    ];
    let end = match (conflict.winner, there) {
        (Winner::Database, _) => "The table's value stands.",
        (Winner::Sheet, None) => "The sheet's value stands: the row was made again.",
        (Winner::Sheet, Some(_)) => "The sheet's value stands.",
        (Winner::Rule, _) => "The link's own rule made one value of both: it stands on both sides.",
        (Winner::Nobody, _) => "Nobody's value was taken over: somebody has to decide.",
    };
    let what = match (table.plan.columns[at].key, conflict.winner) {
        (true, Winner::Database) => format!("{}: the key was changed here, and is put back.", column.header),
        _ => format!("{}: changed on both sides. {end}", column.header),
    };
    let text = ours(&format!("{what}\n{}\nRule: {}", both.join("\n"), conflict.rule));
    Some(Note {
        link: table.link.rules.name.clone(),
        cause: Cause::Conflict { winner: Digest(winner.0), loser: Digest(loser.0) },
        row: key.to_string(),
        column: column.name.clone(),
        text,
    })
}

fn side(name: &str, value: Option<String>, who: Option<&str>, when: Option<String>) -> String {
    let value = value.unwrap_or_else(|| "the row was deleted".to_owned());
    let from: Vec<&str> = who.into_iter().chain(when.as_deref()).collect();
    if from.is_empty() {
        format!("In the {name}: {value}")
    } else {
        format!("In the {name}: {value} ({})", from.join(", "))
    }
}

pub(super) fn zone(table: &Table) -> TimeZone {
    let shown = table.manner().map(|(_, zone)| zone);
    let name = table.link.time_zone.clone().or(shown).unwrap_or_default();
    TimeZone::get(&name).unwrap_or(TimeZone::UTC)
}

pub(super) fn moment(micros: Micros, zone: &TimeZone) -> Option<String> {
    let at = Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
    Some(zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// A cell as a person reads it: dates are numbers to the grid.
fn words(table: &Table, at: usize, cell: &Cell) -> String {
    let text = match table.meaning(at, cell) {
        Ok(value) => plain(&value),
        Err(_) => match cell {
            Cell::Blank => String::new(),
            Cell::Number(number) => number.get().to_string(),
            Cell::Text(text) | Cell::Error(text) => text.clone(),
            Cell::Bool(truth) => truth.to_string().to_uppercase(),
        },
    };
    if text.is_empty() {
        return "empty".to_owned();
    }
    let short: String = text.chars().take(LONGEST_VALUE).collect();
    if short.len() < text.len() { format!("\"{short}…\"") } else { format!("\"{short}\"") }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Float(number) => (number.get() as f32).to_string(),
        Value::Double(number) => number.get().to_string(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Date(date) => date.to_string(),
        Value::DateTime(at) => at.to_string(),
        Value::Time(time) => time.to_string(),
    }
}
