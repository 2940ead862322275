//! The database edge on real servers.

mod bytes;
mod cascades;
mod charsets;
mod doors;
mod failover;
mod filter;
mod follow;
mod metadata;
mod order;
mod patience;
mod positions;
pub(crate) mod random;
mod rights;
mod shapes;
mod stream;
pub(crate) mod types;
mod writes;
