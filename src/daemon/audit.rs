//! The slow look at everything: now and then each table is read from its first key to its last and held against base. What a
//! session without a binlog changed, or a foreign key, or a statement that nobody understood, is found here at the latest.
//!
//! It decides nothing. Rows that differ are named to the engine, which fetches them as it fetches any row. It works a tenth of
//! the time and rests while the server is busy.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mysql_async::{Conn, Pool};
use tokio::sync::mpsc;

use crate::daemon::DaemonError;
use crate::daemon::notify::Beat;
use crate::daemon::reading::{REST, Reading};
use crate::daemon::route::Destination;
use crate::daemon::shutdown::Shutdown;
use crate::daemon::standing::{Audited, Standing};
use crate::daemon::table::Table;
use crate::database::load::Bounds;
use crate::database::read;
use crate::database::statement::Lock;
use crate::engine::input::{DbRow, Input, TableIndex};
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::rule::Direction;
use crate::model::value::Value;
use crate::store;
use crate::store::base::Remembered;

/// For each moment of reading so many of rest.
const RESTS: u32 = 9;

/// The first look comes after this part of the interval: a daemon that is restarted daily makes one, too.
const FIRST_PART: u32 = 10;

/// Keys that are named to an engine at once: as many as it fetches in one transaction.
const TOGETHER: usize = 200;

/// What the task needs.
#[derive(Debug)]
pub(super) struct Audit {
    links: Vec<Link>,
    pool: Pool,
    standing: Arc<Standing>,
    reading: Reading,
    interval: Duration,
}

/// One link, and where it is worked on.
#[derive(Debug)]
struct Link {
    table: Arc<Table>,
    index: TableIndex,
    inputs: mpsc::Sender<Input>,
}

impl Audit {
    /// An audit of all links.
    pub(super) fn new(
        destinations: &[Destination],
        pool: Pool,
        standing: Arc<Standing>,
        bounds: Bounds,
        interval: Duration,
    ) -> Self {
        let links = |destination: &Destination| {
            let inputs = destination.inputs.clone();
            let link = move |(index, table): (usize, &Arc<Table>)| Link {
                table: Arc::clone(table),
                index,
                inputs: inputs.clone(),
            };
            destination.tables.iter().enumerate().map(link).collect::<Vec<_>>()
        };
        let links = destinations.iter().flat_map(links).collect();
        Self { links, pool, standing, reading: Reading::new(bounds), interval }
    }

    /// Looks, and looks again, until the end. What cannot be read now is read at the next look.
    pub(super) async fn run(self, beat: Beat, mut shutdown: Shutdown) -> Result<(), DaemonError> {
        // Every call ends by the server's own limits, and nothing waits for this task.
        beat.rest();
        let mut wait = self.interval / FIRST_PART;
        while shutdown.race(tokio::time::sleep(wait)).await.is_some() {
            wait = self.interval;
            for link in &self.links {
                let Some(looked) = shutdown.race(self.look(link)).await else { return Ok(()) };
                match looked {
                    Ok(Some(found)) => self.tell(link, found),
                    Ok(None) => {}
                    Err(error) => {
                        let name = link.table.link.rules.name.0.as_str();
                        tracing::info!(LINK = name, %error, "the audit is broken off: it is made again later");
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&self, link: &Link, found: Audited) {
        let name = &link.table.link.rules.name;
        let Audited { rows, differing } = found;
        self.standing.audited(name, found);
        if differing == 0 {
            tracing::info!(LINK = name.0, ROWS = rows, "audited: {rows} rows, all as they are known");
        } else {
            tracing::warn!(
                LINK = name.0,
                ROWS = rows,
                DIFFERING = differing,
                "audited: {rows} rows, {differing} not as they are known: they are read again"
            );
        }
    }

    /// One look at one table; `None` for one that is not followed yet: its copy looks at every row anyway.
    async fn look(&self, link: &Link) -> Result<Option<Audited>, DaemonError> {
        let name = &link.table.link.rules.name;
        let mut conn = self.pool.get_conn().await?;
        let unmet: Arc<Mutex<HashSet<[u8; 16]>>> = Arc::default();
        let known = Arc::clone(&unmet);
        store::base::scan(&mut conn, name, move |key, remembered| {
            if matches!(remembered, Remembered::Base(_)) {
                locked(&known).insert(key.wide_digest());
            }
        })
        .await?;
        let mut found = Audited::default();
        let mut after = None;
        loop {
            if !self.standing.is_live(name) {
                return Ok(None);
            }
            if !self.reading.may_go_on(&mut conn, "the audit").await? {
                tokio::time::sleep(REST).await;
                continue;
            }
            let (begun, limit) = (Instant::now(), self.reading.rows());
            let rows = read::chunk_within(
                &mut conn,
                &link.table.schema,
                &link.table.filter,
                after.as_ref(),
                limit,
                Lock::None,
            )
            .await?;
            let last = rows.len() < limit;
            found.rows += rows.len() as u64;
            after = rows.last().map(|row| link.table.key(row)).or(after);
            found.differing += self.compare(&mut conn, link, &rows, &unmet).await?;
            if last {
                break;
            }
            let took = begun.elapsed();
            self.reading.took(took);
            tokio::time::sleep(took * RESTS).await;
        }
        found.differing += self.missing(&mut conn, link, unmet).await?;
        Ok(Some(found))
    }

    /// Names the rows of a piece that base knows otherwise, or not at all; gives their number.
    async fn compare(
        &self,
        conn: &mut Conn,
        link: &Link,
        rows: &[Vec<Value>],
        unmet: &Mutex<HashSet<[u8; 16]>>,
    ) -> Result<u64, DaemonError> {
        let keys: Vec<Key> = rows.iter().map(|row| link.table.key(row)).collect();
        {
            let mut unmet = locked(unmet);
            for key in &keys {
                unmet.remove(&key.wide_digest());
            }
        }
        let known = store::base::find(conn, &link.table.link.rules.name, &keys).await?;
        let known: std::collections::BTreeMap<Key, Remembered> = known.into_iter().collect();
        let differs = |key: &Key, row: &[Value]| match known.get(key) {
            Some(Remembered::Base(base)) => !is_known(&link.table, base, &link.table.row(row)),
            Some(Remembered::Tombstone) | None => true,
        };
        let rows = keys.iter().zip(rows).filter(|(key, row)| differs(key, row));
        let suspects: Vec<Key> = rows.map(|(key, _)| key.clone()).collect();
        Ok(link.suspect(suspects).await)
    }

    /// Names the rows that base had from the beginning, still has, and that the look did not meet.
    async fn missing(
        &self,
        conn: &mut Conn,
        link: &Link,
        unmet: Arc<Mutex<HashSet<[u8; 16]>>>,
    ) -> Result<u64, DaemonError> {
        if locked(&unmet).is_empty() {
            return Ok(0);
        }
        let missed: Arc<Mutex<Vec<Key>>> = Arc::default();
        let found = Arc::clone(&missed);
        store::base::scan(conn, &link.table.link.rules.name, move |key, remembered| {
            if matches!(remembered, Remembered::Base(_)) && locked(&unmet).contains(&key.wide_digest()) {
                locked(&found).push(key);
            }
        })
        .await?;
        let missed = std::mem::take(&mut *locked(&missed));
        Ok(link.suspect(missed).await)
    }
}

impl Link {
    /// An engine that is gone ends the daemon, which notices by itself.
    async fn suspect(&self, keys: Vec<Key>) -> u64 {
        for some in keys.chunks(TOGETHER) {
            let _ = self.inputs.send(Input::Suspect { table: self.index, keys: some.to_vec() }).await;
        }
        keys.len() as u64
    }
}

/// Is the row what base says, as far as its columns travel from the table and ever agreed?
fn is_known(table: &Table, base: &RowBase, row: &DbRow) -> bool {
    let columns = table.plan.columns.iter().zip(&base.columns).zip(row);
    let travel = columns.filter(|((plan, _), _)| plan.rule.direction != Direction::ToTable);
    travel
        .filter_map(|((_, base), cell)| Some((base.as_ref()?, cell)))
        .all(|(base, cell)| base.value == cell.digest())
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
