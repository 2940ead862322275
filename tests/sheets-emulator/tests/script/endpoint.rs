//! A small HTTP server in the daemon's place.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use sha2::Sha256;

pub(super) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// One request as the endpoint saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) body: Json,
    pub(super) signature_is_right: bool,
}

impl Seen {
    pub(super) fn edits(&self) -> Vec<Json> {
        self.body["edits"].as_array().cloned().unwrap_or_default()
    }
}

/// What the endpoint answers: status, `Retry-After`, and for each edit the fields beside its id.
type Plan = VecDeque<(u16, Json)>;

/// A small HTTP server in the daemon's place: notes every request and answers as planned, else that all is accepted.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    plan: Arc<Mutex<Plan>>,
}

impl Endpoint {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = Self {
            address: listener.local_addr().expect("an address"),
            seen: Arc::default(),
            plan: Arc::default(),
        };
        let serving = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let endpoint = serving.clone();
                let service = service_fn(move |request| {
                    let endpoint = endpoint.clone();
                    async move { Ok::<_, Infallible>(endpoint.take(request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        endpoint
    }

    pub(super) async fn take(&self, request: Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let header = |name: &str| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let signed =
            [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", &body]
                .concat();
        let seen = Seen {
            path: head.uri.path().to_owned(),
            id: header("webhook-id"),
            body: serde_json::from_slice(&body).expect("JSON"),
            signature_is_right: header("webhook-signature") == format!("v1,{}", sign(&signed)),
        };
        let (status, outcome) = self
            .plan
            .lock()
            .expect("unpoisoned")
            .pop_front()
            .unwrap_or((202, json!({ "outcome": "accepted" })));
        let answer = |edit: &Json| {
            let mut answer = outcome.clone();
            answer["id"] = edit["id"].clone();
            answer
        };
        let body = match &outcome {
            Json::String(page) => page.clone(),
            _ => json!({ "edits": seen.edits().iter().map(answer).collect::<Vec<_>>() }).to_string(),
        };
        self.seen.lock().expect("unpoisoned").push(seen);
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    }

    /// Answers the next request with this status and, for every edit, these fields; a text is the whole body instead.
    pub(super) fn will_answer(&self, status: u16, outcome: Json) {
        self.plan.lock().expect("unpoisoned").push_back((status, outcome));
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("unpoisoned").clone()
    }

    /// Requests since the last call of this.
    pub(super) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("unpoisoned"))
    }
}

pub(super) fn sign(bytes: &[u8]) -> String {
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key");
    mac.update(bytes);
    STANDARD.encode(mac.finalize().into_bytes())
}
