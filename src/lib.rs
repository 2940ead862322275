//! sheetbridge keeps tables of a MySQL or MariaDB server and tabs of Google Sheets equal, both ways.
//!
//! The layers, each of which may use those to its right and none to its left (`tests/layers.rs` proves it):
//!
//! ```text
//! cli -> daemon -> config -> {engine, database, sheet, store} -> {model, fault}
//! ```

pub mod cli;
pub mod config;
pub mod daemon;
pub mod database;
pub mod engine;
pub mod fault;
pub mod model;
pub mod sheet;
pub mod store;
