//! Dropdowns of foreign keys: what the parents' rows allow, looked at when the tabs are made ready and every twenty
//! seconds from then on.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::daemon::DaemonError;
use crate::daemon::perform::Performer;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::table::Table;
use crate::database;
use crate::database::choices::choices;
use crate::sheet::error::SheetError;
use crate::sheet::setup::{self, Choices, MOST_MEMBERS};

/// How often the parents are looked at. Google is called only when something changed there.
const LOOK: Duration = Duration::from_secs(20);

impl Performer {
    /// Keeps the dropdowns what the parents' rows allow, until the end.
    ///
    /// # Errors
    /// None: what cannot be done now is done at the next look.
    pub async fn keep_choices(self: Arc<Self>, mut shutdown: Shutdown) -> Result<(), DaemonError> {
        while shutdown.race(sleep(LOOK)).await.is_some() {
            for at in self.look_for_choices().await {
                if let Err(error) = self.refurnish(&self.tables[at]).await {
                    self.log("the dropdowns of a tab wait", &error);
                    self.forget_choices(&self.tables[at]);
                }
            }
        }
        Ok(())
    }

    /// Asks the server; the places of the links of which something changed.
    pub(super) async fn look_for_choices(&self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (at, table) in self.tables.iter().enumerate().filter(|(_, table)| table.link.rules_in_sheet) {
            match self.ask_for_choices(table).await {
                Ok(new) if new != self.choices_of(table) => {
                    let mut known = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert(table.link.rules.name.clone(), new);
                    changed.push(at);
                }
                Ok(_) => {}
                Err(error) => self.log("what foreign keys allow is not known now", &error),
            }
        }
        changed
    }

    async fn ask_for_choices(&self, table: &Table) -> database::error::Result<Choices> {
        let mut conn = self.pool.get_conn().await?;
        let by_place: BTreeMap<usize, Vec<String>> = choices(&mut conn, &table.schema, MOST_MEMBERS).await?;
        let headed = |(at, column): (usize, &crate::engine::input::ColumnPlan)| {
            let values = by_place.get(&table.place(at))?;
            Some((column.rule.header.clone(), values.clone()))
        };
        Ok(table.plan.columns.iter().enumerate().filter_map(headed).collect())
    }

    /// What is known of a link's dropdowns.
    pub(super) fn choices_of(&self, table: &Table) -> Choices {
        let known = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&table.link.rules.name).cloned().unwrap_or_default()
    }

    fn forget_choices(&self, table: &Table) {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner).remove(&table.link.rules.name);
    }

    async fn refurnish(&self, table: &Table) -> Result<(), SheetError> {
        let Some(sheet) = table.sheet() else { return Ok(()) };
        let headers = self.client.headers(&self.spreadsheet, &[sheet], None).await?;
        let Some(tab) = headers.tabs.first() else { return Ok(()) };
        let wanted = self.wanted_tab(table);
        let plan = wanted.plan(&tab.title);
        let Some(layout) = setup::prepared(tab, &plan) else { return Ok(()) };
        self.client.furnish(&self.spreadsheet, sheet, &plan, &layout).await
    }
}
