//! Requests about the cells of a rectangle.

use serde_json::{Value as Json, json};

use super::{Answer, Work, nothing, update_mask};
use crate::grid::{
    Area, Dimension, Found, Manner, Refusal, Restyled, Search, SheetId, SortKey, check_validation,
};
use crate::knobs::Labels;
use crate::rest::cells::{NewCell, cell_mask};
use crate::rest::fields::{self, Object, flag, list, object, text};
use crate::rest::{ApiError, Mask};

/// Rows of cells as a request gives them.
fn read_rows(message: &Object) -> Result<Vec<Vec<NewCell<'_>>>, ApiError> {
    let rows = list(message, "rows").iter().map(|row| {
        let values = row.get("values").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let empty = crate::rest::fields::nothing();
        values.iter().map(|cell| NewCell::read(cell.as_object().unwrap_or(empty))).collect()
    });
    rows.collect()
}

impl Work<'_> {
    fn put_rows(
        &mut self,
        sheet: SheetId,
        top: u32,
        left: u32,
        rows: &[Vec<NewCell<'_>>],
        mask: &Mask,
    ) -> Result<(), Refusal> {
        self.spreadsheet.has_formulas |= rows.iter().flatten().any(NewCell::is_formula);
        let strict = self.knobs.strict_validation_blocks_api && mask.wants("userEnteredValue");
        let tab = self.spreadsheet.grid_mut(sheet)?;
        for (row, cells) in (top..).zip(rows) {
            for (column, cell) in (left..).zip(cells) {
                if strict {
                    check_validation(tab.cell(row, column), cell.value(), &tab.title, row, column)?;
                }
                cell.put(tab, (row, column), mask, &mut Restyled::default());
            }
        }
        Ok(())
    }
}

/// Complains about cells beyond the last row or column that may be written.
fn within(rows: &[Vec<NewCell<'_>>], top: u32, left: u32, bottom: u32, right: u32) -> Result<(), Refusal> {
    let wide = rows.iter().map(Vec::len).max().unwrap_or_default() as u32;
    if top + rows.len() as u32 > bottom {
        return Err(Refusal(format!(
            "Attempting to write row: {}, beyond the last requested row of: {}",
            bottom.max(top),
            bottom.max(1) - 1
        )));
    }
    if left + wide > right {
        return Err(Refusal(format!(
            "Attempting to write column: {}, beyond the last requested column of: {}",
            right.max(left),
            right.max(1) - 1
        )));
    }
    Ok(())
}

pub(super) fn update(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = cell_mask(update_mask(message)?)?;
    let rows = read_rows(message)?;
    if message.contains_key("start") {
        let start = object(message, "start");
        let sheet = fields::sheet_id(start);
        let (top, left) = (
            fields::index(start, "rowIndex")?.unwrap_or(0),
            fields::index(start, "columnIndex")?.unwrap_or(0),
        );
        let tab = work.spreadsheet.grid(sheet)?;
        within(&rows, top, left, tab.row_count(), tab.column_count())?;
        let wide = rows.iter().map(Vec::len).max().unwrap_or_default() as u32;
        work.open_for_writing(sheet, Area::new(top, left, top + rows.len() as u32, left + wide))?;
        work.put_rows(sheet, top, left, &rows, &mask)?;
        return nothing();
    }
    let (sheet, area) = work.range(object(message, "range"))?;
    within(&rows, area.top, area.left, area.bottom, area.right)?;
    work.open_for_writing(sheet, area)?;
    clear_uncovered(work, sheet, area, &rows, &mask)?;
    work.put_rows(sheet, area.top, area.left, &rows, &mask)?;
    nothing()
}

/// Cells of the range that no row gives lose the masked fields.
fn clear_uncovered(
    work: &mut Work<'_>,
    sheet: SheetId,
    area: Area,
    rows: &[Vec<NewCell<'_>>],
    mask: &Mask,
) -> Result<(), ApiError> {
    let blank = NewCell::read(fields::nothing())?;
    let tab = work.spreadsheet.grid_mut(sheet)?;
    let mut last = Restyled::default();
    for row in area.top..area.bottom {
        let covered = rows.get((row - area.top) as usize).map_or(0, Vec::len) as u32;
        let used = area.right.min(tab.rows.row(row).len() as u32);
        for column in area.left + covered..used {
            blank.put(tab, (row, column), mask, &mut last);
        }
    }
    Ok(())
}

/// Below the last row of the tab that has data; the grid grows by rows, never by columns.
pub(super) fn append(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = cell_mask(update_mask(message)?)?;
    let rows = read_rows(message)?;
    let sheet = fields::sheet_id(message);
    let tab = work.spreadsheet.grid(sheet)?;
    let (top, have) = (tab.data_extent().0, tab.row_count());
    let need = top + rows.len() as u32;
    within(&rows, top, 0, need, tab.column_count())?;
    if need > have {
        work.spreadsheet.append(sheet, Dimension::Rows, need - have)?;
    }
    work.open_for_writing(sheet, Area::new(top, 0, need, 1))?;
    work.put_rows(sheet, top, 0, &rows, &mask)?;
    nothing()
}

pub(super) fn repeat(work: &mut Work<'_>, message: &Object) -> Answer {
    let mask = cell_mask(update_mask(message)?)?;
    let (sheet, area) = work.range(object(message, "range"))?;
    work.open_for_writing(sheet, area)?;
    let cell = NewCell::read(object(message, "cell"))?;
    work.spreadsheet.has_formulas |= cell.is_formula();
    cell.fill(work.spreadsheet.grid_mut(sheet)?, area, &mask);
    nothing()
}

pub(super) fn find_replace(work: &mut Work<'_>, message: &Object) -> Answer {
    let manner = Manner {
        match_case: flag(message, "matchCase"),
        entire: flag(message, "matchEntireCell"),
        expression: flag(message, "searchByRegex"),
        formulas: flag(message, "includeFormulas"),
    };
    let search = Search::new(text(message, "find"), text(message, "replacement"), manner)?;
    let places: Vec<(SheetId, Area)> = if flag(message, "allSheets") {
        work.spreadsheet.tabs.iter().map(|tab| (tab.id, tab.whole())).collect()
    } else if message.contains_key("range") {
        vec![work.range(object(message, "range"))?]
    } else {
        let sheet = fields::sheet_id(message);
        vec![(sheet, work.spreadsheet.grid(sheet)?.whole())]
    };
    let mut found = Found::default();
    for (sheet, area) in places {
        search.run(work.spreadsheet.grid_mut(sheet)?, area, &mut found);
    }
    let counts = [
        ("occurrencesChanged", found.occurrences),
        ("valuesChanged", found.values),
        ("formulasChanged", found.formulas),
        ("rowsChanged", found.rows),
        ("sheetsChanged", found.sheets),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts: Object = counts.map(|(name, count)| (name.to_owned(), json!(count))).collect();
    Ok(json!({"findReplace": counts}))
}

/// Measured: `dimensionIndex` is the tab's column, cells beside the range stay, row labels move along.
pub(super) fn sort(work: &mut Work<'_>, message: &Object) -> Answer {
    let (sheet, area) = work.range(object(message, "range"))?;
    work.open_for_writing(sheet, area)?;
    let keys = list(message, "sortSpecs").iter().filter_map(Json::as_object).map(|spec| {
        let column = fields::index(spec, "dimensionIndex")?.unwrap_or(0);
        Ok(SortKey { column, descending: text(spec, "sortOrder") == "DESCENDING" })
    });
    let keys: Vec<SortKey> = keys.collect::<Result<_, Refusal>>()?;
    if keys.is_empty() {
        return Err(ApiError::invalid("At least one sort spec must be specified."));
    }
    let whole = area.width() == work.spreadsheet.grid(sheet)?.column_count();
    let order = work.spreadsheet.sorted_order(sheet, area, &keys)?;
    let with_labels = whole || work.knobs.labels_in_partial_sort == Labels::Follow;
    work.spreadsheet.permute(sheet, area, &order, with_labels)?;
    nothing()
}
