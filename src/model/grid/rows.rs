//! The rows of one tab as a read shows them, packed: a large tab takes about as many bytes as its cells have, and a row is
//! unpacked when it is looked at.

use std::collections::BTreeMap;

use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridRow};
use crate::model::mark::ClaimId;
use crate::model::pile::Pile;
use crate::model::value::Real;

/// Rows in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GridRows {
    cells: Pile,
    /// Where rows follow that are not the next ones: place and number of the first.
    runs: Vec<(usize, u32)>,
    /// By the row's number.
    claims: BTreeMap<u32, Vec<ClaimId>>,
}

impl GridRows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Adds a row below all others. Blank cells at its end are left out.
    pub fn push(&mut self, row: u32, cells: &[GridCell], claims: Vec<ClaimId>) {
        self.begin(row);
        self.cells.push(|bytes| pack(cells, bytes));
        self.claim(row, claims);
    }

    /// Adds the rows of another one below all others, whose own numbers are counted from `first` on.
    pub fn append(&mut self, first: u32, mut other: Self) {
        if other.is_empty() {
            return;
        }
        let claims = std::mem::take(&mut other.claims);
        self.claims.extend(claims.into_iter().map(|(row, claims)| (first + row, claims)));
        if self.is_empty() {
            self.cells = other.cells;
            self.runs = other.runs.into_iter().map(|(at, row)| (at, first + row)).collect();
            return;
        }
        for at in 0..other.len() {
            self.begin(first + other.number(at));
            self.cells.push(|bytes| bytes.extend(other.cells.get(at)));
        }
    }

    /// Goes on with the rows of another one from `first` on. Rows that neither has are blank.
    pub fn go_on(&mut self, first: u32, mut other: Self) {
        let claims = std::mem::take(&mut other.claims);
        for at in (0..other.len()).skip_while(|at| other.number(*at) < first) {
            let row = other.number(at);
            let below = self.len().checked_sub(1).map_or(0, |last| self.number(last) + 1);
            (below..row).for_each(|blank| self.push(blank, &[], Vec::new()));
            self.begin(row);
            self.cells.push(|bytes| bytes.extend(other.cells.get(at)));
        }
        self.claims.extend(claims.into_iter().filter(|(row, _)| *row >= first));
    }

    fn begin(&mut self, row: u32) {
        let next = self.len().checked_sub(1).map(|last| self.number(last) + 1);
        if next != Some(row) {
            self.runs.push((self.len(), row));
        }
    }

    /// Puts claims on a row. Below the last one all rows up to it are blank.
    pub fn claim(&mut self, row: u32, claims: Vec<ClaimId>) {
        if claims.is_empty() {
            return;
        }
        let last = self.len().checked_sub(1).map(|last| self.number(last));
        for blank in last.map_or(0, |last| last + 1)..=row {
            self.push(blank, &[], Vec::new());
        }
        self.claims.insert(row, claims);
    }

    /// Blank rows at the end go.
    pub fn trim(&mut self) {
        while let Some(last) = self.len().checked_sub(1)
            && self.cells.get(last).is_empty()
            && !self.claims.contains_key(&self.number(last))
        {
            self.cells.pop();
            self.runs.retain(|(at, _)| *at < last);
        }
    }

    /// The number of the row at this place.
    pub fn number(&self, at: usize) -> u32 {
        let run = self.runs.partition_point(|(first, _)| *first <= at);
        let (place, row) = run.checked_sub(1).map_or((0, 0), |run| self.runs[run]);
        row + (at - place) as u32
    }

    /// The cells of the row at this place, from column A on.
    pub fn cells(&self, at: usize) -> Vec<GridCell> {
        unpack(self.cells.get(at))
    }

    /// The claims on the row of this number.
    pub fn claims(&self, row: u32) -> &[ClaimId] {
        self.claims.get(&row).map_or(&[], Vec::as_slice)
    }

    /// The numbers of the rows with claims.
    pub fn claimed(&self) -> impl Iterator<Item = u32> + '_ {
        self.claims.keys().copied()
    }

    /// The place of the row of this number.
    pub fn place(&self, row: u32) -> Option<usize> {
        let run = self.runs.partition_point(|(_, first)| *first <= row).checked_sub(1)?;
        let (place, first) = self.runs[run];
        let at = place + (row - first) as usize;
        let end = self.runs.get(run + 1).map_or(self.len(), |(place, _)| *place);
        (at < end).then_some(at)
    }

    /// The row at this place.
    pub fn get(&self, at: usize) -> Option<GridRow> {
        (at < self.len()).then(|| {
            let row = self.number(at);
            GridRow { row, cells: self.cells(at), claims: self.claims(row).to_vec() }
        })
    }

    /// The rows, one unpacked after the other.
    pub fn iter(&self) -> impl Iterator<Item = GridRow> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

impl FromIterator<GridRow> for GridRows {
    fn from_iter<I: IntoIterator<Item = GridRow>>(rows: I) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.push(row.row, &row.cells, row.claims);
        }
        all
    }
}

const BLANK: u8 = 0;
const WHOLE: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;
const FALSE: u8 = 4;
const TRUE: u8 = 5;
const ERROR: u8 = 6;
const KIND: u8 = 7;

/// A formula follows the value.
const FORMULA: u8 = 8;

/// Beyond it not every double is a number of its own.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

fn pack(cells: &[GridCell], bytes: &mut Vec<u8>) {
    let end = cells.iter().rposition(|cell| *cell != GridCell::BLANK).map_or(0, |last| last + 1);
    for cell in &cells[..end] {
        let formula = if cell.formula.is_some() { FORMULA } else { 0 };
        match &cell.value {
            Cell::Blank => bytes.push(BLANK | formula),
            Cell::Number(x) if x.get().fract() == 0.0 && x.get().abs() < LARGEST_WHOLE => {
                bytes.push(WHOLE | formula);
                let n = x.get() as i64;
                put_number((n << 1 ^ n >> 63) as u64, bytes);
            }
            Cell::Number(x) => {
                bytes.push(NUMBER | formula);
                bytes.extend(x.get().to_le_bytes());
            }
            Cell::Text(s) => put_text(TEXT | formula, s, bytes),
            Cell::Bool(b) => bytes.push(if *b { TRUE } else { FALSE } | formula),
            Cell::Error(s) => put_text(ERROR | formula, s, bytes),
        }
        if let Some(formula) = &cell.formula {
            put_text(TEXT, formula, bytes);
        }
    }
}

fn unpack(mut bytes: &[u8]) -> Vec<GridCell> {
    let mut cells = Vec::new();
    while let Some(tag) = take_byte(&mut bytes) {
        let value = match tag & KIND {
            WHOLE => {
                let n = take_number(&mut bytes);
                Cell::number(((n >> 1) as i64 ^ -((n & 1) as i64)) as f64)
            }
            NUMBER => {
                let (number, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
                bytes = rest;
                Cell::Number(Real::new(f64::from_le_bytes(*number)))
            }
            TEXT => Cell::Text(take_text(&mut bytes)),
            FALSE => Cell::Bool(false),
            TRUE => Cell::Bool(true),
            ERROR => Cell::Error(take_text(&mut bytes)),
            _ => Cell::Blank,
        };
        let formula = (tag & FORMULA > 0).then(|| {
            take_byte(&mut bytes);
            take_text(&mut bytes)
        });
        cells.push(GridCell { value, formula });
    }
    cells
}

fn put_text(tag: u8, text: &str, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    put_number(text.len() as u64, bytes);
    bytes.extend(text.as_bytes());
}

fn take_text(bytes: &mut &[u8]) -> String {
    let length = take_number(bytes) as usize;
    let (text, rest) = bytes.split_at_checked(length).unwrap_or((*bytes, &[]));
    *bytes = rest;
    std::str::from_utf8(text).unwrap_or_default().to_owned()
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn put_number(mut n: u64, bytes: &mut Vec<u8>) {
    while n > 0x7f {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

fn take_number(bytes: &mut &[u8]) -> u64 {
    let (mut n, mut shift) = (0, 0);
    while let Some(byte) = take_byte(bytes) {
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    n
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = GridCell> {
        let whole =
            prop_oneof![-200..200_i64, any::<i64>(), Just(1 << 53), Just((1 << 53) - 1), Just(-(1 << 53)),];
        let value = prop_oneof![
            Just(Cell::Blank),
            whole.prop_map(|n| Cell::number(n as f64)),
            any::<f64>().prop_filter("a number", |x| x.is_finite()).prop_map(Cell::number),
            ".{0,200}".prop_map(Cell::Text),
            any::<bool>().prop_map(Cell::Bool),
            Just(Cell::Error("#N/A".into())),
        ];
        (value, prop::option::weighted(0.2, "=.{0,5}"))
            .prop_map(|(value, formula)| GridCell { value, formula })
    }

    fn rows() -> impl Strategy<Value = Vec<GridRow>> {
        let row = (1..3_u32, prop::collection::vec(cell(), 0..6), 0..9_u64);
        prop::collection::vec(row, 0..40).prop_map(|rows| {
            let mut at = 0;
            let row = |(step, mut cells, claim): (u32, Vec<GridCell>, u64)| {
                at += step;
                while cells.last() == Some(&GridCell::BLANK) {
                    cells.pop();
                }
                GridRow {
                    row: at - 1,
                    cells,
                    claims: (claim > 7).then_some(ClaimId(claim)).into_iter().collect(),
                }
            };
            rows.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn rows_come_back(rows in rows(), split in 0..40_usize) {
            let packed: GridRows = rows.iter().cloned().collect();
            prop_assert!(packed.iter().eq(rows.iter().cloned()));
            for number in 0..rows.last().map_or(3, |row| row.row + 3) {
                prop_assert_eq!(packed.place(number), rows.iter().position(|row| row.row == number));
            }
            // Put together of two parts, each numbered from nought.
            let (one, other) = rows.split_at(split.min(rows.len()));
            let mut joined = GridRows::default();
            for part in [one, other] {
                let first = part.first().map_or(0, |row| row.row);
                let numbered = part.iter().cloned().map(|row| GridRow { row: row.row - first, ..row });
                joined.append(first, numbered.collect());
            }
            prop_assert!(joined.iter().eq(rows));
        }
    }

    #[test]
    fn a_claim_below_the_last_row_stands_on_a_blank_one() {
        let mut rows = GridRows::default();
        rows.push(0, &[GridCell::plain(Cell::Bool(true))], Vec::new());
        rows.push(1, &[], Vec::new());
        rows.claim(3, vec![ClaimId(7)]);
        rows.push(4, &[GridCell::BLANK], Vec::new());
        rows.trim();
        let claims: Vec<usize> = rows.iter().map(|row| row.claims.len()).collect();
        assert_eq!(claims, [0, 0, 0, 1], "the blank last row is gone");
    }
}
