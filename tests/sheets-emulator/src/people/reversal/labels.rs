//! Labels: those that went with their line or tab return (a knob), those that changed lines go back.

use super::Places;
use crate::grid::{Location, Metadata, Spreadsheet};
use crate::knobs::Knobs;

pub(super) fn reverse(now: &mut Spreadsheet, from: &Spreadsheet, to: &Spreadsheet, knobs: &Knobs) {
    for id in from.metadata.keys().filter(|id| !to.metadata.contains_key(id)) {
        now.metadata.remove(id);
    }
    for label in to.metadata.values() {
        match from.metadata.get(&label.id) {
            Some(old) if holder(from, old.location) == holder(to, label.location) => {}
            Some(_) => {
                if let (Some(location), Some(there)) =
                    (place_now(now, to, label.location), now.metadata.get_mut(&label.id))
                {
                    there.location = location;
                }
            }
            None if knobs.undo_restores_labels => {
                if let Some(location) = place_now(now, to, label.location) {
                    let label = Metadata { location, ..label.clone() };
                    now.metadata.entry(label.id).or_insert(label);
                }
            }
            None => {}
        }
    }
}

/// What a label hangs on, whoever moves it about: a place that is no line, or the line's own number.
fn holder(spreadsheet: &Spreadsheet, location: Location) -> Option<(Location, Option<u64>)> {
    match location {
        Location::Line(sheet, dimension, line) => {
            let id = spreadsheet.tab(sheet)?.ids(dimension).id(line)?;
            Some((Location::Line(sheet, dimension, 0), Some(id)))
        }
        Location::Spreadsheet | Location::Sheet(_) => Some((location, None)),
    }
}

fn place_now(now: &Spreadsheet, to: &Spreadsheet, location: Location) -> Option<Location> {
    match location {
        Location::Line(sheet, dimension, line) => {
            let places = Places::of(to.tab(sheet)?, now.tab(sheet)?);
            Some(Location::Line(sheet, dimension, places.line(dimension, line)?))
        }
        Location::Sheet(sheet) => now.tab(sheet).map(|_| location),
        Location::Spreadsheet => Some(location),
    }
}
