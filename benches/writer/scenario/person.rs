//! A person types while another tab of the same account is being filled with a million rows.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sheets_emulator::grid::SheetId;
use sheets_emulator::people::{Action, Person};

use crate::Scale;
use crate::figures::Figures;
use crate::goods;
use crate::slowest::{self, Sample};
use crate::stage::{Google, Link, Stage};
use crate::strain::Strain;
use crate::support::server::Server;

const ROWS: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let mut figures = Figures::new();
    let edits = scale.of(80, 10);
    let small = desk();
    let rows = scale.of(1_000_000, 20_000);
    let large = Link { name: "goods".into(), book: 1, tab: SheetId(0), rows, filled: false };
    let mut quiet = Stage::open(server, vec![small.clone()]).await;
    quiet.settle(Google::SLOW).await;
    let strain = Strain::begin(server).await;
    let samples = edits_of(&quiet, edits, || false).await;
    let strain = strain.end(&mut figures, "quiet").await;
    slowest::report(&mut figures, "quiet", &quiet, &samples, Some(&strain));
    drop(quiet);
    let mut busy = Stage::open(server, vec![small, large]).await;
    busy.start(Google::SLOW);
    while !busy.log().contains("the link is live") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What is typed after the copy is no figure of this.
    let is_over = || busy.log().matches("the link is live").count() > 1;
    let strain = Strain::begin(server).await;
    let samples = edits_of(&busy, edits, is_over).await;
    let strain = strain.end(&mut figures, "during_copy").await;
    slowest::report(&mut figures, "during_copy", &busy, &samples, Some(&strain));
    figures
}

/// The tab that the person has before her.
pub(crate) fn desk() -> Link {
    Link { name: "desk".into(), book: 0, tab: SheetId(0), rows: ROWS, filled: true }
}

/// What a restart does not know of is looked at twice for so long, and a first copy's neighbour is no different.
const AFTER_START: Duration = Duration::from_secs(12);

/// Edits one after the other, each from the keystroke's message to the table: so many, or until it is over.
pub(crate) async fn edits_of(stage: &Stage, count: u32, is_over: impl Fn() -> bool) -> Vec<Sample> {
    let http = reqwest::Client::new();
    let person = Person::new("ann@example.com");
    let mut conn = stage.server.connect().await;
    let mut samples = Vec::new();
    tokio::time::sleep(AFTER_START).await;
    for n in (0..count).take_while(|_| !is_over()) {
        let (id, text) = (1 + n * 13 % ROWS, format!("city {n}"));
        let action = Action::Type { sheet: SheetId(0), row: id, column: goods::CITY, text: text.clone() };
        stage.google.world().act(&stage.books[0], &person, &action).expect("the book").expect("she may type");
        let (at, typed) = (slowest::now(), Instant::now());
        post(stage, &http, id).await;
        let asked = format!("SELECT city FROM {}.desk WHERE id = {id}", stage.database);
        loop {
            let city: Option<String> =
                mysql_async::prelude::Queryable::query_first(&mut conn, asked.as_str())
                    .await
                    .expect("a right query");
            if city.as_deref() == Some(text.as_str()) {
                break;
            }
            assert!(typed.elapsed() < PATIENCE, "the edit is not in the table:\n{}", stage.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        samples.push((at, typed.elapsed().as_secs_f64() * 1e3));
        tokio::time::sleep(pause(n)).await;
    }
    samples
}

/// A quick person's pauses of two to four seconds, spread evenly whatever the number of edits: at a steady pace edits would meet
/// all of the daemon's own regular looks at the tab, or none.
fn pause(edit: u32) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_75;
    Duration::from_secs_f64(2.0 + 2.0 * (f64::from(edit) * GOLDEN).fract())
}

/// The script's message about one cell, signed as the script signs it.
async fn post(stage: &Stage, http: &reqwest::Client, row: u32) {
    let (id, now) = (uuid::Uuid::new_v4().to_string(), jiff::Timestamp::now());
    let (at, row, column) = (now.as_second(), row + 1, goods::CITY + 1);
    let wall = jiff::tz::TimeZone::UTC.to_datetime(now).round(jiff::Unit::Second).expect("a time of today");
    let body = serde_json::json!({
        "v": 1, "spreadsheet": stage.books[0].as_str(), "sheet_id": 0, "edits": [{
            "kind": "edit", "id": id, "at": wall.to_string(), "zone": "UTC", "editor": "ann@example.com",
            "range": {"row_start": row, "row_end": row, "column_start": column, "column_end": column}}]
    })
    .to_string();
    let secret = STANDARD.decode(stage.secret.trim_start_matches("whsec_")).expect("our own secret");
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("any length will do");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let url = format!("http://{}/v1/links/desk/edits", stage.endpoint);
    let answer = http.post(url).header("webhook-id", id).header("webhook-timestamp", at.to_string());
    let answer =
        answer.header("webhook-signature", signature).header("content-type", "application/json").body(body);
    let answer = answer.send().await.expect("the endpoint listens");
    assert!(
        answer.status().is_success(),
        "the endpoint says {}: {}",
        answer.status(),
        answer.text().await.unwrap_or_default()
    );
}
