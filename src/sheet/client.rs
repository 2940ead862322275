//! One account's calls to Google: who may call when, what is tried again, and what never is.
//!
//! A read is tried again while the fault is passing. A write is sent once: after a lost answer nobody knows whether it was
//! applied, and only its token can tell (design 4a, rule 2). All waiting is by dropping-safe futures; callers race it with
//! their shutdown.

use std::time::Duration;

use bytes::Bytes;
use governor::clock::DefaultClock;
use reqwest::{Method, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::model::link::SpreadsheetId;
use crate::sheet::answer_body::parsed;
use crate::sheet::auth::{ServiceAccount, TOKEN_URL, Tokens};
use crate::sheet::error::{SheetError, classify};
use crate::sheet::quota::{Backoff, Bucket, Lane, Project, Rates};
use crate::sheet::stage::Stages;

/// Where Google is. The defaults are Google; tests and the demo name the local one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Google {
    /// The Sheets service, without a slash at its end.
    pub sheets_base: String,
    /// The only address that may get the key's signature, where it is not Google's.
    pub token_url: Option<String>,
    /// What the account may call.
    pub rates: Rates,
    /// Tabs with more cells than this are not read in one call.
    pub cells_per_read: u64,
    /// How long to wait after failures.
    pub backoff: Backoff,
}

impl Default for Google {
    fn default() -> Self {
        Self {
            sheets_base: "https://sheets.googleapis.com".to_owned(),
            token_url: None,
            rates: Rates::default(),
            cells_per_read: CELLS_PER_READ.into(),
            backoff: Backoff::default(),
        }
    }
}

/// Some 33 MB of typed cells: half a minute of Google's at a second a megabyte, and it ends a call after three.
pub const CELLS_PER_READ: u32 = 500_000;

/// How often a read is tried before its fault is handed to the caller.
const READ_TRIES: u32 = 5;

/// Google ends a request after 180 s; a little later nobody is going to answer.
const WHOLE_CALL: Duration = Duration::from_secs(190);

/// One service account at work.
#[derive(Debug)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    tokens: Tokens,
    reads: Bucket,
    writes: Bucket,
    backoff: Backoff,
    pub(super) cells_per_read: u64,
    pub(super) stages: Stages,
}

/// One HTTP call, ready to be sent as often as is right.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    /// Below `/v4/spreadsheets/<id>`, query included.
    path: String,
    body: Bytes,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Bytes::new() }
    }

    pub(super) fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path: path.into(), body: body.into() }
    }
}

impl Client {
    /// Builds the client of an account that is alone in its project; no call is made yet.
    pub fn new(account: ServiceAccount, google: &Google) -> Result<Self, SheetError> {
        Self::of_project(account, google, Project::new(google.rates.project))
    }

    /// The same of an account that shares its project's quota with others.
    pub(super) fn of_project(
        account: ServiceAccount,
        google: &Google,
        project: Project,
    ) -> Result<Self, SheetError> {
        let address = google.token_url.as_deref().unwrap_or(TOKEN_URL);
        let http = reqwest::Client::builder()
            .user_agent(concat!("sheetbridge/", env!("CARGO_PKG_VERSION"), " (gzip)"))
            .connect_timeout(Duration::from_secs(10))
            .timeout(WHOLE_CALL)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .https_only(google.sheets_base.starts_with("https:") && address.starts_with("https:"))
            .build()
            .map_err(|error| SheetError::Client(error.to_string()))?;
        let bucket =
            |rate, project| Bucket::new(rate, google.backoff, Some(project), DefaultClock::default());
        Ok(Self {
            base: google.sheets_base.trim_end_matches('/').to_owned(),
            tokens: Tokens::new(account, http.clone(), address)?,
            http,
            reads: bucket(google.rates.reads, project.reads),
            writes: bucket(google.rates.writes, project.writes),
            backoff: google.backoff,
            cells_per_read: google.cells_per_read,
            stages: Stages::default(),
        })
    }

    /// The address that spreadsheets must be shared with.
    pub fn email(&self) -> &str {
        self.tokens.email()
    }

    /// How long it takes until so many more batches, each with its read, have gone.
    pub fn drain(&self, batches: usize) -> Duration {
        self.reads.drain(batches).max(self.writes.drain(batches))
    }

    /// A read: tried again while its fault is passing, a few times.
    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        call: &Call,
    ) -> Result<T, SheetError> {
        let mut failures = 0;
        loop {
            let answer = match self.once(&self.reads, lane, spreadsheet, call).await {
                Ok(answer) => parsed(answer).await,
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if failures + 1 < READ_TRIES && may_pass(&error) => {
                    tracing::debug!(%spreadsheet, %error, failures, "read failed, trying again");
                    // After a 429 the bucket itself waits.
                    if !matches!(error, SheetError::Quota(_)) {
                        tokio::time::sleep(self.backoff.wait(failures)).await;
                    }
                    failures += 1;
                }
                answer => return answer,
            }
        }
    }

    /// A write: sent once. An error with [`SheetError::is_in_doubt`] may have been applied, every other one was not.
    pub(super) async fn write(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        call: &Call,
    ) -> Result<Bytes, SheetError> {
        self.once(&self.writes, lane, spreadsheet, call).await?.bytes().await.map_err(transport)
    }

    pub(super) fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// One call, and one more with a fresh token if Google did not take the first one's: a 401 was not applied.
    async fn once(
        &self,
        bucket: &Bucket,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        call: &Call,
    ) -> Result<Response, SheetError> {
        match self.attempt(bucket, lane, spreadsheet, call).await {
            Err(SheetError::Unauthenticated(_)) => self.attempt(bucket, lane, spreadsheet, call).await,
            answer => answer,
        }
    }

    async fn attempt(
        &self,
        bucket: &Bucket,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        call: &Call,
    ) -> Result<Response, SheetError> {
        let token = self.tokens.get().await?;
        bucket.admit(lane, spreadsheet).await;
        let url = format!("{}/v4/spreadsheets/{spreadsheet}{}", self.base, call.path);
        let mut request = self.http.request(call.method.clone(), url).bearer_auth(token.bearer());
        if call.method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/json").body(call.body.clone());
        }
        let answer = request.send().await.map_err(transport)?;
        let status = answer.status();
        if status == StatusCode::OK {
            bucket.accepted();
            return Ok(answer);
        }
        let body = answer.bytes().await.map_err(transport)?;
        let error = classify(status.as_u16(), &body, self.email());
        match &error {
            SheetError::Quota(_) => bucket.refused(),
            SheetError::Unavailable { .. } if status == StatusCode::SERVICE_UNAVAILABLE => bucket.refused(),
            SheetError::Unauthenticated(_) => self.tokens.reject(&token).await,
            _ => {}
        }
        Err(error)
    }
}

/// Parses an answer; an answer cut short is garbled.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SheetError> {
    // Category and place only: serde's message may quote a cell.
    serde_json::from_slice(body).map_err(|e| {
        SheetError::Garbled(format!("{:?} error at byte {} of {}", e.classify(), e.column(), body.len()))
    })
}

pub(super) fn transport(error: reqwest::Error) -> SheetError {
    SheetError::Unavailable {
        sent: !(error.is_connect() || error.is_builder()),
        cause: chain(&error.without_url()),
    }
}

/// An error with its causes: reqwest's own sentence leaves out the reason.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn may_pass(error: &SheetError) -> bool {
    matches!(error, SheetError::Quota(_) | SheetError::Unavailable { .. } | SheetError::Garbled(_))
}

impl SheetError {
    /// True if a write that ended so may have been applied.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Unavailable { sent: true, .. } | Self::Garbled(_))
    }
}
