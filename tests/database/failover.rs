//! A primary that dies and a replica that takes its place: positions hold on both, and what was lost is said.

use sheetbridge::database::ChangeKind;
use sheetbridge::database::error::Error;

use super::follow::{Follow, PATIENCE, int, now, ours, schema};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server};

fn inserted(n: i64) -> [ChangeKind; 1] {
    [ChangeKind::Insert { after: vec![int(n)] }]
}

/// A replica that writes what it takes over into a binlog of its own.
pub(crate) async fn replica_of(primary: &Server) -> Server {
    let kind = primary.kind();
    let options: &[&str] = match kind {
        Kind::MySql => &[],
        Kind::MariaDb => &["--log-slave-updates"],
    };
    let replica = Server::start(kind, options).await;
    let port = primary.port();
    replica
        .sql(&match kind {
            Kind::MySql => format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, SOURCE_USER = 'root', \
                 SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
            ),
            Kind::MariaDb => format!(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'root', \
                 MASTER_USE_GTID = slave_pos; START SLAVE"
            ),
        })
        .await;
    replica
}

/// Waits until the replica has the row.
pub(crate) async fn has(replica: &Server, id: i64) {
    eventually(PATIENCE, "the replica to follow", async || {
        use mysql_async::prelude::Queryable;
        let found: Result<Option<i64>, _> =
            replica.connect().await.query_first(format!("SELECT id FROM d.t WHERE id = {id}")).await;
        found.ok().flatten()
    })
    .await;
}

async fn stop_replication(replica: &Server) {
    replica
        .sql(match replica.kind() {
            Kind::MySql => "STOP REPLICA; RESET REPLICA ALL",
            Kind::MariaDb => "STOP SLAVE; RESET SLAVE ALL",
        })
        .await;
}

#[tokio::test]
async fn a_replica_that_takes_over_is_followed_from_the_same_position() {
    for kind in Kind::ALL {
        let primary = Server::start(kind, &[]).await;
        primary.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        let replica = replica_of(&primary).await;
        let mut follow = Follow::now(&primary, &[("d", "t")]).await;
        primary.sql("INSERT INTO d.t VALUES (1)").await;
        assert_eq!(follow.changes().await, inserted(1), "{primary}");
        primary.sql("INSERT INTO d.t VALUES (2)").await;
        has(&replica, 2).await;

        primary.kill9();
        stop_replication(&replica).await;
        replica.sql("INSERT INTO d.t VALUES (3)").await;
        assert_eq!(follow.changes().await, inserted(2), "{primary}: it came before the end");
        let mut again =
            Follow::from(&replica, follow.position.clone(), &[("d", "t")]).await.expect("it resumes");
        assert_eq!(again.changes().await, inserted(3), "{replica}: nothing lost, nothing twice");
        assert_eq!(again.position, now(&replica).await, "{replica}: transactions of both servers");
        let on = schema(&replica, "d", "t").await;
        assert_eq!(on.columns.len(), 1, "{replica}: the schema is the replica's own");
    }
}

#[tokio::test]
async fn a_replica_that_lacks_what_we_have_seen_is_refused() {
    for kind in Kind::ALL {
        let primary = Server::start(kind, &[]).await;
        primary
            .sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)")
            .await;
        let replica = replica_of(&primary).await;
        has(&replica, 1).await;
        stop_replication(&replica).await;
        let mut follow = Follow::now(&primary, &[("d", "t")]).await;
        primary.sql("INSERT INTO d.t VALUES (2)").await;
        assert_eq!(follow.changes().await, inserted(2), "{primary}");

        primary.kill9();
        let refused = Follow::from(&replica, follow.position, &[("d", "t")]).await.map(|_| ());
        assert!(matches!(refused, Err(Error::Behind(_))), "{replica}: {refused:?}");
        drop(ours(&replica).await);
    }
}
