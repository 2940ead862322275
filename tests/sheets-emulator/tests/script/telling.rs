//! What the person is told: notes, toasts and dialogs.

use serde_json::{Value as Json, json};
use sheets_emulator::people::Action;
use sheets_emulator::script::{Kill, KillPoint, Outcome, Shown};

use super::stage::{ANN, SHEET, Stage};

#[tokio::test]
async fn a_refused_cell_gets_a_note_and_loses_it_when_mended() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(
        200,
        json!({ "outcome": "refused", "row": 2, "column": "price", "message": "price: must be a number" }),
    );
    stage.types(1, 2, "cheap");
    stage.idle().await;
    assert_eq!(stage.note(1, 2).as_deref(), Some("sheetbridge: price: must be a number"));
    assert!(
        stage
            .last()
            .shown
            .iter()
            .any(|shown| matches!(shown, Shown::Toast { text, .. } if text.contains("must be a number")))
    );

    stage.endpoint.will_answer(
        200,
        json!({ "outcome": "conflict", "row": 2, "column": "price", "message": "the database had 7" }),
    );
    stage.types(1, 2, "8");
    stage.idle().await;
    assert_eq!(
        stage.note(1, 2).as_deref(),
        Some("sheetbridge: the database had 7"),
        "our own note is replaced"
    );

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
    stage.endpoint.take_seen();

    stage
        .endpoint
        .will_answer(200, json!({ "outcome": "refused", "row": 2, "column": "price", "message": "no" }));
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
async fn a_proxys_own_page_is_no_acceptance() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(200, json!("<html>sign in first</html>"));
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.waiting(), 1, "the edit is kept");
    stage.time_passes(1).await;
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn a_note_of_a_run_that_was_killed_is_still_ours() {
    let refusal = || json!({ "outcome": "refused", "row": 2, "column": "price", "message": "no" });
    for number in 0..60 {
        let stage = Stage::connected().await;
        stage.endpoint.will_answer(200, refusal());
        stage.turn(|knobs| knobs.kill = Some(Kill::always(KillPoint::Call(number))));
        stage.types(1, 2, "cheap");
        stage.idle().await;
        let outcome = stage.last().outcome;
        stage.turn(|knobs| knobs.kill = None);
        if stage.note(1, 2).is_some() {
            stage.time_passes(1).await;
            stage.endpoint.will_answer(200, json!({ "outcome": "applied", "row": 2 }));
            stage.types(1, 2, "9");
            stage.idle().await;
            assert_eq!(stage.note(1, 2), None, "killed at call {number}");
        }
        if outcome == Outcome::Completed {
            return;
        }
    }
    panic!("a run has more calls than were tried");
}
