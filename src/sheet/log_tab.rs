//! The tab `Log`: the last changes, newest on top, for the people in the sheet.
//!
//! All of it is written each time, so that nothing is written twice after a lost answer, and what somebody did to it is gone with
//! the next change. Nobody is kept from it by force: the protection warns.

use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::link::{SheetId, SpreadsheetId};
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::read::TabInfo;
use crate::sheet::request;
use crate::sheet::wire::{
    CellData, CellFormat, Dimension, FormatCell, GridProperties, GridRange, ProtectedRange, Request, RowData,
    SheetProperties, UpdateCells, VALUE_ONLY,
};

/// Changes that the tab shows.
pub const LINES: usize = 500;

/// Its id: fixed, so that a second making fails instead of making two, and people may rename it.
const LOG: SheetId = SheetId(1_933_723_496);

/// The second is for spreadsheets in which people have a tab `Log` of their own.
const TITLES: [&str; 2] = ["Log", "Log (sheetbridge)"];

const HEADER: [&str; WIDTH] = ["when", "who", "link", "row", "what", "outcome"];

const WIDTH: usize = 6;

/// The header and the lines.
const HEIGHT: u32 = LINES as u32 + 1;

/// Background: everything else goes first.
const LANE: Lane = Lane::Bulk;

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    /// Wall time in the link's zone.
    pub when: String,
    /// Who made it.
    pub who: String,
    /// The link.
    pub link: String,
    /// The row's key.
    pub row: String,
    /// What was changed: never a value.
    pub what: String,
    /// What became of it.
    pub outcome: String,
}

impl LogLine {
    fn cells(&self) -> [&str; WIDTH] {
        [&self.when, &self.who, &self.link, &self.row, &self.what, &self.outcome]
    }

    /// A line as it was read; `None` for a blank one.
    fn read(cells: &[GridCell]) -> Option<Self> {
        let text = |at: usize| match cells.get(at).map(|cell| &cell.value) {
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Number(number)) => number.get().to_string(),
            Some(Cell::Bool(_) | Cell::Error(_) | Cell::Blank) | None => String::new(),
        };
        let line = Self {
            when: text(0),
            who: text(1),
            link: text(2),
            row: text(3),
            what: text(4),
            outcome: text(5),
        };
        (line != Self::default()).then_some(line)
    }
}

impl Client {
    /// Makes the tab where it is missing, gives it back its size, and reads what it shows, newest first.
    pub async fn open_log(&self, spreadsheet: &SpreadsheetId) -> Result<Vec<LogLine>, SheetError> {
        let tabs = self.overview(LANE, spreadsheet).await?;
        let requests = open(&tabs);
        if !requests.is_empty() {
            self.request(spreadsheet, requests).await?;
        }
        if !tabs.iter().any(|tab| tab.sheet == LOG) {
            return Ok(Vec::new());
        }
        let read = self.excerpt(LANE, spreadsheet, &[(LOG, None)], None).await?;
        let rows = read.tabs.iter().flat_map(|tab| tab.rows.iter()).filter(|row| row.row > 0);
        Ok(rows.filter_map(|row| LogLine::read(&row.cells)).take(LINES).collect())
    }

    /// Writes all of the tab, newest first. Doing it twice does no harm.
    pub async fn write_log(&self, spreadsheet: &SpreadsheetId, lines: &[LogLine]) -> Result<(), SheetError> {
        self.request(spreadsheet, vec![whole(lines)]).await
    }

    async fn request(&self, spreadsheet: &SpreadsheetId, requests: Vec<Request>) -> Result<(), SheetError> {
        let call = Call::post(":batchUpdate?prettyPrint=false&fields=spreadsheetId", request::body(requests));
        self.write(LANE, spreadsheet, &call).await.map(drop)
    }
}

/// What the tab lacks.
fn open(tabs: &[TabInfo]) -> Vec<Request> {
    let Some(there) = tabs.iter().find(|tab| tab.sheet == LOG) else { return make(tabs) };
    let grow = |dimension, length: u32| {
        (length > 0).then_some(Request::AppendDimension { sheet_id: LOG, dimension, length })
    };
    let rows = grow(Dimension::Rows, HEIGHT.saturating_sub(there.row_count));
    let columns = grow(Dimension::Columns, (WIDTH as u32).saturating_sub(there.column_count));
    rows.into_iter().chain(columns).collect()
}

fn make(tabs: &[TabInfo]) -> Vec<Request> {
    let is_free = |title: &str| !tabs.iter().any(|tab| tab.title.eq_ignore_ascii_case(title));
    let title = TITLES.into_iter().find(|title| is_free(title)).unwrap_or(TITLES[1]);
    let grid = GridProperties { rows: Some(HEIGHT), columns: Some(WIDTH as u32), frozen_rows: Some(1) };
    let properties = SheetProperties {
        sheet_id: Some(LOG),
        title: Some(title.to_owned()),
        hidden: None,
        grid_properties: grid,
    };
    let protected_range = ProtectedRange {
        range: GridRange::tab(LOG),
        description: "sheetbridge writes here: what is typed here is gone with the next change".into(),
        warning_only: true,
    };
    let bold = Request::RepeatCell {
        range: GridRange::rows(LOG, 0, 1),
        cell: FormatCell {
            format: CellFormat::TextFormat { bold: Some(true), foreground_color_style: None },
        },
        fields: "userEnteredFormat.textFormat.bold",
    };
    vec![Request::AddSheet { properties }, Request::AddProtectedRange { protected_range }, bold]
}

fn whole(lines: &[LogLine]) -> Request {
    let row = |cells: [&str; WIDTH]| RowData {
        values: cells
            .iter()
            .map(|text| CellData::from(&GridCell::plain(Cell::Text((*text).to_owned()))))
            .collect(),
    };
    let lines = lines.iter().take(LINES).map(|line| row(line.cells()));
    Request::UpdateCells(UpdateCells {
        start: None,
        range: Some(GridRange::rows(LOG, 0, HEIGHT).columns(0, WIDTH as u32)),
        rows: std::iter::once(row(HEADER)).chain(lines).collect(),
        fields: VALUE_ONLY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tab(sheet: SheetId, title: &str, row_count: u32) -> TabInfo {
        TabInfo { sheet, title: title.into(), row_count, column_count: 6, hidden: false }
    }

    #[test]
    fn a_tab_of_the_peoples_own_stays_and_ours_gets_its_size_back() {
        let theirs = open(&[tab(SheetId(0), "log", 10)]);
        assert_eq!(json!(theirs)[0]["addSheet"]["properties"]["title"], "Log (sheetbridge)");
        assert_eq!(json!(open(&[]))[0]["addSheet"]["properties"]["title"], "Log");
        assert_eq!(json!(open(&[]))[1]["addProtectedRange"]["protectedRange"]["warningOnly"], true);
        let cut = json!(open(&[tab(LOG, "Protokoll", 100)]));
        assert_eq!(cut, json!([{"appendDimension": {"sheetId": LOG.0, "dimension": "ROWS", "length": 401}}]));
        assert!(open(&[tab(LOG, "Log", 501)]).is_empty());
    }

    #[test]
    fn a_line_is_text_whatever_it_looks_like_and_is_read_as_it_was_written() {
        let line = LogLine { who: "=HYPERLINK(\"x\")".into(), row: "17".into(), ..LogLine::default() };
        let request = json!(whole(std::slice::from_ref(&line)));
        let values = &request["updateCells"]["rows"][1]["values"];
        assert_eq!(values[1]["userEnteredValue"], json!({"stringValue": "=HYPERLINK(\"x\")"}));
        let cells = line.cells().map(|text| GridCell::plain(Cell::Text(text.to_owned())));
        assert_eq!(LogLine::read(&cells), Some(line));
        assert_eq!(LogLine::read(&[]), None);
    }
}
