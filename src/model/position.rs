//! Where the stream stands: what was seen of it, in the form that the server can resume from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::domain::GtidList;
use crate::model::gtid::GtidSet;

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a binlog position: {0}")]
pub struct NotAPosition(pub String);

/// A place in a server's binlog that lies between two transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Position {
    /// MySQL with `gtid_mode=ON`: every transaction that was seen. Holds on every server of a replication group.
    Mysql(GtidSet),
    /// MariaDB: the last transaction of each domain.
    MariaDb(GtidList),
    /// MySQL without GTIDs: means something on this one server only.
    File {
        /// The server's `@@server_uuid`.
        server: Uuid,
        /// The binlog file's name.
        file: String,
        /// Bytes from the file's begin; may pass 4 GiB.
        offset: u64,
    },
}

impl Position {
    /// The furthest of both; `None` if they are of different kinds or servers.
    pub fn merge(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Mysql(a), Self::Mysql(b)) => Some(Self::Mysql(a.union(b))),
            (Self::MariaDb(a), Self::MariaDb(b)) => Some(Self::MariaDb(a.merge(b))),
            (Self::File { server: a, .. }, Self::File { server: b, .. }) if a == b => {
                Some(if self.covers(other) { self } else { other }.clone())
            }
            _ => None,
        }
    }

    /// True if everything before `other` is before this too. False for positions of different kinds or servers.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mysql(a), Self::Mysql(b)) => b.is_subset(a),
            (Self::MariaDb(a), Self::MariaDb(b)) => a.covers(b),
            (
                Self::File { server, file, offset },
                Self::File { server: theirs, file: their_file, offset: their_offset },
            ) => server == theirs && (file_order(file), offset) >= (file_order(their_file), their_offset),
            _ => false,
        }
    }
}

/// Binlog files sort by their number, which grows past six digits: `binlog.1000000` follows `binlog.999999`.
fn file_order(file: &str) -> (usize, &str) {
    (file.len(), file)
}

/// `mysql/<set>`, `mariadb/<list>`, `file/<server uuid>/<file>/<offset>`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(set) => write!(f, "mysql/{set}"),
            Self::MariaDb(list) => write!(f, "mariadb/{list}"),
            Self::File { server, file, offset } => write!(f, "file/{server}/{file}/{offset}"),
        }
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(s: &str) -> Result<Self, NotAPosition> {
        let wrong = || NotAPosition(s.to_owned());
        match s.split_once('/').ok_or_else(wrong)? {
            ("mysql", set) => set.parse().map(Self::Mysql).map_err(|_| wrong()),
            ("mariadb", list) => list.parse().map(Self::MariaDb).map_err(|_| wrong()),
            ("file", rest) => {
                let (server, rest) = rest.split_once('/').ok_or_else(wrong)?;
                let (file, offset) = rest.rsplit_once('/').ok_or_else(wrong)?;
                Ok(Self::File {
                    server: server.parse().map_err(|_| wrong())?,
                    file: file.to_owned(),
                    offset: offset.parse().map_err(|_| wrong())?,
                })
            }
            _ => Err(wrong()),
        }
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = NotAPosition;

    fn try_from(s: String) -> Result<Self, NotAPosition> {
        s.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn position(text: &str) -> Position {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn positions_print_and_parse_also_through_serde() {
        let far = format!("file/{SERVER}/binlog.000002/{}", 5_u64 << 32);
        for text in [format!("mysql/{SERVER}:1-7:9"), "mariadb/0-1-5,1-2-3".into(), "mysql/".into(), far] {
            assert_eq!(position(&text).to_string(), text);
            let json = serde_json::to_string(&position(&text)).expect("a string");
            assert_eq!(serde_json::from_str::<Position>(&json).expect("a position"), position(&text));
        }
        for bad in ["", "mysql", "oracle/1", "file/x/y/1", "mysql/1-2"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }

    #[test]
    fn files_go_on_past_their_sixth_digit_and_offsets_past_four_gib() {
        let at = |file: &str, offset: u64| position(&format!("file/{SERVER}/{file}/{offset}"));
        assert!(at("binlog.1000000", 4).covers(&at("binlog.999999", 9)));
        assert!(at("binlog.000001", 1 << 33).covers(&at("binlog.000001", 1 << 32)));
        assert!(!at("binlog.000001", 4).covers(&at("binlog.000001", 5)));
    }

    #[test]
    fn kinds_and_servers_do_not_mix() {
        let other = SERVER.replace('3', "5");
        let pairs = [
            ("mariadb/0-1-1".to_owned(), "mysql/".to_owned()),
            (format!("file/{SERVER}/b.1/4"), format!("file/{other}/b.1/4")),
        ];
        for (a, b) in pairs {
            assert!(position(&a).merge(&position(&b)).is_none());
            assert!(!position(&a).covers(&position(&b)));
        }
    }
}
