//! What to do: the engine's effects are calls, each performed as it stands and answered by an input.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::adopt::Knowledge;
use crate::engine::held::HoldChange;
use crate::engine::input::{DbRow, DbState, EditNumber, Micros, ReadNumber, Seq, TableIndex};
use crate::engine::owed::{Owed, OwedId};
use crate::engine::places::Scope;
use crate::engine::plan::Plan;
use crate::engine::rename::Renaming;
use crate::model::base::{BaseChange, RowBase};
use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::model::mark::{BatchNumber, ClaimId, EffectId};
use crate::model::pause::Pause;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read all linked tabs in one call.
    Read(ReadNumber),
    /// Read the linked tabs in one call, of large ones only what is needed; one scope a link.
    ReadRows(ReadNumber, Vec<Scope>),
    /// This read is not waited for any more, and nothing that it tells counts: something came that goes first.
    GiveUp(ReadNumber),
    /// Ask the server how its tables spell these keys of a read.
    Spell(ReadNumber, Vec<Spelling>),
    /// One guarded transaction: on one row of the table, or on the rows of one paste, of which all are written or none.
    Write(Vec<TableWrite>),
    /// Store the intention, then send the batch.
    Send(Arc<Plan>),
    /// Find out whether the batch landed: void its token, then read it; then its receipt.
    Settle(Arc<Plan>),
    /// Store what is now certain, in one transaction.
    Commit(Box<Commit>),
    /// Write keys into claimed rows, through a data filter on the claim.
    Name(Vec<Naming>),
    /// Read the present state of keys and write a ledger entry, in one transaction.
    Probe {
        /// The ledger entry.
        effect: EffectId,
        /// The keys.
        keys: Vec<(TableIndex, Key)>,
    },
    /// Write the low mark, read a chunk, write the high mark.
    Chunk {
        /// The table.
        table: TableIndex,
        /// Rows after this key; from the start without it.
        after: Option<Key>,
        /// Ledger entry before the read.
        low: EffectId,
        /// Ledger entry after it.
        high: EffectId,
    },
    /// Store which brakes of a link are on, and no others; that it stopped as well, where one stopped it.
    Pauses {
        /// The link.
        table: TableIndex,
        /// The brakes.
        pauses: Vec<Pause>,
        /// What may be concluded from rows that base does not know, when it goes on.
        knowledge: Knowledge,
    },
    /// Answer accepted edits.
    Answer(Vec<Answered>),
    /// Tell the operator.
    Notice(Notice),
    /// Tell the people in the sheet, by notes: what is not said any more goes.
    Annotate(Remarks),
}

/// A key of a tab that may be a record's in another spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The link.
    pub table: TableIndex,
    /// The key as the tab shows it.
    pub key: Key,
    /// A missing record whose content stands beside it: it may be gone from the table too, and still be the one.
    pub alike: Option<Key>,
}

/// What the linked tabs have to say to people, by one read. It is performed before the batch of the same cycle, while the
/// read's row numbers are still right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Refused and held cells, each with its reason.
    pub said: Vec<Remark>,
    /// Rows that this cycle did not decide: what is said there stays.
    pub undecided: BTreeSet<(SheetId, u32)>,
    /// Per link, why it is paused or its deletes are stopped.
    pub headers: Vec<Option<String>>,
    /// Per link, whether its rows were looked at: else what is said in them stays.
    pub looked: Vec<bool>,
}

/// One cell's remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The link.
    pub table: TableIndex,
    /// The tab, and the cell's row and column in the grid, from zero, as the read showed them.
    pub place: (SheetId, u32, u32),
    /// Why the cell is not in the table, in plain words.
    pub text: String,
}

/// A guarded write of one row. The performer locks the row, runs [`crate::engine::guard`], writes, reads back, and stores base
/// and ledger with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableWrite {
    /// The ledger entry's id.
    pub effect: EffectId,
    /// The table.
    pub table: TableIndex,
    /// What to do.
    pub aim: WriteAim,
    /// Who made the edit and which it was, where known.
    pub cause: Option<(EditNumber, Option<String>)>,
    /// The covered edit that it carries: struck from what is owed in the same transaction if nothing of it is left or refused,
    /// so that no crash writes it twice.
    pub pays: Option<OwedId>,
}

/// What a guarded transaction is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAim {
    /// Cells of an existing row.
    Columns {
        /// The row.
        key: Key,
        /// Its base.
        base: RowBase,
        /// What the stream last said of it, where it said something beyond base.
        known: Option<DbRow>,
        /// The cells to carry over.
        wants: Vec<Want>,
    },
    /// A new row.
    Insert {
        /// The key that a person typed; `None` where the server makes it.
        key: Option<Key>,
        /// The claim on the sheet's row, for rows without a key.
        claim: Option<ClaimId>,
        /// All of the link's cells.
        cells: Vec<GridCell>,
    },
    /// Delete the row if it still is as base says.
    Delete {
        /// The row.
        key: Key,
        /// Its base.
        base: RowBase,
    },
    /// Mark the row as deleted if it still is as base says: its record stays in the table.
    Mark {
        /// The row.
        key: Key,
        /// Its base.
        base: RowBase,
    },
    /// A row without a key is this record's, by their values: the claim on it is bound to the record.
    Tie {
        /// The record.
        key: Key,
        /// The claim on the sheet's row.
        claim: ClaimId,
        /// All of the link's cells.
        cells: Vec<GridCell>,
    },
    /// An edit beats a delete: the row is made again from its last image with the edit on it.
    Recreate {
        /// The row.
        key: Key,
        /// Its base.
        base: RowBase,
        /// Its last image.
        before: DbRow,
        /// All of the link's cells.
        cells: Vec<GridCell>,
        /// Which of them the person changed.
        changed: Vec<usize>,
    },
    /// A record takes another key, if it still is as base says and the key is free.
    Rename(Box<Renaming>),
}

/// One cell on its way into the table.
// Four independent facts of one cell: no state machine hides in them.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The link's column.
    pub column: usize,
    /// What the sheet shows.
    pub cell: Cell,
    /// What is written instead of it, by the operator's own rule; the table's value then goes to the sheet.
    pub instead: Option<Cell>,
    /// The policy gave it the column although the database changed it too.
    pub wins: bool,
    /// The cell still stands in the sheet, so base moves with the write. False for a value that a write of ours covered: the
    /// sheet does not show it, and the transaction's own image brings it there.
    pub stands: bool,
    /// The table said of this very cell that it means what stands there, its own form was sent, and the cell came back as it
    /// was: nobody is asked a third time, the cell's form stands.
    pub form_stands: bool,
    /// A formula gives it: whatever the table makes of it is agreed, for nothing goes back.
    pub calculated: bool,
}

impl Want {
    /// What a person typed into a cell, where nothing stands against it.
    pub fn of(column: usize, cell: Cell) -> Self {
        let (instead, wins, stands) = (None, true, true);
        Self { column, cell, instead, wins, stands, form_stands: false, calculated: false }
    }
}

/// A key that is owed to a claimed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The tab.
    pub sheet: SheetId,
    /// The claim.
    pub claim: ClaimId,
    /// The key, whose cells the shell shows.
    pub key: Key,
    /// The link.
    pub table: TableIndex,
    /// Where the link's columns stand in the grid.
    pub columns: Vec<u32>,
}

/// What became certain, to be stored in one transaction with the position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The batch that ended: `true` landed, `false` dead.
    pub batch: Option<(BatchNumber, bool)>,
    /// Base, per link.
    pub base: Vec<(TableIndex, BaseChange)>,
    /// What is owed from now on.
    pub owe: Vec<(OwedId, Owed)>,
    /// What is owed no more.
    pub paid: Vec<OwedId>,
    /// Claims whose key stands in the sheet, or whose row is gone.
    pub named: Vec<(TableIndex, ClaimId)>,
    /// Conflicts to list.
    pub conflicts: Vec<Conflict>,
    /// Cells that are held from now on, or no more.
    pub held: Vec<(TableIndex, HoldChange)>,
    /// The next free trash slot.
    pub slot: u32,
    /// The first transaction of this spreadsheet that still waits once this is stored: the position may be saved up to it.
    pub front: Seq,
}

/// A conflict that was decided: both values are kept, nothing is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The link.
    pub table: TableIndex,
    /// The row; `None` for a row without a key.
    pub key: Option<Key>,
    /// The link's column; `None` for the whole row.
    pub column: Option<usize>,
    /// What the database had.
    pub database: Option<Cell>,
    /// What the sheet had.
    pub sheet: Option<Cell>,
    /// Who won.
    pub winner: Winner,
    /// By which rule, in words.
    pub rule: String,
    /// Who and when, as far as is known.
    #[serde(default)]
    pub background: Background,
}

/// Who made the two changes of a conflict, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Background {
    /// The editor's address, where Google told it.
    pub editor: Option<String>,
    /// When the person's change was made, at the latest.
    pub edited: Option<Micros>,
    /// When the database's change was committed.
    pub committed: Option<Micros>,
}

/// Who won a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Winner {
    /// The table's value stands.
    Database,
    /// The person's value stands.
    Sheet,
    /// Both stand where they are, frozen and listed.
    Nobody,
    /// Neither: a value that the operator's own rule made of both.
    Rule,
}

/// The answer to one accepted edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The edit.
    pub edit: EditNumber,
    /// The link.
    pub table: TableIndex,
    /// What became of it: the worst of its rows.
    pub verdict: Verdict,
    /// Of an edit of several rows, what became of each of which there is something to tell, from the top.
    pub rows: Vec<(u32, Verdict)>,
}

/// What the person in the sheet is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// Where it happened, for refusals and conflicts: zero-based row and the link's column.
    pub place: Option<(u32, usize)>,
    /// A sentence, empty when all is well.
    pub message: String,
}

/// The kinds of answers to an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing differed from the table.
    Unchanged,
    /// It is in the table.
    Applied,
    /// It waits: a row is not complete yet, or a key is owed.
    Waiting,
    /// Both sides had changed; the message says who won.
    Conflict,
    /// It cannot go into the table; the message says why.
    Refused,
}

/// Something that the operator should read in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The link; `None` for the whole spreadsheet.
    pub table: Option<TableIndex>,
    /// What happened, in plain words, without cell values.
    pub text: String,
    /// How loud.
    pub level: Level,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Part of the work.
    Info,
    /// Somebody should look.
    Warning,
}

/// A time interval in which an edit was made.
pub type Interval = (Micros, Micros);

impl DbState {
    /// The row, if there is one, inside of the filter or outside.
    pub fn row(&self) -> Option<&DbRow> {
        match self {
            Self::Row(row) | Self::Outside(row) => Some(row),
            Self::Gone(_) => None,
        }
    }
}
