//! The figures as SVG, drawn without a library: bars, each with its number.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::figures::kept;

/// One picture: what it is called, and which figures of which scenario are its bars, with their captions.
struct Picture {
    file: &'static str,
    title: &'static str,
    scenario: &'static str,
    bars: &'static [(&'static str, &'static str)],
}

const PICTURES: [Picture; 4] = [
    Picture {
        file: "idle",
        title: "One change into a bridge at rest: median ms from commit to cell, Google's round trip at zero",
        scenario: "idle",
        bars: &[
            ("sheetbridge", "added_at_0ms_p50_ms"),
            ("one call a row (one way, no checks)", "rival_one_call_a_row_p50_ms"),
            ("poll and rewrite", "rival_poll_p50_ms"),
        ],
    },
    Picture {
        file: "storm",
        title: "2,000 changes a second: rows wrong 3 s after the end (sheetbridge: seconds until none was)",
        scenario: "storm",
        bars: &[
            ("sheetbridge, seconds", "equal_after_end_s"),
            ("one call a row, rows wrong", "rival_one_call_a_row_rows_wrong_3s_after"),
            ("poll and rewrite, rows wrong", "rival_poll_rows_wrong_3s_after"),
        ],
    },
    Picture {
        file: "wave",
        title: "100,000 rows changed at once: seconds until the tab is equal",
        scenario: "wave-slow",
        bars: &[
            ("the limit of these calls", "limit_s"),
            ("sheetbridge", "seconds_to_equal"),
            ("poll and rewrite (overwrites people)", "rival_poll_seconds_to_equal"),
        ],
    },
    Picture {
        file: "growth",
        title: "Cost of one change as rows grow: median ms",
        scenario: "growth",
        bars: &[
            ("1,000 rows", "at_1000_rows_p50_ms"),
            ("10,000 rows", "at_10000_rows_p50_ms"),
            ("100,000 rows", "at_100000_rows_p50_ms"),
            ("300,000 rows", "at_300000_rows_p50_ms"),
        ],
    },
];

/// Draws every picture whose scenario has been measured at full scale.
pub(crate) fn draw_all() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots");
    for picture in &PICTURES {
        let Ok(text) = fs::read_to_string(kept(picture.scenario)) else { continue };
        let Ok(figures) = serde_json::from_str::<Json>(&text) else { continue };
        if figures["scale"] != 1.0 {
            continue;
        }
        let drawn = draw(picture, &figures);
        let file = folder.join(format!("{}.svg", picture.file));
        if let Err(error) = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, drawn)) {
            eprintln!("{}: {error}", file.display());
        }
    }
}

fn draw(picture: &Picture, figures: &Json) -> String {
    let value = |name: &str| figures["medians"][name].as_f64();
    let bars: Vec<(&str, f64)> =
        picture.bars.iter().filter_map(|(caption, name)| Some((*caption, value(name)?))).collect();
    let most = bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
    let height = 70 + bars.len() * 34;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"820\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"12\" y=\"24\" font-weight=\"bold\">{}</text>",
        picture.title
    );
    for (at, (caption, value)) in bars.iter().enumerate() {
        let (y, width) = (44 + at * 34, (value / most * 420.0).max(1.0));
        let colour = if caption.starts_with("sheetbridge") || caption.ends_with("rows") {
            "#1a7f5a"
        } else {
            "#9aa4ad"
        };
        let _ = write!(
            svg,
            "<text x=\"12\" y=\"{}\">{caption}</text><rect x=\"270\" y=\"{y}\" width=\"{width:.1}\" height=\"20\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{value:.1}</text>",
            y + 15,
            276.0 + width,
            y + 15
        );
    }
    let machine = figures["machine"].as_str().unwrap_or_default();
    let _ = write!(
        svg,
        "<text x=\"12\" y=\"{}\" fill=\"#667\" font-size=\"11\">{machine}</text></svg>",
        height - 10
    );
    svg
}
