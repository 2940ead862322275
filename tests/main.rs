//! The tests, one binary: compiled and linked once, and the servers in it are started once for all of them.
//!
//! Allowed here and not in the product: tests print what they tried, and unwrap what a test has made true before.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod bridge;
mod cli;
mod config;
mod crash;
mod database;
mod layers;
mod service;
mod sheet;
mod simulation {
    //! The simulation is a package of its own; chance from a seed serves here too.
    pub(crate) mod dice;
}
mod store;
mod support;
mod table_page;
