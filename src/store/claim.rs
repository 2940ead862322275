//! New rows of a tab on their way to a key (protocol C6).

use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::model::key::Key;
use crate::model::link::LinkName;
use crate::model::mark::ClaimId;
use crate::store::bulk::Bulk;
use crate::store::{Result, StoreError};

/// A claim whose key does not stand in the sheet yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenClaim {
    /// The claim.
    pub claim: ClaimId,
    /// Known once the row is inserted into the table.
    pub key: Option<Key>,
    /// The row as it was claimed, as JSON that the engine understands.
    pub content: String,
}

/// Remembers claims, before the batch that marks their rows is sent.
pub async fn insert(conn: &mut impl Queryable, link: &LinkName, claims: &[(ClaimId, String)]) -> Result<()> {
    let row = |(claim, content): &(ClaimId, String)| {
        vec![Value::from(&link.0), Value::from(claim.0), Value::from(content)]
    };
    let claims = Bulk { row: "(?, ?, ?)", fixed: Vec::new(), rows: claims.iter().map(row).collect() };
    claims.run(conn, |rows| format!("INSERT INTO claim (link, claim, content) VALUES {rows}")).await
}

/// Writes a claim's content anew: the link's columns are others than when it was made.
pub async fn rewrite(
    conn: &mut impl Queryable,
    link: &LinkName,
    claim: ClaimId,
    content: &str,
) -> Result<()> {
    let sql = "UPDATE claim SET content = ? WHERE link = ? AND claim = ?";
    Ok(conn.exec_drop(sql, (content, &link.0, claim.0)).await?)
}

/// Stores the key of an inserted row, in the transaction that inserts it.
pub async fn keyed(conn: &mut impl Queryable, link: &LinkName, claim: ClaimId, key: &Key) -> Result<()> {
    conn.exec_drop(
        "UPDATE claim SET key_text = ? WHERE link = ? AND claim = ?",
        (key.to_string(), &link.0, claim.0),
    )
    .await?;
    Ok(())
}

/// The keys of these claims stand in the sheet: they are open no longer.
pub async fn name(conn: &mut impl Queryable, link: &LinkName, claims: &[ClaimId]) -> Result<()> {
    of(link, claims)
        .run(conn, |claims| format!("UPDATE claim SET named = TRUE WHERE link = ? AND claim IN ({claims})"))
        .await
}

/// Forgets claims that came to nothing: the mark was missed, or the row is gone.
pub async fn drop_claims(conn: &mut impl Queryable, link: &LinkName, claims: &[ClaimId]) -> Result<()> {
    of(link, claims)
        .run(conn, |claims| format!("DELETE FROM claim WHERE link = ? AND claim IN ({claims})"))
        .await
}

/// Forgets all named claims of a link, once their marks are off the sheet.
pub async fn delete_named(conn: &mut impl Queryable, link: &LinkName) -> Result<()> {
    conn.exec_drop("DELETE FROM claim WHERE link = ? AND named", (&link.0,)).await?;
    Ok(())
}

/// The open claims of a link, by id.
pub async fn open(conn: &mut impl Queryable, link: &LinkName) -> Result<Vec<OpenClaim>> {
    let rows: Vec<(u64, Option<String>, String)> = conn
        .exec(
            "SELECT claim, key_text, content FROM claim WHERE link = ? AND NOT named ORDER BY claim",
            (&link.0,),
        )
        .await?;
    let typed = |(claim, key, content): (u64, Option<String>, String)| {
        let key = key
            .map(|key| key.parse())
            .transpose()
            .map_err(|_| StoreError::Corrupt { table: "claim", what: "a key's text is no key" })?;
        Ok(OpenClaim { claim: ClaimId(claim), key, content })
    };
    rows.into_iter().map(typed).collect()
}

fn of(link: &LinkName, claims: &[ClaimId]) -> Bulk<'static> {
    Bulk {
        row: "?",
        fixed: vec![Value::from(&link.0)],
        rows: claims.iter().map(|claim| vec![Value::from(claim.0)]).collect(),
    }
}
