//! The plan of the house, as a test: imports point one way, the pure rooms stay pure, and no file grows out of hand.
//!
//! ```text
//! main -> cli -> daemon -> config -> {engine, database, sheet, store} -> {model, fault}
//! ```
//! A floor may use every floor below it, and nothing on its own floor but itself.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// From top to bottom.
const FLOORS: [&[&str]; 6] = [
    &["main"],
    &["cli"],
    &["daemon"],
    &["config"],
    &["engine", "database", "sheet", "store"],
    &["model", "fault"],
];

/// The decisions and the words they are made of.
const PURE: [&str; 2] = ["engine", "model"];

/// What makes a room impure: the clock, chance, the outside world, and waiting for it.
const IMPURE: [&str; 13] = [
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "tokio",
    "rand",
    "mysql_async",
    "reqwest",
    "hyper",
    "tracing",
];

/// Lines of a file before its tests, blank ones not counted.
const LONGEST_FILE: usize = 450;

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Everything that speaks against a file's imports, each with its line.
fn complaints_about(source: &Source) -> Vec<String> {
    let room = source.room();
    let Some(floor) = floor_of(room) else {
        // The root of the library only says which rooms there are.
        let known = room == "lib";
        return if known { Vec::new() } else { vec![format!("{}: no floor has a room {room}", source.name)] };
    };
    let mut complaints = Vec::new();
    for found in source.paths() {
        let complaint = match found.path.split_first() {
            Some((head, rest)) if head == "crate" => {
                rest.first().and_then(|other| wrong_arrow(room, floor, other))
            }
            _ if PURE.contains(&room) && !found.in_tests => impurity(&found.path),
            _ => None,
        };
        complaints.extend(complaint.map(|text| format!("{}:{}: {text}", source.name, found.line)));
    }
    if PURE.contains(&room) {
        let waits = source.production_words("async");
        complaints.extend(waits.map(|line| format!("{}:{line}: {room} does not wait", source.name)));
    }
    complaints
}

fn wrong_arrow(room: &str, floor: usize, other: &str) -> Option<String> {
    match floor_of(other) {
        _ if other == room => None,
        Some(below) if floor < below => None,
        Some(_) => Some(format!("{room} must not name {other}")),
        // `crate::*`, or an item of the root, hides which room is meant.
        None => Some(format!("{room} names crate::{other}, which is no room")),
    }
}

fn impurity(path: &[String]) -> Option<String> {
    let path = path.join("::");
    // `use std::time;` brings the clock in under a shorter name.
    let short = path == "std::time" || path == "std::time::*" || path == "std::*";
    let named = IMPURE.iter().any(|impure| {
        path.strip_prefix(impure).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    });
    (short || named).then(|| format!("{path} does not belong into a pure room"))
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under a folder of the package, in a fixed order.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the package can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&package().join(folder), &mut found);
    found.sort();
    found
}

fn read(path: &Path) -> Source {
    let name = path.strip_prefix(package()).expect("the file is in the package");
    Source::new(&name.to_string_lossy(), &fs::read_to_string(path).expect("a source file is UTF-8"))
}

#[test]
fn imports_point_one_way_and_the_engine_is_pure() {
    let files = rust_files("src");
    assert!(files.iter().any(|file| file.ends_with("lib.rs")), "these are not the sources: {files:?}");
    let complaints: Vec<String> = files.iter().flat_map(|file| complaints_about(&read(file))).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_file_grows_out_of_hand() {
    // Tests are not counted, neither below their file nor in one of their own.
    let mut files = ["src", "tests/support", "tests/sheets-emulator/src"].map(rust_files).concat();
    files.retain(|file| !file.ends_with("tests.rs"));
    let long: Vec<String> = files
        .iter()
        .map(|file| read(file))
        .filter(|source| source.production_lines() > LONGEST_FILE)
        .map(|source| format!("{}: {} lines", source.name, source.production_lines()))
        .collect();
    assert!(long.is_empty(), "split these by what they are about:\n{}", long.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, text: &str) -> Vec<String> {
        complaints_about(&Source::new(name, text))
    }

    #[test]
    fn a_floor_may_use_the_floors_below_it() {
        let fine = [
            ("src/main.rs", "use sheetbridge::cli; fn main() { cli::run(sheetbridge::fault::NONE) }"),
            ("src/daemon/mod.rs", "mod table; use crate::{config::Settings, engine, model::{Key, Value}};"),
            ("src/engine/batch.rs", "use std::time::Duration; use super::rule; use crate::model;"),
            ("src/store/mod.rs", "mod tests { use super::*; use super::super::model::Key; }"),
            ("src/lib.rs", "pub mod cli; pub mod engine;"),
        ];
        for (name, text) in fine {
            assert_eq!(complaints(name, text), Vec::<String>::new(), "{name}: {text}");
        }
    }

    #[test]
    fn every_arrow_that_points_up_or_sideways_is_told_with_its_line() {
        let wrong = [
            (
                "src/database/tail.rs",
                "\nuse crate::sheet::Row;",
                "src/database/tail.rs:2: database must not name sheet",
            ),
            ("src/model/key.rs", "use crate::fault;", "src/model/key.rs:1: model must not name fault"),
            (
                "src/engine/mod.rs",
                "use crate::{model, store::Base};",
                "src/engine/mod.rs:1: engine must not name store",
            ),
            ("src/fault.rs", "fn f() { crate::cli::run() }", "src/fault.rs:1: fault must not name cli"),
            ("src/sheet/mod.rs", "use super::store;", "src/sheet/mod.rs:1: sheet must not name store"),
            (
                "src/sheet/read.rs",
                "use super::super::store;",
                "src/sheet/read.rs:1: sheet must not name store",
            ),
            (
                "src/sheet/read.rs",
                "mod deep { use super::super::super::store; }",
                "src/sheet/read.rs:1: sheet must not name store",
            ),
            (
                "src/config/load.rs",
                "#[cfg(test)]\nmod tests { use crate::daemon; }",
                "src/config/load.rs:2: config must not name daemon",
            ),
            ("src/cli/run.rs", "use crate::*;", "src/cli/run.rs:1: cli names crate::*, which is no room"),
            ("src/utils/text.rs", "", "src/utils/text.rs: no floor has a room utils"),
        ];
        for (name, text, complaint) in wrong {
            assert_eq!(complaints(name, text), [complaint], "{text}");
        }
    }

    #[test]
    fn the_pure_rooms_have_no_clock_no_chance_no_world_and_do_not_wait() {
        let wrong = [
            "use std::time::{Duration, Instant};",
            "use std::time;",
            "fn now() -> u64 { std::time::SystemTime::now() }",
            "use tokio::sync::mpsc;",
            "use std::{fmt, fs::File};",
            "fn roll() -> u8 { rand::random() }",
            "async fn decide() {}",
            "fn f() { let later = async { 1 }; }",
        ];
        for text in wrong {
            assert_eq!(complaints("src/engine/table.rs", text).len(), 1, "{text}");
            assert_eq!(complaints("src/daemon/table.rs", text).len(), 0, "only pure rooms: {text}");
        }
    }

    #[test]
    fn comments_texts_and_tests_may_speak_of_the_world() {
        let text = r##"
            // use crate::database; async
            /* nested /* use tokio; */ use crate::cli; */
            /// Like [`std::time::Instant`], as a number.
            fn f<'a>(x: &'a str) -> char { let _ = ("use crate::sheet; \" async", r#"crate::cli "tokio::x" "#); '"' }
#[cfg(test)]
mod tests { use std::time::Instant; async fn f() { tokio::spawn(g()) } }
        "##;
        assert_eq!(complaints("src/engine/table.rs", text), Vec::<String>::new());
    }

    #[test]
    fn lines_are_counted_up_to_the_tests() {
        let source = Source::new("src/model/key.rs", "one\n\n  two\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(source.production_lines(), 2);
    }
}
