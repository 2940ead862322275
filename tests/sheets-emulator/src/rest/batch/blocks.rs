//! `insertRange`, `deleteRange` and `pasteData`: blocks that push cells about, and text that is pasted.

use super::{Answer, Work, nothing};
use crate::display::Locale;
use crate::entry::{Desk, enter};
use crate::grid::{Area, Dimension, Refusal};
use crate::rest::ApiError;
use crate::rest::fields::{self, Object, flag, object, text};

fn shifted(message: &Object) -> Result<Dimension, Refusal> {
    match text(message, "shiftDimension") {
        "ROWS" => Ok(Dimension::Rows),
        "COLUMNS" => Ok(Dimension::Columns),
        _ => Err(Refusal::new("No shift dimension specified.")),
    }
}

pub(super) fn insert(work: &mut Work<'_>, message: &Object) -> Answer {
    let dimension = shifted(message)?;
    let (sheet, area) = work.range(object(message, "range"))?;
    let whole = work.spreadsheet.grid(sheet)?.whole();
    let to = whole.span(dimension).1;
    work.open_for_writing(sheet, area.with_span(dimension, (area.span(dimension).0, to)))?;
    work.spreadsheet.insert_cells(sheet, area, dimension)?;
    nothing()
}

pub(super) fn delete(work: &mut Work<'_>, message: &Object) -> Answer {
    let dimension = shifted(message)?;
    let (sheet, area) = work.range(object(message, "range"))?;
    let whole = work.spreadsheet.grid(sheet)?.whole();
    let to = whole.span(dimension).1;
    work.open_for_writing(sheet, area.with_span(dimension, (area.span(dimension).0, to)))?;
    work.spreadsheet.delete_cells(sheet, area, dimension)?;
    nothing()
}

/// Text is taken as a paste is: parsed as typing, the grid grows.
pub(super) fn paste_data(work: &mut Work<'_>, message: &Object) -> Answer {
    if flag(message, "html") || text(message, "delimiter").is_empty() {
        return Err(ApiError::invalid("The emulator knows pasteData by a delimiter only."));
    }
    let place = object(message, "coordinate");
    let sheet = fields::sheet_id(place);
    let (top, left) =
        (fields::index(place, "rowIndex")?.unwrap_or(0), fields::index(place, "columnIndex")?.unwrap_or(0));
    let table = separated(text(message, "data"), text(message, "delimiter"));
    let wide = table.iter().map(Vec::len).max().unwrap_or_default() as u32;
    let area = Area::new(top, left, top + table.len() as u32, left + wide);
    if area.is_empty() {
        return nothing();
    }
    work.make_room(sheet, area)?;
    work.open_for_writing(sheet, area)?;
    // Text has no format of its own to paste.
    if !matches!(
        text(message, "type"),
        "" | "PASTE_NORMAL" | "PASTE_VALUES" | "PASTE_NO_BORDERS" | "PASTE_FORMULA"
    ) {
        return nothing();
    }
    let desk = Desk { locale: Locale::named(&work.spreadsheet.locale), year: work.year };
    for (row, line) in (top..).zip(&table) {
        for (column, text) in (left..).zip(line) {
            let entered = enter(text, work.spreadsheet.grid(sheet)?.cell(row, column), desk)?;
            work.spreadsheet.put_entered(sheet, row, column, entered)?;
        }
    }
    nothing()
}

/// Lines of fields; a field in double quotes may hold delimiters, line breaks and doubled quotes.
fn separated(data: &str, delimiter: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut rest, mut quoted) = (data.strip_suffix('\n').unwrap_or(data), false);
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '"' if quoted && after.starts_with('"') => {
                field.push('"');
                &after[1..]
            }
            '"' if quoted || field.is_empty() => {
                quoted = !quoted;
                after
            }
            _ if !quoted && rest.starts_with(delimiter) => {
                line.push(std::mem::take(&mut field));
                &rest[delimiter.len()..]
            }
            '\r' if !quoted && after.starts_with('\n') => after,
            '\n' if !quoted => {
                line.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut line));
                after
            }
            _ => {
                field.push(letter);
                after
            }
        };
    }
    line.push(field);
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_delimiters_and_line_breaks() {
        assert_eq!(separated("a,\"b,\"\"c\"\"\n\",\r\nd", ","), [vec!["a", "b,\"c\"\n", ""], vec!["d"]]);
        assert_eq!(separated("a||b\n", "||"), [["a", "b"]]);
    }
}
