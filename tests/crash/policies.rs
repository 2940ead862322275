//! A value that is typed into the very cell between read and write is judged by the column's policy, and listed whoever wins.

use sheets_emulator::faults::{Applied, Fault};

use super::hold::{is_held, next_batch, release};
use super::ledger::Ledger;
use super::picture::settled;
use crate::bridge::rig::{Rig, Setup};
use crate::support::server::for_each_server;

/// A policy for each of three columns.
const POLICIES: &str = r#"tie = "sheet"
columns = ["id", { name = "name", policy = "newest" }, { name = "stock", policy = "sheet" },
  "price", "listed", "since", "code", { name = "note", policy = "database" }]"#;

#[tokio::test]
async fn what_was_typed_over_is_judged_by_the_policy() {
    for_each_server(async |server| {
        let setup = Setup { script: false, sweep_interval: "250ms", more: POLICIES, ..Setup::default() };
        let rig = Rig::open(server, "policies", setup).await;
        let ann = rig.person("ann@example.com");
        for (key, lost) in [(3, false), (4, true)] {
            // given a change of three columns on its way
            let name = format!("sql {key}");
            let faults = rig.google.faults();
            faults.add(next_batch(&format!("\"{name}\""), Fault::Pause { name: "between".into() }));
            if lost {
                faults.add(next_batch(&format!("\"{name}\""), Fault::LostReply { applied: Applied::Yes }));
            }
            rig.sql(&format!(
                "UPDATE goods SET name = '{name}', stock = 555{key}, note = 'sql note {key}' WHERE id = {key}"
            ))
            .await;
            is_held(&rig, "between").await;

            // when a person types into all three cells before it is applied
            assert!(ann.types(key, "name", &format!("typed {key}")));
            assert!(ann.types(key, "stock", &format!("777{key}")));
            assert!(ann.types(key, "note", &format!("typed note {key}")));
            release(&rig, "between").await;

            // then the later one, the sheet's and the database's win, and what lost is listed
            let line = settled(&rig).await[&key].clone();
            let stands = (line.name.as_str(), line.stock.as_str(), line.note.as_str());
            let expected = (format!("typed {key}"), format!("777{key}"), format!("sql note {key}"));
            assert_eq!(stands, (expected.0.as_str(), expected.1.as_str(), expected.2.as_str()), "{server}");
            assert!(
                Ledger::of(&rig).await.lists(&format!("typed note {key}")),
                "{server}: the loser is listed nowhere"
            );
        }
    })
    .await;
}
