//! One row of base as bytes.
//!
//! ```text
//! length of the key, key, number of columns, two bits a column, digests of eight bytes
//! ```
//! The two bits tell whether the column never agreed (no digest), has one digest for both sides, or one for each.

use crate::engine::input::ColumnIndex;
use crate::model::base::{ColumnBase, RowBase};
use crate::model::digest::Digest;

const DIGEST: usize = 8;

/// One packed row.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// Its key, packed.
    pub(super) key: &'a [u8],
    width: usize,
    /// Two bits a column.
    codes: &'a [u8],
    digests: &'a [u8],
}

/// A row's bytes.
pub(super) fn pack(key: &[u8], row: &RowBase) -> Vec<u8> {
    let width = row.columns.len();
    let mut bytes = Vec::with_capacity(key.len() + width * (DIGEST + 1) + 8);
    put_length(key.len(), &mut bytes);
    bytes.extend(key);
    put_length(width, &mut bytes);
    for four in row.columns.chunks(4) {
        let code = |code: u8, column: &Option<ColumnBase>| code << 2 | digests_of(*column) as u8;
        bytes.push(four.iter().rev().fold(0, code));
    }
    for column in row.columns.iter().flatten() {
        bytes.extend(column.value.0.to_le_bytes());
        if column.value != column.cell {
            bytes.extend(column.cell.0.to_le_bytes());
        }
    }
    bytes
}

/// The key of the first record of these bytes.
pub(super) fn key(mut bytes: &[u8]) -> &[u8] {
    let length = take_length(&mut bytes);
    take(&mut bytes, length)
}

fn digests_of(column: Option<ColumnBase>) -> usize {
    column.map_or(0, |column| if column.value == column.cell { 1 } else { 2 })
}

impl<'a> Record<'a> {
    /// Reads the bytes that [`pack`] made.
    pub(super) fn of(mut bytes: &'a [u8]) -> Self {
        let length = take_length(&mut bytes);
        let key = take(&mut bytes, length);
        let width = take_length(&mut bytes);
        let codes = take(&mut bytes, width.div_ceil(4));
        Self { key, width, codes, digests: bytes }
    }

    /// What the columns agreed on.
    pub(super) fn row(&self) -> RowBase {
        let mut digests = self.digests;
        let column = |at| take_column(self.code(at), &mut digests);
        RowBase { columns: (0..self.width).map(column).collect() }
    }

    /// The same of one column.
    pub(super) fn column(&self, at: ColumnIndex) -> Option<ColumnBase> {
        if at >= self.width {
            return None;
        }
        let before: usize = (0..at).map(|at| self.code(at)).sum();
        take_column(self.code(at), &mut self.digests.get(before * DIGEST..)?)
    }

    /// How many digests the column has.
    fn code(&self, at: usize) -> usize {
        self.codes.get(at / 4).map_or(0, |four| usize::from(four >> (at % 4 * 2) & 3))
    }
}

fn take_column(code: usize, digests: &mut &[u8]) -> Option<ColumnBase> {
    let value = (code > 0).then(|| take_digest(digests))??;
    let cell = if code > 1 { take_digest(digests)? } else { value };
    Some(ColumnBase { value, cell })
}

fn take_digest(bytes: &mut &[u8]) -> Option<Digest> {
    let (digest, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(Digest(u64::from_le_bytes(*digest)))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(length).unwrap_or((*bytes, &[]));
    *bytes = rest;
    taken
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn put_length(mut length: usize, bytes: &mut Vec<u8>) {
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

fn take_length(bytes: &mut &[u8]) -> usize {
    let mut length = 0;
    let mut shift = 0;
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    length
}
