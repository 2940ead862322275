//! Standard Webhooks, version 1: HMAC-SHA256 over `id.timestamp.body`, base64, `v1,` in front.
//!
//! Two secrets are good while one is being replaced. Comparisons take the same time whatever the first wrong byte is, or
//! the receiver would sign for whoever has patience (standard-webhooks, `spec/standard-webhooks.md`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// How far the sender's clock may be off, either way, in seconds.
pub const TOLERANCE: u64 = 300;

/// Signatures that one request may carry; more are not looked at.
const MOST_SIGNATURES: usize = 4;

/// A link's secret: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone, Debug)]
pub struct WebhookSecret(SecretSlice<u8>);

/// A text that is no secret. It does not say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` followed by 24 to 64 bytes in base64")]
pub struct NotASecret;

impl std::str::FromStr for WebhookSecret {
    type Err = NotASecret;

    fn from_str(s: &str) -> Result<Self, NotASecret> {
        let base64 = s.trim().strip_prefix("whsec_").ok_or(NotASecret)?;
        let bytes = STANDARD.decode(base64).map_err(|_| NotASecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Ok(Self(bytes.into()))
    }
}

impl WebhookSecret {
    /// Stands in for the secret of a link that does not exist, so that its requests take as long as others.
    pub(super) fn nobodys() -> Self {
        Self(uuid::Uuid::new_v4().as_bytes().repeat(2).into())
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// The value of `webhook-signature` for one secret.
pub fn sign(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> String {
    let signature = secret.mac(id, timestamp, body).finalize().into_bytes();
    format!("v1,{}", STANDARD.encode(signature))
}

/// Which of the secrets one of the header's signatures was made with, if any.
pub fn verify(
    secrets: &[WebhookSecret],
    id: &str,
    timestamp: &str,
    body: &[u8],
    header: &str,
) -> Option<usize> {
    let signatures: Vec<Vec<u8>> = header
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"))
        .filter_map(|base64| STANDARD.decode(base64).ok())
        .take(MOST_SIGNATURES)
        .collect();
    secrets.iter().position(|secret| {
        let mac = secret.mac(id, timestamp, body);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    })
}

/// True if a timestamp, in seconds since 1970, is near enough to now.
pub fn is_fresh(timestamp: u64, now: u64) -> bool {
    timestamp.abs_diff(now) <= TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    // The published vector of the Standard Webhooks libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret(text: &str) -> WebhookSecret {
        text.parse().expect("a secret")
    }

    #[test]
    fn the_published_vector_is_ours() {
        let secrets = [secret(SECRET)];
        assert_eq!(sign(&secrets[0], ID, TIMESTAMP, BODY), SIGNATURE);
        assert_eq!(verify(&secrets, ID, TIMESTAMP, BODY, SIGNATURE), Some(0));
    }

    #[test]
    fn one_changed_character_anywhere_is_refused() {
        let secrets = [secret(SECRET)];
        let none = |id, timestamp, body, header: &str| {
            assert_eq!(verify(&secrets, id, timestamp, body, header), None, "{header}");
        };
        none("msg_p5jXN8AQM9LWM0D4loKWxJeL", TIMESTAMP, BODY, SIGNATURE);
        none(ID, "1614265331", BODY, SIGNATURE);
        none(ID, TIMESTAMP, br#"{"test": 2432232315}"#, SIGNATURE);
        none(ID, TIMESTAMP, BODY, &SIGNATURE.replace('g', "h"));
        for other in ["", "v1,", "v1a,g0hM", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,§"] {
            none(ID, TIMESTAMP, BODY, other);
        }
        assert_eq!(verify(&[], ID, TIMESTAMP, BODY, SIGNATURE), None);
    }

    #[test]
    fn both_secrets_of_a_rotation_and_several_signatures_are_good() {
        let old = secret(SECRET);
        let new = WebhookSecret::nobodys();
        let header = format!("v1,AAAA {SIGNATURE}");
        assert_eq!(verify(&[new.clone(), old.clone()], ID, TIMESTAMP, BODY, &header), Some(1));
        assert_eq!(verify(&[new], ID, TIMESTAMP, BODY, &header), None);
        assert!(!format!("{old:?}").contains("MfKQ"), "a secret is never printed");
    }

    #[test]
    fn the_tolerance_is_five_minutes_both_ways() {
        for (timestamp, fresh) in [(1_000, true), (700, true), (1_300, true), (699, false), (1_301, false)] {
            assert_eq!(is_fresh(timestamp, 1_000), fresh, "{timestamp}");
        }
    }

    #[test]
    fn secrets_have_their_form() {
        for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"] {
            assert!(bad.parse::<WebhookSecret>().is_err(), "{bad}");
        }
    }
}
