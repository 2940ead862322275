//! The scenarios, one a file.

mod bulk;
mod cost;
mod growth;
mod idle;
mod import;
mod many;
mod memory;
mod person;
mod snapshot;
mod soak;
mod storm;
mod wave;

use sheets_emulator::Call;

use crate::Scale;
use crate::figures::Figures;
use crate::stage::Google;
use crate::support::server::Server;

/// In the order in which they run.
pub(crate) const NAMES: [&str; 12] = [
    "idle",
    "storm",
    "storm-slow",
    "wave",
    "wave-slow",
    "growth",
    "bulk",
    "import",
    "person",
    "many",
    "cost",
    "memory",
];

/// What is run only when it is asked for by name.
pub(crate) const BY_NAME: [&str; 2] = ["soak", "snapshot"];

fn minutes() -> f64 {
    let given = std::env::var("MINUTES").ok().filter(|given| !given.is_empty());
    given.map_or(30.0, |given| given.parse().expect("MINUTES is a number"))
}

/// Runs one of them once.
pub(crate) async fn run(name: &str, server: &'static Server, scale: Scale) -> Figures {
    match name {
        "idle" => idle::run(server, scale).await,
        "storm" => storm::run(server, scale, Google::FAST).await,
        "storm-slow" => storm::run(server, scale, Google::SLOW).await,
        "wave" => wave::run(server, scale, Google::FAST).await,
        "wave-slow" => wave::run(server, scale, Google::SLOW).await,
        "growth" => growth::run(server, scale).await,
        "bulk" => bulk::run(server, scale).await,
        "import" => import::run(server, scale).await,
        "person" => person::run(server, scale).await,
        "many" => many::run(server, scale).await,
        "memory" => memory::run(scale),
        "cost" => cost::run(server, scale).await,
        "soak" => soak::run(server, minutes()).await,
        "snapshot" => snapshot::run(server, scale).await,
        other => unreachable!("{other} is not in the list"),
    }
}

/// The calls of a run, and the least time in which they can be made: sixty at once, each further one a second, and the service
/// time of those that stand in one another's way.
pub(crate) fn count_calls(figures: &mut Figures, calls: &[Call], google: Google) {
    let reads = calls.iter().filter(|call| is_read(call)).count() as f64;
    let writes = calls.iter().filter(|call| is_write(call)).count() as f64;
    let megabytes = |call: &Call| (call.bytes_in + call.bytes_out) as f64 / 1e6;
    let service = |call: &Call| {
        call.took_ms as f64 + google.round_trip_ms as f64 + google.ms_per_mb as f64 * megabytes(call)
    };
    let service: f64 =
        calls.iter().filter(|call| is_read(call) || is_write(call)).map(service).sum::<f64>() / 1e3;
    let waiting = (reads.max(writes) - 60.0).max(0.0);
    figures.insert("reads".into(), reads);
    figures.insert("writes".into(), writes);
    figures.insert("calls_refused_429".into(), calls.iter().filter(|call| call.status == 429).count() as f64);
    figures.insert(
        "largest_request_kb".into(),
        calls.iter().map(|c| c.bytes_in).max().unwrap_or(0) as f64 / 1e3,
    );
    figures.insert("traffic_mb".into(), calls.iter().map(megabytes).sum());
    figures
        .insert("traffic_of_reads_mb".into(), calls.iter().filter(|call| is_read(call)).map(megabytes).sum());
    figures.insert("limit_waiting_s".into(), waiting);
    figures.insert("limit_service_s".into(), service);
    figures.insert("limit_s".into(), waiting + service);
}

pub(crate) fn is_write(call: &Call) -> bool {
    matches!(call.method, "spreadsheets.batchUpdate" | "spreadsheets.values.batchUpdate")
        || call.method.ends_with("batchUpdateByDataFilter")
}

pub(crate) fn is_read(call: &Call) -> bool {
    let (_, verb) = call.method.rsplit_once('.').unwrap_or(("", call.method));
    matches!(verb, "get" | "getByDataFilter" | "batchGetByDataFilter" | "search")
}
