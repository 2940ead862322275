//! What the result of a rule means for its column, and how the column's values are given to a rule.

use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelString;

use crate::model::literal::literal;
use crate::model::schema::{Column, ColumnKind};
use crate::model::value::{Real, Value};

/// Before a text that is a word and no value.
const WORD: char = '\0';

/// What a rule decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The table's value stands.
    Database,
    /// The person's value stands.
    Sheet,
    /// The later one stands.
    Newest,
    /// Nobody's: both are listed.
    Hold,
    /// Neither: this value stands on both sides.
    Value(Value),
}

/// Marks the words among the results: the expression itself, or the branches of the conditions that it is.
pub(super) fn mark_words(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::CONDITIONAL => {
            args.iter_mut().skip(1).for_each(mark_words);
        }
        Expr::Literal(LiteralValue::String(text)) if word(text.inner()).is_some() => {
            let marked = format!("{WORD}{}", text.inner());
            node.expr = Expr::Literal(LiteralValue::String(CelString::from(marked)));
        }
        _ => {}
    }
}

fn word(text: &str) -> Option<Answer> {
    match text {
        "database" => Some(Answer::Database),
        "sheet" => Some(Answer::Sheet),
        "newest" => Some(Answer::Newest),
        "hold" => Some(Answer::Hold),
        _ => None,
    }
}

/// What a result means for the column, if anything: one side's value, or another one.
pub(super) fn answer(result: &cel::Value, column: &Column, db: &Value, sheet: &Value) -> Option<Answer> {
    if let cel::Value::String(text) = result
        && let Some(said) = text.strip_prefix(WORD)
    {
        return word(said);
    }
    if *result == given(db, &column.kind) {
        return Some(Answer::Database);
    }
    if *result == given(sheet, &column.kind) {
        return Some(Answer::Sheet);
    }
    value(result, column).map(Answer::Value)
}

fn value(result: &cel::Value, column: &Column) -> Option<Value> {
    let kind = &column.kind;
    match (result, kind) {
        (cel::Value::Null, _) => column.nullable.then_some(Value::Null),
        (cel::Value::Bool(truth), ColumnKind::Boolean) => Some(Value::Int((*truth).into())),
        (cel::Value::Float(x), ColumnKind::Float) => Some(Value::Float(Real::new(f64::from(*x as f32)))),
        (cel::Value::Float(x), ColumnKind::Double) => Some(Value::Double(Real::new(*x))),
        (cel::Value::Float(x), ColumnKind::Decimal { .. }) => literal(kind, &x.to_string()).ok(),
        (cel::Value::Int(_) | cel::Value::UInt(_), ColumnKind::Text { .. } | ColumnKind::Enum(_))
        | (cel::Value::String(_), ColumnKind::Integer { .. } | ColumnKind::Boolean) => None,
        (cel::Value::Int(n), _) => number(kind, n.to_string(), *n as f64),
        (cel::Value::UInt(n), _) => number(kind, n.to_string(), *n as f64),
        (cel::Value::String(text), ColumnKind::Set(_) | ColumnKind::Named(_)) => {
            Some(Value::Text(text.to_string()))
        }
        (cel::Value::String(text), _) => literal(kind, text).ok(),
        _ => None,
    }
}

fn number(kind: &ColumnKind, digits: String, x: f64) -> Option<Value> {
    match kind {
        ColumnKind::Float => Some(Value::Float(Real::new(f64::from(x as f32)))),
        ColumnKind::Double => Some(Value::Double(Real::new(x))),
        _ => literal(kind, &digits).ok(),
    }
}

/// Why a result means nothing for the column, without the result.
pub(super) fn nothing(result: &cel::Value, column: &Column) -> String {
    // As the language calls it; the crate says float.
    let kind = match result.type_of() {
        cel::objects::ValueType::Float => "double".to_owned(),
        other => other.to_string(),
    };
    format!(
        "gives {kind} for column `{}`: that is neither a value of it nor one of database, sheet, newest and hold",
        column.name
    )
}

/// A value as the rule of its column is given it.
pub(super) fn given(value: &Value, kind: &ColumnKind) -> cel::Value {
    match (value, kind) {
        (Value::Int(n), ColumnKind::Boolean) => cel::Value::Bool(*n != 0),
        _ => plain(value),
    }
}

/// DECIMAL has no type in the language, nor have dates: they are text.
pub(super) fn plain(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Int(n) => cel::Value::Int(*n),
        Value::UInt(n) => cel::Value::UInt(*n),
        Value::Float(x) | Value::Double(x) => cel::Value::Float(x.get()),
        Value::Decimal(s) | Value::Text(s) | Value::Json(s) => text(s),
        Value::Bytes(bytes) => cel::Value::Bytes(Arc::new(bytes.clone())),
        Value::Date(date) => text(&date.to_string()),
        Value::DateTime(at) => text(&at.to_string()),
        Value::Time(time) => text(&time.to_string()),
    }
}

pub(super) fn text(text: &str) -> cel::Value {
    cel::Value::String(Arc::new(text.to_owned()))
}

pub(super) fn moment(micros: u64) -> cel::Value {
    cel::Value::Int(i64::try_from(micros).unwrap_or(i64::MAX))
}
