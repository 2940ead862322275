//! Plain HTTP on a loopback port.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming as Body};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::block_in_place;

use crate::control::Control;
use crate::emulator::Phase;
use crate::service::{Incoming, Lost, Outgoing};

/// A body that can break off.
pub(crate) type Reply = Response<BoxBody<Bytes, Lost>>;

/// Bytes of the largest request body: far above Google's recommendation of 2 MB.
const LARGEST: usize = 256 << 20;
/// Answers below this are not worth compressing.
const WORTH_GZIP: usize = 512;

/// Serves until it is stopped; then waits for open answers for a moment.
pub(crate) async fn serve(listener: TcpListener, control: Arc<Control>, mut phases: watch::Receiver<Phase>) {
    let graceful = GracefulShutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = phases.wait_for(|phase| *phase == Phase::Stopped) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, _)) = accepted else { continue };
        let control = control.clone();
        let service = service_fn(move |request| handle(control.clone(), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            // What was asked is carried out, whether or not the client still listens: a killed client's call lands.
            .half_close(true)
            .serve_connection(TokioIo::new(socket), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A broken connection is the client's affair, and lost answers are meant to break it.
            let _ = connection.await;
        });
    }
    control.service.stop();
    let patience = std::time::Duration::from_millis(200);
    let _ = tokio::time::timeout(patience, graceful.shutdown()).await;
    connections.shutdown().await;
}

async fn handle(control: Arc<Control>, request: Request<Body>) -> Result<Reply, Lost> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Bytes::from_static(b"too large")));
        }
    };
    let text = |name: header::HeaderName| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let incoming = Incoming {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        bearer: text(header::AUTHORIZATION).strip_prefix("Bearer ").map(str::to_owned),
        body,
    };
    match control.service.answer(&incoming).await {
        Some(Ok(outgoing)) => Ok(google(outgoing, text(header::ACCEPT_ENCODING).contains("gzip"))),
        Some(Err(lost)) => Err(lost),
        None => Ok(control.answer(&head.method, &incoming).await),
    }
}

/// Google's answer with Google's headers.
fn google(outgoing: Outgoing, gzip: bool) -> Reply {
    let Outgoing { status, body, cut } = outgoing;
    let packed = if gzip && body.len() >= WORTH_GZIP { block_in_place(|| packed(&body)) } else { None };
    let is_packed = packed.is_some();
    let body = Bytes::from(packed.unwrap_or(body));
    let length = body.len();
    let body = if cut { broken(&body) } else { whole(body) };
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    if status != 204 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers.insert(header::SERVER, HeaderValue::from_static("ESF"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin, X-Origin, Referer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    reply
}

fn packed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// A body that is there.
pub(crate) fn whole(body: Bytes) -> BoxBody<Bytes, Lost> {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed()
}

/// Half of a body, then the connection breaks.
fn broken(body: &Bytes) -> BoxBody<Bytes, Lost> {
    let half = body.slice(..body.len() / 2);
    let breaks = stream::once(async {
        // The half that is there must leave before the connection breaks: the server flushes while it waits.
        tokio::task::yield_now().await;
        Err(Lost)
    });
    let parts = futures_util::StreamExt::chain(stream::iter([Ok(Frame::data(half))]), breaks);
    StreamBody::new(parts).boxed()
}

/// An answer of the emulator's own.
pub(crate) fn plain(status: StatusCode, kind: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(whole(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
