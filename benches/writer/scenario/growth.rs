//! What one change costs as the tab grows.

use crate::Scale;
use crate::figures::{Figures, percentile, slope};
use crate::scenario::idle::changes;
use crate::stage::{Google, Stage};
use crate::support::server::Server;

const SIZES: [u32; 4] = [1000, 10_000, 100_000, 1_000_000];

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let google = Google::FAST.without_quota();
    let mut figures = Figures::new();
    let (mut latencies, mut costs) = (Vec::new(), Vec::new());
    for rows in SIZES.into_iter().filter(|size| *size <= scale.of(1_000_000, 1000)) {
        let mut stage = Stage::filled(server, rows).await;
        // What a sweep costs is no part of what a change costs: it comes by the clock.
        stage.sweep = "1h";
        stage.settle(google).await;
        stage.until_calm().await;
        let (before, count) = (stage.daemon_cost(), scale.of(2000, 50).min(400));
        let samples = changes(&stage, google, count, |n| 1 + n.wrapping_mul(2_654_435_761) % rows).await;
        let after = stage.daemon_cost();
        let cpu_ms = (after.0 - before.0) * 1e3 / f64::from(count);
        figures.insert(format!("at_{rows}_rows_p50_ms"), percentile(&samples, 0.5));
        figures.insert(format!("at_{rows}_rows_p99_ms"), percentile(&samples, 0.99));
        figures.insert(format!("at_{rows}_rows_cpu_ms"), cpu_ms);
        figures.insert(format!("at_{rows}_rows_start_cpu_s"), before.0);
        figures.insert(format!("at_{rows}_rows_peak_mb"), after.1);
        latencies.push((f64::from(rows), percentile(&samples, 0.5)));
        costs.push((f64::from(rows), cpu_ms));
    }
    figures.insert("slope_of_latency_percent".into(), slope(&latencies) * 100.0);
    figures.insert("slope_of_cpu_percent".into(), slope(&costs) * 100.0);
    figures
}
