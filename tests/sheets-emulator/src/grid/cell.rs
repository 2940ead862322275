//! One cell, 32 bytes: a value, and a shared look (format, note, validation) that most cells do not have.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

/// What a person or a program put into a cell. A formula's result is not kept: it is worked out when it is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Blank,
    /// A number; dates and times are numbers (days since 1899-12-30) with a format.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// Text, never empty: the empty string is `Blank`.
    Text(Arc<str>),
    /// A formula with its leading `=`.
    Formula(Arc<str>),
}

impl Value {
    /// Text as a value; empty text is blank.
    pub fn text(text: &str) -> Self {
        if text.is_empty() { Self::Blank } else { Self::Text(text.into()) }
    }

    /// Is there nothing?
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Blank)
    }
}

/// What a cell amounts to once formulas are worked out.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Scalar {
    /// Nothing.
    #[default]
    Blank,
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// Text.
    Text(Arc<str>),
    /// An error.
    Error(SheetError),
}

/// An error value with the sentence that the sheet shows for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetError {
    /// Which error.
    pub kind: ErrorKind,
    /// Its explanation.
    pub message: String,
}

/// The error kinds of `ErrorValue.type` in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `#ERROR!`
    Error,
    /// `#DIV/0!`
    DivideByZero,
    /// `#VALUE!`
    Value,
    /// `#REF!`
    Ref,
    /// `#NAME?`
    Name,
    /// `#NUM!`
    Num,
    /// `#N/A`
    NotAvailable,
}

impl ErrorKind {
    /// The name in the API's enumeration.
    pub fn api(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::DivideByZero => "DIVIDE_BY_ZERO",
            Self::Value => "VALUE",
            Self::Ref => "REF",
            Self::Name => "NAME",
            Self::Num => "NUM",
            Self::NotAvailable => "N_A",
        }
    }

    /// The text that the cell shows.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Error => "#ERROR!",
            Self::DivideByZero => "#DIV/0!",
            Self::Value => "#VALUE!",
            Self::Ref => "#REF!",
            Self::Name => "#NAME?",
            Self::Num => "#NUM!",
            Self::NotAvailable => "#N/A",
        }
    }
}

/// What a cell has beside its value. Shared between neighbours, replaced as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// `CellData.userEnteredFormat` as Google prints it.
    pub format: Map<String, Json>,
    /// The note.
    pub note: Option<String>,
    /// `CellData.dataValidation` as it was set.
    pub validation: Option<Json>,
    /// `CellData.textFormatRuns` as it was set.
    pub runs: Option<Json>,
}

impl Look {
    fn is_plain(&self) -> bool {
        self.format.is_empty() && self.note.is_none() && self.validation.is_none() && self.runs.is_none()
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// The value.
    pub value: Value,
    /// Format, note and validation, where there are any.
    pub look: Option<Arc<Look>>,
}

/// The cell that is not there.
pub(crate) static BLANK: Cell = Cell { value: Value::Blank, look: None };

impl Cell {
    /// Neither a value nor a look.
    pub fn is_void(&self) -> bool {
        self.value.is_blank() && self.look.is_none()
    }

    /// The note.
    pub fn note(&self) -> Option<&str> {
        self.look.as_ref()?.note.as_deref()
    }

    /// The format that was set on the cell.
    pub fn format(&self) -> Option<&Map<String, Json>> {
        self.look.as_ref().map(|look| &look.format).filter(|format| !format.is_empty())
    }

    /// `numberFormat.type` and `numberFormat.pattern`; either may be empty.
    pub fn number_format(&self) -> Option<(&str, &str)> {
        let format = self.format()?.get("numberFormat")?;
        let part = |name| format.get(name).and_then(Json::as_str).unwrap_or_default();
        Some((part("type"), part("pattern")))
    }

    /// Is the cell formatted as plain text (`@`), so that whatever is typed stays text?
    pub fn is_text_format(&self) -> bool {
        self.number_format().is_some_and(|(kind, pattern)| kind == "TEXT" || pattern == "@")
    }

    /// Changes the look; a look that has become plain goes away.
    pub fn change_look(&mut self, change: impl FnOnce(&mut Look)) {
        let mut look = self.look.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut look);
        self.look = (!look.is_plain()).then(|| Arc::new(look));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_small_enough_for_ten_million_of_them() {
        assert_eq!(size_of::<Cell>(), 32);
    }
}
