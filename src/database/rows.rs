//! A rows event, decoded: bitmaps of the columns that are there, then for each row a bitmap of NULLs and the values.

use std::sync::Arc;

use crate::database::cursor::{Bits, Cursor};
use crate::database::decode::{Format, Unreadable};
use crate::database::error::{Error, Result};
use crate::database::event::{RowsHeader, RowsKind, inflate};
use crate::database::layout::Layout;
use crate::model::schema::TableName;
use crate::model::value::Value;

/// One image of a row, in the table's column order. `None` where the image leaves the column out, which is not NULL
/// (`binlog_row_image=MINIMAL`), or where nobody wants the column.
pub type Image = Vec<Option<Value>>;

/// A row that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: Arc<TableName>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new row.
    Insert {
        /// The row.
        after: Image,
    },
    /// A changed row; its key may differ between the images.
    Update {
        /// The row as it was.
        before: Image,
        /// The row as it is.
        after: Image,
    },
    /// A row that is gone.
    Delete {
        /// The row as it was.
        before: Image,
    },
}

/// Decodes all rows of an event.
pub(crate) fn decode(event: &RowsHeader, layout: &Layout) -> Result<Vec<RowChange>> {
    let mut body = event.body;
    let table = &layout.table;
    let columns = body.packed_length()?;
    if columns != layout.formats.len() {
        let reason = format!("a row has {columns} columns");
        return Err(Error::Layout { table: TableName::clone(table), reason });
    }
    let first = Present::take(&mut body, columns)?;
    let second = match event.kind {
        RowsKind::Update => Present::take(&mut body, columns)?,
        RowsKind::Insert | RowsKind::Delete => first,
    };
    let opened;
    if event.compressed {
        opened = inflate(body.take_rest(), "rows event")?;
        body = Cursor::new(&opened, "rows event");
    }
    let mut changes = Vec::new();
    while !body.is_empty() {
        let left = body.left();
        let image = image(&mut body, first, layout)?;
        let kind = match event.kind {
            RowsKind::Insert => ChangeKind::Insert { after: image },
            RowsKind::Delete => ChangeKind::Delete { before: image },
            RowsKind::Update => {
                ChangeKind::Update { before: image, after: self::image(&mut body, second, layout)? }
            }
        };
        if body.left() == left {
            // Rows of no column would never end.
            return Err(body.malformed().into());
        }
        changes.push(RowChange { table: Arc::clone(table), kind });
    }
    Ok(changes)
}

/// Which columns an image holds, and how many they are.
#[derive(Clone, Copy)]
struct Present<'a> {
    bits: Bits<'a>,
    count: usize,
}

impl<'a> Present<'a> {
    fn take(body: &mut Cursor<'a>, columns: usize) -> Result<Self> {
        let bits = Bits::take(body, columns)?;
        Ok(Self { bits, count: (0..columns).filter(|&i| bits.get(i)).count() })
    }
}

fn image(body: &mut Cursor, present: Present, layout: &Layout) -> Result<Image> {
    let nulls = Bits::take(body, present.count)?;
    let shown = layout.schema.columns.len();
    let mut nth = 0;
    let mut image = Image::with_capacity(shown);
    for (i, format) in layout.formats.iter().enumerate() {
        let mut value = None;
        if present.bits.get(i) {
            value = match (format, nulls.get(nth)) {
                (Format::Passed(_), true) => None,
                (Format::Passed(width), false) => {
                    width.skip(body)?;
                    None
                }
                (_, true) => Some(Value::Null),
                (format, false) => Some(format.decode(body).map_err(|why| unreadable(layout, i, why))?),
            };
            nth += 1;
        }
        if i < shown {
            image.push(value);
        }
    }
    Ok(image)
}

fn unreadable(layout: &Layout, column: usize, why: Unreadable) -> Error {
    let reason = match why {
        Unreadable::Malformed(_) => "its bytes do not fit its type",
        Unreadable::Value(reason) => reason,
    };
    let column = layout.schema.columns.get(column);
    Error::Undecodable {
        table: layout.schema.name.clone(),
        column: column.map(|column| column.name.clone()).unwrap_or_default(),
        reason,
    }
}
