//! The commented example: it is taken as it stands, and what it says of defaults is true.

use std::path::PathBuf;
use std::time::Duration;

use sheetbridge::config::settings::{Listen, ServerAddress, Tls};
use sheetbridge::model::filter::{Comparison, Condition, Test};
use sheetbridge::model::link::{LinkName, SpreadsheetId};
use sheetbridge::model::rule::{ColumnRule, Deletes, Direction, FirstMatch, Policy, SoftMark, Tie};

use super::{Folder, SMALL, small_with};

const EXAMPLE: &str = include_str!("../../sheetbridge.example.toml");

#[test]
fn the_example_is_taken() {
    let settings = Folder::new().load(EXAMPLE).unwrap();
    let link = &settings.links[0];
    assert_eq!(link.rules.deletes, Deletes::Restore);
    assert_eq!(link.rules.columns.len(), 5);
    assert_eq!(link.rules.column("unit_price").map(|column| column.header), Some("Price".to_owned()));
    assert_eq!(link.rules.column("STATE").map(|column| column.policy), Some(Policy::Database));
    assert_eq!(link.rules.column("updated_at").map(|column| column.direction), Some(Direction::ToSheet));
}

#[test]
fn every_key_that_the_example_comments_out_exists() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let mut keys = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some(setting) = line.strip_prefix("# ").filter(|rest| is_setting(rest)) else {
            continue;
        };
        let mut with_it = lines.clone();
        with_it[number] = setting;
        if let Err(complaints) = Folder::new().load(&with_it.join("\n")) {
            let told = complaints.to_string();
            assert!(!told.contains("unknown field") && !told.contains("TOML"), "{setting}: {told}");
        }
        keys += 1;
    }
    assert!(keys >= 20, "only {keys} commented keys were found");
}

fn is_setting(text: &str) -> bool {
    text.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

#[test]
fn the_least_configuration_has_the_defaults_that_the_example_tells() {
    let settings = Folder::new().load(SMALL).unwrap();
    let mysql = &settings.mysql;
    assert_eq!(mysql.address, ServerAddress::Socket("/run/mysqld/mysqld.sock".into()));
    assert_eq!((mysql.user.as_str(), mysql.state_schema.name()), ("sheetbridge", "sheetbridge"));
    assert_eq!((&mysql.tls, mysql.server_id), (&Tls::Off, None));
    assert_eq!((mysql.bounds.running, mysql.bounds.lag), (50, Duration::from_secs(30)));
    assert_eq!(mysql.audit_interval, Duration::from_secs(86_400));
    assert!(mysql.password.is_none());
    let google = &settings.google;
    assert_eq!((google.reads_per_minute.get(), google.writes_per_minute.get()), (60, 60));
    assert_eq!(google.cells_per_read, 500_000);
    assert_eq!((&google.base_address, &google.token_url), (&None, &None));
    assert_eq!((&settings.endpoint.listen, &settings.endpoint.status), (&None, &None));

    let link = &settings.links[0];
    assert_eq!(link.rules.name, LinkName("orders".into()));
    assert_eq!(link.table.to_string(), "shop.orders");
    assert_eq!(link.spreadsheet, SpreadsheetId("1aBcDeFgHiJkLmNoPqRsTuVwXyZ".into()));
    assert_eq!((link.tab.as_str(), &link.time_zone), ("Orders", &None));
    assert_eq!(link.rules.policy, Policy::Newest);
    assert_eq!((link.rules.first_match, link.rules.tie), (FirstMatch::Database, Tie::Database));
    assert!(link.rules.columns.is_empty() && link.secrets.is_empty());
    let seconds = [
        (link.rules.sweep_interval, 3),
        (link.rules.insert_after, 2),
        (link.rules.delete_grace, 10),
        (link.rules.second_look, 10),
    ];
    for (found, expected) in seconds {
        assert_eq!(found, Duration::from_secs(expected));
    }
}

#[test]
fn every_setting_of_a_link_arrives() {
    let folder = Folder::new();
    let text = small_with(
        r#"
        policy = "hold"
        first_match = "sheet"
        match_on = ["note"]
        tie = "sheet"
        columns = ["id", { name = "note" }]
        secret_files = ["orders.secret"]
        insert_after = "500ms"
        delete_grace = "1m 30s"
        filter = [{ column = "state", op = "in", value = ["a", 2] }, { column = "sum", op = ">=", value = 1.5 }]
        time_zone = "Europe/Berlin""#,
    )
    .replace(r#""apply""#, r#"{ soft = "state", value = "gone" }"#);
    let link = folder.load(&text).unwrap().links.remove(0);
    let soft = Deletes::Soft { column: "state".into(), mark: SoftMark::Text("gone".into()) };
    assert_eq!(link.rules.deletes, soft);
    assert_eq!((link.rules.policy, link.rules.tie), (Policy::Hold, Tie::Sheet));
    assert_eq!(link.rules.match_on, ["note"]);
    let column = |name: &str| ColumnRule {
        name: name.into(),
        header: name.into(),
        policy: Policy::Hold,
        direction: Direction::Both,
    };
    assert_eq!(link.rules.columns, [column("id"), column("note")]);
    let condition = |column: &str, test| Condition { column: column.into(), test };
    let sum = Test::Compare(Comparison::AtLeast, "1.5".into());
    assert_eq!(
        link.filter,
        [condition("state", Test::In(vec!["a".into(), "2".into()])), condition("sum", sum)]
    );
    assert_eq!(link.secrets.len(), 1);
    assert_eq!(link.rules.sweep_interval, Duration::from_secs(60), "a script is there");
    assert_eq!(link.rules.insert_after, Duration::from_millis(500));
    assert_eq!(link.rules.delete_grace, Duration::from_secs(90));
    assert_eq!(link.time_zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn a_rule_of_ones_own_serves_the_columns_that_choose_no_other() {
    let everywhere =
        Folder::new().load(&small_with(r#"policy = { cel = "max(db, sheet)" }"#)).unwrap().links.remove(0);
    assert!(everywhere.own_rule("anything").is_some());
    let listed = small_with(
        r#"
        policy = { cel = "max(db, sheet)" }
        columns = ["id", { name = "note", policy = "hold" }, { name = "sum", policy = { cel = "'database'" } }]"#,
    );
    let link = Folder::new().load(&listed).unwrap().links.remove(0);
    assert_eq!(link.own_rule("ID"), everywhere.own_rule("id"));
    assert_eq!(link.own_rule("note"), None);
    assert_ne!(link.own_rule("sum"), everywhere.own_rule("sum"));
    assert_eq!(link.own_rule("unlisted"), None);
}

#[test]
fn a_links_fingerprint_is_of_what_it_ties_together() {
    let configuration = |text: &str| Folder::new().load(text).unwrap().links[0].configuration();
    let plain = configuration(SMALL);
    assert_eq!(plain, configuration(SMALL));
    for same in [
        "filter = [{ column = \"id\", op = \">\", value = 5 }]",
        "secret_files = [\"orders.secret\"]",
        "policy = \"hold\"",
        "insert_after = \"5s\"",
    ] {
        assert_eq!(plain, configuration(&small_with(same)), "{same}");
    }
    let listed = configuration(&small_with("columns = [\"id\", \"note\"]"));
    assert_ne!(listed, configuration(&small_with("columns = [\"note\", \"id\"]")));
    for other in [&small_with("time_zone = \"UTC\""), &SMALL.replace("shop.", "mall.")] {
        assert_ne!(plain, configuration(other), "{other}");
    }
    assert_ne!(plain, listed);
}

#[test]
fn variables_are_stronger_than_the_file() {
    let text = format!("[mysql]\nhost = \"db.example.org\"\nport = 3306\n{SMALL}");
    let folder = Folder::new()
        .variable("SHEETBRIDGE_MYSQL__PORT", "3307")
        .variable("SHEETBRIDGE_GOOGLE__READS_PER_MINUTE", "300")
        .variable("SHEETBRIDGE_ENDPOINT__LISTEN", "/run/sheetbridge/edits.sock")
        .variable("SHEETBRIDGE_MYSQLD", "/usr/sbin/mysqld")
        .variable("PATH", "/bin");
    let settings = folder.load(&text).unwrap();
    let address = ServerAddress::Tcp { host: "db.example.org".into(), port: 3307 };
    assert_eq!(settings.mysql.address, address);
    assert_eq!(settings.mysql.tls, Tls::Verify { ca: None }, "another machine");
    assert_eq!(settings.google.reads_per_minute.get(), 300);
    let socket = PathBuf::from("/run/sheetbridge/edits.sock");
    assert_eq!(settings.endpoint.listen, Some(Listen::Unix(socket)));
}
