//! Batches: order, all or nothing, receipts, and what the requests do.

use reqwest::Method;
use serde_json::json;
use sheets_emulator::people::Action;

use super::stage::{ID, SHEET, Stage, label, range, rows, texts};

#[tokio::test]
async fn a_batch_that_fails_half_way_changes_nothing() {
    let stage = Stage::new().await;
    // given a batch whose third request is refused
    let before = stage.get("?includeGridData=true").await;
    let message = stage
        .refused(json!([
            texts(1, 1, &["changed"]),
            { "deleteDimension": { "range": rows(2, 3) } },
            { "repeatCell": { "range": { "sheetId": 1234 }, "cell": {}, "fields": "note" } },
        ]))
        .await;
    // then the message says which, and nothing has happened
    assert_eq!(message, "Invalid requests[2].repeatCell: No grid with id: 1234");
    assert_eq!(stage.get("?includeGridData=true").await, before);
}

#[tokio::test]
async fn a_receipt_holds_what_stood_there_at_the_instant_of_the_write() {
    let stage = Stage::new().await;
    // given a hidden helper tab
    let helper = json!({ "properties": { "sheetId": 7, "title": "_receipts", "hidden": true, "gridProperties": { "rowCount": 4, "columnCount": 5 } } });
    stage.batch(json!([{ "addSheet": helper }, { "addProtectedRange": { "protectedRange": { "range": { "sheetId": 7 } } } }])).await;
    // and a person who types between somebody's read and the write
    stage.type_text(2, 1, "Bea");
    // when one batch copies header and row to the helper, then overwrites the row, then deletes another
    let copy = |row: u32, to: u32| {
        let to = json!({ "sheetId": 7, "startRowIndex": to, "endRowIndex": to + 1, "startColumnIndex": 0, "endColumnIndex": 5 });
        json!({ "copyPaste": { "source": range(row, 0, row + 1, 5), "destination": to, "pasteType": "PASTE_NORMAL" } })
    };
    let body = json!({
        "requests": [label(41, "x.1", &json!({ "spreadsheet": true })), copy(0, 0), copy(2, 1), texts(2, 1, &["Bob 2"]),
                     copy(4, 2), { "deleteDimension": { "range": rows(4, 5) } }],
        "includeSpreadsheetInResponse": true,
        "responseRanges": ["_receipts!A1:E3"],
    });
    let fields = "updatedSpreadsheet(developerMetadata(metadataId),sheets(properties(sheetId),data(rowData(values(userEnteredValue)))))";
    let answer = stage.post(&format!(":batchUpdate?fields={fields}&prettyPrint=false"), body).await;
    // then the answer shows the rows as they were, and only the helper tab
    let sheets = &answer["updatedSpreadsheet"]["sheets"];
    assert_eq!(sheets.as_array().map(Vec::len), Some(1));
    let cell = |row: usize, column: usize| {
        sheets[0]["data"][0]["rowData"][row]["values"][column]["userEnteredValue"].clone()
    };
    assert_eq!(cell(0, 0), json!({ "stringValue": "id" }));
    assert_eq!((cell(1, 0), cell(1, 1)), (json!({ "numberValue": 2 }), json!({ "stringValue": "Bea" })));
    assert_eq!((cell(2, 0), cell(2, 1)), (json!({ "numberValue": 4 }), json!({ "stringValue": "Dan" })));
    assert_eq!(answer["updatedSpreadsheet"]["developerMetadata"], json!([{ "metadataId": 41 }]));
    assert_eq!(stage.keys(), ["id", "1", "2", "3"]);
}

#[tokio::test]
async fn a_token_is_applied_once() {
    let stage = Stage::new().await;
    let batch = json!([label(99, "first", &json!({ "spreadsheet": true })), { "insertDimension": { "range": rows(1, 2) } }]);
    stage.batch(batch.clone()).await;
    let message = stage.refused(batch).await;
    assert!(message.starts_with("Invalid requests[0].createDeveloperMetadata: "), "{message}");
    assert_eq!(stage.keys(), ["id", "", "1", "2", "3", "4"], "inserted once");
}

#[tokio::test]
async fn rows_and_columns_move_by_the_numbers_before_the_move() {
    let stage = Stage::new().await;
    stage.batch(json!([{ "moveDimension": { "source": rows(1, 3), "destinationIndex": 4 } }])).await;
    assert_eq!(stage.keys(), ["id", "3", "1", "2", "4"]);
    let columns = json!({ "sheetId": 0, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1 });
    stage.batch(json!([{ "moveDimension": { "source": columns, "destinationIndex": 2 } }])).await;
    assert_eq!(stage.keys(), ["name", "Cid", "Ann", "Bob", "Dan"]);
}

#[tokio::test]
async fn update_cells_clears_what_its_rows_do_not_cover_and_leaves_other_fields() {
    let stage = Stage::new().await;
    stage.act(Action::Note { sheet: SHEET, row: 1, column: 1, text: "mine".into() });
    let update = json!({ "range": range(1, 0, 3, 2), "rows": [{ "values": [{ "userEnteredValue": { "stringValue": "0042" } }] }], "fields": "userEnteredValue" });
    stage.batch(json!([{ "updateCells": update }])).await;
    let values = stage.get("/values/Orders!A2:B3?valueRenderOption=UNFORMATTED_VALUE").await;
    assert_eq!(values["values"], json!([["0042"]]), "typed text stays text, the rest is cleared");
    let notes = stage.get("?ranges=Orders!B2&fields=sheets.data.rowData.values.note").await;
    assert_eq!(notes["sheets"][0]["data"][0]["rowData"][0]["values"][0]["note"], "mine");
}

#[tokio::test]
async fn writes_beyond_the_grid_are_refused_in_googles_words() {
    let stage = Stage::new().await;
    assert_eq!(
        stage.refused(json!([texts(10, 0, &["x"])])).await,
        "Invalid requests[0].updateCells: Attempting to write row: 10, beyond the last requested row of: 9"
    );
    let wide = json!({ "appendCells": { "sheetId": 0, "fields": "*", "rows": [{ "values": [{}, {}, {}, {}, {}, { "userEnteredValue": { "numberValue": 1 } }] }] } });
    assert_eq!(
        stage.refused(json!([wide])).await,
        "Invalid requests[0].appendCells: Attempting to write column: 5, beyond the last requested column of: 4"
    );
    assert_eq!(stage.refused(json!([])).await, "Must specify at least one request.");
    assert_eq!(
        stage.refused(json!([{ "noSuchRequest": {} }])).await,
        "Invalid JSON payload received. Unknown name \"noSuchRequest\" at 'requests[0]': Cannot find field."
    );
    let misspelt =
        json!([{ "deleteDimension": { "range": { "sheetId": 0, "dimension": "ROWS", "start": 3 } } }]);
    assert_eq!(
        stage.refused(misspelt).await,
        "Invalid JSON payload received. Unknown name \"start\" at 'requests[0].delete_dimension.range': Cannot find field."
    );
    let frozen = json!({ "properties": { "sheetId": 0, "gridProperties": { "frozenRowCount": 1 } }, "fields": "gridProperties.frozenRowCount" });
    let all = json!([{ "updateSheetProperties": frozen }, { "deleteDimension": { "range": rows(1, 10) } }]);
    assert_eq!(
        stage.refused(all).await,
        "Invalid requests[1].deleteDimension: Sorry, it is not possible to delete all non-frozen rows."
    );
    let long = "x".repeat(50_001);
    assert!(
        stage
            .refused(json!([texts(1, 1, &[&long])]))
            .await
            .contains("maximum of 50000 characters in a single cell")
    );
}

#[tokio::test]
async fn the_limits_of_a_spreadsheet_hold() {
    let stage = Stage::new().await;
    let add = |rows: u32, columns: u32| json!([{ "addSheet": { "properties": { "title": "big", "gridProperties": { "rowCount": rows, "columnCount": columns } } } }]);
    assert_eq!(
        stage.refused(add(1_000_000, 10)).await,
        "Invalid requests[0].addSheet: This action would increase the number of cells in the workbook above the limit of 10000000 cells."
    );
    assert!(stage.refused(add(1, 18_279)).await.contains("above the limit of 18278 columns"));
    stage.batch(add(1, 18_278)).await;
}

#[tokio::test]
async fn a_sort_takes_the_rows_of_its_range_and_leaves_what_stands_beside() {
    let stage = Stage::new().await;
    stage.batch(json!([texts(1, 3, &["beside 1"])])).await;
    let spec = json!([{ "dimensionIndex": 1, "sortOrder": "DESCENDING" }]);
    stage.batch(json!([{ "sortRange": { "range": range(1, 0, 5, 2), "sortSpecs": spec } }])).await;
    assert_eq!(stage.keys(), ["id", "4", "3", "2", "1"]);
    assert_eq!(stage.get("/values/Orders!D2").await["values"], json!([["beside 1"]]));
}

#[tokio::test]
async fn formulas_have_results_errors_and_references_that_follow() {
    let stage = Stage::new().await;
    let formula = |text: &str| json!({ "userEnteredValue": { "formulaValue": text } });
    let cells = json!([{ "values": [formula("=SUM(A2:A5)"), formula("=A2/0"), formula("=nope(1)")] }]);
    stage.batch(json!([{ "updateCells": { "start": { "sheetId": 0, "rowIndex": 6 }, "rows": cells, "fields": "userEnteredValue" } }])).await;
    let show = "?ranges=Orders!A7:C8&fields=sheets.data.rowData.values(userEnteredValue,effectiveValue)";
    let cell = |answer: &serde_json::Value, row: usize, column: usize| {
        answer["sheets"][0]["data"][0]["rowData"][row]["values"][column].clone()
    };
    let answer = stage.get(show).await;
    assert_eq!(cell(&answer, 0, 0)["effectiveValue"], json!({ "numberValue": 10 }));
    assert_eq!(cell(&answer, 0, 1)["effectiveValue"]["errorValue"]["type"], "DIVIDE_BY_ZERO");
    assert_eq!(cell(&answer, 0, 2)["effectiveValue"]["errorValue"]["type"], "NAME");
    stage.batch(json!([{ "insertDimension": { "range": rows(1, 2) } }])).await;
    let moved = cell(&stage.get(show).await, 1, 0);
    assert_eq!(moved["userEnteredValue"]["formulaValue"], "=SUM(A3:A6)");
    assert_eq!(stage.get("/values/Orders!B8").await["values"], json!([["#DIV/0!"]]));
}

#[tokio::test]
async fn protected_cells_refuse_others_and_let_their_editors_in() {
    let stage = Stage::new().await;
    stage.batch(json!([{ "addProtectedRange": { "protectedRange": { "range": range(0, 0, 1, 5) } } }])).await;
    stage.batch(json!([texts(0, 2, &["by the one who made it"])])).await;
    let world = stage.emulator.world();
    let id = sheets_emulator::grid::SpreadsheetId::new(ID);
    let typed = |who: &str| {
        let action = Action::Type { sheet: SHEET, row: 0, column: 1, text: "title".into() };
        world.act(&id, &sheets_emulator::people::Person::new(who), &action).expect("the spreadsheet").is_ok()
    };
    assert!(typed("ann@example.com"), "the owner may");
    assert!(!typed("bob@example.com"));
}

#[tokio::test]
async fn tabs_are_added_copied_hidden_moved_and_deleted() {
    let stage = Stage::new().await;
    let answer = stage.batch(json!([{ "addSheet": { "properties": { "title": "More", "gridProperties": { "rowCount": 2, "columnCount": 2 } } } }])).await;
    let more = answer["replies"][0]["addSheet"]["properties"]["sheetId"].clone();
    assert!(
        stage
            .refused(json!([{ "addSheet": { "properties": { "title": "mORE" } } }]))
            .await
            .contains("already exists")
    );
    stage.batch(json!([{ "duplicateSheet": { "sourceSheetId": 0, "insertSheetIndex": 2, "newSheetName": "Twin" } }])).await;
    stage.batch(json!([{ "updateSheetProperties": { "properties": { "sheetId": more, "index": 0 }, "fields": "index" } }])).await;
    let titles = stage.get("?fields=sheets.properties(title,index)").await;
    assert_eq!(
        titles["sheets"]
            .as_array()
            .expect("tabs")
            .iter()
            .map(|tab| tab["properties"]["title"].clone())
            .collect::<Vec<_>>(),
        ["More", "Orders", "Twin"]
    );
    stage.batch(json!([{ "deleteSheet": { "sheetId": more } }])).await;
    let (status, answer) = stage.call(Method::GET, "/values/More", None).await;
    assert_eq!((status, answer["error"]["message"].clone()), (400, json!("Unable to parse range: More")));
}

#[tokio::test]
async fn find_and_replace_counts_and_leaves_numbers_alone() {
    let stage = Stage::new().await;
    stage.batch(json!([texts(1, 2, &["4 and 4", "four"])])).await;
    let answer =
        stage.batch(json!([{ "findReplace": { "find": "4", "replacement": "5", "sheetId": 0 } }])).await;
    assert_eq!(
        answer["replies"][0]["findReplace"],
        json!({ "occurrencesChanged": 2, "valuesChanged": 1, "rowsChanged": 1, "sheetsChanged": 1 })
    );
    assert_eq!(stage.keys().last().map(String::as_str), Some("4"));
}
