//! A transaction that waits for a replica's word is in the binlog and not yet in the table (semi-synchronous replication). A
//! chunk that is read after our own mark has it all the same: the mark waits behind it.

use sheetbridge::database::ChangeKind;
use sheetbridge::database::read::chunk;
use sheetbridge::database::statement::Lock;

use super::follow::{Follow, PATIENCE, int, ours, schema};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server};

/// How each server is made to wait for ever, and how it is let go.
fn words(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::MariaDb => (
            "DO 0",
            "SET GLOBAL rpl_semi_sync_master_timeout = 3600000, GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC, \
             GLOBAL rpl_semi_sync_master_wait_no_slave = ON, GLOBAL rpl_semi_sync_master_enabled = ON",
            "SET GLOBAL rpl_semi_sync_master_enabled = OFF",
        ),
        Kind::MySql => (
            "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
            "SET GLOBAL rpl_semi_sync_source_timeout = 3600000, GLOBAL rpl_semi_sync_source_wait_point = AFTER_SYNC, \
             GLOBAL rpl_semi_sync_source_wait_no_replica = ON, GLOBAL rpl_semi_sync_source_enabled = ON",
            "SET GLOBAL rpl_semi_sync_source_enabled = OFF",
        ),
    }
}

#[tokio::test]
async fn a_row_that_is_in_the_log_before_it_is_in_the_table_is_in_the_chunk_after_the_mark() {
    for kind in Kind::ALL {
        let server: &'static Server = Box::leak(Box::new(Server::start(kind, &[]).await));
        let (prepared, waiting, released) = words(kind);
        server.sql(&format!("{prepared}; CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); CREATE TABLE d.mark (id INT PRIMARY KEY)")).await;
        let mut follow = Follow::now(server, &[("d", "t")]).await;
        server.sql(waiting).await;
        // Given a row that the stream shows and a SELECT does not.
        let row = tokio::spawn(server.sql("INSERT INTO d.t VALUES (1)"));
        assert_eq!(follow.changes().await, [ChangeKind::Insert { after: vec![int(1)] }], "{server}");
        let table = schema(server, "d", "t").await;
        let read =
            async || chunk(&mut ours(server).await, &table, None, 9, Lock::None).await.expect("selects");
        assert_eq!(read().await.len(), 0, "{server}");
        // When a mark is written, then it waits as well.
        let mark = tokio::spawn(server.sql("INSERT INTO d.mark VALUES (1)"));
        eventually(PATIENCE, "the mark's statement to be at work", async || {
            let at_work: u64 = server
                .one("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'INSERT INTO d.mark VALUES (1)'")
                .await;
            (at_work == 1).then_some(())
        })
        .await;
        assert!(!mark.is_finished() && !row.is_finished(), "{server}");
        // When it is done, then the row is there.
        server.sql(released).await;
        mark.await.expect("it is written");
        assert_eq!(read().await.len(), 1, "{server}");
        row.await.expect("it is written");
    }
}
