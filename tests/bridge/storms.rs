//! Five hundred mixed changes on both sides: equal at the end, and with no more work than they needed.

use std::time::Duration;

use sheets_emulator::script::ScriptKnobs;

use super::rig::{Rig, SOON, Setup};
use super::storm::Storm;
use crate::support::server::for_each_server;

const CHANGES: u32 = 500;

/// For the way to the end after the last change.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// # What is counted
/// *Writes into the table* are row changes in the binlog that the daemon's own transactions made. An edit is a cell that was typed, a
/// row that was pasted over or a row that was deleted; an insert is a row that was added.
///
/// *Flushes that the changes needed*: one for each transaction in the table, one for each message of the script, two more for
/// each added row (one that claims it, one that brings its key), one more for each deleted row (it is looked at twice).
/// Changes that come together share a flush, so this is what changes one at a time would need. A flush is a read and a batch.
#[tokio::test]
async fn five_hundred_changes_on_both_sides_end_equal_with_no_more_work_than_they_need() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "storm", Setup { sweep_interval: "1h", rows: 40, ..Setup::default() }).await;
        let (calls, written) = (rig.calls(), rig.binlog().await);
        let mut storm = Storm::over(&rig);

        storm.blow(CHANGES).await;
        // A script that was told to wait is asked by a person instead of by its timer.
        rig.until_script_rests().await;
        rig.sync_now().await;
        rig.until_equal(SETTLED_WITHIN).await;

        let (calls, written, done) = (calls.count(), written.written().await, storm.done);
        let script = rig.script().expect("it is installed");
        let messages = script.executions().iter().map(|run| run.sent.len()).sum::<usize>();
        let flushes = done.transactions as usize + messages + 2 * done.inserts as usize + done.deletes as usize;
        println!(
            "{server}: {done:?}\n  {} rows written into the table, {calls}, {messages} messages of the script\n  {} rows written \
             into our own schema: {:?}",
            written.by_daemon,
            written.own_rows(),
            written.own
        );
        assert!(written.by_daemon <= done.edits + done.inserts, "{written:?} for {done:?}");
        assert!(calls.all() <= 2 * flushes, "{calls} for {flushes} flushes");
        assert!(script.executions().iter().all(|run| run.sent.iter().all(|sent| sent.status.is_some())));
    })
    .await;
}

#[tokio::test]
async fn with_every_message_of_the_script_lost_the_sweep_alone_brings_the_same_end() {
    for_each_server(async |server| {
        let rig =
            Rig::open(server, "silent", Setup { sweep_interval: "200ms", rows: 40, ..Setup::default() })
                .await;
        let script = rig.script().expect("it is installed");
        script.set_knobs(ScriptKnobs { deliver: false, ..ScriptKnobs::default() });
        let edits = rig.state_rows("edit").await;
        let written = rig.binlog().await;
        let mut storm = Storm::over(&rig);

        storm.blow(CHANGES).await;
        rig.until_equal(SETTLED_WITHIN).await;

        assert_eq!(rig.state_rows("edit").await, edits, "{server}: no message came");
        let (written, done) = (written.written().await, storm.done);
        println!("{server}: {done:?}, {} rows written into the table", written.by_daemon);
        assert!(written.by_daemon <= done.edits + done.inserts, "{written:?} for {done:?}");
    })
    .await;
}

#[tokio::test]
async fn a_link_without_a_script_and_without_an_open_port_is_kept_equal_too() {
    for_each_server(async |server| {
        let setup = Setup { script: false, sweep_interval: "200ms", ..Setup::default() };
        let rig = Rig::open(server, "polled", setup).await;
        let mut storm = Storm::over(&rig);
        storm.blow(60).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
