//! The daemon is killed again and again on a busy day, at moments that nobody chose, with answers that are lost, late or held.
//!
//! `RUNS=200 cargo test --test main crash::moments` kills 200 times on each server; a failure's seed is printed and is taken
//! again from `SHEETBRIDGE_SEED`.

use std::env;

use sheets_emulator::faults::{Applied, Fault};

use super::day::Day;
use super::hold::{BATCH, KEYS, last_call, next_batch, next_with};
use super::picture::settled;
use crate::bridge::rig::{Rig, SOON, Setup};
use crate::simulation::dice::Dice;
use crate::support::deadline::eventually;
use crate::support::server::{Kind, shared};

/// Both sides are compared in between, too, so that a failure stands near its cause.
const ROUNDS_BETWEEN_LOOKS: u32 = 5;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().and_then(|given| given.parse().ok())
}

/// What goes wrong in one round, and what is to be released when the next daemon lives.
fn weather(rig: &Rig, dice: &mut Dice, round: u32) -> Vec<String> {
    let faults = rig.google.faults();
    let mut later = Vec::new();
    for strike in 0..dice.below(3) {
        let name = format!("round {round}, {strike}");
        let fault = match dice.below(7) {
            0 => Fault::LostReply { applied: Applied::Yes },
            1 => Fault::LostReply { applied: Applied::No },
            2 => Fault::LostReply { applied: Applied::AfterCalls(1 + dice.below(4) as u32) },
            3 => Fault::LostReply { applied: Applied::OnRelease(name.clone()) },
            4 => Fault::StatusAfter { code: 503 },
            5 => Fault::Pause { name: name.clone() },
            _ => Fault::HoldAnswer { name: name.clone() },
        };
        later.push(name);
        let mut rule = if dice.chance(0.2) { next_with(KEYS, "", fault) } else { next_batch(BATCH, fault) };
        rule.skip = dice.below(2) as u32;
        faults.add(rule);
    }
    later
}

/// Lets the daemon get on by some calls, unless one of them is held.
async fn calls_pass(rig: &Rig, count: usize, held: &[String]) {
    let before = last_call(rig);
    eventually(SOON, "calls of the daemon", async || {
        let is_held = held.iter().any(|name| rig.google.faults().is_paused(name));
        (is_held || rig.google.calls().since(before).len() >= count).then_some(())
    })
    .await;
}

async fn killed_at_random(kind: Kind) {
    let seed = number("SHEETBRIDGE_SEED").unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
    let kills = number("RUNS").unwrap_or(20) as u32;
    println!("{}: {kills} kills, SHEETBRIDGE_SEED={seed}", kind.word());
    let mut dice = Dice::new(seed);
    let setup = Setup { script: false, sweep_interval: "250ms", rows: Day::ROWS, ..Setup::default() };
    let rig = Rig::open(shared(kind).await, "moments", setup).await;
    let mut day = Day::begin(&rig);
    settled(&rig).await;
    let mut late: Vec<String> = Vec::new();
    for round in 1..=kills {
        let fresh = weather(&rig, &mut dice, round);
        // A fault of the round before may only strike now.
        let held: Vec<String> = late.iter().chain(&fresh).cloned().collect();
        for _ in 0..2 + dice.below(10) {
            day.goes_on(&mut dice).await;
            if dice.chance(0.4) {
                calls_pass(&rig, dice.below(4), &held).await;
            }
        }
        rig.kill9();
        for _ in 0..dice.below(5) {
            day.goes_on(&mut dice).await;
        }
        rig.start().await;
        for name in &late {
            rig.google.faults().release(name);
        }
        late = fresh;
        if round % ROUNDS_BETWEEN_LOOKS == 0 || round == kills {
            // What is held is of this daemon or of the one before: it goes on now.
            rig.google.faults().clear();
            for name in late.drain(..) {
                rig.google.faults().release(&name);
            }
            day.is_right(&settled(&rig).await, &format!("after {round} kills, seed {seed}")).await;
        }
    }
}

#[tokio::test]
async fn killed_at_random_moments_of_a_busy_day_on_mariadb() {
    killed_at_random(Kind::MariaDb).await;
}

#[tokio::test]
async fn killed_at_random_moments_of_a_busy_day_on_mysql() {
    killed_at_random(Kind::MySql).await;
}
