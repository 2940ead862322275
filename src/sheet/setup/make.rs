//! The requests that make what is missing, pure.

use crate::model::grid::TabRead;
use crate::model::link::SheetId;
use crate::sheet::codec::number_format;
use crate::sheet::helper_tab::{HELPER_ROWS, HELPER_TITLE};
use crate::sheet::layout::{Layout, anchor_text};
use crate::sheet::read::TabInfo;
use crate::sheet::request::ANCHOR_KEY;
use crate::sheet::setup::{TabPlan, follow, is_blank, is_titled, titles};
use crate::sheet::wire::{
    CellData, CellFormat, Dimension, DimensionRange, FormatCell, GridCoordinate, GridProperties, GridRange,
    Location, NewMetadata, ProtectedRange, Request, RowData, SheetProperties, UpdateCells, VALUE_ONLY,
    Visibility,
};

/// The helper tab's id when we make it: fixed, so that a second making fails instead of making two.
pub(super) const HELPER_ID: SheetId = SheetId(1_933_723_495);

/// A new grid is no narrower than Google's own, unless it is to be a large one.
const COLUMNS: u32 = 26;

/// Cells that a new grid may have for the sake of columns that no link fills: Google counts blank cells as well, and ten million
/// are all there are.
const ROOMY: u64 = 2_000_000;

/// The height of a new linked tab; rows come in by inserts.
const ROWS: u32 = 100;

/// The columns of a new tab for so many linked columns and so many rows.
pub fn width(columns: usize, rows: u64) -> u32 {
    let roomy = u32::try_from(ROOMY / (rows + 1)).unwrap_or(COLUMNS);
    roomy.min(COLUMNS).max(columns as u32)
}

/// The tabs that are missing, or lost their title.
pub(super) fn tab_requests(tabs: &[TabInfo], title: &str, width: u32) -> Vec<Request> {
    let mut requests = Vec::new();
    if !tabs.iter().any(|tab| is_titled(tab, title)) {
        requests.push(add_sheet(None, title, (ROWS, width), false));
    }
    if !tabs.iter().any(|tab| is_titled(tab, HELPER_TITLE)) {
        if tabs.iter().any(|tab| tab.sheet == HELPER_ID) {
            requests.push(rename_helper());
        } else {
            requests.push(add_sheet(Some(HELPER_ID), HELPER_TITLE, (HELPER_ROWS, COLUMNS), true));
            requests.push(protect_helper());
        }
    }
    requests
}

fn add_sheet(sheet_id: Option<SheetId>, title: &str, (rows, columns): (u32, u32), hidden: bool) -> Request {
    Request::AddSheet {
        properties: SheetProperties {
            sheet_id,
            title: Some(title.to_owned()),
            hidden: hidden.then_some(true),
            grid_properties: GridProperties { rows: Some(rows), columns: Some(columns), frozen_rows: None },
        },
    }
}

fn protect_helper() -> Request {
    Request::AddProtectedRange {
        protected_range: ProtectedRange {
            range: GridRange::tab(HELPER_ID),
            description: "sheetbridge keeps what it overwrote here, to put it back when it must".into(),
            // A lock would keep out every other account of ours: one that is added, or takes this one's place.
            warning_only: true,
        },
    }
}

/// Its title is part of every batch, so a helper that somebody renamed gets it back.
fn rename_helper() -> Request {
    Request::UpdateSheetProperties {
        properties: SheetProperties {
            sheet_id: Some(HELPER_ID),
            title: Some(HELPER_TITLE.to_owned()),
            hidden: Some(true),
            grid_properties: GridProperties::default(),
        },
        fields: "title,hidden",
    }
}

/// Headers where row 1 is blank, and for every column without an anchor its anchor and its format.
pub(super) fn column_requests(
    tab: &TabRead,
    plan: &TabPlan<'_>,
    layout: &Layout,
    missing: &[usize],
) -> Vec<Request> {
    if missing.is_empty() {
        return Vec::new();
    }
    let (inserted, mut requests) = follow::insert_requests(tab, plan, layout, missing);
    let wide = layout.columns.iter().max().map_or(0, |last| last + 1);
    let there = tab.column_count + inserted;
    if wide > there {
        requests.push(Request::AppendDimension {
            sheet_id: tab.sheet,
            dimension: Dimension::Columns,
            length: wide - there,
        });
    }
    if is_blank(&tab.header) {
        requests.extend(header_requests(tab, plan));
    }
    for i in missing {
        let (column, place) = (&plan.columns[*i], layout.columns[*i]);
        let metadata = NewMetadata {
            metadata_id: None,
            metadata_key: ANCHOR_KEY,
            metadata_value: anchor_text(plan.link, &column.name),
            location: Location::DimensionRange(DimensionRange::column(tab.sheet, place)),
            visibility: Visibility::Document,
        };
        requests.push(Request::CreateDeveloperMetadata { metadata });
        if let Some(format) = number_format(&column.kind) {
            let below_header = GridRange { start_row_index: Some(1), ..GridRange::tab(tab.sheet) };
            requests.push(Request::RepeatCell {
                range: below_header.columns(place, place + 1),
                cell: FormatCell {
                    format: CellFormat::NumberFormat { r#type: format.kind, pattern: format.pattern },
                },
                fields: "userEnteredFormat.numberFormat",
            });
        }
    }
    requests
}

fn header_requests(tab: &TabRead, plan: &TabPlan<'_>) -> [Request; 3] {
    let texts = UpdateCells {
        start: Some(GridCoordinate { sheet_id: tab.sheet, row_index: 0, column_index: 0 }),
        range: None,
        rows: vec![RowData { values: titles(plan).map(|title| CellData::from(&title)).collect() }],
        fields: VALUE_ONLY,
    };
    let bold = Request::RepeatCell {
        range: GridRange::rows(tab.sheet, 0, 1),
        cell: FormatCell { format: CellFormat::of_text(Some(true), None) },
        fields: "userEnteredFormat.textFormat.bold",
    };
    let frozen = Request::UpdateSheetProperties {
        properties: SheetProperties {
            sheet_id: Some(tab.sheet),
            grid_properties: GridProperties { frozen_rows: Some(1), ..GridProperties::default() },
            ..SheetProperties::default()
        },
        fields: "gridProperties.frozenRowCount",
    };
    [Request::UpdateCells(texts), bold, frozen]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_for_a_large_table_has_no_columns_to_spare() {
        assert_eq!(width(9, 0), 26);
        assert_eq!(width(9, 50_000), 26);
        assert_eq!(width(9, 100_000), 19);
        assert_eq!(width(9, 1_000_000), 9);
        assert_eq!(width(40, 10), 40);
    }
}
