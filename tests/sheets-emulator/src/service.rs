//! One call through the whole service: token, faults, quota, the work itself, the answer.
//!
//! Google has machines enough that a large call does not keep the answer of another one waiting. Here there are as many threads as
//! cores, so what takes long leaves its thread to the others while it lasts: reading a body, the work, printing, packing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};
use tokio::task::block_in_place;

use crate::Google;
use crate::accounts::{Accounts, Grant};
use crate::calls::{Call, Calls};
use crate::faults::{Applied, Fault, Faults, Seen};
use crate::quota::Quotas;
use crate::rest::{ApiError, Kind, Query, Route, Style, print, read};
use crate::work::{LateWrites, Work};

/// A call as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The `Authorization` header's token.
    pub(crate) bearer: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What goes back over the wire.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Does the body break off in the middle?
    pub(crate) cut: bool,
}

/// The connection breaks: there is no answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the answer is lost")]
pub(crate) struct Lost;

/// The service of one emulator.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) google: Arc<Google>,
    pub(crate) accounts: Accounts,
    pub(crate) faults: Arc<Faults>,
    pub(crate) calls: Calls,
    quotas: Quotas,
    /// Is every bearer token taken for the address of its user?
    open_door: bool,
    token_url: String,
    late: LateWrites,
}

impl Service {
    pub(crate) fn new(google: Arc<Google>, open_door: bool, token_url: String) -> Self {
        Self {
            google,
            accounts: Accounts::default(),
            faults: Arc::default(),
            calls: Calls::default(),
            quotas: Quotas::default(),
            open_door,
            token_url,
            late: LateWrites::default(),
        }
    }

    pub(crate) fn token_url(&self) -> &str {
        &self.token_url
    }

    /// Answers a call of Google's interface; `None` where Google has nothing at this path.
    pub(crate) async fn answer(&self, incoming: &Incoming) -> Option<Result<Outgoing, Lost>> {
        let started = Instant::now();
        let at = self.google.clock().now();
        let mut note = Call {
            number: 0,
            at,
            method: "token",
            path: format!("{} {}", incoming.method, incoming.path),
            spreadsheet: None,
            user: String::new(),
            bytes_in: incoming.body.len(),
            bytes_out: 0,
            status: 0,
            took_ms: 0,
        };
        if !incoming.query.is_empty() {
            note.path = format!("{}?{}", note.path, incoming.query);
        }
        let outgoing = if incoming.path == "/token" && incoming.method == "POST" {
            self.token(incoming).await
        } else {
            let route = Route::parse(&incoming.method, &incoming.path)?;
            note.method = route.name();
            note.spreadsheet = route.spreadsheet().cloned();
            self.call(incoming, route, &mut note).await
        };
        note.took_ms = started.elapsed().as_millis() as u64;
        if let Ok(outgoing) = &outgoing {
            (note.status, note.bytes_out) = (outgoing.status, outgoing.body.len());
        }
        let bytes = (note.bytes_in + note.bytes_out) as u64;
        self.calls.add(note);
        let knobs = self.google.knobs();
        let service = knobs.service_ms + knobs.service_ms_per_mb * bytes / 1_000_000;
        if service > 0 {
            tokio::time::sleep(Duration::from_millis(service)).await;
        }
        Some(outgoing)
    }

    async fn token(&self, incoming: &Incoming) -> Result<Outgoing, Lost> {
        let hits = self.faults.hit(Seen { method: "token", kind: "token", spreadsheet: "", body: "" });
        for fault in hits {
            match fault {
                Fault::LostReply { .. } => return Err(Lost),
                Fault::Status { code } | Fault::StatusAfter { code } => {
                    let body =
                        br#"{"error": "internal_failure", "error_description": "Internal error."}"#.to_vec();
                    return Ok(Outgoing { status: code, body, cut: false });
                }
                Fault::Slow { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
                Fault::Pause { name } | Fault::HoldAnswer { name } => self.faults.wait_at(&name).await,
                _ => {}
            }
        }
        let form = Query::parse(&String::from_utf8_lossy(&incoming.body));
        let traded = self.accounts.token(
            form.get("grant_type"),
            form.get("assertion"),
            &self.token_url,
            self.google.clock(),
        );
        let (status, body) = match traded {
            Ok(body) => (200, body),
            Err(refused) => (400, refused.to_json()),
        };
        Ok(Outgoing { status, body: print(&body, Style::new(true, &self.google.knobs())), cut: false })
    }

    async fn call(&self, incoming: &Incoming, route: Route, note: &mut Call) -> Result<Outgoing, Lost> {
        self.late.call_came_in(&self.google);
        let query = Query::parse(&incoming.query);
        let style = Style::new(!query.get("prettyPrint").eq_ignore_ascii_case("false"), &self.google.knobs());
        let grant = match self.grant(incoming, &route) {
            Ok(grant) => grant,
            Err(error) => return Ok(refusal(&error, style)),
        };
        note.user.clone_from(&grant.address);
        let knobs = self.google.knobs();
        let user = if knobs.quota_user_counts && !query.get("quotaUser").is_empty() {
            query.get("quotaUser")
        } else {
            &grant.address
        };
        let now = self.google.clock().now();
        if let Err(error) = self.quotas.take(route.kind(), user, &grant.project, now, &knobs) {
            return Ok(refusal(&error, style));
        }
        // After the quota: what is scripted for a call does not get lost in a 429.
        let hits = self.faults.hit(Seen {
            method: route.name(),
            kind: kind_word(route.kind()),
            spreadsheet: note.spreadsheet.as_ref().map_or("", |id| id.as_str()),
            body: &String::from_utf8_lossy(&incoming.body),
        });
        let parsed = block_in_place(|| {
            let mut body = body(&incoming.body)?;
            read(route.name(), &query, &mut body)?;
            Ok(body)
        });
        let work = match parsed {
            Ok(body) => Work { route, query, body, caller: grant.address.clone() },
            Err(error) => return Ok(refusal(&error, style)),
        };
        self.faulty(Arc::new(work), &hits, &grant, style).await
    }

    fn grant(&self, incoming: &Incoming, route: &Route) -> Result<Grant, ApiError> {
        let token = incoming.bearer.as_deref().ok_or_else(ApiError::unauthenticated)?;
        if let Some(grant) = self.accounts.grant(token, self.google.clock()) {
            route.check_scopes(&grant.scopes)?;
            return Ok(grant);
        }
        if self.open_door { Ok(Grant::unchecked(token)) } else { Err(ApiError::unauthenticated()) }
    }

    /// Carries a call out, with what goes wrong on the way.
    async fn faulty(
        &self,
        work: Arc<Work>,
        hits: &[Fault],
        grant: &Grant,
        style: Style,
    ) -> Result<Outgoing, Lost> {
        for fault in hits {
            match fault {
                Fault::Pause { name } => self.faults.wait_at(name).await,
                Fault::Status { code } => return Ok(refusal(&ApiError::of_status(*code), style)),
                Fault::Quota => {
                    let kind = kind_word(work.route.kind());
                    return Ok(refusal(&ApiError::quota(kind, true, 60, &grant.project), style));
                }
                Fault::LostReply { applied: Applied::No } => return Err(Lost),
                Fault::LostReply { applied: Applied::AfterCalls(calls) } => {
                    self.late.after_calls(work, *calls);
                    return Err(Lost);
                }
                Fault::LostReply { applied: Applied::OnRelease(name) } => {
                    let (google, faults) = (self.google.clone(), self.faults.clone());
                    self.late.on_release(google, faults, work, name.clone());
                    return Err(Lost);
                }
                _ => {}
            }
        }
        let google = &self.google;
        let answer = block_in_place(move || work.carry_out(google, hits));
        for fault in hits {
            match fault {
                Fault::LostReply { applied: Applied::Yes } => return Err(Lost),
                Fault::StatusAfter { code } => return Ok(refusal(&ApiError::of_status(*code), style)),
                Fault::HoldAnswer { name } => self.faults.wait_at(name).await,
                Fault::Slow { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
                _ => {}
            }
        }
        let mut outgoing = match answer {
            Ok(None) => Outgoing { status: 204, body: Vec::new(), cut: false },
            Ok(Some(mut body)) => {
                if hits.contains(&Fault::EmptyRead) {
                    emptied(&mut body.tree);
                }
                let body = block_in_place(move || print(&body, style));
                Outgoing { status: 200, body, cut: false }
            }
            Err(error) => refusal(&error, style),
        };
        outgoing.cut = hits.contains(&Fault::CutBody);
        Ok(outgoing)
    }

    /// Drops writes that still wait.
    pub(crate) fn stop(&self) {
        self.late.stop();
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "read",
        Kind::Write => "write",
        Kind::Drive => "drive",
    }
}

fn refusal(error: &ApiError, style: Style) -> Outgoing {
    Outgoing { status: error.code, body: print(&error.to_json(), style), cut: false }
}

fn body(bytes: &[u8]) -> Result<Map<String, Json>, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(body)) => Ok(body),
        Ok(_) => {
            Err(ApiError::violation("", "Invalid JSON payload received. Root element must be a message."))
        }
        Err(error) => Err(ApiError::violation("", format!("Invalid JSON payload received. {error}"))),
    }
}

/// Takes every cell out of an answer.
fn emptied(body: &mut Json) {
    match body {
        Json::Object(fields) => {
            for field in ["values", "rowData"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(emptied);
        }
        Json::Array(items) => items.iter_mut().for_each(emptied),
        _ => {}
    }
}
