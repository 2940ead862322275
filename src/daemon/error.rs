//! What ends the daemon, and what becomes of each: it is waited out, a person is needed, or it is a defect.

use crate::fault::{Classify, Fault};
use crate::model::link::LinkName;
use crate::sheet::error::SheetError;
use crate::store::StoreError;

/// What ends the daemon.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Its own state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database.
    #[error(transparent)]
    Database(#[from] crate::database::Error),
    /// The way to Google cannot even be tried.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The endpoint cannot listen.
    #[error("cannot listen on {place}: {error}")]
    Listen {
        /// Address or path.
        place: String,
        /// Why.
        error: std::io::Error,
    },
    /// A script's secret in the configuration is none.
    #[error("a secret of link `{0}` is no `whsec_` secret of 24 to 64 bytes")]
    Secret(LinkName),
    /// A defect: the task and its panic.
    #[error("the task `{task}` ended by a panic: {message}")]
    Panic {
        /// The task.
        task: String,
        /// What it said.
        message: String,
    },
    /// The links can be followed no further as they are.
    #[error("the daemon starts anew: {0}")]
    Anew(String),
    /// No link can be worked on.
    #[error("no link can be worked on: see the errors above")]
    NoLinks,
}

impl From<mysql_async::Error> for DaemonError {
    fn from(error: mysql_async::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Classify for DaemonError {
    fn fault(&self) -> Fault {
        match self {
            Self::Store(error) => error.fault(),
            Self::Database(error) => error.fault(),
            Self::Sheet(error) => error.fault(),
            Self::Anew(_) => Fault::Passing,
            Self::Listen { .. } | Self::NoLinks | Self::Secret(_) => Fault::NeedsOperator,
            Self::Panic { .. } => Fault::Bug,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Store(error) => error.advice(),
            Self::Database(error) => error.advice(),
            Self::Sheet(error) => error.advice(),
            Self::Listen { .. } => {
                "choose another `listen` in [endpoint], or end the program that has this one"
            }
            Self::Secret(_) => "make one: `whsec_` and the base64 of 32 random bytes",
            Self::NoLinks => "mend the links, or check the account's rights on their tables",
            Self::Panic { .. } => "report it, with the journal around it",
            Self::Anew(_) => "",
        }
    }
}
