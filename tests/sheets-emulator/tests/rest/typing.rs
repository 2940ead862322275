//! What typing comes to: the recorded coercions said again over HTTP, and the same texts sent raw.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::stage::{Stage, range};

/// The recorded coercions of `en_US` in 2026: what is typed, what is stored, what `FORMATTED_VALUE` shows, and the number
/// format that comes with it.
fn recorded() -> Vec<(&'static str, Json, &'static str, Json)> {
    let number = |number: Json| json!({ "numberValue": number });
    let text = |text: &str| json!({ "stringValue": text });
    let format = |kind: &str, pattern: &str| json!({ "type": kind, "pattern": pattern });
    vec![
        ("1-2", number(json!(46024)), "1-2", format("DATE", "m-d")),
        ("2026-09-05", number(json!(46270)), "2026-09-05", format("DATE", "yyyy-mm-dd")),
        ("2020-01-01", number(json!(43831)), "2020-01-01", format("DATE", "yyyy-mm-dd")),
        ("$100.15", number(json!(100.15)), "$100.15", format("CURRENCY", "\"$\"#,##0.00")),
        ("007", number(json!(7)), "7", Json::Null),
        ("0042", number(json!(42)), "42", Json::Null),
        ("TRUE", json!({ "boolValue": true }), "TRUE", Json::Null),
        ("'0123", text("0123"), "0123", Json::Null),
        ("=1+2", json!({ "formulaValue": "=1+2" }), "3", Json::Null),
        ("2,000,000.01", number(json!(2_000_000.01)), "2,000,000.01", format("NUMBER", "#,##0.00")),
        ("3_1_0", text("3_1_0"), "3_1_0", Json::Null),
        ("3 5", number(json!(46086)), "3 5", format("DATE", "m d")),
        ("+x", json!({ "formulaValue": "=+x" }), "#NAME?", Json::Null),
    ]
}

/// Value, shown text and number format of the cell D2.
async fn cell(stage: &Stage) -> (Json, Json, Json) {
    let fields = "sheets.data.rowData.values(userEnteredValue,formattedValue,userEnteredFormat.numberFormat)";
    let read = stage.get(&format!("?ranges=Orders!D2&fields={fields}")).await;
    let cell = &read["sheets"][0]["data"][0]["rowData"][0]["values"][0];
    (
        cell["userEnteredValue"].clone(),
        cell["formattedValue"].clone(),
        cell["userEnteredFormat"]["numberFormat"].clone(),
    )
}

async fn put(stage: &Stage, option: &str, text: &str) {
    let path = format!("/values/Orders!D2?valueInputOption={option}");
    let (status, answer) = stage.call(Method::PUT, &path, Some(&json!({ "values": [[text]] }))).await;
    assert_eq!(status, 200, "{text}: {answer}");
}

async fn clean(stage: &Stage) {
    stage.batch(json!([{ "updateCells": { "range": range(1, 3, 2, 4), "fields": "*" } }])).await;
}

#[tokio::test]
async fn the_recorded_coercions_are_made_again() {
    let knobs = sheets_emulator::Knobs { writes_per_user: 1000, reads_per_user: 1000, ..Default::default() };
    let stage = Stage::with(knobs).await;
    // in the year of the recordings
    stage.emulator.world().clock().freeze(1_788_600_000_000);
    for (typed, stored, shown, format) in recorded() {
        put(&stage, "USER_ENTERED", typed).await;
        assert_eq!(cell(&stage).await, (stored, json!(shown), format), "{typed} typed");
        clean(&stage).await;
        put(&stage, "RAW", typed).await;
        assert_eq!(
            cell(&stage).await,
            (json!({ "stringValue": typed }), json!(typed), Json::Null),
            "{typed} raw"
        );
        clean(&stage).await;
        // into a column of plain text everything goes as it is, typed too
        let plain = json!({ "userEnteredFormat": { "numberFormat": { "type": "TEXT", "pattern": "@" } } });
        stage.batch(json!([{ "repeatCell": { "range": range(1, 3, 2, 4), "cell": plain, "fields": "userEnteredFormat" } }])).await;
        put(&stage, "USER_ENTERED", typed).await;
        assert_eq!(cell(&stage).await.0, json!({ "stringValue": typed }), "{typed} into @");
        clean(&stage).await;
    }
}

#[tokio::test]
async fn what_nobody_knows_is_refused_and_the_batch_with_it() {
    let stage = Stage::new().await;
    for typed in ["10.0.0.1", "555-1234", "5 Jan"] {
        let body = json!({ "valueInputOption": "USER_ENTERED", "data": [
            { "range": "Orders!A2", "values": [["changed"]] }, { "range": "Orders!D2", "values": [[typed]] },
        ] });
        let (status, answer) = stage.call(Method::POST, "/values:batchUpdate", Some(&body)).await;
        assert_eq!(status, 400, "{typed}: {answer}");
        assert!(
            answer["error"]["message"]
                .as_str()
                .is_some_and(|words| words.contains("The emulator does not know"))
        );
    }
    assert_eq!(stage.keys(), ["id", "1", "2", "3", "4"]);
}
