//! The local Google Sheets: the Sheets v4 REST interface, people at a grid, triggers, quotas and faults, in one process.
//!
//! A request or a person changes a [`grid::Spreadsheet`] through [`Google`], which keeps every change atomic, tells
//! subscribers what moved and hands a person's trigger events to the script runtime. `rest` speaks Google's JSON,
//! `control` is the emulator's own interface for tests and for the page.

mod clock;
pub mod display;
pub mod entry;
pub mod formula;
mod google;
pub mod grid;
mod knobs;
pub mod page;
pub mod people;
pub mod script;

pub use clock::Clock;
pub use google::{Cause, Change, Google, Unknown};
pub use knobs::{BigNumbers, Fires, Knobs, Labels, Minute};
