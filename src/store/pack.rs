//! Row images and plans at rest: deflated, because every byte here is written three times (redo, page and binlog).

use std::io::{self, BufWriter, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::store::{Result, StoreError};

/// Compressed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(pub(super) Vec<u8>);

impl Packed {
    /// Compresses while it is written: what is large is never in memory as it is.
    pub fn of(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        let mut writer = BufWriter::new(DeflateEncoder::new(Vec::new(), Compression::fast()));
        write(&mut writer)?;
        writer.into_inner()?.finish().map(Self)
    }
}

/// Compresses what is short.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    Packed::of(|out| out.write_all(bytes)).expect("writing into memory cannot fail").0
}

/// Restores what [`Packed`] made; `table` names where it stood.
pub(super) fn unpack(table: &'static str, packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(packed.len() * 3);
    match DeflateDecoder::new(packed).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(StoreError::Corrupt { table, what: "compressed content is broken" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_bytes_come_back_and_broken_ones_are_an_error() {
        let bytes = b"one row like the other, one row like the other".repeat(9);
        let packed = pack(&bytes);
        assert!(packed.len() < bytes.len() / 2);
        assert_eq!(unpack("ledger", &packed).unwrap(), bytes);
        assert!(unpack("ledger", &packed[..packed.len() - 3]).is_err());
    }
}
