//! The stage of these tests: a spreadsheet with a small table, the real script on it, and an endpoint.

use std::sync::Arc;
use std::time::Duration;

use sheets_emulator::Google;
use sheets_emulator::grid::{SheetId, SpreadsheetId, Value};
use sheets_emulator::people::{Action, Person};
use sheets_emulator::script::{Execution, Outcome, Reply, Script, ScriptKnobs, Scripts, Source, Trigger};

use super::endpoint::{Endpoint, SECRET};

pub(super) const CODE: &str = include_str!("../../../../apps-script/Code.js");
pub(super) const MANIFEST: &str = include_str!("../../../../apps-script/appsscript.json");
pub(super) const ANN: &str = "ann@example.com";
pub(super) const SHEET: SheetId = SheetId(0);
const PATIENCE: Duration = Duration::from_secs(20);

/// A spreadsheet with a small table, a script on it, and an endpoint.
pub(super) struct Stage {
    pub(super) google: Arc<Google>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) id: SpreadsheetId,
    pub(super) script: Arc<Script>,
    pub(super) endpoint: Endpoint,
}

impl Stage {
    pub(super) async fn with(code: &str) -> Self {
        let google = Arc::new(Google::default());
        let scripts = Scripts::new(&google);
        let id = SpreadsheetId::new("1stage");
        google.create(id.clone(), "Shop", |book| {
            book.time_zone = "Asia/Tokyo".into();
            let table = [["id", "name", "price"], ["17", "Ann", "9.5"], ["18", "Bob", "3"]];
            for (row, cells) in (0_u32..).zip(table) {
                for (column, text) in (0_u32..).zip(cells) {
                    book.tabs[0].set_value(row, column, Value::text(text));
                }
            }
        });
        let script =
            scripts.install(&id, Source::new(code, MANIFEST).expect("a manifest")).expect("installed");
        Self { google, scripts, id, script, endpoint: Endpoint::start().await }
    }

    /// With the real script, connected to link `orders` by its menu.
    pub(super) async fn connected() -> Self {
        let stage = Self::with(CODE).await;
        let mut knobs = stage.script.knobs();
        knobs.timers = false;
        stage.script.set_knobs(knobs);
        let connected = stage.connect(0, "orders").await;
        assert_eq!(connected.outcome, Outcome::Completed, "{connected:?}");
        stage.endpoint.take_seen();
        stage
    }

    pub(super) async fn connect(&self, sheet: i32, link: &str) -> Execution {
        let address = format!("http://{}/", self.endpoint.address);
        let replies = vec![Reply::text(address), Reply::text(link), Reply::text(SECRET)];
        self.script.choose("Connect", ANN, sheet, replies).await.expect("the menu has it")
    }

    pub(super) fn does(&self, action: &Action) {
        self.google
            .act(&self.id, &Person::new(ANN), action)
            .expect("the spreadsheet")
            .expect("an allowed action");
    }

    pub(super) fn types(&self, row: u32, column: u32, text: &str) {
        self.does(&Action::Type { sheet: SHEET, row, column, text: text.into() });
    }

    pub(super) async fn idle(&self) {
        self.script.wait_idle(PATIENCE).await.expect("idle in time");
    }

    pub(super) async fn time_passes(&self, minutes: i64) {
        self.google.clock().advance(minutes * 60_000);
        self.script.fire_timers();
        self.idle().await;
    }

    pub(super) fn turn(&self, change: impl FnOnce(&mut ScriptKnobs)) {
        let mut knobs = self.script.knobs();
        change(&mut knobs);
        self.script.set_knobs(knobs);
    }

    pub(super) fn waiting(&self) -> usize {
        self.script.properties("document").keys().filter(|key| key.starts_with("edit/")).count()
    }

    pub(super) fn note(&self, row: u32, column: u32) -> Option<String> {
        let book = self.google.spreadsheet(&self.id).expect("the spreadsheet");
        book.tab(SHEET).expect("the tab").cell(row, column).note().map(str::to_owned)
    }

    /// The last run of the edit trigger; a change trigger runs after each.
    pub(super) fn last(&self) -> Execution {
        self.script.executions().into_iter().rfind(|run| run.trigger == Trigger::Edit).expect("an edit ran")
    }

    /// What a script of one's own logs.
    pub(super) async fn logs(code: &str) -> Vec<String> {
        let stage = Self::with(&format!("function onOpen() {{ {code} }}")).await;
        let run = stage.script.open(ANN).await.expect("runs");
        assert_eq!(run.outcome, Outcome::Completed, "{run:?}");
        run.lines.into_iter().map(|line| line.text).collect()
    }
}
