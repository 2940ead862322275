//! A small commit of the server, for what it takes.

use std::time::Instant;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::support::server::Server;

/// A row of a table of its own, and a session that changes it.
pub(crate) struct SmallCommit {
    conn: Conn,
    statement: String,
}

impl SmallCommit {
    pub(crate) async fn prepare(server: &Server) -> Self {
        let table = server.fresh_database("commits").await + ".t";
        let make =
            format!("CREATE TABLE {table} (id INT PRIMARY KEY, n INT); INSERT INTO {table} VALUES (1, 0)");
        server.sql(&make).await;
        Self { conn: server.connect().await, statement: format!("UPDATE {table} SET n = n + 1") }
    }

    /// Makes one, and gives the milliseconds that it took.
    pub(crate) async fn make(&mut self) -> f64 {
        let began = Instant::now();
        self.conn.query_drop(self.statement.as_str()).await.expect("a right statement");
        began.elapsed().as_secs_f64() * 1e3
    }
}
