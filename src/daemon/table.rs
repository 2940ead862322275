//! One link between the two languages: rows of the table in, rows of the engine out, and the same for the tab.

mod seen;
mod unfit;

use std::sync::Arc;

use crate::config::rule::Rule;
use crate::config::settings::Link;
use crate::daemon::columns::{self, Changes, Known};
use crate::daemon::own_rule;
use crate::daemon::perform::Memory;
use crate::daemon::showing::{Showing, Shown};
use crate::daemon::soft::Soft;
use crate::database::Image;
use crate::database::key::{key_of, key_of_image};
use crate::database::spelling;
use crate::engine::filter;
use crate::engine::input::{ColumnPlan, DbCell, DbRow, DbState, LinkPlan};
use crate::model::cell::Cell;
use crate::model::filter::{Condition, Filter};
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::model::pause::Pause;
use crate::model::position::Position;
use crate::model::rule::{Deletes, Direction, KeyEdits};
use crate::model::schema::{Column, TableSchema};
use crate::model::value::Value;
use crate::sheet::codec::{self, Context, Refusal};
use crate::sheet::setup::TabChanges;
use xxhash_rust::xxh3::xxh3_64;

pub use self::unfit::UnfitLink;

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
    showing: Showing,
    /// How many rows the table has, as the server guesses.
    pub estimate: u64,
    /// How often its table was to be read whole when this run began.
    pub asked: u64,
    /// Its tab in an earlier run.
    pub remembered: Option<SheetId>,
    /// What became of its columns since an earlier run.
    pub changes: Changes,
    /// Why it stands still from the start on: its tab is not touched.
    pub stopped: Option<Pause>,
    /// What the stream tells up to here an operator has seen before he let the link go on.
    pub looked_at: Option<Position>,
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
        unfit::check_match(&table, &link.rules, &schema)?;
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
            unfit::check_column(&table, column, key)?;
            if column.generated || (!schema.transactional && !key) {
                rule.direction = Direction::ToSheet;
            }
            places.push(place);
            let required = !column.optional && !column.generated;
            columns.push(ColumnPlan { rule, key, required, own: None });
        }
        let showing = Showing::new().map_err(|zone| UnfitLink::Zone(zone.0))?;
        let linked: Arc<[Column]> = places.iter().map(|place| schema.columns[*place].clone()).collect();
        for (at, plan) in columns.iter_mut().enumerate() {
            plan.own = own_rule::serve(&link, &table, at, &linked, &showing)?;
        }
        let of_place = |place: &usize| places.iter().position(|linked| linked == place);
        let key = schema.key.iter().filter_map(of_place).collect();
        let auto_key = schema.key.len() == 1 && schema.columns[schema.key[0]].auto_increment;
        let mut rules = link.rules.clone();
        if !schema.transactional || schema.key.iter().any(|at| schema.columns[*at].generated) {
            rules.key_edits = KeyEdits::Refuse;
        }
        let plan = LinkPlan { rules, columns, auto_key, loose_keys: spelling::is_loose(&schema) };
        Ok(Self {
            link,
            schema: Arc::new(schema),
            plan,
            places,
            key,
            filter,
            soft,
            showing,
            estimate: 0,
            asked: 0,
            remembered: None,
            changes: Changes::default(),
            stopped: None,
            looked_at: None,
        })
    }

    /// Of everything that base depends on but the spreadsheet: another one means that base is made anew.
    pub fn fingerprint(&self) -> u64 {
        let columns: Vec<&Column> = (0..self.places.len()).map(|at| self.column(at)).collect();
        let meaning = format!("{}\n{}\n{columns:?}", self.link.configuration(), codec::CODEC_VERSION);
        xxh3_64(meaning.as_bytes())
    }

    /// Of what the link ties together beside its columns: another one means that nothing that is remembered can be used.
    fn ties(&self) -> u64 {
        let link = &self.link;
        let tied = format!("{:?} {:?} {:?} {:?}", link.table, link.spreadsheet, link.tab, link.time_zone);
        xxh3_64(format!("{tied}\n{}", codec::CODEC_VERSION).as_bytes())
    }

    fn known_columns(&self) -> Vec<Known> {
        let known = |(at, plan): (usize, &ColumnPlan)| {
            let key = self.key.iter().position(|column| *column == at);
            Known::of(self.column(at), &plan.rule.header, plan.rule.direction, key)
        };
        self.plan.columns.iter().enumerate().map(known).collect()
    }

    /// What is remembered of the link from now on, when its tab shows all columns: the rest is as it was.
    pub fn memory(&self, old: Memory) -> Memory {
        Memory {
            ties: self.ties(),
            filter: self.filter_print(),
            columns: self.known_columns(),
            renamed: Vec::new(),
            owing: TabChanges::default(),
            ..old
        }
    }

    /// Takes what is remembered of an earlier run.
    pub fn recall(&mut self, sheet: Option<SheetId>, memory: Memory) {
        self.remembered = sheet;
        self.asked = memory.asked;
        self.looked_at = memory.looked_at.and_then(|position| position.parse().ok());
        if memory.ties == self.ties() {
            self.changes = columns::changes(&memory.columns, &self.known_columns(), &memory.renamed);
            self.changes.tab.append(memory.owing);
        }
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
        self.showing.set(Shown { sheet: Some(sheet), locale, time_zone, context, unready: None });
        Ok(())
    }

    /// Why its tab cannot be made ready, if it cannot.
    pub fn unready(&self) -> Option<String> {
        let shown = self.shown();
        shown.unready.or_else(|| shown.sheet.is_none().then(|| "its tab is not ready yet".to_owned()))
    }

    /// Tells why its tab cannot be made ready.
    pub fn set_unready(&self, reason: String) {
        self.showing.set_unready(reason);
    }

    fn shown(&self) -> Shown {
        self.showing.get()
    }

    fn context(&self) -> Arc<Context> {
        self.showing.context()
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

    /// The headers of the columns that go to the sheet only.
    pub fn fixed_headers(&self) -> Vec<&str> {
        let fixed = self.plan.columns.iter().filter(|column| column.rule.direction == Direction::ToSheet);
        fixed.map(|column| column.rule.header.as_str()).collect()
    }

    /// The header texts of the key columns, in the key's order.
    pub fn key_headers(&self) -> Vec<&str> {
        self.key.iter().map(|at| self.plan.columns[*at].rule.header.as_str()).collect()
    }

    /// The key of a row of the table.
    pub fn key(&self, row: &[Value]) -> Key {
        key_of(&self.schema, row)
    }

    /// The key of a row that the server found under this one, where it is another spelling of it.
    pub fn own_key(&self, asked: &Key, row: &[Value]) -> Option<Key> {
        Some(self.key(row)).filter(|own| self.plan.loose_keys && own != asked)
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

    /// True when a rule of the operator's own asks what both sides had when they last agreed.
    pub fn asks_for_base(&self) -> bool {
        let asks =
            |column: &ColumnPlan| self.link.own_rule(&column.rule.name).is_some_and(Rule::asks_for_base);
        self.plan.columns.iter().any(asks)
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
