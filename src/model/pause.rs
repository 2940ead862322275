//! Why a link, or one direction of it, writes nothing, and what ends that.
//!
//! | brake | stops | ends |
//! |--|--|--|
//! | `tab` | both ways | when the tab is as it was: header, key column, locale |
//! | `mass_delete`, `empty_tab` | deletes in the table | the rows are back in the tab, or `resume --allow-deletes N` |
//! | `mass_removal` | deletes in the tab | the rows are back in the table, or `resume --allow-deletes N` |
//! | `partial_sort` | both ways | it is undone, or `resume` |
//! | `table_emptied`, `table_dropped` | both ways | `resume --allow-deletes N`: the table is read whole |
//! | `table_unreadable` | both ways | `resume`: the table is read whole |
//! | `configuration` | both ways | `resume`: both sides are compared anew |
//! | `foreign_tokens` | both ways | the other one is stopped, or `resume`: what is equal is adopted, what differs is held |
//! | `operator` | both ways | `resume`: the table is read whole |

use std::fmt;
use std::str::FromStr;

use crate::model::link::LinkName;

/// What stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Brake {
    /// The tab cannot be worked on: its header or a key column is lost, it was deleted, it has merged cells.
    Tab,
    /// Too many rows are gone from the tab at once.
    MassDelete,
    /// All rows are gone from the tab.
    EmptyTab,
    /// Values stand in other rows than before: somebody sorted a part of the columns.
    PartialSort,
    /// Too many rows are gone from the table at once.
    MassRemoval,
    /// TRUNCATE, or partitions were dropped, emptied or exchanged.
    Emptied,
    /// The table was dropped.
    Dropped,
    /// What the stream says of the table cannot be understood.
    Unreadable,
    /// The link ties other things together than when it last ran.
    Configuration,
    /// The spreadsheet shows batches that our memory does not know, or lacks one that it knows.
    Foreign,
    /// Somebody asked for it.
    Operator,
}

/// What is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Neither into the table nor into the tab.
    Both,
    /// Deletes in the table; edits go on.
    ToTable,
    /// Deletes in the tab; changes go on.
    ToSheet,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cure {
    /// Only when its cause is gone: there is nothing that could be written.
    Undo,
    /// When its cause is gone, or an operator lets it through.
    Release,
    /// When its cause is gone, or an operator lets the link start anew without its memory: base is lost then.
    Adopt,
    /// An operator lets the link start anew; no change of the sides ends it.
    Anew,
}

impl Brake {
    /// Every brake.
    pub const ALL: [Self; 11] = [
        Self::Tab,
        Self::MassDelete,
        Self::EmptyTab,
        Self::PartialSort,
        Self::MassRemoval,
        Self::Emptied,
        Self::Dropped,
        Self::Unreadable,
        Self::Configuration,
        Self::Foreign,
        Self::Operator,
    ];

    /// Its name, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::MassDelete => "mass_delete",
            Self::EmptyTab => "empty_tab",
            Self::PartialSort => "partial_sort",
            Self::MassRemoval => "mass_removal",
            Self::Emptied => "table_emptied",
            Self::Dropped => "table_dropped",
            Self::Unreadable => "table_unreadable",
            Self::Configuration => "configuration",
            Self::Foreign => "foreign_tokens",
            Self::Operator => "operator",
        }
    }

    /// What it stops.
    pub fn way(self) -> Way {
        match self {
            Self::MassDelete | Self::EmptyTab => Way::ToTable,
            Self::MassRemoval => Way::ToSheet,
            Self::Tab
            | Self::PartialSort
            | Self::Emptied
            | Self::Dropped
            | Self::Unreadable
            | Self::Configuration
            | Self::Foreign
            | Self::Operator => Way::Both,
        }
    }

    /// What ends it.
    pub fn cure(self) -> Cure {
        match self {
            Self::Tab => Cure::Undo,
            Self::MassDelete | Self::EmptyTab | Self::PartialSort | Self::MassRemoval => Cure::Release,
            Self::Foreign => Cure::Adopt,
            Self::Emptied | Self::Dropped | Self::Unreadable | Self::Configuration | Self::Operator => {
                Cure::Anew
            }
        }
    }
}

impl fmt::Display for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no brake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no brake has this name")]
pub struct NoBrake;

impl FromStr for Brake {
    type Err = NoBrake;

    fn from_str(word: &str) -> Result<Self, NoBrake> {
        Self::ALL.into_iter().find(|brake| brake.word() == word).ok_or(NoBrake)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "both ways",
            Self::ToTable => "deletes in the table",
            Self::ToSheet => "deletes in the tab",
        })
    }
}

/// A brake that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Which.
    pub brake: Brake,
    /// What happened, for people: no values of cells.
    pub reason: String,
    /// How many rows would be deleted if it went on: `resume` must name the same number.
    pub rows: Option<u64>,
}

impl Pause {
    /// A pause without deletes that wait.
    pub fn new(brake: Brake, reason: impl Into<String>) -> Self {
        Self { brake, reason: reason.into(), rows: None }
    }

    /// The same with so many deletes that wait.
    #[must_use]
    pub fn of_rows(self, rows: usize) -> Self {
        Self { rows: Some(rows as u64), ..self }
    }

    /// What an operator types to let it go on; `None` where the cause itself must go.
    pub fn command(&self, link: &LinkName) -> Option<String> {
        match (self.brake.cure(), self.rows) {
            (Cure::Undo, _) => None,
            (Cure::Release | Cure::Adopt | Cure::Anew, Some(rows)) => {
                Some(format!("sheetbridge resume {link} --allow-deletes {rows}"))
            }
            (Cure::Release | Cure::Adopt | Cure::Anew, None) => Some(format!("sheetbridge resume {link}")),
        }
    }

    /// The reason and the cure, in one line.
    pub fn told(&self, link: &LinkName) -> String {
        match (self.command(link), self.brake.cure()) {
            (None, _) => self.reason.clone(),
            (Some(command), Cure::Anew) => format!("{}; to go on: {command}", self.reason),
            (Some(command), _) => format!("{}; if it is meant: {command}", self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_brake_is_found_by_its_word() {
        for brake in Brake::ALL {
            assert_eq!(brake.to_string().parse(), Ok(brake));
        }
        assert_eq!("handbrake".parse::<Brake>(), Err(NoBrake));
    }

    #[test]
    fn a_pause_names_the_command_that_ends_it_and_the_rows_that_it_costs() {
        let goods = LinkName("goods".into());
        let gone = Pause::new(Brake::MassDelete, "7 of 12 rows are gone").of_rows(7);
        assert_eq!(
            gone.told(&goods),
            "7 of 12 rows are gone; if it is meant: sheetbridge resume goods --allow-deletes 7"
        );
        let paused = Pause::new(Brake::Operator, "an operator paused it");
        assert_eq!(paused.told(&goods), "an operator paused it; to go on: sheetbridge resume goods");
        assert_eq!(Pause::new(Brake::Tab, "no header").told(&goods), "no header");
    }
}
