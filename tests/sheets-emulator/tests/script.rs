//! The project's real script in the emulator: what a person does at the grid leaves as a signed POST, whatever happens
//! on the way.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use sha2::Sha256;
use sheets_emulator::Google;
use sheets_emulator::grid::{Area, SheetId, SpreadsheetId, Tab, Value};
use sheets_emulator::people::{Action, Person};
use sheets_emulator::script::{Execution, Kill, KillPoint, Outcome, Reply, Script, ScriptKnobs, Scripts, Shown, Source, Trigger};

const CODE: &str = include_str!("../../../apps-script/Code.js");
const MANIFEST: &str = include_str!("../../../apps-script/appsscript.json");
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ANN: &str = "ann@example.com";
const SHEET: SheetId = SheetId(0);
const PATIENCE: Duration = Duration::from_secs(20);

/// One request as the endpoint saw it.
#[derive(Debug, Clone)]
struct Seen {
    path: String,
    id: String,
    body: Json,
    signature_is_right: bool,
}

impl Seen {
    fn edits(&self) -> Vec<Json> {
        self.body["edits"].as_array().cloned().unwrap_or_default()
    }
}

/// What the endpoint answers: status, `Retry-After`, and for each edit the fields beside its id.
type Plan = VecDeque<(u16, Json)>;

/// A small HTTP server in the daemon's place: notes every request and answers as planned, else that all is accepted.
#[derive(Clone)]
struct Endpoint {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    plan: Arc<Mutex<Plan>>,
}

impl Endpoint {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = Self { address: listener.local_addr().expect("an address"), seen: Arc::default(), plan: Arc::default() };
        let serving = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let endpoint = serving.clone();
                let service = service_fn(move |request| {
                    let endpoint = endpoint.clone();
                    async move { Ok::<_, Infallible>(endpoint.take(request).await) }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        endpoint
    }

    async fn take(&self, request: Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let signed = [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", &body].concat();
        let seen = Seen {
            path: head.uri.path().to_owned(),
            id: header("webhook-id"),
            body: serde_json::from_slice(&body).expect("JSON"),
            signature_is_right: header("webhook-signature") == format!("v1,{}", sign(&signed)),
        };
        let (status, outcome) = self.plan.lock().expect("unpoisoned").pop_front().unwrap_or((202, json!({ "outcome": "accepted" })));
        let answers: Vec<Json> = seen.edits().iter().map(|edit| {
            let mut answer = outcome.clone();
            answer["id"] = edit["id"].clone();
            answer
        }).collect();
        self.seen.lock().expect("unpoisoned").push(seen);
        let mut response = Response::new(Full::new(Bytes::from(json!({ "edits": answers }).to_string())));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    }

    fn will_answer(&self, status: u16, outcome: Json) {
        self.plan.lock().expect("unpoisoned").push_back((status, outcome));
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("unpoisoned").clone()
    }

    /// Requests since the last call of this.
    fn new(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("unpoisoned"))
    }
}

fn sign(bytes: &[u8]) -> String {
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key");
    mac.update(bytes);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A spreadsheet with a small table, a script on it, and an endpoint.
struct Stage {
    google: Arc<Google>,
    scripts: Arc<Scripts>,
    id: SpreadsheetId,
    script: Arc<Script>,
    endpoint: Endpoint,
}

impl Stage {
    async fn with(code: &str) -> Self {
        let google = Arc::new(Google::default());
        let scripts = Scripts::new(&google);
        let id = SpreadsheetId::new("1stage");
        google.create(id.clone(), "Shop", |book| {
            book.time_zone = "Asia/Tokyo".into();
            let table = [["id", "name", "price"], ["17", "Ann", "9.5"], ["18", "Bob", "3"]];
            for (row, cells) in (0_u32..).zip(table) {
                for (column, text) in (0_u32..).zip(cells) {
                    book.tabs[0].set_value(row, column, Value::text(text));
                }
            }
        });
        let script = scripts.install(&id, Source::new(code, MANIFEST).expect("a manifest")).expect("installed");
        Self { google, scripts, id, script, endpoint: Endpoint::start().await }
    }

    /// With the real script, connected to link `orders` by its menu.
    async fn connected() -> Self {
        let stage = Self::with(CODE).await;
        let mut knobs = stage.script.knobs();
        knobs.timers = false;
        stage.script.set_knobs(knobs);
        let connected = stage.connect(0, "orders").await;
        assert_eq!(connected.outcome, Outcome::Completed, "{connected:?}");
        stage.endpoint.new();
        stage
    }

    async fn connect(&self, sheet: i32, link: &str) -> Execution {
        let address = format!("http://{}/", self.endpoint.address);
        let replies = vec![Reply::text(address), Reply::text(link), Reply::text(SECRET)];
        self.script.choose("Connect", ANN, sheet, replies).await.expect("the menu has it")
    }

    fn does(&self, action: &Action) {
        self.google.act(&self.id, &Person::new(ANN), action).expect("the spreadsheet").expect("an allowed action");
    }

    fn types(&self, row: u32, column: u32, text: &str) {
        self.does(&Action::Type { sheet: SHEET, row, column, text: text.into() });
    }

    async fn idle(&self) {
        self.script.wait_idle(PATIENCE).await.expect("idle in time");
    }

    async fn time_passes(&self, minutes: i64) {
        self.google.clock().advance(minutes * 60_000);
        self.script.fire_timers();
        self.idle().await;
    }

    fn turn(&self, change: impl FnOnce(&mut ScriptKnobs)) {
        let mut knobs = self.script.knobs();
        change(&mut knobs);
        self.script.set_knobs(knobs);
    }

    fn waiting(&self) -> usize {
        self.script.properties("document").keys().filter(|key| key.starts_with("edit/")).count()
    }

    fn note(&self, row: u32, column: u32) -> Option<String> {
        let book = self.google.spreadsheet(&self.id).expect("the spreadsheet");
        book.tab(SHEET).expect("the tab").cell(row, column).note().map(str::to_owned)
    }

    /// The last run of the edit trigger; a change trigger runs after each.
    fn last(&self) -> Execution {
        self.script.executions().into_iter().rfind(|run| run.trigger == Trigger::Edit).expect("an edit ran")
    }

    /// What a script of one's own logs.
    async fn logs(code: &str) -> Vec<String> {
        let stage = Self::with(&format!("function onOpen() {{ {code} }}")).await;
        let run = stage.script.open(ANN).await.expect("runs");
        assert_eq!(run.outcome, Outcome::Completed, "{run:?}");
        run.lines.into_iter().map(|line| line.text).collect()
    }
}

#[tokio::test]
async fn a_typed_cell_leaves_as_a_signed_post() {
    let stage = Stage::connected().await;

    stage.types(1, 1, "Änne 🙂");
    stage.idle().await;

    let [post] = &stage.endpoint.seen()[..] else { panic!("one POST, not {:?}", stage.endpoint.seen()) };
    assert!(post.signature_is_right, "over UTF-8 bytes");
    assert_eq!(post.path, "/v1/links/orders/edits");
    assert_eq!(post.body["v"], 1);
    assert_eq!(post.body["spreadsheet"], stage.id.as_str());
    assert_eq!(post.body["sheet_id"], 0);
    let edit = &post.edits()[0];
    assert_eq!(edit["kind"], "edit");
    assert_eq!(edit["range"], json!({ "row_start": 2, "row_end": 2, "column_start": 2, "column_end": 2 }));
    assert_eq!(edit["header"], json!(["id", "name", "price"]));
    assert_eq!(edit["rows"], json!([{ "row": 2, "cells": ["17", "Änne 🙂", "9.5"] }]));
    assert_eq!((&edit["value"], &edit["old_value"], &edit["editor"]), (&json!("Änne 🙂"), &json!("Ann"), &json!(ANN)));
    assert_eq!(edit["zone"], "Asia/Tokyo");
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn what_the_endpoint_could_not_take_is_sent_again_by_the_timer() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(500, Json::Null);
    stage.endpoint.will_answer(503, Json::Null);

    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.waiting(), 1, "the edit is kept");

    // A second edit in the pause waits too and is not sent into a closed door.
    stage.types(2, 1, "Bert");
    stage.idle().await;
    assert_eq!(stage.endpoint.seen().len(), 1);

    stage.time_passes(1).await;
    stage.time_passes(5).await;

    let posts = stage.endpoint.seen();
    assert_eq!(posts.len(), 4, "500, 503, the same parcel again, then the second edit");
    assert_eq!(posts[0].id, posts[1].id);
    assert_eq!(posts[1].id, posts[2].id);
    assert_ne!(posts[2].id, posts[3].id);
    assert_eq!(posts[0].body, posts[2].body);
    assert!(posts.iter().all(|post| post.signature_is_right));
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn many_waiting_edits_leave_in_one_post() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.kill = Some(Kill { at: KillPoint::BeforeSend, chance: 1.0 }));
    stage.types(1, 1, "one");
    stage.idle().await;
    assert_eq!(stage.last().outcome, Outcome::Killed);
    stage.turn(|knobs| knobs.kill = None);
    stage.endpoint.will_answer(500, Json::Null);
    stage.types(1, 1, "two");
    stage.idle().await;
    for text in ["three", "four", "five"] {
        stage.types(1, 1, text);
    }
    stage.idle().await;
    stage.endpoint.new();

    stage.time_passes(2).await;

    let sizes: Vec<usize> = stage.endpoint.seen().iter().map(|post| post.edits().len()).collect();
    assert_eq!(sizes, [1, 4], "the parcel that was under way as it was, then all others together");
}

#[tokio::test]
async fn a_run_that_is_killed_after_the_send_repeats_itself_exactly() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.kill = Some(Kill { at: KillPoint::AfterSend, chance: 1.0 }));
    stage.types(1, 2, "10");
    stage.idle().await;
    assert_eq!(stage.last().outcome, Outcome::Killed);
    assert_eq!((stage.endpoint.seen().len(), stage.waiting()), (1, 1));

    stage.turn(|knobs| knobs.kill = None);
    stage.time_passes(1).await;

    let posts = stage.endpoint.seen();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].id, posts[1].id, "the same webhook-id");
    assert_eq!(posts[0].body, posts[1].body, "the same edit ids");
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn killed_at_any_call_of_a_service_nothing_that_was_stored_is_lost() {
    for number in 0..60 {
        let stage = Stage::connected().await;
        stage.turn(|knobs| knobs.kill = Some(Kill { at: KillPoint::Call(number), chance: 1.0 }));
        stage.types(1, 1, "Anna");
        stage.idle().await;
        let (outcome, stored) = (stage.last().outcome, stage.waiting());
        let sent_at_once = !stage.endpoint.seen().is_empty();

        stage.turn(|knobs| knobs.kill = None);
        stage.time_passes(1).await;

        let ids: BTreeSet<String> = stage.endpoint.seen().iter().flat_map(Seen::edits).map(|edit| edit["id"].to_string()).collect();
        assert_eq!(ids.len(), usize::from(stored > 0 || sent_at_once), "killed at call {number}");
        assert_eq!(stage.waiting(), 0, "killed at call {number}");
        if outcome == Outcome::Completed {
            assert!(number > 10, "only {number} calls were tried");
            return;
        }
        assert_eq!(outcome, Outcome::Killed, "killed at call {number}");
    }
    panic!("a run has more calls than were tried");
}

#[tokio::test]
async fn a_refused_cell_gets_a_note_and_loses_it_when_mended() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(200, json!({ "outcome": "refused", "row": 2, "column": "price", "message": "price: must be a number" }));
    stage.types(1, 2, "cheap");
    stage.idle().await;
    assert_eq!(stage.note(1, 2).as_deref(), Some("sheetbridge: price: must be a number"));
    assert!(stage.last().shown.iter().any(|shown| matches!(shown, Shown::Toast { text, .. } if text.contains("must be a number"))));

    stage.endpoint.will_answer(200, json!({ "outcome": "conflict", "row": 2, "column": "price", "message": "the database had 7" }));
    stage.types(1, 2, "8");
    stage.idle().await;
    assert_eq!(stage.note(1, 2).as_deref(), Some("sheetbridge: the database had 7"), "our own note is replaced");

    stage.endpoint.will_answer(200, json!({ "outcome": "applied", "row": 2 }));
    stage.types(1, 2, "9");
    stage.idle().await;
    assert_eq!(stage.note(1, 2), None);
}

#[tokio::test]
async fn a_persons_note_is_never_replaced() {
    let stage = Stage::connected().await;
    stage.does(&Action::Note { sheet: SHEET, row: 1, column: 2, text: "ask Bob".into() });
    stage.idle().await;
    stage.endpoint.new();

    stage.endpoint.will_answer(200, json!({ "outcome": "refused", "row": 2, "column": "price", "message": "no" }));
    stage.types(1, 2, "cheap");
    stage.idle().await;

    assert_eq!(stage.note(1, 2).as_deref(), Some("ask Bob"));
    assert!(!stage.last().shown.is_empty(), "the person is told all the same");
}

#[tokio::test]
async fn a_wrong_secret_stops_the_tab_and_keeps_the_edit() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(401, Json::Null);
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert!(stage.last().shown.iter().any(|shown| shown.text().contains("401")), "{:?}", stage.last());

    stage.time_passes(60).await;
    assert_eq!((stage.endpoint.seen().len(), stage.waiting()), (1, 1), "nothing more is tried");

    let tried = stage.script.choose("Test connection", ANN, 0, Vec::new()).await.expect("the menu has it");
    assert!(tried.shown[0].text().starts_with("Connected"), "{tried:?}");
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn what_the_endpoint_cannot_read_is_given_up_and_told() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(413, Json::Null);
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.waiting(), 0);
    assert!(stage.last().shown.iter().any(|shown| shown.text().contains("413")));
}

#[tokio::test]
async fn two_tabs_of_one_spreadsheet_have_links_of_their_own() {
    let stage = Stage::connected().await;
    let answer = stage.google.edit(&stage.id, sheets_emulator::Cause::Api, |book| {
        let mut tab = Tab::new(SheetId(7), "People", 20, 5);
        tab.set_value(0, 0, Value::text("mail"));
        book.tabs.push(tab);
        Ok::<_, Infallible>(())
    });
    answer.expect("the spreadsheet").expect("done");
    stage.connect(7, "people").await;
    assert_eq!(stage.script.triggers().len(), 3, "triggers are installed once");
    stage.endpoint.new();

    stage.does(&Action::Type { sheet: SheetId(7), row: 1, column: 0, text: "x@y.z".into() });
    stage.types(1, 1, "Anna");
    stage.does(&Action::InsertRows { sheet: SHEET, at: 1, count: 1 });
    stage.idle().await;

    let told = |link: &str, kind: &str| {
        let path = format!("/v1/links/{link}/edits");
        stage.endpoint.seen().iter().filter(|post| post.path == path).flat_map(Seen::edits).filter(|edit| edit["kind"] == kind).count()
    };
    assert_eq!((told("orders", "edit"), told("people", "edit")), (1, 1));
    assert_eq!((told("orders", "change"), told("people", "change")), (1, 1), "a change names no tab, so both are told");

    let gone = stage.script.choose("Disconnect", ANN, 7, Vec::new()).await.expect("the menu has it");
    assert_eq!(gone.outcome, Outcome::Completed);
    assert_eq!(stage.script.triggers().len(), 3, "the other tab is still linked");
    stage.script.choose("Disconnect", ANN, 0, Vec::new()).await.expect("the menu has it");
    assert!(stage.script.triggers().is_empty() && stage.script.properties("document").keys().all(|key| key == "notes"));
}

#[tokio::test]
async fn a_large_paste_fits_into_the_properties() {
    let stage = Stage::connected().await;
    let cells = (0..150).map(|row| vec![format!("{row}"), "é".repeat(100), "1".into()]).collect();
    stage.endpoint.will_answer(500, Json::Null);
    stage.does(&Action::PasteBlock { sheet: SHEET, row: 1, column: 0, cells });
    stage.idle().await;
    assert!(stage.waiting() > 5, "in several parts: {}", stage.waiting());

    stage.time_passes(1).await;
    let edit = stage.endpoint.seen()[1].edits()[0].clone();
    assert_eq!(edit["rows"].as_array().map(Vec::len), Some(100), "at most 100 rows are sent along");
    assert_eq!(edit["range"]["row_end"], 151);
    assert_eq!(edit["rows"][99]["cells"][1], "é".repeat(100));
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn clearing_and_pasting_send_no_value() {
    let stage = Stage::connected().await;
    stage.does(&Action::Clear { sheet: SHEET, area: Area::cell(1, 1) });
    stage.does(&Action::PasteBlock { sheet: SHEET, row: 2, column: 1, cells: vec![vec!["x".into()]] });
    stage.idle().await;
    let edits: Vec<Json> = stage.endpoint.seen().iter().flat_map(Seen::edits).collect();
    assert_eq!(edits.len(), 2);
    assert!(edits.iter().all(|edit| edit.get("value").is_none()), "{edits:?}");
}

#[tokio::test]
async fn deliveries_can_be_lost_dropped_and_doubled() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.lose = 1.0);
    stage.types(1, 1, "a");
    stage.turn(|knobs| (knobs.lose, knobs.deliver) = (0.0, false));
    stage.types(1, 1, "b");
    stage.idle().await;
    assert!(stage.endpoint.seen().is_empty());

    stage.turn(|knobs| (knobs.deliver, knobs.queue_limit, knobs.delay_ms) = (true, Some(2), 300));
    for text in ["c", "d", "e"] {
        stage.types(1, 1, text);
    }
    stage.idle().await;
    let kept: usize = stage.endpoint.new().iter().map(|post| post.edits().len()).sum();
    assert_eq!(kept, 1, "the queue holds one edit's two events; the others are dropped");
    assert!(stage.script.executions().iter().any(|run| run.outcome == Outcome::Dropped("the queue is full".into())));

    stage.turn(|knobs| (knobs.queue_limit, knobs.delay_ms, knobs.double) = (None, 0, 1.0));
    stage.types(1, 1, "f");
    stage.idle().await;
    assert_eq!(stage.endpoint.new().iter().map(|post| post.edits().len()).sum::<usize>(), 2);
}

#[tokio::test]
async fn a_day_without_requests_left_is_waited_out() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.fetches_left = Some(0));
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.last().outcome, Outcome::Completed);
    assert_eq!(stage.waiting(), 1);
    stage.turn(|knobs| knobs.fetches_left = None);
    stage.time_passes(1).await;
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_asked_every_minute() {
    let mut stage = Stage::connected().await;
    stage.endpoint.new();
    let answers = std::mem::replace(&mut stage.endpoint, Endpoint::start().await);
    for _ in 0..40 {
        answers.will_answer(503, Json::Null);
    }
    stage.types(1, 1, "Anna");
    stage.idle().await;
    for _ in 0..120 {
        stage.time_passes(1).await;
    }
    let tries = answers.seen().len();
    assert!((6..12).contains(&tries), "{tries} tries in two hours");
    assert_eq!(stage.waiting(), 1);
}

#[tokio::test]
async fn hmac_vectors_of_the_live_service() {
    let logs = Stage::logs(
        r#"const sign = (...parts) => console.log(JSON.stringify(Utilities.computeHmacSha256Signature(...parts)));
           sign("this is my input", "my key - use a stronger one");
           sign("café", "€🙂", Utilities.Charset.UTF_8);
           sign("café", "€🙂");
           sign(Utilities.newBlob("café").getBytes(), Utilities.newBlob("€🙂").getBytes());
           try { sign([1, 2], "key"); } catch (error) { console.log(error.message); }"#,
    )
    .await;
    let utf8 = "[76,-16,35,99,-128,106,-22,-17,-102,-19,4,97,-75,64,107,79,99,19,-54,-6,90,54,121,-39,-126,13,2,-40,-84,109,-2,115]";
    assert_eq!(logs, [
        "[53,-75,-52,-25,-47,86,-21,14,-2,-57,5,-13,24,105,-2,-84,127,115,-40,-75,-93,-27,-21,34,-55,-117,-36,-103,-47,116,-55,-61]",
        utf8,
        "[-125,73,-127,-128,-43,-39,99,-10,39,-49,-128,27,8,-117,4,-120,-26,-111,16,114,-115,1,-1,-68,-27,88,7,117,55,-87,-123,-52]",
        utf8,
        "The parameters (number[],String) don't match the method signature for Utilities.computeHmacSha256Signature.",
    ]);
}

#[tokio::test]
async fn script_zone_and_spreadsheet_zone_are_apart() {
    let logs = Stage::logs(
        r#"const sheet = SpreadsheetApp.getActive().getSheets()[0];
           sheet.getRange(5, 1).setValue("2018-07-17");
           const date = sheet.getRange(5, 1).getValue();
           console.log(date.toISOString(), date.getDate(), sheet.getRange(5, 1).getDisplayValue());
           console.log(Utilities.formatDate(date, SpreadsheetApp.getActive().getSpreadsheetTimeZone(), "yyyy-MM-dd'T'HH:mm:ss.SSS"));
           console.log(Session.getScriptTimeZone());"#,
    )
    .await;
    assert_eq!(logs, ["2018-07-16T15:00:00.000Z 16 2018-07-17", "2018-07-17T00:00:00.000", "Etc/UTC"]);
}

#[tokio::test]
async fn an_endless_run_is_ended_by_the_limit_and_a_sleep_counts() {
    for code in ["for (;;);", "try { for (;;); } finally { console.log('seen'); }", "for (;;) Utilities.sleep(1000);"] {
        let stage = Stage::with(&format!("function onOpen() {{ {code} }}")).await;
        stage.turn(|knobs| knobs.run_limit_ms = if code.contains("sleep") { 360_000 } else { 200 });
        let run = stage.script.open(ANN).await.expect("ends");
        assert_eq!((run.outcome, run.lines.len()), (Outcome::TimedOut, 0), "{code}");
    }
}

#[tokio::test]
async fn services_refuse_as_google_does() {
    let stage = Stage::with("").await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    stage.endpoint.will_answer(404, Json::Null);
    let logs = Stage::logs(&format!(
        r#"const said = (work) => {{ try {{ work(); console.log('fine'); }} catch (error) {{ console.log(error.message); }} }};
           said(() => UrlFetchApp.fetch('http://{}/x', {{ method: 'post', payload: '{{"edits":[]}}' }}));
           said(() => UrlFetchApp.fetch('http://{closed}/', {{ muteHttpExceptions: true }}));
           said(() => PropertiesService.getScriptProperties().setProperty('k', 'x'.repeat(9217)));
           said(() => SpreadsheetApp.getActive().getSheets()[0].getRange(0, 1));
           said(() => SpreadsheetApp.openById('other'));
           said(() => ScriptApp.newTrigger('f').timeBased().everyMinutes(2));"#,
        stage.endpoint.address
    ))
    .await;
    let address = stage.endpoint.address;
    assert_eq!(logs, [
        format!("Request failed for http://{address} returned code 404. Truncated server response: {{\"edits\":[]}} (use muteHttpExceptions option to examine full response)"),
        format!("Address unavailable: http://{closed}/"),
        "Argument too large: value".into(),
        "The starting row of the range is too small.".into(),
        "You do not have permission to access the requested document.".into(),
        "The value you passed to everyMinutes was invalid. It must be one of 1, 5, 10, 15, 30.".into(),
    ]);
}

#[tokio::test]
async fn locks_keep_parallel_runs_apart_and_end_with_their_run() {
    let code = r"
        function onOpen() { ScriptApp.newTrigger('count').forSpreadsheet(SpreadsheetApp.getActive()).onEdit().create(); }
        function count() {
          const store = PropertiesService.getScriptProperties();
          const lock = LockService.getScriptLock();
          lock.waitLock(10000);
          const seen = Number(store.getProperty('seen') || '0');
          for (let i = 0; i < 20000; i++);
          store.setProperty('seen', seen + 1);
          // Never released: the end of the run does it.
        }";
    let stage = Stage::with(code).await;
    stage.turn(|knobs| knobs.parallel = 4);
    stage.script.open(ANN).await.expect("runs");
    for _ in 0..12 {
        stage.types(1, 1, "x");
    }
    stage.idle().await;
    assert_eq!(stage.script.properties("script").get("seen").map(String::as_str), Some("12"));
}

#[tokio::test]
async fn a_new_source_keeps_triggers_and_properties() {
    let stage = Stage::connected().await;
    stage.scripts.install(&stage.id, Source::new(CODE, MANIFEST).expect("a manifest")).expect("installed");
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.endpoint.seen().len(), 1);
}
