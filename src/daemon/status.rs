//! The pages for the operator and the monitoring, on a listener of their own: never where the internet comes in.
//!
//! | page | says |
//! |--|--|
//! | `/healthz` | 200 while every loop moves, 503 with the names of those that do not |
//! | `/readyz` | 200 when every link is live and none is paused, else 503 |
//! | `/metrics` | numbers for Prometheus |
//! | `/status` | all of it as JSON |

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::daemon::notify::Progress as Beats;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::standing::Standing;
use crate::sheet::listen::{Limits, Listener, accept};

/// A loop that works on one thing for so long is stuck: the same as systemd's watchdog allows.
const STUCK: Duration = Duration::from_secs(60);

/// Serves the pages until the end.
pub async fn serve(listener: Listener, standing: Arc<Standing>, beats: Beats, mut shutdown: Shutdown) {
    let limits = Limits { connections: 16, ..Limits::default() };
    let answer = move |request: Request<hyper::body::Incoming>| {
        let page = page(request.method(), request.uri().path(), &standing, &beats);
        async move { page }
    };
    accept::accept(listener, limits, async move { shutdown.requested().await }, answer).await;
}

fn page(method: &Method, path: &str, standing: &Standing, beats: &Beats) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "method not allowed\n".to_owned());
    }
    match path {
        "/healthz" => match beats.late(STUCK).as_slice() {
            [] => answer(StatusCode::OK, "text/plain", "ok\n".to_owned()),
            late => {
                answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("stuck: {}\n", late.join(", ")))
            }
        },
        "/readyz" if standing.is_ready() => answer(StatusCode::OK, "text/plain", "ready\n".to_owned()),
        "/readyz" => {
            answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "not ready: see /status\n".to_owned())
        }
        "/metrics" => answer(StatusCode::OK, "text/plain; version=0.0.4", standing.metrics()),
        "/status" => answer(StatusCode::OK, "application/json", standing.status()),
        _ => answer(StatusCode::NOT_FOUND, "text/plain", "not found\n".to_owned()),
    }
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
