//! Byte strings piled up behind each other, counted from nought: a million of them cost little more than their bytes.

/// So many strings share a block.
const BLOCK: usize = 1024;

/// The strings, in blocks that are as large as what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Block {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
}

impl Pile {
    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.ends.len())
    }

    /// True while there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Puts a string on top: what is written behind all others.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.blocks.last().is_none_or(|last| last.ends.len() == BLOCK) {
            self.blocks.push(Block::default());
        }
        let Some(last) = self.blocks.last_mut() else { return };
        write(&mut last.bytes);
        last.ends.push(last.bytes.len() as u32);
        if last.ends.len() == BLOCK {
            last.bytes.shrink_to_fit();
        }
    }

    /// Takes the last string away.
    pub fn pop(&mut self) {
        let Some(last) = self.blocks.last_mut() else { return };
        last.ends.pop();
        last.bytes.truncate(last.ends.last().map_or(0, |end| *end as usize));
        if last.ends.is_empty() {
            self.blocks.pop();
        }
    }

    /// The string at this place; the empty one beyond the last.
    pub fn get(&self, at: usize) -> &[u8] {
        let Some(block) = self.blocks.get(at / BLOCK) else { return &[] };
        let at = at % BLOCK;
        let begin =
            at.checked_sub(1).and_then(|before| block.ends.get(before)).map_or(0, |end| *end as usize);
        let end = block.ends.get(at).map_or(begin, |end| *end as usize);
        &block.bytes[begin..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_over_blocks_and_the_last_ones_can_be_taken_away() {
        let string = |at: usize| vec![at as u8; at % 5];
        let mut pile = Pile::default();
        for at in 0..=3 * BLOCK {
            pile.push(|bytes| bytes.extend(string(at)));
        }
        assert_eq!(pile.len(), 3 * BLOCK + 1);
        assert!((0..pile.len()).all(|at| pile.get(at) == string(at)));
        (0..BLOCK + 2).for_each(|_| pile.pop());
        assert_eq!(pile.len(), 2 * BLOCK - 1);
        pile.push(|bytes| bytes.push(7));
        assert_eq!(
            (pile.get(2 * BLOCK - 2), pile.get(2 * BLOCK - 1)),
            (&string(2 * BLOCK - 2)[..], &[7][..])
        );
        assert!(pile.get(2 * BLOCK).is_empty());
        (0..=2 * BLOCK).for_each(|_| pile.pop());
        assert!(pile.is_empty() && pile == Pile::default());
    }
}
