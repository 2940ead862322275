//! What a guarded transaction leaves behind: its entry in the ledger and its line in the journal.

use crate::daemon::table::Table;
use crate::engine::effect::{TableWrite, WriteAim};
use crate::engine::input::{DbRow, WriteOutcome};
use crate::model::key::Key;
use crate::model::mark::ClaimId;
use crate::store::ledger::{Entry, Kind};

/// The ledger's entry of a guarded transaction.
pub(super) fn entry(
    table: &Table,
    write: &TableWrite,
    kind: Kind,
    key: Option<&Key>,
    claim: Option<ClaimId>,
    (before, after): (Option<&DbRow>, Option<&DbRow>),
) -> Entry {
    let pack = |row: &DbRow| serde_json::to_vec(&row.iter().map(|cell| &cell.value).collect::<Vec<_>>()).ok();
    let (cause, editor) = match &write.cause {
        Some((edit, editor)) => (format!("edit {edit}"), editor.clone()),
        None => ("sweep".to_owned(), None),
    };
    Entry {
        id: write.effect,
        link: Some(table.link.rules.name.clone()),
        kind,
        key: key.cloned(),
        cause,
        editor,
        claim,
        before: before.and_then(pack),
        after: after.and_then(pack),
    }
}

/// One line in the journal for one row.
pub(super) fn journal(table: &Table, write: &TableWrite, outcome: &WriteOutcome) {
    let key = match (&write.aim, outcome) {
        (_, WriteOutcome::Done { key: made, .. }) => made.to_string(),
        (WriteAim::Rename(renaming), _) => renaming.from.to_string(),
        (WriteAim::Insert { key, .. }, _) => key.as_ref().map(ToString::to_string).unwrap_or_default(),
        (
            WriteAim::Columns { key, .. }
            | WriteAim::Delete { key, .. }
            | WriteAim::Mark { key, .. }
            | WriteAim::Tie { key, .. }
            | WriteAim::Recreate { key, .. },
            _,
        ) => key.to_string(),
    };
    let word = match outcome {
        // Of a row some cells may be taken and others refused: what somebody has to mend is what counts.
        WriteOutcome::Done { refused, .. } if !refused.is_empty() => "refused",
        WriteOutcome::Done { left, .. } if !left.is_empty() => "conflict",
        WriteOutcome::Done { wrote: true, .. } => "applied",
        WriteOutcome::Done { wrote: false, .. } => "unchanged",
        WriteOutcome::Refused { .. } => "refused",
        WriteOutcome::Exists => "exists",
        WriteOutcome::Outside => "outside of the filter",
        WriteOutcome::Undone => "undone with its paste",
        WriteOutcome::Failed => "waits",
    };
    tracing::info!(
        LINK = table.link.rules.name.0.as_str(),
        TABLE = table.schema.name.to_string(),
        ROW_KEY = key,
        DIRECTION = "to_table",
        OUTCOME = word,
        EFFECT = write.effect.0,
        "sheet -> table: {word}"
    );
}
