//! One change at a time into a bridge at rest: what the daemon adds to Google's own round trips.

use std::time::{Duration, Instant};

use crate::Scale;
use crate::commit::SmallCommit;
use crate::figures::{Figures, spread};
use crate::rivals::Rival;
use crate::scenario::is_read;
use crate::stage::{Google, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const ROWS: u32 = 1000;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let mut figures = Figures::new();
    for round_trip_ms in [0, 40] {
        let google = Google { round_trip_ms, ..Google::FAST }.without_quota();
        let mut stage = Stage::filled(server, ROWS).await;
        stage.settle(google).await;
        let samples = changes(&stage, google, scale.of(2000, 20), |n| 1 + n * 7 % ROWS).await;
        spread(&mut figures, &format!("added_at_{round_trip_ms}ms"), &samples);
    }
    let commits = commits(server, scale.of(2000, 20)).await;
    spread(&mut figures, "store_commit", &commits);
    rivals(server, scale, &mut figures).await;
    figures
}

/// Single changes, each in milliseconds from its commit to its cell, less the one round trip that comes before it (the read)
/// and what the emulator itself worked for it. The rows are those that `row` names.
pub(crate) async fn changes(stage: &Stage, google: Google, count: u32, row: impl Fn(u32) -> u32) -> Vec<f64> {
    let link = &stage.links[0];
    let mut watch = Watch::new(stage, link);
    let mut conn = stage.server.connect().await;
    let mut samples = Vec::new();
    for n in 0..count {
        let (id, stock) = (row(n), 1_000_000 + n);
        let before = stage.calls().last().map_or(0, |call| call.number);
        let batches = stage.google.calls().count("spreadsheets.batchUpdate");
        let statement =
            format!("UPDATE {}.{} SET stock = {stock} WHERE id = {id}", stage.database, link.name);
        mysql_async::prelude::Queryable::query_drop(&mut conn, statement).await.expect("a right statement");
        let committed = Instant::now();
        let Some(seen) = watch.shows(id, f64::from(stock), PATIENCE).await else {
            panic!("row {id} does not show its change within {PATIENCE:?}:\n{}", stage.log());
        };
        let read = stage.google.calls().since(before).into_iter().find(is_read);
        let took = read.map_or(0, |read| read.took_ms);
        let total = seen.duration_since(committed).as_secs_f64() * 1e3;
        samples.push(total - google.round_trip_ms as f64 - took as f64);
        while stage.google.calls().count("spreadsheets.batchUpdate") == batches {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The pipe is free again once the answer is there and the commit behind it is made.
        tokio::time::sleep(Duration::from_millis(google.round_trip_ms + 15 + u64::from(n % 10))).await;
    }
    samples
}

/// What one small commit costs in this server, in milliseconds.
async fn commits(server: &Server, count: u32) -> Vec<f64> {
    let mut commit = SmallCommit::prepare(server).await;
    let mut samples = Vec::new();
    for _ in 0..count {
        samples.push(commit.make().await);
    }
    samples
}

async fn rivals(server: &'static Server, scale: Scale, figures: &mut Figures) {
    let mut stage = Stage::filled(server, ROWS).await;
    stage.start(Google::FAST.without_quota());
    stage.stop().await;
    let link = stage.links[0].clone();
    let mut rival = Rival::new(&stage, &link);
    let mut samples = Vec::new();
    for n in 0..scale.of(2000, 20) {
        let began = Instant::now();
        rival.put_row(1 + n % ROWS, f64::from(n), began + PATIENCE).await;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
    }
    spread(figures, "rival_one_call_a_row", &samples);

    // A change finds the poll at any moment of its three seconds.
    let mut watch = Watch::new(&stage, &link);
    let end = Instant::now() + Duration::from_secs(u64::from(scale.of(120, 9)));
    let mut poll = Rival::new(&stage, &link);
    let changing = async {
        let mut samples = Vec::new();
        for n in 0.. {
            let (id, stock) = (1 + n % ROWS, 2_000_000 + n);
            stage.sql(&format!("UPDATE {} SET stock = {stock} WHERE id = {id}", link.name)).await;
            let committed = Instant::now();
            let Some(seen) = watch.shows(id, f64::from(stock), Duration::from_secs(8)).await else { break };
            samples.push(seen.duration_since(committed).as_secs_f64() * 1e3);
            tokio::time::sleep(Duration::from_millis(u64::from(n * 397 % 1500))).await;
        }
        samples
    };
    let (samples, ()) = tokio::join!(changing, poll.poll_until(end, || false));
    spread(figures, "rival_poll", &samples);
}
