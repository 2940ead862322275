//! `sheetbridge conflicts`

use std::process::ExitCode;

use crate::cli::Configuration;
use crate::cli::office::{at_desk, fail, link, tell};
use crate::fault::Classify;
use crate::model::link::LinkName;

/// Lists what waits for a person in a link: held cells, and conflicts that are told at their cells. It shows their values.
pub(super) fn run(configuration: &Configuration, name: &LinkName) -> ExitCode {
    at_desk(configuration, async |desk, settings| {
        if let Err(code) = link(settings, name) {
            return code;
        }
        let (held, notes) = match desk.conflicts(name).await {
            Ok(found) => found,
            Err(error) => return fail(&error, error.advice()),
        };
        for held in &held {
            tell(&format!(
                "held {} {}: {}",
                held.row,
                held.column.as_deref().unwrap_or("(row)"),
                held.detail
            ));
        }
        for note in &notes {
            tell(&format!("conflict {} {}: {}", note.row, note.column, note.text.replace('\n', " | ")));
        }
        tell(&format!("{} cells are held, {} conflicts are told in the tab", held.len(), notes.len()));
        ExitCode::SUCCESS
    })
}
