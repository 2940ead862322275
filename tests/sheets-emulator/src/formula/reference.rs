//! References that follow: after lines moved, and when a formula is copied elsewhere.

use super::token::{Corner, Reference, Token, cut};
use crate::grid::{Dimension, SheetId, Shift};

/// What moved on a tab.
#[derive(Debug, Clone, Copy)]
pub struct Moved<'a> {
    /// The tab.
    pub sheet: SheetId,
    /// Rows or columns.
    pub dimension: Dimension,
    /// How.
    pub shift: &'a Shift,
    /// Only cells between these columns (or rows), where it is not whole lines.
    pub across: Option<(u32, u32)>,
}

/// The formula after cells of the tab `title` moved; `None` if it stays as it is. `home` tells that the formula
/// stands on that tab, so that references without a title mean it.
pub fn after_shift(formula: &str, home: bool, title: &str, moved: &Moved<'_>) -> Option<String> {
    rewrite(formula, |reference| {
        let named = reference.title.as_deref();
        let meant = named.map_or(home, |named| named.to_lowercase() == title.to_lowercase());
        if meant && moved.takes(reference) {
            shifted(reference, moved.dimension, moved.shift)
        } else {
            Some(reference.clone())
        }
    })
}

impl Moved<'_> {
    /// Are all cells that are meant among those that may move?
    fn takes(&self, reference: &Reference) -> bool {
        let inside = |corner: &Corner| {
            let across = if self.dimension == Dimension::Rows { corner.column } else { corner.row };
            let (Some((start, end)), Some((at, _))) = (self.across, across) else {
                return self.across.is_none();
            };
            (start..end).contains(&at)
        };
        inside(&reference.first) && reference.last.as_ref().is_none_or(inside)
    }
}

/// The formula after a tab got another title; `None` if it stays as it is.
pub fn after_rename(formula: &str, old: &str, new: &str) -> Option<String> {
    rewrite(formula, |reference| {
        let mut reference = reference.clone();
        if reference.title.as_deref().is_some_and(|title| title.to_lowercase() == old.to_lowercase()) {
            reference.title = Some(new.to_owned());
        }
        Some(reference)
    })
}

/// The formula as it reads when it is copied by so many rows and columns.
pub fn copied_by(formula: &str, rows: i64, columns: i64) -> String {
    rewrite(formula, |reference| {
        let corner = |corner: &Corner| {
            let moved = |line: Option<(u32, bool)>, by: i64| match line {
                Some((at, false)) => Some(Some((u32::try_from(i64::from(at) + by).ok()?, false))),
                fixed => Some(fixed),
            };
            Some(Corner { column: moved(corner.column, columns)?, row: moved(corner.row, rows)? })
        };
        let last = match &reference.last {
            Some(last) => Some(corner(last)?),
            None => None,
        };
        Some(Reference { title: reference.title.clone(), first: corner(&reference.first)?, last })
    })
    .unwrap_or_else(|| formula.to_owned())
}

/// Passes every reference through `change`; one that it gives nothing for becomes `#REF!`.
fn rewrite(formula: &str, change: impl Fn(&Reference) -> Option<Reference>) -> Option<String> {
    let body = formula.strip_prefix('=')?;
    let mut out = String::from("=");
    let (mut copied, mut changed) = (0, false);
    for (place, token) in cut(body)? {
        let Token::Reference(reference) = token else {
            continue;
        };
        let new = change(&reference);
        if new.as_ref() != Some(&reference) {
            out.push_str(&body[copied..place.start]);
            out.push_str(&new.map_or_else(|| "#REF!".to_owned(), |new| new.print()));
            copied = place.end;
            changed = true;
        }
    }
    out.push_str(&body[copied..]);
    changed.then_some(out)
}

fn shifted(reference: &Reference, dimension: Dimension, shift: &Shift) -> Option<Reference> {
    let line = |corner: &Corner| match dimension {
        Dimension::Rows => corner.row,
        Dimension::Columns => corner.column,
    };
    let with = |corner: &Corner, at: u32| {
        let mut new = *corner;
        let side = match dimension {
            Dimension::Rows => &mut new.row,
            Dimension::Columns => &mut new.column,
        };
        if let Some((old, _)) = side {
            *old = at;
        }
        new
    };
    let mut new = reference.clone();
    match (line(&reference.first), reference.last.as_ref().and_then(|last| Some((last, line(last)?)))) {
        (Some((start, _)), Some((last, (end, _)))) => {
            let (moved_start, moved_end) = shift.span(start.min(end), start.max(end) + 1)?;
            new.first = with(&reference.first, moved_start);
            new.last = Some(with(last, moved_end - 1));
        }
        (Some((at, _)), None) => new.first = with(&reference.first, shift.index(at)?),
        (None, _) => {}
    }
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_follow_rows_that_move() {
        let insert = Shift::Insert { at: 1, count: 2 };
        let moved = |shift, across| Moved { sheet: SheetId(0), dimension: Dimension::Rows, shift, across };
        let after = |formula, shift| after_shift(formula, true, "Data", &moved(shift, None));
        assert_eq!(after("=A1+B3*SUM(C2:$D$9)", &insert).as_deref(), Some("=A1+B5*SUM(C4:$D$11)"));
        assert_eq!(after("=Other!B3&\"B3\"", &insert), None);
        assert_eq!(after("='Data'!B3", &insert).as_deref(), Some("=Data!B5"));
        assert_eq!(after("=B3", &Shift::Delete { start: 2, end: 3 }).as_deref(), Some("=#REF!"));
        let band = moved(&insert, Some((1, 2)));
        assert_eq!(after_shift("=A3+B3+A1:B4", true, "Data", &band).as_deref(), Some("=A3+B5+A1:B4"));
    }

    #[test]
    fn a_copy_moves_what_is_not_fixed() {
        assert_eq!(copied_by("=A1+$A1+A$1+$A$1", 2, 1), "=B3+$A3+B$1+$A$1");
        assert_eq!(copied_by("=A1", -1, 0), "=#REF!");
    }
}
