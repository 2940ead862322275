//! A hundred thousand distinct rows changed by one statement.

use std::time::{Duration, Instant};

use crate::Scale;
use crate::figures::Figures;
use crate::goods;
use crate::rivals::Rival;
use crate::scenario::count_calls;
use crate::stage::{Google, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const PATIENCE: Duration = Duration::from_secs(3600);

/// What the statement makes of a row.
fn changed(id: u32) -> f64 {
    goods::stock(id) + 5_000_000.0
}

pub(crate) async fn run(server: &'static Server, scale: Scale, google: Google) -> Figures {
    let rows = scale.of(100_000, 1000);
    let mut figures = Figures::new();
    let mut stage = Stage::filled(server, rows).await;
    stage.settle(google).await;
    // The start looks at all of the tab: the wave meets a bridge at rest.
    stage.until_calm().await;
    stage.google.calls().clear();
    let link = stage.links[0].clone();
    let before = stage.daemon_cost();
    let mut watch = Watch::new(&stage, &link);
    stage.sql("UPDATE goods SET stock = stock + 5000000").await;
    let committed = Instant::now();
    let equal = watch.is_equal(changed, PATIENCE).await;
    let equal = equal.unwrap_or_else(|| panic!("not equal within {PATIENCE:?}:\n{}", stage.log()));
    stage.until_idle(&link.name).await;
    let after = stage.daemon_cost();
    figures.insert("rows".into(), f64::from(rows));
    figures.insert("seconds_to_equal".into(), equal.duration_since(committed).as_secs_f64());
    figures.insert("daemon_cpu_s".into(), after.0 - before.0);
    figures.insert("daemon_peak_mb".into(), after.1);
    count_calls(&mut figures, &stage.calls(), google);
    let limit = figures.get("limit_s").copied().unwrap_or(f64::NAN);
    figures
        .insert("times_the_limit".into(), equal.duration_since(committed).as_secs_f64() / limit.max(0.001));
    drop(watch);
    stage.stop().await;
    rivals(&stage, google, scale, &mut figures).await;
    figures
}

/// The poll writes the whole tab; one call a row would take all day, so a minute of it is measured and drawn out.
async fn rivals(stage: &Stage, google: Google, scale: Scale, figures: &mut Figures) {
    let link = &stage.links[0];
    let expected = |id: u32| goods::stock(id) + 7_000_000.0;
    stage.sql("UPDATE goods SET stock = stock + 2000000").await;
    let watch = Watch::new(stage, link);
    let mut poll = Rival::new(stage, link);
    let began = Instant::now();
    poll.poll_until(began + PATIENCE, || watch.wrong(&expected) == 0).await;
    figures.insert("rival_poll_seconds_to_equal".into(), began.elapsed().as_secs_f64());
    figures.insert("rival_poll_calls".into(), poll.calls as f64);

    let mut rival = Rival::new(stage, link);
    let end = Instant::now() + Duration::from_secs(u64::from(scale.of(120, 10)));
    let (began, mut rows) = (Instant::now(), 0_u32);
    while Instant::now() < end && rows < link.rows && rival.put_row(rows + 1, 0.0, end).await {
        rows += 1;
    }
    let per_minute = f64::from(google.quota).min(f64::from(rows) / began.elapsed().as_secs_f64() * 60.0);
    figures.insert("rival_one_call_a_row_rows_a_minute".into(), per_minute);
    figures.insert("rival_one_call_a_row_hours_for_all".into(), f64::from(link.rows) / per_minute / 60.0);
}
