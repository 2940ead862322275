//! The fuzz targets' doors, knocked at with a stable compiler: random bytes, and pieces of the corpus with bytes changed. Each
//! takes as many cases as proptest's own default, or as long as `FUZZ_SECONDS` says (`make fuzz-mirror`).

#[path = "../../fuzz/doors.rs"]
pub(super) mod door;

use std::fs;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Runs the cases, again and again until the time is over; a failure prints the input and its seed.
fn knock<T: std::fmt::Debug>(inputs: impl Strategy<Value = T>, door: impl Fn(&T)) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut cases = 0_u64;
    loop {
        let config = Config { failure_persistence: None, ..Config::default() };
        cases += u64::from(config.cases);
        let done = TestRunner::new(config).run(&inputs, |input| {
            door(&input);
            Ok(())
        });
        done.unwrap_or_else(|failure| panic!("{failure}"));
        if Instant::now() >= end {
            println!("{cases} cases");
            return;
        }
    }
}

/// Bytes of the corpus: one piece or two after each other, some bytes changed, perhaps cut; or bytes of no origin.
fn bytes(door: &str) -> impl Strategy<Value = Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/").to_owned() + door;
    let files = fs::read_dir(folder).expect("the corpus is committed");
    let corpus: Vec<Vec<u8>> =
        files.map(|file| fs::read(file.expect("a file").path()).expect("it is read")).collect();
    assert!(!corpus.is_empty());
    let piece = prop::sample::select(corpus);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let changed = (piece.clone(), prop::option::of(piece), changes, any::<Option<prop::sample::Index>>());
    let changed = changed.prop_map(|(mut bytes, more, changes, cut)| {
        bytes.extend(more.into_iter().flatten());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        bytes
    });
    prop_oneof![3 => changed, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn text(door: &str) -> impl Strategy<Value = String> {
    bytes(door).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn no_events_in_any_order_break_the_reader() {
    knock(bytes("events"), |bytes| door::events(bytes));
}

#[test]
fn no_bytes_as_rows_break_the_decoder() {
    knock(bytes("rows"), |bytes| door::rows(bytes));
}

#[test]
fn no_text_as_a_position_breaks_the_reader_and_what_is_read_prints_the_same() {
    knock(text("gtid"), |text| door::gtid(text));
}

#[test]
fn no_text_as_a_statement_breaks_the_reader_and_comments_change_nothing() {
    knock(text("ddl"), |text| door::ddl(text));
}
