//! Brakes going on and off: by the stream, by a read, by an operator; and told to the store each time.

use crate::engine::brake::{mass_delete, mass_removal};
use crate::engine::effect::{Effect, Level};
use crate::engine::input::{Micros, TableIndex};
use crate::engine::lifecycle::Life;
use crate::engine::pending::Waits;
use crate::engine::table::Table;
use crate::engine::{Engine, Stage};
use crate::model::key::Key;
use crate::model::pause::{Brake, Pause};

/// Deletes are counted over this time.
const MINUTE: Micros = 60_000_000;

impl Engine {
    /// The stream is in doubt about a table, or an operator wants the link to pause: its rows are followed no more. What the
    /// whole table tells as well is no reason to stop while it is going to be read anyway.
    pub(super) fn on_stop(&mut self, index: TableIndex, pause: Pause) {
        let next = self.seq + 1;
        let Some(table) = self.tables.get_mut(index).filter(|table| table.stopped.is_none()) else { return };
        let empties = matches!(pause.brake, Brake::Emptied | Brake::Dropped);
        let harmless = empties && table.base.is_empty();
        if let Life::CatchingUpKeys { all, .. } = &mut table.life
            && pause.brake != Brake::Operator
            && (harmless || !empties)
        {
            *all = true;
            return;
        }
        if harmless && pause.brake == Brake::Emptied {
            return self.on_reread(index);
        }
        let rows = table.base.len();
        let pause = if empties { pause.of_rows(rows) } else { pause };
        // All of it is read again when the link goes on.
        (table.pending, table.wanted, table.parked) = Default::default();
        table.knowledge = table.knowledge.stopped(table.life.is_live() && table.copying.is_empty());
        table.stop_kept_before = Some(next);
        table.stopped = Some(pause.clone());
        table.trouble = Some(pause.clone());
        // The people in the sheet hear it by the next read.
        self.wakes.insert(self.clock);
        self.tell_pause(index, &pause);
    }

    /// An operator lets a brake go on, as it was when he looked. What has changed since asks him again.
    pub(super) fn on_resume(&mut self, index: TableIndex, brake: Brake, rows: Option<u64>) {
        let Some(table) = self.tables.get_mut(index) else { return };
        let on = table.pauses().any(|pause| pause.brake == brake && pause.rows == rows);
        if !on {
            return;
        }
        match brake {
            Brake::MassDelete | Brake::EmptyTab => {
                let gone: Vec<Key> = table.gone_now().cloned().collect();
                if rows == Some(gone.len() as u64) {
                    table.allowed.extend(gone);
                }
            }
            Brake::MassRemoval => {
                let leaving: Vec<Key> = table.leaving().cloned().collect();
                if rows == Some(leaving.len() as u64) {
                    table.allowed.extend(leaving);
                    table.waits = Waits::News;
                }
            }
            Brake::PartialSort => table.meant.append(&mut table.shuffled),
            // These end with a new start of the link, or with their cause.
            Brake::Tab
            | Brake::Foreign
            | Brake::Emptied
            | Brake::Dropped
            | Brake::Unreadable
            | Brake::Configuration
            | Brake::Operator => {}
        }
        self.wakes.insert(self.clock);
        if matches!(self.stage, Stage::Idle) {
            self.look_at_all(self.clock);
        }
    }

    /// The store knows why links are paused.
    pub(super) fn on_pauses_kept(&mut self, index: TableIndex) {
        if let Some(table) = self.tables.get_mut(index) {
            table.telling = false;
            if table.told.iter().any(|told| table.stopped.as_ref() == Some(told)) {
                table.stop_kept_before = None;
            }
        }
    }

    /// Tells the store of brakes that went on or off; one call at a time for each link, so that the last one counts.
    pub(super) fn tell_pauses(&mut self) {
        for (index, table) in self.tables.iter_mut().enumerate() {
            if table.telling || table.pauses().eq(&table.told) {
                continue;
            }
            let pauses: Vec<Pause> = table.pauses().cloned().collect();
            table.told.clone_from(&pauses);
            table.telling = true;
            let knowledge = table.knowledge;
            self.out.push_back(Effect::Pauses { table: index, pauses, knowledge });
        }
    }

    /// Puts a brake of the tab's state on or takes it off, and says so in the journal.
    pub(super) fn set_trouble(&mut self, index: usize, trouble: Option<Pause>) {
        if self.tables[index].trouble == trouble {
            return;
        }
        match &trouble {
            Some(pause) => self.tell_pause(index, pause),
            None => self.tell(Some(index), Level::Info, "goes on: the cause of the pause is gone".into()),
        }
        if trouble.is_none() {
            self.tables[index].waits = Waits::News;
        }
        self.tables[index].trouble = trouble;
    }

    /// Puts the brake on deletes in the table on or takes it off, by what a read of the whole tab lacks.
    pub(super) fn weigh_deletes(&mut self, index: usize) {
        let table = &mut self.tables[index];
        table.deleted.retain(|at| self.clock < at + MINUTE);
        let on = mass_delete(table.gone_now().count(), table.deleted.len(), table.base.len());
        let was = std::mem::replace(&mut table.brake, on.clone());
        self.tell_brake(index, was, on, "deletes in the table go on");
    }

    /// Puts the brake on deletes in the tab on or takes it off, by what waits to leave it.
    pub(super) fn weigh_removals(&mut self, index: usize) {
        let table = &mut self.tables[index];
        let on = mass_removal(table.leaving().count(), table.base.len());
        let was = std::mem::replace(&mut table.removal, on.clone());
        self.tell_brake(index, was, on, "deletes in the tab go on");
    }

    fn tell_brake(&mut self, index: usize, was: Option<Pause>, on: Option<Pause>, off: &str) {
        match on {
            on if on == was => {}
            Some(pause) => self.tell_pause(index, &pause),
            None => self.tell(Some(index), Level::Info, off.into()),
        }
    }

    /// A brake goes on, in the journal.
    pub(super) fn tell_pause(&mut self, index: usize, pause: &Pause) {
        let told = pause.told(&self.tables[index].plan.rules.name);
        let text = format!("paused ({}, {}): {told}", pause.brake, pause.brake.way());
        self.tell(Some(index), Level::Warning, text);
    }

    /// What is said at the header of each tab.
    pub(super) fn headers(&self) -> Vec<Option<String>> {
        let told = |table: &Table| Some(table.pauses().next()?.told(&table.plan.rules.name));
        self.tables.iter().map(told).collect()
    }
}

impl Table {
    /// The brakes that were on when the store was last told. Those that follow from the two sides stay on until a read says
    /// otherwise.
    pub fn restore_pauses(&mut self, pauses: impl Iterator<Item = Pause>) {
        for pause in pauses {
            match pause.brake {
                Brake::MassDelete | Brake::EmptyTab => self.brake = Some(pause),
                Brake::MassRemoval => self.removal = Some(pause),
                Brake::Tab | Brake::PartialSort | Brake::Foreign => {
                    self.trouble.get_or_insert(pause);
                }
                Brake::Emptied
                | Brake::Dropped
                | Brake::Unreadable
                | Brake::Configuration
                | Brake::Operator => {
                    self.stopped.get_or_insert(pause);
                }
            }
        }
        self.trouble = self.stopped.clone().or(self.trouble.take());
        self.told = self.pauses().cloned().collect();
    }

    /// The brakes that are on, the widest first.
    pub fn pauses(&self) -> impl Iterator<Item = &Pause> {
        self.stopped.as_ref().or(self.trouble.as_ref()).into_iter().chain(&self.brake).chain(&self.removal)
    }

    /// The rows that the last read of the whole tab lacked, but those that may go.
    pub(super) fn gone_now(&self) -> impl Iterator<Item = &Key> {
        self.gone.keys().filter(|key| !self.allowed.contains(*key))
    }

    /// The rows that are gone in the table and wait to leave the tab, but those that may.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &Key> {
        let gone = self.pending.iter().filter(|(_, pending)| pending.state.row().is_none());
        gone.map(|(key, _)| key).filter(|key| self.base.contains_key(key) && !self.allowed.contains(*key))
    }
}
