//! The live page in a real browser. These tests need `chromedriver`, so they run only when asked for:
//! `cargo test -p sheets-emulator -- --ignored page`.

mod browser;

use std::convert::Infallible;

use serde_json::json;
use sheets_emulator::grid::{SpreadsheetId, Tab, Value};
use sheets_emulator::{Cause, Emulator, Options};

use browser::Browser;

const ENTER: &str = "\u{e007}";

async fn table(rows: u32) -> (Emulator, SpreadsheetId, Browser) {
    let emulator = Emulator::start(Options::default()).await.expect("starts");
    let id = SpreadsheetId::new("1page");
    emulator.world().create(id.clone(), "Shop", |book| {
        book.tabs[0] = Tab::new(book.tabs[0].id, "orders", rows + 1, 12);
        book.tabs[0].frozen_rows = 1;
        for column in 0..12 {
            book.tabs[0].set_value(0, column, Value::text(&format!("column {column}")));
            for row in 1..=rows {
                book.tabs[0].set_value(row, column, Value::Number(f64::from(row * 100 + column)));
            }
        }
    });
    let browser = Browser::start().await;
    browser.open(&format!("{}/spreadsheets/1page", emulator.base_url())).await;
    browser.until_cell("A2", "100").await;
    browser.until("document.getElementById('live').dataset.state === 'live'").await;
    (emulator, id, browser)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver"]
async fn a_person_types_into_the_page_and_sees_what_others_do() {
    let (emulator, id, browser) = table(20).await;
    let stored = |row, column| {
        let book = emulator.world().spreadsheet(&id).expect("the spreadsheet");
        book.tabs[0].cell(row, column).value.clone()
    };

    browser.click("[data-cell=\"B3\"]").await;
    browser.press(&format!("Zoë{ENTER}")).await;
    browser.until_cell("B3", "Zoë").await;
    assert_eq!(stored(2, 1), Value::text("Zoë"));

    let changed = emulator.world().edit(&id, Cause::Api, |book| {
        book.tabs[0].set_value(4, 2, Value::text("from the program"));
        Ok::<_, Infallible>(())
    });
    changed.expect("the spreadsheet").expect("done");
    browser.until_cell("C5", "from the program").await;
    browser.until("document.querySelector('[data-cell=\"C5\"]').matches('.flash-api')").await;

    browser.click("[data-cell=\"A2\"]").await;
    browser.click("#insert-above").await;
    browser.until_cell("A3", "100").await;
    assert_eq!(browser.text("A2").await, "");
    browser.click("#delete-rows").await;
    browser.until_cell("A2", "100").await;
    browser.click("#sort-descending").await;
    browser.until_cell("A2", "2000").await;
    browser.click("#undo").await;
    browser.until_cell("A2", "100").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver, and a machine that is not busy"]
async fn ten_thousand_rows_scroll_without_a_long_task() {
    let (_emulator, _, browser) = table(10_000).await;
    browser
        .run(
            "window.long = [0];
             new PerformanceObserver((list) => list.getEntries().forEach((task) => window.long.push(task.duration)))
               .observe({ entryTypes: ['longtask'] });
             const view = document.getElementById('viewport');
             const step = () => {
               view.scrollTop += 800;
               if (view.scrollTop < 240000) requestAnimationFrame(step);
             };
             step();",
        )
        .await;
    browser.until("document.getElementById('viewport').scrollTop >= 240000").await;
    browser.until("document.querySelector('[data-cell=\"A9620\"]')?.textContent === '961900'").await;
    let longest = browser.run("return Math.max(...window.long)").await;
    assert_eq!(longest, json!(0), "the longest task took {longest} ms");
}
