//! The demo's page of the live table, in a real browser beside a real server.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::deadline::eventually;
use crate::support::port;
use crate::support::scratch::{Running, Scratch};
use crate::support::server::{Server, for_each_server};
use crate::support::webdriver::Browser;

const SOON: Duration = Duration::from_secs(20);

/// The page over a small table `orders`, for a person who may change that database's rows and nothing else.
struct Page {
    database: String,
    url: String,
    _running: Running,
    _scratch: Scratch,
}

impl Page {
    async fn open(server: &Server) -> Self {
        let database = server.fresh_database("page").await;
        server
            .sql(&format!(
                "CREATE TABLE {database}.orders (id INT AUTO_INCREMENT PRIMARY KEY, customer VARCHAR(40), price DECIMAL(8,2));
                 INSERT INTO {database}.orders (customer, price) VALUES ('Zoë', 1.50), (NULL, 2.00);
                 CREATE USER {database}@localhost;
                 GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {database}@localhost"
            ))
            .await;
        // Cargo builds the examples with the tests, beside the program.
        let built =
            Path::new(env!("CARGO_BIN_EXE_sheetbridge")).with_file_name("examples").join("table_page");
        let scratch = Scratch::new("page");
        let port = port::free();
        let running = scratch.run(
            Command::new(built)
                .arg(format!("--database=mysql://{database}@localhost?socket={}", server.socket().display()))
                .arg(format!("--table={database}.orders"))
                .arg("--sheet-page=about:blank")
                .arg(format!("--port={port}")),
        );
        let url = format!("http://127.0.0.1:{port}/");
        eventually(SOON, "the page's server", async || reqwest::get(&url).await.ok()).await;
        Self { database, url, _running: running, _scratch: scratch }
    }

    async fn run_sql(&self, host: &str, kind: &str, sql: &str) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().expect("a plain client can be built");
        let request =
            client.post(format!("{}sql", self.url)).header("host", host).header("content-type", kind);
        let answer = request.body(sql.to_owned()).send().await.expect("the page answers");
        answer.status().as_u16()
    }
}

#[tokio::test]
async fn sql_typed_into_the_page_changes_the_table_and_a_changed_table_shows() {
    for_each_server(async |server| {
        let page = Page::open(server).await;
        let browser = Browser::open().await;
        browser.goto(&page.url).await;
        assert_eq!(browser.find("tr[data-key='1'] td:nth-child(2)").await.text().await, "Zoë");
        assert_eq!(browser.find("tr[data-key='2'] td.null").await.text().await, "NULL");

        browser.find("textarea").await.send_keys("UPDATE orders SET price = 9.75 WHERE id = 2").await;
        browser.find("button[type=submit]").await.click().await;
        let price = format!("SELECT CAST(price AS CHAR) FROM {}.orders WHERE id = 2", page.database);
        eventually(SOON, "the price in the table", async || {
            (server.one::<String>(&price).await == "9.75").then_some(())
        })
        .await;

        server.sql(&format!("INSERT INTO {}.orders VALUES (7, 'Ann', 3)", page.database)).await;
        assert_eq!(browser.find("tr[data-key='7'] td:nth-child(2)").await.text().await, "Ann");

        browser.find("#delete").await.click().await;
        let left = format!("SELECT COUNT(*) FROM {}.orders WHERE id = 7", page.database);
        eventually(SOON, "the last order's end", async || {
            (server.one::<i64>(&left).await == 0).then_some(())
        })
        .await;
        eventually(SOON, "two rows on the page", async || {
            let shown =
                browser.execute("return document.querySelectorAll('tbody tr').length", json!([])).await;
            (shown == json!(2)).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_strange_site_cannot_reach_the_database_through_the_page() {
    for_each_server(async |server| {
        let page = Page::open(server).await;
        let own = page.url.trim_start_matches("http://").trim_end_matches('/');
        let sql = "DELETE FROM orders";
        assert_eq!(
            page.run_sql("evil.example", "application/sql", sql).await,
            403,
            "another name for this address"
        );
        assert_eq!(page.run_sql(own, "text/plain", sql).await, 404, "what a form can send unasked");
        assert_eq!(
            page.run_sql(own, "application/sql", "DROP TABLE orders").await,
            422,
            "more than the person may do"
        );
        assert_eq!(server.one::<i64>(&format!("SELECT COUNT(*) FROM {}.orders", page.database)).await, 2);
        assert_eq!(page.run_sql(own, "application/sql", sql).await, 200);
        assert_eq!(server.one::<i64>(&format!("SELECT COUNT(*) FROM {}.orders", page.database)).await, 0);
    })
    .await;
}
