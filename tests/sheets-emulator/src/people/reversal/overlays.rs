//! What lies over the cells: merges, groups, the filter, protected and named ranges, frozen lines. What the left state
//! alone has is lifted before lines move, what the wanted state alone has is laid down after.

use super::Places;
use crate::grid::{Group, NamedRange, Protected, Spreadsheet, Tab};

/// Does everything over the cells stand as it stood?
pub(super) fn is_same(from: &Tab, to: &Tab) -> bool {
    from.title == to.title
        && (from.frozen_rows, from.frozen_columns) == (to.frozen_rows, to.frozen_columns)
        && from.row_looks == to.row_looks
        && from.column_looks == to.column_looks
        && from.merges == to.merges
        && from.filter == to.filter
        && from.groups == to.groups
        && from.protected == to.protected
}

/// Those of `here` that `there` has not.
fn only<'a, T: PartialEq>(here: &'a [T], there: &'a [T]) -> impl Iterator<Item = &'a T> {
    here.iter().filter(|one| !there.contains(one))
}

pub(super) fn lift(now: &mut Tab, from: &Tab, to: &Tab) {
    let places = Places::of(from, now);
    let merges: Vec<_> = only(&from.merges, &to.merges).filter_map(|merge| places.area(*merge)).collect();
    now.merges.retain(|merge| !merges.contains(merge));
    let groups: Vec<_> = only(&from.groups, &to.groups).filter_map(|group| placed(group, &places)).collect();
    now.groups.retain(|group| !groups.contains(group));
    let protected: Vec<i32> = only(&from.protected, &to.protected).map(|range| range.id).collect();
    now.protected.retain(|range| !protected.contains(&range.id));
}

pub(super) fn lay(now: &mut Tab, from: &Tab, to: &Tab) {
    let places = Places::of(to, now);
    for merge in only(&to.merges, &from.merges).filter_map(|merge| places.area(*merge)) {
        if now.merges.iter().all(|other| other.meet(merge).is_none()) {
            now.merges.push(merge);
        }
    }
    now.groups.extend(only(&to.groups, &from.groups).filter_map(|group| placed(group, &places)));
    now.groups.sort_by_key(|group| (group.start, group.depth));
    for range in only(&to.protected, &from.protected) {
        let area = range.area.map(|area| places.area(area));
        if area != Some(None) {
            now.protected.push(Protected { area: area.flatten(), ..range.clone() });
        }
    }
    if from.filter != to.filter {
        now.filter =
            to.filter.as_ref().and_then(|(area, settings)| Some((places.area(*area)?, settings.clone())));
    }
    if from.frozen_rows != to.frozen_rows {
        now.frozen_rows = to.frozen_rows.min(now.row_count());
    }
    if from.frozen_columns != to.frozen_columns {
        now.frozen_columns = to.frozen_columns.min(now.column_count());
    }
}

fn placed(group: &Group, places: &Places) -> Option<Group> {
    let (start, end) = places.span(group.dimension, (group.start, group.end))?;
    Some(Group { start, end, ..group.clone() })
}

pub(super) fn lift_named(now: &mut Spreadsheet, from: &Spreadsheet, to: &Spreadsheet) {
    let gone: Vec<&String> = only(&from.named_ranges, &to.named_ranges).map(|range| &range.id).collect();
    now.named_ranges.retain(|range| !gone.contains(&&range.id));
}

pub(super) fn lay_named(now: &mut Spreadsheet, from: &Spreadsheet, to: &Spreadsheet) {
    for range in only(&to.named_ranges, &from.named_ranges) {
        let taken = now.named_ranges.iter().any(|other| other.name.eq_ignore_ascii_case(&range.name));
        if let (Some(old), Some(tab), false) = (to.tab(range.sheet), now.tab(range.sheet), taken)
            && let Some(area) = Places::of(old, tab).area(range.area)
        {
            now.named_ranges.push(NamedRange { area, ..range.clone() });
        }
    }
}
