//! What Google may do to a script and nobody can order: knobs of the runtime, in every position.

use std::time::Duration;

use sheets_emulator::people::Action;
use sheets_emulator::script::{MAX_PARALLEL, Outcome, Trigger};

use super::stage::{ANN, SHEET, Stage};

/// A script that logs each edit's texts.
const TELLS: &str = r"
    function onOpen() { ScriptApp.newTrigger('tell').forSpreadsheet(SpreadsheetApp.getActive()).onEdit().create(); }
    function tell(e) { console.log(JSON.stringify([e.value, e.oldValue, e.range.getA1Notation()])); }";

async fn telling() -> Stage {
    let stage = Stage::with(TELLS).await;
    stage.script.open(ANN).await.expect("runs");
    stage
}

/// What the runs of the edit trigger logged, in the order in which they ran.
async fn told(stage: &Stage) -> Vec<String> {
    stage.idle().await;
    let runs = stage.script.executions().into_iter().filter(|run| run.trigger == Trigger::Edit);
    runs.flat_map(|run| run.lines.into_iter().map(|line| line.text)).collect()
}

#[tokio::test]
async fn a_cleared_cell_has_no_value_or_an_object_for_it() {
    for (is_object, wanted) in [(false, r#"[null,"Ann","B2"]"#), (true, r#"[{"oldValue":"Ann"},"Ann","B2"]"#)]
    {
        let stage = telling().await;
        stage.turn(|knobs| knobs.cleared_value_is_object = is_object);
        stage.does(&Action::Type { sheet: SHEET, row: 1, column: 1, text: String::new() });
        assert_eq!(told(&stage).await, [wanted]);
    }
}

#[tokio::test]
async fn events_come_in_order_or_overtake_those_that_wait() {
    for (reorder, wanted) in [(0.0, ["B2", "B3", "C2"]), (1.0, ["C2", "B3", "B2"])] {
        let stage = telling().await;
        stage.turn(|knobs| (knobs.reorder, knobs.delay_ms) = (reorder, 300));
        for (row, column) in [(1, 1), (2, 1), (1, 2)] {
            stage.types(row, column, "x");
        }
        let told = told(&stage).await;
        let places: Vec<&str> = told.iter().filter_map(|line| line.rsplit('"').nth(1)).collect();
        assert_eq!(places, wanted, "{reorder}");
    }
}

#[tokio::test]
async fn thirty_runs_go_at_once_and_no_more() {
    // given runs that wait until all thirty hold their place
    let stage = Stage::with(
        r"
        function onOpen() { ScriptApp.newTrigger('meet').forSpreadsheet(SpreadsheetApp.getActive()).onEdit().create(); }
        function meet() {
          const store = PropertiesService.getScriptProperties(), lock = LockService.getScriptLock();
          lock.waitLock(60000);
          store.setProperty('here', Number(store.getProperty('here') || '0') + 1);
          lock.releaseLock();
          while (Number(store.getProperty('here')) < 30);
        }",
    )
    .await;
    stage.turn(|knobs| knobs.parallel = 1000);
    stage.script.open(ANN).await.expect("runs");
    for _ in 0..MAX_PARALLEL {
        stage.types(1, 1, "x");
    }
    stage.script.wait_idle(Duration::from_secs(120)).await.expect("all meet");
    let runs = stage.script.executions().into_iter().filter(|run| run.trigger == Trigger::Edit);
    assert_eq!(runs.filter(|run| run.outcome == Outcome::Completed).count(), MAX_PARALLEL);
}

#[tokio::test]
async fn a_day_without_time_left_runs_no_trigger() {
    for (left, runs) in [(None, 2), (Some(0), 0), (Some(1), 1)] {
        // given runs that sleep: that counts as time
        let stage =
            Stage::with(&format!("{TELLS} tell = (e) => {{ Utilities.sleep(5); console.log('ran'); }};"))
                .await;
        stage.turn(|knobs| knobs.trigger_ms_left = left);
        stage.script.open(ANN).await.expect("runs: a menu and an opening are no triggers");
        stage.types(1, 1, "a");
        stage.idle().await;
        stage.types(1, 1, "b");
        assert_eq!(told(&stage).await.len(), runs, "{left:?}");
    }
}
