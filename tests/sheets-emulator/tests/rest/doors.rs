//! Who comes in: tokens, sharing, scopes, quotas, and what answers look like from outside.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use sheets_emulator::grid::SpreadsheetId;
use sheets_emulator::{Emulator, Options};

use super::stage::{ID, ROBOT, Stage};

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";

async fn token(emulator: &Emulator, key: &Json, scope: &str) -> (u16, Json) {
    let now = emulator.world().clock().now() / 1000;
    let claims = json!({ "iss": key["client_email"], "scope": scope, "aud": key["token_uri"], "iat": now, "exp": now + 3600 });
    let private =
        EncodingKey::from_rsa_pem(key["private_key"].as_str().expect("a key").as_bytes()).expect("a PEM key");
    let assertion = encode(&Header::new(Algorithm::RS256), &claims, &private).expect("signed");
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
    let answer =
        reqwest::Client::new().post(emulator.token_url()).form(&form).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn open(emulator: &Emulator, id: &str, bearer: &str) -> (u16, Json) {
    let answer = reqwest::Client::new()
        .get(format!("{}/v4/spreadsheets/{id}", emulator.base_url()))
        .bearer_auth(bearer)
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_robot_comes_in_with_a_signed_request_and_only_where_it_is_invited() {
    // given an account and three spreadsheets: shared, not shared, not there
    let emulator = Emulator::start(Options::default()).await.expect("a free port");
    let key = emulator.create_account("robot@x.iam.gserviceaccount.com", "7").expect("a key");
    for (id, invited) in [("1shared", true), ("1private", false)] {
        emulator.world().create(SpreadsheetId::new(id), id, |book| {
            if invited {
                book.sharing.editors.insert("robot@x.iam.gserviceaccount.com".into());
            }
        });
    }
    // when it asks for a token
    let (status, granted) = token(&emulator, &key, SCOPE).await;
    assert_eq!((status, granted["token_type"].clone()), (200, json!("Bearer")));
    let bearer = granted["access_token"].as_str().expect("a token");
    // then each door answers in Google's way
    assert_eq!(open(&emulator, "1shared", bearer).await.0, 200);
    let (status, refused) = open(&emulator, "1private", bearer).await;
    assert_eq!(
        (status, refused["error"]["message"].clone()),
        (403, json!("The caller does not have permission"))
    );
    let (status, refused) = open(&emulator, "1nowhere", bearer).await;
    assert_eq!((status, refused["error"]["status"].clone()), (404, json!("NOT_FOUND")));
    assert_eq!(open(&emulator, "1shared", "made-up").await.0, 401);
    // and after an hour the token has ended
    emulator.world().clock().advance(3_600_000);
    assert_eq!(open(&emulator, "1shared", bearer).await.0, 401);
    let (status, refused) = token(&emulator, &json!({ "client_email": "nobody@x", "token_uri": key["token_uri"], "private_key": key["private_key"] }), SCOPE).await;
    assert_eq!(
        (status, refused["error_description"].clone()),
        (400, json!("Invalid grant: account not found"))
    );
}

#[tokio::test]
async fn a_reading_scope_does_not_write_nor_filter() {
    let emulator = Emulator::start(Options::default()).await.expect("a free port");
    let key = emulator.create_account("reader@x", "7").expect("a key");
    emulator.world().create(SpreadsheetId::new("1x"), "x", |book| book.sharing.everyone = true);
    let (_, granted) = token(&emulator, &key, "https://www.googleapis.com/auth/spreadsheets.readonly").await;
    let bearer = granted["access_token"].as_str().expect("a token");
    assert_eq!(open(&emulator, "1x", bearer).await.0, 200);
    let url = format!("{}/v4/spreadsheets/1x:getByDataFilter", emulator.base_url());
    let answer = reqwest::Client::new()
        .post(url)
        .bearer_auth(bearer)
        .json(&json!({ "dataFilters": [] }))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_sixty_first_read_of_a_minute_is_a_429_without_retry_after() {
    let stage = Stage::new().await;
    stage.emulator.world().clock().freeze(1_800_000_000_000);
    for _ in 0..60 {
        stage.get("/values/A1").await;
    }
    let answer = stage.request(Method::GET, "/values/A1").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().get("retry-after").is_none());
    let body: Json = answer.json().await.expect("JSON");
    assert_eq!(
        body["error"]["message"],
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service 'sheets.googleapis.com' for consumer 'project_number:1'."
    );
    assert_eq!(body["error"]["details"][0]["metadata"]["quota_limit"], "ReadRequestsPerMinutePerUser");
    stage.post("/values/Orders!E9:clear", json!({})).await;
    stage.emulator.world().clock().advance(60_000);
    stage.get("/values/A1").await;
    let counts = stage.emulator.calls().counts();
    assert_eq!(counts["spreadsheets.values.get"].calls, 62);
    assert_eq!(counts["spreadsheets.values.get"].failed, 1);
}

#[tokio::test]
async fn answers_are_pretty_unless_asked_and_packed_when_asked() {
    let stage = Stage::new().await;
    let text = async |query: &str| {
        stage
            .request(Method::GET, &format!("/values/Orders{query}"))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text")
    };
    assert!(text("").await.starts_with("{\n  \"") && text("").await.ends_with("}\n"));
    assert!(!text("?prettyPrint=false").await.contains('\n'));
    let plain =
        reqwest::Client::builder().no_gzip().build().expect("a client that does not unpack by itself");
    let url = format!("{}/v4/spreadsheets/{ID}?includeGridData=true", stage.emulator.base_url());
    let packed =
        plain.get(url).bearer_auth(ROBOT).header("accept-encoding", "gzip").send().await.expect("an answer");
    assert_eq!(
        packed.headers().get("content-encoding").map(reqwest::header::HeaderValue::as_bytes),
        Some(&b"gzip"[..])
    );
    assert_eq!(
        stage
            .emulator
            .calls()
            .since(0)
            .last()
            .map(|call| call.spreadsheet.as_ref().map(|id| id.as_str() == ID)),
        Some(Some(true))
    );
}

#[tokio::test]
async fn the_own_interface_makes_shares_acts_and_tells() {
    let stage = Stage::new().await;
    let base = stage.emulator.base_url();
    let post = async |path: &str, body: Json| -> Json {
        let answer =
            stage.client.post(format!("{base}/emulator{path}")).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("JSON")
    };
    // given a listener on a new spreadsheet
    let made = post("/spreadsheets", json!({ "title": "New", "id": "1new" })).await;
    assert_eq!(made["id"], "1new");
    let mut feed =
        stage.client.get(format!("{base}/emulator/spreadsheets/1new/events")).send().await.expect("a feed");
    assert_eq!(feed.chunk().await.expect("a greeting").as_deref(), Some(&b": listening\n\n"[..]));
    // when a person types
    let action = json!({ "kind": "type", "sheet": 0, "row": 2, "column": 1, "text": "hello" });
    let events = post("/spreadsheets/1new/actions", json!({ "person": "ann@x", "action": action })).await;
    assert_eq!(events["events"][0]["range"], json!({ "top": 2, "left": 1, "bottom": 3, "right": 2 }));
    assert_eq!(
        (events["events"][0]["value"].clone(), events["events"][0]["old_value"].clone()),
        (json!("hello"), Json::Null)
    );
    // then the listener hears who and roughly where, and the cells show it
    let heard = feed.chunk().await.expect("an event").expect("an event");
    let heard: Json = serde_json::from_slice(heard.strip_prefix(b"data: ").expect("an event")).expect("JSON");
    assert_eq!(heard["cause"], json!({ "by": "person", "who": "ann@x" }));
    assert_eq!(heard["rows"]["0"][0], 0);
    let cells: Json = stage
        .client
        .get(format!("{base}/emulator/spreadsheets/1new/tabs/0/cells?from=2&to=3"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(cells["rows"], json!([["", "hello"]]));
    // and knobs, clock and what is not there answer
    let knobs = stage
        .client
        .put(format!("{base}/emulator/knobs"))
        .json(&json!({ "reads_per_user": 5 }))
        .send()
        .await
        .expect("an answer");
    assert_eq!(knobs.json::<Json>().await.expect("JSON")["reads_per_user"], 5);
    assert_eq!(post("/clock", json!({ "freeze_at": 5 })).await["now"], 5);
    assert_eq!(
        stage.client.get(format!("{base}/emulator/nothing")).send().await.expect("an answer").status(),
        StatusCode::NOT_FOUND
    );
}
