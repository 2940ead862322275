//! The engine's effects, performed: each is one call, answered by inputs.
//!
//! Nothing is decided here. What must be atomic is one MySQL transaction; what goes to Google goes once. Errors that pass are
//! told to the engine as "not now"; what needs a person is told to the journal, too.

mod annotate;
mod batch;
mod choices;
mod commit;
mod guarded;
mod lines;
mod lookup;
mod meant;
mod pauses;
mod prepare;
mod rename;
mod saying;
mod spell;
mod trace;
mod wanted_tab;
mod wording;
mod write;

pub use prepare::Memory;
pub(super) use spell::spelled;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mysql_async::Pool;
use tokio::sync::{broadcast, watch};

use crate::daemon::diary::Diary;
use crate::daemon::inbox;
use crate::daemon::progress::{Place, Progress};
use crate::daemon::reading::Reading;
use crate::daemon::retry::Backoff;
use crate::daemon::room::Room;
use crate::daemon::standing::Standing;
use crate::daemon::table::Table;
use crate::engine::effect::{Answered, Effect, Level, Notice};
use crate::engine::input::{EditNumber, Input, Micros, ReadNumber};
use crate::fault::{Classify, Fault};
use crate::model::digest::Digest;
use crate::model::grid::{Helper, Snapshot, TabRead};
use crate::model::link::{LinkName, SheetId, SpreadsheetId};
use crate::model::mark::{EditId, EffectId, Owner};
use crate::sheet::client::Client;
use crate::sheet::quota::Lane;
use crate::sheet::setup::Choices;
use crate::store::note::Note;
use crate::store::{self, Fenced, StoreError};

/// The first wait between two tries, while the server is away; it doubles up to [`AT_MOST`].
const AGAIN: Duration = Duration::from_millis(500);

/// The longest wait between two tries.
const AT_MOST: Duration = Duration::from_secs(4);

/// In the store, the database's side of a held cell where it is what base says: no value has this digest.
pub const NOTHING_NEW: Digest = Digest(0);

/// Everything that the effects of one spreadsheet's engine need.
#[derive(Debug)]
pub struct Performer {
    /// The account that the spreadsheet is shared with.
    pub client: Arc<Client>,
    /// What the cycle under way is for.
    pub lane: Mutex<Lane>,
    /// Sessions whose default schema is our state.
    pub pool: Pool,
    /// The same for what writes our state alone; its row images may be short.
    pub memory: Pool,
    /// Who we are.
    pub owner: Owner,
    /// The spreadsheet.
    pub spreadsheet: SpreadsheetId,
    /// Its links, in the engine's order.
    pub tables: Vec<Arc<Table>>,
    /// Where the stream is finished.
    pub progress: Arc<Progress>,
    /// This engine's place among the fronts.
    pub place: Place,
    /// The server's uuid, stored with the position.
    pub server: String,
    /// Answers to edits, for requests that wait for them.
    pub answers: broadcast::Sender<(EditNumber, String)>,
    /// Where decided edits are counted.
    pub standing: Arc<Standing>,
    /// Ids for ledger entries that are no effects: conflicts and notes.
    pub notes: AtomicU64,
    /// How its tables are read whole.
    pub reading: Reading,
    /// What is said in the sheet; `None` until it is read from the store, and again after a commit that adds to it.
    pub said: tokio::sync::Mutex<Option<Vec<Note>>>,
    /// By link, what foreign keys allow: what the dropdowns show.
    pub choices: Mutex<BTreeMap<LinkName, Choices>>,
    /// What the tab `Log` is told, where a link wants one.
    pub diary: Option<Arc<Diary>>,
    /// The helper tab, once it is there.
    pub helper: Mutex<Option<SheetId>>,
    /// The last read: receipts and sizes are understood by it.
    pub last: Mutex<Option<Arc<Snapshot>>>,
    /// How many cells the tabs have that the last read shows whole.
    pub looked_at: AtomicU64,
    /// The last read that the engine gave up.
    pub given_up: watch::Sender<Option<ReadNumber>>,
    /// How many cells the tabs' grids have, as last seen.
    pub grids: Mutex<BTreeMap<SheetId, u64>>,
    /// How full the spreadsheet is.
    pub room: Mutex<Room>,
}

impl Performer {
    /// Performs one effect.
    ///
    /// # Errors
    /// Those that end the run: another daemon took over, or our own state met a defect.
    pub async fn perform(self: Arc<Self>, effect: Effect) -> Result<Vec<Input>, StoreError> {
        Ok(match effect {
            Effect::Read(number) => vec![self.read(number, &[]).await],
            Effect::ReadRows(number, scopes) => vec![self.read(number, &scopes).await],
            Effect::GiveUp(number) => {
                self.given_up.send_replace(Some(number));
                Vec::new()
            }
            Effect::Spell(number, keys) => vec![self.spell(number, &keys).await],
            Effect::Write(writes) => vec![self.write(writes).await?],
            Effect::Send(plan) => vec![self.send(&plan).await?],
            Effect::Settle(plan) => vec![self.settle(&plan).await],
            Effect::Commit(commit) => vec![self.commit(*commit).await?],
            Effect::Name(names) => vec![self.name(names).await],
            Effect::Probe { effect, keys } => self.probe(effect, keys).await,
            Effect::Chunk { table, after, low, high } => vec![self.chunk(table, after, low, high).await],
            Effect::Pauses { table, pauses, knowledge } => {
                vec![self.keep_pauses(table, &pauses, knowledge).await?]
            }
            Effect::Answer(answers) => {
                self.answer(answers).await?;
                Vec::new()
            }
            Effect::Notice(notice) => {
                self.notice(&notice);
                Vec::new()
            }
            Effect::Annotate(remarks) => {
                self.annotate(&remarks).await;
                Vec::new()
            }
        })
    }

    /// Does what is the only way on until it is done.
    ///
    /// # Errors
    /// What no patience mends ([`StoreError::is_final`]).
    async fn insist<T, F>(&self, what: &str, work: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut waits = Backoff::new(AGAIN, AT_MOST);
        loop {
            match work().await {
                Ok(done) => return Ok(done),
                Err(error) => {
                    self.log(what, &error);
                    if error.is_final() {
                        return Err(error);
                    }
                }
            }
            tokio::time::sleep(waits.wait(1.0)).await;
        }
    }

    /// A transaction of ours: it is not made if another daemon took over.
    async fn begin(&self) -> Result<Fenced<'_>, StoreError> {
        Fenced::begin(&self.pool, &self.owner).await
    }

    /// The same for a transaction that writes none of the user's tables.
    async fn begin_memory(&self) -> Result<Fenced<'_>, StoreError> {
        Fenced::begin(&self.memory, &self.owner).await
    }

    fn next_note(&self) -> EffectId {
        EffectId(self.notes.fetch_add(1, Ordering::Relaxed))
    }

    /// The last read with its rows, which are given up: what comes after the remarks of a cycle, receipts and sizes, is
    /// understood by the header alone, and a million rows are not kept.
    fn last_rows(&self) -> Option<Arc<Snapshot>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = last.take()?;
        *last = Some(Arc::new(whole.headers()));
        Some(whole)
    }

    fn last_read(&self) -> Option<Arc<Snapshot>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks how full the spreadsheet is, tells it where others ask, and says so where the end is near.
    pub fn look_for_room(&self, all_live: bool) {
        let Some(last) = self.last_read() else { return };
        let tabs = last.tabs.iter().map(TabRead::size);
        let helper = last.helper.iter().map(Helper::size);
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.saw(now(), tabs.chain(helper).sum(), all_live);
        if let Some(used) = room.used() {
            let links = self.tables.iter().map(|table| &table.link.rules.name);
            links.for_each(|link| self.standing.has_room(link, used));
        }
        if let Some(warning) = room.warning() {
            tracing::warn!(SHEET = self.spreadsheet.0.as_str(), "{warning}");
        }
    }

    /// Tells how large tabs are.
    fn saw_grids(&self, sizes: impl Iterator<Item = (SheetId, u64)>) {
        self.grids.lock().unwrap_or_else(PoisonError::into_inner).extend(sizes);
    }

    /// How many cells a tab has, as far as is known.
    fn size(&self, sheet: SheetId) -> u64 {
        let grids = self.grids.lock().unwrap_or_else(PoisonError::into_inner);
        grids.get(&sheet).copied().unwrap_or_default()
    }

    /// The lane of the cycle's reads and writes.
    fn lane(&self) -> Lane {
        *self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what the cycle is for.
    pub fn set_lane(&self, lane: Lane) {
        *self.lane.lock().unwrap_or_else(PoisonError::into_inner) = lane;
    }

    fn helper(&self) -> Option<SheetId> {
        *self.helper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_helper(&self, helper: Option<SheetId>) {
        *self.helper.lock().unwrap_or_else(PoisonError::into_inner) = helper;
    }

    async fn answer(&self, answers: Vec<Answered>) -> Result<(), StoreError> {
        let texts: Vec<(EditId, String)> = answers
            .iter()
            .map(|answered| {
                let text = inbox::answer_text(&self.tables, answered);
                (EditId(answered.edit), text)
            })
            .collect();
        // Until it is stored nobody hears it: a script that comes again must get the same answer.
        self.insist("the answers to edits are not stored", || self.store_answers(&texts)).await?;
        for answered in &answers {
            self.standing.decided(inbox::word(answered.verdict.outcome));
        }
        for (edit, text) in texts {
            // Nobody may be waiting any more: then the stored answer is all there is to do.
            let _ = self.answers.send((edit.0, text));
        }
        Ok(())
    }

    async fn store_answers(&self, texts: &[(EditId, String)]) -> Result<(), StoreError> {
        let mut conn = self.pool.get_conn().await?;
        store::edits::answer(&mut conn, texts).await
    }

    fn notice(&self, notice: &Notice) {
        let table = notice.table.and_then(|at| self.tables.get(at));
        let link = table.map_or("", |table| table.link.rules.name.0.as_str());
        let name = table.map(|table| table.schema.name.to_string()).unwrap_or_default();
        let spreadsheet = self.spreadsheet.0.as_str();
        match notice.level {
            Level::Info => tracing::info!(LINK = link, TABLE = name, SHEET = spreadsheet, "{}", notice.text),
            Level::Warning => {
                tracing::warn!(LINK = link, TABLE = name, SHEET = spreadsheet, "{}", notice.text);
            }
        }
    }

    /// One line for an error: loud where a person is needed.
    fn log(&self, what: &str, error: &(impl Classify + ?Sized)) {
        let (spreadsheet, advice) = (self.spreadsheet.0.as_str(), error.advice());
        match error.fault() {
            Fault::Passing => tracing::info!(SHEET = spreadsheet, %error, "{what}: tried again"),
            Fault::NeedsOperator => {
                tracing::error!(SHEET = spreadsheet, %error, advice, "{what}: a person is needed: {error}");
            }
            Fault::Bug => {
                tracing::error!(SHEET = spreadsheet, %error, advice, "{what}: this is a defect of sheetbridge: {error}");
            }
        }
    }
}

/// The shell's clock.
pub fn now() -> Micros {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as Micros)
}
