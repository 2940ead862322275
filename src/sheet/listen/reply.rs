//! The answers of the endpoint.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::sheet::listen::edit::EditAnswer;

/// An answer whose body is whole.
pub(super) type Reply = Response<Full<Bytes>>;

/// Why a request goes no further. Every failure of authentication is the one `Unauthorized`, told apart by nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    NotFound,
    MethodNotAllowed,
    LengthRequired,
    TooLarge,
    NotJson,
    Unauthorized,
    /// The body did not come in time.
    Timeout,
    /// The body broke off or is not the wire's JSON.
    BadRequest,
    /// Over the link's rate; how many seconds to wait.
    TooMany(u64),
    /// MySQL is away, or we are leaving.
    Unavailable,
}

/// What a script waits after a 503, in seconds.
const COME_BACK: u64 = 5;

#[derive(Serialize)]
struct ErrorBody {
    error: &'static str,
}

#[derive(Serialize)]
struct EditsBody<'a> {
    edits: &'a [EditAnswer],
}

impl Rejection {
    pub(super) fn reply(self) -> Reply {
        let (status, error) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
            Self::LengthRequired => (StatusCode::LENGTH_REQUIRED, "length required"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type must be application/json"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad request"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        let mut reply = json(status, &ErrorBody { error });
        let headers = reply.headers_mut();
        // The rest of a body that was not read is in the way of a next request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        match self {
            Self::MethodNotAllowed => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
            Self::TooMany(seconds) => drop(headers.insert(RETRY_AFTER, seconds.into())),
            Self::Unavailable => drop(headers.insert(RETRY_AFTER, COME_BACK.into())),
            _ => {}
        }
        reply
    }
}

/// 200 with what was decided, or 202 with what was accepted.
pub(super) fn edits(status: StatusCode, edits: &[EditAnswer]) -> Reply {
    json(status, &EditsBody { edits })
}

fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(body).expect("our own answers have text keys and no failing parts");
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
