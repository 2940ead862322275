//! The service account's way in: a signed statement (JWT, RS256) is traded for an access token that lasts an hour.
//!
//! The key's signature goes to one address only. A key file may name another one (`token_uri`), and whoever can edit
//! the file could collect signatures there; so the address is pinned, unless the configuration itself names another (tests).

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::sheet::error::SheetError;

/// Google's token endpoint.
pub const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// All that the daemon needs; the `ByDataFilter` calls accept no lesser scope.
const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";

/// A token is replaced this long before its end; the replaced one goes on working meanwhile.
const RENEW_BEFORE: Duration = Duration::from_secs(240);

/// Everybody waits for a renewal, so it must not hang.
const TOKEN_CALL: Duration = Duration::from_secs(20);

/// A service account as its JSON key file tells it. The private key leaves it only as signatures.
pub struct ServiceAccount {
    email: String,
    project: String,
    key_id: String,
    token_uri: String,
    key: EncodingKey,
}

/// Debug names the account and nothing else: the key is a secret.
impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct KeyFile {
    r#type: String,
    client_email: String,
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    private_key_id: String,
    private_key: SecretString,
    token_uri: String,
}

impl ServiceAccount {
    /// Reads a key file's text. Errors name the field that is wrong and never its content.
    pub fn parse(json: &str) -> Result<Self, SheetError> {
        // serde's own message may quote the text around the fault, which may be the key.
        let file: KeyFile = serde_json::from_str(json).map_err(|e| {
            SheetError::KeyFile(format!("not the JSON of a service account key (line {})", e.line()))
        })?;
        if file.r#type != "service_account" {
            return Err(SheetError::KeyFile(format!(
                "its type is `{}`, it must be `service_account`",
                file.r#type
            )));
        }
        let key = EncodingKey::from_rsa_pem(file.private_key.expose_secret().as_bytes())
            .map_err(|_| SheetError::KeyFile("private_key is no RSA key in PEM form".to_owned()))?;
        let KeyFile { client_email: email, project_id: project, private_key_id: key_id, token_uri, .. } =
            file;
        Ok(Self { email, project, key_id, token_uri, key })
    }

    /// The address that spreadsheets are shared with.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The project that it belongs to, which has a quota too.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// A statement that is good for an hour.
    fn assertion(&self, now: SystemTime) -> Result<String, SheetError> {
        let seconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| SheetError::KeyFile("this host's clock is before 1970".to_owned()))?
            .as_secs();
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        let claims = Claims {
            iss: &self.email,
            scope: SCOPE,
            aud: &self.token_uri,
            iat: seconds,
            exp: seconds + 3600,
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map_err(|_| SheetError::KeyFile("private_key cannot sign".to_owned()))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// An access token, cheap to clone, never printed.
#[derive(Clone, Debug)]
pub(super) struct AccessToken {
    secret: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl AccessToken {
    pub(super) fn bearer(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// The account's present token. One renewal runs at a time; the others wait for its outcome.
#[derive(Debug)]
pub(super) struct Tokens {
    account: ServiceAccount,
    http: reqwest::Client,
    present: Mutex<Option<AccessToken>>,
}

impl Tokens {
    /// `address` is the only one that may get a signature.
    pub(super) fn new(
        account: ServiceAccount,
        http: reqwest::Client,
        address: &str,
    ) -> Result<Self, SheetError> {
        if account.token_uri != address {
            return Err(SheetError::TokenAddress { found: account.token_uri, wanted: address.to_owned() });
        }
        Ok(Self { account, http, present: Mutex::new(None) })
    }

    pub(super) fn email(&self) -> &str {
        &self.account.email
    }

    /// A token that is good now. Dropping the future is safe: nothing but the cache changes.
    pub(super) async fn get(&self) -> Result<AccessToken, SheetError> {
        let mut present = self.present.lock().await;
        if let Some(token) = present.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.clone());
        }
        match (self.fetch().await, present.as_ref()) {
            (Ok(token), _) => {
                *present = Some(token.clone());
                Ok(token)
            }
            // The four minutes before the end are for just this: the old one still works.
            (Err(SheetError::Unavailable { .. } | SheetError::Quota(_)), Some(old))
                if Instant::now() < old.ends_at =>
            {
                Ok(old.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Google did not take this token: the next `get` fetches a new one, unless somebody did so already.
    pub(super) async fn reject(&self, token: &AccessToken) {
        let mut present = self.present.lock().await;
        if present.as_ref().is_some_and(|held| held.bearer() == token.bearer()) {
            *present = None;
        }
    }

    async fn fetch(&self) -> Result<AccessToken, SheetError> {
        let assertion = self.account.assertion(SystemTime::now())?;
        let asked = Instant::now();
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.as_str()),
        ];
        let unavailable = |error: reqwest::Error| SheetError::Unavailable {
            cause: format!("token endpoint: {}", error.without_url()),
            sent: false,
        };
        let answer = self
            .http
            .post(&self.account.token_uri)
            .form(&form)
            .timeout(TOKEN_CALL)
            .send()
            .await
            .map_err(unavailable)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(unavailable)?;
        let granted = granted(status, &body)?;
        let life = Duration::from_secs(granted.expires_in);
        Ok(AccessToken {
            secret: granted.access_token,
            renew_at: asked + life.saturating_sub(RENEW_BEFORE),
            ends_at: asked + life,
        })
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NotGranted {
    error: String,
    error_description: String,
}

fn granted(status: u16, body: &[u8]) -> Result<Granted, SheetError> {
    match status {
        200 => {
            serde_json::from_slice(body).map_err(|_| SheetError::Garbled("no token in the answer".to_owned()))
        }
        429 => Err(SheetError::Quota("token endpoint".to_owned())),
        408 | 500.. => {
            Err(SheetError::Unavailable { cause: format!("token endpoint: status {status}"), sent: false })
        }
        _ => {
            let refusal: NotGranted = serde_json::from_slice(body).unwrap_or_default();
            Err(SheetError::TokenRefused { error: refusal.error, description: refusal.error_description })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Classify, Fault};

    fn key_file(kind: &str, key: &str) -> String {
        serde_json::json!({
            "type": kind, "client_email": "bot@example.com", "private_key_id": "k1",
            "private_key": key, "token_uri": TOKEN_URL,
        })
        .to_string()
    }

    #[test]
    fn a_key_file_that_is_wrong_is_named_and_never_quoted() {
        let cases = [
            ("{\"private_key\": \"PLANTED", "not the JSON"),
            (&key_file("authorized_user", "PLANTED"), "it must be `service_account`"),
            (&key_file("service_account", "PLANTED"), "no RSA key"),
        ];
        for (text, reason) in cases {
            let error = ServiceAccount::parse(text).expect_err(reason);
            assert!(error.to_string().contains(reason), "{error}");
            assert!(!format!("{error:?} {error}").contains("PLANTED"));
            assert_eq!(error.fault(), Fault::NeedsOperator);
        }
    }

    #[test]
    fn answers_of_the_token_endpoint_are_told_apart() {
        let token = granted(200, br#"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#);
        assert_eq!(token.map(|t| t.expires_in).ok(), Some(3599));
        let refused =
            granted(400, br#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#);
        assert!(matches!(refused, Err(SheetError::TokenRefused { .. })));
        assert!(matches!(granted(503, b""), Err(SheetError::Unavailable { sent: false, .. })));
    }
}
