//! `sheetbridge status`

use std::process::ExitCode;

use crate::cli::Configuration;
use crate::cli::office::{at_desk, fail, tell};
use crate::fault::Classify;

/// Tells how the links stand, by what is remembered: also while the daemon is down. Exits with 1 if one is paused.
pub(super) fn run(configuration: &Configuration) -> ExitCode {
    at_desk(configuration, async |desk, settings| {
        let (daemon, links) = match (desk.daemon().await, desk.status(settings).await) {
            (Ok(daemon), Ok(links)) => (daemon, links),
            (Err(error), _) | (_, Err(error)) => return fail(&error, error.advice()),
        };
        match daemon {
            Some(holder) => tell(&format!("the daemon runs ({holder})")),
            None => tell("the daemon does not run"),
        }
        for status in &links {
            tell(&format!(
                "{}: {}, {} rows, {} cells held",
                status.link, status.state, status.rows, status.held
            ));
            for kept in &status.pauses {
                let (brake, way) = (kept.pause.brake, kept.pause.brake.way());
                let resumed = if kept.resumed { " (to be resumed)" } else { "" };
                tell(&format!("  stopped{resumed}: {way} ({brake}): {}", kept.pause.told(&status.link)));
            }
        }
        if links.iter().all(|status| status.pauses.is_empty()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    })
}
