//! The program itself, as a person and as systemd meet it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::support::deadline::eventually;
use crate::support::scratch::{Running, Scratch};
use crate::support::server::{Server, for_each_server};

const SOON: Duration = Duration::from_secs(60);

/// The secrets in the folder below: nothing of them may be seen anywhere.
const PASSWORD: &str = "plantedpassword";
const SCRIPT: &str = "cGxhbnRlZCBzZWNyZXQgb2YgdGhpcyB2ZXJ5IHRlc3Q=";

/// A folder with a configuration and secrets in it.
struct Installed {
    scratch: Scratch,
    private_key: String,
}

impl Installed {
    /// With a `[mysql]` section, and a link to this table.
    fn new(mysql: &str, table: &str) -> Self {
        let scratch = Scratch::new("cli");
        let private_key = private_key();
        let google = serde_json::json!({
            "type": "service_account", "client_email": "sb@example.iam.gserviceaccount.com", "private_key": private_key,
            "private_key_id": "k1", "token_uri": "http://127.0.0.1:9/token",
        });
        let configuration = format!(
            r#"
[mysql]
{mysql}

[google]
key_file = "google.json"
base_address = "http://127.0.0.1:9"
token_url = "http://127.0.0.1:9/token"

[[link]]
name = "orders"
table = "{table}"
spreadsheet = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
tab = "Orders"
deletes = "apply"
secret_files = ["orders.secret"]
"#
        );
        let files = [
            ("google.json", google.to_string()),
            ("mysql.password", PASSWORD.to_owned()),
            ("orders.secret", format!("whsec_{SCRIPT}")),
            ("sheetbridge.toml", configuration),
        ];
        for (name, content) in files {
            let path = scratch.path().join(name);
            fs::write(&path, content).expect("the folder is writable");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        }
        Self { scratch, private_key }
    }

    /// On a server, with a table, an account and a state schema of its own. Google does not answer.
    async fn on(server: &Server, story: &str) -> Self {
        let name = server.fresh_database(story).await;
        server
            .sql(&format!(
                "CREATE TABLE {name}.orders (id INT PRIMARY KEY, note TEXT);
                 CREATE USER '{name}'@'localhost' IDENTIFIED BY '{PASSWORD}';
                 GRANT ALL ON *.* TO '{name}'@'localhost'"
            ))
            .await;
        let mysql = format!(
            "socket = \"{}\"\nuser = \"{name}\"\npassword_file = \"mysql.password\"\nstate_schema = \"state_{name}\"",
            server.socket().display()
        );
        Self::new(&mysql, &format!("{name}.orders"))
    }

    fn command(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sheetbridge"));
        program.arg(command).arg("--config").arg(self.path("sheetbridge.toml"));
        for given in
            ["JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY", "SHEETBRIDGE_LOG"]
        {
            program.env_remove(given);
        }
        program
    }

    /// Starts the daemon as systemd would, everything that it says on standard error in a file.
    fn start(&self, log: &str, socket: &UnixDatagram) -> Running {
        let address = socket.local_addr().expect("it is bound");
        let log = File::create(self.path(log)).expect("the folder is writable");
        self.scratch.run(
            self.command("run")
                .args(["--log-format", "json", "--log", "trace"])
                .env("NOTIFY_SOCKET", address.as_pathname().expect("it has a path"))
                .env("WATCHDOG_USEC", "300000")
                .stderr(log),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn said(&self, log: &str) -> String {
        fs::read_to_string(self.path(log)).unwrap_or_default()
    }
}

/// A key as Google would give it. Debian has openssl wherever it has certificates.
fn private_key() -> String {
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA"])
        .output()
        .expect("openssl is installed");
    String::from_utf8(made.stdout).expect("PEM is text")
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Waits until systemd would have heard this word.
async fn heard(systemd: &UnixDatagram, word: &str) {
    let mut buffer = [0; 4096];
    let hearing = async {
        loop {
            let length = systemd.recv(&mut buffer).await.expect("a datagram");
            if String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == word) {
                return;
            }
        }
    };
    assert!(timeout(SOON, hearing).await.is_ok(), "{word} was never heard");
}

#[test]
fn a_good_configuration_is_told_link_by_link() {
    let installed = Installed::new("", "shop.orders");
    let (code, out, err) = told(&installed.command("check-config").output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("orders: shop.orders <-> tab \"Orders\" of 1aBc"), "{out}");
    assert!(out.contains("the configuration is good"), "{out}");
}

#[test]
fn a_bad_configuration_ends_with_78_and_all_complaints() {
    let installed = Installed::new("prot = 3306\n[endpoint]\nlisten = \"here\"", "shop.orders");
    for command in ["check-config", "run"] {
        let (code, out, err) = told(&installed.command(command).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(78), ""), "{err}");
        assert!(err.contains("mysql: unknown field `prot`"), "{err}");
        assert!(err.contains("endpoint.listen: `here` is neither"), "{err}");
        assert_eq!(err.lines().count(), 2, "{err}");
    }
    let (code, _, err) =
        told(&Installed::new("", "shop.orders").command("run").args(["--log", "x=loud"]).output().unwrap());
    assert_eq!(code, Some(78), "{err}");
}

#[tokio::test]
async fn the_daemon_tells_systemd_of_its_life_and_ends_in_good_order() {
    for_each_server(async |server| {
        let installed = Installed::on(server, "life").await;
        let systemd = UnixDatagram::bind(installed.path("notify")).unwrap();
        let mut daemon = installed.start("log", &systemd);
        heard(&systemd, "READY=1").await;
        // the watchdog is fed, and not only once
        heard(&systemd, "WATCHDOG=1").await;
        heard(&systemd, "WATCHDOG=1").await;

        eventually(SOON, "the lease", async || installed.said("log").contains("\"running\"").then_some(()))
            .await;

        // a twin on the same state does nothing but say why
        let twins = UnixDatagram::bind(installed.path("twins")).unwrap();
        let mut twin = installed.start("twins.log", &twins);
        eventually(SOON, "the twin's refusal", async || {
            installed.said("twins.log").contains("holds the lease").then_some(())
        })
        .await;
        twin.kill9();

        daemon.terminate();
        heard(&systemd, "STOPPING=1").await;
        assert_eq!(daemon.end(SOON).await.code(), Some(0), "{}", installed.said("log"));
    })
    .await;
}

#[tokio::test]
async fn a_killed_daemon_is_succeeded_at_once() {
    for_each_server(async |server| {
        let installed = Installed::on(server, "killed").await;
        let systemd = UnixDatagram::bind(installed.path("notify")).unwrap();
        let mut daemon = installed.start("log", &systemd);
        heard(&systemd, "READY=1").await;
        daemon.kill9();
        let next = UnixDatagram::bind(installed.path("next")).unwrap();
        let _daemon = installed.start("next.log", &next);
        heard(&next, "READY=1").await;
    })
    .await;
}

#[tokio::test]
async fn planted_secrets_are_in_no_log_even_at_trace() {
    for_each_server(async |server| {
        let installed = Installed::on(server, "planted").await;
        let systemd = UnixDatagram::bind(installed.path("notify")).unwrap();
        let mut daemon = installed.start("log", &systemd);
        heard(&systemd, "READY=1").await;
        daemon.terminate();
        daemon.end(SOON).await;

        let said = installed.said("log");
        let lines: Vec<serde_json::Value> =
            said.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
        // not for want of a chance: the settings are there, whole
        let settings = lines.iter().any(|line| line["settings"].to_string().contains("orders"));
        assert!(settings, "the settings are not in the log:\n{said}");
        let key_line = installed.private_key.lines().nth(5).expect("a key has many lines");
        for secret in [PASSWORD, SCRIPT, key_line] {
            assert!(!said.contains(secret), "{secret} is in the log");
        }
    })
    .await;
}
