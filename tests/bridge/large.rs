//! A tab that is read in parts, because one answer would be too large: `cells_per_read` is small here instead.

use std::time::Duration;

use sheets_emulator::faults::{Fault, Match, Moment, Rule};
use sheets_emulator::grid::Area;
use sheets_emulator::people::{Action, Person};

use super::rig::{Rig, SOON, Setup, TAB};
use super::storm::Storm;
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

/// A new tab of a thousand rows and 26 columns in 26 parts.
fn setup() -> Setup {
    Setup { google: "cells_per_read = 1000", sweep_interval: "200ms", rows: 60, ..Setup::default() }
}

#[tokio::test]
async fn it_follows_changes_on_both_sides_with_and_without_a_script() {
    for_each_server(async |server| {
        for script in [true, false] {
            let rig = Rig::open(server, "parts", Setup { script, ..setup() }).await;
            let written = rig.binlog().await;
            let mut storm = Storm::over(&rig);
            storm.blow(120).await;
            if script {
                rig.until_script_rests().await;
                rig.sync_now().await;
            }
            rig.until_equal(Duration::from_secs(120)).await;
            let (written, done) = (written.written().await, storm.done);
            assert!(written.by_daemon <= done.edits + done.inserts, "{server}: {written:?} for {done:?}");
        }
    })
    .await;
}

/// The four last of 41 rows stand in the second part. Were they read in the first part's order, and the first part in theirs, they
/// would be gone.
#[tokio::test]
async fn people_who_sort_while_it_is_read_delete_nothing_and_make_nothing() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "sorted", Setup { script: false, rows: 41, ..setup() }).await;
        let written = rig.binlog().await;
        // when each of many looks finds the rows in one order in the first part, and in the other one in the second
        let sorted = |descending| {
            let area = Some(Area::new(1, 0, 42, 26));
            let sort = Action::SortByColumn { sheet: TAB, column: 0, descending, area };
            let person = Person::new("ann@example.com");
            Fault::Person { person, moment: Moment::Before, actions: vec![sort] }
        };
        let before = |method: &str, body: Option<&str>| Match {
            method: Some(format!("spreadsheets.{method}")),
            body: body.map(str::to_owned),
            ..Match::default()
        };
        let second = before("getByDataFilter", Some("\"startRowIndex\":38,"));
        let faults = rig.google.faults();
        let looks =
            faults.add(Rule { matching: before("get", None), skip: 0, times: 12, fault: sorted(false) });
        faults.add(Rule { matching: second, skip: 0, times: 1000, fault: sorted(true) });
        eventually(SOON, "twelve looks", async || (!faults.left().contains_key(&looks)).then_some(())).await;
        faults.clear();
        rig.until_equal(SOON).await;
        // then the table has what it had, and nothing was written for it
        assert_eq!(rig.ask("SELECT COUNT(*) FROM goods").await.as_deref(), Some("41"), "{server}");
        assert_eq!(written.written().await.by_daemon, 0, "{server}");
    })
    .await;
}

/// The sweep's answer never comes before the edit is in the table and the change in the tab.
#[tokio::test]
async fn an_edit_and_a_change_do_not_wait_for_the_end_of_a_long_sweep() {
    for_each_server(async |server| {
        // given a tab of which a look at all of it took seconds, and the next such look under way
        let setup = Setup { sweep_interval: "200ms", rows: 300, ..Setup::default() };
        let rig = Rig::open(server, "longsweep", setup).await;
        let whole = |skip, fault| Rule {
            matching: Match {
                method: Some("spreadsheets.getByDataFilter".into()),
                body: Some("{\"sheetId\":0}".into()),
                ..Match::default()
            },
            skip,
            times: 1,
            fault,
        };
        let faults = rig.google.faults();
        for (skip, moment) in [(0, "sweep"), (2, "another")] {
            faults.add(whole(skip, Fault::Slow { ms: 3000 }));
            faults.add(whole(skip + 1, Fault::HoldAnswer { name: moment.into() }));
        }
        faults.paused("sweep").await;
        // when somebody types, then the table has it
        assert!(rig.person("ann@example.com").types(7, "name", "Bern"));
        rig.table_says("SELECT name FROM goods WHERE id = 7", "Bern").await;
        // and when the table changes beside the next one, then the tab shows it
        faults.paused("another").await;
        rig.sql("UPDATE goods SET name = 'Basel' WHERE id = 9").await;
        let person = rig.person("ann@example.com");
        eventually(SOON, "the change in the tab", async || {
            person.sees(9, "name").filter(|name| name == "Basel")
        })
        .await;
        faults.release("sweep");
        faults.release("another");
        rig.until_equal(SOON).await;
    })
    .await;
}
