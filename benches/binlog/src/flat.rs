//! Is memory flat while a long log passes? It is read once with no table linked and once with all columns, and the memory is
//! looked at after every tenth.

use std::fs;

use sheetbridge::database::Event;
use sheetbridge::database::connect::session;
use sheetbridge::database::interest::Interest;
use sheetbridge::database::schema::table_schema;
use sheetbridge::database::tail::{Tail, Terms};
use sheetbridge::model::schema::TableName;

use crate::{Log, Result, identity, server};

/// Prints the least and the most of the looks.
pub(crate) async fn report(log: &Log) -> Result<()> {
    for (words, table) in [("no table is linked", "other"), ("the table is linked", "t")] {
        let looks = looks(log, table).await?;
        let (least, most) = (looks.iter().min().unwrap_or(&0), looks.iter().max().unwrap_or(&0));
        println!("memory while {} rows pass and {words}: {least} to {most} KiB", log.rows);
    }
    Ok(())
}

async fn looks(log: &Log, table: &str) -> Result<Vec<u64>> {
    let server = server(log);
    let mut conn = session(&server).await?;
    let schema = table_schema(&mut conn, &TableName { schema: "d".into(), table: table.into() }).await?;
    let interest = Interest::load(&mut conn, [schema]).await?;
    let mut tail = Tail::open(&server, &log.start.parse()?, identity(), interest, Terms::default()).await?;
    // A thousand rows a transaction.
    let all = log.rows / 1000;
    let mut looks = Vec::new();
    let mut commits = 0;
    while commits < all {
        if let Event::Transaction(_) = tail.next().await? {
            commits += 1;
            if commits % (all / 10).max(1) == 0 {
                looks.push(resident());
            }
        }
    }
    tail.close().await;
    Ok(looks)
}

/// The memory of this process now, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
