//! A rows event, decoded: bitmaps of the columns that are there, then for each row a bitmap of NULLs and the values.

use crate::database::cursor::{Bits, Cursor};
use crate::database::decode::Unreadable;
use crate::database::error::{Error, Result};
use crate::database::event::{RowsHeader, RowsKind, inflate};
use crate::database::layout::Layout;
use crate::model::schema::TableName;
use crate::model::value::Value;

/// One image of a row, in the table's column order. `None` where the image leaves the column out, which is not NULL
/// (`binlog_row_image=MINIMAL`).
pub type Image = Vec<Option<Value>>;

/// A row that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: TableName,
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
    let table = &layout.schema.name;
    let columns = body.packed_length()?;
    if columns != layout.formats.len() {
        return Err(Error::Layout { table: table.clone(), reason: format!("a row has {columns} columns") });
    }
    let first = Bits::take(&mut body, columns)?;
    let second = match event.kind {
        RowsKind::Update => Bits::take(&mut body, columns)?,
        RowsKind::Insert | RowsKind::Delete => first,
    };
    let opened;
    if event.compressed {
        opened = inflate(body.take_rest(), "rows event")?;
        body = Cursor::new(&opened, "rows event");
    }
    let mut changes = Vec::new();
    while !body.is_empty() {
        let image = image(&mut body, first, layout)?;
        let kind = match event.kind {
            RowsKind::Insert => ChangeKind::Insert { after: image },
            RowsKind::Delete => ChangeKind::Delete { before: image },
            RowsKind::Update => {
                ChangeKind::Update { before: image, after: self::image(&mut body, second, layout)? }
            }
        };
        changes.push(RowChange { table: table.clone(), kind });
    }
    Ok(changes)
}

fn image(body: &mut Cursor, present: Bits, layout: &Layout) -> Result<Image> {
    let there = (0..layout.formats.len()).filter(|&i| present.get(i)).count();
    let nulls = Bits::take(body, there)?;
    let mut nth = 0;
    let mut image = Image::with_capacity(layout.formats.len());
    for (i, format) in layout.formats.iter().enumerate() {
        if !present.get(i) {
            image.push(None);
            continue;
        }
        let value = if nulls.get(nth) {
            Value::Null
        } else {
            format.decode(body).map_err(|why| unreadable(layout, i, why))?
        };
        nth += 1;
        image.push(Some(value));
    }
    image.truncate(layout.schema.columns.len());
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
