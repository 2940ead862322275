//! The tab follows the table's columns: a new one is inserted behind the others, one that is gone is greyed and left to the
//! people, a renamed one keeps its place.
//!
//! A new column is inserted, never filled in: what people have right of the headers moves on by one. Only columns that the
//! link is known not to have had before are made; one that a person deleted is missed, and its link waits.

use serde::{Deserialize, Serialize};

use crate::model::cell::Cell;
use crate::model::grid::{GridCell, TabRead};
use crate::model::link::SpreadsheetId;
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::layout::{Layout, anchor_text, titled};
use crate::sheet::quota::Lane;
use crate::sheet::request::ANCHOR_KEY;
use crate::sheet::setup::{TabPlan, is_anchored};
use crate::sheet::wire::{
    CellData, CellFormat, Colour, DataFilter, DimensionRange, FormatCell, GridCoordinate, GridRange,
    MetadataValue, Request, RowData, UpdateCells, VALUE_ONLY,
};

/// What a tab is yet to show of what happened to its link's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TabChanges {
    /// The headers of columns that are new to the link.
    pub added: Vec<String>,
    /// Headers that follow their columns' new names: the old one, the new one.
    pub renamed: Vec<(String, String)>,
}

impl TabChanges {
    /// Takes what an earlier start left undone.
    pub fn append(&mut self, mut earlier: Self) {
        self.added.append(&mut earlier.added);
        self.renamed.append(&mut earlier.renamed);
    }

    fn adds(&self, header: &str) -> bool {
        self.added.iter().any(|added| added == header)
    }
}

const GREY: Colour = Colour { red: 0.6, green: 0.6, blue: 0.6 };

const COLOUR: &str = "userEnteredFormat.textFormat.foregroundColorStyle";

impl Client {
    /// Gives renamed columns their new names; true where there were any. The header goes first, found by the old anchor: a try
    /// that ends between the two is made again. A header that is not the old name is a person's label and stays.
    pub(super) async fn rename_columns(
        &self,
        spreadsheet: &SpreadsheetId,
        tab: &TabRead,
        plan: &TabPlan<'_>,
    ) -> Result<bool, SheetError> {
        let due = renames(tab, plan);
        for (from, to, column) in &due {
            let filter = || DataFilter::metadata(ANCHOR_KEY, anchor_text(plan.link, from));
            if titled(&tab.header, from).any(|titled| titled == *column) {
                self.write_headers(spreadsheet, vec![(filter(), to)]).await?;
            }
            let anchor = Request::UpdateDeveloperMetadata {
                data_filters: [filter()],
                metadata: MetadataValue { metadata_value: anchor_text(plan.link, to) },
                fields: "metadataValue",
            };
            self.apply(spreadsheet, vec![anchor]).await?;
            tracing::info!(LINK = plan.link.0.as_str(), from, to, "a column of the table has another name");
        }
        Ok(!due.is_empty())
    }

    /// Texts into the first cells of columns, each wherever its anchor stands now.
    async fn write_headers(
        &self,
        spreadsheet: &SpreadsheetId,
        headers: Vec<(DataFilter, &String)>,
    ) -> Result<(), SheetError> {
        let data = headers.into_iter().map(|(data_filter, text)| HeaderText {
            data_filter,
            major_dimension: "ROWS",
            values: [[text]],
        });
        let body = HeaderTexts { value_input_option: "RAW", data: data.collect() };
        let body = serde_json::to_string(&body).expect("texts are JSON");
        let call =
            Call::post("/values:batchUpdateByDataFilter?prettyPrint=false&fields=totalUpdatedCells", body);
        self.write(Lane::Verify, spreadsheet, &call).await.map(drop)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderTexts<'a> {
    value_input_option: &'static str,
    data: Vec<HeaderText<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderText<'a> {
    data_filter: DataFilter,
    major_dimension: &'static str,
    values: [[&'a String; 1]; 1],
}

/// Renames that the tab does not show yet, with the column of the grid.
fn renames<'a>(tab: &TabRead, plan: &TabPlan<'a>) -> Vec<(&'a String, &'a String, u32)> {
    let place = |name: &str| {
        let text = anchor_text(plan.link, name);
        tab.anchors.iter().find(|anchor| anchor.text == text).map(|anchor| anchor.column)
    };
    let wanted = |name: &str| plan.columns.iter().any(|column| column.name == name);
    let due = plan.changes.renamed.iter().filter_map(|(from, to)| Some((from, to, place(from)?)));
    due.filter(|(from, to, _)| wanted(to) && !wanted(from) && place(to).is_none()).collect()
}

/// The header with the new columns that have none, in the order of the link, behind all that stand there.
pub(super) fn with_new(tab: &TabRead, plan: &TabPlan<'_>) -> Vec<GridCell> {
    let header = &tab.header;
    let new: Vec<usize> = (0..plan.columns.len()).filter(|i| is_new(tab, plan, *i)).collect();
    if new.is_empty() {
        return header.clone();
    }
    let mut header: Vec<GridCell> = header.iter().take(used(tab)).cloned().collect();
    header.resize(used(tab), GridCell::BLANK);
    header.extend(new.iter().map(|i| GridCell::plain(Cell::Text(plan.columns[*i].name.clone()))));
    header
}

/// Is the column new to the link, and nowhere in the tab?
fn is_new(tab: &TabRead, plan: &TabPlan<'_>, i: usize) -> bool {
    let name = plan.columns[i].name.as_str();
    plan.changes.adds(name) && !is_anchored(tab, plan, i) && titled(&tab.header, name).next().is_none()
}

/// Columns of the grid that have a header or an anchor, from the first to the last of them.
fn used(tab: &TabRead) -> usize {
    let headed = tab.header.iter().rposition(|cell| !cell.value.is_blank() || cell.formula.is_some());
    let anchored = tab.anchors.iter().map(|anchor| anchor.column as usize).max();
    headed.max(anchored).map_or(0, |last| last + 1)
}

/// Inserts the new columns with their headers; gives their number beside the requests. A column that was greyed once and is
/// linked again looks like the others.
pub(super) fn insert_requests(
    tab: &TabRead,
    plan: &TabPlan<'_>,
    layout: &Layout,
    missing: &[usize],
) -> (u32, Vec<Request>) {
    let new: Vec<usize> = missing.iter().copied().filter(|i| is_new(tab, plan, *i)).collect();
    let mut requests = Vec::new();
    if let Some(first) = new.first() {
        let start = layout.columns[*first];
        requests.push(Request::InsertDimension {
            range: DimensionRange::columns(tab.sheet, start, start + new.len() as u32),
            // The formats of the column behind it, which is blank; at the grid's edge there is none.
            inherit_from_before: start >= tab.column_count,
        });
        let texts = new.iter().map(|i| GridCell::plain(Cell::Text(plan.columns[*i].name.clone())));
        requests.push(Request::UpdateCells(UpdateCells {
            start: Some(GridCoordinate { sheet_id: tab.sheet, row_index: 0, column_index: start }),
            range: None,
            rows: vec![RowData { values: texts.map(|title| CellData::from(&title)).collect() }],
            fields: VALUE_ONLY,
        }));
    }
    let added = missing.iter().filter(|i| plan.changes.adds(&plan.columns[**i].name));
    for i in added {
        let place = layout.columns[*i];
        let cell = FormatCell { format: CellFormat::of_text(Some(true), None) };
        requests.push(Request::RepeatCell {
            range: GridRange::rows(tab.sheet, 0, 1).columns(place, place + 1),
            cell,
            fields: "userEnteredFormat.textFormat(bold,foregroundColorStyle)",
        });
    }
    (new.len() as u32, requests)
}

/// The anchors of columns that the link has no more, with their columns of the grid.
pub(super) fn gone<'a>(tab: &'a TabRead, plan: &TabPlan<'_>) -> Vec<(&'a str, u32)> {
    let linked = |anchor: &str| {
        plan.columns.iter().any(|column| anchor_text(plan.link, &column.name).eq_ignore_ascii_case(anchor))
    };
    let ours = format!("{}.", plan.link);
    let anchors = tab.anchors.iter().filter(|anchor| anchor.text.starts_with(&ours));
    anchors.filter(|a| !linked(&a.text)).map(|a| (a.text.as_str(), a.column)).collect()
}

/// Their headers turn grey and their anchors go: from then on they are the people's.
pub(super) fn farewell_requests(tab: &TabRead, plan: &TabPlan<'_>) -> Vec<Request> {
    let farewell = |(anchor, column): (&str, u32)| {
        tracing::info!(LINK = plan.link.0.as_str(), anchor, "a column is linked no more: its values stay");
        let grey = Request::RepeatCell {
            range: GridRange::rows(tab.sheet, 0, 1).columns(column, column + 1),
            cell: FormatCell { format: CellFormat::of_text(None, Some(GREY)) },
            fields: COLOUR,
        };
        let data_filter = DataFilter::metadata(ANCHOR_KEY, anchor.to_owned());
        [grey, Request::DeleteDeveloperMetadata { data_filter }]
    };
    gone(tab, plan).into_iter().flat_map(farewell).collect()
}

/// Is there nothing left to follow?
pub(super) fn is_followed(tab: &TabRead, plan: &TabPlan<'_>) -> bool {
    renames(tab, plan).is_empty() && gone(tab, plan).is_empty()
}
