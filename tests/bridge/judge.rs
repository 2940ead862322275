//! Are both sides equal? Judged by what stands in the table, in the tab and in the daemon's schema, with no code of the
//! daemon's.

use std::collections::BTreeMap;
use std::time::Duration;

use mysql_async::Row;
use sheets_emulator::formula::Book;
use sheets_emulator::grid::Scalar;

use super::goods::{self, COLUMNS, TABLE, agree};
use super::rig::{Rig, TAB};

/// What is still different or under way, in words; nothing if both sides are equal and at rest.
pub(crate) async fn difference(rig: &Rig) -> Option<String> {
    // Before the tab has its columns, the daemon may have no schema yet either.
    if let Err(wrong) = tab(rig) {
        return Some(wrong);
    }
    let before = pulse(rig).await;
    if let Some(busy) = under_way(rig).await {
        return Some(busy);
    }
    let table = table(rig).await;
    let (tab, keyless) = match tab(rig) {
        Ok(tab) => tab,
        Err(wrong) => return Some(wrong),
    };
    if let Some(row) = keyless {
        return Some(format!("row {} of the tab has no key", row + 1));
    }
    for key in tab.keys() {
        if !table.contains_key(key) {
            return Some(format!("{key} is in the tab only"));
        }
    }
    for (key, values) in &table {
        let Some(cells) = tab.get(key) else { return Some(format!("{key} is in the table only")) };
        for (((name, look), value), cell) in COLUMNS.iter().zip(values).zip(cells) {
            if !agree(*look, value.as_deref(), cell) {
                return Some(format!("{key}, {name}: {value:?} in the table, {cell:?} in the tab"));
            }
        }
    }
    if let Some(wrong) = state_differs(rig, &table.into_keys().collect::<Vec<_>>()).await {
        return Some(wrong);
    }
    // The looks above were one after the other: a debt that was paid between them shows in none.
    let after = pulse(rig).await;
    (before != after).then(|| format!("the daemon wrote meanwhile: {before} and then {after}"))
}

/// Changes with everything that the daemon writes.
async fn pulse(rig: &Rig) -> String {
    let count = |table| format!("(SELECT COUNT(*) FROM {}.{table})", rig.state);
    let counts = ["ledger", "batch", "owed", "claim", "edit"].map(count).join(", ");
    rig.server.one(&format!("SELECT CONCAT_WS('/', {counts})")).await
}

/// What somebody still works at: the script, or the daemon with a batch, an edit, a claim or a debt.
pub(crate) async fn under_way(rig: &Rig) -> Option<String> {
    if let Some(busy) = script_is_busy(rig).await {
        return Some(busy);
    }
    let state = &rig.state;
    for (what, query) in [
        (
            "open batches",
            format!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM {state}.batch GROUP BY spreadsheet, number HAVING MAX(step <> 'intended') = 0) o"
            ),
        ),
        ("unanswered edits", format!("SELECT COUNT(*) FROM {state}.edit WHERE NOT answered")),
        ("rows that are owed their key", format!("SELECT COUNT(*) FROM {state}.claim WHERE NOT named")),
        ("debts", format!("SELECT COUNT(*) FROM {state}.owed")),
    ] {
        let count: u64 = rig.server.one(&query).await;
        if count > 0 {
            return Some(format!("{count} {what}"));
        }
    }
    None
}

/// The table by key: the server's own texts.
pub(crate) async fn table(rig: &Rig) -> BTreeMap<String, Vec<Option<String>>> {
    let inside = *rig.inside.lock().expect("nobody panics with it");
    let rows: Vec<Row> = rig.server.rows(&goods::select(&rig.database, inside)).await;
    rows.iter()
        .map(|row| {
            let texts: Vec<Option<String>> =
                (0..COLUMNS.len()).map(|at| row.get::<Option<String>, _>(at).flatten()).collect();
            (texts[0].clone().expect("a key is never NULL"), texts)
        })
        .collect()
}

type Tab = BTreeMap<String, Vec<Scalar>>;

/// The tab by the key's text, and the first row that shows something of ours and has no key.
fn tab(rig: &Rig) -> Result<(Tab, Option<u32>), String> {
    let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
    let tab = book.tab(TAB).expect("the tab");
    let reader = Book::new(&book);
    let header = |name: &str| {
        (0..tab.column_count())
            .find(|column| matches!(reader.scalar(tab, 0, *column), Scalar::Text(text) if goods::heads(&text, name)))
            .ok_or_else(|| format!("the tab has no column {name}"))
    };
    let columns: Vec<u32> = COLUMNS.iter().map(|(name, _)| header(name)).collect::<Result<_, _>>()?;
    let (mut rows, mut keyless) = (Tab::new(), None);
    for row in 1..tab.data_extent().0 {
        let cells: Vec<Scalar> = columns.iter().map(|column| reader.scalar(tab, row, *column)).collect();
        if cells.iter().all(|cell| *cell == Scalar::Blank) {
            continue;
        }
        let key = match &cells[0] {
            Scalar::Number(number) => number.to_string(),
            Scalar::Blank => {
                keyless.get_or_insert(row);
                continue;
            }
            other => format!("{other:?}"),
        };
        if rows.insert(key.clone(), cells).is_some() {
            return Err(format!("{key} stands in the tab twice"));
        }
    }
    Ok((rows, keyless))
}

async fn script_is_busy(rig: &Rig) -> Option<String> {
    let script = rig.script()?;
    if script.wait_idle(Duration::ZERO).await.is_err() {
        return Some("the script runs".into());
    }
    let waiting = script.properties("document").keys().filter(|key| key.starts_with("edit/")).count();
    (waiting > 0).then(|| format!("{waiting} edits wait in the script's outbox"))
}

/// Base has exactly these keys and every column of them.
async fn state_differs(rig: &Rig, keys: &[String]) -> Option<String> {
    let state = &rig.state;
    let base: Vec<(String, Vec<u8>)> = rig
        .server
        .rows(&format!(
            "SELECT key_text, columns_packed FROM {state}.base WHERE link = '{TABLE}' AND dead_at IS NULL"
        ))
        .await;
    let base: BTreeMap<String, Vec<u8>> = base.into_iter().collect();
    if let Some(key) = keys.iter().find(|key| !base.contains_key(*key)) {
        return Some(format!("base does not know {key}"));
    }
    if let Some(key) = base.keys().find(|key| !keys.contains(key)) {
        return Some(format!("base still has {key}"));
    }
    None
}
