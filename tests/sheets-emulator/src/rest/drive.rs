//! The Drive calls that clients make around a spreadsheet.

use serde_json::{Value as Json, json};

use super::fields::text;
use super::{ApiError, Ask, Mask};
use crate::grid::{Spreadsheet, SpreadsheetId};
use crate::{Cause, Clock, Google};

const SPREADSHEET: &str = "application/vnd.google-apps.spreadsheet";

/// 404 in Drive's own form.
fn missing(id: &SpreadsheetId) -> ApiError {
    let mut error = ApiError::missing(format!("File not found: {id}."));
    error.status = "";
    error.details = Some(json!([{"domain": "global", "reason": "notFound", "message": error.message,
        "locationType": "parameter", "location": "fileId"}]));
    error
}

fn file(spreadsheet: &Spreadsheet, google: &Google) -> Json {
    let version = if google.knobs().drive_version_moves { spreadsheet.version + 1 } else { 1 };
    json!({"kind": "drive#file", "id": spreadsheet.id, "name": spreadsheet.title, "mimeType": SPREADSHEET,
        "createdTime": Clock::text(spreadsheet.created), "modifiedTime": Clock::text(spreadsheet.modified),
        "version": version.to_string()})
}

/// The fields asked for; four without a mask.
fn shown(ask: &Ask<'_>, mut file: Json) -> Result<Json, ApiError> {
    let fields =
        Some(ask.query.get("fields")).filter(|fields| !fields.is_empty()).unwrap_or("kind,id,name,mimeType");
    Mask::parse(fields)?.apply(&mut file);
    Ok(file)
}

fn seen(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<std::sync::Arc<Spreadsheet>, ApiError> {
    let found = google.spreadsheet(id).filter(|spreadsheet| spreadsheet.sharing.allows(ask.caller));
    found.ok_or_else(|| missing(id))
}

pub(super) fn create(google: &Google, ask: &Ask<'_>) -> Result<Json, ApiError> {
    let kind = text(ask.body, "mimeType");
    if kind != SPREADSHEET {
        return Err(ApiError::invalid(format!("The emulator makes spreadsheets only, not {kind:?}.")));
    }
    let name = Some(text(ask.body, "name")).filter(|name| !name.is_empty()).unwrap_or("Untitled");
    let made = google.create(SpreadsheetId::random(), name, |spreadsheet| {
        spreadsheet.sharing.owner = Some(ask.caller.to_owned());
    });
    shown(ask, file(&made, google))
}

pub(super) fn get(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    shown(ask, file(&*seen(google, ask, id)?, google))
}

pub(super) fn update(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<Json, ApiError> {
    seen(google, ask, id)?;
    let name = text(ask.body, "name");
    let renamed = google.edit(id, Cause::Api, |spreadsheet| {
        if !name.is_empty() {
            name.clone_into(&mut spreadsheet.title);
        }
        Ok::<_, ApiError>(())
    });
    let ((), now) = renamed.map_err(|_| missing(id))??;
    shown(ask, file(&now, google))
}

pub(super) fn delete(google: &Google, ask: &Ask<'_>, id: &SpreadsheetId) -> Result<(), ApiError> {
    seen(google, ask, id)?;
    google.remove(id);
    Ok(())
}

/// The files that the caller may see, newest first. Of the query only `name = '...'` narrows the list.
pub(super) fn list(google: &Google, ask: &Ask<'_>) -> Json {
    let wanted = ask.query.get("q").split_once("name").and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        rest[1..].split(quote).next()
    });
    let mut files = google.all();
    files.retain(|file| file.sharing.allows(ask.caller) && wanted.is_none_or(|name| file.title == name));
    files.sort_by_key(|file| std::cmp::Reverse(file.modified));
    let files: Vec<Json> = files.iter().map(|spreadsheet| file(spreadsheet, google)).collect();
    let mut out = json!({"kind": "drive#fileList", "incompleteSearch": false, "files": files});
    let fields = Some(ask.query.get("fields"))
        .filter(|fields| !fields.is_empty())
        .unwrap_or("kind,incompleteSearch,files(kind,id,name,mimeType)");
    if let Ok(mask) = Mask::parse(fields) {
        mask.apply(&mut out);
    }
    out
}
