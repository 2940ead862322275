//! `sheetbridge check-config`

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{Configuration, refuse};

/// Tells what is wrong, or which links there are.
pub(super) fn run(configuration: &Configuration) -> ExitCode {
    let settings = match configuration.load() {
        Ok(settings) => settings,
        Err(complaints) => return refuse(&complaints),
    };
    let mut out = std::io::stdout().lock();
    let told = settings.links.iter().try_for_each(|link| {
        let rules = &link.rules;
        let way = if link.secrets.is_empty() { "polled" } else { "script and sweep" };
        writeln!(
            out,
            "{}: {} <-> tab \"{}\" of {} ({way})",
            rules.name, link.table, link.tab, link.spreadsheet
        )
    });
    match told.and_then(|()| writeln!(out, "the configuration is good")) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever asked has hung up.
        Err(_) => ExitCode::FAILURE,
    }
}
