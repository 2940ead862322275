//! A tab of a hundred thousand rows, kept by people so far, into an empty table.

use std::time::{Duration, Instant};

use crate::Scale;
use crate::figures::Figures;
use crate::scenario::count_calls;
use crate::stage::{Google, Stage};
use crate::support::deadline::eventually;
use crate::support::server::Server;

const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let rows = scale.of(100_000, 1000);
    let mut stage = Stage::filled(server, rows).await;
    stage.sql("TRUNCATE goods").await;
    let began = Instant::now();
    stage.start(Google::FAST);
    let count = format!("SELECT COUNT(*) FROM {}.goods", stage.database);
    eventually(PATIENCE, "every row in the table", async || {
        (server.one::<u32>(&count).await == rows).then_some(())
    })
    .await;
    let seconds = began.elapsed().as_secs_f64();
    stage.until_live(1).await;
    stage.until_idle("goods").await;
    let (cpu, peak) = stage.daemon_cost();
    let mut figures = Figures::new();
    figures.insert("rows".into(), f64::from(rows));
    figures.insert("seconds".into(), seconds);
    figures.insert("at_rest_after_s".into(), began.elapsed().as_secs_f64());
    figures.insert("daemon_cpu_s".into(), cpu);
    figures.insert("daemon_peak_mb".into(), peak);
    count_calls(&mut figures, &stage.calls(), Google::FAST);
    figures
}
