//! What one row of a batch's receipt tells of the request that overwrote it (design 4a, rule 1).

use crate::engine::input::{KeySeen, ReceiptRow};
use crate::engine::mend::alike;
use crate::engine::owed::Overwritten;
use crate::engine::plan::PlannedOp;
use crate::model::grid::{GridCell, GridOp};
use crate::model::key::Key;

/// True when the receipt shows the row that was meant. A lost receipt (somebody emptied the helper tab) counts as a hit.
pub(super) fn hit(receipt: Option<&ReceiptRow>, key: Option<&Key>) -> bool {
    receipt.is_none_or(|row| match (&row.key, key) {
        (KeySeen::Key(seen), Some(key)) => seen == key,
        (KeySeen::Blank | KeySeen::Unreadable, None) => true,
        (KeySeen::Blank | KeySeen::Unreadable, Some(_)) | (KeySeen::Key(_), None) => false,
    })
}

/// The row as it was; nothing where the receipt is lost.
pub(super) fn cells_of(receipt: Option<&ReceiptRow>) -> Vec<GridCell> {
    receipt.map_or_else(Vec::new, |row| row.cells.clone())
}

/// True when the receipt shows every cell as it was read.
pub(super) fn unchanged(receipt: Option<&ReceiptRow>, read: &[(u32, GridCell)]) -> bool {
    receipt.is_none_or(|row| {
        read.iter().all(|(grid, read)| alike(row.cells.get(*grid as usize).unwrap_or(&GridCell::BLANK), read))
    })
}

/// What a write overwrote, in the order of its cells; `None` where the receipt is lost.
pub(super) fn overwritten_all(op: &PlannedOp, receipt: Option<&ReceiptRow>) -> Vec<Option<Overwritten>> {
    let GridOp::Write { cells, .. } = &op.grid else {
        return Vec::new();
    };
    let one = |(column, wrote): &(u32, GridCell)| {
        let before = receipt?.cells.get(*column as usize).cloned().unwrap_or(GridCell::BLANK);
        Some(Overwritten { column: *column, wrote: wrote.clone(), before })
    };
    cells.iter().map(one).collect()
}

/// What a write overwrote; nothing where the receipt is lost.
pub(super) fn overwritten(op: &PlannedOp, receipt: Option<&ReceiptRow>) -> Vec<Overwritten> {
    overwritten_all(op, receipt).into_iter().flatten().collect()
}
