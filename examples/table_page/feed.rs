//! One look at the table every half second, for all browsers together.

use std::time::Duration;

use bytes::Bytes;
use mysql_async::Pool;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::table::{self, TableName};

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Starts looking. The receiver holds the latest state as one server-sent event, and wakes when it differs.
pub(crate) fn start(pool: Pool, name: TableName) -> (watch::Receiver<Bytes>, JoinHandle<()>) {
    let (told, heard) = watch::channel(Bytes::from_static(b": nothing seen yet\n\n"));
    let looking = tokio::spawn(async move {
        let mut looks = interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let state = match table::read(&pool, &name).await {
                Ok(table) => json!(table),
                Err(error) => json!({"trouble": error.to_string()}),
            };
            let event = Bytes::from(format!("data: {state}\n\n"));
            told.send_if_modified(|last| {
                let differs = *last != event;
                *last = event;
                differs
            });
        }
    });
    (heard, looking)
}
