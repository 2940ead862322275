//! Three people edit while everything around them fails: none of their edits is lost, none is made twice.

use std::collections::BTreeMap;
use std::time::Duration;

use sheets_emulator::script::{Kill, KillPoint, ScriptKnobs};

use super::rig::{Rig, Setup};
use crate::simulation::dice::Dice;
use crate::support::server::{Kind, Server};

/// `EDITS=2000 cargo test bridge::people` is what `make full` runs.
const EDITS: u32 = 150;

/// For the way to the end after the last edit: the outbox is sent in parcels, and the daemon may just have been killed.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

const PEOPLE: [&str; 3] = ["ann@example.com", "bob@example.com", "cid@example.com"];

/// What was typed, for the end: the last value of each cell, and the rows that were added.
#[derive(Default)]
struct Typed {
    cells: BTreeMap<(u32, &'static str), String>,
    added: Vec<String>,
    kills: u32,
    server_restarts: u32,
}

async fn everybody_edits_while_everything_fails(kind: Kind) {
    // A server of its own: it is restarted. It ends with the test's process.
    let server: &'static Server = Box::leak(Box::new(Server::start(kind, &[]).await));
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let edits = number("EDITS").and_then(|edits| u32::try_from(edits).ok()).unwrap_or(EDITS);
    let seed = number("SHEETBRIDGE_SEED").unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
    println!("{server}: SHEETBRIDGE_SEED={seed}, {edits} edits");
    let rig = Rig::open(server, "people", Setup { rows: 60, ..Setup::default() }).await;
    let mut dice = Dice::new(seed);
    let mut typed = Typed::default();

    for edit in 0..edits {
        trouble(&rig, &mut dice, seed + u64::from(edit));
        edit_something(&rig, &mut dice, edit, &mut typed);
        if dice.chance(0.15) {
            // A script that found nobody waits for half a minute and more, unless a person asks.
            rig.script().expect("it is installed").set_knobs(ScriptKnobs::default());
            rig.sync_now().await;
        }
        if dice.chance(0.4) {
            // Some runs meet the trouble that was made for them; others come when the next is made.
            let _ = rig.script().expect("it is installed").wait_idle(Duration::from_millis(250)).await;
        }
        if dice.chance(6.0 / f64::from(edits)) {
            rig.kill9();
            typed.kills += 1;
            rig.start().await;
        }
        if dice.chance(2.0 / f64::from(edits)) {
            server.restart().await;
            typed.server_restarts += 1;
        }
        if dice.chance(0.2) {
            rig.calls().next(Duration::from_millis(60)).await;
        }
    }
    let script = rig.script().expect("it is installed");
    script.set_knobs(ScriptKnobs::default());
    rig.sync_now().await;
    rig.until_equal(SETTLED_WITHIN).await;

    let Typed { cells, added, kills, server_restarts } = typed;
    let runs = script.executions();
    let killed = runs.iter().filter(|run| format!("{:?}", run.outcome).contains("Killed")).count();
    println!(
        "{server}: {} runs of the script, {killed} of them killed; the daemon killed {kills} times, the server restarted \
         {server_restarts} times; {} cells and {} rows",
        runs.len(),
        cells.len(),
        added.len()
    );
    for ((key, column), value) in &cells {
        let there = rig.ask(&format!("SELECT CAST({column} AS CHAR) FROM goods WHERE id = {key}")).await;
        assert_eq!(there.as_ref(), Some(value), "{server}: {column} of {key}");
    }
    for name in &added {
        let rows = rig.ask(&format!("SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE name = '{name}'")).await;
        assert_eq!(rows.as_deref(), Some("1"), "{server}: {name}");
    }
    let inserts = rig.state_rows("ledger WHERE kind = 'insert'").await;
    assert_eq!(inserts, added.len() as u64, "{server}: each added row was made once");
}

fn edit_something(rig: &Rig, dice: &mut Dice, edit: u32, typed: &mut Typed) {
    let person = rig.person(PEOPLE[dice.below(3)]);
    if dice.chance(0.15) {
        let name = format!("added {edit}");
        person.adds(&[("name", &name), ("stock", &edit.to_string())]);
        typed.added.push(name);
        return;
    }
    let (key, column) = (1 + dice.below(60) as u32, ["stock", "note", "name"][dice.below(3)]);
    let value = if column == "stock" { edit.to_string() } else { format!("{column} {edit}, Zoë") };
    if person.types(key, column, &value) {
        typed.cells.insert((key, column), value);
    }
}

/// What Google may do to the script's next runs.
fn trouble(rig: &Rig, dice: &mut Dice, seed: u64) {
    let kill = dice.chance(0.4).then(|| Kill {
        at: match dice.below(3) {
            0 => KillPoint::BeforeSend,
            1 => KillPoint::AfterSend,
            _ => KillPoint::Call(dice.below(24) as u32),
        },
        chance: 0.8,
    });
    let script = rig.script().expect("it is installed");
    script.set_knobs(ScriptKnobs {
        lose: 0.1,
        double: 0.1,
        reorder: 0.2,
        kill,
        seed,
        ..ScriptKnobs::default()
    });
    if dice.chance(0.1) {
        script.fire_timers();
    }
}

#[tokio::test]
async fn none_is_lost_and_none_is_made_twice_on_mariadb() {
    everybody_edits_while_everything_fails(Kind::MariaDb).await;
}

#[tokio::test]
async fn none_is_lost_and_none_is_made_twice_on_mysql() {
    everybody_edits_while_everything_fails(Kind::MySql).await;
}
