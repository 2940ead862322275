//! The whole way as a person sees it: a browser on one side, MySQL on the other.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::{Kind, for_each_server};
use crate::support::webdriver::{Browser, key};

#[tokio::test]
async fn what_is_typed_into_the_page_is_in_mysql_and_what_mysql_changes_is_on_the_page() {
    if !has_chromium() {
        return;
    }
    for_each_server(async |server| {
        let rig = Rig::open(server, "browser", Setup::default()).await;
        let browser = Browser::open().await;
        browser
            .goto(&format!(
                "{}/spreadsheets/{}?person=ann@example.com",
                rig.google.base_url(),
                rig.spreadsheet
            ))
            .await;
        cell_shows(&browser, "B3", "thing 2").await;

        // A person types over a name, and a new row below everything.
        type_into(&browser, "B3", "typed by hand").await;
        rig.table_says("SELECT name FROM goods WHERE id = 2", "typed by hand").await;
        type_into(&browser, "B14", "a new thing").await;
        rig.table_says("SELECT CAST(COUNT(*) AS CHAR) FROM goods WHERE name = 'a new thing'", "1").await;
        let key = rig.ask("SELECT CAST(id AS CHAR) FROM goods WHERE name = 'a new thing'").await;
        cell_shows(&browser, "A14", &key.expect("it has one")).await;

        // MySQL changes a row, and the page shows it.
        rig.sql("UPDATE goods SET name = 'changed by SQL', price = 12.5 WHERE id = 3").await;
        cell_shows(&browser, "B4", "changed by SQL").await;
        cell_shows(&browser, "D4", "12.50").await;
        rig.until_equal(SOON).await;

        let name = match server.kind() {
            Kind::MariaDb => "bridge-page-mariadb.png",
            Kind::MySql => "bridge-page-mysql.png",
        };
        let built = Path::new(env!("CARGO_BIN_EXE_sheetbridge"));
        let target = built.ancestors().nth(2).expect("target/debug/sheetbridge");
        browser.screenshot(&target.join(name)).await;
    })
    .await;
}

async fn type_into(browser: &Browser, cell: &str, text: &str) {
    browser.find(&format!("[data-cell=\"{cell}\"]")).await.click().await;
    browser.type_keys(&format!("{text}{}", key::ENTER)).await;
}

async fn cell_shows(browser: &Browser, cell: &str, text: &str) {
    let script = "return document.querySelector(`[data-cell=\"${arguments[0]}\"]`)?.textContent";
    eventually(SOON, &format!("{text:?} in {cell}"), async || {
        (browser.execute(script, json!([cell])).await == json!(text)).then_some(())
    })
    .await;
}

/// There, or installed now. Where neither is possible it is said on the terminal, past the test's own capture.
pub(super) fn has_chromium() -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-chromium");
    let installed = Command::new(script).output();
    let is_there = installed.as_ref().is_ok_and(|output| output.status.success());
    if !is_there {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED, there is no Chromium here and scripts/install-chromium cannot install it: {installed:?}"
        );
    }
    is_there
}
