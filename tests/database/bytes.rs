//! Streams that no server here can be made to send, byte by byte.

use sheetbridge::database::error::Error;
use sheetbridge::database::interest::Interest;
use sheetbridge::database::{ChangeKind, Event};
use sheetbridge::model::schema::ColumnKind;

use super::doors::door::{assembly, begin, end, event, query, table, table_map};
use super::follow::int;

const INT: (ColumnKind, u8) = (ColumnKind::Integer { bits: 32, unsigned: false }, 3);
const INSERT: u8 = 23;

/// One row of one INT, for the table with this id; the last of its statement or not.
fn row(id: u8, n: i32, last: bool) -> Vec<u8> {
    let mut body = vec![id, 0, 0, 0, 0, 0, u8::from(last), 0, 1, 1, 0];
    body.extend(n.to_le_bytes());
    body
}

#[test]
fn a_table_id_that_is_used_again_means_the_new_table() {
    let interest = Interest::unicode([table("t", &[INT.0]), table("u", &[INT.0])]);
    let mut assembly = assembly(interest);
    let said = [
        begin(false),
        table_map(5, "t", &[INT.1], &[]),
        event(INSERT, 0, &row(5, 1, true)),
        end(),
        begin(false),
        table_map(5, "u", &[INT.1], &[]),
        event(INSERT, 0, &row(5, 2, true)),
        end(),
    ];
    let told: Vec<(String, ChangeKind)> = said
        .iter()
        .filter_map(|event| assembly.take(event).expect("takes"))
        .flat_map(|event| match event {
            Event::Transaction(done) => done.changes,
            other => panic!("{other:?}"),
        })
        .map(|change| (change.table.to_string(), change.kind))
        .collect();
    let inserted = |n| ChangeKind::Insert { after: vec![int(n)] };
    assert_eq!(told, [("d.t".to_owned(), inserted(1)), ("d.u".to_owned(), inserted(2))]);
}

#[test]
fn rows_after_the_end_of_their_statement_stop_the_stream() {
    let mut assembly = assembly(Interest::unicode([table("t", &[INT.0])]));
    for event in [begin(false), table_map(5, "t", &[INT.1], &[]), event(INSERT, 0, &row(5, 1, true))] {
        assembly.take(&event).expect("takes");
    }
    let error = assembly.take(&event(INSERT, 0, &row(5, 2, true))).expect_err("stops");
    assert!(matches!(error, Error::OutOfOrder(_)), "{error}");
}

#[test]
fn rows_that_are_undone_emit_nothing() {
    let mut assembly = assembly(Interest::unicode([table("t", &[INT.0])]));
    let said = [begin(false), table_map(5, "t", &[INT.1], &[]), event(INSERT, 0, &row(5, 1, true))];
    for event in said {
        assert!(assembly.take(&event).expect("takes").is_none());
    }
    let Ok(Some(Event::Transaction(done))) = assembly.take(&query(b"ROLLBACK")) else {
        panic!("a transaction");
    };
    assert!(done.changes.is_empty() && done.doubts.is_empty());
    assert_eq!(done.position.to_string(), "mariadb/0-9-7", "it is passed all the same");
}

#[test]
fn events_of_other_makes_are_passed_over_by_their_flag_only() {
    /// Aurora writes events of its own, with the flag.
    const AURORA: u8 = 96;
    assert!(assembly(Interest::default()).take(&event(AURORA, 0x80, &[1, 2])).expect("takes").is_none());
    let error = assembly(Interest::default()).take(&event(AURORA, 0, &[1, 2])).expect_err("stops");
    assert!(matches!(error, Error::UnknownEvent(AURORA)), "{error}");
}

#[test]
fn a_corrupt_compressed_row_event_puts_its_table_in_doubt_and_is_never_passed_over() {
    const COMPRESSED: u8 = 166;
    let mut assembly = assembly(Interest::unicode([table("t", &[INT.0])]));
    let mut body = vec![5, 0, 0, 0, 0, 0, 1, 0, 1, 1];
    body.extend([0x81, 5, 1, 2, 3]);
    let mut told = None;
    for event in [begin(false), table_map(5, "t", &[INT.1], &[]), event(COMPRESSED, 0, &body), end()] {
        told = assembly.take(&event).expect("takes").or(told);
    }
    let Some(Event::Transaction(done)) = told else { panic!("a transaction") };
    assert!(matches!(done.doubts[0].error, Error::Compressed(_)), "{:?}", done.doubts);
}
