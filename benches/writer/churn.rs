//! A program that changes rows all the time: a hundred or more in one statement, spread over all keys.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::goods;
use crate::stage::{Link, Stage};

/// The program, and what it made of the rows.
pub(crate) struct Churn {
    conn: Conn,
    table: String,
    rows: u32,
    /// What every row shows in the end, by its key.
    pub(crate) expected: Vec<f64>,
    /// Changes so far.
    pub(crate) made: u32,
}

impl Churn {
    pub(crate) async fn new(stage: &Stage, link: &Link) -> Self {
        Self {
            conn: stage.server.connect().await,
            table: format!("{}.{}", stage.database, link.name),
            rows: link.rows,
            expected: (0..=link.rows).map(goods::stock).collect(),
            made: 0,
        }
    }

    /// Changes so many rows in one statement; gives how long that took.
    pub(crate) async fn strike(&mut self, rows: u32) -> Duration {
        let numbers = self.made..self.made + rows;
        let cases: Vec<(u32, u32)> =
            numbers.map(|n| (1 + n.wrapping_mul(2_654_435_761) % self.rows, n % 1_000_000)).collect();
        // Of two changes of one key in a statement the first WHEN counts: the later one stands in front.
        let whens: Vec<String> =
            cases.iter().rev().map(|(id, stock)| format!("WHEN {id} THEN {stock}")).collect();
        let list: Vec<String> = cases.iter().map(|(id, _)| id.to_string()).collect();
        let statement = format!(
            "UPDATE {} SET stock = CASE id {} END WHERE id IN ({})",
            self.table,
            whens.join(" "),
            list.join(",")
        );
        let begun = Instant::now();
        self.conn.query_drop(statement).await.expect("a right statement");
        let took = begun.elapsed();
        for (id, stock) in cases {
            self.expected[id as usize] = f64::from(stock);
        }
        self.made += rows;
        took
    }
}
