//! What can go wrong on the way to Google, sorted by what it asks for.
//!
//! A 400 is the same for ever, a 401 is mended by a new token, a 403 or 404 by a person, a 429 and a 5xx by time.

use serde::Deserialize;

use crate::fault::{Classify, Fault};

/// An error of the Google edge.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The service account's key file does not parse, or is no service account's.
    #[error("service account key file: {0}")]
    KeyFile(String),
    /// The key file sends its holder to another token address than the one that is pinned.
    #[error(
        "service account key file: token_uri is {found}, and {wanted} is the only address that gets its signature"
    )]
    TokenAddress {
        /// What the file says.
        found: String,
        /// The pinned address.
        wanted: String,
    },
    /// Google gave no access token.
    #[error("google gives no access token: {error}: {description}")]
    TokenRefused {
        /// `invalid_grant` and the like.
        error: String,
        /// Google's sentence.
        description: String,
    },
    /// 401, and a fresh token did not help.
    #[error("google does not accept the access token: {0}")]
    Unauthenticated(String),
    /// 403: the spreadsheet is not shared with the account, or the Sheets API is switched off.
    #[error("{account} may not do this: {message}")]
    Denied {
        /// The service account's address.
        account: String,
        /// Google's sentence.
        message: String,
        /// The API is not enabled in the account's project.
        disabled: bool,
    },
    /// 404.
    #[error("google knows no such spreadsheet: {0}")]
    Missing(String),
    /// 400: deterministic, never sent again unchanged.
    #[error("google refuses the request: {0}")]
    Refused(String),
    /// 429, or 403 by rate: certainly not applied.
    #[error("over google's quota: {0}")]
    Quota(String),
    /// 5xx, a timeout or a broken connection. A write with this error may have been applied, unless `sent` is false.
    #[error("google is out of reach: {cause}")]
    Unavailable {
        /// The status or the transport's words.
        cause: String,
        /// False if the request certainly never left this host.
        sent: bool,
    },
    /// An answer that is not in Google's shape.
    #[error("google's answer cannot be read: {0}")]
    Garbled(String),
    /// A batch with more requests than its receipt has lines.
    #[error("a batch of {0} requests is larger than its receipt")]
    TooLarge(usize),
    /// A tab is not as it was a moment ago, which set-up or a look in parts relies on.
    #[error("the tab changed meanwhile: {0}")]
    Moved(String),
    /// The client could not be built.
    #[error("http client: {0}")]
    Client(String),
}

impl Classify for SheetError {
    fn fault(&self) -> Fault {
        match self {
            Self::Quota(_) | Self::Unavailable { .. } | Self::Garbled(_) | Self::Moved(_) => Fault::Passing,
            Self::TooLarge(_) => Fault::Bug,
            Self::TokenRefused { error, .. } if is_passing(error) => Fault::Passing,
            Self::KeyFile(_)
            | Self::TokenAddress { .. }
            | Self::TokenRefused { .. }
            | Self::Unauthenticated(_)
            | Self::Denied { .. }
            | Self::Missing(_)
            | Self::Refused(_)
            | Self::Client(_) => Fault::NeedsOperator,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::KeyFile(_) => {
                "Download a JSON key of the service account again and name its file in [google]."
            }
            Self::TokenAddress { .. } => {
                "Use the key file as Google gave it: its token_uri must not be changed."
            }
            Self::TokenRefused { description, .. } => token_advice(description),
            Self::Unauthenticated(_) => {
                "Make a new key for the service account and put it in place of the old one."
            }
            Self::Denied { disabled: true, .. } => {
                "Enable the Google Sheets API in the Google Cloud project of the service account."
            }
            Self::Denied { .. } => "Share the spreadsheet with the service account's address as Editor.",
            Self::Missing(_) => {
                "Check the spreadsheet's id in the link: it is the long part of its address; it may have been deleted."
            }
            Self::Refused(_) => "Read Google's reason; if the tab is in order, report it with this message.",
            Self::TooLarge(_) => "Report this: a batch must not be larger than its receipt.",
            Self::Client(_) => "Check the TLS roots of this host and [google] in the configuration.",
            Self::Quota(_) | Self::Unavailable { .. } | Self::Garbled(_) | Self::Moved(_) => "",
        }
    }
}

/// The token endpoint's own words for "later" (google-auth retries the same ones).
fn is_passing(error: &str) -> bool {
    matches!(error, "internal_failure" | "server_error" | "temporarily_unavailable")
}

fn token_advice(description: &str) -> &'static str {
    if description.contains("reasonable timeframe") {
        "Set this host's clock right (timedatectl set-ntp true): Google takes its signature only within minutes."
    } else if description.contains("account not found") {
        "The service account was deleted: make a new one and share the spreadsheets with it."
    } else if description.contains("Signature") {
        "The key was revoked: make a new key for the service account and put it in place of the old one."
    } else {
        "Check the service account and its key in the Google Cloud console."
    }
}

/// Google's error body: `{"error":{"code","message","status","details":[…]}}`.
#[derive(Debug, Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorPart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorPart {
    message: String,
    status: String,
    details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    reason: String,
}

/// What an HTTP status and Google's error body mean.
pub(super) fn classify(status: u16, body: &[u8], account: &str) -> SheetError {
    let ErrorPart { message, status: word, details } =
        serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
    let message = if message.is_empty() { format!("status {status}") } else { message };
    let by_reason = |wanted: &str| details.iter().any(|detail| detail.reason.eq_ignore_ascii_case(wanted));
    match status {
        429 => SheetError::Quota(message),
        403 if word == "RESOURCE_EXHAUSTED"
            || by_reason("RATE_LIMIT_EXCEEDED")
            || by_reason("userRateLimitExceeded") =>
        {
            SheetError::Quota(message)
        }
        401 => SheetError::Unauthenticated(message),
        403 => SheetError::Denied {
            account: account.to_owned(),
            disabled: by_reason("SERVICE_DISABLED") || message.contains("has not been used in project"),
            message,
        },
        404 => SheetError::Missing(message),
        408 | 409 | 500.. => SheetError::Unavailable { cause: message, sent: true },
        300..=399 => SheetError::Garbled(format!("a redirect ({status}), as no Sheets API sends one")),
        _ => SheetError::Refused(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> SheetError {
        classify(status, body.as_bytes(), "bot@example.iam.gserviceaccount.com")
    }

    #[test]
    fn recorded_answers_get_their_class() {
        let quota = r#"{"error":{"code":429,"message":"Quota exceeded for quota metric 'Write requests'","status":"RESOURCE_EXHAUSTED",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{}}]}}"#;
        assert!(matches!(of(429, quota), SheetError::Quota(_)));
        assert!(matches!(of(403, quota), SheetError::Quota(_)));
        let denied = r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#;
        let error = of(403, denied);
        assert_eq!(error.fault(), Fault::NeedsOperator);
        assert!(error.advice().contains("as Editor"));
        assert!(error.to_string().contains("bot@example"));
        let disabled = r#"{"error":{"code":403,"message":"Google Sheets API has not been used in project 1 before or it is disabled."}}"#;
        assert!(of(403, disabled).advice().starts_with("Enable"));
        assert!(matches!(of(503, "<html>busy</html>"), SheetError::Unavailable { sent: true, .. }));
        assert!(matches!(of(302, ""), SheetError::Garbled(_)));
        assert_eq!(
            of(400, r#"{"error":{"message":"Unable to parse range: x"}}"#).to_string(),
            "google refuses the request: Unable to parse range: x"
        );
    }

    #[test]
    fn a_token_refusal_names_its_cure() {
        let skew = SheetError::TokenRefused {
            error: "invalid_grant".into(),
            description:
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
                    .into(),
        };
        assert_eq!(skew.fault(), Fault::NeedsOperator);
        assert!(skew.advice().contains("clock"));
        let busy =
            SheetError::TokenRefused { error: "temporarily_unavailable".into(), description: String::new() };
        assert_eq!(busy.fault(), Fault::Passing);
    }
}
