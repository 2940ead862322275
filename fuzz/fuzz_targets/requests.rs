//! Raw requests at the endpoint, over a real connection: whatever comes in is answered or closed, and nothing that is not
//! signed gets behind the door. `tests/sheet/fuzz.rs` throws dice at the same one.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sheetbridge::model::link::{LinkName, SpreadsheetId};
use sheetbridge::sheet::listen::{Accepted, Answer, Door, Limits, LinkKey, Listener, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Closed;

impl Door for Closed {
    fn key(&self, link: &LinkName) -> Option<LinkKey> {
        (link.0 == "orders").then(|| LinkKey {
            spreadsheet: SpreadsheetId("shop".into()),
            secrets: vec![SECRET.parse().expect("a secret")],
        })
    }

    async fn deliver(&self, accepted: Accepted) -> Answer {
        // A signature that nobody made: the process ends, and the input is kept.
        eprintln!("{accepted:?} got in");
        std::process::abort()
    }
}

fn endpoint() -> &'static (Runtime, SocketAddr) {
    static ENDPOINT: OnceLock<(Runtime, SocketAddr)> = OnceLock::new();
    ENDPOINT.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let short = Duration::from_millis(200);
        let limits = Limits { header_timeout: short, body_timeout: short, ..Limits::default() };
        runtime.spawn(serve(Listener::Tcp(listener), Arc::new(Closed), limits, std::future::pending()));
        (runtime, address)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (runtime, address) = endpoint();
    let answer = runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection hangs");
        answer
    });
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "no answer: {answer:?}");
});
