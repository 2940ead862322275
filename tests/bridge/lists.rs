//! A list without keys meets its table (`match_on`): rows become the rows of their records instead of records of their own.

use sheets_emulator::people::{self, Action};

use super::rig::{Rig, SOON, Setup, TAB};
use crate::support::deadline::eventually;
use crate::support::server::{Server, for_each_server};

/// A bridge whose daemon has not started, its table filled, and a list in its tab: whose it is, its name, and how many there are.
async fn kept_as_a_list(server: &'static Server, story: &str, setup: &Setup, lines: &[[String; 3]]) -> Rig {
    let rig = Rig::prepared(server, story, setup).await;
    let header = ["whose", "name", "stock", "id", "price", "listed", "since", "code", "note"];
    let lines = lines.iter().map(|line| line.to_vec());
    let cells = [header.map(str::to_owned).to_vec()].into_iter().chain(lines).collect();
    let paste = Action::PasteBlock { sheet: TAB, row: 0, column: 0, cells };
    let ann = people::Person::new("ann@example.com");
    rig.google.world().act(&rig.spreadsheet, &ann, &paste).expect("the spreadsheet").expect("she may paste");
    rig
}

fn line(whose: &str, name: &str, stock: &str) -> [String; 3] {
    [whose, name, stock].map(str::to_owned)
}

#[tokio::test]
async fn rows_are_tied_to_their_records_and_what_is_not_clear_waits_for_a_person() {
    for_each_server(async |server| {
        // given twelve records, and a list of some of them: two lines for one, one that differs, one that is new
        let setup = Setup { more: "match_on = [\"name\"]", ..Setup::default() };
        let lines = [
            line("ann 5", "thing 5", "999"),
            line("ann 4", "thing 4", ""),
            line("ann new", "thing 99", "7"),
            line("ben 4", "thing 4", ""),
            line("ann 3", "thing 3", "1"),
        ];
        let rig = kept_as_a_list(server, "list", &setup, &lines).await;
        // then a plan tells what would become of it before anything is there
        let (_, planned) = rig.command(&["plan", "goods"]).await;
        for expected in [
            "2 rows without a key would be tied to their records",
            "2 rows without a key would be held",
            "1 rows would be made in the table",
            "9 rows would be made in the tab",
            "nothing was written",
        ] {
            assert!(planned.contains(expected), "{server}: {expected} is not in {planned}");
        }
        // when the daemon starts
        rig.start().await;
        rig.connect_script().await;
        let ann = rig.person("ann@example.com");
        // then the clear ones are tied, with the table's word where they differ, and the new one is a record
        eventually(SOON, "three rows with their keys", async || {
            let whose = [3, 5, 13].map(|key| ann.sees(key, "whose").unwrap_or_default());
            (whose == ["ann 3", "ann 5", "ann new"]).then_some(())
        })
        .await;
        eventually(SOON, "the table's word", async || {
            (ann.sees(5, "stock").as_deref() == Some("15")).then_some(())
        })
        .await;
        // and the two lines are told what is to be done, and nothing is made of them
        for whose in ["ann 4", "ben 4"] {
            let note =
                eventually(SOON, "a note at the key", async || ann.sees_note_by("whose", whose, "id")).await;
            assert!(note.contains("the record 4 has this name"), "{server}: {note}");
        }
        let (_, planned) = rig.command(&["plan", "goods"]).await;
        assert!(planned.contains("2 rows without a key would be held"), "{server}: {planned}");
        let listed = "ledger WHERE kind = 'conflict' AND cause LIKE '%match_on%'";
        // The two say the same in the columns of the link.
        assert_eq!(rig.state_rows(listed).await, 1, "{server}");
        // also after a restart
        rig.stop().await;
        rig.start().await;
        rig.sql("UPDATE goods SET stock = 6 WHERE id = 12").await;
        eventually(SOON, "the daemon at work", async || (ann.sees(12, "stock")? == "6").then_some(())).await;
        assert_eq!(rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(), Some("13"));
        // when somebody says that one of them is another thing
        assert!(ann.types_by("whose", "ben 4", "name", "thing 44"));
        // then both go on, and nothing is left to say
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(4, "whose").as_deref(), Some("ann 4"), "{server}");
        assert_eq!(ann.sees_keys().len(), 14, "{server}");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_somebody_types_says_which_row_is_meant() {
    for_each_server(async |server| {
        let setup = Setup {
            more: "match_on = [\"name\"]",
            sweep_interval: "300ms",
            script: false,
            ..Setup::default()
        };
        let lines = [line("ann 4", "thing 4", ""), line("ben 4", "thing 4", "")];
        let rig = kept_as_a_list(server, "list_key", &setup, &lines).await;
        rig.start().await;
        let ann = rig.person("ann@example.com");
        eventually(SOON, "a note", async || ann.sees_note_by("whose", "ben 4", "id")).await;
        ann.types_by("whose", "ben 4", "id", "4");
        ann.types_by("whose", "ann 4", "name", "thing 44");
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(4, "whose").as_deref(), Some("ben 4"), "{server}");
        assert_eq!(ann.sees(13, "whose").as_deref(), Some("ann 4"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_rows_find_their_records_while_people_sort_and_the_daemon_is_killed() {
    for_each_server(async |server| {
        const ROWS: u32 = 700;
        let setup = Setup {
            more: "match_on = [\"name\"]",
            rows: ROWS,
            script: false,
            sweep_interval: "300ms",
            ..Setup::default()
        };
        let lines: Vec<_> = (1..=ROWS)
            .rev()
            .step_by(2)
            .map(|n| line(&format!("ann {n}"), &format!("thing {n}"), ""))
            .collect();
        let rig = kept_as_a_list(server, "list_many", &setup, &lines).await;
        let ann = rig.person("ann@example.com");
        rig.start().await;
        let claims = format!("SELECT COUNT(*) FROM {}.claim WHERE key_text IS NOT NULL", rig.state);
        for (turn, least) in [1u64, 40, 150].into_iter().enumerate() {
            eventually(SOON, "claims", async || {
                (rig.server.one::<u64>(&claims).await >= least).then_some(())
            })
            .await;
            ann.sorts("whose", turn % 2 == 0);
            rig.kill9();
            rig.start().await;
        }
        rig.until_equal(SOON).await;
        // then nothing is doubled, and every row is the one that it was
        assert_eq!(ann.sees_keys().len(), ROWS as usize, "{server}");
        for n in (1..=ROWS).rev().step_by(2) {
            assert_eq!(ann.sees(n, "whose"), Some(format!("ann {n}")), "{server}");
        }
    })
    .await;
}
