//! `values.*`: names of ranges, typing, appending, filters.

use reqwest::Method;
use serde_json::{Value as Json, json};
use sheets_emulator::grid::{SpreadsheetId, Value};

use super::stage::{ID, Stage, range};

/// A blank tab `T` of 20 x 10 with cells filled.
async fn filled(cells: &[(u32, u32)]) -> Stage {
    let stage = Stage::new().await;
    stage.emulator.world().create(SpreadsheetId::new(ID), "T", |book| {
        book.sharing.everyone = true;
        book.tabs[0] = sheets_emulator::grid::Tab::new(sheets_emulator::grid::SheetId(0), "Sheet1", 20, 10);
        for (row, column) in cells {
            book.tabs[0].set_value(*row, *column, Value::text("x"));
        }
    });
    stage
}

async fn appended(stage: &Stage, range: &str, query: &str) -> (Json, Json) {
    let answer = stage
        .post(&format!("/values/{range}:append?valueInputOption=RAW{query}"), json!({ "values": [["n"]] }))
        .await;
    (answer["tableRange"].clone(), answer["updates"]["updatedRange"].clone())
}

fn block(rows: std::ops::Range<u32>, columns: std::ops::Range<u32>) -> Vec<(u32, u32)> {
    rows.flat_map(|row| columns.clone().map(move |column| (row, column))).collect()
}

#[tokio::test]
async fn append_finds_the_table_of_the_guide() {
    let tables = [block(0..2, 0..3), block(3..6, 1..4)].concat();
    let cases = [
        ("Sheet1", "Sheet1!B7"),
        ("B4", "Sheet1!B7"),
        ("C5:D5", "Sheet1!B7"),
        ("B2:D4", "Sheet1!B7"),
        ("A3:G10", "Sheet1!B7"),
        ("A1", "Sheet1!A3"),
        ("E4", "Sheet1!E4"),
        ("A4", "Sheet1!A4"),
    ];
    for (asked, wanted) in cases {
        let stage = filled(&tables).await;
        assert_eq!(appended(&stage, asked, "").await.1, wanted, "{asked}");
    }
}

#[tokio::test]
async fn append_between_blocks_fills_or_inserts() {
    let blocks = [block(0..3, 0..2), block(5..7, 0..2)].concat();
    let stage = filled(&blocks).await;
    assert_eq!(appended(&stage, "A1", "").await, (json!("Sheet1!A1:B3"), json!("Sheet1!A4")));
    let stage = filled(&blocks).await;
    assert_eq!(appended(&stage, "Sheet1", "").await.0, "Sheet1!A6:B7");
    let stage = filled(&blocks).await;
    appended(&stage, "A1", "&insertDataOption=INSERT_ROWS").await;
    assert_eq!(
        stage.get("/values/A7:A8").await["values"],
        json!([["x"], ["x"]]),
        "the second block went down"
    );
    assert_eq!(appended(&filled(&[]).await, "Sheet1", "").await, (Json::Null, json!("Sheet1!A1")));
}

#[tokio::test]
async fn a_row_with_a_gap_appends_indented_as_recorded() {
    let stage = filled(&[]).await;
    let row = json!({ "values": [["x", "", "y"]] });
    stage.post("/values/Sheet1:append?valueInputOption=RAW", row.clone()).await;
    let second = stage.post("/values/Sheet1:append?valueInputOption=RAW", row).await;
    assert_eq!(
        (second["tableRange"].clone(), second["updates"]["updatedRange"].clone()),
        (json!("Sheet1!C1"), json!("Sheet1!C2:E2"))
    );
}

#[tokio::test]
async fn names_of_ranges_are_resolved_as_google_does() {
    let stage = Stage::new().await;
    stage
        .batch(
            json!([{ "addNamedRange": { "namedRange": { "name": "Orders", "range": range(1, 1, 3, 2) } } }]),
        )
        .await;
    let read = async |range: &str| stage.get(&format!("/values/{range}")).await["range"].clone();
    assert_eq!(read("Orders").await, "Orders!B2:B3", "a named range wins over a bare title");
    assert_eq!(read("%27Orders%27").await, "Orders!A1:E10", "a quoted title is always the tab");
    assert_eq!(read("oRDERS!A1:C").await, "Orders!A1:C10", "titles know no case");
    assert_eq!(read("A2:2").await, "Orders!A2:E2");
    assert_eq!(read("R2C2").await, "Orders!B2");
    let (status, answer) = stage.call(Method::GET, "/values/A1:F99", None).await;
    assert_eq!(
        (status, answer["error"]["message"].clone()),
        (400, json!("Range (Orders!A1:F99) exceeds grid limits. Max rows: 10, max columns: 5"))
    );
}

#[tokio::test]
async fn raw_stays_and_typing_is_parsed() {
    let stage = Stage::new().await;
    let values = json!({ "values": [["=1+2", "'x", "007", true, 1.5]] });
    let put = async |option: &str| {
        let path = format!(
            "/values/Orders!A8?valueInputOption={option}&includeValuesInResponse=true&responseValueRenderOption=UNFORMATTED_VALUE"
        );
        let (status, answer) = stage.call(Method::PUT, &path, Some(&values)).await;
        assert_eq!(status, 200, "{answer}");
        answer["updatedData"]["values"][0].clone()
    };
    assert_eq!(put("RAW").await, json!(["=1+2", "'x", "007", true, 1.5]));
    assert_eq!(put("USER_ENTERED").await, json!([3, "x", 7, true, 1.5]));
    let (status, answer) = stage.call(Method::PUT, "/values/Orders!A8", Some(&values)).await;
    assert_eq!(
        (status, answer["error"]["message"].clone()),
        (400, json!("'valueInputOption' is required but not specified"))
    );
    let (_, answer) =
        stage.call(Method::PUT, "/values/Orders!A8:B8?valueInputOption=RAW", Some(&values)).await;
    assert_eq!(
        answer["error"]["message"],
        "Requested writing within range [Orders!A8:B8], but tried writing to column [C]"
    );
}

#[tokio::test]
async fn a_plain_text_column_keeps_what_a_person_types() {
    let stage = Stage::new().await;
    let format = json!({ "userEnteredFormat": { "numberFormat": { "type": "TEXT", "pattern": "@" } } });
    stage.batch(json!([{ "repeatCell": { "range": { "sheetId": 0, "startColumnIndex": 2, "endColumnIndex": 3 }, "cell": format, "fields": "userEnteredFormat.numberFormat" } }])).await;
    stage.type_text(1, 2, "007");
    stage.type_text(1, 3, "007");
    let read = stage.get("/values/Orders!C2:D2?valueRenderOption=UNFORMATTED_VALUE").await;
    assert_eq!(read["values"], json!([["007", 7]]));
}

#[tokio::test]
async fn by_data_filter_reads_writes_and_clears() {
    let stage = Stage::new().await;
    let filters = json!([{ "gridRange": range(1, 0, 3, 2) }, { "a1Range": "Orders!A2:B3" }]);
    let read = stage.post("/values:batchGetByDataFilter", json!({ "dataFilters": filters, "majorDimension": "COLUMNS", "valueRenderOption": "UNFORMATTED_VALUE" })).await;
    assert_eq!(read["valueRanges"][0]["valueRange"]["values"], json!([[1, 2], ["Ann", "Bob"]]));
    assert_eq!(
        read["valueRanges"][0]["dataFilters"].as_array().map(Vec::len),
        Some(2),
        "the same place once"
    );
    let cleared = stage
        .post(
            "/values:batchClearByDataFilter",
            json!({ "dataFilters": [{ "gridRange": range(1, 1, 3, 2) }] }),
        )
        .await;
    assert_eq!(cleared["clearedRanges"], json!(["Orders!B2:B3"]));
    assert_eq!(stage.get("/values/Orders!A2:B3?majorDimension=COLUMNS").await["values"], json!([["1", "2"]]));
}

#[tokio::test]
async fn merges_swallow_what_is_written_beside_their_first_cell() {
    let stage = Stage::new().await;
    stage.batch(json!([{ "mergeCells": { "range": range(6, 0, 7, 3), "mergeType": "MERGE_ALL" } }])).await;
    let (_, answer) = stage
        .call(
            Method::PUT,
            "/values/Orders!A7:C7?valueInputOption=RAW",
            Some(&json!({ "values": [["a", "b", "c"]] })),
        )
        .await;
    assert_eq!(answer["updatedColumns"], 3);
    assert_eq!(stage.get("/values/Orders!A7:C7").await["values"], json!([["a"]]));
}
