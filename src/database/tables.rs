//! The table maps of the statement that is being read, and what each means for the rows that follow.
//!
//! Maps repeat with every statement and layouts cost, so the last layout of each table is kept with the map that it was made
//! for. A table's id is good until its statement ends: servers give it to another table later.

use std::collections::HashMap;
use std::sync::Arc;

use crate::database::cascade::Fall;
use crate::database::error::{Error, Result};
use crate::database::event::{RowsHeader, RowsKind};
use crate::database::interest::{Interest, Watched};
use crate::database::layout::Layout;
use crate::database::open::Gathered;
use crate::database::rows::{self, ChangeKind, Image, RowChange};
use crate::database::spill::Bounds;
use crate::database::tablemap::TableMap;
use crate::model::schema::TableName;

/// What the rows after a table map are to us.
#[derive(Clone, Debug)]
enum Mapped {
    /// Nothing: nobody wants them, or their table is in doubt.
    Passed,
    /// They can be read.
    Read(Arc<Layout>),
    /// They cannot be read, but somebody must know that there are some.
    Blind(Arc<[Fall]>),
}

/// The tables of the stream.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    mapped: HashMap<u64, Mapped>,
    /// By table: the map without its id, and the layout.
    layouts: HashMap<TableName, (Vec<u8>, Arc<Layout>)>,
}

impl Tables {
    /// The statement is over.
    pub(crate) fn clear(&mut self) {
        self.mapped.clear();
    }

    /// Other tables are wanted: the layouts are made anew.
    pub(crate) fn forget(&mut self) {
        self.layouts.clear();
    }

    /// Takes a table map; a table whose map does not fit is in doubt.
    pub(crate) fn map(&mut self, data: &[u8], interest: &Interest, gathered: &mut Gathered) -> Result<()> {
        let (id, schema, table) = TableMap::name(data)?;
        let mapped = match interest.get(schema, table) {
            None => Mapped::Passed,
            Some(watched) => self.read(watched, data, gathered)?,
        };
        self.mapped.insert(id, mapped);
        Ok(())
    }

    fn read(&mut self, watched: &Watched, data: &[u8], gathered: &mut Gathered) -> Result<Mapped> {
        /// The table's id, which differs from map to map.
        const ID: usize = 6;
        let name = &*watched.name;
        let shape = data.get(ID..).unwrap_or_default();
        if let Some((known, layout)) = self.layouts.get(name)
            && known == shape
        {
            return Ok(Mapped::Read(Arc::clone(layout)));
        }
        match Layout::new(watched, &TableMap::read(data)?) {
            Ok(layout) => {
                let layout = Arc::new(layout);
                self.layouts.insert(name.clone(), (shape.to_vec(), Arc::clone(&layout)));
                Ok(Mapped::Read(layout))
            }
            Err(error) if watched.linked => {
                gathered.doubt(name.clone(), error);
                Ok(blind(&watched.falls))
            }
            Err(_) => Ok(blind(&watched.falls)),
        }
    }

    /// Takes rows; those that cannot be read put their table in doubt.
    pub(crate) fn rows(&self, event: &RowsHeader, gathered: &mut Gathered, bounds: &Bounds) -> Result<()> {
        /// Rows of no table: they only end a statement.
        const DUMMY: u64 = 0xff_ffff;
        match self.mapped.get(&event.table_id) {
            Some(Mapped::Passed) => {}
            Some(Mapped::Blind(falls)) => fall(falls, gathered, |fall| match event.kind {
                RowsKind::Insert => false,
                RowsKind::Update => fall.on_update,
                RowsKind::Delete => fall.on_delete,
            }),
            Some(Mapped::Read(layout)) if layout.linked && gathered.is_doubted(&layout.table) => {
                // Too large or in doubt already: only what falls from it counts.
                read_rows(layout, event, gathered, None);
            }
            Some(Mapped::Read(layout)) => read_rows(layout, event, gathered, Some(bounds)),
            None if event.table_id == DUMMY => {}
            None => return Err(Error::OutOfOrder("rows without a table map")),
        }
        Ok(())
    }

    /// Rows whose JSON is logged as differences only.
    pub(crate) fn partial_rows(&self, table_id: u64, gathered: &mut Gathered) {
        match self.mapped.get(&table_id) {
            Some(Mapped::Read(layout)) => {
                fall(&layout.falls, gathered, |fall| fall.on_update);
                if layout.linked {
                    let table = TableName::clone(&layout.table);
                    gathered.doubt(table.clone(), Error::PartialJson(table));
                }
            }
            Some(Mapped::Blind(falls)) => fall(falls, gathered, |fall| fall.on_update),
            Some(Mapped::Passed) | None => {}
        }
    }
}

/// Decodes rows for what falls from them and, within the bounds, for themselves.
fn read_rows(layout: &Arc<Layout>, event: &RowsHeader, gathered: &mut Gathered, keep: Option<&Bounds>) {
    if keep.is_none() && layout.falls.is_empty() {
        return;
    }
    match rows::decode(event, layout) {
        Ok(changes) => {
            fall(&layout.falls, gathered, |fall| changes.iter().any(|change| falls(change, fall)));
            if let Some(bounds) = keep.filter(|_| layout.linked) {
                gathered.take(layout, event, changes, bounds);
            }
        }
        Err(error) => {
            fall(&layout.falls, gathered, |_| event.kind != RowsKind::Insert);
            if layout.linked {
                gathered.doubt(TableName::clone(&layout.table), error);
            }
        }
    }
}

fn blind(falls: &Arc<[Fall]>) -> Mapped {
    if falls.is_empty() { Mapped::Passed } else { Mapped::Blind(Arc::clone(falls)) }
}

/// Puts the tables that a change falls on to in doubt.
fn fall(all: &[Fall], gathered: &mut Gathered, hits: impl Fn(&Fall) -> bool) {
    for fall in all.iter().filter(|fall| hits(fall)) {
        gathered.doubt(fall.child.clone(), Error::Cascade(fall.child.clone()));
    }
}

/// True if a parent row's change reaches the child: it is gone, or a column that the key points to differs. A column that the
/// image after leaves out did not change.
fn falls(change: &RowChange, fall: &Fall) -> bool {
    match &change.kind {
        ChangeKind::Insert { .. } => false,
        ChangeKind::Delete { .. } => fall.on_delete,
        ChangeKind::Update { before, after } => {
            fall.on_update
                && fall
                    .columns
                    .as_ref()
                    .is_none_or(|columns| columns.iter().any(|&at| differs(before, after, at)))
        }
    }
}

fn differs(before: &Image, after: &Image, at: usize) -> bool {
    match (before.get(at), after.get(at)) {
        (_, Some(None) | None) => false,
        (before, after) => before != after,
    }
}
