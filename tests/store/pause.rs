//! Brakes and what operators say to them, between a daemon and its commands.

use sheetbridge::model::link::LinkName;
use sheetbridge::model::pause::{Brake, Pause};
use sheetbridge::store::pause::{keep, lift, list, of_link, resume, set};

use super::{Home, orders};
use crate::support::server::for_each_server;

fn gone(rows: usize) -> Pause {
    Pause::new(Brake::MassDelete, format!("{rows} rows are gone")).of_rows(rows)
}

#[tokio::test]
async fn a_brake_is_resumed_only_with_the_rows_that_it_names_now() {
    for_each_server(async |server| {
        // given a brake that names seven rows
        let (_home, mut conn) = Home::new(server, "resumed").await;
        keep(&mut conn, &orders(), &[gone(7)]).await.unwrap();
        // when an operator names another number, or another brake, then nothing is resumed
        assert!(!resume(&mut conn, &orders(), &gone(6)).await.unwrap());
        assert!(!resume(&mut conn, &orders(), &Pause::new(Brake::PartialSort, "")).await.unwrap());
        assert!(!of_link(&mut conn, &orders()).await.unwrap()[0].resumed);
        // when he names seven, then it stays so while the daemon says the same again
        assert!(resume(&mut conn, &orders(), &gone(7)).await.unwrap());
        keep(&mut conn, &orders(), &[gone(7)]).await.unwrap();
        assert!(of_link(&mut conn, &orders()).await.unwrap()[0].resumed);
        // and not when there is one more
        keep(&mut conn, &orders(), &[gone(8)]).await.unwrap();
        let kept = of_link(&mut conn, &orders()).await.unwrap();
        assert_eq!((kept[0].resumed, &kept[0].pause), (false, &gone(8)), "{server}");
    })
    .await;
}

#[tokio::test]
async fn the_daemon_takes_off_its_own_brakes_and_never_an_operators() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "lifted").await;
        let (paused, sorted) =
            (Pause::new(Brake::Operator, "by hand"), Pause::new(Brake::PartialSort, "sorted"));
        let other = LinkName("other".into());
        set(&mut conn, &orders(), &paused).await.unwrap();
        keep(&mut conn, &other, std::slice::from_ref(&sorted)).await.unwrap();
        keep(&mut conn, &orders(), std::slice::from_ref(&sorted)).await.unwrap();
        keep(&mut conn, &orders(), &[]).await.unwrap();
        let brakes = async |conn: &mut mysql_async::Conn| -> Vec<(String, Brake)> {
            let kept = list(conn).await.unwrap();
            kept.into_iter().map(|kept| (kept.link.0, kept.pause.brake)).collect()
        };
        let (own, others) =
            (("orders".to_owned(), Brake::Operator), ("other".to_owned(), Brake::PartialSort));
        assert_eq!(brakes(&mut conn).await, [own, others.clone()], "{server}");
        lift(&mut conn, &orders(), Brake::Operator).await.unwrap();
        assert_eq!(brakes(&mut conn).await, [others], "{server}");
    })
    .await;
}
