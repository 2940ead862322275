//! A key as bytes that sort as keys do: many keys lie in one piece of memory, and one is found without building any other.
//!
//! Each value is its kind and its content, and none is the beginning of another. Integers are big-endian with the sign turned;
//! texts end in `00 01`, and a zero in them is `00 ff`.

use crate::model::key::Key;
use crate::model::temporal::{Date, DateTime, Time};
use crate::model::value::{Real, Value};

const INT: u8 = 1;
const SIGN: u64 = 1 << 63;
const ZERO: u8 = 0xff;
const END: u8 = 1;

impl Key {
    /// The key's bytes.
    pub fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 9);
        self.0.iter().for_each(|value| pack(value, &mut bytes));
        bytes
    }

    /// Does something with the key's bytes, without asking for memory where the key is one number, as most are.
    pub fn with_packed<T>(&self, what: impl FnOnce(&[u8]) -> T) -> T {
        if let [Value::Int(n)] = self.0.as_slice() {
            let mut bytes = [INT; 9];
            bytes[1..].copy_from_slice(&(*n as u64 ^ SIGN).to_be_bytes());
            return what(&bytes);
        }
        what(&self.packed())
    }

    /// The key of bytes that [`Key::packed`] made.
    pub fn unpacked(mut bytes: &[u8]) -> Self {
        let mut values = Vec::with_capacity(1);
        while let Some((kind, rest)) = bytes.split_first() {
            bytes = rest;
            values.push(unpack(*kind, &mut bytes));
        }
        Self(values)
    }
}

fn pack(value: &Value, bytes: &mut Vec<u8>) {
    // The kinds are numbered in the order in which values sort.
    match value {
        Value::Null => bytes.push(0),
        Value::Int(n) => number(INT, *n as u64 ^ SIGN, bytes),
        Value::UInt(n) => number(2, *n, bytes),
        Value::Decimal(s) => text(3, s.as_bytes(), bytes),
        Value::Float(x) => number(4, sortable(*x), bytes),
        Value::Double(x) => number(5, sortable(*x), bytes),
        Value::Text(s) => text(6, s.as_bytes(), bytes),
        Value::Bytes(b) => text(7, b, bytes),
        Value::Date(date) => {
            bytes.push(8);
            pack_date(*date, bytes);
        }
        Value::DateTime(at) => {
            bytes.push(9);
            pack_date(at.date, bytes);
            bytes.extend([at.hour, at.minute, at.second]);
            bytes.extend(at.micros.to_be_bytes());
        }
        Value::Time(time) => number(10, time.micros as u64 ^ SIGN, bytes),
        Value::Json(s) => text(11, s.as_bytes(), bytes),
    }
}

fn unpack(kind: u8, bytes: &mut &[u8]) -> Value {
    match kind {
        INT => Value::Int((take_number(bytes) ^ SIGN) as i64),
        2 => Value::UInt(take_number(bytes)),
        3 => Value::Decimal(take_string(bytes)),
        4 => Value::Float(real(take_number(bytes))),
        5 => Value::Double(real(take_number(bytes))),
        6 => Value::Text(take_string(bytes)),
        7 => Value::Bytes(take_text(bytes)),
        8 => Value::Date(take_date(bytes)),
        9 => {
            let date = take_date(bytes);
            let [hour, minute, second] = take(bytes);
            Value::DateTime(DateTime { date, hour, minute, second, micros: u32::from_be_bytes(take(bytes)) })
        }
        10 => Value::Time(Time { micros: (take_number(bytes) ^ SIGN) as i64 }),
        11 => Value::Json(take_string(bytes)),
        _ => Value::Null,
    }
}

fn number(kind: u8, n: u64, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    bytes.extend(n.to_be_bytes());
}

/// The bits of a double, in the order of doubles.
fn sortable(x: Real) -> u64 {
    let bits = x.get().to_bits();
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

fn real(bits: u64) -> Real {
    Real::new(f64::from_bits(if bits & SIGN == 0 { !bits } else { bits ^ SIGN }))
}

fn text(kind: u8, content: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(kind);
    for byte in content {
        bytes.push(*byte);
        bytes.extend((*byte == 0).then_some(ZERO));
    }
    bytes.extend([0, END]);
}

fn pack_date(date: Date, bytes: &mut Vec<u8>) {
    bytes.extend(date.year.to_be_bytes());
    bytes.extend([date.month, date.day]);
}

fn take_date(bytes: &mut &[u8]) -> Date {
    let [high, low, month, day] = take(bytes);
    Date { year: u16::from_be_bytes([high, low]), month, day }
}

fn take_number(bytes: &mut &[u8]) -> u64 {
    u64::from_be_bytes(take(bytes))
}

fn take_string(bytes: &mut &[u8]) -> String {
    String::from_utf8(take_text(bytes)).unwrap_or_default()
}

fn take_text(bytes: &mut &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        if *byte == 0 && take(bytes) == [END] {
            break;
        }
        content.push(*byte);
    }
    content
}

/// The next bytes; what is cut short counts as zeros.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let Some((taken, rest)) = bytes.split_first_chunk() else {
        *bytes = &[];
        return [0; N];
    };
    *bytes = rest;
    *taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let date = || (0..10_000_u16, 0..13_u8, 0..32_u8);
        let date = move || date().prop_map(|(year, month, day)| Date { year, month, day });
        let time = (0..24_u8, 0..60_u8, 0..60_u8, 0..1_000_000_u32);
        // Few letters, so that texts begin alike.
        let text = || "[\\x00\\x01aä\u{10ffff}]{0,4}";
        prop_oneof![
            Just(Value::Null),
            prop_oneof![-3..3_i64, any::<i64>()].prop_map(Value::Int),
            (i64::MAX as u64 + 1..).prop_map(Value::UInt),
            "-?[0-9]{1,3}\\.[0-9]{2}".prop_map(Value::Decimal),
            any::<f32>()
                .prop_filter("a number", |x| !x.is_nan())
                .prop_map(|x| Value::Float(Real::new(x.into()))),
            any::<f64>().prop_filter("a number", |x| !x.is_nan()).prop_map(|x| Value::Double(Real::new(x))),
            text().prop_map(Value::Text),
            prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..4)
                .prop_map(Value::Bytes),
            date().prop_map(Value::Date),
            (date(), time).prop_map(|(date, (hour, minute, second, micros))| {
                Value::DateTime(DateTime { date, hour, minute, second, micros })
            }),
            any::<i64>().prop_map(|micros| Value::Time(Time { micros })),
            text().prop_map(Value::Json),
        ]
    }

    fn key() -> impl Strategy<Value = Key> {
        prop::collection::vec(value(), 1..4).prop_map(Key)
    }

    proptest! {
        #[test]
        fn a_key_comes_back_from_its_bytes(key in key()) {
            prop_assert_eq!(Key::unpacked(&key.packed()), key.clone());
            key.with_packed(|bytes| assert_eq!(bytes, key.packed()));
        }

        #[test]
        fn bytes_sort_as_keys_do(one in key(), other in key()) {
            prop_assert_eq!(one.packed().cmp(&other.packed()), one.cmp(&other));
        }
    }
}
