//! Raw requests from dice: whatever comes in, the door answers or closes, and lets nothing through that is not signed.
//!
//! `CASES=100000 cargo test sheet::fuzz` tries more. A failure prints the bytes that caused it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sheetbridge::sheet::listen::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::endpoint::{BODY, Endpoint, PATH, Request, start};

const CASES: u32 = 600;

/// One way to spoil a request that was right.
#[derive(Clone, Debug)]
enum Spoil {
    Replace(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Double(usize, usize),
}

impl Spoil {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let within = |at: usize, bytes: &Vec<u8>| at % bytes.len().max(1);
        match self {
            Self::Replace(at, byte) => {
                let at = within(*at, bytes);
                bytes[at] = *byte;
            }
            Self::Insert(at, more) => {
                let at = within(*at, bytes);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = within(*at, bytes);
                let end = (at + count).min(bytes.len() - 1);
                bytes.drain(at.min(end)..end);
            }
            Self::Double(at, count) => {
                let at = within(*at, bytes);
                let part = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = 0_usize..2_000;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Spoil::Replace(at, byte)),
        (at.clone(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, more)| Spoil::Insert(at, more)),
        (at.clone(), 1_usize..60).prop_map(|(at, count)| Spoil::Remove(at, count)),
        (at, 1_usize..200).prop_map(|(at, count)| Spoil::Double(at, count)),
    ]
}

/// Bytes that are no request, almost a request, or a signed one that was spoilt.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..400);
    let words = prop::collection::vec(
        prop_oneof![
            Just("POST "),
            Just("GET "),
            Just(PATH),
            Just(" HTTP/1.1"),
            Just("\r\n"),
            Just("\r\n\r\n"),
            Just("content-length: "),
            Just("18446744073709551616"),
            Just("5"),
            Just("transfer-encoding: chunked"),
            Just("webhook-id: "),
            Just("a"),
            Just("webhook-signature: v1,"),
            Just("expect: 100-continue"),
            Just("upgrade: h2c"),
            Just("\0"),
            Just(BODY),
        ],
        0..40,
    );
    let spoilt = prop::collection::vec(spoil(), 1..4).prop_map(|spoils| {
        let forged = Request { age: 4_000, ..Request::good() };
        let mut bytes = [forged.head().into_bytes(), forged.body].concat();
        for spoil in &spoils {
            spoil.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![noise, words.prop_map(|words| words.concat().into_bytes()), spoilt]
}

async fn survives(endpoint: &Endpoint, bytes: &[u8]) -> Result<&'static str, TestCaseError> {
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let ended = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    prop_assert!(ended.is_ok(), "the connection hangs");
    prop_assert_eq!(endpoint.inbox.entered.load(Ordering::SeqCst), 0, "it got in");
    if answer.is_empty() {
        return Ok("closed");
    }
    prop_assert!(answer.starts_with(b"HTTP/1."), "no answer: {}", String::from_utf8_lossy(&answer));
    Ok(if answer[9] == b'4' { "4xx" } else { "other" })
}

#[test]
fn whatever_comes_in_is_answered_or_closed_and_nothing_gets_in() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let runtime = Runtime::new().expect("a runtime");
    let limits = Limits {
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let endpoint = runtime.block_on(start(limits, false, None));
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u32>::new());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&requests(), |bytes| {
        let kind = runtime.block_on(survives(&endpoint, &bytes))?;
        *seen.borrow_mut().entry(kind).or_default() += 1;
        Ok(())
    });
    println!("{cases} raw requests: {:?}", seen.borrow());
    tried.expect("the door holds");
    // And it still takes what is right.
    let good = runtime.block_on(Request::good().send(&endpoint.address));
    assert_eq!(good.status, 202);
}
