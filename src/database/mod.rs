//! The MySQL and MariaDB edge: the binlog comes in as whole transactions of decoded rows, and rows are read and written.
//!
//! ```text
//! tail (connection, heartbeats, checksums)
//!   -> event (one event's body) -> assembly, open (whole transactions; large ones in spill) -> Event
//!        tables {interest, cascade} -> tablemap -> layout (schema against event) -> rows -> decode {charset, clock, decimal, json}
//! read, write <- statement (SQL text), cell (values to and from the driver), schema (information_schema), filter, spelling
//! ```
//!
//! A value is the same [`crate::model::value::Value`] whether it came from a row image or from a SELECT; the tests hold both
//! against each other on real servers for every type.

pub mod assembly;
mod cascade;
mod cell;
mod charset;
pub mod check;
pub mod choices;
mod clock;
pub mod connect;
mod cursor;
mod ddl;
mod decimal;
mod decode;
pub mod error;
mod event;
mod filter;
pub mod interest;
mod json;
pub mod key;
mod layout;
pub mod load;
mod offset;
mod open;
pub mod read;
pub mod refusal;
mod rows;
pub mod schema;
pub mod spelling;
pub mod spill;
pub mod standing;
pub mod statement;
mod tablemap;
mod tables;
pub mod tail;
mod transaction;
mod words;
pub mod write;

pub use cursor::Malformed;
pub use ddl::{SchemaChange, SchemaKind};
pub use error::Error;
pub use event::TransactionId;
pub use rows::{ChangeKind, Image, RowChange};
pub use transaction::{Doubt, Event, Transaction};
