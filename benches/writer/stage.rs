//! What every scenario stands on: a real server, a local Google with real quotas, and the built daemon between them.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sheets_emulator::grid::{SheetId, Spreadsheet, SpreadsheetId, Tab};
use sheets_emulator::{Call, Emulator, Knobs, Minute, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::goods;
use crate::support::deadline::eventually;
use crate::support::port;
use crate::support::scratch::{Running, Scratch};
use crate::support::server::Server;

/// Nothing here takes longer, on the slowest of machines.
const LONG: Duration = Duration::from_secs(3600);

/// Calls a minute while a stage is being set up.
const PLENTY: u32 = 1_000_000;

/// What Google charges for a call, as the emulator plays it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Google {
    /// Reads and writes a minute for one account.
    pub(crate) quota: u32,
    /// The round trip of a call.
    pub(crate) round_trip_ms: u64,
    /// More for each megabyte of request and answer.
    pub(crate) ms_per_mb: u64,
}

impl Google {
    /// The real quota and no service time.
    pub(crate) const FAST: Self = Self { quota: 60, round_trip_ms: 0, ms_per_mb: 0 };
    /// The real quota and the service time that design and emulator assume: 0.3 s and 1 s a megabyte.
    pub(crate) const SLOW: Self = Self { quota: 60, round_trip_ms: 300, ms_per_mb: 1000 };

    /// The same with as many calls as anybody may want.
    pub(crate) fn without_quota(self) -> Self {
        Self { quota: PLENTY, ..self }
    }

    fn knobs(self) -> Knobs {
        Knobs {
            quota_minute: Minute::Sliding,
            reads_per_user: self.quota,
            writes_per_user: self.quota,
            reads_per_project: self.quota.saturating_mul(5),
            writes_per_project: self.quota.saturating_mul(5),
            service_ms: self.round_trip_ms,
            service_ms_per_mb: self.ms_per_mb,
            ..Knobs::default()
        }
    }
}

/// One link of a stage.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Its name, which is its table's and its tab's too.
    pub(crate) name: String,
    /// Its spreadsheet's place in the stage.
    pub(crate) book: usize,
    /// Its tab.
    pub(crate) tab: SheetId,
    /// Rows in the table.
    pub(crate) rows: u32,
    /// Does the tab have them already?
    pub(crate) filled: bool,
}

/// All of it; dropping it ends everything but the server.
pub(crate) struct Stage {
    pub(crate) server: &'static Server,
    pub(crate) google: Emulator,
    pub(crate) database: String,
    pub(crate) books: Vec<SpreadsheetId>,
    pub(crate) links: Vec<Link>,
    pub(crate) endpoint: SocketAddr,
    pub(crate) secret: String,
    status: SocketAddr,
    /// How often every tab is looked at whole.
    pub(crate) sweep: &'static str,
    daemon: Option<Running>,
    starts: u32,
    scratch: Scratch,
}

impl Stage {
    /// Tables and tabs are there; no daemon runs.
    pub(crate) async fn open(server: &'static Server, links: Vec<Link>) -> Self {
        let database = server.fresh_database("bench").await;
        let options =
            Options { open_door: true, knobs: Google::FAST.without_quota().knobs(), ..Options::default() };
        let google = Emulator::start(options).await.expect("a free port");
        let count = links.iter().map(|link| link.book + 1).max().unwrap_or(1);
        let books: Vec<SpreadsheetId> = (0..count).map(|_| SpreadsheetId::random()).collect();
        for (at, id) in books.iter().enumerate() {
            let mine: Vec<&Link> = links.iter().filter(|link| link.book == at).collect();
            google.world().create(id.clone(), "Bench", |book| furnish(book, &mine));
        }
        for link in &links {
            let name = &link.name;
            server.sql(&format!("USE {database}; CREATE TABLE {name} {}", goods::DEFINITION)).await;
            server.sql(&format!("USE {database}; INSERT INTO {name} {}", goods::rows(link.rows))).await;
        }
        Self {
            server,
            google,
            database,
            books,
            links,
            endpoint: SocketAddr::from(([127, 0, 0, 1], port::free())),
            secret: format!("whsec_{}", STANDARD.encode(uuid::Uuid::new_v4().as_bytes().repeat(2))),
            status: SocketAddr::from(([127, 0, 0, 1], port::free())),
            sweep: "60s",
            daemon: None,
            starts: 0,
            scratch: Scratch::new("bench"),
        }
    }

    /// One link of so many rows that stand in the tab already.
    pub(crate) async fn filled(server: &'static Server, rows: u32) -> Self {
        Self::open(server, vec![Link { name: "goods".into(), book: 0, tab: SheetId(0), rows, filled: true }])
            .await
    }

    /// Starts the daemon with an account that has made no call yet, so that what came before counts for nothing.
    pub(crate) fn start(&mut self, google: Google) {
        self.starts += 1;
        let robot = robot(self.starts);
        self.configure(&robot, google);
        self.google.world().set_knobs(google.knobs());
        let log = OpenOptions::new().create(true).append(true).open(self.scratch.path().join("daemon.log"));
        let log = log.expect("the folder is writable");
        let errors: File = log.try_clone().expect("a file handle can be copied");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sheetbridge"));
        command.envs(environment_of_the_unit());
        command.args(["run", "--log-format", "text", "--log", "info", "--config"]);
        command.arg(self.scratch.path().join("sheetbridge.toml")).stdout(log).stderr(errors);
        self.daemon = Some(self.scratch.run(&mut command));
    }

    /// Ends the daemon in good order.
    pub(crate) async fn stop(&mut self) {
        if let Some(mut running) = self.daemon.take() {
            running.terminate();
            running.end(LONG).await;
        }
    }

    /// Brings every link to its live state with no quota in the way, then begins anew with the given Google.
    pub(crate) async fn settle(&mut self, google: Google) {
        self.start(Google::FAST.without_quota());
        self.until_live(1).await;
        self.stop().await;
        self.start(google);
        self.until_live(2).await;
        self.google.calls().clear();
    }

    /// Waits until every link has been live so many times.
    pub(crate) async fn until_live(&self, times: usize) {
        let wanted = self.links.len() * times;
        eventually(LONG, "links that are live", async || {
            (self.log().matches("the link is live").count() >= wanted).then_some(())
        })
        .await;
    }

    /// Is this link followed, as the daemon tells it? Before it listens, no link is.
    pub(crate) async fn is_live(&self, link: &str) -> bool {
        self.told(link).await["live"] == true
    }

    /// Waits until nothing of this link is under way: what the tab shows, its last call may not have answered yet.
    pub(crate) async fn until_idle(&self, link: &str) {
        let idle = async || (self.told(link).await["pending"] == 0).then_some(());
        eventually(LONG, "a link at rest", idle).await;
    }

    /// Waits until the daemon has nothing to do: after a start it looks at all of a tab more than once, and the local Google may
    /// be at work on that for a while.
    pub(crate) async fn until_calm(&self) {
        loop {
            let before = self.daemon_cost().0;
            tokio::time::sleep(Duration::from_secs(20)).await;
            if self.daemon_cost().0 - before < 0.1 {
                return;
            }
        }
    }

    /// What the daemon tells of a link; nothing before it listens.
    async fn told(&self, link: &str) -> serde_json::Value {
        let asked = async {
            let mut stream = TcpStream::connect(self.status).await?;
            stream.write_all(b"GET /status HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<String, std::io::Error>(answer)
        };
        let answer = asked.await.unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut status: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        status["links"][link].take()
    }

    /// What the daemon has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("daemon.log")).unwrap_or_default()
    }

    /// Statements in the stage's database.
    pub(crate) async fn sql(&self, statements: &str) {
        self.server.sql(&format!("USE {}; {statements}", self.database)).await;
    }

    /// The spreadsheet as it stands.
    pub(crate) fn book(&self, at: usize) -> Arc<Spreadsheet> {
        self.google.world().spreadsheet(&self.books[at]).expect("nobody takes it away")
    }

    /// Calls since the stage was settled.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.google.calls().since(0)
    }

    /// The daemon's memory now, in megabytes.
    pub(crate) fn resident_mb(&self) -> f64 {
        let id = self.daemon.as_ref().map_or(0, Running::id);
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    }

    /// CPU seconds of the daemon so far, and its largest memory in megabytes.
    pub(crate) fn daemon_cost(&self) -> (f64, f64) {
        let id = self.daemon.as_ref().map_or(0, Running::id);
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |at: usize| after_name.get(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
        // Fields 14 and 15 of the file, in the 100 ticks a second that Linux shows to programs.
        ((ticks(11) + ticks(12)) / 100.0, kilobytes.unwrap_or(0.0) / 1024.0)
    }

    fn configure(&self, robot: &str, google: Google) {
        let folder = self.scratch.path();
        let key = self.google.create_account(robot, "7").expect("a key can be made");
        fs::write(folder.join("google.json"), key.to_string()).expect("the folder is writable");
        fs::write(folder.join("link-secret"), &self.secret).expect("the folder is writable");
        for secret in ["google.json", "link-secret"] {
            fs::set_permissions(folder.join(secret), fs::Permissions::from_mode(0o600))
                .expect("the file is ours");
        }
        let mut text = format!(
            "[mysql]\nsocket = \"{}\"\nuser = \"root\"\nstate_schema = \"{}_state\"\n\n\
             [google]\nkey_file = \"google.json\"\nbase_address = \"{}\"\ntoken_url = \"{}\"\n\
             reads_per_minute = {quota}\nwrites_per_minute = {quota}\n\n[endpoint]\nlisten = \"{}\"\nstatus = \"{}\"\n",
            self.server.socket().display(),
            self.database,
            self.google.base_url(),
            self.google.token_url(),
            self.endpoint,
            self.status,
            quota = google.quota,
        );
        for Link { name, book, .. } in &self.links {
            let _ = write!(
                text,
                "\n[[link]]\nname = \"{name}\"\ntable = \"{}.{name}\"\nspreadsheet = \"{}\"\ntab = \"{name}\"\n\
                 deletes = \"apply\"\nsweep_interval = \"{}\"\nsecret_files = [\"link-secret\"]\n",
                self.database, self.books[*book], self.sweep
            );
        }
        fs::write(folder.join("sheetbridge.toml"), text).expect("the folder is writable");
    }
}

/// What the service gives the daemon to run in.
fn environment_of_the_unit() -> impl Iterator<Item = (&'static str, &'static str)> {
    let unit = include_str!("../../systemd/sheetbridge.service");
    unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
}

fn robot(start: u32) -> String {
    format!("robot-{start}@bench.iam.gserviceaccount.com")
}

/// The tabs of a spreadsheet, its own first tab among them, and the right to edit for whoever comes.
fn furnish(book: &mut Spreadsheet, links: &[&Link]) {
    book.sharing.owner = Some("ann@example.com".into());
    book.sharing.editors.extend((1..10).map(robot));
    book.sharing.editors.insert(crate::rivals::RIVAL.into());
    book.tabs.clear();
    for link in links {
        let height = if link.filled { link.rows + 1 } else { 1 };
        let mut tab = Tab::new(link.tab, &link.name, height.max(2), goods::COLUMNS.len() as u32);
        if link.filled {
            goods::fill(&mut tab, link.rows);
        }
        book.tabs.push(tab);
    }
}
