//! Large blocks of new rows: laid down as plain values in a hidden tab, from where their batch copies them into their places.
//!
//! Typed cells are five times the bytes of plain values, and plain values can only be written by a call of their own, which is
//! neither atomic with the making of the rows nor guarded by a token. So they are written where nobody sorts or types, and the
//! batch, which is both, makes the rows and copies them in (`copyPaste` of values keeps what is text a text).
//!
//! The tab has the number of the batch that it was made for in its title, which is used once. When a call that fills it is in
//! doubt the tab is never used again and the batch is not sent: what Google may still write there lands nowhere that counts. So
//! does what an earlier process left under way. A tab that has served goes with the next batch that has no such rows, or at the
//! next start.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::model::grid::GridBatch;
use crate::model::link::{SheetId, SpreadsheetId};
use crate::sheet::client::{Call, Client, parse};
use crate::sheet::error::SheetError;
use crate::sheet::helper_tab::HELPER_TITLE;
use crate::sheet::quota::Lane;
use crate::sheet::read::TabInfo;
use crate::sheet::request::{self, Staged};
use crate::sheet::wire::{GridProperties, Request, SheetProperties};
use crate::sheet::write::too_large;

/// A tab for rows on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    sheet: SheetId,
    rows: u32,
    columns: u32,
}

impl Stage {
    fn title(self) -> String {
        format!("{HELPER_TITLE}_{}", self.sheet.0)
    }
}

/// The tabs of one spreadsheet.
#[derive(Debug, Default)]
struct Tabs {
    /// The one that can be filled.
    ready: Option<Stage>,
    /// Those that are to be taken away.
    done: Vec<SheetId>,
}

/// The tabs of every spreadsheet.
#[derive(Debug, Default)]
pub(super) struct Stages(Mutex<BTreeMap<SpreadsheetId, Tabs>>);

impl Stages {
    fn of<T>(&self, spreadsheet: &SpreadsheetId, act: impl FnOnce(&mut Tabs) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(all.entry(spreadsheet.clone()).or_default())
    }

    /// The tab that these rows fit in; without one, the tabs that another one takes the place of.
    fn take(&self, spreadsheet: &SpreadsheetId, rows: &Staged) -> Result<Stage, Vec<SheetId>> {
        self.of(spreadsheet, |tabs| match tabs.ready.take() {
            Some(stage) if stage.rows >= rows.rows && stage.columns >= rows.columns => Ok(stage),
            other => {
                tabs.done.extend(other.map(|stage| stage.sheet));
                Err(std::mem::take(&mut tabs.done))
            }
        })
    }

    /// The tabs that have served: told once, to the batch that takes them away.
    pub(super) fn retire(&self, spreadsheet: &SpreadsheetId) -> Vec<SheetId> {
        self.of(spreadsheet, |tabs| {
            tabs.done.extend(tabs.ready.take().map(|stage| stage.sheet));
            std::mem::take(&mut tabs.done)
        })
    }

    /// Google says that something is wrong with it: perhaps somebody took it away.
    pub(super) fn forget(&self, spreadsheet: &SpreadsheetId) {
        self.of(spreadsheet, |tabs| tabs.ready = None);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Filled {
    total_updated_rows: u32,
}

impl Client {
    /// Lays down a batch's rows; gives the tab. After an error the batch must not be sent.
    pub(super) async fn stage(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        batch: &GridBatch,
        staged: &Staged,
    ) -> Result<SheetId, SheetError> {
        let stage = match self.stages.take(spreadsheet, staged) {
            Ok(stage) => stage,
            Err(done) => self.make_stage(lane, spreadsheet, batch, staged, done).await?,
        };
        let filled = self.fill_stage(lane, spreadsheet, staged.values(batch, &stage.title())).await;
        self.stages.of(spreadsheet, |tabs| match &filled {
            Ok(rows) if *rows == staged.rows => tabs.ready = Some(stage),
            Ok(_) | Err(_) => tabs.done.push(stage.sheet),
        });
        match filled? {
            rows if rows == staged.rows => Ok(stage.sheet),
            rows => Err(SheetError::Garbled(format!("{rows} of {} rows were laid down", staged.rows))),
        }
    }

    async fn make_stage(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        batch: &GridBatch,
        staged: &Staged,
        done: Vec<SheetId>,
    ) -> Result<Stage, SheetError> {
        // The blocks of one copy are of about the same size; some are larger.
        let rows = staged.rows.next_power_of_two();
        let stage = Stage { sheet: SheetId(batch.number.0), rows, columns: staged.columns };
        let properties = SheetProperties {
            sheet_id: Some(stage.sheet),
            title: Some(stage.title()),
            hidden: Some(true),
            grid_properties: GridProperties {
                rows: Some(rows),
                columns: Some(stage.columns),
                frozen_rows: None,
            },
        };
        let mut requests: Vec<Request> =
            done.into_iter().map(|sheet_id| Request::DeleteSheet { sheet_id }).collect();
        requests.push(Request::AddSheet { properties });
        self.change(lane, spreadsheet, requests).await?;
        Ok(stage)
    }

    async fn fill_stage(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        values: Vec<u8>,
    ) -> Result<u32, SheetError> {
        if let Some(reason) = too_large(&values) {
            return Err(SheetError::Refused(reason));
        }
        let call = Call::post("/values:batchUpdate?prettyPrint=false&fields=totalUpdatedRows", values);
        let filled: Filled = parse(&self.write(lane, spreadsheet, &call).await?)?;
        Ok(filled.total_updated_rows)
    }

    /// Takes away what an earlier process left behind.
    pub async fn clear_stages(
        &self,
        spreadsheet: &SpreadsheetId,
        tabs: &[TabInfo],
    ) -> Result<(), SheetError> {
        let mine: Vec<SheetId> = self.stages.of(spreadsheet, |tabs| {
            tabs.ready.iter().map(|stage| stage.sheet).chain(tabs.done.iter().copied()).collect()
        });
        let left = |tab: &&TabInfo| {
            let of_its_number = tab.title == Stage { sheet: tab.sheet, rows: 0, columns: 0 }.title();
            tab.hidden && of_its_number && !mine.contains(&tab.sheet)
        };
        let requests: Vec<Request> =
            tabs.iter().filter(left).map(|tab| Request::DeleteSheet { sheet_id: tab.sheet }).collect();
        if requests.is_empty() {
            return Ok(());
        }
        self.change(Lane::Verify, spreadsheet, requests).await
    }

    async fn change(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        requests: Vec<Request>,
    ) -> Result<(), SheetError> {
        let call = Call::post(":batchUpdate?prettyPrint=false&fields=spreadsheetId", request::body(requests));
        self.write(lane, spreadsheet, &call).await.map(drop)
    }
}
