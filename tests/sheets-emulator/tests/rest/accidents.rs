//! What goes wrong by script: lost answers, errors, stale and empty reads, people in between.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};
use sheets_emulator::faults::{Applied, Fault, Moment, Rule};
use sheets_emulator::grid::Area;
use sheets_emulator::people::{Action, Person, TriggerEvent};
use sheets_emulator::{Fires, Knobs};

use super::stage::{ID, SHEET, Stage, rows, texts};

const BATCH: &str = "spreadsheets.batchUpdate";
const READ: &str = "/values/Orders!B3?prettyPrint=false";

fn person(moment: Moment, actions: Vec<Action>) -> Fault {
    Fault::Person { person: Person::new("ann@example.com"), moment, actions }
}

fn write() -> Json {
    json!({ "requests": [texts(2, 1, &["by the robot"])] })
}

async fn name(stage: &Stage) -> Json {
    stage.get(READ).await["values"][0][0].clone()
}

/// Tells whether the answer got lost.
async fn lost(stage: &Stage) -> bool {
    stage.request(Method::POST, ":batchUpdate").json(&write()).send().await.is_err()
}

#[tokio::test]
async fn a_lost_answer_tells_nothing_about_the_write() {
    for (applied, now) in [(Applied::Yes, "by the robot"), (Applied::No, "Bob")] {
        let stage = Stage::new().await;
        stage.emulator.faults().add(Rule::next(BATCH, Fault::LostReply { applied }));
        assert!(lost(&stage).await);
        assert_eq!(name(&stage).await, now);
        assert!(!lost(&stage).await, "the rule hits once");
    }
}

#[tokio::test]
async fn a_late_write_comes_after_so_many_calls_or_when_it_is_released() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(BATCH, Fault::LostReply { applied: Applied::AfterCalls(2) }));
    assert!(lost(&stage).await);
    assert_eq!(name(&stage).await, "Bob");
    assert_eq!(name(&stage).await, "by the robot", "applied when the second call came in");

    let stage = Stage::new().await;
    stage
        .emulator
        .faults()
        .add(Rule::next(BATCH, Fault::LostReply { applied: Applied::OnRelease("late".into()) }));
    assert!(lost(&stage).await);
    stage.emulator.faults().paused("late").await;
    assert_eq!(name(&stage).await, "Bob");
    stage.emulator.faults().release("late");
    let deadline = Instant::now() + Duration::from_secs(10);
    while name(&stage).await != "by the robot" {
        assert!(Instant::now() < deadline, "the late write never came");
    }
}

#[tokio::test]
async fn errors_come_before_or_after_the_work() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(BATCH, Fault::Status { code: 503 }));
    let (status, answer) = stage.call(Method::POST, ":batchUpdate", Some(&write())).await;
    assert_eq!(
        (status, answer["error"]["message"].clone()),
        (503, json!("The service is currently unavailable."))
    );
    assert_eq!(name(&stage).await, "Bob");
    stage.emulator.faults().add(Rule::next(BATCH, Fault::StatusAfter { code: 500 }));
    assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&write())).await.0, 500);
    assert_eq!(name(&stage).await, "by the robot");
    stage.emulator.faults().add(Rule::next("read", Fault::Quota));
    assert_eq!(stage.call(Method::GET, READ, None).await.0, 429);
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_the_work_is_done() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(BATCH, Fault::Slow { ms: 150 }));
    let started = Instant::now();
    stage.post(":batchUpdate", write()).await;
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert_eq!(name(&stage).await, "by the robot");
}

#[tokio::test]
async fn a_body_breaks_off() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next("read", Fault::CutBody));
    let answer = stage.request(Method::GET, READ).send().await.expect("the head arrives");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn reads_go_back_in_time_or_find_nothing() {
    let stage = Stage::new().await;
    stage.post(":batchUpdate", write()).await;
    stage.emulator.faults().add(Rule::next("read", Fault::StaleRead { changes: 1 }));
    assert_eq!(name(&stage).await, "Bob");
    assert_eq!(name(&stage).await, "by the robot");
    stage.emulator.faults().add(Rule { times: 2, ..Rule::next("read", Fault::EmptyRead) });
    assert_eq!(name(&stage).await, Json::Null);
    let grid = stage.get("?ranges=Orders&fields=sheets(properties.title,data.rowData)").await;
    assert_eq!(grid, json!({ "sheets": [{ "properties": { "title": "Orders" }, "data": [{}] }] }));
}

#[tokio::test]
async fn a_person_acts_just_before_just_after_or_inside() {
    let insert = || vec![Action::InsertRows { sheet: SHEET, at: 1, count: 1 }];
    let body = json!({ "requests": [texts(2, 1, &["by the robot"])], "includeSpreadsheetInResponse": true, "responseRanges": ["Orders!A1:B6"], "responseIncludeGridData": true });
    for (moment, hit, shown) in [(Moment::Before, "1", 2), (Moment::After, "2", 2), (Moment::Inside, "2", 3)]
    {
        let stage = Stage::new().await;
        stage.emulator.faults().add(Rule::next(BATCH, person(moment, insert())));
        let answer = stage.post(":batchUpdate", body.clone()).await;
        // which record was hit
        let values = stage.get("/values/Orders").await["values"].clone();
        let row = values
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row[1] == "by the robot")
            .expect("it is somewhere");
        assert_eq!(row[0], hit, "{moment:?}");
        // and where the answer shows it
        let rows =
            answer["updatedSpreadsheet"]["sheets"][0]["data"][0]["rowData"].as_array().expect("rows").clone();
        let at = rows.iter().position(|row| row["values"][1]["formattedValue"] == "by the robot");
        assert_eq!(at, Some(shown), "{moment:?}");
    }
}

#[tokio::test]
async fn a_person_acts_after_a_read() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(
        "read",
        person(Moment::After, vec![Action::Type { sheet: SHEET, row: 2, column: 1, text: "Bea".into() }]),
    ));
    assert_eq!([name(&stage).await, name(&stage).await], ["Bob", "Bea"]);
}

#[tokio::test]
async fn the_second_batch_waits_until_it_is_let_go() {
    let stage = Stage::new().await;
    stage
        .emulator
        .faults()
        .add(Rule { skip: 1, ..Rule::next(BATCH, Fault::Pause { name: "second".into() }) });
    stage.post(":batchUpdate", write()).await;
    let second = stage
        .request(Method::POST, ":batchUpdate")
        .json(&json!({ "requests": [{ "deleteDimension": { "range": rows(2, 3) } }] }));
    let second = tokio::spawn(second.send());
    stage.emulator.faults().paused("second").await;
    assert_eq!(name(&stage).await, "by the robot");
    stage.emulator.faults().release("second");
    assert!(second.await.expect("no panic").expect("an answer").status().is_success());
    assert_eq!(name(&stage).await, "Cid");
}

#[tokio::test]
async fn an_answer_is_held_back_and_the_write_is_there() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(BATCH, Fault::HoldAnswer { name: "answer".into() }));
    let waiting = tokio::spawn(stage.request(Method::POST, ":batchUpdate").json(&write()).send());
    stage.emulator.faults().paused("answer").await;
    assert_eq!(name(&stage).await, "by the robot");
    assert!(!waiting.is_finished());
    stage.emulator.faults().release("answer");
    let answer = waiting.await.expect("no panic").expect("an answer");
    assert!(answer.status().is_success());
}

#[tokio::test]
async fn a_call_whose_client_is_gone_is_carried_out_all_the_same() {
    let stage = Stage::new().await;
    stage.emulator.faults().add(Rule::next(BATCH, Fault::Pause { name: "late".into() }));
    let client = tokio::spawn(stage.request(Method::POST, ":batchUpdate").json(&write()).send());
    stage.emulator.faults().paused("late").await;
    client.abort();
    assert!(client.await.is_err_and(|end| end.is_cancelled()));
    // By then the service has seen that nobody is there any more.
    assert_eq!(name(&stage).await, "Bob");
    stage.emulator.faults().release("late");
    let deadline = Instant::now() + Duration::from_secs(10);
    while name(&stage).await != "by the robot" {
        assert!(Instant::now() < deadline, "the call went with its client");
    }
}

#[tokio::test]
async fn rules_come_over_http_too() {
    let stage = Stage::new().await;
    let url = format!("{}/emulator/faults", stage.emulator.base_url());
    let rule = json!({ "match": { "method": BATCH, "spreadsheet": ID }, "times": 2, "fault": { "kind": "status", "code": 500 } });
    let answer: Json =
        stage.client.post(&url).json(&rule).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["number"], 1);
    assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&write())).await.0, 500);
    stage.client.delete(&url).send().await.expect("an answer");
    assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&write())).await.0, 200);
}

#[tokio::test]
async fn what_fires_is_told_and_the_unknown_is_a_knob() {
    let fired = |events: Vec<TriggerEvent>| serde_json::to_value(events).expect("JSON");
    let sort = || Action::SortByColumn { sheet: SHEET, column: 0, descending: true, area: None };
    for (fires, wanted) in
        [(Fires::Edit, vec!["edit", "change"]), (Fires::ChangeOther, vec!["change"]), (Fires::Silent, vec![])]
    {
        let stage = Stage::with(Knobs {
            sort_fires: fires,
            undo_fires: fires,
            fill_fires: fires,
            ..Knobs::default()
        })
        .await;
        let fill = Action::Fill { sheet: SHEET, area: Area::new(6, 0, 8, 1) };
        for action in [sort(), Action::Undo, Action::Redo, Action::Undo, fill] {
            let events = fired(stage.act(action));
            let kinds: Vec<&str> = events
                .as_array()
                .expect("events")
                .iter()
                .filter_map(|event| event["kind"].as_str())
                .collect();
            assert_eq!(kinds, wanted);
        }
        assert_eq!(stage.keys(), ["id", "1", "2", "3", "4"], "undone");
    }
    let stage = Stage::new().await;
    let events = fired(stage.type_text(1, 0, "5"));
    assert_eq!((events[0]["value"].clone(), events[0]["old_value"].clone()), (json!("5"), json!("1")));
    let paste = Action::PasteBlock {
        sheet: SHEET,
        row: 9,
        column: 0,
        cells: vec![vec!["8".into()], vec!["9".into()]],
    };
    assert_eq!(
        fired(stage.act(paste))[0]["value"],
        Json::Null,
        "a paste has no value, and made the grid larger"
    );
    assert_eq!(
        fired(stage.act(Action::InsertRows { sheet: SHEET, at: 0, count: 1 })),
        json!([{ "kind": "change", "change": "INSERT_ROW", "user": "ann@example.com" }])
    );
}
