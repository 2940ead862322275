//! What is remembered, in MySQL itself, in a schema of its own.
//!
//! Every function takes the caller's connection or transaction: memory of an effect commits with the effect or not at all.
//! The connection's default database is our schema (see [`migrate`]); the user's tables are never touched here. Lists go
//! and come in multi-row statements (`bulk`), so that a flush of a thousand rows costs a handful of round trips. A
//! session runs in strict mode (`STRICT_ALL_TABLES`): a value that does not fit is an error here, never cut.
//!
//! | file | remembers |
//! |--|--|
//! | [`installation`], [`lease`], [`fenced`] | who we are to the spreadsheets, and that no twin runs |
//! | [`link`], [`position`] | each link's life, and how far the stream is finished |
//! | [`base`] | what both sides of a row looked like when they last agreed, and tombstones |
//! | [`ledger`] | every effect on the user's tables |
//! | [`spreadsheet`], [`batch`], [`owed`] | each call to Google before it is made, its fate, and what it left to mend |
//! | [`claim`], [`edits`], [`held`] | new rows on their way to a key, the inbox, and what waits for a person |
//! | [`pause`] | brakes that are on, and what operators say to them |

pub mod base;
pub mod batch;
mod bulk;
pub mod claim;
pub mod edits;
pub mod error;
pub mod fenced;
pub mod held;
pub mod installation;
pub mod lease;
pub mod ledger;
pub mod link;
pub mod migrate;
pub mod note;
pub mod owed;
pub mod pack;
pub mod pause;
pub mod position;
pub mod retention;
pub mod schema;
pub mod spreadsheet;

pub use error::{Result, StoreError};
pub use fenced::Fenced;
pub use schema::StateSchema;
