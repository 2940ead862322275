//! Tokens, permissions, quotas and faults on the way: what is tried again, and what is not.

use sheetbridge::fault::{Classify, Fault as Class};
use sheetbridge::model::link::{SheetId, SpreadsheetId};
use sheetbridge::sheet::auth::ServiceAccount;
use sheetbridge::sheet::client::{Client, Google};
use sheetbridge::sheet::error::SheetError;
use sheetbridge::sheet::quota::Lane;
use sheetbridge::sheet::write::Outcome;
use sheets_emulator::faults::{Fault, Rule};

use crate::sheet::desk::{Desk, HELPER, TAB, batch, client_of, write};

const SHOP: &[&[&str]] = &[&["id", "name"], &["1", "Ann"]];

fn times(method: &str, times: u32, fault: Fault) -> Rule {
    Rule { times, ..Rule::next(method, fault) }
}

#[tokio::test]
async fn many_calls_share_one_token_and_a_revoked_one_is_renewed() {
    let desk = Desk::with(SHOP).await;
    let reads = (0..8).map(|_| desk.client.overview(Lane::Live, &desk.spreadsheet));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.expect("a read").len(), 2);
    }
    assert_eq!(desk.google.calls().count("token"), 1);
    // A write whose token Google does not take was not applied: it goes again with a fresh one.
    let grids = desk.grids().await;
    desk.google.revoke_tokens();
    let sent = batch(41, vec![write(1, 1, &["Anna"])]);
    let outcome = desk.client.send(Lane::Edit, &desk.spreadsheet, &sent, &grids).await;
    assert!(matches!(outcome, Ok(Outcome::Applied(_))), "{outcome:?}");
    assert_eq!(desk.google.calls().count("token"), 2);
}

/// The client's clock jumps; the network's does not.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_is_renewed_four_minutes_before_its_end_and_used_to_the_end_if_it_must() {
    let desk = Desk::with(SHOP).await;
    let read = || desk.client.overview(Lane::Live, &desk.spreadsheet);
    read().await.expect("a read");
    later(3340).await;
    read().await.expect("a read with the first token");
    assert_eq!(desk.google.calls().count("token"), 1);
    // In its last four minutes the token endpoint is away for a moment.
    desk.google.faults().add(Rule::next("token", Fault::Status { code: 503 }));
    later(60).await;
    read().await.expect("a read with the first token, which still works");
    read().await.expect("a read with the second token");
    assert_eq!(desk.google.calls().count("token"), 3);
}

#[tokio::test]
async fn reads_outlast_passing_faults_and_give_up_after_a_few() {
    let desk = Desk::with(SHOP).await;
    let faults = desk.google.faults();
    faults.add(Rule::next("token", Fault::Status { code: 503 }));
    faults.add(times("getByDataFilter", 1, Fault::Status { code: 500 }));
    faults.add(times("getByDataFilter", 1, Fault::Quota));
    faults.add(times("getByDataFilter", 1, Fault::CutBody));
    assert_eq!(desk.snapshot().await.tabs.len(), 1);
    faults.add(times("getByDataFilter", 100, Fault::Status { code: 503 }));
    let before = desk.google.calls().count("spreadsheets.getByDataFilter");
    let error =
        desk.client.snapshot(Lane::Live, &desk.spreadsheet, &[TAB], None).await.expect_err("no end of 503");
    assert_eq!(error.fault(), Class::Passing);
    assert_eq!(desk.google.calls().count("spreadsheets.getByDataFilter") - before, 5);
}

#[tokio::test]
async fn a_write_is_sent_once() {
    let desk = Desk::with(SHOP).await;
    let grids = desk.grids().await;
    for (fault, doubtful) in [(Fault::Status { code: 503 }, true), (Fault::Quota, false)] {
        desk.google.faults().add(times("write", 100, fault));
        let before = desk.google.calls().count("spreadsheets.batchUpdate");
        let sent = batch(41, vec![write(1, 1, &["Anna"])]);
        let outcome = desk.client.send(Lane::Live, &desk.spreadsheet, &sent, &grids).await;
        if doubtful {
            assert_eq!(outcome.expect("in doubt"), Outcome::Unknown);
        } else {
            assert!(matches!(outcome, Err(SheetError::Quota(_))), "certainly not applied");
        }
        assert_eq!(desk.google.calls().count("spreadsheets.batchUpdate") - before, 1);
        desk.google.faults().clear();
    }
}

#[tokio::test]
async fn what_a_person_must_mend_comes_with_advice() {
    let desk = Desk::with(SHOP).await;
    // Not shared with this account.
    let stranger = client_of(&desk.google, "stranger@x.iam.gserviceaccount.com");
    let error = stranger.overview(Lane::Live, &desk.spreadsheet).await.expect_err("not shared");
    assert!(error.to_string().contains("stranger@x"), "{error}");
    assert!(error.advice().contains("as Editor"));
    // No such spreadsheet.
    let nowhere = SpreadsheetId("nowhere".into());
    let error = desk.client.overview(Lane::Live, &nowhere).await.expect_err("no such spreadsheet");
    assert!(matches!(error, SheetError::Missing(_)), "{error}");
    // The account was deleted.
    let gone = client_of(&desk.google, "gone@x.iam.gserviceaccount.com");
    desk.google.remove_account("gone@x.iam.gserviceaccount.com");
    let error = gone.overview(Lane::Live, &desk.spreadsheet).await.expect_err("no account");
    assert_eq!(error.fault(), Class::NeedsOperator);
    assert!(error.advice().contains("deleted"), "{error}");
    // Nobody listens.
    let base = desk.google.base_url();
    let closed = Google {
        sheets_base: "http://127.0.0.1:1".into(),
        token_url: Some(format!("{base}/token")),
        backoff: sheetbridge::sheet::quota::Backoff {
            step: std::time::Duration::from_millis(1),
            most: std::time::Duration::from_millis(1),
        },
        ..Google::default()
    };
    let key = desk.google.create_account("bot2@x", "7").expect("a key").to_string();
    let account = ServiceAccount::parse(&key).expect("a key file");
    let client = Client::new(account, &closed).expect("a client");
    let error = client.overview(Lane::Live, &nowhere).await.expect_err("nobody listens");
    assert!(!error.is_in_doubt(), "a call that was never sent is not in doubt: {error}");
}

#[tokio::test]
async fn a_key_file_may_not_send_its_signature_elsewhere() {
    let desk = Desk::with(SHOP).await;
    let key = desk.google.create_account("bot3@x", "7").expect("a key").to_string();
    let account = ServiceAccount::parse(&key).expect("a key file");
    let error = Client::new(account, &Google::default()).expect_err("the file names the emulator");
    assert!(matches!(error, SheetError::TokenAddress { .. }), "{error}");
    assert_eq!(desk.google.calls().count("token"), 0);
}

#[tokio::test]
async fn a_deleted_tab_is_missing_from_the_read_and_the_others_are_there() {
    let desk = Desk::with(SHOP).await;
    let tabs = [TAB, SheetId(4711)];
    let read =
        desk.client.snapshot(Lane::Sweep, &desk.spreadsheet, &tabs, Some(HELPER)).await.expect("a read");
    assert_eq!(read.tabs.iter().map(|tab| tab.sheet).collect::<Vec<_>>(), [TAB]);
    assert!(read.helper.is_some());
    assert_eq!((read.locale.as_str(), read.time_zone.as_str()), ("en_US", "Etc/GMT"));
}
