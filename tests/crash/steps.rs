//! The daemon is killed at each named step of its work, and started again.
//!
//! While it is dead life goes on: people sort, type and delete, and the table changes. In the end every row stands once, with everything
//! that was done on both sides; calls of the dead daemon that come late are refused.

use sheets_emulator::faults::Fault;

use super::hold::{BATCH, KEYS, Lock, is_held, last_call, next_batch, next_with, release};
use super::picture::{Line, Picture, assert_same, furnish, settled};
use crate::bridge::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::{Server, for_each_server};

const HELD: &str = "held";

fn pause() -> Fault {
    Fault::Pause { name: HELD.into() }
}

fn hold_answer() -> Fault {
    Fault::HoldAnswer { name: HELD.into() }
}

/// A bridge at rest, with people's own columns, and what stands on it.
async fn at_rest(server: &'static Server, story: &str, script: bool) -> (Rig, Picture) {
    let setup = Setup { script, sweep_interval: "250ms", rows: 20, ..Setup::default() };
    let rig = Rig::open(server, story, setup).await;
    furnish(&rig);
    let picture = settled(&rig).await;
    (rig, picture)
}

/// An update, an insert, a delete and a key change: one transaction.
async fn sql_changes(rig: &Rig, picture: &mut Picture) {
    rig.sql(
        "BEGIN; UPDATE goods SET name = 'from sql' WHERE id = 3; DELETE FROM goods WHERE id = 5;
         INSERT INTO goods (id, name) VALUES (500, 'new from sql'); UPDATE goods SET id = 600 WHERE id = 6; COMMIT",
    )
    .await;
    picture.get_mut(&3).expect("row 3").name = "from sql".into();
    picture.remove(&5);
    picture.insert(500, Line { name: "new from sql".into(), stock: "0".into(), ..Line::default() });
    let renamed = picture.remove(&6).expect("row 6");
    picture.insert(600, renamed);
}

/// What happens on both sides while the daemon is dead.
async fn life_goes_on(rig: &Rig, picture: &mut Picture) {
    let ann = rig.person("ann@example.com");
    assert!(ann.sorts("name", true));
    assert!(ann.types(8, "note", "typed meanwhile"));
    assert!(ann.deletes(9));
    assert!(ann.inserts_above(10, 1));
    rig.sql(
        "UPDATE goods SET stock = 1010 WHERE id = 10; INSERT INTO goods (id, name) VALUES (700, 'meanwhile')",
    )
    .await;
    picture.get_mut(&8).expect("row 8").note = "typed meanwhile".into();
    picture.remove(&9);
    picture.get_mut(&10).expect("row 10").stock = "1010".into();
    picture.insert(700, Line { name: "meanwhile".into(), stock: "0".into(), ..Line::default() });
}

/// Lets a call of the dead daemon go on, and waits until the daemon that lives has shown that it changed nothing.
async fn late_call_does_nothing(rig: &Rig, mut picture: Picture) {
    release(rig, HELD).await;
    rig.sql("UPDATE goods SET note = 'after the late call' WHERE id = 12").await;
    picture.get_mut(&12).expect("row 12").note = "after the late call".into();
    assert_same(&picture, &settled(rig).await, "after the late call");
}

async fn refused_since(rig: &Rig, call: u64) {
    eventually(SOON, "the late call's refusal", async || {
        rig.google.calls().since(call).iter().any(|call| call.status == 400).then_some(())
    })
    .await;
}

async fn open_batches(rig: &Rig) -> u64 {
    let query = format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {}.batch GROUP BY spreadsheet, number HAVING MAX(step <> 'intended') = 0) open",
        rig.state
    );
    rig.server.one(&query).await
}

/// After a failure the script pauses for 30 s; its timer sends what waits.
fn script_tries_again(rig: &Rig) {
    rig.google.world().clock().advance(31_000);
    rig.google.scripts().get(&rig.spreadsheet).expect("it is installed").fire_timers();
}

async fn unanswered(rig: &Rig) -> u64 {
    rig.server.one(&format!("SELECT COUNT(*) FROM {}.edit WHERE NOT answered", rig.state)).await
}

#[tokio::test]
async fn killed_after_intended_and_the_call_comes_when_its_successor_lives() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "intended", false).await;
        rig.google.faults().add(next_batch(BATCH, pause()));
        sql_changes(&rig, &mut picture).await;
        is_held(&rig, HELD).await;
        assert_eq!(open_batches(&rig).await, 1, "{server}: the intention stands in the ledger");
        rig.kill9();
        life_goes_on(&rig, &mut picture).await;
        rig.start().await;
        assert_same(&picture, &settled(&rig).await, "killed after intended");

        let call = last_call(&rig);
        late_call_does_nothing(&rig, picture).await;
        refused_since(&rig, call).await;
    })
    .await;
}

#[tokio::test]
async fn killed_after_intended_and_the_call_lands_while_nobody_lives() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "orphan", false).await;
        rig.google.faults().add(next_batch(BATCH, pause()));
        sql_changes(&rig, &mut picture).await;
        is_held(&rig, HELD).await;
        rig.kill9();
        let ann = rig.person("ann@example.com");
        // It hits other rows than it meant to, and nobody hears of it.
        assert!(ann.inserts_above(2, 1));
        release(&rig, HELD).await;
        eventually(SOON, "the orphaned batch", async || ann.sees(500, "name").map(drop)).await;
        life_goes_on(&rig, &mut picture).await;
        rig.start().await;
        assert_same(&picture, &settled(&rig).await, "an orphaned batch that hit other rows");
    })
    .await;
}

#[tokio::test]
async fn killed_after_the_send() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "sent", false).await;
        rig.google.faults().add(next_batch(BATCH, hold_answer()));
        sql_changes(&rig, &mut picture).await;
        is_held(&rig, HELD).await;
        assert_eq!(open_batches(&rig).await, 1, "{server}: nobody knows yet that it landed");
        rig.kill9();
        life_goes_on(&rig, &mut picture).await;
        rig.start().await;
        assert_same(&picture, &settled(&rig).await, "killed after the send");
        late_call_does_nothing(&rig, picture).await;
    })
    .await;
}

#[tokio::test]
async fn killed_after_the_answer() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "answered", false).await;
        rig.google.faults().add(next_batch(BATCH, hold_answer()));
        sql_changes(&rig, &mut picture).await;
        is_held(&rig, HELD).await;
        // What follows from the answer is stored with the position: there it stops.
        let lock = Lock::on(&rig, "position").await;
        release(&rig, HELD).await;
        lock.is_wanted(&rig, "INSERT INTO position").await;
        rig.kill9();
        lock.end().await;
        assert_eq!(open_batches(&rig).await, 1, "{server}: the answer was heard and not yet stored");
        life_goes_on(&rig, &mut picture).await;
        rig.start().await;
        assert_same(&picture, &settled(&rig).await, "killed after the answer");
    })
    .await;
}

#[tokio::test]
async fn killed_between_a_write_that_hit_other_rows_and_its_mending() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "unmended", false).await;
        rig.google.faults().add(next_batch(BATCH, pause()));
        rig.google.faults().add(next_batch(BATCH, Fault::HoldAnswer { name: "answer".into() }));
        sql_changes(&rig, &mut picture).await;
        is_held(&rig, HELD).await;
        assert!(rig.person("ann@example.com").sorts("id", true));
        release(&rig, HELD).await;
        is_held(&rig, "answer").await;
        rig.kill9();
        life_goes_on(&rig, &mut picture).await;
        // Its successor is killed as it mends.
        rig.google.faults().add(next_batch(BATCH, pause()));
        rig.start().await;
        is_held(&rig, HELD).await;
        rig.kill9();
        rig.start().await;
        assert_same(&picture, &settled(&rig).await, "killed before and while mending");
        release(&rig, "answer").await;
        late_call_does_nothing(&rig, picture).await;
    })
    .await;
}

#[tokio::test]
async fn killed_after_the_guarded_commit() {
    for_each_server(async |server| {
        let (rig, mut picture) = at_rest(server, "guarded", true).await;
        // given an edit in the inbox, and a lock on its answer
        rig.google.faults().add(next_with("read", "", pause()));
        is_held(&rig, HELD).await;
        assert!(rig.person("ann@example.com").types(3, "name", "typed by Ann"));
        eventually(SOON, "the edit in the inbox", async || (unanswered(&rig).await > 0).then_some(())).await;
        let lock = Lock::on(&rig, "edit").await;
        // when it is in the table and the daemon is killed before it can say so
        release(&rig, HELD).await;
        rig.table_says("SELECT name FROM goods WHERE id = 3", "typed by Ann").await;
        lock.is_wanted(&rig, "UPDATE edit").await;
        rig.kill9();
        lock.end().await;
        // then the table's next word stands: the edit is not written again over it
        rig.sql("UPDATE goods SET name = 'the last word' WHERE id = 3").await;
        picture.get_mut(&3).expect("row 3").name = "the last word".into();
        life_goes_on(&rig, &mut picture).await;
        rig.start().await;
        script_tries_again(&rig);
        assert_same(&picture, &settled(&rig).await, "killed after the guarded commit");
    })
    .await;
}

/// A person's new row, held at the write-back of its key.
async fn killed_at_the_key(server: &'static Server, story: &str, fault: Fault) {
    let (rig, mut picture) = at_rest(server, story, false).await;
    rig.google.faults().add(next_with(KEYS, "", fault));
    rig.person("ann@example.com").adds(&[("name", "Ann's new one"), ("stock", "77")]);
    is_held(&rig, HELD).await;
    rig.kill9();
    life_goes_on(&rig, &mut picture).await;
    rig.start().await;
    let found = settled(&rig).await;
    let made: Vec<u64> =
        found.iter().filter(|(_, line)| line.name == "Ann's new one").map(|(key, _)| *key).collect();
    assert_eq!(made.len(), 1, "{server}: inserted once");
    picture.insert(made[0], Line { name: "Ann's new one".into(), stock: "77".into(), ..Line::default() });
    assert_same(&picture, &found, story);
    late_call_does_nothing(&rig, picture).await;
}

#[tokio::test]
async fn killed_before_the_key_is_written_back() {
    for_each_server(async |server| killed_at_the_key(server, "unnamed", pause()).await).await;
}

#[tokio::test]
async fn killed_after_the_key_was_written_back() {
    for_each_server(async |server| killed_at_the_key(server, "named", hold_answer()).await).await;
}
