//! What stands in the end: the rows by key, each with what people have written beside it.
//!
//! Table and tab are equal when a picture is taken, so what the linked columns hold is taken from the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sheets_emulator::grid::Scalar;
use sheets_emulator::people::{Action, Person};

use crate::bridge::rig::{Rig, SOON, TAB};

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) stock: String,
    pub(super) note: String,
    /// A person's own text.
    pub(super) remark: String,
    /// A person's note on it.
    pub(super) memo: String,
    /// A person's own formula: `doubled` where it still says twice the stock of its row.
    pub(super) twice: String,
}

/// The rows by key.
pub(super) type Picture = BTreeMap<u64, Line>;

/// Ann writes beside every row: a remark with a memo on it, and a formula on the row's stock.
pub(super) fn furnish(rig: &Rig) {
    let ann = rig.person("ann@example.com");
    ann.adds_column("remark");
    ann.adds_column("twice");
    for (row, key) in (1..).zip(ann.sees_keys()) {
        assert!(ann.types(&key, "remark", &format!("of {key}")));
        assert!(ann.types(&key, "twice", &format!("=C{}*2", row + 1)));
        let memo =
            Action::Note { sheet: TAB, row, column: column(rig, "remark"), text: format!("memo {key}") };
        let done = rig.google.world().act(&rig.spreadsheet, &Person::new("ann@example.com"), &memo);
        done.expect("the spreadsheet").expect("a possible action");
    }
}

fn column(rig: &Rig, header: &str) -> u32 {
    let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
    let tab = book.tab(TAB).expect("the tab");
    let reader = sheets_emulator::formula::Book::new(&book);
    let is_it =
        |column: &u32| matches!(reader.scalar(tab, 0, *column), Scalar::Text(text) if *text == *header);
    (0..tab.column_count()).find(is_it).expect("the column")
}

/// Waits until both sides are equal, and gives what stands then.
pub(super) async fn settled(rig: &Rig) -> Picture {
    rig.until_equal(SOON).await;
    let query = format!(
        "SELECT id, name, CAST(stock AS CHAR), IFNULL(note, '') FROM {}.goods ORDER BY id",
        rig.database
    );
    let rows: Vec<(u64, String, String, String)> = rig.server.rows(&query).await;
    let ann = rig.person("ann@example.com");
    let line = |(key, name, stock, note): (u64, String, String, String)| {
        let twice = ann.sees(key, "twice").unwrap_or_default();
        let doubled = stock.parse::<i64>().is_ok_and(|stock| (2 * stock).to_string() == twice);
        let line = Line {
            name,
            stock,
            note,
            remark: ann.sees(key, "remark").unwrap_or_default(),
            memo: ann.sees_note(key, "remark").unwrap_or_default(),
            twice: if doubled { "doubled".to_owned() } else { twice },
        };
        (key, line)
    };
    rows.into_iter().map(line).collect()
}

/// Fails where the two differ, and shows only that.
pub(super) fn assert_same(expected: &Picture, found: &Picture, when: &str) {
    let mut differing = String::new();
    let keys = expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key)));
    for key in keys.filter(|key| expected.get(*key) != found.get(*key)) {
        let _ = writeln!(
            differing,
            "{key}\n  should be {:?}\n  is        {:?}",
            expected.get(key),
            found.get(key)
        );
    }
    assert!(differing.is_empty(), "{when}:\n{differing}");
}
