//! The tests, one binary: compiled and linked once, and the servers in it are started once for all of them.

mod bridge;
mod cli;
mod config;
mod crash;
mod database;
mod layers;
mod service;
mod sheet;
mod simulation;
mod store;
mod support;
mod table_page;
