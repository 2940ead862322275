//! Two thousand changes a second on five thousand keys for a minute.

use std::time::{Duration, Instant};

use crate::Scale;
use crate::churn::Churn;
use crate::figures::Figures;
use crate::rivals::Rival;
use crate::scenario::count_calls;
use crate::stage::{Google, Link, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

/// Changes in one statement; twenty of them a second.
const TOGETHER: u32 = 100;
const BEAT: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn run(server: &'static Server, scale: Scale, google: Google) -> Figures {
    let (rows, seconds) = (scale.of(5000, 500), scale.of(60, 5));
    let mut figures = Figures::new();
    let mut stage = Stage::filled(server, rows).await;
    stage.settle(google).await;
    let link = stage.links[0].clone();
    let before = stage.daemon_cost();
    let mut watch = Watch::new(&stage, &link);
    let began = Instant::now();
    let expected = load(&stage, &link, seconds).await;
    let ended = Instant::now();
    let equal = watch.is_equal(|id| expected[id as usize], PATIENCE).await;
    let equal = equal.unwrap_or_else(|| panic!("not equal within {PATIENCE:?}:\n{}", stage.log()));
    stage.until_idle(&link.name).await;
    let after = stage.daemon_cost();
    let took = ended.duration_since(began).as_secs_f64();
    figures.insert("changes".into(), f64::from(seconds * 20 * TOGETHER));
    figures.insert("changes_per_s".into(), f64::from(seconds * 20 * TOGETHER) / took);
    figures.insert("equal_after_end_s".into(), equal.duration_since(ended).as_secs_f64());
    figures.insert("daemon_cpu_s".into(), after.0 - before.0);
    figures.insert("daemon_peak_mb".into(), after.1);
    figures.insert("calls_allowed_of_each_kind".into(), 60.0 + took);
    count_calls(&mut figures, &stage.calls(), google);
    drop(watch);
    drop(stage);
    rivals(server, (rows, seconds), google, &mut figures).await;
    figures
}

/// Changes as fast as the scenario says; gives what every row must show in the end, by its key.
async fn load(stage: &Stage, link: &Link, seconds: u32) -> Vec<f64> {
    let mut churn = Churn::new(stage, link).await;
    let began = Instant::now();
    for beat in 1..=seconds * 20 {
        churn.strike(TOGETHER).await;
        tokio::time::sleep_until((began + BEAT * beat).into()).await;
    }
    churn.expected
}

/// What stands right in the tab three seconds after the end by each of the other ways.
async fn rivals(server: &'static Server, (rows, seconds): (u32, u32), google: Google, figures: &mut Figures) {
    for way in ["one_call_a_row", "poll"] {
        let mut stage = Stage::filled(server, rows).await;
        stage.start(google);
        stage.stop().await;
        let link = stage.links[0].clone();
        let watch = Watch::new(&stage, &link);
        let mut rival = Rival::new(&stage, &link);
        let end = Instant::now() + Duration::from_secs(u64::from(seconds) + 3);
        let calling = async {
            if way == "poll" {
                return rival.poll_until(end, || false).await;
            }
            for n in 0_u32.. {
                let id = 1 + n.wrapping_mul(2_654_435_761) % rows;
                if !rival.put_row(id, f64::from(n), end).await {
                    return;
                }
            }
        };
        let (expected, ()) = tokio::join!(load(&stage, &link, seconds), calling);
        figures.insert(
            format!("rival_{way}_rows_wrong_3s_after"),
            f64::from(watch.wrong(&|id| expected[id as usize])),
        );
        figures.insert(format!("rival_{way}_calls"), rival.calls as f64);
        figures.insert(format!("rival_{way}_refused_429"), rival.refused as f64);
    }
}
