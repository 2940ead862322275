//! Blocks of cells that push others about, pasted text, folded groups, searches by expression.

use serde_json::{Value as Json, json};
use sheets_emulator::Knobs;

use super::stage::{Stage, label, range, rows, texts};

/// What is shown in the first tab, row by row.
async fn shown(stage: &Stage) -> Json {
    stage.get("/values/Orders").await["values"].clone()
}

fn block(kind: &str, place: &Json, dimension: &str) -> Json {
    json!([{ kind: { "range": place, "shiftDimension": dimension } }])
}

#[tokio::test]
async fn a_block_pushes_its_own_columns_down_and_takes_them_up_again() {
    // given names beside keys, a formula and a merge among the names, a label on a row
    let stage = Stage::new().await;
    let formula = json!({ "userEnteredValue": { "formulaValue": "=B3&A3" } });
    stage
        .batch(json!([
            { "updateCells": { "start": { "rowIndex": 0, "columnIndex": 4 }, "rows": [{ "values": [formula] }], "fields": "*" } },
            { "mergeCells": { "range": range(6, 1, 8, 2) } },
            label(7, "", &json!({ "dimensionRange": rows(2, 3) })),
        ]))
        .await;
    // when two cells are inserted among the names
    stage.batch(block("insertRange", &range(1, 1, 3, 2), "ROWS")).await;
    // then the names moved, the keys and the label did not, the formula and the merge followed
    let wanted = json!([
        ["id", "name", "", "", "Bob2"],
        ["1"],
        ["2"],
        ["3", "Ann"],
        ["4", "Bob"],
        ["", "Cid"],
        ["", "Dan"]
    ]);
    assert_eq!(shown(&stage).await, wanted);
    assert_eq!(stage.row_of(7).await, Some(2));
    let merges = stage.get("?fields=sheets.merges").await["sheets"][0]["merges"].clone();
    assert_eq!(merges[0]["startRowIndex"], 8);
    // and back
    stage.batch(block("deleteRange", &range(1, 1, 3, 2), "ROWS")).await;
    assert_eq!(shown(&stage).await[2], json!(["2", "Bob"]));
    // a deletion sideways takes a reference with it
    stage.batch(block("deleteRange", &range(2, 0, 3, 1), "COLUMNS")).await;
    assert_eq!(shown(&stage).await[2], json!(["Bob"]));
    assert_eq!(shown(&stage).await[0][4], "#REF!");
}

#[tokio::test]
async fn a_block_makes_the_grid_larger_only_for_what_would_fall_over_its_edge() {
    let stage = Stage::new().await;
    stage.batch(block("insertRange", &range(1, 0, 3, 5), "ROWS")).await;
    stage.batch(block("insertRange", &range(1, 2, 3, 3), "COLUMNS")).await;
    let size = async |stage: &Stage| {
        stage.get("?fields=sheets.properties.gridProperties").await["sheets"][0]["properties"]["gridProperties"].clone()
    };
    assert_eq!(size(&stage).await, json!({ "rowCount": 10, "columnCount": 5 }));
    stage.batch(json!([texts(9, 4, &["edge"])])).await;
    stage.batch(block("insertRange", &range(9, 4, 10, 5), "COLUMNS")).await;
    stage.batch(block("insertRange", &range(8, 5, 10, 6), "ROWS")).await;
    assert_eq!(size(&stage).await, json!({ "rowCount": 12, "columnCount": 6 }));
    assert_eq!(shown(&stage).await[11], json!(["", "", "", "", "", "edge"]));
    // a merge that only half of would move stops it
    stage.batch(json!([{ "mergeCells": { "range": range(4, 0, 5, 2) } }])).await;
    let refused = stage.refused(block("deleteRange", &range(1, 0, 2, 1), "ROWS")).await;
    assert!(refused.starts_with("Invalid requests[0].deleteRange: "), "{refused}");
}

#[tokio::test]
async fn pasted_text_is_parsed_as_typing_and_makes_room() {
    let stage = Stage::new().await;
    let place = json!({ "sheetId": 0, "rowIndex": 9, "columnIndex": 3 });
    let data = "a;\"b;c\";007\n=A2+1;TRUE";
    stage.batch(json!([{ "pasteData": { "coordinate": place, "data": data, "delimiter": ";", "type": "PASTE_NORMAL" } }])).await;
    let read = stage.get("/values/Orders!D10:F11?valueRenderOption=UNFORMATTED_VALUE").await;
    assert_eq!(read["values"], json!([["a", "b;c", 7], [2, true]]));
    let html = json!([{ "pasteData": { "coordinate": place, "data": "<td>", "html": true } }]);
    assert!(stage.refused(html).await.contains("by a delimiter only"));
}

#[tokio::test]
async fn a_group_is_folded_and_its_rows_are_hidden() {
    let stage = Stage::new().await;
    let group = json!({ "range": rows(2, 4), "depth": 1, "collapsed": true });
    let fold = json!({ "updateDimensionGroup": { "dimensionGroup": group, "fields": "collapsed" } });
    assert!(stage.refused(json!([fold])).await.contains("no group"));
    stage.batch(json!([{ "addDimensionGroup": { "range": rows(2, 4) } }, fold])).await;
    let book =
        stage.get("?includeGridData=true&fields=sheets(rowGroups,data.rowMetadata.hiddenByUser)").await;
    assert_eq!(book["sheets"][0]["rowGroups"][0]["collapsed"], true);
    let hidden = book["sheets"][0]["data"][0]["rowMetadata"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["hiddenByUser"] == true);
    assert_eq!(hidden.take(5).collect::<Vec<_>>(), [false, false, true, true, false]);
}

#[tokio::test]
async fn an_expression_finds_and_its_groups_are_put_in() {
    let stage = Stage::with(Knobs::default()).await;
    let search = json!({ "find": "^([A-C])(.*)$", "replacement": "$2$1", "searchByRegex": true, "matchCase": true, "allSheets": true });
    let answer = stage.batch(json!([{ "findReplace": search }])).await;
    assert_eq!(
        answer["replies"][0]["findReplace"],
        json!({ "occurrencesChanged": 3, "valuesChanged": 3, "rowsChanged": 3, "sheetsChanged": 1 })
    );
    assert_eq!(
        stage.get("/values/Orders!B2:B5?majorDimension=COLUMNS").await["values"][0],
        json!(["nnA", "obB", "idC", "Dan"])
    );
}
