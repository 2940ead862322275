//! The emulator, tested from outside.

mod replay;
mod script;
