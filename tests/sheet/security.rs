//! The list of attacks on the door, tried one by one on the real listener. Each says what it tried and what it got.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use sheetbridge::sheet::listen::Limits;
use sheetbridge::sheet::signature::{WebhookSecret, sign};

use super::endpoint::{BODY, Endpoint, Reply, Request, quick, start};

const PATIENCE: Duration = Duration::from_secs(60);

async fn raw(endpoint: &Endpoint, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    // It may answer and close before it has taken all of it.
    let _ = stream.write_all(bytes).await;
    Reply::read(&mut stream).await
}

fn good(id: &str) -> Vec<u8> {
    let request = Request { id: id.into(), ..Request::good() };
    [request.head().into_bytes(), request.body].concat()
}

fn entered(endpoint: &Endpoint) -> usize {
    endpoint.inbox.entered.load(Ordering::SeqCst)
}

#[tokio::test]
async fn one_flipped_bit_anywhere_in_what_is_signed_is_a_forgery() {
    let endpoint = start(Limits::default(), false, None).await;
    let whole = String::from_utf8(good("m-flip")).expect("it is text");
    let id = whole.find("m-flip").expect("the id");
    let time = whole.find("webhook-timestamp: ").expect("the time") + "webhook-timestamp: ".len();
    let signature = whole.find("v1,").expect("the signature");
    let body = whole.len() - BODY.len();
    let places = (id..id + 6)
        .chain(time..time + 10)
        .chain(signature..signature + 47)
        .chain((body..whole.len()).step_by(3));
    let mut tried = 0;
    for place in places {
        for bit in [0, 2, 4] {
            let mut bytes = whole.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let reply = raw(&endpoint, &bytes).await;
            assert!(matches!(reply.status, 0 | 400 | 401), "bit {bit} of byte {place}: {reply:?}");
            tried += 1;
        }
    }
    assert_eq!(entered(&endpoint), 0);
    println!("forged: {tried} messages with one flipped bit, none got in");
}

#[tokio::test]
async fn delayed_reordered_and_replayed_messages_do_what_the_protocol_says() {
    let endpoint = start(Limits::default(), false, None).await;
    let at = async |id: &str, age| {
        Request { id: id.into(), age, ..Request::good() }.send(&endpoint.address).await.status
    };
    // Later parcels before earlier ones, old ones at the edge of their time.
    let statuses = [at("m-3", 0).await, at("m-1", 290).await, at("m-2", 0).await, at("m-1", 0).await];
    assert_eq!(statuses, [202, 202, 202, 200], "in any order; the repeat has its first answer");
    assert_eq!([at("m-4", 301).await, at("m-5", -310).await, at("m-6", 1_000_000).await], [401, 401, 401]);
    println!("delayed and reordered: {statuses:?}; out of time: 401");
}

#[tokio::test]
async fn a_revoked_secret_opens_no_more_and_the_new_one_beside_the_old_does() {
    let endpoint = start(Limits::default(), false, None).await;
    let with = async |secret| {
        Request { secret, id: "m-r".into(), ..Request::good() }.send(&endpoint.address).await.status
    };
    for secret in [super::endpoint::SECRET, super::endpoint::OLD_SECRET] {
        assert!(matches!(with(secret).await, 200 | 202));
    }
    let revoked = "whsec_cmV2b2tlZC1hLW1vbnRoLWFnby1ieS10aGUtb3BlcmF0b3I=";
    assert_eq!(with(revoked).await, 401);
    // Two signatures in one header, as the standard has it during a rotation: one good one is enough.
    let (id, time) =
        ("m-two", SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs().to_string());
    let [one, two] = [revoked, super::endpoint::SECRET]
        .map(|secret| sign(&secret.parse::<WebhookSecret>().expect("a secret"), id, &time, BODY.as_bytes()));
    let head = |signature: &str| {
        format!(
            "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\nwebhook-timestamp: {time}\r\n\
             webhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{BODY}",
            super::endpoint::PATH,
            BODY.len()
        )
    };
    assert_eq!(raw(&endpoint, head(&format!("{one} {two}")).as_bytes()).await.status, 202);
    assert_eq!(raw(&endpoint, head(&one).as_bytes()).await.status, 401);
    println!("rotation: both active secrets open, a revoked one does not");
}

#[tokio::test]
async fn what_is_no_http_or_too_much_of_it_is_turned_away() {
    let endpoint = start(quick(), false, None).await;
    let headers = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    let whole = String::from_utf8(good("m-http")).expect("it is text");
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
    let cases: [(&str, Vec<u8>, &[u16]); 13] = [
        (
            "HTTP/2 with prior knowledge",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
            &[0, 400, 404, 505],
        ),
        ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &[0, 400]),
        ("an old protocol", b"POST /v1/links/orders/edits HTTP/0.9\r\n\r\n".to_vec(), &[0, 400, 505]),
        ("200 headers", format!("{head}\r\n{}\r\n{body}", headers(200)).into_bytes(), &[431]),
        (
            "a header of 20 KiB",
            format!("{head}\r\nx-long: {}\r\n\r\n{body}", "a".repeat(20_000)).into_bytes(),
            &[0, 431],
        ),
        ("an endless header", format!("{head}\r\nx-long: {}", "a".repeat(200_000)).into_bytes(), &[0, 431]),
        (
            "a path of 20 KiB",
            format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000)).into_bytes(),
            &[0, 414, 431],
        ),
        ("two lengths", format!("{head}\r\ncontent-length: 1\r\n\r\n{body}").into_bytes(), &[400]),
        (
            "length and chunks",
            format!("{head}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").into_bytes(),
            &[400, 411],
        ),
        (
            "a negative length",
            whole.replace(&format!("content-length: {}", BODY.len()), "content-length: -1").into_bytes(),
            &[400],
        ),
        (
            "an id smuggled in behind a bare line feed",
            format!("{head}\r\nx: a\nwebhook-id: b\r\n\r\n{body}").into_bytes(),
            &[400, 401],
        ),
        ("a zero byte in a header", format!("{head}\r\nx: a\0b\r\n\r\n{body}").into_bytes(), &[400]),
        ("nothing but line ends", b"\r\n".repeat(5_000), &[0, 400, 431]),
    ];
    for (what, bytes, expected) in cases {
        let reply = raw(&endpoint, &bytes).await;
        println!("{what}: {} bytes, answered {}", bytes.len(), reply.status);
        assert!(expected.contains(&reply.status), "{what}: {reply:?}");
    }
    assert_eq!(entered(&endpoint), 0);
}

#[tokio::test]
async fn a_truncated_message_is_none_and_a_slow_one_ends() {
    let endpoint = start(quick(), false, None).await;
    let whole = good("m-cut");
    for cut in [1, 20, 100, whole.len() - BODY.len(), whole.len() - 1] {
        let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
        stream.write_all(&whole[..cut]).await.expect("sent");
        stream.shutdown().await.expect("half closed");
        let reply = Reply::read(&mut stream).await;
        assert!(matches!(reply.status, 0 | 400 | 408), "cut at {cut}: {reply:?}");
        println!("truncated at {cut} of {}: {}", whole.len(), reply.status);
    }
    // A slow loris: a byte now and then, as long as it is listened to. Its time runs from the connection, not from the byte.
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    let mut sent = 0;
    let ended = timeout(PATIENCE, async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut byte = [0; 1];
        loop {
            tokio::select! {
                read = stream.read(&mut byte) => if read.unwrap_or(0) == 0 { break },
                _ = ticks.tick() => match stream.try_write(&whole[sent..=sent]) {
                    Ok(_) => sent += 1,
                    Err(_) => break,
                },
            }
        }
    });
    ended.await.expect("the loris is sent away");
    assert!(sent < whole.len() - BODY.len(), "it was sent away within its headers");
    println!("slow loris: sent away after {sent} bytes");
    assert_eq!(entered(&endpoint), 0);
}

#[tokio::test]
async fn pipelined_messages_are_answered_in_their_order_and_end_with_the_first_false_one() {
    let endpoint = start(Limits::default(), false, None).await;
    let forged = Request { age: 9_999, ..Request::good() };
    let forged = [forged.head().into_bytes(), forged.body].concat();
    let mut bytes = [good("m-1"), good("m-2"), good("m-1"), forged].concat();
    bytes.extend(good("m-behind").repeat(50));
    let mut stream = TcpStream::connect(&endpoint.address).await.expect("listens");
    let _ = stream.write_all(&bytes).await;
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the connection ends");
    let text = String::from_utf8_lossy(&all);
    let statuses: Vec<&str> = text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["202", "202", "200", "401"], "{text}");
    println!("pipelined: {statuses:?}, and 50 behind the forged one were not read");
}

#[tokio::test]
async fn json_of_every_wrong_kind_is_refused_although_it_is_signed() {
    let endpoint =
        start(Limits { burst: 200.try_into().expect("not zero"), ..Limits::default() }, false, None).await;
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000)).into_bytes();
    let change = |from: &str, to: &str| BODY.replacen(from, to, 1).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("invalid UTF-8", b"{\"v\":1,\"spreadsheet\":\"sh\xffop\"}".to_vec()),
        ("a lone surrogate", change("shop", "\\ud800")),
        ("deep arrays", deep("[", "]")),
        ("deep objects", deep("{\"a\":", "}")),
        ("deep in a known field", change("\"e-1\"", &"[".repeat(60_000))),
        ("a number too large", change("\"sheet_id\":0", "\"sheet_id\":1e400")),
        ("a float for a whole", change("\"sheet_id\":0", "\"sheet_id\":0.5")),
        ("a field twice", change("\"v\":1", "\"v\":1,\"v\":1")),
        ("an unknown field", change("\"v\":1", "\"v\":1,\"admin\":true")),
        ("two documents", [BODY, BODY].concat().into_bytes()),
        ("null", b"null".to_vec()),
        ("an id of 65", change("e-1", &"e".repeat(65))),
        ("an id with a path", change("e-1", "../e")),
        ("another version", change("\"v\":1", "\"v\":18446744073709551615")),
        ("a time that is none", change("2026-11-23T12:00:00", "2026-02-30T12:00:00")),
    ];
    for (what, body) in cases {
        let reply = Request { body, ..Request::good() }.send(&endpoint.address).await;
        println!("{what}: {}", reply.status);
        assert_eq!(reply.status, 400, "{what}");
    }
    assert_eq!(entered(&endpoint), 0);
}
