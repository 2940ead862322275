//! What people and strangers write is data, on every way and in every field; and no secret is ever said.

use super::goods;
use super::rig::{Rig, SOON, Setup};
use super::strangers::Message;
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

const NASTY: [&str; 12] = [
    "'; DROP TABLE goods; -- ",
    "\" OR \"1\"=\"1",
    "\\'; DELETE FROM goods WHERE 1=1; --",
    "`; TRUNCATE goods; `",
    "' UNION SELECT secret FROM mysql.user -- ",
    "/*! DROP DATABASE */",
    "%s %n %d {} {0} ${jndi:ldap://x}",
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\u{202e}gnp.exe \u{0}\u{7}",
    "<script>alert(1)</script>",
    "Robert\u{2019}); DROP TABLE students;\u{1F980}",
];

#[tokio::test]
async fn statements_and_formulas_are_only_text_whoever_writes_them() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "injection", Setup::default()).await;
        let ann = rig.person("ann@example.com");
        let mut tried = 0;
        // typed by people, into text and into a number
        for nasty in NASTY.iter().filter(|text| !text.contains('\u{0}')) {
            ann.types(2, "note", nasty);
            let hex = nasty.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
            rig.table_says("SELECT HEX(CONVERT(note USING utf8mb4)) FROM goods WHERE id = 2", &hex).await;
            tried += 1;
        }
        // written by SQL: what looks like a formula stays text in the sheet
        for nasty in ["=1+1", "=IMPORTXML(\"http://x\",\"//a\")", "+1-1", "-1+1", "@x", "=cmd|' /C calc'!A0"] {
            rig.sql(&format!("UPDATE goods SET note = '{}' WHERE id = 3", nasty.replace('\'', "''"))).await;
            eventually(SOON, nasty, async || (ann.sees(3, "note")? == nasty).then_some(())).await;
            tried += 1;
        }
        // in every field of a signed message
        for (number, nasty) in NASTY.iter().enumerate() {
            let text = serde_json::Value::from(*nasty).to_string();
            let edit = format!(
                r#"{{"id":"n-{number}","kind":"edit","range":{{"row_start":3,"row_end":4294967295,"column_start":0,"column_end":4294967295}},"header":[{text}],"rows":[{{"row":3,"cells":[{text}]}}],"value":{text},"old_value":{text},"editor":{text},"at":"2026-11-23T12:00:00.000","zone":{text}}}"#
            );
            let change = format!(
                r#"{{"id":"c-{number}","kind":"change","change":{text},"editor":{text},"at":"9999-12-31T23:59:59","zone":{text}}}"#
            );
            let body = format!(r#"{{"v":1,"spreadsheet":"{}","sheet_id":0,"edits":[{edit},{change}]}}"#, rig.spreadsheet);
            let id = format!("m-nasty-{number}");
            let (status, answer) = Message::good(&rig, &id).with_body(body).send().await;
            assert!(matches!(status, 200 | 202), "{server}: {status} {answer} for {nasty:?}");
            tried += 1;
        }
        rig.until_equal(SOON).await;
        assert_eq!(rig.ask("SELECT CAST(COUNT(*) AS CHAR) FROM goods").await.as_deref(), Some("12"), "{server}");
        println!("{server}: {tried} nasty texts, none of them was more than a text");
    })
    .await;
}

/// Quotes, backticks, a crab, spaces, a name of 64 characters, and words of SQL.
const ODD: [&str; 7] = [
    "qu\"ote's",
    "back``tick",
    "crab 🦀",
    "select",
    "a b\tc",
    "%s; DROP TABLE goods",
    "sixty_four_characters_is_the_longest_name_that_a_column_may_have",
];

#[tokio::test]
async fn columns_of_every_name_are_linked_and_edited() {
    for_each_server(async |server| {
        // Only MariaDB and a MySQL with utf8mb4 names could hold the crab: identifiers are of the basic plane.
        let names: Vec<&str> =
            ODD.iter().copied().filter(|name| name.chars().all(|c| u32::from(c) < 0x1_0000)).collect();
        let columns: Vec<String> = names.iter().map(|name| format!("`{name}` VARCHAR(40) NULL")).collect();
        let create = format!(
            "CREATE TABLE {} (id INT PRIMARY KEY, {}); INSERT INTO goods (id) VALUES (1), (2)",
            goods::TABLE,
            columns.join(", ")
        );
        let rig = Rig::open_with(server, "odd", Setup { table: Some(create), ..Setup::default() }, 2).await;
        let ann = rig.person("ann@example.com");
        for (number, name) in names.iter().enumerate() {
            let (header, value) = (name.replace("``", "`"), format!("value {number}"));
            assert!(ann.types(2, &header, &value), "{server}: no column {header:?}");
            rig.table_says(&format!("SELECT `{name}` FROM goods WHERE id = 2"), &value).await;
            rig.sql(&format!("UPDATE goods SET `{name}` = 'from sql {number}' WHERE id = 1")).await;
            let shown = format!("from sql {number}");
            eventually(SOON, &header, async || (ann.sees(1, &header)? == shown).then_some(())).await;
        }
        println!("{server}: columns {names:?}");
    })
    .await;
}

#[tokio::test]
async fn no_secret_and_no_value_is_ever_said() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "secrets", Setup::default()).await;
        let ann = rig.person("ann@example.com");
        // given a run with everything that makes the daemon talk: refusals, forgeries, broken messages, a restart
        ann.types(2, "stock", "planted-value-in-a-cell");
        eventually(SOON, "the refusal", async || ann.sees_note(2, "stock")).await;
        for id in ["m-planted", "planted id"] {
            let forged = Message {
                secret: "whsec_cGxhbnRlZC1mb3JnZWQtc2VjcmV0LXRoYXQtaXMtbG9uZw==".into(),
                ..Message::good(&rig, id)
            };
            assert_eq!(forged.send().await.0, 401, "{server}");
        }
        let broken =
            Message::good(&rig, "m-1").with_body(r#"{"v":1,"planted":"planted-value-in-a-body"}"#.into());
        assert_eq!(broken.send().await.0, 400, "{server}");
        ann.types(2, "stock", "5");
        rig.until_equal(SOON).await;
        rig.stop().await;
        rig.start().await;
        rig.until_equal(SOON).await;

        // then nothing that was planted is in its journal, debug lines included
        let log = rig.daemon.log();
        assert!(log.contains("configuration read") && log.contains("DEBUG"), "it talks");
        let secret = rig.secret.trim_start_matches("whsec_");
        let key = rig.google_key();
        let planted = [
            secret,
            "planted-value-in-a-cell",
            "planted-value-in-a-body",
            "cGxhbnRlZC1mb3JnZWQ",
            "PRIVATE KEY",
            &key,
        ];
        for planted in planted {
            assert!(!planted.is_empty() && !log.contains(planted), "{server}: {planted:?} is in the journal");
        }
        println!(
            "{server}: {} lines of the journal, none with one of {} planted texts",
            log.lines().count(),
            planted.len()
        );
    })
    .await;
}
