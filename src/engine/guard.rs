//! What a guarded transaction may write, decided on the row that it holds locked (design rule 3).
//!
//! The engine decided on what the stream and the sheet had shown; the locked row may be newer than both. The performer calls
//! these functions under the lock, so that there is no "is the decision still valid?" and no retry.

use crate::engine::effect::Want;
use crate::engine::input::{DbRow, LinkPlan};
use crate::engine::reconcile::agreed;
use crate::model::base::{ColumnBase, RowBase, database_digest};
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::grid::GridCell;
use crate::model::rule::Policy;
use crate::model::value::Value;

/// A digest that no value has been decided for: base holds it where the sheet shows a value in a form that we would not
/// write (`1,5` for 1.5), so that the database's form goes back to the sheet.
pub const UNDECIDED: Digest = Digest(0);

/// Base holds this where the database's change was listed and the cell kept what a person put there: whatever the table has
/// counts as changed, also after a restart, once the person takes the edit back.
pub const UNSEEN: Digest = Digest(1);

/// A cell that the codec understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// What it asks for.
    pub want: Want,
    /// The value that it means.
    pub value: Value,
    /// The cell that would show this value.
    pub shown: Cell,
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// Column of the link and value, in the link's order.
    pub sets: Vec<(usize, Value)>,
    /// Base once it is written.
    pub base: RowBase,
    /// Columns that stay the database's, with the rule by which.
    pub left: Vec<(usize, &'static str)>,
}

/// Decides on the locked row.
pub fn columns(
    plan: &LinkPlan,
    base: &RowBase,
    known: Option<&DbRow>,
    locked: &DbRow,
    meant: &[Meant],
) -> Guarded {
    let mut guarded = Guarded { base: base.clone(), ..Guarded::default() };
    guarded.base.columns.resize(plan.columns.len(), None);
    for meant in meant {
        let at = meant.want.column;
        let (Some(now), Some(column)) = (locked.get(at), plan.columns.get(at)) else {
            continue;
        };
        if column.key && now.value != meant.value {
            // Another spelling of the key by which the row was found: the table's goes back to the sheet.
            guarded.base.columns[at] = Some(ColumnBase { value: UNDECIDED, cell: meant.want.cell.digest() });
            continue;
        }
        let changed = base.columns.get(at).copied().flatten().is_none_or(|b| b.value != now.digest());
        // What the engine weighed is what stands there; anything newer is a commit of this instant.
        let weighed = known.and_then(|row| row.get(at)).is_some_and(|cell| cell.value == now.value);
        let wins = meant.want.wins && (weighed || column.rule.policy == Policy::Sheet);
        if now.value != meant.value && changed && !wins {
            guarded.left.push((at, "the database changed it too"));
            continue;
        }
        if now.value != meant.value {
            guarded.sets.push((at, meant.value.clone()));
        }
        if meant.want.stands {
            guarded.base.columns[at] = Some(settled(meant));
        }
    }
    guarded
}

/// What the table made of values that formulas give, as it was read back: base agrees with that, where it moved.
pub fn calculated(base: &mut RowBase, sent: &[Meant], after: &DbRow) {
    for Meant { want, .. } in sent.iter().filter(|meant| meant.want.calculated) {
        let column = base.columns.get_mut(want.column).and_then(Option::as_mut);
        if let (Some(column), Some(now)) = (column, after.get(want.column))
            && column.cell == want.cell.digest()
        {
            column.value = now.digest();
        }
    }
}

fn settled(meant: &Meant) -> ColumnBase {
    let same_form =
        meant.want.form_stands || meant.want.calculated || meant.shown.digest() == meant.want.cell.digest();
    let value = if same_form { database_digest(&meant.value, &meant.shown) } else { UNDECIDED };
    ColumnBase { value, cell: meant.want.cell.digest() }
}

/// May a record that is locked take another key? It is what base says, or what the stream has said beyond that.
pub fn is_weighed(base: &RowBase, known: Option<&DbRow>, locked: &DbRow) -> bool {
    untouched(base, locked) || known == Some(locked)
}

/// The base of a record that took another key: the other columns keep theirs.
pub fn renamed(before: &RowBase, meant: &[Meant]) -> RowBase {
    let mut base = before.clone();
    for meant in meant {
        if let Some(column) = base.columns.get_mut(meant.want.column) {
            *column = Some(settled(meant));
        }
    }
    base
}

/// True when the locked row still is what base says in every column that ever agreed: only then may it be deleted.
pub fn untouched(base: &RowBase, locked: &DbRow) -> bool {
    base.columns
        .iter()
        .zip(locked)
        .all(|(base, now)| base.is_none_or(|b| b.value == UNDECIDED || b.value == agreed(now).value))
}

/// Does the locked record still have the values by which a row without a key found it? Then this is what both agree on, once the
/// row shows its key; the other columns meet for the first time.
pub fn tied(plan: &LinkPlan, cells: &[GridCell], locked: &DbRow) -> Option<RowBase> {
    let mut base = RowBase { columns: vec![None; plan.columns.len()] };
    for at in plan.match_on() {
        let now = locked.get(at)?;
        if now.shown.digest() != cells.get(at)?.value.digest() {
            return None;
        }
        base.columns[at] = Some(agreed(now));
    }
    let keys = plan.columns.iter().zip(locked).enumerate().filter(|(_, (column, _))| column.key);
    for (at, (_, now)) in keys {
        base.columns[at] = Some(agreed(now));
    }
    Some(base)
}

/// The base of a row that was made again: a column that never agreed and that nobody edited is decided when the two meet.
pub fn recreated(before: &RowBase, changed: &[usize], sent: &[Meant]) -> RowBase {
    let mut base = inserted(sent.len(), sent);
    for (at, column) in base.columns.iter_mut().enumerate() {
        if !changed.contains(&at) && before.columns.get(at).copied().flatten().is_none() {
            *column = None;
        }
    }
    base
}

/// The base of a row that was made from the sheet: the values that were sent, the cells that were read.
pub fn inserted(width: usize, sent: &[Meant]) -> RowBase {
    let mut base = RowBase { columns: vec![None; width] };
    for meant in sent {
        if let Some(column) = base.columns.get_mut(meant.want.column) {
            *column = Some(settled(meant));
        }
    }
    base
}
