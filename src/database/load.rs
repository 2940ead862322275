//! How busy a server is, as far as it tells any account: reads that can wait, wait while it is too busy.

use std::fmt;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

use crate::database::connect::{Flavor, Version};
use crate::database::error::{Error, Result};

/// Above these a server counts as busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sessions that work at something (`Threads_running`), those of binlog readers and our own included.
    pub running: u64,
    /// How far the server is behind the one that it follows, if it follows one.
    pub lag: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { running: 50, lag: Duration::from_secs(30) }
    }
}

/// Which bound a server is above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// So many sessions work.
    Running(u64),
    /// It is so far behind.
    Behind(Duration),
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(sessions) => write!(f, "{sessions} sessions work on the server"),
            Self::Behind(lag) => write!(f, "the server is {} s behind its source", lag.as_secs()),
        }
    }
}

/// Asks the server. How far it is behind only an account with the right to look at replication is told (MySQL: `REPLICATION
/// CLIENT`, which we have; MariaDB since 10.5: `REPLICA MONITOR`); without it that bound holds nobody back.
pub async fn busy(conn: &mut Conn, bounds: Bounds) -> Result<Option<Busy>> {
    let running: Option<(String, u64)> =
        conn.query_first("SHOW GLOBAL STATUS LIKE 'Threads_running'").await?;
    if let Some((_, running)) = running.filter(|(_, running)| *running > bounds.running) {
        return Ok(Some(Busy::Running(running)));
    }
    let lag = match lag(conn).await {
        Err(Error::Denied(_)) => None,
        lag => lag?,
    };
    Ok(lag.filter(|lag| *lag > bounds.lag).map(Busy::Behind))
}

/// `None` for a server that follows none, or whose following is stopped. Of several sources the slowest counts.
async fn lag(conn: &mut Conn) -> Result<Option<Duration>> {
    let version = Version::of(conn).await?;
    let ask = match version.flavor {
        Flavor::MariaDb => "SHOW ALL SLAVES STATUS",
        Flavor::MySql if version.number >= (8, 0, 22) => "SHOW REPLICA STATUS",
        Flavor::MySql => "SHOW SLAVE STATUS",
    };
    let sources: Vec<Row> = conn.query(ask).await?;
    let behind = |row: &Row| {
        let mut columns = row.columns_ref().iter();
        let at = columns.position(|column| column.name_str().starts_with("Seconds_Behind_"))?;
        row.get::<Option<u64>, _>(at).flatten()
    };
    Ok(sources.iter().filter_map(behind).max().map(Duration::from_secs))
}
