//! The writer's benchmarks: a real server, a local Google with real quotas, the built daemon, and beside it the two ways that
//! people use today.
//!
//! ```text
//! make bench                     all scenarios
//! make bench ONLY=idle           one of them
//! make bench SCALE=0.01 RUNS=1   a hundredth of the rows and seconds, once: to see that it works
//! make bench SERVER=mariadb      on MariaDB instead of MySQL
//! make bench SLOWEST=3           with Google's calls around the slowest samples of `person` and `many`
//! ```
//! Each scenario prints the medians of its runs and keeps every run as JSON; `plots` draws them.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod churn;
mod commit;
mod figures;
mod goods;
mod plot;
mod rivals;
mod scenario;
mod slowest;
mod stage;
mod strain;
#[allow(dead_code, unused_imports, reason = "shared with the tests, which need more of it")]
#[path = "../../tests/support/mod.rs"]
mod support;
mod watch;

use std::env;

use crate::support::server::{Kind, Server, shared};

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale(pub(crate) f64);

impl Scale {
    /// So many at full scale, and never less than `least`.
    pub(crate) fn of(self, full: u32, least: u32) -> u32 {
        ((f64::from(full) * self.0) as u32).max(least)
    }
}

#[tokio::main]
async fn main() {
    let setting = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let scale = Scale(setting("SCALE").map_or(1.0, |scale| scale.parse().expect("SCALE is a number")));
    let runs: usize = setting("RUNS").map_or(5, |runs| runs.parse().expect("RUNS is a number"));
    let only = setting("ONLY");
    let mariadb = setting("SERVER").is_some_and(|name| name.eq_ignore_ascii_case("mariadb"));
    let server = shared(if mariadb { Kind::MariaDb } else { Kind::MySql }).await;
    let machine = machine(server);
    let all = scenario::NAMES.iter().filter(|name| only.as_deref().is_none_or(|only| only == **name));
    let asked = scenario::BY_NAME.iter().filter(|name| only.as_deref() == Some(**name));
    for name in all.chain(asked) {
        let mut all = Vec::new();
        for _ in 0..runs {
            all.push(scenario::run(name, server, scale).await);
        }
        figures::report(name, &machine, scale, &all);
    }
    plot::draw_all();
    // The shared server lives in a static, which nobody drops: its warden ends it with this process.
}

fn machine(server: &Server) -> String {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    format!("{cpus} cores{model}, {server}, scale {}", env::var("SCALE").unwrap_or_else(|_| "1".into()))
}
