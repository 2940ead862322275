//! The first meeting in a cycle: what a read of the whole tab shows of it, what a row without a key hears, and its end. The rules
//! are those of [`meeting`](crate::engine::meeting).

use crate::engine::adopt::Knowledge;
use crate::engine::effect::{Background, Conflict, Level, Outcome, Winner};
use crate::engine::input::{Micros, RowView, Seq, TabView};
use crate::engine::meeting::{Match, Meeting, shown};
use crate::engine::pending::{Pending, Waits};
use crate::engine::rows::{Rows, fingerprint};
use crate::engine::table::Table;
use crate::engine::writing::Writing;
use crate::engine::{Engine, LOOK_AGAIN, micros};
use crate::model::key::Key;

impl Table {
    /// Would a row of this record in the tab be a second one, perhaps?
    pub(super) fn may_be_tied(&self, key: &Key) -> bool {
        self.meeting.as_ref().is_some_and(|meeting| meeting.awaits(key)) && !self.base.contains_key(key)
    }

    /// Does the table wait for a read of the whole tab?
    pub(super) fn waits_for_rows(&self) -> bool {
        self.meeting.as_ref().is_some_and(Meeting::is_early)
    }

    /// Takes what a whole read shows: records with values that are sought from now on, and those that need not wait any more.
    fn meet_rows(&mut self, tab: &TabView, rows: &Rows<'_>, asked: Micros, seq: Seq) {
        let grace = micros(self.plan.rules.delete_grace).max(1);
        // A row that a chunk left out is told by the transaction of ours that was under way on it.
        let is_known = self.life.is_live()
            && self.wanted.is_empty()
            && self.parked.is_empty()
            && self.fetching.is_empty()
            && self.fences.values().all(|fence| fence.passed);
        let Some(meeting) = &mut self.meeting else { return };
        if is_known {
            meeting.is_known();
        }
        let (new, again) = meeting.read(tab, asked, grace);
        if !new.is_empty() {
            for (key, pending) in &self.pending {
                meeting.is_told(key, shown(&pending.state));
            }
        }
        let released = meeting.released(rows);
        self.wakes.extend(again);
        for (key, pending) in released {
            // The position may be past its first change: a restart reads the whole table.
            self.pending.entry(key).or_insert(Pending { first: seq, ..pending });
            self.waits = Waits::News;
        }
    }
}

impl Engine {
    pub(super) fn meet_rows(&mut self, index: usize, tab: &TabView, rows: &Rows<'_>, asked: Micros) {
        let seq = self.seq;
        self.tables[index].meet_rows(tab, rows, asked, seq);
    }

    /// What a row without a key finds. While that is open, or more than one, the row is told so and this is `None`.
    pub(super) fn find_record(
        &mut self,
        index: usize,
        row: &RowView,
        rows: &Rows<'_>,
        writing: &mut Writing,
    ) -> Option<Match> {
        let table = &mut self.tables[index];
        let found = match &table.meeting {
            Some(meeting) if table.knowledge != Knowledge::Lost => meeting.find(table, rows, row),
            _ => return Some(Match::Nothing),
        };
        let Some(meeting) = &mut table.meeting else { return Some(found) };
        meeting.waiting += usize::from(found != Match::Nothing);
        let (rule, text) = match found {
            Match::Nothing | Match::Record(_) => return Some(found),
            Match::Unknown => {
                table.wakes.extend(table.life.is_live().then_some(self.clock + LOOK_AGAIN));
                writing.judge(index, row.row, Outcome::Waiting, None, "the table is still being read".into());
                return None;
            }
            Match::Several { rule, text } => (rule, text),
        };
        meeting.held.0 += 1;
        if meeting.listed.insert((fingerprint(row), rule)) {
            let column = meeting.columns.first().copied();
            writing.conflicts.push(Conflict {
                table: index,
                key: None,
                column,
                database: None,
                sheet: column.map(|at| row.cells[at].value.clone()),
                winner: Winner::Nobody,
                rule: rule.into(),
                background: Background::default(),
            });
        }
        writing.judge(index, row.row, Outcome::Refused, None, text);
        None
    }

    /// No row waits any more: both sides have met. What is under way yet is read again by a restart, as at the end of a copy.
    pub(super) fn end_meeting(&mut self, index: usize) {
        let table = &mut self.tables[index];
        let Some(meeting) = &mut table.meeting else { return };
        let (held, told) = meeting.held;
        meeting.held.1 = held;
        let is_over = meeting.waiting == 0 && meeting.aside.is_empty();
        let over = (is_over && table.life.is_live() && table.claims.is_empty()).then_some(meeting.tied);
        if held > told {
            let text = format!(
                "{held} rows without a key are held: `match_on` finds more than one record, or more than one row, with their values"
            );
            self.tell(Some(index), Level::Warning, text);
        }
        let Some(tied) = over else { return };
        let table = &mut self.tables[index];
        table.meeting = None;
        table.copying.extend(table.pending.keys().chain(table.flight.keys()).cloned());
        if tied > 0 {
            let text = format!("both sides have met: {tied} rows were tied to their records by `match_on`");
            self.tell(Some(index), Level::Info, text);
        }
    }
}
