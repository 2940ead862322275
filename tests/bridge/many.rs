//! More links than the daemon has sessions at the server.

use std::fmt::Write as _;

use sheets_emulator::grid::Value;

use super::goods;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

/// The daemon has eight sessions.
const FURTHER: u32 = 12;

#[tokio::test]
async fn more_tables_than_sessions_are_copied_at_once() {
    for_each_server(async |server| {
        // given a dozen tables beside the first one
        let mut table = format!("{}; {}", goods::CREATE, goods::sample(3));
        for n in 0..FURTHER {
            let definition = "(id INT PRIMARY KEY, word VARCHAR(20))";
            let _ = write!(table, "; CREATE TABLE t{n} {definition}; INSERT INTO t{n} VALUES (1, 'w{n}')");
        }
        let setup = Setup { script: false, rows: 3, table: Some(table), ..Setup::default() };
        let rig = Rig::prepared(server, "many", &setup).await;
        let (database, book) = (&rig.database, &rig.spreadsheet);
        server.sql(&format!("GRANT SELECT ON {database}.* TO '{database}'@'localhost'")).await;
        let link = |n| {
            format!(
                "[[link]]\nname = \"t{n}\"\ntable = \"{database}.t{n}\"\nspreadsheet = \"{book}\"\ntab = \"t{n}\"\ndeletes = \"apply\"\n\n"
            )
        };
        let links: String = (0..FURTHER).map(link).collect();
        rig.reconfigure("[[link]]", &format!("{links}[[link]]"), "TRUE");
        // when the daemon starts, then every tab shows its table
        rig.start().await;
        let shown = |n: u32| {
            let book = rig.google.world().spreadsheet(&rig.spreadsheet).expect("the spreadsheet");
            let tab = book.tabs.iter().find(|tab| tab.title == format!("t{n}"));
            tab.is_some_and(|tab| tab.cell(1, 1).value == Value::text(&format!("w{n}")))
        };
        eventually(SOON, "a row in every tab", async || (0..FURTHER).all(shown).then_some(())).await;
        rig.until_equal(SOON).await;
    })
    .await;
}
