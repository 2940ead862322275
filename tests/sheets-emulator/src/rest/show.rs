//! `Spreadsheet` as the interface answers it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::Mask;
use super::body::{Body, ROW_DATA, Rows};
use super::mask::Shape;
use crate::grid::{Area, Dimension, Location, Metadata, Protected, SheetId, Spreadsheet, Tab};

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The field mask.
    pub mask: Mask,
    /// Are the cells wanted?
    pub cells: bool,
    /// Only these parts, in order; `None` for everything.
    pub parts: Option<Vec<(SheetId, Area)>>,
}

const CELL: Shape = Shape(&[
    ("userEnteredValue", None),
    ("effectiveValue", None),
    ("formattedValue", None),
    ("userEnteredFormat", None),
    ("effectiveFormat", None),
    ("hyperlink", None),
    ("note", None),
    ("textFormatRuns", None),
    ("dataValidation", None),
    ("pivotTable", None),
    ("dataSourceTable", None),
    ("dataSourceFormula", None),
    ("chipRuns", None),
]);
const ROW: Shape = Shape(&[("values", Some(&CELL))]);
const DATA: Shape = Shape(&[
    ("startRow", None),
    ("startColumn", None),
    (ROW_DATA, Some(&ROW)),
    ("rowMetadata", None),
    ("columnMetadata", None),
]);
const SHEET: Shape = Shape(&[
    ("properties", None),
    ("data", Some(&DATA)),
    ("merges", None),
    ("conditionalFormats", None),
    ("filterViews", None),
    ("protectedRanges", None),
    ("basicFilter", None),
    ("charts", None),
    ("bandedRanges", None),
    ("developerMetadata", None),
    ("rowGroups", None),
    ("columnGroups", None),
    ("slicers", None),
    ("tables", None),
]);
/// The fields of `Spreadsheet`, as far as masks are checked.
pub(crate) const SPREADSHEET: Shape = Shape(&[
    ("spreadsheetId", None),
    ("properties", None),
    ("sheets", Some(&SHEET)),
    ("namedRanges", None),
    ("spreadsheetUrl", None),
    ("developerMetadata", None),
    ("dataSources", None),
    ("dataSourceSchedules", None),
]);

/// The spreadsheet.
pub(crate) fn spreadsheet(spreadsheet: &Arc<Spreadsheet>, wish: &Wish) -> Body {
    let cells = wish.mask.inside("sheets").and_then(|mask| mask.inside("data"));
    let cells = cells.and_then(|mask| mask.inside(ROW_DATA)).and_then(|mask| mask.inside("values"));
    let mut rows = Rows::new(spreadsheet, cells);
    let mut out = Map::new();
    out.insert("spreadsheetId".into(), json!(spreadsheet.id));
    out.insert("properties".into(), properties(spreadsheet));
    out.insert(
        "spreadsheetUrl".into(),
        json!(format!("https://docs.google.com/spreadsheets/d/{}/edit", spreadsheet.id)),
    );
    if let Some(mask) = wish.mask.inside("sheets") {
        let wanted =
            |tab: &&Tab| wish.parts.as_ref().is_none_or(|parts| parts.iter().any(|(id, _)| *id == tab.id));
        let tabs = spreadsheet.tabs.iter().enumerate().filter(|(_, tab)| wanted(tab));
        let sheets: Vec<_> =
            tabs.map(|(place, tab)| sheet(spreadsheet, (tab, place), (wish, mask), &mut rows)).collect();
        if !sheets.is_empty() {
            out.insert("sheets".into(), Json::Array(sheets));
        }
    }
    if !spreadsheet.named_ranges.is_empty() {
        let ranges = spreadsheet.named_ranges.iter();
        let ranges = ranges.map(|range| json!({"namedRangeId": range.id, "name": range.name, "range": range.area.to_json(range.sheet)}));
        out.insert("namedRanges".into(), ranges.collect());
    }
    put_labels(&mut out, spreadsheet, |location| location == Location::Spreadsheet);
    let mut out = Json::Object(out);
    wish.mask.apply(&mut out);
    Body::with_rows(out, rows)
}

fn put_labels(out: &mut Map<String, Json>, spreadsheet: &Spreadsheet, here: impl Fn(Location) -> bool) {
    let labels: Vec<_> =
        spreadsheet.metadata.values().filter(|label| here(label.location)).map(Metadata::to_json).collect();
    if !labels.is_empty() {
        out.insert("developerMetadata".into(), Json::Array(labels));
    }
}

fn properties(spreadsheet: &Spreadsheet) -> Json {
    let mut properties = json!({"title": spreadsheet.title, "locale": spreadsheet.locale, "autoRecalc": "ON_CHANGE",
        "timeZone": spreadsheet.time_zone});
    for constant in ["defaultFormat", "spreadsheetTheme"] {
        properties[constant] = super::defaults()[constant].clone();
    }
    properties
}

/// `SheetProperties`.
pub(crate) fn sheet_properties(tab: &Tab, place: usize) -> Json {
    let mut grid = tab.grid_properties.clone();
    grid.insert("rowCount".into(), json!(tab.row_count()));
    grid.insert("columnCount".into(), json!(tab.column_count()));
    for (name, count) in [("frozenRowCount", tab.frozen_rows), ("frozenColumnCount", tab.frozen_columns)] {
        if count > 0 {
            grid.insert(name.into(), json!(count));
        }
    }
    let mut properties = tab.properties.clone();
    properties.insert("sheetId".into(), json!(tab.id));
    properties.insert("title".into(), json!(tab.title));
    properties.insert("index".into(), json!(place));
    properties.insert("sheetType".into(), json!("GRID"));
    properties.insert("gridProperties".into(), Json::Object(grid));
    if tab.hidden {
        properties.insert("hidden".into(), json!(true));
    }
    Json::Object(properties)
}

fn sheet(
    spreadsheet: &Arc<Spreadsheet>,
    (tab, place): (&Tab, usize),
    (wish, mask): (&Wish, &Mask),
    rows: &mut Rows,
) -> Json {
    let mut out = Map::new();
    out.insert("properties".into(), sheet_properties(tab, place));
    if let Some(mask) = mask.inside("data").filter(|_| wish.cells) {
        let parts: Vec<Area> = match &wish.parts {
            None => vec![tab.whole()],
            Some(parts) => parts.iter().filter(|(id, _)| *id == tab.id).map(|(_, area)| *area).collect(),
        };
        let data = parts.into_iter().map(|area| grid_data(spreadsheet, tab, (area, mask), rows));
        out.insert("data".into(), data.collect());
    }
    if !tab.merges.is_empty() {
        out.insert("merges".into(), tab.merges.iter().map(|merge| merge.to_json(tab.id)).collect());
    }
    if !tab.protected.is_empty() {
        out.insert(
            "protectedRanges".into(),
            tab.protected.iter().map(|range| protected_range(range, tab)).collect(),
        );
    }
    if let Some((area, settings)) = &tab.filter {
        let mut filter = settings.clone();
        filter.insert("range".into(), area.to_json(tab.id));
        out.insert("basicFilter".into(), Json::Object(filter));
    }
    for (field, dimension) in [("rowGroups", Dimension::Rows), ("columnGroups", Dimension::Columns)] {
        let groups = super::batch::groups_json(tab, dimension);
        if !groups.is_empty() {
            out.insert(field.into(), Json::Array(groups));
        }
    }
    put_labels(&mut out, spreadsheet, |location| location == Location::Sheet(tab.id));
    Json::Object(out)
}

/// `ProtectedRange`.
pub(crate) fn protected_range(range: &Protected, tab: &Tab) -> Json {
    let mut out = range.settings.clone();
    out.insert("protectedRangeId".into(), json!(range.id));
    let place = match range.area {
        Some(area) => area.to_json(tab.id),
        None if tab.id.0 == 0 => json!({}),
        None => json!({"sheetId": tab.id}),
    };
    out.insert("range".into(), place);
    out.insert("requestingUserCanEdit".into(), json!(true));
    out.entry("editors").or_insert_with(|| json!({}));
    Json::Object(out)
}

/// `GridData` of a rectangle, whose rows are put beside the others.
fn grid_data(
    spreadsheet: &Arc<Spreadsheet>,
    tab: &Tab,
    (area, mask): (Area, &Mask),
    rows: &mut Rows,
) -> Json {
    let area = area.meet(tab.whole()).unwrap_or(Area::new(area.top, area.left, area.top, area.left));
    let mut out = Map::new();
    for (field, start) in [("startRow", area.top), ("startColumn", area.left)] {
        if start > 0 {
            out.insert(field.into(), json!(start));
        }
    }
    if let Some(number) = rows.add(tab, area) {
        out.insert(ROW_DATA.into(), json!(number));
    }
    for (field, dimension) in [("rowMetadata", Dimension::Rows), ("columnMetadata", Dimension::Columns)] {
        if let Some(mask) = mask.inside(field) {
            let (start, end) = area.span(dimension);
            let labels = labels_by_line(spreadsheet, tab.id, dimension);
            let lines: Vec<_> = (start..end)
                .map(|line| dimension_properties(tab, dimension, line, labels.get(&line), mask))
                .collect();
            if !lines.is_empty() {
                out.insert(field.into(), Json::Array(lines));
            }
        }
    }
    Json::Object(out)
}

fn labels_by_line(
    spreadsheet: &Spreadsheet,
    sheet: SheetId,
    dimension: Dimension,
) -> BTreeMap<u32, Vec<Json>> {
    let mut lines: BTreeMap<u32, Vec<Json>> = BTreeMap::new();
    for label in spreadsheet.metadata.values() {
        if let Location::Line(on, along, line) = label.location
            && (on, along) == (sheet, dimension)
        {
            lines.entry(line).or_default().push(label.to_json());
        }
    }
    lines
}

/// `DimensionProperties`.
fn dimension_properties(
    tab: &Tab,
    dimension: Dimension,
    line: u32,
    labels: Option<&Vec<Json>>,
    mask: &Mask,
) -> Json {
    let usual = if dimension == Dimension::Rows { 21 } else { 100 };
    let look = tab.looks(dimension).get(&line);
    let mut out = Map::new();
    if mask.wants("pixelSize") {
        out.insert("pixelSize".into(), json!(look.and_then(|look| look.pixels).unwrap_or(usual)));
    }
    if look.is_some_and(|look| look.hidden) && mask.wants("hiddenByUser") {
        out.insert("hiddenByUser".into(), json!(true));
    }
    if let (Some(labels), Some(mask)) = (labels, mask.inside("developerMetadata")) {
        let mut labels = Json::Array(labels.clone());
        mask.apply(&mut labels);
        out.insert("developerMetadata".into(), labels);
    }
    Json::Object(out)
}
