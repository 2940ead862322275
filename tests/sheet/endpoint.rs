//! The endpoint as a stranger meets it: every request has its answer, and only a good one reaches the door.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sheetbridge::model::link::{LinkName, SpreadsheetId};
use sheetbridge::sheet::listen::edit::{EditAnswer, EditId, EditOutcome};
use sheetbridge::sheet::listen::{Accepted, Answer, Door, Limits, LinkKey, Listener, serve};
use sheetbridge::sheet::signature::{WebhookSecret, sign};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(super) const OLD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
pub(super) const PATH: &str = "/v1/links/orders/edits";
pub(super) const BODY: &str = r#"{"v":1,"spreadsheet":"shop","sheet_id":0,"edits":[{"id":"e-1","kind":"change","at":"2026-11-23T12:00:00","zone":"Etc/UTC"}]}"#;

/// What the daemon would be: it remembers what came, and answers as it is told.
pub(super) struct Inbox {
    pub(super) came: Mutex<Vec<Accepted>>,
    pub(super) waits: Option<Arc<Notify>>,
    pub(super) entered: AtomicUsize,
    pub(super) is_down: bool,
}

impl Door for Inbox {
    fn key(&self, link: &LinkName) -> Option<LinkKey> {
        (link.0 == "orders").then(|| LinkKey {
            spreadsheet: SpreadsheetId("shop".into()),
            secrets: [SECRET, OLD_SECRET].iter().map(|s| s.parse().expect("a secret")).collect(),
        })
    }

    async fn deliver(&self, accepted: Accepted) -> Answer {
        self.entered.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.waits {
            gate.notified().await;
        }
        if self.is_down {
            return Answer::Unavailable;
        }
        let mut came = self.came.lock().expect("no test panics here");
        let known = came.iter().any(|earlier| earlier.message == accepted.message);
        if !known {
            came.push(accepted.clone());
            return Answer::AcceptedForLater;
        }
        let edits = accepted.delivery.edits.iter();
        let answers = edits.map(|edit| EditAnswer::bare(edit.id().clone(), EditOutcome::Duplicate));
        Answer::Decided(answers.collect())
    }
}

pub(super) struct Endpoint {
    pub(super) address: String,
    pub(super) inbox: Arc<Inbox>,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) task: JoinHandle<()>,
}

pub(super) fn quick() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(150),
        body_timeout: Duration::from_millis(150),
        drain: Duration::from_millis(500),
        ..Limits::default()
    }
}

pub(super) async fn start(limits: Limits, is_down: bool, waits: Option<Arc<Notify>>) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let inbox = Arc::new(Inbox { came: Mutex::default(), waits, entered: AtomicUsize::new(0), is_down });
    let (stop, stopped) = oneshot::channel::<()>();
    let door = Arc::clone(&inbox);
    let task = tokio::spawn(serve(Listener::Tcp(listener), door, limits, async {
        let _ = stopped.await;
    }));
    Endpoint { address, inbox, stop, task }
}

/// A request that is right in everything; tests change one thing.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) age: i64,
    pub(super) secret: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    /// What the headers say, if not the body's length.
    pub(super) length: Option<String>,
}

impl Request {
    pub(super) fn good() -> Self {
        Self {
            method: "POST",
            path: PATH.into(),
            id: "m-1".into(),
            age: 0,
            secret: SECRET,
            kind: "application/json; charset=utf-8",
            body: BODY.into(),
            length: None,
        }
    }

    pub(super) fn head(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let timestamp = now.saturating_add_signed(-self.age).to_string();
        let secret: WebhookSecret = self.secret.parse().expect("a secret");
        let signature = sign(&secret, &self.id, &timestamp, &self.body);
        let length = match &self.length {
            Some(header) => header.clone(),
            None => format!("content-length: {}\r\n", self.body.len()),
        };
        format!(
            "{} {} HTTP/1.1\r\nhost: x\r\ncontent-type: {}\r\nwebhook-id: {}\r\nwebhook-timestamp: {timestamp}\r\n\
             webhook-signature: {signature}\r\n{length}\r\n",
            self.method, self.path, self.kind, self.id,
        )
    }

    pub(super) async fn send(&self, address: &str) -> Reply {
        let mut stream = TcpStream::connect(address).await.expect("the endpoint listens");
        self.over(&mut stream).await
    }

    async fn over(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Reply {
        let mut bytes = self.head().into_bytes();
        bytes.extend(&self.body);
        // The endpoint may answer and close before it has taken all of it.
        let _ = stream.write_all(&bytes).await;
        Reply::read(stream).await
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// Reads one answer; status 0 if the connection was closed without one.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Self {
        let mut bytes = Vec::new();
        loop {
            let mut chunk = [0; 4096];
            let got = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut chunk)).await;
            let got = got.expect("the endpoint never leaves a connection hanging").unwrap_or(0);
            bytes.extend(&chunk[..got]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
                    return Self { status, head: head.to_lowercase(), body: body.into() };
                }
            }
            if got == 0 {
                return Self { status: 0, head: String::new(), body: text };
            }
        }
    }
}

#[tokio::test]
async fn a_signed_delivery_reaches_the_door_once() {
    let endpoint = start(Limits::default(), false, None).await;
    let reply = Request::good().send(&endpoint.address).await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (202, r#"{"edits":[{"id":"e-1","outcome":"accepted"}]}"#)
    );
    // The same id again, signed afresh: the door knows it.
    let again = Request { age: 20, ..Request::good() }.send(&endpoint.address).await;
    assert_eq!(
        (again.status, again.body.as_str()),
        (200, r#"{"edits":[{"id":"e-1","outcome":"duplicate"}]}"#)
    );
    // The secret that is being replaced is still good.
    let old =
        Request { secret: OLD_SECRET, id: "m-2".into(), ..Request::good() }.send(&endpoint.address).await;
    assert_eq!(old.status, 202);
    let came = endpoint.inbox.came.lock().expect("unpoisoned");
    assert_eq!(came.len(), 2);
    assert_eq!(came[0].link, LinkName("orders".into()));
    assert_eq!(came[0].message.as_str(), "m-1");
}

#[tokio::test]
async fn every_failure_of_authentication_is_the_same_answer() {
    let endpoint = start(Limits::default(), false, None).await;
    let stranger = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbG9uZyBlbm91Z2g=";
    let good = Request::good;
    let failures = [
        ("wrong secret", Request { secret: stranger, ..good() }),
        ("too old", Request { age: 310, ..good() }),
        ("from the future", Request { age: -310, ..good() }),
        ("unknown link", Request { path: "/v1/links/other/edits".into(), ..good() }),
        ("another spreadsheet", Request { body: BODY.replace("shop", "shed").into(), ..good() }),
        ("an id that is none", Request { id: "m 1".into(), ..good() }),
    ];
    for (what, request) in failures {
        let reply = request.send(&endpoint.address).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, r#"{"error":"unauthorized"}"#), "{what}");
    }
    // Without any of the three headers, and with a body other than the signed one.
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let head = good().head().replace(name, "x-other");
        let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
        stream.write_all(format!("{head}{BODY}").as_bytes()).await.expect("sent");
        assert_eq!(Reply::read(&mut stream).await.status, 401, "{name}");
    }
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    let other = BODY.replace("e-1", "e-2");
    stream.write_all(format!("{}{other}", good().head()).as_bytes()).await.expect("sent");
    assert_eq!(Reply::read(&mut stream).await.status, 401);
    assert_eq!(endpoint.inbox.entered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_is_no_delivery_is_turned_away_before_it_is_read() {
    let endpoint = start(Limits::default(), false, None).await;
    let good = Request::good;
    let long = vec![b'x'; 256 * 1024 + 1];
    let cases = [
        (404, Request { path: "/".into(), ..good() }),
        (404, Request { path: "/v1/links/orders/edits/x".into(), ..good() }),
        (405, Request { method: "PUT", ..good() }),
        (411, Request { length: Some(String::new()), body: vec![], ..good() }),
        (411, Request { length: Some("transfer-encoding: chunked\r\n".into()), ..good() }),
        (413, Request { length: Some("content-length: 1000000000\r\n".into()), ..good() }),
        (413, Request { body: long, ..good() }),
        (415, Request { kind: "text/plain", ..good() }),
        (400, Request { body: b"{\"v\":1".to_vec(), ..good() }),
        (400, Request { body: b"\xff\xfe".to_vec(), ..good() }),
        (400, Request { body: "[".repeat(100_000).into(), ..good() }),
        (400, Request { body: BODY.replace("\"v\":1", "\"v\":2").into(), ..good() }),
        (400, Request { body: BODY.replace("\"v\":1", "\"v\":1,\"extra\":1").into(), ..good() }),
    ];
    for (status, request) in cases {
        let reply = request.send(&endpoint.address).await;
        let body = String::from_utf8_lossy(&request.body[..request.body.len().min(40)]).into_owned();
        assert_eq!(reply.status, status, "{} {} {body}", request.method, request.path);
    }
    let mut padded = BODY.as_bytes().to_vec();
    padded.resize(256 * 1024, b' ');
    let largest = Request { body: padded, ..good() };
    assert_eq!(largest.send(&endpoint.address).await.status, 202, "the limit itself is allowed");
    assert_eq!(endpoint.inbox.entered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nobody_holds_a_connection_by_being_slow() {
    let endpoint = start(quick(), false, None).await;
    // Says nothing; half a header; a whole request and then nothing more.
    for bytes in [String::new(), "POST /v1/li".into(), format!("{}{BODY}", Request::good().head())] {
        let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "still open after {bytes:?}");
    }
    // A header that is right and a body that does not come.
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    stream.write_all(format!("{}{}", Request::good().head(), &BODY[..20]).as_bytes()).await.expect("sent");
    assert_eq!(Reply::read(&mut stream).await.status, 408);
}

#[tokio::test]
async fn a_flood_of_one_link_waits_and_a_fault_behind_the_door_asks_to_come_again() {
    let limits =
        Limits { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(2).expect("two"), ..Limits::default() };
    let endpoint = start(limits, true, None).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let reply = Request::good().send(&endpoint.address).await;
        assert!(reply.head.contains("retry-after: "), "{}", reply.head);
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [503, 503, 429]);
    // Without the secret nobody can use up a link's rate.
    let forged = Request { age: 1000, ..Request::good() };
    assert_eq!(forged.send(&endpoint.address).await.status, 401);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits { connections: 1, ..quick() };
    let endpoint = start(limits, false, None).await;
    let idle = TcpStream::connect(&endpoint.address).await.expect("listens");
    // The idle one holds the only place until its time is over; then this one is served.
    assert_eq!(Request::good().send(&endpoint.address).await.status, 202);
    drop(idle);
}

#[tokio::test]
async fn a_stop_lets_an_open_request_end_and_takes_no_new_one() {
    let gate = Arc::new(Notify::new());
    let endpoint = start(Limits::default(), false, Some(Arc::clone(&gate))).await;
    let address = endpoint.address.clone();
    let open = tokio::spawn(async move { Request::good().send(&address).await });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while endpoint.inbox.entered.load(Ordering::SeqCst) == 0 {
        assert!(tokio::time::Instant::now() < deadline, "the delivery never came");
        tokio::task::yield_now().await;
    }
    endpoint.stop.send(()).expect("serving");
    while TcpStream::connect(&endpoint.address).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "still listening");
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    assert_eq!(open.await.expect("no panic").status, 202);
    endpoint.task.await.expect("served to the end");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let never = Arc::new(Notify::new());
    let endpoint = start(quick(), false, Some(never)).await;
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    stream.write_all(format!("{}{BODY}", Request::good().head()).as_bytes()).await.expect("sent");
    endpoint.stop.send(()).expect("serving");
    let ended = tokio::time::timeout(Duration::from_secs(20), endpoint.task).await;
    ended.expect("within the drain").expect("no panic");
}

#[tokio::test]
async fn a_door_that_does_not_answer_in_time_is_answered_for() {
    let limits = Limits { whole_request: Duration::from_millis(150), ..Limits::default() };
    let endpoint = start(limits, false, Some(Arc::new(Notify::new()))).await;
    let reply = Request::good().send(&endpoint.address).await;
    assert_eq!(reply.status, 503);
    assert_eq!(endpoint.inbox.entered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_socket_in_the_file_system_serves_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("edits.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let inbox =
        Arc::new(Inbox { came: Mutex::default(), waits: None, entered: AtomicUsize::new(0), is_down: false });
    let (stop, stopped) = oneshot::channel::<()>();
    let door = Arc::clone(&inbox);
    let task = tokio::spawn(serve(Listener::Unix(listener), door, quick(), async {
        let _ = stopped.await;
    }));
    let mut stream = UnixStream::connect(&path).await.expect("listens");
    assert_eq!(Request::good().over(&mut stream).await.status, 202);
    stop.send(()).expect("serving");
    task.await.expect("no panic");
    let id = EditId::try_from("m-1".to_owned()).expect("an id");
    assert_eq!(inbox.came.lock().expect("unpoisoned")[0].message, id);
}
