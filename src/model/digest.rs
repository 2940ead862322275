//! Fingerprints of values and cells: 64 bits of xxh3.
//!
//! Base remembers what each side looked like as digests only (design section 3): no copy of the user's data rests in our schema.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// 64 bits of xxh3 over the tagged bytes of one value or cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest of bytes that the caller has tagged by kind.
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxh3_64(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// 128 bits of xxh3: wide enough to stand for a key in a primary key of our own tables.
pub fn wide(bytes: &[u8]) -> [u8; 16] {
    xxh3_128(bytes).to_be_bytes()
}
