//! Making the tabs ready: the helper tab, headers, anchors and formats, and what we remember of them.

use serde::{Deserialize, Serialize};

use crate::daemon::perform::Performer;
use crate::daemon::table::Table;
use crate::engine::input::Input;
use crate::model::link::SheetId;
use crate::model::mark::EffectId;
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::setup::{SetupError, TabPlan};
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
    /// Base cannot be trusted row by row: the whole table is read at the next start.
    pub read_whole: bool,
}

impl Memory {
    /// From its text; what cannot be read is nothing to rely on.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or(Self { read_whole: true, ..Self::default() })
    }
}

impl Performer {
    /// The whole table was read: from now on a start needs to catch up by keys only.
    pub async fn read_whole(&self, index: usize) -> Vec<Input> {
        let table = &self.tables[index];
        let (locale, time_zone) = table.manner().unwrap_or_default();
        let memory = Memory { locale, time_zone, read_whole: false };
        let stored = async {
            let mut tx = self.begin().await?;
            store::link::save(&mut tx, &self.link_memory(table, &memory)).await?;
            Ok::<(), store::StoreError>(tx.commit().await?)
        };
        if let Err(error) = stored.await {
            self.log("the end of a copy is not stored: the table is read again after a restart", &error);
        }
        tracing::info!(
            LINK = table.link.rules.name.0.as_str(),
            TABLE = table.schema.name.to_string(),
            "the link is live"
        );
        Vec::new()
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
        let mut sheets = Vec::new();
        for table in &self.tables {
            let known = tabs.iter().find(|tab| Some(tab.sheet) == table.known_sheet());
            // A tab is known by its id; its title is looked for only while it is new to us.
            let title = known.map_or(table.link.tab.as_str(), |tab| tab.title.as_str());
            let plan = TabPlan {
                link: &table.link.rules.name,
                title,
                columns: &table.headed_columns(),
                key: &table.key_headers(),
                rules: table.link.rules_in_sheet,
            };
            match self.client.prepare(&self.spreadsheet, &plan).await {
                Ok(prepared) => {
                    self.set_helper(Some(prepared.helper));
                    sheets.push(Some(prepared.sheet));
                }
                Err(SetupError::Layout(fault)) => {
                    table.set_unready(format!("tab `{title}`: {fault}"));
                    sheets.push(None);
                }
                Err(SetupError::Sheet(error)) => return Err(error),
            }
        }
        let ready: Vec<SheetId> = sheets.iter().copied().flatten().collect();
        let snapshot = self.client.snapshot(Lane::Verify, &self.spreadsheet, &ready, self.helper()).await?;
        for (table, sheet) in self.tables.iter().zip(sheets) {
            let Some(sheet) = sheet else { continue };
            if let Err(zone) = table.show(sheet, &snapshot.locale, &snapshot.time_zone) {
                table.set_unready(format!("{zone}: set `time_zone` of the link, or install tzdata"));
            }
        }
        Ok(())
    }

    /// Stores what is known of the links now. Where locale or time zone are others than base was made with, base is dropped
    /// and the whole table is read.
    async fn remember(&self) -> Result<Vec<Input>, store::StoreError> {
        let mut inputs = Vec::new();
        let mut tx = self.begin().await?;
        for (index, table) in self.tables.iter().enumerate() {
            let Some((locale, time_zone)) = table.manner() else { continue };
            let link = &table.link.rules.name;
            let old = store::link::load(&mut tx, link).await?;
            // A link that we do not know is read whole, until it has been once.
            let unknown = Memory { read_whole: true, ..Memory::default() };
            let was = old.map_or(unknown, |old| Memory::parse(&old.state));
            let changed = !was.locale.is_empty() && (was.locale != locale || was.time_zone != time_zone);
            if changed {
                tracing::warn!(
                    LINK = link.0,
                    "locale or time zone of the spreadsheet changed: both sides are compared anew"
                );
                store::base::clear(&mut tx, link).await?;
                inputs.push(Input::Rebase(index));
            }
            let memory = Memory { locale, time_zone, read_whole: was.read_whole || changed };
            store::link::save(&mut tx, &self.link_memory(table, &memory)).await?;
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
            state: serde_json::to_string(memory).unwrap_or_default(),
        }
    }
}
