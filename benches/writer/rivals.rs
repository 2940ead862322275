//! The two ways that people use today, small and honest: each has what it needs to know at hand and does nothing else.
//!
//! *One call per changed row*: whoever changes a row also calls `values.update` for it, and waits out a 429 as Google asks.
//! *Poll and rewrite*: every three seconds the table is read, and where it differs the whole tab is written, in requests of
//! up to 2 MB. Neither brings anything back from the sheet.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use crate::goods;
use crate::stage::{Link, Stage};

/// Who they are to the local Google.
pub(crate) const RIVAL: &str = "rival@example.com";

/// The interval that tutorials and plug-ins use at their fastest.
const POLL: Duration = Duration::from_secs(3);

/// Google's recommended largest request.
const LARGEST: usize = 2_000_000;

/// One of the two at one tab.
pub(crate) struct Rival<'a> {
    stage: &'a Stage,
    link: &'a Link,
    http: reqwest::Client,
    /// Calls that it has made, refused ones included.
    pub(crate) calls: u64,
    /// Calls that were answered with 429.
    pub(crate) refused: u64,
}

impl<'a> Rival<'a> {
    pub(crate) fn new(stage: &'a Stage, link: &'a Link) -> Self {
        Self { stage, link, http: reqwest::Client::new(), calls: 0, refused: 0 }
    }

    /// One changed row, one call. False where `deadline` passes before Google takes it.
    pub(crate) async fn put_row(&mut self, id: u32, stock: f64, deadline: Instant) -> bool {
        let column = char::from(b'A' + goods::STOCK as u8);
        self.put(&format!("{column}{}", id + 1), &json!([[stock]]), deadline).await
    }

    /// One round of the poll: reads the table; where something differs from `last`, writes everything.
    pub(crate) async fn rewrite(&mut self, last: &mut Vec<Vec<Json>>, deadline: Instant) -> bool {
        let rows = self.table().await;
        if rows == *last {
            return true;
        }
        let mut from = 0;
        while from < rows.len() {
            let mut bytes = 0;
            let fits = rows[from..].iter().take_while(|row| {
                bytes += row.iter().map(|cell| cell.to_string().len() + 1).sum::<usize>() + 3;
                bytes < LARGEST
            });
            let to = from + fits.count().max(1);
            if !self.put(&format!("A{}:I{}", from + 2, to + 1), &json!(rows[from..to]), deadline).await {
                return false;
            }
            from = to;
        }
        *last = rows;
        true
    }

    /// Polls until the deadline; between two rounds it rests for the rest of its three seconds.
    pub(crate) async fn poll_until(&mut self, deadline: Instant, done: impl Fn() -> bool) {
        let mut last = Vec::new();
        while Instant::now() < deadline && !done() {
            let began = Instant::now();
            self.rewrite(&mut last, deadline).await;
            tokio::time::sleep_until((began + POLL).min(deadline).into()).await;
        }
    }

    async fn table(&self) -> Vec<Vec<Json>> {
        type Row = (u32, String, i64, f64, bool, i64, String, String, i64);
        let query = format!(
            "SELECT id, name, stock, price + 0e0, listed, DATEDIFF(since, '1899-12-30'), code, city, amount \
             FROM {}.{} ORDER BY id",
            self.stage.database, self.link.name
        );
        let rows: Vec<Row> = self.stage.server.rows(&query).await;
        let json = |(id, name, stock, price, listed, since, code, city, amount): Row| {
            let all = json!([id, name, stock, price, listed, since, code, city, amount]);
            all.as_array().cloned().unwrap_or_default()
        };
        rows.into_iter().map(json).collect()
    }

    /// Writes a range; a 429 is waited out with 1, 2, 4 ... 64 s.
    async fn put(&mut self, range: &str, values: &Json, deadline: Instant) -> bool {
        let range = format!("{}!{range}", self.link.name);
        let (google, book) = (self.stage.google.base_url(), &self.stage.books[self.link.book]);
        let url = format!("{google}/v4/spreadsheets/{book}/values/{range}?valueInputOption=RAW");
        let body = json!({"values": values});
        for wait in (0..).map(|failures: u32| Duration::from_secs(1 << failures.min(6))) {
            self.calls += 1;
            let answer =
                self.http.put(&url).bearer_auth(RIVAL).json(&body).send().await.expect("a local call");
            match answer.status() {
                StatusCode::OK => return true,
                StatusCode::TOO_MANY_REQUESTS => self.refused += 1,
                other => panic!("the rival's call was answered {other}"),
            }
            if Instant::now() + wait > deadline {
                return false;
            }
            tokio::time::sleep(wait).await;
        }
        false
    }
}
