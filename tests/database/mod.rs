//! The database edge on real servers.

mod bytes;
mod cascades;
mod charsets;
mod doors;
mod failover;
mod filter;
mod follow;
mod load;
mod logins;
mod metadata;
mod order;
mod patience;
mod paused;
mod positions;
pub(crate) mod random;
mod rights;
mod second;
mod shapes;
mod stream;
pub(crate) mod types;
mod writes;
