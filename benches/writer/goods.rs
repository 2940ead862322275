//! The table of all scenarios: nine columns of the kinds that people have, every value a function of the key, so that table
//! and tab can be filled without the daemon and compared without a copy of either.

use sheets_emulator::grid::{Tab, Value};

/// The column that changes, by its place in table and tab.
pub(crate) const STOCK: u32 = 2;

/// A column that people edit.
pub(crate) const CITY: u32 = 7;

/// The header row.
pub(crate) const COLUMNS: [&str; 9] =
    ["id", "name", "stock", "price", "listed", "since", "code", "city", "amount"];

const CITIES: [&str; 4] = ["Berlin", "Lima", "Osaka", "Tunis"];

/// The definition, without its name.
pub(crate) const DEFINITION: &str = "(id INT UNSIGNED NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, \
     stock INT NOT NULL, price DECIMAL(10,2) NOT NULL, listed BOOLEAN NOT NULL, since DATE NOT NULL, \
     code VARCHAR(12) NOT NULL, city VARCHAR(20) NOT NULL, amount INT NOT NULL)";

/// A SELECT of the rows `1..=rows`.
pub(crate) fn rows(rows: u32) -> String {
    let ten = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL \
               SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let digits: Vec<String> = (0..6).map(|at| format!("{ten} d{at}")).collect();
    let number: Vec<String> = (0..6).map(|at| format!("d{at}.d * {}", 10_u32.pow(at))).collect();
    format!(
        "SELECT n, CONCAT('thing ', n), MOD(n, 1000), MOD(n, 100000) / 100, MOD(n, 2), \
         DATE_ADD('2020-01-01', INTERVAL MOD(n, 1000) DAY), CONCAT('C', LPAD(n, 8, '0')), \
         ELT(MOD(n, 4) + 1, 'Berlin', 'Lima', 'Osaka', 'Tunis'), MOD(n * 7, 10007) \
         FROM (SELECT 1 + {} n FROM {}) numbers WHERE n <= {rows}",
        number.join(" + "),
        digits.join(", ")
    )
}

/// The value of [`STOCK`] that a row begins with.
pub(crate) fn stock(id: u32) -> f64 {
    f64::from(id % 1000)
}

/// Fills a tab as the daemon would.
pub(crate) fn fill(tab: &mut Tab, rows: u32) {
    for (column, name) in (0..).zip(COLUMNS) {
        tab.set_value(0, column, Value::text(name));
    }
    for id in 1..=rows {
        for (column, value) in (0..).zip(cells(id)) {
            tab.set_value(id, column, value);
        }
    }
}

fn cells(id: u32) -> [Value; 9] {
    [
        Value::Number(f64::from(id)),
        Value::text(&format!("thing {id}")),
        Value::Number(stock(id)),
        Value::Number(f64::from(id % 100_000) / 100.0),
        Value::Bool(id % 2 == 1),
        Value::Number(f64::from(43_831 + id % 1000)),
        Value::text(&format!("C{id:08}")),
        Value::text(CITIES[(id % 4) as usize]),
        Value::Number(f64::from((u64::from(id) * 7 % 10_007) as u32)),
    ]
}
