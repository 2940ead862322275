//! Service accounts: their keys, and the tokens that a signed request earns.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::Clock;

/// Seconds that a token lives, and that a request for one may reach into the future.
const HOUR: i64 = 3600;
/// Seconds by which clocks may differ.
const SKEW: i64 = 300;

/// No key could be made.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no RSA key could be generated")]
pub struct NoKey;

/// An answer of the token endpoint that is no token: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// For example `invalid_grant`.
    pub(crate) error: &'static str,
    /// In words.
    pub(crate) description: String,
}

impl Refused {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into() }
    }

    /// The body.
    pub(crate) fn to_json(&self) -> Json {
        json!({"error": self.error, "error_description": self.description})
    }
}

#[derive(Debug)]
struct Account {
    key_id: String,
    /// PKCS#1 DER.
    public: Vec<u8>,
    project: String,
}

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The account's address.
    pub(crate) address: String,
    /// Its project's number.
    pub(crate) project: String,
    /// Scopes.
    pub(crate) scopes: Vec<String>,
    /// Milliseconds since 1970.
    expires: i64,
}

impl Grant {
    /// A grant that opens everything, for callers that are not checked.
    pub(crate) fn unchecked(address: &str) -> Self {
        let scopes =
            ["https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"];
        Self {
            address: address.to_owned(),
            project: "1".into(),
            scopes: scopes.map(str::to_owned).to_vec(),
            expires: i64::MAX,
        }
    }
}

#[derive(Debug, Default)]
struct Books {
    accounts: BTreeMap<String, Account>,
    tokens: BTreeMap<String, Grant>,
}

/// The accounts of one emulator.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    books: Mutex<Books>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
    sub: Option<String>,
}

impl Accounts {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an account (or gives an existing one a new key); gives its key file. `token_uri` is the emulator's.
    pub(crate) fn create(&self, address: &str, project: &str, token_uri: &str) -> Result<Json, NoKey> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
        let private = pair.as_der().map_err(|_| NoKey)?;
        let key_id = uuid::Uuid::new_v4().simple().to_string();
        let account = Account {
            key_id: key_id.clone(),
            public: pair.public_key().as_ref().to_vec(),
            project: project.to_owned(),
        };
        self.books().accounts.insert(address.to_owned(), account);
        Ok(json!({
            "type": "service_account",
            "project_id": format!("project-{project}"),
            "private_key_id": key_id,
            "private_key": pem(private.as_ref()),
            "client_email": address,
            "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": format!("https://www.googleapis.com/robot/v1/metadata/x509/{address}"),
            "universe_domain": "googleapis.com",
        }))
    }

    /// Takes an account away; its tokens stay until they end, as Google's do.
    pub(crate) fn remove(&self, address: &str) -> bool {
        self.books().accounts.remove(address).is_some()
    }

    /// Ends all tokens now.
    pub(crate) fn revoke_tokens(&self) {
        self.books().tokens.clear();
    }

    /// Trades a signed request for a token; the body of the answer, or why not.
    pub(crate) fn token(
        &self,
        grant_type: &str,
        assertion: &str,
        audience: &str,
        clock: &Clock,
    ) -> Result<Json, Refused> {
        if grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return Err(Refused::new("unsupported_grant_type", format!("Invalid grant_type: {grant_type}")));
        }
        let claims = self.verified(assertion)?;
        let now = clock.now() / 1000;
        let reasonable = claims.iat <= now + SKEW
            && claims.exp > now - SKEW
            && claims.exp <= claims.iat + HOUR
            && claims.exp > claims.iat;
        if !reasonable {
            return Err(Refused::new(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            ));
        }
        // A loopback emulator has many names; the path is what a wrong audience gets wrong.
        if claims.aud != audience && !claims.aud.ends_with("/token") {
            return Err(Refused::new("invalid_grant", "Invalid JWT: Failed audience check."));
        }
        if claims.sub.is_some_and(|sub| sub != claims.iss) {
            return Err(Refused::new(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
            ));
        }
        let scopes: Vec<String> = claims.scope.split_whitespace().map(str::to_owned).collect();
        if scopes.is_empty()
            || !scopes.iter().all(|scope| scope.starts_with("https://www.googleapis.com/auth/"))
        {
            return Err(Refused::new("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
        }
        let mut books = self.books();
        let project =
            books.accounts.get(&claims.iss).map(|account| account.project.clone()).unwrap_or_default();
        let token = format!("ya29.c.{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let grant = Grant { address: claims.iss, project, scopes, expires: clock.now() + HOUR * 1000 };
        books.tokens.insert(token.clone(), grant);
        Ok(json!({"access_token": token, "expires_in": HOUR - 1, "token_type": "Bearer"}))
    }

    /// The claims of a request that is signed by the account that it names.
    fn verified(&self, assertion: &str) -> Result<Claims, Refused> {
        let unreadable = || Refused::new("invalid_grant", "Invalid JWT: Failed to parse JWT.");
        let header = decode_header(assertion).map_err(|_| unreadable())?;
        let payload = assertion.split('.').nth(1).ok_or_else(unreadable)?;
        let payload =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).map_err(|_| unreadable())?;
        let named: Claims = serde_json::from_slice(&payload).map_err(|_| unreadable())?;
        let books = self.books();
        let account = books
            .accounts
            .get(&named.iss)
            .ok_or_else(|| Refused::new("invalid_grant", "Invalid grant: account not found"))?;
        let wrong = || Refused::new("invalid_grant", "Invalid JWT Signature.");
        if header.kid.is_some_and(|kid| kid != account.key_id) {
            return Err(wrong());
        }
        let mut validation = Validation::new(Algorithm::RS256);
        // Times and audience are judged by the emulator's clock, not by the crate's.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = decode::<Claims>(assertion, &DecodingKey::from_rsa_der(&account.public), &validation)
            .map_err(|_| wrong())?;
        Ok(decoded.claims)
    }

    /// What a token allows; `None` if it is unknown or has ended.
    pub(crate) fn grant(&self, token: &str, clock: &Clock) -> Option<Grant> {
        let books = self.books();
        books.tokens.get(token).filter(|grant| grant.expires > clock.now()).cloned()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};

    use super::*;

    const URI: &str = "http://127.0.0.1:1/token";

    fn assertion(key: &Json, claims: &Json) -> String {
        let private = EncodingKey::from_rsa_pem(key["private_key"].as_str().unwrap_or_default().as_bytes())
            .expect("a PEM key");
        let mut header = Header::new(Algorithm::RS256);
        header.kid = key["private_key_id"].as_str().map(str::to_owned);
        encode(&header, claims, &private).expect("is signed")
    }

    fn claims(key: &Json, now: i64) -> Json {
        json!({"iss": key["client_email"], "scope": "https://www.googleapis.com/auth/spreadsheets", "aud": URI, "iat": now, "exp": now + HOUR})
    }

    #[test]
    fn a_signed_request_earns_a_token_that_ends_after_an_hour() {
        // given an account and a clock that stands still
        let (accounts, clock) = (Accounts::default(), Clock::default());
        clock.freeze(1_800_000_000_000);
        let key = accounts.create("robot@x.iam.gserviceaccount.com", "7", URI).expect("a key");
        let signed = assertion(&key, &claims(&key, 1_800_000_000));
        let trade = |assertion: &str| {
            accounts.token("urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, URI, &clock)
        };
        // when it asks for a token
        let answer = trade(&signed).expect("a token");
        let token = answer["access_token"].as_str().unwrap_or_default().to_owned();
        // then the token names it, for an hour
        assert_eq!(
            accounts.grant(&token, &clock).map(|grant| (grant.address, grant.project)),
            Some(("robot@x.iam.gserviceaccount.com".into(), "7".into()))
        );
        clock.advance(HOUR * 1000);
        assert_eq!(accounts.grant(&token, &clock), None);
        // and the same request an hour and more later is refused for its times
        clock.advance(SKEW * 1000);
        assert!(trade(&signed).expect_err("is old").description.contains("reasonable timeframe"));
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said_in_googles_words() {
        let (accounts, clock) = (Accounts::default(), Clock::default());
        let now = clock.now() / 1000;
        let key = accounts.create("a@x", "7", URI).expect("a key");
        let other = accounts.create("b@x", "7", URI).expect("a key");
        let refused = |assertion: &str| {
            let refused = accounts
                .token("urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, URI, &clock)
                .expect_err("is refused");
            (refused.error, refused.description)
        };
        let mut forged = claims(&key, now);
        forged["iss"] = json!("b@x");
        let mut signed_by_a = key.clone();
        signed_by_a["private_key_id"] = other["private_key_id"].clone();
        assert_eq!(
            refused(&assertion(&signed_by_a, &forged)),
            ("invalid_grant", "Invalid JWT Signature.".into())
        );
        let mut scopeless = claims(&key, now);
        scopeless["scope"] = json!("");
        assert_eq!(refused(&assertion(&key, &scopeless)).0, "invalid_scope");
        let mut unknown = claims(&key, now);
        unknown["iss"] = json!("c@x");
        assert_eq!(
            refused(&assertion(&key, &unknown)),
            ("invalid_grant", "Invalid grant: account not found".into())
        );
        assert_eq!(refused("nonsense").0, "invalid_grant");
    }
}
