//! The command line, one file a command.
//!
//! A command has two phases: what can fail without a runtime, and then the runtime. A configuration that is wrong ends it
//! with 78 (`EX_CONFIG`), which the unit takes as a reason not to start again.

mod check_config;
mod conflicts;
mod office;
mod pause;
mod plan;
mod resume;
mod run;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::load::{DEFAULT_PATH, Surroundings};
use crate::config::{Complaints, Settings};
use crate::daemon::journal::Format;
use crate::model::link::LinkName;

/// `EX_CONFIG` of sysexits.h.
const BAD_CONFIGURATION: u8 = 78;

/// Keeps tables of a MySQL or MariaDB server and tabs of Google Sheets equal, both ways.
#[derive(Debug, Parser)]
#[command(name = "sheetbridge", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon until SIGTERM or Ctrl-C
    Run {
        #[command(flatten)]
        configuration: Configuration,
        /// Where log records go: auto (the journal under systemd, else text), json or text
        #[arg(long, value_name = "FORMAT", default_value = "auto")]
        log_format: Format,
        /// What is logged, such as `info` or `warn,sheetbridge=debug`
        #[arg(long, value_name = "FILTER", env = "SHEETBRIDGE_LOG")]
        log: Option<String>,
    },
    /// Tell how the links stand, what is paused and what to type; exits with 1 if something is paused
    Status {
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Read both sides of a link and tell what would be done; writes nothing
    Plan {
        #[command(flatten)]
        configuration: Configuration,
        #[command(flatten)]
        link: Named,
    },
    /// Let a link pause: nothing is written to either side until `resume`
    Pause {
        #[command(flatten)]
        configuration: Configuration,
        #[command(flatten)]
        link: Named,
    },
    /// Let a paused link go on
    Resume {
        #[command(flatten)]
        configuration: Configuration,
        #[command(flatten)]
        link: Named,
        /// The deletes that its brake named: they are made, and no others
        #[arg(long, value_name = "ROWS")]
        allow_deletes: Option<u64>,
    },
    /// List the cells of a link that wait for a person, and its conflicts, with their values
    Conflicts {
        #[command(flatten)]
        configuration: Configuration,
        #[command(flatten)]
        link: Named,
    },
    /// Check the configuration and tell everything that is wrong with it
    CheckConfig {
        #[command(flatten)]
        configuration: Configuration,
    },
}

#[derive(Debug, Args)]
struct Configuration {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct Named {
    /// The link's name
    #[arg(value_name = "LINK")]
    link: String,
}

impl Named {
    fn name(&self) -> LinkName {
        LinkName(self.link.clone())
    }
}

impl Configuration {
    fn load(&self) -> Result<Settings, Complaints> {
        crate::config::load(&self.config, &Surroundings::of_process())
    }
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { configuration, log_format, log } => {
            run::run(&configuration, log_format, log.as_deref())
        }
        Command::Status { configuration } => status::run(&configuration),
        Command::Plan { configuration, link } => plan::run(&configuration, &link.name()),
        Command::Pause { configuration, link } => pause::run(&configuration, &link.name()),
        Command::Resume { configuration, link, allow_deletes } => {
            resume::run(&configuration, &link.name(), allow_deletes)
        }
        Command::Conflicts { configuration, link } => conflicts::run(&configuration, &link.name()),
        Command::CheckConfig { configuration } => check_config::run(&configuration),
    }
}

/// Tells what is wrong where people and the journal see it.
fn refuse(complaints: &Complaints) -> ExitCode {
    eprintln!("{complaints}");
    ExitCode::from(BAD_CONFIGURATION)
}
