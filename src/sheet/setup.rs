//! What a link needs in a spreadsheet, made where it is missing: the helper tab, the linked tab, headers, anchors, formats.
//!
//! Every step looks first, so a set-up whose answer was lost is simply done again. Formats are set once, with the
//! column's anchor, and belong to the people from then on (design rule 6).

use std::collections::BTreeMap;

use crate::fault::{Classify, Fault};
use crate::model::cell::Cell;
use crate::model::grid::{Anchor, GridCell, Snapshot, TabRead};
use crate::model::link::{LinkName, SheetId, SpreadsheetId};
use crate::model::schema::Column;
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::helper_tab::HELPER_TITLE;
use crate::sheet::layout::{Layout, LayoutFault, anchor_text, layout};
use crate::sheet::quota::Lane;
use crate::sheet::read::TabInfo;
use crate::sheet::request::{self, ANCHOR_KEY};
use crate::sheet::setup::make::{column_requests, tab_requests};
use crate::sheet::wire::{DataFilter, Request};

mod follow;
mod furnish;
mod make;
mod ruled;

pub use follow::TabChanges;
pub use furnish::MOST_MEMBERS;
pub use make::width;

/// By the names of columns, the values that they are chosen from.
pub type Choices = BTreeMap<String, Vec<String>>;

/// What a link wants of its tab.
#[derive(Clone, Copy, Debug)]
pub struct TabPlan<'a> {
    /// The link.
    pub link: &'a LinkName,
    /// The tab's title; the tab is made if there is none.
    pub title: &'a str,
    /// The link's columns in their order.
    pub columns: &'a [Column],
    /// The names of the table's key columns.
    pub key: &'a [&'a str],
    /// About how many rows the table has.
    pub rows: u64,
    /// Rules and warnings by the schema are wanted on the columns.
    pub rules: bool,
    /// The names of columns that go to the sheet only.
    pub fixed: &'a [&'a str],
    /// By the names of columns, all values that a foreign key lets them have.
    pub choices: &'a Choices,
    /// What became of the link's columns since the tab was made ready.
    pub changes: &'a TabChanges,
}

/// What is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The linked tab.
    pub sheet: SheetId,
    /// The helper tab.
    pub helper: SheetId,
    /// Where the link's columns stand.
    pub layout: Layout,
}

/// Why a tab could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Google or the way to it.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The tab has headers, and they are not the link's.
    #[error(transparent)]
    Layout(#[from] LayoutFault),
}

impl Classify for SetupError {
    fn fault(&self) -> Fault {
        match self {
            Self::Sheet(error) => error.fault(),
            Self::Layout(fault) => fault.fault(),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Sheet(error) => error.advice(),
            Self::Layout(fault) => fault.advice(),
        }
    }
}

impl Client {
    /// The header rows of tabs with the size of the helper tab: enough to see what is missing.
    pub async fn headers(
        &self,
        spreadsheet: &SpreadsheetId,
        tabs: &[SheetId],
        helper: Option<SheetId>,
    ) -> Result<Snapshot, SheetError> {
        let tabs: Vec<(SheetId, Option<&[u32]>)> = tabs.iter().map(|tab| (*tab, Some(&[][..]))).collect();
        self.excerpt(Lane::Verify, spreadsheet, &tabs, helper).await
    }

    /// Makes what is missing; does nothing where all is there.
    pub async fn prepare(
        &self,
        spreadsheet: &SpreadsheetId,
        plan: &TabPlan<'_>,
    ) -> Result<Prepared, SetupError> {
        let (sheet, helper) = self.prepare_tabs(spreadsheet, plan).await?;
        let mut tab = self.tab(spreadsheet, sheet).await?;
        if self.rename_columns(spreadsheet, &tab, plan).await? {
            tab = self.tab(spreadsheet, sheet).await?;
        }
        let columns = place(&tab, plan)?;
        let missing: Vec<usize> = (0..plan.columns.len()).filter(|i| !is_anchored(&tab, plan, *i)).collect();
        let mut requests = column_requests(&tab, plan, &columns, &missing);
        requests.extend(follow::farewell_requests(&tab, plan));
        if !requests.is_empty() {
            self.apply(spreadsheet, requests).await?;
        }
        if !missing.is_empty() {
            self.check_anchors(spreadsheet, sheet, plan, &missing).await?;
        }
        self.furnish(spreadsheet, sheet, plan, &columns).await?;
        Ok(Prepared { sheet, helper, layout: columns })
    }

    /// The linked and the helper tab, made if need be.
    async fn prepare_tabs(
        &self,
        spreadsheet: &SpreadsheetId,
        plan: &TabPlan<'_>,
    ) -> Result<(SheetId, SheetId), SheetError> {
        let tabs = self.overview(Lane::Verify, spreadsheet).await?;
        let requests = tab_requests(&tabs, plan.title, width(plan.columns.len(), plan.rows));
        let tabs = if requests.is_empty() {
            tabs
        } else {
            self.apply(spreadsheet, requests).await?;
            self.overview(Lane::Verify, spreadsheet).await?
        };
        let id = |title: &str| tabs.iter().find(|tab| is_titled(tab, title)).map(|tab| tab.sheet);
        match (id(plan.title), id(HELPER_TITLE)) {
            (Some(sheet), Some(helper)) => Ok((sheet, helper)),
            _ => Err(SheetError::Moved("a tab that was just made is gone".to_owned())),
        }
    }

    async fn tab(&self, spreadsheet: &SpreadsheetId, sheet: SheetId) -> Result<TabRead, SheetError> {
        let snapshot = self.headers(spreadsheet, &[sheet], None).await?;
        let tab = snapshot.tabs.into_iter().next();
        tab.ok_or_else(|| SheetError::Moved("the linked tab is gone".to_owned()))
    }

    async fn apply(&self, spreadsheet: &SpreadsheetId, requests: Vec<Request>) -> Result<(), SheetError> {
        let call = Call::post(":batchUpdate?prettyPrint=false&fields=spreadsheetId", request::body(requests));
        self.write(Lane::Verify, spreadsheet, &call).await.map(drop)
    }

    /// A person may have moved columns between the read and the anchors; a wrong anchor is worse than none.
    async fn check_anchors(
        &self,
        spreadsheet: &SpreadsheetId,
        sheet: SheetId,
        plan: &TabPlan<'_>,
        made: &[usize],
    ) -> Result<(), SetupError> {
        let tab = self.tab(spreadsheet, sheet).await?;
        let texts: Vec<String> =
            made.iter().map(|i| anchor_text(plan.link, &plan.columns[*i].name)).collect();
        let others: Vec<Anchor> =
            tab.anchors.iter().filter(|anchor| !texts.contains(&anchor.text)).cloned().collect();
        let by_header = layout(&tab.header, &others, plan.link, &names(plan), plan.key);
        let stands = |i: &usize| {
            let text = anchor_text(plan.link, &plan.columns[*i].name);
            let anchor = tab.anchors.iter().find(|anchor| anchor.text == text);
            matches!((&by_header, anchor), (Ok(found), Some(anchor)) if found.columns[*i] == anchor.column)
        };
        if made.iter().all(stands) {
            return Ok(());
        }
        let undo = made.iter().map(|i| Request::DeleteDeveloperMetadata {
            data_filter: DataFilter::metadata(ANCHOR_KEY, anchor_text(plan.link, &plan.columns[*i].name)),
        });
        self.apply(spreadsheet, undo.collect()).await?;
        Err(SheetError::Moved("columns were moved".to_owned()).into())
    }
}

/// The helper tab among these.
pub fn helper_among(tabs: &[TabInfo]) -> Option<SheetId> {
    tabs.iter().find(|tab| is_titled(tab, HELPER_TITLE)).map(|tab| tab.sheet)
}

/// Where the columns stand, if everything is there that the plan wants of the tab but the rules on its columns.
pub fn prepared(tab: &TabRead, plan: &TabPlan<'_>) -> Option<Layout> {
    let is_there =
        (0..plan.columns.len()).all(|i| is_anchored(tab, plan, i)) && follow::is_followed(tab, plan);
    place(tab, plan).ok().filter(|_| is_there)
}

fn names<'a>(plan: &TabPlan<'a>) -> Vec<&'a str> {
    plan.columns.iter().map(|column| column.name.as_str()).collect()
}

/// Titles are one to Google whatever their letter case.
fn is_titled(tab: &TabInfo, title: &str) -> bool {
    tab.title.to_lowercase() == title.to_lowercase()
}

fn is_anchored(tab: &TabRead, plan: &TabPlan<'_>, i: usize) -> bool {
    let text = anchor_text(plan.link, &plan.columns[i].name);
    tab.anchors.iter().any(|anchor| anchor.text == text)
}

/// A tab without headers takes the link's columns from A on.
fn place(tab: &TabRead, plan: &TabPlan<'_>) -> Result<Layout, LayoutFault> {
    let ours = (0..plan.columns.len()).any(|i| is_anchored(tab, plan, i));
    if is_blank(&tab.header) && !ours {
        let titles: Vec<GridCell> = titles(plan).collect();
        return layout(&titles, &[], plan.link, &names(plan), plan.key);
    }
    layout(&follow::with_new(tab, plan), &tab.anchors, plan.link, &names(plan), plan.key)
}

fn is_blank(header: &[GridCell]) -> bool {
    header.iter().all(|cell| cell.value.is_blank() && cell.formula.is_none())
}

fn titles<'a>(plan: &TabPlan<'a>) -> impl Iterator<Item = GridCell> + 'a {
    plan.columns.iter().map(|column| GridCell::plain(Cell::Text(column.name.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grid::Anchor;
    use crate::model::schema::ColumnKind;
    use crate::sheet::setup::make::HELPER_ID;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn tab(header: &[&str], anchors: &[(u32, &str)]) -> TabRead {
        let titles: Vec<GridCell> = header.iter().map(|t| GridCell::plain(Cell::Text((*t).into()))).collect();
        TabRead {
            sheet: SheetId(5),
            title: "Orders".into(),
            row_count: 100,
            column_count: header.len().max(1) as u32,
            header: titles,
            rows: Arc::default(),
            anchors: anchors
                .iter()
                .map(|(column, text)| Anchor { column: *column, text: (*text).into() })
                .collect(),
            notes: vec![],
            merges: vec![],
        }
    }

    fn requests(tab: &TabRead) -> Result<Vec<Value>, LayoutFault> {
        let columns = [
            Column::required("id", ColumnKind::Integer { bits: 32, unsigned: false }),
            Column::required("paid", ColumnKind::Boolean),
        ];
        let link = LinkName("orders".into());
        let changes = TabChanges::default();
        let plan = TabPlan {
            link: &link,
            title: "Orders",
            columns: &columns,
            key: &["id"],
            rows: 0,
            rules: true,
            fixed: &[],
            choices: &Choices::new(),
            changes: &changes,
        };
        let places = place(tab, &plan)?;
        let missing: Vec<usize> = (0..2).filter(|i| !is_anchored(tab, &plan, *i)).collect();
        let requests = column_requests(tab, &plan, &places, &missing);
        Ok(requests.iter().map(|r| json!(r)).collect())
    }

    #[test]
    fn an_empty_tab_gets_headers_anchors_and_formats() {
        let made = requests(&tab(&[], &[])).expect("a layout");
        let kinds: Vec<&String> = made.iter().flat_map(|r| r.as_object().expect("a kind").keys()).collect();
        assert_eq!(
            kinds,
            [
                "appendDimension",
                "updateCells",
                "repeatCell",
                "updateSheetProperties",
                "createDeveloperMetadata",
                "repeatCell",
                "createDeveloperMetadata"
            ]
        );
        assert_eq!(made[0]["appendDimension"], json!({"sheetId": 5, "dimension": "COLUMNS", "length": 1}));
        assert_eq!(made[4]["createDeveloperMetadata"]["developerMetadata"]["metadataValue"], "orders.id");
        assert_eq!(made[5]["repeatCell"]["cell"]["userEnteredFormat"]["numberFormat"]["pattern"], "0");
    }

    #[test]
    fn a_tab_of_the_people_keeps_its_headers_and_is_refused_when_they_do_not_fit() {
        let made = requests(&tab(&["Paid", "note", "id"], &[])).expect("a layout");
        assert!(made.iter().all(|r| r["updateCells"].is_null()), "no header is written");
        let anchor = &made[0]["createDeveloperMetadata"]["developerMetadata"]["location"]["dimensionRange"];
        assert_eq!(anchor["startIndex"], 2);
        assert_eq!(requests(&tab(&["id", "note"], &[])), Err(LayoutFault::Missing("paid".into())));
        let lost = tab(&[], &[(0, "orders.id"), (1, "orders.paid")]);
        assert_eq!(requests(&lost), Err(LayoutFault::HeaderLost));
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let there = |title: &str, id: i32| TabInfo {
            sheet: SheetId(id),
            title: title.into(),
            row_count: 1,
            column_count: 1,
            hidden: false,
        };
        assert!(tab_requests(&[there("orders", 0), there(HELPER_TITLE, 3)], "Orders", 26).is_empty());
        let renamed = [there("Orders", 0), there("mine now", HELPER_ID.0)];
        assert_eq!(
            json!(tab_requests(&renamed, "Orders", 26))[0]["updateSheetProperties"]["fields"],
            "title,hidden"
        );
        assert_eq!(tab_requests(&[], "Orders", 26).len(), 3);
    }
}
