//! What the daemon says in the spreadsheets: the texts of its notes, stored before they are written.

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::digest::{Digest, wide};
use crate::model::link::LinkName;
use crate::store::Result;
use crate::store::bulk::Bulk;

/// Why something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A cell, a row or the link is held back: it is said while that lasts.
    Standing,
    /// A conflict was decided: it is said while the cell shows how it ended.
    Conflict {
        /// The cell that the conflict ends with.
        winner: Digest,
        /// What stands there until it has ended.
        loser: Digest,
    },
}

/// One text of ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// The link.
    pub link: LinkName,
    /// Why.
    pub cause: Cause,
    /// The row of a conflict: its key's text. Empty for what stands.
    pub row: String,
    /// The column of a conflict, as the table calls it.
    pub column: String,
    /// The note's text, whole.
    pub text: String,
}

impl Note {
    fn digest(&self) -> [u8; 16] {
        wide(format!("{}\0{}\0{}", self.row, self.column, self.text).as_bytes())
    }
}

/// Remembers texts; what is known already stays as it is.
pub async fn insert(conn: &mut impl Queryable, notes: &[Note]) -> Result<()> {
    let row = |note: &Note| {
        let (cause, winner, loser) = match note.cause {
            Cause::Standing => ("standing", 0, 0),
            Cause::Conflict { winner, loser } => ("conflict", winner.0, loser.0),
        };
        vec![
            Value::from(&note.link.0),
            Value::from(note.digest()),
            Value::from(cause),
            Value::from(&note.row),
            Value::from(&note.column),
            Value::from(&note.text),
            Value::from(winner),
            Value::from(loser),
        ]
    };
    let notes =
        Bulk { row: "(?, ?, ?, ?, ?, ?, ?, ?)", fixed: Vec::new(), rows: notes.iter().map(row).collect() };
    notes
        .run(conn, |rows| {
            format!(
                "INSERT INTO note (link, digest, cause, row_text, column_name, text, winner_digest, loser_digest)
                 VALUES {rows} ON DUPLICATE KEY UPDATE cause = VALUES(cause), winner_digest = VALUES(winner_digest),
                   loser_digest = VALUES(loser_digest)"
            )
        })
        .await
}

/// Forgets texts that stand in no sheet any more.
pub async fn delete(conn: &mut impl Queryable, notes: &[Note]) -> Result<()> {
    let row = |note: &Note| vec![Value::from(&note.link.0), Value::from(note.digest())];
    let notes = Bulk { row: "(?, ?)", fixed: Vec::new(), rows: notes.iter().map(row).collect() };
    notes.run(conn, |rows| format!("DELETE FROM note WHERE (link, digest) IN ({rows})")).await
}

/// Everything that is said for these links.
pub async fn list(conn: &mut impl Queryable, links: &[LinkName]) -> Result<Vec<Note>> {
    let asked = Bulk {
        row: "?",
        fixed: Vec::new(),
        rows: links.iter().map(|link| vec![Value::from(&link.0)]).collect(),
    };
    let rows: Vec<(String, String, String, String, String, u64, u64)> = asked
        .fetch(conn, |links| {
            format!(
                "SELECT link, cause, row_text, column_name, text, winner_digest, loser_digest FROM note
                 WHERE link IN ({links}) ORDER BY at"
            )
        })
        .await?;
    let typed = |(link, cause, row, column, text, winner, loser): (_, String, _, _, _, _, _)| Note {
        link: LinkName(link),
        cause: match cause.as_str() {
            "conflict" => Cause::Conflict { winner: Digest(winner), loser: Digest(loser) },
            _ => Cause::Standing,
        },
        row,
        column,
        text,
    };
    Ok(rows.into_iter().map(typed).collect())
}
