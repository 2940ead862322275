//! How many bytes a batch comes to on the wire: never fewer than it does, and not many more.
//!
//! The engine stops drafting by this, so that no request is built that would be too large to send, and none is sent half empty
//! because of a guess. `sheet::request` holds what it encodes against it.
//!
//! New rows that stand together can go as plain values, in a call of their own that comes before the batch (`sheet::stage`): a
//! fifth of the bytes. Both sides ask this module where that pays, and weigh the two requests apart.

use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridOp};
use crate::model::link::SheetId;

/// What one request may come to before it is full. Google recommends no more than 2 MB; what is left is for the last row.
pub const FULL: usize = 1_500_000;

/// Typed cells of neighbouring new rows from which on a call of their own pays: it costs a second of the quota, a megabyte about
/// a second of Google's time.
const HEAVY: usize = 700_000;

/// The token, the helper tab's size and stamp, and what goes around the requests.
const ENVELOPE: usize = 800;

/// One `copyPaste`.
const COPY: usize = 310;

/// One `updateCells` without its cells.
const FILL: usize = 140;

/// One row of it without its cells.
const ROW: usize = 14;

/// One `insertDimension`.
const INSERT: usize = 160;

/// What a row that goes takes: its slot cleared, the copy into it, the delete, the range that is read back.
const DELETE: usize = 240 + COPY + 140 + 40;

/// Metadata made or deleted.
const METADATA: usize = 300;

/// The weight of a batch in the making.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    batch: usize,
    plain: usize,
    tabs: Vec<SheetId>,
    /// The row of which the last receipt is taken: its neighbour shares the request.
    copied: Option<(SheetId, u32)>,
    written: Fills,
    run: Option<Run>,
}

/// Typed cells of one row after the other. It has the last one's columns: a neighbour below that fills the same ones shares its
/// requests.
#[derive(Clone, Debug, Default)]
struct Fills(Option<(SheetId, u32, Vec<u32>)>);

impl Fills {
    fn add<'a>(
        &mut self,
        (sheet, row): (SheetId, u32),
        cells: impl Iterator<Item = &'a (u32, GridCell)> + Clone,
    ) -> usize {
        let columns = columns(cells.clone());
        let shared = self
            .0
            .as_ref()
            .is_some_and(|(of, above, those)| (*of, above + 1) == (sheet, row) && *those == columns);
        let requests = if shared { 0 } else { FILL * ranges(&columns) };
        self.0 = Some((sheet, row, columns));
        requests + typed(cells)
    }
}

/// New rows that stand together and fill the same columns.
#[derive(Clone, Debug)]
struct Run {
    sheet: SheetId,
    next: u32,
    columns: Vec<u32>,
    /// Their cells, typed.
    typed: usize,
    /// Of those, what goes typed in any case.
    apart: usize,
    fills: Fills,
}

impl Weight {
    /// Takes one more request, in the batch's order.
    pub fn add(&mut self, op: &GridOp) {
        match op {
            GridOp::Write { sheet, row, cells } => {
                self.receipt(*sheet, *row);
                self.batch += self.written.add((*sheet, *row), cells.iter());
            }
            GridOp::Claim { sheet, row, .. } => {
                self.receipt(*sheet, *row);
                self.batch += METADATA;
            }
            GridOp::Unclaim { .. } => self.batch += METADATA,
            GridOp::Insert { sheet, at, cells } => self.insert(*sheet, *at, cells),
            GridOp::Restore { .. } => self.batch += INSERT + COPY,
            GridOp::Delete { sheet, .. } => {
                self.meet(*sheet);
                self.batch += DELETE;
            }
        }
    }

    /// Is there no room for one more?
    pub fn is_full(&self) -> bool {
        self.batch() >= FULL || self.plain >= FULL
    }

    /// The bytes of the batch itself.
    pub fn batch(&self) -> usize {
        ENVELOPE + self.batch
    }

    /// The bytes of the call before it that carries new rows as plain values, where they do not go typed.
    pub fn plain(&self) -> usize {
        ENVELOPE + self.plain
    }

    fn receipt(&mut self, sheet: SheetId, row: u32) {
        self.meet(sheet);
        let shared = self.copied == Some((sheet, row.wrapping_sub(1)));
        self.batch += if shared { 0 } else { COPY };
        self.copied = Some((sheet, row));
    }

    /// Of each tab that it touches the header row is copied.
    fn meet(&mut self, sheet: SheetId) {
        if !self.tabs.contains(&sheet) {
            self.tabs.push(sheet);
            self.batch += COPY;
        }
    }

    fn insert(&mut self, sheet: SheetId, at: u32, cells: &[(u32, GridCell)]) {
        self.plain += plain(cells);
        let goes_on =
            |run: &Run| (run.sheet, run.next) == (sheet, at) && run.columns == columns(cells.iter());
        let mut run = self.run.take().filter(goes_on).unwrap_or_else(|| {
            let columns = columns(cells.iter());
            self.batch += INSERT + FILL.max(COPY) * ranges(&columns);
            Run { sheet, next: at, columns, typed: 0, apart: 0, fills: Fills::default() }
        });
        let (was, mine) = (run.typed, typed(cells.iter()));
        let apart = run.fills.add((sheet, at), cells.iter().filter(|(_, cell)| goes_apart(cell)));
        (run.typed, run.apart, run.next) = (was + mine, run.apart + apart, at + 1);
        match (goes_plain(was), goes_plain(run.typed)) {
            (false, false) => self.batch += mine,
            (false, true) => self.batch = self.batch - was + run.apart,
            (true, _) => self.batch += apart,
        }
        self.run = Some(run);
    }
}

/// Do neighbouring new rows, whose cells come to so much where they are typed, go as plain values?
pub fn goes_plain(typed: usize) -> bool {
    typed >= HEAVY
}

/// Does a cell go typed although its row goes as plain values? What looks like a formula is not left to a copy of values: that it
/// stays a text there is documented nowhere.
pub fn goes_apart(cell: &GridCell) -> bool {
    cell.formula.is_some()
        || matches!(&cell.value, Cell::Text(text) | Cell::Error(text) if text.starts_with('='))
}

/// The cells of one row in an `updateCells`.
pub fn typed<'a>(cells: impl Iterator<Item = &'a (u32, GridCell)> + Clone) -> usize {
    let cell = |(_, cell): &(u32, GridCell)| match (&cell.formula, &cell.value) {
        (Some(formula), _) => 42 + escaped(formula),
        (None, Cell::Blank) => 3,
        (None, Cell::Number(x)) => 39 + number(x.get()),
        (None, Cell::Text(text) | Cell::Error(text)) => 42 + escaped(text),
        (None, Cell::Bool(_)) => 42,
    };
    ROW * ranges(&columns(cells.clone())) + cells.map(cell).sum::<usize>()
}

/// The same as plain values.
fn plain(cells: &[(u32, GridCell)]) -> usize {
    let cell = |(_, cell): &(u32, GridCell)| match &cell.value {
        Cell::Blank => 3,
        Cell::Number(x) => 1 + number(x.get()),
        Cell::Text(text) | Cell::Error(text) => 3 + escaped(text),
        Cell::Bool(_) => 6,
    };
    3 + cells.iter().map(cell).sum::<usize>()
}

fn columns<'a>(cells: impl Iterator<Item = &'a (u32, GridCell)>) -> Vec<u32> {
    cells.map(|(column, _)| *column).collect()
}

/// How many runs of neighbouring columns these are.
fn ranges(columns: &[u32]) -> usize {
    columns.chunk_by(|a, b| a + 1 == *b).count()
}

/// A text in JSON without its quotes.
fn escaped(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | 8 | 9 | 10 | 12 | 13 => 2,
        0..=31 => 6,
        _ => 1,
    };
    text.bytes().map(byte).sum()
}

/// A number in JSON: its digits where it has at most four behind the point, else the most that any has.
fn number(x: f64) -> usize {
    let ten_thousandths = (x.abs() * 1e4).round();
    if ten_thousandths >= 1e15 || (ten_thousandths / 1e4).to_bits() != x.abs().to_bits() {
        return 24;
    }
    let digits = (ten_thousandths as u64 / 10_000).checked_ilog10().map_or(1, |log| log as usize + 1);
    let behind = if x.fract() == 0.0 { 1 } else { 4 };
    usize::from(x < 0.0) + digits + 1 + behind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: u32, text: &str) -> GridOp {
        let cells = vec![
            (0, GridCell::plain(Cell::number(f64::from(at)))),
            (1, GridCell::plain(Cell::Text(text.into()))),
        ];
        GridOp::Insert { sheet: SheetId(0), at, cells }
    }

    #[test]
    fn scattered_rows_weigh_more_than_neighbours() {
        let weigh = |rows: &[u32]| {
            let mut weight = Weight::default();
            for row in rows {
                let cells = vec![(2, GridCell::plain(Cell::number(1.0)))];
                weight.add(&GridOp::Write { sheet: SheetId(0), row: *row, cells });
            }
            weight.batch()
        };
        assert!(weigh(&[5, 50, 500]) - weigh(&[5, 6, 7]) == 2 * (COPY + FILL));
    }

    #[test]
    fn many_new_rows_leave_the_batch_and_are_plain() {
        let (mut weight, mut most) = (Weight::default(), 0);
        for at in 1..12_000 {
            weight.add(&row(at, "a text of some length"));
            most = most.max(weight.batch());
        }
        assert!(most < HEAVY + 2 * ENVELOPE, "{most}");
        assert!(weight.batch() < 2 * ENVELOPE, "what is plain weighs nothing in the batch");
        assert!((300_000..500_000).contains(&weight.plain()), "{}", weight.plain());
    }

    #[test]
    fn numbers_have_as_many_bytes_as_json_gives_them_or_a_few_more() {
        for x in [0.0, -0.5, 7.0, 123.45, -12_345.75, 1e14, 1e15, 0.1 + 0.2, f64::MAX, -5e-324, 1e-7] {
            let (weighed, printed) = (number(x), serde_json::json!(x).to_string().len());
            assert!(weighed >= printed, "{x}: {weighed} < {printed}");
        }
        assert_eq!(number(123.0), "123.0".len());
    }
}
