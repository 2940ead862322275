//! How large a spreadsheet may be and what a call costs: `cargo bench -p sheets-emulator --bench capacity`.
//!
//! The emulator runs as its own program, so that its memory is only its own. Figures are printed beside what is wanted of
//! them; times are the client's, from the request's first byte to the answer's last.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

const ROWS: u32 = 1_000_000;
const COLUMNS: u32 = 9;
/// About 2 MB of JSON.
const BATCH: u32 = 20_000;

struct Program {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Program {
    fn start() -> Self {
        let knobs = std::env::temp_dir().join(format!("capacity-{}.json", std::process::id()));
        let without = json!({ "reads_per_user": u32::MAX, "writes_per_user": u32::MAX, "reads_per_project": u32::MAX, "writes_per_project": u32::MAX });
        std::fs::write(&knobs, without.to_string()).expect("a file of knobs");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sheets-emulator"))
            .args(["--port", "0", "--open-door", "--spreadsheet", "big", "--knobs"])
            .arg(&knobs)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator starts");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines().map_while(Result::ok);
        let base = lines.find_map(|line| line.strip_prefix("serving ").map(str::to_owned));
        std::fs::remove_file(&knobs).expect("the file goes");
        Self { child, base: base.expect("it says where it serves"), client: reqwest::Client::new() }
    }

    /// Status, body and time of a call.
    async fn call(&self, path: &str, body: Option<&Json>) -> (u16, Vec<u8>, Duration) {
        let url = format!("{}{path}", self.base);
        let body = body.map(|body| serde_json::to_vec(body).expect("JSON"));
        let started = Instant::now();
        let request = match body {
            Some(body) => self.client.post(url).body(body),
            None => self.client.get(url),
        };
        let answer = request.bearer_auth("robot@example.com").send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body").to_vec();
        (status, body, started.elapsed())
    }

    async fn batch(&self, requests: Json) -> Duration {
        let (status, body, took) =
            self.call("/v4/spreadsheets/big:batchUpdate", Some(&json!({ "requests": requests }))).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        took
    }

    /// Megabytes of memory now and at most.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
            line.split_whitespace()
                .nth(1)
                .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
                .expect("a number")
                >> 10
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u32) -> Json {
    let grid = json!({ "rowCount": ROWS + 1, "columnCount": columns });
    json!([{ "addSheet": { "properties": { "sheetId": 5, "title": "big", "gridProperties": grid } } }])
}

fn row(row: u32) -> Json {
    let (half, even, day) = (f64::from(row) / 8.0, row.is_multiple_of(2), 45_000 + row % 900);
    json!([row, format!("name of {row}"), half, even, "paid", day, format!("{row:010}"), "Berlin", row % 7])
}

fn typed(row: &Json) -> Json {
    let value = |value: &Json| {
        let kind = if value.is_string() {
            "stringValue"
        } else if value.is_boolean() {
            "boolValue"
        } else {
            "numberValue"
        };
        json!({ "userEnteredValue": { kind: value } })
    };
    json!({ "values": row.as_array().expect("cells").iter().map(value).collect::<Vec<_>>() })
}

fn say(what: &str, figure: &str, wanted: &str) {
    println!("{what:<58} {figure:>12}   {wanted}");
}

fn ms(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let program = Program::start();
    println!("{ROWS} rows x {COLUMNS} columns\n");
    refuse_a_tenth_column(&program).await;
    fill(&program).await;
    write_typed_cells(&program).await;
    read(&program).await;
    act(&program).await;
    tell_own_cost(&program).await;
}

async fn refuse_a_tenth_column(program: &Program) {
    let requests = json!({ "requests": size(COLUMNS + 1) });
    let (status, body, _) = program.call("/v4/spreadsheets/big:batchUpdate", Some(&requests)).await;
    say("a tenth column, with the header", &status.to_string(), "wanted: 400, over 10,000,000 cells");
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
}

async fn fill(program: &Program) {
    program.batch(size(COLUMNS)).await;
    let (mut times, mut bytes) = (Vec::new(), 0);
    for from in (1..=ROWS).step_by(BATCH as usize) {
        let rows: Vec<Json> = (from..from + BATCH).map(row).collect();
        let data = json!([{ "range": format!("big!A{}", from + 1), "values": rows }]);
        let body = json!({ "valueInputOption": "RAW", "data": data });
        bytes = bytes.max(body.to_string().len());
        let (status, answer, took) =
            program.call("/v4/spreadsheets/big/values:batchUpdate", Some(&body)).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        times.push(took);
    }
    times.sort_unstable();
    let (now, most) = program.memory();
    let wanted = format!("wanted: under 1500 MB (at most {most} MB on the way)");
    say("memory of the program", &format!("{now} MB"), &wanted);
    let what =
        format!("a write of {:.1} MB, values.batchUpdate, median of {}", megabytes(bytes), times.len());
    let slowest = times.last().map_or_else(String::new, |slowest| ms(*slowest));
    say(&what, &ms(times[times.len() / 2]), &format!("wanted: under 200 ms (slowest {slowest})"));
}

async fn write_typed_cells(program: &Program) {
    let rows: Vec<Json> = (1..4_500).map(|number| typed(&row(number))).collect();
    let start = json!({ "sheetId": 5, "rowIndex": 400_000 });
    let update = json!([{ "updateCells": { "start": start, "rows": rows, "fields": "userEnteredValue" } }]);
    let what = format!("a write of {:.1} MB, updateCells", megabytes(update.to_string().len()));
    say(&what, &ms(program.batch(update).await), "wanted: under 200 ms");
    let line = json!({ "sheetId": 5, "dimension": "ROWS", "startIndex": 10, "endIndex": 11 });
    let both = json!([{ "insertDimension": { "range": line } }, { "deleteDimension": { "range": line } }]);
    say("inserting and deleting a row near the top", &ms(program.batch(both).await), "");
}

async fn read(program: &Program) {
    for (what, range) in [("20 rows in the middle", "A500000:I500020"), ("one whole column", "A1:A")] {
        let (_, body, took) = program.call(&format!("/v4/spreadsheets/big/values/big!{range}"), None).await;
        say(&format!("reading {what}, {:.1} MB", megabytes(body.len())), &ms(took), "");
    }
}

async fn act(program: &Program) {
    let word = json!({ "kind": "type", "sheet": 5, "row": 700_000, "column": 4, "text": "open" });
    let row = json!({ "kind": "delete_rows", "sheet": 5, "start": 9, "end": 10 });
    for (what, action) in [("a person types", word), ("a person deletes a row", row)] {
        for (what, action) in [(what, action), ("and takes it back", json!({ "kind": "undo" }))] {
            let body = json!({ "person": "ann@example.com", "action": action });
            let (status, answer, took) =
                program.call("/emulator/spreadsheets/big/actions", Some(&body)).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
            say(what, &ms(took), "");
        }
    }
}

async fn tell_own_cost(program: &Program) {
    let (_, body, _) = program.call("/emulator/calls", None).await;
    let calls: Json = serde_json::from_slice(&body).expect("JSON");
    println!("\nthe emulator's own cost, by its own clock");
    for (method, count) in calls["counts"].as_object().expect("counts") {
        let of = |name: &str| count[name].as_u64().unwrap_or_default();
        let each = of("took_ms") / of("calls").max(1);
        say(method, &format!("{each} ms"), &format!("a call, over {} calls", of("calls")));
    }
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
