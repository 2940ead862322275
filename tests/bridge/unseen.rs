//! Changes of the table that no row event tells: the link reads its table again and the tab is right in the end.

use mysql_async::prelude::Queryable;

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
async fn changes_of_a_session_without_a_binlog_are_found_by_the_audit() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "unlogged", Setup { mysql: "audit_interval = \"1s\"", ..setup() }).await;
        rig.sql(
            "SET SESSION sql_log_bin = 0; UPDATE goods SET stock = 4711 WHERE id = 3; DELETE FROM goods WHERE id = 5; \
             INSERT INTO goods (name, stock) VALUES ('unheard of', 1)",
        )
        .await;
        rig.until_equal(SOON).await;
        eventually(SOON, "the audit's word in the journal", async || {
            rig.daemon.log().contains("not as they are known").then_some(())
        })
        .await;
        // What is known again is not told again.
        eventually(SOON, "an audit that finds nothing", async || {
            let log = rig.daemon.log();
            let (_, after) = log.rsplit_once("not as they are known")?;
            after.contains("all as they are known").then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_copy_waits_while_the_server_is_busy() {
    const SLEEPERS: u32 = 30;
    for kind in Kind::ALL {
        let server: &'static Server = Box::leak(Box::new(Server::start(kind, &[]).await));
        let setup = Setup { mysql: "max_threads_running = 20", rows: 40, ..setup() };
        let rig = Rig::prepared(server, "busy", &setup).await;
        // Given a server at which thirty sessions work, when the daemon starts, then it reads nothing of the table.
        let mut sleepers = Vec::new();
        for _ in 0..SLEEPERS {
            let mut conn = server.connect().await;
            sleepers.push(tokio::spawn(async move { conn.query_drop("SELECT SLEEP(600)").await.is_err() }));
        }
        rig.start().await;
        eventually(SOON, "the copy's word in the journal", async || {
            rig.daemon.log().contains("the copy waits: ").then_some(())
        })
        .await;
        assert_eq!(rig.state_rows("base").await, 0, "{server}");
        // When they are done, then it goes on.
        let working: Vec<u64> = server
            .rows("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(600)'")
            .await;
        for id in working {
            server.sql(&format!("KILL {id}")).await;
        }
        rig.until_equal(SOON).await;
        assert!(rig.daemon.log().contains("the copy goes on"), "{server}");
        for sleeper in sleepers {
            assert!(sleeper.await.expect("no sleeper panics"), "{server}: it was killed");
        }
    }
}
