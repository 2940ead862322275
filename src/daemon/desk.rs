//! The operators' desk: what commands ask and say, by the state schema alone. It works while the daemon runs, and while it is
//! down.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Pool, TxOpts};

use crate::config::Settings;
use crate::daemon::perform::Memory;
use crate::daemon::{DaemonError, server_of};
use crate::database::connect;
use crate::engine::adopt::Knowledge;
use crate::model::link::LinkName;
use crate::model::pause::{Brake, Cure, Pause};
use crate::store::held::Held;
use crate::store::note::{Cause, Note};
use crate::store::pause::Kept;
use crate::store::{self, StoreError};

/// Who paused it, where nobody is asked for a name.
const PAUSED: &str = "an operator paused it";

/// The desk.
#[derive(Debug)]
pub struct Desk {
    pool: Pool,
    conn: Conn,
    /// The daemon has never run with this configuration: nothing is remembered.
    is_new: bool,
}

/// How a link stands, by what is remembered.
#[derive(Clone, Debug)]
pub struct LinkStatus {
    /// The link.
    pub link: LinkName,
    /// Where it stands, in a word.
    pub state: &'static str,
    /// Rows that base knows.
    pub rows: u64,
    /// Cells that wait for a person.
    pub held: usize,
    /// The brakes that are on.
    pub pauses: Vec<Kept>,
}

/// Why a link does not go on.
#[derive(Debug, thiserror::Error)]
pub enum NotResumed {
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to resume.
    #[error("{0} is not paused")]
    NotPaused(LinkName),
    /// No command ends it.
    #[error("{link} goes on by itself when its cause is gone: {reason}")]
    Undo {
        /// The link.
        link: LinkName,
        /// What has to be undone.
        reason: String,
    },
    /// Another number of rows was named, or none.
    #[error("{0}")]
    Rows(String),
    /// It changed while we looked.
    #[error("{0} has changed just now: look at its status again")]
    Changed(LinkName),
}

impl Desk {
    /// Opens it.
    ///
    /// # Errors
    /// The server cannot be reached, or the daemon has never run with this configuration.
    pub async fn open(settings: &Settings) -> Result<Self, DaemonError> {
        let schema = settings.mysql.state_schema.name();
        let pool = connect::pool(&server_of(&settings.mysql), 1, Some(schema));
        let conn = pool.get_conn().await?;
        Ok(Self { pool, conn, is_new: false })
    }

    /// The same also where the daemon has never run.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open_early(settings: &Settings) -> Result<Self, DaemonError> {
        let pool = connect::pool(&server_of(&settings.mysql), 1, None);
        let mut conn = pool.get_conn().await?;
        let query =
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = 'link'";
        let schema = settings.mysql.state_schema.name();
        let is_new = conn.exec_first::<u64, _, _>(query, (schema,)).await?.unwrap_or(0) == 0;
        if is_new {
            return Ok(Self { pool, conn, is_new });
        }
        drop(conn);
        pool.disconnect().await?;
        Self::open(settings).await
    }

    /// Has the daemon never run with this configuration?
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Leaves it.
    ///
    /// # Errors
    /// The connection ends badly.
    pub async fn close(self) -> Result<(), DaemonError> {
        drop(self.conn);
        Ok(self.pool.disconnect().await?)
    }

    /// Who runs the daemon, if it runs.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn daemon(&mut self) -> Result<Option<String>, StoreError> {
        store::lease::holder(&mut self.conn).await
    }

    /// How the configured links stand.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn status(&mut self, settings: &Settings) -> Result<Vec<LinkStatus>, StoreError> {
        let mut links = Vec::new();
        for link in &settings.links {
            let name = &link.rules.name;
            let pauses = store::pause::of_link(&mut self.conn, name).await?;
            let memory = store::link::load(&mut self.conn, name).await?;
            let state = match memory.map(|memory| Memory::parse(&memory.state)) {
                _ if pauses.iter().any(|kept| kept.pause.brake.way() == crate::model::pause::Way::Both) => {
                    "paused"
                }
                None => "new",
                Some(memory) if memory.knowledge == Knowledge::Lost => "planning",
                Some(memory) if memory.read_whole => "reading its table",
                Some(_) => "followed",
            };
            let rows = store::base::count(&mut self.conn, name).await?;
            let held = store::held::list(&mut self.conn, name).await?.len();
            links.push(LinkStatus { link: name.clone(), state, rows, held, pauses });
        }
        Ok(links)
    }

    /// Lets a link pause.
    ///
    /// # Errors
    /// The state cannot be written.
    pub async fn pause(&mut self, link: &LinkName) -> Result<(), StoreError> {
        store::pause::set(&mut self.conn, link, &Pause::new(Brake::Operator, PAUSED)).await
    }

    /// Lets a link go on. `rows` are the deletes that its brakes named.
    ///
    /// # Errors
    /// Another number, or nothing to resume.
    pub async fn resume(&mut self, link: &LinkName, rows: Option<u64>) -> Result<(), NotResumed> {
        let mut tx = self.conn.start_transaction(TxOpts::default()).await.map_err(StoreError::from)?;
        let on: Vec<Pause> =
            store::pause::of_link(&mut tx, link).await?.into_iter().map(|kept| kept.pause).collect();
        for pause in resumable(link, &on, rows)? {
            if !store::pause::resume(&mut tx, link, pause).await? {
                return Err(NotResumed::Changed(link.clone()));
            }
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// The brakes of a link that are on.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn pauses(&mut self, link: &LinkName) -> Result<Vec<Kept>, StoreError> {
        store::pause::of_link(&mut self.conn, link).await
    }

    /// What waits for a person in a link: held cells, and the conflicts that are told in its tab.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn conflicts(&mut self, link: &LinkName) -> Result<(Vec<Held>, Vec<Note>), StoreError> {
        let held = store::held::list(&mut self.conn, link).await?;
        let mut notes = store::note::list(&mut self.conn, std::slice::from_ref(link)).await?;
        notes.retain(|note| matches!(note.cause, Cause::Conflict { .. }));
        Ok((held, notes))
    }

    /// A session of the database, whose default schema is our state.
    pub(super) fn session(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Which of the brakes go on with this number of rows: all that a command ends, or none.
fn resumable<'a>(link: &LinkName, on: &'a [Pause], rows: Option<u64>) -> Result<Vec<&'a Pause>, NotResumed> {
    let Some(first) = on.first() else { return Err(NotResumed::NotPaused(link.clone())) };
    let found: Vec<&Pause> = on.iter().filter(|pause| pause.brake.cure() != Cure::Undo).collect();
    if found.is_empty() {
        return Err(NotResumed::Undo { link: link.clone(), reason: first.reason.clone() });
    }
    let other = |pause: &&&Pause| pause.rows.is_some() && pause.rows != rows;
    if let Some(pause) = found.iter().find(other) {
        return Err(NotResumed::Rows(pause.told(link)));
    }
    if rows.is_some() && found.iter().all(|pause| pause.rows.is_none()) {
        return Err(NotResumed::Rows(format!("no deletes of {link} wait: leave out --allow-deletes")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_on_with_exactly_the_deletes_that_it_named() {
        let goods = LinkName("goods".into());
        let tab = Pause::new(Brake::Tab, "no header");
        let gone = Pause::new(Brake::MassDelete, "7 of 12 rows are gone").of_rows(7);
        let sorted = Pause::new(Brake::PartialSort, "sorted");
        let brakes = |on: &[Pause], rows| {
            resumable(&goods, on, rows).map(|found| found.iter().map(|pause| pause.brake).collect::<Vec<_>>())
        };
        assert!(matches!(brakes(&[], None), Err(NotResumed::NotPaused(_))));
        assert!(matches!(brakes(std::slice::from_ref(&tab), None), Err(NotResumed::Undo { .. })));
        for wrong in [None, Some(6), Some(8)] {
            let refused = brakes(&[gone.clone(), sorted.clone()], wrong).expect_err("another number");
            assert!(refused.to_string().contains("--allow-deletes 7"), "{refused}");
        }
        assert_eq!(
            brakes(&[gone, sorted.clone()], Some(7)).ok(),
            Some(vec![Brake::MassDelete, Brake::PartialSort])
        );
        assert!(matches!(brakes(std::slice::from_ref(&sorted), Some(1)), Err(NotResumed::Rows(_))));
        assert_eq!(brakes(&[sorted, tab], None).ok(), Some(vec![Brake::PartialSort]));
    }
}
