//! Conflicts decided by rules of the operator's own: a word, the larger value, and a value that neither side had.

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const RULES: &str = r#"
policy = { cel = "'database'" }
columns = ["id", "name", "listed", "since", "code",
  { name = "stock", policy = { cel = "db + sheet" } },
  { name = "price", policy = { cel = "dec(db) > dec(sheet) ? db : sheet" } },
  { name = "note", policy = { cel = "sheet_time > 0 && row.stock == 20 ? 'sheet' : 'hold'" } }]"#;

#[tokio::test]
async fn a_conflict_ends_as_the_rule_of_its_column_says() {
    for_each_server(async |server| {
        let setup = Setup { more: RULES, sweep_interval: "300ms", ..Setup::default() };
        let rig = Rig::open(server, "own_rules", setup).await;
        let ann = rig.person("ann@example.com");

        // given changes of the same cells on both sides while nobody looks
        rig.stop().await;
        rig.sql(
            "UPDATE goods SET name = 'by sql', stock = 20, price = 1239.50, note = 'by sql' WHERE id = 2",
        )
        .await;
        rig.sql("UPDATE goods SET price = 5 WHERE id = 3").await;
        ann.types(2, "name", "by Ann");
        ann.types(2, "stock", "300");
        ann.types(2, "price", "1239.05");
        ann.types(2, "note", "by Ann");
        ann.types(3, "price", "6");

        // when the daemon finds them
        rig.start().await;
        rig.sync_now().await;

        // then each column's rule has decided, on both sides and once
        let row = "SELECT CONCAT_WS('|', name, stock, price, note) FROM goods WHERE id = 2";
        rig.table_says(row, "by sql|320|1239.50|by Ann").await;
        rig.table_says("SELECT CAST(price AS CHAR) FROM goods WHERE id = 3", "6.00").await;
        rig.until_equal(SOON).await;
        assert_eq!(rig.ask(row).await.as_deref(), Some("by sql|320|1239.50|by Ann"), "{server}");
        let told = rig.state_rows("ledger WHERE kind = 'conflict' AND cause LIKE '%own rule%'").await;
        assert_eq!(told, 5, "{server}: every conflict is listed with its rule");
    })
    .await;
}

#[tokio::test]
async fn a_rule_may_add_up_what_both_sides_did_since_they_agreed() {
    for_each_server(async |server| {
        // given a tab that is read only when something happens in the table
        let more = r#"columns = ["id", "name", "price", "listed", "since", "code", "note",
                        { name = "stock", policy = { cel = "db + sheet - base" } }]"#;
        let setup = Setup { more, script: false, sweep_interval: "1h", ..Setup::default() };
        let rig = Rig::open(server, "steps", setup).await;
        let ann = rig.person("ann@example.com");
        rig.sql("UPDATE goods SET stock = 50 WHERE id = 2").await;
        rig.until_equal(SOON).await;

        // when a person adds ten and programs take three
        ann.types(2, "stock", "60");
        rig.sql("UPDATE goods SET stock = stock - 3 WHERE id = 2").await;

        // then nothing of either is lost
        rig.table_says("SELECT CAST(stock AS CHAR) FROM goods WHERE id = 2", "57").await;
        rig.until_equal(SOON).await;
    })
    .await;
}

#[tokio::test]
async fn a_rule_that_does_not_fit_its_column_leaves_the_link_out_and_says_why() {
    for_each_server(async |server| {
        let more = r#"columns = ["id", { name = "name", policy = { cel = "db > sheet" } }]"#;
        let rig =
            Rig::prepared(server, "unfit_rule", &Setup { more, script: false, ..Setup::default() }).await;
        rig.start().await;
        eventually(SOON, "the reason in the journal", async || {
            let log = rig.daemon.log();
            let told = log.contains("the link is left out") && log.contains("gives bool for column `name`");
            told.then_some(())
        })
        .await;
    })
    .await;
}
