//! What can go wrong at the MySQL edge, and what it asks for.

use std::io;
use std::time::Duration;

use crate::database::cursor::Malformed;
use crate::database::refusal::Refusal;
use crate::fault::{Classify, Fault};
use crate::model::schema::TableName;

/// Every failure of this edge. No text here holds a cell's value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("the connection to the database failed: {0}")]
    Lost(String),
    /// TLS was asked for, and the server has none or shows a certificate that does not hold.
    #[error("no safe connection to the database: {0}")]
    Tls(String),
    /// Nothing came, not even a heartbeat.
    #[error("the database was silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// The server ended the stream: it stops, or something killed the connection.
    #[error("the database ended the binlog stream")]
    Ended,
    /// Another transaction holds the row, or the server broke a deadlock by undoing this transaction.
    #[error("another transaction is in the way (error {code})")]
    Busy {
        /// 1205, 1213 or 3572.
        code: u16,
    },
    /// The server does not take this change of a row.
    #[error("{0}")]
    Refused(Refusal),
    /// A right is missing, or the password is wrong.
    #[error("the database denies access: {0}")]
    Denied(String),
    /// The account proves who it is in a way that we do not know, or would have to show its password for.
    #[error("the account asks for the authentication plugin `{0}`, which is not spoken here")]
    Plugin(String),
    /// Any other answer of the server.
    #[error("the database answered error {code}: {message}")]
    Server {
        /// The server's number.
        code: u16,
        /// Its words.
        message: String,
    },
    /// The table is not there, or not visible to our user.
    #[error("there is no table {0}, or no right to see it")]
    NoTable(TableName),
    /// A text that no server takes as a name.
    #[error("not a name: {0}")]
    NotAName(String),
    /// Key or column does not belong to the table.
    #[error("not a key or column of {0}")]
    NotAKey(TableName),
    /// A row without a key was to be written, and the server does not tell the key that it made.
    #[error("the key of the new row in {0} is not known: its key columns must be given or auto-increment")]
    KeyUnknown(TableName),
    /// The server has thrown away binlogs that hold transactions after our position.
    #[error("the binlog after our position was purged: {0}")]
    Purged(String),
    /// The server lacks transactions that we have seen: it is behind, or a failover lost them.
    #[error("the server is behind our position: {0}")]
    Behind(String),
    /// A file position of one server was to be used at another.
    #[error("the position belongs to another server: {0}")]
    OtherServer(String),
    /// Another client follows the binlog with our server id.
    #[error("another replica with our server id has connected: {0}")]
    Twin(String),
    /// The server says that its binlog is broken or cannot be read from there.
    #[error("the server cannot read its binlog: {0}")]
    BinlogBroken(String),
    /// The bytes of an event do not match their checksum.
    #[error("the checksum of an event of type {0} is wrong")]
    Checksum(u8),
    /// An event type that we do not know and may not ignore.
    #[error("unknown binlog event of type {0}")]
    UnknownEvent(u8),
    /// The server recorded that changes are missing from its binlog.
    #[error("the server recorded an incident: changes are missing from its binlog")]
    Incident,
    /// A compressed transaction or event that cannot be opened.
    #[error("a compressed {0} cannot be opened")]
    Compressed(&'static str),
    /// An event that does not follow the format.
    #[error("{0} in the binlog")]
    Malformed(#[from] Malformed),
    /// Events in an order that cannot be.
    #[error("the binlog is out of order: {0}")]
    OutOfOrder(&'static str),
    /// A table's rows do not look as its schema says.
    #[error("the rows of {table} do not match its schema: {reason}")]
    Layout {
        /// The table.
        table: TableName,
        /// What differs.
        reason: String,
    },
    /// A change of a linked table is in the binlog as a statement, not as rows.
    #[error("a change of {0} was logged as a statement")]
    StatementLogged(TableName),
    /// JSON was logged as a difference only.
    #[error("a JSON change of {0} was logged in part only")]
    PartialJson(TableName),
    /// A foreign key may have changed rows of the table, which the binlog does not show.
    #[error("a change of a parent table may have changed {0} by a foreign key, unseen")]
    Cascade(TableName),
    /// A transaction has more rows than we keep.
    #[error("a transaction that changed {table} is too large to be kept: {reason}")]
    TooLarge {
        /// The table.
        table: TableName,
        /// Which bound it met.
        reason: String,
    },
    /// An XA transaction whose rows we did not see was committed.
    #[error("an XA transaction that may have changed {0} began before our position")]
    XaUnseen(TableName),
    /// One value cannot be read.
    #[error("column {column} of {table} cannot be read: {reason}")]
    Undecodable {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Why.
        reason: &'static str,
    },
    /// A character set that we cannot read.
    #[error("column {column} of {table} has the character set {charset}, which is not supported")]
    Charset {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// The character set's name.
        charset: String,
    },
    /// The reader task broke.
    #[error("the binlog reader broke: {0}")]
    Broken(String),
}

/// The result of this edge.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Classify for Error {
    fn fault(&self) -> Fault {
        match self {
            Self::Lost(_) | Self::Silent(_) | Self::Ended | Self::Busy { .. } => Fault::Passing,
            Self::Malformed(_) | Self::OutOfOrder(_) | Self::Broken(_) | Self::NotAKey(_) => Fault::Bug,
            Self::Refused(_)
            | Self::Denied(_)
            | Self::Plugin(_)
            | Self::Server { .. }
            | Self::NoTable(_)
            | Self::NotAName(_)
            | Self::Tls(_)
            | Self::KeyUnknown(_)
            | Self::Purged(_)
            | Self::Behind(_)
            | Self::OtherServer(_)
            | Self::Twin(_)
            | Self::BinlogBroken(_)
            | Self::Checksum(_)
            | Self::UnknownEvent(_)
            | Self::Incident
            | Self::Compressed(_)
            | Self::Layout { .. }
            | Self::StatementLogged(_)
            | Self::PartialJson(_)
            | Self::Cascade(_)
            | Self::TooLarge { .. }
            | Self::XaUnseen(_)
            | Self::Undecodable { .. }
            | Self::Charset { .. } => Fault::NeedsOperator,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Lost(_) | Self::Silent(_) | Self::Ended | Self::Busy { .. } => "",
            Self::Refused(_) => "correct the value in the sheet",
            Self::Denied(_) => {
                "grant the rights in sql/grants-mysql.sql or sql/grants-mariadb.sql, or correct user and password"
            }
            Self::Plugin(_) => {
                "give the account another: ALTER USER ... IDENTIFIED WITH caching_sha2_password BY '...' on MySQL, IDENTIFIED \
                 VIA ed25519 USING PASSWORD('...') on MariaDB"
            }
            Self::Server { .. } => "look the error up in the server's manual; it names the cause",
            Self::NoTable(_) => "create the table, correct its name in the link, or grant SELECT on it",
            Self::Tls(_) => "correct the certificate, name its authority, or choose another TLS mode",
            Self::NotAName(_) => "correct the name in the link",
            Self::KeyUnknown(_) => "fill in the key column of the new row",
            Self::Purged(_) => {
                "the links copy their tables afresh; keep binlogs longer (binlog_expire_logs_seconds)"
            }
            Self::Behind(_) => {
                "connect to the server that has all transactions, or let the links copy their tables afresh"
            }
            Self::OtherServer(_) => {
                "let the links copy their tables afresh, and turn gtid_mode on so that positions survive a failover"
            }
            Self::Twin(_) => "stop the other copy, or give this one a server_id of its own",
            Self::BinlogBroken(_) => {
                "check the server's error log; if the binlog is damaged, let the links copy their tables afresh"
            }
            Self::Checksum(_) => {
                "check the network and the server's disk, then let the links copy their tables afresh"
            }
            Self::UnknownEvent(_)
            | Self::Malformed(_)
            | Self::OutOfOrder(_)
            | Self::Broken(_)
            | Self::NotAKey(_) => "report it with the server's version; the stream stays where it is",
            Self::Incident | Self::Compressed(_) => "let the links copy their tables afresh",
            Self::Layout { .. } => {
                "wait until the stream has passed the table's change; the link then reads its table again"
            }
            Self::StatementLogged(_) => {
                "set binlog_format=ROW for every session; the link reads its table again"
            }
            Self::PartialJson(_) => "set binlog_row_value_options=''; the link reads its table again",
            Self::XaUnseen(_) | Self::Cascade(_) => "nothing to do: the link reads its table again",
            Self::TooLarge { .. } => {
                "free space where temporary files are, or change fewer rows at once; the link reads its table again"
            }
            Self::Undecodable { .. } => {
                "leave the column out of the link, or report it with the column's type"
            }
            Self::Charset { .. } => "convert the column to utf8mb4, or leave its table out",
        }
    }
}

impl From<mysql_async::Error> for Error {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(answer) => Self::from_server(answer.code, answer.message),
            // The driver's message for these two prints a row or a value.
            mysql_async::Error::Driver(
                mysql_async::DriverError::FromRow { .. } | mysql_async::DriverError::FromValue { .. },
            ) => Self::Broken("a row of an unexpected shape".into()),
            mysql_async::Error::Driver(mysql_async::DriverError::UnexpectedPacket { .. }) => {
                Self::Lost("unexpected packet".into())
            }
            mysql_async::Error::Driver(mysql_async::DriverError::UnknownAuthPlugin { name }) => {
                Self::Plugin(name)
            }
            mysql_async::Error::Driver(mysql_async::DriverError::CleartextPluginDisabled) => {
                Self::Plugin("mysql_clear_password".into())
            }
            mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
                Self::Tls("the server has no TLS".into())
            }
            mysql_async::Error::Io(mysql_async::IoError::Tls(error)) => Self::Tls(error.to_string()),
            // So the TLS library tells what it does not accept.
            mysql_async::Error::Io(mysql_async::IoError::Io(error))
                if error.kind() == io::ErrorKind::InvalidData =>
            {
                Self::Tls(error.to_string())
            }
            other => Self::Lost(other.to_string()),
        }
    }
}

impl Error {
    /// Why the server does not take a row, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// True when the stream cannot go on where it ended: what was missed has to be read from the tables.
    pub fn lost_position(&self) -> bool {
        matches!(self, Self::Purged(_) | Self::OtherServer(_))
    }

    /// The server's answer by its number.
    fn from_server(code: u16, message: String) -> Self {
        match code {
            1205 | 1213 | 3572 => Self::Busy { code },
            1236 => Self::from_dump(message),
            // MariaDB's own number for it.
            4052 => Self::Twin(message),
            1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1698 => Self::Denied(message),
            // Too many connections, shutdown, killed, crashed connection: they pass.
            1040 | 1053 | 1152 | 1158..=1161 | 1203 | 1226 | 1317 | 1927 | 3169 | 4031 => Self::Lost(message),
            _ => match Refusal::from_server(code, &message) {
                Some(refusal) => Self::Refused(refusal),
                None => Self::Server { code, message },
            },
        }
    }

    /// Error 1236 stands for everything that can go wrong with a dump: only its words tell the cases apart.
    fn from_dump(message: String) -> Self {
        let text = message.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["same server_uuid", "same server_id", "same server-id", "same server id"]) {
            Self::Twin(message)
        } else if has(&[
            "purged required binary logs",
            "purged binary logs",
            "could not find first log file name",
            "could not find gtid state requested",
        ]) {
            Self::Purged(message)
        } else if has(&[
            "has more gtids than",
            "which is not in the master's binlog",
            "not in the master's binlog",
            "position > file size",
            "impossible position",
        ]) {
            Self::Behind(message)
        } else {
            Self::BinlogBroken(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_error_1236_tell_its_cases_apart() {
        let purged = "Cannot replicate because the source purged required binary logs.";
        let gone = "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old";
        let ahead = "Replica has more GTIDs than the source has, using the source's SERVER_UUID.";
        let strict = "Error: connecting slave requested to start from GTID 0-1-99, which is not in the master's binlog";
        let twin =
            "A replica with the same server_uuid/server_id as this replica has connected to the source";
        assert!(matches!(Error::from_server(1236, purged.into()), Error::Purged(_)));
        assert!(matches!(Error::from_server(1236, gone.into()), Error::Purged(_)));
        assert!(matches!(Error::from_server(1236, ahead.into()), Error::Behind(_)));
        assert!(matches!(Error::from_server(1236, strict.into()), Error::Behind(_)));
        assert!(matches!(Error::from_server(1236, twin.into()), Error::Twin(_)));
        let else_ = "log event entry exceeded max_allowed_packet";
        assert!(matches!(Error::from_server(1236, else_.into()), Error::BinlogBroken(_)));
    }

    #[test]
    fn what_passes_needs_no_advice_and_all_else_has_some() {
        let table = || TableName { schema: "s".into(), table: "t".into() };
        let errors = [
            Error::Ended,
            Error::Busy { code: 1213 },
            Error::Incident,
            Error::Plugin("dialog".into()),
            Error::PartialJson(table()),
            Error::Malformed(Malformed("x")),
        ];
        for error in errors {
            assert_eq!(error.advice().is_empty(), error.fault() == Fault::Passing, "{error}");
        }
    }
}
