//! People's edits: durable before they are acknowledged, answered when they are decided.
//!
//! An edit is a hint where to look. Its row in the inbox is committed before anything is answered; then the engine reads the
//! sheet, and the answer is what became of the rows. Who asks again with the same id gets the first answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Pool;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

use crate::config::Settings;
use crate::daemon::DaemonError;
use crate::daemon::route::Destination;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::standing::Standing;
use crate::daemon::table::Table;
use crate::engine::effect::{Answered, Outcome, Verdict};
use crate::engine::input::{EditHint, EditNumber, Input, Micros, TableIndex};
use crate::fault::Classify;
use crate::model::link::{LinkName, SpreadsheetId};
use crate::sheet::listen::edit::{Edit, EditAnswer, EditId, EditOutcome, RowAnswer, instant};
use crate::sheet::listen::{self, Accepted, Answer, Door, Limits, LinkKey, Listener};
use crate::sheet::signature::WebhookSecret;
use crate::store::edits::{self, Accepted as Stored};
use secrecy::ExposeSecret;

/// How long a request waits for its decision: longer costs the script's daily time (protocol, quota for real users).
const DECIDED_WITHIN: Duration = Duration::from_millis(900);

/// Edits that may wait for a decision before no more are taken.
const MOST_WAITING: u64 = 20_000;

/// An edit as the inbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    id: EditId,
    /// First and last row, zero-based; none for a structural change.
    rows: Option<(u32, u32)>,
    at: Option<Micros>,
    editor: Option<String>,
    /// What the script saw, for the list of edits that could not be placed.
    value: Option<String>,
    old_value: Option<String>,
}

/// An answer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Decided {
    outcome: Word,
    row: Option<u32>,
    column: Option<String>,
    message: Option<String>,
    /// Of an edit of several rows, each row of which there is something to tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rows: Vec<Self>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Applied,
    Conflict,
    Refused,
    Unchanged,
    Accepted,
}

/// An outcome, for the count of decided edits.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Applied => "applied",
        Outcome::Waiting => "accepted",
        Outcome::Conflict => "conflict",
        Outcome::Refused => "refused",
    }
}

impl Decided {
    fn of(table: Option<&Table>, verdict: &Verdict) -> Self {
        let header = |at: usize| table?.plan.columns.get(at).map(|column| column.rule.header.clone());
        Self {
            outcome: match verdict.outcome {
                Outcome::Unchanged => Word::Unchanged,
                Outcome::Applied => Word::Applied,
                Outcome::Waiting => Word::Accepted,
                Outcome::Conflict => Word::Conflict,
                Outcome::Refused => Word::Refused,
            },
            row: verdict.place.map(|(row, _)| row + 1),
            column: verdict.place.and_then(|(_, at)| header(at)),
            message: Some(verdict.message.clone()).filter(|message| !message.is_empty()),
            rows: Vec::new(),
        }
    }

    fn told(self, id: EditId) -> EditAnswer {
        let row = |row: Self| {
            Some(RowAnswer {
                row: row.row?,
                outcome: row.outcome.told(),
                column: row.column,
                message: row.message,
            })
        };
        EditAnswer {
            id,
            outcome: self.outcome.told(),
            row: self.row,
            column: self.column,
            message: self.message,
            rows: self.rows.into_iter().filter_map(row).collect(),
        }
    }
}

impl Word {
    fn told(self) -> EditOutcome {
        match self {
            Self::Applied => EditOutcome::Applied,
            Self::Conflict => EditOutcome::Conflict,
            Self::Refused => EditOutcome::Refused,
            Self::Unchanged => EditOutcome::Unchanged,
            Self::Accepted => EditOutcome::Accepted,
        }
    }
}

/// The text of an answer, as it is stored.
pub fn answer_text(tables: &[Arc<Table>], answered: &Answered) -> String {
    let table = tables.get(answered.table).map(Arc::as_ref);
    let row = |(row, verdict): &(u32, Verdict)| Decided { row: Some(row + 1), ..Decided::of(table, verdict) };
    let rows = answered.rows.iter().map(row).collect();
    let decided = Decided { rows, ..Decided::of(table, &answered.verdict) };
    serde_json::to_string(&decided).unwrap_or_default()
}

/// Where a link's edits go.
#[derive(Clone, Debug)]
struct Addressee {
    table: TableIndex,
    spreadsheet: SpreadsheetId,
    secrets: Vec<WebhookSecret>,
    inputs: mpsc::Sender<Input>,
}

/// The inbox of all links that have a script.
#[derive(Debug)]
pub struct Inbox {
    links: BTreeMap<LinkName, Addressee>,
    pool: Pool,
    answers: broadcast::Sender<(EditNumber, String)>,
    standing: Arc<Standing>,
}

impl Inbox {
    /// An inbox for the links that have secrets.
    ///
    /// # Errors
    /// A secret that is none.
    pub fn new(
        settings: &Settings,
        destinations: &[Destination],
        pool: &Pool,
        answers: &broadcast::Sender<(EditNumber, String)>,
        standing: &Arc<Standing>,
    ) -> Result<Arc<Self>, DaemonError> {
        let mut links = BTreeMap::new();
        for destination in destinations {
            for (table, linked) in destination.tables.iter().enumerate() {
                let Some(link) = settings.links.iter().find(|link| link.rules.name == linked.link.rules.name)
                else {
                    continue;
                };
                let mut secrets = Vec::new();
                for secret in &link.secrets {
                    let secret = secret.expose_secret().parse::<WebhookSecret>();
                    secrets.push(secret.map_err(|_| DaemonError::Secret(link.rules.name.clone()))?);
                }
                let spreadsheet = link.spreadsheet.clone();
                let inputs = destination.inputs.clone();
                links.insert(link.rules.name.clone(), Addressee { table, spreadsheet, secrets, inputs });
            }
        }
        let (pool, answers, standing) = (pool.clone(), answers.clone(), Arc::clone(standing));
        Ok(Arc::new(Self { links, pool, answers, standing }))
    }

    /// Hands edits that were accepted and not decided before the last stop to the engines again.
    pub async fn recall(&self) -> Result<(), DaemonError> {
        let mut conn = self.pool.get_conn().await?;
        for waiting in edits::unanswered(&mut conn).await? {
            let Some(addressee) = self.links.get(&waiting.link) else { continue };
            let kept: Kept = serde_json::from_str(&waiting.body).map_err(|_| {
                crate::store::StoreError::Corrupt { table: "edit", what: "an edit cannot be read" }
            })?;
            // The engine may not run yet: the channel holds what it will take first.
            if addressee.inputs.try_send(Input::Edit(hint(waiting.id.0, addressee.table, &kept))).is_err() {
                tracing::info!(LINK = waiting.link.0, "an earlier edit is found by the first read");
            }
        }
        Ok(())
    }

    async fn accept(&self, accepted: &Accepted) -> Result<Answer, crate::store::StoreError> {
        let Some(addressee) = self.links.get(&accepted.link) else { return Ok(Answer::Unavailable) };
        if self.standing.waiting() > MOST_WAITING {
            // The sheet cannot be read, for long: the scripts keep what they have, and our memory has its bound.
            return Ok(Answer::Unavailable);
        }
        if accepted.is_previous {
            self.standing.signed_as_before(&accepted.link);
        }
        let kept: Vec<Kept> = accepted.delivery.edits.iter().map(kept).collect();
        let bodies: Vec<String> =
            kept.iter().map(|kept| serde_json::to_string(kept).unwrap_or_default()).collect();
        // Before the edits are known to the engine, so that no answer is missed.
        let mut decided = self.answers.subscribe();
        let mut conn = self.pool.get_conn().await?;
        let stored = edits::accept(&mut conn, &accepted.link, accepted.message.as_str(), &bodies).await?;
        drop(conn);
        let mut answers: Vec<(EditNumber, Option<String>)> = match stored {
            Stored::New(ids) => ids.iter().map(|id| (id.0, None)).collect(),
            Stored::Repeat(known) => known.into_iter().map(|(id, answer)| (id.0, answer)).collect(),
        };
        self.ask(addressee, &kept, &answers).await;
        let all = async {
            while answers.iter().any(|(_, answer)| answer.is_none()) {
                match decided.recv().await {
                    Ok((edit, text)) => {
                        if let Some((_, answer)) = answers.iter_mut().find(|(id, _)| *id == edit) {
                            *answer = Some(text);
                        }
                    }
                    // Too many answers at once for us to follow, or the end: the stored ones are true all the same.
                    Err(_) => return,
                }
            }
        };
        let _ = timeout(DECIDED_WITHIN, all).await;
        if answers.iter().any(|(_, answer)| answer.is_none()) {
            return Ok(Answer::AcceptedForLater);
        }
        Ok(Answer::Decided(
            kept.iter().zip(&answers).map(|(kept, (_, answer))| told(kept, answer.as_deref())).collect(),
        ))
    }

    /// Tells the engine where to look. Of a repeat too, as far as it is not decided: the request that came first may have
    /// broken off between its commit and this.
    async fn ask(&self, addressee: &Addressee, kept: &[Kept], answers: &[(EditNumber, Option<String>)]) {
        let open = answers.iter().zip(kept).filter(|((_, answer), _)| answer.is_none());
        let hints: Vec<EditHint> = open.map(|((id, _), kept)| hint(*id, addressee.table, kept)).collect();
        self.standing.accepted(answers.len(), hints.len());
        for hint in hints {
            let _ = addressee.inputs.send(Input::Edit(hint)).await;
        }
    }
}

impl Door for Inbox {
    fn key(&self, link: &LinkName) -> Option<LinkKey> {
        let addressee = self.links.get(link)?;
        let (spreadsheet, secrets) = (addressee.spreadsheet.clone(), addressee.secrets.clone());
        Some(LinkKey { spreadsheet, secrets })
    }

    async fn deliver(&self, accepted: Accepted) -> Answer {
        match self.accept(&accepted).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(LINK = accepted.link.0, %error, advice = error.advice(), "edits cannot be accepted now");
                Answer::Unavailable
            }
        }
    }
}

/// Listens for the scripts until the end.
pub async fn serve(listener: Listener, inbox: Arc<Inbox>, mut shutdown: Shutdown) -> Result<(), DaemonError> {
    listen::serve(listener, inbox, Limits::default(), async move { shutdown.requested().await }).await;
    Ok(())
}

fn kept(edit: &Edit) -> Kept {
    let micros = |at, zone: &str| {
        instant(at, zone).and_then(|at| u64::try_from(at.as_millisecond()).ok()).map(|ms| ms * 1_000)
    };
    match edit {
        Edit::Edit(edit) => Kept {
            id: edit.id.clone(),
            rows: Some((edit.range.row_start.saturating_sub(1), edit.range.row_end.saturating_sub(1))),
            at: micros(edit.at, &edit.zone),
            editor: edit.editor.clone(),
            value: edit.value.clone(),
            old_value: edit.old_value.clone(),
        },
        Edit::Change(change) => Kept {
            id: change.id.clone(),
            rows: None,
            at: micros(change.at, &change.zone),
            editor: change.editor.clone(),
            value: None,
            old_value: None,
        },
    }
}

fn hint(edit: EditNumber, table: TableIndex, kept: &Kept) -> EditHint {
    EditHint { edit, table, rows: kept.rows, at: kept.at, editor: kept.editor.clone() }
}

fn told(kept: &Kept, answer: Option<&str>) -> EditAnswer {
    let decided: Option<Decided> = answer.and_then(|text| serde_json::from_str(text).ok());
    let id = kept.id.clone();
    match decided {
        Some(decided) => decided.told(id),
        None => EditAnswer::bare(id, EditOutcome::Accepted),
    }
}
