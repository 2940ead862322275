//! The shell around the engine: tasks, time and waiting.

pub mod journal;
pub mod notify;
pub mod retry;
pub mod shutdown;

use std::future::Future;
use std::time::Duration;

use mysql_async::{Conn, OptsBuilder};
use secrecy::ExposeSecret;
use tracing::info;

use crate::config::Settings;
use crate::config::settings::{Mysql, ServerAddress};
use crate::daemon::notify::Progress;
use crate::daemon::shutdown::Tasks;
use crate::store::{StoreError, installation, lease, migrate::migrate};

/// What ends the daemon.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Its own state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A lease that is not renewed ends after this time.
const LEASE: Duration = Duration::from_secs(10);

/// Renewed often enough that two lost tries do not end it.
const RENEW: Duration = Duration::from_secs(3);

/// Runs until `stop` is done.
///
/// # Errors
/// Those that no patience mends.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> Result<(), DaemonError> {
    let mut conn = Conn::new(options(&settings.mysql))
        .await
        .map_err(StoreError::from)?;
    migrate(&mut conn, &settings.mysql.state_schema).await?;
    let owner = installation::begin(&mut conn).await?;
    lease::take(
        &mut conn,
        &owner,
        &format!("process {}", std::process::id()),
        LEASE,
    )
    .await?;

    let (end, shutdown) = shutdown::channel();
    let progress = Progress::default();
    let mut tasks: Tasks<StoreError> = Tasks::new();
    let watching = notify::watch(progress.clone(), shutdown.clone());
    tasks.spawn("watchdog", async move {
        watching.await;
        Ok(())
    });
    notify::ready();
    info!(%owner, "running with {} links", settings.links.len());

    let beat = progress.beat("lease");
    let mut renewals = tokio::time::interval(RENEW);
    tokio::pin!(stop);
    let ended = loop {
        tokio::select! {
            biased;
            () = &mut stop => break Ok(()),
            _ = renewals.tick() => beat.touch(),
        }
        if let Err(error) = lease::renew(&mut conn, &owner, LEASE).await {
            break Err(error);
        }
    };
    notify::stopping();
    end.stop();
    tasks.drain(Duration::from_secs(30)).await;
    ended?;
    lease::release(&mut conn, &owner).await?;
    info!("stopped");
    Ok(())
}

fn options(mysql: &Mysql) -> OptsBuilder {
    let password = mysql
        .password
        .as_ref()
        .map(|password| password.expose_secret().to_owned());
    let options = OptsBuilder::default()
        .user(Some(mysql.user.clone()))
        .pass(password);
    match &mysql.address {
        ServerAddress::Tcp { host, port } => options.ip_or_hostname(host.clone()).tcp_port(*port),
        ServerAddress::Socket(path) => options.socket(Some(path.to_string_lossy().into_owned())),
    }
}
