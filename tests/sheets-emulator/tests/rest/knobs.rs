//! What nobody outside Google knows: every position of every knob that the interface shows.
//! (What triggers fire, and labels under a person's sort and undo, are told with accidents and labels.)

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};
use sheets_emulator::people::{Action, TriggerEvent};
use sheets_emulator::{BigNumbers, EventDates, Fires, Knobs, Labels, ProtectedWrite};

use super::stage::{ID, ROBOT, SHEET, Stage, label, range, rows, texts};

#[tokio::test]
async fn labels_in_a_sort_of_part_of_the_width() {
    for (knob, row) in [(Labels::Follow, 4), (Labels::Stay, 1)] {
        let stage = Stage::with(Knobs { labels_in_partial_sort: knob, ..Knobs::default() }).await;
        stage.batch(json!([label(5, "x", &json!({ "dimensionRange": rows(1, 2) }))])).await;
        let spec = json!([{ "dimensionIndex": 0, "sortOrder": "DESCENDING" }]);
        stage.batch(json!([{ "sortRange": { "range": range(1, 0, 5, 2), "sortSpecs": spec } }])).await;
        assert_eq!(stage.row_of(5).await, Some(row), "{knob:?}");
    }
}

#[tokio::test]
async fn labels_of_a_tab_that_is_copied() {
    for (copies, labels) in [(true, 2), (false, 1)] {
        let stage = Stage::with(Knobs { duplicate_copies_labels: copies, ..Knobs::default() }).await;
        let place = json!({ "dimensionRange": rows(1, 2) });
        stage.batch(json!([label(5, "x", &place), { "duplicateSheet": { "sourceSheetId": 0 } }])).await;
        let found = stage
            .post("/developerMetadata:search", json!({ "dataFilters": [{ "developerMetadataLookup": {} }] }))
            .await;
        assert_eq!(found["matchedDeveloperMetadata"].as_array().map(Vec::len), Some(labels));
    }
}

#[tokio::test]
async fn a_second_label_of_the_same_id() {
    for (unique, status) in [(true, 400), (false, 200)] {
        let stage = Stage::with(Knobs { metadata_ids_unique: unique, ..Knobs::default() }).await;
        let body = json!({ "requests": [label(5, "x", &json!({ "spreadsheet": true }))] });
        stage.post(":batchUpdate", body.clone()).await;
        assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&body)).await.0, status);
    }
}

#[tokio::test]
async fn strict_validation_and_the_interface() {
    for (blocks, status) in [(true, 400), (false, 200)] {
        let stage = Stage::with(Knobs { strict_validation_blocks_api: blocks, ..Knobs::default() }).await;
        let rule = json!({ "condition": { "type": "ONE_OF_LIST", "values": [{ "userEnteredValue": "new" }] }, "strict": true });
        stage.batch(json!([{ "setDataValidation": { "range": range(1, 2, 2, 3), "rule": rule } }])).await;
        let body = json!({ "requests": [texts(1, 2, &["old"])] });
        assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&body)).await.0, status);
        let put = json!({ "values": [["old"]] });
        assert_eq!(
            stage.call(Method::PUT, "/values/Orders!C2?valueInputOption=RAW", Some(&put)).await.0,
            status
        );
        stage.batch(json!([texts(1, 2, &["new"])])).await;
    }
}

#[tokio::test]
async fn a_write_that_begins_inside_and_ends_outside() {
    for (grows, status) in [(true, 200), (false, 400)] {
        let stage = Stage::with(Knobs { writes_grow_grid: grows, ..Knobs::default() }).await;
        let put = json!({ "values": [["a"], ["b"], ["c"]] });
        assert_eq!(
            stage.call(Method::PUT, "/values/Orders!A9?valueInputOption=RAW", Some(&put)).await.0,
            status
        );
    }
}

#[tokio::test]
async fn spelling_of_large_numbers_and_of_minus_zero() {
    let cases = [
        (BigNumbers::Digits, false, "[1705971932369780,0]"),
        (BigNumbers::Exponent, true, "[1.70597193236978E15,-0]"),
    ];
    for (big_numbers, minus_zero, wanted) in cases {
        let stage = Stage::with(Knobs { big_numbers, minus_zero, ..Knobs::default() }).await;
        let put = json!({ "values": [[1_705_971_932_369_780_i64, -0.0]] });
        stage.call(Method::PUT, "/values/Orders!A9?valueInputOption=RAW", Some(&put)).await;
        let read = stage.request(
            Method::GET,
            "/values/Orders!A9:B9?valueRenderOption=UNFORMATTED_VALUE&prettyPrint=false",
        );
        let text = read.send().await.expect("an answer").text().await.expect("text");
        assert!(text.contains(wanted), "{text}");
    }
}

#[tokio::test]
async fn a_user_of_the_quota_named_by_the_caller() {
    for (counts, status) in [(true, 200), (false, 429)] {
        let stage =
            Stage::with(Knobs { quota_user_counts: counts, reads_per_user: 1, ..Knobs::default() }).await;
        stage.emulator.world().clock().freeze(1_800_000_000_000);
        stage.get("/values/A1?quotaUser=a").await;
        assert_eq!(stage.call(Method::GET, "/values/A1?quotaUser=b", None).await.0, status);
    }
}

#[tokio::test]
async fn the_time_that_a_call_takes() {
    let stage = Stage::with(Knobs { service_ms: 80, ..Knobs::default() }).await;
    let started = Instant::now();
    stage.get("/values/A1").await;
    assert!(started.elapsed() >= Duration::from_millis(80));
    // and with the size: 20 kB at ten seconds a megabyte
    let stage = Stage::with(Knobs { service_ms_per_mb: 10_000, ..Knobs::default() }).await;
    let started = Instant::now();
    stage.batch(json!([texts(1, 1, &[&"x".repeat(20_000)])])).await;
    assert!(started.elapsed() >= Duration::from_millis(200));
    let timed = Knobs::default().with_service_time();
    assert_eq!((timed.service_ms, timed.service_ms_per_mb), (300, 1000));
}

#[tokio::test]
async fn the_version_in_drive() {
    for (moves, same) in [(true, false), (false, true)] {
        let stage = Stage::with(Knobs { drive_version_moves: moves, ..Knobs::default() }).await;
        let version = async || -> Json {
            let url = format!("{}/drive/v3/files/{ID}?fields=version", stage.emulator.base_url());
            stage
                .client
                .get(url)
                .bearer_auth(ROBOT)
                .send()
                .await
                .expect("an answer")
                .json()
                .await
                .expect("JSON")
        };
        let before = version().await;
        stage.batch(json!([texts(1, 1, &["x"])])).await;
        assert_eq!(version().await == before, same);
    }
    let stage = Stage::new().await;
    let url = format!("{}/drive/v3/files/nothing", stage.emulator.base_url());
    let missing: Json =
        stage.client.get(url).bearer_auth(ROBOT).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(missing["error"]["errors"][0]["reason"], "notFound");
}

#[tokio::test]
async fn what_fires_when_a_person_replaces_or_filters() {
    let kinds = |events: Vec<TriggerEvent>| -> Vec<bool> {
        events.iter().map(|event| matches!(event, TriggerEvent::Edit { .. })).collect()
    };
    for (fires, wanted) in
        [(Fires::Edit, vec![true, false]), (Fires::ChangeOther, vec![false]), (Fires::Silent, vec![])]
    {
        let stage =
            Stage::with(Knobs { replace_fires: fires, filter_fires: fires, ..Knobs::default() }).await;
        let replace = Action::Replace { sheet: SHEET, find: "BOB".into(), replacement: "Bea".into() };
        assert_eq!(kinds(stage.act(replace)), wanted);
        assert_eq!(stage.get("/values/Orders!B3").await["values"][0][0], "Bea");
        assert_eq!(kinds(stage.act(Action::Filter { sheet: SHEET, area: None })), wanted);
    }
}

#[tokio::test]
async fn a_date_in_an_edit_event() {
    for (dates, wanted) in [(EventDates::Serial, "46270"), (EventDates::Shown, "2026-09-05")] {
        let stage = Stage::with(Knobs { dates_in_events: dates, ..Knobs::default() }).await;
        let events = stage.type_text(1, 3, "2026-09-05");
        assert!(
            matches!(&events[0], TriggerEvent::Edit { value: Some(value), .. } if value == wanted),
            "{events:?}"
        );
    }
}

#[tokio::test]
async fn a_write_into_protected_cells() {
    for (knob, status) in [(ProtectedWrite::Invalid, 400), (ProtectedWrite::Forbidden, 403)] {
        let stage = Stage::with(Knobs { protected_write: knob, ..Knobs::default() }).await;
        stage
            .batch(json!([{ "addProtectedRange": { "protectedRange": { "range": range(1, 0, 2, 1) } } }]))
            .await;
        stage
            .emulator
            .world()
            .edit(&sheets_emulator::grid::SpreadsheetId::new(ID), sheets_emulator::Cause::Script, |book| {
                book.tabs[0].protected[0].editors.clear();
                Ok::<_, std::convert::Infallible>(())
            })
            .expect("is there")
            .expect("is done");
        let body = json!({ "requests": [texts(1, 0, &["x"])] });
        assert_eq!(stage.call(Method::POST, ":batchUpdate", Some(&body)).await.0, status);
        let put = json!({ "values": [["x"]] });
        assert_eq!(
            stage.call(Method::PUT, "/values/Orders!A2?valueInputOption=RAW", Some(&put)).await.0,
            status
        );
        assert_eq!(stage.call(Method::POST, "/values/Orders!A2:clear", None).await.0, status);
    }
}
