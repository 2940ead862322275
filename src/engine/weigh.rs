//! A row of the table beside its row in the tab: every column decided, and what that comes to for the row as a whole.

use crate::engine::Engine;
use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Conflict, Winner};
use crate::engine::guard::UNSEEN;
use crate::engine::held::{Held, news};
use crate::engine::input::{DbCell, DbRow, RowView};
use crate::engine::pending::Pending;
use crate::engine::plan::PlannedCell;
use crate::engine::reconcile::{Grounds, Move, column};
use crate::engine::writing::Writing;
use crate::model::base::{ColumnBase, RowBase};
use crate::model::cell::Cell;
use crate::model::key::Key;

/// What the columns of one row come to.
#[derive(Default)]
pub(super) struct Weighed {
    /// Base with the columns that agree.
    pub(super) base: RowBase,
    /// What the table writes into the tab.
    pub(super) cells: Vec<PlannedCell>,
    /// Conflicts: column, the person's value, who won, by which rule.
    pub(super) listed: Vec<(usize, Cell, Winner, &'static str)>,
    /// Cells that are frozen from now on.
    pub(super) held: Vec<(usize, Held)>,
    /// Cells that are held no more.
    pub(super) free: Vec<usize>,
    /// A person's cell is still on its way into the table.
    pub(super) wait: bool,
    /// A person's cell stands here that the table does not have: the row cannot leave the tab.
    pub(super) stays: bool,
}

impl Engine {
    /// Decides every column of a row.
    pub(super) fn weigh(
        &self,
        index: usize,
        (key, pending, row): (&Key, &Pending, &DbRow),
        base: Option<&RowBase>,
        seen: &RowView,
        writing: &Writing,
    ) -> Weighed {
        let table = &self.tables[index];
        let mut weighed = Weighed { base: base.cloned().unwrap_or_default(), ..Weighed::default() };
        weighed.base.columns.resize(table.width(), None);
        let grounds = Grounds {
            commit: pending.commit,
            edit: (writing.asked, writing.answered),
            editor: None,
            was: None,
            row: Some(row),
            tie: table.plan.rules.tie,
            first_match: table.plan.rules.first_match,
            formulas: table.plan.rules.formulas,
            adopting: table.knowledge == Knowledge::Lost,
        };
        // Image, sheet, plan and base run side by side.
        #[allow(clippy::needless_range_loop)]
        for at in 0..table.width() {
            let sheet = &seen.cells[at];
            let base_column = weighed.base.columns[at];
            let (cell, value) = (sheet.value.digest(), news(base_column, Some(&row[at])));
            let held_before = table.held.get(&(key.clone(), at));
            let is_held = held_before.is_some_and(|held| held.stands(cell, base_column, Some(&row[at])));
            let is_edited = base_column.is_none_or(|base| base.cell != cell);
            let edit = table.edited_at(key, at, sheet, (writing.asked, writing.answered));
            match column(
                &table.plan.columns[at],
                base_column,
                Some(&row[at]),
                sheet,
                Grounds { edit, editor: table.editor_of(key, at), was: table.was_before(key, at), ..grounds },
            ) {
                Move::Agree(base) => {
                    weighed.base.columns[at] = Some(base);
                    weighed.free.push(at);
                }
                Move::ToSheet { base, over } => {
                    weighed.free.push(at);
                    if let Some(rule) = over {
                        weighed.listed.push((at, sheet.value.clone(), Winner::Database, rule));
                    }
                    let over = over.is_some();
                    weighed.cells.push(PlannedCell { column: at, base, read: sheet.clone(), over });
                }
                // The first half of the cycle carries these; refused ones are listed and stay as they are.
                Move::ToTable { .. } => {
                    weighed.wait |= !is_held;
                    weighed.stays = true;
                    if is_held {
                        weighed.base.columns[at] = unseen(base_column, &row[at]);
                    }
                }
                Move::Hold(rule) => {
                    weighed.stays |= is_edited;
                    weighed.base.columns[at] = unseen(base_column, &row[at]);
                    if !is_held {
                        weighed.held.push((at, Held { cell, value, why: rule.into() }));
                        weighed.listed.push((at, sheet.value.clone(), Winner::Nobody, rule));
                    }
                }
                Move::Same | Move::Fetch => {}
            }
        }
        weighed
    }

    /// Lists the conflicts that the columns' decisions were about.
    pub(super) fn list(
        &self,
        index: usize,
        (key, pending, row): (&Key, &Pending, &DbRow),
        weighed: &Weighed,
        writing: &mut Writing,
    ) {
        let edit = (writing.asked, writing.answered);
        writing.conflicts.extend(weighed.listed.iter().map(|(column, sheet, winner, rule)| {
            let mut background = self.tables[index].background(key, *column, edit);
            background.committed = Some(pending.commit);
            Conflict {
                table: index,
                key: Some(key.clone()),
                column: Some(*column),
                database: Some(row[*column].shown.clone()),
                sheet: Some(sheet.clone()),
                winner: *winner,
                rule: (*rule).into(),
                background,
            }
        }));
    }
}

/// The base of a cell that keeps what a person put there, although the database has changed it.
fn unseen(base: Option<ColumnBase>, row: &DbCell) -> Option<ColumnBase> {
    base.map(|base| if base.value == row.digest() { base } else { ColumnBase { value: UNSEEN, ..base } })
}
