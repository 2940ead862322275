//! The doors by which a stranger's bytes come in: events, rows, the text of positions, statements. Each takes anything, must
//! not break, and checks what holds for every input. The fuzz targets and the proptests of the test suite knock at the same
//! doors.

use mysql_common::binlog::consts::BinlogVersion;
use mysql_common::binlog::events::{Event as WireEvent, FormatDescriptionEvent};
use sheetbridge::database::Event;
use sheetbridge::database::assembly::Assembly;
use sheetbridge::database::interest::{Interest, Wanted};
use sheetbridge::database::spill::Bounds;
use sheetbridge::model::domain::GtidList;
use sheetbridge::model::gtid::GtidSet;
use sheetbridge::model::position::Position;
use sheetbridge::model::schema::{Column, ColumnKind, TableName, TableSchema};

/// Types of events: MariaDB's GTID, a table map, the end of a transaction, a statement.
const GTID: u8 = 162;
const TABLE_MAP: u8 = 19;
const XID: u8 = 16;
const QUERY: u8 = 2;

/// Every type of rows event, plain and compressed.
const ROWS: [u8; 12] = [23, 24, 25, 30, 31, 32, 166, 167, 168, 169, 170, 171];

/// One event, without a checksum.
pub(crate) fn event(kind: u8, flags: u16, body: &[u8]) -> WireEvent {
    let mut bytes = vec![1, 0, 0, 0, kind, 9, 0, 0, 0];
    bytes.extend((19 + body.len() as u32).to_le_bytes());
    bytes.extend(100_u32.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend(body);
    let format = FormatDescriptionEvent::new(BinlogVersion::Version4);
    WireEvent::read(&format, bytes.as_slice()).expect("a whole event")
}

/// The begin of a transaction, standing alone or not.
pub(crate) fn begin(standalone: bool) -> WireEvent {
    let mut body = 7_u64.to_le_bytes().to_vec();
    body.extend([0, 0, 0, 0, u8::from(standalone)]);
    body.extend([0; 6]);
    event(GTID, 0, &body)
}

/// The end of one.
pub(crate) fn end() -> WireEvent {
    event(XID, 0, &[0; 8])
}

/// A statement.
pub(crate) fn query(text: &[u8]) -> WireEvent {
    let mut body = vec![0; 8];
    body.extend([1, 0, 0, 0, 0, b'd', 0]);
    body.extend(text);
    event(QUERY, 0, &body)
}

/// The map of a table `d.NAME` with these types and their parameters.
pub(crate) fn table_map(id: u8, name: &str, kinds: &[u8], metas: &[u8]) -> WireEvent {
    let mut body = vec![id, 0, 0, 0, 0, 0, 1, 0, 1, b'd', 0, name.len() as u8];
    body.extend(name.as_bytes());
    body.extend([0, kinds.len() as u8]);
    body.extend(kinds);
    body.push(metas.len() as u8);
    body.extend(metas);
    body.extend(vec![0xff; kinds.len().div_ceil(8)]);
    event(TABLE_MAP, 0, &body)
}

/// A table `d.NAME` with columns of these kinds; the first is its key.
pub(crate) fn table(name: &str, kinds: &[ColumnKind]) -> TableSchema {
    let column = |(i, kind): (usize, &ColumnKind)| Column {
        name: format!("c{i}"),
        kind: kind.clone(),
        nullable: true,
        auto_increment: false,
        optional: true,
        generated: false,
        charset: matches!(kind, ColumnKind::Text { .. }).then(|| "utf8mb4".to_owned()),
        collation: None,
    };
    TableSchema {
        name: TableName { schema: "d".into(), table: name.into() },
        columns: kinds.iter().enumerate().map(column).collect(),
        key: vec![0],
        transactional: true,
    }
}

/// A column of every type as the wire has it: kind, type number, parameters.
fn every_type() -> Vec<(ColumnKind, u8, Vec<u8>)> {
    let integer = |bits, unsigned| ColumnKind::Integer { bits, unsigned };
    let bytes = |length, fixed| ColumnKind::Bytes { length, fixed };
    let text = || ColumnKind::Text { length: 10 };
    let words = || vec!["a".to_owned(), "b".to_owned()];
    vec![
        (integer(8, false), 1, vec![]),
        (integer(16, true), 2, vec![]),
        (integer(24, false), 9, vec![]),
        (integer(32, false), 3, vec![]),
        (integer(64, true), 8, vec![]),
        (ColumnKind::Decimal { precision: 65, scale: 30, unsigned: false }, 246, vec![65, 30]),
        (ColumnKind::Float, 4, vec![4]),
        (ColumnKind::Double, 5, vec![8]),
        (text(), 15, vec![40, 0]),
        (text(), 252, vec![2]),
        (ColumnKind::Enum(words()), 254, vec![247, 1]),
        (ColumnKind::Set(words()), 254, vec![248, 1]),
        (bytes(16, true), 254, vec![254, 16]),
        (bytes(300, false), 15, vec![44, 1]),
        (ColumnKind::Bit { bits: 10 }, 16, vec![2, 1]),
        (ColumnKind::Date, 10, vec![]),
        (ColumnKind::DateTime { fsp: 6 }, 18, vec![6]),
        (ColumnKind::Timestamp { fsp: 3 }, 17, vec![3]),
        (ColumnKind::Time { fsp: 1 }, 19, vec![1]),
        (ColumnKind::Year, 13, vec![]),
        (ColumnKind::Json, 245, vec![4]),
        (bytes(u64::from(u32::MAX), false), 255, vec![4]),
        (ColumnKind::Named("inet6".into()), 254, vec![254, 16]),
        (ColumnKind::Named("uuid".into()), 254, vec![254, 16]),
    ]
}

/// An assembly at some position.
pub(crate) fn assembly(interest: Interest) -> Assembly {
    let start = "mariadb/0-9-6".parse().expect("a position");
    Assembly::new(start, interest, Bounds { memory: 1 << 20, ..Bounds::default() })
}

/// Any events in any order: type, flags, length, body, and again. Two types are left out: the format description, whose end
/// the driver reads by itself, and the tagged GTID, whose body it does; a break in there ends the reader's task, which is told.
pub(crate) fn events(mut data: &[u8]) {
    let kinds: Vec<ColumnKind> = every_type().into_iter().map(|(kind, ..)| kind).collect();
    let mut assembly = assembly(Interest::unicode([table("t", &kinds)]));
    let _ = assembly.take(&begin(false));
    while let [kind, flags, length, rest @ ..] = data {
        let (body, more) = rest.split_at(usize::from(*length).min(rest.len()));
        data = more;
        if matches!(kind, 15 | 42) {
            continue;
        }
        let Ok(Some(told)) = assembly.take(&event(*kind, u16::from(*flags), body)) else { continue };
        if let Event::Transaction(done) = told {
            assert!(
                done.changes
                    .iter()
                    .all(|change| done.doubts.iter().all(|doubt| doubt.table != *change.table))
            );
            let _ = assembly.take(&begin(false));
        }
    }
}

/// Any bytes as the rows of a table with a column of every type: the first byte chooses the event. What is read by someone
/// who wants one column has as many rows as what is read by someone who wants all.
pub(crate) fn rows(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let types = every_type();
    let kinds: Vec<ColumnKind> = types.iter().map(|(kind, ..)| kind.clone()).collect();
    let numbers: Vec<u8> = types.iter().map(|(_, number, _)| *number).collect();
    let metas: Vec<u8> = types.into_iter().flat_map(|(.., meta)| meta).collect();
    let schema = table("t", &kinds);
    let read = |interest| {
        let mut assembly = assembly(interest);
        let kind = ROWS[usize::from(*choice) % ROWS.len()];
        let mut whole = vec![1, 0, 0, 0, 0, 0, 1, 0];
        if matches!(kind, 30..=32 | 169..=171) {
            whole.extend([2, 0]);
        }
        whole.push(kinds.len() as u8);
        whole.extend(body);
        let said = [begin(false), table_map(1, "t", &numbers, &metas), event(kind, 0, &whole), end()];
        let mut last = None;
        for event in said {
            last = assembly.take(&event).expect("one table's rows end no stream").or(last);
        }
        let Some(Event::Transaction(done)) = last else { panic!("a transaction") };
        done
    };
    let (all, one) =
        (read(Interest::unicode([schema.clone()])), read(Interest::unicode([Wanted::only(schema, [])])));
    if all.doubts.is_empty() {
        assert!(one.doubts.is_empty() && one.changes.len() == all.changes.len());
    }
}

/// Any text as a set, a list and a position: what is read prints to what reads the same.
pub(crate) fn gtid(text: &str) {
    if let Ok(set) = text.parse::<GtidSet>() {
        assert_eq!(set.to_string().parse::<GtidSet>().as_ref(), Ok(&set));
        assert!(set.is_subset(&set) && set.subtract(&set).is_empty() && set.union(&set) == set);
    }
    if let Ok(list) = text.parse::<GtidList>() {
        assert_eq!(list.to_string().parse::<GtidList>().as_ref(), Ok(&list));
        assert!(list.covers(&list));
    }
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse::<Position>().as_ref(), Ok(&position));
    }
}

/// Any text as a statement: a comment before it changes nothing of what it does.
pub(crate) fn ddl(text: &str) {
    let told = |text: &str| {
        let mut assembly = assembly(Interest::unicode([table("t", &[ColumnKind::Year])]));
        assembly.take(&begin(true)).expect("it begins");
        format!("{:?}", assembly.take(&query(text.as_bytes())))
    };
    assert_eq!(told(text), told(&format!("/* a */ {text}")));
}
