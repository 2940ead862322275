//! Google's services, as scripts of one's own meet them.

use serde_json::Value as Json;
use sheets_emulator::script::Outcome;

use super::stage::{ANN, Stage};

#[tokio::test]
async fn hmac_vectors_of_the_live_service() {
    let logs = Stage::logs(
        r#"const sign = (...parts) => console.log(JSON.stringify(Utilities.computeHmacSha256Signature(...parts)));
           sign("this is my input", "my key - use a stronger one");
           sign("café", "€🙂", Utilities.Charset.UTF_8);
           sign("café", "€🙂");
           sign(Utilities.newBlob("café").getBytes(), Utilities.newBlob("€🙂").getBytes());
           try { sign([1, 2], "key"); } catch (error) { console.log(error.message); }"#,
    )
    .await;
    let utf8 = "[76,-16,35,99,-128,106,-22,-17,-102,-19,4,97,-75,64,107,79,99,19,-54,-6,90,54,121,-39,-126,13,2,-40,-84,109,-2,115]";
    assert_eq!(
        logs,
        [
            "[53,-75,-52,-25,-47,86,-21,14,-2,-57,5,-13,24,105,-2,-84,127,115,-40,-75,-93,-27,-21,34,-55,-117,-36,-103,-47,116,-55,-61]",
            utf8,
            "[-125,73,-127,-128,-43,-39,99,-10,39,-49,-128,27,8,-117,4,-120,-26,-111,16,114,-115,1,-1,-68,-27,88,7,117,55,-87,-123,-52]",
            utf8,
            "The parameters (number[],String) don't match the method signature for Utilities.computeHmacSha256Signature.",
        ]
    );
}

#[tokio::test]
async fn script_zone_and_spreadsheet_zone_are_apart() {
    let logs = Stage::logs(
        r#"const sheet = SpreadsheetApp.getActive().getSheets()[0];
           sheet.getRange(5, 1).setValue("2018-07-17");
           const date = sheet.getRange(5, 1).getValue();
           console.log(date.toISOString(), date.getDate(), sheet.getRange(5, 1).getDisplayValue());
           console.log(Utilities.formatDate(date, SpreadsheetApp.getActive().getSpreadsheetTimeZone(), "yyyy-MM-dd'T'HH:mm:ss.SSS"));
           console.log(Session.getScriptTimeZone());"#,
    )
    .await;
    assert_eq!(logs, ["2018-07-16T15:00:00.000Z 16 2018-07-17", "2018-07-17T00:00:00.000", "Etc/UTC"]);
}

#[tokio::test]
async fn an_endless_run_is_ended_by_the_limit_and_a_sleep_counts() {
    for code in
        ["for (;;);", "try { for (;;); } finally { console.log('seen'); }", "for (;;) Utilities.sleep(1000);"]
    {
        let stage = Stage::with(&format!("function onOpen() {{ {code} }}")).await;
        stage.turn(|knobs| knobs.run_limit_ms = if code.contains("sleep") { 360_000 } else { 200 });
        let run = stage.script.open(ANN).await.expect("ends");
        assert_eq!((run.outcome, run.lines.len()), (Outcome::TimedOut, 0), "{code}");
    }
}

#[tokio::test]
async fn services_refuse_as_google_does() {
    let stage = Stage::with("").await;
    let closed =
        tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    stage.endpoint.will_answer(404, Json::Null);
    let logs = Stage::logs(&format!(
        r#"const said = (work) => {{ try {{ work(); console.log('fine'); }} catch (error) {{ console.log(error.message); }} }};
           said(() => UrlFetchApp.fetch('http://{}/x', {{ method: 'post', payload: '{{"edits":[]}}' }}));
           said(() => UrlFetchApp.fetch('http://{closed}/', {{ muteHttpExceptions: true }}));
           said(() => PropertiesService.getScriptProperties().setProperty('k', 'x'.repeat(9217)));
           said(() => SpreadsheetApp.getActive().getSheets()[0].getRange(0, 1));
           said(() => SpreadsheetApp.openById('other'));
           said(() => ScriptApp.newTrigger('f').timeBased().everyMinutes(2));"#,
        stage.endpoint.address
    ))
    .await;
    let address = stage.endpoint.address;
    assert_eq!(
        logs,
        [
            format!(
                "Request failed for http://{address} returned code 404. Truncated server response: {{\"edits\":[]}} (use muteHttpExceptions option to examine full response)"
            ),
            format!("Address unavailable: http://{closed}/"),
            "Argument too large: value".into(),
            "The starting row of the range is too small.".into(),
            "You do not have permission to access the requested document.".into(),
            "The value you passed to everyMinutes was invalid. It must be one of 1, 5, 10, 15, 30.".into(),
        ]
    );
}

#[tokio::test]
async fn locks_keep_parallel_runs_apart_and_end_with_their_run() {
    let code = r"
        function onOpen() { ScriptApp.newTrigger('count').forSpreadsheet(SpreadsheetApp.getActive()).onEdit().create(); }
        function count() {
          const store = PropertiesService.getScriptProperties();
          const lock = LockService.getScriptLock();
          lock.waitLock(10000);
          const seen = Number(store.getProperty('seen') || '0');
          for (let i = 0; i < 20000; i++);
          store.setProperty('seen', seen + 1);
          // Never released: the end of the run does it.
        }";
    let stage = Stage::with(code).await;
    stage.turn(|knobs| knobs.parallel = 4);
    stage.script.open(ANN).await.expect("runs");
    for _ in 0..12 {
        stage.types(1, 1, "x");
    }
    stage.idle().await;
    assert_eq!(stage.script.properties("script").get("seen").map(String::as_str), Some("12"));
}
