//! The local Google Sheets: the Sheets v4 REST interface, people at a grid, triggers, quotas and faults, in one process.
//!
//! A request or a person changes a [`grid::Spreadsheet`] through [`Google`], which keeps every change atomic, tells
//! subscribers what moved and hands a person's trigger events to the script runtime. [`rest`] speaks Google's JSON,
//! `service` takes a call through tokens, faults and quotas, `control` is the emulator's own interface for tests and
//! for the page. [`Emulator`] is all of it on a loopback port:
//!
//! ```
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
//! let emulator = sheets_emulator::Emulator::start(sheets_emulator::Options::default()).await.expect("a free port");
//! assert!(emulator.base_url().starts_with("http://127.0.0.1:"));
//! emulator.shutdown().await;
//! # });
//! ```

mod accounts;
mod calls;
mod clock;
mod control;
pub mod display;
mod emulator;
pub mod entry;
pub mod faults;
pub mod formula;
mod google;
pub mod grid;
mod knobs;
pub mod page;
pub mod people;
mod quota;
pub mod rest;
pub mod script;
mod serve;
mod service;
mod work;

pub use accounts::NoKey;
pub use calls::{Call, Calls, Count};
pub use clock::Clock;
pub use emulator::{Emulator, Options, StartError};
pub use google::{Cause, Change, Google, Unknown};
pub use knobs::{BigNumbers, EventDates, Fires, Knobs, Labels, Minute, ProtectedWrite};
