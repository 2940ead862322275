//! Keeping things waiting: calls to Google by the emulator's faults, transactions by a lock on a row that they need.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use sheets_emulator::faults::{Fault, Match, Rule};
use tokio::time::timeout;

use crate::bridge::rig::{Rig, SOON};
use crate::support::deadline::eventually;

/// Every batch that means something asks for its receipts; voids and set-up do not.
pub(super) const BATCH: &str = "responseRanges";

/// The write-back of keys.
pub(super) const KEYS: &str = "spreadsheets.values.batchUpdateByDataFilter";

/// The next call of a method with this in its body.
pub(super) fn next_with(method: &str, part: &str, fault: Fault) -> Rule {
    let matching = Match { method: Some(method.to_owned()), body: Some(part.to_owned()), ..Match::default() };
    Rule { matching, ..Rule::next(method, fault) }
}

/// The next batch with this in it.
pub(super) fn next_batch(part: &str, fault: Fault) -> Rule {
    next_with("spreadsheets.batchUpdate", part, fault)
}

/// Waits until a call waits at this name.
pub(super) async fn is_held(rig: &Rig, name: &str) {
    let held = timeout(SOON, rig.google.faults().paused(name)).await;
    assert!(held.is_ok(), "no call came to {name}; left: {:?}", rig.google.faults().left());
}

/// Lets go what waits at this name, and waits until it has gone.
pub(super) async fn release(rig: &Rig, name: &str) {
    rig.google.faults().release(name);
    eventually(SOON, "the held call to go on", async || (!rig.google.faults().is_paused(name)).then_some(()))
        .await;
}

/// The number of Google's last call so far.
pub(super) fn last_call(rig: &Rig) -> u64 {
    rig.google.calls().since(0).last().map_or(0, |call| call.number)
}

/// A lock on rows of the daemon's own schema, until it is dropped.
pub(super) struct Lock(Conn);

impl Lock {
    /// Locks what the query finds.
    pub(super) async fn on(rig: &Rig, rows: &str) -> Self {
        let mut conn = rig.server.connect().await;
        conn.query_drop(format!("USE {}; BEGIN; SELECT * FROM {rows} FOR UPDATE", rig.state))
            .await
            .expect("rows of the daemon's schema");
        Self(conn)
    }

    /// Waits until the daemon is at this statement, which needs the lock.
    pub(super) async fn is_wanted(&self, rig: &Rig, statement: &str) {
        let waiting = format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' AND info LIKE '{statement}%'",
            rig.state
        );
        eventually(SOON, &format!("the daemon at {statement}"), async || {
            // MySQL cannot show the list while a statement of somebody's carries bytes that are no text (error 3854).
            let seen: Option<u64> = rig.server.connect().await.query_first(&waiting).await.ok().flatten();
            seen.filter(|seen| *seen > 0).map(drop)
        })
        .await;
    }

    /// Lets it go.
    pub(super) async fn end(mut self) {
        self.0.query_drop("ROLLBACK").await.expect("nothing was changed");
    }
}
