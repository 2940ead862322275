//! What operators say: a row of the state schema, which the daemon sees within a second, or at its next start.
//!
//! `sheetbridge resume` marks the rows of the brakes that are let go, `sheetbridge pause` adds one. Both work while the daemon is
//! down, and neither is lost in a crash: a row stays until what it asks for is done.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Pool};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::config::settings::Link;
use crate::daemon::DaemonError;
use crate::daemon::perform::Memory;
use crate::daemon::route::Destination;
use crate::daemon::shutdown::Shutdown;
use crate::database::standing::current_position;
use crate::engine::adopt::Knowledge;
use crate::engine::input::{Input, TableIndex};
use crate::model::link::LinkName;
use crate::model::mark::Owner;
use crate::model::pause::{Brake, Cure};
use crate::store::pause::Kept;
use crate::store::{self, Fenced, StoreError};

/// How often the rows are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where a link's engine is told.
#[derive(Debug)]
pub(super) struct Told {
    link: LinkName,
    table: TableIndex,
    inputs: mpsc::Sender<Input>,
}

/// Where the engines of all links are told.
pub(super) fn told(destinations: &[Destination]) -> Vec<Told> {
    let of = |destination: &Destination| {
        let inputs = destination.inputs.clone();
        let link = |(table, linked): (usize, &std::sync::Arc<crate::daemon::table::Table>)| Told {
            link: linked.link.rules.name.clone(),
            table,
            inputs: inputs.clone(),
        };
        destination.tables.iter().enumerate().map(link).collect::<Vec<_>>()
    };
    destinations.iter().flat_map(of).collect()
}

/// Listens until the end, or until a link is let go that has to start anew.
pub(super) async fn listen(
    pool: Pool,
    owner: Owner,
    links: Vec<Link>,
    told: Vec<Told>,
    mut shutdown: Shutdown,
) -> Result<(), DaemonError> {
    while shutdown.race(tokio::time::sleep(LOOK)).await.is_some() {
        match look(&pool, &owner, &links, &told).await {
            Ok(false) => {}
            Ok(true) => return Err(DaemonError::Anew("an operator let a link go on".into())),
            Err(error) => warn!(%error, "what operators say is not known now: {error}"),
        }
    }
    Ok(())
}

async fn look(pool: &Pool, owner: &Owner, links: &[Link], told: &[Told]) -> Result<bool, DaemonError> {
    let mut conn = pool.get_conn().await?;
    let pauses = store::pause::list(&mut conn).await?;
    for kept in &pauses {
        let Some(told) = told.iter().find(|told| told.link == kept.link) else { continue };
        let (table, brake, rows) = (told.table, kept.pause.brake, kept.pause.rows);
        let input = match (kept.resumed, brake.cure()) {
            (false, _) if brake == Brake::Operator => Input::Stop { table, pause: kept.pause.clone() },
            (true, Cure::Release) => Input::Resume { table, brake, rows },
            (false, _) | (true, Cure::Undo | Cure::Adopt | Cure::Anew) => continue,
        };
        // An engine that is gone ends the daemon, which notices by itself.
        let _ = told.inputs.send(input).await;
    }
    let_go(&mut conn, owner, links).await
}

/// Lets those links start anew that an operator has resumed and whose brakes need it. True if there was one.
pub(super) async fn let_go(conn: &mut Conn, owner: &Owner, links: &[Link]) -> Result<bool, DaemonError> {
    let mut pauses = store::pause::list(conn).await?;
    let spreadsheet =
        |name: &LinkName| links.iter().find(|link| link.rules.name == *name).map(|link| &link.spreadsheet);
    // What stands in a spreadsheet is taken as it is for all of its links, or for none.
    let adopts = |kept: &&Kept| kept.resumed && kept.pause.brake.cure() == Cure::Adopt;
    let adopted: Vec<_> = pauses.iter().filter(adopts).map(|kept| spreadsheet(&kept.link)).collect();
    pauses.retain(|kept| match kept.pause.brake.cure() {
        Cure::Anew => kept.resumed,
        Cure::Adopt => adopted.contains(&spreadsheet(&kept.link)),
        Cure::Undo | Cure::Release => false,
    });
    if pauses.is_empty() {
        return Ok(false);
    }
    let position = current_position(conn).await?.to_string();
    for kept in &pauses {
        let mut tx = Fenced::begin_on(conn, owner).await?;
        begin_anew(&mut *tx, links, kept, &position).await?;
        tx.commit().await?;
        info!(LINK = kept.link.0, "goes on after {}: an operator let it", kept.pause.brake);
    }
    Ok(true)
}

/// The link's way back is to read the whole table; what the stream tells up to here has been looked at.
async fn begin_anew(
    tx: &mut impl Queryable,
    links: &[Link],
    kept: &Kept,
    position: &str,
) -> Result<(), StoreError> {
    store::pause::lift(tx, &kept.link, kept.pause.brake).await?;
    if let Some(mut link) = store::link::load_to_change(tx, &kept.link).await? {
        let mut memory = Memory::parse(&link.state);
        memory.ask();
        memory.looked_at = Some(position.to_owned());
        if kept.pause.brake == Brake::Configuration {
            let configured = links.iter().find(|configured| configured.rules.name == kept.link);
            memory.configuration = configured.map(Link::configuration);
        }
        if kept.pause.brake.cure() == Cure::Adopt {
            memory.knowledge = Knowledge::Lost;
            store::base::bury(tx, &kept.link).await?;
            store::held::release_all(tx, &kept.link).await?;
        }
        link.state = memory.text();
        store::link::save(tx, &link).await?;
    }
    Ok(())
}
