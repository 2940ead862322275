//! The inbox.

use mysql_async::TxOpts;
use mysql_async::prelude::Queryable;
use sheetbridge::model::link::LinkName;
use sheetbridge::store::edits::{self, Accepted};

use super::{Home, orders};
use crate::support::server::for_each_server;

fn bodies(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{{\"id\":\"e{n}\",\"value\":\"\u{1F980}\"}}")).collect()
}

#[tokio::test]
async fn a_repeated_post_finds_the_answers_of_the_first() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "inbox").await;
        // given a POST of three edits, two of which are decided
        let accepted = edits::accept(&mut conn, &orders(), "w-1", &bodies(3)).await.unwrap();
        let Accepted::New(ids) = accepted else { panic!("{accepted:?}") };
        assert_eq!(ids.len(), 3);
        let answers = [(ids[2], "third".to_owned()), (ids[0], "first".to_owned())];
        edits::answer(&mut conn, &answers).await.unwrap();

        // when the script sends it again, then it is told what happened
        let repeat = edits::accept(&mut conn, &orders(), "w-1", &bodies(3)).await.unwrap();
        let known = vec![(ids[0], Some("first".into())), (ids[1], None), (ids[2], Some("third".into()))];
        assert_eq!(repeat, Accepted::Repeat(known));
        let known = edits::answered(&mut conn, &ids).await.unwrap();
        assert_eq!(known, [(ids[0], "first".to_owned()), (ids[2], "third".to_owned())]);

        // and the same id for another link is another POST
        let other = LinkName("other".into());
        let elsewhere = edits::accept(&mut conn, &other, "w-1", &bodies(1)).await.unwrap();
        assert!(matches!(elsewhere, Accepted::New(ids) if ids.len() == 1));

        // and after a crash the undecided are found again, oldest first, as they came
        let waiting = edits::unanswered(&mut conn).await.unwrap();
        let came: Vec<_> = waiting.iter().map(|edit| (&edit.link, edit.body.as_str())).collect();
        assert_eq!(came, [(&orders(), bodies(3)[1].as_str()), (&other, bodies(1)[0].as_str())]);
        let now: i64 = server.one("SELECT UNIX_TIMESTAMP()").await;
        assert!((0..600).contains(&(now - waiting[0].received_at.as_second())));
    })
    .await;
}

#[tokio::test]
async fn two_posts_with_one_id_at_once_are_one() {
    for_each_server(async |server| {
        let (home, mut first) = Home::new(server, "race").await;
        let mut second = home.connect().await;
        // given the second transaction already looks at the past
        let mut late = second.start_transaction(TxOpts::default()).await.unwrap();
        late.query_drop("SELECT COUNT(*) FROM edit").await.unwrap();
        // when the first commits
        let accepted = edits::accept(&mut first, &orders(), "w-1", &bodies(2)).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)));
        // then the second sees it all the same
        let repeat = edits::accept(&mut late, &orders(), "w-1", &bodies(2)).await.unwrap();
        let Accepted::Repeat(known) = repeat else { panic!("{repeat:?}") };
        assert!(known.len() == 2 && known.iter().all(|(_, answer)| answer.is_none()), "{known:?}");
        late.commit().await.unwrap();
        assert_eq!(home.count("edit").await, 2);
    })
    .await;
}

#[tokio::test]
async fn edits_of_a_transaction_that_fails_were_never_accepted() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "undone").await;
        let mut transaction = conn.start_transaction(TxOpts::default()).await.unwrap();
        edits::accept(&mut transaction, &orders(), "w-1", &bodies(2)).await.unwrap();
        transaction.rollback().await.unwrap();
        let again = edits::accept(&mut conn, &orders(), "w-1", &bodies(2)).await.unwrap();
        assert!(matches!(again, Accepted::New(_)));
    })
    .await;
}

#[tokio::test]
async fn posts_of_different_people_do_not_lock_each_other_out() {
    for_each_server(async |server| {
        let (home, mut ann) = Home::new(server, "together").await;
        let mut bob = home.connect().await;
        let mut first = ann.start_transaction(TxOpts::default()).await.unwrap();
        let mut second = bob.start_transaction(TxOpts::default()).await.unwrap();
        edits::accept(&mut first, &orders(), "w-ann", &bodies(2)).await.unwrap();
        let accepted = edits::accept(&mut second, &orders(), "w-bob", &bodies(2)).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)));
        second.commit().await.unwrap();
        first.commit().await.unwrap();
        assert_eq!(home.count("edit").await, 4);
    })
    .await;
}
