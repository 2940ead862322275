//! One link between the two languages: rows of the table in, rows of the engine out, and the same for the tab.

use std::sync::{Arc, Mutex, PoisonError};

use crate::database::read::key_of;
use crate::engine::input::{ColumnPlan, DbCell, DbRow, KeySeen, LinkPlan, ReceiptRow, RowView, TabView, Trouble};
use crate::model::cell::Cell;
use crate::model::grid::{GridCell, GridRow, TabRead};
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::model::rule::Direction;
use crate::model::schema::{Column, ColumnKind, TableSchema};
use crate::model::value::Value;
use crate::sheet::codec::{self, Context, Refusal};
use crate::sheet::layout::{Layout, LinkColumn, resolve};

/// Why a link cannot be worked on at all: the operator must mend it, the other links go on.
#[derive(Debug, thiserror::Error)]
pub enum UnfitLink {
    /// The configuration names a column that the table does not have.
    #[error("{table} has no column `{column}`: correct `columns` of the link")]
    NoColumn {
        /// The table.
        table: String,
        /// The missing column.
        column: String,
    },
    /// Rows cannot be told apart.
    #[error("{0} has no primary key: add one, a link cannot tell its rows apart without")]
    NoKey(String),
    /// A key column is of a type that cannot be a key here.
    #[error("{table}.{column} is part of the key and of a type that cannot identify a row ({kind})")]
    BadKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type.
        kind: String,
    },
    /// A column of a type that we do not carry.
    #[error("{table}.{column} has the type {kind}, which cannot be linked: leave it out of `columns`")]
    Unsupported {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type.
        kind: String,
    },
}

/// One link: its configuration, its table, and how both are shown.
#[derive(Debug)]
pub struct Table {
    /// The link as it is configured.
    pub link: crate::config::Link,
    /// The table as the server describes it.
    pub schema: Arc<TableSchema>,
    /// The plan that the engine works by.
    pub plan: LinkPlan,
    /// Per column of the link, its place in the table.
    places: Vec<usize>,
    /// The link's columns that make the key, in the key's own order.
    key: Vec<usize>,
    state: Mutex<Shown>,
}

/// How the link is shown, as far as the spreadsheet decides it.
#[derive(Clone, Debug, Default)]
struct Shown {
    sheet: Option<SheetId>,
    locale: String,
    time_zone: String,
    context: Option<Arc<Context>>,
}

impl Table {
    /// Fits the configured link to its table.
    pub fn new(link: crate::config::Link, schema: TableSchema) -> Result<Self, UnfitLink> {
        let table = schema.name.to_string();
        if schema.key.is_empty() {
            return Err(UnfitLink::NoKey(table));
        }
        for rule in &link.rules.columns {
            if schema.position(&rule.name).is_none() {
                return Err(UnfitLink::NoColumn { table, column: rule.name.clone() });
            }
        }
        let mut places = Vec::new();
        let mut columns = Vec::new();
        for (place, column) in schema.columns.iter().enumerate() {
            let key = schema.key.contains(&place);
            // Key columns are always linked: without them no row could be found.
            let rule = link.rules.column(&column.name).or_else(|| {
                key.then(|| crate::model::rule::ColumnRule {
                    name: column.name.clone(),
                    header: column.name.clone(),
                    policy: link.rules.policy,
                    direction: Direction::Both,
                })
            });
            let Some(mut rule) = rule else { continue };
            check_column(&table, column, key)?;
            if column.generated || (!schema.transactional && !key) {
                rule.direction = Direction::ToSheet;
            }
            places.push(place);
            columns.push(ColumnPlan { rule, key, required: !column.optional && !column.generated });
        }
        let of_place = |place: &usize| places.iter().position(|linked| linked == place);
        let key = schema.key.iter().filter_map(of_place).collect();
        let auto_key = schema.key.len() == 1 && schema.columns[schema.key[0]].auto_increment;
        let plan = LinkPlan { rules: link.rules.clone(), columns, auto_key };
        Ok(Self { link, schema: Arc::new(schema), plan, places, key, state: Mutex::new(Shown::default()) })
    }

    /// The tab, once it is known.
    pub fn sheet(&self) -> Option<SheetId> {
        self.shown().sheet
    }

    /// Locale and time zone, once they are known.
    pub fn manner(&self) -> Option<(String, String)> {
        let shown = self.shown();
        shown.context.is_some().then_some((shown.locale, shown.time_zone))
    }

    /// Tells how the link is shown from now on.
    ///
    /// # Errors
    /// A time zone that nobody knows.
    pub fn show(&self, sheet: SheetId, locale: &str, time_zone: &str) -> Result<(), codec::UnknownZone> {
        let zone = self.link.time_zone.as_deref().unwrap_or(time_zone);
        let context = Some(Arc::new(Context::new(locale, zone)?));
        let (locale, time_zone) = (locale.to_owned(), time_zone.to_owned());
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) =
            Shown { sheet: Some(sheet), locale, time_zone, context };
        Ok(())
    }

    fn shown(&self) -> Shown {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn context(&self) -> Arc<Context> {
        self.shown().context.unwrap_or_else(|| Arc::new(Context::default()))
    }

    /// The table's column behind a column of the link.
    pub fn column(&self, at: usize) -> &Column {
        &self.schema.columns[self.places[at]]
    }

    /// The table's place of a column of the link.
    pub fn place(&self, at: usize) -> usize {
        self.places[at]
    }

    /// The link's columns as the sheet edge wants them.
    pub fn link_columns(&self) -> Vec<LinkColumn> {
        let column = |(at, plan): (usize, &ColumnPlan)| LinkColumn {
            anchor: format!("{}.{}", self.link.rules.name, plan.rule.name),
            header: plan.rule.header.clone(),
            column: self.column(at).clone(),
            key: plan.key,
        };
        self.plan.columns.iter().enumerate().map(column).collect()
    }

    /// The key of a row of the table.
    pub fn key(&self, row: &[Value]) -> Key {
        key_of(&self.schema, row)
    }

    /// The key of a row image; `None` where the image does not carry all of it.
    pub fn key_of_image(&self, image: &[Option<Value>]) -> Option<Key> {
        let filled: Vec<Value> = image.iter().map(|value| value.clone().unwrap_or(Value::Null)).collect();
        let whole = self.schema.key.iter().all(|place| image.get(*place).is_some_and(Option::is_some));
        whole.then(|| key_of(&self.schema, &filled))
    }

    /// A row of the table as the engine takes it.
    pub fn row(&self, row: &[Value]) -> DbRow {
        let context = self.context();
        let cell = |place: &usize| {
            let value = row.get(*place).cloned().unwrap_or(Value::Null);
            DbCell { shown: codec::shown(&self.schema.columns[*place], &value, &context), value }
        };
        self.places.iter().map(cell).collect()
    }

    /// A row image as the engine takes it; `None` where it lacks a linked column.
    pub fn row_of_image(&self, image: &[Option<Value>]) -> Option<DbRow> {
        let whole = self.places.iter().all(|place| image.get(*place).is_some_and(Option::is_some));
        let filled: Vec<Value> = image.iter().map(|value| value.clone().unwrap_or(Value::Null)).collect();
        whole.then(|| self.row(&filled))
    }

    /// The value that a cell means in a column of the link.
    ///
    /// # Errors
    /// The sentence for the person who typed it.
    pub fn meaning(&self, at: usize, cell: &Cell) -> Result<Value, Refusal> {
        codec::meaning(self.column(at), cell, &self.context())
    }

    /// The cell that shows a value in a column of the link.
    pub fn show_value(&self, at: usize, value: &Value) -> Cell {
        codec::shown(self.column(at), value, &self.context())
    }

    /// The cells that show a key, with the link's columns that they stand in.
    pub fn key_cells(&self, key: &Key) -> Vec<(usize, Cell)> {
        self.key.iter().zip(&key.0).map(|(at, value)| (*at, self.show_value(*at, value))).collect()
    }

    /// A tab as the engine takes it.
    pub fn view(&self, tab: &TabRead) -> Result<TabView, Trouble> {
        let header = tab.rows.first().map(|row| row.cells.as_slice()).unwrap_or_default();
        let layout = self.layout(header, tab)?;
        let last = layout.columns.iter().copied().max().unwrap_or(0);
        if tab.merges.iter().any(|(_, end, first, _)| *end > 1 && *first <= last) {
            let reason = format!("{} has merged cells among the linked columns: unmerge them", tab.title);
            return Err(Trouble { reason });
        }
        let rows = tab.rows.iter().enumerate().skip(1);
        let rows = rows.map(|(at, row)| self.row_view(&layout, at as u32, row)).collect();
        Ok(TabView { sheet: tab.sheet, columns: layout.columns, rows })
    }

    fn layout(&self, header: &[GridCell], tab: &TabRead) -> Result<Layout, Trouble> {
        resolve(header, &tab.anchors, &self.link_columns())
            .map_err(|fault| Trouble { reason: format!("tab `{}`: {fault}", tab.title) })
    }

    fn row_view(&self, layout: &Layout, row: u32, seen: &GridRow) -> RowView {
        let cells: Vec<GridCell> = layout
            .columns
            .iter()
            .map(|column| seen.cells.get(*column as usize).cloned().unwrap_or(GridCell::BLANK))
            .collect();
        RowView { row, key: self.key_seen(&cells), cells, claims: seen.claims.clone() }
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

    fn layout_of_receipt(&self, header: &[GridCell], tab: &TabRead) -> Option<Layout> {
        let before = tab.rows.first().map(|row| row.cells.as_slice()).unwrap_or_default();
        // The same header: anchors count as well. Another one: only its texts tell.
        let anchors = if trimmed(before) == trimmed(header) { tab.anchors.as_slice() } else { &[] };
        resolve(header, anchors, &self.link_columns()).ok()
    }

    fn key_seen(&self, cells: &[GridCell]) -> KeySeen {
        let parts: Vec<&GridCell> = self.key.iter().filter_map(|at| cells.get(*at)).collect();
        if parts.iter().all(|cell| cell.value.is_blank()) {
            return KeySeen::Blank;
        }
        let mut row = vec![Value::Null; self.schema.columns.len()];
        for (at, cell) in self.key.iter().zip(parts) {
            match self.meaning(*at, &cell.value) {
                Ok(value) if !value.is_null() => row[self.places[*at]] = value,
                _ => return KeySeen::Unreadable,
            }
        }
        KeySeen::Key(key_of(&self.schema, &row))
    }
}

fn trimmed(cells: &[GridCell]) -> &[GridCell] {
    let end = cells.iter().rposition(|cell| !cell.value.is_blank()).map_or(0, |last| last + 1);
    &cells[..end]
}

fn check_column(table: &str, column: &Column, key: bool) -> Result<(), UnfitLink> {
    let (table, name) = (table.to_owned(), column.name.clone());
    match &column.kind {
        ColumnKind::Unsupported(kind) => {
            Err(UnfitLink::Unsupported { table, column: name, kind: kind.clone() })
        }
        kind @ (ColumnKind::Float | ColumnKind::Double | ColumnKind::Json) if key => {
            Err(UnfitLink::BadKey { table, column: name, kind: format!("{kind:?}") })
        }
        _ => Ok(()),
    }
}
