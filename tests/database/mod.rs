//! The database edge on real servers.

mod charsets;
mod follow;
mod metadata;
mod positions;
pub(crate) mod random;
mod rights;
mod stream;
pub(crate) mod types;
mod writes;
