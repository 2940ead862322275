//! The check of `filter`: conditions of the right form. Whether the table has such columns, and values of their types, is seen
//! when the link meets its table.

use config::{Value, ValueKind};

use crate::config::check::{Checked, Refused};
use crate::config::link::{Place, not_an_identifier};
use crate::config::raw::{RawCondition, part};
use crate::model::filter::{Condition, Test};

const OPERATORS: &str =
    "write \"=\", \"!=\", \"<\", \"<=\", \">\", \">=\", \"in\", \"is null\" or \"is not null\"";

impl Place<'_, '_> {
    pub(super) fn filter(&mut self, given: Vec<Value>) -> Checked<Vec<Condition>> {
        let conditions: Vec<Checked<Condition>> =
            (1..).zip(given).map(|(number, raw)| self.condition(number, raw)).collect();
        conditions.into_iter().collect()
    }

    fn condition(&mut self, number: usize, given: Value) -> Checked<Condition> {
        let key = format!("filter[{number}]");
        let path = self.path(&key);
        let raw: RawCondition = part(&path, given, &mut self.checker.complaints).ok_or(Refused)?;
        if let Some(wrong) = not_an_identifier(&raw.column) {
            return self.refuse(format!("{key}.column"), wrong, "write the column's name in the table");
        }
        let test = self.test(&key, &raw.op, raw.value)?;
        Ok(Condition { column: raw.column, test })
    }

    fn test(&mut self, key: &str, op: &str, value: Option<Value>) -> Checked<Test<String>> {
        let at = format!("{key}.value");
        match (op, value) {
            ("is null", None) => Ok(Test::Null),
            ("is not null", None) => Ok(Test::NotNull),
            ("is null" | "is not null", Some(_)) => {
                self.refuse(at, "stands beside `is null`", "leave it out")
            }
            ("in", Some(Value { kind: ValueKind::Array(values), .. })) if !values.is_empty() => {
                let texts: Option<Vec<String>> = values.into_iter().map(text).collect();
                match texts {
                    Some(texts) => Ok(Test::In(texts)),
                    None => {
                        self.refuse(at, "holds more than plain values", "write a list such as [\"a\", \"b\"]")
                    }
                }
            }
            ("in", _) => self.refuse(at, "is no list of values", "write a list such as [\"a\", \"b\"]"),
            (sign, value) => {
                let Ok(comparison) = sign.parse() else {
                    return self.refuse(format!("{key}.op"), format!("is `{sign}`"), OPERATORS);
                };
                match value.and_then(text) {
                    Some(text) => Ok(Test::Compare(comparison, text)),
                    None => self.refuse(at, "is no plain value", "write a text, a number, true or false"),
                }
            }
        }
    }
}

/// A plain value as it is written. Numbers with a point may also be written as text, which keeps all of their digits.
fn text(value: Value) -> Option<String> {
    match value.kind {
        ValueKind::String(text) => Some(text),
        ValueKind::Boolean(truth) => Some(truth.to_string()),
        ValueKind::I64(n) => Some(n.to_string()),
        ValueKind::U64(n) => Some(n.to_string()),
        ValueKind::I128(n) => Some(n.to_string()),
        ValueKind::U128(n) => Some(n.to_string()),
        ValueKind::Float(x) => Some(x.to_string()),
        ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => None,
    }
}
