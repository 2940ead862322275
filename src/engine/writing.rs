//! A cycle between its read and its batch: what the read said, and what it leads to.

use crate::engine::held::Held;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::engine::effect::{
    Answered, Conflict, Interval, Naming, Outcome, Remark, Remarks, TableWrite, Verdict, WriteAim,
};
use crate::engine::input::{EditHint, EditNumber, Micros, View};
use crate::engine::owed::{Owed, OwedId};
use crate::engine::paste::Shelved;
use crate::model::base::{BaseChange, RowBase};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::mark::ClaimId;

/// The clock of a person's machine is trusted this far: the script reads it one to three seconds after the keystroke.
pub(crate) const EDIT_SLACK: Micros = 5_000_000;

/// Rows of one edit that its answer tells of: the notes at the cells tell of all.
const ROWS_TOLD: usize = 100;

/// A cycle between its read and its batch.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) view: View,
    pub(crate) asked: Micros,
    pub(crate) answered: Micros,
    pub(crate) hints: Vec<EditHint>,
    /// Table writes, those of one transaction together.
    pub(crate) queue: VecDeque<Vec<Queued>>,
    /// Rows that are refused already: they have another chance with the rest of their paste.
    pub(super) shelved: Vec<Shelved>,
    pub(crate) outstanding: Vec<Queued>,
    /// What is outstanding are new rows that share no more than a transaction.
    pub(super) share: bool,
    /// When the first new rows of this cycle were in the table.
    pub(super) new_rows_since: Option<Micros>,
    /// Those that nobody announced have been put off.
    pub(super) announced_are_left: bool,
    /// The links that had new rows put off when this cycle began.
    pub(super) left_before: BTreeSet<usize>,
    pub(crate) verdicts: BTreeMap<(usize, u32), Verdict>,
    /// What an earlier cycle decided on rows that show it still; it counts where this cycle decides nothing.
    pub(super) standing: BTreeMap<(usize, u32), Verdict>,
    /// What is said at the cells: by table, row and, where one is meant, column.
    pub(super) remarks: BTreeMap<(usize, u32, Option<usize>), String>,
    /// Rows of which this cycle decides nothing: what is said there stays.
    pub(super) open: BTreeSet<(usize, u32)>,
    /// Per table, whether its rows are looked at in this cycle.
    pub(super) looked: Vec<bool>,
    pub(crate) conflicts: Vec<Conflict>,
    /// Deleted rows whose cells this cycle has listed, because nothing more can be done for them.
    pub(crate) given_up: BTreeSet<(usize, Key)>,
    pub(crate) agreed: Vec<(usize, BaseChange)>,
    pub(crate) paid: Vec<OwedId>,
    /// Debts that turned out to be of one row.
    pub(crate) owe: Vec<(OwedId, Owed)>,
    pub(crate) named: Vec<(usize, ClaimId)>,
    pub(crate) claim: Vec<(usize, u32)>,
    pub(crate) unclaim: Vec<(usize, ClaimId)>,
    pub(crate) names: Vec<Naming>,
    /// Per link: was all of its tab read?
    pub(crate) whole: Vec<bool>,
}

/// A table write and where its row stands in the read.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) write: TableWrite,
    pub(crate) row: Option<u32>,
    /// The content, for new rows that the server may refuse.
    pub(crate) content: Option<Digest>,
    /// The table did not take it beside others.
    pub(super) alone: bool,
}

impl Queued {
    pub(crate) fn key(&self) -> Option<&Key> {
        match &self.write.aim {
            WriteAim::Columns { key, .. }
            | WriteAim::Delete { key, .. }
            | WriteAim::Mark { key, .. }
            | WriteAim::Tie { key, .. }
            | WriteAim::Recreate { key, .. } => Some(key),
            WriteAim::Insert { key, .. } => key.as_ref(),
            WriteAim::Rename(renaming) => Some(&renaming.from),
        }
    }

    /// All keys that the transaction touches.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        let other = if let WriteAim::Rename(renaming) = &self.write.aim { Some(&renaming.to) } else { None };
        self.key().into_iter().chain(other)
    }
}

impl Writing {
    /// A cycle that has read this between these times, while new rows of these links are put off.
    pub(super) fn new(
        view: View,
        (asked, answered): (Micros, Micros),
        left_before: BTreeSet<usize>,
        tables: usize,
    ) -> Self {
        Self {
            view,
            asked,
            answered,
            hints: Vec::new(),
            queue: VecDeque::new(),
            shelved: Vec::new(),
            outstanding: Vec::new(),
            share: false,
            new_rows_since: None,
            announced_are_left: false,
            left_before,
            verdicts: BTreeMap::new(),
            standing: BTreeMap::new(),
            remarks: BTreeMap::new(),
            open: BTreeSet::new(),
            looked: vec![false; tables],
            conflicts: Vec::new(),
            given_up: BTreeSet::new(),
            agreed: Vec::new(),
            paid: Vec::new(),
            owe: Vec::new(),
            named: Vec::new(),
            claim: Vec::new(),
            unclaim: Vec::new(),
            names: Vec::new(),
            whole: vec![false; tables],
        }
    }

    /// A cycle of new rows alone reads nothing.
    pub(super) fn has_read(&self) -> bool {
        !self.view.tabs.is_empty()
    }

    /// The edit that announced a change of this row, if one did.
    pub(crate) fn hint(&self, table: usize, row: u32) -> Option<&EditHint> {
        let covers = |hint: &&EditHint| hint.rows.is_some_and(|(first, last)| (first..=last).contains(&row));
        self.hints.iter().filter(|hint| hint.table == table).rfind(covers)
    }

    pub(crate) fn cause(&self, table: usize, row: u32) -> Option<(EditNumber, Option<String>)> {
        self.hint(table, row).map(|hint| (hint.edit, hint.editor.clone()))
    }

    /// When a change of this row was made: between two reads, narrowed by the script's own time.
    pub(crate) fn interval(&self, table: usize, row: u32, between: Interval) -> Interval {
        match self.hint(table, row).and_then(|hint| hint.at) {
            Some(at) => {
                let until = between.1.min(at).max(between.0);
                (between.0.max(at.saturating_sub(EDIT_SLACK)).min(until), until)
            }
            None => between,
        }
    }

    /// The worst outcome of a row is what its person hears.
    pub(crate) fn judge(
        &mut self,
        table: usize,
        row: u32,
        outcome: Outcome,
        column: Option<usize>,
        message: String,
    ) {
        match outcome {
            Outcome::Refused => drop(self.remarks.insert((table, row, column), message.clone())),
            Outcome::Waiting => self.leave_open(table, row),
            Outcome::Unchanged | Outcome::Applied | Outcome::Conflict => {}
        }
        let place = column.map(|column| (row, column));
        let verdict = Verdict { outcome, place, message };
        let worst = self.verdicts.entry((table, row)).or_insert_with(|| verdict.clone());
        if worst.outcome < verdict.outcome {
            *worst = verdict;
        }
    }

    /// This cycle decides nothing of the row.
    pub(super) fn leave_open(&mut self, table: usize, row: u32) {
        self.open.insert((table, row));
    }

    /// The link is paused: the people whose edits wait hear why.
    pub(super) fn put_off(&mut self, table: usize, reason: &str) {
        let rows = self.hints.iter().filter(|hint| hint.table == table).filter_map(|hint| hint.rows);
        for (first, _) in rows.collect::<Vec<_>>() {
            self.judge(table, first, Outcome::Waiting, None, format!("the link is paused: {reason}"));
        }
    }

    /// What the tabs have to say by this cycle. `keys` tells where the key of a link stands: a row's remark has its place there.
    pub(super) fn told(&self, headers: Vec<Option<String>>, keys: impl Fn(usize) -> usize) -> Remarks {
        let tab = |index: usize| self.view.tabs.get(index).and_then(|tab| tab.as_ref().ok());
        let remark = |((index, row, column), text): (&(usize, u32, Option<usize>), &String)| {
            let tab = tab(*index)?;
            let column = *tab.columns.get(column.unwrap_or_else(|| keys(*index)))?;
            Some(Remark { table: *index, place: (tab.sheet, *row, column), text: text.clone() })
        };
        Remarks {
            said: self.remarks.iter().filter_map(remark).collect(),
            undecided: self.open.iter().filter_map(|(index, row)| Some((tab(*index)?.sheet, *row))).collect(),
            headers,
            looked: self.looked.clone(),
        }
    }

    /// A refusal of an earlier cycle, for the person whose edit that cycle saw before it was announced.
    pub(super) fn recall(&mut self, (table, row): (usize, u32), column: usize, held: &Held) {
        let verdict =
            Verdict { outcome: Outcome::Refused, place: Some((row, column)), message: held.why.clone() };
        self.remarks.insert((table, row, Some(column)), held.why.clone());
        self.standing.entry((table, row)).or_insert(verdict);
    }

    pub(crate) fn answers(&self) -> Vec<Answered> {
        let unchanged = Verdict { outcome: Outcome::Unchanged, place: None, message: String::new() };
        let worst = |of: &BTreeMap<(usize, u32), Verdict>, hint: &EditHint| {
            let (first, last) = hint.rows?;
            of.range((hint.table, first)..=(hint.table, last))
                .map(|(_, verdict)| verdict)
                .max_by_key(|verdict| verdict.outcome)
                .cloned()
        };
        let answered = |hint: &EditHint| Answered {
            edit: hint.edit,
            table: hint.table,
            verdict: worst(&self.verdicts, hint)
                .or_else(|| worst(&self.standing, hint))
                .unwrap_or_else(|| unchanged.clone()),
            rows: self.verdicts_of_rows(hint),
        };
        self.hints.iter().map(answered).collect()
    }

    /// What became of each row of an edit of several.
    fn verdicts_of_rows(&self, hint: &EditHint) -> Vec<(u32, Verdict)> {
        let Some((first, last)) = hint.rows.filter(|(first, last)| first < last) else { return Vec::new() };
        let range = (hint.table, first)..=(hint.table, last);
        let mut rows: BTreeMap<u32, &Verdict> = BTreeMap::new();
        for ((_, row), verdict) in self.standing.range(range.clone()).chain(self.verdicts.range(range)) {
            rows.insert(*row, verdict);
        }
        rows.into_iter().take(ROWS_TOLD).map(|(row, verdict)| (row, verdict.clone())).collect()
    }

    /// Base that this cycle is to store moves on with a guarded write of the same row: the write has stored the newer one.
    pub(crate) fn follow(&mut self, table: usize, row: &Key, newer: Option<&RowBase>) {
        for (index, change) in &mut self.agreed {
            if let (BaseChange::Set(key, base), Some(newer)) = (change, newer)
                && *index == table
                && key == row
            {
                base.clone_from(newer);
            }
        }
    }

    pub(crate) fn push(&mut self, write: TableWrite, row: Option<u32>, content: Option<Digest>) {
        self.queue.push_back(vec![Queued { write, row, content, alone: false }]);
    }
}
