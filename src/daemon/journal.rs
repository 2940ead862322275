//! Where log records go: to the journal as fields, or to standard error as JSON or text.
//!
//! In the journal every field of an event and of the spans around it is a field of its own, in capitals:
//! `journalctl -u sheetbridge TABLE=shop.orders OUTCOME=conflict`. The names are these, and no others mean the same:
//!
//! | field | holds |
//! |--|--|
//! | `link` | the link's name |
//! | `table` | `database.table` |
//! | `row_key` | the key's print form |
//! | `sheet_id` | the tab's id |
//! | `direction` | `to_sheet` or `to_table` |
//! | `outcome` | `applied`, `conflict`, `refused`, `held`, `paused`, … |
//! | `edit_id` | the edit's number in the inbox |
//! | `position` | the stream's position |
//! | `rows` | how many rows a record speaks for |
//! | `error` | what went wrong |
//!
//! The message stands alone: it is all that a person sees without asking for fields. Record fields with `%` or as text, never with `?`: quotes around a value would be part of it. No cell's content is recorded
//! above debug.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

/// What is recorded unless told otherwise: libraries speak only when something is wrong.
const DEFAULT_FILTER: &str = "warn,sheetbridge=info";

/// Where records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// To the journal where standard error leads there, else text.
    #[default]
    Auto,
    /// One JSON object a line, on standard error.
    Json,
    /// For people, on standard error.
    Text,
}

/// A word that is no [`Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write auto, json or text")]
pub struct NotAFormat;

impl FromStr for Format {
    type Err = NotAFormat;

    fn from_str(word: &str) -> Result<Self, NotAFormat> {
        match word {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(NotAFormat),
        }
    }
}

/// Why records cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The filter is none.
    #[error("the log filter cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// It was set up before.
    #[error("the log is set up twice")]
    Twice(#[from] TryInitError),
}

/// Sets up the log for the whole process. `filter` is like `info` or `warn,sheetbridge=debug`.
///
/// # Errors
/// The filter cannot be read, or the log is set up already.
pub fn init(format: Format, filter: Option<&str>) -> Result<(), JournalError> {
    let filter = EnvFilter::builder().parse(filter.unwrap_or(DEFAULT_FILTER))?;
    Ok(tracing_subscriber::registry().with(layer(format).with_filter(filter)).try_init()?)
}

fn layer(format: Format) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        Format::Auto => match journal() {
            Some(journal) => journal,
            None => layer(Format::Text),
        },
        Format::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
        Format::Text => fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).boxed(),
    }
}

/// Without a prefix, because `MESSAGE_ID` and the names that people search for have none; info is informational, not a
/// notice.
fn journal() -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
    let stream = std::env::var("JOURNAL_STREAM").ok()?;
    if !is_stream(&stream, &File::from(io::stderr().as_fd().try_clone_to_owned().ok()?)) {
        return None;
    }
    let journal = tracing_journald::layer()
        .ok()?
        .with_field_prefix(None)
        .with_syslog_identifier("sheetbridge".to_owned())
        .with_priority_mappings(PriorityMappings {
            info: Priority::Informational,
            debug: Priority::Debug,
            ..PriorityMappings::new()
        });
    Some(journal.boxed())
}

/// `$JOURNAL_STREAM` is the device and inode of the journal's end of our standard error. It is inherited by children whose
/// standard error leads elsewhere, so it counts only where the two agree (systemd.exec).
fn is_stream(named: &str, stderr: &File) -> bool {
    let Some((device, inode)) = named.split_once(':') else {
        return false;
    };
    stderr.metadata().is_ok_and(|found| device.parse() == Ok(found.dev()) && inode.parse() == Ok(found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_used_only_where_standard_error_leads_to_it() {
        let file = tempfile::tempfile().unwrap();
        let found = file.metadata().unwrap();
        assert!(is_stream(&format!("{}:{}", found.dev(), found.ino()), &file));
        for other in [format!("{}:{}", found.dev(), found.ino() + 1), "8".into(), String::new()] {
            assert!(!is_stream(&other, &file), "{other}");
        }
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        assert!(matches!(init(Format::Text, Some("sheetbridge=loud")), Err(JournalError::Filter(_))));
        assert_eq!("json".parse(), Ok(Format::Json));
        assert_eq!("xml".parse::<Format>(), Err(NotAFormat));
    }
}
