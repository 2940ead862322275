//! Numbers: percentiles, medians over runs, and how they are printed and kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::Scale;

/// What one run of a scenario measured, by name. The unit is the end of the name: `p50_ms`, `calls`, `peak_mb`.
pub(crate) type Figures = BTreeMap<String, f64>;

/// The value below which this share of the samples lies; `share` from 0 to 1.
pub(crate) fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Adds p50, p99 and the number of the samples.
pub(crate) fn spread(figures: &mut Figures, name: &str, samples: &[f64]) {
    figures.insert(format!("{name}_p50_ms"), percentile(samples, 0.5));
    figures.insert(format!("{name}_p99_ms"), percentile(samples, 0.99));
    figures.insert(format!("{name}_samples"), samples.len() as f64);
}

/// Of each figure the median over the runs.
pub(crate) fn medians(runs: &[Figures]) -> Figures {
    let names = runs.iter().flat_map(|run| run.keys());
    let median = |name: &String| {
        let values: Vec<f64> = runs.iter().filter_map(|run| run.get(name).copied()).collect();
        percentile(&values, 0.5)
    };
    names.map(|name| (name.clone(), median(name))).collect()
}

/// The natural slope of `cost` over ln(`size`), as a share of the mean cost: what tenfold rows add, divided by ln 10.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let x = |p: &(f64, f64)| p.0.ln();
    let (mean_x, mean_y) =
        (points.iter().map(x).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let above: f64 = points.iter().map(|p| (x(p) - mean_x) * (p.1 - mean_y)).sum();
    let below: f64 = points.iter().map(|p| (x(p) - mean_x).powi(2)).sum();
    above / below / mean_y
}

/// Prints a scenario's figures and keeps them as JSON beside the build.
pub(crate) fn report(scenario: &str, machine: &str, scale: Scale, runs: &[Figures]) {
    let figures = medians(runs);
    println!("\n== {scenario}: medians of {} runs ({machine})", runs.len());
    for (name, value) in &figures {
        println!("{name:>34}  {value:.2}");
    }
    let kept = kept(scenario);
    let text = serde_json::json!({"scenario": scenario, "machine": machine, "scale": scale.0, "runs": runs, "medians": figures});
    let written =
        fs::create_dir_all(kept.parent().unwrap_or(&kept)).and_then(|()| fs::write(&kept, text.to_string()));
    if let Err(error) = written {
        eprintln!("{}: {error}", kept.display());
    }
}

/// Where a scenario's figures are kept.
pub(crate) fn kept(scenario: &str) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_BIN_EXE_sheetbridge"));
    target.with_file_name("figures").join(format!("{scenario}.json"))
}
