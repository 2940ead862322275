//! The task that follows the stream, through lost connections, and hands every event to the route.

use std::num::NonZeroU32;
use std::time::Duration;

use mysql_async::{Pool, TxOpts};
use tracing::{info, warn};
use uuid::Uuid;

use crate::daemon::notify::Beat;
use crate::daemon::perform::Memory;
use crate::daemon::retry::Backoff;
use crate::daemon::route::{Reshaped, Route, Turn};
use crate::daemon::shutdown::Shutdown;
use crate::daemon::{DaemonError, SOURCE};
use crate::database::connect::{self, Server};
use crate::database::interest::{Interest, Wanted};
use crate::database::tail::{Identity, Tail, Terms};
use crate::database::{self, Event, schema, standing};
use crate::fault::{Classify, Fault};
use crate::model::mark::Owner;
use crate::model::position::Position;
use crate::model::schema::TableName;
use crate::store;

/// What the task needs.
#[derive(Debug)]
pub(super) struct Follow {
    /// The server.
    pub server: Server,
    /// Where to begin.
    pub position: Position,
    /// The tables that the stream must show.
    pub watched: Vec<Wanted>,
    /// The server's uuid, which is saved with every position.
    pub server_uuid: String,
    /// Who we are: the replica's name is made of it.
    pub owner: Owner,
    /// Where events go.
    pub route: Route,
}

/// How far the stream was followed, over all connections.
struct Reached {
    position: Position,
    backoff: Backoff,
    /// Connections in a row that fell silent at this position.
    silences: u32,
}

/// Follows until the end. A lost connection is taken up where it broke; what patience does not mend ends the daemon.
pub(super) async fn follow(
    follow: Follow,
    server_id: Option<NonZeroU32>,
    pool: Pool,
    beat: Beat,
    mut shutdown: Shutdown,
) -> Result<(), DaemonError> {
    let identity = identity(&follow.owner, server_id);
    let backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
    let mut reached = Reached { position: follow.position.clone(), backoff, silences: 0 };
    loop {
        let went = one_connection(&follow, identity, &mut reached, &pool, &beat, &mut shutdown).await;
        let Err(error) = went else { return Ok(()) };
        if matches!(error, DaemonError::Database(database::Error::Silent(_))) {
            reached.silences += 1;
        }
        match error.fault() {
            _ if matches!(&error, DaemonError::Database(error) if error.lost_position()) => {
                start_over(&pool, &follow).await?;
                return Err(DaemonError::Anew(format!("every table is read whole: {error}")));
            }
            Fault::Passing if !matches!(error, DaemonError::Anew(_)) => {
                let backoff = &mut reached.backoff;
                let wait = backoff.wait(f64::from(backoff.failures() % 3) / 3.0);
                warn!(%error, wait_ms = wait.as_millis() as u64, "the stream broke: it is taken up where it was");
                beat.rest();
                if shutdown.race(tokio::time::sleep(wait)).await.is_none() {
                    return Ok(());
                }
            }
            _ => return Err(error),
        }
    }
}

async fn one_connection(
    follow: &Follow,
    identity: Identity,
    reached: &mut Reached,
    pool: &Pool,
    beat: &Beat,
    shutdown: &mut Shutdown,
) -> Result<(), DaemonError> {
    let opened = async {
        let mut conn = pool.get_conn().await.map_err(database::Error::from)?;
        let interest = Interest::load(&mut conn, follow.watched.clone()).await?;
        let terms = Terms::default().patient(reached.silences);
        Tail::open(&follow.server, &reached.position, identity, interest, terms).await
    };
    let Some(tail) = shutdown.race(opened).await else { return Ok(()) };
    let mut tail = tail?;
    info!(position = reached.position.to_string(), "following the binlog");
    let ended = loop {
        // Waiting is bounded by the heartbeats; what can be stuck is the way to an engine that takes nothing.
        beat.rest();
        let Some(event) = shutdown.race(tail.next()).await else { break Ok(()) };
        let event = match event {
            Ok(event) => event,
            Err(error) => break Err(error.into()),
        };
        reached.backoff.reset();
        beat.touch();
        let end = match &event {
            Event::Transaction(transaction) => Some(transaction.position.clone()),
            Event::Schema { position, .. } => Some(position.clone()),
            Event::Heartbeat => None,
        };
        let Some(turn) = shutdown.race(follow.route.take(event)).await else { break Ok(()) };
        match turn? {
            Turn::Along => {}
            Turn::Compare(tables) if !other_shape(follow, pool, &tables).await? => {
                for table in &tables {
                    follow.route.reread(table).await;
                }
            }
            Turn::Compare(tables) => {
                let tables: Vec<Reshaped> = tables.into_iter().map(Reshaped::from).collect();
                read_whole(pool, |table| renames_of(&tables, table)).await?;
                break Err(DaemonError::Anew("a linked table has another shape".into()));
            }
            Turn::Anew(tables) => {
                read_whole(pool, |table| renames_of(&tables, table)).await?;
                break Err(DaemonError::Anew("a linked table has another shape".into()));
            }
        }
        if let Some(end) = end {
            (reached.position, reached.silences) = (end, 0);
        }
    };
    tail.close().await;
    ended
}

/// The column renames of a table, if it is among these.
fn renames_of(tables: &[Reshaped], table: &TableName) -> Option<Vec<(String, String)>> {
    let mut here = tables.iter().filter(|reshaped| reshaped.table == *table).peekable();
    here.peek()?;
    Some(here.flat_map(|reshaped| reshaped.renamed.clone()).collect())
}

/// Remembers that the links of the chosen tables must read them whole at the next start, and what their columns are called.
async fn read_whole(
    pool: &Pool,
    chosen: impl Fn(&TableName) -> Option<Vec<(String, String)>>,
) -> Result<(), DaemonError> {
    let mut conn = pool.get_conn().await?;
    for link in store::link::load_all(&mut conn).await? {
        let Some(renamed) = chosen(&link.table) else { continue };
        let mut tx = conn.start_transaction(TxOpts::default()).await?;
        if let Some(mut link) = store::link::load_to_change(&mut tx, &link.name).await? {
            let mut memory = Memory::parse(&link.state);
            memory.ask();
            memory.renamed.extend(renamed);
            link.state = memory.text();
            store::link::save(&mut tx, &link).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// True if one of these tables looks otherwise now than when we started, or is gone.
async fn other_shape(follow: &Follow, pool: &Pool, tables: &[TableName]) -> Result<bool, DaemonError> {
    let mut conn = pool.get_conn().await?;
    for wanted in follow.watched.iter().filter(|wanted| tables.contains(wanted.name())) {
        match schema::table_schema(&mut conn, wanted.name()).await {
            Ok(now) if wanted.is_of(&now) => {}
            Ok(_) | Err(database::Error::NoTable(_)) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The server has no way from our position on, which MariaDB tells only when it is asked for one: the next start reads every
/// table whole and follows from the present position. The tables are marked before the position moves.
async fn start_over(pool: &Pool, follow: &Follow) -> Result<(), DaemonError> {
    read_whole(pool, |_| Some(Vec::new())).await?;
    let mut conn = connect::session(&follow.server).await?;
    let position = standing::current_position(&mut conn).await?.to_string();
    let mut ours = pool.get_conn().await?;
    let saved = store::position::Saved { position, server: follow.server_uuid.clone() };
    Ok(store::position::save(&mut ours, SOURCE, &saved).await?)
}

/// Stable over restarts, and another one for every installation: the server ends an older dump of the same replica, and only
/// of that.
fn identity(owner: &Owner, server_id: Option<NonZeroU32>) -> Identity {
    let seed = crate::model::digest::wide(owner.installation.as_bytes());
    let derived = u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]]) | 1;
    Identity { server_id: server_id.map_or(derived, NonZeroU32::get), replica_uuid: Uuid::from_bytes(seed) }
}
