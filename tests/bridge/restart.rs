//! The daemon ends in good order and starts again.

use mysql_async::prelude::Queryable;

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

#[tokio::test]
async fn a_restart_finds_everything_as_it_was_and_writes_nothing() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "restart", Setup { sweep_interval: "300ms", ..Setup::default() }).await;
        rig.sql("UPDATE goods SET stock = 1 WHERE id = 1; DELETE FROM goods WHERE id = 2").await;
        rig.person("ann@example.com").types(3, "stock", "33");
        rig.until_equal(SOON).await;

        rig.stop().await;
        let (calls, written) = (rig.calls(), rig.binlog().await);
        rig.start().await;
        calls.reads(6, SOON).await;

        rig.until_equal(SOON).await;
        assert_eq!(calls.count().writes, 0, "{server}: {}", calls.count());
        assert_eq!(written.written().await.by_daemon, 0, "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_a_long_transaction_holds_is_renewed_after_it_without_a_new_start() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "lease", Setup::default()).await;
        // given a transaction that holds the lease as every one of ours does, and takes its time
        let mut conn = server.connect().await;
        let hold = format!("BEGIN; SELECT generation FROM {}.lease LOCK IN SHARE MODE", rig.state);
        conn.query_drop(hold).await.expect("a lock");
        eventually(SOON, "a renewal that waits", async || {
            rig.daemon.log().contains("the lease is not renewed yet").then_some(())
        })
        .await;
        // when it ends
        conn.query_drop("COMMIT").await.expect("an end");
        // then the daemon goes on as if nothing had been
        rig.sql("UPDATE goods SET stock = 9 WHERE id = 1").await;
        rig.until_equal(SOON).await;
        assert!(!rig.daemon.log().contains("starting again"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn what_both_sides_did_while_it_was_down_is_carried_over() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "downtime", Setup::default()).await;
        let ann = rig.person("ann@example.com");
        rig.stop().await;

        rig.sql("UPDATE goods SET name = 'by sql' WHERE id = 1; DELETE FROM goods WHERE id = 2").await;
        rig.sql(
            "INSERT INTO goods (name, stock) VALUES ('fresh', 5); UPDATE goods SET id = 300 WHERE id = 3",
        )
        .await;
        ann.types(1, "stock", "1001");
        ann.types(5, "name", "by Ann");
        ann.deletes(6);
        ann.adds(&[("name", "added"), ("stock", "6")]);
        ann.sorts("stock", false);

        rig.start().await;
        rig.sync_now().await;
        rig.until_equal(SOON).await;
        let rows = "SELECT GROUP_CONCAT(CONCAT(name, ' ', stock) ORDER BY name) FROM goods WHERE name IN \
                    ('by sql', 'by Ann', 'fresh', 'added')";
        assert_eq!(rig.ask(rows).await.as_deref(), Some("added 6,by Ann 15,by sql 1001,fresh 5"));
        let gone = "SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE id IN (2, 3, 6)";
        assert_eq!(rig.ask(gone).await.as_deref(), Some("0"));
        assert_eq!(ann.sees(300, "name").as_deref(), Some("thing 3"));
    })
    .await;
}
