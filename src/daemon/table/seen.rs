//! What a read of the tab, or a batch's receipt, shows of the link: its columns by the header, each row's key.

use std::collections::BTreeMap;

use super::Table;
use crate::database::key::canonical;
use crate::engine::input::{KeySeen, ReceiptRow, TabView, Trouble};
use crate::engine::row_views::RowViews;
use crate::model::cell::Cell;
use crate::model::grid::{Anchor, GridCell, TabRead};
use crate::model::key::Key;
use crate::sheet::layout::{Layout, LayoutFault, layout};

impl Table {
    /// Where the link's status column stands, if it has one and the tab shows its header once.
    pub fn status_column(&self, tab: &TabRead) -> Option<u32> {
        let name = self.link.status_column.as_ref()?;
        let titled = |cell: &GridCell| matches!(&cell.value, Cell::Text(text) if text.trim() == name.trim());
        let mut found = (0u32..).zip(&tab.header).filter(|(_, cell)| titled(cell)).map(|(column, _)| column);
        found.next().filter(|_| found.next().is_none())
    }

    /// A tab as the engine takes it.
    pub fn view(&self, tab: &TabRead) -> Result<TabView, Trouble> {
        let layout = self.layout(tab)?;
        let last = layout.columns.iter().copied().max().unwrap_or(0);
        if tab.merges.iter().any(|(_, end, first, _)| *end > 1 && *first <= last) {
            let reason = format!("{} has merged cells among the linked columns: unmerge them", tab.title);
            return Err(Trouble { reason });
        }
        let (sheet, columns) = (tab.sheet, layout.columns);
        let rows = RowViews::of(&tab.rows, &columns, |cells| self.key_seen(cells));
        Ok(TabView { sheet, columns, rows, spelled: BTreeMap::new() })
    }

    /// Where the key's columns stand in the grid; nowhere where the header does not tell it.
    pub fn key_columns(&self, tab: &TabRead) -> Vec<u32> {
        let layout = self.layout(tab).ok();
        layout.iter().flat_map(|layout| layout.key.iter().map(|at| layout.columns[*at])).collect()
    }

    fn layout(&self, tab: &TabRead) -> Result<Layout, Trouble> {
        self.resolve(&tab.header, &tab.anchors)
            .map_err(|fault| Trouble { reason: format!("tab `{}`: {fault}", tab.title) })
    }

    fn resolve(&self, header: &[GridCell], anchors: &[Anchor]) -> Result<Layout, LayoutFault> {
        let columns: Vec<&str> = self.plan.columns.iter().map(|column| column.rule.header.as_str()).collect();
        layout(header, anchors, &self.link.rules.name, &columns, &self.key_headers())
    }

    /// A row of a receipt, read by the header of the same receipt: a column that moved in between is found where it was hit.
    pub fn receipt_row(&self, header: &[GridCell], tab: &TabRead, cells: Vec<GridCell>) -> ReceiptRow {
        let key = match self.layout_of_receipt(header, tab) {
            Some(layout) => {
                let linked: Vec<GridCell> = layout
                    .columns
                    .iter()
                    .map(|column| cells.get(*column as usize).cloned().unwrap_or(GridCell::BLANK))
                    .collect();
                self.key_seen(&linked)
            }
            None => KeySeen::Unreadable,
        };
        ReceiptRow { key, cells }
    }

    /// By the columns of the read that the batch rests on, followed to where the receipt's header shows them. If that read does
    /// not tell them, its anchors do, with the receipt's own header.
    fn layout_of_receipt(&self, header: &[GridCell], tab: &TabRead) -> Option<Layout> {
        match self.resolve(&tab.header, &tab.anchors) {
            Ok(layout) => Some(layout.followed(&tab.header, header)),
            Err(_) => self.resolve(header, &tab.anchors).ok(),
        }
    }

    fn key_seen(&self, cells: &[GridCell]) -> KeySeen {
        let parts: Vec<&GridCell> = self.key.iter().filter_map(|at| cells.get(*at)).collect();
        if parts.iter().all(|cell| cell.value.is_blank()) {
            return KeySeen::Blank;
        }
        let mut values = Vec::with_capacity(parts.len());
        for (at, cell) in self.key.iter().zip(parts) {
            match self.meaning(*at, &cell.value) {
                Ok(value) if !value.is_null() => values.push(value),
                _ => return KeySeen::Unreadable,
            }
        }
        KeySeen::Key(canonical(&self.schema, &Key(values)))
    }
}
