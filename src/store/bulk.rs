//! Many rows in few statements.
//!
//! A statement's text names its number of rows, and the server prepares each text anew; so the sizes are few, and a list
//! of any length is a handful of statements that the connection's cache already knows.
//!
//! MariaDB writes the text of each statement into its binary log (annotate events), so the frequent ones carry no indentation.

use std::ops::Range;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Params, Value};

use crate::store::Result;

/// Largest first; with at most ten columns a row they stay far under the 65,535 parameters of a statement.
const SIZES: [usize; 5] = [1024, 256, 64, 8, 1];

/// Servers take packets of 16 MiB and more by default; a statement with several rows stays far below.
const MOST_BYTES: u64 = 4 << 20;

/// Rows of parameters for one statement text.
pub(super) struct Bulk<'a> {
    /// The placeholders of one row, such as `(?, ?)`.
    pub(super) row: &'a str,
    /// Parameters that stand before the rows in every statement.
    pub(super) fixed: Vec<Value>,
    /// The rows.
    pub(super) rows: Vec<Vec<Value>>,
}

impl Bulk<'_> {
    /// Executes; `text` makes a statement from the list of placeholders.
    pub(super) async fn run(self, conn: &mut impl Queryable, text: impl Fn(&str) -> String) -> Result<()> {
        for part in parts(&self.rows) {
            conn.exec_drop(text(&self.list(part.len())), self.params(part)).await?;
        }
        Ok(())
    }

    /// Queries; the rows of all statements in one list.
    pub(super) async fn fetch<T>(
        self,
        conn: &mut impl Queryable,
        text: impl Fn(&str) -> String,
    ) -> Result<Vec<T>>
    where
        T: FromRow + Send + 'static,
    {
        let mut found = Vec::new();
        for part in parts(&self.rows) {
            found.extend(conn.exec::<T, _, _>(text(&self.list(part.len())), self.params(part)).await?);
        }
        Ok(found)
    }

    fn list(&self, rows: usize) -> String {
        vec![self.row; rows].join(", ")
    }

    fn params(&self, part: Range<usize>) -> Params {
        let rows = self.rows[part].iter().flatten();
        Params::Positional(self.fixed.iter().chain(rows).cloned().collect())
    }
}

/// Cuts the rows into statements: the largest size that is filled and not too heavy; a single row always fits.
fn parts(rows: &[Vec<Value>]) -> Vec<Range<usize>> {
    let weights: Vec<u64> = rows.iter().map(|row| row.iter().map(Value::bin_len).sum()).collect();
    let mut parts = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let fits = |size: &usize| {
            weights.get(start..start + size).is_some_and(|part| part.iter().sum::<u64>() <= MOST_BYTES)
        };
        let size = SIZES.into_iter().find(fits).unwrap_or(1);
        parts.push(start..start + size);
        start += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: &[Vec<Value>]) -> Vec<usize> {
        parts(rows).into_iter().map(|part| part.len()).collect()
    }

    #[test]
    fn any_length_is_made_of_few_sizes() {
        let rows = vec![vec![Value::from(1)]; 1500];
        assert_eq!(sizes(&rows), [1024, 256, 64, 64, 64, 8, 8, 8, 1, 1, 1, 1]);
        assert!(sizes(&[]).is_empty());
    }

    #[test]
    fn heavy_rows_travel_in_small_parts_and_the_heaviest_alone() {
        let heavy = vec![Value::Bytes(vec![0; 1 << 20])];
        assert_eq!(sizes(&vec![heavy; 9]), [1; 9]);
        let huge = vec![Value::Bytes(vec![0; 5 << 20])];
        assert_eq!(sizes(&[huge]), [1]);
    }
}
