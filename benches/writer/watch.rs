//! What stands in the tab, seen the moment it changes.

use std::time::{Duration, Instant};

use sheets_emulator::Change;
use sheets_emulator::grid::Value;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::goods;
use crate::stage::{Link, Stage};

/// A look at one tab.
pub(crate) struct Watch<'a> {
    stage: &'a Stage,
    link: &'a Link,
    changes: Receiver<Change>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(stage: &'a Stage, link: &'a Link) -> Self {
        Self { stage, link, changes: stage.google.world().subscribe() }
    }

    /// Waits until the row, which stands where it was filled in, shows this stock. Gives the moment.
    pub(crate) async fn shows(&mut self, id: u32, stock: f64, patience: Duration) -> Option<Instant> {
        self.until(patience, |watch| watch.stock(id) == Some(stock)).await
    }

    /// Waits until every row shows what `expected` says. Gives the moment.
    pub(crate) async fn is_equal(
        &mut self,
        expected: impl Fn(u32) -> f64,
        patience: Duration,
    ) -> Option<Instant> {
        self.until(patience, |watch| watch.wrong(&expected) == 0).await
    }

    /// How many rows do not show what `expected` says, missing ones included.
    pub(crate) fn wrong(&self, expected: &impl Fn(u32) -> f64) -> u32 {
        let book = self.stage.book(self.link.book);
        let Some(tab) = book.tab(self.link.tab) else { return self.link.rows };
        let right = tab.rows.range(1, tab.row_count()).filter(|(_, row)| {
            let number = |at: u32| match row.get(at as usize).map(|cell| &cell.value) {
                Some(Value::Number(number)) => Some(*number),
                _ => None,
            };
            number(0).is_some_and(|id| number(goods::STOCK) == Some(expected(id as u32)))
        });
        self.link.rows.saturating_sub(right.count() as u32)
    }

    fn stock(&self, id: u32) -> Option<f64> {
        let book = self.stage.book(self.link.book);
        match book.tab(self.link.tab)?.cell(id, goods::STOCK).value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    async fn until(&mut self, patience: Duration, seen: impl Fn(&Self) -> bool) -> Option<Instant> {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let now = Instant::now();
            if seen(self) {
                return Some(now);
            }
            match tokio::time::timeout_at(end, self.changes.recv()).await {
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => return None,
            }
        }
    }
}
