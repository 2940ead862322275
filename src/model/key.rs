//! A row's key: the values of its primary key columns, in the key's own order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::digest::wide;
use crate::model::value::Value;

mod packed;

/// The key of a row. Text parts under a case-insensitive collation stand here in the form that the server calls equal
/// (the edge that reads them sees to it), so that equal keys are equal here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub Vec<Value>);

impl Key {
    /// 128 bits that stand for the key in our own tables.
    pub fn wide_digest(&self) -> [u8; 16] {
        wide(self.to_string().as_bytes())
    }
}

/// Prints `17`, `"ann"`, `17,"a\"b"`, `x'00ff'`: every value that can be part of a key, told apart by its form.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match part {
                Value::Int(n) => write!(f, "{n}")?,
                Value::UInt(n) => write!(f, "{n}")?,
                Value::Text(s) => write!(f, "{}", serde_json::Value::from(s.as_str()))?,
                Value::Bytes(b) => {
                    f.write_str("x'")?;
                    b.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                    f.write_str("'")?;
                }
                other => write!(f, "j{}", serde_json::to_string(other).map_err(|_| fmt::Error)?)?,
            }
        }
        Ok(())
    }
}

/// A text that is no key's print form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key")]
pub struct NotAKey;

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(s: &str) -> Result<Self, NotAKey> {
        let mut parts = Vec::new();
        let mut rest = s;
        loop {
            let (part, after) = parse_part(rest)?;
            parts.push(part);
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None if after.is_empty() => return Ok(Self(parts)),
                None => return Err(NotAKey),
            }
        }
    }
}

fn parse_part(s: &str) -> Result<(Value, &str), NotAKey> {
    if s.starts_with('"') {
        return from_json::<String>(s).map(|(text, rest)| (Value::Text(text), rest));
    }
    if let Some(json) = s.strip_prefix('j') {
        return from_json::<Value>(json);
    }
    if let Some(hex) = s.strip_prefix("x'") {
        let (digits, rest) = hex.split_once('\'').ok_or(NotAKey)?;
        let bytes = digits.as_bytes().chunks(2).map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|p| p.len() == 2)
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        });
        return Ok((Value::Bytes(bytes.collect::<Option<_>>().ok_or(NotAKey)?), rest));
    }
    let end = s.find(',').unwrap_or(s.len());
    let number = s[..end].parse::<i128>().ok().and_then(Value::integer).ok_or(NotAKey)?;
    Ok((number, &s[end..]))
}

/// Reads one JSON value off the front of the text.
fn from_json<T: for<'a> Deserialize<'a>>(s: &str) -> Result<(T, &str), NotAKey> {
    let mut stream = serde_json::Deserializer::from_str(s).into_iter::<T>();
    let value = stream.next().and_then(Result::ok).ok_or(NotAKey)?;
    Ok((value, &s[stream.byte_offset()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::temporal::Date;

    #[test]
    fn keys_print_and_parse() {
        let keys = [
            vec![Value::Int(-17)],
            vec![Value::UInt(u64::MAX), Value::Text("a,\"b\"\n🙂".into())],
            vec![Value::Bytes(vec![0, 255]), Value::Decimal("1.50".into())],
            vec![Value::Date(Date { year: 2026, month: 1, day: 2 }), Value::Int(3)],
        ];
        for parts in keys {
            let key = Key(parts);
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for bad in ["", ",", "1,", "x'0'", "\"", "1;2"] {
            assert_eq!(bad.parse::<Key>(), Err(NotAKey), "{bad}");
        }
    }
}
