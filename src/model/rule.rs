//! What the operator wants of one link, checked and plain: the engine decides by these words alone.
//!
//! The configuration makes them and the engine reads them, and neither knows the other: that is why they stand here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::filter::{Condition, Test};
use crate::model::link::LinkName;

/// Who wins when both sides changed the same cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The later change, by the commit time and the interval of the edit; [`Tie`] where the two cannot be told apart.
    #[default]
    Newest,
    /// The table.
    Database,
    /// The tab.
    Sheet,
    /// Nobody: the cell is frozen and listed until a person decides.
    Hold,
}

/// Who wins under [`Policy::Newest`] when the commit lies inside the edit's interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tie {
    /// The table.
    #[default]
    Database,
    /// The tab.
    Sheet,
}

/// What becomes of the table's row when its row is gone from the tab. It has no default: every link states it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletes {
    /// The row is deleted.
    Apply,
    /// The row stays and a column tells that it is deleted.
    Soft {
        /// The column, as the server spells it.
        column: String,
        /// What it is set to.
        mark: SoftMark,
    },
    /// The row is put back into the tab.
    Restore,
    /// Nothing happens, and the row is listed until a person decides.
    Hold,
}

impl Deletes {
    /// What the rows that the tab shows have to fulfil by this: a soft delete hides those that are marked.
    pub fn condition(&self) -> Option<Condition> {
        let Self::Soft { column, mark } = self else { return None };
        let test = match mark {
            SoftMark::Now => Test::Null,
            SoftMark::Text(text) => Test::IsNot(text.clone()),
        };
        Some(Condition { column: column.clone(), test })
    }
}

/// What marks a row as deleted without deleting it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoftMark {
    /// The time at which the row was found gone, in UTC.
    Now,
    /// A text that the column's kind understands, such as `1` or `archived`.
    Text(String),
}

/// Who wins for cells that differ when a row and a table's row with the same key meet for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstMatch {
    /// The table.
    #[default]
    Database,
    /// The tab.
    Sheet,
    /// Nobody: the cells are frozen and listed.
    Hold,
}

/// How the rows of one edit go into the table: of a paste, a fill, of cells cleared together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paste {
    /// Row by row: those that the table takes are in it, the others are told.
    #[default]
    Rows,
    /// In one transaction: when one row is refused, none is taken.
    All,
}

/// What becomes of a key cell that a person changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEdits {
    /// It is put back, and its note says so.
    #[default]
    Refuse,
    /// The record takes the new key, where nothing else of the row was changed.
    Rename,
}

/// What a formula in a linked column is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Formulas {
    /// The people's own: its value goes nowhere, and nothing is written over it.
    #[default]
    Hold,
    /// A way to type: its value goes to the table, and nothing is written over it.
    Value,
}

/// Which way a column's changes travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From the table to the tab only: what a person types there is put back.
    ToSheet,
    /// From the tab to the table only.
    ToTable,
}

/// One column that takes part in a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnRule {
    /// The column's name in the table.
    pub name: String,
    /// The text of its header cell in the tab.
    pub header: String,
    /// Who wins a conflict in this column.
    pub policy: Policy,
    /// Which way it travels.
    pub direction: Direction,
}

/// The rules of one link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkRules {
    /// The link.
    pub name: LinkName,
    /// In the order of the configuration. Empty: all columns of the table, each under its own name (see [`LinkRules::column`]).
    pub columns: Vec<ColumnRule>,
    /// For columns that `columns` does not name.
    pub policy: Policy,
    /// Rows gone from the tab.
    pub deletes: Deletes,
    /// First meetings.
    pub first_match: FirstMatch,
    /// The columns by whose values rows without a key find their records at the first meeting. Empty: they are new records.
    pub match_on: Vec<String>,
    /// Commits inside an edit's interval.
    pub tie: Tie,
    /// Edits of several rows.
    pub paste: Paste,
    /// Changed key cells.
    pub key_edits: KeyEdits,
    /// Formulas in linked columns.
    pub formulas: Formulas,
    /// A new row without a key waits this long without an edit before it is inserted (2 s).
    pub insert_after: Duration,
    /// The two reads that conclude absence lie at least this far apart (10 s).
    pub delete_grace: Duration,
    /// A value that no event announced and that base held before is looked at again after this time (10 s).
    pub second_look: Duration,
    /// The wish for the time between two reads of the whole tab.
    pub sweep_interval: Duration,
}

impl LinkRules {
    /// The rule of a column of the table; `None` when the link leaves the column out. Letter case is ignored, as MySQL does.
    pub fn column(&self, name: &str) -> Option<ColumnRule> {
        if self.columns.is_empty() {
            return Some(ColumnRule {
                name: name.to_owned(),
                header: name.to_owned(),
                policy: self.policy,
                direction: Direction::Both,
            });
        }
        self.columns.iter().find(|rule| rule.name.eq_ignore_ascii_case(name)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(columns: Vec<ColumnRule>) -> LinkRules {
        LinkRules {
            name: LinkName("orders".into()),
            columns,
            policy: Policy::Sheet,
            deletes: Deletes::Apply,
            first_match: FirstMatch::Database,
            match_on: Vec::new(),
            tie: Tie::Database,
            paste: Paste::Rows,
            key_edits: KeyEdits::Refuse,
            formulas: Formulas::Hold,
            insert_after: Duration::from_secs(2),
            delete_grace: Duration::from_secs(10),
            second_look: Duration::from_secs(10),
            sweep_interval: Duration::from_secs(60),
        }
    }

    #[test]
    fn a_link_without_a_list_takes_every_column_under_its_own_name() {
        let all = rules(Vec::new());
        let note = all.column("note").expect("every column");
        assert_eq!((note.header.as_str(), note.policy), ("note", Policy::Sheet));

        let listed = rules(vec![ColumnRule {
            name: "Note".into(),
            header: "Remark".into(),
            policy: Policy::Hold,
            direction: Direction::ToSheet,
        }]);
        assert_eq!(listed.column("note").map(|rule| rule.header), Some("Remark".to_owned()));
        assert_eq!(listed.column("other"), None);
    }
}
