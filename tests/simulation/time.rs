//! Time: whose step is next, until everything comes to rest.

use std::rc::Rc;

use sheetbridge::engine::input::{Input, Micros};
use sheetbridge::engine::table::Table;

use super::store::Kept;
use super::table::id;
use super::weather::Fault;
use super::world::{Late, World};

/// The oldest state that a stale read may show.
const STALEST: Micros = 8_000_000;

impl World {
    pub(super) fn live(&mut self, steps: u32) {
        while self.step < steps {
            self.next_step();
            match self.dice.weighed(&[7, 7, 20, 45, 12, 9]) {
                0 => self.application(),
                1 => self.person(),
                2 => self.stream(),
                3 => self.go_on_with_calls(),
                4 => self.deliver_hint(),
                _ => self.let_time_pass(),
            }
            if self.weather.strikes(Fault::Crash, &mut self.dice) {
                self.crash();
            }
            if self.weather.strikes(Fault::Doubt, &mut self.dice) {
                self.doubt();
            }
        }
    }

    /// Nobody acts but the daemon.
    pub(super) fn live_quietly(&mut self, steps: u32) {
        for _ in 0..steps {
            self.live_one_step();
        }
    }

    /// One step of whatever is under way.
    pub(super) fn live_one_step(&mut self) {
        self.next_step();
        match self.step % 5 {
            0 | 1 => self.go_on_with_calls(),
            2 => self.stream(),
            3 => self.deliver_hint(),
            _ => self.let_time_pass(),
        }
    }

    /// The same where time does not leap to whatever is due next: a call takes no longer than its steps.
    pub(super) fn live_one_busy_step(&mut self) {
        self.next_step();
        match self.step % 4 {
            0 | 1 => self.go_on_with_calls(),
            2 => self.stream(),
            _ => self.deliver_hint(),
        }
    }

    /// Nobody but the daemon acts, step by step, until this is so; false if it never is.
    pub(super) fn lives_until(&mut self, step: fn(&mut Self), is_so: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..2_000 {
            if is_so(self) {
                return true;
            }
            step(self);
        }
        false
    }

    /// Faults, people and the application stop; everything that is under way comes to its end.
    pub(super) fn come_to_rest(&mut self) {
        self.trace(|| "QUIET".into());
        self.weather.clear_up();
        self.growing.clear();
        Rc::make_mut(&mut self.sheet).headless.fill(false);
        Rc::make_mut(&mut self.sheet).merged.fill(false);
        if !self.doubted.is_empty() || self.store.links.iter().any(Kept::is_stopped) {
            self.resume();
        }
        let begin = self.step;
        let mut quiet_since = None;
        while self.step < begin + 6_000 {
            self.live_one_step();
            if (self.step - begin) % 300 == 60 {
                self.tidy_copies();
            }
            let busy = self.step < begin + 60
                || !self.late.is_empty()
                || !self.hints.is_empty()
                || self.tail < self.server.end();
            let calm = !self.engine.owes() && self.engine.tables().iter().all(Table::is_calm);
            if busy || !calm || quiet_since.is_some_and(|(since, _)| self.last_write > since) {
                quiet_since = None;
                continue;
            }
            let (since, reads) = *quiet_since.get_or_insert((self.clock, self.reads));
            if self.clock > since + 90_000_000 && self.reads > reads + 4 {
                return;
            }
        }
        let text = format!(
            "no rest: idle {} owed {:?} {}",
            self.engine.is_idle(),
            self.engine.owed(),
            self.waiting()
        );
        self.witness.violate(text);
    }

    fn waiting(&self) -> String {
        let tables = self.engine.tables().iter();
        let one = |table: &Table| {
            let pending = table.pending.iter().map(|(key, it)| {
                format!("{key}: {}", it.state.row().map_or("gone".into(), super::tell::db_row))
            });
            let fetching = table.wanted.keys().chain(table.fetching.keys()).map(ToString::to_string);
            format!(
                "pending {} flight {} fetching {} claims {:?} life {:?}",
                pending.collect::<Vec<_>>().join(", "),
                table.flight.len(),
                fetching.collect::<Vec<_>>().join(" "),
                table.claims.keys().collect::<Vec<_>>(),
                table.life
            )
        };
        tables.map(one).collect::<Vec<_>>().join("; ")
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.clock += self.dice.between(10_000, 300_000);
        if let Some(last) = self.older.back_mut().filter(|(_, last)| Rc::ptr_eq(last, &self.sheet)) {
            last.0 = self.clock;
        } else {
            self.older.push_back((self.clock, Rc::clone(&self.sheet)));
        }
        while self.older.len() > 5 || self.older.front().is_some_and(|(at, _)| at + STALEST < self.clock) {
            self.older.pop_front();
        }
        let step = self.step;
        let due: Vec<Late> = self.late.extract_if(.., |(at, _)| *at <= step).map(|(_, late)| late).collect();
        for late in due {
            self.happens("late call lands");
            self.arrive_late(late);
        }
        self.finish_rows();
        self.paste_cut_rows(self.clock);
        self.pump();
    }

    fn let_time_pass(&mut self) {
        let next = self.engine.next_wake().filter(|_| self.dice.chance(0.7));
        self.paste_cut_rows(Micros::MAX);
        self.clock = match next {
            Some(wake) => wake.max(self.clock),
            None => self.clock + self.dice.between(500_000, 5_000_000),
        };
        if self.dice.chance(0.005) {
            // Google ends every call after three minutes: nothing of ours arrives after a long pause.
            self.clock += 16 * 60 * 1_000_000;
            self.late.clear();
        }
        if self.dice.chance(0.3) {
            let front = self.engine.front();
            self.store.save_position(front);
        }
        self.pump();
    }

    pub(super) fn stream(&mut self) {
        for _ in 0..=self.dice.below(2) {
            if self.tail < self.server.end() {
                self.tail += 1;
                let mut transaction = self.server.transaction(self.tail);
                transaction.images.retain(|(tab, _)| !self.doubted.contains(tab));
                for (tab, image) in &transaction.images {
                    self.tally.told(&self.store, *tab, id(&image.key));
                }
                self.happens("stream");
                if !transaction.images.is_empty() && self.weather.strikes(Fault::ImageMissing, &mut self.dice)
                {
                    let images = std::mem::take(&mut transaction.images);
                    transaction.looks = images.into_iter().map(|(table, image)| (table, image.key)).collect();
                    let tail = self.tail;
                    self.trace(|| format!("  stream {tail} only names {:?}", transaction.looks));
                }
                self.trace(|| {
                    let keys: Vec<String> = transaction
                        .images
                        .iter()
                        .map(|(tab, image)| {
                            format!(
                                "{tab}/{}: {}",
                                image.key,
                                image.state.row().map_or("gone".into(), super::tell::db_row)
                            )
                        })
                        .collect();
                    format!(
                        "  stream {} marks {:?} {}",
                        transaction.seq,
                        transaction.marks.iter().map(|mark| mark.0).collect::<Vec<_>>(),
                        keys.join(" ")
                    )
                });
                for (tab, image) in &transaction.images {
                    if let Some(row) = image.state.row() {
                        self.witness.daemon_knows(*tab, row);
                    }
                }
                self.give(Input::Transaction(transaction));
            }
        }
    }

    fn deliver_hint(&mut self) {
        if let Some(at) = self.hints.iter().position(|(due, _)| *due <= self.step) {
            let (_, hint) = self.hints.remove(at);
            self.happens("edit event");
            self.accepted.entry(hint.edit).or_insert(self.witness.table_writes);
            self.give(Input::Edit(hint));
        }
    }
}
