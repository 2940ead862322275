//! Positions: saved, resumed, refused.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use sheetbridge::database::connect::{Address, Server as Account};
use sheetbridge::database::error::Error;
use sheetbridge::database::interest::Interest;
use sheetbridge::database::tail::{Tail, Terms};
use sheetbridge::database::{ChangeKind, Event};
use sheetbridge::fault::{Classify, Fault};
use sheetbridge::model::gtid::{GtidSet, Source};
use sheetbridge::model::position::Position;
use uuid::Uuid;

use super::follow::{Follow, PATIENCE, account, identity, int, now, ours, schema};
use super::random::Random;
use crate::support::deadline::eventually;
use crate::support::server::{Kind, Server, for_each_server, shared};
use crate::support::wire::Wire;

fn inserted(n: i64) -> [ChangeKind; 1] {
    [ChangeKind::Insert { after: vec![int(n)] }]
}

/// Follows three inserts, and then again from each position on the way.
async fn resumes_after_every_transaction(server: &Server, db: &str) {
    let start = now(server).await;
    server
        .sql(&format!(
            "INSERT INTO {db}.t VALUES (1); INSERT INTO {db}.t VALUES (2); INSERT INTO {db}.t VALUES (3)"
        ))
        .await;
    let mut follow = Follow::from(server, start.clone(), &[(db, "t")]).await.expect("it resumes");
    let mut positions = vec![start];
    for n in 1..=3 {
        assert_eq!(follow.changes().await, inserted(n), "{server}");
        positions.push(follow.position.clone());
    }
    assert_eq!(follow.position, now(server).await, "{server}: exactly what was committed");
    for (done, position) in positions.into_iter().enumerate() {
        let saved: Position = position.to_string().parse().expect("it prints and parses");
        let mut again = Follow::from(server, saved, &[(db, "t")]).await.expect("it resumes");
        for n in done as i64 + 1..=3 {
            assert_eq!(again.changes().await, inserted(n), "{server} after {done}");
        }
    }
}

#[tokio::test]
async fn the_stream_resumes_after_every_transaction() {
    // Servers of its own: "exactly what was committed" leaves no room for other tests' transactions.
    for kind in Kind::ALL {
        let server = Server::start(kind, &[]).await;
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        resumes_after_every_transaction(&server, "d").await;
    }
}

#[tokio::test]
async fn a_server_without_gtids_is_resumed_by_file_and_only_itself() {
    let server = Server::start(Kind::MySql, &["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]).await;
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
    resumes_after_every_transaction(&server, "d").await;
    let Position::File { file, offset, .. } = now(&server).await else {
        panic!("a file position");
    };
    let elsewhere = Position::File { server: Uuid::nil(), file, offset };
    let refused = Follow::from(&server, elsewhere, &[("d", "t")]).await;
    assert!(matches!(refused.map(|_| ()), Err(Error::OtherServer(_))));
    // A rotation in the middle moves the position into the next file.
    let mut follow = Follow::now(&server, &[("d", "t")]).await;
    server.sql("INSERT INTO d.t VALUES (8); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (9)").await;
    assert_eq!(follow.changes().await, inserted(8));
    assert_eq!(follow.changes().await, inserted(9));
    assert_eq!(follow.position, now(&server).await);
}

#[tokio::test]
async fn tagged_transactions_and_domains_are_part_of_the_position() {
    let server = shared(Kind::MySql).await;
    let db = server.fresh_database("tags").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    server.sql(&format!("SET SESSION gtid_next = 'AUTOMATIC:blue'; INSERT INTO {db}.t VALUES (1)")).await;
    assert_eq!(follow.changes().await, inserted(1));
    assert!(follow.position.to_string().contains(":blue:"), "{}", follow.position);
    resumes_after_every_transaction_from_two(server, &db, &follow.position).await;

    let server = shared(Kind::MariaDb).await;
    let db = server.fresh_database("domains").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
    let mut follow = Follow::now(server, &[(&db, "t")]).await;
    server.sql(&format!("SET SESSION gtid_domain_id = 7; INSERT INTO {db}.t VALUES (1)")).await;
    assert_eq!(follow.changes().await, inserted(1));
    assert!(follow.position.to_string().contains("7-"), "{}", follow.position);
    resumes_after_every_transaction_from_two(server, &db, &follow.position).await;
}

async fn resumes_after_every_transaction_from_two(server: &Server, db: &str, position: &Position) {
    server.sql(&format!("INSERT INTO {db}.t VALUES (2)")).await;
    let mut again = Follow::from(server, position.clone(), &[(db, "t")]).await.expect("it resumes");
    assert_eq!(again.changes().await, inserted(2), "{server}");
}

#[tokio::test]
async fn a_purged_position_and_one_ahead_of_the_server_have_their_own_errors() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &[]).await;
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        let old = now(&server).await;
        server.sql("INSERT INTO d.t VALUES (1); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (2); FLUSH BINARY LOGS").await;
        // MariaDB keeps a log until InnoDB has written down what is in it.
        eventually(PATIENCE, "the old logs to be gone", async || {
            let logs: Vec<mysql_async::Row> = server.rows("SHOW BINARY LOGS").await;
            let last: String = logs.last().and_then(|row| row.get(0)).expect("a log");
            server.sql(&format!("PURGE BINARY LOGS TO '{last}'")).await;
            (logs.len() == 1).then_some(())
        })
        .await;

        let purged = match Follow::from(&server, old.clone(), &[("d", "t")]).await {
            Ok(mut follow) => follow.error().await,
            Err(error) => error,
        };
        assert!(matches!(purged, Error::Purged(_)), "{server}: {purged}");

        let here = now(&server).await;
        let ahead: Position = match &here {
            Position::Mysql(set) => {
                let mut set: GtidSet = set.clone();
                let source = set.sources().next().expect("a source").0.clone();
                set.add_interval(source, 1_000, 1_000);
                Position::Mysql(set)
            }
            other => other
                .to_string()
                .rsplit_once('-')
                .map(|(head, _)| format!("{head}-1000"))
                .and_then(|p| p.parse().ok())
                .expect("a position"),
        };
        let behind = Follow::from(&server, ahead, &[("d", "t")]).await.map(|_| ());
        assert!(matches!(behind, Err(Error::Behind(_))), "{server}: {behind:?}");
    }
}

#[tokio::test]
async fn a_restarted_server_ends_the_stream_with_an_error_that_passes_and_resumes() {
    for kind in Kind::ALL {
        let server = Server::start(kind, &[]).await;
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await;
        let mut follow = Follow::now(&server, &[("d", "t")]).await;
        server.sql("INSERT INTO d.t VALUES (1)").await;
        assert_eq!(follow.changes().await, inserted(1), "{server}");
        server.kill9();
        let error = follow.error().await;
        assert_eq!(error.fault(), Fault::Passing, "{server}: {error}");
        assert!(matches!(follow.error().await, Error::Ended), "{server}");
        server.restart().await;
        server.sql("INSERT INTO d.t VALUES (2)").await;
        let mut again =
            Follow::from(&server, follow.position.clone(), &[("d", "t")]).await.expect("it resumes");
        assert_eq!(again.changes().await, inserted(2), "{server}");
    }
}

#[tokio::test]
async fn a_twin_with_our_identity_is_named() {
    for_each_server(async |server| {
        let db = server.fresh_database("twin").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
        let (start, who) = (now(server).await, identity());
        let mut first = Tail::open(&account(server), &start, who, Interest::default(), Terms::default())
            .await
            .expect("opens");
        server.sql(&format!("INSERT INTO {db}.t VALUES (1)")).await;
        first.next().await.expect("the first one follows");
        let second = Tail::open(&account(server), &start, who, Interest::default(), Terms::default())
            .await
            .expect("opens");
        let error = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Err(error) = first.next().await {
                    return error;
                }
            }
        });
        let error = error.await.expect("the first one is ended");
        assert!(matches!(error, Error::Twin(_)), "{server}: {error}");
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_line_that_went_dead_is_noticed() {
    let server = shared(Kind::MariaDb).await;
    let db = server.fresh_database("dead").await;
    server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY)")).await;
    let wire = Wire::to(server.port()).await;
    let through =
        Account { address: Address::Tcp { host: "127.0.0.1".into(), port: wire.port() }, ..account(server) };
    let start = now(server).await;
    let mut tail =
        Tail::open(&through, &start, identity(), Interest::default(), Terms::default()).await.expect("opens");
    wire.black_hole();
    let error = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(error) = tail.next().await {
                return error;
            }
        }
    });
    let error = error.await.expect("silence is noticed");
    assert!(matches!(error, Error::Silent(_)), "{error}");
}

#[tokio::test]
async fn an_event_that_takes_longer_than_the_silence_that_is_borne_comes_to_the_patient() {
    for_each_server(async |server| {
        // Given an event that is under way for three seconds on a slow line,
        let db = server.fresh_database("slow").await;
        server.sql(&format!("CREATE TABLE {db}.t (id INT PRIMARY KEY, b LONGTEXT)")).await;
        let (start, wanted) = (now(server).await, schema(server, &db, "t").await);
        server.sql("SET GLOBAL max_allowed_packet = 67108864").await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (1, REPEAT('x', {}))", 17 << 20)).await;
        let wire = Wire::to(server.port()).await;
        wire.delay(Duration::from_millis(10));
        let through = Account {
            address: Address::Tcp { host: "127.0.0.1".into(), port: wire.port() },
            ..account(server)
        };
        let (heartbeat, silence) = (Duration::from_millis(200), Duration::from_millis(500));
        let terms = Terms { heartbeat, silence, first_silence: silence, ..Terms::default() };
        // when it is asked for again and again, each time more patiently,
        let (mut from, mut silences, mut waited) = (start, 0, false);
        let event = eventually(PATIENCE, "the event", async || {
            let interest = Interest::load(&mut ours(server).await, [wanted.clone()]).await.expect("loads");
            let terms = terms.clone().patient(silences);
            let mut tail = Tail::open(&through, &from, identity(), interest, terms).await.expect("opens");
            silences += 1;
            let brought = loop {
                match tail.next().await {
                    Ok(Event::Transaction(transaction))
                        if !transaction.changes.is_empty() || transaction.more.is_some() =>
                    {
                        break true;
                    }
                    // Others use this server too.
                    Ok(Event::Transaction(transaction)) => (from, silences) = (transaction.position, 0),
                    Ok(_) => {}
                    Err(Error::Silent(_)) => break false,
                    Err(error) => panic!("{server}: {error}"),
                }
            };
            tail.close().await;
            waited |= !brought;
            brought.then_some(())
        });
        // then it comes, once the patience is longer than its way.
        event.await;
        assert!(waited, "{server}: the line is not slow enough to tell");
    })
    .await;
}

#[tokio::test]
async fn other_tables_can_be_wanted_while_the_stream_goes_on() {
    for_each_server(async |server| {
        let db = server.fresh_database("wanted").await;
        server
            .sql(&format!(
                "CREATE TABLE {db}.t (id INT PRIMARY KEY); CREATE TABLE {db}.u (id INT PRIMARY KEY)"
            ))
            .await;
        let mut follow = Follow::now(server, &[(&db, "t")]).await;
        server.sql(&format!("INSERT INTO {db}.u VALUES (1); INSERT INTO {db}.t VALUES (2)")).await;
        assert_eq!(follow.changes().await, inserted(2), "{server}");
        let other = schema(server, &db, "u").await;
        let interest = Interest::load(&mut ours(server).await, [other]).await.expect("loads");
        follow.tail.set_interest(interest);
        server.sql(&format!("INSERT INTO {db}.t VALUES (3); INSERT INTO {db}.u VALUES (4)")).await;
        assert_eq!(follow.changes().await, inserted(4), "{server}");
    })
    .await;
}

#[tokio::test]
async fn the_algebra_of_sets_is_the_servers() {
    let server = shared(Kind::MySql).await;
    let mut conn = ours(server).await;
    let mut random = Random::seeded();
    for _ in 0..10_000 {
        let (a, b) = (random_set(&mut random), random_set(&mut random));
        let (left, right) = (a.to_string(), b.to_string());
        let said: Option<(bool, String, String)> = conn
            .exec_first(
                "SELECT GTID_SUBSET(?, ?), GTID_SUBTRACT(?, ?), GTID_SUBTRACT(CONCAT(?, ',', ?), '')",
                (&left, &right, &left, &right, &left, &right),
            )
            .await
            .unwrap_or_else(|error| panic!("{error}: {left} {right}"));
        let (subset, subtracted, united) = said.expect("a row");
        assert_eq!(a.is_subset(&b), subset, "{left} in {right}");
        assert_eq!(a.subtract(&b), subtracted.parse().expect("a set"), "{left} - {right}");
        assert_eq!(a.union(&b), united.parse().expect("a set"), "{left} + {right}");
        assert_eq!(a.union(&b).to_string(), united.replace('\n', ""), "printed alike");
    }
}

fn random_set(random: &mut Random) -> GtidSet {
    let uuids = [
        "3e11fa47-71ca-11e1-9e33-c80aa9429562",
        "00000000-71ca-11e1-9e33-c80aa9429562",
        "ffffffff-71ca-11e1-9e33-c80aa9429562",
    ];
    let mut set = GtidSet::default();
    for _ in 0..=random.below(9) {
        let source = Source {
            uuid: random.pick(&uuids).parse().expect("a uuid"),
            tag: random.pick(&["", "", "a", "b_1"]),
        };
        let first = random.below(40) + 1;
        set.add_interval(source, first, first + random.below(8));
    }
    set
}
