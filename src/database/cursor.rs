//! Reading an event's bytes from front to back, never past the end.

/// The bytes ended before what had to stand there, or what stands there cannot be. Names the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// A place in a byte slice. Every read moves it and fails past the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    of: &'static str,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of the bytes of a thing, which errors will name.
    pub(crate) fn new(bytes: &'a [u8], of: &'static str) -> Self {
        Self { rest: bytes, of }
    }

    /// The error for this thing.
    pub(crate) fn malformed(&self) -> Malformed {
        Malformed(self.of)
    }

    /// True at the end.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Everything that is left; the cursor stands at the end then.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(self.malformed())?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[b]| b)
    }

    /// A little-endian unsigned number of `n` bytes, at most 8.
    pub(crate) fn little(&mut self, n: usize) -> Result<u64, Malformed> {
        let bytes = self.take(n)?;
        Ok(bytes.iter().rev().fold(0, |all, &b| all << 8 | u64::from(b)))
    }

    /// A big-endian unsigned number of `n` bytes, at most 8.
    pub(crate) fn big(&mut self, n: usize) -> Result<u64, Malformed> {
        let bytes = self.take(n)?;
        Ok(bytes.iter().fold(0, |all, &b| all << 8 | u64::from(b)))
    }

    /// A little-endian length, as a `usize`.
    pub(crate) fn length(&mut self, n: usize) -> Result<usize, Malformed> {
        usize::try_from(self.little(n)?).map_err(|_| self.malformed())
    }

    /// MySQL's length-encoded integer.
    pub(crate) fn packed(&mut self) -> Result<u64, Malformed> {
        match self.byte()? {
            0xfc => self.little(2),
            0xfd => self.little(3),
            0xfe => self.little(8),
            small @ 0..=0xfa => Ok(u64::from(small)),
            _ => Err(self.malformed()),
        }
    }

    /// A length-encoded integer as a `usize`.
    pub(crate) fn packed_length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.packed()?).map_err(|_| self.malformed())
    }

    /// Bytes with their length-encoded length before them.
    pub(crate) fn packed_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.packed_length()?;
        self.take(length)
    }
}

/// A bitmap in which bit `i` is bit `i % 8` of byte `i / 8`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits<'a>(&'a [u8]);

impl<'a> Bits<'a> {
    /// Takes a bitmap of `n` bits off the cursor.
    pub(crate) fn take(cursor: &mut Cursor<'a>, n: usize) -> Result<Self, Malformed> {
        cursor.take(n.div_ceil(8)).map(Self)
    }

    /// The bit, false beyond the map.
    pub(crate) fn get(self, i: usize) -> bool {
        self.0.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_orders_and_never_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 3, 4, 0xfc, 0x10, 0x27, 9], "test");
        assert_eq!(cursor.little(2), Ok(0x0201));
        assert_eq!(cursor.big(2), Ok(0x0304));
        assert_eq!(cursor.packed(), Ok(10_000));
        assert_eq!(cursor.little(2), Err(Malformed("test")));
        assert_eq!(cursor.byte(), Ok(9));
        assert!(cursor.is_empty());
    }
}
