//! A person acts just between the daemon's read and its write, for every kind of write, with the answer heard, lost or late.
//!
//! The batch is kept waiting while the person acts, and then meets its fate. In the end the wrong row that it hit stands as it stood,
//! people's own columns with it, what was meant is where it belongs, and what was typed is in the table or listed.

use sheets_emulator::faults::{Applied, Fault};

use super::hold::{is_held, next_batch, release};
use super::ledger::{Ledger, mends};
use super::picture::{Line, Picture, assert_same, furnish, settled};
use crate::bridge::rig::{Rig, SOON, Setup};
use crate::support::server::{Kind, for_each_server, shared};

/// What SQL does, and so what the batch carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Update,
    Insert,
    Delete,
    Rekey,
}

/// What the person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Sort,
    InsertAbove,
    DeleteAbove,
    /// Deletes the very row.
    DeleteIt,
    /// Types into the very cell; for an insert, begins a record below everything.
    Type,
    /// Types another heading, which moves nothing.
    RenameColumn,
    /// Deletes row 1 by mistake, and takes it back when the batch has landed.
    LoseHeader,
}

/// What becomes of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    LostApplied,
    LostForGood,
    /// It lands between the send and the void.
    LateInTime,
    /// It comes after the void.
    TooLate,
}

impl Fate {
    /// A batch that never lands hits nothing: there only some acts make a difference.
    fn acts(self) -> &'static [Act] {
        const MOVES: [Act; 7] = [
            Act::Sort,
            Act::InsertAbove,
            Act::DeleteAbove,
            Act::DeleteIt,
            Act::Type,
            Act::RenameColumn,
            Act::LoseHeader,
        ];
        match self {
            Self::Answered => &MOVES,
            Self::LostApplied | Self::LateInTime => &MOVES[..6],
            Self::LostForGood | Self::TooLate => &[Act::Sort, Act::DeleteIt, Act::Type],
        }
    }

    fn lands(self) -> bool {
        matches!(self, Self::Answered | Self::LostApplied | Self::LateInTime)
    }

    fn fault(self) -> Option<Fault> {
        let applied = match self {
            Self::Answered => return None,
            Self::LostApplied => Applied::Yes,
            Self::LostForGood => Applied::No,
            Self::LateInTime => Applied::AfterCalls(1),
            Self::TooLate => Applied::OnRelease("too late".into()),
        };
        Some(Fault::LostReply { applied })
    }
}

const CHANGES: [Change; 4] = [Change::Update, Change::Insert, Change::Delete, Change::Rekey];

/// One tab for a whole row of scenes.
struct Stage {
    rig: Rig,
    scene: u64,
    picture: Picture,
}

/// The row that is meant, and the first one of the tab.
struct Cast {
    meant: u64,
    first: u64,
}

impl Stage {
    async fn open(kind: Kind, story: &str) -> Self {
        // A read may have been asked just before the change was committed: then nobody knows who was first.
        let more = "tie = \"sheet\"";
        let setup = Setup { script: false, sweep_interval: "250ms", rows: 60, more, ..Setup::default() };
        let rig = Rig::open(shared(kind).await, story, setup).await;
        furnish(&rig);
        // A column with a heading of the people's own, which only its anchor tells.
        assert!(rig.person("ann@example.com").renames("price"));
        let picture = settled(&rig).await;
        Self { rig, scene: 0, picture }
    }

    fn cast(&self) -> Cast {
        let keys: Vec<u64> = self
            .rig
            .person("ann@example.com")
            .sees_keys()
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect();
        Cast { meant: keys[2], first: keys[0] }
    }

    async fn play(&mut self, change: Change, act: Act, fate: Fate) {
        self.scene += 1;
        let (number, cast, before) = (self.scene, self.cast(), mends(&self.rig).await);
        let title = format!("scene {number} on {}: {change:?}, {act:?}, {fate:?}", self.rig.server);
        println!("{title}");
        let mark = match change {
            Change::Delete => "deleteDimension".to_owned(),
            Change::Update | Change::Insert | Change::Rekey => format!("\"sql {number}\""),
        };
        let faults = self.rig.google.faults();
        faults.add(next_batch(&mark, Fault::Pause { name: "between".into() }));
        if let Some(fault) = fate.fault() {
            faults.add(next_batch(&mark, fault));
        }
        self.change(change, &cast).await;
        is_held(&self.rig, "between").await;
        self.act(change, act, &cast);
        let calls = self.rig.calls();
        release(&self.rig, "between").await;
        if act == Act::LoseHeader {
            // It reads again when it knows what became of the batch.
            calls.reads(1, SOON).await;
            assert!(self.rig.person("ann@example.com").undoes(), "the header comes back");
        }

        let mut expected = self.expected(change, act, fate, &cast);
        let found = settled(&self.rig).await;
        adopt_new(&mut expected, &found, number);
        assert_same(&expected, &found, &title);
        self.check_receipts(change, act, fate, before, &title).await;
        self.picture = found;
        if fate == Fate::TooLate {
            self.lands_too_late(&title).await;
        }
    }

    async fn change(&self, change: Change, cast: &Cast) {
        let (number, meant) = (self.scene, cast.meant);
        let statement = match change {
            Change::Update => format!("UPDATE goods SET name = 'sql {number}' WHERE id = {meant}"),
            Change::Insert => {
                format!("INSERT INTO goods (id, name) VALUES ({}, 'sql {number}')", inserted(number))
            }
            Change::Delete => format!("DELETE FROM goods WHERE id = {meant}"),
            Change::Rekey => {
                format!("UPDATE goods SET id = {}, name = 'sql {number}' WHERE id = {meant}", 2000 + number)
            }
        };
        self.rig.sql(&statement).await;
    }

    fn act(&self, change: Change, act: Act, cast: &Cast) {
        let ann = self.rig.person("ann@example.com");
        let typed = format!("typed {}", self.scene);
        let done = match (act, change) {
            (Act::Sort, _) => ann.sorts("id", self.ascends()),
            (Act::InsertAbove, _) => ann.inserts_above(cast.meant, 1),
            (Act::DeleteAbove, _) => ann.deletes(cast.first),
            (Act::DeleteIt, _) => ann.deletes(cast.meant),
            (Act::Type, Change::Insert) => {
                ann.adds(&[("name", typed.as_str())]);
                true
            }
            (Act::Type, Change::Delete) => ann.types(cast.meant, "note", &typed),
            (Act::Type, Change::Update | Change::Rekey) => ann.types(cast.meant, "name", &typed),
            (Act::RenameColumn, _) => ann.renames("note"),
            (Act::LoseHeader, _) => ann.deletes_header(),
        };
        assert!(done, "the person finds no row to act on");
    }

    /// Sorted the other way the rows certainly change places.
    fn ascends(&self) -> bool {
        let keys = self.rig.person("ann@example.com").sees_keys();
        let numbers: Vec<u64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
        numbers.first() < numbers.last()
    }

    fn expected(&self, change: Change, act: Act, fate: Fate, cast: &Cast) -> Picture {
        let number = self.scene;
        let mut picture = self.picture.clone();
        let mut line = picture.remove(&cast.meant).expect("the row that is meant");
        if act == Act::DeleteIt {
            // With the line went what stood beside it; the record comes back, because an edit beats a delete.
            line = Line { remark: String::new(), memo: String::new(), twice: String::new(), ..line };
        }
        let wins = if act == Act::Type { "typed" } else { "sql" };
        match change {
            Change::Update => {
                line.name = format!("{wins} {number}");
                picture.insert(cast.meant, line);
            }
            Change::Rekey => {
                line.name = format!("{wins} {number}");
                picture.insert(2000 + number, line);
            }
            Change::Delete if act == Act::Type && !fate.lands() => {
                // The edit stands in the sheet as the row is to go: edit beats delete.
                line.note = format!("typed {number}");
                picture.insert(cast.meant, line);
            }
            Change::Delete => {}
            Change::Insert => {
                if act != Act::DeleteIt {
                    picture.insert(cast.meant, line);
                }
                picture.insert(
                    inserted(number),
                    Line { stock: "0".into(), name: format!("sql {number}"), ..Line::default() },
                );
            }
        }
        if act == Act::DeleteAbove {
            picture.remove(&cast.first);
        }
        if (act, change) == (Act::Type, Change::Insert) {
            // Its key is the server's to choose.
            picture.insert(0, Line { stock: "0".into(), name: format!("typed {number}"), ..Line::default() });
        }
        picture
    }

    /// The hazard was real, and nothing of it is silent.
    async fn check_receipts(&self, change: Change, act: Act, fate: Fate, before: usize, title: &str) {
        let moved = !matches!(act, Act::Type | Act::RenameColumn);
        let mended = mends(&self.rig).await - before;
        let hit_another = moved && change != Change::Insert && fate.lands();
        assert_eq!(mended > 0, hit_another, "{title}: {mended} mends");
        if act == Act::Type && change != Change::Insert && fate.lands() {
            let ledger = Ledger::of(&self.rig).await;
            assert!(
                ledger.lists(&format!("typed {}", self.scene)),
                "{title}: what was typed is listed nowhere"
            );
        }
    }

    /// The first call comes at last: the token refuses it.
    async fn lands_too_late(&mut self, title: &str) {
        release(&self.rig, "too late").await;
        // Another change has to go all the way through before one may say that nothing has happened.
        let (key, beat) = (self.cast().first, format!("beat {}", self.scene));
        self.rig.sql(&format!("UPDATE goods SET note = '{beat}' WHERE id = {key}")).await;
        self.picture.get_mut(&key).expect("the row").note = beat;
        let found = settled(&self.rig).await;
        assert_same(&self.picture, &found, &format!("{title}, and the late call"));
    }
}

/// The key that SQL gives a new row; the server's own next ones lie between these.
fn inserted(scene: u64) -> u64 {
    1000 + 10 * scene
}

/// A record that a person began has got a key: its line is expected under that.
fn adopt_new(expected: &mut Picture, found: &Picture, number: u64) {
    if let Some(line) = expected.remove(&0) {
        let typed = format!("typed {number}");
        let mut keys = found.iter().filter(|(_, line)| line.name == typed).map(|(key, _)| *key);
        let key = keys.next().expect("what was begun is a record");
        expected.insert(key, line);
    }
}

async fn all_scenes(kind: Kind, story: &str, fate: Fate) {
    let mut stage = Stage::open(kind, story).await;
    for change in CHANGES {
        for act in fate.acts().iter().copied() {
            // A row that is only about to be made cannot be deleted.
            if (change, act) != (Change::Insert, Act::DeleteIt) {
                stage.play(change, act, fate).await;
            }
        }
    }
}

#[tokio::test]
async fn a_person_acts_between_read_and_write() {
    for_each_server(async |server| all_scenes(server.kind(), "between", Fate::Answered).await).await;
}

// Settling is between the daemon and Google: each of these runs on one server, and the four share both.

#[tokio::test]
async fn a_person_acts_and_the_answer_of_a_landed_batch_is_lost() {
    all_scenes(Kind::MariaDb, "between_lost", Fate::LostApplied).await;
}

#[tokio::test]
async fn a_person_acts_and_the_batch_is_lost() {
    all_scenes(Kind::MySql, "between_never", Fate::LostForGood).await;
}

#[tokio::test]
async fn a_person_acts_and_the_batch_lands_late() {
    all_scenes(Kind::MySql, "between_late", Fate::LateInTime).await;
}

#[tokio::test]
async fn a_person_acts_and_the_batch_comes_too_late() {
    all_scenes(Kind::MariaDb, "between_too_late", Fate::TooLate).await;
}
