//! Recorded conversations with the real service, said again to the emulator: it answers the same.
//!
//! The recordings are read from `SHEETS_RECORDINGS`, or from `../shared/recordings` beside the repository. Where neither
//! is there the test says so and passes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value as Json;
use sheets_emulator::grid::SpreadsheetId;
use sheets_emulator::{Emulator, Options};

/// Answers that are not compared, by recording and a part of the request, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "WorksheetTest.test_auto_resize_columns",
    "fields=sheets.data.columnMetadata",
    "the width of Google's letters is not known",
)];

fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("SHEETS_RECORDINGS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    given.or(Some(beside)).filter(|folder| folder.is_dir())
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
async fn the_emulator_answers_as_recorded() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: no recordings in SHEETS_RECORDINGS or ../shared/recordings");
        return;
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
    files.sort();
    assert!(!files.is_empty(), "no recordings in {}", folder.display());
    let (mut said, mut wrong) = (0, Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read(file).expect("a readable recording");
        let recording: Json = serde_json::from_slice(&text).expect("a JSON recording");
        said += replay(&name, &recording, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} of {said} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{said} recorded answers of {} recordings agree", files.len());
}

/// One conversation: ids that the service chose are mapped to those that the emulator chose.
async fn replay(name: &str, recording: &Json, wrong: &mut Vec<String>) -> usize {
    let options = Options { open_door: true, ..Options::default() };
    let emulator = Emulator::start(options).await.expect("a free port");
    for (id, shared) in
        [("test", None), ("1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc", Some("someone@else"))]
    {
        if let Some(owner) = shared {
            emulator.world().create(SpreadsheetId::new(id), "Private", |file| {
                file.sharing.owner = Some(owner.into());
            });
        }
    }
    let client = reqwest::Client::new();
    let mut ids = BTreeMap::new();
    let mut said = 0;
    for interaction in recording["interactions"].as_array().expect("a list") {
        let (request, response) = (&interaction["request"], &interaction["response"]);
        let status = response["status"]["code"].as_u64().unwrap_or_default();
        if matches!(status, 408 | 429 | 500..) {
            continue;
        }
        let uri = mapped(request["uri"].as_str().unwrap_or_default(), &ids);
        let uri = uri
            .replace("https://sheets.googleapis.com", &emulator.base_url())
            .replace("https://www.googleapis.com", &emulator.base_url());
        let method: Method = request["method"].as_str().unwrap_or_default().parse().expect("a method");
        let body = mapped(request["body"].as_str().unwrap_or_default(), &ids);
        let asked = format!("{name}: {method} {uri} {body}");
        let answer = client
            .request(method, &uri)
            .bearer_auth("me@example.com")
            .body(body)
            .send()
            .await
            .expect("an answer");
        let code = answer.status().as_u16();
        let got: Json = serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or(Json::Null);
        let wanted: Json = serde_json::from_str(response["body"]["string"].as_str().unwrap_or_default())
            .unwrap_or(Json::Null);
        learn(&wanted, &got, &mut ids);
        said += 1;
        let wanted = plain(&serde_json::from_str(&mapped(&wanted.to_string(), &ids)).expect("still JSON"));
        let excepted = EXCEPTIONS.iter().any(|(file, part, _)| *file == name && asked.contains(part));
        if !excepted && (u64::from(code) != status || wanted != plain(&got)) {
            wrong.push(format!("{asked}\n  recorded {status} {wanted}\n  got      {code} {}", plain(&got)));
        }
    }
    emulator.shutdown().await;
    said
}

/// The text with every recorded id replaced.
fn mapped(text: &str, ids: &BTreeMap<String, String>) -> String {
    ids.iter().fold(text.to_owned(), |text, (recorded, ours)| text.replace(recorded, ours))
}

/// Ids that both answers hold in the same place belong together.
fn learn(recorded: &Json, got: &Json, ids: &mut BTreeMap<String, String>) {
    match (recorded, got) {
        (Json::Object(recorded), Json::Object(got)) => {
            for (field, value) in recorded {
                let Some(ours) = got.get(field) else { continue };
                let chosen =
                    ["id", "spreadsheetId", "sheetId", "namedRangeId", "protectedRangeId", "tableId"]
                        .contains(&field.as_str());
                let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if chosen && value != 0 {
                    ids.insert(text(value), text(ours));
                } else {
                    learn(value, ours, ids);
                }
            }
        }
        (Json::Array(recorded), Json::Array(got)) => {
            recorded.iter().zip(got).for_each(|(recorded, got)| learn(recorded, got, ids))
        }
        _ => {}
    }
}

/// An answer without what time and place decide; numbers by value.
fn plain(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let kept = fields.iter().filter(|(field, _)| {
                !["spreadsheetUrl", "createdTime", "modifiedTime"].contains(&field.as_str())
            });
            kept.map(|(field, value)| (field.clone(), plain(value))).collect()
        }
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Number(number) => number.as_f64().into(),
        other => other.clone(),
    }
}
