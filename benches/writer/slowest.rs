//! The slowest samples of a scenario, each with the calls that Google took meanwhile and the daemon's own lines: `SLOWEST=3` prints three
//! of each series.

use std::env;

use crate::figures::{Figures, spread};
use crate::stage::Stage;
use crate::strain::Found;

/// Calls from so long before a sample are told with it, in milliseconds: what it found under way began there.
const BEFORE: i64 = 1500;

/// When a sample began, by the emulator's clock in milliseconds since 1970, and how many milliseconds it took.
pub(crate) type Sample = (i64, f64);

/// Now, as samples count it.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Adds the figures of a series; its slowest samples are printed where they are asked for.
pub(crate) fn report(
    figures: &mut Figures,
    name: &str,
    stage: &Stage,
    samples: &[Sample],
    strain: Option<&Found>,
) {
    let took: Vec<f64> = samples.iter().map(|(_, took)| *took).collect();
    spread(figures, name, &took);
    let wanted = env::var("SLOWEST").ok().and_then(|wanted| wanted.parse().ok()).unwrap_or(0);
    let mut slowest: Vec<&Sample> = samples.iter().collect();
    slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (calls, log) = (stage.google.calls().since(0), stage.log());
    for (began, took) in slowest.into_iter().take(wanted) {
        println!("{name}: {took:.0} ms");
        let end = began + took.ceil() as i64;
        if let Some((commit, late)) = strain.map(|strain| strain.within(*began, end)) {
            println!(
                "  a small commit took up to {commit:.0} ms, a thread was woken up to {late:.0} ms late"
            );
        }
        for call in calls.iter().filter(|call| (began - BEFORE..=end).contains(&call.at)) {
            println!(
                "  {:>6} ms {} of {}: {} and {} bytes, {} ms, status {}",
                call.at - began,
                call.method,
                call.spreadsheet.as_ref().map_or("none", |id| &id.as_str()[..6]),
                call.bytes_in,
                call.bytes_out,
                call.took_ms,
                call.status
            );
        }
        for (at, line) in log.lines().filter_map(said).filter(|(at, _)| (*began..=end).contains(at)) {
            println!("  {:>6} ms the daemon: {}", at - began, line.chars().take(120).collect::<String>());
        }
    }
}

/// A line of the journal with its time.
fn said(line: &str) -> Option<(i64, &str)> {
    let (time, line) = line.split_once(' ')?;
    Some((time.parse::<jiff::Timestamp>().ok()?.as_millisecond(), line.trim_start()))
}
