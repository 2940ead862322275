//! `values.append`: finds a table around a range and writes below it.

use serde_json::{Value as Json, json};

use super::super::ApiError;
use super::super::address::Place;
use super::super::batch::Work;
use super::super::fields::Object;
use super::write::{Input, Written, table};
use crate::grid::{Area, Dimension, Tab, print_a1};

/// Appends; gives `tableRange` (if there is a table) and what was written.
pub(crate) fn append_rows(
    work: &mut Work<'_>,
    place: &Place,
    body: &Object,
    input: Input,
    insert: bool,
) -> Result<(Option<String>, Written), ApiError> {
    let (rows, major) = table(body)?;
    let high = match major {
        Dimension::Rows => rows.len(),
        Dimension::Columns => rows.iter().map(|line| line.len()).max().unwrap_or_default(),
    } as u32;
    let tab = work.spreadsheet.grid(place.sheet)?;
    let found = find_table(tab, place.area);
    let (top, left) = match found {
        Some(table) => (table.bottom, table.left),
        None => (place.area.top, place.area.left),
    };
    let name = found.map(|table| print_a1(&tab.title, table));
    let have = tab.row_count();
    if insert && found.is_some() && top < have {
        work.spreadsheet.insert(place.sheet, Dimension::Rows, top, high)?;
    } else if top + high > have {
        work.spreadsheet.append(place.sheet, Dimension::Rows, top + high - have)?;
    }
    let area = Area::cell(top, left);
    let written = work.write(&Place { area, open: area.into(), ..*place }, body, input)?;
    Ok((name, written))
}

/// The table that the range means: of the blocks of filled cells (joined over corners too) that it meets, the last.
/// From the guide's example; a range of blank cells means no table, even beside one.
fn find_table(tab: &Tab, range: Area) -> Option<Area> {
    let filled = |row: u32, column: u32| !tab.cell(row, column).value.is_blank();
    let (height, width) = tab.data_extent();
    let mut last: Option<Area> = None;
    for row in range.top..range.bottom.min(height) {
        for column in range.left..range.right.min(width) {
            let known = last.is_some_and(|block| block.contains(row, column));
            if filled(row, column) && !known {
                let block = grow(Area::cell(row, column), &filled, height, width);
                if last.is_none_or(|last| (block.bottom, block.left) > (last.bottom, last.left)) {
                    last = Some(block);
                }
            }
        }
    }
    last
}

/// Widens a rectangle as long as a filled cell touches it.
fn grow(mut block: Area, filled: &impl Fn(u32, u32) -> bool, height: u32, width: u32) -> Area {
    loop {
        let rows = block.top.saturating_sub(1)..(block.bottom + 1).min(height);
        let columns = block.left.saturating_sub(1)..(block.right + 1).min(width);
        let line = |row: u32| columns.clone().any(|column| filled(row, column));
        let pile = |column: u32| rows.clone().any(|row| filled(row, column));
        let wider = Area {
            top: if block.top > 0 && line(block.top - 1) { block.top - 1 } else { block.top },
            bottom: if block.bottom < height && line(block.bottom) { block.bottom + 1 } else { block.bottom },
            left: if block.left > 0 && pile(block.left - 1) { block.left - 1 } else { block.left },
            right: if block.right < width && pile(block.right) { block.right + 1 } else { block.right },
        };
        if wider == block {
            return block;
        }
        block = wider;
    }
}

/// `AppendValuesResponse`.
pub(crate) fn append_answer(spreadsheet: &str, table: Option<String>, updates: &Json) -> Json {
    let mut out = json!({"spreadsheetId": spreadsheet, "updates": updates});
    if let Some(table) = table {
        out["tableRange"] = json!(table);
    }
    out
}
