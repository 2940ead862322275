//! The wire between the script in the sheet and the endpoint.
//!
//! A delivery is a hint and never authority: it tells where to look, and who edited when. Unknown fields are errors, so
//! that a script and a daemon that do not fit say so instead of misunderstanding each other.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

/// One POST: edits of one tab.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The wire's version, 1.
    pub v: u32,
    /// The spreadsheet's id.
    pub spreadsheet: String,
    /// The tab.
    pub sheet_id: i32,
    /// In the order in which they were made.
    pub edits: Vec<Edit>,
}

/// One event of the script.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Edit {
    /// Cells were edited.
    Edit(CellEdit),
    /// Rows, columns or tabs came, went or moved, or something else that has no range.
    Change(StructureChange),
}

impl Edit {
    /// Its id, the same on every try.
    pub fn id(&self) -> &EditId {
        match self {
            Self::Edit(edit) => &edit.id,
            Self::Change(change) => &change.id,
        }
    }
}

/// An edit of cells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellEdit {
    /// Its id.
    pub id: EditId,
    /// Where, at the time of the event; rows may have moved since.
    pub range: EditRange,
    /// Row 1 as the script read it.
    #[serde(default)]
    pub header: Vec<String>,
    /// The edited rows as displayed, at most 100.
    #[serde(default)]
    pub rows: Vec<EditedRow>,
    /// The new content, where Google tells it (single cells).
    pub value: Option<String>,
    /// The old content, where Google tells it.
    pub old_value: Option<String>,
    /// The editor's address, where Google tells it.
    pub editor: Option<String>,
    /// Wall time of the event.
    #[serde(deserialize_with = "wall_time")]
    pub at: DateTime,
    /// The IANA zone that `at` is in.
    pub zone: String,
}

/// A change without a range.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructureChange {
    /// Its id.
    pub id: EditId,
    /// Google's word: `INSERT_ROW`, `REMOVE_ROW`, `OTHER` and so on.
    pub change: Option<String>,
    /// The editor's address, where Google tells it.
    pub editor: Option<String>,
    /// Wall time of the event.
    #[serde(deserialize_with = "wall_time")]
    pub at: DateTime,
    /// The IANA zone that `at` is in.
    pub zone: String,
}

/// Apps Script's own numbers: from 1, both ends inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditRange {
    /// First row.
    pub row_start: u32,
    /// Last row.
    pub row_end: u32,
    /// First column.
    pub column_start: u32,
    /// Last column.
    pub column_end: u32,
}

/// A row as the script displayed it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditedRow {
    /// Its number, from 1.
    pub row: u32,
    /// The texts from column A to the last header.
    pub cells: Vec<String>,
}

/// An edit's id: `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EditId(String);

impl EditId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EditId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 of A-Z, a-z, 0-9, _ and -")]
pub struct NotAnId;

impl TryFrom<String> for EditId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        if is_id { Ok(Self(text)) } else { Err(NotAnId) }
    }
}

/// The instant of a wall time; `None` if the zone is unknown.
pub fn instant(at: DateTime, zone: &str) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).ok()?;
    zone.to_ambiguous_timestamp(at).compatible().ok()
}

fn wall_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("not a wall time like 2026-11-23T12:00:00.000"))
}

/// The answer to one edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditAnswer {
    /// The edit.
    pub id: EditId,
    /// What became of it.
    pub outcome: EditOutcome,
    /// The row, from 1, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// The column's name, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A sentence for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of an edit of several rows, each row of which there is something to tell: at most 100, from the top.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowAnswer>,
}

impl EditAnswer {
    /// An answer that is one word.
    pub fn bare(id: EditId, outcome: EditOutcome) -> Self {
        Self { id, outcome, row: None, column: None, message: None, rows: Vec::new() }
    }
}

/// The answer to one row of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowAnswer {
    /// The row, from 1, where it stood when it was decided.
    pub row: u32,
    /// What became of it.
    pub outcome: EditOutcome,
    /// The column's name, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A sentence for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EditOutcome {
    /// It stands in the table.
    Applied,
    /// The table had changed too; the policy decided.
    Conflict,
    /// The table cannot take it.
    Refused,
    /// Nothing to do.
    Unchanged,
    /// It came before, and was answered then.
    Duplicate,
    /// It is safe with us and decided later.
    Accepted,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"v":1,"spreadsheet":"s","sheet_id":0,
        "edits":[{"id":"a-1","kind":"edit","range":{"row_start":2,"row_end":2,"column_start":3,"column_end":3},
          "header":["id","name"],"rows":[{"row":2,"cells":["17","Ann"]}],
          "value":"Ann","old_value":"An","editor":"a@b.c","at":"2026-11-23T12:00:00.000","zone":"Europe/Berlin"},
         {"id":"a-2","kind":"change","change":"INSERT_ROW","editor":"a@b.c","at":"2026-11-23T12:00:00","zone":"Etc/UTC"}]}"#;

    #[test]
    fn the_wire_of_the_script_is_understood() {
        let delivery: Delivery = serde_json::from_str(WHOLE).expect("the documented form");
        let [Edit::Edit(edit), Edit::Change(change)] = delivery.edits.as_slice() else {
            panic!("an edit and a change")
        };
        assert_eq!(edit.range.column_start, 3);
        assert_eq!(edit.rows[0].cells, ["17", "Ann"]);
        assert_eq!(change.change.as_deref(), Some("INSERT_ROW"));
        let seconds = instant(edit.at, &edit.zone).map(Timestamp::as_second);
        assert_eq!(seconds, Some(1_795_431_600), "noon in Berlin is 11 in UTC");
    }

    #[test]
    fn what_we_do_not_know_is_an_error() {
        for (from, to) in [
            (r#""v":1"#, r#""v":1,"w":2"#),
            (r#""value":"Ann""#, r#""worth":"Ann""#),
            (r#""change":"INSERT_ROW""#, r#""change":"INSERT_ROW","range":{}"#),
            (r#""row_start":2"#, r#""row_start":-2"#),
            ("a-1", "a 1"),
            (r#""kind":"change""#, r#""kind":"chance""#),
            ("12:00:00.000", "noon"),
            (r#""zone":"Etc/UTC""#, r#""place":"Etc/UTC""#),
        ] {
            let broken = WHOLE.replacen(from, to, 1);
            assert_ne!(broken, WHOLE);
            assert!(serde_json::from_str::<Delivery>(&broken).is_err(), "{to}");
        }
    }
}
