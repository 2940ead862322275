//! A million rows by nine columns: memory and time. Takes a while without optimisation, so it runs on demand:
//! `cargo test --release -p sheets-emulator --test main capacity -- --ignored --nocapture`.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::stage::Stage;

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number")
        * 1024
}

#[tokio::test]
#[ignore = "a benchmark"]
#[expect(clippy::print_stderr, reason = "a benchmark prints")]
async fn a_million_rows() {
    const ROWS: u32 = 1_000_000;
    let mut knobs = sheets_emulator::Knobs::default();
    (knobs.reads_per_user, knobs.writes_per_user, knobs.reads_per_project, knobs.writes_per_project) =
        (u32::MAX, u32::MAX, u32::MAX, u32::MAX);
    let stage = Stage::with(knobs).await;
    let tab =
        json!({ "sheetId": 5, "title": "big", "gridProperties": { "rowCount": ROWS + 1, "columnCount": 9 } });
    stage.batch(json!([{ "addSheet": { "properties": tab } }])).await;
    let mut slowest = 0;
    for from in (1..=ROWS).step_by(20_000) {
        let rows: Vec<Json> = (from..from + 20_000)
            .map(|row| {
                json!([
                    row,
                    format!("name of {row}"),
                    f64::from(row) / 8.0,
                    row % 2 == 0,
                    "paid",
                    45_000 + row % 900,
                    format!("{row:010}"),
                    "Berlin",
                    row % 7
                ])
            })
            .collect();
        let body = json!({ "valueInputOption": "RAW", "data": [{ "range": format!("big!A{}", from + 1), "values": rows }] });
        let started = Instant::now();
        stage.post("/values:batchUpdate", body).await;
        slowest = slowest.max(started.elapsed().as_millis());
    }
    let memory = resident();
    eprintln!("memory {} MB; slowest write of 20,000 rows (about 2 MB) {slowest} ms", memory >> 20);
    for path in ["/values/big!A500000:I500020", "/values/big!A1:A"] {
        let started = Instant::now();
        let bytes = stage
            .request(Method::GET, path)
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a body")
            .len();
        eprintln!("GET {path}: {bytes} bytes in {} ms", started.elapsed().as_millis());
    }
    let started = Instant::now();
    stage.batch(json!([{ "insertDimension": { "range": { "sheetId": 5, "dimension": "ROWS", "startIndex": 10, "endIndex": 11 } } }, { "deleteDimension": { "range": { "sheetId": 5, "dimension": "ROWS", "startIndex": 10, "endIndex": 11 } } }])).await;
    eprintln!("insert and delete of a row: {} ms", started.elapsed().as_millis());
    for (method, count) in stage.emulator.calls().counts() {
        let mean = count.took_ms / count.calls.max(1);
        eprintln!(
            "own cost of {method}: {mean} ms a call over {} calls, {} bytes in",
            count.calls, count.bytes_in
        );
    }
    assert!(memory < 1_500 << 20, "{memory} bytes");
}
