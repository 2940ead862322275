//! A million rows are copied for the first time while a program changes five thousand of them a second: equal at the end. What
//! the copy costs the server is what the same program meets with and without it.

use std::fs;
use std::time::{Duration, Instant};

use sheets_emulator::grid::SheetId;

use crate::Scale;
use crate::churn::Churn;
use crate::figures::{Figures, percentile};
use crate::stage::{Google, Link, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

/// Twenty statements a second of 250 changes each.
const TOGETHER: u32 = 250;
const BEAT: Duration = Duration::from_millis(50);

/// The program alone.
const BEFORE: Duration = Duration::from_secs(10);

/// The changes go on until the copy is over, or for as long as this pace would take.
const ROWS_A_SECOND: u32 = 2_000;
const LEAST: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_secs(7200);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let rows = scale.of(1_000_000, 10_000);
    let link = Link { name: "goods".into(), book: 0, tab: SheetId(0), rows, filled: false };
    let mut stage = Stage::open(server, vec![link.clone()]).await;
    let mut churn = Churn::new(&stage, &link).await;
    let mut figures = Figures::new();
    figures.insert("rows".into(), f64::from(rows));

    let alone = Instant::now() + BEFORE;
    changes(server, &mut churn, ("alone", &mut figures), async || Instant::now() < alone).await;
    // The quota would be what is measured: it has scenarios of its own.
    let began = Instant::now();
    stage.start(Google::FAST.without_quota());
    let mut watch = Watch::new(&stage, &link);
    // Where changes come faster than the sheet takes them, equality comes after them.
    let enough = began + LEAST.max(Duration::from_secs(u64::from(rows / ROWS_A_SECOND)));
    let more = async || Instant::now() < enough && !stage.is_live(&link.name).await;
    changes(server, &mut churn, ("copying", &mut figures), more).await;
    figures.insert("changed_for_s".into(), began.elapsed().as_secs_f64());
    figures.insert("copied_under_changes".into(), f64::from(u8::from(stage.is_live(&link.name).await)));
    figures.insert("changes".into(), f64::from(churn.made));
    let expected = std::mem::take(&mut churn.expected);
    let equal = watch.is_equal(|id| expected[id as usize], PATIENCE).await;
    let equal = equal.unwrap_or_else(|| panic!("not equal within {PATIENCE:?}:\n{}", stage.log()));
    figures.insert("equal_s".into(), equal.duration_since(began).as_secs_f64());
    let (cpu, peak) = stage.daemon_cost();
    figures.insert("daemon_cpu_s".into(), cpu);
    figures.insert("daemon_peak_mb".into(), peak);
    figures
}

/// The program at work while that holds: how fast it was, how long its statements took, and how many cores the server used.
async fn changes(
    server: &Server,
    churn: &mut Churn,
    (word, figures): (&str, &mut Figures),
    more: impl AsyncFn() -> bool,
) {
    let (began, before, made) = (Instant::now(), cpu(server).await, churn.made);
    let mut took = Vec::new();
    for beat in 1.. {
        took.push(churn.strike(TOGETHER).await.as_secs_f64() * 1e3);
        if !more().await {
            break;
        }
        tokio::time::sleep_until((began + BEAT * beat).into()).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut put = |name: &str, value: f64| figures.insert(format!("{word}_{name}"), value);
    put("changes_per_s", f64::from(churn.made - made) / seconds);
    put("statement_p50_ms", percentile(&took, 0.5));
    put("statement_p99_ms", percentile(&took, 0.99));
    put("server_cores", (cpu(server).await - before) / seconds);
}

/// CPU seconds of the server so far.
async fn cpu(server: &Server) -> f64 {
    let file: String = server.one("SELECT @@GLOBAL.pid_file").await;
    let id = fs::read_to_string(file).unwrap_or_default();
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    let after_name: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| after_name.get(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(f64::NAN);
    // Fields 14 and 15 of the file, in the 100 ticks a second that Linux shows to programs.
    (ticks(11) + ticks(12)) / 100.0
}
