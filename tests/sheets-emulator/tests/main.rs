//! The emulator, tested from outside.

mod clients;
mod page;
mod replay;
mod rest;
mod script;
