//! A million rows into an empty tab.

use std::time::{Duration, Instant};

use sheets_emulator::grid::SheetId;

use crate::Scale;
use crate::figures::Figures;
use crate::goods;
use crate::scenario::count_calls;
use crate::stage::{Google, Link, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const PATIENCE: Duration = Duration::from_secs(7200);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let mut figures = Figures::new();
    for (word, google) in [("fast", Google::FAST), ("slow", Google::SLOW)] {
        let rows = scale.of(1_000_000, 1000);
        let link = Link { name: "goods".into(), book: 0, tab: SheetId(0), rows, filled: false };
        let mut stage = Stage::open(server, vec![link.clone()]).await;
        let began = Instant::now();
        stage.start(google);
        let mut watch = Watch::new(&stage, &link);
        let equal = watch.is_equal(goods::stock, PATIENCE).await;
        let equal = equal.unwrap_or_else(|| panic!("not equal within {PATIENCE:?}:\n{}", stage.log()));
        stage.until_live(1).await;
        stage.until_idle(&link.name).await;
        let (cpu, peak) = stage.daemon_cost();
        let seconds = equal.duration_since(began).as_secs_f64();
        let mut one = Figures::new();
        one.insert("rows".into(), f64::from(rows));
        one.insert("seconds".into(), seconds);
        one.insert("daemon_cpu_s".into(), cpu);
        one.insert("daemon_peak_mb".into(), peak);
        count_calls(&mut one, &stage.calls(), google);
        let limit = one.get("limit_s").copied().unwrap_or(f64::NAN);
        one.insert("times_the_limit".into(), seconds / limit.max(0.001));
        figures.extend(one.into_iter().map(|(name, value)| (format!("{word}_{name}"), value)));
        drop(watch);
    }
    figures
}
