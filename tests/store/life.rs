//! The daemon's life: migrations, generations, and the lease that keeps a twin away.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use sheetbridge::store::migrate::migrate;
use sheetbridge::store::position::{self, Saved};
use sheetbridge::store::{Fenced, StoreError, installation, lease};

use super::{Home, owner};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const TEN: Duration = Duration::from_secs(10);

fn saved(position: &str) -> Saved {
    Saved { position: position.to_owned(), server: "server".to_owned() }
}

#[tokio::test]
async fn migrations_are_applied_once_and_guarded_by_their_checksums() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "migrate").await;
        let known = home.count("migration").await;
        assert!(known > 0);
        migrate(&mut conn, &home.schema).await.unwrap();
        assert_eq!(home.count("migration").await, known);

        // given a start that was cut short: the tables stand, and the migration is not remembered
        home.sql("DELETE FROM migration; DROP TABLE held").await;
        migrate(&mut conn, &home.schema).await.unwrap();
        assert_eq!((home.count("migration").await, home.count("held").await), (known, 0));

        home.sql("UPDATE migration SET checksum = 'another' WHERE version = 1").await;
        let changed = migrate(&mut conn, &home.schema).await;
        assert!(matches!(changed, Err(StoreError::MigrationChanged { version: 1, .. })));

        home.sql("UPDATE migration SET version = 900 WHERE version = 1").await;
        let newer = migrate(&mut conn, &home.schema).await;
        assert!(matches!(newer, Err(StoreError::Newer { found: 900, .. })));
    })
    .await;
}

#[tokio::test]
async fn every_start_is_a_new_generation_of_one_installation() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "begin").await;
        let first = installation::begin(&mut conn).await.unwrap();
        let second = installation::begin(&mut conn).await.unwrap();
        assert_eq!((first.generation, second.generation), (1, 2));
        assert_eq!(first.installation, second.installation);
        assert_eq!(first.installation.len(), 12);
        assert_eq!(second.to_string().parse(), Ok(second));
    })
    .await;
}

#[tokio::test]
async fn a_twin_is_refused_while_the_first_daemon_lives_and_a_killed_one_is_succeeded_at_once() {
    for_each_server(async |server| {
        // given a daemon with a long lease
        let (home, mut first) = Home::new(server, "twin").await;
        lease::take(&mut first, &owner(1), "db1/100", Duration::from_secs(600)).await.unwrap();

        // when a twin starts, then it is refused by name
        let mut second = home.connect().await;
        let refused = lease::take(&mut second, &owner(2), "db1/200", TEN).await;
        let Err(StoreError::LeaseHeld { holder, seconds }) = refused else {
            panic!("the twin runs: {refused:?}");
        };
        assert_eq!(holder, "db1/100");
        assert!((590..=600).contains(&seconds), "{seconds}");
        lease::still_ours(&mut first, &owner(1)).await.unwrap();

        // when the first is killed, then the second need not wait for the end of the lease
        first.disconnect().await.unwrap();
        eventually(TEN, "the dead daemon's lease", async || {
            lease::take(&mut second, &owner(2), "db1/200", TEN).await.ok()
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_slept_through_its_lease_writes_nothing_more() {
    for_each_server(async |server| {
        // given a daemon whose lease ran out, and one that took over
        let (home, mut frozen) = Home::new(server, "frozen").await;
        lease::take(&mut frozen, &owner(1), "db1/100", TEN).await.unwrap();
        home.sql("UPDATE lease SET expires_at = CURRENT_TIMESTAMP(6) - INTERVAL 1 SECOND").await;
        let mut heir = home.connect().await;
        lease::take(&mut heir, &owner(2), "db2/7", TEN).await.unwrap();

        // when it wakes up
        let renewed = lease::renew(&mut frozen, &owner(1), TEN).await;
        assert!(matches!(renewed, Err(StoreError::LeaseLost(_))), "{renewed:?}");
        let fenced = lease::still_ours(&mut frozen, &owner(1)).await;
        assert!(matches!(fenced, Err(StoreError::LeaseLost(_))), "{fenced:?}");
        // and its farewell does not end the heir's lease
        lease::release(&mut frozen, &owner(1)).await.unwrap();
        let refused = lease::take(&mut frozen, &owner(3), "db1/100", TEN).await;
        assert!(matches!(refused, Err(StoreError::LeaseHeld { .. })), "{refused:?}");

        // then a clean stop of the heir lets the next one in
        lease::renew(&mut heir, &owner(2), TEN).await.unwrap();
        lease::release(&mut heir, &owner(2)).await.unwrap();
        lease::take(&mut frozen, &owner(3), "db1/100", TEN).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_transaction_under_way_holds_up_neither_the_lease_nor_who_takes_over_and_is_undone_then() {
    for_each_server(async |server| {
        // given a transaction that has written and is not over
        let (home, mut first) = Home::new(server, "underway").await;
        lease::take(&mut first, &owner(1), "db1/100", TEN).await.unwrap();
        let (mut at_work, us) = (home.connect().await, owner(1));
        let mut long = Fenced::begin_on(&mut at_work, &us).await.unwrap();
        position::save(&mut *long, "long", &saved("1")).await.unwrap();

        // then the lease is renewed beside it, and another transaction of ours is made
        first.query_drop("SET SESSION innodb_lock_wait_timeout = 1").await.unwrap();
        lease::renew(&mut first, &owner(1), TEN).await.unwrap();
        let mut beside = home.connect().await;
        let mut short = Fenced::begin_on(&mut beside, &us).await.unwrap();
        position::save(&mut *short, "short", &saved("2")).await.unwrap();
        short.commit().await.unwrap();

        // when the lease runs out and another daemon takes it
        home.sql("UPDATE lease SET expires_at = CURRENT_TIMESTAMP(6) - INTERVAL 1 SECOND").await;
        let mut heir = home.connect().await;
        heir.query_drop("SET SESSION innodb_lock_wait_timeout = 1").await.unwrap();
        lease::take(&mut heir, &owner(2), "db2/7", TEN).await.unwrap();

        // then the transaction is not made any more
        let made = long.commit().await;
        assert!(matches!(made, Err(StoreError::LeaseLost(_))), "{made:?}");
        drop(at_work);
        assert_eq!(position::load(&mut heir, "long").await.unwrap(), None);
        assert_eq!(position::load(&mut heir, "short").await.unwrap(), Some(saved("2")));
    })
    .await;
}

#[tokio::test]
async fn nobody_takes_over_while_a_transaction_relies_on_the_lease() {
    for_each_server(async |server| {
        let (home, mut first) = Home::new(server, "fence").await;
        lease::take(&mut first, &owner(1), "db1/100", TEN).await.unwrap();
        // given an effect under way in a transaction that asked
        let mut at_work = home.connect().await;
        let mut transaction = at_work.start_transaction(mysql_async::TxOpts::default()).await.unwrap();
        lease::still_ours(&mut transaction, &owner(1)).await.unwrap();

        // then the lease cannot change hands, even when it is over
        first.disconnect().await.unwrap();
        let mut second = home.connect().await;
        second.query_drop("SET SESSION innodb_lock_wait_timeout = 1").await.unwrap();
        let waited = lease::take(&mut second, &owner(2), "db1/200", TEN).await;
        assert!(matches!(waited, Err(StoreError::Database(_))), "{waited:?}");

        transaction.commit().await.unwrap();
        eventually(TEN, "the lease", async || lease::take(&mut second, &owner(2), "db1/200", TEN).await.ok())
            .await;
    })
    .await;
}
