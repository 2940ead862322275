//! Making the tabs ready: the helper tab, headers, anchors and formats, and what we remember of them.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use crate::daemon::columns::Known;
use crate::daemon::perform::Performer;
use crate::daemon::room::{MOST_CELLS, NEARLY};
use crate::daemon::table::Table;
use crate::database;
use crate::engine::adopt::Knowledge;
use crate::engine::input::Input;
use crate::model::link::SheetId;
use crate::model::mark::EffectId;
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::read::TabInfo;
use crate::sheet::setup::{self, SetupError, TabChanges};
use crate::store::link::LinkMemory;
use crate::store::{self};

/// What is remembered of a link beside its base.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The spreadsheet's locale when base was made.
    pub locale: String,
    /// Its time zone then.
    pub time_zone: String,
    /// Of the filter that base was made under; 0 without one.
    pub filter: u64,
    /// Base cannot be trusted row by row: the whole table is read at the next start.
    pub read_whole: bool,
    /// How often that was asked for. A run that began before the last time has read the table too early, and takes nothing back.
    pub asked: u64,
    /// What the link ties together beside its columns.
    pub ties: u64,
    /// Its columns as base has them, in the link's order.
    pub columns: Vec<Known>,
    /// Columns of the table that got another name: the old one, the new one.
    pub renamed: Vec<(String, String)>,
    /// What the tab has not been made to show yet.
    pub owing: TabChanges,
    /// The fingerprint of the configuration that the link ran with.
    pub configuration: Option<u64>,
    /// What the stream tells up to this position an operator has seen before he let the link go on.
    pub looked_at: Option<String>,
    /// A pass over the whole table has come to its end once: the two sides have met.
    pub passed: bool,
    /// Base had rows when the last pass over the table ended.
    pub met: bool,
    /// What may be concluded from rows that base does not know.
    pub knowledge: Knowledge,
}

impl Memory {
    /// The whole table is to be read by a run that begins after this.
    pub fn ask(&mut self) {
        self.read_whole = true;
        self.asked += 1;
    }

    /// Have the two sides met once? An earlier version kept that only of tables that were not empty.
    pub fn has_met(&self) -> bool {
        self.passed || self.met || !self.read_whole
    }

    /// From its text; what cannot be read is nothing to rely on.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or(Self { read_whole: true, ..Self::default() })
    }

    /// Its text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Performer {
    /// The whole table was read: from now on a start needs to catch up by keys only.
    pub async fn read_whole(&self, index: usize) -> Vec<Input> {
        let table = &self.tables[index];
        if let Err(error) = self.store_copied(table).await {
            self.log("the end of a copy is not stored: the table is read again after a restart", &error);
        }
        tracing::info!(
            LINK = table.link.rules.name.0.as_str(),
            TABLE = table.schema.name.to_string(),
            "the link is live"
        );
        Vec::new()
    }

    async fn store_copied(&self, table: &Table) -> Result<(), store::StoreError> {
        let mut tx = self.begin().await?;
        let old = store::link::load_to_change(&mut *tx, &table.link.rules.name).await?;
        let old = old.map(|old| Memory::parse(&old.state)).unwrap_or_default();
        if old.asked != table.asked {
            return Ok(());
        }
        let met = store::base::is_any(&mut *tx, &table.link.rules.name).await?;
        let memory = Memory {
            read_whole: false,
            passed: true,
            knowledge: Knowledge::Sound,
            met,
            ..Self::present(table, old)
        };
        store::link::save(&mut *tx, &self.link_memory(table, &memory)).await?;
        tx.commit().await
    }

    /// What is remembered of a link that runs as it is configured now.
    fn present(table: &Table, old: Memory) -> Memory {
        let (locale, time_zone) = table.manner().unwrap_or_default();
        let configuration = Some(table.link.configuration());
        Memory { locale, time_zone, configuration, ..table.memory(old) }
    }

    /// Makes the tabs ready and marks the stream's present end.
    ///
    /// # Errors
    /// Not now; the journal has the reason.
    pub async fn get_ready(&self, until: EffectId) -> Result<Vec<Input>, ()> {
        if let Err(error) = self.prepare().await {
            self.log("the tabs cannot be made ready", &error);
            return Err(());
        }
        let inputs =
            self.remember().await.map_err(|error| self.log("the links cannot be remembered", &error))?;
        self.mark(until)
            .await
            .map_err(|error| tracing::info!(%error, "the stream cannot be marked: tried again"))?;
        Ok(inputs)
    }

    /// Makes ready what is not. A tab whose headers are not the link's stops that link only.
    pub(super) async fn prepare(&self) -> Result<(), SheetError> {
        let tabs = self.client.overview(Lane::Verify, &self.spreadsheet).await?;
        self.saw_grids(tabs.iter().map(|tab| (tab.sheet, tab.size())));
        self.client.clear_stages(&self.spreadsheet, &tabs).await?;
        let known = |table: &Table| tabs.iter().find(|tab| Some(tab.sheet) == table.known_sheet());
        let there: Vec<SheetId> = self.tables.iter().filter_map(|table| Some(known(table)?.sheet)).collect();
        let helper = setup::helper_among(&tabs);
        let headers = self.client.headers(&self.spreadsheet, &there, helper).await?;
        self.look_for_choices().await;
        let mut sheets = Vec::new();
        if helper.is_some() {
            // Also where no tab can be made ready: the reads that see a person mend it need no more.
            self.set_helper(helper);
        }
        for table in &self.tables {
            let known = known(table);
            if table.stopped.is_some() {
                // Nothing is put into the tab of a link that stands still.
                sheets.push(known.map(|known| known.sheet));
                continue;
            }
            // A tab is known by its id; its title is looked for only while it is new to us.
            let title = known.map_or(table.link.tab.as_str(), |tab| tab.title.as_str());
            let wanted = self.wanted_tab(table);
            let plan = wanted.plan(title);
            let header = known.and_then(|known| headers.tabs.iter().find(|tab| tab.sheet == known.sheet));
            let header = header.filter(|_| helper.is_some());
            if let Some((tab, layout)) = header.and_then(|tab| Some((tab, setup::prepared(tab, &plan)?))) {
                // The rules on its columns follow the table's shape, and what foreign keys allow.
                self.client.furnish(&self.spreadsheet, tab.sheet, &plan, &layout).await?;
                sheets.push(Some(tab.sheet));
                continue;
            }
            match self.client.prepare(&self.spreadsheet, &plan).await {
                Ok(prepared) => {
                    self.set_helper(Some(prepared.helper));
                    sheets.push(Some(prepared.sheet));
                }
                Err(SetupError::Layout(fault)) => {
                    let reason = format!("tab `{title}`: {fault}");
                    let tab = known.or_else(|| tabs.iter().find(|tab| tab.title.eq_ignore_ascii_case(title)));
                    if let Some(tab) = tab {
                        self.say_unready(table, tab.sheet, &reason).await;
                    }
                    table.set_unready(reason);
                    sheets.push(None);
                }
                Err(SetupError::Sheet(error)) => return Err(error),
            }
        }
        let ready: Vec<SheetId> = sheets.iter().copied().flatten().collect();
        // One that had nothing to show yet tells neither locale nor time zone.
        let snapshot = if there.is_empty() && helper.is_none() {
            self.client.headers(&self.spreadsheet, &ready, self.helper()).await?
        } else {
            headers
        };
        for (table, sheet) in self.tables.iter().zip(sheets) {
            let Some(sheet) = sheet else { continue };
            if let Err(zone) = table.show(sheet, &snapshot.locale, &snapshot.time_zone) {
                table.set_unready(format!("{zone}: set `time_zone` of the link, or install tzdata"));
            }
        }
        self.check_room(&tabs).await;
        Ok(())
    }

    /// Google's grids hold ten million cells together: a link whose table would not fit is not begun, and one that nearly does
    /// not is told.
    async fn check_room(&self, tabs: &[TabInfo]) {
        let mut all: u64 = tabs.iter().map(TabInfo::size).sum();
        let shown = |tab: &&TabInfo| {
            Some(tab.sheet) == self.helper()
                || self.tables.iter().any(|table| table.sheet() == Some(tab.sheet))
        };
        let others = all - tabs.iter().filter(shown).map(TabInfo::size).sum::<u64>();
        self.room.lock().unwrap_or_else(PoisonError::into_inner).set_others(others);
        for table in &self.tables {
            let tab = tabs.iter().find(|tab| Some(tab.sheet) == table.known_sheet());
            let tab = tab.or_else(|| tabs.iter().find(|tab| tab.title == table.link.tab));
            let columns = table.plan.columns.len();
            let width = tab
                .map_or_else(|| setup::width(columns, table.estimate), |tab| tab.column_count)
                .max(columns as u32);
            let there = tab.map_or(0, |tab| tab.row_count.into());
            let new_cells = |rows: u64| (rows + 1).saturating_sub(there) * u64::from(width);
            let mut rows = table.estimate;
            if all + new_cells(rows) > MOST_CELLS {
                let fit = there + MOST_CELLS.saturating_sub(all) / u64::from(width);
                rows = self.count_up_to(table, fit.max(1)).await.unwrap_or(rows);
            }
            all += new_cells(rows);
            let link = table.link.rules.name.0.as_str();
            if all > MOST_CELLS {
                table.set_unready(format!(
                    "its table has {rows} rows or more, and the spreadsheet would have {all} cells of the {MOST_CELLS} that \
                     Google allows: take columns away that nobody uses, link fewer, or take a spreadsheet of its own"
                ));
            } else if all > NEARLY {
                tracing::warn!(
                    LINK = link,
                    "the spreadsheet will have {all} of the {MOST_CELLS} cells that Google allows"
                );
            }
        }
    }

    /// `None` if that cannot be told now.
    async fn count_up_to(&self, table: &Table, most: u64) -> Option<u64> {
        let counted = async {
            let mut conn = self.pool.get_conn().await?;
            database::read::count_up_to(&mut conn, &table.schema, &table.filter, most).await
        };
        let counted: database::error::Result<u64> = counted.await;
        counted.map_err(|error| self.log("the rows of a table cannot be counted", &error)).ok()
    }

    /// Stores what is known of the links now. Where locale or time zone are others than base was made with, base is dropped
    /// and the whole table is read.
    async fn remember(&self) -> Result<Vec<Input>, store::StoreError> {
        let mut inputs = Vec::new();
        let mut tx = self.begin().await?;
        for (index, table) in self.tables.iter().enumerate() {
            let Some((locale, time_zone)) = table.manner().filter(|_| table.stopped.is_none()) else {
                continue;
            };
            let link = &table.link.rules.name;
            let old = store::link::load_to_change(&mut *tx, link).await?;
            // A link that we do not know is read whole, until it has been once.
            let unknown = Memory { read_whole: true, ..Memory::default() };
            let was = old.map_or(unknown, |old| Memory::parse(&old.state));
            let changed = !was.locale.is_empty() && (was.locale != locale || was.time_zone != time_zone);
            if changed {
                tracing::warn!(
                    LINK = link.0,
                    "locale or time zone of the spreadsheet changed: both sides are compared anew"
                );
                store::base::bury(&mut *tx, link).await?;
                store::held::release_all(&mut *tx, link).await?;
                inputs.push(Input::Rebase(index));
            }
            let read_whole = was.read_whole || changed || was.filter != table.filter_print();
            if was.asked == table.asked {
                let memory = Memory { read_whole, ..Self::present(table, was) };
                store::link::save(&mut *tx, &self.link_memory(table, &memory)).await?;
            }
        }
        tx.commit().await?;
        Ok(inputs)
    }

    fn link_memory(&self, table: &Table, memory: &Memory) -> LinkMemory {
        LinkMemory {
            name: table.link.rules.name.clone(),
            spreadsheet: self.spreadsheet.clone(),
            sheet: table.sheet(),
            table: table.schema.name.clone(),
            fingerprint: table.fingerprint(),
            state: memory.text(),
        }
    }
}
