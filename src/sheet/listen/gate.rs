//! One request, from its first line to its answer, in the order that costs an attacker most and us least:
//! path and method, length, type, the form of the signature's headers, time, body, signature, rate, JSON, spreadsheet.
//! Nothing behind the signature is reached without it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use hyper::{Method, Request, StatusCode};

use crate::model::link::LinkName;
use crate::sheet::listen::edit::{Delivery, EditAnswer, EditId, EditOutcome};
use crate::sheet::listen::reply::{Rejection, Reply, edits};
use crate::sheet::listen::{Accepted, Answer, Door, Limits};
use crate::sheet::signature::{WebhookSecret, is_fresh, verify};

/// What all requests share.
pub(super) struct Gate<D> {
    door: Arc<D>,
    limits: Limits,
    rate: DefaultKeyedRateLimiter<LinkName>,
    nobody: [WebhookSecret; 1],
}

impl<D: Door> Gate<D> {
    pub(super) fn new(door: Arc<D>, limits: Limits) -> Self {
        let quota = governor::Quota::per_second(limits.per_second).allow_burst(limits.burst);
        Self { door, limits, rate: RateLimiter::keyed(quota), nobody: [WebhookSecret::nobodys()] }
    }

    /// Answers a request within the limit of the whole request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Reply {
        match tokio::time::timeout(self.limits.whole_request, self.pass(request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(rejection)) => {
                tracing::debug!(?rejection, "delivery turned away");
                rejection.reply()
            }
            Err(_) => Rejection::Unavailable.reply(),
        }
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Reply, Rejection> {
        let link = link(request.uri().path()).ok_or(Rejection::NotFound)?;
        if request.method() != Method::POST {
            return Err(Rejection::MethodNotAllowed);
        }
        self.check_length(request.headers())?;
        check_type(request.headers())?;
        let (head, body) = request.into_parts();
        let marks = Marks::of(&head.headers).ok_or(Rejection::Unauthorized)?;
        if !is_fresh(marks.seconds, now()) {
            return Err(Rejection::Unauthorized);
        }
        let body = self.read(body).await?;

        let key = self.door.key(&link);
        let secrets = key.as_ref().map_or(&self.nobody[..], |key| &key.secrets);
        let signed = verify(secrets, marks.id.as_str(), marks.timestamp, &body, marks.signature);
        let (Some(key), Some(secret)) = (key, signed) else {
            return Err(Rejection::Unauthorized);
        };
        self.check_rate(&link)?;
        let delivery: Delivery = serde_json::from_slice(&body).map_err(|_| Rejection::BadRequest)?;
        if delivery.v != 1 {
            return Err(Rejection::BadRequest);
        }
        if delivery.spreadsheet != key.spreadsheet.0 {
            return Err(Rejection::Unauthorized);
        }
        self.deliver(Accepted { link, message: marks.id, delivery, is_previous: secret > 0 }).await
    }

    async fn deliver(&self, accepted: Accepted) -> Result<Reply, Rejection> {
        let ids: Vec<EditId> = accepted.delivery.edits.iter().map(|edit| edit.id().clone()).collect();
        match self.door.deliver(accepted).await {
            Answer::Decided(answers) => Ok(edits(StatusCode::OK, &answers)),
            Answer::AcceptedForLater => {
                let accepted = ids.into_iter().map(|id| EditAnswer::bare(id, EditOutcome::Accepted));
                Ok(edits(StatusCode::ACCEPTED, &accepted.collect::<Vec<_>>()))
            }
            Answer::Unavailable => Err(Rejection::Unavailable),
        }
    }

    /// The length must be told, so that a body is refused before it is read.
    fn check_length(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        if headers.contains_key(TRANSFER_ENCODING) {
            return Err(Rejection::LengthRequired);
        }
        let length = headers.get(CONTENT_LENGTH).ok_or(Rejection::LengthRequired)?;
        let length: Option<usize> = length.to_str().ok().and_then(|text| text.parse().ok());
        match length {
            Some(length) if length <= self.limits.body => Ok(()),
            Some(_) => Err(Rejection::TooLarge),
            None => Err(Rejection::LengthRequired),
        }
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Rejection> {
        // The limit counts what comes, the timeout ends what does not.
        let whole = Limited::new(body, self.limits.body).collect();
        match tokio::time::timeout(self.limits.body_timeout, whole).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Rejection::TooLarge),
            Ok(Err(_)) => Err(Rejection::BadRequest),
            Err(_) => Err(Rejection::Timeout),
        }
    }

    fn check_rate(&self, link: &LinkName) -> Result<(), Rejection> {
        self.rate.check_key(link).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            Rejection::TooMany(wait.as_secs() + 1)
        })
    }
}

/// The three headers of Standard Webhooks.
struct Marks<'a> {
    id: EditId,
    timestamp: &'a str,
    seconds: u64,
    signature: &'a str,
}

impl<'a> Marks<'a> {
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        // Two of one name are a quarrel between those who read the first and those who read the last.
        let one = |name: &str| {
            let mut all = headers.get_all(name).iter();
            all.next().filter(|_| all.next().is_none())?.to_str().ok()
        };
        let timestamp: &str = one("webhook-timestamp")?;
        Some(Self {
            id: one("webhook-id")?.to_owned().try_into().ok()?,
            timestamp,
            seconds: timestamp.parse().ok()?,
            signature: one("webhook-signature")?,
        })
    }
}

/// `/v1/links/{link}/edits`, the link's name in the form that the configuration takes.
fn link(path: &str) -> Option<LinkName> {
    let name = path.strip_prefix("/v1/links/")?.strip_suffix("/edits")?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
    is_name.then(|| LinkName(name.to_owned()))
}

fn check_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Rejection::NotJson) }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_form_of_path_is_ours() {
        assert_eq!(link("/v1/links/shop-orders_2/edits"), Some(LinkName("shop-orders_2".into())));
        let long = format!("/v1/links/{}/edits", "a".repeat(65));
        for path in [
            "/",
            "/v1/links//edits",
            "/v1/links/a/b/edits",
            "/v1/links/A/edits",
            "/v1/links/a/edits/",
            "/v2/links/a/edits",
            &long,
        ] {
            assert_eq!(link(path), None, "{path}");
        }
    }
}
