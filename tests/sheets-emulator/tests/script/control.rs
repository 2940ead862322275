//! The script over HTTP: all that the page and tests in other processes do.

use serde_json::{Value as Json, json};
use sheets_emulator::{Emulator, Options};

use super::endpoint::{Endpoint, SECRET};
use super::stage::{ANN, CODE, MANIFEST};

struct Caller {
    base: String,
    client: reqwest::Client,
}

impl Caller {
    async fn call(&self, method: reqwest::Method, path: &str, body: Json) -> (u16, Json) {
        let request = self.client.request(method, format!("{}/emulator/{path}", self.base));
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn put(&self, path: &str, body: Json) -> (u16, Json) {
        self.call(reqwest::Method::PUT, path, body).await
    }

    async fn post(&self, path: &str, body: Json) -> (u16, Json) {
        self.call(reqwest::Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> (u16, Json) {
        self.call(reqwest::Method::GET, path, json!({})).await
    }
}

#[tokio::test]
async fn a_script_is_installed_connected_and_watched_over_http() {
    let emulator = Emulator::start(Options::default()).await.expect("starts");
    let endpoint = Endpoint::start().await;
    let caller = Caller { base: emulator.base_url(), client: reqwest::Client::new() };
    caller.post("spreadsheets", json!({ "id": "1http", "title": "Shop" })).await;
    assert_eq!(caller.get("spreadsheets/1http/script").await.0, 404, "none is installed");

    let files = json!({ "code": CODE, "manifest": MANIFEST });
    assert_eq!(caller.put("spreadsheets/1http/script", files).await.0, 200);
    let replies = [format!("http://{}", endpoint.address), "orders".into(), SECRET.into()]
        .map(|text| json!({ "text": text }));
    let choice = json!({ "item": "Connect", "person": ANN, "sheet": 0, "replies": replies });
    let (status, run) = caller.post("spreadsheets/1http/script/menu", choice).await;
    assert_eq!((status, &run["outcome"]), (200, &json!("completed")), "{run}");
    endpoint.take_seen();

    let typed = json!({ "kind": "type", "sheet": 0, "row": 0, "column": 0, "text": "id" });
    caller.post("spreadsheets/1http/actions", json!({ "person": ANN, "action": typed })).await;
    assert_eq!(caller.post("spreadsheets/1http/script/idle", json!({ "patience_ms": 20_000 })).await.0, 200);
    assert_eq!(endpoint.take_seen().len(), 1);

    let (_, overview) = caller.get("spreadsheets/1http/script").await;
    assert_eq!(overview["menus"][0]["items"][0]["label"], "Connect");
    assert_eq!(overview["triggers"].as_array().map(Vec::len), Some(3));
    let after = format!("spreadsheets/1http/script/executions/{}", run["id"]);
    let (_, log) = caller.get(&after).await;
    let functions: Vec<&Json> =
        log["executions"].as_array().expect("a list").iter().map(|one| &one["function"]).collect();
    assert_eq!(functions, ["onSheetEdit", "onSheetChange"]);

    let (_, knobs) =
        caller.put("spreadsheets/1http/script/knobs", json!({ "deliver": false, "timers": false })).await;
    assert_eq!((&knobs["deliver"], &knobs["parallel"]), (&json!(false), &json!(1)));
    assert_eq!(caller.put("spreadsheets/1http/script/knobs", json!({ "delivr": true })).await.0, 400);
    emulator.shutdown().await;
}

#[tokio::test]
async fn time_triggers_follow_the_emulators_clock() {
    let emulator = Emulator::start(Options::default()).await.expect("starts");
    let caller = Caller { base: emulator.base_url(), client: reqwest::Client::new() };
    caller.post("spreadsheets", json!({ "id": "1timer" })).await;
    let code = "function onOpen() { ScriptApp.newTrigger('tick').timeBased().everyMinutes(5).create(); }
                function tick(e) { console.log(e.triggerUid); }";
    caller.put("spreadsheets/1timer/script", json!({ "code": code, "manifest": MANIFEST })).await;
    caller.post("spreadsheets/1timer/script/open", json!({ "person": ANN })).await;

    let ticks = async || {
        let (_, log) = caller.get("spreadsheets/1timer/script/executions").await;
        log["executions"].as_array().expect("a list").iter().filter(|run| run["trigger"] == "clock").count()
    };
    for minutes in [4, 2] {
        assert_eq!(ticks().await, 0);
        caller.post("clock", json!({ "advance_ms": minutes * 60_000 })).await;
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while ticks().await == 0 {
        assert!(tokio::time::Instant::now() < deadline, "the trigger never ran");
        tokio::task::yield_now().await;
    }
    emulator.shutdown().await;
}
