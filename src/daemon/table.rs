//! One link between the two languages: rows of the table in, rows of the engine out, and the same for the tab.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::settings::Link;
use crate::daemon::soft::{Soft, UnfitMark};
use crate::database::Image;
use crate::database::key::{canonical, key_of, key_of_image};
use crate::engine::filter;
use crate::engine::input::{
    ColumnPlan, DbCell, DbRow, DbState, KeySeen, LinkPlan, ReceiptRow, RowView, TabView, Trouble,
};
use crate::model::cell::Cell;
use crate::model::filter::{Condition, Filter, UnfitCondition};
use crate::model::grid::{Anchor, GridCell, GridRow, TabRead};
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::model::rule::{Deletes, Direction};
use crate::model::schema::{Column, ColumnKind, TableSchema};
use crate::model::value::Value;
use crate::sheet::codec::{self, Context, Refusal};
use crate::sheet::layout::{Layout, LayoutFault, layout};
use xxhash_rust::xxh3::xxh3_64;

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
    /// The column of a soft delete cannot be one.
    #[error("{table}: `deletes` names `{column}` as its `soft` column: {why}")]
    Soft {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why.
        why: UnfitMark,
    },
    /// A condition of the filter that the table cannot answer.
    #[error("{table}: the link's `filter` does not fit: {why}")]
    Filter {
        /// The table.
        table: String,
        /// What is wrong.
        why: UnfitCondition,
    },
    /// A time zone that neither we nor the system know.
    #[error("the time zone `{0}` is unknown: correct it, or install the system's time zones (tzdata)")]
    Zone(String),
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
    pub link: Link,
    /// The table as the server describes it.
    pub schema: Arc<TableSchema>,
    /// The plan that the engine works by.
    pub plan: LinkPlan,
    /// Per column of the link, its place in the table.
    places: Vec<usize>,
    /// The link's columns that make the key, in the key's own order.
    key: Vec<usize>,
    /// Which rows the tab shows.
    pub filter: Filter,
    /// How a record is marked whose line was deleted, under `deletes = { soft }`.
    pub soft: Option<Soft>,
    state: Mutex<Shown>,
    plain: Arc<Context>,
    /// How many rows the table has, as the server guesses.
    pub estimate: u64,
    /// Its tab in an earlier run.
    pub remembered: Option<SheetId>,
}

/// How the link is shown, as far as the spreadsheet decides it.
#[derive(Clone, Debug, Default)]
struct Shown {
    sheet: Option<SheetId>,
    locale: String,
    time_zone: String,
    context: Option<Arc<Context>>,
    unready: Option<String>,
}

impl Table {
    /// Fits the configured link to its table.
    pub fn new(link: Link, schema: TableSchema) -> Result<Self, UnfitLink> {
        let table = schema.name.to_string();
        if schema.key.is_empty() {
            return Err(UnfitLink::NoKey(table));
        }
        for rule in &link.rules.columns {
            if schema.position(&rule.name).is_none() {
                return Err(UnfitLink::NoColumn { table, column: rule.name.clone() });
            }
        }
        let soft = soft(&table, &link.rules.deletes, &schema)?;
        let filter = Filter::fit(&conditions(&link), &schema)
            .map_err(|why| UnfitLink::Filter { table: table.clone(), why })?;
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
        let utc = Arc::new(Context::new("en_US", "Etc/UTC").map_err(|zone| UnfitLink::Zone(zone.0))?);
        let state = Mutex::new(Shown::default());
        Ok(Self {
            link,
            schema: Arc::new(schema),
            plan,
            places,
            key,
            filter,
            soft,
            state,
            plain: utc,
            estimate: 0,
            remembered: None,
        })
    }

    /// Of everything that base depends on but the spreadsheet: another one means that base is made anew.
    pub fn fingerprint(&self) -> u64 {
        let columns: Vec<&Column> = (0..self.places.len()).map(|at| self.column(at)).collect();
        let meaning = format!("{}\n{}\n{columns:?}", self.link.fingerprint(), codec::CODEC_VERSION);
        xxh3_64(meaning.as_bytes())
    }

    /// Of the filter: another one means that the whole table is read, and base stays.
    pub fn filter_print(&self) -> u64 {
        if self.filter.0.is_empty() { 0 } else { xxh3_64(format!("{:?}", conditions(&self.link)).as_bytes()) }
    }

    /// The tab that the link had when it last ran.
    pub fn known_sheet(&self) -> Option<SheetId> {
        self.sheet().or(self.remembered)
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
            Shown { sheet: Some(sheet), locale, time_zone, context, unready: None };
        Ok(())
    }

    /// Why its tab cannot be made ready, if it cannot.
    pub fn unready(&self) -> Option<String> {
        let shown = self.shown();
        shown.unready.or_else(|| shown.sheet.is_none().then(|| "its tab is not ready yet".to_owned()))
    }

    /// Tells why its tab cannot be made ready.
    pub fn set_unready(&self, reason: String) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).unready = Some(reason);
    }

    fn shown(&self) -> Shown {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Before the spreadsheet is known rows are shown in UTC: nobody writes them anywhere then.
    fn context(&self) -> Arc<Context> {
        self.shown().context.unwrap_or_else(|| Arc::clone(&self.plain))
    }

    /// The table's column behind a column of the link.
    pub fn column(&self, at: usize) -> &Column {
        &self.schema.columns[self.places[at]]
    }

    /// The table's place of a column of the link.
    pub fn place(&self, at: usize) -> usize {
        self.places[at]
    }

    /// The link's columns as the tab names them.
    pub fn headed_columns(&self) -> Vec<Column> {
        let headed = |(at, plan): (usize, &ColumnPlan)| Column {
            name: plan.rule.header.clone(),
            ..self.column(at).clone()
        };
        self.plan.columns.iter().enumerate().map(headed).collect()
    }

    /// The header texts of the key columns, in the key's order.
    pub fn key_headers(&self) -> Vec<&str> {
        self.key.iter().map(|at| self.plan.columns[*at].rule.header.as_str()).collect()
    }

    /// Where the link's status column stands, if it has one and the tab shows its header once.
    pub fn status_column(&self, tab: &TabRead) -> Option<u32> {
        let name = self.link.status_column.as_ref()?;
        let header = tab.rows.first()?;
        let titled = |cell: &GridCell| matches!(&cell.value, Cell::Text(text) if text.trim() == name.trim());
        let mut found =
            (0u32..).zip(&header.cells).filter(|(_, cell)| titled(cell)).map(|(column, _)| column);
        found.next().filter(|_| found.next().is_none())
    }

    /// The key of a row of the table.
    pub fn key(&self, row: &[Value]) -> Key {
        key_of(&self.schema, row)
    }

    /// The key of a row image; `None` where the image does not carry all of it.
    pub fn key_of_image(&self, image: &Image) -> Option<Key> {
        key_of_image(&self.schema, image)
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

    /// The places in the table of what must be known of a row: the link's columns, and those that its filter asks.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.places.iter().copied().chain(self.filter.places())
    }

    /// True when the tab shows a row with these values.
    pub fn admits(&self, row: &[Value]) -> bool {
        filter::admits(&self.filter, row)
    }

    /// What a row of the table is to the link.
    pub fn state(&self, row: &[Value]) -> DbState {
        let shown = self.row(row);
        if self.admits(row) { DbState::Row(shown) } else { DbState::Outside(shown) }
    }

    /// What the row of an image is to the link; `None` where the image lacks a column that has to be known.
    pub fn state_of_image(&self, image: &Image) -> Option<DbState> {
        self.places()
            .all(|place| image.get(place).is_some_and(Option::is_some))
            .then(|| self.state(&filled(image)))
    }

    /// A row image as the engine takes it; `None` where it lacks a linked column.
    pub fn row_of_image(&self, image: &Image) -> Option<DbRow> {
        let whole = self.places.iter().all(|place| image.get(*place).is_some_and(Option::is_some));
        whole.then(|| self.row(&filled(image)))
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
        let header = header(tab);
        let layout = self.layout(header, tab)?;
        let last = layout.columns.iter().copied().max().unwrap_or(0);
        if tab.merges.iter().any(|(_, end, first, _)| *end > 1 && *first <= last) {
            let reason = format!("{} has merged cells among the linked columns: unmerge them", tab.title);
            return Err(Trouble { reason });
        }
        let rows = tab.rows.iter().filter(|row| row.row > 0);
        let rows = rows.map(|row| self.row_view(&layout, row)).collect();
        Ok(TabView { sheet: tab.sheet, columns: layout.columns, rows })
    }

    fn layout(&self, header: &[GridCell], tab: &TabRead) -> Result<Layout, Trouble> {
        self.resolve(header, &tab.anchors)
            .map_err(|fault| Trouble { reason: format!("tab `{}`: {fault}", tab.title) })
    }

    fn resolve(&self, header: &[GridCell], anchors: &[Anchor]) -> Result<Layout, LayoutFault> {
        let columns: Vec<&str> = self.plan.columns.iter().map(|column| column.rule.header.as_str()).collect();
        layout(header, anchors, &self.link.rules.name, &columns, &self.key_headers())
    }

    fn row_view(&self, layout: &Layout, seen: &GridRow) -> RowView {
        let cells: Vec<GridCell> = layout
            .columns
            .iter()
            .map(|column| seen.cells.get(*column as usize).cloned().unwrap_or(GridCell::BLANK))
            .collect();
        RowView { row: seen.row, key: self.key_seen(&cells), cells, claims: seen.claims.clone() }
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
        let before = self::header(tab);
        match self.resolve(before, &tab.anchors) {
            Ok(layout) => Some(layout.followed(before, header)),
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

/// The filter of a link, soft deletes in it.
fn conditions(link: &Link) -> Vec<Condition> {
    link.filter.iter().cloned().chain(link.rules.deletes.condition()).collect()
}

fn soft(table: &str, deletes: &Deletes, schema: &TableSchema) -> Result<Option<Soft>, UnfitLink> {
    let Deletes::Soft { column, mark } = deletes else { return Ok(None) };
    let unfit = |why| UnfitLink::Soft { table: table.to_owned(), column: column.clone(), why };
    Soft::fit(column, mark, schema).map(Some).map_err(unfit)
}

fn filled(image: &Image) -> Vec<Value> {
    image.iter().map(|value| value.clone().unwrap_or(Value::Null)).collect()
}

fn header(tab: &TabRead) -> &[GridCell] {
    tab.rows.first().filter(|row| row.row == 0).map(|row| row.cells.as_slice()).unwrap_or_default()
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
