//! What nobody outside Google knows is a knob here, and what tests need to choose.

use serde::{Deserialize, Serialize};

/// Which trigger an action of a person fires, where that is not established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fires {
    /// An edit event with the range and no values, and a change event `EDIT`.
    Edit,
    /// A change event `OTHER` only.
    ChangeOther,
    /// Nothing at all.
    Silent,
}

/// What becomes of row labels in an action where that is not established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// They go with the row's cells.
    Follow,
    /// They stay where they are.
    Stay,
}

/// How a quota's minute is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Minute {
    /// Full at the start of every clock minute.
    Fixed,
    /// Any sixty seconds.
    Sliding,
}

/// How numbers of 1e15 and more are spelled in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BigNumbers {
    /// `1705971932369780`
    Digits,
    /// `1.70597193236978E15`
    Exponent,
}

/// What a write into cells that are protected from the caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedWrite {
    /// 400 `INVALID_ARGUMENT`, as it was once seen.
    Invalid,
    /// 403 `PERMISSION_DENIED`.
    Forbidden,
}

/// How the text of an edit event spells a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventDates {
    /// As days since 1899-12-30.
    Serial,
    /// As the cell shows it.
    Shown,
}

/// All knobs. Everything has a default, so a part of it can be set by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question that can only be answered yes or no")]
pub struct Knobs {
    /// Undo and redo by a person.
    pub undo_fires: Fires,
    /// Sorting by the menu.
    pub sort_fires: Fires,
    /// Filling down.
    pub fill_fires: Fires,
    /// Find and replace by a person.
    pub replace_fires: Fires,
    /// Setting or removing a filter by a person.
    pub filter_fires: Fires,
    /// How an edit event's `value` and `oldValue` spell dates.
    pub dates_in_events: EventDates,
    /// Row labels when a person sorts the whole width.
    pub labels_in_ui_sort: Labels,
    /// Row labels when only a part of the width is sorted, by a person or by `sortRange`.
    pub labels_in_partial_sort: Labels,
    /// Do labels come back when a person undoes the deletion of their row?
    pub undo_restores_labels: bool,
    /// Are labels copied (with fresh ids) when a tab is duplicated?
    pub duplicate_copies_labels: bool,
    /// Does a second creation of a chosen `metadataId` fail? (Documented; here so that its absence can be tested.)
    pub metadata_ids_unique: bool,
    /// Does a strict validation rule refuse values that come by the interface?
    pub strict_validation_blocks_api: bool,
    /// What a write into protected cells is answered.
    pub protected_write: ProtectedWrite,
    /// Does a write that starts inside the grid and reaches beyond it make the grid larger?
    pub writes_grow_grid: bool,
    /// How numbers of 1e15 and more are spelled.
    pub big_numbers: BigNumbers,
    /// Is minus zero printed as `-0`?
    pub minus_zero: bool,
    /// How a quota's minute is measured.
    pub quota_minute: Minute,
    /// Does `quotaUser` make buckets of its own?
    pub quota_user_counts: bool,
    /// Reads per minute and user.
    pub reads_per_user: u32,
    /// Writes per minute and user.
    pub writes_per_user: u32,
    /// Reads per minute and project.
    pub reads_per_project: u32,
    /// Writes per minute and project.
    pub writes_per_project: u32,
    /// Fixed service time of a call in milliseconds; 0 is off.
    pub service_ms: u64,
    /// Service time per megabyte of request and response in milliseconds.
    pub service_ms_per_mb: u64,
    /// Does Drive's `version` move with an edit by the interface? (Measured: it does not within 14 s.)
    pub drive_version_moves: bool,
}

impl Knobs {
    /// Calls that take as long as the real service's do: 0.3 s and 1 s a megabyte.
    #[must_use]
    pub fn with_service_time(self) -> Self {
        Self { service_ms: 300, service_ms_per_mb: 1000, ..self }
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            undo_fires: Fires::Edit,
            sort_fires: Fires::Edit,
            fill_fires: Fires::Edit,
            replace_fires: Fires::Edit,
            filter_fires: Fires::ChangeOther,
            dates_in_events: EventDates::Serial,
            labels_in_ui_sort: Labels::Follow,
            labels_in_partial_sort: Labels::Stay,
            undo_restores_labels: true,
            duplicate_copies_labels: false,
            metadata_ids_unique: true,
            strict_validation_blocks_api: false,
            protected_write: ProtectedWrite::Invalid,
            writes_grow_grid: true,
            big_numbers: BigNumbers::Digits,
            minus_zero: false,
            quota_minute: Minute::Fixed,
            quota_user_counts: false,
            reads_per_user: 60,
            writes_per_user: 60,
            reads_per_project: 300,
            writes_per_project: 300,
            service_ms: 0,
            service_ms_per_mb: 0,
            drive_version_moves: false,
        }
    }
}
