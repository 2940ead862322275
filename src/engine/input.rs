//! What happened: the only ways in which the world reaches the engine.
//!
//! The shell has already translated: database rows carry each value with the cell that would show it, and sheet rows are cut
//! to the link's columns by the layout of the same read. The engine compares and decides; it converts nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::conflict::OwnRule;
use crate::engine::row_views::RowViews;
use crate::model::base::database_digest;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::grid::{GridCell, Helper, Token};
use crate::model::key::Key;
use crate::model::link::SheetId;
use crate::model::mark::{BatchNumber, ClaimId, EffectId};
use crate::model::pause::{Brake, Pause};
use crate::model::rule::{ColumnRule, LinkRules};
use crate::model::value::Value;

/// Microseconds since 1970, from the shell's clock or the binlog's commit times (both of the database host).
pub type Micros = u64;

/// Counts the stream's transactions in the order of the binlog.
pub type Seq = u64;

/// Counts reads of the sheet in the order in which they are asked.
pub type ReadNumber = u64;

/// The number of an accepted edit in the inbox.
pub type EditNumber = u64;

/// A link's place in its spreadsheet's engine.
pub type TableIndex = usize;

/// A column's place in its link.
pub type ColumnIndex = usize;

/// What the engine must know of a link: its rules, and its columns in the link's order.
#[derive(Clone, Debug)]
pub struct LinkPlan {
    /// The operator's rules.
    pub rules: LinkRules,
    /// The link's columns; key columns are always among them.
    pub columns: Vec<ColumnPlan>,
    /// The server makes the key when a row comes without one.
    pub auto_key: bool,
    /// Keys may be equal to the server that are not equal letter by letter.
    pub loose_keys: bool,
}

/// One column of a link.
#[derive(Clone, Debug)]
pub struct ColumnPlan {
    /// Policy and direction.
    pub rule: ColumnRule,
    /// Part of the primary key.
    pub key: bool,
    /// An INSERT needs a value for it.
    pub required: bool,
    /// The operator's own rule for its conflicts, before the policy.
    pub own: Option<Arc<dyn OwnRule>>,
}

/// One column of a database row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbCell {
    /// The value.
    pub value: Value,
    /// The cell that shows it.
    pub shown: Cell,
}

impl DbCell {
    /// The fingerprint that base keeps of the database's side.
    pub fn digest(&self) -> Digest {
        database_digest(&self.value, &self.shown)
    }
}

/// A database row cut to the link's columns, in their order.
pub type DbRow = Vec<DbCell>;

/// What the stream says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbState {
    /// The row is this.
    Row(DbRow),
    /// The row is this and outside of the link's filter: it lives on in the table, and the tab does not show it.
    Outside(DbRow),
    /// The row is gone; its last image where the stream carried it, for edits that beat the delete.
    Gone(Option<DbRow>),
}

/// One row change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The row.
    pub key: Key,
    /// What it became.
    pub state: DbState,
    /// The key it had before, when the change was of the key itself.
    pub renamed_from: Option<Key>,
    /// How it was before, where the stream told it and a rule of the link asks for it.
    pub was: Option<DbRow>,
}

/// One committed transaction of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub commit: Micros,
    /// The ledger entries that it carries.
    pub marks: Vec<EffectId>,
    /// Changes of linked tables, in order.
    pub images: Vec<(TableIndex, Image)>,
    /// Rows that it touched without saying what they became: their present state is fetched.
    pub looks: Vec<(TableIndex, Key)>,
}

/// What a row's key cells show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySeen {
    /// All blank.
    Blank,
    /// A key.
    Key(Key),
    /// Something that is no key, or a part of one.
    Unreadable,
}

/// A sheet row cut to the link's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    /// Its number in this read: a hint.
    pub row: u32,
    /// Its key cells.
    pub key: KeySeen,
    /// The link's columns, key columns included.
    pub cells: Vec<GridCell>,
    /// The claims on it.
    pub claims: Vec<ClaimId>,
}

/// One tab as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabView {
    /// The tab.
    pub sheet: SheetId,
    /// Where each of the link's columns stands in the grid.
    pub columns: Vec<u32>,
    /// Rows below the header, in order, blank ones included.
    pub rows: RowViews,
    /// By row, the key as it is spelled there, where that is another spelling of the row's key.
    pub spelled: BTreeMap<u32, Key>,
}

/// Why a tab cannot be worked on: the link pauses until a read without trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong, where, and the cure, in plain words.
    pub reason: String,
}

/// One read of all linked tabs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// All tokens of ours.
    pub tokens: Vec<Token>,
    /// Metadata ids under foreign keys.
    pub foreign: Vec<i32>,
    /// The helper tab.
    pub helper: Option<Helper>,
    /// One entry per link.
    pub tabs: Vec<Result<TabView, Trouble>>,
}

/// One row of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Its key cells, read by the header of the same receipt.
    pub key: KeySeen,
    /// The whole row as it was, from column A on.
    pub cells: Vec<GridCell>,
}

/// What a batch overwrote, one entry per request; `None` where nothing was overwritten or the receipt is lost.
pub type ReceiptView = Vec<Option<ReceiptRow>>;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// Applied, with its receipt.
    Applied(ReceiptView),
    /// Nothing was applied: Google refused this request of ours (`None`: it did not say which).
    Refused {
        /// The op's place in the batch.
        op: Option<usize>,
        /// Google's words.
        reason: String,
    },
    /// Nobody knows: the token must settle it.
    Unknown,
    /// Nothing was sent (a quota, an outage before the send): try later.
    NotSent,
}

/// What became of a table write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Committed, or found in order: the row as read back under the lock, and what base is now.
    Done {
        /// The row after it.
        after: DbState,
        /// The key, which the server may have made.
        key: Key,
        /// The base that was stored with it.
        base: Option<crate::model::base::RowBase>,
        /// Columns that were left to the database, with the reason for the person.
        left: Vec<(usize, String)>,
        /// Columns refused by the codec, with the sentence for the person.
        refused: Vec<(usize, String)>,
        /// True when the table was changed (a ledger entry carries the effect's id).
        wrote: bool,
    },
    /// The server refused it; nothing was written.
    Refused {
        /// The column it named, if it did.
        column: Option<usize>,
        /// The sentence for the person.
        reason: String,
    },
    /// A row with this key exists already.
    Exists,
    /// A row with this key exists outside of the link's filter, where no row of the tab can meet it.
    Outside,
    /// It could be done, and was undone with another one of the same transaction that could not.
    Undone,
    /// Nothing was written and nothing is known: try later.
    Failed,
}

/// An accepted edit's place in the sheet: a hint where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditHint {
    /// Its number in the inbox.
    pub edit: EditNumber,
    /// The link.
    pub table: TableIndex,
    /// First and last row, zero-based; `None` for a structural change.
    pub rows: Option<(u32, u32)>,
    /// When it was made, by the person's clock.
    pub at: Option<Micros>,
    /// Who made it, where Google says so.
    pub editor: Option<String>,
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The stream moved on.
    Transaction(Transaction),
    /// What base was made with is another thing now: both sides meet for the first time again.
    Rebase(TableIndex),
    /// Rows of a table changed in a way that the stream does not tell: the whole table is read beside it.
    Reread {
        /// The link.
        table: TableIndex,
    },
    /// Rows were found that are not as base says, and that the stream has not told.
    Suspect {
        /// The link.
        table: TableIndex,
        /// The rows.
        keys: Vec<Key>,
    },
    /// The stream is in doubt about a table, or an operator wants the link to pause.
    Stop {
        /// The link.
        table: TableIndex,
        /// What happened. How many rows it costs is the engine's to know.
        pause: Pause,
    },
    /// An operator lets a brake go on; said again until the brake is off.
    Resume {
        /// The link.
        table: TableIndex,
        /// The brake.
        brake: Brake,
        /// The rows that it named.
        rows: Option<u64>,
    },
    /// The store knows which brakes are on.
    PausesKept(TableIndex),
    /// A person's edit was accepted.
    Edit(EditHint),
    /// The read was answered.
    Read {
        /// Which.
        number: ReadNumber,
        /// When the answer came.
        answered: Micros,
        /// What it shows.
        view: View,
    },
    /// The read failed for good; the client's own retries are over. Or how the table spells the keys in it cannot be asked.
    ReadFailed(ReadNumber),
    /// How the table spells keys that a read showed: each in the tab's spelling, and in the table's where that is another one.
    Spelled(ReadNumber, Vec<(TableIndex, Key, Key)>),
    /// A probed key has no row under this spelling, and one under another.
    Respelled {
        /// The link.
        table: TableIndex,
        /// The key as it was asked for.
        from: Key,
        /// As the table has it.
        to: Key,
    },
    /// The table write ended.
    Wrote(Vec<(EffectId, WriteOutcome)>),
    /// The batch ended.
    Sent(BatchNumber, SendOutcome),
    /// The open batch's fate was read from its token.
    Settled {
        /// The batch.
        number: BatchNumber,
        /// Its receipt when it landed; `None` when it is dead.
        landed: Option<ReceiptView>,
    },
    /// Settling was not possible yet: try later.
    SettleFailed(BatchNumber),
    /// The commit is durable.
    Committed,
    /// The keys were written, or not: the next read shows it.
    Named,
    /// The present rows of probed keys, in one transaction with the effect's ledger entry.
    Probed(EffectId, Vec<(TableIndex, Key, DbState)>),
    /// The probe failed and nothing was written.
    ProbeFailed(EffectId),
    /// A chunk of the table, read between its two marks.
    Chunk {
        /// The chunk's high mark, which names it.
        high: EffectId,
        /// Its rows in key order.
        rows: Vec<(Key, DbRow)>,
        /// No row follows.
        last: bool,
    },
    /// The chunk could not be read.
    ChunkFailed(EffectId),
}

#[cfg(test)]
impl LinkPlan {
    /// Of a link without columns, for tests in which keys are all that counts.
    pub(super) fn of_keys() -> Self {
        use std::time::Duration;

        use crate::model::link::LinkName;
        use crate::model::rule::{Deletes, FirstMatch, Formulas, KeyEdits, Paste, Policy, Tie};

        let rules = LinkRules {
            name: LinkName("goods".into()),
            columns: Vec::new(),
            policy: Policy::Newest,
            deletes: Deletes::Apply,
            first_match: FirstMatch::Database,
            match_on: Vec::new(),
            tie: Tie::Database,
            paste: Paste::Rows,
            key_edits: KeyEdits::Refuse,
            formulas: Formulas::Hold,
            insert_after: Duration::ZERO,
            delete_grace: Duration::ZERO,
            second_look: Duration::ZERO,
            sweep_interval: Duration::ZERO,
        };
        Self { rules, columns: Vec::new(), auto_key: true, loose_keys: false }
    }
}
