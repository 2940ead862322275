//! The emulator, tested from outside.

mod replay;
mod rest;
mod script;
