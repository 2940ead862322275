//! The emulator's own interface under `/emulator/`, for tests in other processes and for the page.
//!
//! | call | body | does |
//! |--|--|--|
//! | `GET /emulator/health` | | `{}` as soon as it serves |
//! | `POST /emulator/accounts` | `{address, project?}` | makes a service account; gives its key file |
//! | `POST /emulator/spreadsheets` | `{title?, id?, editors?, everyone?, owner?}` | makes a spreadsheet; gives `{id}` |
//! | `POST …/spreadsheets/{id}/sharing` | `{editors, everyone?}` | shares it with these, and nobody else |
//! | `POST …/spreadsheets/{id}/actions` | `{person, action}` or `{person, actions}` | does what a person does; gives `{events}` |
//! | `GET …/spreadsheets/{id}/tabs/{sheet}/cells?from=&to=` | | `{version, rowCount, columnCount, rows: [[text]]}`, as shown |
//! | `GET …/spreadsheets/{id}/events` (or `changes`) | | changes as server-sent events |
//! | `GET`, `POST`, `DELETE /emulator/faults` | a rule | the rules left; adds one; takes all away |
//! | `POST /emulator/release` | `{name}` | lets calls (and late writes) of this name go on |
//! | `GET`, `PUT /emulator/knobs` | some of the knobs | shows them; turns these |
//! | `POST /emulator/clock` | `{advance_ms}`, `{freeze_at}` or `{run: true}` | sets the clock; gives `{now}` |
//! | `POST /emulator/tokens/revoke` | | ends all tokens |
//! | `GET`, `DELETE /emulator/calls?since=` | | `{calls, counts}`; forgets them |
//!
//! Scripts have a table of their own, in `script`, and the page in `page`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::broadcast;

use crate::display::shown;
use crate::grid::{SheetId, SpreadsheetId};
use crate::people::{Action, Person};
use crate::rest::{Query, View};
use crate::script::Scripts;
use crate::serve::{Reply, plain, whole};
use crate::service::{Incoming, Service};
use crate::{Change, Google};

/// Everything that calls can reach.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) service: Arc<Service>,
    pub(crate) scripts: Arc<Scripts>,
}

/// Why a call of the emulator's own interface did not work.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("there is no such call")]
    NoCall,
    #[error("there is no such spreadsheet or tab")]
    NoSpreadsheet,
    #[error("not understood: {0}")]
    Request(#[from] serde_json::Error),
    #[error("{0}")]
    Refused(#[from] crate::grid::Refusal),
    #[error("{0}")]
    Key(#[from] crate::accounts::NoKey),
}

impl Wrong {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoCall | Self::NoSpreadsheet => StatusCode::NOT_FOUND,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Key(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    address: String,
    project: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct NewSpreadsheet {
    id: Option<String>,
    title: Option<String>,
    owner: Option<String>,
    editors: Vec<String>,
    everyone: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharing {
    editors: Vec<String>,
    #[serde(default)]
    everyone: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acts {
    person: Person,
    action: Option<Action>,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SetClock {
    AdvanceMs(i64),
    FreezeAt(i64),
    Run(bool),
}

#[derive(Deserialize)]
struct Release {
    name: String,
}

fn read<'a, T: Deserialize<'a>>(incoming: &'a Incoming) -> Result<T, Wrong> {
    let body: &[u8] = if incoming.body.is_empty() { b"{}" } else { &incoming.body };
    Ok(serde_json::from_slice(body)?)
}

impl Control {
    fn google(&self) -> &Google {
        &self.service.google
    }

    /// Answers what is not Google's.
    pub(crate) async fn answer(&self, method: &Method, incoming: &Incoming) -> Reply {
        if let Some(reply) = crate::script::route(&self.scripts, method, &incoming.path, &incoming.body).await
        {
            return reply.map(whole);
        }
        if let Some(reply) = crate::page::route(self.google(), method, &incoming.path, &incoming.query) {
            return reply.map(whole);
        }
        let parts: Vec<&str> = incoming.path.trim_matches('/').split('/').collect();
        let done = match parts[..] {
            ["emulator", "spreadsheets", id, "events" | "changes"] if method == Method::GET => {
                self.feed(&SpreadsheetId::new(id))
            }
            ["emulator", "spreadsheets", id, ref rest @ ..] => {
                self.spreadsheet(method, &SpreadsheetId::new(id), rest, incoming).map(ok)
            }
            ["emulator", ref rest @ ..] => self.own(method, rest, incoming).map(ok),
            _ => Err(Wrong::NoCall),
        };
        done.unwrap_or_else(|wrong| {
            plain(wrong.status(), "application/json", json!({"error": wrong.to_string()}).to_string().into())
        })
    }

    fn own(&self, method: &Method, path: &[&str], incoming: &Incoming) -> Result<Json, Wrong> {
        let service = &self.service;
        Ok(match (method.as_str(), path) {
            ("GET", ["health"]) => json!({}),
            ("POST", ["accounts"]) => {
                let NewAccount { address, project } = read(incoming)?;
                service.accounts.create(&address, project.as_deref().unwrap_or("1"), service.token_url())?
            }
            ("POST", ["spreadsheets"]) => {
                let new: NewSpreadsheet = read(incoming)?;
                let id = new.id.as_deref().map_or_else(SpreadsheetId::random, SpreadsheetId::new);
                self.google().create(
                    id.clone(),
                    new.title.as_deref().unwrap_or("Untitled spreadsheet"),
                    |spreadsheet| {
                        spreadsheet.sharing.owner = new.owner;
                        spreadsheet.sharing.editors = new.editors.into_iter().collect();
                        spreadsheet.sharing.everyone = new.everyone;
                    },
                );
                json!({"id": id})
            }
            ("GET", ["faults"]) => json!({"rules": service.faults.left()}),
            ("POST", ["faults"]) => json!({"number": service.faults.add(read(incoming)?)}),
            ("DELETE", ["faults"]) => {
                service.faults.clear();
                json!({})
            }
            ("POST", ["release"]) => {
                service.faults.release(&read::<Release>(incoming)?.name);
                json!({})
            }
            ("GET", ["knobs"]) => json!(*self.google().knobs()),
            ("PUT", ["knobs"]) => {
                let mut knobs = json!(*self.google().knobs());
                for (name, value) in read::<serde_json::Map<String, Json>>(incoming)? {
                    knobs[name] = value;
                }
                self.google().set_knobs(serde_json::from_value(knobs)?);
                json!(*self.google().knobs())
            }
            ("POST", ["clock"]) => {
                let clock = self.google().clock();
                match read(incoming)? {
                    SetClock::AdvanceMs(by) => clock.advance(by),
                    SetClock::FreezeAt(at) => clock.freeze(at),
                    SetClock::Run(true) => clock.run(),
                    SetClock::Run(false) => clock.freeze(clock.now()),
                }
                json!({"now": clock.now()})
            }
            ("POST", ["tokens", "revoke"]) => {
                service.accounts.revoke_tokens();
                json!({})
            }
            ("GET", ["calls"]) => {
                let since = Query::parse(&incoming.query).get("since").parse().unwrap_or(0);
                json!({"calls": service.calls.since(since), "counts": service.calls.counts()})
            }
            ("DELETE", ["calls"]) => {
                service.calls.clear();
                json!({})
            }
            _ => return Err(Wrong::NoCall),
        })
    }

    fn spreadsheet(
        &self,
        method: &Method,
        id: &SpreadsheetId,
        path: &[&str],
        incoming: &Incoming,
    ) -> Result<Json, Wrong> {
        match (method.as_str(), path) {
            ("POST", ["actions"]) => {
                let Acts { person, action, actions } = read(incoming)?;
                let mut events = Vec::new();
                for action in action.iter().chain(&actions) {
                    events.extend(self.google().act(id, &person, action).map_err(|_| Wrong::NoSpreadsheet)??);
                }
                Ok(json!({"events": events}))
            }
            ("POST", ["sharing"]) => {
                let Sharing { editors, everyone } = read(incoming)?;
                let shared = self.google().edit(id, crate::Cause::Api, |spreadsheet| {
                    spreadsheet.sharing.editors = editors.into_iter().collect();
                    spreadsheet.sharing.everyone = everyone;
                    Ok::<_, Wrong>(())
                });
                shared.map_err(|_| Wrong::NoSpreadsheet)?.map(|_| json!({}))
            }
            ("GET", ["tabs", sheet, "cells"]) => self.cells(id, sheet, &Query::parse(&incoming.query)),
            _ => Err(Wrong::NoCall),
        }
    }

    fn cells(&self, id: &SpreadsheetId, sheet: &str, query: &Query) -> Result<Json, Wrong> {
        let spreadsheet = self.google().spreadsheet(id).ok_or(Wrong::NoSpreadsheet)?;
        let sheet = sheet.parse().map(SheetId).map_err(|_| Wrong::NoSpreadsheet)?;
        let tab = spreadsheet.tab(sheet).ok_or(Wrong::NoSpreadsheet)?;
        let view = View::new(&spreadsheet);
        let from = query.get("from").parse().unwrap_or(0);
        let to = query.get("to").parse().unwrap_or_else(|_| tab.row_count());
        let rows = tab.rows.range(from, to).map(|(row, cells)| {
            let texts = cells
                .iter()
                .zip(0..)
                .map(|(cell, column)| json!(shown(&view.book.scalar(tab, row, column), cell, &view.locale)));
            Json::Array(texts.collect())
        });
        let rows: Vec<Json> = rows.collect();
        Ok(
            json!({"version": spreadsheet.version, "rowCount": tab.row_count(), "columnCount": tab.column_count(), "rows": rows}),
        )
    }

    /// Changes of one spreadsheet from now on. Who lags too far behind is told to read everything again.
    fn feed(&self, id: &SpreadsheetId) -> Result<Reply, Wrong> {
        self.google().spreadsheet(id).ok_or(Wrong::NoSpreadsheet)?;
        let state = (self.google().subscribe(), id.clone());
        let events = stream::unfold(state, |(mut changes, id)| async move {
            loop {
                let text = match changes.recv().await {
                    Ok(change) if change.spreadsheet == id => event(&change),
                    Ok(_) => continue,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        "data: {\"structure\":true,\"rows\":{}}\n\n".to_owned()
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                };
                return Some((Ok(Frame::data(Bytes::from(text))), (changes, id)));
            }
        });
        // A first comment opens the stream at once, so that a listener knows that it hears everything from here on.
        let hello = stream::iter([Ok(Frame::data(Bytes::from_static(b": listening\n\n")))]);
        let body = StreamBody::new(futures_util::StreamExt::chain(hello, events)).boxed();
        let mut reply = Response::new(body);
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(reply)
    }
}

fn event(change: &Change) -> String {
    format!("data: {}\n\n", json!(change))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map`")]
fn ok(body: Json) -> Reply {
    plain(StatusCode::OK, "application/json", body.to_string().into())
}
