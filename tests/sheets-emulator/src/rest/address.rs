//! From A1 text and data filters to a tab and a rectangle.

use serde_json::Value as Json;

use super::ApiError;
use super::fields::{self, Object, object, text};
use crate::grid::{
    Area, Dimension, Location, Metadata, OpenArea, Refusal, SheetId, Spreadsheet, Tab, parse_a1, print_a1,
};

/// A rectangle of a tab that a request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The tab.
    pub sheet: SheetId,
    /// The rectangle, inside of the grid.
    pub area: Area,
    /// Was the end left open (or beyond one cell not given), so that data may reach as far as the grid?
    pub open: OpenArea,
}

fn unreadable(text: &str) -> ApiError {
    ApiError::invalid(format!("Unable to parse range: {text}"))
}

/// Resolves an A1 text: named ranges win over bare titles, quoted titles are always titles.
pub(crate) fn a1(spreadsheet: &Spreadsheet, range: &str) -> Result<Place, ApiError> {
    let bare = !range.contains('!') && !range.starts_with('\'');
    if bare
        && let Some(named) =
            spreadsheet.named_ranges.iter().find(|named| named.name.eq_ignore_ascii_case(range))
    {
        return place(spreadsheet, named.sheet, named.area.into(), range);
    }
    let read = parse_a1(range).ok_or_else(|| unreadable(range))?;
    let tab = match &read.title {
        // A title that looks like a range (`A1`) is reached without quotes only if no range fits; the range wins.
        Some(title) => spreadsheet.tab_titled(title),
        None => spreadsheet.first_visible(),
    };
    let tab = tab.ok_or_else(|| unreadable(range))?;
    place(spreadsheet, tab.id, read.area.unwrap_or_default(), range)
}

fn place(spreadsheet: &Spreadsheet, sheet: SheetId, open: OpenArea, named: &str) -> Result<Place, ApiError> {
    let tab = spreadsheet.grid(sheet)?;
    let area = open.on(tab);
    let limit = tab.whole();
    let outside = area.top >= limit.bottom
        || area.left >= limit.right
        || area.bottom > limit.bottom
        || area.right > limit.right;
    if outside {
        return Err(beyond(tab, area, named));
    }
    Ok(Place { sheet, area, open })
}

fn beyond(tab: &Tab, area: Area, _named: &str) -> ApiError {
    ApiError::invalid(format!(
        "Range ({}) exceeds grid limits. Max rows: {}, max columns: {}",
        print_a1(&tab.title, area),
        tab.row_count(),
        tab.column_count()
    ))
}

/// What one data filter of a request means: zero, one or more places. A label of a whole spreadsheet means no place.
pub(crate) fn filter(spreadsheet: &Spreadsheet, filter: &Object) -> Result<Vec<Place>, ApiError> {
    if let Some(range) = filter.get("a1Range").and_then(Json::as_str) {
        return Ok(vec![a1(spreadsheet, range)?]);
    }
    if filter.contains_key("gridRange") {
        let (sheet, open) = fields::grid_range(object(filter, "gridRange"))?;
        return Ok(vec![place(spreadsheet, sheet, open, "")?]);
    }
    let found = labels(spreadsheet, filter)?;
    let places = found.iter().filter_map(|label| {
        let tab = spreadsheet.tab(label.location.sheet()?)?;
        let open = match label.location {
            Location::Line(_, dimension, line) => {
                let whole = tab.whole().with_span(dimension, (line, line + 1));
                match dimension {
                    Dimension::Rows => OpenArea { left: None, right: None, ..whole.into() },
                    Dimension::Columns => OpenArea { top: None, bottom: None, ..whole.into() },
                }
            }
            _ => OpenArea::default(),
        };
        Some(Place { sheet: tab.id, area: open.on(tab), open })
    });
    Ok(places.collect())
}

/// The labels that a data filter means. A range means the labels that lie in it.
pub(crate) fn labels<'a>(
    spreadsheet: &'a Spreadsheet,
    filter: &Object,
) -> Result<Vec<&'a Metadata>, ApiError> {
    if let Some(lookup) = filter.get("developerMetadataLookup").and_then(Json::as_object) {
        return lookup_labels(spreadsheet, lookup);
    }
    if filter.is_empty() {
        return Err(ApiError::invalid("At least one data filter must be specified."));
    }
    let places = self::filter(spreadsheet, filter)?;
    let inside = |label: &&Metadata| match label.location {
        Location::Line(sheet, dimension, line) => places.iter().any(|place| {
            let (start, end) = place.area.span(dimension);
            place.sheet == sheet && (start..end).contains(&line)
        }),
        _ => false,
    };
    Ok(spreadsheet.metadata.values().filter(inside).collect())
}

fn lookup_labels<'a>(spreadsheet: &'a Spreadsheet, lookup: &Object) -> Result<Vec<&'a Metadata>, ApiError> {
    let wanted = |field: &str, value: &str| {
        lookup.get(field).and_then(Json::as_str).is_none_or(|wanted| wanted == value)
    };
    let id = fields::whole(lookup, "metadataId");
    let near = match lookup.get("metadataLocation").and_then(Json::as_object) {
        None => None,
        Some(location) => {
            let strategy = text(lookup, "locationMatchingStrategy");
            if fields::flag(location, "spreadsheet") && strategy == "INTERSECTING_LOCATION" {
                return Err(ApiError::invalid(
                    "DeveloperMetadataLookup.spreadsheet is true, but locationMatchingStrategy was specified as INTERSECTING",
                ));
            }
            Some((self::location(spreadsheet, location)?, strategy == "INTERSECTING_LOCATION"))
        }
    };
    let matches = |label: &&Metadata| {
        id.is_none_or(|id| id == i64::from(label.id))
            && wanted("metadataKey", &label.key)
            && wanted("metadataValue", label.value.as_deref().unwrap_or_default())
            && wanted("visibility", label.visibility.api())
            && wanted("locationType", label.location.kind())
            && near.is_none_or(|(location, intersecting)| {
                label.location == location || intersecting && meets(label.location, location)
            })
    };
    Ok(spreadsheet.metadata.values().filter(matches).collect())
}

/// Does a label's place lie in (or across) another?
fn meets(label: Location, other: Location) -> bool {
    match (label, other) {
        (Location::Line(a, along, _), Location::Line(b, other_along, _)) => a == b && along != other_along,
        (a, Location::Sheet(sheet)) | (Location::Sheet(sheet), a) => a.sheet() == Some(sheet),
        _ => false,
    }
}

/// Reads a `DeveloperMetadataLocation`, with Google's complaints.
pub(crate) fn location(spreadsheet: &Spreadsheet, location: &Object) -> Result<Location, Refusal> {
    if fields::flag(location, "spreadsheet") {
        return Ok(Location::Spreadsheet);
    }
    if location.contains_key("sheetId") {
        let sheet = fields::sheet_id(location);
        return spreadsheet.grid(sheet).map(|_| Location::Sheet(sheet));
    }
    let Some(range) = location.get("dimensionRange").and_then(Json::as_object) else {
        return Err(Refusal::new("Developer metadata must always have a location specified."));
    };
    let lines = fields::lines(range)?;
    let (Some(start), Some(end)) = (lines.start, lines.end) else {
        return Err(Refusal::new("DimensionRange must specify both a startIndex and an endIndex"));
    };
    if end - start != 1 {
        return Err(Refusal::new("DimensionRange must represent a single row or column"));
    }
    if end > spreadsheet.grid(lines.sheet)?.count(lines.dimension) {
        return Err(Refusal(format!("DimensionRange end index[{end}] is outside of the grid.")));
    }
    Ok(Location::Line(lines.sheet, lines.dimension, start))
}
