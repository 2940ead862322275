//! Lines that came go, lines that changed places go back, lines that went return.

use std::collections::{HashMap, HashSet};

use super::Outcome;
use crate::grid::{Dimension, Refusal, SheetId, Shift, Spreadsheet, Tab};

pub(super) fn reverse(
    spreadsheet: &mut Spreadsheet,
    dimension: Dimension,
    from: &Tab,
    to: &Tab,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    if from.ids(dimension).same(to.ids(dimension)) {
        return Ok(());
    }
    let (old, new) = (from.ids(dimension).all(), to.ids(dimension).all());
    let (in_old, in_new): (HashSet<u64>, HashSet<u64>) =
        (old.iter().copied().collect(), new.iter().copied().collect());
    let lines = Lines { sheet: from.id, dimension };
    if lines.remove(spreadsheet, |id| in_old.contains(&id) && !in_new.contains(&id))? {
        outcome.lines = Some((dimension, false));
    }
    let stood: Vec<u64> = old.iter().copied().filter(|id| in_new.contains(id)).collect();
    let wanted: Vec<u64> = new.iter().copied().filter(|id| in_old.contains(id)).collect();
    if let Some(span) = lines.reorder(spreadsheet, &stood, &wanted)? {
        let whole = spreadsheet.grid(from.id)?.whole();
        outcome.touch(from.id, whole.with_span(dimension, span));
    }
    if lines.bring_back(spreadsheet, &new, &in_old)? {
        outcome.lines = Some((dimension, true));
    }
    Ok(())
}

/// The rows or the columns of a tab.
#[derive(Clone, Copy)]
struct Lines {
    sheet: SheetId,
    dimension: Dimension,
}

impl Lines {
    fn now(self, spreadsheet: &Spreadsheet) -> Result<Vec<u64>, Refusal> {
        Ok(spreadsheet.grid(self.sheet)?.ids(self.dimension).all())
    }

    /// Deletes lines, from the last one on so that places hold.
    fn remove(self, spreadsheet: &mut Spreadsheet, goes: impl Fn(u64) -> bool) -> Result<bool, Refusal> {
        let now = self.now(spreadsheet)?;
        let mut end = now.len();
        let mut any = false;
        while let Some(last) = now[..end].iter().rposition(|id| goes(*id)) {
            let first = now[..last].iter().rposition(|id| !goes(*id)).map_or(0, |stays| stays + 1);
            spreadsheet.delete(self.sheet, self.dimension, first as u32, last as u32 + 1)?;
            (end, any) = (first, true);
        }
        Ok(any)
    }

    /// Gives those whose order differs their wanted order, in the places that they hold among themselves now. What others
    /// put between them stays where it is. Gives the span.
    fn reorder(
        self,
        spreadsheet: &mut Spreadsheet,
        stood: &[u64],
        wanted: &[u64],
    ) -> Result<Option<(u32, u32)>, Refusal> {
        let head = stood.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        let tail = stood.iter().rev().zip(wanted.iter().rev()).take_while(|(a, b)| a == b).count();
        if head == wanted.len() {
            return Ok(None);
        }
        let ranks: HashMap<u64, usize> = wanted[head..wanted.len() - tail].iter().copied().zip(0..).collect();
        let now = self.now(spreadsheet)?;
        let slots: Vec<usize> = (0..now.len()).filter(|line| ranks.contains_key(&now[*line])).collect();
        let (Some(first), Some(last)) = (slots.first().copied(), slots.last().copied()) else {
            return Ok(None);
        };
        let mut lines = slots.clone();
        lines.sort_by_key(|line| ranks[&now[*line]]);
        let mut places: Vec<u32> = (0..=(last - first) as u32).collect();
        for (line, slot) in lines.iter().zip(&slots) {
            places[line - first] = (slot - first) as u32;
        }
        spreadsheet.shift(self.sheet, self.dimension, &Shift::Permute { start: first as u32, places })?;
        Ok(Some((first as u32, last as u32 + 1)))
    }

    /// Puts blank lines back under their old numbers, each after the line that it followed.
    fn bring_back(
        self,
        spreadsheet: &mut Spreadsheet,
        wanted: &[u64],
        known: &HashSet<u64>,
    ) -> Result<bool, Refusal> {
        let mut any = false;
        let mut place = 0;
        while place < wanted.len() {
            let now = self.now(spreadsheet)?;
            let comes = |id: &u64| !known.contains(id) && !now.contains(id);
            let Some(start) = wanted[place..].iter().position(comes).map(|found| place + found) else {
                break;
            };
            let end =
                wanted[start..].iter().position(|id| !comes(id)).map_or(wanted.len(), |stays| start + stays);
            let at = wanted[..start]
                .iter()
                .rev()
                .find_map(|before| now.iter().position(|id| id == before))
                .map_or(0, |before| before as u32 + 1);
            spreadsheet.insert(self.sheet, self.dimension, at, (end - start) as u32)?;
            spreadsheet.grid_mut(self.sheet)?.ids_mut(self.dimension).rename(at, &wanted[start..end]);
            (place, any) = (end, true);
        }
        Ok(any)
    }
}
