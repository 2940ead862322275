//! The emulator, tested from outside.

mod script;
