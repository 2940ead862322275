//! `sheetbridge resume`

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cli::Configuration;
use crate::cli::office::{at_desk, fail, link, tell};
use crate::daemon::desk::{Desk, NotResumed};
use crate::fault::Classify;
use crate::model::link::LinkName;
use crate::model::pause::Cure;
use crate::store::StoreError;

/// The daemon looks once a second, and deletes are asked about after a read of the tab.
const PATIENCE: Duration = Duration::from_secs(15);

const LOOK: Duration = Duration::from_millis(200);

/// Lets a link go on, and tells whether it does.
pub(super) fn run(configuration: &Configuration, name: &LinkName, rows: Option<u64>) -> ExitCode {
    at_desk(configuration, async |desk, settings| {
        if let Err(code) = link(settings, name) {
            return code;
        }
        match desk.resume(name, rows).await {
            Ok(()) => {}
            Err(NotResumed::Store(error)) => return fail(&error, error.advice()),
            Err(refused) => return fail(&refused, ""),
        }
        match outcome(desk, name).await {
            Ok(code) => code,
            Err(error) => fail(&error, error.advice()),
        }
    })
}

async fn outcome(desk: &mut Desk, name: &LinkName) -> Result<ExitCode, StoreError> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let on = desk.pauses(name).await?;
        let curable = || on.iter().filter(|kept| kept.pause.brake.cure() != Cure::Undo);
        if let Some(again) = curable().find(|kept| !kept.resumed) {
            return Ok(fail(&format!("{name} asks again: {}", again.pause.told(name)), ""));
        }
        if curable().next().is_none() {
            tell(&format!("{name} goes on"));
            return Ok(ExitCode::SUCCESS);
        }
        sleep(LOOK).await;
    }
    tell(&format!("{name}: noted; the daemon lets it go on as soon as it can"));
    Ok(ExitCode::SUCCESS)
}
