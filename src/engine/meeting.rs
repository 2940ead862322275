//! The first meeting of a table and a list without keys: a row of the tab finds its record by equal values in the columns of
//! `match_on` (protocol C18), instead of becoming a second record.
//!
//! | a row without a key shows | and | then |
//! |--|--|--|
//! | a blank, a formula or an error in one of the columns | - | it is a new record, as ever |
//! | values that no record has | - | the same |
//! | the values of one record | no other row shows them, and the record has no row | it is claimed, and the claim is bound to the record |
//! | the values of one or several records | anything else | it is held, told at the row, and listed; it is no new record |
//!
//! *No row is made for a record that may be tied to one.* No chunk of the table is asked before a read of the whole tab has told
//! which values its rows without key show. From then on a record with such values is set aside where it would be made in the tab,
//! until it is tied or no row has shown its values for as long as it takes a row to count as gone.
//!
//! *Nothing is decided before all of the table was seen*, because what makes a record the only one of its kind may stand in the
//! last chunk. Only records are kept in mind whose values the tab shows without a key; afterwards the stream keeps them right.
//!
//! *A claim is bound under a lock.* The transaction locks the record, looks whether it still has the values that the row showed
//! ([`guard::tied`](crate::engine::guard::tied)), and stores the claim with its key, what both sides agree on by that (the key and
//! these columns), and a ledger entry that places the locked row in the stream. From there on all is as with a row that was
//! inserted: the key goes through the claim, and while it is owed no second row is made (`claim`). The other columns meet by
//! `first_match`.
//!
//! *A crash forgets nothing.* What is bound stands with the claims. All else is found out again: until no row waits any more the
//! link counts as one whose table was never read whole ([`Table::is_copied`]), which also lets the position go on beyond what is
//! set aside.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::input::{ColumnIndex, DbRow, DbState, KeySeen, LinkPlan, Micros, RowView, TabView};
use crate::engine::pending::Pending;
use crate::engine::rows::Rows;
use crate::engine::table::Table;
use crate::model::cell::Cell;
use crate::model::digest::Digest;
use crate::model::grid::GridCell;
use crate::model::key::Key;

/// By which rule rows are listed that could be several records'.
const SEVERAL_RECORDS: &str = "match_on: several records have the values of this row";

/// By which rule rows are listed of which another one could be the record's.
const SEVERAL_ROWS: &str = "match_on: several rows have the values of one record";

/// Records that a note names.
const NAMED: usize = 5;

/// A first meeting under way.
#[derive(Debug, Default)]
pub struct Meeting {
    /// The columns by whose values rows and records find each other.
    pub(super) columns: Vec<ColumnIndex>,
    /// A read of the whole tab has told what its rows without key show.
    is_read: bool,
    /// All of the table was seen.
    is_known: bool,
    /// What they show.
    sought: BTreeMap<Digest, Sought>,
    /// The records that have such values.
    records: BTreeMap<Key, Digest>,
    /// Of these, the ones that would be made in the tab.
    pub(super) aside: BTreeMap<Key, Pending>,
    /// Records that were made from rows of the tab meanwhile: another row with the same values is none of theirs.
    born: BTreeSet<Key>,
    /// Rows that wait by the last read.
    pub(super) waiting: usize,
    /// Of these, the held ones; and how many the operator was told of.
    pub(super) held: (usize, usize),
    /// Held rows that are listed, each with its rule.
    pub(super) listed: BTreeSet<(Digest, &'static str)>,
    /// Rows that were tied to their records.
    pub(super) tied: usize,
}

/// The values of a row without a key.
#[derive(Debug, Default)]
struct Sought {
    /// The records that have them.
    records: BTreeSet<Key>,
    /// How many rows show them, with a key or without.
    rows: usize,
    /// The keys of those that have one.
    keys: BTreeSet<Key>,
    /// No row without a key shows them since then.
    missing_since: Option<Micros>,
}

/// What a row without a key finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// No record: it is a new one.
    Nothing,
    /// That cannot be said yet.
    Unknown,
    /// Its record.
    Record(Key),
    /// More than one row or record.
    Several { rule: &'static str, text: String },
}

impl LinkPlan {
    /// The columns by whose values rows without a key find their records at the first meeting.
    pub fn match_on(&self) -> Vec<ColumnIndex> {
        let named = |name: &String| {
            self.columns.iter().position(|column| column.rule.name.eq_ignore_ascii_case(name))
        };
        self.rules.match_on.iter().filter_map(named).collect()
    }
}

impl Meeting {
    /// The first meeting of a link; `None` where rows are not to be found by their values.
    pub fn of(plan: &LinkPlan) -> Option<Self> {
        let columns = plan.match_on();
        (!columns.is_empty()).then(|| Self { columns, ..Self::default() })
    }

    /// Rows of the table are not to be asked for yet.
    pub(super) fn is_early(&self) -> bool {
        !self.is_read
    }

    /// Every record was told.
    pub(super) fn is_known(&mut self) {
        self.is_known = true;
    }

    /// What a row shows in the columns, as one comparable thing.
    fn shown(&self, cells: &[GridCell]) -> Option<Digest> {
        let cells: Option<Vec<&GridCell>> = self.columns.iter().map(|at| cells.get(*at)).collect();
        let cells = cells?;
        let is_value = |cell: &&GridCell| {
            !cell.value.is_blank() && cell.formula.is_none() && !matches!(cell.value, Cell::Error(_))
        };
        cells.iter().all(is_value).then(|| together(cells.iter().map(|cell| cell.value.digest())))
    }

    /// The same of a record.
    fn values(&self, row: &DbRow) -> Option<Digest> {
        let cells: Option<Vec<&Cell>> =
            self.columns.iter().map(|at| row.get(*at).map(|cell| &cell.shown)).collect();
        cells
            .filter(|cells| cells.iter().all(|cell| !cell.is_blank()))
            .map(|cells| together(cells.into_iter().map(Cell::digest)))
    }

    /// The table says what a record is now, where it is one of the link's. True where that is news to a row.
    pub(super) fn is_told(&mut self, key: &Key, row: Option<&DbRow>) -> bool {
        self.aside.remove(key);
        let values = row.and_then(|row| self.values(row));
        let values = values.filter(|values| self.sought.contains_key(values));
        let was = match values {
            Some(values) => self.records.insert(key.clone(), values),
            None => self.records.remove(key),
        };
        if was == values {
            return false;
        }
        if let Some(sought) = was.and_then(|was| self.sought.get_mut(&was)) {
            sought.records.remove(key);
        }
        if let Some(sought) = values.and_then(|values| self.sought.get_mut(&values)) {
            sought.records.insert(key.clone());
        }
        true
    }

    /// Does a row without a key show the values of this record?
    pub(super) fn awaits(&self, key: &Key) -> bool {
        self.records.contains_key(key)
    }

    /// The record waits until its row is found.
    pub(super) fn set_aside(&mut self, key: Key, pending: Pending) {
        self.aside.insert(key, pending);
    }

    /// A record was made from a row of the tab.
    pub(super) fn is_born(&mut self, key: &Key) {
        self.born.insert(key.clone());
    }

    /// A row is tied to its record.
    pub(super) fn is_tied(&mut self) {
        self.tied += 1;
    }

    /// Takes what the rows of a whole read show. Values that nobody shows any more are sought for `grace` yet: their row may be on
    /// somebody's clipboard. Gives the values that are new, and when to look again.
    pub(super) fn read(
        &mut self,
        tab: &TabView,
        asked: Micros,
        grace: Micros,
    ) -> (BTreeSet<Digest>, Option<Micros>) {
        (self.is_read, self.waiting, self.held.0) = (true, 0, 0);
        let keyless = tab.rows.iter().filter(|row| row.key == KeySeen::Blank);
        let shown: BTreeSet<Digest> = keyless.filter_map(|row| self.shown(&row.cells)).collect();
        let new: BTreeSet<Digest> =
            shown.iter().filter(|values| !self.sought.contains_key(*values)).copied().collect();
        for values in &shown {
            self.sought.entry(*values).or_default().missing_since = None;
        }
        let mut again = None;
        self.sought.retain(|values, sought| {
            (sought.rows, sought.keys) = (0, BTreeSet::new());
            if shown.contains(values) {
                return true;
            }
            let due = *sought.missing_since.get_or_insert(asked) + grace;
            if asked < due {
                again = again.into_iter().chain([due]).min();
            }
            asked < due
        });
        let sought = &self.sought;
        self.records.retain(|_, values| sought.contains_key(values));
        if !self.sought.is_empty() {
            self.count(tab);
        }
        (new, again)
    }

    fn count(&mut self, tab: &TabView) {
        for row in tab.rows.iter() {
            let Some(sought) = self.shown(&row.cells).and_then(|values| self.sought.get_mut(&values)) else {
                continue;
            };
            sought.rows += 1;
            if let KeySeen::Key(key) = &row.key {
                sought.keys.insert(key.clone());
            }
        }
    }

    /// Those that were set aside and have no reason to wait any more.
    pub(super) fn released(&mut self, rows: &Rows<'_>) -> BTreeMap<Key, Pending> {
        let waits = |key: &Key| self.records.contains_key(key) && !rows.contains(key);
        let (aside, released) = std::mem::take(&mut self.aside).into_iter().partition(|(key, _)| waits(key));
        self.aside = aside;
        released
    }

    /// What a row finds.
    pub(super) fn find(&self, table: &Table, rows: &Rows<'_>, row: &RowView) -> Match {
        let Some(values) = self.shown(&row.cells).filter(|_| row.key == KeySeen::Blank) else {
            return Match::Nothing;
        };
        let Some(sought) = self.sought.get(&values).filter(|_| self.is_known && table.life.is_live()) else {
            return Match::Unknown;
        };
        // What was told before a row sought it is not kept in mind, but then both sides have agreed on it.
        let known = sought.keys.iter().filter(|key| self.agreed(table, key) == Some(values));
        let records: BTreeSet<&Key> =
            sought.records.iter().chain(known).filter(|key| !self.born.contains(*key)).collect();
        if records.iter().any(|key| table.is_fetching(key)) {
            return Match::Unknown;
        }
        let has_row = |key: &Key| {
            let known = |key: &Key| rows.contains(key) || table.base.contains_key(key);
            let renamed = table.pending.get(key).and_then(|pending| pending.renamed_from.as_ref());
            known(key) || renamed.is_some_and(known) || table.owed_key(key).is_some()
        };
        let names = self.names(&table.plan);
        let (rule, text) = match records.iter().copied().collect::<Vec<_>>().as_slice() {
            [] => return Match::Nothing,
            [key] if sought.rows == 1 && !has_row(key) => return Match::Record((*key).clone()),
            [key] => (
                SEVERAL_ROWS,
                format!(
                    "the record {key} has this {names}, and this is not the only row for it: type {key} as the key of the row \
                     that is meant, and another {names} into the others, or take them away"
                ),
            ),
            several => {
                let named: Vec<String> = several.iter().take(NAMED).map(ToString::to_string).collect();
                let more = if several.len() > NAMED { " and more" } else { "" };
                let text = format!(
                    "{} records of the table have this {names} ({}{more}): type the key of the one that is meant",
                    several.len(),
                    named.join(", ")
                );
                (SEVERAL_RECORDS, text)
            }
        };
        Match::Several { rule, text }
    }

    /// What both sides last agreed on in the columns, where nothing waits to say otherwise.
    fn agreed(&self, table: &Table, key: &Key) -> Option<Digest> {
        let base = table.base.get(key).filter(|_| !table.pending.contains_key(key))?;
        let cells: Option<Vec<Digest>> = self
            .columns
            .iter()
            .map(|at| base.columns.get(*at).copied().flatten().map(|column| column.cell))
            .collect();
        cells.map(|cells| together(cells.into_iter()))
    }

    /// The columns in words.
    fn names(&self, plan: &LinkPlan) -> String {
        let headers = self.columns.iter().map(|at| plan.columns[*at].rule.header.as_str());
        headers.collect::<Vec<_>>().join(" and ")
    }
}

fn together(cells: impl Iterator<Item = Digest>) -> Digest {
    Digest::of(&cells.flat_map(|cell| cell.0.to_be_bytes()).collect::<Vec<u8>>())
}

/// The record, where the tab is to show it.
pub(super) fn shown(state: &DbState) -> Option<&DbRow> {
    if let DbState::Row(row) = state { Some(row) } else { None }
}
