//! The database edge on real servers.

mod bytes;
mod cascades;
mod charsets;
mod doors;
mod failover;
mod follow;
mod metadata;
mod order;
mod patience;
mod positions;
mod random;
mod rights;
mod shapes;
mod stream;
mod types;
mod writes;
