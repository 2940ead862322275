//! The linked table of these tests, and how it is read for a comparison that shares no code with the daemon.

use sheets_emulator::grid::Scalar;

/// The table's name; its link is called the same.
pub(crate) const TABLE: &str = "goods";

/// How a column's values stand in the tab (design, section 3), for the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A number.
    Number,
    /// A number of up to fifteen digits; text beyond.
    Long,
    /// A checkbox.
    Truth,
    /// A date: the days since 1899-12-30.
    Day,
    /// Text; where it is empty its token, because blank is NULL.
    Text,
    /// Text that is never NULL: where it is empty, blank.
    Name,
}

/// The columns in the table's order, the key first.
pub(crate) const COLUMNS: [(&str, Look); 8] = [
    ("id", Look::Number),
    ("name", Look::Name),
    ("stock", Look::Number),
    ("price", Look::Number),
    ("listed", Look::Truth),
    ("since", Look::Day),
    ("code", Look::Long),
    ("note", Look::Text),
];

/// What people write behind a column's name where they rename it; its anchor holds it.
pub(crate) const RENAMED: &str = " (ours)";

/// Is this the header of the column, renamed or not?
pub(crate) fn heads(text: &str, column: &str) -> bool {
    text.strip_suffix(RENAMED).unwrap_or(text) == column
}

/// The table. `name` is what a new row must have.
pub(crate) const CREATE: &str = "CREATE TABLE goods (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(60) NOT NULL,
    stock INT NOT NULL DEFAULT 0,
    price DECIMAL(10,2) NULL,
    listed BOOLEAN NOT NULL DEFAULT FALSE,
    since DATE NULL,
    code BIGINT UNSIGNED NULL,
    note TEXT NULL)";

/// What a person types into a column where a note asks for another value, as the cell then shows it.
pub(crate) fn good(column: &str) -> &'static str {
    match column {
        "name" => "as the note asks",
        "stock" => "1",
        "price" => "1.50",
        "listed" => "TRUE",
        "since" => "2026-01-01",
        "code" => "10000000000000000001",
        _ => "heeded",
    }
}

/// So many rows to begin with, the same each time. Some of their values are NULL, some cannot be numbers in a sheet.
pub(crate) fn sample(rows: u32) -> String {
    let values = (1..=rows).map(|n| {
        let null_or = |null: bool, value: String| if null { "NULL".to_owned() } else { value };
        format!(
            "({n}, 'thing {n}', {}, {}, {}, {}, {}, {})",
            i64::from(n) * 7 - 20,
            null_or(n % 5 == 0, format!("{}.{:02}", n * 3, n % 100)),
            n % 2,
            null_or(n % 4 == 0, format!("'2026-{:02}-{:02}'", n % 12 + 1, n % 28 + 1)),
            null_or(n % 3 == 0, format!("{}", 10_340_434_000_000_000_000 + u64::from(n))),
            null_or(n % 7 != 0, format!("'=SUM({n}) is no formula, Zoë'")),
        )
    });
    format!("INSERT INTO goods VALUES {}", values.collect::<Vec<_>>().join(", "))
}

/// A SELECT of the rows inside of a condition by key: every value as the server's own text, a day as its number.
pub(crate) fn select(database: &str, inside: &str) -> String {
    let columns = COLUMNS.map(|(name, look)| match look {
        Look::Day => format!("CAST(DATEDIFF({name}, '1899-12-30') AS CHAR)"),
        Look::Number | Look::Long | Look::Truth | Look::Text | Look::Name => format!("CAST({name} AS CHAR)"),
    });
    format!("SELECT {} FROM {database}.{TABLE} WHERE {inside} ORDER BY id", columns.join(", "))
}

/// Does the cell hold what the table holds?
pub(crate) fn agree(look: Look, value: Option<&str>, cell: &Scalar) -> bool {
    match (value, cell) {
        (None, Scalar::Blank) => true,
        (None, _) | (Some(_), Scalar::Error(_)) => false,
        (Some(""), cell) if look == Look::Name => *cell == Scalar::Blank,
        (Some(""), cell) => *cell == Scalar::Text("''".into()),
        (Some(value), Scalar::Text(text)) => match look {
            Look::Text | Look::Name => **text == *value,
            Look::Long => **text == *value && value.len() > 15,
            Look::Number | Look::Truth | Look::Day => false,
        },
        (Some(value), Scalar::Number(number)) => match look {
            Look::Number | Look::Day => value.parse() == Ok(*number),
            Look::Long => value.parse() == Ok(*number) && value.len() <= 15,
            Look::Truth | Look::Text | Look::Name => false,
        },
        (Some(value), Scalar::Bool(truth)) => look == Look::Truth && value == if *truth { "1" } else { "0" },
        (Some(_), Scalar::Blank) => false,
    }
}
