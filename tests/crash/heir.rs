//! Another daemon took over: what the first one has begun is not stored any more, and it ends at once.

use mysql_async::prelude::Queryable;
use sheets_emulator::faults::Fault;

use super::hold::{is_held, next_batch, release};
use crate::bridge::rig::{Rig, SOON, Setup};
use crate::support::server::for_each_server;

#[tokio::test]
async fn a_daemon_whose_lease_another_one_took_stores_nothing_and_ends_at_once() {
    for_each_server(async |server| {
        // given a batch on its way to Google
        let rig = Rig::open(server, "heir", Setup::default()).await;
        rig.google.faults().add(next_batch("\"by sql\"", Fault::Pause { name: "on its way".into() }));
        rig.sql("UPDATE goods SET name = 'by sql' WHERE id = 1").await;
        is_held(&rig, "on its way").await;
        let base = format!("SELECT CAST(SUM(CRC32(columns_packed)) AS CHAR) FROM {}.base", rig.state);
        let before = rig.ask(&base).await;

        // when somebody takes the lease, and then the batch lands
        let mut heir = server.connect().await;
        heir.query_drop(format!(
            "UPDATE {}.lease SET holder = 'db2/7', generation = generation + 1000, connection = CONNECTION_ID(),
               expires_at = CURRENT_TIMESTAMP(6) + INTERVAL 600 SECOND",
            rig.state
        ))
        .await
        .expect("the lease is taken");
        release(&rig, "on its way").await;

        // then the daemon does not wait for the end of work that cannot end, and says why
        let status = rig.daemon.ends_by_itself().await;
        assert!(!status.success(), "{server}: it ended with {status}");
        assert!(rig.daemon.log().contains("was lost to another daemon"), "{}", rig.daemon.last_words());
        assert_eq!(rig.ask(&base).await, before, "{server}: base was written by who has no lease");

        // and the next one finds out what became of the batch
        heir.disconnect().await.expect("the heir goes");
        rig.start().await;
        rig.until_equal(SOON).await;
        assert_eq!(rig.person("ann@example.com").sees(1, "name").as_deref(), Some("by sql"), "{server}");
    })
    .await;
}
