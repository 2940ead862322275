//! `Utilities`: bytes, signatures, base64 and dates.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{Thrown, pattern};
use crate::script::engine::Host;

/// Apps Script's bytes: signed in what comes from Google, either way in what goes to it.
#[derive(Deserialize)]
#[serde(from = "Vec<i64>")]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl From<Vec<i64>> for Bytes {
    fn from(numbers: Vec<i64>) -> Self {
        Self(numbers.into_iter().map(|number| number as u8).collect())
    }
}

/// Bytes as a script sees them.
pub(super) fn signed(bytes: &[u8]) -> Json {
    bytes.iter().map(|byte| *byte as i8).collect::<Vec<_>>().into()
}

#[derive(Deserialize)]
#[allow(non_camel_case_types)]
enum Charset {
    US_ASCII,
    UTF_8,
    #[serde(rename = "UTF-8")]
    Utf8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Alphabet {
    Standard,
    WebSafe,
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum Call {
    Encode { text: String, charset: Charset },
    Decode { bytes: Bytes },
    HmacSha256 { bytes: Bytes, key: Bytes },
    Sha256 { bytes: Bytes },
    Base64Encode { bytes: Bytes, alphabet: Alphabet },
    Base64Decode { text: String, alphabet: Alphabet },
    Uuid,
    FormatDate { ms: f64, zone: String, pattern: String },
    Offset { zone: String, ms: f64 },
    Sleep { ms: u64 },
}

pub(super) fn answer(host: &Host, call: &str) -> Result<Json, Thrown> {
    Ok(match serde_json::from_str(call)? {
        Call::Encode { text, charset } => signed(&encode(&text, &charset)),
        Call::Decode { bytes } => String::from_utf8_lossy(&bytes.0).into_owned().into(),
        Call::HmacSha256 { bytes, key } => signed(&sign(&bytes.0, &key.0)),
        Call::Sha256 { bytes } => signed(&Sha256::digest(&bytes.0)),
        Call::Base64Encode { bytes, alphabet: Alphabet::Standard } => STANDARD.encode(bytes.0).into(),
        Call::Base64Encode { bytes, alphabet: Alphabet::WebSafe } => URL_SAFE.encode(bytes.0).into(),
        Call::Base64Decode { text, alphabet } => signed(&decode(&text, &alphabet)?),
        Call::Uuid => uuid::Uuid::new_v4().to_string().into(),
        Call::FormatDate { ms, zone, pattern } => {
            pattern::format(&at(ms, &zone)?, &pattern).map_err(Thrown)?.into()
        }
        Call::Offset { zone, ms } => json!(i64::from(at(ms, &zone)?.offset().seconds()) * 1000),
        Call::Sleep { ms } => {
            host.watch().pass(ms);
            Json::Null
        }
    })
}

/// Every character that US-ASCII lacks becomes one `?`.
fn encode(text: &str, charset: &Charset) -> Vec<u8> {
    match charset {
        Charset::US_ASCII => text.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect(),
        Charset::UTF_8 | Charset::Utf8 => text.as_bytes().to_vec(),
    }
}

fn sign(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is good for HMAC");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

fn decode(text: &str, alphabet: &Alphabet) -> Result<Vec<u8>, Thrown> {
    let bare = text.trim_end_matches('=');
    match alphabet {
        Alphabet::Standard => STANDARD_NO_PAD.decode(bare),
        Alphabet::WebSafe => URL_SAFE_NO_PAD.decode(bare),
    }
    .map_err(|_| Thrown("Could not decode string.".into()))
}

fn at(ms: f64, zone: &str) -> Result<jiff::ZonedDateTime, Thrown> {
    let instant =
        jiff::Timestamp::from_millisecond(ms as i64).map_err(|_| Thrown("Invalid argument: date".into()))?;
    instant
        .in_tz(zone)
        .map_err(|_| Thrown(format!("Invalid argument: timeZone. Should be of type: String, not {zone}")))
}
