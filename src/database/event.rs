//! One binlog event as it comes off the wire, and what its body says, as far as the stream's order depends on it.
//!
//! Table maps and rows have files of their own. Formats: MySQL's `libs/mysql/binlog/event`, MariaDB's replication protocol
//! documentation; what is only on MariaDB is named so.

use std::io::Read;

use flate2::read::ZlibDecoder;
use mysql_common::binlog::events::{BinlogEventHeader, Event, GtidEvent};
use uuid::Uuid;

use crate::database::cursor::{Cursor, Malformed};
use crate::database::error::{Error, Result};
use crate::model::domain::DomainGtid;
use crate::model::gtid::{Gtid, Source};

/// The flag of events that a reader who does not know them may skip.
const IGNORABLE: u16 = 0x80;
/// The flag of events that the server made up for this dump and that are in no file.
const ARTIFICIAL: u16 = 0x20;

/// A transaction's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionId {
    /// MySQL with `gtid_mode=ON`.
    Gtid(Gtid),
    /// MariaDB.
    Domain(DomainGtid),
    /// MySQL without GTIDs.
    Anonymous,
}

/// An XA transaction's id: its two parts and the format number.
pub(crate) type Xid = (Vec<u8>, Vec<u8>, u32);

/// What an event is to the assembly of transactions.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// A transaction begins.
    Begin(Begin),
    /// A statement: `BEGIN`, `COMMIT`, DDL, XA, or a change in statement format.
    Query { database: String, text: String },
    /// A transaction of a transactional engine ends.
    Commit,
    /// The first phase of an XA transaction ends; with `one_phase` it is committed at once.
    XaPrepare { one_phase: bool, xid: Xid },
    /// A table's layout for the rows that follow.
    TableMap(&'a [u8]),
    /// Changed rows.
    Rows(RowsHeader<'a>),
    /// Rows whose JSON is logged as differences; which table is all that we read.
    PartialRows { table_id: u64 },
    /// Compressed events come next, up to the transaction's end.
    Payload { uncompressed: u64 },
    /// The file goes on under another name; `fake` ones only tell where the dump starts.
    Rotate { file: String, offset: u64, fake: bool },
    /// Nothing happened, the connection lives.
    Heartbeat,
    /// The server was started anew: what was not complete before was undone.
    ServerStart,
    /// Nothing that concerns us.
    Other,
}

/// How a transaction begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    pub id: TransactionId,
    /// Microseconds since 1970 when it was committed at the server that sends it; 0 if not told.
    pub commit_micros: u64,
    /// MariaDB: the transaction is the next event alone, and no commit follows.
    pub standalone: bool,
}

/// Which kind of change a rows event holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowsKind {
    Insert,
    Update,
    Delete,
}

/// A rows event before its rows are looked at.
#[derive(Debug)]
pub(crate) struct RowsHeader<'a> {
    pub kind: RowsKind,
    pub table_id: u64,
    /// The last rows event of its statement: table maps end here.
    pub statement_end: bool,
    /// MariaDB: the rows (not the bitmaps before them) are compressed.
    pub compressed: bool,
    /// From the column count on.
    pub body: Cursor<'a>,
}

/// Reads an event's body. Unknown events that may not be ignored are an error.
pub(crate) fn read(event: &Event) -> Result<Body<'_>> {
    let header = event.header();
    let kind = header.event_type_raw();
    let data = event.data();
    Ok(match kind {
        2 => query(data, false)?,
        165 => query(data, true)?,
        4 => rotate(data, &header)?,
        15 => format_description(data, &header)?,
        16 => Body::Commit,
        19 => Body::TableMap(data),
        23..=25 | 30..=32 | 166..=171 => Body::Rows(rows_header(kind, data)?),
        26 => return Err(Error::Incident),
        27 | 41 => Body::Heartbeat,
        33 | 34 => Body::Begin(gtid(kind, data, &header)?),
        42 => Body::Begin(tagged_gtid(event)?),
        38 => xa_prepare(data)?,
        39 => Body::PartialRows { table_id: Cursor::new(data, "partial rows event").little(6)? },
        40 => payload(data)?,
        162 => Body::Begin(maria_gtid(data, &header)?),
        18 => execute_load(data)?,
        // Stop, statement variables, load blocks, ignorable, row queries, previous GTIDs, group
        // replication's marks; MariaDB's annotations, checkpoints, GTID lists and encryption starts.
        3 | 5 | 13 | 14 | 17 | 28 | 29 | 35..=37 | 160 | 161 | 163 | 164 => Body::Other,
        _ if header.flags_raw() & IGNORABLE != 0 => Body::Other,
        unknown => return Err(Error::UnknownEvent(unknown)),
    })
}

/// GTID and anonymous GTID: flags, uuid, number, then (since 5.7, 8.0) clocks and commit times in microseconds.
fn gtid(kind: u8, data: &[u8], header: &BinlogEventHeader) -> Result<Begin, Malformed> {
    let mut body = Cursor::new(data, "GTID event");
    body.byte()?;
    let uuid = Uuid::from_bytes(body.array()?);
    let number = body.little(8)?;
    // Type 2 means that two logical clocks follow; the commit time has 55 bits.
    let has_clocks = body.byte().is_ok_and(|code| code == 2) && body.take(16).is_ok();
    let committed = has_clocks.then(|| body.little(7).ok()).flatten();
    let commit_micros = committed.map_or(seconds(header), |micros| micros & ((1 << 55) - 1));
    let source = Source { uuid, tag: String::new() };
    Ok(Begin {
        id: match kind {
            34 => TransactionId::Anonymous,
            _ => TransactionId::Gtid(Gtid { source, number }),
        },
        commit_micros,
        standalone: false,
    })
}

fn tagged_gtid(event: &Event) -> Result<Begin, Malformed> {
    let read: GtidEvent = event.read_event().map_err(|_| Malformed("tagged GTID event"))?;
    let source = Source {
        uuid: Uuid::from_bytes(read.sid()),
        tag: read.tag().map(|tag| tag.as_str().to_owned()).unwrap_or_default(),
    };
    Ok(Begin {
        id: TransactionId::Gtid(Gtid { source, number: read.gno() }),
        commit_micros: read.immediate_commit_timestamp(),
        standalone: false,
    })
}

/// MariaDB: sequence number, domain, flags; the server id stands in the header. Flag 1 is STANDALONE.
fn maria_gtid(data: &[u8], header: &BinlogEventHeader) -> Result<Begin, Malformed> {
    let mut body = Cursor::new(data, "MariaDB GTID event");
    let sequence = body.little(8)?;
    let domain = u32::from_le_bytes(body.array()?);
    let flags = body.byte()?;
    Ok(Begin {
        id: TransactionId::Domain(DomainGtid { domain, server: header.server_id(), sequence }),
        commit_micros: seconds(header),
        standalone: flags & 1 != 0,
    })
}

fn seconds(header: &BinlogEventHeader) -> u64 {
    u64::from(header.timestamp()) * 1_000_000
}

/// Thread, time, lengths of database and status variables, error code; the text is in the session's character set, and
/// what matters of it (keywords, names) is ASCII or UTF-8 in practice.
fn query<'a>(data: &[u8], compressed: bool) -> Result<Body<'a>> {
    let mut body = Cursor::new(data, "query event");
    body.take(8)?;
    let database = body.length(1)?;
    body.take(2)?;
    let variables = body.length(2)?;
    body.take(variables)?;
    let database = String::from_utf8_lossy(body.take(database)?).into_owned();
    body.take(1)?;
    let text = if compressed {
        String::from_utf8_lossy(&inflate(body.take_rest(), "query")?).into_owned()
    } else {
        String::from_utf8_lossy(body.take_rest()).into_owned()
    };
    Ok(Body::Query { database, text })
}

/// LOAD DATA in statement format: a query event with 13 bytes about the file between its head and its body.
fn execute_load<'a>(data: &[u8]) -> Result<Body<'a>, Malformed> {
    let mut body = Cursor::new(data, "load event");
    body.take(8)?;
    let database = body.length(1)?;
    body.take(2)?;
    let variables = body.length(2)?;
    body.take(13 + variables)?;
    let database = String::from_utf8_lossy(body.take(database)?).into_owned();
    body.take(1)?;
    let text = String::from_utf8_lossy(body.take_rest()).into_owned();
    Ok(Body::Query { database, text })
}

fn rotate<'a>(data: &[u8], header: &BinlogEventHeader) -> Result<Body<'a>, Malformed> {
    let mut body = Cursor::new(data, "rotate event");
    let offset = body.little(8)?;
    Ok(Body::Rotate {
        offset,
        file: String::from_utf8_lossy(body.take_rest()).into_owned(),
        fake: header.log_pos() == 0 || header.flags_raw() & ARTIFICIAL != 0,
    })
}

/// The version (2 bytes, 50 of text), then the time when the server was started: 0 in files that it only went on with.
fn format_description<'a>(data: &[u8], header: &BinlogEventHeader) -> Result<Body<'a>, Malformed> {
    let mut body = Cursor::new(data, "format description");
    body.take(52)?;
    let started = body.little(4)? != 0;
    let artificial = header.log_pos() == 0 || header.flags_raw() & ARTIFICIAL != 0;
    Ok(if started && !artificial { Body::ServerStart } else { Body::Other })
}

fn rows_header(kind: u8, data: &[u8]) -> Result<RowsHeader<'_>, Malformed> {
    let mut body = Cursor::new(data, "rows event");
    let table_id = body.little(6)?;
    let flags = body.little(2)?;
    if matches!(kind, 30..=32 | 169..=171) {
        let extra = body.length(2)?;
        body.take(extra.checked_sub(2).ok_or(body.malformed())?)?;
    }
    Ok(RowsHeader {
        kind: match kind {
            23 | 30 | 166 | 169 => RowsKind::Insert,
            24 | 31 | 167 | 170 => RowsKind::Update,
            _ => RowsKind::Delete,
        },
        table_id,
        statement_end: flags & 1 != 0,
        compressed: kind >= 166,
        body,
    })
}

fn xa_prepare<'a>(data: &[u8]) -> Result<Body<'a>, Malformed> {
    let mut body = Cursor::new(data, "XA prepare event");
    let one_phase = body.byte()? != 0;
    let format = u32::from_le_bytes(body.array()?);
    let (global, branch) = (body.length(4)?, body.length(4)?);
    let xid = (body.take(global)?.to_vec(), body.take(branch)?.to_vec(), format);
    Ok(Body::XaPrepare { one_phase, xid })
}

/// A list of fields (type, length, value), closed by type 0; 3 is the size when opened.
fn payload<'a>(data: &[u8]) -> Result<Body<'a>, Malformed> {
    let mut body = Cursor::new(data, "transaction payload");
    let mut uncompressed = 0;
    loop {
        let field = body.packed()?;
        if field == 0 {
            return Ok(Body::Payload { uncompressed });
        }
        let mut value = Cursor::new(body.packed_bytes()?, "transaction payload");
        if field == 3 {
            uncompressed = value.packed()?;
        }
    }
}

/// MariaDB's compressed form: a byte with the algorithm (0 is zlib) and the length's width, the length, the stream.
pub(crate) fn inflate(data: &[u8], what: &'static str) -> Result<Vec<u8>> {
    let mut body = Cursor::new(data, what);
    let head = body.byte()?;
    if head >> 4 & 7 != 0 {
        return Err(Error::Compressed(what));
    }
    let length = body.big(usize::from(head & 7))?;
    let mut plain = Vec::new();
    let read = ZlibDecoder::new(body.take_rest()).take(length + 1).read_to_end(&mut plain);
    match read {
        Ok(n) if n as u64 == length => Ok(plain),
        _ => Err(Error::Compressed(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use mysql_common::binlog::consts::EventFlags;
    use std::io::Write;

    fn packed(plain: &[u8], claimed: u8) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(vec![0x81, claimed], Compression::default());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_compressed_text_opens_and_a_wrong_length_or_stream_does_not() {
        assert_eq!(inflate(&packed(b"BEGIN", 5), "query").expect("opens"), b"BEGIN");
        for claimed in [4, 6] {
            assert!(inflate(&packed(b"BEGIN", claimed), "query").is_err());
        }
        assert!(inflate(&[0x81, 5, 1, 2, 3], "query").is_err());
    }

    #[test]
    fn a_gtid_event_with_a_trailing_group_ticket_is_read() {
        let mut data = vec![0];
        data.extend([7; 16]);
        data.extend(42_u64.to_le_bytes());
        data.push(2);
        data.extend([0; 16]);
        data.extend(&1_700_000_000_000_000_u64.to_le_bytes()[..7]);
        data.extend([0; 20]);
        let header = BinlogEventHeader::new(
            1,
            mysql_common::binlog::consts::EventType::GTID_EVENT,
            1,
            0,
            0,
            EventFlags::empty(),
        );
        let begin = gtid(33, &data, &header).expect("reads");
        assert_eq!(begin.commit_micros, 1_700_000_000_000_000);
        assert!(matches!(begin.id, TransactionId::Gtid(gtid) if gtid.number == 42));
    }
}
