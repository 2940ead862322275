//! The database edge on real servers.

mod charsets;
mod follow;
mod metadata;
mod positions;
mod random;
mod rights;
mod stream;
mod types;
mod writes;
