//! What following costs the user's database: bytes of binary log and of redo log for each changed row, beside what the same changes
//! write while nobody follows.

use std::time::Duration;

use mysql_async::prelude::Queryable;

use crate::Scale;
use crate::figures::Figures;
use crate::stage::{Google, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const PATIENCE: Duration = Duration::from_secs(120);

/// Shorter than the time between two renewals of the lease, which are all that a daemon at rest writes.
const QUIET: Duration = Duration::from_millis(700);

/// How the changes come: so many rows a statement.
const WAYS: [(&str, u32); 3] = [("one_by_one", 1), ("by_hundreds", 100), ("at_once", 5000)];

/// What a server has written so far.
#[derive(Clone, Copy, Debug)]
struct Written {
    binlog: f64,
    redo: f64,
}

impl Written {
    async fn by(server: &Server) -> Self {
        let mut conn = server.connect().await;
        let logs: Vec<mysql_async::Row> = conn.query("SHOW BINARY LOGS").await.expect("a binary log");
        let binlog = logs.iter().filter_map(|log| log.get::<u64, _>(1)).sum::<u64>() as f64;
        let status: Option<(String, u64)> =
            conn.query_first("SHOW GLOBAL STATUS LIKE 'Innodb_os_log_written'").await.expect("a status");
        Self { binlog, redo: status.map_or(f64::NAN, |(_, bytes)| bytes as f64) }
    }

    /// The same once nothing is written for a while: base is stored after the cells are shown.
    async fn at_rest(server: &Server) -> Self {
        let mut last = Self::by(server).await;
        loop {
            tokio::time::sleep(QUIET).await;
            let now = Self::by(server).await;
            if now.binlog <= last.binlog {
                return now;
            }
            last = now;
        }
    }
}

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let mut figures = Figures::new();
    let rows = scale.of(5000, 500);
    let mut stage = Stage::filled(server, rows).await;
    stage.settle(Google::FAST.without_quota()).await;
    let mut costs = Vec::new();
    for followed in [true, false] {
        for (at, (_, together)) in (0..).zip(WAYS) {
            costs.push(changes(&stage, followed, together.min(rows), 1_000_000 + at).await);
        }
        stage.stop().await;
    }
    let (followed, alone) = costs.split_at(WAYS.len());
    for ((way, _), (followed, alone)) in WAYS.iter().zip(followed.iter().zip(alone)) {
        let mut put = |name: &str, value: f64| figures.insert(format!("{way}_{name}"), value);
        put("users_binlog_bytes_a_row", alone.binlog);
        put("our_binlog_bytes_a_row", followed.binlog - alone.binlog);
        put("our_binlog_times_the_users", (followed.binlog - alone.binlog) / alone.binlog);
        put("users_redo_bytes_a_row", alone.redo);
        put("our_redo_bytes_a_row", followed.redo - alone.redo);
    }
    figures
}

/// Changes every row, one by one only each tenth, and waits for its cells; gives what the server wrote for each changed row.
async fn changes(stage: &Stage, followed: bool, together: u32, value: u32) -> Written {
    let link = &stage.links[0];
    let rows = if together == 1 { link.rows / 10 } else { link.rows };
    let before = Written::at_rest(stage.server).await;
    for first in (1..=rows).step_by(together as usize) {
        let last = (first + together - 1).min(rows);
        stage.sql(&format!("UPDATE goods SET stock = {value} WHERE id BETWEEN {first} AND {last}")).await;
        if followed {
            let mut watch = Watch::new(stage, link);
            let seen = watch.shows(last, f64::from(value), PATIENCE).await;
            seen.unwrap_or_else(|| panic!("row {last} is not shown:\n{}", stage.log()));
            stage.until_idle(&link.name).await;
        }
    }
    let after = Written::at_rest(stage.server).await;
    let each = |bytes: f64| bytes / f64::from(rows);
    Written { binlog: each(after.binlog - before.binlog), redo: each(after.redo - before.redo) }
}
