//! What is to be said in one tab, beside what stands there: the difference, pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::model::cell::Cell;
use crate::model::grid::TabRead;
use crate::sheet::annotate::{Annotation, Form};

/// One tab as a read shows it, and what it should say.
pub(super) struct Saying<'a> {
    /// The tab.
    pub(super) tab: &'a TabRead,
    /// What is to be said, by row and column in the grid.
    pub(super) said: &'a BTreeMap<(u32, u32), String>,
    /// The texts that are ours. Every other one is a person's and stays.
    pub(super) ours: &'a HashSet<&'a str>,
    /// The rows were looked at: else only the header's note is touched.
    pub(super) looked: bool,
    /// Rows of which nothing was decided: what is said there stays.
    pub(super) undecided: &'a BTreeSet<u32>,
    /// The column that takes what has no place in a note because a person's note stands there.
    pub(super) status: Option<u32>,
}

impl Saying<'_> {
    /// The annotations that make the tab say it.
    pub(super) fn changes(&self) -> Vec<Annotation> {
        let mut changes = Vec::new();
        let mut missing = self.said.clone();
        let mut blocked: BTreeMap<u32, String> = BTreeMap::new();
        for (row, column, there) in &self.tab.notes {
            let wanted = missing.remove(&(*row, *column));
            match (self.is_ours(there), wanted) {
                (true, Some(wanted)) if wanted == *there => {}
                (true, Some(wanted)) => changes.push(self.note(*row, *column, Some(wanted))),
                (true, None) if self.is_decided(*row) => changes.push(self.note(*row, *column, None)),
                (false, Some(wanted)) => drop(blocked.insert(*row, wanted)),
                (true | false, None) => {}
            }
        }
        changes.extend(missing.into_iter().map(|((row, column), text)| self.note(row, column, Some(text))));
        if let Some(column) = self.status {
            self.status_changes(column, blocked, &mut changes);
        }
        changes
    }

    /// Every text that stands in the tab where we write any.
    pub(super) fn there(&self) -> impl Iterator<Item = String> {
        let notes = self.tab.notes.iter().map(|(_, _, text)| text.clone());
        notes.chain(self.status.into_iter().flat_map(|column| self.statuses(column)).map(|(_, text)| text))
    }

    fn status_changes(&self, column: u32, mut blocked: BTreeMap<u32, String>, changes: &mut Vec<Annotation>) {
        // The header of the column is a person's.
        blocked.remove(&0);
        let mut text = |row, text| {
            changes.push(Annotation { place: (self.tab.sheet, row, column), form: Form::Text, text });
        };
        for (row, there) in self.statuses(column) {
            match blocked.remove(&row) {
                Some(wanted) if self.is_ours(&there) && wanted != there => text(row, Some(wanted)),
                None if self.is_ours(&there) && self.is_decided(row) => text(row, None),
                Some(_) | None => {}
            }
        }
        for (row, wanted) in blocked {
            text(row, Some(wanted));
        }
    }

    /// What stands in the status column, below the header.
    fn statuses(&self, column: u32) -> impl Iterator<Item = (u32, String)> {
        let rows = self.tab.rows.iter().filter(|row| row.row > 0);
        rows.filter_map(move |mut row| {
            let cell = row.cells.get_mut(column as usize)?;
            match std::mem::replace(&mut cell.value, Cell::Blank) {
                Cell::Blank => None,
                Cell::Text(text) if cell.formula.is_none() => Some((row.row, text)),
                // Whatever else a person put there: no text of ours, and not to be written over.
                _ => Some((row.row, String::new())),
            }
        })
    }

    fn is_ours(&self, text: &str) -> bool {
        self.ours.contains(text)
    }

    fn is_decided(&self, row: u32) -> bool {
        row == 0 || (self.looked && !self.undecided.contains(&row))
    }

    fn note(&self, row: u32, column: u32, text: Option<String>) -> Annotation {
        Annotation { place: (self.tab.sheet, row, column), form: Form::Note, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grid::{GridCell, GridRow, GridRows};
    use crate::model::link::SheetId;

    const OURS: &str = "sheetbridge: no";

    fn tab(notes: &[(u32, u32, &str)], statuses: &[&str]) -> TabRead {
        let status = |(row, text): (u32, &&str)| GridRow {
            row,
            cells: vec![GridCell::plain(if text.is_empty() {
                Cell::Blank
            } else {
                Cell::Text((*text).into())
            })],
            claims: vec![],
        };
        let rows: GridRows = (0..).zip(std::iter::once(&"Status").chain(statuses)).map(status).collect();
        TabRead {
            sheet: SheetId(5),
            title: "Orders".into(),
            row_count: 100,
            column_count: 9,
            header: rows.cells(0),
            rows: rows.into(),
            anchors: vec![],
            notes: notes.iter().map(|(row, column, text)| (*row, *column, (*text).to_owned())).collect(),
            merges: vec![],
        }
    }

    /// Row, column, and what is put there: `n:` a note, `t:` a text, `-` is taken away.
    fn changes(
        tab: &TabRead,
        said: &[(u32, u32, &str)],
        (looked, undecided): (bool, &[u32]),
        status: Option<u32>,
    ) -> Vec<(u32, u32, String)> {
        let said = said.iter().map(|(row, column, text)| ((*row, *column), (*text).to_owned())).collect();
        let (ours, undecided) = (HashSet::from([OURS]), undecided.iter().copied().collect());
        let saying = Saying { tab, said: &said, ours: &ours, looked, undecided: &undecided, status };
        let shown = |change: Annotation| {
            let form = if change.form == Form::Note { "n:" } else { "t:" };
            let text = change.text.unwrap_or_else(|| "-".into());
            (change.place.1, change.place.2, format!("{form}{text}"))
        };
        saying.changes().into_iter().map(shown).collect()
    }

    #[test]
    fn what_is_said_is_written_once_and_goes_with_its_cause() {
        let (looked, wanted) = ((true, &[][..]), [(2, 3, OURS)]);
        assert_eq!(changes(&tab(&[], &[]), &wanted, looked, None), [(2, 3, format!("n:{OURS}"))]);
        assert_eq!(changes(&tab(&wanted, &[]), &wanted, looked, None), []);
        assert_eq!(changes(&tab(&wanted, &[]), &[], looked, None), [(2, 3, "n:-".to_owned())]);
        // A sort carried it away, or it hit another row.
        let moved = changes(&tab(&[(4, 3, OURS)], &[]), &wanted, looked, None);
        assert_eq!(moved, [(4, 3, "n:-".to_owned()), (2, 3, format!("n:{OURS}"))]);
    }

    #[test]
    fn a_row_that_was_not_decided_keeps_what_it_says() {
        let there = tab(&[(0, 0, OURS), (2, 3, OURS), (3, 3, OURS)], &[]);
        assert_eq!(changes(&there, &[], (true, &[2]), None), [(0, 0, "n:-".into()), (3, 3, "n:-".into())]);
        assert_eq!(changes(&there, &[], (false, &[]), None), [(0, 0, "n:-".to_owned())]);
    }

    #[test]
    fn a_persons_note_stays_and_the_status_column_tells_instead() {
        let looked = (true, &[][..]);
        let (bobs, wanted) = ([(2, 3, "ask Bob")], [(2, 3, OURS)]);
        assert_eq!(changes(&tab(&bobs, &[]), &wanted, looked, None), []);
        assert_eq!(changes(&tab(&bobs, &["", ""]), &wanted, looked, Some(0)), [(2, 0, format!("t:{OURS}"))]);
        assert_eq!(changes(&tab(&bobs, &["", OURS]), &wanted, looked, Some(0)), []);
        assert_eq!(changes(&tab(&bobs, &["", OURS]), &[], looked, Some(0)), [(2, 0, "t:-".to_owned())]);
        assert_eq!(changes(&tab(&bobs, &["", "mine"]), &wanted, looked, Some(0)), []);
    }
}
