//! Google's services, each in two halves: the classes that a script sees (JavaScript) and what they ask of the emulator.
//!
//! The JavaScript half calls one function with the service's name and a JSON call; the answer is JSON too. That seam is
//! narrow on purpose: everything that a killed run may have done went through it.

mod fetch;
mod pattern;
mod spreadsheet;
mod stores;
mod triggers;
mod ui;
mod utilities;

use serde::Deserialize;
use serde_json::Value as Json;

use super::engine::Host;
use super::execution::Line;

pub(super) use fetch::Net;
pub(super) use stores::Stores;
pub use triggers::{InstalledTrigger, TriggerKind};
pub use ui::{Menu, MenuItem};

/// The JavaScript half, in the order in which it is loaded into a fresh context.
pub(super) const SOURCES: [(&str, &str); 8] = [
    ("start.js", include_str!("start.js")),
    ("date.js", include_str!("date.js")),
    ("utilities.js", include_str!("utilities.js")),
    ("fetch.js", include_str!("fetch.js")),
    ("stores.js", include_str!("stores.js")),
    ("spreadsheet.js", include_str!("spreadsheet.js")),
    ("ui.js", include_str!("ui.js")),
    ("triggers.js", include_str!("triggers.js")),
];

/// What a service throws at the script: the message of a JavaScript `Error`.
#[derive(Debug)]
pub(super) struct Thrown(pub(super) String);

impl From<serde_json::Error> for Thrown {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("Invalid argument: {error}"))
    }
}

/// Answers one call of a script.
pub(super) fn answer(host: &Host, service: &str, call: &str) -> Result<Json, Thrown> {
    match service {
        "sheets" => spreadsheet::answer(host, call),
        "utilities" => utilities::answer(host, call),
        "fetch" => fetch::answer(host, call),
        "properties" => stores::properties(host, call),
        "cache" => stores::cache(host, call),
        "lock" => stores::locks(host, call),
        "triggers" => triggers::answer(host, call),
        "ui" => ui::answer(host, call),
        "log" => log(host, call),
        other => Err(Thrown(format!("there is no service {other}"))),
    }
}

#[derive(Deserialize)]
struct LogCall {
    level: String,
    text: String,
}

fn log(host: &Host, call: &str) -> Result<Json, Thrown> {
    let LogCall { level, text } = serde_json::from_str(call)?;
    host.log(Line { level, text });
    Ok(Json::Null)
}
