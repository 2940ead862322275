//! The ledger: every effect on the user's tables, in the effect's own transaction.
//!
//! The binary log carries each entry beside its effect; the tail takes the ids out of the row images, and so opens fences
//! (protocol C1). The entries are also the audit: who, why, before and after.

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::{ClaimId, EffectId};
use crate::store::bulk::Bulk;
use crate::store::pack::pack;
use crate::store::{Result, StoreError};

/// The table's name in our schema: what the tail looks for in table maps.
pub const TABLE: &str = "ledger";

/// The place of the id (BIGINT UNSIGNED) in the row images of [`TABLE`], from zero.
pub const ID_COLUMN: usize = 0;

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A row of the user was updated.
    Write,
    /// A row of the user was inserted.
    Insert,
    /// A row of the user was deleted.
    Delete,
    /// A row was read beside the stream: the entry places that read in it.
    Probe,
    /// A watermark.
    Mark,
    /// Both sides changed one cell: both values stand here.
    Conflict,
    /// Something that a person should be able to read later.
    Note,
}

impl Kind {
    /// As it stands in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Insert => "insert",
            Self::Delete => "delete",
            Self::Probe => "probe",
            Self::Mark => "mark",
            Self::Conflict => "conflict",
            Self::Note => "note",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id; unique for ever (see [`EffectId::first_of`]).
    pub id: EffectId,
    /// The link, unless it concerns all.
    pub link: Option<LinkName>,
    /// What it records.
    pub kind: Kind,
    /// The row.
    pub key: Option<Key>,
    /// Why, in a word and perhaps an id: `edit 17`, `sweep`. At most 255 characters.
    pub cause: String,
    /// Who, where Google told. At most 320 characters.
    pub editor: Option<String>,
    /// The claim that an insert serves: after a crash, claim and entry find each other.
    pub claim: Option<ClaimId>,
    /// The row before; the caller's own form, compressed at rest.
    pub before: Option<Vec<u8>>,
    /// The row after.
    pub after: Option<Vec<u8>>,
}

/// Appends entries.
pub async fn append(conn: &mut impl Queryable, entries: &[Entry]) -> Result<()> {
    let row = |entry: &Entry| {
        vec![
            Value::from(entry.id.0),
            Value::from(entry.link.as_ref().map(|link| &link.0)),
            Value::from(entry.kind.word()),
            Value::from(entry.key.as_ref().map(ToString::to_string)),
            Value::from(&entry.cause),
            Value::from(entry.editor.as_ref()),
            Value::from(entry.claim.map(|claim| claim.0)),
            Value::from(entry.before.as_deref().map(pack)),
            Value::from(entry.after.as_deref().map(pack)),
        ]
    };
    let entries = Bulk {
        row: "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        fixed: Vec::new(),
        rows: entries.iter().map(row).collect(),
    };
    entries
        .run(conn, |rows| {
            format!(
                "INSERT INTO ledger (id, link, kind, key_text, cause, editor, claim, before_packed, after_packed) \
                 VALUES {rows}"
            )
        })
        .await
}

/// Whether an entry stands in the ledger. A transaction that is still on its way to its end is waited for.
pub async fn is_written(conn: &mut impl Queryable, id: EffectId) -> Result<bool> {
    let found: Option<u64> =
        conn.exec_first("SELECT id FROM ledger WHERE id = ? LOCK IN SHARE MODE", (id.0,)).await?;
    Ok(found.is_some())
}

/// Which of these claims were already inserted, and under which key.
pub async fn inserted(
    conn: &mut impl Queryable,
    link: &LinkName,
    claims: &[ClaimId],
) -> Result<Vec<(ClaimId, Key)>> {
    let asked = Bulk {
        row: "?",
        fixed: vec![Value::from(&link.0)],
        rows: claims.iter().map(|claim| vec![Value::from(claim.0)]).collect(),
    };
    let rows: Vec<(u64, String)> = asked
        .fetch(conn, |claims| {
            format!(
                "SELECT claim, key_text FROM ledger
                 WHERE link = ? AND claim IN ({claims}) AND kind = 'insert' AND key_text IS NOT NULL"
            )
        })
        .await?;
    let typed = |(claim, key): (u64, String)| {
        let key =
            key.parse().map_err(|_| StoreError::Corrupt { table: TABLE, what: "a key's text is no key" })?;
        Ok((ClaimId(claim), key))
    };
    rows.into_iter().map(typed).collect()
}
