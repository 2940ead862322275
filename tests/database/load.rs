//! How busy a server is: what it tells about a replica that falls behind, and about sessions at work.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use sheetbridge::database::connect::{Server as Account, session};
use sheetbridge::database::load::{Bounds, Busy, busy};

use super::failover::{has, replica_of};
use super::follow::{PATIENCE, account, ours};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server, for_each_server};

/// Nobody is busy by the number of sessions.
fn lag(seconds: u64) -> Bounds {
    Bounds { running: u64::MAX, lag: Duration::from_secs(seconds) }
}

#[tokio::test]
async fn a_replica_that_falls_behind_is_busy_until_it_has_caught_up() {
    for kind in Kind::ALL {
        let primary = Server::start(kind, &[]).await;
        primary.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        let replica = replica_of(&primary).await;
        primary.sql("INSERT INTO d.t VALUES (1)").await;
        has(&replica, 1).await;
        let mut conn = ours(&replica).await;
        assert_eq!(busy(&mut conn, lag(60)).await.expect("it says"), None, "{replica}");
        // Given a session that keeps the replica from writing the table.
        let mut holder = replica.connect().await;
        holder.query_drop("LOCK TABLES d.t READ").await.expect("a lock");
        primary.sql("INSERT INTO d.t VALUES (2)").await;
        let behind = eventually(PATIENCE, "the replica to say how far it is behind", async || {
            busy(&mut ours(&replica).await, lag(1)).await.expect("it says")
        })
        .await;
        assert!(matches!(behind, Busy::Behind(lag) if lag > Duration::from_secs(1)), "{replica}: {behind}");
        // When it may write again, then it is busy no more.
        holder.query_drop("UNLOCK TABLES").await.expect("no lock");
        eventually(PATIENCE, "the replica to catch up", async || {
            busy(&mut ours(&replica).await, lag(1)).await.expect("it says").is_none().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_account_that_may_not_look_at_replication_is_told_of_the_sessions_alone() {
    for_each_server(async |server| {
        let user = server.fresh_database("load").await;
        server.sql(&format!("CREATE USER '{user}'@'%'")).await;
        let mut conn =
            session(&Account { user: user.clone(), ..account(server) }).await.expect("it may enter");
        assert_eq!(busy(&mut conn, lag(0)).await.expect("it says"), None, "{server}");
        // Its own question is one session at work.
        let none = Bounds { running: 0, ..lag(0) };
        let said = busy(&mut conn, none).await.expect("it says");
        assert!(matches!(said, Some(Busy::Running(sessions)) if sessions >= 1), "{server}: {said:?}");
    })
    .await;
}
