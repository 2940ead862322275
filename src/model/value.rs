//! What MySQL means by a column's value: exact, and the same whether it came from the binlog or from a SELECT.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::temporal::{Date, DateTime, Time};

/// A double with a total order, so that rows compare and hash; `-0` is `0`, MySQL stores no NaN.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Real(f64);

impl Real {
    /// Wraps a double; negative zero becomes zero, as MySQL prints both alike.
    pub fn new(x: f64) -> Self {
        Self(if x == 0.0 { 0.0 } else { x })
    }

    /// The double.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}
impl Eq for Real {}
impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}
impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// One column's value. Equal values have equal digests; there is one form per value (see [`Value::integer`]).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// Every integer type, BIT and YEAR included, that fits an `i64`.
    Int(i64),
    /// An integer beyond `i64::MAX` only.
    UInt(u64),
    /// DECIMAL: digits as the server prints them with the column's scale, `-0.01`.
    Decimal(String),
    /// FLOAT, kept apart from DOUBLE because its shortest text has fewer digits.
    Float(Real),
    /// DOUBLE.
    Double(Real),
    /// CHAR, VARCHAR, TEXT, ENUM (the member's name, the empty text for index 0), SET (names joined by commas), in UTF-8;
    /// MariaDB's UUID and INET types in their text form.
    Text(String),
    /// BINARY (padded to its length), VARBINARY, BLOB, GEOMETRY, VECTOR.
    Bytes(Vec<u8>),
    /// DATE.
    Date(Date),
    /// DATETIME as wall time; TIMESTAMP in UTC.
    DateTime(DateTime),
    /// TIME.
    Time(Time),
    /// JSON in the server's own normal text form (`CAST(c AS CHAR)`).
    Json(String),
}

impl Value {
    /// The one form of an integer: `Int` where it fits, else `UInt`. `None` beyond 64 bits.
    pub fn integer(n: i128) -> Option<Self> {
        i64::try_from(n).map(Self::Int).or_else(|_| u64::try_from(n).map(Self::UInt)).ok()
    }

    /// True for SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The fingerprint that base keeps of the database's side.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::with_capacity(24);
        match self {
            Self::Null => bytes.push(0),
            Self::Int(n) => put(&mut bytes, 1, &n.to_be_bytes()),
            Self::UInt(n) => put(&mut bytes, 2, &n.to_be_bytes()),
            Self::Decimal(s) => put(&mut bytes, 3, s.as_bytes()),
            Self::Float(x) => put(&mut bytes, 4, &x.get().to_bits().to_be_bytes()),
            Self::Double(x) => put(&mut bytes, 5, &x.get().to_bits().to_be_bytes()),
            Self::Text(s) => put(&mut bytes, 6, s.as_bytes()),
            Self::Bytes(b) => put(&mut bytes, 7, b),
            Self::Date(d) => put(&mut bytes, 8, d.to_string().as_bytes()),
            Self::DateTime(d) => put(&mut bytes, 9, d.to_string().as_bytes()),
            Self::Time(t) => put(&mut bytes, 10, &t.micros.to_be_bytes()),
            Self::Json(s) => put(&mut bytes, 11, s.as_bytes()),
        }
        Digest::of(&bytes)
    }
}

fn put(bytes: &mut Vec<u8>, tag: u8, body: &[u8]) {
    bytes.push(tag);
    bytes.extend_from_slice(body);
}

/// Debug names the kind and the length and never the content: values reach no log (house rule).
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Int(_) | Self::UInt(_) => f.write_str("integer"),
            Self::Decimal(_) => f.write_str("decimal"),
            Self::Float(_) | Self::Double(_) => f.write_str("real"),
            Self::Text(s) => write!(f, "text of {} bytes", s.len()),
            Self::Bytes(b) => write!(f, "{} bytes", b.len()),
            Self::Date(_) => f.write_str("date"),
            Self::DateTime(_) => f.write_str("datetime"),
            Self::Time(_) => f.write_str("time"),
            Self::Json(s) => write!(f, "json of {} bytes", s.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_one_form() {
        assert_eq!(Value::integer(5), Some(Value::Int(5)));
        assert_eq!(Value::integer(i128::from(u64::MAX)), Some(Value::UInt(u64::MAX)));
        assert_eq!(Value::integer(i128::from(u64::MAX) + 1), None);
    }

    #[test]
    fn kinds_do_not_share_digests() {
        let same_bytes = [
            Value::Text("1".into()),
            Value::Decimal("1".into()),
            Value::Bytes(b"1".to_vec()),
            Value::Json("1".into()),
        ];
        for (i, a) in same_bytes.iter().enumerate() {
            for b in &same_bytes[i + 1..] {
                assert_ne!(a.digest(), b.digest());
            }
        }
        assert_ne!(Value::Null.digest(), Value::Text(String::new()).digest());
    }
}
