//! A tab's rows: a list in shared chunks, so that a copy of a million rows is two thousand pointers and a change
//! copies only the chunks that it touches.

use std::sync::Arc;

use super::cell::{BLANK, Cell};

/// One row's cells from column A on; cells after the last that is not void are not stored.
pub type Row = Vec<Cell>;

/// Rows in a chunk. Small enough that one edit copies little, large enough that the list of chunks stays short.
const CHUNK: usize = 512;

/// The rows of a tab.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    chunks: Vec<Arc<Vec<Row>>>,
    /// The number of the first row of each chunk.
    starts: Vec<u32>,
    len: u32,
}

impl Rows {
    /// So many blank rows.
    pub fn blank(count: u32) -> Self {
        let mut rows = Self::default();
        rows.insert_blank(0, count);
        rows
    }

    /// How many rows there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn locate(&self, row: u32) -> (usize, usize) {
        let chunk = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        (chunk, (row - self.starts.get(chunk).copied().unwrap_or_default()) as usize)
    }

    /// The stored cells of a row; a row that is not there has none.
    pub fn row(&self, row: u32) -> &[Cell] {
        if row >= self.len {
            return &[];
        }
        let (chunk, offset) = self.locate(row);
        &self.chunks[chunk][offset]
    }

    /// One cell; blank where nothing is stored.
    pub fn cell(&self, row: u32, column: u32) -> &Cell {
        self.row(row).get(column as usize).unwrap_or(&BLANK)
    }

    /// The rows `from..to` with their numbers, in order.
    pub fn range(&self, from: u32, to: u32) -> impl Iterator<Item = (u32, &[Cell])> {
        let (chunk, _) = self.locate(from.min(self.len.saturating_sub(1)));
        let to = to.min(self.len);
        self.chunks[chunk.min(self.chunks.len())..]
            .iter()
            .zip(self.starts.iter().skip(chunk))
            .take_while(move |(_, start)| **start < to)
            .flat_map(|(rows, start)| {
                rows.iter().enumerate().map(move |(i, row)| (start + i as u32, row.as_slice()))
            })
            .skip_while(move |(row, _)| *row < from)
            .take_while(move |(row, _)| *row < to)
    }

    /// Changes one row and trims it. The row must be there.
    pub fn change<T>(&mut self, row: u32, change: impl FnOnce(&mut Row) -> T) -> T {
        debug_assert!(row < self.len, "row {row} of {}", self.len);
        let (chunk, offset) = self.locate(row);
        let cells = &mut Arc::make_mut(&mut self.chunks[chunk])[offset];
        let answer = change(cells);
        let used = cells.iter().rposition(|cell| !cell.is_void()).map_or(0, |last| last + 1);
        cells.truncate(used);
        if cells.capacity() > 2 * cells.len() {
            cells.shrink_to_fit();
        }
        answer
    }

    /// Changes one cell. The row must be there.
    pub fn change_cell<T>(&mut self, row: u32, column: u32, change: impl FnOnce(&mut Cell) -> T) -> T {
        self.change(row, |cells| {
            let column = column as usize;
            if cells.len() <= column {
                cells.reserve_exact(column + 1 - cells.len());
                cells.resize(column + 1, Cell::default());
            }
            change(&mut cells[column])
        })
    }

    /// Changes every stored row. `change` says whether it looks at the row at all, so that untouched chunks stay shared.
    pub fn change_where(&mut self, wanted: impl Fn(&Row) -> bool, mut change: impl FnMut(u32, &mut Row)) {
        for (chunk, start) in self.chunks.iter_mut().zip(&self.starts) {
            if !chunk.iter().any(&wanted) {
                continue;
            }
            for (i, row) in Arc::make_mut(chunk).iter_mut().enumerate() {
                if wanted(row) {
                    change(start + i as u32, row);
                }
            }
        }
    }

    /// Puts blank rows before `at`.
    pub fn insert_blank(&mut self, at: u32, count: u32) {
        self.insert(at, vec![Row::new(); count as usize]);
    }

    /// Puts rows before `at`.
    pub fn insert(&mut self, at: u32, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        if self.chunks.is_empty() {
            self.chunks.push(Arc::default());
            self.starts.push(0);
        }
        let at = at.min(self.len);
        let (chunk, offset) = if at == self.len {
            (self.chunks.len() - 1, self.chunks.last().map_or(0, |last| last.len()))
        } else {
            self.locate(at)
        };
        if self.chunks[chunk].len() + rows.len() <= CHUNK {
            Arc::make_mut(&mut self.chunks[chunk]).splice(offset..offset, rows);
        } else {
            let mut joined = std::mem::take(Arc::make_mut(&mut self.chunks[chunk]));
            joined.splice(offset..offset, rows);
            let mut parts = Vec::with_capacity(joined.len() / CHUNK + 1);
            let mut rest = joined.into_iter().peekable();
            while rest.peek().is_some() {
                parts.push(Arc::new(rest.by_ref().take(CHUNK).collect::<Vec<_>>()));
            }
            self.chunks.splice(chunk..=chunk, parts);
        }
        self.count();
    }

    /// Takes the rows `from..to` out.
    pub fn take(&mut self, from: u32, to: u32) -> Vec<Row> {
        let to = to.min(self.len);
        let mut taken = Vec::with_capacity(to.saturating_sub(from) as usize);
        let mut left = to.saturating_sub(from) as usize;
        while left > 0 {
            let (chunk, offset) = self.locate(from);
            let rows = Arc::make_mut(&mut self.chunks[chunk]);
            let here = left.min(rows.len() - offset);
            taken.extend(rows.drain(offset..offset + here));
            left -= here;
            if rows.is_empty() {
                self.chunks.remove(chunk);
            }
            self.count();
        }
        taken
    }

    fn count(&mut self) {
        self.starts.clear();
        self.len = 0;
        for chunk in &self.chunks {
            self.starts.push(self.len);
            self.len += chunk.len() as u32;
        }
    }

    /// The first row that may differ from `other` and the row after the last, by the chunks that are not shared.
    pub fn differing(&self, other: &Self) -> Option<(u32, u32)> {
        let same = |a: &Arc<_>, b: &Arc<_>| Arc::ptr_eq(a, b);
        let head = self.chunks.iter().zip(&other.chunks).take_while(|(a, b)| same(a, b)).count();
        if head == self.chunks.len() && head == other.chunks.len() {
            return None;
        }
        let from = self.starts.get(head).copied().unwrap_or(self.len);
        if self.len != other.len {
            return Some((from, self.len.max(other.len)));
        }
        let tail = self.chunks[head..]
            .iter()
            .rev()
            .zip(other.chunks[head..].iter().rev())
            .take_while(|(a, b)| same(a, b))
            .count();
        let to = self.starts.get(self.chunks.len() - tail).copied().unwrap_or(self.len);
        Some((from, to.max(from)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    fn numbered(rows: &Rows) -> Vec<f64> {
        rows.range(0, rows.len())
            .map(|(_, cells)| match cells.first().map(|cell| &cell.value) {
                Some(Value::Number(number)) => *number,
                _ => -1.0,
            })
            .collect()
    }

    #[test]
    fn inserting_and_taking_agree_with_a_plain_list() {
        // given a list and rows in chunks, changed alike by a small linear generator
        let (mut list, mut rows, mut seed) = (Vec::<f64>::new(), Rows::default(), 7_u64);
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below.max(1)
        };
        for step in 0..400 {
            if list.is_empty() || next(3) > 0 {
                let (at, count) = (next(list.len() + 1), next(900) + 1);
                let new: Vec<f64> = (0..count).map(|i| f64::from(step * 1000 + i as i32)).collect();
                let cells = new.iter().map(|n| vec![Cell { value: Value::Number(*n), look: None }]).collect();
                list.splice(at..at, new);
                rows.insert(at as u32, cells);
            } else {
                let from = next(list.len());
                let to = from + next(list.len() - from) + 1;
                list.drain(from..to);
                assert_eq!(rows.take(from as u32, to as u32).len(), to - from);
            }
            assert_eq!(rows.len() as usize, list.len());
        }
        assert_eq!(numbered(&rows), list);
    }

    #[test]
    fn a_copy_shares_all_but_the_touched_chunk() {
        let before = Rows::blank(5_000);
        let mut after = before.clone();
        assert_eq!(after.differing(&before), None);
        after.change_cell(1_500, 2, |cell| cell.value = Value::Bool(true));
        let (from, to) = after.differing(&before).expect("something differs");
        assert!((from..to).contains(&1_500) && to - from <= CHUNK as u32);
        assert!(before.cell(1_500, 2).is_void());
    }
}
