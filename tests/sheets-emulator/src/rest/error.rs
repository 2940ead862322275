//! Google's errors: status, words and details.

use serde_json::{Value as Json, json};

use crate::grid::Refusal;
use crate::knobs::{Knobs, ProtectedWrite};

/// An error as the interface answers it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code} {status}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// For example `INVALID_ARGUMENT`; empty in Drive's own form.
    pub status: &'static str,
    /// The sentence.
    pub message: String,
    /// `details`, where Google gives any.
    pub details: Option<Json>,
}

impl ApiError {
    fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), details: None }
    }

    /// 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// 400 about a field of the request, with its details.
    pub fn violation(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let violation = json!({"field": field, "description": message});
        let details =
            json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]);
        Self { details: Some(details), ..Self::invalid(message) }
    }

    /// 400 about several fields: each with what is wrong with it.
    pub fn violations(violations: Vec<(String, String)>) -> Self {
        let message: Vec<&str> = violations.iter().map(|(_, words)| words.as_str()).collect();
        let message = message.join("\n");
        let violations = violations.iter().map(|(field, words)| {
            if field.is_empty() {
                json!({"description": words})
            } else {
                json!({"field": field, "description": words})
            }
        });
        let violations: Vec<Json> = violations.collect();
        let details =
            json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]);
        Self { details: Some(details), ..Self::invalid(message) }
    }

    /// The cells are protected from the caller. Which status it has today is not established.
    pub fn protected(knobs: &Knobs) -> Self {
        let sentence = "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit.";
        match knobs.protected_write {
            ProtectedWrite::Invalid => Self::invalid(sentence),
            ProtectedWrite::Forbidden => Self::new(403, "PERMISSION_DENIED", sentence),
        }
    }

    /// 404: no such spreadsheet.
    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Requested entity was not found.")
    }

    /// 404 with other words.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    /// 403: not shared with the caller.
    pub fn forbidden() -> Self {
        Self::new(403, "PERMISSION_DENIED", "The caller does not have permission")
    }

    /// 403: the token lacks the scope.
    pub fn scopes() -> Self {
        let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com", "metadata": {"service": "sheets.googleapis.com"}});
        let error = Self::new(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.");
        Self { details: Some(json!([info])), ..error }
    }

    /// 501: the service would know it, the emulator does not.
    pub fn not_here(message: String) -> Self {
        Self::new(501, "UNIMPLEMENTED", message)
    }

    /// 401: no token, an unknown one or one that has ended.
    pub fn unauthenticated() -> Self {
        Self::new(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        )
    }

    /// 500.
    pub fn internal() -> Self {
        Self::new(500, "INTERNAL", "Internal error encountered.")
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::new(503, "UNAVAILABLE", "The service is currently unavailable.")
    }

    /// An error by its HTTP status, as a fault may ask for.
    pub fn of_status(code: u16) -> Self {
        match code {
            401 => Self::unauthenticated(),
            403 => Self::forbidden(),
            404 => Self::not_found(),
            500 => Self::internal(),
            503 => Self::unavailable(),
            502 => Self::new(502, "UNAVAILABLE", "Bad Gateway"),
            504 => Self::new(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
            400 => Self::invalid("Request contains an invalid argument."),
            code => Self::new(code, "UNKNOWN", "The operation failed."),
        }
    }

    /// 429: a quota is used up.
    pub fn quota(kind: &str, per_user: bool, limit: u32, project: &str) -> Self {
        let (words, metric) =
            if kind == "read" { ("Read", "read_requests") } else { ("Write", "write_requests") };
        let (limit_words, limit_name) = if per_user {
            (format!("{words} requests per minute per user"), format!("{words}RequestsPerMinutePerUser"))
        } else {
            (format!("{words} requests per minute"), format!("{words}RequestsPerMinutePerProject"))
        };
        let message = format!(
            "Quota exceeded for quota metric '{words} requests' and limit '{limit_words}' of service 'sheets.googleapis.com' for consumer 'project_number:{project}'."
        );
        let mut metadata = json!({"quota_metric": format!("sheets.googleapis.com/{metric}"), "quota_limit": limit_name,
            "service": "sheets.googleapis.com", "consumer": format!("projects/{project}")});
        let mut details = Vec::new();
        if !per_user {
            metadata["quota_unit"] = json!("1/min/{project}");
            metadata["quota_location"] = json!("global");
            metadata["quota_limit_value"] = json!(limit.to_string());
            details.push(json!({"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "Request a higher quota limit.",
                "url": "https://cloud.google.com/docs/quotas/help/request_increase"}]}));
        }
        details.insert(
            0,
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com", "metadata": metadata}),
        );
        Self { details: Some(Json::Array(details)), ..Self::new(429, "RESOURCE_EXHAUSTED", message) }
    }

    /// A refusal of the `place`-th request of a batch.
    pub fn in_batch(place: usize, kind: &str, refusal: &Refusal) -> Self {
        Self::invalid(format!("Invalid requests[{place}].{kind}: {refusal}"))
    }

    /// The body.
    pub fn to_json(&self) -> Json {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(details) = &self.details {
            // Drive has its own form: no status, and its details are called errors.
            error[if self.status.is_empty() { "errors" } else { "details" }] = details.clone();
        }
        if !self.status.is_empty() {
            error["status"] = json!(self.status);
        }
        json!({"error": error})
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::invalid(refusal.0)
    }
}
