//! The emulator, tested from outside.

mod page;
mod replay;
mod rest;
mod script;
