//! Batches whose answer is lost: applied once, whatever became of the first call.

use sheetbridge::model::grid::Fate;
use sheetbridge::model::mark::BatchNumber;
use sheetbridge::sheet::write::Outcome;
use sheets_emulator::faults::{Applied, Fault, Rule};

use crate::sheet::desk::{Desk, batch, owner, texts, write};

const SHOP: &[&[&str]] = &[&["id", "name"], &["1", "Ann"]];

#[tokio::test]
async fn an_applied_batch_is_found_to_have_landed_and_its_receipt_is_read_again() {
    let desk = Desk::with(SHOP).await;
    let sent = batch(41, vec![write(1, 1, &["Anna"])]);
    for fault in
        [Fault::LostReply { applied: Applied::Yes }, Fault::StatusAfter { code: 503 }, Fault::CutBody]
    {
        desk.google.faults().add(Rule::next("spreadsheets.batchUpdate", fault));
    }
    // All three faults hit this one call; any of them alone leaves no answer.
    assert_eq!(desk.send(&sent).await.expect("no certain refusal"), Outcome::Unknown);
    let fate = desk.client.settle(&desk.spreadsheet, sent.number).await.expect("settled");
    assert_eq!(fate, Fate::Landed(owner()));
    let receipt = desk.client.receipt(&desk.spreadsheet, &sent).await.expect("a read").expect("still there");
    assert_eq!(texts(receipt.rows[0].as_deref().unwrap_or_default()), ["1", "Ann"]);
    // A second send is refused by the token.
    assert_eq!(desk.send(&sent).await.expect("an answer"), Outcome::TokenTaken);
}

#[tokio::test]
async fn a_batch_that_was_not_applied_is_void_for_ever() {
    // given a batch that hangs somewhere on its way
    let desk = Desk::with(SHOP).await;
    desk.lose_batch(Applied::OnRelease("late".into()));
    let sent = batch(41, vec![write(1, 1, &["Anna"])]);
    assert_eq!(desk.send(&sent).await.expect("no certain refusal"), Outcome::Unknown);
    // when its fate is settled, with the answer to the first void lost too
    desk.lose_batch(Applied::Yes);
    let fate = desk.client.settle(&desk.spreadsheet, sent.number).await.expect("settled");
    assert_eq!(fate, Fate::Void);
    // then it cannot land any more when it arrives at last
    let version = desk.now().version;
    desk.google.faults().paused("late").await;
    desk.google.faults().release("late");
    while desk.google.faults().is_paused("late") {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.texts().await[1], ["1", "Ann"]);
    assert_eq!(desk.now().version, version, "nothing was changed");
    assert_eq!(desk.client.receipt(&desk.spreadsheet, &sent).await.expect("a read"), None);
}

#[tokio::test]
async fn voiding_goes_on_until_the_token_can_be_read() {
    let desk = Desk::with(SHOP).await;
    for applied in [Applied::No, Applied::No, Applied::Yes] {
        desk.lose_batch(applied);
    }
    desk.google.faults().add(Rule::next("developerMetadata.search", Fault::Status { code: 503 }));
    let fate = desk.client.settle(&desk.spreadsheet, BatchNumber(77)).await.expect("settled");
    assert_eq!(fate, Fate::Void);
    assert_eq!(desk.snapshot().await.tokens.len(), 1);
}

#[tokio::test]
async fn a_number_under_a_foreign_key_is_void_and_told() {
    use sheets_emulator::grid::{Location, Metadata, Visibility};
    let desk = Desk::with(SHOP).await;
    desk.edit(|spreadsheet| {
        let foreign = Metadata {
            id: 41,
            key: "theirs".into(),
            value: Some("k3v9.7".into()),
            location: Location::Spreadsheet,
            visibility: Visibility::Document,
        };
        spreadsheet.metadata.insert(41, foreign);
    });
    assert_eq!(desk.snapshot().await.foreign, [41]);
    let sent = desk.send(&batch(41, vec![write(1, 1, &["x"])])).await;
    assert_eq!(sent.expect("an answer"), Outcome::TokenTaken);
    let fate = desk.client.settle(&desk.spreadsheet, BatchNumber(41)).await.expect("settled");
    assert_eq!(fate, Fate::Void);
}

#[tokio::test]
async fn a_later_batch_in_the_same_block_takes_the_receipt_away() {
    let desk = Desk::with(SHOP).await;
    let first = batch(40, vec![write(1, 1, &["x"])]);
    for sent in [&first, &batch(42, vec![write(1, 1, &["y"])])] {
        assert!(matches!(desk.send(sent).await, Ok(Outcome::Applied(_))));
    }
    assert_eq!(desk.client.receipt(&desk.spreadsheet, &first).await.expect("a read"), None);
}
