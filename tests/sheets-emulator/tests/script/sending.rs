//! What a person does at the grid leaves as a signed POST.

use std::collections::BTreeSet;
use std::convert::Infallible;

use serde_json::{Value as Json, json};
use sheets_emulator::grid::{Area, SheetId, Tab, Value};
use sheets_emulator::people::Action;
use sheets_emulator::script::{Kill, KillPoint, Outcome, Source};

use super::endpoint::Seen;
use super::stage::{ANN, CODE, MANIFEST, SHEET, Stage};

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
    assert_eq!(
        (&edit["value"], &edit["old_value"], &edit["editor"]),
        (&json!("Änne 🙂"), &json!("Ann"), &json!(ANN))
    );
    assert_eq!(edit["zone"], "Asia/Tokyo");
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
async fn a_large_paste_is_cut_by_rows_to_fit_into_the_properties() {
    let stage = Stage::connected().await;
    let cells = (0..150).map(|row| vec![row.to_string(), "é".repeat(100), "1".into()]).collect();
    stage.endpoint.will_answer(500, Json::Null);
    stage.does(&Action::PasteBlock { sheet: SHEET, row: 1, column: 0, cells });
    stage.idle().await;
    assert!(stage.waiting() > 5, "in several parts: {}", stage.waiting());

    stage.time_passes(1).await;

    let edits = stage.endpoint.seen()[1].edits();
    let ends: Vec<(u64, u64)> = edits.iter().map(rows_of).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!((ends[0].0, ends[ends.len() - 1].1), (2, 151));
    assert!(ends.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "without gaps or overlaps: {ends:?}");
    let mut rows: Vec<&Json> = edits.iter().filter_map(|edit| edit["rows"].as_array()).flatten().collect();
    rows.sort_by_key(|row| row["row"].as_u64());
    assert_eq!(rows.len(), 100, "at most 100 rows are sent along");
    assert_eq!(rows[99], &json!({ "row": 101, "cells": ["99", "é".repeat(100), "1"] }));
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn a_cell_larger_than_a_property_is_told_without_its_text() {
    let stage = Stage::connected().await;
    stage.types(1, 1, &"x".repeat(20_000));
    stage.idle().await;
    let edit = stage.endpoint.seen()[0].edits()[0].clone();
    assert_eq!((rows_of(&edit), edit.get("rows"), edit.get("value")), ((2, 2), None, None));
}

/// First and last row of an edit's range.
fn rows_of(edit: &Json) -> (u64, u64) {
    let number = |name: &str| edit["range"][name].as_u64().expect("a number");
    (number("row_start"), number("row_end"))
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
    stage.endpoint.take_seen();

    stage.does(&Action::Type { sheet: SheetId(7), row: 1, column: 0, text: "x@y.z".into() });
    stage.types(1, 1, "Anna");
    stage.does(&Action::InsertRows { sheet: SHEET, at: 1, count: 1 });
    stage.idle().await;

    let told = |link: &str, kind: &str| {
        let path = format!("/v1/links/{link}/edits");
        stage
            .endpoint
            .seen()
            .iter()
            .filter(|post| post.path == path)
            .flat_map(Seen::edits)
            .filter(|edit| edit["kind"] == kind)
            .count()
    };
    assert_eq!((told("orders", "edit"), told("people", "edit")), (1, 1));
    assert_eq!(
        (told("orders", "change"), told("people", "change")),
        (1, 1),
        "a change names no tab, so both are told"
    );

    let gone = stage.script.choose("Disconnect", ANN, 7, Vec::new()).await.expect("the menu has it");
    assert_eq!(gone.outcome, Outcome::Completed);
    assert_eq!(stage.script.triggers().len(), 3, "the other tab is still linked");
    stage.script.choose("Disconnect", ANN, 0, Vec::new()).await.expect("the menu has it");
    assert!(
        stage.script.triggers().is_empty()
            && stage.script.properties("document").keys().all(|key| key == "notes")
    );
}

#[tokio::test]
async fn many_waiting_edits_leave_in_one_post() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.kill = Some(Kill::always(KillPoint::BeforeSend)));
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
    stage.endpoint.take_seen();

    stage.time_passes(2).await;

    let sizes: Vec<usize> = stage.endpoint.seen().iter().map(|post| post.edits().len()).collect();
    assert_eq!(sizes, [1, 4], "the parcel that was under way as it was, then all others together");
}

#[tokio::test]
async fn a_new_source_keeps_triggers_and_properties() {
    let stage = Stage::connected().await;
    stage.scripts.install(&stage.id, Source::new(CODE, MANIFEST).expect("a manifest")).expect("installed");
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.endpoint.seen().len(), 1);
}
