//! Random changes on both sides, from a seed that is printed.

use std::cell::Cell;
use std::time::Duration;

use mysql_async::prelude::Queryable;

use super::person::Person;
use super::rig::Rig;
use crate::simulation::dice::Dice;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Transactions in the table.
    pub(crate) transactions: u64,
    /// Cells that were typed or cleared, rows that were pasted over, and rows that were deleted, in the tab.
    pub(crate) edits: u64,
    /// Rows that were added in the tab.
    pub(crate) inserts: u64,
    /// Rows that were deleted in the tab; they are in `edits` too.
    pub(crate) deletes: u64,
    /// Sorts and moves: they change no value.
    pub(crate) moves: u64,
}

/// A storm over one rig.
pub(crate) struct Storm<'a> {
    rig: &'a Rig,
    people: [Person<'a>; 2],
    dice: Dice,
    kinds: &'static [(Kind, u32)],
    /// So many lines are deleted in the tab, and no more.
    removals: u64,
    named: Cell<u32>,
    history: Vec<String>,
    /// What was done so far.
    pub(crate) done: Done,
}

/// After so many of the changes the daemon's next call is waited for.
const PAUSES: f64 = 0.3;

/// A storm is over within a minute, and more than twenty lines that are gone within one stop a link's deletes.
const FEW: u64 = 14;

/// A daemon that makes no call for so long has nothing to do.
const AT_REST: Duration = Duration::from_millis(100);

/// What a change can be, with its weight.
const KINDS: [(Kind, u32); 10] = [
    (Kind::Update, 26),
    (Kind::Insert, 8),
    (Kind::Delete, 5),
    (Kind::NewKey, 4),
    (Kind::Types, 34),
    (Kind::Adds, 7),
    (Kind::Removes, 4),
    (Kind::Pastes, 6),
    (Kind::Sorts, 3),
    (Kind::Moves, 3),
];

/// What two people and an application do in a day: they also take back, whatever it was and however long ago, rename, and delete
/// the header by mistake.
const DAY: [(Kind, u32); 14] = [
    (Kind::Update, 24),
    (Kind::Insert, 6),
    (Kind::Delete, 4),
    (Kind::NewKey, 3),
    (Kind::Types, 32),
    (Kind::Adds, 6),
    (Kind::Removes, 3),
    (Kind::Pastes, 6),
    (Kind::Sorts, 3),
    (Kind::Moves, 3),
    (Kind::Undoes, 6),
    (Kind::RenamesColumn, 2),
    (Kind::RenamesTab, 1),
    (Kind::LosesHeader, 1),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Update,
    Insert,
    Delete,
    NewKey,
    Types,
    Adds,
    Removes,
    Pastes,
    Sorts,
    Moves,
    Undoes,
    RenamesColumn,
    RenamesTab,
    LosesHeader,
}

impl<'a> Storm<'a> {
    /// The seed is printed, or taken from `SHEETBRIDGE_SEED`.
    pub(crate) fn over(rig: &'a Rig) -> Self {
        Self::of(&KINDS, FEW, rig)
    }

    /// A day with all that people do.
    pub(crate) fn day(rig: &'a Rig) -> Self {
        Self::of(&DAY, u64::MAX, rig)
    }

    fn of(kinds: &'static [(Kind, u32)], removals: u64, rig: &'a Rig) -> Self {
        let given = std::env::var("SHEETBRIDGE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed: u64 = given.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
        println!("{}, {}: SHEETBRIDGE_SEED={seed}", rig.server, rig.database);
        let people = ["ann@example.com", "bob@example.com"].map(|address| rig.person(address));
        Self {
            rig,
            people,
            dice: Dice::new(seed),
            kinds,
            removals,
            named: Cell::new(0),
            history: Vec::new(),
            done: Done::default(),
        }
    }

    /// Makes so many changes, on whichever side the dice choose: a few between any two calls of the daemon, so that its reads and
    /// its writes meet a tab and a table that move, however slow the machine is.
    pub(crate) async fn blow(&mut self, changes: u32) {
        let mut conn = self.rig.server.connect().await;
        conn.query_drop(format!("USE {}", self.rig.database)).await.expect("the database is there");
        let weights: Vec<u32> = self.kinds.iter().map(|(_, weight)| *weight).collect();
        let mut made = 0;
        while made < changes {
            let (kind, _) = self.kinds[self.dice.weighed(&weights)];
            let is_done = match kind {
                Kind::Update | Kind::Insert | Kind::Delete | Kind::NewKey => {
                    let statement = self.statement(kind);
                    self.history.push(statement.clone());
                    conn.query_drop(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
                    let changed = conn.affected_rows() > 0;
                    self.done.transactions += u64::from(changed);
                    changed
                }
                Kind::LosesHeader => self.lose_header().await,
                Kind::Types
                | Kind::Adds
                | Kind::Removes
                | Kind::Pastes
                | Kind::Sorts
                | Kind::Moves
                | Kind::Undoes
                | Kind::RenamesColumn
                | Kind::RenamesTab => self.act(kind),
            };
            made += u32::from(is_done);
            if self.dice.chance(PAUSES) {
                self.rig.calls().next(AT_REST).await;
            }
        }
    }

    fn statement(&mut self, kind: Kind) -> String {
        // A row of the table by its place; the subquery in a subquery is what lets MySQL change the table that it reads.
        let place = self.dice.below(1000);
        let row = format!(
            "id = (SELECT id FROM (SELECT id FROM goods ORDER BY id LIMIT 1 OFFSET {}) one)",
            place % 25
        );
        match kind {
            Kind::Update => {
                let (column, text) = self.value();
                let (other, more) = self.value();
                let quoted = |text: &str| match text {
                    "" => "NULL".to_owned(),
                    "TRUE" | "FALSE" => text.to_owned(),
                    text => format!("'{text}'"),
                };
                format!(
                    "UPDATE goods SET {column} = {}, {other} = {} WHERE {row}",
                    quoted(&text),
                    quoted(&more)
                )
            }
            Kind::Insert => {
                let name = self.name();
                format!("INSERT INTO goods (name, stock, price) VALUES ('{name}', {place}, {place}.25)")
            }
            Kind::Delete => format!("DELETE FROM goods WHERE {row}"),
            Kind::NewKey => format!(
                "UPDATE goods SET id = (SELECT top FROM (SELECT MAX(id) + 7 top FROM goods) t) WHERE {row}"
            ),
            _ => unreachable!("{kind:?} is no statement"),
        }
    }

    fn act(&mut self, kind: Kind) -> bool {
        let (who, name) = (self.dice.below(2), self.name());
        let (column, text) = self.value();
        let (some, other, coin) = (self.dice.below(1000), self.dice.below(1000), self.dice.chance(0.5));
        let person = &self.people[who];
        let keys: Vec<String> = person.sees_keys().into_iter().filter(|key| !key.is_empty()).collect();
        if keys.is_empty() && kind != Kind::Adds {
            return false;
        }
        let key = |at: usize| &keys[at % keys.len().max(1)];
        self.history.push(match kind {
            Kind::Adds => format!("{who} adds {name}, {column} {text:?}"),
            _ => format!("{who}: {kind:?} {} ({column} {text:?}, {name}, {})", key(some), key(other)),
        });
        let done = &mut self.done;
        match kind {
            Kind::Types => {
                let is_done = person.types(key(some), column, &typed(column, &text));
                done.edits += u64::from(is_done);
                is_done
            }
            Kind::Adds => {
                let stock = some.to_string();
                person.adds(&[("name", &name), ("stock", &stock), (column, &typed(column, &text))]);
                done.edits += 3;
                done.inserts += 1;
                true
            }
            Kind::Removes if done.deletes >= self.removals => false,
            Kind::Removes => {
                let is_done = person.deletes(key(some));
                done.edits += u64::from(is_done);
                done.deletes += u64::from(is_done);
                is_done
            }
            Kind::Pastes => {
                // The second of the two rows may be one below everything: then it is a new one, with all that it must have.
                let (first, second) = (some.to_string(), other.to_string());
                let block: [&[&str]; 2] = [&[&name, &first], &[&format!("{name} too"), &second]];
                let is_done = person.pastes(key(some), "name", &block);
                done.edits += 2 * u64::from(is_done);
                is_done
            }
            Kind::Sorts => {
                let column = ["id", "name", "stock", "price"][some % 4];
                done.moves += 1;
                person.sorts(column, coin)
            }
            Kind::Moves => {
                let is_done = person.moves(key(some), key(other));
                done.moves += u64::from(is_done);
                is_done
            }
            // As often as somebody presses the two keys.
            Kind::Undoes => (0..=some % 5).filter(|_| person.undoes()).count() > 0,
            Kind::RenamesColumn => person.renames(column),
            Kind::RenamesTab => person.renames_tab(["Goods", "Our goods"][usize::from(coin)]),
            Kind::Update | Kind::Insert | Kind::Delete | Kind::NewKey | Kind::LosesHeader => {
                unreachable!("{kind:?} is no action of one moment")
            }
        }
    }

    /// Somebody deletes the header by mistake, sees it after some calls of the daemon, and takes it back.
    async fn lose_header(&mut self) -> bool {
        let (who, calls) = (self.dice.below(2), self.dice.below(4));
        self.history.push(format!("{who}: the header is deleted, and back after {calls} calls"));
        if !self.people[who].deletes_header() {
            return false;
        }
        for _ in 0..calls {
            self.rig.calls().next(AT_REST).await;
        }
        assert!(self.people[who].undoes(), "what was just done can be taken back");
        true
    }

    /// A name that nothing else has.
    fn name(&self) -> String {
        self.named.set(self.named.get() + 1);
        format!("made {}", self.named.get())
    }

    /// A column and a value for it, as a person types it and as a statement quotes it. Empty is NULL.
    fn value(&mut self) -> (&'static str, String) {
        let n = self.dice.below(100_000);
        match self.dice.below(9) {
            0 => ("name", format!("name {n}, Zoë")),
            1 | 2 => ("stock", format!("{}", n as i64 - 50_000)),
            3 => ("price", format!("{}.{:02}", n / 100, n % 100)),
            4 => ("price", String::new()),
            5 => ("listed", ["TRUE", "FALSE"][n % 2].to_owned()),
            6 => ("since", format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1)),
            7 => ("code", format!("{}", 10_000_000_000_000_000_000 + n as u64)),
            _ => (
                "note",
                if n.is_multiple_of(3) { String::new() } else { format!("note {n}: \"quoted\", = 1+1") },
            ),
        }
    }
}

/// After a failure it is told what was done.
impl Drop for Storm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the storm over {}:\n{}", self.rig.database, self.history.join("\n"));
        }
    }
}

/// A long number is typed with an apostrophe in front, because Sheets would round it.
fn typed(column: &str, text: &str) -> String {
    if column == "code" { format!("'{text}") } else { text.to_owned() }
}
