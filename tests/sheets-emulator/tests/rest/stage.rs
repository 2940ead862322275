//! The stage of these tests: an emulator with one spreadsheet, and a client that may do everything.

use reqwest::Method;
use serde_json::{Value as Json, json};
use sheets_emulator::grid::{Scalar, SheetId, SpreadsheetId, Value};
use sheets_emulator::people::{Action, Person, TriggerEvent};
use sheets_emulator::{Emulator, Knobs, Options};

pub(super) const ID: &str = "1stage";
pub(super) const SHEET: SheetId = SheetId(0);
pub(super) const ROBOT: &str = "robot@example.com";

pub(super) struct Stage {
    pub(super) emulator: Emulator,
    pub(super) client: reqwest::Client,
}

impl Stage {
    /// Four keyed rows under a header in a tab of 10 x 5.
    pub(super) async fn new() -> Self {
        Self::with(Knobs::default()).await
    }

    pub(super) async fn with(knobs: Knobs) -> Self {
        let options = Options { open_door: true, knobs, ..Options::default() };
        let emulator = Emulator::start(options).await.expect("a free port");
        emulator.world().create(SpreadsheetId::new(ID), "Shop", |book| {
            book.sharing.owner = Some("ann@example.com".into());
            book.sharing.editors.insert(ROBOT.into());
            book.tabs[0] = sheets_emulator::grid::Tab::new(SHEET, "Orders", 10, 5);
            for (row, (key, name)) in
                (0_u32..).zip([("id", "name"), ("1", "Ann"), ("2", "Bob"), ("3", "Cid"), ("4", "Dan")])
            {
                book.tabs[0].set_value(row, 0, key.parse().map_or(Value::text(key), Value::Number));
                book.tabs[0].set_value(row, 1, Value::text(name));
            }
        });
        Self { emulator, client: reqwest::Client::new() }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}/v4/spreadsheets/{ID}{path}", self.emulator.base_url()))
            .bearer_auth(ROBOT)
    }

    /// Status and body.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> (u16, Json) {
        let request = self.request(method, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(super) async fn get(&self, path: &str) -> Json {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(super) async fn post(&self, path: &str, body: Json) -> Json {
        let (status, answer) = self.call(Method::POST, path, Some(&body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(super) async fn batch(&self, requests: Json) -> Json {
        self.post(":batchUpdate", json!({ "requests": requests })).await
    }

    /// The message of a batch that is refused with 400.
    pub(super) async fn refused(&self, requests: Json) -> String {
        let (status, answer) =
            self.call(Method::POST, ":batchUpdate", Some(&json!({ "requests": requests }))).await;
        assert_eq!(status, 400, "{answer}");
        answer["error"]["message"].as_str().expect("a message").to_owned()
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
    pub(super) fn act(&self, action: Action) -> Vec<TriggerEvent> {
        let done =
            self.emulator.world().act(&SpreadsheetId::new(ID), &Person::new("ann@example.com"), &action);
        done.expect("the spreadsheet is there").expect("the action is possible")
    }

    pub(super) fn type_text(&self, row: u32, column: u32, text: &str) -> Vec<TriggerEvent> {
        self.act(Action::Type { sheet: SHEET, row, column, text: text.into() })
    }

    /// The shown texts of column A of the first tab, from its first row to its last with any.
    pub(super) fn keys(&self) -> Vec<String> {
        let book = self.emulator.world().spreadsheet(&SpreadsheetId::new(ID)).expect("the spreadsheet");
        let tab = &book.tabs[0];
        let reader = sheets_emulator::formula::Book::new(&book);
        let keys = (0..tab.data_extent().0).map(|row| match reader.scalar(tab, row, 0) {
            Scalar::Blank => String::new(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        });
        keys.collect()
    }

    /// Which row (from 0) a label stands on.
    pub(super) async fn row_of(&self, label: i32) -> Option<u64> {
        let (status, body) = self.call(Method::GET, &format!("/developerMetadata/{label}"), None).await;
        (status == 200).then(|| body["location"]["dimensionRange"]["startIndex"].as_u64().expect("a row"))
    }
}

/// A `GridRange` of the first tab.
pub(super) fn range(top: u32, left: u32, bottom: u32, right: u32) -> Json {
    json!({ "sheetId": 0, "startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right })
}

/// Rows of the first tab.
pub(super) fn rows(start: u32, end: u32) -> Json {
    json!({ "sheetId": 0, "dimension": "ROWS", "startIndex": start, "endIndex": end })
}

/// `updateCells` of typed texts from a cell on.
pub(super) fn texts(row: u32, column: u32, texts: &[&str]) -> Json {
    let values: Vec<Json> =
        texts.iter().map(|text| json!({ "userEnteredValue": { "stringValue": text } })).collect();
    json!({ "updateCells": { "start": { "sheetId": 0, "rowIndex": row, "columnIndex": column }, "rows": [{ "values": values }], "fields": "userEnteredValue" } })
}

/// `createDeveloperMetadata` with a chosen id.
pub(super) fn label(id: i32, value: &str, location: &Json) -> Json {
    json!({ "createDeveloperMetadata": { "developerMetadata":
        { "metadataId": id, "metadataKey": "k", "metadataValue": value, "visibility": "DOCUMENT", "location": location } } })
}
