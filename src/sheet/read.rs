//! Typed reads: every linked tab of a spreadsheet in one call, tokens in the same answer.
//!
//! `spreadsheets:getByDataFilter` names tabs by id, so renames do no harm, and tells formulas and errors from text, which
//! the plain value reads cannot (protocol C19).

use serde::Serialize;

use std::sync::Arc;

use crate::model::grid::{Anchor, Fate, GridRows, Helper, Snapshot, TabRead, Token, size};
use crate::model::link::{SheetId, SpreadsheetId};
use crate::model::mark::BatchNumber;
use crate::sheet::answer::{GridData, Metadata, NOTED_ROWS_MASK, Sheet, Spreadsheet};
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::request::{ANCHOR_KEY, CLAIM_KEY, TOKEN_KEY, to_json};
use crate::sheet::wire::{DataFilter, GridRange};

/// The value of a token that was voided.
pub(super) const VOID: &str = "void";

/// What a tab is called and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabInfo {
    /// The tab.
    pub sheet: SheetId,
    /// Its title.
    pub title: String,
    /// The grid's height; zero for a tab that is no grid.
    pub row_count: u32,
    /// The grid's width; zero for a tab that is no grid.
    pub column_count: u32,
    /// Hidden from people.
    pub hidden: bool,
}

impl TabInfo {
    /// How many cells its grid has.
    pub fn size(&self) -> u64 {
        size(self.row_count, self.column_count)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ByFilter {
    data_filters: Vec<DataFilter>,
    include_grid_data: bool,
}

/// A range of its own costs about as much as so many rows.
const GAP: u32 = 3;

const METADATA_MASK: &str = "developerMetadata(metadataId,metadataKey,metadataValue)";

impl Client {
    /// Every tab of the spreadsheet, without cells: to find one by its title.
    pub async fn overview(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
    ) -> Result<Vec<TabInfo>, SheetError> {
        let mask = "sheets(properties(sheetId,title,hidden,gridProperties(rowCount,columnCount)))";
        let call = Call::get(format!("?prettyPrint=false&fields={mask}"));
        let answer: Spreadsheet = self.read(lane, spreadsheet, &call).await?;
        Ok(answer.sheets.into_iter().map(TabInfo::from).collect())
    }

    /// The tabs, each whole or only its header and these rows, the tokens, and the size of the helper tab. Rows that stand
    /// close together are read with those between them, so more may come than was asked for.
    pub async fn excerpt(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        tabs: &[(SheetId, Option<&[u32]>)],
        helper: Option<SheetId>,
    ) -> Result<Snapshot, SheetError> {
        let ids: Vec<SheetId> = tabs.iter().map(|(id, _)| *id).collect();
        let ranges = tabs.iter().flat_map(|(id, rows)| match rows {
            None => vec![GridRange::tab(*id)],
            Some(rows) => runs(rows).into_iter().map(|(from, to)| GridRange::rows(*id, from, to)).collect(),
        });
        self.read_ranges(lane, spreadsheet, &ids, ranges.collect(), helper).await
    }

    /// The tabs whole, the tokens, and the size of the helper tab. A tab that is no more is missing from the answer.
    pub async fn snapshot(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        tabs: &[SheetId],
        helper: Option<SheetId>,
    ) -> Result<Snapshot, SheetError> {
        match self.try_snapshot(lane, spreadsheet, tabs, helper).await {
            // Google refuses a filter on a tab that is gone; the overview says which are there.
            Err(SheetError::Refused(reason)) => {
                let there = self.overview(lane, spreadsheet).await?;
                let is_there = |id: &SheetId| there.iter().any(|tab| tab.sheet == *id);
                let left: Vec<SheetId> = tabs.iter().copied().filter(is_there).collect();
                let left_helper = helper.filter(is_there);
                if left.len() == tabs.len() && left_helper == helper {
                    return Err(SheetError::Refused(reason));
                }
                self.try_snapshot(lane, spreadsheet, &left, left_helper).await
            }
            answer => answer,
        }
    }

    async fn try_snapshot(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        tabs: &[SheetId],
        helper: Option<SheetId>,
    ) -> Result<Snapshot, SheetError> {
        let ranges = tabs.iter().map(|id| GridRange::tab(*id)).collect();
        self.read_ranges(lane, spreadsheet, tabs, ranges, helper).await
    }

    /// A typed read of ranges of these tabs.
    pub(super) async fn read_ranges(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        tabs: &[SheetId],
        mut ranges: Vec<GridRange>,
        helper: Option<SheetId>,
    ) -> Result<Snapshot, SheetError> {
        // Of the helper only its size counts: one cell brings its properties along.
        ranges.extend(helper.map(|id| GridRange::rows(id, 0, 1).columns(0, 1)));
        let mask = format!(
            "properties(locale,timeZone),{METADATA_MASK},sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),\
             developerMetadata(metadataId),merges,data({NOTED_ROWS_MASK},rowMetadata({METADATA_MASK}),columnMetadata({METADATA_MASK})))"
        );
        let answer = self.by_filter(lane, spreadsheet, ranges, &mask).await?;
        Ok(snapshot(answer, tabs, helper))
    }

    /// A typed read of ranges by tab id.
    pub(super) async fn by_filter(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        ranges: Vec<GridRange>,
        mask: &str,
    ) -> Result<Spreadsheet, SheetError> {
        if ranges.is_empty() {
            return Ok(Spreadsheet::default());
        }
        self.filtered(lane, spreadsheet, ranges, mask).await
    }

    /// The same into another shape.
    pub(super) async fn filtered<T: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        ranges: Vec<GridRange>,
        mask: &str,
    ) -> Result<T, SheetError> {
        let body = to_json(&ByFilter {
            data_filters: ranges.into_iter().map(DataFilter::GridRange).collect(),
            include_grid_data: true,
        });
        let call = Call::post(format!(":getByDataFilter?prettyPrint=false&fields={mask}"), body);
        self.read(lane, spreadsheet, &call).await
    }
}

impl From<Sheet> for TabInfo {
    fn from(sheet: Sheet) -> Self {
        let grid = sheet.properties.grid_properties.unwrap_or_default();
        Self {
            sheet: SheetId(sheet.properties.sheet_id),
            title: sheet.properties.title,
            row_count: grid.row_count,
            column_count: grid.column_count,
            hidden: sheet.properties.hidden,
        }
    }
}

fn snapshot(answer: Spreadsheet, tabs: &[SheetId], helper: Option<SheetId>) -> Snapshot {
    let mut foreign = Vec::new();
    let mut tokens = Vec::new();
    for metadata in answer.metadata {
        match fate(&metadata) {
            Some(fate) => tokens.push(Token { number: BatchNumber(metadata.id), fate }),
            None => foreign.push(metadata.id),
        }
    }
    let mut snapshot = Snapshot {
        locale: answer.properties.locale,
        time_zone: answer.properties.time_zone,
        tokens,
        foreign,
        tabs: Vec::new(),
        helper: None,
    };
    for sheet in answer.sheets {
        let id = SheetId(sheet.properties.sheet_id);
        snapshot.foreign.extend(sheet.metadata.iter().map(|metadata| metadata.id));
        if Some(id) == helper {
            let grid = sheet.properties.grid_properties.unwrap_or_default();
            snapshot.helper =
                Some(Helper { sheet: id, row_count: grid.row_count, column_count: grid.column_count });
        } else if tabs.contains(&id) {
            let tab = tab(sheet, &mut snapshot.foreign);
            snapshot.tabs.push(tab);
        }
    }
    snapshot
}

/// What a token tells; `None` for metadata that is no token of ours.
pub(super) fn fate(metadata: &Metadata) -> Option<Fate> {
    if metadata.key != TOKEN_KEY {
        return None;
    }
    match metadata.value.as_str() {
        VOID => Some(Fate::Void),
        owner => owner.parse().ok().map(Fate::Landed),
    }
}

/// One tab; ids of metadata that stand in it are added to `ids`.
fn tab(sheet: Sheet, ids: &mut Vec<i32>) -> TabRead {
    let grid = sheet.properties.grid_properties.unwrap_or_default();
    let mut read = TabRead {
        sheet: SheetId(sheet.properties.sheet_id),
        title: sheet.properties.title,
        row_count: grid.row_count,
        column_count: grid.column_count,
        header: Vec::new(),
        rows: Arc::default(),
        anchors: Vec::new(),
        notes: Vec::new(),
        merges: sheet.merges.iter().map(|m| (m.top, m.bottom, m.left, m.right)).collect(),
    };
    let mut all = GridRows::default();
    for mut part in sheet.data {
        let metadata = part.row_metadata.0.iter().chain(&part.column_metadata.0);
        ids.extend(metadata.flat_map(|(_, metadata)| metadata).map(|metadata| metadata.id));
        let notes = std::mem::take(&mut part.row_data.notes).into_iter();
        read.notes.extend(notes.map(|(row, column, text)| (part.start_row + row, column, text)));
        // Every part repeats what its columns carry.
        if read.anchors.is_empty() {
            read.anchors = anchors(&part);
        }
        all.append(part.start_row, rows(part));
    }
    if !all.is_empty() && all.number(0) == 0 {
        read.header = all.cells(0);
    }
    read.rows = Arc::new(all);
    read
}

/// The header and these rows as half-open runs; a gap that is shorter than what another range costs is read with them.
fn runs(rows: &[u32]) -> Vec<(u32, u32)> {
    let mut runs = vec![(0, 1)];
    for row in rows.iter().copied() {
        match runs.last_mut() {
            Some((_, end)) if row < *end + GAP => *end = (*end).max(row + 1),
            _ => runs.push((row, row + 1)),
        }
    }
    runs
}

fn anchors(part: &GridData) -> Vec<Anchor> {
    let columns = part.column_metadata.0.iter();
    columns
        .flat_map(|(column, metadata)| {
            let ours = metadata.iter().filter(|m| m.key == ANCHOR_KEY);
            ours.map(|m| Anchor { column: *column, text: m.value.clone() })
        })
        .collect()
}

/// The rows of a range with their claims, numbered from nought.
fn rows(part: GridData) -> GridRows {
    let mut rows = part.row_data.rows;
    for (row, metadata) in part.row_metadata.0 {
        let ours = metadata.iter().filter(|m| m.key == CLAIM_KEY);
        rows.claim(row, ours.filter_map(|m| m.value.parse().ok()).collect());
    }
    rows.trim();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;
    use crate::model::grid::GridCell;
    use crate::model::mark::{ClaimId, Owner};

    #[test]
    fn rows_that_stand_close_share_a_range() {
        assert_eq!(runs(&[1, 2, 5, 40]), [(0, 6), (40, 41)]);
        assert_eq!(runs(&[]), [(0, 1)]);
        assert_eq!(runs(&[9, 10, 11, 13]), [(0, 1), (9, 14)]);
    }

    #[test]
    fn a_whole_answer_becomes_a_snapshot() {
        let answer: Spreadsheet = serde_json::from_value(serde_json::json!({
            "properties": {"locale": "de_DE", "timeZone": "Europe/Berlin"},
            "developerMetadata": [
                {"metadataId": 41, "metadataKey": "sb", "metadataValue": "k3v9.7"},
                {"metadataId": 42, "metadataKey": "sb", "metadataValue": "void"},
                {"metadataId": 43, "metadataKey": "other", "metadataValue": "k3v9.7"},
                {"metadataId": 44, "metadataKey": "sb", "metadataValue": "what?"}],
            "sheets": [
                {"properties": {"sheetId": 0, "title": "Orders", "gridProperties": {"rowCount": 1000, "columnCount": 26}},
                 "merges": [{"startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 2, "endColumnIndex": 4}],
                 "data": [{
                    "rowData": [{"values": [{"effectiveValue": {"stringValue": "id"}}]}, {}, {"values": [{}, {"note": "see Bob"}]}],
                    "rowMetadata": [{}, {"developerMetadata": [{"metadataId": 5, "metadataKey": "sb.row", "metadataValue": "ff"}]}, {}],
                    "columnMetadata": [{"developerMetadata": [{"metadataId": 6, "metadataKey": "sb.col", "metadataValue": "orders.id"}]}]}]},
                {"properties": {"sheetId": 9, "title": "_sheetbridge", "gridProperties": {"rowCount": 3048, "columnCount": 26}},
                 "data": [{}]},
                {"properties": {"sheetId": 10, "title": "somebody's"}}]
        }))
        .expect("google's shape");
        let read = snapshot(answer, &[SheetId(0), SheetId(77)], Some(SheetId(9)));
        assert_eq!((read.locale.as_str(), read.time_zone.as_str()), ("de_DE", "Europe/Berlin"));
        let owner = Owner { installation: "k3v9".into(), generation: 7 };
        assert_eq!(read.tokens[0].fate, Fate::Landed(owner));
        assert_eq!(read.tokens[1].fate, Fate::Void);
        assert_eq!(read.foreign, [43, 44, 5, 6]);
        assert_eq!(read.helper.map(|h| h.row_count), Some(3048));
        let [tab] = read.tabs.as_slice() else { panic!("one tab") };
        assert_eq!(tab.anchors[0].text, "orders.id");
        assert_eq!(tab.merges, [(0, 1, 2, 4)]);
        assert_eq!(tab.notes, [(2, 1, "see Bob".to_owned())]);
        assert_eq!(tab.rows.len(), 2, "the blank third row is trimmed, the claimed second is not");
        assert_eq!(tab.header, [GridCell::plain(Cell::Text("id".into()))]);
        assert_eq!(tab.rows.cells(0), tab.header);
        assert_eq!(tab.rows.claims(1), [ClaimId(255)]);
    }
}
