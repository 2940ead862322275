//! Reads: what each has to show, whether it is believed, and what it tells of every tab at once.

use crate::engine::effect::{Effect, Level};
use crate::engine::input::{EditHint, Micros, ReadNumber, TabView, View};
use crate::engine::owed::Owed;
use crate::engine::pending::Waits;
use crate::engine::places::Scope;
use crate::engine::rows::Rows;
use crate::engine::shuffle::shuffle;
use crate::engine::spelling::Reading;
use crate::engine::table::Table;
use crate::engine::{Engine, STALE_READS, Stage};
use crate::model::grid::Fate;
use crate::model::mark::BatchNumber;
use crate::model::pause::{Brake, Pause};

impl Engine {
    /// The first of the times that somebody asked for, of every kind.
    pub(super) fn wakes(&self) -> impl Iterator<Item = Micros> + '_ {
        self.wakes
            .first()
            .into_iter()
            .chain(self.tables.iter().filter_map(|table| table.wakes.first()))
            .copied()
    }

    pub(super) fn ask_read(&mut self) {
        self.reads += 1;
        self.again = false;
        let is_due = self.is_sweep_due();
        let (scopes, is_sweep) = self.scopes(is_due);
        let due = self.clock + 1;
        self.wakes = self.wakes.split_off(&due);
        for (table, scope) in self.tables.iter_mut().zip(&scopes) {
            if *scope == Scope::Whole {
                table.wakes = table.wakes.split_off(&due);
            }
        }
        let whole = scopes.iter().all(|scope| *scope == Scope::Whole);
        if is_due || whole {
            self.set_next_sweep(&scopes);
        }
        let hints = std::mem::take(&mut self.hints);
        self.out.push_back(if whole {
            Effect::Read(self.reads)
        } else {
            Effect::ReadRows(self.reads, scopes.clone())
        });
        self.stage = Stage::Reading { number: self.reads, asked: self.clock, hints, scopes, is_sweep };
    }

    /// What this read has to show of each tab, and whether it shows all of one for the sake of a sweep alone.
    fn scopes(&self, is_due: bool) -> (Vec<Scope>, bool) {
        let cells: u64 = self.tables.iter().map(Table::cells_known).sum();
        let (others_wait, whole) = (self.others_wait(), cells < self.large as u64 || self.owes());
        let mut is_sweep = true;
        let scope = |(index, table): (usize, &Table)| {
            let rows = if whole { None } else { self.rows_that_will_do(index) };
            is_sweep &= rows.is_some();
            let swept = is_due && table.may_be_swept(self.clock, others_wait);
            rows.filter(|_| !swept).map_or(Scope::Whole, Scope::Rows)
        };
        let scopes: Vec<Scope> = self.tables.iter().enumerate().map(scope).collect();
        let is_sweep = is_sweep && scopes.contains(&Scope::Whole);
        (scopes, is_sweep)
    }

    pub(super) fn on_read(&mut self, number: ReadNumber, answered: Micros, view: View) {
        let Stage::Reading { number: expected, asked, hints, scopes, .. } = &mut self.stage else {
            return;
        };
        if *expected != number {
            return;
        }
        self.storing.read_took(self.clock - *asked);
        if self.storing.is_under_way() {
            self.read_counts_for_nothing(number);
            return;
        }
        let (asked, hints, scopes) = (*asked, std::mem::take(hints), std::mem::take(scopes));
        self.stage = Stage::Idle;
        if self.adopting {
            self.adopt(&view);
        }
        if let Some(reason) = self.disbelief(&view) {
            self.hints.splice(0..0, hints);
            self.stale += 1;
            self.read_again(&scopes);
            self.wait();
            if self.stale.is_multiple_of(STALE_READS) {
                self.pause_all(reason);
            }
            return;
        }
        self.stale = 0;
        self.calm();
        self.spell(Reading { number, asked, answered, view, hints, scopes });
    }

    /// Takes a believed read whose rows count under their records' own keys.
    pub(super) fn take_read(&mut self, reading: Reading) {
        let Reading { asked, answered, mut view, mut hints, scopes, .. } = reading;
        self.take_troubles(&view);
        self.take_places(&scopes, &mut view, &mut hints, (asked, answered));
        self.cycle_front = Some(self.waiting_front());
        self.inspect(asked, answered, view, hints, &scopes);
    }

    /// A read of a whole tab tells where every key stands; one of single rows counts only for keys that stand where they are
    /// known to. An edit of another row waits for a read of the whole tab.
    fn take_places(
        &mut self,
        scopes: &[Scope],
        view: &mut View,
        hints: &mut Vec<EditHint>,
        (asked, answered): (Micros, Micros),
    ) {
        for (index, (scope, tab)) in scopes.iter().zip(&mut view.tabs).enumerate() {
            let (table, Ok(tab)) = (&mut self.tables[index], tab) else { continue };
            match scope {
                Scope::Whole => {
                    table.places.take(tab);
                    table.count_doubles(&Rows::of(tab), asked);
                    table.wants_whole = false;
                    table.swept(asked, answered);
                }
                Scope::Rows(rows) => {
                    let lost = table.keep_placed(tab, rows);
                    if lost.is_empty() {
                        continue;
                    }
                    table.wants_whole = true;
                    table.waits = Waits::News;
                    let is_lost = |hint: &EditHint| {
                        let covers = |(first, last)| lost.iter().any(|row| (first..=last).contains(row));
                        hint.table == index && hint.rows.is_some_and(covers)
                    };
                    let (later, now): (Vec<_>, Vec<_>) = std::mem::take(hints).into_iter().partition(is_lost);
                    self.hints.extend(later);
                    *hints = now;
                }
            }
        }
    }

    /// Why this read counts for nothing: it is older than our last batch, or somebody else's tokens stand in the spreadsheet.
    fn disbelief(&self, view: &View) -> Option<String> {
        let unknown = || view.tokens.iter().filter(|token| !self.adopted.contains(&token.number));
        let stranger = unknown().find_map(|token| match &token.fate {
            Fate::Landed(owner) if owner.installation != self.owner.installation => Some(owner),
            Fate::Landed(_) | Fate::Void => None,
        });
        if let Some(stranger) = stranger {
            return Some(format!(
                "another sheetbridge ({stranger}) writes to this spreadsheet: stop one of the two; this one writes nothing"
            ));
        }
        let ahead =
            unknown().any(|token| token.number.0 >= self.number && matches!(token.fate, Fate::Landed(_)));
        if ahead {
            return Some(
                "the spreadsheet knows batches that this database does not: MySQL went back in time".into(),
            );
        }
        match self.last_done {
            Some(done) if !view.tokens.iter().any(|token| token.number == done) => Some(
                "the read does not show our last batch: it is stale, or the spreadsheet went back in time"
                    .into(),
            ),
            _ => view.helper.is_none().then(|| "the helper tab is missing".into()),
        }
    }

    /// Nothing that is read can be believed: every link of the spreadsheet waits.
    fn pause_all(&mut self, reason: String) {
        for index in 0..self.tables.len() {
            if self.tables[index].stopped.is_none() {
                self.set_trouble(index, Some(Pause::new(Brake::Foreign, reason.clone())));
            }
        }
    }

    /// Our memory is another one than the spreadsheet's, and an operator has said that this one goes on: its batches are
    /// numbered past those that stand there, which go with the first of ours.
    fn adopt(&mut self, view: &View) {
        self.adopting = false;
        let known = |number: &BatchNumber| self.tokens.iter().any(|token| token.number == *number);
        let unknown = view.tokens.iter().map(|token| token.number).filter(|number| !known(number));
        self.adopted = unknown.collect();
        let highest = view.tokens.iter().map(|token| token.number.0).max().unwrap_or(0);
        self.number = self.number.max(highest.saturating_add(1));
        self.last_done = self.last_done.filter(|done| view.tokens.iter().any(|token| token.number == *done));
        if !self.adopted.is_empty() {
            let text = format!("{} batches of another memory are taken as they are", self.adopted.len());
            self.tell(None, Level::Info, text);
        }
    }

    fn take_troubles(&mut self, view: &View) {
        let mending = self.owed.values().any(Owed::is_mend);
        for index in 0..self.tables.len() {
            let trouble = match view.tabs.get(index) {
                Some(Ok(tab)) => {
                    self.tables[index].grid.clone_from(&tab.columns);
                    // Rows that a write of ours hit by mistake show each other's values, too.
                    if mending { None } else { self.look_for_shuffle(index, tab) }
                }
                Some(Err(trouble)) => Some(Pause::new(Brake::Tab, trouble.reason.clone())),
                None => Some(Pause::new(Brake::Tab, "the tab was not read")),
            };
            let trouble = self.tables[index].stopped.clone().or(trouble);
            self.set_trouble(index, trouble);
        }
    }

    fn look_for_shuffle(&mut self, index: usize, tab: &TabView) -> Option<Pause> {
        let table = &mut self.tables[index];
        let rows = Rows::of(tab);
        // What was meant is forgotten once it is so.
        let mut meant = std::mem::take(&mut table.meant);
        meant.retain(|key| table.differs(key, &rows));
        table.meant = meant;
        let found = shuffle(table, &rows);
        let (pause, keys) = found.map(|found| (found.pause, found.keys)).unzip();
        table.shuffled = keys.unwrap_or_default();
        pause
    }

    pub(super) fn on_read_failed(&mut self, number: ReadNumber) {
        if self.read_counts_for_nothing(number) {
            self.wait();
        }
    }

    /// False if it is another one than is waited for.
    fn read_counts_for_nothing(&mut self, number: ReadNumber) -> bool {
        let stage = self.without_read();
        let (hints, scopes) = match std::mem::replace(&mut self.stage, stage) {
            Stage::Reading { number: expected, hints, scopes, .. } if expected == number => (hints, scopes),
            Stage::Spelling(reading) if reading.number == number => (reading.hints, reading.scopes),
            stage => {
                self.stage = stage;
                return false;
            }
        };
        self.hints.splice(0..0, hints);
        self.read_again(&scopes);
        true
    }

    /// A read that counts for nothing is asked again, of the same tabs whole.
    fn read_again(&mut self, scopes: &[Scope]) {
        self.again = true;
        for (table, scope) in self.tables.iter_mut().zip(scopes) {
            table.wants_whole |= *scope == Scope::Whole;
        }
    }
}
