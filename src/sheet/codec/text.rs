//! Text of every kind, and the signs in it: the token of the empty text, and the mark of what was cut.

use serde::de::IgnoredAny;

use crate::model::cell::Cell;
use crate::model::schema::{Column, ColumnKind};
use crate::model::value::Value;
use crate::sheet::codec::Context;
use crate::sheet::codec::locale::Locale;
use crate::sheet::codec::number::fifteen_digits;

/// Characters (UTF-16 units, to be safe) that a cell holds; one more and Google refuses the whole batch.
const CELL_LIMIT: usize = 50_000;

/// How a cut text ends.
const CUT_MARK: &str = " […cut, read-only]";

/// A text column's value. Where NULL is allowed the empty text is a token, and a text that looks like the token gets a
/// backslash more, so that the map stays one to one.
pub(super) fn shown(s: &str, column: &Column, context: &Context) -> Cell {
    if has_token(column) {
        if s.is_empty() {
            return Cell::Text(context.empty_text.clone());
        }
        if s.trim_start_matches('\\') == context.empty_text {
            return Cell::Text(format!("\\{s}"));
        }
    }
    shown_as_is(s)
}

/// Text as it is, cut where it is longer than a cell.
pub(super) fn shown_as_is(s: &str) -> Cell {
    if s.is_empty() {
        return Cell::Blank;
    }
    if s.len() <= CELL_LIMIT || s.encode_utf16().count() <= CELL_LIMIT {
        return Cell::Text(s.to_owned());
    }
    let room = CELL_LIMIT - CUT_MARK.encode_utf16().count();
    let mut used = 0;
    let kept = s.chars().take_while(|c| {
        used += c.len_utf16();
        used <= room
    });
    Cell::Text(kept.chain(CUT_MARK.chars()).collect())
}

/// True for a cell that shows a value cut, and so can neither be read back nor be edited.
pub fn is_cut(cell: &Cell) -> bool {
    // A pair of surrogates at the cut leaves one unit free.
    matches!(cell, Cell::Text(s) if s.ends_with(CUT_MARK) && s.encode_utf16().count() + 1 >= CELL_LIMIT)
}

fn has_token(column: &Column) -> bool {
    let text = matches!(column.kind, ColumnKind::Text { .. } | ColumnKind::Enum(_) | ColumnKind::Set(_));
    text && column.nullable
}

/// What a person sees in the cell, the token taken back.
fn typed(cell: &Cell, column: &Column, context: &Context) -> String {
    let text = display(cell, context.locale);
    if !has_token(column) {
        return text;
    }
    if text == context.empty_text {
        return String::new();
    }
    match text.strip_prefix('\\') {
        Some(rest) if rest.trim_start_matches('\\') == context.empty_text => rest.to_owned(),
        _ => text,
    }
}

/// A cell as it is displayed without a number format.
fn display(cell: &Cell, locale: Locale) -> String {
    match cell {
        Cell::Text(s) | Cell::Error(s) => s.clone(),
        Cell::Number(x) => fifteen_digits(x.get()).replace('.', locale.decimal().encode_utf8(&mut [0; 4])),
        Cell::Bool(true) => "TRUE".to_owned(),
        Cell::Bool(false) => "FALSE".to_owned(),
        Cell::Blank => String::new(),
    }
}

pub(super) fn text(cell: &Cell, length: u64, column: &Column, context: &Context) -> Result<Value, String> {
    let text = typed(cell, column, context);
    let has = text.chars().count() as u64;
    if has > length {
        return Err(format!("must have at most {length} characters, it has {has}"));
    }
    Ok(Value::Text(text))
}

pub(super) fn member(
    cell: &Cell,
    members: &[String],
    column: &Column,
    context: &Context,
) -> Result<Value, String> {
    let text = typed(cell, column, context);
    // The error member of index 0 is the empty text.
    if text.is_empty() {
        return Ok(Value::Text(text));
    }
    let found = find(members, &text).ok_or_else(|| format!("must be one of: {}", list(members)))?;
    Ok(Value::Text(found.to_owned()))
}

pub(super) fn members(
    cell: &Cell,
    members: &[String],
    column: &Column,
    context: &Context,
) -> Result<Value, String> {
    let text = typed(cell, column, context);
    let wanted = text.split(',').filter(|part| !part.trim().is_empty());
    let wanted: Option<Vec<&str>> = wanted.map(|part| find(members, part)).collect();
    let wanted =
        wanted.ok_or_else(|| format!("must be any of these, with commas between: {}", list(members)))?;
    // The server keeps the order of the definition.
    let ordered = members.iter().map(String::as_str).filter(|member| wanted.contains(member));
    Ok(Value::Text(ordered.collect::<Vec<_>>().join(",")))
}

/// A member exactly, else without regard to case and outer spaces.
fn find<'a>(members: &'a [String], typed: &str) -> Option<&'a str> {
    let exact = members.iter().find(|member| *member == typed);
    let loose = || members.iter().find(|member| member.to_lowercase() == typed.trim().to_lowercase());
    exact.or_else(loose).map(String::as_str)
}

/// A sentence does not get longer than a person reads.
fn list(members: &[String]) -> String {
    let shown = members.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    if members.len() > 20 { format!("{shown}, …") } else { shown }
}

pub(super) fn json(cell: &Cell) -> Result<Value, String> {
    let text = match cell {
        Cell::Text(s) => s.trim().to_owned(),
        Cell::Number(x) => fifteen_digits(x.get()),
        Cell::Bool(b) => b.to_string(),
        Cell::Blank | Cell::Error(_) => String::new(),
    };
    serde_json::from_str::<IgnoredAny>(&text)
        .map_err(|e| format!("must be JSON (wrong at line {}, character {})", e.line(), e.column()))?;
    Ok(Value::Json(text))
}

/// UUID and INET types: the server checks the form.
pub(super) fn named(cell: &Cell, locale: Locale) -> Value {
    Value::Text(display(cell, locale).trim().to_owned())
}
