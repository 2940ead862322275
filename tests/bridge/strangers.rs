//! The endpoint of the running daemon as a stranger meets it: every request has its answer, and nothing is written.

use std::time::{SystemTime, UNIX_EPOCH};

use sheetbridge::sheet::signature::{WebhookSecret, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const LINK: &str = "/v1/links/goods/edits";

/// A message that is right in everything; tests change one thing.
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) age: u64,
    pub(super) secret: String,
    pub(super) body: String,
    /// What the headers say of the body's length.
    pub(super) length: usize,
    /// The door, or a proxy in front of it.
    pub(super) to: std::net::SocketAddr,
    /// The path, where it is not the link's.
    pub(super) path: &'a str,
}

impl<'a> Message<'a> {
    pub(super) fn good(rig: &'a Rig, id: &'a str) -> Self {
        let edit = r#"{"id":"e-1","kind":"edit","range":{"row_start":3,"row_end":3,"column_start":3,"column_end":3},"at":"2026-11-23T12:00:00.000","zone":"Etc/GMT"}"#;
        let body = format!(r#"{{"v":1,"spreadsheet":"{}","sheet_id":0,"edits":[{edit}]}}"#, rig.spreadsheet);
        Self {
            id,
            age: 0,
            secret: rig.secret.clone(),
            length: body.len(),
            body,
            to: rig.endpoint,
            path: LINK,
        }
    }

    pub(super) fn with_body(self, body: String) -> Self {
        Self { length: body.len(), body, ..self }
    }

    /// Status and body of the answer.
    pub(super) async fn send(&self) -> (u16, String) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let timestamp = (now - self.age).to_string();
        let secret: WebhookSecret = self.secret.parse().expect("a secret");
        let signature = sign(&secret, self.id, &timestamp, self.body.as_bytes());
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: sync\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\nwebhook-id: {}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n\r\n{}",
            self.path, self.length, self.id, self.body
        );
        let answer = eventually(SOON, "an answer", async || {
            let mut stream = TcpStream::connect(self.to).await.expect("the daemon listens");
            // Who answers may close before it has taken all of it; then the answer itself may be lost with the connection.
            let _ = stream.write_all(request.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8(answer).ok().filter(|answer| answer.contains("\r\n\r\n"))
        })
        .await;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        (status, body)
    }
}

#[tokio::test]
async fn every_false_message_has_its_answer_and_nothing_is_written() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "strangers", Setup { sweep_interval: "1h", ..Setup::default() }).await;
        let (calls, written, inbox) = (rig.calls(), rig.binlog().await, rig.state_rows("edit").await);
        let unauthorized = (401, r#"{"error":"unauthorized"}"#.to_owned());

        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned();
        assert_eq!(Message { secret: other, ..Message::good(&rig, "m-secret") }.send().await, unauthorized);
        assert_eq!(Message { age: 301, ..Message::good(&rig, "m-old") }.send().await, unauthorized);
        let promised = Message { length: 256 * 1024 + 1, ..Message::good(&rig, "m-large") };
        assert_eq!(promised.send().await, (413, r#"{"error":"too large"}"#.to_owned()));
        for broken in ["{\"v\":1", "", "[]", r#"{"v":1,"unknown":2}"#] {
            let message = Message::good(&rig, "m-broken").with_body(broken.to_owned());
            assert_eq!(message.send().await, (400, r#"{"error":"bad request"}"#.to_owned()), "{broken}");
        }

        assert_eq!(rig.state_rows("edit").await, inbox, "{server}");
        let written = written.written().await;
        assert_eq!((written.by_daemon, written.own.get("edit")), (0, None), "{server}: {written:?}");
        assert_eq!(calls.count().all(), 0, "{server}: nobody was asked to look");
    })
    .await;
}

#[tokio::test]
async fn a_replayed_message_gets_the_first_answer_and_is_not_taken_again() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "replay", Setup { sweep_interval: "1h", ..Setup::default() }).await;
        let inbox = rig.state_rows("edit").await;
        // given a message that was decided
        let first = Message::good(&rig, "m-again").send().await;
        assert_eq!(first.0, 200, "{server}: {}", first.1);
        assert_eq!(rig.state_rows("edit").await, inbox + 1);
        rig.until_equal(SOON).await;

        // when somebody sends it again, as it was or with another content
        let (calls, written) = (rig.calls(), rig.binlog().await);
        assert_eq!(Message::good(&rig, "m-again").send().await, first, "{server}");
        let altered = Message::good(&rig, "m-again");
        let body = altered.body.replace("\"row_start\":3", "\"row_start\":2");
        assert_eq!(altered.with_body(body).send().await, first, "{server}");

        // then the inbox holds it once, and nobody looked at the spreadsheet for it
        assert_eq!(rig.state_rows("edit").await, inbox + 1);
        assert_eq!(calls.count().all(), 0, "{server}");
        assert_eq!(written.written().await.own.get("edit"), None, "{server}");
    })
    .await;
}
