//! The Google edge: typed reads and batches of spreadsheets, and the endpoint at which people's edits arrive.
//!
//! [`pool::Pool`] is the service accounts, [`client::Client`] one of them. Its calls stand in the files of what they are about: [`read`] (snapshots),
//! [`parts`] (of tabs too large for one), [`mod@write`] (batches, their settling, naming), [`setup`]. The pure parts are [`request`] (a batch as JSON),
//! [`helper_tab`] (where receipts lie), [`layout`] (which column is where) and [`codec`] (what a value looks like in a cell).
//! [`listen`] is the endpoint.

pub mod annotate;
mod answer;
mod answer_body;
pub mod auth;
pub mod client;
pub mod codec;
pub mod error;
pub mod helper_tab;
mod lanes;
pub mod layout;
pub mod listen;
pub mod log_tab;
mod pace;
pub mod parts;
pub mod pool;
pub mod quota;
pub mod read;
pub mod request;
pub mod setup;
pub mod signature;
mod stage;
mod wire;
pub mod write;
