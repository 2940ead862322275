//! Requests about rows and columns.

use serde_json::{Value as Json, json};

use super::{Answer, Work, nothing, update_mask};
use crate::grid::{Dimension, Group, Refusal, Shift, Tab};
use crate::rest::ApiError;
use crate::rest::fields::{self, Lines, Object, flag, object};

/// A `DimensionRange` on its tab; missing ends are the tab's.
fn bounded(work: &Work<'_>, range: &Object) -> Result<(Lines, u32, u32), Refusal> {
    let lines = fields::lines(range)?;
    let count = work.spreadsheet.grid(lines.sheet)?.count(lines.dimension);
    let (start, end) = (lines.start.unwrap_or(0), lines.end.unwrap_or(count));
    if start >= count {
        let kind = lines.dimension.api().to_lowercase();
        return Err(Refusal(format!(
            "Cannot use {kind} that do not exist: the start index {start} is beyond the last one, {}.",
            count - 1
        )));
    }
    Ok((lines, start, end.min(count)))
}

pub(super) fn insert(work: &mut Work<'_>, message: &Object) -> Answer {
    let lines = fields::lines(object(message, "range"))?;
    let (Some(start), Some(end)) = (lines.start, lines.end) else {
        return Err(ApiError::invalid("range must specify both a startIndex and an endIndex."));
    };
    let before = flag(message, "inheritFromBefore");
    if before && start == 0 {
        return Err(ApiError::invalid("inheritFromBefore cannot be true if inserting at index 0."));
    }
    let count = work.spreadsheet.grid(lines.sheet)?.count(lines.dimension);
    if start > count {
        return Err(ApiError::invalid(format!(
            "range.startIndex[{start}] is too large: the sheet has {count}."
        )));
    }
    work.spreadsheet.insert(lines.sheet, lines.dimension, start, end - start)?;
    let neighbour = if before || end > count + (end - start) - 1 { start.checked_sub(1) } else { Some(end) };
    if let Some(neighbour) = neighbour {
        work.spreadsheet.grid_mut(lines.sheet)?.inherit(lines.dimension, start, end, neighbour);
    }
    nothing()
}

pub(super) fn delete(work: &mut Work<'_>, message: &Object) -> Answer {
    let (lines, start, end) = bounded(work, object(message, "range"))?;
    let area = work.spreadsheet.grid(lines.sheet)?.whole().with_span(lines.dimension, (start, end));
    work.open_for_writing(lines.sheet, area)?;
    work.spreadsheet.delete(lines.sheet, lines.dimension, start, end)?;
    nothing()
}

pub(super) fn append(work: &mut Work<'_>, message: &Object) -> Answer {
    let length = fields::index(message, "length")?.unwrap_or(0);
    if length == 0 {
        return Err(ApiError::invalid("length must be greater than zero."));
    }
    work.spreadsheet.append(fields::sheet_id(message), fields::dimension(message)?, length)?;
    nothing()
}

pub(super) fn move_lines(work: &mut Work<'_>, message: &Object) -> Answer {
    let (lines, start, end) = bounded(work, object(message, "source"))?;
    let to = fields::index(message, "destinationIndex")?.unwrap_or(0);
    let count = work.spreadsheet.grid(lines.sheet)?.count(lines.dimension);
    if to > count || to > start && to < end {
        return Err(ApiError::invalid(format!("Cannot move lines to index {to}.")));
    }
    if to != start && to != end {
        work.spreadsheet.shift(lines.sheet, lines.dimension, &Shift::Move { start, end, to })?;
    }
    nothing()
}

pub(super) fn update(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let (lines, start, end) = bounded(work, object(message, "range"))?;
    let properties = object(message, "properties");
    let pixels = fields::index(properties, "pixelSize")?;
    let looks = work.spreadsheet.grid_mut(lines.sheet)?.looks_mut(lines.dimension);
    for line in start..end {
        let look = looks.entry(line).or_default();
        if mask.wants("pixelSize") {
            look.pixels = pixels;
        }
        if mask.wants("hiddenByUser") {
            look.hidden = flag(properties, "hiddenByUser");
        }
        if *look == crate::grid::DimensionLook::default() {
            looks.remove(&line);
        }
    }
    nothing()
}

/// Seven pixels for a character of the longest text: near enough to have an effect, and nobody can check the width of
/// Google's letters.
pub(super) fn auto_resize(work: &mut Work<'_>, message: &Object) -> Answer {
    let (lines, start, end) = bounded(work, object(message, "dimensions"))?;
    let view = crate::rest::View::new(work.spreadsheet);
    let tab = work.spreadsheet.grid(lines.sheet)?;
    let mut widths = Vec::new();
    for line in (start..end).filter(|_| lines.dimension == Dimension::Columns) {
        let letters = (0..tab.data_extent().0).map(|row| {
            let scalar = view.book.scalar(tab, row, line);
            crate::display::shown(&scalar, tab.cell(row, line), &view.locale).chars().count()
        });
        widths.push((line, letters.max().unwrap_or(0) as u32 * 7 + 7));
    }
    let looks = work.spreadsheet.grid_mut(lines.sheet)?.looks_mut(lines.dimension);
    for (line, width) in widths.into_iter().filter(|(_, width)| *width > 7) {
        looks.entry(line).or_default().pixels = Some(width);
    }
    nothing()
}

/// `DimensionGroup`s of a tab.
pub(crate) fn groups_json(tab: &Tab, dimension: Dimension) -> Vec<Json> {
    let groups = tab.groups.iter().filter(|group| group.dimension == dimension);
    let groups = groups.map(|group| {
        let mut range =
            json!({"dimension": dimension.api(), "startIndex": group.start, "endIndex": group.end});
        if tab.id.0 != 0 {
            range["sheetId"] = json!(tab.id);
        }
        let mut out = json!({"range": range, "depth": group.depth});
        if group.collapsed {
            out["collapsed"] = json!(true);
        }
        out
    });
    groups.collect()
}

pub(super) fn add_group(work: &mut Work<'_>, message: &Object) -> Answer {
    let (lines, start, end) = bounded(work, object(message, "range"))?;
    let tab = work.spreadsheet.grid_mut(lines.sheet)?;
    let around = tab
        .groups
        .iter()
        .filter(|group| group.dimension == lines.dimension && group.start <= start && group.end >= end);
    let depth = around.map(|group| group.depth).max().unwrap_or(0) + 1;
    tab.groups.push(Group { dimension: lines.dimension, start, end, depth, collapsed: false });
    tab.groups.sort_by_key(|group| (group.start, group.depth));
    let control =
        if lines.dimension == Dimension::Rows { "rowGroupControlAfter" } else { "columnGroupControlAfter" };
    tab.grid_properties.insert(control.to_owned(), json!(true));
    Ok(json!({"addDimensionGroup": {"dimensionGroups": groups_json(tab, lines.dimension)}}))
}

/// Folds a group or opens it: nothing else of it can change.
pub(super) fn update_group(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = update_mask(message)?;
    let given = object(message, "dimensionGroup");
    let (lines, start, end) = bounded(work, object(given, "range"))?;
    let depth = fields::index(given, "depth")?.unwrap_or(0);
    let tab = work.spreadsheet.grid_mut(lines.sheet)?;
    let group = tab.groups.iter_mut().find(|group| {
        (group.dimension, group.start, group.end, group.depth) == (lines.dimension, start, end, depth)
    });
    let Some(group) = group else {
        return Err(ApiError::invalid("There is no group over this range with this depth."));
    };
    if mask.wants("collapsed") {
        group.collapsed = flag(given, "collapsed");
        let collapsed = group.collapsed;
        let looks = tab.looks_mut(lines.dimension);
        for line in start..end {
            looks.entry(line).or_default().hidden = collapsed;
        }
        looks.retain(|_, look| *look != crate::grid::DimensionLook::default());
    }
    nothing()
}

pub(super) fn delete_group(work: &mut Work<'_>, message: &Object) -> Answer {
    let (lines, start, end) = bounded(work, object(message, "range"))?;
    let tab = work.spreadsheet.grid_mut(lines.sheet)?;
    let same = |group: &Group| group.dimension == lines.dimension && group.start == start && group.end == end;
    let Some(place) = tab.groups.iter().rposition(same) else {
        return Err(ApiError::invalid("There is no group over this range."));
    };
    tab.groups.remove(place);
    let left = groups_json(tab, lines.dimension);
    Ok(
        json!({"deleteDimensionGroup": if left.is_empty() { json!({}) } else { json!({"dimensionGroups": left}) }}),
    )
}
