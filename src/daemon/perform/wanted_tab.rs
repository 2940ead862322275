//! What a link wants its tab to be like, as the table is now: the plan by which a tab is made ready, and furnished again when only
//! the dropdowns changed.

use crate::daemon::perform::Performer;
use crate::daemon::table::Table;
use crate::model::schema::Column;
use crate::sheet::setup::{Choices, TabPlan};

/// What the plan of a tab borrows.
pub(super) struct WantedTab<'a> {
    table: &'a Table,
    columns: Vec<Column>,
    key: Vec<&'a str>,
    fixed: Vec<&'a str>,
    choices: Choices,
}

impl Performer {
    /// Of the table as it is known now.
    pub(super) fn wanted_tab<'a>(&self, table: &'a Table) -> WantedTab<'a> {
        WantedTab {
            table,
            columns: table.headed_columns(),
            key: table.key_headers(),
            fixed: table.fixed_headers(),
            choices: self.choices_of(table),
        }
    }
}

impl WantedTab<'_> {
    /// For the tab of this title.
    pub(super) fn plan<'b>(&'b self, title: &'b str) -> TabPlan<'b> {
        TabPlan {
            link: &self.table.link.rules.name,
            title,
            columns: &self.columns,
            key: &self.key,
            rows: self.table.estimate,
            rules: self.table.link.rules_in_sheet,
            fixed: &self.fixed,
            choices: &self.choices,
            changes: &self.table.changes.tab,
        }
    }
}
