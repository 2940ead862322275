//! The shell around the engine: tasks, time and waiting.
//!
//! ```text
//! tail (the stream) ----> route ----> one engine a spreadsheet <----> perform (MySQL, Google)
//!                                         ^
//! endpoint (people's edits) --> inbox ----+
//! ```
//! [`run`] reads like a contents page: connect, take the lease, look at the tables, find the position, start the tasks, wait.

mod aside;
mod audit;
mod carry;
pub mod columns;
pub mod desk;
pub mod diary;
pub mod error;
pub mod inbox;
pub mod journal;
pub mod notify;
mod operator;
mod own_rule;
pub mod perform;
pub mod plan;
mod position;
pub mod progress;
pub mod reading;
mod restore;
pub mod retry;
pub mod room;
pub mod route;
mod showing;
pub mod shutdown;
pub mod socket;
pub mod soft;
pub mod spreadsheet;
pub mod standing;
mod start;
pub mod status;
pub mod table;
mod tail;

use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Pool};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{broadcast, mpsc, watch};
use tracing::{error, info, warn};

use crate::config::Settings;
use crate::config::settings::{self, ServerAddress};
use crate::daemon::audit::Audit;
pub use crate::daemon::error::DaemonError;
use crate::daemon::notify::Progress as Beats;
use crate::daemon::perform::Performer;
use crate::daemon::progress::Progress;
use crate::daemon::reading::Reading;
use crate::daemon::route::{Destination, Route};
use crate::daemon::shutdown::{End, Shutdown, Stop, Tasks};
use crate::daemon::socket::Sockets;
use crate::daemon::spreadsheet::Spreadsheet;
use crate::daemon::standing::Standing;
use crate::daemon::start::{Group, first_effect, first_note};
use crate::database::check::{Weight, check};
use crate::database::connect::{self, Address, Server, Tls};
use crate::database::load::Bounds;
use crate::database::standing::current_position;
use crate::engine::Engine;
use crate::fault::{Classify, Fault};
use crate::model::mark::Owner;
use crate::sheet::auth::ServiceAccount;
use crate::sheet::client::Google;
use crate::sheet::pool::Pool as Accounts;
use crate::sheet::quota::{Lane, Rates};
use crate::store::{installation, lease, migrate::migrate};

/// The name of the one source of changes, under which its position is stored.
pub const SOURCE: &str = "main";

/// A lease that is not renewed ends after this time.
const LEASE: Duration = Duration::from_secs(10);

/// Renewed often enough that two lost tries do not end it.
const RENEW: Duration = Duration::from_secs(3);

/// How long work that has begun may take at the end.
const GRACE: Duration = Duration::from_secs(45);

/// The wait before a start is tried again while the server is away.
const AGAIN: Duration = Duration::from_secs(2);

/// Sessions of one daemon beside the tail and the lease.
const SESSIONS: usize = 8;

/// Inputs that may wait for an engine: it takes them at once, so this only evens out bursts.
const AHEAD: usize = 256;

/// Answers that may wait for the requests that asked.
const ANSWERS: usize = 1024;

/// Runs until `stop` is done. What passes is waited out; what a person must mend ends it.
///
/// # Errors
/// Those that no patience mends.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> Result<(), DaemonError> {
    let (end, shutdown) = shutdown::channel();
    let beats = Beats::default();
    let watching = tokio::spawn(notify::watch(beats.clone(), shutdown.clone()));
    let life = Life { sockets: Sockets::inherited(), standing: Arc::default(), beats };
    let telling = match &settings.endpoint.status {
        Some(listen) => {
            let (listener, place) = life.sockets.bind(listen).await?;
            info!(place, "health and numbers are told");
            let (standing, beats) = (Arc::clone(&life.standing), life.beats.clone());
            Some(tokio::spawn(status::serve(listener, standing, beats, shutdown.clone())))
        }
        None => None,
    };
    notify::ready();
    let living = live(&settings, &life, shutdown);
    tokio::pin!(living, stop);
    let ended = tokio::select! {
        biased;
        ended = &mut living => ended,
        () = &mut stop => {
            notify::stopping();
            end.stop();
            living.await
        }
    };
    notify::stopping();
    end.stop();
    for task in telling.into_iter().chain([watching]) {
        if let Err(error) = task.await {
            error!(%error, "a task beside the work failed");
        }
    }
    info!("stopped");
    ended
}

/// What lasts from the process's start to its end, over all runs.
struct Life {
    sockets: Sockets,
    standing: Arc<Standing>,
    beats: Beats,
}

/// One run after another, until the end is asked for or a person is needed.
async fn live(settings: &Settings, life: &Life, mut shutdown: Shutdown) -> Result<(), DaemonError> {
    while !shutdown.is_requested() {
        match once(settings, life, &shutdown).await {
            Ok(()) => return Ok(()),
            Err(error) if error.fault() == Fault::Passing => {
                warn!(%error, "starting again: {error}");
                notify::status(&format!("waiting: {error}"));
                let _ = shutdown.race(tokio::time::sleep(AGAIN)).await;
            }
            Err(error) => {
                error!(%error, advice = error.advice(), "a person is needed: {error}");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// One run: from the connection to its end.
async fn once(settings: &Settings, life: &Life, shutdown: &Shutdown) -> Result<(), DaemonError> {
    let server = server_of(&settings.mysql);
    let mut conn = connect::session(&server).await?;
    migrate(&mut conn, &settings.mysql.state_schema).await?;
    let owner = installation::begin(&mut conn).await?;
    lease::take(&mut conn, &owner, &format!("process {}", std::process::id()), LEASE).await?;

    preflight(&mut conn, settings).await?;

    operator::let_go(&mut conn, &owner, &settings.links).await?;
    // Before the tables' shapes are read: what the stream tells up to here, they show already.
    let begun = current_position(&mut conn).await?;
    let mut groups = start::groups(&mut conn, settings).await?;
    if groups.is_empty() {
        return Err(DaemonError::NoLinks);
    }
    let accounts = pool_of(&settings.google)?;
    start::stretch_sweeps(&mut groups, &accounts, settings.google.reads_per_minute.get());
    let watched = start::watched(&mut conn, settings, &groups).await?;
    let resume = start::resume(&mut conn).await?;
    let progress = Arc::new(Progress::new(resume.position.clone(), groups.len()));
    let state = Some(settings.mysql.state_schema.name());
    let pool = connect::pool(&server, SESSIONS, state);
    let brief = connect::memory_pool(&server, SESSIONS, state).await?;
    info!(brief = brief.is_some(), "row images of our own memory (see the last right in sql/grants-*.sql)");
    let memory = brief.unwrap_or_else(|| pool.clone());
    let shared = Shared {
        accounts,
        pool,
        memory,
        owner: owner.clone(),
        progress: Arc::clone(&progress),
        server_uuid: server_uuid(&mut conn).await?,
        answers: broadcast::channel(ANSWERS).0,
        standing: Arc::clone(&life.standing),
        bounds: settings.mysql.bounds,
    };
    let followed = groups.iter().flat_map(|group| &group.tables).map(|table| &table.link.rules.name);
    life.standing.begin(followed);

    let (end, inner) = shutdown::channel();
    let mut tasks: Tasks<DaemonError> = Tasks::new();
    let mut destinations = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        let (inputs, receiver) = mpsc::channel(AHEAD);
        destinations.push(Destination { tables: group.tables.clone(), inputs });
        let name = format!("spreadsheet {}", group.spreadsheet);
        let effects = first_effect(&owner, index);
        let (start, until) = restore::restore(&mut conn, &group, &owner, effects, resume.missed).await?;
        let performer = shared.performer(&group, index, &owner);
        if let Some(diary) = performer.diary.clone() {
            let (client, spreadsheet) = (Arc::clone(&performer.client), performer.spreadsheet.clone());
            tasks.spawn(format!("log of {spreadsheet}"), diary.keep(client, spreadsheet, inner.clone()));
        }
        if performer.tables.iter().any(|table| table.link.rules_in_sheet) {
            let dropdowns = Arc::clone(&performer).keep_choices(inner.clone());
            tasks.spawn(format!("dropdowns of {}", group.spreadsheet), dropdowns);
        }
        let beat = life.beats.beat(name.clone());
        let sheet = Spreadsheet { engine: Engine::new(start), performer, inputs: receiver, beat, until };
        tasks.spawn(name, sheet.run(inner.clone()));
    }
    if let Some(listen) = &settings.endpoint.listen {
        let inbox =
            inbox::Inbox::new(settings, &destinations, &shared.memory, &shared.answers, &life.standing)?;
        inbox.recall().await?;
        let (listener, place) = life.sockets.bind(listen).await?;
        info!(place, "the endpoint listens");
        tasks.spawn("endpoint", inbox::serve(listener, inbox, inner.clone()));
    }
    let audit = Audit::new(
        &destinations,
        shared.pool.clone(),
        Arc::clone(&life.standing),
        settings.mysql.bounds,
        settings.mysql.audit_interval,
    );
    tasks.spawn("audit", audit.run(life.beats.beat("audit"), inner.clone()));
    tasks.spawn(
        "operator",
        operator::listen(
            shared.pool.clone(),
            owner.clone(),
            settings.links.clone(),
            operator::told(&destinations),
            inner.clone(),
        ),
    );
    let route = Route::new(settings.mysql.state_schema.name(), destinations, Arc::clone(&progress), begun);
    let follow = tail::Follow {
        server,
        position: resume.position,
        watched,
        server_uuid: shared.server_uuid.clone(),
        owner: owner.clone(),
        route,
    };
    tasks.spawn(
        "tail",
        tail::follow(
            follow,
            settings.mysql.server_id,
            shared.pool.clone(),
            life.beats.beat("tail"),
            inner.clone(),
        ),
    );
    tasks.spawn(
        "position",
        position::save_positions(shared.memory.clone(), progress, shared.server_uuid.clone(), inner.clone()),
    );
    notify::status(&format!("{} links, generation {}", settings.links.len(), owner.generation));
    info!(%owner, links = settings.links.len(), "running");

    let ended = keep_lease(&mut conn, &owner, &mut tasks, shutdown.clone()).await;
    let drained = wind_down(&end, &mut tasks).await;
    shared.pool.disconnect().await?;
    shared.memory.disconnect().await?;
    ended.and(drained)?;
    lease::release(&mut conn, &owner).await?;
    Ok(())
}

/// Looks at the server before anything is followed: what is not as it should be is told with its cure. A finding stops
/// nothing by itself; what cannot work fails where it is needed, with the same words.
async fn preflight(conn: &mut Conn, settings: &Settings) -> Result<(), DaemonError> {
    let tables: Vec<_> = settings.links.iter().map(|link| link.table.clone()).collect();
    for found in check(conn, &tables).await? {
        let (name, expected, fix) = (found.name.as_str(), found.expected.as_str(), found.fix.as_str());
        match found.weight {
            Weight::Fine => {}
            Weight::Warning => {
                warn!(name, expected, found = found.found, fix, "check: {name} is {}", found.found);
            }
            Weight::Stop => {
                error!(name, expected, found = found.found, fix, "check: {name} is {}", found.found);
            }
        }
    }
    Ok(())
}

/// What all performers share.
struct Shared {
    accounts: Accounts,
    pool: Pool,
    memory: Pool,
    owner: Owner,
    progress: Arc<Progress>,
    server_uuid: String,
    answers: broadcast::Sender<(u64, String)>,
    standing: Arc<Standing>,
    bounds: Bounds,
}

impl Shared {
    fn performer(&self, group: &Group, index: usize, owner: &Owner) -> Arc<Performer> {
        Arc::new(Performer {
            client: Arc::clone(self.accounts.of(&group.spreadsheet)),
            lane: Mutex::new(Lane::Live),
            pool: self.pool.clone(),
            memory: self.memory.clone(),
            owner: self.owner.clone(),
            spreadsheet: group.spreadsheet.clone(),
            tables: group.tables.clone(),
            progress: Arc::clone(&self.progress),
            place: self.progress.places()[index],
            server: self.server_uuid.clone(),
            answers: self.answers.clone(),
            standing: Arc::clone(&self.standing),
            notes: AtomicU64::new(first_note(owner) + index as u64 * (1 << 20)),
            reading: Reading::new(self.bounds),
            said: tokio::sync::Mutex::new(None),
            choices: Mutex::default(),
            diary: group.tables.iter().any(|table| table.link.log_tab).then(Arc::default),
            helper: Mutex::new(None),
            last: Mutex::new(None),
            room: Mutex::default(),
            looked_at: AtomicU64::new(0),
            given_up: watch::Sender::default(),
            grids: Mutex::default(),
        })
    }
}

/// Renews the lease until the end is asked for or a task ends by itself.
async fn keep_lease(
    conn: &mut Conn,
    owner: &Owner,
    tasks: &mut Tasks<DaemonError>,
    mut shutdown: Shutdown,
) -> Result<(), DaemonError> {
    let mut renewals = tokio::time::interval(RENEW);
    loop {
        tokio::select! {
            biased;
            // 1. the end
            () = shutdown.requested() => return Ok(()),
            // 2. a task that ended before the end was asked for
            Some((task, end)) = tasks.next() => match end {
                End::Failed(error) => return Err(error),
                End::Panicked(message) => return Err(DaemonError::Panic { task, message }),
                End::Done | End::Aborted => return Err(DaemonError::Anew(format!("the task `{task}` ended"))),
            },
            // 3. the lease
            _ = renewals.tick() => {}
        }
        match lease::renew(conn, owner, LEASE).await {
            // A long transaction of ours holds its row. As long as it does nobody else can take it either, and the next one asks.
            Err(error) if error.is_busy() => {
                info!(%error, "the lease is not renewed yet: a transaction holds it");
            }
            renewed => renewed?,
        }
    }
}

async fn wind_down(end: &Stop, tasks: &mut Tasks<DaemonError>) -> Result<(), DaemonError> {
    end.stop();
    let mut first = Ok(());
    for (task, end) in tasks.drain(GRACE).await {
        let error = match end {
            End::Failed(error) => error,
            End::Panicked(message) => DaemonError::Panic { task, message },
            End::Done | End::Aborted => continue,
        };
        if first.is_ok() {
            first = Err(error);
        } else {
            warn!(%error, "another task failed");
        }
    }
    first
}

async fn server_uuid(conn: &mut Conn) -> Result<String, DaemonError> {
    // MariaDB has no uuid of its own; its position names servers by their ids.
    let uuid: Option<(String, String)> = conn.query_first("SHOW VARIABLES LIKE 'server_uuid'").await?;
    Ok(uuid.map(|(_, uuid)| uuid).unwrap_or_default())
}

fn server_of(mysql: &settings::Mysql) -> Server {
    Server {
        address: match &mysql.address {
            ServerAddress::Tcp { host, port } => Address::Tcp { host: host.clone(), port: *port },
            ServerAddress::Socket(path) => Address::Socket(path.clone()),
        },
        user: mysql.user.clone(),
        password: mysql.password.clone().unwrap_or_else(|| SecretString::from(String::new())),
        tls: match &mysql.tls {
            settings::Tls::Off => Tls::Disabled,
            settings::Tls::Encrypt => Tls::Required,
            settings::Tls::Verify { ca } => Tls::VerifyIdentity(ca.clone()),
        },
    }
}

fn pool_of(google: &settings::Google) -> Result<Accounts, DaemonError> {
    let accounts = google.keys.iter().map(|key| ServiceAccount::parse(key.expose_secret()));
    let accounts = accounts.collect::<Result<Vec<_>, _>>()?;
    let (reads, writes) = (google.reads_per_minute.get(), google.writes_per_minute.get());
    let mut at = Google {
        token_url: google.token_url.clone(),
        cells_per_read: google.cells_per_read.into(),
        // Whoever raised an account's own quota has raised the project's.
        rates: Rates { reads, writes, project: google.project_per_minute.get().max(reads).max(writes) },
        ..Google::default()
    };
    if let Some(base) = &google.base_address {
        base.trim_end_matches('/').clone_into(&mut at.sheets_base);
    }
    Ok(Accounts::new(accounts, &at)?)
}
