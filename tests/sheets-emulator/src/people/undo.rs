//! What people can take back. Each entry knows how to return its own cells and lines only, and moves along when
//! others insert, delete, move or sort lines in the meantime, as a shared document does. What such a change tears
//! apart or takes away is forgotten.

use std::sync::Arc;

use super::Person;
use crate::grid::{Area, Cell, Dimension, Metadata, SheetId, Shift};

/// How to take one action back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Puts cells back as they were.
    Cells { sheet: SheetId, cells: Vec<(u32, u32, Cell)> },
    /// Takes inserted lines out again.
    Remove { sheet: SheetId, dimension: Dimension, start: u32, end: u32 },
    /// Puts deleted lines back: cells as offset from the first line, place across, cell.
    Restore {
        sheet: SheetId,
        dimension: Dimension,
        at: u32,
        count: u32,
        cells: Vec<(u32, u32, Cell)>,
        labels: Vec<(u32, Metadata)>,
    },
    /// Moves lines back.
    Move { sheet: SheetId, dimension: Dimension, start: u32, end: u32, to: u32 },
    /// Returns sorted rows to their order.
    Permute { sheet: SheetId, area: Area, order: Vec<u32> },
    /// Gives a tab its old title.
    Rename { sheet: SheetId, title: String },
}

/// How many actions are remembered for a spreadsheet.
const DEPTH: usize = 100;

/// What can be taken back, the latest last.
#[derive(Debug, Clone, Default)]
pub struct UndoStack {
    entries: Arc<Vec<(Person, Step)>>,
}

impl UndoStack {
    pub(crate) fn push(&mut self, person: Person, step: Step) {
        let entries = Arc::make_mut(&mut self.entries);
        if entries.len() == DEPTH {
            entries.remove(0);
        }
        entries.push((person, step));
    }

    /// Takes this person's last step off the stack.
    pub(crate) fn pop(&mut self, person: &Person) -> Option<Step> {
        let place = self.entries.iter().rposition(|(whose, _)| whose == person)?;
        Some(Arc::make_mut(&mut self.entries).remove(place).1)
    }

    /// Lines of a tab moved: everything remembered moves along, and what has nothing left is forgotten.
    pub(crate) fn shift(&mut self, sheet: SheetId, dimension: Dimension, shift: &Shift) {
        if !self.entries.is_empty() {
            Arc::make_mut(&mut self.entries).retain_mut(|(_, step)| follow(step, sheet, dimension, shift));
        }
    }
}

fn follow(step: &mut Step, moved: SheetId, along: Dimension, shift: &Shift) -> bool {
    match step {
        Step::Cells { sheet, cells } if *sheet == moved => {
            cells.retain_mut(|(row, column, _)| {
                let line = if along == Dimension::Rows { row } else { column };
                shift.index(*line).map(|new| *line = new).is_some()
            });
            !cells.is_empty()
        }
        Step::Remove { sheet, dimension, start, end } if *sheet == moved && *dimension == along => {
            shift.span(*start, *end).map(|new| (*start, *end) = new).is_some()
        }
        Step::Restore { sheet, dimension, at, .. } if *sheet == moved && *dimension == along => {
            // The gap that the lines left behind has no width; it follows the line before it.
            *at = match at.checked_sub(1) {
                Some(before) => shift.index(before).map_or(0, |new| new + 1),
                None => 0,
            };
            true
        }
        Step::Move { sheet, dimension, start, end, to } if *sheet == moved && *dimension == along => {
            let (span, place) = (shift.span(*start, *end), shift.index(*to));
            match (span, place) {
                (Some(span), Some(place)) if span.1 - span.0 == *end - *start => {
                    (*start, *end, *to) = (span.0, span.1, place);
                    true
                }
                _ => false,
            }
        }
        Step::Permute { sheet, area, .. } if *sheet == moved && !matches!(shift, Shift::Permute { .. }) => {
            let (start, end) = area.span(along);
            match shift.span(start, end) {
                Some(span) if span.1 - span.0 == end - start => {
                    *area = area.with_span(along, span);
                    true
                }
                _ => false,
            }
        }
        _ => true,
    }
}
