//! The inbox: edits that the script sent, durable before they are acknowledged.
//!
//! One POST carries many edits under one webhook id. Its edits are accepted together or not at all, and a repeat of the
//! POST (the script never learned of our answer) finds what the first one led to.

use jiff::Timestamp;
use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value};

use crate::model::link::LinkName;
use crate::model::mark::EditId;
use crate::store::bulk::Bulk;
use crate::store::{Result, StoreError};

/// What became of a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is new: the ids of its edits, in its order.
    New(Vec<EditId>),
    /// It was accepted before: its edits with their answers, in its order, `None` where an edit is not decided yet.
    Repeat(Vec<(EditId, Option<String>)>),
}

/// An edit that waits for its decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The edit.
    pub id: EditId,
    /// The link that it came for.
    pub link: LinkName,
    /// When its POST was accepted, by the server's clock.
    pub received_at: Timestamp,
    /// What the script sent, as JSON.
    pub body: String,
}

const DUPLICATE: u16 = 1062;

/// Accepts the edits of one POST, all in one statement.
pub async fn accept(
    conn: &mut impl Queryable,
    link: &LinkName,
    webhook_id: &str,
    bodies: &[String],
) -> Result<Accepted> {
    let known = answers(conn, link, webhook_id, "").await?;
    if !known.is_empty() || bodies.is_empty() {
        return Ok(repeat(known));
    }
    let values = bodies.iter().zip(0_u32..).flat_map(|(body, number)| {
        [Value::from(&link.0), Value::from(webhook_id), Value::from(number), Value::from(body)]
    });
    // All or none: a POST is small (256 KiB), so it needs no cutting into statements of a size.
    let text = format!(
        "INSERT INTO edit (link, webhook_id, edit_no, body) VALUES {}",
        vec!["(?, ?, ?, ?)"; bodies.len()].join(", ")
    );
    let stored = conn.exec_drop(text, Params::Positional(values.collect())).await;
    match stored.map_err(StoreError::from) {
        // Its twin was faster, between our look and our insert: a locking read sees what a transaction's own view may not.
        Err(error) if error.server_code() == Some(DUPLICATE) => {
            Ok(repeat(answers(conn, link, webhook_id, "LOCK IN SHARE MODE").await?))
        }
        Err(error) => Err(error),
        Ok(()) => {
            let stored = answers(conn, link, webhook_id, "").await?;
            Ok(Accepted::New(stored.into_iter().map(|(id, _)| EditId(id)).collect()))
        }
    }
}

fn repeat(known: Vec<(u64, Option<String>)>) -> Accepted {
    Accepted::Repeat(known.into_iter().map(|(id, answer)| (EditId(id), answer)).collect())
}

/// Not locking at first: two POSTs that look at the same gap in the index would each keep the other from its insert.
async fn answers(
    conn: &mut impl Queryable,
    link: &LinkName,
    webhook_id: &str,
    lock: &str,
) -> Result<Vec<(u64, Option<String>)>> {
    let text =
        format!("SELECT id, answer FROM edit WHERE link = ? AND webhook_id = ? ORDER BY edit_no {lock}");
    Ok(conn.exec(text, (&link.0, webhook_id)).await?)
}

/// Stores the answers of decided edits.
pub async fn answer(conn: &mut impl Queryable, answers: &[(EditId, String)]) -> Result<()> {
    for part in answers.chunks(64) {
        let list = vec!["?"; part.len()].join(", ");
        let ids = || part.iter().map(|(id, _)| Value::from(id.0));
        let texts = part.iter().map(|(_, answer)| Value::from(answer));
        let params = ids().chain(texts).chain(ids()).collect();
        let text = format!(
            "UPDATE edit SET answer = ELT(FIELD(id, {list}), {list}), answered = TRUE WHERE id IN ({list})"
        );
        conn.exec_drop(text, Params::Positional(params)).await?;
    }
    Ok(())
}

/// The answers of some edits, as far as they are decided.
pub async fn answered(conn: &mut impl Queryable, ids: &[EditId]) -> Result<Vec<(EditId, String)>> {
    let asked =
        Bulk { row: "?", fixed: Vec::new(), rows: ids.iter().map(|id| vec![Value::from(id.0)]).collect() };
    let rows: Vec<(u64, String)> = asked
        .fetch(conn, |ids| {
            format!("SELECT id, answer FROM edit WHERE answered AND id IN ({ids}) ORDER BY id")
        })
        .await?;
    Ok(rows.into_iter().map(|(id, answer)| (EditId(id), answer)).collect())
}

/// The edits that wait for a decision, oldest first: after a start, the work that was accepted and not yet done.
pub async fn unanswered(conn: &mut impl Queryable) -> Result<Vec<Waiting>> {
    let rows: Vec<(u64, String, i64, String)> = conn
        .query(
            "SELECT id, link, CAST(UNIX_TIMESTAMP(received_at) * 1000000 AS SIGNED), body
             FROM edit WHERE NOT answered ORDER BY id",
        )
        .await?;
    let typed = |(id, link, micros, body)| {
        Ok(Waiting {
            id: EditId(id),
            link: LinkName(link),
            received_at: Timestamp::from_microsecond(micros)
                .map_err(|_| StoreError::Corrupt { table: "edit", what: "a time is out of range" })?,
            body,
        })
    };
    rows.into_iter().map(typed).collect()
}
