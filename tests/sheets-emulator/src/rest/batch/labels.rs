//! Requests about developer metadata.

use serde_json::{Value as Json, json};

use super::{Answer, Work, update_mask};
use crate::grid::{Metadata, Refusal, SheetId, Spreadsheet, Visibility};
use crate::rest::address::{labels, location};
use crate::rest::fields::{Object, list, object, text, whole};
use crate::rest::{ApiError, Mask};

/// Characters (keys and values) of a spreadsheet's own labels, and of each tab's with its rows and columns.
const LIMIT: usize = 30_000;

pub(super) fn create(work: &mut Work<'_>, message: &Object) -> Answer {
    let given = object(message, "developerMetadata");
    let key = key(given)?;
    let visibility = visibility(given)?;
    let location = location(work.spreadsheet, object(given, "location"))?;
    let id = match whole(given, "metadataId").filter(|id| *id != 0) {
        None => work.spreadsheet.fresh_id(),
        Some(id) => i32::try_from(id).map_err(|_| Refusal(format!("metadataId[{id}] is out of range.")))?,
    };
    if work.knobs.metadata_ids_unique && work.spreadsheet.metadata.contains_key(&id) {
        return Err(ApiError::invalid(format!("Developer metadata with id {id} already exists.")));
    }
    let value = given.get("metadataValue").and_then(Json::as_str).map(str::to_owned);
    let label = Metadata { id, key, value, visibility, location };
    let shown = label.to_json();
    work.spreadsheet.metadata.insert(id, label);
    check_size(work.spreadsheet, location.sheet())?;
    Ok(json!({"createDeveloperMetadata": {"developerMetadata": shown}}))
}

fn key(given: &Object) -> Result<String, Refusal> {
    match text(given, "metadataKey") {
        "" => Err(Refusal::new("Developer metadata must always have a key specified.")),
        key => Ok(key.to_owned()),
    }
}

fn visibility(given: &Object) -> Result<Visibility, Refusal> {
    match text(given, "visibility") {
        "DOCUMENT" => Ok(Visibility::Document),
        "PROJECT" => Ok(Visibility::Project),
        _ => Err(Refusal::new("Developer metadata must always have a visibility specified.")),
    }
}

fn check_size(spreadsheet: &Spreadsheet, sheet: Option<SheetId>) -> Result<(), Refusal> {
    let here = spreadsheet.metadata.values().filter(|label| label.location.sheet() == sheet);
    if here.map(Metadata::characters).sum::<usize>() > LIMIT {
        let what = if sheet.is_some() { "sheet" } else { "spreadsheet" };
        return Err(Refusal(format!(
            "The total size of the developer metadata of the {what} would exceed the limit of {LIMIT} characters."
        )));
    }
    Ok(())
}

/// The ids that any of the filters means, each once.
fn meant(spreadsheet: &Spreadsheet, filters: &[&Object]) -> Result<Vec<i32>, ApiError> {
    let mut ids = Vec::new();
    for filter in filters {
        ids.extend(labels(spreadsheet, filter)?.into_iter().map(|label| label.id));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

pub(super) fn update(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let filters: Vec<&Object> = list(message, "dataFilters").iter().filter_map(Json::as_object).collect();
    if filters.is_empty() {
        return Err(ApiError::invalid("At least one data filter must be specified."));
    }
    let given = object(message, "developerMetadata");
    let new_location = if mask.wants("location") && !mask.is_everything() {
        Some(location(work.spreadsheet, object(given, "location"))?)
    } else {
        None
    };
    let mut shown = Vec::new();
    for id in meant(work.spreadsheet, &filters)? {
        let Some(label) = work.spreadsheet.metadata.get_mut(&id) else {
            continue;
        };
        change(label, given, &mask)?;
        label.location = new_location.unwrap_or(label.location);
        shown.push(label.to_json());
        let sheet = label.location.sheet();
        check_size(work.spreadsheet, sheet)?;
    }
    Ok(json!({"updateDeveloperMetadata": {"developerMetadata": shown}}))
}

fn change(label: &mut Metadata, given: &Object, mask: &Mask) -> Result<(), Refusal> {
    if mask.wants("metadataKey") && (!mask.is_everything() || given.contains_key("metadataKey")) {
        label.key = key(given)?;
    }
    if mask.wants("metadataValue") {
        label.value = given.get("metadataValue").and_then(Json::as_str).map(str::to_owned);
    }
    if mask.wants("visibility") && (!mask.is_everything() || given.contains_key("visibility")) {
        label.visibility = visibility(given)?;
    }
    Ok(())
}

pub(super) fn delete(work: &mut Work<'_>, message: &Object) -> Answer {
    let gone = meant(work.spreadsheet, &[object(message, "dataFilter")])?;
    let shown: Vec<Json> = gone
        .iter()
        .filter_map(|id| work.spreadsheet.metadata.remove(id))
        .map(|label| label.to_json())
        .collect();
    Ok(json!({"deleteDeveloperMetadata": {"deletedDeveloperMetadata": shown}}))
}
