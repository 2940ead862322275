//! A change goes over the bridge once and nothing comes back.

use super::rig::{Rig, SOON, Setup};
use crate::support::server::for_each_server;

/// Reads that an idle daemon is watched over.
const IDLE_SWEEPS: usize = 6;

fn sweeping() -> Setup {
    Setup { sweep_interval: "300ms", ..Setup::default() }
}

#[tokio::test]
async fn an_edit_in_the_tab_is_one_write_in_the_table_and_none_back() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "echo_sheet", sweeping()).await;
        let (calls, written) = (rig.calls(), rig.binlog().await);

        rig.person("ann@example.com").types(2, "stock", "99");
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 2", "99").await;
        rig.until_equal(SOON).await;

        // Its own event comes by in the stream meanwhile, and several sweeps see both sides.
        rig.calls().reads(IDLE_SWEEPS, SOON).await;
        let written = written.written().await;
        assert_eq!((written.by_daemon, written.by_others), (1, 0), "{server}: {written:?}");
        assert_eq!(calls.count().writes, 0, "{server}: {}", calls.count());
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_table_is_one_batch_in_the_spreadsheet_and_none_back() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "echo_table", sweeping()).await;
        let (calls, written) = (rig.calls(), rig.binlog().await);

        rig.sql("UPDATE goods SET stock = 77, name = 'renamed', listed = 0 WHERE id IN (2, 3)").await;
        rig.until_equal(SOON).await;

        rig.calls().reads(IDLE_SWEEPS, SOON).await;
        let written = written.written().await;
        assert_eq!((written.by_daemon, written.by_others), (0, 2), "{server}: {written:?}");
        assert_eq!(calls.count().writes, 1, "{server}: {}", calls.count());
    })
    .await;
}

#[tokio::test]
async fn an_idle_bridge_writes_nothing_at_all() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "idle", sweeping()).await;
        let (calls, written) = (rig.calls(), rig.binlog().await);
        calls.reads(2 * IDLE_SWEEPS, SOON).await;
        let written = written.written().await;
        assert_eq!(calls.count().writes, 0, "{server}");
        assert_eq!(written.by_daemon, 0, "{server}");
        // The lease is renewed and the position saved, whatever happens: nothing else may be.
        let others: Vec<_> =
            written.own.keys().filter(|table| !["lease", "position"].contains(&table.as_str())).collect();
        assert!(others.is_empty(), "{server}: {written:?}");
    })
    .await;
}
