//! What the person is told: notes, toasts and dialogs.

use serde_json::{Value as Json, json};
use sheets_emulator::people::Action;
use sheets_emulator::script::Shown;

use super::stage::{ANN, SHEET, Stage};

#[tokio::test]
async fn what_was_refused_is_said_to_the_person_and_no_note_is_touched() {
    let stage = Stage::connected().await;
    stage.does(&Action::Note { sheet: SHEET, row: 1, column: 2, text: "ask Bob".into() });
    stage.idle().await;
    for (outcome, message) in [("refused", "price: must be a number"), ("conflict", "the database had 7")] {
        stage
            .endpoint
            .will_answer(200, json!({ "outcome": outcome, "row": 2, "column": "price", "message": message }));
        stage.types(1, 2, "cheap");
        stage.idle().await;
        let said = |shown: &Shown| matches!(shown, Shown::Toast { text, .. } if text.contains(message));
        assert!(stage.last().shown.iter().any(said), "{:?}", stage.last());
        assert_eq!(stage.note(1, 2).as_deref(), Some("ask Bob"), "notes are the daemon's");
    }

    stage.endpoint.will_answer(200, json!({ "outcome": "applied", "row": 2 }));
    stage.types(1, 2, "9");
    stage.idle().await;
    assert!(stage.last().shown.is_empty(), "what went well is not worth a word");
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
