//! A spreadsheet in a local Google of its own, an account that may write it, and a person at it.

use std::sync::Arc;
use std::time::Duration;

use sheetbridge::model::cell::Cell;
use sheetbridge::model::grid::{GridBatch, GridCell, GridOp, Snapshot, TabRead};
use sheetbridge::model::link::{SheetId, SpreadsheetId};
use sheetbridge::model::mark::{BatchNumber, Owner};
use sheetbridge::sheet::auth::ServiceAccount;
use sheetbridge::sheet::client::{CELLS_PER_READ, Client, Google};
use sheetbridge::sheet::quota::{Backoff, Lane, Rates};
use sheetbridge::sheet::request::Grids;
use sheets_emulator::faults::{Applied, Fault, Moment, Rule};
use sheets_emulator::grid::{self, Value};
use sheets_emulator::people::{Action, Person};
use sheets_emulator::{Emulator, Knobs, Options};

/// The tab that tests work on.
pub(crate) const TAB: SheetId = SheetId(0);

/// The hidden tab.
pub(crate) const HELPER: SheetId = SheetId(900);

const BOT: &str = "bot@x.iam.gserviceaccount.com";

/// All of it.
pub(crate) struct Desk {
    pub(crate) google: Emulator,
    pub(crate) client: Client,
    pub(crate) spreadsheet: SpreadsheetId,
}

impl Desk {
    /// Rows of texts on the first tab (`=…` is a formula, digits are numbers), and a helper tab that is still too small.
    pub(crate) async fn with(rows: &[&[&str]]) -> Self {
        let desk = Self::bare().await;
        desk.edit(|spreadsheet| {
            let mut helper = grid::Tab::new(grid::SheetId(HELPER.0), "_sheetbridge", 2, 2);
            helper.hidden = true;
            spreadsheet.tabs.push(helper);
            let tab = spreadsheet.tab_mut(grid::SheetId(0)).expect("the first tab");
            for (row, cells) in (0..).zip(rows) {
                for (column, text) in (0..).zip(*cells) {
                    tab.set_value(row, column, value(text));
                }
            }
        });
        desk
    }

    /// A new spreadsheet as Google makes it, shared with the account.
    pub(crate) async fn bare() -> Self {
        let knobs = Knobs { reads_per_user: 1000, writes_per_user: 1000, ..Knobs::default() };
        let options = Options { knobs, ..Options::default() };
        let google = Emulator::start(options).await.expect("a free port");
        let id = grid::SpreadsheetId::new("shop");
        google.world().create(id.clone(), "Shop", |spreadsheet| {
            spreadsheet.sharing.editors.insert(BOT.to_owned());
        });
        let client = client(&google);
        Self { google, client, spreadsheet: SpreadsheetId(id.as_str().to_owned()) }
    }

    /// Changes the spreadsheet behind everybody's back.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut grid::Spreadsheet)) {
        let done = self.google.world().edit(&self.id(), sheets_emulator::Cause::Api, |spreadsheet| {
            change(spreadsheet);
            Ok::<_, ()>(())
        });
        done.expect("the spreadsheet").expect("never refused");
    }

    pub(crate) fn id(&self) -> grid::SpreadsheetId {
        grid::SpreadsheetId::new(&self.spreadsheet.0)
    }

    pub(crate) fn now(&self) -> Arc<grid::Spreadsheet> {
        self.google.world().spreadsheet(&self.id()).expect("the spreadsheet")
    }

    /// A person acts.
    pub(crate) fn person(&self, action: &Action) {
        let ann = Person::new("ann@example.com");
        self.google
            .world()
            .act(&self.id(), &ann, action)
            .expect("the spreadsheet")
            .expect("a possible action");
    }

    /// A person acts just before the next batch is carried out.
    pub(crate) fn person_before_batch(&self, action: Action) {
        self.person_before("spreadsheets.batchUpdate", 0, action);
    }

    /// A person acts just before a call of this method is carried out, after so many others of it.
    pub(crate) fn person_before(&self, method: &str, skip: u32, action: Action) {
        let person = Person::new("ann@example.com");
        let fault = Fault::Person { person, moment: Moment::Before, actions: vec![action] };
        self.google.faults().add(Rule { skip, ..Rule::next(method, fault) });
    }

    /// The answer to the next batch is lost.
    pub(crate) fn lose_batch(&self, applied: Applied) {
        let fault = Fault::LostReply { applied };
        self.google.faults().add(Rule::next("spreadsheets.batchUpdate", fault));
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let read = self.client.snapshot(Lane::Live, &self.spreadsheet, &[TAB], Some(HELPER)).await;
        read.expect("a read")
    }

    pub(crate) async fn tab(&self) -> TabRead {
        self.snapshot().await.tabs.remove(0)
    }

    /// The first tab's rows as texts.
    pub(crate) async fn texts(&self) -> Vec<Vec<String>> {
        let tab = self.tab().await;
        tab.rows.iter().map(|row| texts(&row.cells)).collect()
    }

    /// A batch with the sizes of a fresh read.
    pub(crate) async fn grids(&self) -> Grids {
        Grids::of(&self.snapshot().await).expect("a helper tab")
    }

    pub(crate) async fn send(
        &self,
        batch: &GridBatch,
    ) -> Result<sheetbridge::sheet::write::Outcome, sheetbridge::sheet::error::SheetError> {
        let grids = self.grids().await;
        self.client.send(Lane::Live, &self.spreadsheet, batch, &grids).await
    }
}

/// A client of the account that the spreadsheet is shared with.
pub(crate) fn client(google: &Emulator) -> Client {
    client_of(google, BOT)
}

/// The same that reads so many cells in one call.
pub(crate) fn client_of_parts(google: &Emulator, cells_per_read: u64) -> Client {
    made(google, BOT, cells_per_read)
}

/// A client of any account, impatient.
pub(crate) fn client_of(google: &Emulator, address: &str) -> Client {
    made(google, address, CELLS_PER_READ.into())
}

fn made(google: &Emulator, address: &str, cells_per_read: u64) -> Client {
    let key = google.create_account(address, "7").expect("a key");
    let account = ServiceAccount::parse(&key.to_string()).expect("google's key file");
    let settings = Google {
        sheets_base: google.base_url(),
        token_url: Some(google.token_url()),
        cells_per_read,
        rates: Rates { reads: 1000, writes: 1000, project: 5000 },
        backoff: Backoff { step: Duration::from_millis(2), most: Duration::from_millis(20) },
    };
    Client::new(account, &settings).expect("a client")
}

pub(crate) fn owner() -> Owner {
    Owner { installation: "k3v9".into(), generation: 7 }
}

pub(crate) fn batch(number: i32, ops: Vec<GridOp>) -> GridBatch {
    GridBatch { number: BatchNumber(number), owner: owner(), helper: HELPER, ops, expired: vec![] }
}

/// A write of texts from a column on.
pub(crate) fn write(row: u32, column: u32, cells: &[&str]) -> GridOp {
    GridOp::Write { sheet: TAB, row, cells: cells_from(column, cells) }
}

pub(crate) fn cells_from(column: u32, texts: &[&str]) -> Vec<(u32, GridCell)> {
    (column..).zip(texts).map(|(column, text)| (column, text_cell(text))).collect()
}

pub(crate) fn text_cell(text: &str) -> GridCell {
    GridCell::plain(Cell::Text(text.to_owned()))
}

/// Cells as texts, formulas as themselves.
pub(crate) fn texts(cells: &[GridCell]) -> Vec<String> {
    cells
        .iter()
        .map(|cell| match (&cell.formula, &cell.value) {
            (Some(formula), _) => formula.clone(),
            (None, Cell::Blank) => String::new(),
            (None, Cell::Number(x)) => x.get().to_string(),
            (None, Cell::Text(s) | Cell::Error(s)) => s.clone(),
            (None, Cell::Bool(b)) => b.to_string(),
        })
        .collect()
}

fn value(text: &str) -> Value {
    if text.starts_with('=') {
        return Value::Formula(text.into());
    }
    match text.parse() {
        Ok(x) => Value::Number(x),
        Err(_) if text.is_empty() => Value::Blank,
        Err(_) => Value::Text(text.into()),
    }
}
