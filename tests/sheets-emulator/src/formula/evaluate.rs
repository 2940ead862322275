//! Working out what a formula amounts to.

use std::cell::RefCell;
use std::collections::HashMap;

use super::parse::{Expression, parse};
use super::token::Reference;
use crate::grid::{Area, Cell, ErrorKind, OpenArea, Scalar, SheetError, SheetId, Spreadsheet, Tab, Value};

/// A spreadsheet opened for reading: what its formulas amount to is worked out once and remembered.
pub struct Book<'a> {
    spreadsheet: &'a Spreadsheet,
    /// `None` while a cell is being worked out: meeting it again is a circle.
    known: RefCell<HashMap<(SheetId, u32, u32), Option<Scalar>>>,
}

impl<'a> Book<'a> {
    /// Opens a spreadsheet.
    pub fn new(spreadsheet: &'a Spreadsheet) -> Self {
        Self { spreadsheet, known: RefCell::default() }
    }

    /// The spreadsheet.
    pub fn spreadsheet(&self) -> &'a Spreadsheet {
        self.spreadsheet
    }

    /// What a cell amounts to.
    pub fn scalar(&self, tab: &Tab, row: u32, column: u32) -> Scalar {
        self.scalar_of(tab, (row, column), tab.cell(row, column))
    }

    /// What a cell amounts to that is at hand already, with its row and column.
    pub fn scalar_of(&self, tab: &Tab, (row, column): (u32, u32), cell: &Cell) -> Scalar {
        match &cell.value {
            Value::Blank => Scalar::Blank,
            Value::Number(number) => Scalar::Number(*number),
            Value::Bool(bool) => Scalar::Bool(*bool),
            Value::Text(text) => Scalar::Text(text.clone()),
            Value::Formula(formula) => self.formula(tab, row, column, formula),
        }
    }

    fn formula(&self, tab: &Tab, row: u32, column: u32, formula: &str) -> Scalar {
        let place = (tab.id, row, column);
        let known = self.known.borrow().get(&place).cloned();
        match known {
            Some(Some(scalar)) => return scalar,
            Some(None) => {
                return error(
                    ErrorKind::Ref,
                    "Circular dependency detected. To resolve with iterative calculation, see File > Settings.",
                );
            }
            None => {}
        }
        self.known.borrow_mut().insert(place, None);
        let scalar = match parse(formula) {
            None => error(ErrorKind::Error, "Formula parse error."),
            Some(tree) => match self.work_out(tab, &tree) {
                Ok(Scalar::Blank) => Scalar::Number(0.0),
                Ok(scalar) => scalar,
                Err(fault) => Scalar::Error(fault),
            },
        };
        self.known.borrow_mut().insert(place, Some(scalar.clone()));
        scalar
    }

    fn work_out(&self, tab: &Tab, tree: &Expression) -> Result<Scalar, SheetError> {
        Ok(match tree {
            Expression::Number(number) => Scalar::Number(*number),
            Expression::Text(text) => Scalar::Text(text.as_str().into()),
            Expression::Bool(bool) => Scalar::Bool(*bool),
            Expression::Lost => return Err(fault(ErrorKind::Ref, "Reference does not exist.")),
            Expression::Unknown(name) => {
                return Err(fault(
                    ErrorKind::Name,
                    &format!("Unknown range name: '{}'.", name.to_uppercase()),
                ));
            }
            Expression::Negative(inner) => Scalar::Number(-number(&self.work_out(tab, inner)?)?),
            Expression::Reference(reference) => self.one(tab, reference)?,
            Expression::Binary('&', left, right) => {
                let joined =
                    format!("{}{}", shown(&self.work_out(tab, left)?)?, shown(&self.work_out(tab, right)?)?);
                Scalar::Text(joined.into())
            }
            Expression::Binary(sign, left, right) => {
                let (left, right) =
                    (number(&self.work_out(tab, left)?)?, number(&self.work_out(tab, right)?)?);
                Scalar::Number(match sign {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ if right == 0.0 => {
                        return Err(fault(
                            ErrorKind::DivideByZero,
                            "Function DIVIDE parameter 2 cannot be zero.",
                        ));
                    }
                    _ => left / right,
                })
            }
            Expression::Call(name, arguments) if name == "SUM" => self.sum(tab, arguments)?,
            Expression::Call(name, _) => {
                return Err(fault(ErrorKind::Name, &format!("Unknown function: '{name}'.")));
            }
        })
    }

    fn sum(&self, tab: &Tab, arguments: &[Expression]) -> Result<Scalar, SheetError> {
        let mut sum = 0.0;
        for argument in arguments {
            let Expression::Reference(reference) = argument else {
                sum += number(&self.work_out(tab, argument)?)?;
                continue;
            };
            let (tab, area) = self.meant(tab, reference)?;
            for row in area.top..area.bottom.min(tab.row_count()) {
                let used = area.right.min(tab.rows.row(row).len() as u32);
                for column in area.left..used {
                    match self.scalar(tab, row, column) {
                        Scalar::Number(number) => sum += number,
                        Scalar::Error(error) => return Err(error),
                        // Text and booleans in a range count nothing.
                        Scalar::Blank | Scalar::Bool(_) | Scalar::Text(_) => {}
                    }
                }
            }
        }
        Ok(Scalar::Number(sum))
    }

    fn one(&self, tab: &Tab, reference: &Reference) -> Result<Scalar, SheetError> {
        let (tab, area) = self.meant(tab, reference)?;
        if !area.is_one_cell() {
            return Err(fault(ErrorKind::Value, "An array value could not be found."));
        }
        match self.scalar(tab, area.top, area.left) {
            Scalar::Error(error) => Err(error),
            scalar => Ok(scalar),
        }
    }

    fn meant<'b>(&'b self, home: &'b Tab, reference: &Reference) -> Result<(&'b Tab, Area), SheetError> {
        let tab = match &reference.title {
            None => home,
            Some(title) => self
                .spreadsheet
                .tab_titled(title)
                .ok_or_else(|| fault(ErrorKind::Ref, "Unresolved sheet name."))?,
        };
        let last = reference.last.unwrap_or(reference.first);
        let side = |a: Option<(u32, bool)>, b: Option<(u32, bool)>| match (a, b) {
            (Some((a, _)), Some((b, _))) => (Some(a.min(b)), Some(a.max(b) + 1)),
            (Some((a, _)), None) | (None, Some((a, _))) => (Some(a), None),
            (None, None) => (None, None),
        };
        let (top, bottom) = side(reference.first.row, last.row);
        let (left, right) = side(reference.first.column, last.column);
        let area = OpenArea { top, left, bottom, right }.on(tab);
        if area.bottom > tab.row_count() || area.right > tab.column_count() {
            return Err(fault(ErrorKind::Ref, "Reference does not exist."));
        }
        Ok((tab, area))
    }
}

fn number(scalar: &Scalar) -> Result<f64, SheetError> {
    match scalar {
        Scalar::Blank => Ok(0.0),
        Scalar::Number(number) => Ok(*number),
        Scalar::Bool(bool) => Ok(f64::from(u8::from(*bool))),
        Scalar::Text(text) => text.trim().parse().map_err(|_| {
            fault(ErrorKind::Value, &format!("A parameter expects number values. But '{text}' is a text and cannot be coerced to a number."))
        }),
        Scalar::Error(error) => Err(error.clone()),
    }
}

fn shown(scalar: &Scalar) -> Result<String, SheetError> {
    match scalar {
        Scalar::Blank => Ok(String::new()),
        Scalar::Number(number) => Ok(crate::display::general(*number)),
        Scalar::Bool(bool) => Ok(if *bool { "TRUE" } else { "FALSE" }.to_owned()),
        Scalar::Text(text) => Ok(text.to_string()),
        Scalar::Error(error) => Err(error.clone()),
    }
}

fn fault(kind: ErrorKind, message: &str) -> SheetError {
    SheetError { kind, message: message.to_owned() }
}

fn error(kind: ErrorKind, message: &str) -> Scalar {
    Scalar::Error(fault(kind, message))
}
