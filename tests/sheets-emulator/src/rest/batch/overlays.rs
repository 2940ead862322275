//! Requests about what lies over the cells: merges, names, protections, validations, the filter.

use serde_json::{Value as Json, json};

use super::{Answer, Work, nothing, update_mask};
use crate::grid::{Area, NamedRange, Protected, Refusal, SheetId, parse_a1};
use crate::rest::fields::{self, Object, list, object, text, whole};
use crate::rest::show::protected_range;
use crate::rest::{ApiError, Mask};

pub(super) fn merge(work: &mut Work<'_>, message: &Object) -> Answer {
    let (sheet, area) = work.range(object(message, "range"))?;
    let tab = work.spreadsheet.grid_mut(sheet)?;
    let across = |frozen: u32, (start, end): (u32, u32)| start < frozen && end > frozen;
    if across(tab.frozen_rows, (area.top, area.bottom)) || across(tab.frozen_columns, (area.left, area.right))
    {
        return Err(ApiError::invalid("You can't merge frozen and non-frozen columns."));
    }
    let parts: Vec<Area> = match text(message, "mergeType") {
        "MERGE_COLUMNS" => {
            (area.left..area.right).map(|column| Area { left: column, right: column + 1, ..area }).collect()
        }
        "MERGE_ROWS" => {
            (area.top..area.bottom).map(|row| Area { top: row, bottom: row + 1, ..area }).collect()
        }
        _ => vec![area],
    };
    tab.merges.retain(|merge| merge.meet(area).is_none());
    for part in parts.into_iter().filter(|part| !part.is_one_cell()) {
        // Only the first cell's value survives.
        let first = tab.cell(part.top, part.left).value.clone();
        tab.clear_values(part);
        tab.set_value(part.top, part.left, first);
        tab.merges.push(part);
    }
    nothing()
}

pub(super) fn unmerge(work: &mut Work<'_>, message: &Object) -> Answer {
    let (sheet, area) = work.range(object(message, "range"))?;
    work.spreadsheet.grid_mut(sheet)?.merges.retain(|merge| merge.meet(area).is_none());
    nothing()
}

fn check_name(work: &Work<'_>, name: &str, except: Option<&str>) -> Result<(), Refusal> {
    let letters = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let like_a_cell = parse_a1(name).is_none_or(|read| read.area.is_some());
    if name.is_empty()
        || !name.chars().all(letters)
        || name.starts_with(|letter: char| letter.is_ascii_digit())
        || like_a_cell
    {
        return Err(Refusal::new("The name given to this range is invalid"));
    }
    let taken = work
        .spreadsheet
        .named_ranges
        .iter()
        .any(|range| range.name.eq_ignore_ascii_case(name) && Some(range.id.as_str()) != except);
    if taken {
        return Err(Refusal(format!("A named range with the name \"{name}\" already exists.")));
    }
    Ok(())
}

pub(super) fn add_named(work: &mut Work<'_>, message: &Object) -> Answer {
    let given = object(message, "namedRange");
    let name = text(given, "name").to_owned();
    check_name(work, &name, None)?;
    let (sheet, area) = work.range(object(given, "range"))?;
    let id = match text(given, "namedRangeId") {
        "" => work.spreadsheet.fresh_id().to_string(),
        id if work.spreadsheet.named_ranges.iter().any(|range| range.id == id) => {
            return Err(ApiError::invalid(format!("A named range with id {id} already exists.")));
        }
        id => id.to_owned(),
    };
    work.spreadsheet.named_ranges.push(NamedRange { id: id.clone(), name: name.clone(), sheet, area });
    Ok(
        json!({"addNamedRange": {"namedRange": {"namedRangeId": id, "name": name, "range": area.to_json(sheet)}}}),
    )
}

fn no_named(id: &str) -> ApiError {
    ApiError::invalid(format!("No named range with id: {id}"))
}

pub(super) fn update_named(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let given = object(message, "namedRange");
    let id = text(given, "namedRangeId");
    let place =
        work.spreadsheet.named_ranges.iter().position(|range| range.id == id).ok_or_else(|| no_named(id))?;
    if mask.wants("name") {
        check_name(work, text(given, "name"), Some(id))?;
        text(given, "name").clone_into(&mut work.spreadsheet.named_ranges[place].name);
    }
    if mask.wants("range") {
        let (sheet, area) = work.range(object(given, "range"))?;
        let range = &mut work.spreadsheet.named_ranges[place];
        (range.sheet, range.area) = (sheet, area);
    }
    nothing()
}

pub(super) fn delete_named(work: &mut Work<'_>, message: &Object) -> Answer {
    let id = text(message, "namedRangeId");
    let before = work.spreadsheet.named_ranges.len();
    work.spreadsheet.named_ranges.retain(|range| range.id != id);
    if work.spreadsheet.named_ranges.len() == before { Err(no_named(id)) } else { nothing() }
}

/// The rectangle of a protected range; a range with only a tab means all of it.
fn protected_area(work: &Work<'_>, given: &Object) -> Result<(SheetId, Option<Area>), Refusal> {
    if let Some(name) = given.get("namedRangeId").and_then(Json::as_str) {
        let named = work.spreadsheet.named_ranges.iter().find(|range| range.id == name);
        let named = named.ok_or_else(|| Refusal(format!("No named range with id: {name}")))?;
        return Ok((named.sheet, Some(named.area)));
    }
    let range = object(given, "range");
    if range.keys().any(|field| field != "sheetId") {
        let (sheet, area) = work.range(range)?;
        return Ok((sheet, Some(area)));
    }
    let sheet = fields::sheet_id(range);
    work.spreadsheet.grid(sheet).map(|_| (sheet, None))
}

/// The owner and whoever makes a protection always keep their rights.
fn editors(work: &Work<'_>, given: &Object) -> Vec<String> {
    let named = list(object(given, "editors"), "users").iter().filter_map(Json::as_str).map(str::to_owned);
    let mut editors: Vec<String> = named.chain([work.caller.to_owned()]).collect();
    editors.extend(work.spreadsheet.sharing.owner.clone());
    editors
}

const PROTECTED_PLAIN: [&str; 4] = ["description", "warningOnly", "unprotectedRanges", "editors"];

pub(super) fn add_protected(work: &mut Work<'_>, message: &Object) -> Answer {
    let given = object(message, "protectedRange");
    let (sheet, area) = protected_area(work, given)?;
    let id = match whole(given, "protectedRangeId") {
        Some(id) => id as i32,
        None => work.spreadsheet.fresh_id(),
    };
    if work.spreadsheet.tabs.iter().any(|tab| tab.protected.iter().any(|range| range.id == id)) {
        return Err(ApiError::invalid(format!("A protected range with id {id} already exists.")));
    }
    let settings = given
        .iter()
        .filter(|(field, value)| PROTECTED_PLAIN.contains(&field.as_str()) && **value != json!(false));
    let range = Protected {
        id,
        area,
        editors: editors(work, given),
        settings: settings.map(|(field, value)| (field.clone(), value.clone())).collect(),
    };
    let tab = work.spreadsheet.grid_mut(sheet)?;
    let shown = protected_range(&range, tab);
    tab.protected.push(range);
    Ok(json!({"addProtectedRange": {"protectedRange": shown}}))
}

fn find_protected(work: &Work<'_>, id: i32) -> Result<(SheetId, usize), ApiError> {
    let found = work
        .spreadsheet
        .tabs
        .iter()
        .find_map(|tab| Some((tab.id, tab.protected.iter().position(|range| range.id == id)?)));
    found.ok_or_else(|| ApiError::invalid(format!("No protected range with id: {id}")))
}

pub(super) fn update_protected(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let given = object(message, "protectedRange");
    let (sheet, place) = find_protected(work, whole(given, "protectedRangeId").unwrap_or_default() as i32)?;
    let mut range = work.spreadsheet.grid_mut(sheet)?.protected.remove(place);
    let mut home = sheet;
    if mask.wants("range") && given.contains_key("range") {
        (home, range.area) = protected_area(work, given)?;
    }
    for field in PROTECTED_PLAIN.iter().filter(|field| mask.wants(field)) {
        match given.get(*field) {
            Some(value) if *value != json!(false) => {
                drop(range.settings.insert((*field).to_owned(), value.clone()));
            }
            _ => drop(range.settings.remove(*field)),
        }
    }
    if mask.wants("editors") {
        range.editors = editors(work, given);
    }
    work.spreadsheet.grid_mut(home)?.protected.push(range);
    nothing()
}

pub(super) fn delete_protected(work: &mut Work<'_>, message: &Object) -> Answer {
    let (sheet, place) = find_protected(work, whole(message, "protectedRangeId").unwrap_or_default() as i32)?;
    work.spreadsheet.grid_mut(sheet)?.protected.remove(place);
    nothing()
}

/// Ranges beyond the grid are cut to it, as measured. No rule clears the rules of the range.
pub(super) fn set_validation(work: &mut Work<'_>, message: &Object) -> Answer {
    let (sheet, open) = fields::grid_range(object(message, "range"))?;
    let tab = work.spreadsheet.grid_mut(sheet)?;
    let Some(area) = open.on(tab).meet(tab.whole()) else {
        return nothing();
    };
    let rule = message.get("rule").cloned();
    let condition = object(object(message, "rule"), "condition");
    if list(condition, "values").iter().any(|value| value.get("relativeDate").is_some()) {
        return Err(ApiError::invalid("relativeDate values are not supported"));
    }
    let mask = Mask::parse("dataValidation")?;
    let data: Object = rule.into_iter().map(|rule| ("dataValidation".to_owned(), rule)).collect();
    let cell = crate::rest::cells::NewCell::read(&data)?;
    cell.fill(tab, area, &mask);
    nothing()
}

pub(super) fn set_filter(work: &mut Work<'_>, message: &Object) -> Answer {
    let filter = object(message, "filter");
    let (sheet, area) = work.range(object(filter, "range"))?;
    let specs: Vec<crate::grid::SortKey> = list(filter, "sortSpecs")
        .iter()
        .filter_map(Json::as_object)
        .map(|spec| {
            let column = fields::index(spec, "dimensionIndex")?.unwrap_or(0);
            Ok(crate::grid::SortKey { column, descending: text(spec, "sortOrder") == "DESCENDING" })
        })
        .collect::<Result<_, Refusal>>()?;
    if !specs.is_empty() && area.height() > 1 {
        // The first row of a filter is its header; the order stays after the filter is gone.
        let body = Area { top: area.top + 1, ..area };
        let order = work.spreadsheet.sorted_order(sheet, body, &specs)?;
        let whole = area.width() == work.spreadsheet.grid(sheet)?.column_count();
        work.spreadsheet.permute(sheet, body, &order, whole)?;
    }
    let mut settings = filter.clone();
    settings.remove("range");
    work.spreadsheet.grid_mut(sheet)?.filter = Some((area, settings));
    nothing()
}

pub(super) fn clear_filter(work: &mut Work<'_>, message: &Object) -> Answer {
    work.spreadsheet.grid_mut(fields::sheet_id(message))?.filter = None;
    nothing()
}
