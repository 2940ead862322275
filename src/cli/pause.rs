//! `sheetbridge pause`

use std::process::ExitCode;

use crate::cli::Configuration;
use crate::cli::office::{at_desk, fail, link, tell};
use crate::fault::Classify;
use crate::model::link::LinkName;

/// Lets a link pause, now or at the daemon's next start.
pub(super) fn run(configuration: &Configuration, name: &LinkName) -> ExitCode {
    at_desk(configuration, async |desk, settings| {
        if let Err(code) = link(settings, name) {
            return code;
        }
        match desk.pause(name).await {
            Ok(()) => {
                tell(&format!("{name} pauses within a second; to go on: sheetbridge resume {name}"));
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error, error.advice()),
        }
    })
}
