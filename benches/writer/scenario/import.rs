//! A tab of a hundred thousand rows, kept by people so far, into an empty table; once with a person who types into another tab of
//! that spreadsheet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sheets_emulator::grid::SheetId;

use crate::Scale;
use crate::figures::Figures;
use crate::scenario::count_calls;
use crate::scenario::person::{desk, edits_of};
use crate::slowest;
use crate::stage::{Google, Link, Stage};
use crate::support::deadline::eventually;
use crate::support::server::Server;

const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let rows = scale.of(100_000, 1000);
    let mut figures = Figures::new();
    figures.insert("rows".into(), f64::from(rows));
    alone(server, rows, &mut figures).await;
    beside(server, rows, &mut figures).await;
    figures
}

async fn alone(server: &'static Server, rows: u32, figures: &mut Figures) {
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
    figures.insert("seconds".into(), seconds);
    figures.insert("at_rest_after_s".into(), began.elapsed().as_secs_f64());
    figures.insert("daemon_cpu_s".into(), cpu);
    figures.insert("daemon_peak_mb".into(), peak);
    count_calls(figures, &stage.calls(), Google::FAST);
}

async fn beside(server: &'static Server, rows: u32, figures: &mut Figures) {
    let list = Link { name: "goods".into(), book: 0, tab: SheetId(1), rows, filled: true };
    let mut stage = Stage::open(server, vec![desk(), list]).await;
    stage.sql("TRUNCATE goods").await;
    let began = Instant::now();
    stage.start(Google::FAST);
    let is_over = AtomicBool::new(false);
    let filled = async {
        let count = format!("SELECT COUNT(*) FROM {}.goods", stage.database);
        eventually(PATIENCE, "every row in the table", async || {
            (server.one::<u32>(&count).await == rows).then_some(())
        })
        .await;
        is_over.store(true, Ordering::Relaxed);
        began.elapsed().as_secs_f64()
    };
    let (seconds, samples) = tokio::join!(filled, edits_of(&stage, 1000, || is_over.load(Ordering::Relaxed)));
    figures.insert("beside_edits_seconds".into(), seconds);
    figures.insert("beside_edits_daemon_cpu_s".into(), stage.daemon_cost().0);
    slowest::report(figures, "beside_edits", &stage, &samples, None);
}
