//! The pages for the operator, the socket that systemd opens, and the exchange of a secret.

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

async fn page(rig: &Rig, path: &str) -> Option<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client can be built");
    let answer = client.get(format!("http://{}{path}", rig.status)).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn shows(rig: &Rig, path: &str, status: u16, words: &str) {
    eventually(SOON, &format!("{status} and {words:?} at {path}"), async || {
        page(rig, path).await.filter(|(found, text)| *found == status && text.contains(words)).map(drop)
    })
    .await;
}

#[tokio::test]
async fn the_pages_tell_how_it_stands_and_the_door_does_not() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "pages", Setup { sweep_interval: "200ms", ..Setup::default() }).await;
        let ann = rig.person("ann@example.com");
        shows(&rig, "/healthz", 200, "ok").await;
        shows(&rig, "/readyz", 200, "ready").await;
        shows(&rig, "/status", 200, "\"ready\": true").await;
        shows(&rig, "/metrics", 200, "sheetbridge_link_live{link=\"goods\"} 1").await;
        shows(&rig, "/metrics", 200, "sheetbridge_link_rows{link=\"goods\"} 12").await;
        assert_eq!(page(&rig, "/etc/passwd").await.map(|(status, _)| status), Some(404), "{server}");
        // The internet comes in elsewhere, and finds none of it there.
        let door = reqwest::Client::builder().no_proxy().build().expect("a plain client can be built");
        for path in ["/healthz", "/readyz", "/status", "/metrics"] {
            let answer = door.get(format!("http://{}{path}", rig.endpoint)).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 404, "{server}: {path}");
        }

        // when a link is paused
        assert!(ann.deletes_header());
        shows(&rig, "/readyz", 503, "not ready").await;
        shows(&rig, "/metrics", 200, "sheetbridge_link_paused{link=\"goods\"} 1").await;
        shows(&rig, "/healthz", 200, "ok").await;
        // and when it is mended
        ann.undoes();
        shows(&rig, "/readyz", 200, "ready").await;
    })
    .await;
}

#[tokio::test]
async fn while_a_secret_is_exchanged_both_are_good_and_the_use_of_the_old_one_is_counted() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "exchange", Setup { sweep_interval: "1h", ..Setup::default() }).await;
        let ann = rig.person("ann@example.com");
        rig.stop().await;
        rig.rotates_the_secret();
        rig.start().await;
        rig.until_equal(SOON).await;
        // The script still signs with the old one.
        ann.types(3, "name", "signed as before");
        rig.table_says("SELECT name FROM goods WHERE id = 3", "signed as before").await;
        shows(&rig, "/metrics", 200, "sheetbridge_deliveries_by_previous_secret_total{link=\"goods\"} 1")
            .await;
        let _ = server;
    })
    .await;
}

#[tokio::test]
async fn edits_come_in_through_a_socket_that_systemd_has_opened() {
    for_each_server(async |server| {
        let setup = Setup { sweep_interval: "1h", activated: true, ..Setup::default() };
        let rig = Rig::open(server, "socket", setup).await;
        rig.person("ann@example.com").types(3, "name", "through the socket");
        rig.table_says("SELECT name FROM goods WHERE id = 3", "through the socket").await;
        rig.until_equal(SOON).await;
        assert!(rig.daemon.log().contains("the socket of systemd"), "{server}");
    })
    .await;
}
