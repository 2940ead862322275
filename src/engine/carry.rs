//! What is remembered by a column's place in the link, carried over when the link has other columns than it had.
//!
//! Base, an open batch and what is owed name columns by their places. A column that is new, gone or of another kind moves none
//! of what the other columns agreed on: an edit that waits in one of them is still an edit.

use crate::engine::owed::Owed;
use crate::engine::plan::{Aim, Plan, PlannedCell};
use crate::model::base::{BaseChange, ColumnBase, RowBase};
use crate::model::digest::Digest;
use crate::model::grid::{GridCell, GridOp};
use crate::model::link::LinkName;

/// Where a column of the link comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It stood here, and its values mean the same.
    Same(usize),
    /// It stood here, and the table keeps its values in another way: the table's side counts as changed.
    Retyped(usize),
    /// It was not there: its two sides meet for the first time.
    New,
}

/// The link's columns in their order, by where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry(pub Vec<Origin>);

impl Carry {
    /// The place now of a column that stood here; `None` for one that is gone.
    pub fn place(&self, before: usize) -> Option<usize> {
        self.0
            .iter()
            .position(|origin| matches!(origin, Origin::Same(at) | Origin::Retyped(at) if *at == before))
    }

    /// What a row's columns agreed on.
    pub fn base(&self, row: &RowBase) -> RowBase {
        let known = |at: usize| row.columns.get(at).copied().flatten();
        let column = |origin: &Origin| match *origin {
            Origin::Same(at) => known(at),
            Origin::Retyped(at) => known(at).map(otherwise_there),
            Origin::New => None,
        };
        RowBase { columns: self.0.iter().map(column).collect() }
    }

    /// What is owed to the link; `None` for a value of a column that is gone.
    pub fn owed(&self, owed: Owed) -> Option<Owed> {
        match owed {
            Owed::Edit { link, key, column, cell, typed } => {
                Some(Owed::Edit { link, key, column: self.place(column)?, cell, typed })
            }
            mend => Some(mend),
        }
    }

    /// The link's part of a batch whose fate is unknown. `index` is the link's place in its spreadsheet.
    pub fn plan(&self, plan: &mut Plan, link: &LinkName, index: usize) {
        for op in plan.ops.iter_mut().filter(|op| op.link == *link) {
            match &mut op.aim {
                Aim::Cells { columns, .. } => self.cells(columns, &mut op.grid),
                Aim::Rekey { columns, base, .. } => {
                    self.cells(columns, &mut op.grid);
                    *base = self.base(base);
                }
                Aim::NewRow { base, .. } => *base = self.base(base),
                Aim::RemoveRow { read, .. } => *read = self.read(read),
                Aim::Claim(_) | Aim::Unclaim(_) | Aim::MendCells { .. } | Aim::MendRow { .. } => {}
            }
        }
        plan.owe.retain_mut(|(_, owed)| {
            let carried = if owed.link() == link { self.owed(owed.clone()) } else { Some(owed.clone()) };
            carried.map(|carried| *owed = carried).is_some()
        });
        for (_, change) in plan.agreed.iter_mut().filter(|(of, _)| of == link) {
            if let BaseChange::Set(_, base) = change {
                *base = self.base(base);
            }
        }
        let of_the_link = plan.conflicts.iter_mut().filter(|conflict| conflict.table == index);
        of_the_link.for_each(|conflict| conflict.column = conflict.column.and_then(|at| self.place(at)));
    }

    /// The cells of a write, and beside them those of the request, without those of columns that are gone.
    fn cells(&self, columns: &mut Vec<PlannedCell>, grid: &mut GridOp) {
        let GridOp::Write { cells, .. } = grid else { return };
        let both = std::mem::take(columns).into_iter().zip(std::mem::take(cells));
        for (mut column, cell) in both {
            let Some(place) = self.place(column.column) else { continue };
            if matches!(self.0[place], Origin::Retyped(_)) {
                column.base = otherwise_there(column.base);
            }
            column.column = place;
            columns.push(column);
            cells.push(cell);
        }
    }

    /// A row's cells as they were read, in the link's order; a new column had none, which no receipt shows otherwise.
    fn read(&self, read: &[(u32, GridCell)]) -> Vec<(u32, GridCell)> {
        let nowhere = || (u32::MAX, GridCell::BLANK);
        let cell = |origin: &Origin| match *origin {
            Origin::Same(at) | Origin::Retyped(at) => read.get(at).cloned().unwrap_or_else(nowhere),
            Origin::New => nowhere(),
        };
        self.0.iter().map(cell).collect()
    }
}

/// The cell's side stands; the table's is no digest that its value has now.
fn otherwise_there(base: ColumnBase) -> ColumnBase {
    ColumnBase { value: Digest(!base.value.0), ..base }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::PlannedOp;
    use crate::model::key::Key;
    use crate::model::link::SheetId;
    use crate::model::mark::{BatchNumber, Owner};
    use crate::model::value::Value;

    /// Of the columns id, gone, note there are now: id, a new one, note in another kind.
    fn carry() -> Carry {
        Carry(vec![Origin::Same(0), Origin::New, Origin::Retyped(2)])
    }

    fn column(n: u64) -> ColumnBase {
        ColumnBase { value: Digest(n), cell: Digest(n) }
    }

    fn key() -> Key {
        Key(vec![Value::Int(6)])
    }

    #[test]
    fn what_a_column_agreed_on_stays_with_it() {
        let was = RowBase { columns: vec![Some(column(1)), Some(column(2)), Some(column(3))] };
        let note = ColumnBase { value: Digest(!3), cell: Digest(3) };
        assert_eq!(carry().base(&was).columns, [Some(column(1)), None, Some(note)]);
        // A row that never agreed on all of them.
        assert_eq!(carry().base(&RowBase::default()).columns, [None, None, None]);
    }

    #[test]
    fn an_owed_edit_follows_its_column_and_goes_with_it() {
        let edit = |column| Owed::Edit {
            link: LinkName("goods".into()),
            key: key(),
            column,
            cell: GridCell::BLANK,
            typed: (1, 2),
        };
        assert_eq!(Carry(vec![Origin::New, Origin::Same(0)]).owed(edit(0)), Some(edit(1)));
        assert_eq!(carry().owed(edit(1)), None);
    }

    #[test]
    fn an_open_batch_keeps_its_cells_beside_their_columns() {
        let link = LinkName("goods".into());
        let cell = |at: u64| PlannedCell {
            column: at as usize,
            base: column(at),
            read: GridCell::BLANK,
            over: false,
        };
        let aim = Aim::Cells { key: key(), columns: vec![cell(0), cell(1), cell(2)], whole: vec![] };
        let cells = (0..3).map(|at| (at + 10, GridCell::BLANK)).collect();
        let grid = GridOp::Write { sheet: SheetId(0), row: 3, cells };
        let mut plan = Plan {
            number: BatchNumber(1),
            owner: Owner { installation: "i".into(), generation: 1 },
            helper: SheetId(1),
            expired: vec![],
            read_at: 0,
            ops: vec![PlannedOp { link: link.clone(), aim, grid, mark: None }],
            agreed: vec![],
            conflicts: vec![],
            paid: vec![],
            owe: vec![],
            named: vec![],
        };
        carry().plan(&mut plan, &link, 0);
        let (Aim::Cells { columns, .. }, GridOp::Write { cells, .. }) = (&plan.ops[0].aim, &plan.ops[0].grid)
        else {
            panic!("a write stays one");
        };
        assert_eq!(columns.iter().map(|cell| cell.column).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(cells.iter().map(|(grid, _)| *grid).collect::<Vec<_>>(), [10, 12]);
    }
}
