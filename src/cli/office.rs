//! What the operators' commands share: a runtime, the desk, and one line for what went wrong.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::cli::{Configuration, refuse};
use crate::config::Settings;
use crate::config::settings::Link;
use crate::daemon::DaemonError;
use crate::daemon::desk::Desk;
use crate::fault::Classify;
use crate::model::link::LinkName;

/// Opens the desk, does the command's work there and leaves it. A failure is one line, with the advice below it.
pub(super) fn at_desk(
    configuration: &Configuration,
    work: impl AsyncFnOnce(&mut Desk, &Settings) -> ExitCode,
) -> ExitCode {
    at(configuration, async |settings| Desk::open(settings).await, work)
}

/// The same for what can be asked before the daemon has ever run.
pub(super) fn at_early_desk(
    configuration: &Configuration,
    work: impl AsyncFnOnce(&mut Desk, &Settings) -> ExitCode,
) -> ExitCode {
    at(configuration, async |settings| Desk::open_early(settings).await, work)
}

fn at(
    configuration: &Configuration,
    open: impl AsyncFnOnce(&Settings) -> Result<Desk, DaemonError>,
    work: impl AsyncFnOnce(&mut Desk, &Settings) -> ExitCode,
) -> ExitCode {
    let settings = match configuration.load() {
        Ok(settings) => settings,
        Err(complaints) => return refuse(&complaints),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, ""),
    };
    runtime.block_on(async {
        let mut desk = match open(&settings).await {
            Ok(desk) => desk,
            Err(error) => return fail(&error, error.advice()),
        };
        let code = work(&mut desk, &settings).await;
        match desk.close().await {
            Ok(()) => code,
            Err(error) => fail(&error, error.advice()),
        }
    })
}

/// The configured link of this name.
pub(super) fn link<'a>(settings: &'a Settings, name: &LinkName) -> Result<&'a Link, ExitCode> {
    settings
        .links
        .iter()
        .find(|link| link.rules.name == *name)
        .ok_or_else(|| fail(&format!("no link `{name}` is configured"), ""))
}

/// One line on standard output. Whoever asked may have hung up: then there is nobody to tell.
pub(super) fn tell(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Tells what went wrong.
pub(super) fn fail(error: &impl Display, advice: &str) -> ExitCode {
    eprintln!("{error}");
    if !advice.is_empty() {
        eprintln!("{advice}");
    }
    ExitCode::FAILURE
}
