//! `make bench-door`: how long an edit takes into the table, and how many the door takes.
//!
//! The emulator answers at once and its triggers run at once. What Google adds to each of these is named in
//! `docs/benchmarks.md` beside the numbers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sheetbridge::sheet::signature::{WebhookSecret, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};

use super::goods::TABLE;
use super::rig::{Rig, SOON, Setup};
use super::usual::Usual;
use crate::support::deadline::eventually;
use crate::support::server::{Kind, shared};

const ALONE: u32 = 120;
const POLLED: u32 = 20;
const BURST: u32 = 60;

/// Median and 99th percentile, in milliseconds.
fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    println!("{what}: p50 {:.0} ms, p99 {:.0} ms, {} edits", at(0.5), at(0.99), times.len());
}

/// Types into the tab and waits for the row in the table.
async fn one_edit(rig: &Rig, number: u32) -> Duration {
    let (key, value) = (1 + number % 12, format!("value {number}"));
    let begin = Instant::now();
    rig.person("ann@example.com").types(key, "name", &value);
    let mut conn = rig.server.connect().await;
    let query =
        format!("SELECT COUNT(*) FROM {}.{TABLE} WHERE id = {key} AND name = '{value}'", rig.database);
    let mut looks = interval(Duration::from_millis(2));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let there: Option<u64> =
            mysql_async::prelude::Queryable::query_first(&mut conn, &query).await.expect("a query");
        if there == Some(1) {
            return begin.elapsed();
        }
        assert!(begin.elapsed() < SOON, "the edit never came");
        looks.tick().await;
    }
}

async fn one_after_another(what: &str, setup: Setup, edits: u32) {
    for kind in [Kind::MariaDb, Kind::MySql] {
        let rig = Rig::open(shared(kind).await, "door", setup.clone()).await;
        edits_of(&rig, what, edits).await;
    }
}

async fn edits_of(rig: &Rig, what: &str, edits: u32) {
    let mut times = Vec::new();
    for number in 0..edits {
        times.push(one_edit(rig, number).await);
    }
    told(&format!("{}, {what}", rig.server), times);
}

/// So many edits at once; each one's time from the first keystroke to its row.
async fn a_burst(rig: &Rig, what: &str, requests: impl Fn() -> usize) {
    let begin = Instant::now();
    for key in 1..=BURST {
        rig.person("ann@example.com").types(key, "stock", &format!("{}", 100_000 + key));
    }
    let (mut times, mut known) = (Vec::new(), 0);
    eventually(SOON * 3, "the burst in the table", async || {
        let query = "SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE stock > 100000";
        let count: u32 = rig.ask(query).await.and_then(|count| count.parse().ok()).unwrap_or(0);
        times.extend((known..count).map(|_| begin.elapsed()));
        known = count;
        (count == BURST).then_some(())
    })
    .await;
    told(&format!("{}, {BURST} edits at once, {what} ({} requests)", rig.server, requests()), times);
}

#[tokio::test]
#[ignore = "a benchmark: make bench-door"]
async fn edit_to_commit_by_the_script_and_by_polling() {
    let script = Setup { sweep_interval: "1h", ..Setup::default() };
    one_after_another("by the script, one edit at a time", script, ALONE).await;
    let polled = Setup { script: false, sweep_interval: "3s", ..Setup::default() };
    one_after_another("by polling every 3 s", polled, POLLED).await;
    for kind in [Kind::MariaDb, Kind::MySql] {
        let rig = Rig::open(shared(kind).await, "usual", Setup::default()).await;
        rig.stop().await;
        let _usual = Usual::instead_of_the_script(&rig).await;
        edits_of(&rig, "by one request an edit, straight into the row", ALONE).await;
    }
}

#[tokio::test]
#[ignore = "a benchmark: make bench-door"]
async fn a_burst_of_edits_by_the_script_and_by_one_request_an_edit() {
    for kind in [Kind::MariaDb, Kind::MySql] {
        let setup = Setup { rows: BURST, sweep_interval: "1h", ..Setup::default() };
        let rig = Rig::open(shared(kind).await, "burst", setup).await;
        let script = rig.script().expect("it is installed");
        let sent = || script.executions().iter().map(|run| run.sent.len()).sum::<usize>();
        let before = sent();
        a_burst(&rig, "by the script", || sent() - before).await;

        let setup = Setup { rows: BURST, ..Setup::default() };
        let rig = Rig::open(shared(kind).await, "usual", setup).await;
        rig.stop().await;
        let usual = Usual::instead_of_the_script(&rig).await;
        a_burst(&rig, "by one request an edit, straight into the row", || usual.requests()).await;
    }
}

const SECONDS: u32 = 60;
const POSTS_A_SECOND: u32 = 10;
const EDITS_A_POST: u32 = 100;

#[tokio::test]
#[ignore = "a benchmark: make bench-door"]
async fn a_thousand_edits_a_second_are_accepted_durably_for_a_minute() {
    for kind in [Kind::MariaDb, Kind::MySql] {
        let rig =
            Rig::open(shared(kind).await, "minute", Setup { sweep_interval: "1h", ..Setup::default() }).await;
        let before = rig.state_rows("edit").await;
        let (first, mut most) = (rig.daemon.resident_kib(), 0);
        let (mut times, mut statuses) = (Vec::new(), std::collections::BTreeMap::<u16, u32>::new());
        let mut ticks = interval(Duration::from_secs(1) / POSTS_A_SECOND);
        let mut posts = tokio::task::JoinSet::new();
        let begin = Instant::now();
        for number in 0..SECONDS * POSTS_A_SECOND {
            ticks.tick().await;
            let (endpoint, request) = (rig.endpoint, post(&rig, number));
            posts.spawn(async move { (number, send(endpoint, request).await) });
            while let Some(ended) = posts.try_join_next() {
                take(ended.expect("no panic").1, &mut times, &mut statuses);
            }
            most = most.max(rig.daemon.resident_kib());
        }
        while let Some(ended) = posts.join_next().await {
            take(ended.expect("no panic").1, &mut times, &mut statuses);
        }
        let took = begin.elapsed();
        let accepted = rig.state_rows("edit").await - before;
        let end = rig.daemon.resident_kib();
        println!(
            "{}: {accepted} edits durable in {took:.1?} ({:.0} a second); statuses {statuses:?}; daemon's memory {first} KiB before, \
             {most} KiB at most, {end} KiB after",
            rig.server,
            accepted as f64 / took.as_secs_f64()
        );
        told("  the answer to a POST of 100 edits", times);
        rig.until_equal(SOON * 3).await;
    }
}

fn take(
    (status, time): (u16, Duration),
    times: &mut Vec<Duration>,
    statuses: &mut std::collections::BTreeMap<u16, u32>,
) {
    times.push(time);
    *statuses.entry(status).or_default() += 1;
}

fn post(rig: &Rig, number: u32) -> Vec<u8> {
    let edits: Vec<String> = (0..EDITS_A_POST)
        .map(|edit| {
            let row = 2 + edit % 12;
            format!(
                r#"{{"id":"e-{number}-{edit}","kind":"edit","range":{{"row_start":{row},"row_end":{row},"column_start":2,"column_end":2}},"value":"a value of ordinary length","editor":"ann@example.com","at":"2026-11-23T12:00:00.000","zone":"Europe/Berlin"}}"#
            )
        })
        .collect();
    let body = format!(
        r#"{{"v":1,"spreadsheet":"{}","sheet_id":0,"edits":[{}]}}"#,
        rig.spreadsheet,
        edits.join(",")
    );
    let id = format!("m-{number}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs().to_string();
    let secret: WebhookSecret = rig.secret.parse().expect("a secret");
    let signature = sign(&secret, &id, &now, body.as_bytes());
    format!(
        "POST /v1/links/{TABLE}/edits HTTP/1.1\r\nhost: sync\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn send(endpoint: std::net::SocketAddr, request: Vec<u8>) -> (u16, Duration) {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(endpoint).await.expect("the daemon listens");
    stream.write_all(&request).await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer in text");
    (answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0), begin.elapsed())
}
