//! The words of the house: plain data that every room understands.
//!
//! Nothing here does I/O, knows a clock or decides anything. A value that crosses an edge (database, sheet, store) is one of
//! these types on both sides of it, so that the engine between them never sees a wire format.

pub mod base;
pub mod cell;
pub mod digest;
pub mod domain;
pub mod filter;
pub mod grid;
pub mod gtid;
pub mod key;
pub mod link;
pub mod literal;
pub mod mark;
pub mod pause;
pub mod pile;
pub mod position;
pub mod rule;
pub mod schema;
pub mod temporal;
pub mod value;
pub mod weight;
