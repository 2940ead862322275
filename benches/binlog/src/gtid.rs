//! A set of ten thousand intervals, as a server has it that many writers left gaps in: what each operation on it takes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use sheetbridge::model::gtid::GtidSet;

use crate::Result;

const INTERVALS: u64 = 10_000;

/// Each operation is repeated, and the best time counts.
const TRIES: u32 = 50;

/// Prints a line with the microseconds of each operation.
pub(crate) fn report() -> Result<()> {
    let text = text(0);
    let (set, other): (GtidSet, GtidSet) = (text.parse()?, self::text(5).parse()?);
    let part: GtidSet = set.subtract(&other);
    let operations: [(&str, &dyn Fn()); 5] = [
        ("read", &|| {
            black_box(text.parse::<GtidSet>().is_ok());
        }),
        ("print", &|| {
            black_box(set.to_string());
        }),
        ("union", &|| {
            black_box(set.union(&other));
        }),
        ("subtract", &|| {
            black_box(set.subtract(&other));
        }),
        ("subset", &|| {
            black_box(part.is_subset(&set));
        }),
    ];
    let mut line = format!("a GTID set of {INTERVALS} intervals, microseconds:");
    for (name, operation) in operations {
        let once = || {
            let begun = Instant::now();
            operation();
            begun.elapsed().as_micros()
        };
        write!(line, " {name} {}", (0..TRIES).map(|_| once()).min().unwrap_or(0))?;
    }
    println!("{line}");
    Ok(())
}

/// Intervals of eight numbers with gaps of two, moved on by some.
fn text(by: u64) -> String {
    let spans = (0..INTERVALS).map(|i| format!(":{}-{}", i * 10 + by + 1, i * 10 + by + 8));
    format!("3e11fa47-71ca-11e1-9e33-c80aa9429562{}", spans.collect::<String>())
}
