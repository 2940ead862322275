//! The MySQL and MariaDB edge: the binlog comes in as whole transactions of decoded rows, and rows are read and written.
//!
//! ```text
//! tail (connection, heartbeats, checksums)
//!   -> event (one event's body) -> assembly (whole transactions) -> Event
//!        tablemap -> layout (schema against event) -> rows -> decode {charset, clock, json}
//! read, write <- statement (SQL text), cell (values to and from the driver), schema (information_schema)
//! ```
//!
//! A value is the same [`crate::model::value::Value`] whether it came from a row image or from a SELECT; the tests hold both
//! against each other on real servers for every type.

mod assembly;
mod cell;
mod charset;
pub mod check;
mod clock;
pub mod connect;
mod cursor;
mod ddl;
mod decode;
pub mod error;
mod event;
pub mod interest;
mod json;
pub mod key;
mod layout;
mod offset;
pub mod read;
pub mod refusal;
mod rows;
pub mod schema;
pub mod standing;
pub mod statement;
mod tablemap;
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
