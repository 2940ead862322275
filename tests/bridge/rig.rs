//! The whole bridge of one test: a database and a state schema of its own on a shared server, a user with exactly the rights
//! of `sql/grants-*.sql`, a local Google with a spreadsheet, the real script in it, and the built daemon between them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mysql_async::prelude::Queryable;
use sheets_emulator::grid::{SheetId, SpreadsheetId};
use sheets_emulator::script::{Outcome, Reply, Script, Shown, Source};
use sheets_emulator::{Emulator, Knobs, Options};
use tokio::time::{interval, timeout};

use super::binlog::Binlog;
use super::calls::Calls;
use super::daemon::Daemon;
use super::goods;
use super::judge;
use super::person::Person;
use crate::support::deadline::eventually;
use crate::support::port;
use crate::support::scratch::Scratch;
use crate::support::server::{Kind, Server};

/// What the busiest of machines needs for anything here.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A look at both sides is a few queries.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// The linked tab; the first one of a new spreadsheet has this number.
pub(crate) const TAB: SheetId = SheetId(0);

const ROBOT: &str = "sheetbridge@test.iam.gserviceaccount.com";

/// Far more calls a minute than any test makes: quotas have tests of their own.
const PLENTY: u32 = 60_000;

/// What a test may choose.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Does the spreadsheet have the script, and the daemon an endpoint?
    pub(crate) script: bool,
    /// How often the whole tab is read.
    pub(crate) sweep_interval: &'static str,
    /// Rows in the table before the daemon starts for the first time.
    pub(crate) rows: u32,
    /// What becomes of a record whose line is deleted.
    pub(crate) deletes: &'static str,
    /// Further lines of the link's configuration.
    pub(crate) more: &'static str,
    /// Further lines of `[google]`.
    pub(crate) google: &'static str,
    /// Further lines of `[mysql]`.
    pub(crate) mysql: &'static str,
    /// The rows that the tab shows, as SQL.
    pub(crate) inside: &'static str,
    /// The linked table and what is in it, where it is another one than that of [`goods`].
    pub(crate) table: Option<String>,
    /// Does systemd open the endpoint's socket and hand it over?
    pub(crate) activated: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            script: true,
            sweep_interval: "1s",
            rows: 12,
            deletes: "apply",
            more: "",
            google: "",
            mysql: "",
            inside: "TRUE",
            table: None,
            activated: false,
        }
    }
}

/// All of it. Dropping it ends everything but the shared server; where the test failed, the daemon's last words are shown.
pub(crate) struct Rig {
    pub(crate) server: &'static Server,
    pub(crate) google: Emulator,
    pub(crate) daemon: Daemon,
    /// The user's database.
    pub(crate) database: String,
    /// The daemon's own schema.
    pub(crate) state: String,
    pub(crate) spreadsheet: SpreadsheetId,
    pub(crate) endpoint: SocketAddr,
    /// Where it tells how it stands.
    pub(crate) status: SocketAddr,
    /// The link's secret, `whsec_...`.
    pub(crate) secret: String,
    /// The rows that the tab shows, as SQL.
    pub(crate) inside: Mutex<&'static str>,
    scratch: Scratch,
}

impl Rig {
    /// Sets everything up, starts the daemon, connects the script by its menu, and waits until the tab shows the table.
    pub(crate) async fn open(server: &'static Server, story: &str, setup: Setup) -> Self {
        let rig = Self::prepared(server, story, &setup).await;
        rig.start().await;
        if setup.script {
            rig.connect_script().await;
        }
        rig.until_equal(SOON).await;
        rig
    }

    /// The same with a table of the test's own, and rows in it: waits until base has so many.
    pub(crate) async fn open_with(server: &'static Server, story: &str, setup: Setup, rows: u64) -> Self {
        let rig = Self::prepared(server, story, &setup).await;
        rig.start().await;
        rig.connect_script().await;
        rig.until_base_has(rows).await;
        rig
    }

    /// Waits until base has so many rows, and nothing is under way.
    pub(crate) async fn until_base_has(&self, rows: u64) {
        self.until(SOON, async || {
            let known = self.state_rows("base WHERE dead_at IS NULL").await;
            if known == rows {
                judge::under_way(self).await
            } else {
                Some(format!("{known} of {rows} rows in base"))
            }
        })
        .await;
    }

    /// Everything but the daemon's start.
    pub(crate) async fn prepared(server: &'static Server, story: &str, setup: &Setup) -> Self {
        let database = server.fresh_database(story).await;
        let state = format!("{database}_state");
        let sample = if setup.rows > 0 { goods::sample(setup.rows) } else { "DO 0".to_owned() };
        let table = setup.table.clone().unwrap_or_else(|| format!("{}; {sample}", goods::CREATE));
        server.sql(&format!("USE {database}; {table}")).await;
        grant_least(server, &database, &state).await;

        let google = open_google().await;
        let spreadsheet = SpreadsheetId::random();
        google.world().create(spreadsheet.clone(), "Shop", |book| {
            book.sharing.owner = Some("ann@example.com".into());
            book.sharing.editors.insert(ROBOT.into());
            book.tabs[0].title = "Goods".into();
        });

        let scratch = Scratch::new("bridge");
        let folder = scratch.path().to_owned();
        let endpoint = SocketAddr::from(([127, 0, 0, 1], port::free()));
        let socket = setup.activated.then_some(endpoint);
        let rig = Self {
            server,
            google,
            daemon: Daemon::new(folder.join("sheetbridge.toml"), &folder, socket),
            database,
            state,
            spreadsheet,
            endpoint,
            status: SocketAddr::from(([127, 0, 0, 1], port::free())),
            secret: format!("whsec_{}", STANDARD.encode(uuid::Uuid::new_v4().as_bytes().repeat(2))),
            inside: Mutex::new(setup.inside),
            scratch,
        };
        rig.configure(setup);
        rig
    }

    /// Starts the daemon, for the first time or again.
    pub(crate) async fn start(&self) {
        self.daemon.start(&self.scratch);
        let state = &self.state;
        let made = format!(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{state}' AND table_name = 'note'"
        );
        eventually(SOON, "the daemon's own schema", async || {
            (self.server.one::<u64>(&made).await == 1).then_some(())
        })
        .await;
        if self.script().is_some() {
            self.daemon.listens(self.endpoint, SOON).await;
        }
    }

    /// Writes other lines into the configuration, for the next start; `inside` are the rows that the tab shows from then on.
    pub(crate) fn reconfigure(&self, old: &str, new: &str, inside: &'static str) {
        let file = self.scratch.path().join("sheetbridge.toml");
        let text = fs::read_to_string(&file).expect("it was written");
        assert!(text.contains(old), "{old} is not in the configuration");
        fs::write(&file, text.replace(old, new)).expect("the folder is writable");
        *self.inside.lock().expect("nobody panics with it") = inside;
    }

    /// Gives the link a new secret beside the one that its script has, for the next start.
    pub(crate) fn rotates_the_secret(&self) {
        let file = self.scratch.path().join("new-secret");
        let secret = format!("whsec_{}", STANDARD.encode(uuid::Uuid::new_v4().as_bytes().repeat(2)));
        fs::write(&file, secret).expect("the folder is writable");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let inside = *self.inside.lock().expect("nobody panics with it");
        self.reconfigure(r#"["link-secret"]"#, r#"["new-secret", "link-secret"]"#, inside);
    }

    /// Ends the daemon as a power cut does.
    pub(crate) fn kill9(&self) {
        self.daemon.kill9();
    }

    /// Ends the daemon as systemd does.
    pub(crate) async fn stop(&self) {
        self.daemon.stop().await;
    }

    /// What an operator types: whether it went well, and all that it said.
    pub(crate) async fn command(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = self.daemon.command(arguments);
        // The local Google answers in this very program.
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("it does not panic").expect("the program is built");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// A person at the tab.
    pub(crate) fn person(&self, address: &str) -> Person<'_> {
        Person::new(self, address)
    }

    /// Statements in the user's database, as somebody else than the daemon.
    pub(crate) async fn sql(&self, statements: &str) {
        self.server.sql(&format!("USE {}; {statements}", self.database)).await;
    }

    /// The one value of a query in the user's database, as text.
    pub(crate) async fn ask(&self, query: &str) -> Option<String> {
        let mut conn = self.server.connect().await;
        conn.query_drop(format!("USE {}", self.database)).await.expect("the database is there");
        let row: Option<Option<String>> = conn.query_first(query).await.expect("a right query");
        row.flatten()
    }

    /// Waits until a query of the user's database gives this value.
    pub(crate) async fn table_says(&self, query: &str, value: &str) {
        self.until(SOON, async || {
            let said = self.ask(query).await;
            (said.as_deref() != Some(value)).then(|| format!("{said:?} and not {value:?} of {query}"))
        })
        .await;
    }

    /// Rows of a table of the daemon's own schema.
    pub(crate) async fn state_rows(&self, table: &str) -> u64 {
        self.server.one(&format!("SELECT COUNT(*) FROM {}.{table}", self.state)).await
    }

    /// Waits until table and tab are equal value by value, base knows exactly these rows, and nothing is under way. Where the
    /// deadline passes, the test fails with what is still different.
    pub(crate) async fn until_equal(&self, deadline: Duration) {
        self.until(deadline, async || judge::difference(self).await).await;
    }

    /// The same while somebody reads the notes in the tab and does what they ask for: what differs and is told by none stays so.
    /// Gives what was asked.
    pub(crate) async fn until_equal_with_notes_heeded(&self, deadline: Duration) -> Vec<String> {
        let (ann, heeded) = (self.person("ann@example.com"), Mutex::new(Vec::new()));
        self.until(deadline, async || {
            let wrong = judge::difference(self).await?;
            let asked = ann.heeds_a_note();
            heeded.lock().expect("nobody panics with it").extend(asked);
            Some(wrong)
        })
        .await;
        heeded.into_inner().expect("nobody panics with it")
    }

    /// Looks until nothing is wrong any more. Where the deadline passes, the test fails with what is still wrong.
    async fn until(&self, deadline: Duration, wrong: impl AsyncFn() -> Option<String>) {
        let mut last = String::new();
        let right = timeout(deadline, async {
            let mut looks = interval(BETWEEN_LOOKS);
            while let Some(wrong) = wrong().await {
                self.daemon.must_run();
                last = wrong;
                looks.tick().await;
            }
        });
        if right.await.is_err() {
            let told: Vec<(String, Option<String>, String)> = self
                .server
                .rows(&format!(
                    "SELECT kind, key_text, cause FROM {}.ledger WHERE kind IN ('conflict', 'note') ORDER BY id",
                    self.state
                ))
                .await;
            let refused: Vec<String> = self
                .server
                .rows(&format!(
                    "SELECT answer FROM {0}.edit WHERE answer LIKE '%refused%' UNION ALL SELECT text FROM {0}.note",
                    self.state
                ))
                .await;
            panic!(
                "{}: not right within {deadline:?}: {last}; told: {told:?}; refused: {refused:?}",
                self.server
            );
        }
    }

    /// A line of the private key that the daemon signs with.
    pub(crate) fn google_key(&self) -> String {
        let file = fs::read_to_string(self.scratch.path().join("google.json")).expect("it was written");
        let lines = file.split("\\n").map(str::to_owned);
        lines.max_by_key(String::len).map(|line| line.chars().take(40).collect()).unwrap_or_default()
    }

    /// Counts the calls to Google from now on.
    pub(crate) fn calls(&self) -> Calls<'_> {
        Calls::from_now(self)
    }

    /// Counts what is written from now on.
    pub(crate) async fn binlog(&self) -> Binlog<'_> {
        Binlog::from_now(self).await
    }

    /// The script, if there is one.
    pub(crate) fn script(&self) -> Option<Arc<Script>> {
        self.google.scripts().get(&self.spreadsheet).ok()
    }

    /// Installs the project's script and connects it as a person does: by the menu and its questions.
    pub(crate) async fn connect_script(&self) {
        let script = self.script().expect("it is installed");
        let replies = vec![
            Reply::text(format!("http://{}", self.endpoint)),
            Reply::text(goods::TABLE),
            Reply::text(&self.secret),
        ];
        let run = script.choose("Connect", "ann@example.com", TAB.0, replies).await.expect("the menu has it");
        let says = run.shown.last().map(Shown::text).unwrap_or_default();
        assert_eq!(run.outcome, Outcome::Completed, "{run:?}");
        assert!(says.starts_with("Connected: "), "the script says: {says}");
    }

    /// Waits until no run of the script stands in line. One that is told to wait leaves its edits to a timer, which no test lets go
    /// off: it is after this that a person's asking is the last word. They stand in line behind each other, and each may hold the
    /// others up for the second in which the daemon decides: however many there are, one of them has to end soon.
    pub(crate) async fn until_script_rests(&self) {
        let script = self.script().expect("it is installed");
        let mut ended = script.executions().len();
        while script.wait_idle(SOON).await.is_err() {
            let now = script.executions().len();
            assert!(now > ended, "{}: no run of the script ends within {SOON:?}", self.server);
            ended = now;
        }
    }

    /// A person asks for it by the script's menu: whatever waits in the outbox is sent now.
    pub(crate) async fn sync_now(&self) {
        let script = self.script().expect("it is installed");
        let run = script.choose("Sync now", "ann@example.com", TAB.0, Vec::new()).await;
        let run = run.expect("the menu has it");
        assert_eq!(run.outcome, Outcome::Completed, "{run:?}");
    }

    fn configure(&self, setup: &Setup) {
        let folder = self.scratch.path();
        let key = self.google.create_account(ROBOT, "7").expect("a key can be made");
        fs::write(folder.join("google.json"), key.to_string()).expect("the folder is writable");
        fs::write(folder.join("link-secret"), &self.secret).expect("the folder is writable");
        let mut link = String::from(setup.more);
        let mut endpoint = String::new();
        if setup.script {
            let listen = if setup.activated { "systemd".to_owned() } else { self.endpoint.to_string() };
            endpoint = format!("[endpoint]\nlisten = \"{listen}\"\nstatus = \"{}\"\n", self.status);
            link += "\nsecret_files = [\"link-secret\"]";
            let code = include_str!("../../apps-script/Code.js");
            let source = Source::new(code, include_str!("../../apps-script/appsscript.json"));
            let source = source.expect("the project's own manifest");
            self.google.scripts().install(&self.spreadsheet, source).expect("a new script");
        }
        let text = format!(
            r#"
[mysql]
socket = "{socket}"
user = "{database}"
state_schema = "{state}"
{mysql}

[google]
key_file = "google.json"
base_address = "{google}"
token_url = "{token}"
reads_per_minute = {PLENTY}
writes_per_minute = {PLENTY}
{in_google}

{endpoint}
[[link]]
name = "{table}"
table = "{database}.{table}"
spreadsheet = "{spreadsheet}"
tab = "Goods"
deletes = {deletes}
sweep_interval = "{sweep}"
insert_after = "300ms"
delete_grace = "400ms"
second_look = "400ms"
{link}
"#,
            socket = self.server.socket().display(),
            database = self.database,
            state = self.state,
            google = self.google.base_url(),
            token = self.google.token_url(),
            table = goods::TABLE,
            spreadsheet = self.spreadsheet,
            deletes = if setup.deletes.starts_with('{') {
                setup.deletes.to_owned()
            } else {
                format!("{:?}", setup.deletes)
            },
            sweep = setup.sweep_interval,
            in_google = setup.google,
            mysql = setup.mysql,
        );
        fs::write(folder.join("sheetbridge.toml"), text).expect("the folder is writable");
        for secret in ["google.json", "link-secret"] {
            let own_user_only = fs::Permissions::from_mode(0o600);
            fs::set_permissions(folder.join(secret), own_user_only).expect("the file is ours");
        }
    }
}

/// What there is to look into after a failure is kept in the target folder.
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let built = Path::new(env!("CARGO_BIN_EXE_sheetbridge"));
            let kept =
                built.with_file_name(format!("bridge-{}-{}.log", self.server.kind().word(), self.database));
            let runs = self.script().map(|script| script.executions()).unwrap_or_default();
            let runs: Vec<String> = runs.iter().map(|run| format!("{run:?}\n")).collect();
            let text = format!("{}\n\nthe script:\n{}", self.daemon.log(), runs.concat());
            eprintln!(
                "the daemon's last words (all of them: {}):\n{}",
                kept.display(),
                self.daemon.last_words()
            );
            if let Err(error) = fs::write(&kept, text) {
                eprintln!("cannot write {}: {error}", kept.display());
            }
        }
    }
}

async fn open_google() -> Emulator {
    let knobs = Knobs {
        reads_per_user: PLENTY,
        writes_per_user: PLENTY,
        reads_per_project: PLENTY,
        writes_per_project: PLENTY,
        ..Knobs::default()
    };
    Emulator::start(Options { knobs, ..Options::default() }).await.expect("a free port")
}

/// The daemon's user, called as its database, with what the SQL file gives and nothing else.
async fn grant_least(server: &Server, database: &str, state: &str) {
    let grants = match server.kind() {
        Kind::MariaDb => include_str!("../../sql/grants-mariadb.sql"),
        Kind::MySql => include_str!("../../sql/grants-mysql.sql"),
    };
    let filled = grants
        .replace("{user}", database)
        .replace("{host}", "localhost")
        .replace("{state}", &state.replace('_', "\\_"))
        .replace("{app}", database)
        .replace("{table}", goods::TABLE);
    server.sql(&format!("CREATE USER '{database}'@'localhost'; {filled}")).await;
}
