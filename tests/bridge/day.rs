//! A person's day: two people and an application at the same rows, with everything that people do to a sheet, by the real script.
//!
//! What they do may end in rows and cells that are rightly held: a row that somebody took back has a key that is dead by then or
//! stands in another row too, a cell that must not be empty is empty again. The judge accepts none of them as an end. In the
//! evening somebody reads the notes in the tab and does what they ask for, and nothing else but finish rows that were begun; then
//! both sides have to be equal. So whatever is held has to be told, where it is, in words that help.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rig::{Rig, Setup};
use super::storm::Storm;
use crate::support::server::{Kind, Server, for_each_server, shared};

const STEPS: u32 = 1000;

/// Of the day that every run of the tests has.
const HOUR: u32 = 150;

/// For the way to the end after the last step.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

async fn a_day(server: &'static Server, steps: u32) {
    // given a table of fifty rows, and two people at its tab
    let rig = Rig::open(server, "day", Setup { rows: 50, ..Setup::default() }).await;
    let mut storm = Storm::day(&rig);

    // when they and an application type, paste, sort, move, delete, take back, rename columns and the tab, and lose the header
    storm.blow(steps).await;
    rig.until_script_rests().await;
    rig.sync_now().await;

    // and do what the notes ask them for
    let heeded = rig.until_equal_with_notes_heeded(SETTLED_WITHIN).await;

    // then both sides end equal, and each conflict is told with its rule, and with what both sides had
    let conflicts: Vec<(String, Option<String>, bool, bool)> = rig
        .server
        .rows(&format!(
            "SELECT cause, key_text, before_packed IS NOT NULL, after_packed IS NOT NULL FROM {}.ledger
             WHERE kind = 'conflict' ORDER BY id",
            rig.state
        ))
        .await;
    let mut told = BTreeMap::<&str, usize>::new();
    for (cause, ..) in &conflicts {
        *told.entry(cause.split_once(": ").map_or("", |(_, rule)| rule)).or_default() += 1;
    }
    println!("{}: {:?}\n  {} conflicts: {told:#?}", rig.server, storm.done, conflicts.len());
    println!("  {} notes heeded: {heeded:#?}", heeded.len());
    for (cause, key, before, after) in conflicts {
        assert!(!cause.is_empty(), "{key:?} has a conflict without a rule");
        assert!(before || after, "{key:?}: {cause}: neither value is kept");
    }
}

#[tokio::test]
async fn an_hour_of_two_people_and_an_application_ends_equal() {
    for_each_server(async |server| a_day(server, HOUR).await).await;
}

#[tokio::test]
#[ignore = "minutes long: make full runs it"]
async fn a_day_of_two_people_and_an_application_ends_equal_on_mariadb() {
    a_day(shared(Kind::MariaDb).await, STEPS).await;
}

#[tokio::test]
#[ignore = "minutes long: make full runs it"]
async fn a_day_of_two_people_and_an_application_ends_equal_on_mysql() {
    a_day(shared(Kind::MySql).await, STEPS).await;
}
