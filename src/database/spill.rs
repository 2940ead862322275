//! Rows of a transaction that is too large for memory: the events as they came, in a file, decoded again when they are taken.
//!
//! The file has no name from the moment it is made, so nothing is left of it when the process dies. Past the bound of the
//! folder, or when the disk is full, the transaction's rows are given up and its tables are in doubt: a stream that stood
//! still would hold up every other table.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::database::cursor::Cursor;
use crate::database::error::{Error, Result};
use crate::database::event::{RowsHeader, RowsKind};
use crate::database::layout::Layout;
use crate::database::rows::{self, RowChange};
use crate::model::schema::TableName;

/// How much of one transaction is kept, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of rows in memory; what comes after them goes to the folder.
    pub memory: u64,
    /// Bytes of rows in the folder; a transaction with more is not kept.
    pub disk: u64,
    /// The folder. It is made when it is first needed.
    pub folder: PathBuf,
}

/// 8 MiB in memory (decoded they are several times that), 4 GiB in the system's folder for temporary files.
impl Default for Bounds {
    fn default() -> Self {
        Self { memory: 8 << 20, disk: 4 << 30, folder: std::env::temp_dir() }
    }
}

/// Why rows cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Full {
    #[error("its rows take more than {0} bytes in the spill folder")]
    Bound(u64),
    #[error("the spill folder takes no more: {0}")]
    Disk(#[from] io::Error),
}

/// A file that rows are written to while their transaction is open.
#[derive(Debug)]
pub(crate) struct Spill {
    file: BufWriter<File>,
    bytes: u64,
    bound: u64,
    layouts: Vec<Arc<Layout>>,
}

/// An event's place, kind and length before its bytes: layout (4 bytes), kind (1), compressed (1), length (8).
const HEAD: usize = 14;

impl Spill {
    /// A file in the folder.
    pub(crate) fn new(bounds: &Bounds) -> Result<Self, Full> {
        let file = BufWriter::new(nameless(&bounds.folder)?);
        Ok(Self { file, bytes: 0, bound: bounds.disk, layouts: Vec::new() })
    }

    /// Takes one event.
    pub(crate) fn push(&mut self, layout: &Arc<Layout>, event: &RowsHeader) -> Result<(), Full> {
        let mut body = event.body;
        let body = body.take_rest();
        self.bytes += (HEAD + body.len()) as u64;
        if self.bytes > self.bound {
            return Err(Full::Bound(self.bound));
        }
        let known = self.layouts.iter().position(|known| Arc::ptr_eq(known, layout));
        let place = known.unwrap_or_else(|| {
            self.layouts.push(Arc::clone(layout));
            self.layouts.len() - 1
        });
        self.file.write_all(&(place as u32).to_le_bytes())?;
        self.file.write_all(&[event.kind as u8, u8::from(event.compressed)])?;
        self.file.write_all(&(body.len() as u64).to_le_bytes())?;
        Ok(self.file.write_all(body)?)
    }

    /// The tables that have rows here.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.layouts.iter().map(|layout| &*layout.table)
    }

    /// Nothing more comes: the rows can be taken, all but those of some tables.
    pub(crate) fn close(self, without: Vec<TableName>) -> Result<Spilled, Full> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Spilled { file: BufReader::new(file), left: self.bytes, layouts: self.layouts, without })
    }
}

fn nameless(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("sheetbridge-{}", Uuid::new_v4()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// The rows of a transaction that came after those in memory.
#[derive(Debug)]
pub struct Spilled {
    file: BufReader<File>,
    left: u64,
    layouts: Vec<Arc<Layout>>,
    without: Vec<TableName>,
}

impl Spilled {
    /// The next rows in their order, those of one event; `None` after the last.
    pub fn take(&mut self) -> Result<Option<Vec<RowChange>>> {
        while self.left > 0 {
            let (layout, changes) = self.event()?;
            if !self.without.contains(&layout.table) {
                return Ok(Some(changes));
            }
        }
        Ok(None)
    }

    fn event(&mut self) -> Result<(Arc<Layout>, Vec<RowChange>)> {
        let lost = |error: io::Error| Error::Broken(format!("the spill folder lost rows: {error}"));
        let mut head = [0; HEAD];
        self.file.read_exact(&mut head).map_err(lost)?;
        let [a, b, c, d, kind, compressed, length @ ..] = head;
        let length = u64::from_le_bytes(length);
        let mut body = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact(&mut body).map_err(lost)?;
        self.left = self.left.saturating_sub(HEAD as u64 + length);
        let place = u32::from_le_bytes([a, b, c, d]) as usize;
        let layout = self.layouts.get(place).cloned();
        let layout = layout.ok_or_else(|| Error::Broken("the spill folder changed rows".into()))?;
        let event = RowsHeader {
            kind: match kind {
                0 => RowsKind::Insert,
                1 => RowsKind::Update,
                _ => RowsKind::Delete,
            },
            table_id: 0,
            statement_end: false,
            compressed: compressed != 0,
            body: Cursor::new(&body, "spilled rows"),
        };
        let changes = rows::decode(&event, &layout)?;
        Ok((layout, changes))
    }
}
