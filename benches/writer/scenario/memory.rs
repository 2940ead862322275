//! What the daemon keeps of each row in memory: base as the engine holds it, a million rows of nine columns.

use std::fs;

use sheetbridge::engine::bases::Bases;
use sheetbridge::engine::input::DbCell;
use sheetbridge::engine::reconcile::agreed;
use sheetbridge::model::base::RowBase;
use sheetbridge::model::cell::Cell;
use sheetbridge::model::key::Key;
use sheetbridge::model::value::Value;

use crate::Scale;
use crate::figures::Figures;
use crate::goods::COLUMNS;

pub(crate) fn run(scale: Scale) -> Figures {
    let rows = scale.of(1_000_000, 100_000);
    let mut figures = Figures::new();
    figures.insert("rows".into(), f64::from(rows));
    for (name, key) in [("number_key", number as fn(u32) -> Key), ("text_key", text)] {
        let before = resident();
        let base: Bases = (0..rows).map(|row| (key(row), base(row))).collect();
        let bytes = (resident() - before) / base.len() as f64;
        figures.insert(format!("base_bytes_a_row_{name}"), bytes);
        // What is given back would be used again by the next one, of this run or another.
        std::mem::forget(base);
    }
    figures
}

fn number(row: u32) -> Key {
    Key(vec![Value::Int(row.into())])
}

fn text(row: u32) -> Key {
    Key(vec![Value::Text(format!("customer-{row:08}"))])
}

/// Two columns in three are numbers, the others texts; each side has its own digest.
fn base(row: u32) -> RowBase {
    let column = |at: usize| {
        let number = i64::from(row) * 31 + at as i64;
        let cell = match at % 3 {
            0 => DbCell { value: Value::Text(number.to_string()), shown: Cell::Text(number.to_string()) },
            _ => DbCell { value: Value::Int(number), shown: Cell::number(number as f64) },
        };
        Some(agreed(&cell))
    };
    RowBase { columns: (0..COLUMNS.len()).map(column).collect() }
}

/// What this process has in memory, in bytes.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) * 1024.0
}
