//! Following the binlog, on a connection of its own.
//!
//! A task owns the connection and decodes; [`Tail::next`] only takes what it made, so it can be dropped while it waits and
//! loses nothing. A panic in there is an error here. The server sends a heartbeat when it has nothing else; when even two
//! of them stay away, the connection counts as dead.
//!
//! Nobody takes what it made? Then the task stops reading at a bound of events and bytes, and the server waits with what it
//! writes, for an hour (`net_write_timeout`). After that it cuts us off, and the stream is taken up where it was taken to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStream, BinlogStreamRequest, Conn, GnoInterval, Sid};
use mysql_common::binlog::consts::BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32;
use mysql_common::binlog::events::Event as WireEvent;
use mysql_common::packets::Tag;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::database::assembly::Assembly;
use crate::database::connect::{Server, connect};
use crate::database::error::{Error, Result};
use crate::database::interest::Interest;
use crate::database::spill::Bounds;
use crate::database::standing;
use crate::database::transaction::Event;
use crate::model::gtid::GtidSet;
use crate::model::position::Position;

/// Events that may wait to be taken.
const AHEAD: usize = 64;
/// The unit in which the memory of waiting events is counted.
const KIB: u64 = 1024;

/// How a stream is followed: how patiently, and with how much memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How often the server says that nothing happens.
    pub heartbeat: Duration,
    /// After this silence the connection counts as dead; more than two heartbeats.
    pub silence: Duration,
    /// The same until the connection has moved the position: [`Terms::patient`].
    pub first_silence: Duration,
    /// How long the server waits for us to read, in whole seconds.
    pub write_timeout: Duration,
    /// Bytes of rows that may wait to be taken. One larger transaction may wait alone.
    pub ahead: u32,
    /// How much of one transaction is kept, and where.
    pub bounds: Bounds,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            silence: Duration::from_secs(25),
            first_silence: Duration::from_secs(25),
            write_timeout: Duration::from_secs(3600),
            ahead: 64 << 20,
            bounds: Bounds::default(),
        }
    }
}

impl Terms {
    /// For a position at which the line fell silent so often in a row. An event of a gigabyte on a slow line is silence too until
    /// all of it is here, so each time the wait for it doubles, up to the server's own.
    #[must_use]
    pub fn patient(self, silences: u32) -> Self {
        let doubled = self.silence.saturating_mul(2_u32.saturating_pow(silences));
        Self { first_silence: doubled.min(self.write_timeout).max(self.silence), ..self }
    }
}

/// As whom we follow. Both must be stable and our own: the server ends an older dump with the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Not 0, and no other replica's or the server's own.
    pub server_id: u32,
    /// MySQL tells replicas apart by it.
    pub replica_uuid: Uuid,
}

/// The stream of committed transactions.
#[derive(Debug)]
pub struct Tail {
    events: mpsc::Receiver<Waiting>,
    interest: watch::Sender<Interest>,
    reader: Option<JoinHandle<Result<()>>>,
}

impl Tail {
    /// Follows from a position that lies between two transactions. Whether the server can resume from there is checked first
    /// ([`Error::Purged`], [`Error::Behind`], [`Error::OtherServer`]); MariaDB tells only when the dump has begun.
    pub async fn open(
        server: &Server,
        start: &Position,
        identity: Identity,
        interest: Interest,
        terms: Terms,
    ) -> Result<Self> {
        let mut conn = connect(server.dump_options()).await?;
        standing::ensure_resumable(&mut conn, start).await?;
        prepare(&mut conn, start, identity, &terms).await?;
        let stream = request(conn, start, identity).await?;
        let assembly = Assembly::new(start.clone(), interest.clone(), terms.bounds);
        let (sender, events) = mpsc::channel(AHEAD);
        let (wanted, watched) = watch::channel(interest);
        let room = Room::new(terms.ahead);
        let (silence, later) = (terms.first_silence, terms.silence);
        let reader = Reader { stream, assembly, wanted: watched, sender, room, silence, later };
        Ok(Self { events, interest: wanted, reader: Some(tokio::spawn(reader.run())) })
    }

    /// The next event. Cancel-safe. After an error, every further call gives [`Error::Ended`]: open a new tail from the last
    /// position that was saved.
    pub async fn next(&mut self) -> Result<Event> {
        if let Some(waiting) = self.events.recv().await {
            return Ok(waiting.event);
        }
        let Some(reader) = &mut self.reader else {
            return Err(Error::Ended);
        };
        let ended = reader.await;
        self.reader = None;
        match ended {
            Ok(Ok(())) => Err(Error::Ended),
            Ok(Err(error)) => Err(error),
            Err(broken) => Err(Error::Broken(broken.to_string())),
        }
    }

    /// Wants other tables from the next table map that is read on; transactions that wait already are as they were.
    pub fn set_interest(&self, interest: Interest) {
        // The reader is gone only if it failed, which `next` tells.
        let _ = self.interest.send(interest);
    }

    /// Stops following and waits until the task has ended.
    pub async fn close(mut self) {
        if let Some(reader) = self.reader.take() {
            reader.abort();
            // Either it was cut off, or it had ended: nobody asks any more how.
            let _ = reader.await;
        }
    }
}

/// A tail that is dropped without [`Tail::close`] leaves no task behind.
impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// An event with its share of the room for waiting ones, which is free again when it is taken.
#[derive(Debug)]
struct Waiting {
    event: Event,
    _share: OwnedSemaphorePermit,
}

/// The memory that waiting events may take.
struct Room {
    all: u32,
    free: Arc<Semaphore>,
}

impl Room {
    fn new(bytes: u32) -> Self {
        let all = bytes.div_ceil(KIB as u32).max(1);
        Self { all, free: Arc::new(Semaphore::new(all as usize)) }
    }

    /// Waits for room; an event that is larger than all of it waits for all of it.
    async fn share(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let wanted = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX).min(self.all);
        let share = Arc::clone(&self.free).acquire_many_owned(wanted).await;
        share.map_err(|closed| Error::Broken(closed.to_string()))
    }
}

/// The task.
struct Reader {
    stream: BinlogStream,
    assembly: Assembly,
    wanted: watch::Receiver<Interest>,
    sender: mpsc::Sender<Waiting>,
    room: Room,
    silence: Duration,
    /// The silence that is borne once the position moved.
    later: Duration,
}

impl Reader {
    /// Reads until the stream fails or nobody listens.
    async fn run(mut self) -> Result<()> {
        loop {
            let waited = tokio::time::timeout(self.silence, self.stream.next()).await;
            let event = waited.map_err(|_| Error::Silent(self.silence))?.ok_or(Error::Ended)??;
            if !self.assembly.inside_payload() {
                verify(&event)?;
            }
            if self.wanted.has_changed().unwrap_or(false) {
                self.assembly.set_interest(self.wanted.borrow_and_update().clone());
            }
            if let Some(event) = self.assembly.take(&event)? {
                if !matches!(event, Event::Heartbeat) {
                    self.silence = self.later;
                }
                let share = self.room.share(event.weight()).await?;
                if self.sender.send(Waiting { event, _share: share }).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Compares the checksum, where the event carries one.
fn verify(event: &WireEvent) -> Result<()> {
    let footer = event.footer();
    let checked = matches!(footer.get_checksum_alg(), Ok(Some(BINLOG_CHECKSUM_ALG_CRC32)));
    match event.checksum() {
        Some(sum) if checked && u32::from_le_bytes(sum) != event.calc_checksum(BINLOG_CHECKSUM_ALG_CRC32) => {
            Err(Error::Checksum(event.header().event_type_raw()))
        }
        _ => Ok(()),
    }
}

/// Variables that the server reads when the dump begins. MySQL knows new and old names, unknown ones do no harm.
async fn prepare(conn: &mut Conn, start: &Position, identity: Identity, terms: &Terms) -> Result<()> {
    let beat = terms.heartbeat.as_nanos();
    let patience = terms.write_timeout.as_secs().max(1);
    let uuid = identity.replica_uuid;
    conn.query_drop(format!(
        "SET @source_binlog_checksum='NONE', @master_heartbeat_period={beat}, @source_heartbeat_period={beat}, \
         @slave_uuid='{uuid}', @replica_uuid='{uuid}'"
    ))
    .await?;
    conn.query_drop(format!(
        "SET SESSION net_write_timeout={patience}, SESSION net_read_timeout=3600, SESSION wait_timeout=86400"
    ))
    .await?;
    if let Position::MariaDb(list) = start {
        // Capability 4: GTID events as they are. Strict: a position that the server never had is an error, not a guess.
        conn.query_drop(format!(
            "SET @mariadb_slave_capability=4, @slave_connect_state='{list}', @slave_gtid_strict_mode=1, \
             @slave_gtid_ignore_duplicates=0"
        ))
        .await?;
    }
    Ok(())
}

async fn request(conn: Conn, start: &Position, identity: Identity) -> Result<BinlogStream> {
    let request = BinlogStreamRequest::new(identity.server_id);
    let request = match start {
        Position::Mysql(set) => request.with_gtid().with_gtid_set(sids(set)?),
        Position::MariaDb(_) => request,
        Position::File { file, offset, .. } if u32::try_from(*offset).is_ok() => {
            request.with_filename(file.as_bytes()).with_pos(*offset)
        }
        Position::File { .. } => {
            return Err(Error::BinlogBroken(
                "a binlog cannot be resumed past 4 GiB by file position; turn gtid_mode on".into(),
            ));
        }
    };
    Ok(conn.get_binlog_stream(request).await?)
}

/// The set as the dump request wants it: intervals whose end is not in them.
fn sids(set: &GtidSet) -> Result<Vec<Sid<'static>>> {
    set.sources()
        .map(|(source, spans)| {
            let intervals = spans.iter().map(|&(first, last)| GnoInterval::new(first, last + 1));
            let sid = Sid::new(source.uuid.into_bytes()).with_intervals(intervals.collect());
            if source.tag.is_empty() {
                return Ok(sid);
            }
            let tag = Tag::new(source.tag.clone()).map_err(|wrong| Error::Broken(wrong.to_string()))?;
            Ok(sid.with_tag(tag))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql_common::binlog::consts::BinlogVersion;
    use mysql_common::binlog::events::{BinlogEventFooter, FormatDescriptionEvent};

    #[test]
    fn an_event_whose_bytes_changed_on_the_way_is_refused() {
        let format = FormatDescriptionEvent::new(BinlogVersion::Version4)
            .with_footer(BinlogEventFooter::new(BINLOG_CHECKSUM_ALG_CRC32));
        // An XID event of 31 bytes, its checksum yet to come.
        let mut bytes = vec![1, 0, 0, 0, 16, 9, 0, 0, 0, 31, 0, 0, 0, 100, 0, 0, 0, 0, 0];
        bytes.extend([7, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([0; 4]);
        let read = |bytes: &[u8]| WireEvent::read(&format, bytes).expect("an event");
        let sum = read(&bytes).calc_checksum(BINLOG_CHECKSUM_ALG_CRC32);
        bytes[27..].copy_from_slice(&sum.to_le_bytes());
        assert!(verify(&read(&bytes)).is_ok());
        bytes[20] ^= 1;
        assert!(matches!(verify(&read(&bytes)), Err(Error::Checksum(16))));
    }

    #[test]
    fn a_set_is_asked_for_with_gaps_and_tags_and_open_ends() {
        let set = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7:9-10:blue:3".parse().expect("a set");
        let sids = sids(&set).expect("legal tags");
        let intervals = [GnoInterval::new(1, 8), GnoInterval::new(9, 11)];
        assert_eq!(sids[0].intervals(), intervals);
        assert_eq!(sids[1].intervals(), [GnoInterval::new(3, 4)]);
        assert_eq!(sids[1].tag().map(|tag| tag.as_str().to_owned()), Some("blue".into()));
    }
}
