//! Requests about tabs and the spreadsheet itself.

use serde_json::{Value as Json, json};

use super::{Answer, Work, nothing, update_mask};
use crate::grid::{Dimension, Location, Metadata, Refusal, SheetId, Tab};
use crate::rest::fields::{self, Object, flag, object, text, whole};
use crate::rest::show::sheet_properties;
use crate::rest::{ApiError, Mask};

/// Fields of `SheetProperties` and `GridProperties` that are kept as they are given.
const PLAIN: [&str; 4] = ["tabColor", "tabColorStyle", "rightToLeft", "dataSourceSheetProperties"];
const PLAIN_GRID: [&str; 3] = ["hideGridlines", "rowGroupControlAfter", "columnGroupControlAfter"];

pub(super) fn add(work: &mut Work<'_>, message: &Object) -> Answer {
    let properties = object(message, "properties");
    let grid = object(properties, "gridProperties");
    let id = match whole(properties, "sheetId") {
        Some(id) => SheetId(id as i32),
        None => SheetId(work.spreadsheet.fresh_id()),
    };
    if work.spreadsheet.tab(id).is_some() {
        return Err(ApiError::invalid(format!("Sheet with id {id} already exists")));
    }
    let title = match text(properties, "title") {
        "" => free_title(work),
        title => title.to_owned(),
    };
    work.spreadsheet.check_title(&title, None)?;
    let rows = fields::index(grid, "rowCount")?.unwrap_or(1000);
    let columns = fields::index(grid, "columnCount")?.unwrap_or(26);
    if rows == 0 || columns == 0 {
        return Err(ApiError::invalid("A grid must have at least one row and one column."));
    }
    work.spreadsheet.may_hold(rows.into(), columns, 0)?;
    let mut tab = Tab::new(id, title, rows, columns);
    tab.hidden = flag(properties, "hidden");
    tab.frozen_rows = fields::index(grid, "frozenRowCount")?.unwrap_or(0);
    tab.frozen_columns = fields::index(grid, "frozenColumnCount")?.unwrap_or(0);
    keep(&mut tab.properties, properties, &PLAIN, &Mask::everything());
    keep(&mut tab.grid_properties, grid, &PLAIN_GRID, &Mask::everything());
    let count = work.spreadsheet.tabs.len();
    let place = fields::index(properties, "index")?.map_or(count, |place| (place as usize).min(count));
    work.spreadsheet.tabs.insert(place, tab);
    Ok(json!({"addSheet": {"properties": sheet_properties(&work.spreadsheet.tabs[place], place)}}))
}

fn free_title(work: &Work<'_>) -> String {
    let mut number = work.spreadsheet.tabs.len() + 1;
    while work.spreadsheet.tab_titled(&format!("Sheet{number}")).is_some() {
        number += 1;
    }
    format!("Sheet{number}")
}

/// Masked plain fields: set where given, gone where named and absent; plain false is not kept, as it is not printed.
fn keep(target: &mut Object, source: &Object, fields: &[&str], mask: &Mask) {
    for field in fields.iter().filter(|field| mask.wants(field)) {
        match source.get(*field) {
            Some(value) if *value != json!(false) => drop(target.insert((*field).to_owned(), value.clone())),
            _ => drop(target.remove(*field)),
        }
    }
}

pub(super) fn delete(work: &mut Work<'_>, message: &Object) -> Answer {
    work.spreadsheet.remove_tab(fields::sheet_id(message))?;
    nothing()
}

pub(super) fn duplicate(work: &mut Work<'_>, message: &Object) -> Answer {
    let from = SheetId(whole(message, "sourceSheetId").unwrap_or_default() as i32);
    let mut tab = work.spreadsheet.grid(from)?.clone();
    let id = match whole(message, "newSheetId") {
        Some(id) => SheetId(id as i32),
        None => SheetId(work.spreadsheet.fresh_id()),
    };
    if work.spreadsheet.tab(id).is_some() {
        return Err(ApiError::invalid(format!("Sheet with id {id} already exists")));
    }
    let title = match text(message, "newSheetName") {
        "" => format!("Copy of {}", tab.title),
        title => title.to_owned(),
    };
    work.spreadsheet.check_title(&title, None)?;
    work.spreadsheet.may_hold(tab.row_count().into(), tab.column_count(), 0)?;
    (tab.id, tab.title) = (id, title);
    for range in &mut tab.protected {
        range.id = work.spreadsheet.fresh_id();
    }
    if work.knobs.duplicate_copies_labels {
        copy_labels(work, from, id);
    }
    let count = work.spreadsheet.tabs.len();
    let place = fields::index(message, "insertSheetIndex")?.map_or(0, |place| (place as usize).min(count));
    work.spreadsheet.tabs.insert(place, tab);
    Ok(json!({"duplicateSheet": {"properties": sheet_properties(&work.spreadsheet.tabs[place], place)}}))
}

fn copy_labels(work: &mut Work<'_>, from: SheetId, to: SheetId) {
    let labels: Vec<Metadata> = work
        .spreadsheet
        .metadata
        .values()
        .filter(|label| label.location.sheet() == Some(from))
        .cloned()
        .collect();
    for mut label in labels {
        label.id = work.spreadsheet.fresh_id();
        label.location = match label.location {
            Location::Line(_, dimension, line) => Location::Line(to, dimension, line),
            _ => Location::Sheet(to),
        };
        work.spreadsheet.metadata.insert(label.id, label);
    }
}

pub(super) fn update(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let properties = object(message, "properties");
    let id = fields::sheet_id(properties);
    if work.spreadsheet.tab(id).is_none() {
        return Err(ApiError::invalid(format!("No sheet with id: {id}")));
    }
    if mask.wants("title") {
        work.spreadsheet.rename_tab(id, text(properties, "title"))?;
    }
    if mask.wants("hidden") {
        let hidden = flag(properties, "hidden");
        if hidden && work.spreadsheet.tabs.iter().all(|tab| tab.hidden || tab.id == id) {
            return Err(ApiError::invalid("You can't hide all the sheets in a document."));
        }
        work.spreadsheet.grid_mut(id)?.hidden = hidden;
    }
    if let Some(grid_mask) = mask.inside("gridProperties") {
        update_grid(work, id, object(properties, "gridProperties"), grid_mask)?;
    }
    keep(&mut work.spreadsheet.grid_mut(id)?.properties, properties, &PLAIN, &mask);
    // The index counts the places before the move, as with rows.
    if mask.wants("index") && (!mask.is_everything() || properties.contains_key("index")) {
        let to = fields::index(properties, "index")?.unwrap_or(0) as usize;
        let tabs = &mut work.spreadsheet.tabs;
        let from = tabs.iter().position(|tab| tab.id == id).unwrap_or_default();
        let tab = tabs.remove(from);
        let to = if to > from { to - 1 } else { to };
        tabs.insert(to.min(tabs.len()), tab);
    }
    nothing()
}

fn update_grid(work: &mut Work<'_>, id: SheetId, grid: &Object, mask: &Mask) -> Result<(), ApiError> {
    // Rows first, so a growth is measured against the old number of columns.
    for (field, dimension) in [("rowCount", Dimension::Rows), ("columnCount", Dimension::Columns)] {
        if mask.wants(field) && (!mask.is_everything() || grid.contains_key(field)) {
            resize(work, id, dimension, fields::index(grid, field)?.unwrap_or(0))?;
        }
    }
    let tab = work.spreadsheet.grid_mut(id)?;
    let (rows, columns) = (tab.row_count(), tab.column_count());
    if mask.wants("frozenRowCount") {
        tab.frozen_rows = fields::index(grid, "frozenRowCount")?.unwrap_or(0);
    }
    if mask.wants("frozenColumnCount") {
        tab.frozen_columns = fields::index(grid, "frozenColumnCount")?.unwrap_or(0);
    }
    if tab.frozen_rows >= rows || tab.frozen_columns >= columns {
        return Err(ApiError::invalid("You can't freeze all visible rows or columns on the sheet."));
    }
    keep(&mut tab.grid_properties, grid, &PLAIN_GRID, mask);
    Ok(())
}

fn resize(work: &mut Work<'_>, id: SheetId, dimension: Dimension, count: u32) -> Result<(), Refusal> {
    let have = work.spreadsheet.grid(id)?.count(dimension);
    match count {
        0 => {
            Err(Refusal(format!("You can't delete all the {} on the sheet.", dimension.api().to_lowercase())))
        }
        _ if count > have => work.spreadsheet.append(id, dimension, count - have),
        _ if count < have => work.spreadsheet.delete(id, dimension, count, have),
        _ => Ok(()),
    }
}

pub(super) fn update_spreadsheet(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let properties = object(message, "properties");
    for (field, value) in [
        ("title", &mut work.spreadsheet.title),
        ("locale", &mut work.spreadsheet.locale),
        ("timeZone", &mut work.spreadsheet.time_zone),
    ] {
        if mask.wants(field) && properties.get(field).is_some_and(Json::is_string) {
            text(properties, field).clone_into(value);
        }
    }
    nothing()
}
