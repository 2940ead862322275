//! What can go wrong with our own state.

use mysql_async::{DriverError, Error as MysqlError};

use crate::fault::{Classify, Fault};
use crate::model::mark::Owner;

/// The result of everything in this room.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server or the way to it.
    #[error("the state schema cannot be used: {0}")]
    Database(#[from] MysqlError),
    /// A row that we cannot have written.
    #[error("a row of our table `{table}` cannot be read: {what}")]
    Corrupt {
        /// Our table.
        table: &'static str,
        /// What is wrong, without the content.
        what: &'static str,
    },
    /// The text of a migration that was applied is not the text that we carry.
    #[error("migration {version} was applied with checksum {found}, and this program carries {expected}")]
    MigrationChanged {
        /// Its number.
        version: u32,
        /// In the schema.
        found: String,
        /// In the program.
        expected: String,
    },
    /// The schema has a migration that we do not know.
    #[error("the state schema has migration {found}, and this program knows migrations up to {known}")]
    Newer {
        /// In the schema.
        found: u32,
        /// In the program.
        known: u32,
    },
    /// Another daemon is at work on this schema.
    #[error("{holder} holds the lease of this state schema for another {seconds} s")]
    LeaseHeld {
        /// Who.
        holder: String,
        /// Until it ends, if it is not renewed.
        seconds: u64,
    },
    /// Another daemon took over: nothing of ours may be written any more.
    #[error("the lease of {0} was lost to another daemon")]
    LeaseLost(Owner),
    /// A spreadsheet was never made known.
    #[error("spreadsheet {0} has no counters in the state schema")]
    UnknownSpreadsheet(String),
    /// Two thousand million batches.
    #[error("spreadsheet {0} has used up its batch numbers")]
    Exhausted(String),
}

/// Lock wait, deadlock, too many connections, server stopping, query or connection killed (MariaDB 1927), and the answers
/// of a server that is just failing over (read-only: 1290, 1836).
const PASSING: &[u16] = &[1205, 1213, 1040, 1053, 1317, 1927, 1290, 1836];

/// Access denied to a database, a user, a table, a column or a routine; a privilege is missing.
const DENIED: &[u16] = &[1044, 1045, 1142, 1143, 1227, 1370, 1698];

impl StoreError {
    /// True where no patience helps within this run: another daemon took over, or it is a defect. Nothing of ours may be written
    /// upon it.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::LeaseLost(_)) || self.fault() == Fault::Bug
    }

    /// True where another transaction holds the rows: nothing was done, and the session is whole.
    pub fn is_busy(&self) -> bool {
        matches!(self.server_code(), Some(1205 | 1213))
    }

    /// The server's error number, where the server spoke.
    pub(super) fn server_code(&self) -> Option<u16> {
        match self {
            Self::Database(MysqlError::Server(error)) => Some(error.code),
            _ => None,
        }
    }
}

impl Classify for StoreError {
    fn fault(&self) -> Fault {
        match self {
            Self::Database(
                MysqlError::Io(_)
                | MysqlError::Driver(
                    DriverError::ConnectionClosed
                    | DriverError::PoolDisconnected
                    | DriverError::PacketOutOfOrder
                    | DriverError::UnexpectedPacket { .. },
                ),
            )
            | Self::LeaseHeld { .. } => Fault::Passing,
            Self::Database(MysqlError::Server(error)) if PASSING.contains(&error.code) => Fault::Passing,
            Self::Database(MysqlError::Driver(
                DriverError::UnknownAuthPlugin { .. }
                | DriverError::CleartextPluginDisabled
                | DriverError::NoClientSslFlagFromServer,
            )) => Fault::NeedsOperator,
            Self::Database(MysqlError::Driver(_)) | Self::UnknownSpreadsheet(_) => Fault::Bug,
            Self::Database(_)
            | Self::Corrupt { .. }
            | Self::MigrationChanged { .. }
            | Self::Newer { .. }
            | Self::LeaseLost(_)
            | Self::Exhausted(_) => Fault::NeedsOperator,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Database(MysqlError::Server(error)) if DENIED.contains(&error.code) => {
                "grant the rights in sql/grants-mysql.sql or sql/grants-mariadb.sql to the daemon's user"
            }
            Self::Database(MysqlError::Driver(_)) if self.fault() == Fault::NeedsOperator => {
                "give the account another plugin (ALTER USER ... IDENTIFIED WITH caching_sha2_password on MySQL, VIA ed25519 on \
                 MariaDB), or the server a certificate"
            }
            Self::Database(MysqlError::Driver(_)) if self.fault() == Fault::Bug => {
                "report it, with the journal around it"
            }
            Self::Database(_) if self.fault() == Fault::NeedsOperator => {
                "read the server's own words above and its error log; the daemon goes on when the cause is gone"
            }
            Self::Database(_) | Self::LeaseHeld { .. } => "",
            Self::Corrupt { .. } => {
                "somebody changed the state schema by hand or it was restored in parts: restore it whole"
            }
            Self::MigrationChanged { .. } => {
                "this program is not the one that made the schema: install a released version"
            }
            Self::Newer { .. } => "install the newer version of sheetbridge that this schema was used with",
            Self::LeaseLost(_) => "stop one of the two daemons, or give each its own state schema",
            Self::UnknownSpreadsheet(_) => "report this as a bug: its counters are made when a link starts",
            Self::Exhausted(_) => "copy the spreadsheet and link the copy: metadata ids are used up",
        }
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;

    use super::*;

    fn server(code: u16) -> StoreError {
        StoreError::Database(MysqlError::Server(ServerError {
            code,
            message: "said the server".into(),
            state: "HY000".into(),
        }))
    }

    #[test]
    fn what_passes_is_retried_and_what_nobody_thought_of_needs_a_person() {
        assert_eq!(server(1213).fault(), Fault::Passing);
        assert_eq!(server(1213).advice(), "");
        assert_eq!(server(9999).fault(), Fault::NeedsOperator);
        assert_eq!(server(1142).fault(), Fault::NeedsOperator);
        assert!(server(1142).advice().contains("grants-mysql.sql"));
    }

    #[test]
    fn a_broken_connection_passes_an_account_is_a_persons_and_what_the_driver_was_asked_wrongly_a_defect() {
        let driver = |error| StoreError::Database(MysqlError::Driver(error));
        let broken = driver(DriverError::UnexpectedPacket { payload: Vec::new() });
        assert_eq!((broken.fault(), broken.is_final()), (Fault::Passing, false));
        let account = driver(DriverError::CleartextPluginDisabled);
        assert_eq!((account.fault(), account.is_final()), (Fault::NeedsOperator, false));
        let wrong = driver(DriverError::MixedParams);
        assert_eq!((wrong.fault(), wrong.is_final()), (Fault::Bug, true));
        assert!(!account.advice().is_empty() && !wrong.advice().is_empty());
        assert!(StoreError::LeaseLost(Owner { installation: "ab12".into(), generation: 1 }).is_final());
    }
}
