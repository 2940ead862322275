//! Developer metadata: follows its rows, is found by filters, has limits.

use reqwest::Method;
use serde_json::{Value as Json, json};
use sheets_emulator::people::Action;
use sheets_emulator::{Knobs, Labels};

use super::stage::{SHEET, Stage, label, range, rows};

fn on_row(row: u32) -> Json {
    json!({ "dimensionRange": rows(row, row + 1) })
}

#[tokio::test]
async fn a_label_follows_its_row_as_measured_on_the_live_service() {
    let stage = Stage::new().await;
    stage.batch(json!([label(5, "claim", &on_row(2))])).await;
    stage.batch(json!([{ "insertDimension": { "range": rows(0, 2) } }])).await;
    assert_eq!(stage.row_of(5).await, Some(4));
    stage.batch(json!([{ "deleteDimension": { "range": rows(0, 1) } }])).await;
    assert_eq!(stage.row_of(5).await, Some(3));
    stage.batch(json!([{ "moveDimension": { "source": rows(3, 4), "destinationIndex": 1 } }])).await;
    assert_eq!(stage.row_of(5).await, Some(1));
    stage.batch(json!([{ "sortRange": { "range": range(1, 0, 7, 5), "sortSpecs": [{ "dimensionIndex": 0, "sortOrder": "DESCENDING" }] } }])).await;
    let row = stage.row_of(5).await.expect("still there");
    assert_eq!(stage.keys()[row as usize], "2", "it went with its values");
    stage.batch(json!([{ "deleteDimension": { "range": rows(row as u32, row as u32 + 1) } }])).await;
    assert_eq!(stage.row_of(5).await, None);
}

#[tokio::test]
async fn what_a_sort_by_a_person_does_to_labels_is_a_knob() {
    for (labels, wanted) in [(Labels::Follow, 3), (Labels::Stay, 2)] {
        let stage = Stage::with(Knobs { labels_in_ui_sort: labels, ..Knobs::default() }).await;
        stage.batch(json!([label(5, "claim", &on_row(2)), { "updateSheetProperties":
            { "properties": { "sheetId": 0, "gridProperties": { "frozenRowCount": 1 } }, "fields": "gridProperties.frozenRowCount" } }])).await;
        stage.act(Action::SortByColumn { sheet: SHEET, column: 0, descending: true, area: None });
        assert_eq!(stage.keys(), ["id", "4", "3", "2", "1"]);
        assert_eq!(stage.row_of(5).await, Some(wanted), "{labels:?}");
    }
}

#[tokio::test]
async fn undo_brings_a_deleted_row_back_with_or_without_its_label() {
    for keeps in [true, false] {
        let stage = Stage::with(Knobs { undo_restores_labels: keeps, ..Knobs::default() }).await;
        stage.batch(json!([label(5, "claim", &on_row(2))])).await;
        stage.act(Action::DeleteRows { sheet: SHEET, start: 2, end: 3 });
        // and somebody inserts a row above in between
        stage.batch(json!([{ "insertDimension": { "range": rows(1, 2) } }])).await;
        stage.act(Action::Undo);
        assert_eq!(stage.keys(), ["id", "", "1", "2", "3", "4"]);
        assert_eq!(stage.row_of(5).await, keeps.then_some(3));
    }
}

#[tokio::test]
async fn a_key_is_written_through_its_label_wherever_the_row_went() {
    let stage = Stage::new().await;
    // given a row without a key, claimed
    stage.type_text(5, 1, "Eve");
    stage.batch(json!([label(70, "claim-1", &on_row(5))])).await;
    // and a person who sorts by name, downwards, before the key comes
    let area = sheets_emulator::grid::Area::new(1, 0, 6, 5);
    stage.act(Action::SortByColumn { sheet: SHEET, column: 1, descending: true, area: Some(area) });
    // when the key is written by the label; null leaves the name alone
    let filter = json!({ "developerMetadataLookup": { "metadataId": 70 } });
    let body = json!({ "valueInputOption": "RAW", "includeValuesInResponse": true, "responseValueRenderOption": "UNFORMATTED_VALUE",
        "data": [{ "dataFilter": filter, "majorDimension": "ROWS", "values": [[51, null]] }] });
    let answer = stage.post("/values:batchUpdateByDataFilter", body).await;
    // then it stands beside Eve
    assert_eq!(answer["responses"][0]["updatedRange"], "Orders!A2:B2");
    assert_eq!(answer["responses"][0]["updatedData"]["values"], json!([[51, "Eve"]]));
    assert_eq!(answer["totalUpdatedCells"], 1);
    // and once the row is gone, nothing is written and nobody complains
    stage.act(Action::DeleteRows { sheet: SHEET, start: 1, end: 2 });
    let body = json!({ "valueInputOption": "RAW", "data": [{ "dataFilter": filter, "values": [[52]] }] });
    let answer = stage.post("/values:batchUpdateByDataFilter", body).await;
    assert_eq!(answer["responses"], json!([]));
}

#[tokio::test]
async fn labels_are_found_updated_and_deleted_by_filter() {
    let stage = Stage::new().await;
    stage
        .batch(json!([
            label(1, "a", &json!({ "spreadsheet": true })),
            label(2, "b", &json!({ "sheetId": 0 })),
            label(3, "c", &on_row(1)),
            label(4, "c", &on_row(3))
        ]))
        .await;
    let search = async |lookup: Json| {
        let found = stage
            .post(
                "/developerMetadata:search",
                json!({ "dataFilters": [{ "developerMetadataLookup": lookup }] }),
            )
            .await;
        let found = found["matchedDeveloperMetadata"].as_array().cloned().unwrap_or_default();
        found
            .iter()
            .map(|one| one["developerMetadata"]["metadataId"].as_i64().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert_eq!(search(json!({ "metadataKey": "k" })).await, [1, 2, 3, 4]);
    assert_eq!(search(json!({})).await, [1, 2, 3, 4]);
    assert_eq!(search(json!({ "locationType": "ROW" })).await, [3, 4]);
    assert_eq!(search(json!({ "metadataLocation": { "sheetId": 0 }, "locationMatchingStrategy": "INTERSECTING_LOCATION" })).await, [2, 3, 4]);
    assert_eq!(
        search(json!({ "metadataLocation": { "sheetId": 0 }, "locationMatchingStrategy": "EXACT_LOCATION" }))
            .await,
        [2]
    );
    let lookup = json!({ "developerMetadataLookup": { "metadataValue": "c" } });
    stage.batch(json!([{ "updateDeveloperMetadata": { "dataFilters": [lookup], "developerMetadata": { "metadataValue": "d" }, "fields": "metadataValue" } }])).await;
    let answer = stage.batch(json!([{ "deleteDeveloperMetadata": { "dataFilter": { "developerMetadataLookup": { "metadataValue": "d" } } } }])).await;
    assert_eq!(
        answer["replies"][0]["deleteDeveloperMetadata"]["deletedDeveloperMetadata"].as_array().map(Vec::len),
        Some(2)
    );
    let rows = stage.get("?fields=developerMetadata.metadataId,sheets(developerMetadata.metadataId,data.rowMetadata.developerMetadata)").await;
    assert_eq!(rows["developerMetadata"], json!([{ "metadataId": 1 }]));
    assert_eq!(rows["sheets"][0]["developerMetadata"], json!([{ "metadataId": 2 }]));
    let (status, answer) = stage.call(Method::GET, "/developerMetadata/3", None).await;
    assert_eq!((status, answer["error"]["message"].clone()), (404, json!("No developer metadata with ID 3")));
}

#[tokio::test]
async fn rows_found_by_label_come_with_their_cells_and_their_labels() {
    let stage = Stage::new().await;
    stage.batch(json!([label(3, "c", &on_row(2))])).await;
    let body = json!({ "dataFilters": [{ "developerMetadataLookup": { "metadataKey": "k" } }, { "gridRange": range(0, 0, 1, 2) }] });
    let fields =
        "sheets(data(startRow,rowData.values.userEnteredValue,rowMetadata.developerMetadata.metadataValue))";
    let answer = stage.post(&format!(":getByDataFilter?fields={fields}"), body).await;
    let data = &answer["sheets"][0]["data"];
    assert_eq!(data[0]["startRow"], 2);
    assert_eq!(data[0]["rowData"][0]["values"][0]["userEnteredValue"]["numberValue"], 2);
    assert_eq!(data[0]["rowMetadata"], json!([{ "developerMetadata": [{ "metadataValue": "c" }] }]));
    assert_eq!(data[1]["rowData"][0]["values"][1]["userEnteredValue"]["stringValue"], "name");
}

#[tokio::test]
async fn thirty_thousand_characters_a_spreadsheet_and_as_many_a_tab() {
    let stage = Stage::new().await;
    let value = "x".repeat(29_999);
    let here = json!({ "spreadsheet": true });
    stage.batch(json!([label(1, &value, &here), label(2, &value, &on_row(1))])).await;
    assert!(stage.refused(json!([label(3, "", &here)])).await.contains("30000 characters"));
    assert!(stage.refused(json!([label(3, "", &on_row(2))])).await.contains("30000 characters"));
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let stage = Stage::new().await;
    let create = |body: Json| json!([{ "createDeveloperMetadata": { "developerMetadata": body } }]);
    let place = json!({ "spreadsheet": true });
    for (body, wanted) in [
        (
            json!({ "visibility": "DOCUMENT", "location": place }),
            "Developer metadata must always have a key specified.",
        ),
        (
            json!({ "metadataKey": "k", "location": place }),
            "Developer metadata must always have a visibility specified.",
        ),
        (
            json!({ "metadataKey": "k", "visibility": "PROJECT" }),
            "Developer metadata must always have a location specified.",
        ),
        (
            json!({ "metadataKey": "k", "visibility": "PROJECT", "location": { "dimensionRange": rows(0, 2) } }),
            "DimensionRange must represent a single row or column",
        ),
    ] {
        assert_eq!(
            stage.refused(create(body)).await,
            format!("Invalid requests[0].createDeveloperMetadata: {wanted}")
        );
    }
}
