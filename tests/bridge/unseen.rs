//! Changes of the table that no row event tells: the link reads its table again and the tab is right in the end.

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server, for_each_server};

fn setup() -> Setup {
    Setup { script: false, sweep_interval: "300ms", ..Setup::default() }
}

#[tokio::test]
async fn changes_in_statement_format_reach_the_tab_while_the_daemon_runs() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "statements", setup()).await;
        rig.sql(
            "SET SESSION binlog_format = STATEMENT; UPDATE goods SET stock = 77 WHERE id < 4; \
             DELETE FROM goods WHERE id = 5",
        )
        .await;
        rig.until_equal(SOON).await;
        rig.sql("UPDATE goods SET stock = 78 WHERE id = 1").await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn rows_that_went_while_the_binlog_was_purged_go_from_the_tab() {
    for kind in Kind::ALL {
        // The rig keeps a server for the life of the test program.
        let server: &'static Server = Box::leak(Box::new(Server::start(kind, &[]).await));
        let rig = Rig::open(server, "purged", setup()).await;
        rig.stop().await;
        rig.sql("DELETE FROM goods WHERE id = 2; UPDATE goods SET stock = 9 WHERE id = 3; INSERT INTO goods (name, stock) VALUES ('late', 1)").await;
        server.sql("FLUSH BINARY LOGS; FLUSH BINARY LOGS").await;
        // MariaDB keeps a log until InnoDB has written down what is in it.
        eventually(SOON, "the old logs to be gone", async || {
            let logs: Vec<mysql_async::Row> = server.rows("SHOW BINARY LOGS").await;
            let last: String = logs.last().and_then(|row| row.get(0)).expect("a log");
            server.sql(&format!("PURGE BINARY LOGS TO '{last}'")).await;
            (logs.len() == 1).then_some(())
        })
        .await;
        rig.start().await;
        rig.until_equal(SOON).await;
    }
}

#[tokio::test]
async fn a_table_that_gets_another_column_is_followed_on() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "altered", setup()).await;
        rig.sql("INSERT INTO goods (name, stock) VALUES ('before', 1); ALTER TABLE goods ADD COLUMN later INT FIRST").await;
        rig.sql("UPDATE goods SET stock = 5 WHERE id = 1").await;
        // The link waits until somebody says which column of the tab is the new one.
        let ann = rig.person("ann@example.com");
        eventually(SOON, "the link's word in the journal", async || {
            rig.daemon.log().contains("no column of the tab is `later`").then_some(())
        })
        .await;
        ann.adds_column("later");
        rig.until_equal(SOON).await;
        rig.sql("UPDATE goods SET stock = 6 WHERE id = 1; DELETE FROM goods WHERE id = 2").await;
        rig.until_equal(SOON).await;
    })
    .await;
}
