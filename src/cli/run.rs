//! `sheetbridge run`

use std::io;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};
use tracing::{debug, error, info};

use crate::cli::{BAD_CONFIGURATION, Configuration, refuse};
use crate::config::Settings;
use crate::daemon;
use crate::daemon::journal::{self, Format};
use crate::daemon::shutdown::Signals;

/// Runs the daemon to its end.
pub(super) fn run(configuration: &Configuration, format: Format, filter: Option<&str>) -> ExitCode {
    let settings = match configuration.load() {
        Ok(settings) => settings,
        Err(complaints) => return refuse(&complaints),
    };
    if let Err(error) = journal::init(format, filter) {
        eprintln!("{error}");
        return ExitCode::from(BAD_CONFIGURATION);
    }
    debug!(settings = ?settings, "configuration read");
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(until_signalled(settings))
}

/// Two workers: the daemon shares its machine with the database, and waits more than it works.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

async fn until_signalled(settings: Settings) -> ExitCode {
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            error!(%error, "no signal can be taken: {error}");
            return ExitCode::FAILURE;
        }
    };
    let stop = async { info!("stopping: {}", signals.first().await) };
    match daemon::run(settings, stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "the daemon ends: {error}");
            ExitCode::FAILURE
        }
    }
}
