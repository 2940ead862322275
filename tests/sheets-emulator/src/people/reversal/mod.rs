//! Takes back what lies between two states of a spreadsheet, while others may have gone on since.
//!
//! The two states are compared, and only what differs is set: tabs that came or went, lines that came, went or changed
//! places, cells, looks, what lies over the cells, labels. Rows and columns are found by who they are, not by where they
//! stood, so whatever others inserted, deleted, moved or sorted stays as it is, and a row that comes back brings
//! everything back that earlier actions may want to take back in their turn.

mod cells;
mod labels;
mod lines;
mod overlays;

use std::collections::{HashMap, HashSet};

use crate::grid::{Area, Dimension, Refusal, SheetId, Spreadsheet, Tab};
use crate::knobs::Knobs;

/// What has become different, as far as it decides which triggers fire.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// A tab came (true) or went.
    pub(super) tabs: Option<bool>,
    /// Lines came (true) or went.
    pub(super) lines: Option<(Dimension, bool)>,
    /// A tab has another title.
    pub(super) renamed: bool,
    /// The smallest rectangle of one tab with all cells that changed.
    pub(super) cells: Option<(SheetId, Area)>,
}

impl Outcome {
    fn touch(&mut self, sheet: SheetId, area: Area) {
        self.cells = Some(match self.cells {
            Some((on, so_far)) if on == sheet => (on, so_far.around(area)),
            Some(other) => other,
            None => (sheet, area),
        });
    }
}

/// Where the lines of a tab's old state stand now; `None` for those that are gone.
struct Places {
    rows: Vec<Option<u32>>,
    columns: Vec<Option<u32>>,
}

impl Places {
    fn of(old: &Tab, now: &Tab) -> Self {
        let along = |dimension| {
            let (old, now) = (old.ids(dimension), now.ids(dimension));
            if old.same(now) {
                return (0..old.all().len() as u32).map(Some).collect();
            }
            let places: HashMap<u64, u32> = now.all().into_iter().zip(0..).collect();
            old.all().into_iter().map(|id| places.get(&id).copied()).collect()
        };
        Self { rows: along(Dimension::Rows), columns: along(Dimension::Columns) }
    }

    fn line(&self, dimension: Dimension, line: u32) -> Option<u32> {
        let lines = if dimension == Dimension::Rows { &self.rows } else { &self.columns };
        lines.get(line as usize).copied().flatten()
    }

    /// A span by its first and its last line.
    fn span(&self, dimension: Dimension, (start, end): (u32, u32)) -> Option<(u32, u32)> {
        let (first, last) = (self.line(dimension, start)?, self.line(dimension, end.checked_sub(1)?)?);
        (first <= last).then_some((first, last + 1))
    }

    fn area(&self, area: Area) -> Option<Area> {
        let (top, bottom) = self.span(Dimension::Rows, (area.top, area.bottom))?;
        let (left, right) = self.span(Dimension::Columns, (area.left, area.right))?;
        Some(Area::new(top, left, bottom, right))
    }
}

/// Changes the spreadsheet by what leads from one state to the other.
pub(super) fn reverse(
    spreadsheet: &mut Spreadsheet,
    from: &Spreadsheet,
    to: &Spreadsheet,
    knobs: &Knobs,
) -> Result<Outcome, Refusal> {
    let mut outcome = Outcome::default();
    spreadsheet.has_formulas |= to.has_formulas;
    overlays::lift_named(spreadsheet, from, to);
    tabs(spreadsheet, from, to, &mut outcome)?;
    let changed = from.tabs.iter().filter_map(|old| Some((old, to.tab(old.id)?, spreadsheet.tab(old.id)?)));
    let changed = changed.filter(|(old, new, _)| !(overlays::is_same(old, new) && cells::is_same(old, new)));
    let changed: Vec<_> = changed
        .map(|(old, new, now)| {
            let formulas = if to.has_formulas { cells::untouched(now, old, new) } else { HashSet::new() };
            (old, new, formulas)
        })
        .collect();
    for (old, new, formulas) in changed {
        overlays::lift(spreadsheet.grid_mut(old.id)?, old, new);
        for dimension in [Dimension::Rows, Dimension::Columns] {
            lines::reverse(spreadsheet, dimension, old, new, &mut outcome)?;
        }
        cells::reverse(spreadsheet.grid_mut(old.id)?, old, new, &formulas, &mut outcome);
        overlays::lay(spreadsheet.grid_mut(old.id)?, old, new);
        if old.title != new.title {
            spreadsheet.rename_tab(old.id, &new.title)?;
            outcome.renamed = true;
        }
    }
    overlays::lay_named(spreadsheet, from, to);
    labels::reverse(spreadsheet, from, to, knobs);
    Ok(outcome)
}

fn tabs(
    spreadsheet: &mut Spreadsheet,
    from: &Spreadsheet,
    to: &Spreadsheet,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    for tab in from.tabs.iter().filter(|tab| to.tab(tab.id).is_none()) {
        if spreadsheet.tab(tab.id).is_some() {
            spreadsheet.remove_tab(tab.id)?;
            outcome.tabs = Some(false);
        }
    }
    for (place, tab) in to.tabs.iter().enumerate().filter(|(_, tab)| from.tab(tab.id).is_none()) {
        if spreadsheet.tab(tab.id).is_none() {
            spreadsheet.check_title(&tab.title, None)?;
            spreadsheet.may_hold(tab.row_count().into(), tab.column_count(), 0)?;
            let place = place.min(spreadsheet.tabs.len());
            spreadsheet.tabs.insert(place, tab.clone());
            outcome.tabs = Some(true);
        }
    }
    Ok(())
}
