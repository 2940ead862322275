//! The sheet knows the schema: dropdowns of enumerations and foreign keys, and warnings, follow the tables.

use serde_json::Value;

use super::rig::{Rig, SOON, Setup, TAB};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const TABLES: &str = "
    CREATE TABLE shelf (code VARCHAR(10) PRIMARY KEY);
    INSERT INTO shelf VALUES ('A1'), ('B2');
    CREATE TABLE goods (
        id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(60) NOT NULL,
        shelf VARCHAR(10) NULL,
        kind ENUM('wood', 'steel') NOT NULL,
        weight INT NULL,
        FOREIGN KEY (shelf) REFERENCES shelf (code));
    INSERT INTO goods (name, shelf, kind) VALUES ('table', 'A1', 'wood'), ('nail', 'B2', 'steel')";

/// The column goes one way.
const MORE: &str =
    r#"columns = ["id", "name", "shelf", "kind", { name = "weight", direction = "to_sheet" }]"#;

/// The members of the dropdown at the first row's cell of a column.
fn members(rig: &Rig, column: u32) -> Vec<String> {
    let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
    let tab = book.tab(TAB).expect("the tab");
    let Some(look) = tab.cell(1, column).look.clone() else { return Vec::new() };
    let rule = look.validation.clone().unwrap_or(Value::Null);
    let values = rule["condition"]["values"].as_array().cloned().unwrap_or_default();
    values.iter().filter_map(|value| value["userEnteredValue"].as_str().map(str::to_owned)).collect()
}

async fn offers(rig: &Rig, column: u32, members_: &[&str]) {
    eventually(SOON, &format!("{members_:?} in column {column}"), async || {
        (members(rig, column) == members_).then_some(())
    })
    .await;
}

#[tokio::test]
async fn dropdowns_follow_what_the_tables_allow_and_columns_of_the_tables_own_warn() {
    for_each_server(async |server| {
        let setup = Setup { table: Some(TABLES.to_owned()), more: MORE, rows: 0, ..Setup::default() };
        let rig = Rig::open_with(server, "dropdowns", setup, 2).await;
        offers(&rig, 3, &["wood", "steel"]).await;
        // The parent is none of our account's tables: the length is all that is known.
        assert_eq!(members(&rig, 2), ["=LEN(C2)<=10"], "{server}");
        let user = &rig.database;
        rig.sql(&format!("GRANT SELECT ON shelf TO '{user}'@'localhost'")).await;
        offers(&rig, 2, &["A1", "B2"]).await;
        let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
        let warnings = book.tab(TAB).map(|tab| tab.protected.len());
        assert_eq!(warnings, Some(2), "{server}: the key, and the column that goes one way");

        // when the parent's rows change, and the table itself, whose new shape has everything looked at again
        rig.sql("INSERT INTO shelf VALUES ('C3')").await;
        rig.sql("ALTER TABLE goods MODIFY kind ENUM('wood', 'steel', 'glass') NOT NULL").await;
        offers(&rig, 2, &["A1", "B2", "C3"]).await;
        offers(&rig, 3, &["wood", "steel", "glass"]).await;
        rig.sql("UPDATE goods SET kind = 'glass', shelf = 'C3' WHERE id = 1").await;
        rig.until_base_has(2).await;
    })
    .await;
}
