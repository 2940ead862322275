//! What is wrong is told at once, with its place and its cure.

use sheetbridge::config::Complaints;
use sheetbridge::model::rule::{Formulas, KeyEdits};

use super::{Folder, SMALL, small_with};

#[test]
fn everything_that_is_wrong_is_told_in_one_run() {
    let wrong = Folder::new().wrong(
        r#"
[mysql]
host = "db"
socket = "/run/mysqld.sock"
tls = "sometimes"
state_schema = "mysql"
server_id = 0

[google]
key_file = "nowhere.json"
base_address = "https://evil.example.org"
token_url = "here"
reads_per_minute = 0
cells_per_read = 999

[endpoint]
listen = "0.0.0.0:8765"
status = "everywhere"

[[link]]
name = "Orders!"
table = "orders"
spreadsheet = "https://docs.google.com/spreadsheets/d/1aBcDeFgHiJkLmNoPqRsTuVwXyZ/edit"
policy = "latest"
columns = ["id", "ID", { name = "note", header = "id", direction = "up" }]
sweep_interval = "often"
time_zone = "Mars/Olympus"

[[link]]
name = "people"
table = "sheetbridge.base"
spreadsheet = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
tab = " "
deletes = "soft"
secret_files = ["google.json"]
"#,
    );
    let expected = [
        "mysql.host: stands beside `socket`",
        "mysql.tls: is `sometimes`",
        "mysql.state_schema: this schema belongs to the server",
        "mysql.server_id: is 0",
        "google.key_file: ",
        "google.base_address: is not on this machine",
        "google.token_url: is no address",
        "google.reads_per_minute: is 0",
        "google.cells_per_read: is 999",
        "endpoint.listen: is open to other machines",
        "endpoint.status: `everywhere` is neither",
        "link[1].name: `Orders!` is no link's name",
        "link[1].table: `orders` has no database",
        "link[1].spreadsheet: `https://docs",
        "link[1].tab: is missing",
        "link[1].policy: unknown variant `latest`, expected one of `newest`, `database`, `sheet`, `hold`",
        "link[1].columns[3].direction: unknown variant `up`",
        "link[1].columns[2]: `ID` is already column 1",
        "link[1].deletes: is missing",
        "link[1].sweep_interval: `often` is no duration",
        "link[1].time_zone: `Mars/Olympus` is no time zone",
        "link[people].tab: is empty",
        "link[people].deletes: is `soft`",
        "link[people].secret_files: holds no script secret",
    ];
    for (found, expected) in wrong.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
    assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
}

#[test]
fn unknown_keys_are_errors_wherever_they_stand_and_hide_nothing_else() {
    let wrong = Folder::new().wrong(&format!(
        "[mysql]\npasword_file = \"x\"\n[metrics]\nport = 1\n{}\n[[link]]\nname = \"second\"\n",
        small_with("colums = [\"id\"]")
    ));
    let told = wrong.join("\n");
    for expected in [
        "mysql: unknown field `pasword_file`, expected one of `host`",
        "metrics: is no section",
        "link[1]: unknown field `colums`",
        "link[second].table: is missing",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
    for (inside, expected) in [
        ("columns = [{ nam = \"id\" }]", "link[orders].columns[1]: unknown field `nam`"),
        ("columns = [[\"id\"]]", "link[orders].columns[1]: "),
        ("columns = [{ header = \"id\" }]", "link[orders].columns[1].name: is missing"),
    ] {
        let wrong = Folder::new().wrong(&small_with(inside));
        assert!(wrong[0].starts_with(expected), "{wrong:?}");
        assert_eq!(wrong.len(), 1);
    }
    let soft = SMALL.replace(r#""apply""#, r#"{ soft = "gone", vlaue = "1" }"#);
    assert!(Folder::new().wrong(&soft)[0].starts_with("link[orders].deletes: unknown field `vlaue`"));
}

#[test]
fn the_words_for_keys_and_formulas_are_known_and_others_are_told_apart() {
    let rules = |inside: &str| Folder::new().right(&small_with(inside)).links[0].rules.clone();
    assert_eq!((rules("").key_edits, rules("").formulas), (KeyEdits::Refuse, Formulas::Hold));
    let chosen = rules("key_edits = \"rename\"\nformulas = \"value\"");
    assert_eq!((chosen.key_edits, chosen.formulas), (KeyEdits::Rename, Formulas::Value));
    for (inside, expected) in [
        (
            "key_edits = \"allow\"",
            "link[orders].key_edits: unknown variant `allow`, expected `refuse` or `rename`",
        ),
        ("formulas = \"keep\"", "link[orders].formulas: unknown variant `keep`, expected `hold` or `value`"),
    ] {
        let wrong = Folder::new().wrong(&small_with(inside));
        assert!(wrong[0].starts_with(expected), "{wrong:?}");
        assert_eq!(wrong.len(), 1);
    }
}

#[test]
fn a_rule_of_ones_own_is_read_and_bounded() {
    for (inside, expected) in [
        (r#"policy = { cel = "db +" }"#, "link[orders].policy.cel: at line 1, column "),
        (
            r#"policy = { cel = "later > db ? 'sheet' : 'hold'" }"#,
            "link[orders].policy.cel: at character 1: `later` is unknown",
        ),
        (
            r#"columns = ["id", { name = "note", policy = { cel = "[1].all(x, x > db) ? 'sheet' : 'hold'" } }]"#,
            "link[orders].columns[2].policy.cel: at character ",
        ),
        (r#"policy = { sel = "db" }"#, "link[orders].policy: unknown field `sel`"),
        ("policy = 3", "link[orders].policy: is neither a word nor a rule"),
    ] {
        let wrong = Folder::new().wrong(&small_with(inside));
        assert!(wrong[0].starts_with(expected), "{wrong:?} is not {expected}");
        assert_eq!(wrong.len(), 1);
    }
}

#[test]
fn the_conditions_of_a_filter_have_their_forms() {
    for (condition, expected) in [
        (r#"{ column = "a", op = "~", value = 1 }"#, "link[orders].filter[1].op: is `~`"),
        (r#"{ column = "a", op = "=" }"#, "link[orders].filter[1].value: is no plain value"),
        (r#"{ column = "a", op = "=", value = [1] }"#, "link[orders].filter[1].value: is no plain value"),
        (r#"{ column = "a", op = "in", value = 1 }"#, "link[orders].filter[1].value: is no list of values"),
        (r#"{ column = "a", op = "in", value = [] }"#, "link[orders].filter[1].value: is no list of values"),
        (
            r#"{ column = "a", op = "is null", value = 1 }"#,
            "link[orders].filter[1].value: stands beside `is null`",
        ),
        (r#"{ column = "", op = "is null" }"#, "link[orders].filter[1].column: is empty"),
        (r#"{ colum = "a", op = "is null" }"#, "link[orders].filter[1]: unknown field `colum`"),
    ] {
        let wrong = Folder::new().wrong(&small_with(&format!("filter = [{condition}]")));
        assert!(wrong[0].starts_with(expected), "{wrong:?} is not {expected}");
        assert_eq!(wrong.len(), 1);
    }
}

#[test]
fn the_columns_by_which_rows_find_their_records_are_columns_of_the_link() {
    let columns = r#"columns = ["id", { name = "mail", header = "E-mail" }]"#;
    for (inside, expected) in [
        ("match_on = []", "link[orders].match_on: is empty"),
        (r#"match_on = ["mail", "MAIL"]"#, "link[orders].match_on: names `MAIL` twice"),
        (r#"match_on = ["name"]"#, "link[orders].match_on: `name` is not one of the link's `columns`"),
        (r#"match_on = ["E-mail"]"#, "link[orders].match_on: `E-mail` is the header of a column"),
        (r#"match_on = [""]"#, "link[orders].match_on: `` is empty"),
    ] {
        let wrong = Folder::new().wrong(&small_with(&format!("{columns}\n{inside}")));
        assert!(wrong[0].starts_with(expected), "{wrong:?}");
        assert_eq!(wrong.len(), 1);
    }
    // Without a list every column of the table is one: the table tells which there are.
    let settings = Folder::new().load(&small_with(r#"match_on = ["name", "town"]"#)).unwrap();
    assert_eq!(settings.links[0].rules.match_on, ["name", "town"]);
}

#[test]
fn links_do_not_share_a_name_or_a_tab() {
    let again = &SMALL[SMALL.find("[[link]]").unwrap()..];
    let wrong = Folder::new().wrong(&format!("{SMALL}{}", again.replace("Orders", "ORDERS")));
    assert_eq!(
        wrong,
        [
            "link[2].name: `orders` is already the name of link 1",
            "link[orders].tab: link `orders` already has this tab of this spreadsheet",
        ]
    );
    // one table may have several tabs
    let other = again.replace("\"orders\"", "\"copy\"").replace("Orders", "Copy");
    assert_eq!(Folder::new().load(&format!("{SMALL}{other}")).unwrap().links.len(), 2);
}

#[test]
fn a_file_without_links_or_without_a_file_says_what_to_do() {
    let wrong = Folder::new().wrong("[google]\nkey_file = \"google.json\"");
    assert_eq!(wrong, ["link: there is none"]);
    let wrong = Folder::new().wrong("link = 3\n[google]\nkey_file = \"google.json\"");
    assert_eq!(wrong, ["link: is not a list of links"]);

    let folder = Folder::new();
    let nowhere = sheetbridge::config::load(&folder.path("nothing.toml"), &folder.surroundings);
    let Complaints(told) = nowhere.expect_err("there is no file");
    assert!(told[0].cure.contains("--config"), "{}", told[0]);
}

#[test]
fn slips_in_variables_are_told() {
    let folder = Folder::new()
        .variable("SHEETBRIDGE_MYSQL_HOST", "db")
        .variable("SHEETBRIDGE_LINK__0__NAME", "x")
        .variable("SHEETBRIDGE_MYSQL__HSOT", "db");
    let wrong = folder.wrong(SMALL);
    assert!(wrong[0].starts_with("SHEETBRIDGE_MYSQL_HOST: is no setting"), "{wrong:?}");
    assert!(wrong[1].starts_with("SHEETBRIDGE_LINK__0__NAME: "), "{wrong:?}");
    assert!(wrong[2].starts_with("mysql: unknown field `hsot`"), "{wrong:?}");
    assert_eq!(wrong.len(), 3);
}
