//! A tab in parts, pure: which of them do not fit together, and the whole that they make.

use std::sync::Arc;

use crate::model::grid::{Snapshot, TabRead};
use crate::model::link::SheetId;
use crate::sheet::error::SheetError;

use super::columns::ColumnKeys;
use super::moved;

/// One tab, its parts from the top.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) sheet: SheetId,
    pub(super) parts: Vec<Part>,
}

/// The rows from one on, up to another, and the header.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) rows: (u32, Option<u32>),
    pub(super) tab: TabRead,
}

impl Part {
    /// Takes the tab out of a read of it alone.
    pub(super) fn of(
        read: &mut Snapshot,
        sheet: SheetId,
        rows: (u32, Option<u32>),
    ) -> Result<Self, SheetError> {
        let at = read.tabs.iter().position(|tab| tab.sheet == sheet);
        let at = at.ok_or_else(|| moved("it is gone"))?;
        Ok(Self { rows, tab: read.tabs.swap_remove(at) })
    }

    /// Does every row of the part show the keys that stand there?
    fn fits(&self, columns: &[u32], keys: &ColumnKeys) -> bool {
        let rows = &self.tab.rows;
        let below = rows.len().checked_sub(1).map_or(0, |last| rows.number(last) + 1);
        let end = self.rows.1.unwrap_or_else(|| keys.end().max(below));
        let shown = |row: u32| rows.place(row).map(|at| rows.cells(at)).unwrap_or_default();
        // The header is no row: people rename their columns.
        (self.rows.0.max(1)..end).all(|row| keys.stands(row, &shown(row), columns))
    }
}

impl Cut {
    /// The parts that do not show the keys that stand in their rows.
    pub(super) fn moved(&self, columns: &[u32], keys: &ColumnKeys) -> Result<Vec<usize>, SheetError> {
        let alike = |one: &Part, other: &Part| {
            (&one.tab.header, &one.tab.anchors) == (&other.tab.header, &other.tab.anchors)
        };
        if !self.parts.windows(2).all(|two| alike(&two[0], &two[1])) {
            return Err(moved("its first row or its columns are others now"));
        }
        let parts = self.parts.iter().enumerate();
        Ok(parts.filter(|(_, part)| !part.fits(columns, keys)).map(|(at, _)| at).collect())
    }

    /// The tab whole.
    pub(super) fn joined(self) -> Option<TabRead> {
        let mut parts = self.parts.into_iter();
        let mut whole = parts.next()?.tab;
        let mut rows = Arc::unwrap_or_clone(std::mem::take(&mut whole.rows));
        for Part { rows: (from, _), tab } in parts {
            rows.go_on(from, Arc::unwrap_or_clone(tab.rows));
            whole.notes.extend(tab.notes.into_iter().filter(|(row, ..)| *row >= from));
            (whole.title, whole.merges) = (tab.title, tab.merges);
            (whole.row_count, whole.column_count) = (tab.row_count, tab.column_count);
        }
        rows.trim();
        whole.rows = Arc::new(rows);
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;
    use crate::model::grid::{GridCell, GridRows};
    use crate::model::mark::ClaimId;

    /// Rows as a part has them: the header, and those from one on with their keys.
    fn part(rows: (u32, Option<u32>), keys: &[(u32, i32)]) -> Part {
        let text = |text: &str| GridCell::plain(Cell::Text(text.into()));
        let mut read = GridRows::default();
        read.push(0, &[text("name"), text("id")], Vec::new());
        for (row, key) in keys {
            read.push(*row, &[text("x"), GridCell::plain(Cell::number((*key).into()))], Vec::new());
        }
        let tab = TabRead {
            sheet: SheetId(7),
            title: format!("from {}", rows.0),
            row_count: 9,
            column_count: 2,
            header: read.cells(0),
            rows: Arc::new(read),
            anchors: Vec::new(),
            notes: vec![(0, 0, "a header's".into()), (rows.0 + 1, 0, "a row's".into())],
            merges: Vec::new(),
        };
        Part { rows, tab }
    }

    fn keys(column: &serde_json::Value) -> ColumnKeys {
        let answer = serde_json::json!({"valueRanges": [
            {"valueRange": {"values": [column]}, "dataFilters": [{"gridRange": {"startColumnIndex": 1}}]}]});
        let answer: super::super::columns::Columns = serde_json::from_value(answer).expect("google's shape");
        answer.by_place(&[1])
    }

    fn cut() -> Cut {
        let parts = vec![part((0, Some(3)), &[(1, 10), (2, 20)]), part((3, None), &[(3, 30), (5, 50)])];
        Cut { sheet: SheetId(7), parts }
    }

    #[test]
    fn a_part_that_lacks_what_stands_in_its_rows_is_told() {
        let moved = |column: serde_json::Value| cut().moved(&[1], &keys(&column)).expect("one header");
        assert_eq!(moved(serde_json::json!(["id", 10, 20, 30, "", 50])), [0; 0]);
        assert_eq!(moved(serde_json::json!(["renamed", 10, 20, 30, "", 50, "", ""])), [0; 0]);
        assert_eq!(moved(serde_json::json!(["id", 20, 10, 30, "", 50])), [0], "sorted");
        assert_eq!(moved(serde_json::json!(["id", 10, 20, 30, "", 50, 60])), [1], "one more below");
        assert_eq!(moved(serde_json::json!(["id", 10, 20, 30])), [1], "cleared");
        assert_eq!(moved(serde_json::json!(["id", 10, 15, 20, 30, "", 50])), [0, 1], "inserted");
    }

    #[test]
    fn parts_under_different_headers_are_no_tab() {
        let mut cut = cut();
        cut.parts[1].tab.header.reverse();
        assert!(matches!(cut.moved(&[1], &keys(&serde_json::json!([]))), Err(SheetError::Moved(_))));
    }

    #[test]
    fn parts_that_fit_are_one_tab_with_every_row_and_every_note_once() {
        let mut cut = cut();
        let mut rows = Arc::unwrap_or_clone(std::mem::take(&mut cut.parts[1].tab.rows));
        rows.claim(6, vec![ClaimId(9)]);
        cut.parts[1].tab.rows = Arc::new(rows);
        let whole = cut.joined().expect("a tab");
        let numbers: Vec<u32> = whole.rows.iter().map(|row| row.row).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6], "a blank row between is a row");
        assert_eq!(whole.rows.claims(6), [ClaimId(9)]);
        assert!(whole.rows.cells(4).is_empty() && whole.rows.cells(5).len() == 2);
        assert_eq!(whole.title, "from 3");
        let notes: Vec<u32> = whole.notes.iter().map(|(row, ..)| *row).collect();
        assert_eq!(notes, [0, 1, 4]);
    }
}
