//! A busy day on both sides, made so that everybody can say in the evening what must stand where.
//!
//! Some columns and rows belong to one side: what it said last must stand. Names are changed on both sides: each one stands, or was
//! followed by a later one of the same side, or is in the ledger. Rows come, go and get other keys, and none is doubled.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Ledger;
use super::picture::{Picture, furnish};
use crate::bridge::rig::Rig;
use crate::simulation::dice::Dice;

/// Rows whose cells are changed.
const CHANGED: std::ops::RangeInclusive<u64> = 1..=12;

/// What was done so far.
pub(super) struct Day<'a> {
    rig: &'a Rig,
    serial: u64,
    /// The last stock that SQL gave, by key.
    stocks: BTreeMap<u64, String>,
    /// The last note that a person typed, by key.
    notes: BTreeMap<u64, String>,
    /// Every name: by key, by side (is it a person's?), in order.
    names: BTreeMap<(u64, bool), Vec<String>>,
    /// Names of new rows.
    made: Vec<String>,
    /// Keys that are to be deleted by SQL, by a person, and to be renamed.
    left: [Vec<u64>; 3],
    gone: BTreeSet<u64>,
    renamed: BTreeMap<u64, u64>,
}

impl<'a> Day<'a> {
    /// Rows in the table when the day begins.
    pub(super) const ROWS: u32 = 60;

    pub(super) fn begin(rig: &'a Rig) -> Self {
        furnish(rig);
        Self {
            rig,
            serial: 0,
            stocks: BTreeMap::new(),
            notes: BTreeMap::new(),
            names: BTreeMap::new(),
            made: Vec::new(),
            left: [(13..=28).collect(), (29..=44).collect(), (45..=60).collect()],
            gone: BTreeSet::new(),
            renamed: BTreeMap::new(),
        }
    }

    /// Somebody does something.
    pub(super) async fn goes_on(&mut self, dice: &mut Dice) {
        self.serial += 1;
        let (serial, key) = (self.serial, dice.between(*CHANGED.start(), CHANGED.end() + 1));
        let ann = self.rig.person("ann@example.com");
        match dice.weighed(&[20, 20, 10, 10, 5, 5, 2, 2, 2, 3, 2, 2]) {
            0 => {
                self.rig.sql(&format!("UPDATE goods SET stock = {} WHERE id = {key}", 10_000 + serial)).await;
                self.stocks.insert(key, (10_000 + serial).to_string());
            }
            1 => {
                let note = format!("note {serial}");
                if ann.types(key, "note", &note) {
                    self.notes.insert(key, note);
                }
            }
            2 => {
                let name = format!("sql {serial}");
                self.rig.sql(&format!("UPDATE goods SET name = '{name}' WHERE id = {key}")).await;
                self.names.entry((key, false)).or_default().push(name);
            }
            3 => {
                let name = format!("typed {serial}");
                if ann.types(key, "name", &name) {
                    self.names.entry((key, true)).or_default().push(name);
                }
            }
            4 => {
                let name = format!("made {serial}");
                self.rig.sql(&format!("INSERT INTO goods (name, stock) VALUES ('{name}', {serial})")).await;
                self.made.push(name);
            }
            5 => {
                let name = format!("begun {serial}");
                ann.adds(&[("name", &name), ("stock", &serial.to_string())]);
                self.made.push(name);
            }
            6 => {
                if let Some(key) = self.left[0].pop() {
                    self.rig.sql(&format!("DELETE FROM goods WHERE id = {key}")).await;
                    self.gone.insert(key);
                }
            }
            7 => {
                if let Some(key) = self.left[1].pop()
                    && ann.deletes(key)
                {
                    self.gone.insert(key);
                }
            }
            8 => {
                if let Some(key) = self.left[2].pop() {
                    self.rig.sql(&format!("UPDATE goods SET id = {} WHERE id = {key}", 100_000 + key)).await;
                    self.renamed.insert(key, 100_000 + key);
                }
            }
            9 => {
                ann.sorts(["id", "name", "stock"][dice.below(3)], dice.chance(0.5));
            }
            10 => {
                ann.inserts_above(key, 1);
            }
            _ => {
                ann.moves(key, dice.between(*CHANGED.start(), CHANGED.end() + 1));
            }
        }
    }

    /// Is everything where it must be?
    pub(super) async fn is_right(&self, picture: &Picture, when: &str) {
        let ledger = Ledger::of(self.rig).await;
        let mut wrong = Vec::new();
        for (key, stock) in &self.stocks {
            if picture[key].stock != *stock {
                wrong.push(format!("{key}: the last stock is {stock}, and it shows {}", picture[key].stock));
            }
        }
        for (key, note) in &self.notes {
            if picture[key].note != *note {
                wrong.push(format!("{key}: the last note is {note}, and it shows {}", picture[key].note));
            }
        }
        for ((key, _), names) in &self.names {
            let last = names.last().expect("no list is empty");
            if picture[key].name != *last && !ledger.knows(last) {
                wrong.push(format!("{key}: {last} is nowhere, and it shows {}", picture[key].name));
            }
        }
        for name in &self.made {
            let count = picture.values().filter(|line| line.name == *name).count();
            if count != 1 {
                wrong.push(format!("{name} stands {count} times"));
            }
        }
        wrong.extend(
            self.gone.iter().filter(|key| picture.contains_key(key)).map(|key| format!("{key} is back")),
        );
        wrong.extend(self.beside(picture));
        assert!(wrong.is_empty(), "{when}:\n{}", wrong.join("\n"));
    }

    /// What people wrote beside their rows is still beside them.
    fn beside(&self, picture: &Picture) -> Vec<String> {
        let all = (1..=u64::from(Self::ROWS)).filter(|key| !self.gone.contains(key));
        let right = |key: &u64| {
            let now = self.renamed.get(key).unwrap_or(key);
            picture.get(now).is_some_and(|line| {
                let expected = (format!("of {key}"), format!("memo {key}"), "doubled");
                (line.remark == expected.0) && (line.memo == expected.1) && (line.twice == expected.2)
            })
        };
        all.filter(|key| !right(key))
            .map(|key| format!("{key}: {:?}", picture.get(self.renamed.get(&key).unwrap_or(&key))))
            .collect()
    }
}
