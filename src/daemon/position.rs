//! What is done now and then beside the work: the position is saved while nothing else saves it, and old memories go.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Pool;
use tracing::{info, warn};

use crate::daemon::progress::Progress;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::{DaemonError, SOURCE};
use crate::store::{position, retention};

/// The position is saved with effects; without any at most this often (protocol C14).
const SAVE: Duration = Duration::from_secs(30);

/// Old memories are cleaned up this often.
const CLEAN: Duration = Duration::from_secs(3600);

/// Saves the position now and then while nothing else does.
pub(super) async fn save_positions(
    pool: Pool,
    progress: Arc<Progress>,
    server: String,
    mut shutdown: Shutdown,
) -> Result<(), DaemonError> {
    let mut cleaned: Option<tokio::time::Instant> = None;
    loop {
        if cleaned.is_none_or(|at| at.elapsed() > CLEAN) {
            clean(&pool).await;
            cleaned = Some(tokio::time::Instant::now());
        }
        let asked = shutdown.race(tokio::time::sleep(SAVE)).await.is_none();
        if let Some(position) = progress.idle_save() {
            let saved = position::Saved { position: position.to_string(), server: server.clone() };
            let stored = async {
                let mut conn = pool.get_conn().await?;
                position::save(&mut conn, SOURCE, &saved).await
            };
            if let Err(error) = stored.await {
                warn!(%error, "the position is not saved: more is read again after a restart");
            }
        }
        if asked {
            return Ok(());
        }
    }
}

/// Forgets what has been kept long enough.
async fn clean(pool: &Pool) {
    let cleaned = async {
        let mut conn = pool.get_conn().await?;
        retention::clean(&mut conn).await
    };
    match cleaned.await {
        Ok(0) => {}
        Ok(rows) => info!(rows, "old memories are cleaned up"),
        Err(error) => warn!(%error, "old memories are not cleaned up"),
    }
}
