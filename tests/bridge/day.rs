//! A person's day: two people and an application at the same rows, with everything that people do to a sheet, by the real script.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rig::{Rig, Setup};
use super::storm::Storm;
use crate::support::server::{Kind, shared};

const STEPS: u32 = 1000;

/// For the way to the end after the last step.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

async fn a_day(kind: Kind) {
    // given a table of fifty rows, and two people at its tab
    let rig = Rig::open(shared(kind).await, "day", Setup { rows: 50, ..Setup::default() }).await;
    let mut storm = Storm::day(&rig);

    // when they and an application type, paste, sort, move, delete, take back, rename columns and the tab, and lose the header
    storm.blow(STEPS).await;
    rig.until_script_rests().await;
    rig.sync_now().await;

    // then both sides end equal, and each conflict is told with its rule, and with what both sides had
    rig.until_equal(SETTLED_WITHIN).await;
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
    for (cause, key, before, after) in conflicts {
        assert!(!cause.is_empty(), "{key:?} has a conflict without a rule");
        assert!(before || after, "{key:?}: {cause}: neither value is kept");
    }
}

#[tokio::test]
#[ignore = "minutes long: make full runs it"]
async fn a_day_of_two_people_and_an_application_ends_equal_on_mariadb() {
    a_day(Kind::MariaDb).await;
}

#[tokio::test]
#[ignore = "minutes long: make full runs it"]
async fn a_day_of_two_people_and_an_application_ends_equal_on_mysql() {
    a_day(Kind::MySql).await;
}
