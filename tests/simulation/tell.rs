//! Words for the story of a seed: the daemon's own types hide their values, a story must show them.

use sheetbridge::engine::effect::{TableWrite, WriteAim};
use sheetbridge::engine::input::{DbRow, WriteOutcome};
use sheetbridge::engine::owed::{Overwritten, Owed};
use sheetbridge::engine::plan::{Aim, Plan, PlannedOp};
use sheetbridge::model::base::BaseChange;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{GridCell, GridOp};
use sheetbridge::model::key::Key;

use super::sheet::Did;

pub(super) fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Number(x) => x.get().to_string(),
        Cell::Text(text) => format!("{text:?}"),
        Cell::Bool(b) => b.to_string(),
        Cell::Error(text) => text.clone(),
        Cell::Blank => "_".into(),
    }
}

pub(super) fn cells<'a>(of: impl IntoIterator<Item = &'a Cell>) -> String {
    of.into_iter().map(cell).collect::<Vec<_>>().join(" ")
}

pub(super) fn db_row(row: &DbRow) -> String {
    cells(row.iter().map(|cell| &cell.shown))
}

pub(super) fn plan(plan: &Plan) -> String {
    plan.ops.iter().map(op).collect::<Vec<_>>().join(", ")
}

fn op(op: &PlannedOp) -> String {
    let grid = |cells: &[(u32, GridCell)]| {
        cells.iter().map(|(at, it)| format!("{at}:={}", cell(&it.value))).collect::<Vec<_>>().join(" ")
    };
    let place = match &op.grid {
        GridOp::Write { row, cells, .. } => format!("row {} {}", row - 1, grid(cells)),
        GridOp::Claim { row, claim, .. } => format!("row {} {claim}", row - 1),
        GridOp::Unclaim { claim } => claim.to_string(),
        GridOp::Insert { at, cells, .. } => format!("at {} {}", at - 1, grid(cells)),
        GridOp::Restore { at, slot, .. } => format!("at {} slot {slot}", at - 1),
        GridOp::Delete { row, slot, .. } => format!("row {} slot {slot}", row - 1),
    };
    let aim = match &op.aim {
        Aim::Cells { key, .. } => format!("cells of {key}"),
        Aim::Rekey { from, to, .. } => {
            format!("rekey {} to {to}", from.as_ref().map_or("blank".into(), ToString::to_string))
        }
        Aim::NewRow { key, .. } => format!("new {key}"),
        Aim::RemoveRow { key, .. } => format!("remove {key}"),
        Aim::Claim(_) => "claim".into(),
        Aim::Unclaim(_) => "unclaim".into(),
        Aim::MendCells { owed, victim, .. } => {
            format!("mend {owed} of {}", victim.as_ref().map_or("blank".into(), ToString::to_string))
        }
        Aim::MendRow { owed } => format!("mend row {owed}"),
    };
    format!("[{} {aim}: {place}]", op.link)
}

pub(super) fn base(table: usize, change: &BaseChange) -> String {
    match change {
        BaseChange::Set(key, _) => format!("{table}/{key}"),
        BaseChange::Forget { key, dead } => {
            format!("{table}/{key} gone{}", if *dead { ", dead" } else { "" })
        }
    }
}

pub(super) fn owed(owed: &Owed) -> String {
    let over = |cells: &[Overwritten]| {
        let one = |it: &Overwritten| {
            format!("{}:={} was {}", it.column, cell(&it.wrote.value), cell(&it.before.value))
        };
        cells.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let key = |key: &Option<Key>| key.as_ref().map_or("blank".into(), ToString::to_string);
    match owed {
        Owed::Cells { victim, cells, mark, back, .. } => {
            format!(
                "cells of {} {} mark {mark:?}{}",
                key(victim),
                over(cells),
                if *back { " back" } else { "" }
            )
        }
        Owed::KeyCells { wrong, victim, cells, mark, back, .. } => {
            let back = if *back { " back" } else { "" };
            format!("key of {}, which shows {}: {} mark {mark:?}{back}", key(victim), key(wrong), over(cells))
        }
        Owed::Row { victim, slot, .. } => format!("row {} of slot {slot}", key(victim)),
        Owed::Edit { key, column, cell: covered, .. } => {
            format!("edit of {key}.{column}: {}", cell(&covered.value))
        }
    }
}

pub(super) fn write(write: &TableWrite, outcome: &WriteOutcome) -> String {
    let aim = match &write.aim {
        WriteAim::Columns { key, wants, .. } => {
            let want = wants.iter().map(|want| {
                let how = if want.wins { " wins" } else { "" };
                format!(
                    "{}:={}{how}{}",
                    want.column,
                    cell(&want.cell),
                    if want.stands { "" } else { " covered" }
                )
            });
            format!("{key} {}", want.collect::<Vec<_>>().join(" "))
        }
        WriteAim::Insert { key, claim, cells: new } => format!(
            "insert {} claim {claim:?}: {}",
            key.as_ref().map_or("new".into(), ToString::to_string),
            cells(new.iter().map(|cell| &cell.value))
        ),
        WriteAim::Delete { key, .. } => format!("delete {key}"),
        WriteAim::Mark { key, .. } => format!("mark {key} as deleted"),
        WriteAim::Tie { key, claim, .. } => format!("tie {key} by {claim}"),
        WriteAim::Recreate { key, changed, .. } => format!("recreate {key} with {changed:?} changed"),
        WriteAim::Rename(renaming) => format!("rename {} to {}", renaming.from, renaming.to),
    };
    let then = match outcome {
        WriteOutcome::Done { after, key, left, refused, wrote, .. } => format!(
            "{key} {} {}{}{}",
            if *wrote { "written" } else { "unchanged" },
            after.row().map_or("gone".into(), db_row),
            if left.is_empty() { String::new() } else { format!(" left {left:?}") },
            if refused.is_empty() { String::new() } else { format!(" refused {refused:?}") },
        ),
        WriteOutcome::Refused { reason, .. } => format!("refused: {reason}"),
        WriteOutcome::Exists => "exists".into(),
        WriteOutcome::Outside => "outside of the filter".into(),
        WriteOutcome::Undone => "undone".into(),
        WriteOutcome::Failed => "failed".into(),
    };
    format!("  table {} effect {}: {aim} -> {then}", write.table, write.effect)
}

pub(super) fn did(did: &Did) -> String {
    match did {
        Did::Wrote { tab, before, after, .. } => {
            format!("    tab {tab} uid {}: {} was {}", before.uid, cells(&after.cells), cells(&before.cells))
        }
        Did::Inserted { tab, row } => {
            format!("    tab {tab} uid {} comes in: {}", row.uid, cells(&row.cells))
        }
        Did::Removed { tab, row } => format!("    tab {tab} uid {} removed: {}", row.uid, cells(&row.cells)),
        Did::Claimed { claim, uid } => format!("    uid {uid} is claimed {claim}"),
    }
}
