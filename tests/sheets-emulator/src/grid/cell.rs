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

/// The look of the cell that was changed last, before and after.
#[derive(Debug, Default)]
pub(crate) struct Restyled(Option<[Option<Arc<Look>>; 2]>);

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

    /// The same change as that of the cells before: where this one shared its look with the last of them, it shares the new one,
    /// too. A rule over a column of a million rows is one look, not a million.
    pub(crate) fn change_look_alike(&mut self, last: &mut Restyled, change: impl FnOnce(&mut Look)) {
        if let Some([before, after]) = &last.0
            && before.as_ref().map(Arc::as_ptr) == self.look.as_ref().map(Arc::as_ptr)
        {
            self.look.clone_from(after);
            return;
        }
        let before = self.look.clone();
        self.change_look(change);
        last.0 = Some([before, self.look.clone()]);
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

    #[test]
    fn cells_that_shared_a_look_share_the_new_one() {
        // given two cells that are plain, two that share a note, and one with a note of its own
        let noted = |text: &str| Look { note: Some(text.into()), ..Look::default() };
        let shared = Arc::new(noted("a"));
        let looks = [None, None, Some(Arc::clone(&shared)), Some(shared), Some(Arc::new(noted("b")))];
        let mut cells = looks.map(|look| Cell { value: Value::Blank, look });
        // when all get the same rule
        let mut last = Restyled::default();
        for cell in &mut cells {
            cell.change_look_alike(&mut last, |look| look.validation = Some(Json::Bool(true)));
        }
        // then each keeps its note, and those that were the same are the same
        assert_eq!(cells.each_ref().map(Cell::note), [None, None, Some("a"), Some("a"), Some("b")]);
        let looks = cells.each_ref().map(|cell| cell.look.as_ref().expect("a rule"));
        assert!(looks.iter().all(|look| look.validation.is_some()));
        assert!(Arc::ptr_eq(looks[0], looks[1]) && Arc::ptr_eq(looks[2], looks[3]));
        assert!(!Arc::ptr_eq(looks[1], looks[2]));
    }
}
