//! The same over HTTP, for tests in other processes and for the page: `/emulator/spreadsheets/{id}/script…`.
//!
//! | call | body | does |
//! |--|--|--|
//! | `GET …/script` | | menus, triggers, knobs, and how many runs ended |
//! | `PUT …/script` | `{code, manifest}` (both texts) | installs the script, or replaces its source |
//! | `DELETE …/script` | | takes it away |
//! | `POST …/script/open` | `{person}` | opens the spreadsheet: `onOpen` |
//! | `POST …/script/menu` | `{item, person, sheet, replies: [{button, text}]}` | chooses a menu item; gives its execution |
//! | `PUT …/script/knobs` | any of the knobs | turns these, leaves the others |
//! | `POST …/script/timers` | | runs every time trigger now |
//! | `POST …/script/idle` | `{patience_ms}` | waits until nothing is queued or running |
//! | `GET …/script/executions`, `…/executions/{id}` | | the log, oldest first; or only what came after that execution |

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{ExecutionId, Reply, Script, ScriptError, Scripts, Source};
use crate::grid::SpreadsheetId;

#[derive(Deserialize)]
struct Install {
    code: String,
    manifest: String,
}

#[derive(Deserialize)]
struct Open {
    person: String,
}

#[derive(Deserialize)]
struct Choose {
    item: String,
    person: String,
    #[serde(default)]
    sheet: i32,
    #[serde(default)]
    replies: Vec<Reply>,
}

#[derive(Deserialize)]
struct Idle {
    patience_ms: u64,
}

/// Answers a call if its path is one of this table's; `None` leaves it to others.
pub async fn route(
    scripts: &Arc<Scripts>,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Option<Response<Bytes>> {
    let (id, call) = path.strip_prefix("/emulator/spreadsheets/")?.split_once("/script")?;
    let known = ["", "/open", "/menu", "/knobs", "/timers", "/idle", "/executions"].contains(&call);
    let known = known || call.starts_with("/executions/");
    if !known || id.contains('/') {
        return None;
    }
    let done = answer(scripts, &SpreadsheetId::new(id), method, call, body).await;
    Some(done.unwrap_or_else(|error| reply(status(&error), &json!({ "error": error.to_string() }))))
}

async fn answer(
    scripts: &Arc<Scripts>,
    id: &SpreadsheetId,
    method: &Method,
    call: &str,
    body: &[u8],
) -> Result<Response<Bytes>, ScriptError> {
    let done = match (method.as_str(), call) {
        ("GET", "") => overview(&*scripts.get(id)?),
        ("PUT", "") => {
            let Install { code, manifest } = read(body)?;
            overview(&*scripts.install(id, Source::new(code, &manifest)?)?)
        }
        ("DELETE", "") => {
            scripts.remove(id)?;
            json!({})
        }
        ("POST", "/open") => json!(scripts.get(id)?.open(&read::<Open>(body)?.person).await?),
        ("POST", "/menu") => {
            let Choose { item, person, sheet, replies } = read(body)?;
            json!(scripts.get(id)?.choose(&item, &person, sheet, replies).await?)
        }
        ("PUT", "/knobs") => turn(&*scripts.get(id)?, read(body)?)?,
        ("POST", "/timers") => {
            scripts.get(id)?.fire_timers();
            json!({})
        }
        ("POST", "/idle") => {
            scripts.get(id)?.wait_idle(Duration::from_millis(read::<Idle>(body)?.patience_ms)).await?;
            json!({})
        }
        ("GET", call) if call.starts_with("/executions") => {
            let after = call.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            let executions = scripts.get(id)?.executions();
            let newer: Vec<_> = executions.into_iter().filter(|one| one.id > ExecutionId(after)).collect();
            json!({ "executions": newer })
        }
        _ => {
            return Ok(reply(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "no such call" })));
        }
    };
    Ok(reply(StatusCode::OK, &done))
}

fn overview(script: &Script) -> Json {
    json!({
        "menus": script.menus(),
        "triggers": script.triggers(),
        "knobs": script.knobs(),
        "ended": script.executions().len(),
    })
}

/// Lays the given knobs over the present ones.
fn turn(script: &Script, given: serde_json::Map<String, Json>) -> Result<Json, ScriptError> {
    let mut knobs = serde_json::to_value(script.knobs()).map_err(ScriptError::Request)?;
    for (name, value) in given {
        knobs[name] = value;
    }
    script.set_knobs(serde_json::from_value(knobs).map_err(ScriptError::Request)?);
    Ok(json!(script.knobs()))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ScriptError> {
    serde_json::from_slice(body).map_err(ScriptError::Request)
}

fn status(error: &ScriptError) -> StatusCode {
    match error {
        ScriptError::NotInstalled | ScriptError::NoMenuItem(_) => StatusCode::NOT_FOUND,
        ScriptError::Manifest(_) | ScriptError::Request(_) => StatusCode::BAD_REQUEST,
        ScriptError::StillBusy => StatusCode::REQUEST_TIMEOUT,
        ScriptError::Stopped | ScriptError::Thread(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn reply(status: StatusCode, body: &Json) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
